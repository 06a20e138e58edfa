"""What a change does: scenarios side by side, and a difference told change by change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from impact.answers.answer import Answer, frame, pictures, worded
from impact.base.errors import ImpactError
from impact.case import views
from impact.case.schema import highest
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, remember, require_event_run, simulate


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
    apart, together = first.var() + second.var(), (second - first).var()
    return measures.mean(second - first), float(apart / together) if together else float("inf")


def compare(run: Run, scenarios: Sequence[str] | None = None) -> Answer:
    """What each scenario of the case does to the total, on the draws of the run.

    The scenario of the run first, then all others but the members of other grids, or those named,
    by their effect. Table: `id`, `title`, `says`, `mean_usd`, `low`, `high`, `given`, `often` of
    the total, `difference_usd`, `difference_error_usd`, `same` (nothing at all differs), `p95_usd`,
    `p95_difference_usd`, `times_sharper` (variance of the difference on separate draws over that on
    these), `falls` and `denies` (what it supposes of named parties).
    """
    require_event_run(run, "compare")
    known, base = run.known, _p95(run)
    grids = ("", known.scenarios[known.scenario].grid)  # alone, or a member of the same grid
    beside = [name for name, one in known.scenarios.items() if one.grid in grids]
    rows, label = list[dict[str, Any]](), known.label
    for name in [n for n in beside if n != known.scenario] if scenarios is None else scenarios:
        try:
            other = under(run, name)
        except ImpactError:
            if scenarios is not None:
                raise
            continue  # it rests on something that is not known in this view
        remember(run, [other])
        label = highest((label, other.known.label))
        p95 = {"p95_usd": _p95(other), "p95_difference_usd": _p95(other) - base}
        rows.append({**_scenario(other), **difference(run, other), **p95})
    rows.sort(key=lambda row: (row["difference_usd"], row["id"]))
    drawn = frame("scenarios", [_scenario(run), *rows]).sort("mean_usd", "id")

    return worded(
        run,
        "scenarios",
        frame("scenarios", rows),
        {"here": views.described(known)},
        draw=lambda _, wide: pictures().spans(_spans(drawn), known.currency, wide),
        label=label,
    )


def _p95(run: Run) -> float:
    return measures.order_statistic(total_loss(run), 0.95)


def _spans(rows: pl.DataFrame) -> pl.DataFrame:
    """What is drawn of scenarios: `label`, `low`, `mean`, `high`, `hollow` of what is supposed."""
    said = {True: " (hypothetical)", False: " (counterfactual)"}
    return pl.DataFrame(
        {
            "label": row["title"]
            + (said[bool(row["falls"])] if row["falls"] + row["denies"] else ""),
            "mean": row["mean_usd"],
            "low": row["low"] or 0.0,
            "high": row["high"] or 0.0,
            "hollow": bool(row["falls"] or row["denies"]),
        }
        for row in rows.iter_rows(named=True)
    )


def _scenario(run: Run) -> dict[str, Any]:
    """What a row says of a scenario: its total, and what it supposes of named parties."""
    known, lost = run.known, total_loss(run)
    spread = measures.nine_in_ten(lost, whole=True)
    return {
        **views.described(known),
        "id": known.scenario,
        "says": known.scenarios[known.scenario].says,
        "mean_usd": float(lost.mean()),
        "low": spread.low,
        "high": spread.high,
        "given": spread.given,
        "often": spread.chance,
    }
