"""Costs as lines in one input, and which of them is lowest where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from impact.numerics import Draws


@dataclass(frozen=True)
class Line:
    """Mean cost of an option as a straight line in the input on which the decision flips.

    `base` and `each` are `(draws,)`, the cost at 0 and what one unit adds. Where the input is a
    chance, `means` are the mean costs at even steps of it from 0 to 1.
    """

    option: str
    at_zero: float
    slope: float
    means: tuple[float, ...] = ()
    base: Draws = field(default_factory=lambda: np.zeros(1), repr=False, compare=False)
    each: Draws = field(default_factory=lambda: np.zeros(1), repr=False, compare=False)

    def at(self, value: float) -> float:
        """The mean cost at a value of the input; between the steps of `means` linear.

        >>> Line("go on", 1.0, 0.5).at(4.0)
        3.0
        """
        if len(self.means) > 2:
            return float(np.interp(value, np.linspace(0, 1, len(self.means)), self.means))
        return self.at_zero + self.slope * value


def envelope(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """(option, from, to) of the cheapest option as the flip value grows from 0, in order.

    >>> envelope([Line("go on", 0, 0.03), Line("pause", 3e6, 0.0)])
    [('go on', 0.0, 100000000.0), ('pause', 100000000.0, inf)]
    """
    steps = len(lines[0].means) - 1
    if steps < 1:
        return _straight(lines)
    found: list[tuple[str, float, float]] = []
    for step in range(steps):
        piece = [
            Line(one.option, one.means[step], one.means[step + 1] - one.means[step])
            for one in lines
        ]
        for option, low, _ in _straight(piece):
            if low < 1 and (not found or found[-1][0] != option):
                found.append((option, (step + low) / steps, math.inf))
    ends_at = [low for _, low, _ in found[1:]] + [math.inf]
    return [(option, low, end) for (option, low, _), end in zip(found, ends_at, strict=True)]


def _straight(lines: Sequence[Line]) -> list[tuple[str, float, float]]:
    """`envelope` of straight lines."""
    best = min(lines, key=lambda line: (line.at_zero, line.slope))
    found: list[tuple[str, float, float]] = []
    start = 0.0
    while True:
        crossings = {
            line: (line.at_zero - best.at_zero) / (best.slope - line.slope)
            for line in lines
            if best.slope - line.slope > 1e-9 * abs(best.slope)  # no more is rounding
        }
        ahead = [
            (at, line.slope, line.option, line) for line, at in crossings.items() if at >= start
        ]
        if not ahead:
            return [*found, (best.option, start, math.inf)]
        at, _, _, better = min(ahead)
        found.append((best.option, start, float(at)))
        best, start = better, float(at)
