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


def lognormal(u: Any, mu: float, sigma: float) -> Draws:
    """Quantiles of a lognormal: exp(mu + sigma z), mu and sigma those of ln x."""
    result: Draws = np.exp(mu + sigma * scipy.special.ndtri(u))
    return result


def log_t(u: Any, mean: float, sd: float, df: float) -> Draws:
    """Quantiles of a count x of which log10(1 + x) is Student's t, clipped at 0."""
    y = mean + sd * scipy.special.stdtrit(df, u)
    result: Draws = np.maximum(10.0**y - 1.0, 0.0)
    return result


def below(y: float, mean: float, sd: float, df: float) -> float:
    """The share of a Student's t at or below y."""
    return float(scipy.special.stdtr(df, (y - mean) / sd))


def beta(u: Any, a: float, b: float) -> Draws:
    """Quantiles of Beta(a, b)."""
    result: Draws = scipy.special.betaincinv(a, b, u)
    return result


def gamma(u: Any, shape: float, rate: float) -> Draws:
    """Quantiles of a Gamma with mean shape / rate."""
    result: Draws = scipy.special.gammaincinv(shape, u) / rate
    return result


SHAPES: dict[str, Callable[..., Draws]] = {
    "lognormal": lognormal,
    "log_t": log_t,
    "beta": beta,
    "gamma": gamma,
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


def beta_posterior(a: float, b: float, k: float, n: float) -> tuple[float, float]:
    """Beta(a, b) after k of n: Beta(a + k, b + n - k) (Gelman et al. 2013, section 2.4).

    >>> beta_posterior(1, 1, 3, 10)
    (4, 8)
    """
    return a + k, b + n - k


def gamma_posterior(shape: float, rate: float, k: float, years: float) -> tuple[float, float]:
    """Gamma after k events in so many years: (shape + k, rate + years) (same, section 2.6).

    >>> gamma_posterior(0.5, 0, 2, 5)
    (2.5, 5)
    """
    return shape + k, rate + years


AFTER: dict[str, Callable[..., tuple[float, float]]] = {
    "beta": beta_posterior,
    "gamma": gamma_posterior,
}


def normal_posterior(
    mean: float, weight: float, average: float, n: float
) -> tuple[float, float, float]:
    """(mean, weight, widening) of a normal mean after n values of that average, sd being known.

    The prior counts for `weight` values: mean' = (weight mean + n average) / (weight + n). A new
    value has the sd times widening, sqrt(1 + 1 / (weight + n)) (same, section 2.5).

    >>> normal_posterior(2.0, 2, 5.0, 1)[:2]
    (3.0, 3)
    """
    total = weight + n
    return (weight * mean + n * average) / total, total, (1 + 1 / total) ** 0.5
