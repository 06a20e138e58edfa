"""Exposure on a directed graph: when each node can be reached, and in which draws.

A set of draws is a Python integer, one bit a draw, so a chance is `bit_count()/n`, co-exposure
`a & b`, any of several `a | b`. Cycles are legal: exposure is the least fixpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOREVER = float("inf")


@dataclass(frozen=True)
class Edge:
    """A link from source to target, standing from `opens` until before `closes` (any numbers)."""

    name: str
    source: str
    target: str
    opens: float = -FOREVER
    closes: float = FOREVER


def pack(happened: NDArray[np.bool_]) -> int:
    """The draws `(draws,)` in which something happened, as an integer."""
    return int.from_bytes(np.packbits(happened, bitorder="little").tobytes(), "little")


def unpack(mask: int, draws: int) -> NDArray[np.bool_]:
    """`(draws,)` truth of a mask."""
    data = np.frombuffer(mask.to_bytes((draws + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(data, count=draws, bitorder="little").astype(bool)


def everything(draws: int) -> int:
    """The mask of all draws."""
    return (1 << draws) - 1


def by_source(edges: Sequence[Edge]) -> dict[str, list[Edge]]:
    """Node -> the edges that leave it."""
    leaving: dict[str, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge.source, []).append(edge)
    return leaving


def earliest(edges: Sequence[Edge], root: str) -> dict[str, float]:
    """Node -> earliest arrival from root: min over usable edges of max(earliest(source), opens).

    An edge is usable where that arrival is before it closes. Nodes out of reach are absent. Labels
    are corrected from a queue (Moore 1957) until none improves, so cycles end.
    """
    leaving, arrival, queue = by_source(edges), {root: -FOREVER}, deque([root])
    while queue:
        node = queue.popleft()
        for edge in leaving.get(node, ()):
            when = max(arrival[node], edge.opens)
            if when < edge.closes and when < arrival.get(edge.target, FOREVER):
                arrival[edge.target] = when
                queue.append(edge.target)
    return arrival


def usable(edges: Sequence[Edge], root: str) -> list[Edge]:
    """The edges over which something can travel in time, in their order."""
    arrival = earliest(edges, root)
    return [
        edge
        for edge in edges
        if edge.source in arrival and max(arrival[edge.source], edge.opens) < edge.closes
    ]


def reach(edges: Sequence[Edge], on: Mapping[str, int], root: str, draws: int) -> dict[str, int]:
    """Node -> mask of the draws in which root reaches it over edges that are on.

    `on` maps an edge's name to its mask. The least fixpoint: reached(v) is the union over edges
    (u, v) of reached(u) & on; nodes never reached are absent.
    """
    leaving, reached = by_source(edges), {root: everything(draws)}
    queue, waiting = deque([root]), {root}
    while queue:
        node = queue.popleft()
        waiting.discard(node)
        for edge in leaving.get(node, ()):
            before = reached.get(edge.target, 0)
            after = before | (reached[node] & on[edge.name])
            if after != before:
                reached[edge.target] = after
                if edge.target not in waiting:
                    waiting.add(edge.target)
                    queue.append(edge.target)
    return reached


def all_ways(edges: Sequence[Edge]) -> dict[str, set[str]]:
    """Node -> names of the edges on any way that ends there; nodes without one are absent."""
    leaving, ways = by_source(edges), dict[str, set[str]]()
    queue = deque(sorted(leaving))
    while queue:
        node = queue.popleft()
        for edge in leaving.get(node, ()):
            before = ways.setdefault(edge.target, set())
            after = before | ways.get(node, set()) | {edge.name}
            if len(after) > len(before):
                ways[edge.target] = after
                queue.append(edge.target)
    return ways


def shortest(edges: Sequence[Edge], root: str) -> dict[str, list[Edge]]:
    """Node -> the edges of a shortest way from root; the first found in the order of the edges."""
    leaving, ways = by_source(edges), dict[str, list[Edge]]({root: []})
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for edge in leaving.get(node, ()):
            if edge.target not in ways:
                ways[edge.target] = [*ways[node], edge]
                queue.append(edge.target)
    return ways


def simple_paths(edges: Sequence[Edge], root: str, node: str, most: int = 100) -> list[list[Edge]]:
    """Ways from root to node that pass no node twice, shortest first, at most `most` of them."""
    leaving, found = by_source(edges), list[list[Edge]]()
    queue: deque[list[Edge]] = deque([[edge] for edge in leaving.get(root, ())])
    useful = {edge.source for edge in edges if edge.name in all_ways(edges).get(node, set())}
    while queue and len(found) < most:
        way = queue.popleft()
        last, passed = way[-1].target, {root, *(edge.target for edge in way)}
        if last == node:
            found.append(way)
        elif last in useful:
            queue.extend([*way, e] for e in leaving.get(last, ()) if e.target not in passed)
    return found
