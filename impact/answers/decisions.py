"""What to decide: each option's cost on the same draws, and where the best one flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import ILLUSTRATIVE
from impact.case import views
from impact.case.scenarios import Change, Decision
from impact.errors import BadInput
from impact.numerics import measures
from impact.simulation import Run, net, per_run, simulate

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """Mean cost of an option as a straight line in the input on which the decision flips."""

    option: str
    at_zero: float
    slope: float


@per_run
def decisions(run: Run) -> Answer:
    """What each option of each decision costs its bearer, and where the best option flips.

    Costs are net losses of the bearer on the same draws, so differences are of the options alone.
    Table: `decision`, `option`, `says`, `mean_usd`, `error_usd`, `p05`, `p50`, `p95`, `range`,
    `best_when`.
    """
    rows: list[dict[str, Any]] = []
    told, notes = [], []
    for decision in run.known.decisions.values():
        try:
            costs = {
                option.id: _costs(run, decision, option.changes) for option in decision.options
            }
            lines = _lines(run, decision)
        except BadInput:
            continue  # it rests on something that is not known in this view
        regimes = envelope(lines)
        titles = {option.id: option.title for option in decision.options}
        for option in decision.options:
            rows.append(_row(decision, option.title, option.says, costs[option.id],
                             _best_when(option.id, regimes)))  # fmt: skip
        told.append(_told(decision, lines, regimes, titles))
        notes.append(decision.note)
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    figures = [
        Figure(f"cost.{row['decision']}: {row['option']}", row["mean_usd"], row["error_usd"], "USD",
               words.money(row["mean_usd"], 1)) for row in rows
    ]  # fmt: skip

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        several = frame["decision"].n_unique() > 1
        label = pl.concat_str("decision", pl.lit(": "), "option") if several else pl.col("option")
        basis = pl.lit("assumption")
        return pictures.ranges(frame.select("p05", "p50", "p95", label=label, basis=basis))

    return Answer(
        name="decisions",
        sentence=" ".join(told) or "No decision can be worked out from what is known by that day.",
        table=frame,
        heads={
            "decision": "Decision",
            "option": "Option",
            "says": "Meaning",
            "range": "Cost, 5 % to 95 %",
            "best_when": "Cheapest on average",
        },
        figures=tuple(figures),
        notes=(*notes, f"Costs are {ILLUSTRATIVE}.") if rows else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if rows else None,
    )


_SCHEMA = {
    **dict.fromkeys(("decision", "option", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "error_usd", "p05", "p50", "p95"), pl.Float64),
    **dict.fromkeys(("range", "best_when"), pl.String),
}


def _costs(run: Run, decision: Decision, changes: Sequence[Change]) -> Draws:
    """`(draws,)` net loss of the decision's bearer under changes, on the draws of the run."""
    known = views.changed(run.known, changes, f"decision {decision.id}")
    return net(simulate(known, run.draws, run.seed, like=run), decision.bearer)


def _lines(run: Run, decision: Decision) -> list[Line]:
    """Mean cost of each option as a line in `flips_on`, from two points: it is linear in it."""
    lines = []
    for option in decision.options:
        low, high = (
            float(_costs(run, decision, [*option.changes, _fixed(decision, value)]).mean())
            for value in (0.0, 1e6)
        )
        lines.append(Line(option.id, low, (high - low) / 1e6))
    return lines


def _fixed(decision: Decision, value: float) -> Change:
    return Change(decision.flips_on, value, value, value)


def envelope(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """(option, from, to) of the cheapest option as the flip value grows from 0, in order.

    >>> envelope([Line("go on", 0, 0.03), Line("pause", 3e6, 0.0)])
    [('go on', 0.0, 100000000.0), ('pause', 100000000.0, inf)]
    """
    best = min(lines, key=lambda line: (line.at_zero, line.slope))
    regimes: list[tuple[str, float, float]] = []
    start = 0.0
    while True:
        crossings = [
            (
                (line.at_zero - best.at_zero) / (best.slope - line.slope),
                line.slope,
                line.option,
                line,
            )
            for line in lines
            if line.slope < best.slope
        ]
        crossings = [crossing for crossing in crossings if crossing[0] >= start]
        if not crossings:
            return [*regimes, (best.option, start, float("inf"))]
        at, _, _, better = min(crossings)
        regimes.append((best.option, start, float(at)))
        best, start = better, float(at)


def _best_when(option: str, regimes: list[tuple[str, float, float]]) -> str:
    for name, low, high in regimes:
        if name == option:
            if np.isinf(high):
                return f"above about {words.money(low, 1)}" if low else "always"
            return (
                f"up to about {words.money(high, 1)}" if not low else words.money_range(low, high)
            )
    return "never"


def _told(
    decision: Decision,
    lines: Sequence[Line],
    regimes: list[tuple[str, float, float]],
    titles: dict[str, str],
) -> str:
    """The finding: which option is cheapest on average, and from which value another is."""
    if all(line == Line(line.option, 0.0, 0.0) for line in lines):
        return f"{decision.title}: nothing is at stake in this view."
    first = f'"{titles[regimes[0][0]].lower()}" is cheapest on average'
    if len(regimes) == 1:
        return f"{decision.title}: {first}, whatever {decision.flips_says}."
    said = f"{decision.title}: {first} while {decision.flips_says} less than"
    said += f" about {words.money(regimes[1][1], 1)}"
    for name, low, _ in regimes[1:]:
        said += f', from about {words.money(low, 1)} "{titles[name].lower()}"'
    return f"{said}."


def _row(decision: Decision, title: str, says: str, cost: Draws, best_when: str) -> dict[str, Any]:
    found = measures.loss_measures(cost)
    low, mid, high = (found[name].value for name in ("p05", "p50", "p95"))
    return {
        "decision": decision.title,
        "option": title,
        "says": says,
        "mean_usd": found["mean"].value,
        "error_usd": found["mean"].error,
        "p05": low,
        "p50": mid,
        "p95": high,
        "range": words.money_range(low, high),
        "best_when": best_when,
    }
