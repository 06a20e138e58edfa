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
    Statement,
    disputes,
    moved_standings,
    statements_of,
    support,
)
from impact.measures.windows import window

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


def standing(known: Case, value: str) -> str:
    """The standing of the statement with that value."""
    return one(known, value).standing


def one(known: Case, value: str) -> Statement:
    found = [s for s in statements_of(known) if s.value == value]
    assert len(found) == 1
    return found[0]


# standings


@pytest.mark.parametrize(
    ("letter", "number", "expected"),
    [
        ("A", "1", "established"),
        ("B", "1", "established"),
        ("A", "2", "established"),
        ("B", "2", "likely"),
        ("C", "1", "likely"),
        ("A", "3", "likely"),
        ("B", "3", "claimed only"),
        ("D", "1", "claimed only"),
        ("F", "1", "claimed only"),
        ("A", "6", "claimed only"),
    ],
)
def test_one_origin_stands_by_its_letter_and_number(
    said: Said, letter: str, number: str, expected: str
) -> None:
    known = said(claim("one", credibility=number), sources=[{"id": "s1", "reliability": letter}])
    assert standing(known, "yes") == expected


def test_two_probable_origins_establish_and_two_copies_do_not(said: Said) -> None:
    two = said(claim("one"), claim("two", sources="s2", by="c"))
    assert standing(two, "yes") == "established"
    copy = [{"id": "s1"}, {"id": "s2", "derived_from": "s1"}]
    assert standing(
        said(claim("one"), claim("two", sources="s2", by="c"), sources=copy), "yes"
    ) == ("likely")


def test_a_weak_origin_beside_those_that_establish_takes_nothing_away(said: Said) -> None:
    weak = {"id": "s3", "reliability": "E"}
    alone = said(
        claim("one", credibility="1"), claim("two", sources="s3", by="c"),
        sources=[{"id": "s1"}, weak],
    )  # fmt: skip
    assert standing(alone, "yes") == "established"
    together = said(
        claim("one"), claim("two", sources="s2", by="c"), claim("three", sources="s3", by="d"),
        sources=[{"id": "s1"}, {"id": "s2"}, weak],
    )  # fmt: skip
    assert standing(together, "yes") == "established"


def test_a_copy_is_no_more_reliable_than_what_was_read(said: Said) -> None:
    sources = [{"id": "s1", "reliability": "A"}]
    sources += [{"id": "s2", "reliability": "D", "derived_from": "s1"}]
    known = said(claim("one", sources="s2", credibility="1"), sources=sources)
    assert one(known, "yes").origins == {"s1": pytest.approx(0.4)}
    assert standing(known, "yes") == "claimed only"


def test_near_weights_dispute_each_other_and_a_far_lower_one_does_not(said: Said) -> None:
    near = said(
        claim("one", "mon", predicate="disclosed_on"),
        claim("two", "tue", sources="s2", predicate="disclosed_on", credibility="3"),
    )
    assert {s.standing for s in statements_of(near)} == {"disputed"}
    far = said(
        claim("one", "mon", predicate="disclosed_on", credibility="1"),
        claim("two", "tue", sources="s2", predicate="disclosed_on", credibility="5"),
    )
    assert (standing(far, "mon"), standing(far, "tue")) == ("established", "denied")


def test_a_statement_is_denied_by_a_denial_of_clearly_more_weight_only(said: Said) -> None:
    mild = said(claim("one"), claim("two", sources="s2", by="c", stance="denies"))
    assert standing(mild, "yes") == "disputed"
    firm = said(claim("one", credibility="4"), claim("two", sources="s2", by="c", stance="denies"))
    assert standing(firm, "yes") == "denied"
    assert standing(said(claim("two", by="c", stance="denies")), "yes") == "denied"


def test_two_that_deny_different_values_do_not_contradict_each_other(said: Said) -> None:
    known = said(
        claim("one", "x", predicate="intruder", stance="denies"),
        claim("two", "y", sources="s2", predicate="intruder", by="c"),
    )
    assert disputes(known) == []
    assert standing(known, "y") == "likely"


def test_who_is_asked_or_silent_makes_nothing_known(said: Said) -> None:
    for stance in ("is asked", "is silent"):
        known = said({"id": "q", "stance": stance, "credibility": "1", "sources": "s1"})
        assert [s.standing for s in statements_of(known)] == ["unknown"]
    answered = said({"id": "q", "stance": "is asked", "sources": "s1"}, claim("one"))
    assert [s.standing for s in statements_of(answered)] == ["likely"]


