"""Exposure on a directed graph: when each node can be reached, and in which draws.

A set of draws is a Python integer, one bit a draw, so a chance is `bit_count()/n`, co-exposure
`a & b`, any of several `a | b`. Cycles are legal: exposure is the least fixpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FOREVER = float("inf")


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
    turns_back = _passes(net(standing, root))
    onward = [edge for edge in standing if not turns_back(edge.source, edge.target)]
    latest, found = _latest(onward, root), []
    for edge in closing:
        if latest.get(edge.source, -FOREVER) >= edge.closes:  # never earlier than without its ends
            ends = (edge.source, edge.target)
            others = [other for other in onward if other.source not in ends]
            if _latest(others, root).get(edge.source, -FOREVER) >= edge.closes:
                found.append(edge)
    return found


def _passes(ways: Net) -> Callable[[str, str], bool]:
    """Whether every way to one node passes another, or that is the node itself; no root counts.

    By the places of a walk through the tree of `immediate`: what stands below has them inside.
    """
    below: dict[str, list[str]] = {}
    for node, last in immediate(ways).items():
        below.setdefault(last, []).append(node)
    first, last_, number = dict[str, int](), dict[str, int](), 0
    stack = [("", iter(below.get("", ())))]
    while stack:
        node, rest = stack[-1]
        inner = next(rest, None)
        if inner is None:
            last_[node] = number
            stack.pop()
        else:
            first[inner] = number = number + 1
            stack.append((inner, iter(below.get(inner, ()))))

    def passes(node: str, other: str) -> bool:
        return other not in ways.roots and first[other] <= first[node] <= last_[other]

    return passes


def _latest(edges: Sequence[Edge], root: str) -> dict[str, float]:
    """Node -> latest arrival from the root over any way, waiting only where an edge opens later."""
    leaving, arrival, queue = by_source(edges), {root: -FOREVER}, deque([root])
    while queue:
        node = queue.popleft()
        for edge in leaving.get(node, ()):
            when = max(arrival[node], edge.opens)
            if edge.target not in arrival or when > arrival[edge.target]:
                arrival[edge.target] = when
                queue.append(edge.target)
    return arrival


@dataclass(frozen=True)
class Net:
    """What can be reached from the roots, laid out once for many runs.

    `order` holds the strongly connected components in a topological order (Tarjan 1972), so that
    each needs to be looked at once; `place` is a node's number in it. `entering` and `leaving` map
    a node to (other end, edge name); a loop and what is out of reach are left out.
    """

    roots: frozenset[str]
    order: tuple[tuple[str, ...], ...] = field(repr=False)
    place: Mapping[str, int] = field(repr=False)
    entering: Mapping[str, Sequence[tuple[str, str]]] = field(repr=False)
    leaving: Mapping[str, Sequence[tuple[str, str]]] = field(repr=False)


def net(edges: Iterable[Edge], roots: str | Iterable[str]) -> Net:
    """The net of all that the edges lead to from the roots; validity dates are not looked at."""
    starts = [roots] if isinstance(roots, str) else sorted(set(roots))
    ahead: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        if edge.source != edge.target:
            ahead.setdefault(edge.source, []).append((edge.target, edge.name))
    order = _components(ahead, starts)
    place = {node: number for number, nodes in enumerate(order) for node in nodes}
    leaving = {node: ahead[node] for node in place if node in ahead}
    entering: dict[str, list[tuple[str, str]]] = {}
    for source, ways in leaving.items():
        for target, name in ways:
            entering.setdefault(target, []).append((source, name))
    return Net(frozenset(starts), order, place, entering, leaving)


def _components(
    ahead: Mapping[str, Sequence[tuple[str, str]]], starts: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    """Strongly connected components in a topological order: Tarjan's search without recursion."""
    number: dict[str, int] = {}
    least: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in starts:
        if start in number:
            continue
        number[start] = least[start] = len(number)
        stack.append(start)
        waiting.add(start)
        path = [(start, iter(ahead.get(start, ())))]
        while path:
            node, rest = path[-1]
            for target, _ in rest:
                if target not in number:
                    number[target] = least[target] = len(number)
                    stack.append(target)
                    waiting.add(target)
                    path.append((target, iter(ahead.get(target, ()))))
                    break
                if target in waiting and number[target] < least[node]:
                    least[node] = number[target]
            else:
                path.pop()
                if path and least[node] < least[path[-1][0]]:
                    least[path[-1][0]] = least[node]
                if least[node] == number[node]:
                    nodes = [stack.pop()]
                    while nodes[-1] != node:
                        nodes.append(stack.pop())
                    waiting.difference_update(nodes)
                    found.append(tuple(reversed(nodes)))
    return tuple(reversed(found))


