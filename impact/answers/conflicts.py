"""Conflicts: statements that cannot all be true, both sides kept, the better supported first."""

from __future__ import annotations

import polars as pl

from impact import words
from impact.answers.answer import Answer, tally
from impact.answers.statements import (
    CLEARLY,
    Claim,
    by_whom,
    firmest,
    statements_of,
    support,
    value_of,
    weighed,
)
from impact.case.folder import Case, once
from impact.case.views import now


@once
def disputes(known: Case) -> list[tuple[str, list[Claim], list[Claim]]]:
    """(topic, better supported side, other side) of statements that cannot all be true.

    Found from equal subject, predicate and qualifier where a predicate takes one value, from what
    one asserts and another denies, and from `contradicts`. Of several values of a topic each is
    set beside the best; a claim that its claimant replaced takes no part.
    """
    every = statements_of(known)
    rank = [(-one.support, one.first["id"]) for one in every]
    found: list[tuple[str, list[Claim], list[Claim]]] = []
    for at, one in enumerate(every):
        if one.claims and one.against:
            sides = sorted((one.claims, one.against), key=lambda side: -support(known, side))
            found.append((one.topic, list(sides[0]), list(sides[1])))
        better = sorted((n for n in one.rivals if rank[n] < rank[at]), key=rank.__getitem__)
        alike = [n for n in better if every[n].about == one.about]
        for n in [*alike[:1], *(n for n in better if n not in alike)]:
            found.append((every[n].topic, list(every[n].claims), list(one.claims)))
    return found


@once
def conflicts(known: Case) -> Answer:
    """Statements that cannot all be true: each side, who says it, which is better supported.

    Table: `topic`, `side`, `against`, `better` (first or open), `why`.
    """
    rows, by_topic = [], dict[tuple[str, str], list[tuple[list[Claim], list[Claim]]]]()
    ordered = sorted(disputes(known), key=lambda d: -support(known, d[2]))
    for topic, one, two in ordered:  # the best supported contradictions first
        by_topic.setdefault((topic, one[0]["id"]), []).append((one, two))
    for (topic, _), pairs in by_topic.items():
        one, two = pairs[0]
        open_ = support(known, one) <= CLEARLY * support(known, two)
        against = "; ".join(_side(known, other, first) for first, other in pairs)
        sides = (_side(known, one, two), against)
        rows.append((topic, *sides, "open" if open_ else "first", _why(known, one, two, open_)))
    schema = dict.fromkeys(("topic", "side", "against", "better", "why"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    still_open = frame.filter(pl.col("better") == "open").height
    sentence = "No two statements in this view contradict each other."
    if rows:
        better = frame.height - still_open
        sentence = f"{words.count(frame.height, 'point is', 'points are')} disputed as of"
        sentence += f" {words.date(now(known))}:"
        sentence += f" {better} with one side clearly better supported"
        sentence += f", {still_open} open." if still_open else "."
    return Answer(
        name="conflicts",
        sentence=sentence,
        table=frame,
        label=known.label,
        heads={
            "topic": "About",
            "side": "Better supported, or first",
            "against": "Against it",
            "why": "Why",
        },
        figures=(
            tally("disputed", frame.height),
            tally("disputed_open", still_open),
        ),
        notes=("Both sides are kept. Copies of one origin count once.",) if rows else (),
    )


def _why(known: Case, one: list[Claim], two: list[Claim], open_: bool) -> str:
    if open_:
        return "open: support is about equal"
    first, second = (len(weighed(known, side)) for side in (one, two))
    if first > second:
        return f"{words.count(first, 'independent origin')} against {second}"
    best = [min(claim["credibility"] for claim in side) for side in (one, two)]
    if best[0] < best[1]:
        return f"credibility {best[0]} against {best[1]}"
    return "more reliable sources"


def _side(known: Case, claims: list[Claim], others: list[Claim]) -> str:
    """One side of a dispute: its value, or its sentence where the other is on another topic."""
    first = min(claims, key=firmest)
    alike = all(first[part] == others[0][part] for part in ("subject", "predicate", "qualifier"))
    value = value_of(known, first) if alike else first["says"].rstrip(".")
    denies = first["stance"] == "denies" and alike
    return f"{'not ' if denies else ''}{value} ({by_whom(known, claims)})"
