"""What one quantity tells of another, from the draws of one run: nothing is run again.

The draws of a run are cut into bins by the value of an input, and the outcome is looked at bin by
bin ("given-data" estimation: Plischke, Borgonovo and Smith 2013; Strong and Oakley 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from impact.numerics import Draws

Places = NDArray[np.intp]
BIN = 1_000  # least number of draws in a bin
MOST_BINS = 64
SURE = 0.001  # chance of any false worth among all quantities that are tried


@dataclass(frozen=True)
class Bins:
    """A partition of the draws: they stand in `order`, cut at `starts` into bins of `sizes`.

    For an amount the bins are equally full and ascend; for a state there are two, not reached
    first.
    """

    order: Places
    starts: Places
    sizes: Places

    def means(self, outcomes: Draws, space: Draws | None = None) -> Draws:
        """`(bins, ...)` means of `(draws, ...)` outcomes in each bin; `space` is of their shape."""
        ordered = np.take(outcomes, self.order, axis=0, out=space, mode="clip")
        sums: Draws = np.add.reduceat(ordered, self.starts, axis=0)
        return sums / self.sizes.reshape(-1, *[1] * (outcomes.ndim - 1))


def bins_of(values: Draws) -> Bins | None:
    """Bins of the `(draws,)` values of an input; None where there are too few draws for two."""
    many = min(MOST_BINS, values.size // BIN)
    if many < 2:
        return None
    starts = np.arange(many) * values.size // many
    return Bins(np.argsort(values, kind="stable"), starts, _sizes(starts, values.size))


def two_bins(state: NDArray[np.bool_], least: int = BIN // 2) -> Bins | None:
    """The draws without and with a state; None where either are fewer than `least`."""
    many = int(np.count_nonzero(state))
    if min(many, state.size - many) < least:
        return None
    starts = np.array([0, state.size - many])
    order = np.concatenate([np.flatnonzero(~state), np.flatnonzero(state)])
    return Bins(order, starts, _sizes(starts, state.size))


def _sizes(starts: Places, draws: int) -> Places:
    return np.diff(np.append(starts, draws))


def first_order(means: Draws, sizes: Places, variance: float) -> float:
    """First-order Sobol index Var(E[Y | X]) / Var(Y) (Sobol 1993), from `(bins,)` means of Y.

    `variance` is that of all draws. The variance between bins less what chance alone puts there,
    (bins - 1) / (draws - bins) of that within (the adjusted correlation ratio, Kelley 1935); 0
    where the bins differ no more than those of an irrelevant quantity do in 99 of 100 cases
    (Fisher's F).
    """
    many, draws = sizes.size, int(sizes.sum())
    centre = float(means @ sizes) / draws
    if variance <= 1e-12 * centre**2:  # lost in rounding: it does not vary
        return 0.0
    between = float((means - centre) ** 2 @ sizes) / draws
    within = max(0.0, variance - between) / (draws - many)
    if between <= (many - 1) * within * _significant(many - 1, draws - many):
        return 0.0
    return (between - within * (many - 1)) / variance


@lru_cache(maxsize=256)
def _significant(above: int, below: int) -> float:
    return float(scipy.special.fdtri(above, below, 0.99))


def gain(means: Draws, sizes: Places) -> float:
    """Mean over bins of what the option that is cheapest on average costs above that of the bin.

    `means` are `(bins, options)` mean costs; exactly 0 where one option is cheapest in every bin.
    """
    best = int((sizes @ means).argmin())
    return float(sizes @ (means[:, best] - means.min(axis=1))) / int(sizes.sum())


def worth(bins: Bins, costs: Draws, tried: int) -> float:
    """Value of knowing a quantity before choosing among options, in the unit of their costs.

    `costs` are `(draws, options)`. The mean cost of the option that is cheapest on average, less
    that of the option that is cheapest in each bin (expected value of partial perfect information:
    Raiffa and Schlaifer 1961). Every second draw of a bin chooses and the others tell what the
    choice costs, and the other way round (cross-fitting: Chernozhukov et al. 2018), so that chance
    alone earns nothing. 0 unless both halves earn something and the mean is above 0 by a test at
    SURE over the number of quantities `tried` (Bonferroni).
    """
    label = np.repeat(np.arange(bins.sizes.size), bins.sizes)
    earned = []
    for own, other in ((0, 1), (1, 0)):
        fit, test = costs[bins.order[own::2]], costs[bins.order[other::2]]
        starts = np.searchsorted(label[own::2], np.arange(bins.sizes.size))
        means = np.add.reduceat(fit, starts, axis=0) / np.diff(np.append(starts, len(fit)))[:, None]
        choice = means.argmin(axis=1)[label[other::2]]
        earned.append(test[:, fit.mean(axis=0).argmin()] - test[np.arange(len(test)), choice])
    whole = np.concatenate(earned)
    mean, error = float(whole.mean()), float(whole.std(ddof=1)) / float(np.sqrt(whole.size))
    if min(part.mean() for part in earned) <= 0:
        return 0.0
    return mean if mean > float(scipy.special.ndtri(1 - SURE / max(tried, 1))) * error else 0.0
