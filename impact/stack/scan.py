"""Files, advisories, windows and installs into one frame: a row for each file and package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import polars as pl

from impact.errors import BadInput, Fault, bad, did_you_mean
from impact.numerics import times
from impact.stack import files, history, readers, verdicts
from impact.stack.advisories import Advisories, Affected, names_any
from impact.stack.asking import asked
from impact.stack.documents import Source
from impact.stack.files import Found
from impact.stack.findings import (
    ABSENT,
    FINDINGS,
    LOCKED_AFFECTED,
    NOT_EVALUATED,
    Finding,
    find,
)
from impact.stack.inventory import LOCK, MANIFEST, NPM, PYPI, Ask, Inventory, Unread, canonical
from impact.stack.paths import cuts
from impact.stack.paths import paths as ways_in
from impact.stack.readers import package_json
from impact.stack.verdicts import Install, State, Window
from impact.words import date

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
Packages = dict[tuple[str, str], list[Affected]]


@dataclass(frozen=True)
class Question:
    """What is asked of every file: which packages, when they could be had, what was installed."""

    packages: Packages = field(repr=False)
    windows: tuple[Window, ...] = ()
    installs: tuple[Install, ...] = ()
    as_of: datetime | None = None
    history: bool = False
    unread: tuple[Fault, ...] = ()  # advisories that could not be read


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
    return Question(known, tuple(windows), seen, as_of, history, advisories.unread)


def scan(
    every: Iterable[Found],
    asked_of: Question,
    progress: Callable[[str], None] = lambda file: None,
    folders: Sequence[Path] = (),
) -> pl.DataFrame:
    """A row for each file and package that an advisory names, in the order of files and packages.

    Columns: `system`, `file`, `format`, `ecosystem`, `package`, `version`, `advisory` (ids, by
    comma), `finding`, `verdict`, `path` (the shortest), `reason`, `settle`, `paths`, `through` (the
    packages that every way leads through), and `states`: what the file said from when to when.
    `progress` is told each file before it is read. `folders` are looked through for repositories
    that have none of the files: those whose locks were removed, with `history`, and bare ones.
    """
    rows: list[dict[str, object]] = []
    for one in _dated_contents(every, asked_of, folders):
        progress(one.found.where)
        rows += _rows(one, asked_of)
    for fault in asked_of.unread:
        told = Finding(NOT_EVALUATED, reason=f"{fault.what}: what it names was not looked for")
        entry = _Told(told, State(NOT_EVALUATED, "", None, None), "", [], [])
        found = Found(None, fault.where, "", fault)
        rows.append(_row(found, "advisory", ("", ""), verdicts.NOT_READ, [entry]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def constraint(spec: str, packages: Packages) -> pl.DataFrame:
    """A row for each package that a proposed constraint names: does it exclude what is affected?"""
    ask = asked(spec)
    npm = package_json.asked(*_at(spec), "") if "@" in spec[1:] else None
    held = [
        (ecosystem, name, found)
        for (ecosystem, name) in packages
        for found in ([npm] if ecosystem == NPM else [ask])
        if isinstance(found, Ask) and found.name == name
    ]
    if not held and isinstance(ask, Unread) and ask.name:
        raise bad(f'{CONSTRAINT} "{spec}"', ask.why, "give name and versions, `litellm<1.82.7`")
    if not held:
        known = sorted({name for _, name in packages})
        near = did_you_mean(ask.name or spec, known, f"it names one of {', '.join(known)[:200]}")
        raise bad(f'{CONSTRAINT} "{spec}"', "is about no package that an advisory names", near)
    rows = []
    for ecosystem, name, found in held:
        inventory = Inventory("constraint", MANIFEST, (ecosystem,), asks=[found])
        told = find(inventory, ecosystem, name, packages[ecosystem, name])
        source = Found(None, CONSTRAINT, "", Fault("", "", ""))
        state = State(told.finding, told.version, None, None, MANIFEST)
        verdict = verdicts.verdict([state], (), ())._replace(settle="")
        entry = _Told(told, state, "", [], [])
        rows.append(_row(source, "constraint", (ecosystem, name), verdict, [entry]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _at(spec: str) -> tuple[str, str]:
    name, _, wanted = spec.rpartition("@")
    return name.removeprefix("npm:"), wanted


@dataclass(frozen=True)
class _Read:
    """A file with its contents over time, the last of them today's or that of the as-of day."""

    found: Found
    contents: Iterable[tuple[history.Revision | None, Source | Fault]]


