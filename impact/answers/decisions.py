"""What to decide: each option's cost on the same draws, and where the best one flips."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure, amount
from impact.answers.losses import in_all
from impact.answers.provenance import ILLUSTRATIVE, lowered
from impact.case import checks, views
from impact.case.changes import Change
from impact.case.scenarios import Decision, Option
from impact.case.views import now
from impact.errors import BadInput, bad, did_you_mean
from impact.numerics import graph, loss_kinds, measures, times
from impact.numerics.lines import Line, envelope
from impact.simulation import (
    Run,
    arguments,
    drawn_inputs,
    given_event,
    net,
    per_run,
    remember,
    what_if,
)

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]


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
    costs = [
        net(what_if(run, _before(option, Change(name, at, at, at))), decision.bearer)
        for at in np.linspace(0, 1, 2 if once else 33).tolist()
    ]
    means = tuple(float(cost.mean()) for cost in costs)
    ends = costs[0], costs[-1] - costs[0]
    return Line(option.id, means[0], means[-1] - means[0], means, *ends)


def _before(option: Option, change: Change) -> list[Change]:
    """A change and those of an option, which stand where they are of the same input."""
    own = {each.name for each in option.changes}
    return [*([] if change.name in own else [change]), *option.changes]


def _line(decision: Decision, option: Option, run: Run, cost: Draws) -> Line:
    """The line of one option: what of its mean cost is a multiple of the input, and what is not."""
    multiple, each = np.zeros(run.draws), np.zeros(run.draws)
    if any(change.name == decision.flips_on for change in option.changes):
        return Line(option.id, float(cost.mean()), 0.0, (), cost, each)  # it sets the input itself
    for name, pairs in run.model.pairs.items():
        row = run.model.losses[name]
        mask = run.reached.get(row["needs"], 0)
        if decision.flips_on not in pairs.values() or not mask:
            continue
        sign = (row["bearer"] == decision.bearer) - (row["received_by"] == decision.bearer)
        factors = arguments(run, name)
        others = [factors[a] for a, used in pairs.items() if used != decision.flips_on]
        of_one = np.where(graph.unpack(mask, run.draws), math.prod(others, start=1.0), 0.0)
        multiple += sign * run.losses[name]
        each += sign * of_one
    base = cost - multiple
    return Line(option.id, float(base.mean()), float(each.mean()), (), base, each)


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
    if only and only not in {*run.known.decisions, *run.known.unusable}:
        repair = did_you_mean(only, list(run.known.decisions), "see scenarios.toml")
        raise bad("decision", f'no decision "{only}"', repair)
    chosen = [p for p, one in enumerate(weighed(run)) if only in ("", one.decision.id)][:most]
    found = [weighed(run)[place] for place in chosen]
    rows = [row for place in chosen for row in _rows(run, place)]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    priced = frame["best_chance"].count() > 0

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        several = not only and len(found) > 1
        label = pl.concat_str("decision", pl.lit(": "), "option") if several else pl.col("option")
        basis = pl.lit("assumption")
        return pictures.ranges(frame.select("p05", "p50", "p95", label=label, basis=basis))

    return Answer(
        name=f"decision_{only}" if only else "decisions",
        sentence=" ".join(_told(run, one) for one in found)
        or "No decision can be worked out from what is known in this view.",
        table=frame,
        label=run.known.label,
        currency=run.known.currency,
        heads={
            **({} if only or most else {"decision": "Decision"}),
            "option": "Option",
            "says": "Meaning",
            **({} if most else {"brings": "Brings", "saves": "Saves"}),
            "range": "Cost, nine in ten",
            **({"best_said": "Cheapest in"} if priced else {}),
            **({"regret_said": "Mean regret"} if priced and not most else {}),
            "best_when": "Cheapest on average",
        },
        figures=(*_figures(run, rows), *(f for one in found for f in _flip_figures(run, one))),
        notes=(
            *(str(one) for name, one in run.known.unusable.items() if only in ("", name)),
            *(note for one in found for note in _notes(run, one, shown=not most)),
            *([f"Costs are {ILLUSTRATIVE}."] if rows else []),
            *([REGRET] if priced and rows and not most else []),
        ),
        notices=tuple(views.notices(run.known)),
        draw=draw if rows and frame["p05"].count() else None,
    )


REGRET = "Regret: cost above that of the option that turns out cheapest."


def _figures(run: Run, rows: list[dict[str, Any]]) -> list[Figure]:
    """The mean cost of each option, and where it is priced in full its chances and regret."""
    found = []
    for row in rows:
        of, currency = f"{row['decision']}: {row['option']}", run.known.currency
        found.append(amount(f"cost.{of}", row["mean_usd"], row["error_usd"], currency))
        if row["best_chance"] is not None:
            found.append(amount(f"regret.{of}", row["regret_usd"], None, currency))
            share = row["best_chance"]
            found.append(Figure(f"best.{of}", share, None, "chance", words.chance(share)))
    return found


def _flip_figures(run: Run, one: Weighed) -> list[Figure]:
    """The values at which another option is cheapest on average, with their simulation error."""
    unit, name = run.known.inputs[one.decision.flips_on]["unit"], one.decision.title
    return [
        Figure(f"flip.{name}.{number}", at.high, at.error, unit, _threshold(at, unit))
        for number, at in enumerate(regimes(one)[:-1], 1)
    ]


_SCHEMA = {
    **dict.fromkeys(("decision", "option", "says", "brings", "saves"), pl.String),
    **dict.fromkeys(("mean_usd", "error_usd", "p05", "p50", "p95"), pl.Float64),
    **dict.fromkeys(("best_chance", "regret_usd"), pl.Float64),
    **dict.fromkeys(("best_said", "regret_said", "range", "best_when"), pl.String),
}
CLOSE = 0.1  # of a mean cost: options nearer than that are called equal, for their inputs are wide


def regimes(one: Weighed) -> list[Regime]:
    """Which option is cheapest on average from which value of the input on, in order.

    Options whose mean costs differ by less than a tenth, or than their simulation error, stand
    together, and no value is given that would part them.
    """
    lines = {line.option: line for line in one.lines}
    found: list[Regime] = []
    for option, low, high in envelope(one.lines):
        before = found[-1] if found else None
        if before and _close(one, before.options[-1], option):
            found[-1] = Regime((*before.options, option), before.low, high)
        else:
            found.append(Regime((option,), low, high))
    errors = [
        _flip_error(lines[before.options[-1]], lines[after.options[0]], before.high)
        for before, after in pairwise(found)
    ]
    return [replace(at, error=error) for at, error in zip(found, [*errors, None], strict=True)]


def _close(one: Weighed, *options: str) -> bool:
    """Whether two options cost about the same on average, as assumed."""
    places = [line.option for line in one.lines]
    first, second = (one.costs[places.index(option)] for option in options)
    apart, most = measures.mean(second - first), max(abs(first.mean()), abs(second.mean()))
    return abs(apart.value or 0.0) <= max(apart.error or 0.0, CLOSE * float(most))


def _flip_error(one: Line, other: Line, at: float) -> float | None:
    """Simulation error of the value at which two lines cross (the error of a ratio of means)."""
    slope = float((one.each - other.each).mean())
    if not slope or len(one.means) > 2:
        return None
    residual = measures.mean((other.base - one.base) - at * (one.each - other.each))
    return abs((residual.error or 0.0) / slope)


def _amount(value: float, unit: str) -> str:
    """A value of the input on which a decision flips, in its unit."""
    if checks.is_chance(unit):
        return words.per_cent(value)
    code = unit.partition("/")[0]
    if loss_kinds.money(code):
        return words.money(value, 1, code)
    return f"{words.number(value, 1)} {unit}" + ("" if value == 1 else "s")


def _threshold(at: Regime, unit: str) -> str:
    """The upper end of a regime, with its range by simulation where that is wide.

    The range is widened to hold the value as printed, of one digit.
    """
    if at.error is None or at.error <= words.NEAR * at.high:
        return f"about {_amount(at.high, unit)}"
    printed = at.high if checks.is_chance(unit) else words.significant(at.high, 1)
    ends = max(0.0, min(at.high - at.error, printed)), max(at.high + at.error, printed)
    if checks.is_chance(unit):
        spread = " to ".join(map(words.per_cent, ends))
    elif loss_kinds.money(code := unit.partition("/")[0]):
        spread = words.money_range(*ends, code)
    else:
        spread = words.number_range(*ends)
    return f"about {_amount(at.high, unit)} ({spread})"


def _best_when(option: str, found: list[Regime], unit: str) -> str:
    for place, at in enumerate(found):
        if option not in at.options:
            continue
        low = _amount(at.low, unit) if place else ""
        if np.isinf(at.high):
            said = f"above about {low}" if low else "always"
        else:
            said = f"{low} to {_amount(at.high, unit)}" if low else f"up to {_threshold(at, unit)}"
        return f"{said}, about equal" if len(at.options) > 1 else said
    return "never"


def unpriced(run: Run, one: Weighed) -> bool:
    """Whether nobody has estimated the input on which a decision flips: it is fixed at 0."""
    row = run.known.inputs[one.decision.flips_on]
    return row["shape"] == "fixed" and not row["mode"]


def _what(decision: Decision) -> str:
    """What the input of a decision is, as part of a sentence."""
    return f"what {_plain(decision)}"


def _notes(run: Run, one: Weighed, shown: bool) -> list[str]:
    """What a reader must know of a decision: what is left out, and on what a threshold depends."""
    said = [one.decision.note] if one.decision.note else []
    if unpriced(run, one):
        said.append(f"The ranges leave out {_what(one.decision)}: nobody has estimated it.")
    return [*said, *(_moves(run, one) if shown else [])]


def _moves(run: Run, one: Weighed) -> list[str]:
    """How the first threshold moves with the input that it depends on most."""
    found, name = regimes(one), one.decision.flips_on
    if len(found) < 2 or len(one.lines[0].means) > 2:
        return []
    pair, ranges = (found[0].options[-1], found[1].options[0]), []
    for other in _deciding(run, one, pair):
        drawn = {input_: values for input_, _, values in drawn_inputs(run)}[other]
        ends = [float(np.quantile(drawn, q)) for q in (0.05, 0.95)]
        flips = [_flip_at(run, one, pair, Change(other, at, at, at)) for at in ends]
        if min(flips) > 0:
            ranges.append((abs(math.log(flips[1] / flips[0])), other, ends, flips))
    far, other, ends, flips = max(ranges, default=(0.0, "", [], []))
    if far < math.log(1.5):
        return []
    row, unit = run.known.inputs[other], run.known.inputs[name]["unit"]
    values = [words.per_cent(v) if checks.is_chance(row["unit"]) else words.number(v) for v in ends]
    told = [f"about {_amount(f, unit)} at {v}" for f, v in zip(flips, values, strict=True)]
    meaning = lowered(run.known, row["meaning"].rstrip("."))
    return [f"The first threshold depends most on this: {meaning}. It is {' and '.join(told)}."]


def _flip_at(run: Run, one: Weighed, pair: tuple[str, str], change: Change) -> float:
    """Where two options cross with one more input changed; 0 where they do not."""
    lines = []
    for option in (next(o for o in one.decision.options if o.id == name) for name in pair):
        changed = what_if(run, _before(option, change))
        cost = net(changed, one.decision.bearer)
        lines.append(_line(one.decision, option, changed, cost))
    slope = lines[0].slope - lines[1].slope
    return max(0.0, (lines[1].at_zero - lines[0].at_zero) / slope) if slope else 0.0


MOST_TRIED = 3  # inputs that are tried for how a threshold moves


def _deciding(run: Run, one: Weighed, pair: tuple[str, str]) -> list[str]:
    """The inputs behind the bearer with which the crossing of two options moves most, by its draws.

    Each is cut into thirds, which is rough: the first few are worked out.
    """
    lines = {line.option: line for line in one.lines}
    first, second = (lines[name] for name in pair)
    gap, slope = second.base - first.base, first.each - second.each
    behind = set(run.lineage[one.decision.bearer]["inputs"]) - {one.decision.flips_on}
    moved = dict[str, float]()
    for name, _, values in drawn_inputs(run):
        if name in behind and values.ndim:
            ends = np.quantile(values, (1 / 3, 2 / 3))
            parts = values <= ends[0], values >= ends[1]
            at = [gap[part].mean() / max(slope[part].mean(), 1e-300) for part in parts]
            far = abs(math.log(at[1] / at[0])) if min(at) > 0 else 0.0
            moved[name] = max(far, moved.get(name, 0.0))
    ranked = sorted(moved, key=lambda name: (-moved[name], name))
    return [name for name in ranked if moved[name] > 0][:MOST_TRIED]


def _told(run: Run, one: Weighed) -> str:
    """The finding: which option is cheapest on average, and from which value another is."""
    decision, found = one.decision, regimes(one)
    titles = {option.id: option.title for option in decision.options}
    if not one.costs.any() and all(line.slope == 0 for line in one.lines):
        return _of(decision, "nothing is at stake in this view.")
    named = [words.listed([f'"{titles[name]}"' for name in at.options]) for at in found]
    verb = ["are about equal" if len(at.options) > 1 else "is cheapest on average" for at in found]
    more = [" are about equal" if len(at.options) > 1 else "" for at in found]
    unit, over = run.known.inputs[decision.flips_on]["unit"], _over(run, decision)
    if len(found) == 1:
        return _of(decision, f"{named[0]} {verb[0]}, whatever {_plain(decision)}.{over}")
    parts = [f"up to {_threshold(found[0], unit)} {named[0]} {verb[0]}"]
    parts += [
        f"up to {_threshold(at, unit)} {name}{equal}"
        for at, name, equal in zip(found[1:-1], named[1:-1], more[1:-1], strict=True)
    ]
    parts.append(f"above that {named[-1]}{more[-1]}")
    return _of(decision, f"it depends on {_what(decision)}; {', '.join(parts)}.{over}")


def _of(decision: Decision, finding: str) -> str:
    """What is found of a decision, behind its title, which may be a question."""
    title = decision.title
    return f"{title} {words.capital(finding)}" if title.endswith("?") else f"{title}: {finding}"


def _plain(decision: Decision) -> str:
    return decision.flips_says.removeprefix("what ")


def _over(run: Run, decision: Decision) -> str:
    """That the time of a decision is over at the moment of a view."""
    if not decision.closes or times.parse(decision.closes) > now(run.known):
        return ""
    return f" Its time is over since {words.date(times.parse(decision.closes))}."


def _meaning(run: Run, option: Option) -> str:
    """What an option is, whether its time is over, and which deadlines it would miss."""
    told, duties = [option.says], run.known.rows("duties")
    if option.closes and times.parse(option.closes) <= now(run.known):
        told.append(f"Its time is over since {words.date(times.parse(option.closes))}.")
    for duty in (duties[name] for name in option.against if name in duties):
        begun, hours = duty["starts_from"], duty["clock_hours"]
        due = f" by {words.date(begun + timedelta(hours=hours))}" if begun and hours else ""
        applies = "" if duty["applies"] == "yes" else ", if that applies"
        told.append(
            f"It may miss a deadline: {lowered(run.known, duty['duty'].rstrip('.'))}{due}{applies}."
        )
    return " ".join(told)


@per_run
def _rows(run: Run, which: int) -> list[dict[str, Any]]:
    one = weighed(run)[which]
    drivers = {name: row["driver"] for name, row in run.known.rows("losses").items()}
    unit = run.known.inputs[one.decision.flips_on]["unit"]
    found, chances, regrets = regimes(one), one.best_chances, one.regrets
    whole = not unpriced(run, one)  # else shares and regrets would say something false
    rows = []
    for place, option in enumerate(one.decision.options):
        cost = measures.loss_measures(one.costs[place])["mean"]
        spread = measures.nine_in_ten(one.costs[place], whole=True)
        regret = float(regrets[place])
        rows.append(
            {
                "decision": one.decision.title,
                "option": option.title,
                "says": _meaning(run, option),
                "brings": words.listed([drivers[name] for name in option.costs]),
                "saves": words.listed([drivers[name] for name in option.saves]),
                "mean_usd": cost.value,
                "error_usd": cost.error,
                "p05": spread.low,
                "p50": spread.mid,
                "p95": spread.high,
                "range": in_all(spread, run.known.currency),
                "best_chance": float(chances[place]) if whole else None,
                "best_said": words.portion(float(chances[place]), "outcomes") if whole else "–",
                "regret_usd": regret if whole else None,
                "regret_said": words.money(regret, currency=run.known.currency) if whole else "–",
                "best_when": _best_when(option.id, found, unit),
            }
        )
    return rows
