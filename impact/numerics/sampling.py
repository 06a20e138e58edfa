"""Draws: keyed streams of uniforms, and the inverses that make amounts of them.

One function feeds everything. A stream is keyed by seed and text, never by position, so adding a
name moves no other. An amount is `quantile(u, ...)`; a chance happens where `u < p`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from impact.numerics import Draws

Words = NDArray[np.uint32]
BLOCK = 65_536  # draws per block; the block number is part of the key
_STEP = 2.0**-32
_Z95 = 1.6448536269514722  # 95 % point of the standard normal
_NODES, _EVEN = 513, 2048  # nodes of an inverse, and its even steps
_OUTER = _EVEN // 64  # even steps at each end that are searched among the nodes instead


_STREAM, _LOCK = np.random.SFC64(0), Lock()  # one generator, set to the state of each block


def words(seed: int, name: str, draws: int) -> Words:
    """`(draws,)` uniform 32-bit words.

    The first n of a longer call equal a call for n. A block is SFC64 (Doty-Humphrey 2014, as numpy
    has it) started at the 256 bits of BLAKE2b of `seed|name|block`, so a stream is keyed by text
    and never by position.
    """
    blocks = enumerate(range(0, draws, BLOCK))
    return np.concatenate(
        [_block(f"{seed}|{name}|{block}", min(BLOCK, draws - at)) for block, at in blocks]
    )


def _block(key: str, count: int) -> Words:
    state = np.frombuffer(blake2b(key.encode(), digest_size=32).digest(), dtype=np.uint64)
    with _LOCK:
        _STREAM.state = {
            "bit_generator": "SFC64",
            "state": {"state": state},
            "has_uint32": 0,
            "uinteger": 0,
        }
        raw = _STREAM.random_raw((count + 1) // 2)
    return raw.view(np.uint32)[:count]


def uniform(seed: int, name: str, draws: int) -> Draws:
    """`(draws,)` uniforms in (0, 1): the midpoints of a grid of 2^-32 that `words` chooses.

    >>> uniform(1, "a", 3).round(4).tolist() == uniform(1, "a", 5)[:3].round(4).tolist()
    True
    """
    out = np.multiply(words(seed, name, draws), _STEP, dtype=np.float64)
    out += _STEP / 2
    return out


def happens(words: Words, chance: float | Draws) -> NDArray[np.bool_]:
    """`(draws,)` truth of `u < p` of the uniforms that words make, p rounded to 2^-32.

    0 never and 1 always happens.
    """
    return words < np.rint(chance / _STEP)


def counts(u: Draws, rate: float | Draws) -> NDArray[np.int64]:
    """`(draws,)` Poisson counts: the least k with P(N <= k) >= u, for each draw's rate."""
    above = np.ceil(scipy.special.pdtrik(u, rate))
    below = np.maximum(above - 1, 0)  # the inverse may have been rounded up
    enough = scipy.special.pdtr(below, rate) >= u
    return np.where(enough, below, above).astype(np.int64)


MOST_RATE = 500.0  # events a year; far above any rate of this kind of event


@lru_cache(maxsize=4096)
def _beta_table(a: float, b: float) -> tuple[Draws, Draws, Draws, Draws]:
    """(u, x, base, slope): the inverse of the regularised incomplete beta function.

    The forward function is exact and cheap; its nodes (u, x) are close at both ends (x = sin^2),
    where the inverse bends most. On the k-th of `_EVEN` even steps of u the inverse is
    `base[k] + slope[k] * _EVEN * u`, which needs no search.
    """
    x = np.sin(np.linspace(0.0, np.pi / 2, _NODES)) ** 2
    u = scipy.special.betainc(a, b, x)
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


Pairs = tuple[tuple[str, float], ...]  # the `parameters` of a shape, by name


def quantile(
    u: Draws, shape: str, low: float, mode: float, high: float, cap: float = 0, pairs: Pairs = ()
) -> Draws:
    """Quantiles `(draws,)` of an amount of a shape.

    `fixed` is the mode, whatever u is. `uniform` lies on [low, high], and so does `pert`, see
    `pert_shape`. `lognormal` has its 5 % point at low and its 95 % point at high, and is truncated
    (not clipped) at cap. `beta` lies on [low, high] with the parameters a and b (Johnson, Kotz and
    Balakrishnan 1995): after k of n cases a chance is Beta with a = k + 1 and b = n - k + 1.
    `quantiles` are values at stated quantiles from 0 to 1, straight lines between them.
    """
    amounts: Draws
    if shape == "quantiles":
        at, values = zip(*sorted((float(name), value) for name, value in pairs), strict=True)
        amounts = np.interp(u, at, values)
    elif shape == "lognormal":
        mu, sigma = lognormal_parameters(low, high)
        below_cap = scipy.special.ndtr((np.log(cap) - mu) / sigma)
        amounts = np.exp(mu + sigma * scipy.special.ndtri(u * below_cap))
    elif shape == "fixed" or low == high:
        amounts = np.full(u.shape, mode if shape == "fixed" else low)
    else:
        share = u
        if shape == "pert":
            share = beta_quantile(u, *pert_shape(low, mode, high))
        elif shape == "beta":
            share = scipy.special.betaincinv(dict(pairs)["a"], dict(pairs)["b"], u)
        amounts = low + (high - low) * share
    return amounts


def beyond(u: Draws, least: float | None, *estimate: Any) -> Draws:
    """`(draws,)` amounts of a shape on condition that they exceed `least`; None is no condition.

    The inverse on the part of (0, 1) above F(least), found by bisection. `least` itself where the
    shape has nothing above it. `estimate` is what `quantile` takes.
    """
    if least is None:
        return quantile(u, *estimate)
    below, above = 0.0, 1.0 - _STEP
    if quantile(np.array([above]), *estimate)[0] <= least:
        return np.full(u.shape, least)
    for _ in range(50):
        middle = (below + above) / 2
        if quantile(np.array([middle]), *estimate)[0] <= least:
            below = middle
        else:
            above = middle
    return quantile(above + u * (1 - above), *estimate)
