"""Exposure on small graphs, cycles and all, against plain searches and networkx."""

from collections import deque
from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.numerics import graph
from impact.numerics.graph import FOREVER, Edge

ROOT, NODES = "event", ["event", "a", "b", "c", "d", "e"]
TIMES = st.integers(0, 9)


@st.composite
def graphs(draw: st.DrawFn, timed: bool = False) -> list[Edge]:
    """Up to twelve edges: cycles, loops, double edges and edges into the root are all legal."""
    ends = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))
    edges = []
    for number, (source, target) in enumerate(draw(st.lists(ends, max_size=12))):
        opens = draw(st.one_of(st.just(-FOREVER), TIMES)) if timed else -FOREVER
        closes = draw(st.one_of(st.just(FOREVER), TIMES)) if timed else FOREVER
        edges.append(Edge(f"e{number}", source, target, opens, closes))
    return edges


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Edge], dict[str, int], int]:
    """(edges, on, draws): a graph and the draws in which each edge is on."""
    edges, draws = draw(graphs()), draw(st.integers(1, 20))
    masks = st.integers(0, graph.everything(draws))
    return edges, {edge.name: draw(masks) for edge in edges}, draws


def on_in(edges: list[Edge], on: dict[str, int], number: int) -> list[Edge]:
    """The edges that are on in one draw."""
    return [edge for edge in edges if on[edge.name] >> number & 1]


def searched(edges: list[Edge]) -> set[str]:
    """The nodes that a plain search from the root finds."""
    seen, queue = {ROOT}, deque([ROOT])
    while queue:
        node = queue.popleft()
        for edge in edges:
            if edge.source == node and edge.target not in seen:
                seen.add(edge.target)
                queue.append(edge.target)
    return seen


def simple_ways(
    edges: list[Edge], node: str = ROOT, been: tuple[str, ...] = ()
) -> Iterator[list[Edge]]:
    """Every way from a node that meets no node twice."""
    yield []
    for edge in edges:
        if edge.source == node and edge.target not in (*been, node):
            for rest in simple_ways(edges, edge.target, (*been, node)):
                yield [edge, *rest]


def arrival(way: list[Edge]) -> float | None:
    """When one who waits where needed arrives at the end of a way; None where it is closed."""
    now = -FOREVER
    for edge in way:
        now = max(now, edge.opens)
        if now >= edge.closes:
            return None
    return now


def as_networkx(edges: list[Edge]) -> nx.DiGraph:
    """The same graph, as an independent library sees it."""
    other = nx.DiGraph()
    other.add_nodes_from(NODES)
    other.add_edges_from((edge.source, edge.target) for edge in edges)
    return other


@given(worlds())
def test_reach_is_a_search_in_each_draw(world: tuple[list[Edge], dict[str, int], int]) -> None:
    edges, on, draws = world
    reached = graph.reach(edges, ROOT, on, draws)
    for number in range(draws):
        in_draw = {node for node, mask in reached.items() if mask >> number & 1}
        assert in_draw == searched(on_in(edges, on, number))


@given(worlds())
def test_reach_finds_what_networkx_finds(world: tuple[list[Edge], dict[str, int], int]) -> None:
    edges, on, draws = world
    reached = graph.reach(edges, ROOT, on, draws)
    for number in range(draws):
        found = nx.descendants(as_networkx(on_in(edges, on, number)), ROOT)
        assert {node for node, mask in reached.items() if mask >> number & 1} == {ROOT, *found}


@given(worlds())
def test_exposure_is_its_own_cause(world: tuple[list[Edge], dict[str, int], int]) -> None:
    edges, on, draws = world
    reached = graph.reach(edges, ROOT, on, draws)
    for node, mask in reached.items():
        came_in = graph.everything(draws) if node == ROOT else 0
        for edge in edges:
            if edge.target == node:
                came_in |= reached.get(edge.source, 0) & on[edge.name]
        assert mask == came_in


