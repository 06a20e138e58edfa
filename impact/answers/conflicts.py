"""Conflicts: statements that cannot all be true, both sides kept, the better supported first."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact.answers.answer import Answer, figure, frame, worded
from impact.answers.text import said_by
from impact.case.folder import Case
from impact.measures.standing import (
    CLEARLY,
    Claim,
    disputes,
    firmest,
    origin_weights,
    support,
    value_of,
)


def conflicts(known: Case, most: int | None = None) -> Answer:
    """Statements that cannot all be true: each side, who says it, which is better supported.

    All, or in short the first `most`. Table: `id`, `topic`, `side` and `against` (each with the
    `claim`, its `value`, whether that is `denied`, `by` whom, `others` who say so), `better` (first
    or open), `sources` and `credible`: independent sources and best credibility of the two.
    """
    by_topic = dict[tuple[str, str], list[Any]]()
    for topic, one, two in sorted(disputes(known), key=lambda d: -support(known, d[2])):
        by_topic.setdefault((topic, one[0]["id"]), []).append((one, two))
    rows = [
        {
            "id": name,
            "topic": topic,
            "side": _side(known, *pairs[0]),
            "against": [_side(known, other, first) for first, other in pairs],
            "better": "first" if _clearly(known, *pairs[0]) else "open",
            "sources": [len(origin_weights(known, side)) for side in pairs[0]],
            "credible": [min(claim["credibility"] for claim in side) for side in pairs[0]],
        }
        for (topic, name), pairs in by_topic.items()
    ]
    table = frame("conflicts", rows)
    every, open_ = table.height, table.filter(better="open").height
    values = {"all": every, "open": open_, "short": most is not None}
    figures = [figure("disputed", every, "count"), figure("disputed_open", open_, "count")]
    if most:
        table = table.sort(pl.col("better") != "open", maintain_order=True).head(most)
    return worded(known, "conflicts", table, values, figures)


def _clearly(known: Case, one: list[Claim], two: list[Claim]) -> bool:
    return support(known, one) > CLEARLY * support(known, two)


def _side(known: Case, claims: list[Claim], others: list[Claim]) -> dict[str, Any]:
    """One side of a dispute: its value, or its sentence where the other is on another topic."""
    first = min(claims, key=firmest)
    alike = all(first[part] == others[0][part] for part in ("subject", "predicate", "qualifier"))
    return {
        "claim": first["id"],
        "value": value_of(known, first) if alike else first["says"].rstrip("."),
        "by": said_by(known, first),
        "denied": first["stance"] == "denies" and alike,
        "others": len({claim["claimant"] for claim in claims}) - 1,
    }