class _Told(NamedTuple):
    """What one content says of a package, from when to when, by which ways and through whom."""

    found: Finding
    state: State
    commit: str
    ways: list[str]
    through: list[str]


def _dated_contents(
    every: Iterable[Found], asked_of: Question, folders: Sequence[Path]
) -> Iterator[_Read]:
    """Each file with its contents; after the last of a repository the locks that it removed."""
    read: set[Path] = set()
    dated = asked_of.history or asked_of.as_of is not None
    homes = (
        (_home(found.path.resolve()) if dated and found.path else None, found) for found in every
    )
    for home, group in groupby(homes, key=lambda pair: pair[0]):
        mine = [found for _, found in group]
        if home is None:
            yield from (_Read(found, [(None, found.source)]) for found in mine)
            continue
        read.add(home.resolve())
        try:
            log = history.revisions(home, asked_of.as_of)
        except BadInput as error:
            fault = error.faults[0]
            yield from (_Read(found, [(None, fault)]) for found in mine)
            continue
        seen = set()
        for found in mine:
            if found.path is not None:
                inside = found.path.resolve().relative_to(home.resolve()).as_posix()
                seen.add(inside)
                yield _Read(found, _contents(home, inside, found, log.get(inside, []), asked_of))
        if asked_of.history:
            below = {found.folder for found in mine if found.folder}
            yield from _only_in_git(
                home, {i: r for i, r in log.items() if i not in seen}, below, asked_of
            )
    for home in files.repositories(folders):
        if home.resolve() in read or not (dated or files.is_bare(home)):
            continue
        read.add(home.resolve())
        try:
            yield from _only_in_git(
                home, history.revisions(home, asked_of.as_of), folders, asked_of
            )
        except BadInput as error:
            yield _Read(
                Found(None, str(home), home.name, error.faults[0]), [(None, error.faults[0])]
            )


def _only_in_git(
    home: Path,
    log: Mapping[str, Sequence[history.Revision]],
    folders: Iterable[Path],
    asked_of: Question,
) -> Iterator[_Read]:
    """Files of a repository that do not lie in its folder any more, or never did in a bare one."""
    places = [folder.resolve() for folder in folders]
    bare = files.is_bare(home)
    for inside, revisions in log.items():
        path, named = home / inside, files.NAMED.fullmatch(Path(inside).name)
        below = bare or any(path.resolve().is_relative_to(folder) for folder in places)
        held = revisions[-1].blob or asked_of.history
        if named and below and held and not path.exists():
            where = str(path)
            gone = Fault(where, "is gone", "see its history")
            found = Found(path, where, home.name or home.resolve().name, gone)
            yield _Read(found, _contents(home, inside, found, revisions, asked_of))


def _home(path: Path) -> Path | None:
    """The repository that a file lies in, however far above."""
    return next((up for up in path.absolute().parents if (up / ".git").exists()), None)


def _contents(
    home: Path,
    inside: str,
    found: Found,
    revisions: Sequence[history.Revision],
    asked_of: Question,
) -> Iterator[tuple[history.Revision | None, Source | Fault]]:
    """The contents of a path over time: all with `history`, else the one that stood last.

    One at a time, so that a long history needs no more memory than one content. What lies there
    now and is in no commit is the last.
    """
    wanted = [one for one in (revisions if asked_of.history else revisions[-1:]) if one.blob]
    last: Source | Fault | None = None
    if not wanted and asked_of.as_of is not None:
        what = "was in no commit by then"
        yield None, Fault(found.where, what, "leave out --as-of, or give the file of that day")
        return
    texts = history.texts(home, [one.blob for one in wanted], found.where)
    for one, text in zip(wanted, texts, strict=False):
        beside = history.beside(home, one.commit, inside)
        last = text if isinstance(text, Fault) else Source(text, found.where, beside)
        yield one, last
    now = found.source
    changed = isinstance(now, Source) and not (
        isinstance(last, Source) and last.text == now.text and revisions[-1].blob
    )
    if changed and asked_of.as_of is None:
        yield None, now


