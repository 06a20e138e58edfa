"""Whole ecosystems: edges of a frame, their outcomes by name, and what is reached over them."""

import random
from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest

from impact.numerics import graph, sampling
from impact.numerics.graph import Edge

ROOT, NODES, DRAWS = "event", ["event", *"abcd"], 2**16
Joint = dict[tuple[str, ...], float]


def cyclic(seed: int) -> tuple[list[Edge], dict[str, list[graph.Chance]]]:
    """Up to ten edges over five nodes, cycles and double edges among them, and their chances."""
    dice = random.Random(seed)
    ends = [(dice.choice(NODES), dice.choice(NODES[1:])) for _ in range(8)]
    ends += [(ROOT, dice.choice(NODES[1:])) for _ in range(2)]
    edges = [Edge(f"e{n}", s, t) for n, (s, t) in enumerate(ends) if s != t]
    return edges, {edge.name: [round(dice.uniform(0.05, 0.95), 3)] for edge in edges}


def found_by(edges: list[Edge]) -> set[str]:
    """The nodes that a plain search from the root finds."""
    seen, todo = {ROOT}, [ROOT]
    while todo:
        node = todo.pop()
        more = {edge.target for edge in edges if edge.source == node} - seen
        seen |= more
        todo += more
    return seen


def enumerated(edges: list[Edge], chance: dict[str, float]) -> Joint:
    """Exact chance that each node, and each pair of nodes, is reached: all of on and off."""
    exact = dict.fromkeys([*combinations(NODES, 1), *combinations(NODES, 2)], 0.0)
    for states in product((False, True), repeat=len(edges)):
        weight = 1.0
        for edge, state in zip(edges, states, strict=True):
            weight *= chance[edge.name] if state else 1 - chance[edge.name]
        seen = found_by([edge for edge, state in zip(edges, states, strict=True) if state])
        for names in exact:
            if seen.issuperset(names):
                exact[names] += weight
    return exact


def simulated(edges: list[Edge], chances: dict[str, list[graph.Chance]], seed: int) -> Joint:
    """The same by simulation."""
    on = graph.outcomes(edges, chances, DRAWS, seed)
    reached = graph.reach(graph.net(edges, ROOT), on, DRAWS)
    mask = {node: reached.get(node, 0) for node in NODES}
    single = {(one,): mask[one].bit_count() / DRAWS for one in NODES}
    pairs = combinations(NODES, 2)
    return single | {(a, b): (mask[a] & mask[b]).bit_count() / DRAWS for a, b in pairs}


def scores(found: Joint, exact: Joint) -> Iterator[float]:
    """How many simulation errors each chance is off; what is certain must be met exactly."""
    for names, chance in exact.items():
        if chance in (0.0, 1.0) or abs(chance - 1) < 1e-12:
            assert found[names] == pytest.approx(chance, abs=1e-12), names
        else:
            error = np.sqrt(chance * (1 - chance) / DRAWS)
            yield (found[names] - chance) / error


@pytest.mark.parametrize("seed", range(24))
def test_exposure_is_that_of_all_ways_of_being_on_or_off(seed: int) -> None:
    edges, chances = cyclic(seed)
    exact = enumerated(edges, {name: each[0] for name, each in chances.items()})
    assert all(abs(z) < 4.5 for z in scores(simulated(edges, chances, seed), exact))


def test_errors_of_exposure_are_as_large_as_they_say() -> None:
    scored = list[float]()
    for seed in range(40):
        edges, chances = cyclic(1)
        exact = enumerated(edges, {name: each[0] for name, each in chances.items()})
        scored += scores(simulated(edges, chances, seed), exact)
    assert 0.8 < np.mean(np.square(scored)) < 1.25


@pytest.mark.parametrize("seed", range(8))
def test_exposure_on_a_tree_is_the_product_along_its_only_way(seed: int) -> None:
    dice = random.Random(seed)
    parents = {node: NODES[dice.randrange(place)] for place, node in enumerate(NODES) if place}
    edges = [Edge(node, parent, node) for node, parent in parents.items()]
    chances = {node: [dice.uniform(0.2, 0.9), dice.uniform(0.5, 1.0)] for node in parents}
    found = simulated(edges, chances, seed)
    closed = {ROOT: 1.0}
    for node, parent in parents.items():
        closed[node] = closed[parent] * chances[node][0] * chances[node][1]
    exact = {(node,): chance for node, chance in closed.items()}
    assert all(abs(z) < 4.5 for z in scores(found, exact))


