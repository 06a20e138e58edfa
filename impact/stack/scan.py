"""Files, advisories, windows and installs into one frame: a row for each file and package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import polars as pl

from impact.errors import BadInput, Fault, bad, did_you_mean
from impact.numerics import times
from impact.stack import files, history, readers, verdicts
from impact.stack.advisories import Advisories, Affected
from impact.stack.asking import asked
from impact.stack.documents import Source
from impact.stack.files import Found
from impact.stack.findings import ABSENT, FINDINGS, NOT_EVALUATED, Finding, find
from impact.stack.inventory import LOCK, MANIFEST, NPM, Ask, Inventory
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
    "paths": pl.List(pl.String()),
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
) -> pl.DataFrame:
    """A row for each file and package that an advisory names, in the order of files and packages.

    Columns: `system`, `file`, `format`, `ecosystem`, `package`, `version`, `advisory` (ids, by
    comma), `finding`, `verdict`, `path` (the shortest), `reason`, `settle`, `paths`, and `states`:
    what the file said from when to when. `progress` is told each file before it is read.
    """
    rows: list[dict[str, object]] = []
    for one in _dated_contents(every, asked_of):
        progress(one.found.where)
        rows += _rows(one, asked_of)
    for fault in asked_of.unread:
        told = Finding(NOT_EVALUATED, reason=f"{fault.what}: what it names was not looked for")
        found, verdict = Found(None, fault.where, "", fault), verdicts.NOT_READ
        rows.append(_row(found, "advisory", ("", ""), told, verdict, [], []))
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
    if not held:
        known = sorted({name for _, name in packages})
        near = did_you_mean(ask.name or spec, known, f"it names one of {', '.join(known)[:200]}")
        raise bad(f'{CONSTRAINT} "{spec}"', "is about no package that an advisory names", near)
    rows = []
    for ecosystem, name, found in held:
        inventory = Inventory("constraint", MANIFEST, (ecosystem,), asks=[found])
        told = find(inventory, ecosystem, name, packages[ecosystem, name])
        source = Found(None, CONSTRAINT, "", Fault("", "", ""))
        state = State(told.finding, told.version, None, None)
        verdict = verdicts.verdict(MANIFEST, (), [state], (), ())._replace(settle="")
        rows.append(_row(source, "constraint", (ecosystem, name), told, verdict, [], []))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _at(spec: str) -> tuple[str, str]:
    name, _, wanted = spec.rpartition("@")
    return name.removeprefix("npm:"), wanted


@dataclass(frozen=True)
class _Read:
    """A file with its contents over time, the last of them today's or that of the as-of day."""

    found: Found
    contents: list[tuple[history.Revision | None, Source | Fault]]


def _dated_contents(every: Iterable[Found], asked_of: Question) -> Iterator[_Read]:
    logs: dict[Path, dict[str, list[history.Revision]]] = {}
    seen: dict[Path, set[str]] = {}
    dated = asked_of.history or asked_of.as_of is not None
    for found in every:
        home = _home(found.path) if dated and found.path else None
        if home is None or found.path is None:
            yield _Read(found, [(None, found.source)])
            continue
        if home not in logs:
            logs[home] = history.revisions(home, asked_of.as_of)
        inside = found.path.resolve().relative_to(home.resolve()).as_posix()
        seen.setdefault(home, set()).add(inside)
        revisions = logs[home].get(inside, [])
        yield _Read(found, list(_contents(home, inside, found.where, revisions, asked_of)))
    for home, log in logs.items():  # locks that were removed since
        for inside, revisions in log.items():
            name = PurePosixPath(inside).name
            if inside in seen[home] or not files.NAMED.fullmatch(name) or not asked_of.history:
                continue
            where = str(home / inside)
            source = Fault(where, "is gone", "see its history")
            found = Found(home / inside, where, home.name or home.resolve().name, source)
            yield _Read(found, list(_contents(home, inside, where, revisions, asked_of)))


def _home(path: Path) -> Path | None:
    """The repository that a file lies in, however far above."""
    return next((up for up in path.absolute().parents if (up / ".git").exists()), None)