def _rows(one: _Read, asked_of: Question) -> Iterator[dict[str, object]]:
    """The rows of one file: read once for each content, asked once for each package."""
    told: dict[tuple[str, str], list[_Told]] = {package: [] for package in asked_of.packages}
    form, kind, loose = "not known", LOCK, ()  # type: str, str, tuple[str, ...]
    for revision, source in one.contents:
        inventory = _inventory(source, asked_of.as_of)
        begins, ends = (revision.begins, revision.ends) if revision else (None, None)
        if isinstance(inventory, Inventory):
            form, kind, loose = inventory.format, inventory.kind, inventory.loose
            begins = begins or _instant(inventory.newest)
        elif form == "not known":
            form = _named(source)
        for package, found in _findings(inventory, one.found.where, asked_of.packages):
            shape = kind, loose, revision is not None
            state = State(found.finding, found.version, begins, ends, *shape)
            before = told[package][-1] if told[package] else None
            if before and _alike(before.state, state):
                told[package][-1] = before._replace(state=before.state._replace(ends=ends))
                continue
            ways: list[str] = []
            through: list[str] = []
            if isinstance(inventory, Inventory) and found.keys:
                top = () if inventory.roots else (one.found.system,)
                ways = [" > ".join((*top, *way)) for way in ways_in(inventory, found.keys)]
                grave = found.finding == LOCKED_AFFECTED
                through = cuts(inventory, found.keys) if grave else []
            commit = revision.commit if revision else ""
            told[package].append(_Told(found, state, commit, ways, through))
    mine = [install for install in asked_of.installs if _covers(install, one.found.where)]
    for package, every in told.items():
        if every:
            windows = [w for w in asked_of.windows if (w.ecosystem, w.package) == package]
            states = [entry.state for entry in every]
            affected = partial(names_any, asked_of.packages[package])
            verdict = verdicts.verdict(states, windows, mine, affected)
            yield _row(one.found, form, package, verdict, every)


def _alike(one: State, other: State) -> bool:
    """Whether a state goes on in another."""
    return one._replace(begins=None, ends=None) == other._replace(begins=None, ends=None)


def _inventory(source: Source | Fault, as_of: datetime | None) -> Inventory | Fault:
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


def _findings(
    inventory: Inventory | Fault, file: str, packages: Packages
) -> Iterator[tuple[tuple[str, str], Finding]]:
    """The finding of each package; those whose name stands nowhere in the file are absent."""
    if isinstance(inventory, Fault):
        at = inventory.where.removeprefix(file).lstrip(": ")
        why = f"{at}: {inventory.what}" if at else inventory.what
        for package in packages:
            yield package, Finding(NOT_EVALUATED, reason=why)
        return
    named = {component.name for component in inventory.components}
    named |= {ask.name for ask in inventory.asks} | {part.name for part in inventory.unread}
    ends = {"/".join(name.lower().split("/")[-2:]) for name in named if "/" in name}
    ends |= {canonical(PYPI, re.split("[/:]", name)[-1]) for name in named}
    for (ecosystem, name), records in packages.items():
        mute = name not in named and name not in ends and "" not in named
        if mute and not inventory.ecosystems:
            yield (ecosystem, name), Finding(ABSENT)
        else:
            yield (ecosystem, name), find(inventory, ecosystem, name, records)


def _dated(found: Finding, state: State, last: State) -> Finding:
    """A finding of a history, with when it stood and what stands now."""
    begins = date(state.begins) if state.begins else "the beginning"
    ends = f"to {date(state.ends)}" if state.ends else "until now"
    now = "" if state.ends is None else f"; now {last.finding} {last.version}".rstrip()
    why = f"{found.reason}: {begins} {ends}{now}"
    return Finding(found.finding, found.version, found.advisories, why, found.keys)


def _row(
    found: Found,
    form: str,
    package: tuple[str, str],
    verdict: verdicts.Verdict,
    every: Sequence[_Told],
) -> dict[str, object]:
    """A row: the gravest of what a file said of a package, and all of it."""
    gravest = min(every, key=lambda entry: FINDINGS.index(entry.found.finding))
    told = gravest.found
    if len(every) > 1:
        told = _dated(told, gravest.state, every[-1].state)
    return {
        "system": found.system,
        "file": found.where,
        "format": form,
        "ecosystem": package[0],
        "package": package[1],
        "version": told.version,
        "advisory": ", ".join(told.advisories),
        "finding": told.finding,
        "verdict": verdict.verdict,
        "path": gravest.ways[0] if gravest.ways else "",
        "reason": "; ".join(filter(None, [told.reason, verdict.reason])),
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


def _covers(install: Install, where: str) -> bool:
    path = install.path.strip("/")
    return not path or f"/{path}/" in f"/{where.strip('/')}/"


def _named(source: Source | Fault) -> str:
    found = None if isinstance(source, Fault) else readers.format_of(source.text, source.where)
    return found if isinstance(found, str) else getattr(found, "FORMAT", "not known")


def _instant(stamp: str) -> datetime | None:
    if not stamp:
        return None
    try:
        return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None  # the 31st of a shorter month
