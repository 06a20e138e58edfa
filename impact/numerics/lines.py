"""Costs as lines in one input, and which of them is lowest where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import numpy as np

from impact.numerics import Draws, measures

CLOSE = 0.1  # of a mean cost: those nearer than that are called equal, for inputs are wide
FAR = 1e6  # times the lower end of an open range, where its lines have parted if they ever do


@dataclass(frozen=True)
class Line:
    """Mean cost of an option by the value of the input on which the decision flips.

    `means` are those at even steps of the input from 0 to `last`, straight between them, and the
    last piece goes on up to `most`. `base` and `each` are `(draws,)`, the cost at 0 and what one
    unit adds.
    """

    option: str
    means: tuple[float, ...]
    last: float = 1.0
    most: float = math.inf
    base: Draws = field(default_factory=lambda: np.zeros(1), repr=False, compare=False)
    each: Draws = field(default_factory=lambda: np.zeros(1), repr=False, compare=False)

    @property
    def slope(self) -> float:
        """What one unit of the input adds on average."""
        return (self.means[-1] - self.means[0]) / self.last

    def at(self, value: float) -> float:
        """The mean cost at a value of the input.

        >>> Line("go on", (1.0, 1.5)).at(4.0)
        3.0
        """
        place = value / self.last * (len(self.means) - 1)
        piece = min(int(place), len(self.means) - 2)
        low, high = self.means[piece : piece + 2]
        return low + (place - piece) * (high - low)


def envelope(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """(option, from, to) of the cheapest option as the flip value grows from 0, in order.

    >>> envelope([Line("go on", (0, 0.03)), Line("pause", (3e6, 3e6))])
    [('go on', 0.0, 100000000.0), ('pause', 100000000.0, inf)]
    """
    most = lines[0].most
    places = {at for pair in combinations(lines, 2) for at in _crossings(*pair) if 0 < at < most}
    found: list[tuple[str, float]] = []
    for low, high in pairwise([0.0, *sorted(places), most]):
        between = (low + high) / 2 if high < math.inf else 2 * low + 1
        cheapest = min(lines, key=lambda line: line.at(between)).option
        if not found or found[-1][0] != cheapest:
            found.append((cheapest, low))
    ends = [low for _, low in found[1:]] + [math.inf]
    return [(option, low, end) for (option, low), end in zip(found, ends, strict=True)]


def _crossings(one: Line, other: Line) -> Iterator[float]:
    """The values of the input at which two lines cross, and their last pieces would, gone on."""
    steps = len(one.means) - 1
    pieces = zip(pairwise(one.means), pairwise(other.means), strict=True)
    for piece, ((a, b), (c, d)) in enumerate(pieces):
        slope = (b - a) - (d - c)
        if abs(slope) > 1e-9 * max(abs(b - a), abs(d - c)):  # no more is rounding
            at = (c - a) / slope
            if at >= 0 and (at <= 1 or piece == steps - 1):
                yield (piece + at) * one.last / steps


def close(one: Line, other: Line, low: float, high: float, shared: float = 0.0) -> bool:
    """Whether two mean costs are about the same at both ends of a range.

    They are where they differ by less than CLOSE of what is not `shared`, or than their simulation
    error.

    >>> close(Line("a", (100.0, 150.0)), Line("b", (95.0, 145.0)), 0.0, 1.0)
    True
    """
    for at in (low, min(high, one.most, max(low, 1.0) * FAR)):
        costs = one.at(at), other.at(at)
        error = measures.mean(other.base - one.base + at * (other.each - one.each)).error
        most = max(abs(cost - shared) for cost in costs)
        if abs(costs[1] - costs[0]) > max(error or 0.0, CLOSE * most):
            return False
    return True


def crossing_error(one: Line, other: Line, at: float) -> float | None:
    """Simulation error of the value at which two lines cross (the error of a ratio of means)."""
    slope = float((one.each - other.each).mean())
    if not slope or len(one.means) > 2:
        return None
    residual = measures.mean((other.base - one.base) - at * (one.each - other.each))
    return abs((residual.error or 0.0) / slope)
