"""What to decide: each option's cost on the same draws, and where the best one flips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.losses import in_all
from impact.answers.provenance import ILLUSTRATIVE
from impact.case import checks, views
from impact.case.scenarios import Change, Decision, Option
from impact.errors import BadInput, bad, did_you_mean
from impact.numerics import graph, loss_kinds, measures
from impact.simulation import Run, arguments, given_event, net, per_run, remember, what_if

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """Mean cost of an option as a straight line in the input on which the decision flips.

    Where that is a chance, `means` are the mean costs at even steps of it from 0 to 1.
    """

    option: str
    at_zero: float
    slope: float
    means: tuple[float, ...] = ()


@dataclass(frozen=True)
class Weighed:
    """A decision worked out: `costs` is `(options, draws)` net losses of its bearer."""

    decision: Decision
    costs: Draws
    lines: tuple[Line, ...]

    @property
    def best(self) -> int:
        """The option that is cheapest on average."""
        return int(self.costs.mean(axis=1).argmin())

    @property
    def best_chances(self) -> Draws:
        """`(options,)` shares of draws in which each is cheapest; equals share a draw."""
        least = self.costs == self.costs.min(axis=0)
        shares: Draws = (least / least.sum(axis=0)).mean(axis=1)
        return shares

    @property
    def regrets(self) -> Draws:
        """`(options,)` mean cost above that of the option which is cheapest in each draw."""
        regrets: Draws = (self.costs - self.costs.min(axis=0)).mean(axis=1)
        return regrets


@per_run
def weighed(run: Run) -> tuple[Weighed, ...]:
    """The decisions of the case that can be worked out from what the view knows, in order."""
    given_event(run, "decisions")
    found = []
    for decision in run.known.decisions.values():
        named = {loss for option in decision.options for loss in (*option.costs, *option.saves)}
        if not named <= run.model.losses.keys() or decision.flips_on not in run.known.inputs:
            continue  # it rests on something that is not known in this view
        try:
            runs = [what_if(run, option.changes) for option in decision.options]
            remember(run, runs)
            costs = np.array([net(option, decision.bearer) for option in runs])
            lines = tuple(
                _curve(run, decision, option)
                if checks.is_chance(run.known.inputs[decision.flips_on]["unit"])
                else _line(decision, option, run_of, cost)
                for option, run_of, cost in zip(decision.options, runs, costs, strict=True)
            )
        except BadInput:
            continue  # as above
        found.append(Weighed(decision, costs, lines))
    return tuple(found)


def _curve(run: Run, decision: Decision, option: Option) -> Line:
    """The mean cost of one option at each value of the chance on which its decision flips.

    Used once, the chance mixes the cost without and the cost with what it is the chance of, which
    is exact; otherwise the same draws are counted at 33 values of it. What the option itself sets
    comes after.
    """
    name, model = decision.flips_on, run.model
    terms = [checks.chance_term(term) for every in model.terms.values() for term in every]
    links = [minutes for chance, minutes in terms if chance == name]
    losses = [
        model.losses[at] for at, p in model.pairs.items() for used in p.values() if used == name
    ]
    plain = all(row["kind"] == "product" and not row["limit"] for row in losses)
    once = len(links) + len(losses) == 1 and links in ([], [None]) and plain
    means = tuple(
        float(
            net(what_if(run, [Change(name, at, at, at), *option.changes]), decision.bearer).mean()
        )
        for at in np.linspace(0, 1, 2 if once else 33).tolist()
    )
    return Line(option.id, means[0], means[-1] - means[0], means)


def _line(decision: Decision, option: Option, run: Run, cost: Draws) -> Line:
    """The line of one option: what of its mean cost is a multiple of the input, and what is not."""
    multiple, slope = 0.0, 0.0
    if any(change.name == decision.flips_on for change in option.changes):
        return Line(option.id, float(cost.mean()), 0.0)  # it sets the input itself
    for name, pairs in run.model.pairs.items():
        row = run.model.losses[name]
        mask = run.reached.get(row["needs"], 0)
        if decision.flips_on not in pairs.values() or not mask:
            continue
        sign = (row["bearer"] == decision.bearer) - (row["received_by"] == decision.bearer)
        factors = arguments(run, name)
        others = [factors[a] for a, used in pairs.items() if used != decision.flips_on]
        of_one = np.where(graph.unpack(mask, run.draws), math.prod(others, start=1.0), 0.0)
        multiple += sign * float(run.losses[name].mean())
        slope += sign * float(of_one.mean())
    return Line(option.id, float(cost.mean()) - multiple, slope)


@per_run
def decisions(run: Run, only: str = "", most: int | None = None) -> Answer:
    """What each option of each decision costs its bearer, and where the best option flips.

    All decisions of the case, the one named, or in short the first `most` of those that the view
    can work out. Raises BadInput for a decision that the case does not have.

    Costs are net losses of the bearer on the same draws, so differences are of the options alone.
    Table: `decision`, `option`, `says`, `brings`, `saves`, `mean_usd`, `error_usd`, `p05`, `p50`,
    `p95`, `range`, `best_chance`, `regret_usd` (mean cost above the cheapest of each draw),
    `best_when`.
    """
    if only and only not in run.known.decisions:
        repair = did_you_mean(only, list(run.known.decisions), "see scenarios.toml")
        raise bad("decision", f'no decision "{only}"', repair)
    chosen = [p for p, one in enumerate(weighed(run)) if only in ("", one.decision.id)][:most]
    found = [weighed(run)[place] for place in chosen]
    rows = [row for place in chosen for row in _rows(run, place)]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    figures = [
        Figure(f"{part}.{row['decision']}: {row['option']}", row[part], row.get(error), unit,
               words.cell(part, row[part]))
        for row in rows
        for part, error, unit in (
            ("mean_usd", "error_usd", "USD"),
            ("regret_usd", "", "USD"),
            ("best_chance", "", "share"),
        )
    ]  # fmt: skip

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        several = not only and len(found) > 1
        label = pl.concat_str("decision", pl.lit(": "), "option") if several else pl.col("option")
        basis = pl.lit("assumption")
        return pictures.ranges(frame.select("p05", "p50", "p95", label=label, basis=basis))

    return Answer(
        name=f"decision_{only}" if only else "decisions",
        sentence=" ".join(_told(run, one) for one in found)
        or "It cannot be worked out from what is known by that day what to decide.",
        table=frame,
        label=run.known.label,
        heads={
            **({} if only or most else {"decision": "Decision"}),
            "option": "Option",
            "says": "Meaning",
            **({} if most else {"brings": "Brings", "saves": "Saves"}),
            "range": "Cost, nine in ten",
            "best_said": "Cheapest in",
            **({} if most else {"regret_usd": "Mean regret"}),
            "best_when": "Cheapest on average",
        },
        figures=tuple(figures),
        notes=(
            *(note for one in found for note in _notes(run, one)),
            f"Costs are {ILLUSTRATIVE}.",
            *([] if most else ["Regret: cost above that of the option that turns out cheapest."]),
        )
        if rows
        else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if rows and frame["p05"].count() else None,
    )


_SCHEMA = {
    **dict.fromkeys(("decision", "option", "says", "brings", "saves"), pl.String),
    **dict.fromkeys(("mean_usd", "error_usd", "p05", "p50", "p95"), pl.Float64),
    **dict.fromkeys(("best_chance", "regret_usd"), pl.Float64),
    **dict.fromkeys(("best_said", "range", "best_when"), pl.String),
}


def envelope(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """(option, from, to) of the cheapest option as the flip value grows from 0, in order.

    >>> envelope([Line("go on", 0, 0.03), Line("pause", 3e6, 0.0)])
    [('go on', 0.0, 100000000.0), ('pause', 100000000.0, inf)]
    """
    steps = len(lines[0].means) - 1
    if steps < 1:
        return _straight(lines)
    found: list[tuple[str, float, float]] = []
    for step in range(steps):
        piece = [
            Line(one.option, one.means[step], one.means[step + 1] - one.means[step])
            for one in lines
        ]
        for option, low, _ in _straight(piece):
            if low < 1 and (not found or found[-1][0] != option):
                found.append((option, (step + low) / steps, math.inf))
    ends_at = [low for _, low, _ in found[1:]] + [math.inf]
    return [(option, low, end) for (option, low, _), end in zip(found, ends_at, strict=True)]


def _straight(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """`envelope` of straight lines."""
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
            if best.slope - line.slope > 1e-9 * abs(best.slope)  # no more is rounding
        ]
        crossings = [crossing for crossing in crossings if crossing[0] >= start]
        if not crossings:
            return [*regimes, (best.option, start, float("inf"))]
        at, _, _, better = min(crossings)
        regimes.append((best.option, start, float(at)))
        best, start = better, float(at)


def _amount(value: float, unit: str) -> str:
    """A value of the input on which a decision flips, in its unit."""
    if checks.is_chance(unit):
        return words.per_cent(value)
    if loss_kinds.money(unit.partition("/")[0]):
        return words.money(value, 1)
    return f"{words.number(value, 1)} {unit}" + ("" if value == 1 else "s")


def _best_when(option: str, regimes: list[tuple[str, float, float]], unit: str) -> str:
    for name, low, high in regimes:
        if name == option:
            if np.isinf(high):
                return f"above about {_amount(low, unit)}" if low else "always"
            end = _amount(high, unit)
            return f"{_amount(low, unit)} to {end}" if low else f"up to about {end}"
    return "never"


def _notes(run: Run, one: Weighed) -> list[str]:
    """What a reader must know of a decision; that an amount which nobody estimated counts as 0."""
    row = run.known.inputs[one.decision.flips_on]
    said = [one.decision.note] if one.decision.note else []
    if row["shape"] == "fixed" and not row["mode"]:
        said.append(
            f"In the ranges, and in how often an option is cheapest, what {one.decision.flips_says}"
            f" counts as {_amount(0.0, row['unit'])}."
        )
    return said


def _told(run: Run, one: Weighed) -> str:
    """The finding: which option is cheapest on average, and from which value another is."""
    decision, regimes = one.decision, envelope(one.lines)
    titles = {option.id: option.title for option in decision.options}
    if not one.costs.any() and all(line.slope == 0 for line in one.lines):
        return f"{decision.title}: nothing is at stake in this view."
    named = [f'"{titles[name].lower()}"' for name, _, _ in regimes]
    where = f"{named[0]}, whatever {decision.flips_says}"
    unit = run.known.inputs[decision.flips_on]["unit"]
    if len(regimes) > 1:
        ends = [f"up to about {_amount(high, unit)}" for _, _, high in regimes[:-1]]
        parts = [f"{name} {end}" for name, end in zip(named[1:], ends[1:], strict=False)]
        first = f"{named[0]} where {decision.flips_says} {ends[0]}"
        where = words.listed([first, *parts, f"{named[-1]} above"])
    said = f"{decision.title}: cheapest on average is"
    if run.known.inputs[decision.flips_on]["shape"] == "fixed":  # nobody has estimated it
        return f"{said} {where}."
    return f'{said} "{titles[decision.options[one.best].id].lower()}" as assumed: {where}.'


@per_run
def _rows(run: Run, which: int) -> list[dict[str, Any]]:
    one = weighed(run)[which]
    drivers = {name: row["driver"] for name, row in run.known.rows("losses").items()}
    unit = run.known.inputs[one.decision.flips_on]["unit"]
    regimes, chances, regrets = envelope(one.lines), one.best_chances, one.regrets
    rows = []
    for place, option in enumerate(one.decision.options):
        found = measures.loss_measures(one.costs[place])
        spread = measures.nine_in_ten(one.costs[place], whole=True)
        rows.append(
            {
                "decision": one.decision.title,
                "option": option.title,
                "says": option.says,
                "brings": words.listed([drivers[name] for name in option.costs]),
                "saves": words.listed([drivers[name] for name in option.saves]),
                "mean_usd": found["mean"].value,
                "error_usd": found["mean"].error,
                "p05": spread.low,
                "p50": spread.mid,
                "p95": spread.high,
                "range": in_all(spread, run.known.currency),
                "best_chance": float(chances[place]),
                "best_said": f"{words.chance(float(chances[place]))} of outcomes",
                "regret_usd": float(regrets[place]),
                "best_when": _best_when(option.id, regimes, unit),
            }
        )
    return rows
