"""`why`: a walk from a figure to inputs, claims and sources."""

from __future__ import annotations

import json
import re
from typing import Any

import commands
import networkx as nx
import pytest
from tiny import fixed

import impact
from impact.answers import why as explaining
from impact.base.errors import BadInput
from impact.numerics import graph
from impact.simulation import Run


@pytest.mark.parametrize(
    "name",
    [
        *("anthropic", "meta", "mercor", "competitors", "turing", "total"),
        *("pause_weeks", "litellm-window-maintainer"),
    ],
)
def test_why_is_a_labelled_line_each_of_what_there_is_to_tell(run: Run, name: str) -> None:
    told = impact.why(run, name).lead
    assert 1 <= len(told) <= 7
    assert all(re.match(r"[A-Z]{2,}(?: [A-Z]+)*: \S", line) for line in told)
    assert not any("None" in line for line in told)


def test_a_figure_leads_to_the_party_it_is_about(run: Run) -> None:
    assert impact.why(run, "mean.meta").sentence == impact.why(run, "meta").sentence
    assert explaining.record(run, "chance.meta")["kind"] == "lab"


def test_all_simple_ways_are_those_of_networkx(run: Run) -> None:
    edges = list(run.edges)
    oracle = nx.MultiDiGraph()
    for edge in edges:
        oracle.add_edge(edge.source, edge.target, key=edge.name)
    for node in ("mercor", "meta", "competitors", "meta-contractors"):
        ways = graph.simple_paths(edges, "event", node, most=10_000)
        found = {tuple(edge.name for edge in way) for way in ways}
        paths = nx.all_simple_edge_paths(oracle, "event", node)
        assert found == {tuple(name for _, _, name in path) for path in paths}
        assert [len(way) for way in ways] == sorted(len(way) for way in ways)


def test_a_cycle_does_not_keep_the_walk_from_ending() -> None:
    edges = [graph.Edge(f"{a}{b}", a, b) for a, b in ("ra", "ab", "ba", "bc", "ca", "cd")]
    ways = graph.simple_paths(edges, "r", "d")
    assert [[edge.name for edge in way] for way in ways] == [["ra", "ab", "bc", "cd"]]


def test_a_question_to_nobody_is_asked_alone(tiny_case: Any) -> None:
    case = tiny_case([], [fixed("cost", 5, "USD", question="How much?")])
    assert impact.why(impact.simulate(impact.view(case)), "cost").lead[-1] == "ASK: How much?"


def test_an_unknown_name_is_told_with_the_nearest(run: Run) -> None:
    with pytest.raises(BadInput, match=r'no "antropic" in this view; did you mean "anthropic"'):
        impact.why(run, "antropic")


def test_the_json_has_the_shape_of_the_contract() -> None:
    found = json.loads(commands.impact("why", "mercor", "anthropic", "--json").stdout)
    keys = {"name", "kind", "label", "paths", "inputs", "claims", "independent_origins"}
    assert keys <= set(found)
    assert set(found["inputs"][0]) == {"name", "low", "mode", "high", "unit", "basis_kind"}
    assert set(found["claims"][0]) == {
        *("id", "claimant", "stance", "stated_on", "credibility", "sources"),
    }
    assert set(found["claims"][0]["sources"][0]) == {"id", "reliability", "access", "url"}
    links = set(impact.load_case("mercor")["links"]["id"])
    assert all(link in links for way in found["paths"] for link in way)
