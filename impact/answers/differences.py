"""A difference of two runs told change by change, to the cent: of inputs or of what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, amount, worded
from impact.base import times, words
from impact.base.errors import Fault, Refusal
from impact.case import views
from impact.case.changes import Change
from impact.case.checks import LINK_INPUT
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.case.schema import TLP, highest
from impact.case.ways import ROOT
from impact.measures.evidence import names
from impact.measures.standing import moved_standings, successors
from impact.measures.totals import total_loss
from impact.simulation import Run, estimate, require_event_run, simulate

if TYPE_CHECKING:
    import altair as alt

Effect = tuple[str, str, str, int]  # table, id, what changed, cents
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
        known = run.known.before or run.known
        one, other = simulate(known, run.draws, run.seed, run), run
    effects = effects_of(one, other)
    days = _apart(one.known, other.known)
    before, after = (_cents(run) / 100 for run in (one, other))
    rows = [
        (table, name, what, cents / 100, _about(one, other, table, name))
        for table, name, what, cents in effects
        if cents or not days
    ]
    frame = pl.DataFrame(rows, schema=_EFFECTS, orient="row")
    moved = frame.filter(pl.col("effect_usd") != 0)

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        steps = _steps(frame, getattr(said, "from"), before, said.to)
        return pictures.steps(steps, one.known.currency, wide)

    values = {
        "changed": bool(effects),
        "days": days,
        "here": views.described(one.known),
        "there": views.described(other.known),
        "before": before,
        "after": after,
        "first": moved.row(0, named=True) if moved.height else None,
    }
    parts = {"from.total": before, "to.total": after}
    for (table, name), effect in _summed(effects, days).items():
        parts[f"effect.{table}.{name}" if days else f"effect.{name}"] = effect
    figures = [amount(part, usd, None, one.known.currency) for part, usd in parts.items()]
    picture = draw if moved.height else None
    label, notices = _label(one, other), views.notices(one.known)
    facts = Facts(frame, values, figures, picture, bool(effects), label=label, notices=notices)
    return worded(other, "waterfall", facts)


def _summed(effects: list[Effect], days: bool) -> dict[tuple[str, str], float]:
    """(table, id) -> its effects together, in USD; between days only rows that move the total."""
    found: dict[tuple[str, str], int] = {}
    for table, name, _, cents in effects:
        found[table, name] = found.get((table, name), 0) + cents
    return {row: cents / 100 for row, cents in found.items() if cents or not days}


def _label(one: Run, other: Run) -> str:
    """The highest level of two views, and of what stood between their days and at neither."""
    case, days = other.known.loaded, [run.known.as_of or _NEVER for run in (one, other)]
    levels = {one.known.label, other.known.label}
    if case is not None and days[0] != days[1]:
        seen = pl.col("tlp").is_in(TLP[: TLP.index(other.known.tlp) + 1])
        seen &= pl.col("known_on") <= times.until(max(days))
        levels |= {level for rows in case.tables.values() for level in rows.filter(seen)["tlp"]}
    return highest(levels)


_EFFECTS = {
    **dict.fromkeys(("table", "id", "what"), pl.String),
    "effect_usd": pl.Float64,
    "about": pl.String,
}


def _about(one: Run, other: Run, table: str, name: str) -> str:
    """What a row of a table is, in words: as a reader of one of two views would call it."""
    known = other.known if name in other.known.rows(table) else one.known
    row, said = known.rows(table).get(name, {}), names(known)
    if table == "losses" and row:
        return f"{said[row['bearer']]}, {row['driver']}"
    if table == "links" and row:
        return f"{said[row['source']]} > {said[row['target']]}"
    if table == "inputs" and row:
        return str(row["meaning"]).rstrip(".")
    return name


def _apart(one: Case, other: Case) -> bool:
    """Whether two views are of different days."""
    return one.as_of != other.as_of


def effects_of(one: Run, other: Run) -> list[Effect]:
    """(table, id, how it changed, effect in cents), the greatest effect first."""
    if (one.draws, one.seed) != (other.draws, other.seed):
        what = "the runs are of other draws or seeds"
        raise Refusal(Fault("waterfall", what, "compare runs of equal draws and seed"))
    seen = [(run.known.id, run.known.tlp, run.over) for run in (one, other)]
    if seen[0] != seen[1]:
        what = "the runs are of other cases, levels or spans"
        raise Refusal(Fault("waterfall", what, "compare views of one case and one level"))
    require_event_run(one, "waterfall")
    effects: list[Effect] = []
    if _apart(one.known, other.known):
        later = [run.known.as_of or _NEVER for run in (one, other)]
        if later[0] > later[1]:
            back = effects_of(other, one)
            return [(table, name, f"not yet {what}", -cents) for table, name, what, cents in back]
        effects, reached, last = _rows_taken_up(one, other)
        if _cents(one) + sum(row[3] for row in effects) != _cents(reached):
            what = "the rows from one day to the other do not lead from one run to the other"
            raise Refusal(Fault("waterfall", what, "compare views of one loaded case"))
        effects += _time_passed(reached, last)
        one = last
    effects += _inputs_changed(one, other)
    return sorted(effects, key=lambda row: (-abs(row[3]), *row[:2]))


def _time_passed(run: Run, later: Run) -> list[Effect]:
    """What it does that states have gone on: inputs of their lengths, one after the other."""
    effects, cents = list[Effect](), _cents(run)
    for name, lasted in sorted(later.known.lasted.items()):
        if run.known.lasted.get(name) != lasted:
            known = replace(run.known, lasted={**run.known.lasted, name: lasted})
            run = simulate(known, run.draws, run.seed, run)
            effects.append(("inputs", name, "has lasted longer", _cents(run) - cents))
            cents = _cents(run)
    return effects


def _rows_taken_up(one: Run, other: Run) -> tuple[list[Effect], Run, Run]:
    """(effects, run, run): every row that became known, in order, and where that leads.

    The second run is the first with the time that has passed. The changes of the first view, and
    how long states had lasted in it, hold on the way. Nothing is simulated for a row that no number
    can rest on.
    """
    own, tables = one.known.changes, dict((one.known.before or one.known).tables)
    effects: list[Effect] = []
    run, cents = one, _cents(one)
    for known, changes in views.history(one.known, other.known):
        for change in changes:
            rows = tables[change.table].filter(pl.col("id") != change.id)
            if change.new is not None:
                rows = pl.concat([rows, pl.DataFrame([change.new], schema=rows.schema)]).sort("id")
            tables[change.table] = rows
            before = cents
            if _matters(run, change):
                seen = replace(known, tables=dict(tables), lasted=one.known.lasted, memo={})
                run = _simulated(seen, own, run)
                cents = _cents(run)
            effects.append((change.table, change.id, views.how(change), cents - before))
    last = other.known.before or other.known
    seen = replace(last, lasted=one.known.lasted, memo={})
    return effects, _simulated(seen, own, run), _simulated(last, own, run)


def _simulated(known: Case, own: Sequence[Change], like: Run) -> Run:
    """The run of a view under the changes of another, on the draws of a run."""
    names = known.inputs.keys() | {f"{LINK_INPUT}{link}" for link in known.rows("links")}
    known = views.changed(known, [change for change in own if change.name in names], "changes")
    return simulate(known, like.draws, like.seed, like)


def _matters(run: Run, change: views.RowChange) -> bool:
    """Whether a row can move a number of a run."""
    if change.table == "losses":
        return True
    if change.table == "links":
        rows = [row for row in (change.old, change.new) if row is not None]
        return any(row["chances"] for row in rows)
    if change.table == "inputs":
        return change.id in run.model.used
    return change.table == "entities" and change.id == ROOT


def _inputs_changed(one: Run, other: Run) -> list[Effect]:
    """The effects of inputs with another estimate: the mean of one order and of the reverse."""
    tables = [
        [run.known[table] for table in ("links", "losses", "entities")] for run in (one, other)
    ]
    if not all(a.equals(b) for a, b in zip(*tables, strict=True)):
        what = "the runs differ in more than inputs"
        raise Refusal(Fault("waterfall", what, "compare views of one case"))
    old, new = one.known.inputs, other.known.inputs
    differ = [
        name
        for name in old.keys() | new.keys()
        if name not in old or name not in new or estimate(old[name]) != estimate(new[name])
    ]
    differ.sort(key=lambda name: ((new.get(name) or old[name])["known_on"], name))
    forward, backward = _walk(one, other, differ), _walk(one, other, differ[::-1])
    twice = {name: forward[name] + backward[name] for name in differ}
    halves = {name: cents // 2 for name, cents in twice.items()}
    spare = _cents(other) - _cents(one) - sum(halves.values())
    for name in [name for name in differ if twice[name] % 2][:spare]:
        halves[name] += 1  # halves of a cent are given out whole, so that the sum stays
    return [("inputs", name, _how(old, new, name), halves[name]) for name in differ]


def _walk(one: Run, other: Run, order: Sequence[str]) -> dict[str, int]:
    """Effect of each change in cents, made one after the other in an order."""
    effects, run, cents = dict[str, int](), one, _cents(one)
    rows, new = dict(one.known.inputs), other.known.inputs
    for name in order[:-1]:
        rows = {key: row for key, row in rows.items() if key != name}
        rows |= {name: new[name]} if name in new else {}
        known = views.with_inputs(one.known, dict(sorted(rows.items())), ())
        run = simulate(known, one.draws, one.seed, run)
        now = _cents(run)
        effects[name], cents = now - cents, now
    if order:
        effects[order[-1]] = _cents(other) - cents
    return effects


def _how(old: dict[str, Any], new: dict[str, Any], name: str) -> str:
    first, last = (_range(rows.get(name)) for rows in (old, new))
    return f"was {first}, now {last}"


def _range(row: dict[str, Any] | None) -> str:
    if row is None:
        return "1"
    if row["shape"] == "fixed":
        return words.number(row["mode"], 3)
    _, low, _, high, _, pairs = estimate(row)
    ends = [value for _, value in pairs] if row["shape"] == "quantiles" else [low, high]
    return words.number_range(min(ends), max(ends), 3)


def _cents(run: Run) -> int:
    return round(float(total_loss(run).mean()) * 100)


def _steps(frame: pl.DataFrame, here: str, before: float, there: str) -> pl.DataFrame:
    rows: list[tuple[str, float, float, str]] = [(here, 0.0, before, "total")]
    at = before
    for name, effect in (
        frame.filter(pl.col("effect_usd") != 0).select("about", "effect_usd").iter_rows()
    ):
        rows.append((name, at, at + effect, "more" if effect > 0 else "less"))
        at += effect
    rows.append((there, 0.0, at, "total"))
    schema = {"label": pl.String, "start": pl.Float64, "end": pl.Float64, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def record(one: Run, other: Run) -> dict[str, Any]:
    """The answer of `impact diff --json`; effects sum to the difference."""
    days = _apart(one.known, other.known)
    ends = [
        {"view": _view(run.known, days), "total_mean_usd": _cents(run) / 100}
        for run in (one, other)
    ]
    changes = [
        {"table": table, "id": name, "what": what, "effect_usd": cents / 100}
        for table, name, what, cents in effects_of(one, other)
    ]
    was, is_ = successors(one.known), successors(other.known)
    told = [("claims", old, f"superseded by {new}") for old, new in is_.items() if old not in was]
    told += [
        ("statements", name, f"{before} to {after}")
        for name, _, before, after in moved_standings(one.known, other.known)
    ]
    changes += [
        {"table": table, "id": name, "what": what, "effect_usd": 0.0} for table, name, what in told
    ]
    return {"from": ends[0], "to": ends[1], "changes": changes}


def _view(known: Case, days: bool) -> str:
    """The scenario of a view; where days are apart its day, after a scenario with @."""
    day = times.as_text(known.as_of) if known.as_of and days else ""
    if not day:
        return known.scenario
    return day if known.scenario == BASELINE else f"{known.scenario}@{day}"