def test_a_range_counts_by_its_mean_and_several_chances_by_their_product() -> None:
    edges = [Edge("ranged", ROOT, "a"), Edge("both", ROOT, "b"), Edge("plain", ROOT, "c")]
    chances = {"ranged": [(0.0, 0.1, 0.8)], "both": [0.5, (0.0, 0.1, 0.8)], "plain": [0.2]}
    on = graph.outcomes(edges, chances, DRAWS, 1)
    for name, chance in (("ranged", 0.2), ("both", 0.1), ("plain", 0.2)):
        error = np.sqrt(chance * (1 - chance) / DRAWS)
        assert abs(on[name].bit_count() / DRAWS - chance) < 4 * error
    assert on["ranged"] != on["plain"]


def test_one_list_of_chances_serves_all_edges() -> None:
    edges = [Edge(name, ROOT, name) for name in "abc"]
    alike = graph.outcomes(edges, [0.5, 0.4], 1000, 3)
    assert alike == graph.outcomes(edges, {name: [0.5, 0.4] for name in "abc"}, 1000, 3)
    assert len({*alike.values()}) == 3


def test_an_edge_added_or_moved_changes_no_other_outcome() -> None:
    edges, chances = cyclic(5)
    before = graph.outcomes(edges, chances, 999, 1)
    more = [Edge("new", ROOT, "a"), *edges[::-1]]
    after = graph.outcomes(more, {**chances, "new": [0.5]}, 999, 1)
    assert {edge.name: after[edge.name] for edge in edges} == before
    assert graph.outcomes(edges, chances, 999, 2) != before


def test_without_edges_there_are_no_outcomes() -> None:
    assert graph.outcomes([], {}, 100, 1) == {}
    assert graph.reach(graph.net([], ROOT), {}, 100) == {ROOT: graph.everything(100)}


FRAME = pl.DataFrame(
    {"target": ["a", "b", "c", "a"], "source": [ROOT, "a", "b", "c"], "name": list("wxyz")}
)


def test_a_frame_of_edges_is_named_by_its_ends_or_by_its_own_names() -> None:
    named = graph.of_frame(FRAME)
    assert named == [Edge("w", ROOT, "a"), Edge("x", "a", "b"), Edge("y", "b", "c"),
                     Edge("z", "c", "a")]  # fmt: skip
    plain = graph.of_frame(FRAME.drop("name"))
    assert [edge.name for edge in plain] == ["event>a", "a>b", "b>c", "c>a"]
    assert [edge[1:] for edge in plain] == [edge[1:] for edge in named]


def test_a_frame_goes_all_the_way_to_exposure() -> None:
    edges = graph.of_frame(FRAME)
    on = graph.outcomes(edges, {"w": [0.3], "x": [1.0], "y": [0.5], "z": [1.0]}, DRAWS, 1)
    reached = graph.reach(graph.net(edges, ROOT), on, DRAWS)
    assert reached["a"] == reached["b"] == on["w"]
    assert reached["c"] == on["w"] & on["y"]


def test_a_large_ecosystem_is_that_of_a_search_in_each_draw() -> None:
    dice, draws = random.Random(1), 70
    names = [f"n{number}" for number in range(300)]
    rows = [(dice.choice(names), dice.choice(names)) for _ in range(700)]
    frame = pl.DataFrame([*rows, (ROOT, "n0"), (ROOT, "n1")], schema=["source", "target"],
                         orient="row").unique(maintain_order=True)  # fmt: skip
    edges = graph.of_frame(frame)
    on = graph.outcomes(edges, [(0.2, 0.5, 0.9)], draws, 1)
    reached = graph.reach(graph.net(edges, ROOT), on, draws)
    for number in range(draws):
        seen = found_by([edge for edge in edges if on[edge.name] >> number & 1])
        assert {node for node, mask in reached.items() if mask >> number & 1} == seen
    assert sampling.outcomes(1, [edges[0].name], np.array([(0.2 + 2.0 + 0.9) / 6]), draws) == [
        on[edges[0].name]
    ]
