"""Was it installed while it could be had: the truth table, the times, and what `no` needs.

`tests/assets/stack/verdicts.csv` has a claim a line: one state of a file, the windows known, the
installs recorded, and the verdict. Times are of 24 March 2026.
"""

from datetime import datetime
from itertools import product

import pytest
from stacks import at, table, window

from impact.stack.findings import (
    ABSENT,
    FINDINGS,
    LOCKED_AFFECTED,
    LOCKED_OTHER,
    RANGE_ADMITS,
    Finding,
)
from impact.stack.inventory import LOCK, MANIFEST, SBOM
from impact.stack.verdicts import (
    MODES,
    TABLE,
    TIMES,
    VERDICTS,
    Install,
    lookup,
    span,
    verdict,
    when,
)

# The disputed window of the bundled case: a core by every account, a hull around all.
ACCOUNTS = [window("1.82.8", "10:52", close, "start") for close in ("11:25", "13:11", "13:38")]
BY_IMPORT = [window("1.82.7", "10:39", close, "import") for close in ("11:25", "13:38")]
WINDOWS = {"accounts": ACCOUNTS, "import": BY_IMPORT, "both": [*BY_IMPORT, *ACCOUNTS], "none": []}


def moment(text: str) -> datetime | None:
    """A minute; none where the text is empty."""
    return at(text) if text else None


def install(time: str, mode: str = "locked", version: str = "", ends: str = "") -> Install:
    """An install at a minute, or until another."""
    return Install(at(time), at(ends or time), mode, version=version)


def recorded(finding: str, version: str, begins: str = "20 8:00", ends: str = "") -> Finding:
    """A lock that stood between two minutes, as its history says."""
    return Finding(finding, version, at(begins), moment(ends), recorded=True)


@pytest.mark.parametrize("case", table("stack/verdicts.csv"), ids=lambda case: case["claim"])
def test_the_verdict_is_the_one_that_is_right(case: dict[str, str]) -> None:
    begins, ends = moment(case["begins"]), moment(case["ends"])
    loose = (case["loose"],) if case["loose"] else ()
    stood = (begins, ends, case["kind"], loose, bool(case["recorded"]))
    state = Finding(case["finding"], case["version"], *stood)
    ran = [install(*each.rsplit(" ", 1)) for each in case["installs"].split("; ") if each]
    assert verdict([state], WINDOWS[case["windows"]], ran).verdict == case["verdict"]


def test_the_core_is_inside_every_account_and_the_hull_around_all() -> None:
    assert span(ACCOUNTS, "core") == (at("10:52"), at("11:25"))
    assert span(ACCOUNTS, "hull") == (at("10:52"), at("13:38"))
    apart = [window("1", "10:00", "11:00"), window("1", "12:00", "13:00")]
    assert span(apart, "core") is None
    still_open = [*ACCOUNTS, window("1.82.8", "10:52", None)]
    assert span(still_open, "hull") == (at("10:52"), None)
    assert span([], "hull") is None


@pytest.mark.parametrize("row", table("stack/times.csv"), ids=lambda row: " ".join(row.values()))
def test_a_time_lies_where_it_must(row: dict[str, str]) -> None:
    """Somewhere between two minutes, or throughout; an empty end is open."""
    begins, ends = moment(row["begins"]), moment(row["ends"])
    assert when(begins, ends, ACCOUNTS, bool(row["throughout"])) == row["lies"]


def test_the_table_is_whole() -> None:
    findings = {finding for finding, _ in TABLE}
    assert set(TABLE) == set(product(findings, MODES[:4]))
    for row in TABLE.values():
        assert row.keys() == {"finding", "mode", *TIMES, "settle"}
        assert {row[time] for time in TIMES} <= set(VERDICTS)
    for finding, mode, time in product(FINDINGS, MODES, TIMES):
        assert lookup(finding, mode, time) in VERDICTS


def test_no_needs_a_frozen_install_of_a_lock_that_holds_another_version() -> None:
    every = product(FINDINGS, MODES, TIMES)
    no = {(finding, mode) for finding, mode, time in every if lookup(finding, mode, time) == "no"}
    assert no == {(LOCKED_OTHER, "locked"), (ABSENT, "locked")}


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        ([install("11:00", version="1.82.8")], "exposed"),
        ([install("11:00", version="1.80.0")], "no"),
        # one of which nothing is known hides none
        ([install("19 8:00"), install("11:00", version="1.82.8")], "exposed"),
    ],
)
def test_a_version_that_was_seen_decides(ran: list[Install], expected: str) -> None:
    def affected(one: Install) -> bool:
        return one.version == "1.82.8"

    state = recorded(LOCKED_OTHER, "1.80.0")
    assert verdict([state], ACCOUNTS, ran, affected).verdict == expected


def test_what_a_file_was_then_counts_and_not_what_it_is_now() -> None:
    states = [
        Finding(LOCKED_OTHER, "1.80.0", at("20 8:00"), at("26 8:00"), MANIFEST, ("x",), True),
        Finding(LOCKED_OTHER, "1.80.0", at("26 8:00"), None, LOCK, (), True),
    ]
    assert verdict(states, ACCOUNTS, [install("11:00")]).verdict == "unlikely"


def test_where_it_is_not_known_how_it_was_installed_the_gravest_way_counts() -> None:
    for finding, time in product((LOCKED_AFFECTED, LOCKED_OTHER, RANGE_ADMITS), TIMES):
        known = [lookup(finding, mode, time) for mode in ("locked", "resolved", "image")]
        assert lookup(finding, "unknown", time) == min(known, key=VERDICTS.index)


def test_every_verdict_but_no_has_one_question() -> None:
    for finding, kind, mode in product(FINDINGS, (LOCK, MANIFEST, SBOM), MODES[1:]):
        state = Finding(finding, "1.82.8", at("20 8:00"), None, kind, (), True)
        told = verdict([state], ACCOUNTS, [install("11:00", mode)])
        assert (told.settle == "") == (told.verdict == "no"), (finding, kind, mode)


def test_a_name_in_a_question_stays_as_it_is_written() -> None:
    state = Finding(LOCKED_OTHER, "1", at("20 8:00"), None, LOCK, ("{a}{0} has no hash",), True)
    told = verdict([state], ACCOUNTS, [install("11:00")])
    assert told.settle == "What was installed for {a}{0}, which this lock does not fix?"


def test_an_install_is_judged_by_what_stood_at_its_time() -> None:
    states = [
        recorded(LOCKED_OTHER, "1.82.6", "8:00", "11:00"),
        recorded(LOCKED_AFFECTED, "1.82.8", "11:00", "13:00"),
        recorded(LOCKED_OTHER, "1.83.0", "13:00"),
    ]
    assert verdict(states[:1], ACCOUNTS, [install("10:55")]).verdict == "no"
    longer = install("10:55", ends="11:05")  # until after the file had changed
    assert verdict(states[:1], ACCOUNTS, [longer]).verdict == "unlikely"
    first = install("13:00")  # in the minute in which it stood
    assert verdict(states[2:], ACCOUNTS, [first]).verdict == "no"
    assert verdict(states, ACCOUNTS, [install("11:10")]).verdict == "exposed"
