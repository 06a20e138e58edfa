"""What is claimed, who says so, and how well it is supported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from impact.answers.answer import Answer, counted, frame, tallies, worded
from impact.base.errors import bad, did_you_mean
from impact.case.folder import Case
from impact.case.schema import STAGES
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
                **claim,
                "statement": one.name,
                "standing": one.standing,
                "origins": len(one.origins),
                "valued": bool(one.value),
                **_voices("by", one.claims),
                **_voices("against", excludes),
            }
        )
    part, firm = pl.col("stage").cast(pl.Enum(STAGES)), pl.col("standing").cast(pl.Enum(STANDINGS))
    table = frame("statements", rows).sort(part, firm, "statement", "says", maintain_order=True)
    standings = counted(table["standing"], STANDINGS)
    values = {
        "counted": standings,
        "stage": stage,
        "parts": parts,
        "replaced": successors(known),
        "taken_back": retractions(known),
    }
    name, figures = f"statements_{stage}" if stage else "", tallies("standing", standings)
    return worded(known, "statements", table, values, figures, name=name)


def _voices(side: str, claims: Sequence[Claim]) -> dict[str, Any]:
    """Claims that say the same, the firmest first, and how many others say so."""
    others = max(0, len({claim["claimant"] for claim in claims}) - 1)
    ids = [claim["id"] for claim in sorted(claims, key=firmest)]
    return {side: ids, f"{side}_others": others}
