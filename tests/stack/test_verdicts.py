"""Was it installed while it could be had: the truth table, the times, and what `no` needs."""

from itertools import product

import pytest
from stacks import at, window

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
    Window,
    lookup,
    span,
    verdict,
    when,
)

# The disputed window of the bundled case: a core by every account, a hull around all.
ACCOUNTS = [window("1.82.8", "10:52", close, "start") for close in ("11:25", "13:11", "13:38")]
BY_IMPORT = [window("1.82.7", "10:39", close, "import") for close in ("11:25", "13:38")]


def judged(
    finding: str,
    *installs: tuple[str, str],
    kind: str = LOCK,
    loose: tuple[str, ...] = (),
    windows: list[Window] | None = None,
    version: str = "1.82.8",
    begins: str | None = None,
    ends: str | None = None,
    recorded: bool = False,
) -> str:
    """The verdict on one state of a file and installs as (minute, mode)."""
    held = version if finding in (LOCKED_AFFECTED, LOCKED_OTHER) else ""
    start = begins and at(begins)
    if recorded and start is None:
        start = at("20 08:00")
    state = Finding(finding, held, start, ends and at(ends), kind, loose, recorded)
    ran = [Install(at(minute), at(minute), mode) for minute, mode in installs]
    return verdict([state], ACCOUNTS if windows is None else windows, ran).verdict


def test_the_core_is_inside_every_account_and_the_hull_around_all() -> None:
    assert span(ACCOUNTS, "core") == (at("10:52"), at("11:25"))
    assert span(ACCOUNTS, "hull") == (at("10:52"), at("13:38"))
    apart = [window("1", "10:00", "11:00"), window("1", "12:00", "13:00")]
    assert span(apart, "core") is None
    still_open = [*ACCOUNTS, window("1.82.8", "10:52", None)]
    assert span(still_open, "hull") == (at("10:52"), None)
    assert span([], "hull") is None


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        ("10:00", "10:30", "before"),
        ("11:00", "11:00", "core"),
        ("11:00", "12:00", "hull"),
        ("12:00", "12:00", "hull"),
        ("14:00", "14:00", "after"),
        ("10:00", "15:00", "hull"),
        ("10:52", None, "hull"),
        ("14:00", None, "after"),
        (None, "10:00", "before"),
        (None, None, "undated"),
    ],
)
def test_a_time_lies_where_it_must(begins: str | None, ends: str | None, expected: str) -> None:
    assert when(begins and at(begins), ends and at(ends), ACCOUNTS, throughout=False) == expected


def test_what_stood_throughout_the_core_counts_as_in_the_core() -> None:
    assert when(at("10:00"), at("15:00"), ACCOUNTS, throughout=True) == "core"
    assert when(at("11:30"), at("15:00"), ACCOUNTS, throughout=True) == "hull"
    assert when(at("11:00"), at("15:00"), ACCOUNTS, throughout=True) == "core"


def test_the_table_is_whole() -> None:
    findings = {finding for finding, _ in TABLE}
    assert set(TABLE) == set(product(findings, MODES[:4]))
    assert all(len(row) == len(TIMES) and set(row) <= set(VERDICTS) for row in TABLE.values())
    for finding, mode, time in product(FINDINGS, MODES, TIMES):
        assert lookup(finding, mode, time) in VERDICTS


def test_no_needs_a_frozen_install_of_a_complete_lock_that_holds_another_version() -> None:
    for finding, mode, time in product(FINDINGS, MODES, TIMES):
        if lookup(finding, mode, time) == "no":
            assert finding in (LOCKED_OTHER, ABSENT)
            assert mode == "locked"
    frozen = ("11:00", "locked")
    assert judged(LOCKED_OTHER, frozen, recorded=True) == "no"
    assert judged(ABSENT, frozen, recorded=True) == "no"
    assert judged(LOCKED_OTHER, recorded=True) == "unlikely"
    assert judged(LOCKED_OTHER, frozen) == "unlikely"  # today's file says nothing of that day
    loose = ("x has no hash",)
    assert judged(LOCKED_OTHER, frozen, loose=loose, recorded=True) == "unlikely"
    assert judged(LOCKED_OTHER, frozen, kind=MANIFEST, recorded=True) == "unlikely"
    assert judged(LOCKED_OTHER, frozen, ("11:05", "resolved"), recorded=True) == "possible"
    assert judged(LOCKED_OTHER, frozen, kind=SBOM, recorded=True) == "unlikely"


def test_an_install_before_the_file_stood_is_unknown() -> None:
    late = {"begins": "25 11:00", "recorded": True}
    assert judged(LOCKED_OTHER, ("11:00", "resolved"), ("26 11:00", "locked"), **late) == "unknown"


def test_an_install_of_which_nothing_is_known_hides_no_graver_one() -> None:
    early, late = ("19 11:00", "locked"), ("11:05", "resolved")
    held = {"begins": "10:00", "recorded": True, "kind": MANIFEST}
    assert judged(RANGE_ADMITS, late, **held) == judged(RANGE_ADMITS, early, late, **held)
    state = Finding(LOCKED_OTHER, "1.80.0", at("20 8:00"), None, recorded=True)
    seen = Install(at("11:00"), at("11:00"), "locked", version="1.82.8")
    ran = [Install(at("19 8:00"), at("19 8:00"), "locked"), seen]
    told = verdict([state], ACCOUNTS, ran, affected=lambda one: one.version == "1.82.8")
    assert told.verdict == "exposed"


