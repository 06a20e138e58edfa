"""What to decide: what each option costs, and where the cheapest one changes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact import words
from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.case import checks
from impact.case.changes import Change
from impact.case.scenarios import Option
from impact.case.views import now
from impact.errors import bad, did_you_mean
from impact.measures.choice import (
    Regime,
    Weighed,
    deciding,
    flip_at,
    regimes,
    unpriced,
    weighed,
)
from impact.numerics import loss_kinds, measures, times
from impact.simulation import Run, drawn_inputs, per_run

if TYPE_CHECKING:
    import altair as alt


def decisions(run: Run, only: str = "", most: int | None = None) -> Answer:
    """What each option of each decision costs its bearer, and where the best option changes.

    All decisions of the case, the one named, or in short the first `most` of those that the view
    can work out. Raises BadInput for a decision that the case does not have.

    Costs are net losses of the bearer on the same draws, so differences are of the options alone.
    Table: `id`, `decision`, `option`, `says`, `mean_usd`, `error_usd`, `low`, `high`,
    `often` and `given` of its range, `fixed_usd` (mean cost without what the decision turns on),
    `extra_usd` (that above the option for which it is least), `slope` (what each unit of that
    adds), `best_chance`, `regret_usd` (mean cost above the cheapest of each draw), `duties` and
    `over`, see `_too_late`.
    """
    if only and only not in {*run.known.decisions, *run.known.unusable}:
        repair = did_you_mean(only, list(run.known.decisions), "see scenarios.toml")
        raise bad("decision", f'no decision "{only}"', repair)
    found = [one for one in turns(run) if only in ("", one["id"])][:most]
    weighed_ = {one.decision.id: one for one in weighed(run)}
    rows = [row for one in found for row in one["options"]]
    first = found[0] if found else None
    picture = _picture(run, weighed_[first["id"]]) if first and first["stake"] else None
    unusable = [str(one) for name, one in run.known.unusable.items() if only in ("", name)]
    values = {
        "decisions": found,
        "first": first,
        "short": most is not None,
        "several": len(found) > 1,
        "priced": any(row["best_chance"] is not None for row in rows),
        "moves": [moved for one in found if most is None and (moved := one["moves"]())],
        "zones_of": {one["title"]: one["zones"] for one in found},
        "unusable": unusable,
    }
    figures = [
        *_figures(run, rows),
        *(f for one in found for f in _flip_figures(run, weighed_[one["id"]])),
    ]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.flips({**(picture or {}), "axis": said.axis}, wide)

    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    name = f"decision_{only}" if only else "decisions"
    there = bool(found or unusable)
    facts = Facts(frame, values, figures, draw if picture else None, there, name=name)
    return worded(run, "decisions", facts)


@per_run
def turns(run: Run) -> tuple[dict[str, Any], ...]:
    """The decisions that the view can work out: their options and on what they turn.

    `zones` are regimes with the titles of their options; `about` is the upper end of one, if any.
    """
    return tuple(_turn(run, one) for one in weighed(run))


def _turn(run: Run, one: Weighed) -> dict[str, Any]:
    decision, unit = one.decision, run.known.inputs[one.decision.flips_on]["unit"]
    titles = {option.id: option.title for option in decision.options}
    zones = [
        {
            "title": _either(titles, at),
            "options": at.options,
            "equal": len(at.options) > 1,
            "about": "" if np.isinf(at.high) else f"about {_amount(at.high, unit)}",
            "threshold": "" if np.isinf(at.high) else _threshold(at, unit),
        }
        for at in regimes(one)
    ]
    chance_of = unit == run.known.currency and all(0 <= line.slope <= 1 for line in one.lines)
    over = bool(decision.closes) and times.parse(decision.closes) <= now(run.known)
    return {
        "id": decision.id,
        "title": decision.title,
        "question": decision.question,
        "bearer": decision.bearer,
        "says": decision.flips_says,
        "turns_on": noun(decision.flips_says),
        "note": decision.note,
        "closes": times.parse(decision.closes) if decision.closes else None,
        "over": over,
        "unit": unit,
        "stake": bool(one.costs.any()) or any(line.slope for line in one.lines),
        "unpriced": unpriced(run, one),
        "chance_of": chance_of and any(line.slope for line in one.lines),
        "zones": zones,
        "options": _rows(run, one, chance_of),
        "moves": lambda: _moves(run, one),
    }


_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "decision", "option", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "error_usd", "low", "high", "often"), pl.Float64),
    "given": pl.Boolean,
    **dict.fromkeys(("fixed_usd", "extra_usd", "slope", "best_chance", "regret_usd"), pl.Float64),
    "duties": pl.List(pl.Struct({"duty": pl.String, "applies": pl.String, "due": times.INSTANT})),
    "over": times.INSTANT,
}


def _rows(run: Run, one: Weighed, chance_of: bool) -> list[dict[str, Any]]:
    chances, regrets = one.best_chances, one.regrets
    whole = not unpriced(run, one)  # else shares and regrets would say something false
    rows, least = [], min(line.at_zero for line in one.lines)
    for place, (option, line) in enumerate(zip(one.decision.options, one.lines, strict=True)):
        cost = measures.loss_measures(one.costs[place])["mean"]
        spread = measures.nine_in_ten(one.costs[place], whole=True)
        rows.append(
            {
                "id": f"{one.decision.id}.{option.id}",
                "decision": one.decision.title,
                "option": option.title,
                "says": option.says,
                **_too_late(run, option),
                "mean_usd": cost.value,
                "error_usd": cost.error,
                "low": spread.low,
                "high": spread.high,
                "given": spread.given,
                "often": spread.chance,
                "fixed_usd": line.at_zero,
                "extra_usd": line.at_zero - least,
                "slope": line.slope if chance_of else None,
                "best_chance": float(chances[place]) if whole else None,
                "regret_usd": float(regrets[place]) if whole else None,
            }
        )
    return rows


_COSTS = re.compile(r"what (.+?) (?:would )?costs?(?: (?:it|us|you))?", re.IGNORECASE)


def noun(says: str) -> str:
    """What of a phrase that fits "it depends on ..." has a cost; empty where that is not said so.

    >>> noun("a new data leak"), noun("what a week of work costs"), noun("what we spend")
    ('a new data leak', 'a week of work', '')
    """
    if found := _COSTS.fullmatch(says):
        return found[1]
    return "" if says.lower().startswith(("what ", "how ", "whether ")) else says


def _either(titles: Mapping[str, str], at: Regime) -> str:
    """The options that are cheapest in a regime, in words."""
    first, *others = (titles[name] for name in at.options)
    return words.listed([first, *map(words.uncapital, others)], "or")


def _picture(run: Run, one: Weighed) -> dict[str, Any] | None:
    """What `pictures.flips` draws: lines of mean costs, the zones of the cheapest, thresholds."""
    found, unit = regimes(one), run.known.inputs[one.decision.flips_on]["unit"]
    titles = {option.id: option.title for option in one.decision.options}
    marks = [at.high for at in found[:-1]]
    if not marks:
        return None
    positive = min(marks) > 0 and not checks.is_chance(unit)
    low, high = (marks[0] / 30, marks[-1] * 6) if positive else (0.0, 2 * marks[-1])
    high = min(high, 1.0) if checks.is_chance(unit) else high
    xs = np.geomspace(low, high, 91) if positive else np.linspace(low, high, 91)
    xs = np.sort(np.concatenate([xs, marks]))
    lines = {line.option: [line.at(x) for x in xs.tolist()] for line in one.lines}
    named = [(_either(titles, at), at) for at in found]
    leads = {option: title for title, at in reversed(named) for option in at.options}
    zones = [(title, max(at.low, low), min(at.high, high)) for title, at in named]
    return {
        "lines": [
            (leads.get(option, titles[option]), list(zip(xs.tolist(), costs, strict=True)))
            for option, costs in lines.items()
        ],
        "zones": zones,
        "marks": [
            (
                at.high,
                min(line.at(at.high) for line in one.lines),
                f"about {_amount(at.high, unit)}",
            )
            for at in found[:-1]
        ],
        "money": loss_kinds.money(unit.partition("/")[0]),
        "chance": checks.is_chance(unit),
        "currency": run.known.currency,
    }


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
    return f"about {_amount(at.high, unit)} (simulation error: {spread})"


def _moves(run: Run, one: Weighed) -> dict[str, Any] | None:
    """How the first threshold moves with the input that it depends on most, if it does much.

    `meaning` of that input, and `ends`: its 5 and 95 % quantiles, their unit, the threshold there.
    """
    found, name = regimes(one), one.decision.flips_on
    if len(found) < 2 or len(one.lines[0].means) > 2:
        return None
    pair, ranges = (found[0].options[-1], found[1].options[0]), []
    for other in deciding(run, one, pair):
        drawn = {input_: values for input_, _, values in drawn_inputs(run)}[other]
        ends = [float(np.quantile(drawn, q)) for q in (0.05, 0.95)]
        flips = [flip_at(run, one, pair, Change(other, at, at, at)) for at in ends]
        if min(flips) > 0:
            ranges.append((abs(math.log(flips[1] / flips[0])), other, ends, flips))
    far, other, ends, flips = max(ranges, default=(0.0, "", [], []))
    if far < math.log(1.5):
        return None
    row, unit = run.known.inputs[other], run.known.inputs[name]["unit"]
    at = row["unit"] if checks.is_chance(row["unit"]) else ""
    moved = [(value, at, _amount(flip, unit)) for value, flip in zip(ends, flips, strict=True)]
    return {"meaning": row["meaning"], "ends": moved}


def _too_late(run: Run, option: Option) -> dict[str, Any]:
    """Since when the time of an option is `over`, and the `duties` whose deadlines it may miss."""
    closes = times.parse(option.closes) if option.closes else None
    duties = [run.known.rows("duties").get(name) for name in option.against]
    return {
        "over": closes if closes and closes <= now(run.known) else None,
        "duties": [
            {"duty": row["duty"], "applies": row["applies"], "due": _due(row)}
            for row in duties
            if row
        ],
    }


def _due(row: Mapping[str, Any]) -> datetime | None:
    begun, hours = row["starts_from"], row["clock_hours"]
    return begun + timedelta(hours=hours) if begun and hours else None
