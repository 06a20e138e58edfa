"""Inputs that rest on a claim which a newer one outdates are named by `impact check`."""

import re
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


@pytest.mark.parametrize(
    ("like", "cells", "inputs"),
    [
        # a newer number of the same topic
        ("google-spend-at-scale", SPEND, ["lab_spend_usd_a_week"]),
        # a newer state where only one can be true
        ("meta-paused-on-record", PAUSE, ["pause_weeks", "stops_again"]),
        # a later denial
        (
            "mercor-contained",
            {"id": "not", "stance": "denies", "stated_on": "2026-06"},
            ["further_loss_if_going_on"],
        ),
        # what replaces a claim, on another topic too
        (
            "mercor-contained",
            {
                "id": "instead",
                "predicate": "closed",
                "stated_on": "2026-06",
                "supersedes": "mercor-contained",
            },
            ["further_loss_if_going_on"],
        ),
    ],
)
def test_what_was_said_later_outdates(
    case_copy: Any, like: str, cells: dict[str, str], inputs: list[str]
) -> None:
    newer(case_copy, like, **cells)
    assert outdated(case_copy.folder) == [(name, like, cells["id"]) for name in inputs]


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
    done = commands.impact("check", case_copy.folder)
    assert done.returncode == 0
    assert "no faults" in done.stdout
    assert done.stderr.splitlines()[0] == (
        f'inputs.csv:{case_copy.line_of("inputs", "pause_weeks")} claims: "pause_weeks" rests on'
        ' "meta-paused-on-record", outdated by "work-new" (2026-08-20); add a newer row of the'
        " input that takes it in, and name it in claims"
    )


def test_the_inputs_as_they_were_are_the_two_that_later_news_outdate(case_copy: Any) -> None:
    billed, spent = (
        case_copy.line_of("inputs", name) for name in ("billed_usd_an_hour", "lab_spend_usd_a_week")
    )
    lines = enumerate(case_copy.lines("inputs"), 1)
    newer_rows = (billed, spent, spent - 1)
    case_copy.write("inputs", [line for number, line in lines if number not in newer_rows])
    assert {(name, old) for name, old, _ in outdated(case_copy.folder)} == {
        ("billed_usd_an_hour", "contractors-paid-per-day"),
        ("billed_usd_an_hour", "mercor-revenue-run-rate"),
        ("lab_spend_usd_a_week", "mercor-revenue-run-rate"),
    }
