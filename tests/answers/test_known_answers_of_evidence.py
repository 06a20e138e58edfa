"""Each question on what is claimed, answered by hand: when, what, who, by when, on what.

Sources are B where nothing else stands (worth .8), claims credible to 2 (.8): a claim on one such
source has the weight .64, on two independent ones 1 - .36 x .36 = .87.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny import Row, cells, evidence, figures

import impact
from impact.measures.standing import statements_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the case of a test is written to."""
    return tmp_path / "case"


def claim(name: str, value: str, sources: str = "s1", **cells: str) -> Row:
    """A claim about `b`."""
    return {"id": name, "object": value, "sources": sources, **cells}


def happened(name: str, day: str, sources: str, reported: str, **cells: str) -> Row:
    """An event of that day, as reported on another."""
    when = {"valid_from": day, "known_on": reported, "sources": sources}
    return {"id": name, "predicate": "happened", "says": f"{name} came.", **when, **cells}


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A minute of March 2026."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


# when


def timed(folder: Path) -> impact.Case:
    """Two events of `b`, one told aside and one of nobody modelled; a release with two accounts."""
    sources = [
        {"id": "s1", "known_on": "2026-03-03"},
        {"id": "s2", "known_on": "2026-03-05T12:00Z"},
    ]
    lasted = {"on": "kit", "predicate": "available_minutes", "unit": "minutes"}
    lasted |= {"known_on": "2026-03-03", "sources": "s1"}
    open_ = {"entity": "kit", "known_on": "2026-03-03"}
    case = evidence(
        folder,
        sources=sources,
        entities=[{"id": "kit", "name": "kit 1.0", "kind": "release"}],
        links=[{"id": "e-b", "source": "event", "target": "b", "chances": "certain"}],
        claims=[
            happened("late", "2026-03-02T00:00Z", "s2", "2026-03-05T12:00Z"),
            happened("early", "2026-03-01", "s1", "2026-03-03", stage="theft"),
            happened("aside", "2026-03-01", "s1", "2026-03-03", stage="context"),
            happened("elsewhere", "2026-03-01", "s1", "2026-03-03", on="y"),
            {"id": "of-a", "by": "a", "mode": "60", **lasted},
            {"id": "of-b", "by": "b", "mode": "80", **lasted},
        ],
        windows=[
            {"id": "w1", "opens": "2026-03-02T10:00Z", "closes": "2026-03-02T11:00Z", **open_}
            | {"claims": "of-a"},
            {"id": "w2", "opens": "2026-03-02T10:20Z", "closes": "2026-03-02T11:40Z", **open_}
            | {"claims": "of-b"},
        ],
    )
    return impact.view(case, as_of="2026-03-31")


def test_the_timeline_has_each_event_with_its_delay_and_the_window_of_each_account(
    folder: Path,
) -> None:
    """From the end of 1 March to the end of the 3rd are 2 days, from midnight of the 2nd to noon of
    the 5th 3.5. What is told aside or of somebody in no link is left out. Two accounts from 10:00
    to 11:00 and from 10:20 to 11:40: 100 minutes around both, 40 inside both (E05 of
    ../shared/acceptance/bad_inputs.csv)."""
    answer = impact.timeline(timed(folder))
    assert cells(answer, "id", "stage", "reported_by", "delay_days") == [
        ("early", "theft", "a", 2.0),
        ("late", "access", "a", 3.5),
    ]
    assert answer.table["happened_on"][1] == utc(2, 0)
    assert answer.table["reported_on"][1] == utc(5, 12)
    assert figures(answer) == {
        "window_hull.kit": 100,
        "window_core.kit": 40,
        "longest_delay": 3.5,
    }
    assert "kit 1.0" in answer.sentence
    assert "60 minutes (a, best supported) or 80 minutes (b)" in answer.sentence


@pytest.mark.parametrize(("short", "drawn"), [("", 14), ("it", 18)])
def test_more_events_are_drawn_where_they_have_short_texts(
    folder: Path, short: str, drawn: int
) -> None:
    source = {"id": "s1", "known_on": "2026-03-30"}
    link = {"id": "e-b", "source": "event", "target": "b", "chances": "certain"}
    told = [
        happened(f"on-{day}", f"2026-03-{day}", "s1", "2026-03-30", short=short)
        for day in range(10, 30)
    ]
    known = impact.view(evidence(folder, sources=[source], links=[link], claims=told))
    assert f"{drawn} of 20 reported events" in impact.timeline(known).title


