"""Parts of a whole that do not sum to it: worth a word, though each may be right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from impact.base.errors import Fault
from impact.case.checks import argument_pairs, ends_of, parameters
from impact.numerics.loss_kinds import money

Tables = Mapping[str, pl.DataFrame]
NEAR = 0.01  # by which parts may miss the whole
BAND = "band"  # the argument of a loss that says which part of the people a row is about
_REPAIR = "let them sum to 1, or say in a row of its own what is left"


def warnings(tables: Tables) -> Iterator[Fault]:
    """What of a valid case does not sum to a whole: priors, bands of a loss, shares of supply."""
    newest = {
        name: rows.unique("id", keep="last", maintain_order=True).filter(~pl.col("withdrawn"))
        for name, rows in tables.items()
        if name in ("judgements", "losses", "inputs", "links")
    }
    yield from _priors(newest["judgements"])
    yield from _bands(newest["losses"], newest["inputs"])
    yield from _supplies(newest["links"])


def _priors(judgements: pl.DataFrame) -> Iterator[Fault]:
    priors = judgements.filter(pl.col("claim").is_null()).group_by("stage", maintain_order=True)
    for stage, total, line in priors.agg(
        pl.col("mode").sum(), pl.col("file_line").min()
    ).iter_rows():
        if abs(total - 1) > NEAR:
            what = f"the priors of {stage} sum to {total:.3g}"
            yield Fault(f"judgements.csv:{line} mode", what, "let their modes sum to 1")


def _bands(losses: pl.DataFrame, inputs: pl.DataFrame) -> Iterator[Fault]:
    """Shares that part the same people, goods or hours among rows of one bearer and form."""
    rows = {row["id"]: row for row in inputs.iter_rows(named=True)}
    parted: dict[tuple[str, tuple[object, ...]], dict[str, int]] = {}
    for loss in losses.iter_rows(named=True):
        pairs = argument_pairs(loss["arguments"])
        units = {name: str(rows[of]["unit"]) for name, of in pairs.items() if of in rows}
        whose = (loss["bearer"], loss["received_by"], loss["needs"], loss["form"], loss["kind"])
        for name, unit in units.items():
            if unit == "share":
                others = sorted(n for n in units if n != name and not money(units[n]))
                same = [(other, pairs[other]) for other in others]
                parts = parted.setdefault((name, (*whose, *same)), {})
                parts.setdefault(pairs[name], loss["file_line"])
    told = set[tuple[str, ...]]()
    for (name, _), parts in sorted(parted.items(), key=lambda one: min(one[1].values())):
        total = sum(_middle(rows[part]) for part in parts)
        off = total > 1 + NEAR or (name == BAND and total < 1 - NEAR)
        if len(parts) > 1 and off and (these := tuple(sorted(parts))) not in told:
            told.add(these)
            what = f"{', '.join(parts)} sum to {total:.3g}"
            yield Fault(f"losses.csv:{min(parts.values())} arguments {name}", what, _REPAIR)


def _supplies(links: pl.DataFrame) -> Iterator[Fault]:
    shares = links.filter(pl.col("relation") == "supplies").drop_nulls("share")
    for target, total, line in (
        shares.group_by("target", maintain_order=True)
        .agg(pl.col("share").sum(), pl.col("file_line").min())
        .iter_rows()
    ):
        if total > 1 + NEAR:
            what = f'the shares of the supply of "{target}" sum to {total:.3g}'
            yield Fault(f"links.csv:{line} share", what, "let them sum to 1 at most")


def _middle(row: Mapping[str, Any]) -> float:
    """The most likely value of an input, else its middle."""
    if row["mode"] is not None:
        return float(row["mode"])
    pairs = parameters(row["parameters"])[0]
    if row["shape"] == "quantiles":
        places = sorted((float(place), value) for place, value in pairs.items())
        return float(np.interp(0.5, [at for at, _ in places], [value for _, value in places]))
    low, high = min(ends_of(row)), max(ends_of(row))
    part = pairs["a"] / (pairs["a"] + pairs["b"]) if row["shape"] == "beta" else 0.5
    return low + (high - low) * part
