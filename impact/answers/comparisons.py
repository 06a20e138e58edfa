"""What a change does: scenarios side by side, and a difference told change by change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import ILLUSTRATIVE
from impact.case import views
from impact.case.scenarios import BASELINE
from impact.errors import Fault, ImpactError, Refusal
from impact.numerics import measures
from impact.simulation import Run, estimate, given_event, remember, simulate, total

if TYPE_CHECKING:
    import altair as alt


def under(run: Run, scenario: str) -> Run:
    """The run under another scenario of its case, on the same draws."""
    given_event(run, "under")
    known = views.under(run.known, scenario)
    return simulate(known, run.draws, run.seed, run, run.points)


def paired(one: Run, other: Run) -> tuple[measures.Measure, float]:
    """(mean of the other's total less the one's, variance unpaired over paired), on shared draws.

    On the same draws what does not change cancels, so that the error is that of the change alone
    (common random numbers: Law 2014, section 11.2).
    """
    first, second = total(one), total(other)
    moved = second - first
    apart = float(first.var() + second.var())
    found = measures.mean(moved, one.replicates)
    variance = float(moved.var())
    return found, apart / variance if variance > 0 else float("inf")


def compare(run: Run, scenarios: Sequence[str] | None = None) -> Answer:
    """What each scenario of the case does to the total, on the draws of the run.

    All scenarios but that of the run, or those named. Table: `scenario`, `title`, `says`,
    `mean_usd`, `difference_usd`, `difference_error_usd`, `p95_usd`, `p95_difference_usd`,
    `times_sharper` (variance of the difference on separate draws over that on these).
    """
    given_event(run, "compare")
    base, notices = measures.order_statistic(total(run), 0.95), views.notices(run.known)
    names = [name for name in run.known.scenarios if name != run.known.scenario]
    rows: list[dict[str, Any]] = []
    for name in names if scenarios is None else scenarios:
        try:
            other = under(run, name)
        except ImpactError:
            if scenarios is not None:
                raise
            continue  # it rests on something that is not known in this view
        remember(run, [other])
        notices += [notice for notice in views.notices(other.known) if notice not in notices]
        lost = total(other)
        moved, sharper = paired(run, other)
        p95 = measures.order_statistic(lost, 0.95)
        rows.append(
            {
                "scenario": name,
                "title": run.known.scenarios[name].title,
                "says": run.known.scenarios[name].says,
                "mean_usd": float(lost.mean()),
                "difference_usd": moved.value,
                "difference_error_usd": moved.error,
                "p95_usd": p95,
                "p95_difference_usd": p95 - base,
                "times_sharper": sharper,
                "said": _said(moved),
            }
        )
    frame = pl.DataFrame(rows, schema=_SCENARIOS, orient="row")
    here = _title(run)

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        value, half = pl.col("difference_usd"), pl.col("difference_error_usd")
        rows = frame.select(label="title", value=value, low=value - half, high=value + half)
        return pictures.differences(rows)

    return Answer(
        name="scenarios",
        sentence=_widest(frame, here),
        table=frame,
        heads={
            "title": "Scenario",
            "says": "What it supposes",
            "mean_usd": "Mean total",
            "said": f"Beside {here}",
            "p95_usd": "One in twenty is above",
        },
        figures=tuple(
            Figure(f"{part}.{row['scenario']}", row[part], row.get(error), "USD",
                   words.money(row[part], 1))
            for row in rows
            for part, error in (("mean_usd", ""), ("difference_usd", "difference_error_usd"),
                                ("p95_usd", ""))
        ),
        notes=(
            "Differences are on the same draws; ± is simulation error, half of a 95 % interval.",
            f"Totals are {ILLUSTRATIVE}.",
        )
        if rows
        else (),
        notices=tuple(notices),
        draw=draw if rows else None,
    )  # fmt: skip


_SCENARIOS = {
    **dict.fromkeys(("scenario", "title", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "difference_usd", "difference_error_usd"), pl.Float64),
    **dict.fromkeys(("p95_usd", "p95_difference_usd", "times_sharper"), pl.Float64),
    "said": pl.String,
}


def _said(moved: measures.Measure) -> str:
    """A difference with its error; none where nothing moves."""
    value, error = moved.value or 0.0, moved.error or 0.0
    if not value and not error:
        return "no difference"
    if abs(value) < error:
        return f"less than {words.money(abs(value) + error, 1)} either way"
    way = "more" if value > 0 else "less"
    return f"{words.money(abs(value))} ± {words.money(error, 1)} {way}"


def _widest(frame: pl.DataFrame, here: str) -> str:
    if not frame.height:
        return "No other scenario can be worked out from what is known by that day."
    ordered = frame.sort("difference_usd", "scenario")
    most, least = ordered.row(-1, named=True), ordered.row(0, named=True)
    told = [
        f'"{row["title"].lower()}" would cost {row["said"]}'
        for row, away in ((most, most["difference_usd"] > 0), (least, least["difference_usd"] < 0))
        if away
    ]
    if not told:
        return f"No scenario moves the mean total beside {here}."
    return f"Beside {here}, {words.listed(told)} on average."


def waterfall(run: Run, other: Run | None = None) -> Answer:
    """The difference of two mean totals, change by change, to the cent.

    From one run to another; of a run alone, from its view without scenario and changes to it. The
    runs differ in inputs alone. Each input is changed in turn, in the order of the days on
    which they became known and of their names, and in the reverse order; its effect is the mean of
    the two, in whole cents that add up to the difference. Raises Refusal where rows other than
    inputs differ.

    Table: `table`, `id`, `what`, `effect_usd`, the greatest effect first.
    """
    one = run
    if other is None:
        known = run.known.before or run.known
        one, other = simulate(known, run.draws, run.seed, run, run.points), run
    effects = effects_of(one, other)
    before, after = (_cents(run) / 100 for run in (one, other))
    rows: list[dict[str, Any]] = [
        {"table": "inputs", "id": change, "what": what, "effect_usd": cents / 100}
        for change, what, cents in effects
    ]
    frame = pl.DataFrame(rows, schema=_EFFECTS, orient="row")
    here, there = (_title(run) for run in (one, other))

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.steps(_steps(frame, here, before, there))

    moved = frame.filter(pl.col("effect_usd") != 0)
    if not effects:
        said = f"No input is changed: the mean total stays {words.money(before)}"
    else:
        said = f"From {here} to {there} the mean total goes from {words.money(before)} to"
        said += f" {words.money(after)}"
    if moved.height:
        first = moved.row(0, named=True)
        effect = first["effect_usd"]
        most = effect / (after - before) > 0.5 if after != before else False
        what = "most of it goes with" if most else "the greatest effect is that of"
        said += f"; {what} {first['id']}, {words.money(effect)}"
    return Answer(
        name="waterfall",
        sentence=f"{said}.",
        table=frame,
        heads={"id": "Input", "what": "Changed", "effect_usd": "Effect on the mean total"},
        figures=(
            Figure("from.total", before, None, "USD", words.money(before)),
            Figure("to.total", after, None, "USD", words.money(after)),
            *(
                Figure(f"effect.{row['id']}", row["effect_usd"], None, "USD",
                       words.money(row["effect_usd"]))
                for row in rows
            ),
        ),
        notes=(
            "Effects are the mean of changing the inputs in one order and in the reverse, on the"
            f" same draws; they add up to the cent. Totals are {ILLUSTRATIVE}.",
        )
        if effects
        else (),
        notices=tuple(dict.fromkeys([*views.notices(one.known), *views.notices(other.known)])),
        draw=draw if moved.height else None,
    )  # fmt: skip


_EFFECTS = {**dict.fromkeys(("table", "id", "what"), pl.String), "effect_usd": pl.Float64}


def effects_of(one: Run, other: Run) -> list[tuple[str, str, int]]:
    """(input, how it changed, effect in cents), the greatest effect first."""
    if (one.draws, one.seed, one.points) != (other.draws, other.seed, other.points):
        what = "the runs are of other draws, seeds or points"
        raise Refusal(Fault("waterfall", what, "compare runs of equal draws and seed"))
    seen = [(run.known.as_of, run.known.tlp, run.over) for run in (one, other)]
    tables = [
        [run.known[table] for table in ("links", "losses", "entities")] for run in (one, other)
    ]
    if seen[0] != seen[1] or not all(a.equals(b) for a, b in zip(*tables, strict=True)):
        what = "the runs differ in more than inputs"
        raise Refusal(Fault("waterfall", what, "compare views of one day and one level"))
    given_event(one, "waterfall")
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
    told = [(name, _how(old, new, name), halves[name]) for name in differ]
    return sorted(told, key=lambda row: (-abs(row[2]), row[0]))


def _walk(one: Run, other: Run, order: Sequence[str]) -> dict[str, int]:
    """Effect of each change in cents, made one after the other in an order."""
    effects, run, cents = dict[str, int](), one, _cents(one)
    rows, new = dict(one.known.inputs), other.known.inputs
    for name in order[:-1]:
        rows = {key: row for key, row in rows.items() if key != name}
        rows |= {name: new[name]} if name in new else {}
        known = views.with_inputs(one.known, dict(sorted(rows.items())), ())
        run = simulate(known, one.draws, one.seed, run, one.points)
        now = _cents(run)
        effects[name], cents = now - cents, now
    if order:
        effects[order[-1]] = _cents(other) - cents
    return effects


def _how(old: dict[str, Any], new: dict[str, Any], name: str) -> str:
    first, last = (_range(rows.get(name)) for rows in (old, new))
    return f"{first} to {last}"


def _range(row: dict[str, Any] | None) -> str:
    if row is None:
        return "1"
    if row["shape"] == "fixed":
        return words.number(row["mode"], 3)
    _, low, _, high, _, pairs = estimate(row)
    ends = [value for _, value in pairs] if row["shape"] == "quantiles" else [low, high]
    return f"{words.number(min(ends), 3)} – {words.number(max(ends), 3)}"


def _cents(run: Run) -> int:
    return round(float(total(run).mean()) * 100)


def _title(run: Run) -> str:
    title = run.known.scenarios[run.known.scenario].title
    own = [c for c in run.known.changes if c not in run.known.scenarios[run.known.scenario].changes]
    title = title.lower() if run.known.scenario == BASELINE else f'"{title.lower()}"'
    return f"{title} with {words.listed([str(change) for change in own])}" if own else title


def _steps(frame: pl.DataFrame, here: str, before: float, there: str) -> pl.DataFrame:
    rows: list[tuple[str, float, float, str]] = [(here, 0.0, before, "total")]
    at = before
    for name, effect in (
        frame.filter(pl.col("effect_usd") != 0).select("id", "effect_usd").iter_rows()
    ):
        rows.append((name, at, at + effect, "more" if effect > 0 else "less"))
        at += effect
    rows.append((there, 0.0, at, "total"))
    schema = {"label": pl.String, "start": pl.Float64, "end": pl.Float64, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def record(one: Run, other: Run) -> dict[str, Any]:
    """The answer of `impact diff --json`; effects sum to the difference."""
    ends = [
        {"view": run.known.scenario, "total_mean_usd": _cents(run) / 100} for run in (one, other)
    ]
    return {
        "from": ends[0],
        "to": ends[1],
        "changes": waterfall(one, other).table.to_dicts(),
    }