Ways = Mapping[str, Sequence[tuple[str, str]]]
Masks = dict[str, int]


def reach(ways: Net, on: Mapping[str, int], draws: int) -> Masks:
    """Node -> mask of the draws in which a root reaches it over edges that are on.

    `on` maps an edge's name to its mask, and is asked only where the edge's source is reached. The
    least fixpoint: reached(v) is the union over edges (u, v) of reached(u) & on; nodes never
    reached are absent.
    """
    reached: Masks = {}
    base = dict.fromkeys(ways.roots, everything(draws))
    for component in ways.order:
        _settle(component, ways.entering, on, reached, base, ways.leaving)
    return {node: mask for node, mask in reached.items() if mask}


def _settle(
    component: tuple[str, ...],
    ways: Ways,
    on: Mapping[str, int],
    masks: Masks,
    base: Mapping[str, int],
    after: Ways,
    without: str = "",
) -> None:
    """Work out the masks of one component from `base` and those of the components before it.

    `ways` leads to a node from those before it, `after` from a node to those after it.
    """
    if len(component) == 1:
        (node,) = component
        mask = base.get(node, 0)
        for other, name in ways.get(node, ()):
            there = masks.get(other)
            if there:
                mask |= there & on[name]
        masks[node] = mask
        return
    inside, dirty = set(component), set(component)
    for node in component:
        masks[node] = base.get(node, 0)
    while dirty:
        for node in component:
            if node not in dirty:
                continue
            dirty.discard(node)
            mask = masks[node]
            for other, name in ways.get(node, ()):
                there = masks.get(other)
                if there and name != without:
                    mask |= there & on[name]
            if mask != masks[node]:
                masks[node] = mask
                dirty.update(target for target, _ in after.get(node, ()) if target in inside)


def cuts(ways: Net, on: Mapping[str, int], reached: Mapping[str, int]) -> dict[str, Masks]:
    """Edge -> node -> its mask were that edge alone taken away, for the nodes that lose draws.

    On the draws of a run: only what stands behind the edge is worked out again, and no further
    than something changes.
    """
    masks = dict(reached)
    base = {root: masks.get(root, 0) for root in ways.roots}
    through = {
        name: masks[source] & on[name] if masks.get(source) else 0
        for source, leaving in ways.leaving.items()
        for _, name in leaving
    }
    lost: dict[str, Masks] = {name: {} for name in through}
    for leaving in ways.leaving.values():
        for target, name in leaving:
            if through[name]:
                _without(name, ways.place[target], ways, on, masks, base, through, lost[name])
    return lost


def _without(
    name: str,
    first: int,
    ways: Net,
    on: Mapping[str, int],
    masks: Masks,
    base: Mapping[str, int],
    through: Masks,
    lost: Masks,
) -> None:
    """Put into `lost` the masks that change without one edge; `masks` stays as it was."""
    before: Masks = {}
    heap, waiting = [first], {first}
    while heap:
        component = ways.order[heappop(heap)]
        if len(component) == 1:
            node, mask, old = component[0], 0, masks.get(component[0], 0)
            for other, way in ways.entering[node]:
                if way != name:
                    mask |= masks[other] & on[way] if other in before else through[way]
                    if mask == old:
                        break
            else:
                mask |= base.get(node, 0)
            changed = [node] if mask != old else []
            if changed:
                before[node], masks[node] = old, mask
        else:
            olds = {node: masks.get(node, 0) for node in component}
            _settle(component, ways.entering, on, masks, base, ways.leaving, name)
            changed = [node for node in component if masks[node] != olds[node]]
            before.update({node: olds[node] for node in changed})
        for node in changed:
            for target, _ in ways.leaving.get(node, ()):
                place = ways.place[target]
                if place not in waiting and target not in component:
                    waiting.add(place)
                    heappush(heap, place)
    for node, old in before.items():
        lost[node], masks[node] = masks[node], old


