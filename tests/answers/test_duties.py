"""Clocks as of any hour: due, running, unknown, not started or met, and never broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny import Row, column, evidence

import impact
from impact.base import times
from impact.base.errors import BadInput
from impact.measures import choice

ROW: Row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03-01T12:00Z"}


def clock(folder: Path, moment: str = "", **cells: str) -> impact.Answer:
    """The answer of one clock of `a`, set off by `b` on 1 March, at a moment."""
    return impact.duties(impact.view(evidence(folder, duties=[{**ROW, **cells}]), as_of=moment))


@pytest.mark.parametrize(
    ("moment", "cells", "expected"),
    [
        ("2026-03-01T11:59Z", {"clock_hours": "72"}, "not started"),
        ("2026-03-01T12:00Z", {"clock_hours": "72"}, "running"),
        ("2026-03-04T11:59Z", {"clock_hours": "72"}, "running"),
        ("2026-03-04T12:00Z", {"clock_hours": "72"}, "due"),
        ("2026-03-01T11:59Z", {"starts_from": "2026-03-01"}, "running"),  # from its midnight
        ("2027", {}, "running"),  # no fixed time
        ("2027", {"clock_hours": "0"}, "due"),
        ("2027", {"clock_hours": "72", "applies": "no"}, "does not apply"),
    ],
)
def test_a_clock_has_one_state_at_each_hour(
    tmp_path: Path, moment: str, cells: Row, expected: str
) -> None:
    assert clock(tmp_path / "case", moment, **cells).table["state"].item() == expected


@pytest.mark.parametrize(
    ("moment", "hours", "passed"),
    [
        ("2026-03-02", {"clock_hours": "72"}, False),
        ("2026-03-05", {"clock_hours": "72"}, True),
        # a day on which a clock ends is not over at noon
        ("2026-04-30T12:00Z", {"starts_from": "2026-03-31", "clock_hours": "720"}, False),
        ("2026-05-01T00:00Z", {"starts_from": "2026-03-31", "clock_hours": "720"}, True),
    ],
)
def test_of_a_clock_that_may_not_apply_it_is_said_what_would_have_ended(
    tmp_path: Path, moment: str, hours: Row, passed: bool
) -> None:
    answer = clock(tmp_path / "case", moment, **hours, applies="not established")
    more = "; if it does, the deadline has passed" if passed else ""
    assert column(answer, "Status") == [f"may not apply{more}"]


def test_a_duty_at_once_is_due_as_it_begins_to_a_decision_too() -> None:
    began = times.parse("2026-03-01T12:00Z")
    assert choice.due({"starts_from": began, "clock_hours": 0.0}) == began
    assert choice.due({"starts_from": began, "clock_hours": None}) is None
    assert choice.due({"starts_from": None, "clock_hours": 0.0}) is None


@pytest.mark.parametrize(
    ("start", "hours", "told"),
    [
        ("", "0.5", "0.5 hours; start not known"),
        ("", "72", "72 hours; start not known"),
        ("", "96", "96 hours; start not known"),
        ("", "360", "15 days; start not known"),
        ("2026-03-01", "720", "31 March 2026"),  # counted from the midnight of its day
    ],
)
def test_the_hours_of_a_law_are_never_rounded(
    tmp_path: Path, start: str, hours: str, told: str
) -> None:
    answer = clock(tmp_path / "case", starts_from=start, clock_hours=hours)
    assert column(answer, "By") == [told]


def test_a_clock_is_met_from_the_day_on_which_that_is_known(tmp_path: Path) -> None:
    row = {**ROW, "clock_hours": "72", "known_on": "2026-03-01"}
    later = {**row, "met_on": "2026-03-03", "known_on": "2026-03-10"}
    case = evidence(tmp_path / "case", duties=[row, later])
    found = [
        impact.duties(impact.view(case, as_of=day)).table["state"].item()
        for day in ("2026-03-03", "2026-03-09", "2026-03-10")
    ]
    assert found == ["running", "due", "met"]


BROKEN = re.compile(r"\b(breach(es|ed)? (of|the) (duty|law)|in breach|violat|broke|failed|late)\b")


def test_nobody_is_said_to_have_broken_a_duty(mercor: impact.Case) -> None:
    for day in ("2026-03-24T12:00Z", "2026-04-04", "2026-06-30", ""):
        answer = impact.duties(impact.view(mercor, as_of=day))
        assert answer.table.height > 0
        texts = [answer.sentence, *answer.notes, *(text for row in answer.rows() for text in row)]
        assert not [text for text in texts if BROKEN.search(text)]


def test_the_bundled_case_has_legal_contract_and_containment_clocks(mercor: impact.Case) -> None:
    found = impact.duties(impact.view(mercor))
    assert set(found.table["kind"]) == {"legal", "contract", "containment"}
    assert {"running", "unknown", "met"} == set(found.table["state"])


def test_some_of_the_clocks_have_no_picture(mercor: impact.Case) -> None:
    assert impact.duties(impact.view(mercor), most=5).svg() is None


def test_a_duty_without_a_trigger_or_to_nobody_is_refused_with_the_repair(tmp_path: Path) -> None:
    row = {**ROW, "trigger": ""}
    with pytest.raises(BadInput, match=r"duties\.csv:2 trigger: is empty; fill it in: The entity"):
        evidence(tmp_path / "one", duties=[row])
    with pytest.raises(BadInput, match=r'no entity "nobody"; add it to entities\.csv'):
        evidence(tmp_path / "two", duties=[{**row, "trigger": "nobody"}])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"clock_hours": "2000000"}, "is longer than a century; write hours"),
        ({"clock_hours": "1e300"}, "is longer than a century; write hours"),
        ({"met_on": "2026-03-01T10:00Z", "known_on": "2026-03-02"}, "is before starts_from; check"),
    ],
)
def test_a_clock_that_cannot_be_is_refused(tmp_path: Path, cells: Row, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        clock(tmp_path / "case", **cells)


def test_a_clock_that_begins_in_a_month_may_be_met_in_it(tmp_path: Path) -> None:
    met = {"met_on": "2026-03-25", "known_on": "2026-03-26"}
    answer = clock(tmp_path / "case", starts_from="2026-03", **met)
    assert answer.table["state"].to_list() == ["met"]
