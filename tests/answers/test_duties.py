"""Clocks as of any hour: due, running, unknown, not started or met, and never broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tiny import Row, column, evidence

import impact
from impact.answers.duties import STATES
from impact.base.errors import BadInput


def state(folder: Path, moment: str, **cells: str) -> tuple[str, str]:
    """(state, status) of one clock of `a`, set off by `b` on 1 March, at a moment."""
    row: Row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03-01T12:00Z"}
    known = impact.view(evidence(folder, duties=[{**row, **cells}]), as_of=moment)
    answer = impact.duties(known)
    told = dict(zip(*answer.rows(), strict=True))
    return answer.table["state"].item(), told["Status"]


@pytest.mark.parametrize(
    ("moment", "cells", "expected"),
    [
        ("2026-03-01T11:59Z", {"clock_hours": "72"}, "not started"),
        ("2026-03-01T12:00Z", {"clock_hours": "72"}, "running"),
        ("2026-03-04T11:59Z", {"clock_hours": "72"}, "running"),
        ("2026-03-04T12:00Z", {"clock_hours": "72"}, "due"),
        ("2027", {"clock_hours": "72", "applies": "no"}, "does not apply"),
        ("2027", {"clock_hours": "72", "applies": "not established"}, "unknown"),
        ("2027", {}, "running"),  # no fixed time
        ("2027", {"starts_from": "", "clock_hours": "72"}, "not started"),
        ("2027", {"clock_hours": "0"}, "due"),
    ],
)
def test_a_clock_has_one_state_at_each_hour(
    tmp_path: Path, moment: str, cells: Row, expected: str
) -> None:
    assert state(tmp_path / "case", moment, **cells)[0] == expected


def test_a_clock_is_met_from_the_day_on_which_that_is_known(tmp_path: Path) -> None:
    row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03-01T12:00Z"}
    row |= {"clock_hours": "72", "known_on": "2026-03-01"}
    later = {**row, "met_on": "2026-03-03", "known_on": "2026-03-10"}
    case = evidence(tmp_path / "case", duties=[row, later])
    found = [
        impact.duties(impact.view(case, as_of=day)).table["state"].item()
        for day in ("2026-03-03", "2026-03-09", "2026-03-10")
    ]
    assert found == ["running", "due", "met"]


def test_a_clock_that_begins_on_a_day_is_counted_from_its_midnight(tmp_path: Path) -> None:
    row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03-01"}
    known = impact.view(evidence(tmp_path / "case", duties=[{**row, "clock_hours": "720"}]))
    assert column(impact.duties(known), "By") == ["31 March 2026"]


def test_what_would_have_ended_is_said_only_of_clocks_that_may_not_apply(tmp_path: Path) -> None:
    unknown = {"applies": "not established", "clock_hours": "72"}
    assert state(tmp_path / "a", "2026-03-02", **unknown)[1] == "may not apply"
    told = state(tmp_path / "b", "2026-03-05", **unknown)[1]
    assert told == "may not apply; if it does, the deadline has passed"


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
    counted = {figure.name: figure.value for figure in found.figures}
    assert sum(counted[f"clocks.{s.replace(' ', '_')}"] for s in STATES) == counted["clocks"]


def test_a_clock_runs_at_noon_and_is_met_by_the_evening(mercor: impact.Case) -> None:
    def of(day: str) -> list[str]:
        rows = impact.duties(impact.view(mercor, as_of=day)).table.filter(id="rotate-publishing")
        return rows["state"].to_list()

    assert of("2026-03-24T11:47Z") == []
    assert of("2026-03-24T12:00Z") == ["running"]
    assert of("2026-03-24") == ["met"]


def test_the_chart_draws_clocks_with_a_start_and_says_each_state(mercor: impact.Case) -> None:
    svg = impact.duties(impact.view(mercor)).svg() or ""
    for text in ("running", "met", "may not apply", "start is not known are not drawn"):
        assert text in svg
    assert impact.duties(impact.view(mercor), most=5).svg() is None


def test_a_duty_without_a_trigger_or_to_nobody_is_refused_with_the_repair(tmp_path: Path) -> None:
    row: Row = {"id": "d", "bearer": "a", "trigger": ""}
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
    row: Row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03-01T12:00Z"}
    with pytest.raises(BadInput, match=said):
        evidence(tmp_path / "case", duties=[{**row, **cells}])


def test_a_clock_that_begins_in_a_month_may_be_met_in_it(tmp_path: Path) -> None:
    row: Row = {"id": "d", "bearer": "a", "trigger": "b", "starts_from": "2026-03"}
    row |= {"met_on": "2026-03-25", "known_on": "2026-03-26"}
    known = impact.view(evidence(tmp_path / "case", duties=[row]))
    assert impact.duties(known).table["state"].to_list() == ["met"]


@pytest.mark.parametrize(
    ("hours", "told"),
    [("0.5", "0.5 hours"), ("72", "72 hours"), ("96", "96 hours"), ("360", "15 days")],
)
def test_the_hours_of_a_law_are_never_rounded(tmp_path: Path, hours: str, told: str) -> None:
    row: Row = {"id": "d", "bearer": "a", "trigger": "b", "clock_hours": hours}
    known = impact.view(evidence(tmp_path / "case", duties=[row]))
    assert column(impact.duties(known), "By") == [f"{told}; start not known"]


def test_a_day_on_which_a_clock_ends_is_not_over_at_noon(tmp_path: Path) -> None:
    unknown = {"starts_from": "2026-03-31", "clock_hours": "720", "applies": "not established"}
    assert state(tmp_path / "a", "2026-04-30T12:00Z", **unknown)[1] == "may not apply"
    assert "has passed" in state(tmp_path / "b", "2026-05-01T00:00Z", **unknown)[1]