def _contents(
    home: Path,
    inside: str,
    where: str,
    revisions: Sequence[history.Revision],
    asked_of: Question,
) -> Iterator[tuple[history.Revision | None, Source | Fault]]:
    """The contents of a path over time: all with `history`, else the one that stood last."""
    wanted = list(revisions if asked_of.history else revisions[-1:])
    if not wanted:
        what = "was in no commit by then" if asked_of.as_of else "is in no commit"
        yield None, Fault(where, what, "commit it, or leave out --as-of and --history")
        return
    texts = dict(history.texts(home, [one.blob for one in wanted if one.blob], where))
    for one in wanted:
        text = texts.get(one.blob)
        if not one.blob:
            continue  # it was not there from then on
        if isinstance(text, Fault) or text is None:
            yield one, text or Fault(where, "cannot be had from git", "look at the repository")
        else:
            yield one, Source(text, where, history.beside(home, one.commit, inside))


def _rows(one: _Read, asked_of: Question) -> Iterator[dict[str, object]]:
    """The rows of one file: read once for each content, asked once for each package."""
    told: dict[tuple[str, str], list[tuple[Finding, State, str, list[str]]]] = {
        package: [] for package in asked_of.packages
    }
    form, kind, loose = "not known", LOCK, ()  # type: str, str, tuple[str, ...]
    for revision, source in one.contents:
        inventory = _inventory(source, asked_of.as_of)
        begins, ends = (revision.begins, revision.ends) if revision else (None, None)
        commit = revision.commit if revision else ""
        if isinstance(inventory, Inventory):
            form, kind, loose = inventory.format, inventory.kind, inventory.loose
            begins = begins or _instant(inventory.newest)
        elif form == "not known":
            form = _named(source)
        for package, found in _findings(inventory, one.found.where, asked_of.packages):
            shown: list[str] = []
            if isinstance(inventory, Inventory) and found.keys:
                top = () if inventory.roots else (one.found.system,)
                shown = [" > ".join((*top, *way)) for way in ways_in(inventory, found.keys)]
            state = State(found.finding, found.version, begins, ends)
            before = told[package][-1] if told[package] else None
            if before and (before[1].finding, before[1].version) == (state.finding, state.version):
                told[package][-1] = (found, before[1]._replace(ends=ends), before[2], shown)
            else:
                told[package].append((found, state, commit, shown))
    mine = [install for install in asked_of.installs if _covers(install, one.found.where)]
    for package, every in told.items():
        if not every:
            continue
        windows = [w for w in asked_of.windows if (w.ecosystem, w.package) == package]
        gravest = min(every, key=lambda each: FINDINGS.index(each[0].finding))
        states = [state for _, state, _, _ in every]
        verdict = verdicts.verdict(kind, loose, states, windows, mine)
        found, state, _, shown = gravest
        if len(every) > 1:
            found = _dated(found, state, every[-1][1])
        yield _row(one.found, form, package, found, verdict, shown, every)


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
    told: Finding,
    verdict: verdicts.Verdict,
    shown: Sequence[str],
    every: Sequence[tuple[Finding, State, str, list[str]]],
) -> dict[str, object]:
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
        "path": shown[0] if shown else "",
        "reason": "; ".join(filter(None, [told.reason, verdict.reason])),
        "settle": verdict.settle,
        "paths": list(shown),
        "states": [
            {
                **{"finding": state.finding, "version": state.version, "commit": commit},
                **{"begins": state.begins, "ends": state.ends},
            }
            for _, state, commit, _ in every
        ],
    }


def _covers(install: Install, where: str) -> bool:
    path = install.path.strip("/")
    return not path or f"/{path}/" in f"/{where.strip('/')}/"


def _named(source: Source | Fault) -> str:
    found = None if isinstance(source, Fault) else readers.format_of(source.text)
    return found if isinstance(found, str) else getattr(found, "FORMAT", "not known")


def _instant(stamp: str) -> datetime | None:
    if not stamp:
        return None
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