def test_a_version_that_was_seen_decides() -> None:
    state = Finding(LOCKED_OTHER, "1.80.0", at("20 8:00"), None, recorded=True)
    for version, expected in (("1.82.8", "exposed"), ("1.80.0", "no")):
        ran = [Install(at("11:00"), at("11:00"), "locked", version=version)]
        told = verdict([state], ACCOUNTS, ran, affected=lambda one: one.version == "1.82.8")
        assert told.verdict == expected


def test_what_a_file_was_then_counts_and_not_what_it_is_now() -> None:
    states = [
        Finding(LOCKED_OTHER, "1.80.0", at("20 8:00"), at("26 8:00"), MANIFEST, ("x",), True),
        Finding(LOCKED_OTHER, "1.80.0", at("26 8:00"), None, LOCK, (), True),
    ]
    ran = [Install(at("11:00"), at("11:00"), "locked")]
    assert verdict(states, ACCOUNTS, ran).verdict == "unlikely"


def test_after_the_window_is_unlikely_and_never_no() -> None:
    assert judged(RANGE_ADMITS, ("15:00", "resolved"), kind=MANIFEST) == "unlikely"
    assert judged(LOCKED_OTHER, ("15:00", "resolved")) == "unlikely"
    assert judged(LOCKED_AFFECTED, ("15:00", "locked"), begins="14:30") == "likely"


def test_a_lock_with_the_version_resolved_in_the_window_is_exposed() -> None:
    assert judged(LOCKED_AFFECTED, begins="10:52") == "exposed"
    assert judged(LOCKED_AFFECTED, windows=[]) == "likely"
    assert judged(LOCKED_AFFECTED, kind=SBOM, windows=[]) == "exposed"


def test_code_that_runs_on_import_alone_is_one_step_short_of_exposed() -> None:
    told = judged(LOCKED_AFFECTED, begins="10:40", windows=BY_IMPORT, version="1.82.7")
    assert told == "likely"
    both = judged(
        LOCKED_AFFECTED, begins="10:53", windows=[*BY_IMPORT, *ACCOUNTS], version="1.82.7, 1.82.8"
    )
    assert both == "exposed"


def test_a_range_is_likely_in_the_core_and_possible_in_the_hull() -> None:
    told = [judged(RANGE_ADMITS, (minute, "resolved"), kind=MANIFEST)
            for minute in ("10:00", "11:00", "13:00", "14:00")]  # fmt: skip
    assert told == ["unlikely", "likely", "possible", "unlikely"]
    assert judged(RANGE_ADMITS, kind=MANIFEST) == "possible"
    assert judged(RANGE_ADMITS, ("11:00", "locked"), kind=MANIFEST) == "unknown"


def test_where_it_is_not_known_how_it_was_installed_the_gravest_way_counts() -> None:
    for finding, time in product((LOCKED_AFFECTED, LOCKED_OTHER, RANGE_ADMITS), TIMES):
        known = [lookup(finding, mode, time) for mode in ("locked", "resolved", "image")]
        assert lookup(finding, "unknown", time) == min(known, key=VERDICTS.index)


def test_absent_from_a_manifest_says_nothing_of_what_its_dependencies_bring() -> None:
    assert judged(ABSENT, kind=MANIFEST) == "unknown"
    assert judged(ABSENT, kind=LOCK) == "unlikely"


def test_every_verdict_but_no_has_one_question() -> None:
    for finding, kind, mode in product(FINDINGS, (LOCK, MANIFEST, SBOM), MODES[1:]):
        state = Finding(finding, "1.82.8", at("20 8:00"), None, kind, (), True)
        told = verdict([state], ACCOUNTS, [Install(at("11:00"), at("11:00"), mode)])
        assert (told.settle == "") == (told.verdict == "no"), (finding, kind, mode)


def test_a_name_in_a_question_stays_as_it_is_written() -> None:
    state = Finding(LOCKED_OTHER, "1", at("20 8:00"), None, LOCK, ("{a}{0} has no hash",), True)
    told = verdict([state], ACCOUNTS, [Install(at("11:00"), at("11:00"), "locked")])
    assert told.settle == "What was installed for {a}{0}, which this lock does not fix?"


def test_an_install_is_judged_by_what_stood_at_its_time() -> None:
    states = [
        Finding(LOCKED_OTHER, "1.82.6", at("8:00"), at("11:00"), recorded=True),
        Finding(LOCKED_AFFECTED, "1.82.8", at("11:00"), at("13:00"), recorded=True),
        Finding(LOCKED_OTHER, "1.83.0", at("13:00"), None, recorded=True),
    ]
    early = [Install(at("10:55"), at("10:55"), "locked")]
    late = [Install(at("11:10"), at("11:10"), "locked")]
    assert verdict(states[:1], ACCOUNTS, early).verdict == "no"
    longer = [Install(at("10:55"), at("11:05"), "locked")]  # until after the file had changed
    assert verdict(states[:1], ACCOUNTS, longer).verdict == "unlikely"
    first = [Install(at("13:00"), at("13:00"), "locked")]  # in the minute in which it stood
    assert verdict(states[2:], ACCOUNTS, first).verdict == "no"
    assert verdict(states, ACCOUNTS, late).verdict == "exposed"
