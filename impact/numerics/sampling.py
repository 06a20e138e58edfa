"""Draws: keyed streams of uniforms, and the inverses that make amounts of them.

One function feeds everything. A stream is keyed by seed and text, never by position, so adding a
name moves no other. An amount is `quantile(u)`; a chance happens where `u < p`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from threading import Lock

import numpy as np
import scipy
from numpy.typing import NDArray

from impact.errors import bad

Draws = NDArray[np.float64]
Words = NDArray[np.uint32]
Words64 = NDArray[np.uint64]
BLOCK = 65_536  # draws per block; the block number is part of the key
_STEP = 2.0**-32
_Z95 = 1.6448536269514722  # 95 % point of the standard normal
_NODES, _EVEN = 513, 2048  # nodes of an inverse, and its even steps
_OUTER = _EVEN // 64  # even steps at each end that are searched among the nodes instead


_STREAM, _LOCK = np.random.SFC64(0), Lock()  # one generator, set to the state of each block


def words(seed: int, name: str, draws: int, first: int = 0) -> Words:
    """`(draws,)` uniform 32-bit words, those from number `first` (a multiple of BLOCK) on.

    The first n of a longer call equal a call for n. A block is SFC64 (Doty-Humphrey 2014, as numpy
    has it) started at the 256 bits of BLAKE2b of `seed|name|block`, so a stream is keyed by text
    and never by position.
    """
    starts = range(0, draws, BLOCK)
    if len(starts) == 1:
        return _block(f"{seed}|{name}|{first // BLOCK}", draws)
    return np.concatenate(
        [_block(f"{seed}|{name}|{(first + s) // BLOCK}", min(BLOCK, draws - s)) for s in starts]
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


def uniform(seed: int, name: str, draws: int, first: int = 0) -> Draws:
    """`(draws,)` uniforms in (0, 1): the midpoints of a grid of 2^-32 that `words` chooses.

    >>> uniform(1, "a", 3).round(4).tolist() == uniform(1, "a", 5)[:3].round(4).tolist()
    True
    """
    out = np.multiply(words(seed, name, draws, first), _STEP, dtype=np.float64)
    out += _STEP / 2
    return out


def happens(u: Draws | Words, chance: float | Draws) -> NDArray[np.bool_]:
    """`(draws,)` truth of `u < p`, p rounded to 2^-32; 0 never and 1 always happens.

    `u` are uniforms, or the words of which `uniform` makes them: the outcome is the same.
    """
    steps = round(float(chance) * 2**32) if np.ndim(chance) == 0 else np.rint(chance * 2.0**32)
    result: NDArray[np.bool_] = u < (steps if u.dtype == np.uint32 else steps * _STEP)
    return result


def outcomes(seed: int, names: Sequence[str], chances: Draws, draws: int) -> list[int]:
    """For each name a mask of the draws in which its fixed chance happens, one bit a draw.

    For very many names: 64 draws at a time, bit after bit of u and p until each draw is decided
    (Knuth and Yao 1976), so that eight random bits decide most. The words are SplitMix64 (Steele,
    Lea and Flood 2014) started at the BLAKE2b of `seed|name`; as everywhere, adding a name moves
    no other, and a lower chance happens in a part of the draws of a higher one.
    """
    found: list[int] = []
    steps = np.rint(np.asarray(chances) / _STEP).astype(np.uint64)
    for start in range(0, len(names), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        digests = [blake2b(f"{seed}|{n}".encode(), digest_size=8).digest() for n in names[part]]
        keys = np.frombuffer(b"".join(digests), dtype=np.uint64)
        table = _decided(keys, steps[part], draws).view(np.uint8)
        found += [int.from_bytes(row.tobytes(), "little") for row in table]
    most = (1 << draws) - 1
    return [mask & most for mask in found] if draws % 64 else found


_AT_ONCE = 256  # names whose words fit a processor's cache
_WHOLE = np.uint64(2**64 - 1)
_LOOKED_AT = (25, 22, 18, 12)  # bits after which only the words that are still open are kept


def _decided(keys: Words64, steps: Words64, draws: int) -> Words64:
    """`(names, words)` bits of u < steps 2^-32."""
    many = (draws + 63) // 64
    sure = np.where(steps >= 2**32, _WHOLE, np.uint64(0))[:, None]
    happened = sure.repeat(many, axis=1)
    key, left, place = keys[:, None], steps[:, None], np.arange(many, dtype=np.uint64)
    shown, open_, at = happened, ~happened, place[None, :]
    flat = None  # where the words stand that are looked at, once not all are
    random, spare = np.empty_like(shown), np.empty_like(shown)
    for bit in range(31, -1, -1):
        np.add(key, (at + np.uint64((31 - bit) << 40)) * _GOLDEN, out=random)
        _mix(random, spare)
        one = _WHOLE * ((left >> np.uint64(bit)) & np.uint64(1))
        random ^= one
        random &= open_  # decided by this bit: it differs from that of p
        open_ ^= random
        random &= one
        shown |= random
        rest = left & np.uint64(2**bit - 1)
        if not rest.any():
            break
        if bit in _LOOKED_AT:
            still = np.flatnonzero((open_ != 0) & (rest != 0))
            if flat is not None:
                happened.reshape(-1)[flat] = shown
            flat = still if flat is None else flat[still]
            shown, open_ = happened.reshape(-1)[flat], open_.reshape(-1)[still]
            random, spare = np.empty_like(shown), np.empty_like(shown)
            row = flat // many
            key, at, left = keys[row], place[flat % many], steps[row]
    if flat is not None:
        happened.reshape(-1)[flat] = shown
    return happened


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(z: Words64, spare: Words64) -> None:
    """The output function of SplitMix64, in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        np.right_shift(z, np.uint64(shift), out=spare)
        z ^= spare
        z *= np.uint64(factor)
    np.right_shift(z, np.uint64(31), out=spare)
    z ^= spare


