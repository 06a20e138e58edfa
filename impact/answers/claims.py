"""What claims come to: who did it, how likely, and where they contradict each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, figure, frame, pictures, worded
from impact.answers.text import one_line, said_by
from impact.base import words
from impact.case.folder import Case
from impact.case.schema import SAME_AS
from impact.measures.attribution import Stage, changes_of_lead, confidence, stages
from impact.measures.evidence import names
from impact.measures.standing import (
    CLEARLY,
    Claim,
    disputes,
    firmest,
    origin_weights,
    statements_of,
    support,
    value_of,
)
from impact.numerics import measures

DID = {
    "access": "got in",
    "theft": "took the claimed data",
    "extortion": "offers the data or threatens to publish it",
}


def attribution(known: Case) -> Answer:
    """How likely each actor is for each part of the incident, and what would change who leads.

    In the words of ICD 203 (2015), of the mean and of the 5 % and 95 % points over the judged
    ranges. Table: `id` (STAGE.ACTOR), `stage`, `did`, `actor`, `low_chance`, `mean_chance`,
    `high_chance`, `band`.
    """
    rows, figures, told = list[Any](), [], []
    for stage in stages(known):
        mine = _likelihoods(known, stage)
        figures += [
            figure(f"likelihood.{row['id']}", row["mean_chance"], "chance", row["error"])
            for row in mine
        ]
        mine.sort(key=lambda row: -row["mean_chance"])
        rows += mine
        flips = changes_of_lead(stage)
        told.append(
            {
                "first": mine[0],
                "word": words.likelihood(mine[0]["mean_chance"]),
                "heard": list(dict.fromkeys(one.claim["claimant"] for one in stage.evidence)),
                "flips": flips,
                **confidence(stage, bool(flips)),
            }
        )
    table = frame("attribution", rows)

    def draw(said: Any, wide: bool) -> Any:
        panels = {did: one_line(said.cell_did({"did": did})) for did in DID.values()}
        return pictures().likelihoods(table.with_columns(pl.col("did").replace(panels)), wide)

    entities = known.rows("entities")
    actors = [
        one
        for one in statements_of(known)
        if one.first["predicate"] == SAME_AS and entities[one.first["subject"]]["kind"] == "actor"
    ]
    return worded(known, "attribution", table, {"told": told, "aliases": actors}, figures, draw)


def _likelihoods(known: Case, stage: Stage) -> list[dict[str, Any]]:
    """The rows of one part of the incident, an actor each, and the error of the mean."""
    rows = []
    for who, drawn in zip(stage.hypotheses, stage.chances(), strict=True):
        low, high = np.quantile(drawn, (0.05, 0.95), method="inverted_cdf").tolist()
        mean = float(drawn.mean())
        rows.append(
            {
                "id": f"{stage.name}.{who}",
                "stage": stage.name,
                "did": DID[stage.name],
                "actor": names(known)[who],
                "band": words.likelihoods(low, mean, high),
                "low_chance": low,
                "mean_chance": mean,
                "high_chance": high,
                "error": measures.mean(drawn).error,
            }
        )
    return rows


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
            "side": _side(known, one, two),
            "against": [_side(known, other, first) for first, other in pairs],
            "better": "open" if support(known, one) <= CLEARLY * support(known, two) else "first",
            "sources": [len(origin_weights(known, side)) for side in (one, two)],
            "credible": [min(claim["credibility"] for claim in side) for side in (one, two)],
        }
        for (topic, name), pairs in by_topic.items()
        for one, two in pairs[:1]
    ]
    table = frame("conflicts", rows)
    every, open_ = table.height, table.filter(better="open").height
    values = {"all": every, "open": open_, "short": most is not None}
    figures = [figure("disputed", every, "count"), figure("disputed_open", open_, "count")]
    if most:
        table = table.sort(pl.col("better") != "open", maintain_order=True).head(most)
    return worded(known, "conflicts", table, values, figures)


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
