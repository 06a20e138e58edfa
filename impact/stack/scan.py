"""Files, advisories, windows and installs into one frame: a row for each file and package."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.base.words import date
from impact.stack import paths, readers, verdicts
from impact.stack.advisories import Advisories, Packages, names_any
from impact.stack.contents import Read, Scope, contents, single
from impact.stack.documents import Source
from impact.stack.files import Found
from impact.stack.findings import (
    ABSENT,
    FINDINGS,
    LOCKED_AFFECTED,
    NOT_EVALUATED,
    SAYS,
    Finding,
    find,
)
from impact.stack.grammars import npm, pep508
from impact.stack.history import Revision
from impact.stack.inventory import ACTIONS, CI, LOCK, MANIFEST, NPM, Ask, Inventory, Unread, tail
from impact.stack.records import Records
from impact.stack.verdicts import NO, UNLIKELY, Install, Window

_STATE = {
    **dict.fromkeys(("finding", "version", "commit"), pl.String()),
    **dict.fromkeys(("begins", "ends"), times.INSTANT),
}
_TEXTS = (
    "system",
    "file",
    "format",
    "ecosystem",
    "package",
    "version",
    "advisory",
    "finding",
    "verdict",
    "path",
    "reason",
    "settle",
)
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(_TEXTS, pl.String()),
    **dict.fromkeys(("paths", "through"), pl.List(pl.String())),
    "states": pl.List(pl.Struct(_STATE)),
}
_OF = ("ecosystem", "package")  # lists in a row, which is exploded
CONSTRAINT = "--constraint"
NOT_KNOWN = "not known"  # a format
_BESIDE = "another file of this system could not be evaluated"
FEW = 16  # files that are read at a time, by more than one process where there are so many
_QUESTION: list[Question] = []  # of a worker, given when it begins
Rows = list[dict[str, object]]
Package = tuple[str, str]  # ecosystem and name; a name that is empty stands for all others of it


@dataclass(frozen=True)
class Question:
    """What every file is asked: which packages, when they were available, what was installed.

    `by_tail` are the packages by the last part of their name, `others` by ecosystem. Every file is
    asked about those `first`: all others of an ecosystem at once, and each that has a window or may
    have been installed.
    """

    packages: Packages = field(repr=False)
    windows: tuple[Window, ...]
    installs: tuple[Install, ...]
    as_of: datetime | None
    history: bool
    unread: tuple[Fault, ...]  # advisories that could not be read
    by_tail: Mapping[str, list[Package]] = field(repr=False)
    others: Mapping[str, list[Package]] = field(repr=False)
    first: tuple[Package, ...]


def question(
    advisories: Advisories,
    windows: Iterable[Window] = (),
    installs: Iterable[Install] = (),
    as_of: datetime | None = None,
    history: bool = False,
) -> Question:
    """The question that advisories, as known by a moment, put to files."""
    windows = tuple(windows)
    installs = tuple(one for one in installs if not as_of or one.begins <= times.until(as_of))
    known = advisories.known(as_of)
    by_tail: dict[str, list[Package]] = defaultdict(list)
    others: dict[str, list[Package]] = defaultdict(list)
    alone = {(window.ecosystem, window.package) for window in windows}
    seen = [install for install in installs if install.version]
    for package, records in known.items():
        by_tail[tail(package[1])].append(package)
        others[_base(package)].append(package)
        if any(_affected(package, records, False, install) for install in seen):
            alone.add(package)
    unread = advisories.unread
    first = (*((base, "") for base in others), *(package for package in known if package in alone))
    return Question(known, windows, installs, as_of, history, unread, by_tail, others, first)


def _base(package: Package) -> str:
    """The ecosystem of a package without the release of its distribution."""
    return package[0].partition(":")[0]


def scan(
    every: Iterable[Found],
    query: Question,
    progress: Callable[[str], None] = lambda file: None,
    folders: Sequence[Path] = (),
    workers: int = 1,
) -> pl.DataFrame:
    """A row for each file and package that an advisory names, in the order of files and packages.

    Columns: `system`, `file`, `format`, `ecosystem`, `package`, `version`, `advisory` (ids, by
    comma), `finding`, `verdict`, `path` (the shortest), `reason`, `settle`, `paths`, `through` (the
    packages that every way leads through), and `states`: what the file said from when to when.
    `progress` is called with each file once it is read. `folders` are looked through for
    repositories that have none of the files: those whose locks were removed, with `history`, and
    bare ones. Where there are many files several `workers` read them, each a process of its own. A
    folder without any file, an install of no file and an advisory that could not be read give a row
    too, without a package.
    """
    rows: Rows = []
    covering: set[str] = set()
    homes: set[Path] = set()
    read = contents(every, Scope(query.history, query.as_of), folders)
    for one, found in _evaluated(read, query, workers):
        progress(one.found.where)
        rows += found
        covering |= {i.where for i in query.installs if _covers(i, one.found)}
        homes |= {Path(one.found.where), *Path(one.found.where).parents}
    lone = [install.where for install in query.installs if install.where not in covering]
    problems = [
        *(
            (str(one), "nothing in it is known to name packages")
            for one in folders
            if one.is_dir() and one not in homes
        ),
        *((where, "covers no file that was scanned") for where in lone),
        *((one.where, f"{one.what}: what it names was not looked for") for one in query.unread),
    ]
    for where, why in problems:
        nothing = Finding(NOT_EVALUATED, reason=why)
        rows.append(_row("", where, NOT_KNOWN, [("", "")], verdicts.NOT_READ, [nothing]))
    return _frame(rows, bool(lone))


def _frame(rows: Sequence[dict[str, object]], lone: bool = False) -> pl.DataFrame:
    """The rows, one a package; `no` is never said of a system in which a part was not read.

    Nor is it where an install of no file may have been of any.
    """
    schema = SCHEMA | dict.fromkeys(_OF, pl.List(pl.String()))
    frame = pl.DataFrame(rows, schema=schema, orient="row").explode(_OF)
    unread = (pl.col("finding") == NOT_EVALUATED).any().over("system", *_OF) | lone
    open_ = (pl.col("verdict") == NO) & unread
    reason = pl.concat_str("reason", pl.lit(_BESIDE), separator="; ").str.strip_prefix("; ")
    instead = {
        "verdict": pl.lit(UNLIKELY),
        "reason": reason,
        "settle": pl.lit(verdicts.NOT_READ.settle),
    }
    return frame.with_columns(
        pl.when(open_).then(new).otherwise(name).alias(name) for name, new in instead.items()
    )


def constraint(spec: str, packages: Packages) -> pl.DataFrame:
    """A row for each package that a proposed constraint names: does it exclude what is affected?"""
    asked = pep508(spec)
    name, _, wanted = spec.rpartition("@")
    rows = []
    for package, records in packages.items():
        ask = npm(name.removeprefix("npm:"), wanted) if package[0] == NPM else asked
        if isinstance(ask, Ask) and ask.name == package[1]:
            found = find(Inventory(MANIFEST, package[:1], asks=[ask]), *package, records)
            verdict = verdicts.verdict([found._replace(kind=MANIFEST)], (), ())._replace(settle="")
            rows.append(_row("", CONSTRAINT, "constraint", [package], verdict, [found]))
    where = f'{CONSTRAINT} "{spec}"'
    if not rows and isinstance(asked, Unread):
        raise bad(where, asked.why, "give name and versions, `litellm<1.82.7`")
    if not rows:
        known = sorted({name for _, name in packages})
        near = did_you_mean(asked.name, known, f"it names one of {', '.join(known)[:200]}")
        raise bad(where, "is about no package that an advisory names", near)
    return _frame(rows)


def _evaluated(every: Iterator[Read], query: Question, workers: int) -> Iterator[tuple[Read, Rows]]:
    """Each file with its rows, in order; where a worker ended, its files are read here."""
    here = partial(_guarded, query=query)
    if workers == 1:
        yield from ((one, here(one)) for one in every)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (query,)) as pool:
        while some := list(islice(every, FEW)):
            try:
                rows = list(pool.map(_by_worker, some)) if len(some) == FEW else map(here, some)
            except BrokenProcessPool:
                rows = map(here, some)
            yield from zip(some, rows, strict=True)


def _begin(query: Question) -> None:
    """Give a worker its question; it ends with the process that began it."""
    _QUESTION.append(query)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _by_worker(one: Read) -> Rows:
    return _guarded(one, _QUESTION[-1])


def _guarded(one: Read, query: Question) -> Rows:
    """The rows of one file; a fault of the kit in one takes no alarm of another with it."""
    try:
        return list(_rows(one, query))
    except Exception as error:
        what = f"could not be evaluated ({type(error).__name__}, a fault of this program)"
        fault = Fault(one.found.where, what, "report it with the file")
        return list(_rows(single(one.found, fault), query))


def _rows(one: Read, query: Question) -> Iterator[dict[str, object]]:
    """The rows of one file: read once for each content, asked of the packages that it may name.

    All others of an ecosystem have the same finding, so that they are asked about once.
    """
    entries: dict[Package, list[Finding]] = {package: [] for package in query.first}
    inventory = Inventory(LOCK, format=NOT_KNOWN)
    for revision, source in one.contents():
        inventory = _inventory(source, query.as_of, inventory, one.found.where)
        _add_content(entries, one, revision, inventory, query)
    installs = [install for install in query.installs if _covers(install, one.found)]
    for package, every in entries.items():
        members = [package]
        if not package[1]:
            members = [other for other in query.others[package[0]] if other not in entries]
        if every and members:
            windows = [w for w in query.windows if (w.ecosystem, w.package) == package]
            there = any(state.finding != ABSENT for state in every)
            affected = partial(_affected, package, query.packages.get(package, ()), there)
            verdict = verdicts.verdict(every, windows, installs, affected)
            of = one.found.system, one.found.where, inventory.format
            yield _row(*of, members, verdict, every, inventory.notes)


def _add_content(
    entries: dict[Package, list[Finding]],
    one: Read,
    revision: Revision | None,
    inventory: Inventory,
    query: Question,
) -> None:
    """Add to the entries of each package what one content says of it."""
    commit, begins, ends, _, side = revision or ("", None, None, "", "")
    newest = _instant(inventory.newest)
    locked = newest if newest and begins and newest < begins else None
    begins = begins or newest
    parts = _by_tail(inventory, query.by_tail)
    for name in parts:
        for package in query.by_tail.get(name, ()):
            entries.setdefault(package, [*entries[_base(package), ""]])
    for package, every in entries.items():
        part = parts.get(tail(package[1]), parts[""])
        found = find(part, *package, query.packages.get(package, ()))
        homes = {ask.ecosystem for ask in part.asks} | {c.ecosystem for c in part.components}
        state = found._replace(
            begins=begins,
            ends=ends,
            locked=locked,
            kind=CI if homes == {ACTIONS} else part.kind,
            loose=inventory.loose,
            recorded=bool(revision) and one.whole,
            side=side,
            commit=commit,
        )
        if every and SAYS(every[-1]) == SAYS(state):
            every[-1] = every[-1]._replace(ends=ends)
        else:
            every.append(_on_paths(state, inventory, one.found.system))


def _on_paths(state: Finding, inventory: Inventory, system: str) -> Finding:
    """A finding with the paths to the components that it was found in."""
    if not state.keys:
        return state
    top = () if inventory.roots else (system,)
    ways = [" > ".join((*top, *way)) for way in paths.paths(inventory, state.keys)]
    affected = state.finding == LOCKED_AFFECTED
    through = paths.cuts(inventory, state.keys) if affected else ()
    return state._replace(paths=ways, through=through)


def _affected(package: Package, records: Records, there: bool, install: Install) -> bool:
    """Whether the version of an install is an affected one of a package.

    Where the line names no package it counts for what the file names, and for a package of which a
    record lists that very version.
    """
    if install.package:
        there = tail(install.package) == tail(package[1])
    elif any(install.version in record.versions for record in records if not record.gone):
        return True
    return there and names_any(records, install.version)


def _by_tail(inventory: Inventory, wanted: Mapping[str, object]) -> dict[str, Inventory]:
    """The parts of a file by the last part of their name; what may be any package is in each."""
    anything = [part for part in inventory.unread if not part.name]

    def empty() -> Inventory:
        return replace(inventory, components=[], asks=[], unread=[*anything])

    parts: dict[str, Inventory] = defaultdict(empty)
    for kind in ("components", "asks", "unread"):
        for part in getattr(inventory, kind):
            if part.name and (last := tail(part.name)) in wanted:
                getattr(parts[last], kind).append(part)
    for name in inventory.mentions:
        if (last := tail(name)) in wanted:
            parts[last]  # a place for it
    return {**parts, "": replace(empty(), mentions=frozenset())}


def _inventory(
    source: Source | Fault, as_of: datetime | None, last: Inventory, file: str
) -> Inventory:
    """What a content says; one that cannot be read is of the kind of the last, all of it unread."""
    try:
        if isinstance(source, Fault):
            raise BadInput(source)
        inventory = readers.read(source)
        stamp = _instant(inventory.newest)
        if as_of and stamp and stamp > times.until(as_of):
            what = f"was locked after {date(as_of)}, it holds what was uploaded {date(stamp)}"
            raise bad(source.where, what, "give the file as it stood then")
        return inventory
    except BadInput as error:
        fault = error.faults[0]
    why = f"{fault.where}: {fault.what}".removeprefix(file).lstrip(": ")
    known = readers.format_of(source.text, source.where) if isinstance(source, Source) else None
    form = known.name if known else last.format
    unread = [Unread(why)]
    return Inventory(last.kind, unread=unread, loose=last.loose, notes=last.notes, format=form)


def _dated(state: Finding, last: Finding) -> str:
    """The reason of a finding of a history, with when it stood and what stands now."""
    begins = date(state.begins) if state.begins else "the beginning"
    ends = f"to {date(state.ends)}" if state.ends else "until now"
    now = "" if state.ends is None else f"; now {last.finding} {last.version}".rstrip()
    if state.side:
        ends, now = "", f"; on the main line {last.finding}"
    return f"{state.reason}: {begins} {ends}".rstrip() + now


def _row(
    system: str,
    file: str,
    form: str,
    of: Sequence[Package],
    verdict: verdicts.Verdict,
    every: Sequence[Finding],
    notes: Sequence[str] = (),
) -> dict[str, object]:
    """A row: the gravest of what a file said of some packages, and all of it."""
    gravest = min(every, key=lambda state: FINDINGS.index(state.finding))
    reason = _dated(gravest, every[-1]) if len(every) > 1 else gravest.reason
    return {
        "ecosystem": [ecosystem for ecosystem, _ in of],
        "package": [name for _, name in of],
        "system": system,
        "file": file,
        "format": form,
        "version": gravest.version,
        "advisory": ", ".join(gravest.advisories),
        "finding": gravest.finding,
        "verdict": verdict.verdict,
        "path": next(iter(gravest.paths), ""),
        "reason": "; ".join(filter(None, [reason, verdict.reason, *notes])),
        "settle": verdict.settle,
        "paths": gravest.paths,
        "through": gravest.through,
        "states": [state._asdict() for state in every],
    }


def _covers(install: Install, found: Found) -> bool:
    home, where = install.system.rstrip("/"), f"/{found.where.strip('/')}/"
    within = f"/{install.path}/" in where or install.path.lower() == Path(found.where).stem.lower()
    system = home.rpartition("/")[2] in ("", found.system) or f"/{home}/" in where
    return (not install.path or within) and system


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None  # empty, or the 31st of a shorter month
