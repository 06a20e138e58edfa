"""What a change does: scenarios side by side, and the options of each decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from impact.answers.answer import Answer, Figure, figure, frame, pictures, worded
from impact.answers.text import one_line, threshold
from impact.base.errors import ImpactError, bad, did_you_mean
from impact.case import heads, views
from impact.case.schema import highest
from impact.measures.choice import costings, drawing, moves, turns
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, again, require_event_run


def under(run: Run, scenario: str) -> Run:
    """The run under another scenario of its case, on the same draws."""
    require_event_run(run, "under")
    return again(run, views.under(run.known, scenario))


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
    known, base = run.known, measures.order_statistic(total_loss(run), 0.95)
    grids = ("", known.scenarios[known.scenario].grid)  # alone, or a member of the same grid
    beside = [name for name, one in known.scenarios.items() if one.grid in grids]
    beside.remove(known.scenario)
    rows, label = list[Any](), known.label
    for name in beside if scenarios is None else scenarios:
        try:
            other = under(run, name)
        except ImpactError:
            if scenarios is not None:
                raise
            continue  # it rests on something that is not known in this view
        label = highest((label, other.known.label))
        p95 = measures.order_statistic(total_loss(other), 0.95)
        row = {**_scenario(other), **difference(run, other)}
        rows.append({**row, "p95_usd": p95, "p95_difference_usd": p95 - base})
    rows.sort(key=lambda row: (row["difference_usd"], row["id"]))
    drawn = frame("scenarios", [_scenario(run), *rows]).sort("mean_usd", "id")

    return worded(
        run,
        "scenarios",
        frame("scenarios", rows),
        {"here": heads.described(known)},
        draw=lambda _, wide: pictures().spans(_spans(drawn), known.currency, wide),
        label=label,
    )


def _spans(rows: pl.DataFrame) -> pl.DataFrame:
    """What is drawn of scenarios: `label`, `low`, `mean`, `high`, `hollow` of what is supposed."""
    return pl.DataFrame(
        {
            "label": row["title"]
            + (" (hypothetical)" if row["falls"] else " (counterfactual)" if row["denies"] else ""),
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
    return {
        **heads.described(known),
        "id": known.scenario,
        "says": known.scenarios[known.scenario].says,
        "mean_usd": float(lost.mean()),
        **vars(measures.nine_in_ten(lost, whole=True)),
    }


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
    currency = run.known.currency
    found = [one for one in turns(run) if only in ("", one["id"])][:most]
    costed = {one.decision.id: one for one in costings(run)}
    first, alone = found[0] if found else {}, len(found) == 1 and most is None
    picture = drawing(run, costed[first["id"]]) if first.get("stake") else None
    unusable = [str(one) for name, one in run.known.unusable.items() if only in ("", name)]
    values = {
        "decisions": found,
        "shared": picture["shared"] if picture else 0.0,
        "short": most is not None,
        "moves": [moves(run, costed[one["id"]]) for one in found if alone],
        "unusable": unusable,
    }

    return worded(
        run,
        "decisions",
        frame("decisions", [row for one in found for row in one["options"]]),
        values,
        _figures(run, found),
        (lambda said, wide: pictures().flips(_named(said, picture, first, currency), wide))
        if picture
        else None,
        name=f"decision_{only}" if only else "",
        there=bool(found or unusable),
    )


def _named(
    said: Any, picture: dict[str, Any], turn: dict[str, Any], currency: str
) -> dict[str, Any]:
    """The drawing of a decision with its words: titles of options, of zones, and thresholds."""
    titles = [one_line(said.title_of(zone)) for zone in turn["zones"]]
    options = dict(zip(picture["lines"], (row["option"] for row in turn["options"]), strict=True))
    for title, zone in reversed([*zip(titles, turn["zones"], strict=True)]):
        options |= dict.fromkeys(zone["options"], title)
    return {
        **picture,
        "axis": said.axis,
        "currency": currency,
        "lines": [(options[one], points) for one, points in picture["lines"].items()],
        "zones": [(t, *ends) for t, ends in zip(titles, picture["zones"], strict=True)],
        "marks": [
            (*at, threshold(at[0], None, turn["unit"], zone["digits"]))
            for at, zone in zip(picture["marks"], turn["zones"], strict=False)
        ],
    }


def _figures(run: Run, found: list[dict[str, Any]]) -> Iterator[Figure]:
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
        for number, at in enumerate(one["zones"][:-1], 1):
            said = threshold(at["high"], at["error"], one["unit"], at["digits"])
            name = f"flip.{one['title']}.{number}"
            yield Figure(name, at["high"], at["error"], one["unit"], said)
