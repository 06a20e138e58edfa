"""How forecasts of past events would have done, beside the pooled past and beside Ripples alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from impact.answers.answer import Answer, pictures, worded
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.case.schema import TLP
from impact.measures import scores
from impact.measures.forecast import GROWN, Spread

RIPPLES_CLASS = "ripples-2021-orgs"


def score(folder: Path | None = None) -> Answer:
    """How forecasts of past events do, made from the others alone, on their day 1 and day 7.

    Scored is the number of organisations hit in the end. `folder` holds other reference data than
    the kit's. Table: see `impact.measures.scores.summed`; scores are of log10(1 + number), lower is
    better. Raises BadInput with all faults of the data, and Refusal if a row that was not known on
    its day reaches a forecast.
    """
    data = reference.load(folder or REFERENCE)
    shape, ripples = reference.distribution(data["classes"], RIPPLES_CLASS)
    rows = scores.scored(data, Spread(**ripples) if shape == "log_t" else None)
    table = scores.summed(rows)
    shown = rows.filter(age=scores.AGES[0], mode=scores.OTHERS, method=GROWN)

    def draw(_: Any, wide: bool) -> Any:
        ends = {"low": "pit_low", "high": "pit_high"}
        placed = shown.select(label="name", missed=~pl.col("in_90"), **ends)
        return pictures().placed(placed.sort(pl.col("low") + pl.col("high")), wide)

    values = {"shown": shown.to_dicts()}
    return worded(None, "score", table, values, draw=draw, label=TLP[0])
