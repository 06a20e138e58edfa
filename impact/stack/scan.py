"""Files, advisories, windows and installs into one frame: a row for each file and package."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.base.words import date
from impact.stack import readers, verdicts
from impact.stack.advisories import Advisories, Packages, names_any
from impact.stack.asking import asked, npm
from impact.stack.contents import Asked, Read, contents
from impact.stack.documents import Source
from impact.stack.files import Found
from impact.stack.findings import (
    ABSENT,
    FINDINGS,
    FOREIGN,
    LOCKED_AFFECTED,
    NOT_EVALUATED,
    Finding,
    find,
)
from impact.stack.inventory import ACTIONS, CI, LOCK, MANIFEST, NPM, Ask, Inventory, Unread, tail
from impact.stack.paths import cuts
from impact.stack.paths import paths as ways_in
from impact.stack.records import Affected
from impact.stack.verdicts import NO, UNLIKELY, Install, State, Window

_STATE = {
    **{"finding": pl.String(), "version": pl.String(), "commit": pl.String()},
    **{"begins": times.INSTANT, "ends": times.INSTANT},
}
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("system", "file", "format", "ecosystem", "package"), pl.String()),
    **dict.fromkeys(("version", "advisory", "finding", "verdict", "path"), pl.String()),
    **dict.fromkeys(("reason", "settle"), pl.String()),
    **dict.fromkeys(("paths", "through"), pl.List(pl.String())),
    "states": pl.List(pl.Struct(_STATE)),
}
CONSTRAINT = "--constraint"
NOTHING = "nothing in it is known to name packages"
_BESIDE = "another file of this system could not be evaluated"
FEW = 16  # files from which on more than one process reads them
_QUESTION: list[Question] = []  # of a worker, given when it begins
Rows = list[dict[str, object]]
Package = tuple[str, str]  # ecosystem and name; a name that is empty stands for all others of it


@dataclass(frozen=True)
class Question:
    """What is asked of every file: which packages, when they were available, what was installed.

    `by_tail` are the packages by the last part of their name, `others` by ecosystem.
    """

    packages: Packages = field(repr=False)
    windows: tuple[Window, ...] = ()
    installs: tuple[Install, ...] = ()
    as_of: datetime | None = None
    history: bool = False
    unread: tuple[Fault, ...] = ()  # advisories that could not be read
    by_tail: Mapping[str, list[Package]] = field(default_factory=dict, repr=False)
    others: Mapping[str, list[Package]] = field(default_factory=dict, repr=False)
    seen: frozenset[Package] = frozenset()  # of which an install may have brought a version


def question(
    advisories: Advisories,
    windows: Iterable[Window] = (),
    installs: Iterable[Install] = (),
    as_of: datetime | None = None,
    history: bool = False,
) -> Question:
    """The question that advisories, as known by a moment, put to files."""
    until = as_of and times.until(as_of)
    seen = tuple(one for one in installs if until is None or one.begins <= until)
    known = advisories.known(as_of)
    by_tail: dict[str, list[Package]] = defaultdict(list)
    others: dict[str, list[Package]] = defaultdict(list)
    for package in known:
        by_tail[tail(package[1])].append(package)
        others[package[0].partition(":")[0]].append(package)
    versions = {install.version for install in seen} - {""}
    named = {tail(install.package) for install in seen if install.package}
    met = (
        package
        for package, records in (known.items() if versions else ())
        if tail(package[1]) in named or any(versions & {*record.versions} for record in records)
    )
    unread = advisories.unread
    return Question(
        known, tuple(windows), seen, as_of, history, unread, by_tail, others, frozenset(met)
    )


def scan(
    every: Iterable[Found],
    asked_of: Question,
    progress: Callable[[str], None] = lambda file: None,
    folders: Sequence[Path] = (),
    workers: int = 1,
) -> pl.DataFrame:
    """A row for each file and package that an advisory names, in the order of files and packages.

    Columns: `system`, `file`, `format`, `ecosystem`, `package`, `version`, `advisory` (ids, by
    comma), `finding`, `verdict`, `path` (the shortest), `reason`, `settle`, `paths`, `through` (the
    packages that every way leads through), and `states`: what the file said from when to when.
    `progress` is told each file once it is read. `folders` are looked through for repositories
    that have none of the files: those whose locks were removed, with `history`, and bare ones.
    Where there are many files several `workers` read them, each a process of its own. A folder
    without any file, an install of no file and an advisory that could not be read give a row too,
    without a package.
    """
    rows: Rows = []
    met: set[str] = set()
    homes: set[Path] = set()
    read = contents(every, Asked(asked_of.history, asked_of.as_of), folders)
    for one, found in _evaluated(read, asked_of, workers):
        progress(one.found.where)
        rows += found
        met |= {i.where for i in asked_of.installs if _covers(i, one.found)}
        homes |= {Path(one.found.where), *Path(one.found.where).parents}
    empty = [folder for folder in folders if folder.is_dir() and folder not in homes]
    faults = [Fault(str(folder), NOTHING, "") for folder in empty]
    lone = [install.where for install in asked_of.installs if install.where not in met]
    faults += [Fault(where, "covers no file that was scanned", "") for where in lone]
    lost = ": what it names was not looked for"
    faults += [Fault(fault.where, fault.what + lost, "") for fault in asked_of.unread]
    for fault in faults:
        told = Finding(NOT_EVALUATED, reason=fault.what)
        entry = _Told(told, State(NOT_EVALUATED, "", None, None), "", [], [])
        source = Found(None, fault.where, "", fault)
        rows.append(_row(source, "not known", [("", "")], verdicts.NOT_READ, [entry], ()))
    return _frame(rows, bool(lone))


def _frame(rows: Sequence[dict[str, object]], lone: bool = False) -> pl.DataFrame:
    """The rows, one a package; of a system in which a part was not read, nothing is said `no`.

    Nor is it where an install of no file may have been of any.
    """
    pair = pl.Struct({"ecosystem": pl.String(), "package": pl.String()})
    schema = {
        "of": pl.List(pair),
        **{k: v for k, v in SCHEMA.items() if k not in ("ecosystem", "package")},
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row").explode("of").unnest("of")
    of = ["system", "ecosystem", "package"]
    unread = (pl.col("finding") == NOT_EVALUATED).any().over(of) | lone
    open_ = (pl.col("verdict") == NO) & unread
    told = pl.concat_str("reason", pl.lit(_BESIDE), separator="; ").str.strip_prefix("; ")
    return frame.with_columns(
        verdict=pl.when(open_).then(pl.lit(UNLIKELY)).otherwise("verdict"),
        reason=pl.when(open_).then(told).otherwise("reason"),
        settle=pl.when(open_).then(pl.lit(verdicts.NOT_READ.settle)).otherwise("settle"),
    ).select(*SCHEMA)


def constraint(spec: str, packages: Packages) -> pl.DataFrame:
    """A row for each package that a proposed constraint names: does it exclude what is affected?"""
    ask = asked(spec)
    name, _, wanted = spec.rpartition("@")
    held = [
        (package, found)
        for package in packages
        for found in ([npm(name.removeprefix("npm:"), wanted)] if package[0] == NPM else [ask])
        if isinstance(found, Ask) and found.name == package[1]
    ]
    if not held and isinstance(ask, Unread) and ask.name:
        raise bad(f'{CONSTRAINT} "{spec}"', ask.why, "give name and versions, `litellm<1.82.7`")
    if not held:
        known = sorted({name for _, name in packages})
        near = did_you_mean(ask.name or spec, known, f"it names one of {', '.join(known)[:200]}")
        raise bad(f'{CONSTRAINT} "{spec}"', "is about no package that an advisory names", near)
    rows = []
    for package, found in held:
        told = find(Inventory("", MANIFEST, package[:1], asks=[found]), *package, packages[package])
        state = State(told.finding, told.version, None, None, MANIFEST)
        verdict = verdicts.verdict([state], (), ())._replace(settle="")
        source = Found(None, CONSTRAINT, "", Fault("", "", ""))
        entry = _Told(told, state, "", [], [])
        rows.append(_row(source, "constraint", [package], verdict, [entry], ()))
    return _frame(rows)


class _Told(NamedTuple):
    """What one content says of a package, from when to when, by which paths and through whom."""

    found: Finding
    state: State
    commit: str
    ways: list[str]
    through: list[str]


def _evaluated(
    every: Iterator[Read], asked_of: Question, workers: int
) -> Iterator[tuple[Read, Rows]]:
    """Each file with its rows, in order; what a worker that ended did not answer is read here."""
    first = list(islice(every, FEW)) if workers > 1 else []
    every = chain(first, every)
    if len(first) < FEW:
        yield from ((one, _guarded(one, asked_of)) for one in every)
        return
    waiting: deque[tuple[Read, Callable[[], Rows]]] = deque()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (asked_of,)) as pool:

        def answered() -> tuple[Read, Rows]:
            one, answer = waiting.popleft()
            try:
                return one, answer()
            except BrokenProcessPool:
                return one, _guarded(one, asked_of)

        for one in every:
            try:
                waiting.append((one, pool.submit(_by_worker, one).result))
            except BrokenProcessPool:
                waiting.append((one, partial(_guarded, one, asked_of)))
            if len(waiting) > 2 * workers:
                yield answered()
        while waiting:
            yield answered()


def _begin(asked_of: Question) -> None:
    """Give a worker its question; it ends with the process that began it."""
    _QUESTION.append(asked_of)
    begun = multiprocessing.parent_process()
    if begun is not None:
        threading.Thread(target=_end_with, args=(begun.join,), daemon=True).start()


def _end_with(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)


def _by_worker(one: Read) -> Rows:
    return _guarded(one, _QUESTION[-1])


def _guarded(one: Read, asked_of: Question) -> Rows:
    """The rows of one file; a fault of the kit in one takes no alarm of another with it."""
    try:
        return list(_rows(one, asked_of))
    except Exception as error:
        what = f"could not be evaluated ({type(error).__name__}, a fault of this program)"
        fault = Fault(one.found.where, what, "report it with the file")
        return list(_rows(Read(one.found, partial(iter, [(None, fault)])), asked_of))


def _rows(one: Read, asked_of: Question) -> Iterator[dict[str, object]]:
    """The rows of one file: read once for each content, asked of the packages that it may name.

    All others of an ecosystem are told of alike, so that they are asked about once.
    """
    windowed = {(window.ecosystem, window.package) for window in asked_of.windows} | asked_of.seen
    told: dict[Package, list[_Told]] = {(base, ""): [] for base in asked_of.others}
    told |= {package: [] for package in asked_of.packages if package in windowed}
    form, kind, loose, notes = "not known", LOCK, (), ()  # type: str, str, tuple[str, ...], tuple[str, ...]
    for revision, source in one.contents():
        inventory = _inventory(source, asked_of.as_of)
        begins, ends = (revision.begins, revision.ends) if revision else (None, None)
        parts: dict[str, Inventory] = {}
        if isinstance(inventory, Inventory):
            form, kind, loose, notes = (
                inventory.format,
                inventory.kind,
                inventory.loose,
                inventory.notes,
            )
            begins = begins or _instant(inventory.newest)
            parts = _by_tail(inventory, asked_of.by_tail)
            for package in [
                package for last in parts for package in asked_of.by_tail.get(last, ())
            ]:
                base = package[0].partition(":")[0]
                told.setdefault(package, list(told[base, ""]))
        elif form == "not known" and isinstance(source, Source):
            found_form = readers.format_of(source.text, source.where)
            form = found_form.name if found_form else form
        side, recorded = (revision.side, one.whole) if revision else ("", False)
        for package, entries in told.items():
            part = parts.get(tail(package[1]), parts.get(""))
            found = _finding(inventory, part, package, one.found.where, asked_of.packages)
            foreign = found.reason.startswith(FOREIGN)
            homes = {ask.ecosystem for ask in part.asks} if part else set()
            homes |= {component.ecosystem for component in part.components} if part else set()
            own = CI if homes == {ACTIONS} else MANIFEST if kind == CI else kind
            shape = own, loose, recorded, side, foreign
            state = State(found.finding, found.version, begins, ends, *shape)
            if entries and _alike(entries[-1].state, state):
                kept = entries[-1].state._replace(ends=ends)
                entries[-1] = entries[-1]._replace(state=kept)
                continue
            ways: list[str] = []
            through: list[str] = []
            if isinstance(inventory, Inventory) and found.keys:
                top = () if inventory.roots else (one.found.system,)
                ways = [" > ".join((*top, *way)) for way in ways_in(inventory, found.keys)]
                through = cuts(inventory, found.keys) if found.finding == LOCKED_AFFECTED else []
            commit = revision.commit if revision else ""
            entries.append(_Told(found, state, commit, ways, through))
    mine = [install for install in asked_of.installs if _covers(install, one.found)]
    for package, every in told.items():
        members = [package]
        if not package[1]:
            members = [other for other in asked_of.others[package[0]] if other not in told]
        if every and members:
            windows = [w for w in asked_of.windows if (w.ecosystem, w.package) == package]
            there = any(entry.state.finding != ABSENT for entry in every)
            affected = partial(_affected, package, asked_of.packages.get(package, ()), there)
            verdict = verdicts.verdict([entry.state for entry in every], windows, mine, affected)
            yield _row(one.found, form, members, verdict, every, notes)


def _affected(package: Package, records: Sequence[Affected], there: bool, install: Install) -> bool:
    """Whether the version of an install is an affected one of a package.

    Where the line names no package it counts for what the file names, and for a package of which a
    record lists that very version.
    """
    if install.package:
        named = tail(install.package) == tail(package[1])
        return named and names_any(records, install.version)
    listed = any(install.version in record.versions for record in records if not record.gone)
    return listed or (there and names_any(records, install.version))


def _by_tail(inventory: Inventory, wanted: Mapping[str, object]) -> dict[str, Inventory]:
    """The parts of a file by the last part of their name; what may be any package is in each."""
    parts: dict[str, tuple[list[Any], list[Any], list[Any]]] = defaultdict(lambda: ([], [], []))
    kinds: tuple[list[Any], ...] = (inventory.components, inventory.asks, inventory.unread)
    for number, every in enumerate(kinds):
        for part in every:
            if not part.name or (last := tail(part.name)) in wanted:
                parts[last if part.name else ""][number].append(part)
    anything = parts.pop("", ([], [], []))[2]
    for name in inventory.mentions:
        if (last := tail(name)) in wanted:
            parts[last]  # a place for it
    rest = replace(inventory, components=[], asks=[], unread=anything)
    found = {
        last: replace(rest, components=components, asks=asks, unread=[*unread, *anything])
        for last, (components, asks, unread) in parts.items()
    }
    return {**found, "": replace(rest, mentions=frozenset())}


def _finding(
    inventory: Inventory | Fault,
    part: Inventory | None,
    package: Package,
    file: str,
    packages: Packages,
) -> Finding:
    """The finding of a package in its part of one content, or of all that are not named in it."""
    if isinstance(inventory, Fault):
        at = inventory.where.removeprefix(file).lstrip(": ")
        return Finding(NOT_EVALUATED, reason=f"{at}: {inventory.what}" if at else inventory.what)
    return find(part or inventory, *package, packages.get(package, ()))


def _alike(one: State, other: State) -> bool:
    """Whether a state goes on in another."""
    return one._replace(begins=None, ends=None) == other._replace(begins=None, ends=None)


def _inventory(source: Source | Fault, as_of: datetime | None) -> Inventory | Fault:
    """What a content says, or why it cannot be told: a fault of one file ends no scan."""
    if isinstance(source, Fault):
        return source
    try:
        inventory = readers.read(source)
    except BadInput as error:
        return error.faults[0]
    stamp = _instant(inventory.newest)
    if as_of and stamp and stamp > times.until(as_of):
        what = f"was locked after {date(as_of)}, it holds what was uploaded {date(stamp)}"
        return Fault(source.where, what, "give the file as it stood then")
    return inventory


def _dated(found: Finding, state: State, last: State) -> Finding:
    """A finding of a history, with when it stood and what stands now."""
    begins = date(state.begins) if state.begins else "the beginning"
    ends = f"to {date(state.ends)}" if state.ends else "until now"
    now = "" if state.ends is None else f"; now {last.finding} {last.version}".rstrip()
    if state.side:
        ends, now = "", f"; on the main line {last.finding}"
    why = f"{found.reason}: {begins} {ends}".rstrip() + now
    return Finding(found.finding, found.version, found.advisories, why, found.keys)


def _row(
    found: Found,
    form: str,
    of: Sequence[Package],
    verdict: verdicts.Verdict,
    every: Sequence[_Told],
    notes: Sequence[str],
) -> dict[str, object]:
    """A row: the gravest of what a file said of some packages, and all of it."""
    gravest = min(every, key=lambda entry: FINDINGS.index(entry.found.finding))
    told = gravest.found
    if len(every) > 1:
        told = _dated(told, gravest.state, every[-1].state)
    return {
        "of": [{"ecosystem": ecosystem, "package": name} for ecosystem, name in of],
        "system": found.system,
        "file": found.where,
        "format": form,
        "version": told.version,
        "advisory": ", ".join(told.advisories),
        "finding": told.finding,
        "verdict": verdict.verdict,
        "path": gravest.ways[0] if gravest.ways else "",
        "reason": "; ".join(filter(None, [told.reason, verdict.reason, *notes])),
        "settle": verdict.settle,
        "paths": gravest.ways,
        "through": gravest.through,
        "states": [
            {
                **{"finding": entry.state.finding, "version": entry.state.version},
                **{"commit": entry.commit},
                **{"begins": entry.state.begins, "ends": entry.state.ends},
            }
            for entry in every
        ],
    }


def _covers(install: Install, found: Found) -> bool:
    home, where = install.system.rstrip("/"), f"/{found.where.strip('/')}/"
    within = f"/{install.path}/" in where or install.path.lower() == Path(found.where).stem.lower()
    system = home.rpartition("/")[2] in ("", found.system) or f"/{home}/" in where
    return (not install.path or within) and system


def _instant(stamp: str) -> datetime | None:
    if not stamp:
        return None
    try:
        return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # the 31st of a shorter month
