"""Who did it: how likely each actor is for each part of the incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, Facts, Figure, worded
from impact.answers.text import one_line
from impact.base import words
from impact.case.folder import Case
from impact.case.schema import SAME_AS
from impact.measures.attribution import Stage, changes_of_lead, confidence, stages
from impact.measures.evidence import names
from impact.measures.standing import statements_of
from impact.numerics import measures

if TYPE_CHECKING:
    import altair as alt

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
    rows, figures, told = list[dict[str, Any]](), list[Figure](), []
    for stage in stages(known):
        mine = _likelihoods(known, stage)
        for row in mine:
            mean, error = row["mean_chance"], row.pop("error")
            name = f"likelihood.{row['id']}"
            figures.append(Figure(name, mean, error, "chance", words.chance(mean)))
        mine.sort(key=lambda row: -row["mean_chance"])
        rows += mine
        told.append({"did": DID[stage.name], "first": mine[0], **_leading(stage, mine[0])})
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        panels = {did: one_line(said.cell_did({"did": did})) for did in DID.values()}
        drawn = frame.select(
            pl.col("did").replace(panels), "actor", "low_chance", "mean_chance", "high_chance"
        )
        return pictures.likelihoods(drawn, wide)

    publisher = dict(known["sources"].select("id", "publisher").iter_rows())
    values = {"told": told, "aliases": _aliases(known), "publisher": publisher}
    facts = Facts(frame, values, figures, draw if rows else None, there=bool(rows))
    return worded(known, "attribution", facts)


def _likelihoods(known: Case, stage: Stage) -> list[dict[str, Any]]:
    """The rows of one part of the incident, an actor each, and the error of the mean."""
    rows, called = [], names(known)
    for who, drawn in zip(stage.hypotheses, stage.chances(), strict=True):
        found = measures.mean(drawn)
        low, high = np.quantile(drawn, (0.05, 0.95), method="inverted_cdf")
        mean, low, high = float(drawn.mean()), float(low), float(high)
        row = {"id": f"{stage.name}.{who}", "stage": stage.name, "did": DID[stage.name]}
        row |= {"actor": called[who], "band": words.likelihoods(low, mean, high)}
        ends = {"low_chance": low, "mean_chance": mean, "high_chance": high}
        rows.append({**row, **ends, "error": found.error})
    return rows


def _leading(stage: Stage, first: dict[str, Any]) -> dict[str, Any]:
    """What is said of the likeliest actor of a part: how likely, by whom, what would flip it."""
    flipped = changes_of_lead(stage)
    return {
        "word": words.likelihood(first["mean_chance"]),
        "heard": list(dict.fromkeys(one.claim["claimant"] for one in stage.evidence)),
        "flips": [{"kind": kind, "id": name, "to": to} for kind, name, to in flipped],
        **confidence(stage, bool(flipped)),
    }


_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "stage", "did", "actor", "band"), pl.String),
    **dict.fromkeys(("low_chance", "mean_chance", "high_chance"), pl.Float64),
}


def _aliases(known: Case) -> list[dict[str, Any]]:
    """What is claimed of actors being the same: they are kept apart all the same."""
    kinds, found = dict(known["entities"].select("id", "kind").iter_rows()), []
    for one in statements_of(known):
        claim = one.first
        if claim["predicate"] == SAME_AS and kinds[claim["subject"]] == "actor":
            ends = [claim[part] for part in ("low", "high", "mode") if claim[part] is not None]
            said = [each["id"] for each in (*one.claims, *one.denials)]
            found.append(
                {
                    "subject": claim["subject"],
                    "value": one.value,
                    "claims": said,
                    "standing": one.standing,
                    "low": min(ends, default=None),
                    "high": max(ends, default=None),
                }
            )
    return found