@pytest.mark.parametrize("said", ["4000", "2026-02-30", "2026-13"])
def test_an_object_that_is_no_day_stands_as_it_is(folder: Path, said: str) -> None:
    claim = {"id": "c", "sources": "s1", "object": said, "known_on": "2026-03-03"}
    case = evidence(folder, sources=[{"id": "s1", "known_on": "2026-03-03"}], claims=[claim])
    (statement,) = statements_of(impact.view(case))
    assert statement.value == said


def test_of_two_events_the_timeline_keeps_the_more_credible(folder: Path) -> None:
    known = timed(folder)
    assert impact.timeline(known, most=1).table["id"].to_list() == ["early"]


# what is known


def disputed(folder: Path) -> impact.Case:
    """Five statements on `b`; the fourth source restates the first."""
    sources = [{"id": "s1"}, {"id": "s2"}, {"id": "s3", "reliability": "C"}]
    theft = {"stage": "theft", "predicate": "leak_status"}
    case = evidence(
        folder,
        sources=[*sources, {"id": "s4", "derived_from": "s1"}],
        claims=[
            claim("shut", "yes", "s1; s2", says="It was shut."),
            claim("by-x", "x", predicate="intruder", says="x got in."),
            claim("by-y", "y", "s3", predicate="intruder", says="y got in.", credibility="3")
            | {"by": "y"},
            claim("sold", "sold", says="It is sold.", **theft),
            claim("unsold", "sold", "s2", says="It is not sold.", stance="denies", by="b", **theft),
            claim("keys", "keys", "s1; s4", predicate="leak_content", says="Keys leaked.")
            | {"stage": "theft"},
        ],
    )
    return impact.view(case, as_of="2026-02-01")


def test_a_statement_stands_on_its_origins_and_beside_what_excludes_it(folder: Path) -> None:
    """Two origins of .64 each: established. One of .64 against .6 x .6 = .36, more than .3 of it:
    disputed, and so is the other. One of .64 denied on .64: disputed. A source and its copy are one
    origin of .64, at least .6: likely, not established."""
    answer = impact.statements(disputed(folder))
    assert cells(answer, "says", "stage", "standing", "origins") == [
        ("It was shut.", "access", "established", 2),
        ("x got in.", "access", "disputed", 1),
        ("y got in.", "access", "disputed", 1),
        ("Keys leaked.", "theft", "likely", 1),
        ("It is sold.", "theft", "disputed", 1),
    ]
    by, against = (answer.table[part].to_list() for part in ("by", "against"))
    assert by == [["shut"], ["by-x"], ["by-y"], ["keys"], ["sold"]]
    assert against == [[], ["by-y"], ["by-x"], [], ["unsold"]]
    told = [row[-1] for row in answer.rows()[1:]]
    assert [text.partition(",")[0] for text in told] == ["", "y", "a", "", "denied by b"]
    counted = {"established": 1, "likely": 1, "disputed": 3, "claimed_only": 0, "denied": 0}
    assert figures(answer) == {f"standing.{k}": n for k, n in {**counted, "unknown": 0}.items()}
    assert all(part in answer.sentence for part in ("1 established", "1 likely", "3 disputed"))


def test_of_a_dispute_the_better_supported_side_comes_first_unless_they_are_equal(
    folder: Path,
) -> None:
    """.64 against .64 is open; .64 against .36 is more than 1.25 times as much: x comes first.
    The dispute whose weaker side is the stronger of the two comes first."""
    answer = impact.conflicts(disputed(folder))
    assert answer.table["better"].to_list() == ["open", "first"]
    sides = [row[1:3] for row in answer.rows()[1:]]
    assert [[text.partition(" (")[0] for text in row] for row in sides] == [
        ["sold", "not sold"],
        ["x", "y"],
    ]
    assert figures(answer) == {"disputed": 2, "disputed_open": 1}


# who did it


def judged(folder: Path) -> impact.Case:
    """Two actors of whom y is likelier before the one claim that names x."""

    def chance(name: str, who: str, value: float, about: str = "") -> Row:
        ends = dict.fromkeys(("low", "mode", "high"), str(value))
        return {"id": name, "hypothesis": who, **ends, **({"claim": about} if about else {})}

    case = evidence(
        folder,
        sources=[{"id": "s1"}],
        claims=[claim("named", "x", predicate="intruder", says="It was x.")],
        judgements=[
            *(chance("px", "x", 0.4), chance("py", "y", 0.6)),
            *(chance("lx", "x", 0.8, "named"), chance("ly", "y", 0.2, "named")),
        ],
    )
    return impact.view(case, as_of="2026-02-01")


