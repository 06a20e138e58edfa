"""Inputs that rest on a claim which a newer one outdates are named by `impact check`."""

import re
from pathlib import Path
from typing import Any

import commands
import pytest

import impact
from impact.case import claim_checks

SPEND = {"id": "spend-new", "mode": "900000000", "low": "", "high": "", "stated_on": "2026-08"}
PAUSE = {"id": "work-new", "object": "resumed", "stated_on": "2026-08-20"}


def outdated(case: Any) -> list[tuple[str, ...]]:
    """(input, claim, newer claim) of each one named."""
    faults = claim_checks.outdated(impact.load_case(case).tables)
    return [tuple(re.findall(r'"(.+?)"', fault.what)) for fault in faults]


def newer(case: Any, like: str, **cells: str) -> None:
    """Add a claim like another, said and known later."""
    own = {"sources": "", "supersedes": "", "known_on": cells["stated_on"], **cells}
    case.add("claims", like, "id", **own)


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_no_input_of_a_bundled_case_is_outdated(name: str) -> None:
    assert outdated(name) == []


def test_a_newer_number_of_the_same_topic_outdates(case_copy: Any) -> None:
    newer(case_copy, "google-spend-at-scale", **SPEND)
    assert outdated(case_copy.folder) == [
        ("lab_spend_usd_a_week", "google-spend-at-scale", "spend-new")
    ]


def test_a_newer_state_outdates_where_only_one_can_be_true(case_copy: Any) -> None:
    newer(case_copy, "meta-paused-on-record", **PAUSE)
    assert outdated(case_copy.folder) == [
        ("pause_weeks", "meta-paused-on-record", "work-new"),
        ("stops_again", "meta-paused-on-record", "work-new"),
    ]


def test_a_later_denial_outdates(case_copy: Any) -> None:
    newer(case_copy, "mercor-contained", id="not", stance="denies", stated_on="2026-06")
    assert outdated(case_copy.folder) == [("further_loss_if_going_on", "mercor-contained", "not")]


def test_what_replaces_a_claim_outdates_it_on_another_topic_too(case_copy: Any) -> None:
    own = {"predicate": "closed", "supersedes": "mercor-contained", "stated_on": "2026-06"}
    newer(case_copy, "mercor-contained", id="instead", **own)
    found = [("further_loss_if_going_on", "mercor-contained", "instead")]
    assert outdated(case_copy.folder) == found


@pytest.mark.parametrize(
    "cells",
    [
        {"qualifier": "scale 2025"},
        {"predicate": "revenue"},
        {"subject": "openai"},
        {"credibility": "5"},
        {"stance": "is asked"},
        {"stated_on": "2025-06"},  # the month in which the older one was said
        {"mode": "150000000", "low": "150000000", "high": "200000000"},  # says the same
    ],
)
def test_nothing_else_outdates(case_copy: Any, cells: dict[str, str]) -> None:
    newer(case_copy, "google-spend-at-scale", **{**SPEND, **cells})
    assert outdated(case_copy.folder) == []


def test_a_newer_row_that_names_the_newer_claim_mends_it(case_copy: Any) -> None:
    newer(case_copy, "google-spend-at-scale", **SPEND)
    claims = f"{case_copy.cells('inputs', 'lab_spend_usd_a_week')['claims']}; spend-new"
    own = {"claims": claims, "known_on": "2026-09", "sources": ""}
    case_copy.add("inputs", "lab_spend_usd_a_week", "id", **own)
    assert outdated(case_copy.folder) == []


def test_check_says_where_and_what_to_do_and_ends_with_0(case_copy: Any) -> None:
    newer(case_copy, "meta-paused-on-record", **PAUSE)
    case: Path = case_copy.folder
    line = case_copy.line_of("inputs", "pause_weeks")
    done = commands.impact("check", case)
    assert done.returncode == 0
    assert "no faults" in done.stdout
    assert done.stderr.splitlines()[0] == (
        f'inputs.csv:{line} claims: "pause_weeks" rests on "meta-paused-on-record", outdated by '
        '"work-new" (2026-08-20); add a newer row of the input that takes it in, and name it in '
        "claims"
    )


def test_the_inputs_as_they_were_are_the_two_that_later_news_outdate(case_copy: Any) -> None:
    lines = case_copy.lines("inputs")
    newer_rows = {
        case_copy.line_of("inputs", name) - back
        for name, back in (
            ("billed_usd_an_hour", 0),
            ("lab_spend_usd_a_week", 0),
            ("lab_spend_usd_a_week", 1),
        )
    }
    kept = [line for number, line in enumerate(lines, 1) if number not in newer_rows]
    case_copy.write("inputs", kept)
    found = outdated(case_copy.folder)
    assert {name for name, *_ in found} == {"billed_usd_an_hour", "lab_spend_usd_a_week"}
    assert {old for _, old, _ in found} == {"contractors-paid-per-day", "mercor-revenue-run-rate"}
