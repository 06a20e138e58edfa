"""Draws: keyed streams of uniforms, and the inverses that make amounts of them.

One function feeds everything. A stream is keyed by seed and text, never by position, so adding a
name moves no other. An amount is `quantile(u)`; a chance happens where `u < p`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy import special

Draws = NDArray[np.float64]
BLOCK = 65_536  # draws per block; the block number is part of the key
_STEP = 2.0**-32
_Z95 = 1.6448536269514722  # 95 % point of the standard normal
_NODES, _EVEN = 513, 2048  # nodes of an inverse, and its even steps
_OUTER = _EVEN // 64  # even steps at each end that are searched among the nodes instead


def uniform(seed: int, name: str, draws: int) -> Draws:
    """`(draws,)` uniforms in (0, 1), midpoints of a grid of 2^-32, keyed by seed and name.

    The first n of a longer call equal a call for n. The stream is Philox-4x64 (Salmon et al. 2011)
    keyed by BLAKE2b of `seed|name|block`.

    >>> uniform(1, "a", 3).round(4).tolist() == uniform(1, "a", 5)[:3].round(4).tolist()
    True
    """
    out = np.empty(draws, dtype=np.float64)
    for block, first in enumerate(range(0, draws, BLOCK)):
        key = blake2b(f"{seed}|{name}|{block}".encode(), digest_size=16).digest()
        stream = np.random.Philox(key=np.frombuffer(key, dtype=np.uint64))
        count = min(BLOCK, draws - first)
        words = stream.random_raw((count + 1) // 2).astype("<u8", copy=False).view("<u4")[:count]
        np.multiply(words, _STEP, out=out[first : first + count])
    out += _STEP / 2
    return out


def happens(u: Draws, chance: float | Draws) -> NDArray[np.bool_]:
    """`(draws,)` truth of `u < p`, p rounded to 2^-32; 0 never and 1 always happens."""
    rounded = np.round(np.asarray(chance) / _STEP) * _STEP
    result: NDArray[np.bool_] = u < rounded
    return result


@lru_cache(maxsize=4096)
def _beta_table(a: float, b: float) -> tuple[Draws, Draws, Draws, Draws]:
    """(u, x, base, slope): the inverse of the regularised incomplete beta function.

    The forward function is exact and cheap; its nodes (u, x) are close at both ends (x = sin^2),
    where the inverse bends most. On the k-th of `_EVEN` even steps of u the inverse is
    `base[k] + slope[k] * _EVEN * u`, which needs no search.
    """
    x = np.sin(np.linspace(0.0, np.pi / 2, _NODES)) ** 2
    u = special.betainc(a, b, x)
    keep = np.concatenate([[True], np.diff(u) > 0])
    u, x = u[keep], x[keep]
    even = np.interp(np.linspace(0.0, 1.0, _EVEN + 1), u, x)
    slope = np.diff(even)
    return u, x, even[:-1] - slope * np.arange(_EVEN), slope


def beta_quantile(u: Draws, a: float, b: float) -> Draws:
    """Quantiles of Beta(a, b), a and b from 1 to 5, within 2e-5 of `scipy.special.betaincinv`.

    By table: the exact inverse was most of the time of a run. The outer 1/64 at each end are
    searched for among the nodes, all else is looked up.
    """
    nodes, values, base, slope = _beta_table(a, b)
    position = u * _EVEN
    step = position.astype(np.intp)
    result: Draws = slope.take(step)
    result *= position
    result += base.take(step)
    outer = np.flatnonzero((step - _OUTER).view(np.uintp) >= _EVEN - 2 * _OUTER)
    result[outer] = np.interp(u[outer], nodes, values)
    return result


def pert_shape(low: float, mode: float, high: float) -> tuple[float, float]:
    """(a, b) of the modified PERT: Beta on [low, high] whose mode is the mode asked for.

    Vose (2000), Risk Analysis: a = 1 + 4 (mode - low) / (high - low), b = 1 + 4 (high - mode) /
    (high - low); the mean is (low + 4 mode + high) / 6.
    """
    width = high - low
    return 1 + 4 * (mode - low) / width, 1 + 4 * (high - mode) / width


def lognormal_parameters(low: float, high: float) -> tuple[float, float]:
    """(mu, sigma) of the lognormal whose 5 % and 95 % points are low and high."""
    mu = (np.log(low) + np.log(high)) / 2
    return float(mu), float((np.log(high) - np.log(low)) / (2 * _Z95))


def lognormal_mean(low: float, high: float) -> float:
    """Mean exp(mu + sigma^2 / 2) of the lognormal with that 90 % range, without a cap.

    >>> round(lognormal_mean(635_000, 19_000_000), 2)
    5922706.83
    """
    mu, sigma = lognormal_parameters(low, high)
    return float(np.exp(mu + sigma**2 / 2))


def fixed(u: Draws, low: float, mode: float, high: float, cap: float) -> Draws:
    """The mode, whatever u is."""
    return np.full(u.shape, mode)


def flat(u: Draws, low: float, mode: float, high: float, cap: float) -> Draws:
    """Uniform on [low, high]."""
    result: Draws = low + (high - low) * u
    return result


def pert(u: Draws, low: float, mode: float, high: float, cap: float) -> Draws:
    """Modified PERT on [low, high]; see `pert_shape`."""
    if low == high:
        return np.full(u.shape, mode)
    result: Draws = low + (high - low) * beta_quantile(u, *pert_shape(low, mode, high))
    return result


def lognormal(u: Draws, low: float, mode: float, high: float, cap: float) -> Draws:
    """Lognormal with 5 % point low and 95 % point high, truncated (not clipped) at cap."""
    mu, sigma = lognormal_parameters(low, high)
    below_cap = special.ndtr((np.log(cap) - mu) / sigma)
    result: Draws = np.exp(mu + sigma * special.ndtri(u * below_cap))
    return result


Quantile = Callable[[Draws, float, float, float, float], Draws]
QUANTILES: dict[str, Quantile] = {
    "fixed": fixed,
    "uniform": flat,
    "pert": pert,
    "lognormal": lognormal,
}
