"""Who did it: how likely each actor is for each part of the incident."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, figure, frame, pictures, worded
from impact.answers.text import one_line
from impact.base import words
from impact.case.folder import Case
from impact.case.schema import SAME_AS
from impact.measures.attribution import Stage, changes_of_lead, confidence, stages
from impact.measures.evidence import names
from impact.measures.standing import statements_of
from impact.numerics import measures

DID = {
    "access": "got in",
    "theft": "took the claimed data",
    "extortion": "offers or threatens with the data",
}


def attribution(known: Case) -> Answer:
    """How likely each actor is for each part of the incident, and what would change who leads.

    In the words of ICD 203 (2015), of the mean and of the 5 % and 95 % points over the judged
    ranges. Table: `id` (STAGE.ACTOR), `stage`, `did`, `actor`, `low_chance`, `mean_chance`,
    `high_chance`, `band`.
    """
    rows, figures, told = list[dict[str, Any]](), [], []
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

    values = {"told": told, "aliases": _aliases(known)}
    return worded(known, "attribution", table, values, figures, draw)


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


def _aliases(known: Case) -> list[dict[str, Any]]:
    """What is claimed of actors being the same: they are kept apart all the same."""
    kinds, found = known.rows("entities"), []
    for one in statements_of(known):
        claim = one.first
        if claim["predicate"] == SAME_AS and kinds[claim["subject"]]["kind"] == "actor":
            ends = [claim[part] for part in ("low", "high", "mode") if claim[part] is not None]
            said = {"subject": claim["subject"], "value": one.value, "standing": one.standing}
            said["claims"] = [each["id"] for each in (*one.claims, *one.denials)]
            found.append({**said, "low": min(ends, default=None), "high": max(ends, default=None)})
    return found
