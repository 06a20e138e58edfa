"""What to decide: what each option costs, and where the cheapest one changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from impact.answers.answer import Answer, Figure, figure, frame, pictures, worded
from impact.answers.text import one_line, threshold
from impact.base.errors import bad, did_you_mean
from impact.measures.choice import Costing, costings, drawing, moves, regimes, turns
from impact.simulation import Run


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
    costed = {one.decision.id: one for one in costings(run)}
    first, alone = found[0] if found else {}, len(found) == 1 and most is None
    picture = drawing(run, costed[first["id"]]) if first.get("stake") else None
    unusable = [str(one) for name, one in run.known.unusable.items() if only in ("", name)]
    values = {
        "decisions": found,
        "short": most is not None,
        "moves": [moves(run, costed[one["id"]]) for one in found if alone],
        "unusable": unusable,
    }

    def draw(said: Any, wide: bool) -> Any:
        named = _named(said, picture or {}, first)
        return pictures().flips({**named, "currency": run.known.currency}, wide)

    return worded(
        run,
        "decisions",
        frame("decisions", [row for one in found for row in one["options"]]),
        values,
        _figures(run, found, costed),
        draw if picture else None,
        name=f"decision_{only}" if only else "decisions",
        there=bool(found or unusable),
    )


def _named(said: Any, picture: dict[str, Any], turn: dict[str, Any]) -> dict[str, Any]:
    """The drawing of a decision with its words: titles of options, of zones, and thresholds."""
    titles = [one_line(said.title_of(zone)) for zone in turn["zones"]]
    options = dict(zip(picture["lines"], (row["option"] for row in turn["options"]), strict=True))
    for title, zone in reversed([*zip(titles, turn["zones"], strict=True)]):
        options |= dict.fromkeys(zone["options"], title)
    return {
        **picture,
        "axis": said.axis,
        "lines": [(options[one], points) for one, points in picture["lines"].items()],
        "zones": [(t, *ends) for t, ends in zip(titles, picture["zones"], strict=True)],
        "marks": [(*at, threshold(at[0], None, turn["unit"])) for at in picture["marks"]],
    }


def _figures(run: Run, found: list[dict[str, Any]], costed: dict[str, Costing]) -> Iterator[Figure]:
    """The mean cost of each option, and where it is priced in full its chance and regret.

    Then the values at which another option is cheapest on average, with their simulation error.
    """
    currency = run.known.currency
    for row in (row for one in found for row in one["options"]):
        of = f"{row['decision']}: {row['option']}"
        yield figure(f"cost.{of}", row["mean_usd"], currency, row["error_usd"])
        if row["best_chance"] is not None:
            yield figure(f"regret.{of}", row["regret_usd"], currency)
            yield figure(f"best.{of}", row["best_chance"], "chance")
    for one in found:
        for number, at in enumerate(regimes(costed[one["id"]])[:-1], 1):
            said = threshold(at.high, at.error, one["unit"])
            yield Figure(f"flip.{one['title']}.{number}", at.high, at.error, one["unit"], said)
