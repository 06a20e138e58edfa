"""What became known between two views, and a difference of runs told change by change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import polars as pl

from impact.answers.answer import Answer, counted, figure, frame, pictures, tallies, worded
from impact.answers.text import ends, said_by
from impact.base import times, words
from impact.base.errors import Fault, Refusal
from impact.case import heads, row_changes, views
from impact.case.checks import LINK_INPUT
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.case.schema import highest, up_to
from impact.measures.evidence import names
from impact.measures.standing import moved_standings, successors
from impact.measures.totals import total_loss
from impact.simulation import Run, again, estimate, require_event_run

Effect = tuple[str, str, str, int]  # table, id, what changed, cents
Step = tuple[Case | None, str, str, str]  # the view after a change, None where no number rests on
# it; then its table, id and what changed
_PRICED = ("inputs", "links", "losses")  # tables on whose rows numbers rest
_NEVER = times.parse("2200")


def waterfall(run: Run, other: Run | None = None) -> Answer:
    """The difference of two mean totals, change by change, to the cent.

    From one run to another; of a run alone, from its view without scenario and changes to it. Each
    changed input is changed in turn, in the order of the days on which they became known and of
    their names, and in the reverse order; its effect is the mean of the two. Between two days the
    rows that became known are taken up in the order in which they did. Effects are whole cents that
    add up to the difference. Raises Refusal for runs of other draws, or of other levels.

    Table: `table`, `id`, `what`, `effect_usd`, `about` (the row in words), the greatest effect
    first; of two days the rows that move the total.
    """
    one = run
    if other is None:
        one, other = again(run, run.known.before or run.known), run
    effects, days = effects_of(one, other), one.known.as_of != other.known.as_of
    before, after = (_cents(each) / 100 for each in (one, other))
    rows = [
        (table, name, what, cents / 100, _about(one, other, table, name))
        for table, name, what, cents in effects
        if cents or not days
    ]
    table, currency = frame("waterfall", rows), one.known.currency
    moved = table.filter(pl.col("effect_usd") != 0)

    values = {
        "changed": bool(effects),
        "days": days,
        "here": heads.described(one.known),
        "there": heads.described(other.known),
        "before": before,
        "after": after,
    }
    of = pl.concat_str("table", "id", separator=".") if days else pl.col("id")
    summed = table.group_by(of.alias("of"), maintain_order=True).agg(pl.col("effect_usd").sum())
    parts = [(f"effect.{name}", round(usd, 2)) for name, usd in summed.iter_rows()]
    totals = [("from.total", before), ("to.total", after)]
    return worded(
        other,
        "waterfall",
        table,
        values,
        [figure(part, usd, currency) for part, usd in [*totals, *parts]],
        (lambda said, wide: pictures().steps(_steps(said, moved, before, after), currency, wide))
        if moved.height
        else None,
        label=_label(one, other),
        notices=heads.notices(one.known),
        there=bool(effects),
    )


def _label(one: Run, other: Run) -> str:
    """The highest level of two views, and of what stood between their days and at neither."""
    case, days = other.known.loaded, [run.known.as_of or _NEVER for run in (one, other)]
    levels = {one.known.label, other.known.label}
    if case is not None and days[0] != days[1]:
        seen = pl.col("tlp").is_in(up_to(other.known.tlp))
        seen &= pl.col("known_on") <= times.until(max(days))
        levels |= {level for rows in case.tables.values() for level in rows.filter(seen)["tlp"]}
    return highest(levels)


def _about(one: Run, other: Run, table: str, name: str) -> str:
    """What a row of a table is, in words: as a reader of one of two views would call it."""
    known = other.known if name in other.known.rows(table) else one.known
    row, said = known.rows(table).get(name, {}), names(known)
    if table == "losses" and row:
        return f"{said[row['bearer']]}, {row['driver']}"
    if table == "links" and row:
        return f"{said[row['source']]} > {said[row['target']]}"
    return str(row.get("meaning", name)).rstrip(".")


def _steps(said: Any, moved: pl.DataFrame, at: float, after: float) -> pl.DataFrame:
    """What is drawn: the first total, each effect from where the one before it ended, the last."""
    rows = [(getattr(said, "from"), 0.0, at, "total")]
    for name, effect in moved.select("about", "effect_usd").iter_rows():
        rows.append((name, at, at + effect, "more" if effect > 0 else "less"))
        at += effect
    rows.append((said.to, 0.0, after, "total"))
    return frame("bridge", rows)


def effects_of(one: Run, other: Run) -> list[Effect]:
    """(table, id, how it changed, effect in cents), the greatest effect first."""
    alike = [(run.draws, run.seed, run.known.id, run.known.tlp, run.over) for run in (one, other)]
    if alike[0] != alike[1]:
        raise _refused("the runs are of other draws, seeds, cases, levels or spans")
    require_event_run(one, "waterfall")
    days = [run.known.as_of or _NEVER for run in (one, other)]
    if days[0] > days[1]:
        back = effects_of(other, one)
        return [(table, name, f"not yet {what}", -cents) for table, name, what, cents in back]
    effects, one = _learned(one, other.known) if days[0] != days[1] else ([], one)
    effects += _inputs_changed(one, other)
    return sorted(effects, key=lambda row: (-abs(row[3]), *row[:2]))


def _refused(what: str) -> Refusal:
    repair = "compare views of one loaded case and one level, with equal draws and seed"
    return Refusal(Fault("waterfall", what, repair))


def _walked(run: Run, steps: Iterable[Step]) -> tuple[list[Effect], Run]:
    """The effect of each step from one view to the next, in cents, and the run at the end."""
    effects = list[Effect]()
    for known, table, name, what in steps:
        before = _cents(run)
        run = again(run, known) if known else run
        effects.append((table, name, what, _cents(run) - before))
    return effects, run


def _learned(one: Run, other: Case) -> tuple[list[Effect], Run]:
    """What became known up to a later view, then how long states went on, and where that leads."""
    last = other.before or other
    held = _under(replace(last, lasted=one.known.lasted, memo={}), one.known)
    effects, run = _walked(one, _rows_taken_up(one.known, other))
    reached = again(run, held)
    if _cents(run) != _cents(reached):
        raise _refused("the rows from one day to the other do not lead from one to the other")
    effects += _walked(reached, _time_passed(held, last.lasted))[0]
    return effects, again(reached, _under(last, one.known))


def _rows_taken_up(one: Case, other: Case) -> Iterator[Step]:
    """Every row that became known, in order, under the changes of the first view.

    How long states had lasted in it holds on the way.
    """
    tables = dict((one.before or one).tables)
    for known, changes in row_changes.history(one, other):
        for change in changes:
            rows = tables[change.table].filter(pl.col("id") != change.id)
            if change.new is not None:
                rows = pl.concat([rows, pl.DataFrame([change.new], schema=rows.schema)]).sort("id")
            tables[change.table] = rows
            seen = replace(known, tables=dict(tables), lasted=one.lasted, memo={})
            after = _under(seen, one) if change.table in _PRICED else None
            yield after, change.table, change.id, row_changes.how(change)


def _time_passed(known: Case, lasted: Mapping[str, float]) -> Iterator[Step]:
    """What it does that states have gone on: inputs of their lengths, one after the other."""
    for name, length in sorted(lasted.items()):
        if known.lasted.get(name) != length:
            known = replace(known, lasted={**known.lasted, name: length})
            yield known, "inputs", name, "has lasted longer"


def _under(known: Case, like: Case) -> Case:
    """A view under those changes of another that it can have."""
    names = known.inputs.keys() | {f"{LINK_INPUT}{link}" for link in known.rows("links")}
    return views.changed(
        known, [change for change in like.changes if change.name in names], "changes"
    )


def _inputs_changed(one: Run, other: Run) -> list[Effect]:
    """The effects of inputs with another estimate: the mean of one order and of the reverse."""
    for table in ("links", "losses", "entities"):
        if not one.known[table].equals(other.known[table]):
            raise _refused("the runs differ in more than inputs")
    every = {**one.known.inputs, **other.known.inputs}
    was, is_ = (
        {name: estimate(row) for name, row in run.known.inputs.items()} for run in (one, other)
    )
    differ = [name for name in every if was.get(name) != is_.get(name)]
    differ.sort(key=lambda name: (every[name]["known_on"], name))
    forward, backward = (
        _walked(one, _one_by_one(one.known, other.known, order))[0]
        for order in (differ, differ[::-1])
    )
    twice = [there[3] + back[3] for there, back in zip(forward, backward[::-1], strict=True)]
    whole = pairwise(sum_ // 2 for sum_ in accumulate(twice, initial=0))  # so that the sum stays
    return [
        (table, name, what, last - first)
        for (table, name, what, _), (first, last) in zip(forward, whole, strict=True)
    ]


def _one_by_one(one: Case, other: Case, order: Sequence[str]) -> Iterator[Step]:
    """The views in which one input after another is changed."""
    rows = dict(one.inputs)
    for name in order:
        was, now = rows.pop(name, None), other.inputs.get(name)
        rows |= {name: now} if now else {}
        whole = name == order[-1]
        known = other if whole else views.with_inputs(one, dict(sorted(rows.items())), ())
        yield known, "inputs", name, f"was {_range(was)}, now {_range(now)}"


def _range(row: Mapping[str, Any] | None) -> str:
    return "1" if row is None else words.number_range(*ends(row), 3)


def _cents(run: Run) -> int:
    return round(float(total_loss(run).mean()) * 100)


def record(one: Run, other: Run) -> dict[str, Any]:
    """The answer of `impact diff --json`; effects sum to the difference."""
    days = one.known.as_of != other.known.as_of
    was, is_ = successors(one.known), successors(other.known)
    told = effects_of(one, other)
    told += [
        ("claims", old, f"superseded by {new}", 0) for old, new in is_.items() if old not in was
    ]
    told += [
        ("statements", name, f"{before} to {after}", 0)
        for name, _, before, after in moved_standings(one.known, other.known)
    ]
    first, last = (
        {"view": _view(run.known, days), "total_mean_usd": _cents(run) / 100}
        for run in (one, other)
    )
    return {
        "from": first,
        "to": last,
        "changes": [
            {"table": table, "id": name, "what": what, "effect_usd": cents / 100}
            for table, name, what, cents in told
        ],
    }


def _view(known: Case, days: bool) -> str:
    """The scenario of a view; where days are apart its day, after a scenario with @."""
    if not (known.as_of and days):
        return known.scenario
    day = times.as_text(known.as_of)
    return day if known.scenario == BASELINE else f"{known.scenario}@{day}"


_ORDER = ["moved", "replaced", "taken back", "new"]
_CONTENT = ("stance", "object", "low", "mode", "high", "unit", "says")


def news(one: Case, other: Case) -> Answer:
    """What became known from the earlier of two views to the later, in words.

    Table: `kind` (new, replaced, taken back or moved), `says`, `by`, `what`; what moved first.
    """
    if one.as_of is None or (other.as_of is not None and other.as_of < one.as_of):
        one, other = other, one
    changes = [change for change in row_changes.between(one, other) if change.table == "claims"]
    later, gone = other.rows("claims"), successors(other)
    rows = list[tuple[str, ...]]()

    def add(kind: str, known: Case, claim: Mapping[str, Any], what: str) -> None:
        rows.append((kind, claim["says"], said_by(known, claim), what))

    for _, statement, before, after in moved_standings(one, other):
        add("moved", other, statement.first, f"{before} to {after}")
    for change in changes:
        was, is_ = change.old, change.new
        if is_ is None:
            add("taken back", one, was or {}, row_changes.how(change))
        elif was is None:
            for old in (later[name] for name in is_["supersedes"] if name in later):
                add("replaced", other, old, is_["says"])
            if change.id not in gone and is_["stance"] != "is asked":
                add("new", other, is_, is_["stage"] or "")
        elif any(is_[part] != was[part] for part in _CONTENT):
            rows.append(("replaced", was["says"], said_by(other, is_), is_["says"]))
    order = pl.col("kind").cast(pl.Enum(_ORDER))
    table = frame("news", rows).sort(order, maintain_order=True)
    kinds = counted(table["kind"], ("new", "replaced", "taken back", "moved"))
    values = {"counted": kinds, "days": [views.moment_of(known) for known in (one, other)]}
    label = highest((one.label, other.label))
    return worded(other, "news", table, values, tallies("news", kinds), label=label)
