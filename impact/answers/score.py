"""How forecasts of past events would have done, beside the pooled past and beside Ripples alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, Figure, worded
from impact.base import words
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.case.schema import TLP
from impact.measures import scores
from impact.measures.forecast import GROWN, KIND, Spread

if TYPE_CHECKING:
    import altair as alt

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
    gains = {
        (mode, age, method): scores.gain(rows, age, mode, method)
        for mode in scores.MODES
        for age in scores.AGES
        for method in (KIND, GROWN)
    }
    shown = rows.filter(age=scores.AGES[0], mode=scores.OTHERS, method=GROWN)
    missed = shown.filter(~pl.col("in_90%"))["name"].to_list()

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        placed = shown.select(
            label="name", low="pit_low", high="pit_high", missed=~pl.col("in_90%")
        )
        middle = (pl.col("low") + pl.col("high")) / 2
        return pictures.placed(placed.sort(middle), wide)

    values = {
        "gains": gains,
        "beats": gains[scores.OTHERS, scores.AGES[0], GROWN].low > 0,
        "first": shown["first"].sum(),
        "n": shown.height,
        "kinds": shown.group_by("kind").len().sort("kind").rows(),
        "missed": missed,
        "by": {(row["mode"], row["age"], row["method"]): row for row in table.to_dicts()},
    }
    figures = list(_figures(table, gains))
    return worded(None, "score", Facts(table, values, figures, draw, label=TLP[0]))


def _figures(table: pl.DataFrame, gains: dict[Any, scores.Gain]) -> Iterator[Figure]:
    for row in table.iter_rows(named=True):
        name = f"{row['mode']}.day {row['age']}.{row['method']}"
        yield Figure(f"crps.{name}", row["crps"], None, "log10", words.number(row["crps"], 2))
        for level in scores.LEVELS:
            inside, n = row[f"in_{level:.0%}"], row["n"]
            told = f"{inside} of {n}"
            yield Figure(f"in {level:.0%}.{name}", float(inside), None, "count", told)
    for (mode, age, method), found in gains.items():
        error, told = (found.high - found.low) / 2, words.number(found.mean, 2)
        yield Figure(f"gain.{mode}.day {age}.{method}", found.mean, error, "log10", told)
