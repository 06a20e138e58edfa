"""Advisories of a folder, an archive or a file, and whether one names a version as affected."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from impact.base import times
from impact.base.errors import BadInput, Fault, bad
from impact.base.texts import decoded
from impact.base.words import date
from impact.stack.documents import Source
from impact.stack.inventory import fold
from impact.stack.records import Affected, record
from impact.stack.versions import comparable, in_range, same

MOST_BYTES = 4 << 20  # of one record
MOST_RATIO = 200  # of a file in an archive to its compressed size
_QUIET = re.compile(r"(?i)^(?:\.|readme|licen[cs]e|copying|notice|changelog|contributing)")
ENDINGS = (".json", ".yaml", ".yml", ".csv")
Record = tuple[str, bytes | Fault]  # name and content
Opener = Callable[[], IO[Any]]
Packages = dict[tuple[str, str], list[Affected]]


@dataclass(frozen=True)
class Advisories:
    """What records say, and the records that could not be read."""

    affected: tuple[Affected, ...] = field(repr=False)
    unread: tuple[Fault, ...] = ()

    def known(self, as_of: datetime | None) -> Packages:
        """Records by package, as published by a moment; one withdrawn by then names no version.

        Names that differ in case alone are one package, called as the first record has it.
        """
        until = as_of or datetime.now(UTC)
        found: Packages = {}
        names: dict[tuple[str, str], tuple[str, str]] = {}
        for one in self.affected:
            if as_of and one.published and one.published > times.until(as_of):
                continue
            if one.withdrawn and one.withdrawn <= until:
                note = f"{one.advisory} named it and was withdrawn {date(one.withdrawn)}"
                one = one._replace(gone=True, note=note)
            key = one.ecosystem, one.name
            key = names.setdefault((one.ecosystem, fold(*key)), key)
            found.setdefault(key, []).append(one)
        return found


def read(path: Path) -> Advisories:
    """The advisories of a folder, with those below it, of an archive, or of one file."""
    if not path.exists():
        raise bad(str(path), "is not there", "give a folder or a zip of OSV or CVE records")
    return joined(contents(path))


def contents(path: Path) -> Iterator[Record]:
    """(name, bytes) of each record of a folder, sorted, of an archive, or of one file."""
    for name, opened in _archived(path) if zipfile.is_zipfile(path) else _files(path):
        last = name.rpartition("/")[2]
        if _QUIET.search(last) and last != path.name:
            continue
        if not last.lower().endswith(ENDINGS):
            yield name, Fault(name, "is of no ending that is read", f"give {', '.join(ENDINGS)}")
            continue
        try:
            with opened() as stream:
                data = stream.read(MOST_BYTES + 1)
        except Exception as error:  # each way to compress raises what it likes
            what = f"cannot be read ({type(error).__name__})"
            yield name, Fault(name, what, "check path and rights, or get it again")
            continue
        large = Fault(name, "is larger than an advisory can be", "remove it")
        yield name, data if len(data) <= MOST_BYTES else large


def joined(records: Iterable[Record]) -> Advisories:
    """The advisories of records by name."""
    affected: list[Affected] = []
    unread: list[Fault] = []
    for name, data in records:
        try:
            if isinstance(data, Fault):
                raise BadInput(data)
            for one in record(Source(decoded(data, name), name)) or [Affected(name, "", "")]:
                if one.name:
                    affected.append(one)
                else:
                    what = f"{one.advisory}: {one.note or 'names no package'}"
                    unread.append(Fault(name, what, "give the whole record"))
        except BadInput as error:
            unread += error.faults
    return Advisories(tuple(affected), tuple(unread))


def _files(path: Path) -> Iterator[tuple[str, Opener]]:
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            name = file.relative_to(path).as_posix() if file != path else file.name
            yield name, partial(file.open, "rb")


def _archived(path: Path) -> Iterator[tuple[str, Opener]]:
    """The members of a zip, read in memory; a hostile zip is refused whole."""
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:
        what = f"is no archive that can be read ({error})"
        raise bad(path.name, what, "get it again") from None
    with archive:
        for info in archive.infolist():
            _harmless(path.name, info)
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, partial(archive.open, info)


def _harmless(archive: str, info: zipfile.ZipInfo) -> None:
    """Raise BadInput for a member that leaves its folder, is a link, or is far too large."""
    name = info.filename
    out = name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name[:3]
    large = info.file_size > MOST_RATIO * max(info.compress_size, 100)
    if out or large or stat.S_ISLNK(info.external_attr >> 16):
        what = "leads out of the archive, is a link, or is far larger than an advisory can be"
        raise bad(f"{archive}: {name[:80]}", what, "do not use this archive")


def names_version(record: Affected, version: str) -> bool | None:
    """Whether a record names a version as affected; None where that cannot be told."""
    if record.gone:
        return False
    ecosystem = record.ecosystem or "SEMVER"
    if any(same(ecosystem, version, other) for other in record.versions):
        return True
    answers = [in_range(ecosystem, version, events) for events in record.ranges]
    if True in answers:
        return True
    known = all(comparable(ecosystem, one) for one in (version, *record.versions))
    told = record.versions or answers
    return False if told and known and None not in answers else None


def names_any(records: Iterable[Affected], version: str) -> bool:
    """Whether one of some records names a version as affected."""
    return any(names_version(record, version) for record in records)


def examples(record: Affected) -> list[str]:
    """Versions that a record names: all of its list, and those at which its ranges begin or end."""
    events = (event for span in record.ranges for event in span)
    ends = [at for kind, at in events if kind in ("introduced", "last_affected") and at != "*"]
    return list(dict.fromkeys([*record.versions, *ends]))
