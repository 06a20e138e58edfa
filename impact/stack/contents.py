"""The contents of files over time: as they lie there, and as git keeps them on every branch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
History = Mapping[str, Sequence[history.Revision]]  # path -> its contents
Content = tuple[history.Revision | None, Source | Fault]


class Scope(NamedTuple):
    """Whether all contents that git keeps are wanted, and those of which moment; None: of today."""

    history: bool
    as_of: datetime | None


class Read(NamedTuple):
    """A file with its contents over time, the last of them today's or that of the as-of day."""

    found: Found
    contents: Callable[[], Iterable[Content]]
    whole: bool = False  # with all branches of a repository that is scanned as a whole


def single(found: Found, content: Source | Fault) -> Read:
    """A file with one content, of which git is not asked."""
    return Read(found, partial(iter, [(None, content)]))


def contents(every: Iterable[Found], scope: Scope, folders: Sequence[Path]) -> Iterator[Read]:
    """Each file with its contents; after the last of a repository the locks that it removed."""
    read: set[Path] = set()
    dated = scope.history or scope.as_of is not None

    def home_of(found: Found) -> Path | None:
        return files.enclosing(found.path.resolve()) if dated and found.path else None

    for home, group in groupby(every, home_of):
        if home is None:
            yield from (single(found, found.source) for found in group)
        else:
            read.add(home.resolve())
            yield from _in_repository(home, list(group), folders, scope)
    for home in files.repositories(folders):
        if home.resolve() not in read and (dated or files.is_bare(home)):
            read.add(home.resolve())
            yield from _in_repository(home, [], folders, scope)


def _in_repository(
    home: Path, every: Sequence[Found], folders: Iterable[Path], scope: Scope
) -> Iterator[Read]:
    """Files of a repository with their contents; with a history, or without files, the gone ones.

    Those do not lie in its folder any more, or never did in a bare one.
    """
    root, places = home.resolve(), [folder.resolve() for folder in folders]
    try:
        log = history.revisions(home, scope.as_of)
        complete = scope.history and history.complete(home)
    except BadInput as error:
        fault = error.faults[0]
        for found in every or [Found(None, str(home), root.name, fault)]:
            yield single(found, fault)
        return
    mine = {(found.path or home).resolve().relative_to(root).as_posix(): found for found in every}
    if scope.history or not every:
        others = {name: of for name, of in log.items() if name not in mine}
        for inside in _gone(home, others, places, scope):
            path = home / inside
            gone = Fault(str(path), GONE, "see its history")
            mine[inside] = Found(path, str(path), root.name, gone)
    for inside, found in mine.items():
        over_time = partial(_over_time, home, inside, found, log.get(inside, []), scope)
        whole = complete and found.folder and root.is_relative_to(found.folder.resolve())
        yield Read(found, over_time, bool(whole))


def _gone(home: Path, log: History, places: Iterable[Path], scope: Scope) -> Iterator[str]:
    """The paths below some places that git keeps and no file of today stands for.

    Those whose name says that packages are named in them, or else their last content.
    """
    asked = list[tuple[str, history.Revision]]()
    for inside, revisions in log.items():
        path, last = home / inside, revisions[-1]
        below = any((path.parent.resolve() / path.name).is_relative_to(at) for at in places)
        held = [one for one in revisions if one.blob and (scope.history or one is last)]
        there = last.blob and path.exists() and not path.is_symlink()
        if below and held and not there and (scope.history or not last.side):
            if readers.promised(inside):
                yield inside
            elif not files.is_other(path):
                asked.append((inside, held[-1]))
    blobs = history.blobs(home, [one.blob for _, one in asked])
    for (inside, _), data in zip(asked, blobs, strict=True):
        if data is None or files.names_packages(home / inside, data):
            yield inside


def _over_time(
    home: Path,
    inside: str,
    found: Found,
    revisions: Sequence[history.Revision],
    scope: Scope,
) -> Iterator[Content]:
    """The contents of a path over time: all with `history`, else the one that stood last.

    One at a time, so that a long history needs no more memory than one content. What lies there
    now and is in no commit is the last.
    """
    main = [one for one in revisions if not one.side]
    wanted = [one for one in (revisions if scope.history else main[-1:]) if one.blob]
    if not wanted and scope.as_of is not None:
        what = "was in no commit by then"
        yield None, Fault(found.where, what, "leave out --as-of, or give the file of that day")
    last: Source | Fault | None = None
    contents = history.sources(home, inside, wanted, found.where)
    for one, content in zip(wanted, contents, strict=False):
        last = last if one.side else content
        yield one, content
    now = found.source
    stands = now == last and main[-1].blob
    if not stands and scope.as_of is None and getattr(now, "what", "") != GONE:
        yield None, now