@given(worlds(), st.integers(0, 11))
def test_a_cut_never_raises_exposure_in_any_draw(
    world: tuple[list[Edge], dict[str, int], int], cut: int
) -> None:
    edges, on, draws = world
    before = graph.reach(edges, ROOT, on, draws)
    after = graph.reach(edges, ROOT, {**on, f"e{cut}": 0}, draws)
    assert all(mask & ~before.get(node, 0) == 0 for node, mask in after.items())


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_edges_does_not_matter(
    world: tuple[list[Edge], dict[str, int], int], random: object
) -> None:
    edges, on, draws = world
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert graph.reach(shuffled, ROOT, on, draws) == graph.reach(edges, ROOT, on, draws)


def test_a_cycle_that_the_root_does_not_enter_is_not_reached() -> None:
    edges = [Edge("ab", "a", "b"), Edge("ba", "b", "a")]
    assert graph.reach(edges, ROOT, {"ab": 1, "ba": 1}, 1) == {ROOT: 1}


def test_a_cycle_reaches_round_in_the_draws_in_which_it_is_entered() -> None:
    edges = [
        Edge("in", ROOT, "b"),
        Edge("ab", "a", "b"),
        Edge("bc", "b", "c"),
        Edge("ca", "c", "a"),
    ]
    on = {"in": 0b0110, "ab": 0b1111, "bc": 0b1110, "ca": 0b1011}
    found = graph.reach(edges, ROOT, on, 4)
    assert found == {ROOT: 0b1111, "b": 0b0110, "c": 0b0110, "a": 0b0010}


@given(graphs(timed=True))
def test_the_earliest_arrival_is_the_least_over_all_ways(edges: list[Edge]) -> None:
    least = {ROOT: -FOREVER}
    for way in simple_ways(edges):
        when = arrival(way)
        if way and when is not None:
            least[way[-1].target] = min(when, least.get(way[-1].target, FOREVER))
    assert graph.earliest(edges, ROOT) == least


@given(graphs(timed=True))
def test_an_edge_is_usable_where_some_way_comes_before_it_closes(edges: list[Edge]) -> None:
    arrivals = {ROOT: [-FOREVER]}
    for way in simple_ways(edges):
        when = arrival(way)
        if way and when is not None:
            arrivals.setdefault(way[-1].target, []).append(when)
    expected = [
        edge
        for edge in edges
        if any(max(when, edge.opens) < edge.closes for when in arrivals.get(edge.source, ()))
    ]
    assert graph.usable(edges, ROOT) == expected


def test_what_closed_before_harm_could_arrive_is_not_usable() -> None:
    late = [Edge("in", ROOT, "a", opens=5), Edge("out", "a", "b", closes=5)]
    assert graph.usable(late, ROOT) == late[:1]
    in_time = [Edge("in", ROOT, "a", opens=5), Edge("out", "a", "b", closes=5.5)]
    assert graph.usable(in_time, ROOT) == in_time


def test_harm_waits_for_a_link_that_opens_later() -> None:
    edges = [Edge("in", ROOT, "a", opens=1), Edge("out", "a", "b", opens=7)]
    assert graph.earliest(edges, ROOT) == {ROOT: -FOREVER, "a": 1, "b": 7}


@given(graphs())
def test_the_shortest_way_is_as_short_as_that_of_networkx(edges: list[Edge]) -> None:
    ways = graph.shortest(edges, ROOT)
    lengths = nx.single_source_shortest_path_length(as_networkx(edges), ROOT)
    assert {node: len(way) for node, way in ways.items()} == dict(lengths)
    for node, way in ways.items():
        stops = [ROOT, *(edge.target for edge in way)]
        assert [edge.source for edge in way] == stops[:-1]
        assert stops[-1] == node


def test_of_two_shortest_ways_the_first_in_order_is_given() -> None:
    edges = [Edge("second", ROOT, "a"), Edge("first", ROOT, "a"), Edge("on", "a", "b")]
    assert [edge.name for edge in graph.shortest(edges, ROOT)["b"]] == ["second", "on"]


