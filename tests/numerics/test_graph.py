"""Exposure on small graphs, cycles and all, against networkx and against all ways there are."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import fixed, link, written

import impact
from impact.base.errors import BadInput
from impact.numerics import graph
from impact.numerics.graph import FOREVER, Edge

ROOT, NODES = "event", ["event", "a", "b", "c", "d", "e"]
World = tuple[list[Edge], dict[str, int], int]


@st.composite
def graphs(draw: st.DrawFn, timed: bool = False, nodes: int = 6, most: int = 12) -> list[Edge]:
    """Edges: cycles, loops, double edges and edges into the root are all legal."""
    ends = st.tuples(st.sampled_from(NODES[:nodes]), st.sampled_from(NODES[:nodes]))
    times = st.integers(0, 9 if nodes == len(NODES) else 3)  # of few nodes, more that tie
    edges = []
    for number, (source, target) in enumerate(draw(st.lists(ends, max_size=most))):
        opens = draw(st.one_of(st.just(-FOREVER), times)) if timed else -FOREVER
        closes = draw(st.one_of(st.just(FOREVER), times)) if timed else FOREVER
        edges.append(Edge(f"e{number}", source, target, opens, closes))
    return edges


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """(edges, on, draws): a graph and the draws in which each edge is on."""
    edges, draws = draw(graphs()), draw(st.integers(1, 20))
    masks = st.integers(0, graph.everything(draws))
    return edges, {edge.name: draw(masks) for edge in edges}, draws


def arrivals(
    edges: list[Edge], node: str = ROOT, now: float = -FOREVER, been: tuple[str, ...] = ()
) -> Iterator[tuple[str, float]]:
    """(end, when one who waits where needed is there) of every way that meets no node twice."""
    yield node, now
    for edge in edges:
        there = max(now, edge.opens)
        if edge.source == node and edge.target not in (*been, node) and there < edge.closes:
            yield from arrivals(edges, edge.target, there, (*been, node))


def as_networkx(edges: list[Edge]) -> nx.DiGraph:
    """The same graph, as an independent library sees it."""
    other = nx.DiGraph()
    other.add_nodes_from(NODES)
    other.add_edges_from((edge.source, edge.target) for edge in edges)
    return other


CYCLE = [Edge("ab", "a", "b"), Edge("bc", "b", "c"), Edge("ca", "c", "a")]


@given(worlds())
@example((CYCLE, dict.fromkeys(("ab", "bc", "ca"), 1), 1))  # the root does not enter it
def test_reach_is_a_search_of_networkx_in_each_draw(world: World) -> None:
    """So no order of edges matters, and an edge that is cut never raises exposure."""
    edges, on, draws = world
    expected: dict[str, int] = {}
    for number in range(draws):
        standing = as_networkx([edge for edge in edges if on[edge.name] >> number & 1])
        for node in (ROOT, *nx.descendants(standing, ROOT)):
            expected[node] = expected.get(node, 0) | 1 << number
    assert graph.reach(edges, ROOT, on, draws) == expected


def test_a_cycle_reaches_round_in_the_draws_in_which_it_is_entered() -> None:
    on = {"in": 0b0110, "ab": 0b1111, "bc": 0b1110, "ca": 0b1011}
    found = graph.reach([Edge("in", ROOT, "b"), *CYCLE], ROOT, on, 4)
    assert found == {ROOT: 0b1111, "b": 0b0110, "c": 0b0110, "a": 0b0010}


@given(graphs(timed=True))
@example([Edge("in", ROOT, "a", opens=5), Edge("out", "a", "b", closes=5)])  # closed before it came
@example([Edge("in", ROOT, "a", opens=5), Edge("out", "a", "b", closes=5.5)])
@example([Edge("in", ROOT, "a", opens=1), Edge("out", "a", "b", opens=7)])  # it waits
def test_the_earliest_arrival_of_all_ways_is_found_and_what_some_way_can_use(
    edges: list[Edge],
) -> None:
    times: dict[str, list[float]] = {}
    for node, when in arrivals(edges):
        times.setdefault(node, []).append(when)
    assert graph.earliest(edges, ROOT) == {node: min(every) for node, every in times.items()}
    assert graph.usable(edges, ROOT) == [
        edge
        for edge in edges
        if any(max(when, edge.opens) < edge.closes for when in times.get(edge.source, ()))
    ]


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
def test_what_lies_behind_a_node_and_what_all_ways_bring_to_it_are_those_of_networkx(
    edges: list[Edge],
) -> None:
    other = as_networkx(edges)
    behind: dict[str, set[str]] = {}
    for edge in edges:
        for node in {edge.target, *nx.descendants(other, edge.target)}:
            behind.setdefault(node, set()).add(edge.name)
    entering = graph.by_end(edges, "target")
    assert {node: graph.behind(entering, node) for node in entering} == behind
    there = {ROOT, *nx.descendants(other, ROOT)}
    reached = [edge.name for edge in edges if edge.source in there]
    brings = {name: 1 << number % 3 for number, name in enumerate(reached)}  # some alike
    # each mask is one bit, so a set of them sums to their union
    expected = {
        node: sum({brings[name] for name in behind.get(node, ()) if name in brings})
        for node in there
    }
    assert graph.gathered(edges, ROOT, brings) == expected


@pytest.mark.parametrize("draws", range(1, 71))
def test_a_mask_is_the_set_of_draws_in_which_something_happened(draws: int) -> None:
    one, other = np.random.default_rng(draws).random((2, draws)) < 0.5
    mask = graph.pack(one)
    assert graph.unpack(mask, draws).tolist() == one.tolist()
    assert graph.unpack(0, draws).tolist() == [False] * draws
    assert mask.bit_count() == one.sum()
    assert mask & graph.pack(other) == graph.pack(one & other)
    assert mask | graph.pack(other) == graph.pack(one | other)
    assert mask | graph.pack(~one) == graph.everything(draws)


@given(graphs())
def test_what_all_ways_pass_are_the_dominators_of_networkx(edges: list[Edge]) -> None:
    above = nx.immediate_dominators(as_networkx(edges), ROOT)
    for node in NODES:
        chain, at = list[str](), above.get(node)
        while at not in (None, ROOT):
            chain, at = [at, *chain], above[at]
        assert graph.passed(edges, ROOT, node) == chain, node


def test_what_all_ways_pass_is_found_along_a_long_way() -> None:
    size = 2_000
    chain = [Edge(f"{n}", f"n{n}", f"n{n + 1}") for n in range(size)]
    back = [Edge(f"b{n}", f"n{n + 7}", f"n{n}") for n in range(1, size - 7)]
    found = graph.passed([*chain, *back], "n0", f"n{size}")
    assert found == [f"n{n}" for n in range(1, size)]


# what a later arrival would miss


def is_exact(edges: list[Edge]) -> bool:
    """Whether the earliest arrival decides alike, whichever of the edges are on."""
    standing = graph.usable(edges, ROOT)
    for states in product((0, 1), repeat=len(edges)):
        on = {edge.name: state for edge, state in zip(edges, states, strict=True)}
        in_time = graph.earliest([edge for edge in edges if on[edge.name]], ROOT)
        if in_time.keys() != graph.reach(standing, ROOT, on, 1).keys():
            return False
    return True


EARLY, LATE = Edge("early", ROOT, "a"), Edge("late", ROOT, "a", opens=5)
ROUND = [EARLY, Edge("ab", "a", "b"), Edge("ba", "b", "a", opens=5)]


@given(graphs(timed=True, nodes=4, most=7))
@settings(max_examples=200)
@example([EARLY, Edge("again", ROOT, "a", opens=2), Edge("out", "a", "b", closes=1)])
def test_where_none_is_missed_one_decision_holds_in_every_draw(edges: list[Edge]) -> None:
    assert graph.missed(edges, ROOT) or is_exact(edges)
    assert graph.missed([edge._replace(closes=FOREVER) for edge in edges], ROOT) == []


@pytest.mark.parametrize(
    ("edges", "missed"),
    [
        ([EARLY, LATE, Edge("out", "a", "b", closes=4)], ["out"]),
        ([EARLY, LATE, Edge("out", "a", "b", closes=5)], ["out"]),
        ([EARLY, LATE, Edge("out", "a", "b", closes=5.5)], []),
        ([EARLY, LATE, Edge("out", "a", "b")], []),
        ([LATE, Edge("out", "a", "b", closes=5)], []),  # shut for all, and so not missed
        # a delay further up is found further down
        (
            [
                EARLY,
                LATE,
                *CYCLE[:1],
                Edge("bc", "b", "c", opens=2),
                Edge("cd", "c", "d", closes=5),
            ],
            ["cd"],
        ),
        # the later arrival waits with the earlier one
        ([EARLY, LATE, Edge("ab", "a", "b", opens=5), Edge("bc", "b", "c", closes=6)], []),
        # round a cycle through the source, and further up
        ([*ROUND, Edge("out", "a", "c", closes=1)], []),
        ([*ROUND, Edge("ac", "a", "c"), Edge("out", "c", "d", closes=1)], []),
        # a link back to what every later arrival has passed
        (
            [
                EARLY,
                Edge("ec", ROOT, "c", opens=2),
                Edge("ca", "c", "a"),
                Edge("back", "a", "c", closes=2),
            ],
            [],
        ),
    ],
)
def test_a_link_is_missed_where_it_closes_by_a_later_arrival_at_its_source(
    edges: list[Edge], missed: list[str]
) -> None:
    assert [edge.name for edge in graph.missed(edges, ROOT)] == missed
    assert is_exact(edges) == (not missed)


def test_edges_that_never_close_are_missed_by_nothing_however_many() -> None:
    wide = [Edge(f"{n}", ROOT, f"n{n}") for n in range(20_000)]
    onward = [Edge(f"o{n}", f"n{n}", "us") for n in range(20_000)]
    assert graph.missed([*wide, *onward], ROOT) == []
    late = Edge("late", "us", "end", closes=5.0)
    assert graph.missed([*wide, *onward, late], ROOT) == []
    slow = Edge("slow", ROOT, "us", opens=9.0)
    assert graph.missed([*wide, *onward, slow, late], ROOT) == [late]


def test_a_case_with_a_missed_link_is_refused_with_the_repair_which_mends_it(
    tmp_path: Path,
) -> None:
    links = [
        link("event", "b", "p"),
        link("event", "b", "p", id="later", valid_from="2026-02-10"),
        link("b", "c", valid_to="2026-02-05"),
    ]
    with pytest.raises(BadInput) as refused:
        impact.load_case(written(tmp_path / "case", links, [fixed("p", 0.5)]))
    assert str(refused.value) == (
        'links.csv:4 valid_to: a later arrival at "b" would miss it, an earlier one would not;'
        ' split the entity "b", one for each arrival'
    )
    split = [link("event", "early", "p"), link("event", "late", "p", valid_from="2026-02-10")]
    for one in ("early", "late"):
        split += [link(one, "b"), link(one, "c", valid_to="2026-02-05")]
    case = impact.load_case(written(tmp_path / "split", split, [fixed("p", 0.5)]))
    run = impact.simulate(impact.view(case), draws=1000)
    assert run.reached["c"] == run.reached["early"]
    assert run.reached["b"] != run.reached["c"]


@pytest.mark.parametrize("cells", [{"valid_from": "2026-01-05"}, {"withdrawn": "true"}])
def test_a_link_that_was_corrected_is_no_second_arrival(
    tmp_path: Path, cells: dict[str, str]
) -> None:
    links = [
        link("event", "b", id="late", valid_from="2026-02-10"),
        link("event", "b", id="late", valid_from="2026-02-10", known_on="2026-03-01") | cells,
        link("event", "b", known_on="2026-03-01"),
        link("b", "c", valid_to="2026-02-05"),
    ]
    case = impact.load_case(written(tmp_path / "case", links))
    before, after = (impact.view(case, as_of=day) for day in ("2026-02-28", ""))
    assert impact.simulate(before, draws=10).chance("c") == 0
    assert impact.simulate(after, draws=10).chance("c") == 1
