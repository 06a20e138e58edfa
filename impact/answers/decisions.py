"""What to decide: what each option costs, and where the cheapest one changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.answers.text import one_line, threshold
from impact.base import times, words
from impact.base.errors import bad, did_you_mean
from impact.measures.choice import Costing, costings, drawing, moves, regimes, turns
from impact.simulation import Run

if TYPE_CHECKING:
    import altair as alt


def decisions(run: Run, only: str = "", most: int | None = None) -> Answer:
    """What each option of each decision costs its bearer, and where the best option changes.

    All decisions of the case, the one named, or in short the first `most` of those that the view
    can work out. Of one alone it says how its threshold moves. Raises BadInput for a decision that
    the case does not have.

    Costs are net losses of the bearer on the same draws, so differences are of the options alone.
    Table: `id`, `decision`, `option`, `says`, `mean_usd`, `error_usd`, `low`, `high`,
    `often` and `given` of its range, `fixed_usd` (mean cost without what the decision turns on),
    `extra_usd` (that above the option for which it is least), `slope` (what each unit of that
    adds), `best_chance`, `regret_usd` (mean cost above the cheapest of each draw), `duties` and
    `over`, see `impact.measures.choice.late_duties`.
    """
    if only and only not in {*run.known.decisions, *run.known.unusable}:
        repair = did_you_mean(only, list(run.known.decisions), "see scenarios.toml")
        raise bad("decision", f'no decision "{only}"', repair)
    found = [one for one in turns(run) if only in ("", one["id"])][:most]
    weighed_ = {one.decision.id: one for one in costings(run)}
    rows = [row for one in found for row in one["options"]]
    first, alone = found[0] if found else None, len(found) == 1 and most is None
    picture = drawing(run, weighed_[first["id"]]) if first and first["stake"] else None
    unusable = [str(one) for name, one in run.known.unusable.items() if only in ("", name)]
    values = {
        "decisions": found,
        "first": first,
        "short": most is not None,
        "several": len(found) > 1,
        "priced": any(row["best_chance"] is not None for row in rows),
        "moves": [m for one in found if alone and (m := moves(run, weighed_[one["id"]]))],
        "turn_of": {one["id"]: one for one in found},
        "unusable": unusable,
    }
    flips = [flip for one in found for flip in _flip_figures(run, weighed_[one["id"]])]
    figures = [*_figures(run, rows), *flips]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        named = _named(said, picture or {}, first or {})
        return pictures.flips({**named, "currency": run.known.currency}, wide)

    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    name = f"decision_{only}" if only else "decisions"
    there = bool(found or unusable)
    facts = Facts(frame, values, figures, draw if picture else None, there, name=name)
    return worded(run, "decisions", facts)


_DUTY = pl.Struct({**dict.fromkeys(("duty", "kind", "applies"), pl.String), "due": times.INSTANT})
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "decision", "option", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "error_usd", "low", "high", "often"), pl.Float64),
    "given": pl.Boolean,
    **dict.fromkeys(("fixed_usd", "extra_usd", "slope", "best_chance", "regret_usd"), pl.Float64),
    "duties": pl.List(_DUTY),
    "over": times.INSTANT,
}


def _named(said: Any, picture: dict[str, Any], turn: dict[str, Any]) -> dict[str, Any]:
    """The drawing of a decision with its words: titles of options, of zones, and thresholds."""
    titles = [one_line(said.title_of(zone)) for zone in turn["zones"]]
    options = dict(zip(picture["lines"], (row["option"] for row in turn["options"]), strict=True))
    for title, zone in reversed([*zip(titles, turn["zones"], strict=True)]):
        options |= dict.fromkeys(zone["options"], title)
    thresholds = [threshold(at, None, turn["unit"]) for at, _ in picture["marks"]]
    return {
        **picture,
        "axis": said.axis,
        "lines": [(options[one], points) for one, points in picture["lines"].items()],
        "zones": [(t, *ends) for t, ends in zip(titles, picture["zones"], strict=True)],
        "marks": [(*at, t) for at, t in zip(picture["marks"], thresholds, strict=True)],
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


def _flip_figures(run: Run, one: Costing) -> list[Figure]:
    """The values at which another option is cheapest on average, with their simulation error."""
    unit, name = run.known.inputs[one.decision.flips_on]["unit"], one.decision.title
    return [
        Figure(f"flip.{name}.{number}", at.high, at.error, unit, threshold(at.high, at.error, unit))
        for number, at in enumerate(regimes(one)[:-1], 1)
    ]