def test_who_did_it_follows_bayes_rule_tempered_by_how_firm_the_claim_is(folder: Path) -> None:
    """Odds of x to y: .4/.6 x (.8/.2)^.64 = .6667 x 2.4284 = 1.6189, so x has .6182 and leads."""
    answer = impact.attribution(judged(folder))
    odds = 0.4 / 0.6 * 4**0.64
    x = odds / (1 + odds)
    assert x == pytest.approx(0.6182, abs=5e-5)
    assert cells(answer, "stage", "actor") == [("access", "x"), ("access", "y")]
    for part in ("low_chance", "mean_chance", "high_chance"):
        assert answer.table[part].to_list() == pytest.approx([x, 1 - x])
    assert [text.split(" (")[0] for text in answer.table["band"]] == ["likely", "unlikely"]
    assert figures(answer) == pytest.approx(
        {"likelihood.access.x": x, "likelihood.access.y": 1 - x}
    )
    assert "reported by a" in answer.sentence
    assert "likely that x got in" in answer.sentence


# by when


def test_a_clock_is_told_by_what_is_known_of_its_start_its_length_and_whether_it_was_met(
    folder: Path,
) -> None:
    """Of 24 hours from 10:00 on the 2nd of March it is over on the 3rd, of 72 it runs until the
    5th; from a day without a time it starts at the end of that day. Before an end, of that
    moment."""
    begun = {"bearer": "b", "trigger": "event", "known_on": "2026-03-02"}
    rows = {
        "over": {"starts_from": "2026-03-02T10:00Z", "clock_hours": "24"},
        "runs": {"starts_from": "2026-03-02T10:00Z", "clock_hours": "72"},
        "day": {"starts_from": "2026-03-02", "clock_hours": "72"},
        "unsure": {"starts_from": "2026-03-02T10:00Z", "clock_hours": "24"}
        | {"applies": "not established"},
        "waits": {"clock_hours": "24"},
        "met": {"starts_from": "2026-03-02T10:00Z", "clock_hours": "24", "met_on": "2026-03-03"}
        | {"known_on": "2026-03-03"},
        "no": {"applies": "no"},
    }
    duties = [{"id": name, "duty": name, **begun, **row} for name, row in rows.items()]
    case = evidence(folder, duties=duties)
    answer = impact.duties(impact.view(case, as_of="2026-03-04"))
    assert cells(answer, "id", "state") == [
        ("over", "due"),
        ("runs", "running"),
        ("day", "running"),
        ("unsure", "unknown"),
        ("waits", "not started"),
        ("met", "met"),
        ("no", "does not apply"),
    ]
    ends = dict(cells(answer, "id", "ends"))
    assert (ends["over"], ends["runs"]) == (utc(3, 10), utc(5, 10))
    assert (ends["waits"], ends["no"]) == (None, None)
    assert utc(5, 23, 59) < ends["day"] < utc(6, 0)
    counted = {"due": 1, "running": 2, "unknown": 1, "not_started": 1, "met": 1}
    counted["does_not_apply"] = 1
    assert figures(answer) == {"clocks": 7, **{f"clocks.{k}": n for k, n in counted.items()}}
    assert "One is due and not known to be met. Two are running." in answer.sentence
    later = dict(cells(impact.duties(impact.view(case, as_of="2026-03-05T10:00Z")), "id", "state"))
    assert (later["runs"], later["day"]) == ("due", "running")


# on what


def test_sources_are_those_cited_and_what_they_restate_and_copies_have_one_origin(
    folder: Path,
) -> None:
    """Cited are s1, s2 and s4; s4 restates s0, which nobody cites: four sources, those first on
    which most claims rest, of three origins (s0, s1, s2), three of them read in full. Nothing cites
    s9."""
    excerpt = {"access": "excerpt", "reliability": "C"}
    sources = [
        {"id": "s0", "known_on": "2025-12-31"},
        *({"id": "s1"}, {"id": "s2", "url": "https://paper.example/2"}, {"id": "s9"}),
        {"id": "s4", "derived_from": "s0", **excerpt},
    ]
    claims = [claim("one", "yes", "s1; s4"), claim("two", "no", "s2", on="a")]
    answer = impact.sources(impact.view(evidence(folder, sources=sources, claims=claims)))
    assert cells(answer, "id", "reliability", "access", "restates") == [
        ("s1", "B", "full", ""),
        ("s2", "B", "full", ""),
        ("s4", "C", "excerpt", "s0"),
        ("s0", "B", "full", ""),
    ]
    assert answer.table["address"][1] == "https://paper.example/2"
    assert figures(answer) == {"sources": 4, "origins": 3}
    assert all(
        part in answer.sentence
        for part in ("Four sources", "three of them independent", "We read three in full")
    )
