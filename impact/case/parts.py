"""Parts of a whole that do not sum to it: worth a word, though each may be right by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from impact.base.errors import Fault
from impact.case.checks import argument_pairs, ends_of, parameters
from impact.case.tables import Row, Tables, faults_of, standing
from impact.numerics import sampling
from impact.numerics.loss_kinds import money

NEAR = 0.01  # by which parts may miss the whole
BAND = "band"  # the argument of a loss that says which part of the people a row is about
_REPAIR = "let them sum to 1, or say in a row of its own what is left"


def warnings(tables: Tables) -> Iterator[Fault]:
    """What of a valid case does not sum to a whole: priors, bands of a loss, shares of supply."""
    names = ("judgements", "losses", "inputs", "links")
    judgements, losses, inputs, links = (standing(tables[name]) for name in names)
    priors = _sums(judgements.filter(pl.col("claim").is_null()), "stage", "mode")
    what, repair = "the priors of {stage} sum to {total:.3g}", "let their modes sum to 1"
    off = priors.filter((pl.col("total") - 1).abs() > NEAR)
    yield from faults_of(off, "judgements.csv:{line} mode", what, repair)
    yield from _bands(losses, inputs)
    supplies = _sums(links.filter(relation="supplies"), "target", "share")
    what = 'the shares of the supply of "{target}" sum to {total:.3g}'
    above = supplies.filter(pl.col("total") > 1 + NEAR)
    yield from faults_of(above, "links.csv:{line} share", what, "let them sum to 1 at most")


def _sums(rows: pl.DataFrame, by: str, part: str) -> pl.DataFrame:
    """The `total` of the parts of each whole, and the first `line` of them."""
    whole = rows.drop_nulls(part).group_by(by, maintain_order=True)
    return whole.agg(total=pl.col(part).sum(), line=pl.col("file_line").min())


def _bands(losses: pl.DataFrame, inputs: pl.DataFrame) -> Iterator[Fault]:
    """Shares that part the same people, goods or hours among rows of one bearer and form."""
    rows = {row["id"]: row for row in inputs.iter_rows(named=True)}
    parted: dict[tuple[Any, ...], dict[str, int]] = {}
    for loss in losses.iter_rows(named=True):
        pairs = argument_pairs(loss["arguments"])
        whose = [loss[name] for name in ("bearer", "received_by", "needs", "form", "kind")]
        whole = sorted(pair for pair in pairs.items() if not money(rows[pair[1]]["unit"]))
        for name, part in whole:
            if rows[part]["unit"] == "share":
                others = [pair for pair in whole if pair != (name, part)]
                parts = parted.setdefault((name, *whose, *others), {})
                parts.setdefault(part, loss["file_line"])
    told = set[frozenset[str]]()
    for (name, *_), parts in sorted(parted.items(), key=lambda one: min(one[1].values())):
        total = sum(_middle(rows[part]) for part in parts)
        off = total > 1 + NEAR or (name == BAND and total < 1 - NEAR)
        if len(parts) > 1 and off and frozenset(parts) not in told:
            told.add(frozenset(parts))
            what = f"{', '.join(parts)} sum to {total:.3g}"
            yield Fault(f"losses.csv:{min(parts.values())} arguments {name}", what, _REPAIR)


def _middle(row: Row) -> float:
    """The most likely value of an input, else its median."""
    if row["mode"] is not None:
        return float(row["mode"])
    ends, pairs = ends_of(row), tuple(parameters(row["parameters"])[0].items())
    quantile, half = sampling.QUANTILES[row["shape"]], np.array([0.5])
    return float(quantile(half, min(ends), np.nan, max(ends), np.nan, pairs)[0])
