"""Parts of a whole that do not sum to it: worth a word, though each may be right by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from impact.base.errors import Fault
from impact.case.checks import argument_pairs, ends_of, parameters
from impact.case.tables import Row, Tables, faults_of, standing
from impact.numerics.loss_kinds import money

NEAR = 0.01  # by which parts may miss the whole
BAND = "band"  # the argument of a loss that says which part of the people a row is about
_REPAIR = "let them sum to 1, or say in a row of its own what is left"


def warnings(tables: Tables) -> Iterator[Fault]:
    """What of a valid case does not sum to a whole: priors, bands of a loss, shares of supply."""
    names = ("judgements", "losses", "inputs", "links")
    judgements, losses, inputs, links = (standing(tables[name]) for name in names)
    priors = _sums(judgements.filter(pl.col("claim").is_null()), "stage", "mode")
    where, what = "judgements.csv:{line} mode", "the priors of {stage} sum to {total:.3g}"
    off = priors.filter((pl.col("total") - 1).abs() > NEAR)
    yield from faults_of(off, where, what, "let their modes sum to 1", most=None)
    yield from _bands(losses, inputs)
    supplies = _sums(links.filter(pl.col("relation") == "supplies"), "target", "share")
    where, what = (
        "links.csv:{line} share",
        'the shares of the supply of "{target}" sum to {total:.3g}',
    )
    above = supplies.filter(pl.col("total") > 1 + NEAR)
    yield from faults_of(above, where, what, "let them sum to 1 at most", most=None)


def _sums(rows: pl.DataFrame, by: str, part: str) -> pl.DataFrame:
    """The `total` of the parts of each whole, and the first `line` of them."""
    whole = rows.drop_nulls(part).group_by(by, maintain_order=True)
    return whole.agg(total=pl.col(part).sum(), line=pl.col("file_line").min())


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
    found = set[tuple[str, ...]]()
    for (name, _), parts in sorted(parted.items(), key=lambda one: min(one[1].values())):
        total = sum(_middle(rows[part]) for part in parts)
        off = total > 1 + NEAR or (name == BAND and total < 1 - NEAR)
        if len(parts) > 1 and off and (these := tuple(sorted(parts))) not in found:
            found.add(these)
            what = f"{', '.join(parts)} sum to {total:.3g}"
            yield Fault(f"losses.csv:{min(parts.values())} arguments {name}", what, _REPAIR)


def _middle(row: Row) -> float:
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
