"""Exposure on a directed graph: when each node can be reached, and in which draws.

A set of draws is a Python integer, one bit a draw, so a chance is `bit_count()/n`, co-exposure
`a & b`, any of several `a | b`. Cycles are legal: exposure is the least fixpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import or_
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

FOREVER = float("inf")
Value = TypeVar("Value")


class Edge(NamedTuple):
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


def counted(masks: Iterable[int], draws: int) -> NDArray[np.float64]:
    """`(draws,)` how many of the masks hold in each draw."""
    many = np.zeros(draws)
    for mask in masks:
        many += unpack(mask, draws)
    return many


def everything(draws: int) -> int:
    """The mask of all draws."""
    return (1 << draws) - 1


def by_end(edges: Iterable[Edge], end: Literal["source", "target"]) -> dict[str, list[Edge]]:
    """Node -> the edges that leave it, of which it is the source, or those that enter it."""
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(getattr(edge, end), []).append(edge)
    return found


def spread(
    edges: Iterable[Edge],
    root: str,
    value: Value,
    over: Callable[[Value, Edge], Value | None],
    join: Callable[[Value, Value], Value],
) -> dict[str, Value]:
    """Node -> all that comes to it from the value of the root, the least fixpoint.

    `over` gives what of the value of its source an edge brings, None for nothing; `join` puts two
    values of one node together. A node whose value moves is looked at again, so cycles end. Nodes
    to which nothing comes are absent.
    """
    leaving, found = by_end(edges, "source"), {root: value}
    queue, waiting = deque([root]), {root}
    while queue:
        node = queue.popleft()
        waiting.discard(node)
        for edge in leaving.get(node, ()):
            brought, old = over(found[node], edge), found.get(edge.target)
            if brought is None:
                continue
            new = brought if old is None else join(old, brought)
            if new != old:
                found[edge.target] = new
                if edge.target not in waiting:
                    waiting.add(edge.target)
                    queue.append(edge.target)
    return found


def reach(edges: Iterable[Edge], root: str, on: Mapping[str, int], draws: int) -> dict[str, int]:
    """Node -> mask of the draws in which the root reaches it over edges that are on.

    `on` maps an edge's name to its mask, and is asked only where the edge's source is reached.
    Nodes never reached are absent.
    """
    return spread(
        edges, root, everything(draws), lambda mask, edge: mask & on[edge.name] or None, or_
    )


def gathered(edges: Iterable[Edge], root: str, brings: Mapping[str, int]) -> dict[str, int]:
    """Node -> the union of what the edges on any way to it bring, a mask for each edge by name."""
    return spread(edges, root, 0, lambda mask, edge: mask | brings[edge.name], or_)


def earliest(edges: Iterable[Edge], root: str) -> dict[str, float]:
    """Node -> earliest arrival from root: min over usable edges of max(earliest(source), opens).

    An edge is usable where that arrival is before it closes. Nodes out of reach are absent.
    """

    def over(when: float, edge: Edge) -> float | None:
        there = max(when, edge.opens)
        return there if there < edge.closes else None

    return spread(edges, root, -FOREVER, over, min)


def usable(edges: Sequence[Edge], root: str) -> list[Edge]:
    """The edges over which something can travel in time, in their order."""
    arrival = earliest(edges, root)
    return [
        edge
        for edge in edges
        if edge.source in arrival and max(arrival[edge.source], edge.opens) < edge.closes
    ]


def missed(edges: Sequence[Edge], root: str) -> list[Edge]:
    """Usable edges that a later arrival at their source would miss.

    What can be reached is decided once, by the earliest arrival. Where harm may also come later,
    in a draw in which the early way is off, and the edge has closed by then, that would be wrong:
    the source has to be split, one node for each arrival. Ways through the source or the target
    itself, or round a cycle to what they have passed, bring nothing new and do not count.
    """
    standing = usable(edges, root)
    closing = [edge for edge in standing if edge.closes < FOREVER]
    if not closing:
        return []
    ways = shortest(standing, root)
    onward = [edge for edge in standing if not _turns_back(edge, ways, standing, root)]
    latest, found = _latest(onward, root), []
    for edge in closing:
        if latest.get(edge.source, -FOREVER) >= edge.closes:  # never earlier than without its ends
            ends = (edge.source, edge.target)
            others = [other for other in onward if other.source not in ends]
            if _latest(others, root).get(edge.source, -FOREVER) >= edge.closes:
                found.append(edge)
    return found


def _latest(edges: Iterable[Edge], root: str) -> dict[str, float]:
    """Node -> latest arrival from the root over any way, waiting only where an edge opens later."""
    return spread(edges, root, -FOREVER, lambda when, edge: max(when, edge.opens), max)


def _turns_back(
    edge: Edge, ways: Mapping[str, Sequence[Edge]], edges: Sequence[Edge], root: str
) -> bool:
    """Whether an edge leads back to what every way to its source has passed."""
    if edge.target in (root, edge.source):
        return True
    on_way = any(step.target == edge.target for step in ways[edge.source])
    return on_way and edge.target in passed(edges, root, edge.source)


def passed(edges: Sequence[Edge], root: str, node: str) -> list[str]:
    """The nodes that every way from the root to a node passes, in order; both ends left out.

    Along a shortest way: what no detour from a place before it leads past. None where no way is.
    """
    stops = [root, *(edge.target for edge in shortest(edges, root).get(node, ()))]
    place = {stop: number for number, stop in enumerate(stops)}
    leaving, seen, furthest, found = by_end(edges, "source"), set(stops), 0, list[str]()
    for number, stop in enumerate(stops[:-1]):
        if number == furthest and number:
            found.append(stop)
        queue = [stop]
        while queue:
            for edge in leaving.get(queue.pop(), ()):
                furthest = max(furthest, place.get(edge.target, 0))
                if edge.target not in seen:
                    seen.add(edge.target)
                    queue.append(edge.target)
    return found


def behind(entering: Mapping[str, Sequence[Edge]], node: str) -> set[str]:
    """Names of the edges on any way that ends at a node."""
    found, seen, queue = set[str](), {node}, [node]
    while queue:
        for edge in entering.get(queue.pop(), ()):
            found.add(edge.name)
            if edge.source not in seen:
                seen.add(edge.source)
                queue.append(edge.source)
    return found


def shortest(edges: Iterable[Edge], roots: str | Iterable[str]) -> dict[str, list[Edge]]:
    """Node -> the edges of a shortest way from a root; the first found in the order of the edges.

    All that can be reached, and in how many hops: the length of the way.
    """
    starts = [roots] if isinstance(roots, str) else sorted(set(roots))
    leaving, ways = by_end(edges, "source"), {start: list[Edge]() for start in starts}
    queue = deque(starts)
    while queue:
        node = queue.popleft()
        for edge in leaving.get(node, ()):
            if edge.target not in ways:
                ways[edge.target] = [*ways[node], edge]
                queue.append(edge.target)
    return ways


def simple_paths(edges: Sequence[Edge], root: str, node: str, most: int = 100) -> list[list[Edge]]:
    """Ways from root to node that pass no node twice, shortest first, at most `most` of them."""
    wanted = behind(by_end(edges, "target"), node)
    leaving = by_end((edge for edge in edges if edge.name in wanted), "source")
    queue, found = deque([list[Edge]()]), list[list[Edge]]()
    while queue and len(found) < most:
        way = queue.popleft()
        passed_by = {root, *(edge.target for edge in way)}
        last = way[-1].target if way else root
        if way and last == node:
            found.append(way)
        else:
            queue.extend([*way, e] for e in leaving.get(last, ()) if e.target not in passed_by)
    return found
