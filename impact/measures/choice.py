"""What each option of a decision costs on the same draws, and where the cheapest one changes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from impact.base import times
from impact.base.errors import BadInput
from impact.base.words import significant
from impact.case import checks
from impact.case.folder import Case, once
from impact.case.scenarios import Decision, Option
from impact.case.tables import Row
from impact.case.views import changed, fixed, moment_of
from impact.measures.loss import unmet
from impact.measures.totals import net_loss
from impact.numerics import Draws, loss_kinds, measures
from impact.numerics.lines import Line, close, crossing_error, envelope
from impact.simulation import (
    Run,
    again,
    drawn_inputs,
    require_event_run,
)


@dataclass(frozen=True)
class Regime:
    """Options that are cheapest on average between two values of the input; about equal if several.

    `error` is the simulation error of `high`, None where there is none.
    """

    options: tuple[str, ...]
    low: float
    high: float
    error: float | None = None


@dataclass(frozen=True)
class Costing:
    """A decision worked out: `costs` is `(options, draws)` net losses of its bearer.

    `shared` is the mean of what they cost alike.
    """

    decision: Decision
    costs: Draws
    lines: tuple[Line, ...]
    shared: float = 0.0

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


@once
def costings(run: Run) -> tuple[Costing, ...]:
    """The decisions of the case that can be worked out from what the view knows, in order."""
    require_event_run(run, "decisions")
    found = []
    for decision in run.known.decisions.values():
        named = {loss for option in decision.options for loss in (*option.costs, *option.saves)}
        if not named <= run.model.losses.keys() or decision.flips_on not in run.known.inputs:
            continue  # it rests on something that is not known in this view
        with suppress(BadInput):  # as above
            views = [_chosen(run, option) for option in decision.options]
            chosen = zip(decision.options, views, strict=True)
            lines = tuple(_line(run, decision, option, known) for option, known in chosen)
            runs = [again(run, known) for known in views]
            costs = np.array([net_loss(one, decision.bearer) for one in runs])
            found.append(Costing(decision, costs, lines, _shared(runs, decision)))
    return tuple(found)


def _shared(runs: Sequence[Run], decision: Decision) -> float:
    """The mean of what every option costs alike, whatever the input on which it flips.

    Runs on the same draws hold one array of a loss that nothing decides otherwise.
    """
    first = runs[0]
    differ = {
        name
        for one in runs
        for name, lost in one.losses.items()
        if lost is not first.losses[name] or decision.flips_on in one.model.pairs[name].values()
    }
    return float(net_loss(first, decision.bearer, differ).mean())


def _chosen(run: Run, option: Option) -> Case:
    """The view in which an option is chosen."""
    return changed(run.known, option.changes, option.id)


def _cost(run: Run, decision: Decision, known: Case) -> Draws:
    """`(draws,)` cost of an option, in the view in which it is chosen."""
    return net_loss(again(run, known), decision.bearer)


STEPS = 32  # pieces of the line of a chance
A_LOT = 1e6  # of an amount on which a decision flips, far above the rounding of costs


def _line(run: Run, decision: Decision, option: Option, known: Case) -> Line:
    """The mean cost of one option, in its view, by the value of the input on which it flips.

    A straight line, known from two points, for an amount or a share, of which costs are multiples,
    and exactly so for a chance that is used once: it mixes the costs without and with what it is
    the chance of. Otherwise the same draws are counted at even steps of the chance.
    """
    name = decision.flips_on
    unit = run.known.inputs[name]["unit"]
    chance = checks.is_chance(unit)
    last = 1.0 if chance or unit == "share" else A_LOT
    values = np.linspace(0, last, STEPS + 1 if chance and not _once_used(run, name) else 2)
    if name in {change.name for change in option.changes}:
        costs = [_cost(run, decision, known)] * len(values)
    else:
        costs = [_cost(run, decision, fixed(known, name, at)) for at in values.tolist()]
    means = tuple(float(cost.mean()) for cost in costs)
    each = (costs[-1] - costs[0]) / last
    return Line(option.id, means, last, 1.0 if chance else math.inf, costs[0], each)


def _once_used(run: Run, chance: str) -> bool:
    """Whether one link names a chance, over no window, or one loss that is in proportion to it."""
    model = run.model
    terms = [checks.chance_term(term) for every in model.terms.values() for term in every]
    used = [minutes is None for name, minutes in terms if name == chance]
    for loss, pairs in model.pairs.items():
        row = model.losses[loss]
        plain = loss_kinds.KINDS[row["kind"]].linear and not row["limit"]
        used += [plain for name in pairs.values() if name == chance]
    return used == [True]


def regimes(one: Costing) -> list[Regime]:
    """Which option is cheapest on average from which value of the input on, in order.

    Options stand together, and no value is given that would part them, where their mean costs
    differ by less than a tenth of what is not shared, or than their simulation error, at every
    value at which one of them is cheapest.
    """
    lines = {line.option: line for line in one.lines}
    found: list[Regime] = []
    for option, low, high in envelope(one.lines):
        last = found[-1] if found else None
        if last and all(
            close(lines[name], lines[option], last.low, high, one.shared) for name in last.options
        ):
            found[-1] = replace(last, options=(*last.options, option), high=high)
        else:
            found.append(Regime((option,), low, high))
    errors = [
        crossing_error(lines[before.options[-1]], lines[after.options[0]], before.high)
        for before, after in pairwise(found)
    ]
    return [replace(at, error=error) for at, error in zip(found, [*errors, None], strict=True)]


def unpriced(run: Run, decision: Decision) -> bool:
    """Whether nobody has estimated the input on which a decision flips: it is fixed at 0."""
    row = run.known.inputs[decision.flips_on]
    return row["shape"] == "fixed" and not row["mode"]


def _crossing(run: Run, one: Costing, pair: Sequence[str]) -> float:
    """Where two options cross in another run; 0 where they do not."""
    options = [option for name in pair for option in one.decision.options if option.id == name]
    first, second = (_line(run, one.decision, of, _chosen(run, of)) for of in options)
    slope = first.slope - second.slope
    return max(0.0, (second.means[0] - first.means[0]) / slope) if slope else 0.0


def turns(run: Run) -> tuple[dict[str, Any], ...]:
    """The decisions that the view can work out: their options and on what they turn.

    `zones` are regimes with the titles of their options, the upper end of each but the last, and
    the `digits` that part these ends.
    """
    return tuple(_turn(run, one) for one in costings(run))


def _turn(run: Run, one: Costing) -> dict[str, Any]:
    decision, unit = one.decision, run.known.inputs[one.decision.flips_on]["unit"]
    titles = {option.id: option.title for option in decision.options}
    found = regimes(one)
    ends = [at.high for at in found[:-1]]
    parted = (n for n in range(1, 7) if len({significant(end, n) for end in ends}) == len(ends))
    digits = next(parted, 7)
    zones = [
        {
            "options": at.options,
            "titles": [titles[name] for name in at.options],
            "high": None if np.isinf(at.high) else at.high,
            "error": at.error,
            "digits": digits,
        }
        for at in found
    ]
    chance_of = unit == run.known.currency and all(0 <= line.slope <= 1 for line in one.lines)
    closes = times.parse(decision.closes) if decision.closes else None
    return {
        **vars(decision),
        "says": decision.flips_says,
        "turns_on": noun(decision.flips_says),
        "closes": closes,
        "over": closes is not None and closes <= moment_of(run.known),
        "unit": unit,
        "stake": bool(one.costs.any()) or any(line.slope for line in one.lines),
        "unpriced": unpriced(run, one.decision),
        "chance_of": chance_of and any(line.slope for line in one.lines),
        "zones": zones,
        "options": _rows(run, one, chance_of),
    }


def _rows(run: Run, one: Costing, chance_of: bool) -> list[Row]:
    chances, regrets = one.best_chances, one.regrets
    whole = not unpriced(run, one.decision)  # else shares and regrets would say something false
    rows, least = list[Row](), min(line.means[0] for line in one.lines)
    for place, (option, line) in enumerate(zip(one.decision.options, one.lines, strict=True)):
        cost = measures.loss_measures(one.costs[place])["mean"]
        rows.append(
            {
                "id": f"{one.decision.id}.{option.id}",
                "decision": one.decision.title,
                "option": option.title,
                "says": option.says,
                **late_duties(run, option),
                "mean_usd": cost.value,
                "error_usd": cost.error,
                **vars(_spread(run, one, place)),
                "fixed_usd": line.means[0],
                "extra_usd": line.means[0] - least,
                "slope": line.slope if chance_of else None,
                "best_chance": float(chances[place]) if whole else None,
                "regret_usd": float(regrets[place]) if whole else None,
            }
        )
    return rows


def _spread(run: Run, one: Costing, place: int) -> measures.Spread:
    """The spread of what an option costs; where that is nothing in any draw, it may be too rare."""
    cost, option = one.costs[place], one.decision.options[place]
    if cost.any():
        return measures.nine_in_ten(cost, whole=True)
    rare = unmet(again(run, _chosen(run, option)), one.decision.bearer)
    return measures.Spread(0.0, False, *([None if rare else 0.0] * 3))


_COSTS = re.compile(r"what (.+?) (?:would )?costs?(?: (?:it|us|you))?", re.IGNORECASE)


def noun(says: str) -> str:
    """What of a phrase that fits "it depends on ..." has a cost; empty where that is not said so.

    >>> noun("a new data leak"), noun("what a week of work costs"), noun("what we spend")
    ('a new data leak', 'a week of work', '')
    """
    if found := _COSTS.fullmatch(says):
        return found[1]
    return "" if says.lower().startswith(("what ", "how ", "whether ")) else says


def moves(run: Run, one: Costing) -> Row | None:
    """How the first threshold moves with the input that it depends on most, if it does much.

    `meaning` of that input, `ends` (its 5 and 95 % quantiles with the threshold there), the units
    `of` it and of thresholds (`unit`), and whether there are `several` of these.
    """
    found, name = regimes(one), one.decision.flips_on
    if len(found) < 2 or len(one.lines[0].means) > 2:
        return None
    pair, ranges = (found[0].options[-1], found[1].options[0]), []
    behind = {*run.lineage[one.decision.bearer]["inputs"]} - {name}
    drawn = {other: values for other, values in drawn_inputs(run) if other in behind}
    for other, values in drawn.items():
        ends = np.quantile(values, (0.05, 0.95)).tolist()
        flips = [_crossing(again(run, fixed(run.known, other, at)), one, pair) for at in ends]
        if min(flips) > 0:
            ranges.append((abs(math.log(flips[1] / flips[0])), other, ends, flips))
    far, other, ends, flips = max(ranges, default=(0.0, "", [], []))
    if far < math.log(1.5):
        return None
    row, unit = run.known.inputs[other], run.known.inputs[name]["unit"]
    moved, several = [*zip(ends, flips, strict=True)], len(found) > 2
    return {
        "meaning": row["meaning"],
        "ends": moved,
        "of": row["unit"],
        "unit": unit,
        "several": several,
    }


def late_duties(run: Run, option: Option) -> Row:
    """Since when the time of an option is `over`, and the `duties` whose deadlines it may miss."""
    closes = times.parse(option.closes) if option.closes else None
    duties = [run.known.rows("duties").get(name) for name in option.against]
    return {
        "over": closes if closes and closes <= moment_of(run.known) else None,
        "duties": [
            {"duty": row["duty"], "kind": row["kind"], "applies": row["applies"], "due": due(row)}
            for row in duties
            if row
        ],
    }


def due(duty: Row) -> datetime | None:
    """When the time of a row of duties.csv is over; None where it has no fixed time or no begin."""
    begun, hours = duty["starts_from"], duty["clock_hours"]
    return begun + timedelta(hours=hours) if begun and hours is not None else None


def drawing(run: Run, one: Costing) -> dict[str, Any] | None:
    """What a picture of a decision shows; None where the cheapest option never changes.

    `lines` (option ids with points of mean cost, less what is `shared`), `zones` (low and high of
    each regime), `marks` (points where the cheapest changes), and whether amounts are `money` or a
    `chance`.
    """
    found, unit = regimes(one), run.known.inputs[one.decision.flips_on]["unit"]
    marks = [at.high for at in found[:-1]]
    if not marks:
        return None
    chance = checks.is_chance(unit)
    low, high = (0.0, min(2 * marks[-1], 1.0)) if chance else (marks[0] / 30, marks[-1] * 6)
    even = np.linspace if chance else np.geomspace
    xs = sorted([*even(low, high, 91).tolist(), *marks])
    return {
        "shared": one.shared,
        "lines": {line.option: [(x, line.at(x) - one.shared) for x in xs] for line in one.lines},
        "zones": [(max(at.low, low), min(at.high, high)) for at in found],
        "marks": [(at, min(line.at(at) for line in one.lines) - one.shared) for at in marks],
        "money": loss_kinds.money(unit.partition("/")[0]),
        "chance": chance,
    }
