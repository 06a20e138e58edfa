"""Distributions of reference classes: quantiles of a shape or a table, and updates by counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy

from impact.numerics import Draws

UNKNOWN: dict[str, dict[Any, float]] = {  # priors where nothing is known
    "beta": {"a": 1.0, "b": 1.0},  # of a chance: uniform (Bayes, Laplace)
    "gamma": {"shape": 0.5, "rate": 0.0},  # of a rate (Jeffreys 1946)
}


def log_t(u: Any, mean: float, sd: float, df: float) -> Draws:
    """Quantiles of a count x of which log10(1 + x) is Student's t, clipped at 0."""
    y = mean + sd * scipy.special.stdtrit(df, u)
    result: Draws = np.maximum(10.0**y - 1.0, 0.0)
    return result


def below(y: float, mean: float, sd: float, df: float) -> float:
    """The share of a Student's t at or below y."""
    return float(scipy.special.stdtr(df, (y - mean) / sd))


SHAPES: dict[str, Callable[..., Draws]] = {  # quantiles at u
    "lognormal": lambda u, mu, sigma: np.exp(mu + sigma * scipy.special.ndtri(u)),  # of ln x
    "log_t": log_t,
    "beta": lambda u, a, b: np.asarray(scipy.special.betaincinv(a, b, u)),
    "gamma": lambda u, shape, rate: scipy.special.gammaincinv(shape, u) / rate,
}


def between(u: Any, points: Mapping[float, float]) -> Draws:
    """Quantiles of a table of at least two: straight lines of ln x over the normal score of u.

    The outermost lines are carried on, as of a lognormal; where a value is 0, the lines are of x
    itself, and end at 0.
    """
    at, values = (np.array(part) for part in zip(*sorted(points.items()), strict=True))
    scores, z = scipy.special.ndtri(at), np.asarray(scipy.special.ndtri(u))
    heights = np.log(values) if values[0] > 0 else values
    place = np.clip(np.searchsorted(scores, z) - 1, 0, len(scores) - 2)
    slope = np.diff(heights) / np.diff(scores)
    line = heights[place] + slope[place] * (z - scores[place])
    result: Draws = np.exp(line) if values[0] > 0 else np.maximum(line, 0.0)
    return result


AFTER: dict[str, Callable[..., tuple[float, float]]] = {  # Gelman et al. 2013
    "beta": lambda a, b, k, n: (a + k, b + n - k),  # after k of n, section 2.4
    "gamma": lambda shape, rate, k, years: (shape + k, rate + years),  # section 2.6
}


def normal_posterior(mean: float, weight: float, average: float, n: float) -> tuple[float, float]:
    """(mean, widening) of a normal mean after n values of that average, sd being known.

    The prior counts for `weight` values: mean' = (weight mean + n average) / (weight + n). A new
    value has the sd times widening, sqrt(1 + 1 / (weight + n)) (same, section 2.5).

    >>> normal_posterior(2.0, 2, 5.0, 1)[0]
    3.0
    """
    total = weight + n
    return (weight * mean + n * average) / total, (1 + 1 / total) ** 0.5
