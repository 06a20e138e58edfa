"""What a later arrival would miss: exact cases, and all ways of being on or off of small graphs."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tiny import fixed, link, written

import impact
from impact.base.errors import BadInput
from impact.numerics import graph
from impact.numerics.graph import FOREVER, Edge

ROOT, NODES = "event", ["event", "a", "b", "c"]
TIMES = st.integers(0, 3)


@st.composite
def timed(draw: st.DrawFn) -> list[Edge]:
    """Up to seven edges that open and close, cycles and double edges among them."""
    ends = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES[1:]))
    edges = []
    for number, (source, target) in enumerate(draw(st.lists(ends, max_size=7))):
        opens = draw(st.one_of(st.just(-FOREVER), TIMES))
        closes = draw(st.one_of(st.just(FOREVER), TIMES))
        edges.append(Edge(f"e{number}", source, target, opens, closes))
    return edges


def is_exact(edges: list[Edge]) -> bool:
    """Whether the earliest arrival decides alike, whichever of the edges are on."""
    standing = graph.usable(edges, ROOT)
    for states in product((0, 1), repeat=len(edges)):
        on = {edge.name: state for edge, state in zip(edges, states, strict=True)}
        in_time = graph.earliest([edge for edge in edges if on[edge.name]], ROOT)
        if in_time.keys() != graph.reach(standing, ROOT, on, 1).keys():
            return False
    return True


@given(timed())
@settings(max_examples=200)
@example([Edge("e0", ROOT, "a"), Edge("e1", ROOT, "a", opens=2), Edge("e2", "a", "b", closes=1)])
def test_where_none_is_missed_one_decision_holds_in_every_draw(edges: list[Edge]) -> None:
    assert graph.missed(edges, ROOT) or is_exact(edges)


@given(timed())
@settings(max_examples=200)
def test_without_closing_links_none_is_missed(edges: list[Edge]) -> None:
    assert graph.missed([edge._replace(closes=FOREVER) for edge in edges], ROOT) == []


EARLY, LATE = Edge("early", ROOT, "a"), Edge("late", ROOT, "a", opens=5)


@pytest.mark.parametrize(
    ("closes", "names"), [(4, ["out"]), (5, ["out"]), (5.5, []), (6, []), (FOREVER, [])]
)
def test_a_link_is_missed_where_it_closes_by_the_later_arrival(
    closes: float, names: list[str]
) -> None:
    out = Edge("out", "a", "b", closes=closes)
    assert [edge.name for edge in graph.missed([EARLY, LATE, out], ROOT)] == names
    assert is_exact([EARLY, LATE, out]) == (not names)


def test_what_all_arrivals_miss_is_shut_and_not_missed() -> None:
    edges = [LATE, Edge("out", "a", "b", closes=5)]
    assert graph.missed(edges, ROOT) == []
    assert graph.usable(edges, ROOT) == [LATE]


def test_a_delay_further_up_is_found_further_down() -> None:
    way = [Edge("ab", "a", "b"), Edge("bc", "b", "c", opens=2), Edge("cd", "c", "d", closes=5)]
    assert [edge.name for edge in graph.missed([EARLY, LATE, *way], ROOT)] == ["cd"]


def test_a_later_arrival_that_waits_with_the_earlier_one_misses_nothing() -> None:
    way = [Edge("ab", "a", "b", opens=5), Edge("bc", "b", "c", closes=6)]
    assert graph.missed([EARLY, LATE, *way], ROOT) == []


def test_ways_round_a_cycle_through_the_source_are_no_later_arrivals() -> None:
    cycle = [Edge("ab", "a", "b"), Edge("ba", "b", "a", opens=5)]
    out = Edge("out", "a", "c", closes=1)
    assert graph.missed([EARLY, *cycle, out], ROOT) == []
    assert is_exact([EARLY, *cycle, out])


def test_ways_round_a_cycle_further_up_are_no_later_arrivals() -> None:
    cycle = [Edge("ab", "a", "b"), Edge("ba", "b", "a", opens=5)]
    edges = [EARLY, *cycle, Edge("ac", "a", "c"), Edge("out", "c", "d", closes=1)]
    assert is_exact(edges)
    assert graph.missed(edges, ROOT) == []


def test_a_link_back_to_what_every_later_arrival_has_passed_is_not_missed() -> None:
    edges = [EARLY, Edge("ec", ROOT, "c", opens=2), Edge("ca", "c", "a")]
    edges.append(Edge("back", "a", "c", closes=2))
    assert is_exact(edges)
    assert graph.missed(edges, ROOT) == []


def test_a_case_with_a_missed_link_is_refused_with_the_repair(tmp_path: Path) -> None:
    links = [
        link("event", "b", "p"),
        link("event", "b", "p", id="later", valid_from="2026-02-10"),
        link("b", "c", valid_to="2026-02-05"),
    ]
    with pytest.raises(BadInput) as refused:
        impact.load_case(written(tmp_path / "case", links, [fixed("p", 0.5)]))
    (fault,) = refused.value.faults
    assert fault.where == "links.csv:4 valid_to"
    assert fault.what == 'a later arrival at "b" would miss it, an earlier one would not'
    assert fault.repair == 'split the entity "b", one for each arrival'


def test_the_repair_mends_it(tmp_path: Path) -> None:
    links = [
        link("event", "b-early", "p"),
        link("event", "b-late", "p", valid_from="2026-02-10"),
        link("b-early", "b"),
        link("b-late", "b"),
        link("b-early", "c", valid_to="2026-02-05"),
        link("b-late", "c", valid_to="2026-02-05"),
    ]
    case = impact.load_case(written(tmp_path / "case", links, [fixed("p", 0.5)]))
    run = impact.simulate(impact.view(case), draws=1000)
    assert run.reached["c"] == run.reached["b-early"]
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
