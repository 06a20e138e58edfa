"""What a change does: scenarios side by side, and a difference told change by change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, amount, worded
from impact.base.errors import ImpactError
from impact.case import views
from impact.case.folder import Case
from impact.case.schema import highest
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, require_event_run, simulate

if TYPE_CHECKING:
    import altair as alt


def under(run: Run, scenario: str) -> Run:
    """The run under another scenario of its case, on the same draws."""
    require_event_run(run, "under")
    known = views.under(run.known, scenario)
    return simulate(known, run.draws, run.seed, run)


def difference(one: Run, other: Run) -> dict[str, Any]:
    """What templates need to say how the totals of two runs differ, see `moved.j2`."""
    moved, sharper = paired(one, other)
    return {
        "difference_usd": moved.value,
        "difference_error_usd": moved.error,
        "same": one.reached == other.reached,
        "times_sharper": sharper,
    }


def paired(one: Run, other: Run) -> tuple[measures.Measure, float]:
    """(mean of the other's total less the one's, variance unpaired over paired), on shared draws.

    On the same draws what does not change cancels, so that the error is that of the change alone
    (common random numbers: Law 2014, section 11.2).
    """
    first, second = total_loss(one), total_loss(other)
    moved = second - first
    apart = float(first.var() + second.var())
    found = measures.mean(moved)
    variance = float(moved.var())
    return found, apart / variance if variance > 0 else float("inf")


def compare(run: Run, scenarios: Sequence[str] | None = None) -> Answer:
    """What each scenario of the case does to the total, on the draws of the run.

    The scenario of the run first, then all others but the members of other grids, or those named,
    by their effect. Table: `id`, `title`, `says`, `mean_usd`, `low`, `high`, `given`, `often` of
    the total, `difference_usd`, `difference_error_usd`, `same` (nothing at all differs), `p95_usd`,
    `p95_difference_usd`, `times_sharper` (variance of the difference on separate draws over that on
    these), `falls` and `denies` (what it supposes of named parties).
    """
    require_event_run(run, "compare")
    base = measures.order_statistic(total_loss(run), 0.95)
    names = [name for name in run.known.scenarios if name != run.known.scenario]
    if scenarios is None:
        names = [name for name in names if _beside(run.known, name)]
    rows, label = list[dict[str, Any]](), run.known.label
    for name in names if scenarios is None else scenarios:
        try:
            other = under(run, name)
        except ImpactError:
            if scenarios is not None:
                raise
            continue  # it rests on something that is not known in this view
        label = highest((label, other.known.label))
        p95 = measures.order_statistic(total_loss(other), 0.95)
        row = {**_scenario(other, name), **difference(run, other)}
        rows.append({**row, "p95_usd": p95, "p95_difference_usd": p95 - base})
    rows.sort(key=lambda row: (row["difference_usd"], row["id"]))
    frame = pl.DataFrame(rows, schema=_SCENARIOS, orient="row")
    here = _scenario(run, run.known.scenario)
    drawn = pl.DataFrame([here, *rows], schema_overrides=_SCENARIOS).sort("mean_usd", "id")

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.spans(_spans(drawn), run.known.currency, wide)

    errors = {"mean_usd": "", "difference_usd": "difference_error_usd", "p95_usd": ""}
    figures = [
        amount(f"{part}.{row['id']}", row[part], row.get(error), run.known.currency)
        for row in rows
        for part, error in errors.items()
    ]
    values = {"here": views.described(run.known)}
    facts = Facts(frame, values, figures, draw if rows else None, bool(rows), label=label)
    return worded(run, "scenarios", facts)


def _spans(rows: pl.DataFrame) -> pl.DataFrame:
    """What is drawn of scenarios: `label`, `low`, `mean`, `high`, `hollow` of what is supposed."""
    falls, denies = (pl.col(name).list.len() > 0 for name in ("falls", "denies"))
    supposed = pl.when(falls).then(pl.lit(" (hypothetical)"))
    mark = supposed.when(denies).then(pl.lit(" (counterfactual)")).otherwise(pl.lit(""))
    return rows.select(
        pl.col("low", "high").fill_null(0),
        label=pl.concat_str("title", mark),
        mean="mean_usd",
        hollow=falls | denies,
    )


_SCENARIOS: dict[str, Any] = {
    **dict.fromkeys(("id", "title", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "low", "high", "often"), pl.Float64),
    "given": pl.Boolean,
    **dict.fromkeys(("difference_usd", "difference_error_usd"), pl.Float64),
    "same": pl.Boolean,
    **dict.fromkeys(("p95_usd", "p95_difference_usd", "times_sharper"), pl.Float64),
    **dict.fromkeys(("falls", "denies"), pl.List(pl.String)),
    "supposed": pl.Boolean,
}


def _scenario(run: Run, name: str) -> dict[str, Any]:
    """What a row says of a scenario: its total, and what it supposes of named parties."""
    scenario, spread = run.known.scenarios[name], measures.nine_in_ten(total_loss(run), whole=True)
    view = views.described(run.known)
    ends = {"low": spread.low, "high": spread.high, "given": spread.given, "often": spread.chance}
    return {
        "id": name,
        "title": scenario.title,
        "says": scenario.says,
        "mean_usd": float(total_loss(run).mean()),
        **ends,
        "falls": view["falls"],
        "denies": view["denies"],
        "supposed": bool(view["falls"] or scenario.contradicts),
    }


def _beside(known: Case, name: str) -> bool:
    """Whether a scenario is shown beside that of a view: alone, or a member of the same grid."""
    return known.scenarios[name].grid in ("", known.scenarios[known.scenario].grid)
