"""Statements and their standing, worked out by hand on claims that a test writes in a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import Row, evidence

import impact
from impact.answers import why as explaining
from impact.base.errors import BadInput, Refusal
from impact.case.folder import Case
from impact.measures import standing as stating
from impact.measures.standing import (
    STANDINGS,
    disputes,
    moved_standings,
    statements_of,
    support,
)

Said = Callable[..., Case]


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """`said(*claims, sources=[...])`: a view of claims; sources s1 to s4 are B, of one day."""
    made: list[Path] = []

    def make(
        *claims: Row, sources: list[Row] | None = None, as_of: str = "", **tables: object
    ) -> Case:
        made.append(tmp_path / f"case{len(made)}")
        four = [{"id": f"s{n}"} for n in range(1, 5)] if sources is None else sources
        case = evidence(made[-1], sources=four, claims=claims, **tables)  # type: ignore[arg-type]
        return impact.view(case, as_of=as_of)

    return make


def claim(name: str, value: str = "yes", sources: str = "s1", **cells: str) -> Row:
    """A claim about `b` of a value, on sources."""
    return {"id": name, "object": value, "sources": sources, **cells}


def test_what_nobody_claims_is_told_as_denied(said: Said) -> None:
    known = said(claim("no", stance="denies", says="B was hit."))
    (row,) = impact.statements(known).rows()[1:]
    assert row[0] == "Denied: B was hit."
    both = said(claim("no", stance="denies", says="B was hit."), claim("yes", says="B was hit."))
    (row,) = impact.statements(both).rows()[1:]
    assert row[0] == "B was hit."


# standings

S1, S2, WEAK = {"id": "s1"}, {"id": "s2"}, {"id": "s3", "reliability": "E"}
DENIAL = claim("two", sources="s2", by="c", stance="denies")
MON = claim("one", "mon", predicate="disclosed_on", credibility="1")
TUE = claim("two", "tue", "s2", predicate="disclosed_on", credibility="5")
NO = claim("one", "x", predicate="intruder", stance="denies")
OTHER = claim("two", "y", "s2", predicate="intruder", by="c")
SILENT = {"id": "q", "stance": "is silent", "credibility": "1", "sources": "s1"}


@pytest.mark.parametrize(
    ("claims", "sources", "expected"),
    [  # what two origins, a copy, near weights and an equal denial do is a known answer
        *(
            pytest.param(
                *([claim("one", credibility=grade[1])], [{**S1, "reliability": grade[0]}]),
                {"yes": expected},
                id=f"one origin, {grade}",
            )
            for expected, grades in (
                ("established", "A1 B1 A2"),
                ("likely", "B2 C1 A3"),
                ("claimed only", "B3 D1 F1 A6"),
            )
            for grade in grades.split()
        ),
        pytest.param(
            *([claim("one", credibility="1"), claim("two", sources="s3", by="c")], [S1, WEAK]),
            {"yes": "established"},
            id="a weak origin takes nothing from one that establishes",
        ),
        pytest.param(
            [claim(f"c{n}", sources=f"s{n}", by=f"p{n}") for n in (1, 2, 3)],
            *([S1, S2, WEAK], {"yes": "established"}),
            id="nor from two",
        ),
        pytest.param(
            [claim("one", sources="s2", credibility="1")],
            [{**S1, "reliability": "A"}, {**S2, "reliability": "D", "derived_from": "s1"}],
            {"yes": "claimed only"},
            id="a copy is no more reliable than what was read",
        ),
        pytest.param(
            *([MON, TUE], [S1, S2], {"mon": "established", "tue": "denied"}),
            id="a far lower weight does not dispute",
        ),
        pytest.param(
            *([claim("one", credibility="4"), DENIAL], [S1, S2], {"yes": "denied"}),
            id="a denial of clearly more weight denies",
        ),
        pytest.param([DENIAL], [S2], {"yes": "denied"}, id="so does a denial alone"),
        pytest.param(
            *([NO, OTHER], [S1, S2], {"x": "denied", "y": "likely"}), id="but not another value"
        ),
        pytest.param([SILENT], [S1], {"": "unknown"}, id="who is silent makes nothing known"),
        pytest.param(
            *([{**SILENT, "stance": "is asked"}], [S1], {"": "unknown"}),
            id="nor does who is asked",
        ),
        pytest.param(
            *([{**SILENT, "stance": "is asked"}, claim("one")], [S1], {"yes": "likely"}),
            id="an answer does",
        ),
    ],
)
def test_a_statement_stands_by_its_origins_and_what_is_against_it(
    said: Said, claims: list[Row], sources: list[Row], expected: dict[str, str]
) -> None:
    known = said(*claims, sources=sources)
    assert {one.value: one.standing for one in statements_of(known)} == expected


def test_every_standing_of_the_bundled_case_is_one_of_six(mercor: impact.Case) -> None:
    found = {s.standing for s in statements_of(impact.view(mercor))}
    assert found == set(STANDINGS)


# what excludes what

WORK = {"predicate": "work_status"}
TOLD = {"predicate": "leak_status", "stance": "denies"}


def pair(one: Row, two: Row) -> list[Row]:
    """Two claims that say the same but for these cells."""
    same = {**WORK, "unit": "minutes", "sources": "s1"}
    return [{"id": name, **same, **cells} for name, cells in (("one", one), ("two", two))]


def lasts(value: str, start: str = "", end: str = "") -> Row:
    """A state of work that lasts from and to."""
    return {"object": value, "valid_from": start, "valid_to": end}


EXCLUDED = {
    "a coarser date": (pair({"object": "2026-03"}, {"object": "2026-03-24"}), []),
    "another date": (pair({"object": "2024"}, {"object": "2026-03-24"}), ["one two"]),
    "another number": (pair({"mode": "40"}, {"mode": "152"}), ["one two"]),
    "one in a range": (pair({"low": "40", "mode": "40", "high": "46"}, {"mode": "45"}), []),
    "the end of a range": (pair({"low": "40", "mode": "40", "high": "46"}, {"mode": "46"}), []),
    "more than 1,000": (pair({"low": "1000", "mode": "1000"}, {"mode": "2500"}), []),
    "another unit": (pair({"mode": "2", "unit": "hours"}, {"mode": "2"}), ["one two"]),
    "one after the other": (pair(lasts("on", "", "2026-05-01"), lasts("off", "2026-06-01")), []),
    "told backwards": (pair(lasts("off", "2026-06-01"), lasts("on", "", "2026-05-01")), []),
    "for one time": (pair(lasts("on", "", "2026-07-01"), lasts("off", "2026-06-01")), ["one two"]),
    "a day begins at midnight": (
        *(pair(lasts("on", "", "2026-03-24T13:11Z"), lasts("off", "2026-03-24")), ["one two"]),
    ),
    "any two times that meet": (
        [
            claim("p1", credibility="1", **WORK) | lasts("on", "", "2025-12-10"),
            claim("p2", "on", "s2", **WORK, valid_from="2025-12-20", by="c"),
            claim("r", "off", "s3", **WORK, valid_from="2025-12-15"),
        ],
        ["p1 r"],
    ),
    "of three each of two is set beside the best": (
        [claim(n, n, f"s{n}", predicate="disclosed_on", credibility=n) for n in "123"],
        ["1 2", "1 3"],
    ),
    "a predicate takes many values": ([claim(n, n, predicate="client_of") for n in "xy"], []),
    "but not where somebody says so": (
        *([claim("x", "x", contradicts="y"), claim("y", "y", predicate="client_of")], ["x y"]),
    ),
    "topics whose names run together": (
        [
            claim("one", "x", predicate="counts.counts"),
            claim("two", "y", "s2", on="b.counts", predicate="counts"),
        ],
        [],
    ),
    "two deny different values": ([NO, OTHER], []),
    "a claim against a denial": (
        *([claim("d", "on", **TOLD), claim("e", "off", "s2", by="c", contradicts="d")], ["d e"]),
    ),
    "a denial against a claim": (
        *([claim("d", "on", **TOLD, contradicts="e"), claim("e", "off", "s2", by="c")], ["d e"]),
    ),
}


@pytest.mark.parametrize(("claims", "disputed"), EXCLUDED.values(), ids=EXCLUDED)
def test_values_exclude_each_other_only_where_both_cannot_be_true(
    said: Said, claims: list[Row], disputed: list[str]
) -> None:
    found = [(one[0]["id"], two[0]["id"]) for _, one, two in disputes(said(*claims))]
    assert [" ".join(sorted(ids)) for ids in found] == disputed


def test_many_weak_pages_do_not_outvote_one_firm_source(said: Said) -> None:
    weak = [{"id": f"w{n}", "reliability": "D"} for n in range(5)]
    rows = [claim(f"w{n}", "x", f"w{n}", predicate="intruder", credibility="4") for n in range(5)]
    firm = claim("firm", "y", predicate="intruder", by="c")
    ((_, best, _),) = disputes(said(*rows, firm, sources=[{**S1, "reliability": "A"}, *weak]))
    assert best[0]["id"] == "firm"


# supersession and retraction


def test_what_its_claimant_replaced_has_no_weight_and_is_told(said: Said) -> None:
    known = said(
        claim("old", "no", says="It was not so."),
        claim("new", "yes", "s2", supersedes="old", predicate="status"),
    )
    assert [s.value for s in statements_of(known)] == ["yes"]
    assert impact.statements(known).notes == (
        "Replaced, as a reported on 1 January 2026: It was not so.",
    )
    run = impact.simulate(known, 10)
    assert "REPLACED BY: It is so" in impact.why(run, "old").sentence


def retracted() -> list[Row]:
    first = claim("c", says="The stores were reached.", known_on="2026-02-01", sources="s1")
    return [first, {**first, "known_on": "2026-03-01", "sources": "s2", "withdrawn": "true"}]


SOURCES = [{"id": "s1", "known_on": "2026-02-01"}, {"id": "s2", "known_on": "2026-03-01"}]


def test_a_retraction_is_shown_and_the_day_before_it_is_not(said: Said) -> None:
    """E04 of ../shared/acceptance/bad_inputs.csv."""
    early = said(*retracted(), sources=SOURCES, as_of="2026-02-28")
    assert [one.standing for one in statements_of(early)] == ["likely"]
    assert impact.statements(early).notes == ()
    late = said(*retracted(), sources=SOURCES)
    assert statements_of(late) == ()
    assert impact.statements(late).notes == (
        "Taken back, as a reported on 1 March 2026: The stores were reached.",
    )
    run = impact.simulate(late, 10)
    assert impact.why(run, "c").sentence.endswith("TAKEN BACK: 1 March 2026.")
    assert explaining.record(run, "c")["kind"] == "claim"


def test_a_link_on_a_claim_that_was_taken_back_is_refused(said: Said) -> None:
    link = {"id": "l", "source": "event", "target": "b", "chances": "certain", "claims": "c"}
    rows = [{**link, "known_on": "2026-02-01"}]
    said(*retracted(), sources=SOURCES, links=rows, as_of="2026-02-28")
    with pytest.raises(Refusal, match=r"claims\.csv c: is needed and was withdrawn"):
        said(*retracted(), sources=SOURCES, links=rows)


def test_a_retraction_above_the_level_is_not_told_below_it(tmp_path: Path) -> None:
    first, back = retracted()
    case = evidence(
        tmp_path / "case",
        sources=[SOURCES[0], {**SOURCES[1], "tlp": "amber"}],
        claims=[first, {**back, "tlp": "amber"}],
    )
    with pytest.raises(Refusal, match="withdrawn by a row above the level"):
        impact.view(case, tlp="clear")
    assert impact.statements(impact.view(case, tlp="amber")).notes != ()


# aliases


def test_an_alias_is_a_claim_and_merges_nothing(said: Said) -> None:
    """E07 of ../shared/acceptance/bad_inputs.csv."""
    rows = [
        claim(
            "alias",
            "y",
            on="x",
            predicate="same_as",
            low="0.1",
            mode="0.2",
            high="0.3",
            unit="chance",
            credibility="3",
        ),
        claim("mine", "x", "s2", predicate="intruder", on="event"),
        claim("theirs", "y", "s3", predicate="intruder", on="event", by="c"),
    ]
    known = said(*rows)
    assert {s.value for s in statements_of(known) if s.name == "event.intruder"} == {"x", "y"}
    assert len(disputes(known)) == 1
    told = impact.attribution(known).notes
    assert told == (
        "That x is y is claimed only (10 % to 30 %) (a, 1 January 2026). The two are kept apart.",
    )


# names


def test_a_statement_is_found_by_its_topic_and_by_what_its_claims_begin_with(
    mercor: impact.Case,
) -> None:
    known = impact.view(mercor)
    by_topic = stating.topic(known, "litellm.available_minutes.first upload to quarantine")
    assert by_topic == stating.topic(known, "litellm-window")
    assert [s.value for s in by_topic] == ["152 minutes", "179 minutes", "40 minutes"]
    record = explaining.record(impact.simulate(known, 10), "litellm-window")
    told = [record["kind"], record["independent_origins"], *(c["id"] for c in record["claims"])]
    ids = (f"litellm-window-{name}" for name in ("registry", "report", "maintainer"))
    assert told == ["statement", 3, *ids]
    assert stating.topic(known, "event") == []  # claims of many topics begin so
    early = impact.view(mercor, as_of="2026-03-24T12:00Z")
    assert stating.topic(early, "litellm-window") == []
    with pytest.raises(BadInput, match='no "litellm-window" in this view'):
        impact.why(impact.simulate(early, 10), "litellm-window")


def test_the_statements_say_who_and_when_beside_each_standing(mercor: impact.Case) -> None:
    answer = impact.statements(impact.view(mercor))
    assert answer.table.height > 50
    for row in answer.rows()[1:]:
        told = row[3] or row[4]
        assert re.search(r"^(.+, |as of ).*20\d\d|^open; a question for .", told), row


def test_support_grows_with_independent_origins_and_not_with_copies(said: Said) -> None:
    copy = [{"id": "s1"}, {"id": "s2"}, {"id": "s3", "derived_from": "s1"}]
    claims = [claim(f"c{n}", sources=f"s{n}", by=f"p{n}") for n in (1, 2, 3)]
    known = said(*claims, sources=copy)
    rows = list(known["claims"].iter_rows(named=True))
    assert support(known, rows) == pytest.approx(1 - 0.36**2)
    assert support(known, rows[:1]) == pytest.approx(0.64)


# defects that were met


def test_near_numbers_are_two_values_and_are_told_apart(said: Said) -> None:
    rows = [
        {
            "id": name,
            "predicate": "people_affected",
            "mode": mode,
            "unit": "people",
            "sources": "s1",
            "credibility": number,
        }
        for name, mode, number in (("a", "123456", "1"), ("b", "123457", "5"))
    ]
    known = said(*rows)
    assert {s.value for s in statements_of(known)} == {"123,456 people", "123,457 people"}
    assert moved_standings(known, known) == []


def test_what_another_contradicts_or_supersedes_may_be_taken_back(said: Said) -> None:
    rows = [
        *retracted(),
        {
            "id": "e",
            "object": "no",
            "sources": "s2",
            "contradicts": "c",
            "known_on": "2026-03-01",
            "by": "c",
        },
    ]
    known = said(*rows, sources=SOURCES)
    assert [s.value for s in statements_of(known)] == ["no"]
    later = {"id": "f", "object": "no", "sources": "s2", "supersedes": "c"}
    known = said(*retracted(), {**later, "known_on": "2026-03-01"}, sources=SOURCES)
    assert [s.value for s in statements_of(known)] == ["no"]


def test_an_answer_has_the_level_of_its_view(tmp_path: Path) -> None:
    rows = [
        claim("one", "mon", predicate="position"),
        {**claim("two", "tue", "s2", predicate="position"), "tlp": "amber"},
    ]
    case = evidence(tmp_path / "case", sources=[{"id": "s1"}, {"id": "s2"}], claims=rows)
    run = impact.simulate(impact.view(case, tlp="amber"), 10)
    for name in ("one", "two", "b.position"):
        assert explaining.record(run, name)["label"] == "amber"
    for ask in (impact.statements, impact.conflicts, impact.sources):
        assert ask(run.known).label == "amber"
    below = impact.simulate(impact.view(case, tlp="clear"), 10)
    assert explaining.record(below, "one")["label"] == "clear"


def test_a_claim_dated_by_a_month_gives_the_view_its_moment(said: Said) -> None:
    known = said(
        {**claim("one"), "known_on": "2026-02"}, sources=[{"id": "s1", "known_on": "2026-02"}]
    )
    told = impact.statements(impact.view(known, as_of="2026-02")).sentence
    assert told == "Of one statement, 1 likely."
