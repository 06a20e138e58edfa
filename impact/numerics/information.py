"""What one quantity tells of another, from the draws of one run: nothing is run again.

The draws of a run are cut into bins by the value of an input, and the outcome is looked at bin by
bin ("given-data" estimation: Plischke, Borgonovo and Smith 2013; Strong and Oakley 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """A partition of the draws: they stand in `order`, cut at `starts` into bins.

    For an amount the bins are equally full and ascend; for a state there are two, not reached
    first.
    """

    order: Places
    starts: Places

    @property
    def sizes(self) -> Places:
        """`(bins,)` how many draws each holds."""
        return np.diff(np.append(self.starts, self.order.size))

    def means(self, outcomes: Draws) -> Draws:
        """`(bins, ...)` means of `(draws, ...)` outcomes in each bin."""
        sums: Draws = np.add.reduceat(outcomes[self.order], self.starts, axis=0)
        return (sums.T / self.sizes).T


def bins_of(values: Draws) -> Bins | None:
    """Bins of the `(draws,)` values of an input; None where there are too few draws for two."""
    many = min(MOST_BINS, values.size // BIN)
    if many < 2:
        return None
    return Bins(np.argsort(values, kind="stable"), np.arange(many) * values.size // many)


def two_bins(state: NDArray[np.bool_]) -> Bins | None:
    """The draws without and with a state; None where either are fewer than half a bin."""
    without = int(np.count_nonzero(~state))
    if min(without, state.size - without) < BIN // 2:
        return None
    return Bins(np.argsort(state, kind="stable"), np.array([0, without]))


def first_order(bins: Bins, outcomes: Draws) -> float:
    """First-order Sobol index Var(E[Y | X]) / Var(Y) (Sobol 1993) of `(draws,)` outcomes Y.

    The variance between bins less what chance alone puts there, (bins - 1) / (draws - bins) of that
    within (the adjusted correlation ratio, Kelley 1935); 0 where the bins differ no more than those
    of an irrelevant quantity do in 99 of 100 cases (Fisher's F).
    """
    sizes, draws, variance = bins.sizes, outcomes.size, float(outcomes.var())
    above, centre = sizes.size - 1, float(outcomes.mean())
    if variance <= 1e-12 * centre**2:  # lost in rounding: it does not vary
        return 0.0
    between = float((bins.means(outcomes) - centre) ** 2 @ sizes) / draws
    below = draws - sizes.size
    within = max(0.0, variance - between) / below
    if between <= above * within * float(scipy.special.fdtri(above, below, 0.99)):
        return 0.0
    return (between - within * above) / variance


def worth(bins: Bins, costs: Draws, tried: int) -> float:
    """Value of knowing a quantity before choosing among options, in the unit of their costs.

    `costs` are `(draws, options)`. The mean cost of the option that is cheapest on average, less
    that of the option that is cheapest in each bin (expected value of partial perfect information:
    Raiffa and Schlaifer 1961). Every second draw of a bin chooses and the others tell what the
    choice costs, and the other way round (cross-fitting: Chernozhukov et al. 2018), so that chance
    alone earns nothing. 0 unless both halves earn something and the mean is above 0 by a test at
    SURE over the number of quantities `tried` (Bonferroni).
    """
    means = bins.means(costs)
    if (means.min(axis=1) == means[:, costs.mean(axis=0).argmin()]).all():
        return 0.0  # one option is cheapest in every bin
    label, earned = np.repeat(np.arange(len(means)), bins.sizes), []
    for own, other in ((0, 1), (1, 0)):
        half = Bins(bins.order[own::2], (bins.starts + 1 - own) // 2)
        rest, best = costs[bins.order[other::2]], half.means(costs).argmin(axis=1)
        without = rest[:, costs[half.order].mean(axis=0).argmin()]
        earned.append(without - rest[np.arange(len(rest)), best[label[other::2]]])
    whole = np.concatenate(earned)
    mean, error = float(whole.mean()), float(whole.std(ddof=1)) / float(np.sqrt(whole.size))
    if min(part.mean() for part in earned) <= 0:
        return 0.0
    return mean if mean > float(scipy.special.ndtri(1 - SURE / tried)) * error else 0.0
