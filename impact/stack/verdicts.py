"""Was the malicious version installed while available? One truth table, and what would settle it.

The table is over what the file says, how an install was done, when, and what makes the bad code
run; docs/stack.md prints it. `no` is said only where a frozen install took a complete lock with
hashes. After the window it is `unlikely`: mirrors and caches keep what a registry has removed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from impact.base.words import date
from impact.stack.findings import (
    ABSENT,
    LOCKED_AFFECTED,
    LOCKED_OTHER,
    NOT_EVALUATED,
    RANGE_ADMITS,
    RANGE_EXCLUDES,
)
from impact.stack.inventory import CI, LOCK, MANIFEST, SBOM
from impact.stack.versions import same

EXPOSED, LIKELY, POSSIBLE = "exposed", "likely", "possible"
UNLIKELY, NO, UNKNOWN = "unlikely", "no", "unknown"
VERDICTS = (EXPOSED, LIKELY, POSSIBLE, UNKNOWN, UNLIKELY, NO)  # the gravest first
NOT_RECORDED, LOCKED, RESOLVED, IMAGE = "not recorded", "locked", "resolved", "image"
MODES = (NOT_RECORDED, LOCKED, RESOLVED, IMAGE, "unknown")
TIMES = ("before", "core", "hull", "after", "undated")
CORE, HULL, AFTER, BEFORE = "core", "hull", "after", "before"
UNDATED = "undated"
ABSENT_ASKED = "absent from a manifest"  # which does not say what its dependencies bring in
TAG = "affected tag of an action"  # what it points at is asked for anew by each run
EVERY_TAG = "tags"  # the version of a window that is that of all tags of an action
_ROWS = csv.reader(Path(__file__).with_suffix(".csv").read_text("utf-8").splitlines()[1:])
TABLE = {(finding, mode): row for finding, mode, *row in _ROWS}  # -> verdict at each of TIMES
START, IMPORT, INSTALL = "start", "import", "install"  # what makes the bad code run


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


class State(NamedTuple):
    """What a file says of a package from one moment up to another; None is open.

    `kind` and `loose` are those of its content then; it is `recorded` where git says from when,
    with all branches. `side` is the branch that it stood on, which CI may have built or not.
    """

    finding: str
    version: str
    begins: datetime | None
    ends: datetime | None
    kind: str = LOCK
    loose: tuple[str, ...] = ()
    recorded: bool = False
    side: str = ""
    foreign: bool = False  # the file holds packages of other ecosystems alone
    commit: str = ""


class Verdict(NamedTuple):
    """The verdict, why, and the one question that would settle it; empty where it is settled."""

    verdict: str
    reason: str
    settle: str


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
    if ends is not None and ends < hull[0]:
        return BEFORE
    if begins is not None and hull[1] is not None and begins > hull[1]:
        return AFTER
    if core is None:
        return HULL
    if throughout:
        late = core[1] is not None and begins is not None and begins > core[1]
        return HULL if late or (ends is not None and ends < core[0]) else CORE
    inside = begins is not None and begins >= core[0]
    return CORE if inside and ends and (core[1] is None or ends <= core[1]) else HULL


class _Judgement(NamedTuple):
    """The verdict on a state by one account of its time, and what it rests on."""

    verdict: str
    runs: str  # when its code runs, or who ran it
    mode: str
    time: str
    state: State
    windows: Sequence[Window]


def verdict(
    states: Sequence[State],
    windows: Sequence[Window],
    installs: Sequence[Install],
    affected: Callable[[Install], bool] = lambda install: False,
) -> Verdict:
    """The gravest verdict over the states of a file and the installs recorded of it.

    `windows` are those of the package; of a state with a locked version only those of that
    version count. An install is judged by the states of its time; where a version was seen,
    `affected` says whether it is one. An install while no state is known is unknown.
    """
    every = [
        _judged(*case, several)
        for state in states
        for several in _accounts(state, windows) or [[]]
        for case in _cases(state, several, installs, throughout=len(states) > 1)
    ]
    for install in installs:
        if install.version and affected(install):
            return Verdict(EXPOSED, f"an install of {install.version} is recorded", _SEEN)
        if not _covered(install, states):
            reason = f"no content of the file is known for {date(install.begins)}"
            return Verdict(UNKNOWN, reason, _QUESTIONS[UNDATED])
    found = min(every, key=lambda one: VERDICTS.index(one.verdict))
    recorded = found.mode != NOT_RECORDED
    timed = recorded or found.state.finding == LOCKED_AFFECTED
    timing = _time(found.time, found.windows) if timed else ""
    how = f"installs recorded as {found.mode}" if recorded else ""
    reason = "; ".join(filter(None, [timing, how, found.runs]))
    return Verdict(found.verdict, reason, _question(found))


def _cases(
    state: State, windows: Sequence[Window], installs: Sequence[Install], throughout: bool
) -> Iterator[tuple[State, str, str]]:
    """(state, mode, time) of each way in which a state may have been installed."""
    locked = state.finding == LOCKED_AFFECTED and state.kind != CI
    if state.kind == SBOM or not installs or locked:
        yield state, NOT_RECORDED, when(state.begins, state.ends, windows, throughout)
    for install in installs:
        if state.kind != SBOM and _during(install, state):
            mode = install.mode
            if install.version and state.finding == LOCKED_OTHER:
                locked_one = install.version in state.version.split(", ")
                mode = mode if locked_one else RESOLVED  # it was not the lock that counted
            time = when(install.begins, install.ends, windows, throughout=False)
            yield _as_of(state, install), mode, time


def _judged(state: State, mode: str, time: str, windows: Sequence[Window]) -> _Judgement:
    """The judgement of a state by the truth table, and by what makes the code run."""
    found, runs = _lookup(state, mode, time), ""
    if state.finding == LOCKED_AFFECTED:
        found, runs = _run(found, windows)
    if state.side:
        runs = f"on {state.side}, {BUILT}"
        found = POSSIBLE if found in (EXPOSED, LIKELY) else found
    return _Judgement(found, runs, mode, time, state, windows)


def _as_of(state: State, install: Install) -> State:
    """The state with what it leaves open: that the file was so on the day of the install."""
    whole = (
        state.recorded
        and state.begins is not None
        and state.begins <= install.begins
        and (state.ends is None or install.ends <= state.ends)
    )
    return state if whole else state._replace(loose=(*state.loose, UNDATED))


def _covered(install: Install, states: Sequence[State]) -> bool:
    """Whether a state is known from the begin of an install; without a history, any is."""
    states = [state for state in states if not state.side]
    if not any(state.recorded for state in states):
        return True
    before = [one for one in states if one.begins is None or one.begins <= install.begins]
    return any(_during(install, state) for state in before)


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


def _accounts(state: State, windows: Sequence[Window]) -> list[list[Window]]:
    """The windows of each version that a state is about."""
    versions = state.version.split(", ") if state.finding == LOCKED_AFFECTED else []
    found: dict[str, list[Window]] = {}
    for window in windows:
        named = (same(window.ecosystem, window.version, one) for one in versions)
        if not versions or window.version == EVERY_TAG or any(named):
            found.setdefault(window.version, []).append(window)
    return list(found.values())


def _during(install: Install, state: State) -> bool:
    return (state.begins is None or install.ends >= state.begins) and (
        state.ends is None or install.begins < state.ends
    )


def lookup(finding: str, mode: str, time: str) -> str:
    """The verdict of the truth table; where it is not known how, the gravest of the three ways."""
    if finding == NOT_EVALUATED:
        return UNKNOWN
    finding = LOCKED_OTHER if finding == ABSENT else finding
    ways = (mode,) if mode in MODES[:4] else MODES[1:4]
    every = [TABLE[finding, way][TIMES.index(time)] for way in ways]
    return min(every, key=VERDICTS.index)


def _lookup(state: State, mode: str, time: str) -> str:
    """The verdict of the truth table on a state, by the kind of its file."""
    finding = state.finding
    if finding == ABSENT and state.foreign:
        return UNKNOWN
    if finding == ABSENT and state.kind in (MANIFEST, CI):
        finding = ABSENT_ASKED
    if finding == LOCKED_AFFECTED and state.kind == CI:
        finding = TAG
    if state.kind == SBOM and finding == LOCKED_AFFECTED:
        return EXPOSED  # what it describes holds it, whenever that was put together
    found = lookup(finding, mode, time)
    return UNLIKELY if found == NO and (state.loose or state.kind != LOCK) else found


def _run(verdict: str, windows: Sequence[Window]) -> tuple[str, str]:
    """The verdict once it counts what makes the code run: an import is one step short of it."""
    triggers = {window.trigger for window in windows if window.trigger}
    if triggers == {IMPORT}:
        why = "its code runs only where a module of it is imported"
        return LIKELY if verdict == EXPOSED else verdict, why
    starts = verdict in (EXPOSED, LIKELY) and START in triggers
    return verdict, "its code runs at every start of the interpreter" if starts else ""


def _time(time: str, windows: Sequence[Window]) -> str:
    """Where a time lies to the window, in words; empty where nothing is dated."""
    hull = span(windows, HULL)
    if hull is None or time == UNDATED:
        return ""
    window = hours(*hull)
    return {
        BEFORE: f"before it was available ({window})",
        CORE: f"while it was available by every account ({window})",
        HULL: f"perhaps while it was available ({window})",
        AFTER: f"after it was available ({window}); mirrors and caches may keep it",
    }[time]


BUILT = "which CI may have built"
NOT_LOOKED_FOR = "Does any file of this system list packages that an advisory could name?"
_SEEN = "Is that machine rebuilt, and is what it could reach rotated?"
_QUESTIONS = {
    LOCKED_AFFECTED: "Which machines and jobs installed from this file, and are they rebuilt?",
    RANGE_ADMITS: "Did an install resolve this anew{hours}? Look for the version in CI logs or "
    "pip freeze.",
    LOCKED_OTHER: "Was every install frozen to this lock (`uv sync --frozen`, `npm ci`, "
    "`pip install --require-hashes`)?",
    ABSENT_ASKED: "Which versions did its dependencies bring in? A lock or pip freeze of that "
    "day says it.",
    NOT_EVALUATED: "Can this file be had in a form that is read, or a list of what was installed?",
    IMAGE: "When was that image built, and which version is in it?",
    UNDATED: "What was installed at that time?",
    IMPORT: "Does anything that was installed from this file import the module that carries it?",
}


def _question(found: _Judgement) -> str:
    """The one question whose answer would change the verdict most."""
    state = found.state
    if found.verdict == NO:
        return ""
    if found.mode == IMAGE:
        return _QUESTIONS[IMAGE]
    if state.finding == LOCKED_AFFECTED:
        triggers = {window.trigger for window in found.windows}
        return _QUESTIONS[IMPORT if triggers == {IMPORT} else LOCKED_AFFECTED]
    if state.finding == ABSENT and state.foreign:
        return NOT_LOOKED_FOR
    if state.finding == ABSENT and state.kind in (MANIFEST, CI):
        return _QUESTIONS[ABSENT_ASKED]
    if state.finding in (LOCKED_OTHER, ABSENT):
        if state.kind != LOCK:
            return "Is this all that is installed there, and of the time in question?"
        if UNDATED in state.loose:
            return "What did the lock hold on the day of the install? Its history says it."
        if state.loose:
            name = state.loose[0].split()[0]
            return f"What was installed for {name}, which this lock does not fix?"
        return _QUESTIONS[LOCKED_OTHER]
    if state.finding in (RANGE_ADMITS, RANGE_EXCLUDES):
        hull = span(found.windows, HULL)
        return _QUESTIONS[RANGE_ADMITS].format(hours=f" ({hours(*hull)})" if hull else "")
    return _QUESTIONS[NOT_EVALUATED]


NOT_READ = Verdict(UNKNOWN, "", _QUESTIONS[NOT_EVALUATED])
