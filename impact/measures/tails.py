"""How likely the loss of all parties together is above an amount."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact.measures.frames import frame
from impact.measures.loss import LED, assumed
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run

POINTS = 120  # points of a curve
_DIGITS = (1, 1.5, 2, 3, 4, 6, 8)


def ends_at(run: Run) -> float:
    """The chance at which a curve ends: one in twenty where assumptions lead, else no end."""
    return 0.05 if assumed(run) > LED else 0.0


def above(run: Run) -> pl.DataFrame:
    """Chances of more than round amounts: `id`, `amount_usd`, `chance`, `chance_error`.

    They end where fewer than ENOUGH / 5 draws are above; where assumptions lead at 5 %.
    """
    lost = total_loss(run)
    at = _round_amounts(lost)
    last = max(ends_at(run), measures.ENOUGH / 5 / run.draws)
    found = zip(at.tolist(), measures.exceedance_points(lost, at), strict=True)
    rows = [(f"{amount:.15g}", amount, of.value, of.error) for amount, of in found]
    return frame("above", rows).filter(pl.col("chance") >= last)


def exceedance_curve(run: Run) -> pl.DataFrame:
    """Points of `amount_usd` and `chance`, evenly spaced in the logarithm of the amount.

    None where fewer than ENOUGH draws hold a loss.
    """
    lost = total_loss(run)
    ordered = np.sort(lost[lost > 0])
    if ordered.size < measures.ENOUGH:
        return frame("curve", [])
    last = max(ends_at(run), measures.ENOUGH / 5 / run.draws)
    top = ordered[max(0, ordered.size - int(np.ceil(last * lost.size)))]
    at = np.geomspace(ordered[ordered.size // 100], top, POINTS)
    chances = [of.value for of in measures.exceedance_points(lost, at)]
    return pl.DataFrame({"amount_usd": at, "chance": chances})


def _round_amounts(lost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round amounts from the least loss to the greatest; where there is none, the one below."""
    positive = lost[lost > 0]
    if not positive.size:
        return np.zeros(0)
    low, high = positive.min(), positive.max()
    powers = np.arange(np.floor(np.log10(low)) - 1, np.ceil(np.log10(high)) + 1)
    amounts = np.outer(10.0**powers, _DIGITS).ravel()
    kept: NDArray[np.float64] = amounts[(amounts >= low) & (amounts < high)]
    return kept if kept.size else amounts[amounts < low][-1:]
