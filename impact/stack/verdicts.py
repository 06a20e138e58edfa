"""Was the malicious version installed while available? One truth table, and what would settle it.

The table is over what the file says, how an install was done, when, and what makes the bad code
run; docs/stack.md prints it. `no` is said only where a frozen install took a complete lock with
hashes. After the window it is `unlikely`: mirrors and caches keep what a registry has removed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from impact.base.words import date
from impact.stack.findings import ABSENT, LOCKED_AFFECTED, LOCKED_OTHER, NOT_EVALUATED, Finding
from impact.stack.inventory import CI, LOCK, MANIFEST, SBOM
from impact.stack.versions import same

EXPOSED, LIKELY, POSSIBLE = "exposed", "likely", "possible"
UNLIKELY, NO, UNKNOWN = "unlikely", "no", "unknown"
VERDICTS = (EXPOSED, LIKELY, POSSIBLE, UNKNOWN, UNLIKELY, NO)  # the gravest first
NOT_RECORDED, LOCKED, RESOLVED, IMAGE = "not recorded", "locked", "resolved", "image"
MODES = (NOT_RECORDED, LOCKED, RESOLVED, IMAGE, "unknown")
CORE, HULL, AFTER, BEFORE, UNDATED = "core", "hull", "after", "before", "undated"
_LIES = {  # where a time lies to the window
    BEFORE: "before it was available ({})",
    CORE: "while it was available by every account ({})",
    HULL: "perhaps while it was available ({})",
    AFTER: "after it was available ({}); mirrors and caches may keep it",
    UNDATED: "",
}
TIMES = (*_LIES,)
ABSENT_ASKED = "absent from a manifest"  # which does not say what its dependencies bring in
NOT_THERE = "packages of other ecosystems alone"
TAG = "affected tag of an action"  # what it points at is asked for anew by each run
IN_SBOM = "affected version in an SBOM"  # what that describes holds it, whenever it was made
EVERY_TAG = "tags"  # the version of a window that is that of all tags of an action
_ROWS = csv.DictReader(Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines())
# (finding, mode) -> the verdict at each of TIMES, and the question that would `settle` it
TABLE = {(row["finding"], row["mode"]): row for row in _ROWS}
TRIGGERS = START, IMPORT, INSTALL = "start", "import", "install"  # what makes the bad code run
BUILT = "which CI may have built"
NOT_LOOKED_FOR = TABLE[NOT_THERE, NOT_RECORDED]["settle"]
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Window(NamedTuple):
    """One account of when a malicious version was available, and what makes its code run."""

    ecosystem: str
    package: str
    version: str
    opens: datetime
    closes: datetime | None  # None while it is still open
    trigger: str = ""


class Install(NamedTuple):
    """A recorded install or run: between two moments, by one of MODES, of files below a path."""

    begins: datetime
    ends: datetime
    mode: str
    path: str = ""
    version: str = ""  # of the package, where it was seen
    system: str = ""
    where: str = ""  # the line that records it
    package: str = ""  # that the version is of, where it is named


class Verdict(NamedTuple):
    """The verdict, why, and the one question that would settle it; empty where it is settled."""

    verdict: str
    reason: str
    settle: str


NOT_READ = Verdict(UNKNOWN, "", TABLE[NOT_EVALUATED, NOT_RECORDED]["settle"])


def span(accounts: Sequence[Window], part: str) -> tuple[datetime, datetime | None] | None:
    """The hull around all accounts of a version, or the core inside every one; None: no minute."""
    opens = [window.opens for window in accounts]
    closes = [window.closes for window in accounts if window.closes]
    if not opens:
        return None
    if part == HULL:
        return min(opens), max(closes) if len(closes) == len(opens) else None
    first, last = max(opens), min(closes, default=None)
    return (first, last) if last is None or first < last else None


def when(
    begins: datetime | None, ends: datetime | None, accounts: Sequence[Window], throughout: bool
) -> str:
    """Where a time lies to the window of one version: one of TIMES.

    The time is somewhere between `begins` and `ends`, or fills them where it is `throughout`.
    """
    hull, core = span(accounts, HULL), span(accounts, CORE)
    if hull is None or (begins is None and ends is None):
        return UNDATED
    first, last = begins or _FIRST, ends or _LAST
    if last < hull[0]:
        return BEFORE
    if first > (hull[1] or _LAST):
        return AFTER
    if core is None:
        return HULL
    opens, closes = core[0], core[1] or _LAST
    if throughout:
        return CORE if first <= closes and last >= opens else HULL
    return CORE if ends and first >= opens and last <= closes else HULL


def _row(state: Finding) -> str:
    """What a file says, as the truth table calls it."""
    if state.finding == ABSENT and state.foreign:
        return NOT_THERE
    if state.finding == ABSENT and state.kind in (MANIFEST, CI):
        return ABSENT_ASKED
    if state.finding == LOCKED_AFFECTED:
        return {CI: TAG, SBOM: IN_SBOM}.get(state.kind, LOCKED_AFFECTED)
    return state.finding


def verdict(
    states: Sequence[Finding],
    windows: Sequence[Window],
    installs: Sequence[Install],
    affected: Callable[[Install], bool] = lambda install: False,
) -> Verdict:
    """The gravest verdict over the states of a file and the installs recorded of it.

    `windows` are those of the package; of a state with a locked version only those of that
    version count. An install is judged by the states of its time; where a version was seen,
    `affected` says whether it is one. An install while no state is known is unknown.
    """
    seen = [install for install in installs if install.version and affected(install)]
    if seen:
        return Verdict(
            EXPOSED,
            f"an install of {seen[0].version} is recorded",
            "Is that machine rebuilt, and is what it could reach rotated?",
        )
    every = [
        Verdict(
            UNKNOWN,
            f"no content of the file is known for {date(install.begins)}",
            "What was installed at that time?",
        )
        for install in installs
        if not _covered(install, states)
    ]
    every += [
        _judged(*case, several)
        for state in states
        for several in _accounts(state, windows) or [[]]
        for case in _cases(state, several, installs, state.recorded or len(states) > 1)
    ]
    return min(every, key=lambda one: VERDICTS.index(one.verdict))


def _cases(
    state: Finding, windows: Sequence[Window], installs: Sequence[Install], throughout: bool
) -> Iterator[tuple[Finding, str, str]]:
    """(state, mode, time) of each way in which a state may have been installed."""
    if state.kind == SBOM or not installs or _row(state) == LOCKED_AFFECTED:
        yield state, NOT_RECORDED, when(state.begins, state.ends, windows, throughout)
        if state.locked:
            yield state, NOT_RECORDED, when(state.locked, state.begins, windows, throughout=False)
    for install in installs:
        if state.kind != SBOM and _during(install, state):
            mode = install.mode
            if install.version and state.finding == LOCKED_OTHER:
                locked_one = install.version in state.version.split(", ")
                mode = mode if locked_one else RESOLVED  # it was not the lock that counted
            time = when(install.begins, install.ends, windows, throughout=False)
            yield _as_of(state, install), mode, time


def _judged(state: Finding, mode: str, time: str, windows: Sequence[Window]) -> Verdict:
    """The verdict on a state by the truth table, and by what makes the code run.

    An import is one step short of that. What a branch held CI may have built or not.
    """
    found, runs, settle = lookup(_row(state), mode, time), "", _settled(state, mode)
    triggers = {window.trigger for window in windows if window.trigger}
    affected, grave = state.finding == LOCKED_AFFECTED, found in (EXPOSED, LIKELY)
    if affected and triggers == {IMPORT}:
        runs = "its code runs only where a module of it is imported"
        found = LIKELY if grave else found
        settle = settle if mode == IMAGE else _IMPORTED
    elif affected and grave and START in triggers:
        runs = "its code runs at every start of the interpreter"
    if state.side:
        runs = f"on {state.side}, {BUILT}"
        found = POSSIBLE if grave else found
    if found == NO and (state.loose or state.kind != LOCK):
        found = UNLIKELY
    recorded = mode != NOT_RECORDED
    how = f"installs recorded as {mode}" if recorded else ""
    hull = span(windows, HULL)
    window = hours(*hull) if hull else ""
    timing = _LIES[time].format(window) if window and (recorded or affected) else ""
    settle = settle.replace("{hours}", f" ({window})" if window else "")
    reason = "; ".join(filter(None, [timing, how, runs]))
    return Verdict(found, reason, settle if found != NO else "")


def _as_of(state: Finding, install: Install) -> Finding:
    """The state with what it leaves open: that the file was so on the day of the install."""
    begins, ends = state.begins or _FIRST, state.ends or _LAST
    if state.recorded and begins <= install.begins and install.ends <= ends:
        return state
    return state._replace(loose=(*state.loose, UNDATED))


def _covered(install: Install, states: Sequence[Finding]) -> bool:
    """Whether a state is known at an install, and by a history from its begin; a bill is of any."""
    main = [state for state in states if not state.side] or states
    dated = any(state.recorded for state in main)
    return any(
        state.kind == SBOM
        or (_during(install, state) and (not dated or (state.begins or _FIRST) <= install.begins))
        for state in main
    )


def hours(opens: datetime, closes: datetime | None) -> str:
    """A span of time in words; a day that both ends share is named once.

    >>> from datetime import datetime
    >>> hours(datetime(2026, 3, 24, 10, 39), datetime(2026, 3, 24, 13, 38))
    '24 March 2026, 10:39 to 13:38 UTC'
    """
    if closes is None:
        return f"from {date(opens)}"
    if opens.date() == closes.date():
        return f"{date(opens).removesuffix(' UTC')} to {closes:%H:%M} UTC"
    return f"{date(opens)} to {date(closes)}"


def _accounts(state: Finding, windows: Sequence[Window]) -> list[list[Window]]:
    """The windows of each version that a state is about."""
    versions = state.version.split(", ") if state.finding == LOCKED_AFFECTED else []
    found: dict[str, list[Window]] = {}
    for window in windows:
        named = (same(window.ecosystem, window.version, one) for one in versions)
        if not versions or window.version == EVERY_TAG or any(named):
            found.setdefault(window.version, []).append(window)
    return list(found.values())


def _during(install: Install, state: Finding) -> bool:
    return install.ends >= (state.begins or _FIRST) and install.begins < (state.ends or _LAST)


def lookup(finding: str, mode: str, time: str) -> str:
    """The verdict of the truth table; where it is not known how, the gravest of the three ways."""
    ways = (mode,) if mode in MODES[:4] else MODES[1:4]
    return min((TABLE[finding, way][time] for way in ways), key=VERDICTS.index)


_IMPORTED = "Does anything that was installed from this file import the module that carries it?"


def _settled(state: Finding, mode: str) -> str:
    """The one question whose answer would change the verdict most."""
    if mode != IMAGE and _row(state) in (LOCKED_OTHER, ABSENT):
        if state.kind != LOCK:
            return "Is this all that is installed there, and of the time in question?"
        if UNDATED in state.loose:
            return "What did the lock hold on the day of the install? Its history says it."
        if state.loose:
            name = state.loose[0].split()[0]
            return f"What was installed for {name}, which this lock does not fix?"
    return TABLE[_row(state), mode if mode == IMAGE else NOT_RECORDED]["settle"]
