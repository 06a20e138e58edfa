"""What draws say, each with the half-width of its 95 % interval (simulation error).

Simulation error says how far another seed would move a number; it says nothing of the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.float64]
Z = 1.959963984540054  # 97.5 % point of the standard normal
ENOUGH = 500  # draws with a loss below which nothing but the chance is given
QUANTILES = {"p05": 0.05, "p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


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


def loss_measures(amounts: Draws) -> dict[str, Measure]:
    """Measures of `(draws,)` amounts: chance, mean, p05 to p99 and tvar95.

    Quantiles are order statistics with the binomial interval of their ranks (David and Nagaraja
    2003, section 7.1); TVaR is the mean at or above p95 (Acerbi and Tasche 2002), its variance
    (Var[tail] + a (TVaR - VaR)^2) / (n (1 - a)) from Manistre and Hancock (2005). Under 500
    non-zero draws only the chance is given.
    """
    draws, nonzero = amounts.size, int(np.count_nonzero(amounts))
    found = {"chance": share(nonzero, draws)}
    if nonzero < ENOUGH:
        blank = UNRESOLVED if nonzero else NOTHING
        return found | dict.fromkeys(("mean", *QUANTILES, "tvar95"), blank)
    spread = float(amounts.std(ddof=1))
    found["mean"] = Measure(float(amounts.mean()), float(Z * spread / np.sqrt(draws)))
    ordered = np.sort(amounts)
    for name, q in QUANTILES.items():
        found[name] = quantile(ordered, q)
    tail = ordered[int(np.ceil(0.95 * draws)) - 1 :]
    beyond = tail.mean() - tail[0]
    variance = (tail.var(ddof=1) + 0.95 * beyond**2) / tail.size
    found["tvar95"] = Measure(float(tail.mean()), float(Z * np.sqrt(variance)))
    return found


def quantile(ordered: Draws, q: float) -> Measure:
    """The q-quantile of sorted draws, an order statistic."""
    draws = ordered.size
    half = Z * np.sqrt(draws * q * (1 - q))
    low = int(max(0, np.floor(draws * q - half)))
    high = int(min(draws - 1, np.ceil(draws * q + half)))
    value = float(ordered[int(np.ceil(draws * q)) - 1])
    return Measure(value, float(max(ordered[high] - value, value - ordered[low])))


def squared_correlations(variables: Draws, outcomes: Draws) -> Draws:
    """`(variables, outcomes)` squared linear correlations; 0 where either does not vary.

    `variables` is `(variables, draws)`, `outcomes` is `(outcomes, draws)`.
    """
    left = variables - variables.mean(axis=1, keepdims=True)
    right = outcomes - outcomes.mean(axis=1, keepdims=True)
    scale = np.outer((left**2).sum(axis=1), (right**2).sum(axis=1))
    varies = np.outer(np.ptp(variables, axis=1) > 0, np.ptp(outcomes, axis=1) > 0)
    product = (left @ right.T) ** 2
    result: Draws = np.divide(product, scale, out=np.zeros_like(product), where=varies)
    return result
