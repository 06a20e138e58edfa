"""Advisories into what they say is affected: OSV records (PyPA, GHSA, OpenSSF), CVE 5 records.

A record without a severity, without ranges or without an id counts like any other. Records are
joined by the package and version that they name, whether or not their aliases join them.
"""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, UnsetType
from msgspec import field as column

from impact.errors import BadInput, Fault, bad
from impact.numerics import times
from impact.stack import documents
from impact.stack.documents import Source
from impact.stack.inventory import ECOSYSTEMS, NPM, canonical, from_purl
from impact.stack.versions import comparable, in_range, same
from impact.texts import decoded

MOST_BYTES = 4 << 20  # of one record
MOST_RATIO = 200  # of a file in an archive to its compressed size
MOST_FILES = 1_000_000
_BROKEN = (  # what a damaged archive raises
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError),
    *(NotImplementedError, UnicodeDecodeError),
)
ENDINGS = (".json", ".yaml", ".yml")


class _Range(Struct):
    type: str = ""
    events: list[dict[str, str]] = column(default_factory=list)


class _Package(Struct):
    ecosystem: str
    name: str


class _Affected(Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None


class _Osv(Struct):
    id: str | UnsetType = UNSET
    aliases: list[str] | None = None
    published: str = ""
    modified: str = ""
    withdrawn: str | None = None
    affected: list[_Affected] | None = None
    database_specific: dict[str, Any] | None = None


class _CveVersion(Struct, rename="camel"):
    version: str = ""
    status: str = ""
    less_than: str = ""
    less_than_or_equal: str = ""


class _CveAffected(
    Struct,
    rename={
        **{"package_url": "packageURL", "default_status": "defaultStatus"},
        **{"collection_url": "collectionURL", "package_name": "packageName"},
    },
):
    vendor: str = ""
    product: str = ""
    package_url: str = ""
    collection_url: str = ""
    package_name: str = ""
    default_status: str = ""
    versions: list[_CveVersion] = column(default_factory=list)


class _Cna(Struct):
    affected: list[_CveAffected] = column(default_factory=list)


class _Containers(Struct):
    cna: _Cna = column(default_factory=_Cna)
    adp: list[_Cna] = column(default_factory=list)


class _Meta(Struct, rename="camel"):
    cve_id: str = ""
    state: str = ""
    date_published: str = ""
    date_rejected: str = ""


class _Cve(Struct, rename="camel"):
    cve_metadata: _Meta
    containers: _Containers = column(default_factory=_Containers)


class Affected(NamedTuple):
    """What one record says of one package: versions by name, and ranges as (type, events)."""

    advisory: str
    ecosystem: str
    name: str
    versions: tuple[str, ...]
    ranges: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    published: datetime | None
    withdrawn: datetime | None
    note: str = ""


@dataclass(frozen=True)
class Advisories:
    """What records say, and the records that could not be read."""

    affected: tuple[Affected, ...] = field(repr=False)
    unread: tuple[Fault, ...] = ()

    def known(self, as_of: datetime | None) -> dict[tuple[str, str], list[Affected]]:
        """Records by package, as published by a moment and not withdrawn by then."""
        found: dict[tuple[str, str], list[Affected]] = {}
        for record in self.affected:
            published = record.published
            if as_of and published and published > times.until(as_of):
                continue
            if record.withdrawn and record.withdrawn <= (as_of or datetime.now(UTC)):
                continue
            found.setdefault((record.ecosystem, record.name), []).append(record)
        return found


def read(path: Path) -> Advisories:
    """The advisories of a folder, with those below it, of an archive, or of one file."""
    if not path.exists():
        raise bad(str(path), "is not there", "give a folder or a zip of OSV or CVE records")
    return joined(contents(path))


def contents(path: Path) -> Iterator[tuple[str, bytes | Fault]]:
    """(name, bytes) of each record of a folder, an archive, or one file."""
    return _archived(path) if _is_archive(path) else _files(path)


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except _BROKEN as error:
        raise bad(path.name, f"is no archive that can be read ({error})", "get it again") from None


def joined(records: Iterable[tuple[str, bytes | Fault]]) -> Advisories:
    """The advisories of records by name."""
    affected: list[Affected] = []
    unread: list[Fault] = []
    for name, data in records:
        try:
            if isinstance(data, Fault):
                raise BadInput(data)
            affected += record(Source(decoded(data, name), name))
        except BadInput as error:
            unread += error.faults
    return Advisories(tuple(affected), tuple(unread))


def _files(path: Path) -> Iterator[tuple[str, bytes | Fault]]:
    """(name, bytes) of each record of a folder, sorted."""
    if path.is_file():
        found = [path]
    else:
        found = sorted(file for file in path.rglob("*") if file.suffix in ENDINGS)
    for file in found:
        name = file.relative_to(path).as_posix() if file != path else file.name
        try:
            if not file.is_file():
                continue
            if file.stat().st_size > MOST_BYTES:
                yield name, Fault(name, "is larger than an advisory can be", "remove it")
                continue
            yield name, file.read_bytes()
        except OSError as error:
            yield name, Fault(name, f"cannot be read ({error.strerror})", "check path and rights")


def _archived(path: Path) -> Iterator[tuple[str, bytes | Fault]]:
    """(name, bytes) of each record of a zip, read in memory; a hostile zip is refused whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            every = archive.infolist()
            if len(every) > MOST_FILES:
                raise bad(path.name, "holds a million files or more", "give a smaller archive")
            for info in every:
                _harmless(path.name, info)
            for info in every:
                if not info.is_dir() and info.filename.endswith(ENDINGS):
                    with archive.open(info) as opened:
                        yield info.filename, opened.read(MOST_BYTES + 1)[:MOST_BYTES]
    except _BROKEN as error:
        raise bad(path.name, f"is no archive that can be read ({error})", "get it again") from None


def _harmless(archive: str, info: zipfile.ZipInfo) -> None:
    """Raise BadInput for a member that leaves its folder, is a link, or is far too large."""
    name = info.filename
    where = f"{archive}: {name[:80]}"
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name[:3]:
        raise bad(where, "leads out of the archive", "do not use this archive")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise bad(where, "is a symbolic link", "do not use this archive")
    if info.file_size > MOST_BYTES or info.file_size > MOST_RATIO * max(info.compress_size, 100):
        raise bad(where, "is far larger than an advisory can be", "do not use this archive")


def record(source: Source) -> list[Affected]:
    """What one record says, package by package."""
    json = source.text.lstrip()[:1] == "{"
    data = documents.from_json(source) if json else documents.from_yaml(source)
    if isinstance(data, dict) and data.get("dataType") == "CVE_RECORD":
        return _cve(documents.shaped(data, _Cve, source.where))
    found = documents.shaped(data, _Osv, source.where)
    if found.id is UNSET or not isinstance(data, dict) or "affected" not in data:
        raise bad(source.where, "is no OSV or CVE record", "remove it from the advisories")
    name = found.id or next(iter(found.aliases or ()), "") or Path(source.where).stem
    published = _time(found.published or found.modified, source.where)
    withdrawn = _time(found.withdrawn or "", source.where)
    return [
        Affected(
            name,
            _ecosystem(one.package.ecosystem),
            canonical(_ecosystem(one.package.ecosystem), one.package.name.strip()),
            tuple(one.versions or ()),
            tuple(
                (span.type, tuple(pair for event in span.events for pair in event.items()))
                for span in one.ranges or ()
            ),
            published,
            withdrawn,
            _origins(found, one),
        )
        for one in found.affected or ()
        if one.package is not None
    ]


def _ecosystem(name: str) -> str:
    """An ecosystem as OSV writes it, whatever its case."""
    known = {one.lower(): one for one in ECOSYSTEMS.values()}
    return known.get(name.strip().lower(), name.strip())


def _origins(found: _Osv, one: _Affected) -> str:
    """What to know where the origins of a record name other versions than the record does."""
    own = (found.database_specific or {}).get("malicious-packages-origins")
    spans = [{"type": span.type, "events": span.events} for span in one.ranges or ()]
    told = []
    for origin in own if isinstance(own, list) else []:
        if not isinstance(origin, dict):
            continue
        versions = origin.get("versions")
        named = sorted(map(str, versions if isinstance(versions, list) else ()))
        more = set(named) - set(one.versions or ())
        if more and one.versions:
            told.append(f"{origin.get('source')} names {', '.join(sorted(more))} too")
        elif not named and origin.get("ranges", spans) != spans:
            told.append(f"{origin.get('source')} names another range")
    return "; ".join(dict.fromkeys(told))


def _cve(found: _Cve) -> list[Affected]:
    """What a CVE record says: products by vendor where it names no package."""
    meta = found.cve_metadata
    rejected = _time(meta.date_rejected or meta.date_published, meta.cve_id)
    rejected = rejected or datetime.min.replace(tzinfo=UTC)
    affected = []
    containers = (found.containers.cna, *found.containers.adp)
    for one in (one for container in containers for one in container.affected):
        ecosystem, name, _ = from_purl(one.package_url)
        if not name and one.package_name:
            ecosystem = _collection(one.collection_url)
            name = canonical(ecosystem, one.package_name)
        name = name or canonical("", f"{one.vendor}/{one.product}")
        versions, ranges = [], []
        for item in one.versions:
            if (item.status or one.default_status) != "affected":
                continue
            version, events = _cve_range(item)
            if events:
                ranges.append(("SEMVER", events))
            else:
                versions.append(version)
        affected.append(
            Affected(
                meta.cve_id,
                ecosystem,
                name,
                tuple(versions),
                tuple(ranges),
                _time(meta.date_published, meta.cve_id),
                rejected if meta.state == "REJECTED" else None,
            )
        )
    return affected


def _collection(url: str) -> str:
    """The ecosystem of a collection of packages, by the host of its address; empty if not known."""
    host = url.partition("://")[2].partition("/")[0].lower()
    kinds = {"npmjs": NPM, "rubygems": "RubyGems", "crates": "crates.io", **ECOSYSTEMS}
    return next((name for kind, name in kinds.items() if kind in host.split(".")), "")


def _cve_range(item: _CveVersion) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(version, events): one version, or the events of a range; `< 0.2.6` is written as one too."""
    begin = re.sub(r"^[=v\s]+", "", item.version) or "0"
    if item.less_than or item.less_than_or_equal:
        kind = "fixed" if item.less_than else "last_affected"
        end = (item.less_than or item.less_than_or_equal).removeprefix("v")
        start = "0" if begin in ("*", "unspecified") else begin
        return begin, (("introduced", start), (kind, end))
    parts = re.findall(r"(<=|>=|<|>)\s*v?([\w.+-]+)", item.version)
    if not parts:
        return begin, (("introduced", "0"),) if begin in ("*", "0", "unspecified") else ()
    kinds = {"<": "fixed", "<=": "last_affected", ">=": "introduced", ">": "introduced"}
    events = [(kinds[sign], version) for sign, version in parts]
    whole = any(kind == "introduced" for kind, _ in events)
    return begin, tuple(events) if whole else (("introduced", "0"), *events)


def _time(text: str, where: str) -> datetime | None:
    if not text:
        return None
    found = re.match(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", text)
    if not found:
        raise bad(where, f'"{text[:40]}" is no time', times.HOW)
    stamp = found[0].replace(" ", "T")
    try:
        return times.parse(stamp + "Z" if "T" in stamp else stamp)
    except ValueError as error:
        raise bad(where, f'"{text[:40]}" is no time', str(error)) from None


def names_version(record: Affected, version: str) -> bool | None:
    """Whether a record names a version as affected; None where that cannot be told."""
    ecosystem = record.ecosystem or "SEMVER"
    if any(same(ecosystem, version, other) for other in record.versions):
        return True
    known = all(comparable(ecosystem, one) for one in (version, *record.versions))
    told: list[bool | None] = [] if known else [None]
    for kind, events in record.ranges:
        if kind != "GIT":
            told.append(in_range(ecosystem, version, events))
    if True in told:
        return True
    if None in told or (not record.versions and not told):
        return None
    return False


def names_any(records: Iterable[Affected], version: str) -> bool:
    """Whether one of some records names a version as affected."""
    return any(names_version(record, version) for record in records)


def examples(record: Affected) -> list[str]:
    """Versions that a record names: all of its list, and those at which its ranges begin or end."""
    events = (event for kind, events in record.ranges if kind != "GIT" for event in events)
    ends = [at for kind, at in events if kind in ("introduced", "last_affected") and at != "*"]
    return list(dict.fromkeys([*record.versions, *ends]))
