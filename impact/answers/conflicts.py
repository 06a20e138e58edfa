"""Conflicts: statements that cannot all be true, both sides kept, the better supported first."""

from __future__ import annotations

import polars as pl

from impact.answers.answer import Answer, Facts, tally, worded
from impact.answers.text import in_words, many, said_by
from impact.case.folder import Case
from impact.measures.standing import (
    CLEARLY,
    Claim,
    disputes,
    firmest,
    support,
    value_of,
    weighed,
)


def conflicts(known: Case, most: int | None = None) -> Answer:
    """Statements that cannot all be true: each side, who says it, which is better supported.

    All, or in short the first `most`. Table: `id`, `topic`, `side`, `against`, `better` (first or
    open), `why`.
    """
    rows, by_topic = [], dict[tuple[str, str], list[tuple[list[Claim], list[Claim]]]]()
    ordered = sorted(disputes(known), key=lambda d: -support(known, d[2]))
    for topic, one, two in ordered:  # the best supported contradictions first
        by_topic.setdefault((topic, one[0]["id"]), []).append((one, two))
    for (topic, name), pairs in by_topic.items():
        one, two = pairs[0]
        open_ = support(known, one) <= CLEARLY * support(known, two)
        against = "; ".join(_side(known, other, first) for first, other in pairs)
        sides = (_side(known, one, two), against)
        better = "open" if open_ else "first"
        rows.append((name, topic, *sides, better, _why(known, one, two, open_)))
    schema = dict.fromkeys(("id", "topic", "side", "against", "better", "why"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    open_count = frame.filter(pl.col("better") == "open").height
    figures = (tally("disputed", frame.height), tally("disputed_open", open_count))
    values = {"all": frame.height, "open": open_count, "short": most is not None}
    table = (
        frame.sort(pl.col("better") != "open", maintain_order=True).head(most) if most else frame
    )
    return worded(known, "conflicts", Facts(table, values, figures, there=bool(rows)))


def _why(known: Case, one: list[Claim], two: list[Claim], open_: bool) -> str:
    if open_:
        return "open: support is about equal"
    first, second = (len(weighed(known, side)) for side in (one, two))
    if first > second:
        return f"{many(first, 'independent source')} against {in_words(second)}"
    best = [min(claim["credibility"] for claim in side) for side in (one, two)]
    if best[0] < best[1]:
        return (
            f"{_CREDIBLE[int(best[0])]} ({best[0]}), against {_CREDIBLE[int(best[1])]} ({best[1]})"
        )
    return "more reliable sources"


_CREDIBLE = ("", "confirmed elsewhere", "probably true", "possibly true", "doubtful", "improbable",
             "cannot be judged")  # fmt: skip


def _side(known: Case, claims: list[Claim], others: list[Claim]) -> str:
    """One side of a dispute: its value, or its sentence where the other is on another topic."""
    first = min(claims, key=firmest)
    alike = all(first[part] == others[0][part] for part in ("subject", "predicate", "qualifier"))
    value = value_of(known, first) if alike else first["says"].rstrip(".")
    more = len({claim["claimant"] for claim in claims}) - 1
    also = f", and {many(more, 'other')}" if more else ""
    denied = "not " if first["stance"] == "denies" and alike else ""
    return f"{denied}{value} ({said_by(known, first)}{also})"