SCRAMBLINGS = 16
MOST_NAMES = 21_201  # dimensions for which direction numbers are known


def scrambled(seed: int, names: int, draws: int) -> Draws:
    """`(names, draws)` Sobol points, one dimension a name; see `dimension`."""
    points = [dimension(seed, names, place, draws) for place in range(names)]
    return np.array(points).reshape(names, draws)


def dimension(seed: int, names: int, place: int, draws: int) -> Draws:
    """`(draws,)` of one dimension of Sobol points (Sobol 1967; Joe and Kuo 2008) for so many names.

    The same draws / SCRAMBLINGS points SCRAMBLINGS times, one after the other, each time with a
    random digital shift of its own (L'Ecuyer and Lemieux 2002), so that what the parts say differs
    as independent estimates do. `draws` is SCRAMBLINGS times a power of two. Raises BadInput for
    more than MOST_NAMES.
    """
    if names > MOST_NAMES:
        what = f"{names:,} names are more than the {MOST_NAMES:,} dimensions that are known"
        raise bad("points", what, "take keyed points")
    shifts = words(seed, f"scrambled|{place}", SCRAMBLINGS)
    points = (_sobol(names, draws // SCRAMBLINGS)[place] ^ shifts[:, None]).reshape(draws)
    uniforms: Draws = np.multiply(points, _STEP, dtype=np.float64)
    uniforms += _STEP / 2
    return uniforms


@lru_cache(maxsize=8)
def _sobol(names: int, draws: int) -> Words:
    from scipy.stats import qmc  # slow to import, so only who asks for such points waits for it

    points = qmc.Sobol(max(names, 1), scramble=False, bits=32).random(draws)
    return np.ascontiguousarray((points.T / _STEP).astype(np.uint32))[:names]


def together(u: Draws, common: Draws, rho: float | Draws) -> Draws:
    """Uniforms that share one factor: Phi(sqrt(rho) Phi^-1(common) + sqrt(1 - rho) Phi^-1(u)).

    The one-factor Gaussian copula (Vasicek 1987; Li 2000): two of them correlate by rho as normals.
    """
    weight = np.asarray(rho)
    normal = scipy.special.ndtri
    mixed = np.sqrt(weight) * normal(common) + np.sqrt(1 - weight) * normal(u)
    result: Draws = np.clip(scipy.special.ndtr(mixed), _STEP / 2, 1 - _STEP / 2)
    return result


def counts(u: Draws, rate: float | Draws) -> NDArray[np.int64]:
    """`(draws,)` Poisson counts: the least k with P(N <= k) >= u, for each draw's rate.

    The recurrence p(k) = p(k - 1) rate / k (Devroye 1986, section III.10), for rates to MOST_RATE.
    """
    mean = np.broadcast_to(np.asarray(rate, dtype=np.float64), u.shape)
    number = np.zeros(u.shape, dtype=np.int64)
    mass = np.exp(-mean)
    reached = mass.copy()
    open_ = np.flatnonzero(reached < u)
    k = 0
    while open_.size and k < MOST_RATE * 4:
        k += 1
        mass[open_] *= mean[open_] / k
        reached[open_] += mass[open_]
        number[open_] = k
        open_ = open_[reached[open_] < u[open_]]
    return number


MOST_RATE = 500.0  # exp(-rate) is still a number far from the least one


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


def lognormal_mean(low: float, high: float) -> float:
    """Mean exp(mu + sigma^2 / 2) of the lognormal with that 90 % range, without a cap.

    >>> round(lognormal_mean(635_000, 19_000_000), 2)
    5922706.83
    """
    mu, sigma = lognormal_parameters(low, high)
    return float(np.exp(mu + sigma**2 / 2))


Pairs = tuple[tuple[str, float], ...]  # the `parameters` of a shape, by name


def fixed(u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()) -> Draws:
    """The mode, whatever u is."""
    return np.full(u.shape, mode)


def flat(u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()) -> Draws:
    """Uniform on [low, high]."""
    result: Draws = low + (high - low) * u
    return result


def pert(u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()) -> Draws:
    """Modified PERT on [low, high]; see `pert_shape`."""
    if low == high:
        return np.full(u.shape, mode)
    result: Draws = low + (high - low) * beta_quantile(u, *pert_shape(low, mode, high))
    return result


def lognormal(
    u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()
) -> Draws:
    """Lognormal with 5 % point low and 95 % point high, truncated (not clipped) at cap."""
    mu, sigma = lognormal_parameters(low, high)
    below_cap = scipy.special.ndtr((np.log(cap) - mu) / sigma)
    result: Draws = np.exp(mu + sigma * scipy.special.ndtri(u * below_cap))
    return result


def beta(u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()) -> Draws:
    """Beta on [low, high] with the parameters a and b (Johnson, Kotz and Balakrishnan 1995).

    By table inside and exact in the outer 1/64. After k of n cases a chance is Beta with
    a = k + 1 and b = n - k + 1.
    """
    a, b = dict(pairs)["a"], dict(pairs)["b"]
    edge, nodes = _OUTER / _EVEN, _beta_nodes(a, b)
    share: Draws = np.interp(u, np.linspace(edge, 1 - edge, nodes.size), nodes)
    outer = np.flatnonzero((u < edge) | (u > 1 - edge))
    share[outer] = scipy.special.betaincinv(a, b, u[outer])
    return low + (high - low) * share


@lru_cache(maxsize=256)
def _beta_nodes(a: float, b: float) -> Draws:
    edge = _OUTER / _EVEN
    nodes: Draws = scipy.special.betaincinv(a, b, np.linspace(edge, 1 - edge, 2 * _EVEN + 1))
    return nodes


def quantiles(
    u: Draws, low: float, mode: float, high: float, cap: float, pairs: Pairs = ()
) -> Draws:
    """Values at stated quantiles from 0 to 1, straight lines between them."""
    at, values = zip(*sorted((float(name), value) for name, value in pairs), strict=True)
    result: Draws = np.interp(u, at, values)
    return result


QUANTILES: dict[str, Callable[..., Draws]] = {
    "fixed": fixed,
    "uniform": flat,
    "pert": pert,
    "lognormal": lognormal,
    "beta": beta,
    "quantiles": quantiles,
}
