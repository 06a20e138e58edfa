"""What is claimed, who says so, and how well it is supported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from impact.answers.answer import Answer, Facts, tally, worded
from impact.base.errors import bad, did_you_mean
from impact.case.folder import Case
from impact.case.schema import (
    STAGES,
)
from impact.measures.standing import (
    STANDINGS,
    Claim,
    firmest,
    retractions,
    statements_of,
    successors,
)


def statements(known: Case, stage: str = "") -> Answer:
    """What is claimed, with its standing: who asserts it, what excludes it, on how many origins.

    Of one part of the incident, or of all but the context; reported events stand in the timeline.
    Table: `id`, `statement`, `stage`, `says`, `standing`, `origins`, `by` and `against` (claims,
    the firmest first), `by_others`, `against_others`; the parts in order, in each the firmest
    first. Raises BadInput for an unknown part.
    """
    if stage and stage not in STAGES:
        repair = did_you_mean(stage, STAGES, f"one of {', '.join(STAGES)}")
        raise bad("stage", f'no part of an incident "{stage}"', repair)
    parts = [stage] if stage else STAGES[:-1]
    every, rows = statements_of(known), []
    for one in every:
        claim = one.first
        if claim["predicate"] == "happened" or claim["stage"] not in parts:
            continue
        excludes = [*one.against, *(c for n in one.rivals for c in every[n].claims)]
        rows.append(
            {
                "id": claim["id"],
                "statement": one.name,
                "stage": claim["stage"],
                "says": claim["says"],
                "standing": one.standing,
                "origins": len(one.origins),
                "valued": bool(one.value),
                **_voices("by", one.claims),
                **_voices("against", excludes),
            }
        )
    rows.sort(key=_order)
    frame = pl.DataFrame(rows, schema=_STATEMENTS, orient="row")
    counted = {word: frame.filter(pl.col("standing") == word).height for word in STANDINGS}
    figures = [tally(f"standing.{w.replace(' ', '_')}", many) for w, many in counted.items()]
    values = {"counted": counted, "stage": stage, **_no_longer(known, parts)}
    name = f"statements_{stage}" if stage else "statements"
    facts = Facts(frame, values, figures, there=bool(rows), name=name)
    return worded(known, "statements", facts)


def _order(row: dict[str, Any]) -> tuple[int, int, str, str]:
    """Statements by the part of the incident, in each the firmest first."""
    places = STAGES.index(row["stage"]), STANDINGS.index(row["standing"])
    return *places, row["statement"], row["says"]


_STATEMENTS: dict[str, Any] = {
    **dict.fromkeys(("id", "statement", "stage", "says", "standing"), pl.String),
    "origins": pl.Int64,
    "valued": pl.Boolean,
    **{
        column: kind
        for side in ("by", "against")
        for column, kind in ((side, pl.List(pl.String)), (f"{side}_others", pl.Int64))
    },
}


def _voices(side: str, claims: Sequence[Claim]) -> dict[str, Any]:
    """Claims that say the same, the firmest first, and how many others say so."""
    ordered = sorted(claims, key=firmest)
    others = max(0, len({claim["claimant"] for claim in claims}) - 1)
    ids = [claim["id"] for claim in ordered]
    return {side: ids, f"{side}_others": others}


def _no_longer(known: Case, parts: Sequence[str]) -> dict[str, Any]:
    """What claimants replaced or took back on parts of the incident: (old claim, new claim)."""
    claims = known.rows("claims")
    pairs = [
        (claims[old], claims[new])
        for old, new in successors(known).items()
        if claims[old]["stage"] in parts
    ]
    back = [claim for claim in retractions(known) if claim["stage"] in parts]
    return {"replaced": pairs, "taken_back": back}
