"""Parts of a whole that do not sum to it: worth a word, though each may be right by itself."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from impact.base.errors import Fault
from impact.case.checks import broken, pairs
from impact.case.tables import Tables, standing

BAND = "band"  # the argument of a loss that says which part of the people a row is about


def warnings(tables: Tables) -> Iterator[Fault]:
    """What of a valid case does not sum to a whole: priors, bands of a loss, shares of supply."""
    judgements, links = standing(tables["judgements"]), standing(tables["links"])
    priors = judgements.filter(pl.col("claim").is_null()).with_columns(of="stage", part="mode")
    supplies = links.filter(relation="supplies").with_columns(of="target", part="share")
    for name, file, rows in (
        ("priors", "judgements", priors),
        ("bands", "losses", _bands(tables)),
        ("supplies", "links", supplies),
    ):
        sums = (
            rows.drop_nulls("part")
            .group_by("of")
            .agg(
                total=pl.col("part").sum(),
                line=pl.col("file_line").min(),
                parts=pl.col("id").sort().str.join(", "),
            )
        )
        once = sums.sort("line").unique("parts", maintain_order=True)
        yield from broken(name, once, file + ".csv:{line}")


def _bands(tables: Tables) -> pl.DataFrame:
    """The bands of the people, each once for the losses that share all but it and what they cost.

    The part of a band is its most likely value, else its middle; nothing is told of one alone, nor
    where that of another is not known.
    """
    inputs = standing(tables["inputs"]).select("id", "unit", part=pl.coalesce("mode", _MIDDLE))
    used = pairs(standing(tables["losses"]), "arguments").drop("id")
    used = used.join(inputs, left_on="value", right_on="id").rename({"value": "id"})
    others = (pl.col("name") != BAND) & ~pl.col("unit").str.contains("[A-Z]{3}")
    same = ("bearer", "received_by", "needs", "form", "kind", "others")
    shared = pl.col("id").filter(others).sort().str.join(",").over("file_line")
    rows = used.with_columns(others=shared).with_columns(of=pl.struct(same)).filter(name=BAND)
    bands = rows.unique(["of", "id"], keep="first", maintain_order=True)
    return bands.filter((pl.len() > 1).over("of"), pl.col("part").is_not_null().all().over("of"))


_MIDDLE = (pl.col("low") + pl.col("high")) / 2