def immediate(ways: Net) -> dict[str, str]:
    """Node -> the last node that every way to it from the roots passes; empty for a root.

    Cooper, Harvey and Kennedy (2001): two ways meet where both have gone up the tree found so far,
    by their places in a postorder, until nothing moves; near linear on graphs as they are.
    """
    order = _postorder(ways)
    place = {node: number for number, node in enumerate([*order, ""])}
    last = dict.fromkeys(ways.roots, "")

    def meet(one: str, other: str) -> str:
        while one != other:
            if place[one] < place[other]:
                one = last[one]
            else:
                other = last[other]
        return one

    moved = True
    while moved:
        moved = False
        for node in reversed(order):
            if node not in ways.roots:
                common = reduce(meet, (o for o, _ in ways.entering[node] if o in last))
                if last.get(node) != common:
                    last[node], moved = common, True
    return last


def _postorder(ways: Net) -> list[str]:
    """The nodes, each after those first found from it, without recursion."""
    found, seen = list[str](), set[str]()
    for root in sorted(ways.roots):
        stack = [(root, iter(ways.leaving.get(root, ())))]
        while stack:
            node, rest = stack[-1]
            seen.add(node)
            onward = next((target for target, _ in rest if target not in seen), None)
            if onward is None:
                found.append(node)
                stack.pop()
            else:
                stack.append((onward, iter(ways.leaving.get(onward, ()))))
    return found


def dominators(ways: Net) -> dict[str, list[str]]:
    """Node -> the nodes that every way to it from the roots passes, roots and itself left out.

    They stand in the order in which they are passed.
    """
    last, starts = immediate(ways), {"", *ways.roots}
    passed = {root: list[str]() for root in starts}
    for node in last:
        above = [node]
        while above[-1] not in passed:
            above.append(last[above[-1]])
        for lower, upper in zip(above[-2::-1], above[::-1], strict=False):
            passed[lower] = [*passed[upper], *([] if upper in starts else [upper])]
    del passed[""]
    return passed


def by_target(edges: Iterable[Edge]) -> dict[str, list[Edge]]:
    """Node -> the edges that enter it."""
    entering: dict[str, list[Edge]] = {}
    for edge in edges:
        entering.setdefault(edge.target, []).append(edge)
    return entering


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


def all_ways(edges: Sequence[Edge]) -> dict[str, set[str]]:
    """Node -> names of the edges on any way that ends there; nodes without one are absent."""
    entering = by_target(edges)
    return {node: behind(entering, node) for node in entering}


def gathered(ways: Net, brings: Mapping[str, int]) -> Masks:
    """Node -> the union of what the edges on any way to it bring, a mask for each edge by name.

    Once for each component: what leads into it or stands inside reaches all of it.
    """
    found: Masks = {}
    for component in ways.order:
        mask = 0
        for node in component:
            for other, name in ways.entering.get(node, ()):
                mask |= found.get(other, 0) | brings[name]
        found.update(dict.fromkeys(component, mask))
    return found


def shortest(edges: Sequence[Edge], roots: str | Iterable[str]) -> dict[str, list[Edge]]:
    """Node -> the edges of a shortest way from a root; the first found in the order of the edges.

    All that can be reached, and in how many hops: the length of the way.
    """
    starts = [roots] if isinstance(roots, str) else sorted(set(roots))
    leaving, ways = by_source(edges), dict[str, list[Edge]]()
    ways.update({root: [] for root in starts})
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
    leaving, found = by_source(edges), list[list[Edge]]()
    queue: deque[list[Edge]] = deque([[edge] for edge in leaving.get(root, ())])
    wanted = behind(by_target(edges), node)
    useful = {edge.source for edge in edges if edge.name in wanted}
    while queue and len(found) < most:
        way = queue.popleft()
        last, passed = way[-1].target, {root, *(edge.target for edge in way)}
        if last == node:
            found.append(way)
        elif last in useful:
            queue.extend([*way, e] for e in leaving.get(last, ()) if e.target not in passed)
    return found