def test_every_standing_of_the_bundled_case_is_one_of_six(mercor: impact.Case) -> None:
    found = {s.standing for s in statements_of(impact.view(mercor))}
    assert found == set(STANDINGS)


# what excludes what


@pytest.mark.parametrize(
    ("one_", "two", "conflict"),
    [
        ({"object": "2026-03"}, {"object": "2026-03-24"}, False),  # a coarser date
        ({"object": "2024"}, {"object": "2026-03-24"}, True),
        ({"mode": "40"}, {"mode": "152"}, True),
        ({"low": "40", "mode": "40", "high": "46"}, {"mode": "45"}, False),
        ({"low": "1000", "mode": "1000"}, {"mode": "2500"}, False),  # more than 1,000
        ({"mode": "2", "unit": "hours"}, {"mode": "2", "unit": "minutes"}, True),
        ({"object": "paused", "valid_to": "2026-05-01"},
         {"object": "resumed", "valid_from": "2026-06-01"}, False),  # one after the other
        ({"object": "paused", "valid_to": "2026-07-01"},
         {"object": "resumed", "valid_from": "2026-06-01"}, True),
        ({"object": "paused", "valid_to": "2026-03-24T13:11Z"},
         {"object": "resumed", "valid_from": "2026-03-24"}, True),  # a day begins at midnight
    ],
)  # fmt: skip
def test_values_exclude_each_other_only_where_both_cannot_be_true(
    said: Said, one_: Row, two: Row, conflict: bool
) -> None:
    rows = [{"id": name, "predicate": "work_status", "unit": "minutes", "sources": "s1", **cells}
            for name, cells in (("one", one_), ("two", two))]  # fmt: skip
    assert bool(disputes(said(*rows))) is conflict


def test_a_predicate_that_takes_many_values_conflicts_only_where_somebody_says_so(
    said: Said,
) -> None:
    two = claim("one", "x", predicate="client_of"), claim("two", "y", "s2", predicate="client_of")
    assert disputes(said(*two)) == []
    said_so = said(two[0], {**two[1], "contradicts": "one"})
    assert [len(pair[1:]) for pair in disputes(said_so)] == [2]


def test_of_three_values_each_of_two_is_set_beside_the_best(said: Said) -> None:
    rows = [
        claim(value, value, f"s{n}", predicate="disclosed_on", credibility=str(n))
        for n, value in enumerate(("mon", "tue", "wed"), 1)
    ]
    found = disputes(said(*rows))
    assert [(one[0]["id"], two[0]["id"]) for _, one, two in found] == [
        ("mon", "tue"), ("mon", "wed"),
    ]  # fmt: skip


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
    assert standing(early, "yes") == "likely"
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
        claim("alias", "y", on="x", predicate="same_as", low="0.1", mode="0.2", high="0.3",
              unit="chance", credibility="3"),
        claim("mine", "x", "s2", predicate="intruder", on="event"),
        claim("theirs", "y", "s3", predicate="intruder", on="event", by="c"),
    ]  # fmt: skip
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
    assert stating.topic(known, "event") == []  # claims of many topics begin so
    early = impact.view(mercor, as_of="2026-03-24T12:00Z")
    assert stating.topic(early, "litellm-window") == []
    with pytest.raises(BadInput, match='no "litellm-window" in this view'):
        impact.why(impact.simulate(early, 10), "litellm-window")


def test_why_of_a_statement_names_each_value_with_its_standing_and_how_it_was_read(
    mercor: impact.Case,
) -> None:
    run = impact.simulate(impact.view(mercor), 10)
    told = impact.why(run, "litellm-window").sentence
    assert "3 values are claimed; the best supported is 152 minutes." in told
    assert (
        "40 minutes (reported by BerriAI (LiteLLM), 27 March 2026): disputed, on BerriAI /"
        " LiteLLM (B, full)."
    ) in told
    record = explaining.record(run, "litellm-window")
    assert record["kind"] == "statement"
    assert record["independent_origins"] == 3
    assert [c["id"] for c in record["claims"]] == [
        f"litellm-window-{name}" for name in ("registry", "report", "maintainer")
    ]


def test_the_statements_say_who_and_when_beside_each_standing(mercor: impact.Case) -> None:
    answer = impact.statements(impact.view(mercor))
    assert answer.table.height > 50
    for row in answer.rows()[1:]:
        told = row[3] or row[4]
        assert re.search(r"^(.+, |as of ).*20\d\d", told), row


