"""What draws say, each with the half-width of its 95 % interval (simulation error).

Simulation error says how far another seed would move a number; it says nothing of the inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from impact.numerics import Draws

Z = 1.959963984540054  # 97.5 % point of the standard normal
ENOUGH = 500  # draws with a loss below which nothing but the chance is given
QUANTILES = {"p05": 0.05, "p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
NAMES = ("chance", "given", "mean", *QUANTILES, "tvar95")


@dataclass(frozen=True)
class Measure:
    """A value and the half-width of its 95 % interval; None where not resolved."""

    value: float | None
    error: float | None


NOTHING, UNRESOLVED = Measure(0.0, 0.0), Measure(None, None)


def share(hits: int, draws: int) -> Measure:
    """Share of draws, with the greater half of the Wilson (1927) score interval.

    >>> round(share(50, 100).error, 4)
    0.0962
    """
    p, z2 = hits / draws, Z**2 / draws
    centre = (p + z2 / 2) / (1 + z2)
    half = Z / (1 + z2) * np.sqrt(p * (1 - p) / draws + z2 / (4 * draws))
    return Measure(p, float(max(centre + half - p, p - (centre - half))))


def mean(amounts: Draws) -> Measure:
    """Mean of `(draws,)` independent amounts, its error widened for skew; see `_width`."""
    spread = amounts.std(ddof=1) if amounts.size > 1 else 0.0
    spread = spread if spread > 1e-12 * abs(amounts).max(initial=0.0) else 0.0  # lost in rounding
    error = _width(_skew(amounts)) * spread / np.sqrt(amounts.size)
    return Measure(float(amounts.mean()), float(error))


HEAVY = 0.3  # skewness over root n from which the mean of a tail is not resolved


def _skew(amounts: Draws) -> float:
    """Skewness of `(draws,)` amounts over the root of their number; 0 where they do not vary."""
    centred = amounts - amounts.mean()
    square = float(centred @ centred) / amounts.size
    if square <= 1e-24 * float(amounts @ amounts) / amounts.size:
        return 0.0
    cube = float((centred * centred) @ centred) / amounts.size
    return float(abs(cube) / square**1.5 / np.sqrt(amounts.size))


def _width(skew: float) -> float:
    """Standard errors to either side of a mean that hold 95 %, for `_skew`.

    The upper half of a studentised mean is longer by 1.45 times that skew (Johnson 1978, "Modified
    t tests"; the Edgeworth expansion of Hall 1992). The square is ours, because few draws show too
    little of a long tail: tried on lognormals over one to three decades.
    """
    return Z + 1.45 * skew + 5 * skew**2


def loss_measures(amounts: Draws) -> dict[str, Measure]:
    """Measures of `(draws,)` amounts: chance, given, mean, p05 to p99 and tvar95.

    `chance` is that of a loss: an amount below 0 is a gain. `given` is the mean of the draws that
    are not 0. Quantiles are order statistics with the binomial
    interval of their ranks (David and Nagaraja 2003, section 7.1); TVaR is the mean of the worst
    1 - a of the draws (Acerbi and Tasche 2002), its variance
    (Var[tail] + a (TVaR - VaR)^2) / (n (1 - a)) from Manistre and Hancock (2005), not
    resolved where the tail is too heavy. Under 500 draws that are not 0 only the chance is given.
    """
    draws, nonzero = amounts.size, int(np.count_nonzero(amounts))
    found = {"chance": share(int(np.count_nonzero(amounts > 0)), draws)}
    if nonzero < ENOUGH:
        return found | dict.fromkeys(NAMES[1:], UNRESOLVED if nonzero else NOTHING)
    found["given"] = mean(amounts[amounts != 0] if nonzero < draws else amounts)
    found["mean"], ordered = mean(amounts), np.sort(amounts)
    found |= {name: quantile(ordered, q) for name, q in QUANTILES.items()}
    tail = ordered[int(np.ceil(0.95 * draws)) - 1 :]
    beyond = tail.mean() - tail[0]
    variance = (tail.var(ddof=1) + 0.95 * beyond**2) / tail.size if tail.size > 1 else 0.0
    skew = _skew(np.maximum(ordered - tail[0], 0.0))
    error = float(_width(skew) * np.sqrt(variance))
    tvar = UNRESOLVED if skew > HEAVY else Measure(float(tail.mean()), error)
    return found | {"tvar95": tvar}


@dataclass(frozen=True)
class Spread:
    """The range that nine outcomes in ten lie in; `low`, `mid` and `high` None where not resolved.

    `often` is the share of draws in which there is an amount. With `given` the range is of those
    draws alone.
    """

    often: float
    given: bool
    low: float | None
    mid: float | None
    high: float | None


OFTEN = 0.95  # chance of an amount from which its range is of all draws
SELDOM = 0.12  # chance of an amount up to which the range of all draws would be next to nothing


def nine_in_ten(amounts: Draws, whole: bool = False) -> Spread:
    """The spread of `(draws,)` amounts: from the 5 % to the 95 % point, order statistics.

    Where there is an amount in less than 95 % of the draws the range is that of the draws with one.
    Of several parties, `(parties, draws)`, that is asked of each, and the range is of them as one.
    `whole` keeps to all draws, for totals and comparisons: then from 0 to the 90 % point, unless an
    amount is so rare that this would say nothing.
    """
    happened = amounts[amounts != 0]
    chance = happened.size / amounts.size
    least = float(np.mean(amounts != 0, axis=-1).min())
    given = least < (SELDOM if whole else OFTEN)
    if happened.size < ENOUGH:
        return Spread(chance, given, None, None, None)
    ranged = happened if given else amounts.ravel()
    rare = whole and SELDOM <= chance < OFTEN
    points = (0.0, 0.5, 0.9) if rare and ranged.min() >= 0 else (0.05, 0.5, 0.95)
    return Spread(chance, given, *(order_statistic(ranged, q) for q in points))


def quantile(ordered: Draws, q: float) -> Measure:
    """The q-quantile of sorted draws, an order statistic."""
    draws = ordered.size
    half = Z * np.sqrt(draws * q * (1 - q))
    low = int(max(0, np.floor(draws * q - half)))
    high = int(min(draws - 1, np.ceil(draws * q + half)))
    value = float(ordered[int(np.ceil(draws * q)) - 1])
    return Measure(value, float(max(ordered[high] - value, value - ordered[low])))


def order_statistic(amounts: Draws, q: float) -> float:
    """The q-quantile of `(draws,)` amounts that need not be sorted, as `quantile` gives it."""
    place = max(0, int(np.ceil(amounts.size * q)) - 1)
    return float(np.partition(amounts, place)[place])


def exceedance_points(amounts: Draws, at: Draws) -> list[Measure]:
    """The chance that an amount is above each threshold."""
    above = amounts.size - np.searchsorted(np.sort(amounts), at, side="right")
    return [share(hits, amounts.size) for hits in above.tolist()]


def squared_correlations(variables: Sequence[Draws], outcomes: Draws) -> Draws:
    """`(variables, outcomes)` squared linear correlations; 0 where either does not vary.

    `variables` are `(draws,)` each, `outcomes` is `(outcomes, draws)`.
    """
    standing = np.array([_standardised(each) for each in outcomes]).T
    found = [(_standardised(each) @ standing / each.size) ** 2 for each in variables]
    return np.array(found)


def _standardised(values: Draws) -> Draws:
    """Draws less their mean, over their standard deviation; zeros where they do not vary."""
    mean, spread = values.mean(), values.std()
    if spread <= 1e-6 * abs(mean):  # lost in rounding
        return np.zeros(values.size)
    found: Draws = (values - mean) / spread
    return found