@given(graphs())
def test_behind_a_node_are_the_edges_from_which_networkx_comes_there(edges: list[Edge]) -> None:
    other = as_networkx(edges)
    expected: dict[str, set[str]] = {}
    for edge in edges:
        for node in {edge.target, *nx.descendants(other, edge.target)}:
            expected.setdefault(node, set()).add(edge.name)
    entering = graph.by_target(edges)
    assert {node: graph.behind(entering, node) for node in entering} == expected


@pytest.mark.parametrize("draws", range(1, 71))
def test_a_mask_unpacks_to_what_was_packed(draws: int) -> None:
    happened = np.random.default_rng(draws).random(draws) < 0.5
    mask = graph.pack(happened)
    assert graph.unpack(mask, draws).tolist() == happened.tolist()
    assert mask.bit_count() == happened.sum()
    assert mask & ~graph.everything(draws) == 0


@pytest.mark.parametrize("draws", [1, 7, 8, 9, 64, 65])
def test_the_mask_of_all_draws_is_all_true(draws: int) -> None:
    assert graph.everything(draws) == graph.pack(np.ones(draws, dtype=bool))
    assert graph.unpack(0, draws).tolist() == [False] * draws


def test_masks_join_and_meet_as_sets_of_draws() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.random((2, 33)) < 0.5
    assert graph.pack(one) & graph.pack(other) == graph.pack(one & other)
    assert graph.pack(one) | graph.pack(other) == graph.pack(one | other)


World = tuple[list[Edge], dict[str, int], int]


def in_each(edges: list[Edge], on: dict[str, int], draws: int) -> Iterator[tuple[int, nx.DiGraph]]:
    """(number, graph of what is on) of each draw, as networkx sees it."""
    return ((number, as_networkx(on_in(edges, on, number))) for number in range(draws))


@given(graphs())
def test_what_all_ways_pass_are_the_dominators_of_networkx(edges: list[Edge]) -> None:
    above = nx.immediate_dominators(as_networkx(edges), ROOT)
    for node in NODES:
        chain, at = list[str](), above.get(node)
        while at not in (None, ROOT):
            chain, at = [at, *chain], above[at]
        assert graph.passed(edges, ROOT, node) == chain, node


@given(graphs())
def test_what_is_gathered_is_what_all_ways_bring(edges: list[Edge]) -> None:
    there = graph.shortest(edges, ROOT)
    reached = [edge for edge in edges if edge.source in there]
    brings = {edge.name: 1 << number % 3 for number, edge in enumerate(reached)}  # some alike
    entering = graph.by_target(reached)
    expected = {
        node: sum({brings[name] for name in graph.behind(entering, node)}) for node in there
    }  # each mask is one bit, so a set of them sums to their union
    assert graph.gathered(edges, ROOT, brings) == expected


def test_what_all_ways_pass_is_found_along_a_long_way() -> None:
    size = 2_000
    chain = [Edge(f"{n}", f"n{n}", f"n{n + 1}") for n in range(size)]
    back = [Edge(f"b{n}", f"n{n + 7}", f"n{n}") for n in range(1, size - 7)]
    found = graph.passed([*chain, *back], "n0", f"n{size}")
    assert found == [f"n{n}" for n in range(1, size)]


def test_edges_that_never_close_are_missed_by_nothing_however_many() -> None:
    wide = [Edge(f"{n}", ROOT, f"n{n}") for n in range(20_000)]
    onward = [Edge(f"o{n}", f"n{n}", "us") for n in range(20_000)]
    assert graph.missed([*wide, *onward], ROOT) == []
    late = Edge("late", "us", "end", closes=5.0)
    assert graph.missed([*wide, *onward, late], ROOT) == []
    slow = Edge("slow", ROOT, "us", opens=9.0)
    assert graph.missed([*wide, *onward, slow, late], ROOT) == [late]
