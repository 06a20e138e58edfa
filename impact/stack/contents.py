"""The contents of files over time: as they lie there, and as git keeps them on every branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from impact.base.errors import BadInput, Fault
from impact.stack import files, history, readers
from impact.stack.documents import Source
from impact.stack.files import Found

GONE = "is gone"  # from the folder; git still has it


class Asked(NamedTuple):
    """Whether all contents that git keeps are wanted, and those of which moment; None: of today."""

    history: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True)
class Read:
    """A file with its contents over time, the last of them today's or that of the as-of day."""

    found: Found
    contents: Callable[[], Iterable[tuple[history.Revision | None, Source | Fault]]]
    whole: bool = False  # with all branches of a repository that is scanned as a whole


def contents(every: Iterable[Found], asked_of: Asked, folders: Sequence[Path]) -> Iterator[Read]:
    """Each file with its contents; after the last of a repository the locks that it removed."""
    read: set[Path] = set()
    dated = asked_of.history or asked_of.as_of is not None
    homes = (
        (_home(found.path.resolve()) if dated and found.path else None, found) for found in every
    )
    for home, group in groupby(homes, key=lambda pair: pair[0]):
        mine = [found for _, found in group]
        if home is None:
            yield from (Read(found, partial(iter, [(None, found.source)])) for found in mine)
            continue
        read.add(home.resolve())
        try:
            log = history.revisions(home, asked_of.as_of)
            every_branch = asked_of.history and history.complete(home)
        except BadInput as error:
            yield from (Read(found, partial(iter, [(None, error.faults[0])])) for found in mine)
            continue
        seen = set()
        for found in mine:
            if found.path is not None:
                inside = found.path.resolve().relative_to(home.resolve()).as_posix()
                seen.add(inside)
                told = partial(_over_time, home, inside, found, log.get(inside, []), asked_of)
                within = found.folder and home.resolve().is_relative_to(found.folder.resolve())
                yield Read(found, told, bool(every_branch and within))
        if asked_of.history:
            below = {found.folder for found in mine if found.folder}
            rest = {inside: revisions for inside, revisions in log.items() if inside not in seen}
            yield from _only_in_git(home, rest, below, asked_of)
    for home in files.repositories(folders):
        if home.resolve() in read or not (dated or files.is_bare(home)):
            continue
        read.add(home.resolve())
        try:
            log = history.revisions(home, asked_of.as_of)
            yield from _only_in_git(home, log, folders, asked_of)
        except BadInput as error:
            fault = error.faults[0]
            yield Read(Found(None, str(home), home.name, fault), partial(iter, [(None, fault)]))


def _only_in_git(
    home: Path,
    log: Mapping[str, Sequence[history.Revision]],
    folders: Iterable[Path],
    asked_of: Asked,
) -> Iterator[Read]:
    """Files of a repository that do not lie in its folder any more, or never did in a bare one."""
    places = [folder.resolve() for folder in folders]
    bare = files.is_bare(home)
    for inside, revisions in log.items():
        path, named = home / inside, readers.promised(inside)
        below = bare or any(path.resolve().is_relative_to(folder) for folder in places)
        held = (revisions[-1].blob and not revisions[-1].side) or asked_of.history
        if named and below and held and not path.exists():
            gone = Fault(str(path), GONE, "see its history")
            found = Found(path, str(path), home.name or home.resolve().name, gone)
            yield Read(found, partial(_over_time, home, inside, found, revisions, asked_of))


def _home(path: Path) -> Path | None:
    """The repository that a file lies in, however far above."""
    return next((up for up in path.absolute().parents if (up / ".git").exists()), None)


def _over_time(
    home: Path,
    inside: str,
    found: Found,
    revisions: Sequence[history.Revision],
    asked_of: Asked,
) -> Iterator[tuple[history.Revision | None, Source | Fault]]:
    """The contents of a path over time: all with `history`, else the one that stood last.

    One at a time, so that a long history needs no more memory than one content. What lies there
    now and is in no commit is the last.
    """
    main = [one for one in revisions if not one.side]
    wanted = [one for one in (revisions if asked_of.history else main[-1:]) if one.blob]
    last: Source | Fault | None = None
    if not wanted and asked_of.as_of is not None:
        what = "was in no commit by then"
        yield None, Fault(found.where, what, "leave out --as-of, or give the file of that day")
        return
    texts = history.texts(home, [one.blob for one in wanted], found.where)
    for one, text in zip(wanted, texts, strict=False):
        beside = partial(history.beside, home, one.commit, inside)
        told = text if isinstance(text, Fault) else Source(text, found.where, beside)
        last = last if one.side else told
        yield one, told
    now = found.source
    changed = isinstance(now, Source) and not (
        isinstance(last, Source) and last.text == now.text and main and main[-1].blob
    )
    broken = isinstance(now, Fault) and now.what != GONE
    if (changed or broken) and asked_of.as_of is None:
        yield None, now