def test_support_grows_with_independent_origins_and_not_with_copies(said: Said) -> None:
    copy = [{"id": "s1"}, {"id": "s2"}, {"id": "s3", "derived_from": "s1"}]
    claims = [claim(f"c{n}", sources=f"s{n}", by=f"p{n}") for n in (1, 2, 3)]
    known = said(*claims, sources=copy)
    rows = list(known["claims"].iter_rows(named=True))
    assert support(known, rows) == pytest.approx(1 - 0.36**2)
    assert support(known, rows[:1]) == pytest.approx(0.64)


def test_many_weak_pages_do_not_outvote_one_firm_source(said: Said) -> None:
    weak = [{"id": f"w{n}", "reliability": "D"} for n in range(5)]
    rows = [claim(f"w{n}", "x", f"w{n}", predicate="intruder", credibility="4") for n in range(5)]
    firm = claim("firm", "y", predicate="intruder", by="c")
    known = said(*rows, firm, sources=[{"id": "s1", "reliability": "A"}, *weak])
    ((_, one, _),) = disputes(known)
    assert one[0]["id"] == "firm"


# defects that were met


def test_a_claim_against_a_denial_opposes_what_was_asserted(said: Said) -> None:
    denial = claim("d", "offered", predicate="leak_status", stance="denies")
    rival = claim("e", "gone", "s2", predicate="other", by="c", contradicts="d")
    known = said(denial, rival)
    ((_, one, two),) = disputes(known)
    assert {one[0]["id"], two[0]["id"]} == {"d", "e"}
    turned = said({**denial, "contradicts": "e"}, {**rival, "contradicts": ""})
    assert len(disputes(turned)) == 1


def test_any_two_times_that_meet_make_a_conflict(said: Said) -> None:
    paused = {"predicate": "work_status", "object": "paused"}
    rows = [
        {"id": "p1", **paused, "valid_to": "2025-12-10", "sources": "s1", "credibility": "1"},
        {"id": "p2", **paused, "valid_from": "2025-12-20", "sources": "s2", "by": "c"},
        claim("r", "resumed", "s3", predicate="work_status", valid_from="2025-12-15"),
    ]
    assert len(disputes(said(*rows))) == 1


def test_near_numbers_are_two_values_and_are_told_apart(said: Said) -> None:
    rows = [{"id": name, "predicate": "people_affected", "mode": mode, "unit": "people",
             "sources": "s1", "credibility": number}
            for name, mode, number in (("a", "123456", "1"), ("b", "123457", "5"))]  # fmt: skip
    known = said(*rows)
    assert {s.value for s in statements_of(known)} == {"123,456 people", "123,457 people"}
    assert moved_standings(known, known) == []


def test_what_another_contradicts_or_supersedes_may_be_taken_back(said: Said) -> None:
    rows = [*retracted(), {"id": "e", "object": "no", "sources": "s2", "contradicts": "c",
                           "known_on": "2026-03-01", "by": "c"}]  # fmt: skip
    known = said(*rows, sources=SOURCES)
    assert [s.value for s in statements_of(known)] == ["no"]
    later = {"id": "f", "object": "no", "sources": "s2", "supersedes": "c"}
    known = said(*retracted(), {**later, "known_on": "2026-03-01"}, sources=SOURCES)
    assert [s.value for s in statements_of(known)] == ["no"]


def test_topics_whose_names_run_together_are_kept_apart(said: Said) -> None:
    rows = [claim("one", "x", predicate="counts.counts"), claim("two", "y", "s2", on="b.counts",
            predicate="counts")]  # fmt: skip
    assert disputes(said(*rows)) == []


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
    known = said({**claim("one"), "known_on": "2026-02"}, sources=[{"id": "s1",
                 "known_on": "2026-02"}])  # fmt: skip
    told = impact.statements(impact.view(known, as_of="2026-02")).sentence
    assert told == "Of one statement, 1 likely."


def test_two_lengths_of_a_window_are_both_kept_and_both_shown(mercor: impact.Case) -> None:
    """E05 of ../shared/acceptance/bad_inputs.csv: one beside the other, and core and hull."""
    known = impact.view(mercor)
    told = impact.conflicts(known).table.filter(topic="litellm: how long it was available (first"
                                                " upload to quarantine)")  # fmt: skip
    (dispute,) = told.rows(named=True)
    sides = [dispute["side"], *dispute["against"]]
    assert sorted(side["value"].split()[0] for side in sides) == ["152", "179", "40"]
    spans = {part: (closes - opens).total_seconds() / 60
             for part, opens, closes in window(known, "litellm-1.82.7").iter_rows()}  # fmt: skip
    assert spans == {"core": 40.0, "hull": 179.0}
