"""What records of advisories say is affected, whatever shape they come in.

Read are OSV records (PyPA, GHSA, OpenSSF) and answers of its service, CVE 5 records, answers of
GitHub's interfaces (REST, GraphQL, Dependabot), CSAF 2.0, CISA's catalogue of exploited
vulnerabilities, and campaign lists (a CSV of package and version). A record without a severity,
without ranges or without an id counts like any other. Records are joined by the package and version
that they name, whether or not their aliases join them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from impact.base import times
from impact.base.errors import BadInput, bad
from impact.base.texts import sheet
from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, rows, table, word
from impact.stack.inventory import DATA, ECOSYSTEMS, canonical, from_purl
from impact.stack.versions import BEGINS

Events = tuple[tuple[str, str], ...]  # (kind, version), as OSV has them
_HOMES = {one.lower(): one for one in ECOSYSTEMS.values()} | ECOSYSTEMS | DATA["github"]
_SIGNS = {"<": "fixed", "<=": "last_affected", ">=": "introduced", ">": "above"}
_ALL = ("*", "0", "unspecified")
_EVER = datetime.min.replace(tzinfo=UTC)
_COLUMNS = {  # of a campaign list
    "scope": "namespace|scope|group(?: id)?",
    "package": r"(?:affected |malicious )?(?:package|library|component|artifact)(?: (?:name|id)s?)?"
    "|names?|purl",
    "version": r"(?!.*(?:safe|fix|latest|patch|clean|good|secure|current)).*\bversions?\W*",
    "ecosystem": "ecosystem|registry|type|package (?:manager|type|ecosystem)",
}
# Of CSAF; what was first and last affected is taken for a range on its own, so that none is missed.
_AFFECTED = {"": "known_affected", ">=": "first_affected", "<=": "last_affected"}


class _Range(Struct):
    type: str = ""
    events: list[dict[str, str]] = field(default_factory=list)


class _Package(Struct):
    ecosystem: str
    name: str


class _Affected(Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    database_specific: Table | None = None


class _Osv(Struct):
    id: str = ""
    aliases: list[str] | None = None
    published: str = ""
    modified: str = ""
    withdrawn: str | None = None
    affected: list[_Affected] | None = None
    database_specific: Table | None = None


class Affected(NamedTuple):
    """What one record says of one package: versions by name, and ranges by their events.

    Without a name the record could not be read, and `note` says why.
    """

    advisory: str
    ecosystem: str
    name: str
    versions: tuple[str, ...] = ()
    ranges: tuple[Events, ...] = ()  # over versions; those over commits say nothing of one
    published: datetime | None = None
    withdrawn: datetime | None = None
    note: str = ""
    aliases: tuple[str, ...] = ()
    gone: bool = False  # withdrawn by the moment that is asked about


Records = Sequence[Affected]  # of one package


def record(source: Source) -> list[Affected]:
    """What one file of records says, package by package; raises BadInput where it is none."""
    if source.where.endswith(".csv"):
        return list(_campaign(source))
    json = source.text.lstrip()[:1] in ("{", "[")
    data = documents.from_json(source) if json else documents.from_yaml(source)
    return list(_any(data, source.where))


def _any(data: object, where: str) -> Iterator[Affected]:
    """What a record, or each of a list, says, and what is missing of an answer."""
    if isinstance(data, list):
        for one in data:
            yield from _any(one, where)
        return
    body = table(data)
    more = (one is True for _, key, one in documents.walk(body.get("data")) if key == "hasNextPage")
    if body.get("next_page_token") or any(more):
        yield Affected("an answer", "", "", note="has a further page, which is not here")
    if body.get("errors"):
        yield Affected("an answer", "", "", note="holds errors in place of what was asked for")
    read = next((read for key, read in _FORMS.items() if key in body), _osv)
    yield from read(body, where)


def _answers(body: Table, where: str) -> Iterator[Affected]:
    """What an answer of OSV says; where nothing was found, it has an empty table."""
    yield from _any(list(filter(None, [*rows(body, "vulns"), *rows(body, "results")])), where)


def _osv(body: Table, where: str) -> Iterator[Affected]:
    """What an OSV record says; a range that is open is ended as its database says."""
    found = documents.shaped(body, _Osv, where)
    if "id" not in body:
        raise bad(where, "is no record of an advisory that is known", "give OSV, CVE or CSAF")
    name = found.id or next(iter(found.aliases or ()), "") or Path(where).stem
    published = _time(found.published or found.modified, where)
    withdrawn = _time(found.withdrawn or "", where)
    for one in found.affected or [_Affected()]:
        package = one.package or _Package("", "")
        last, known = _range(word(one.database_specific, "last_known_affected_version_range"))
        ends = tuple(event for event in known if event[0] not in BEGINS)
        ends = ends or tuple(("last_affected", version) for version in last)
        spans = []
        for span in one.ranges or ():
            events = tuple(pair for event in span.events for pair in event.items())
            shut = any(kind != "introduced" for kind, _ in events)
            if span.type != "GIT":
                spans.append(events if shut else events + ends)
        home = _ecosystem(package.ecosystem)
        yield Affected(
            name,
            home,
            canonical(home, package.name.strip()),
            (*(one.versions or ()), *last),
            tuple(spans),
            published,
            withdrawn,
            _origins(found, one),
            tuple(found.aliases or ()),
        )


def _ecosystem(name: str) -> str:
    """An ecosystem as OSV writes it, whatever its case, and whatever GitHub calls it."""
    return str(_HOMES.get(name.strip().lower(), name.strip()))


def _origins(found: _Osv, one: _Affected) -> str:
    """What to know where the origins of a record name other versions than the record does."""
    spans, notes = msgspec.to_builtins(one.ranges or []), []
    for origin in rows(found.database_specific, "malicious-packages-origins"):
        versions = {*map(str, listed(origin.get("versions")))}
        more = versions - {*(one.versions or ())}
        if more and one.versions:
            notes.append(f"{origin.get('source')} names {', '.join(sorted(more))} too")
        elif not versions and origin.get("ranges", spans) != spans:
            notes.append(f"{origin.get('source')} names another range")
    return "; ".join(dict.fromkeys(notes))


def _ranged(
    advisory: str, ecosystem: str, name: str, text: str, published: datetime | None, **more: Any
) -> Affected:
    """What a record says of a package whose versions are a range in words."""
    versions, events = _range(text)
    spans = (events,) if events else ()
    name = canonical(ecosystem, name.strip())
    return Affected(advisory, ecosystem, name, versions, spans, published, **more)


def _range(text: str) -> tuple[tuple[str, ...], Events]:
    """(versions, events) of a range in words: `>= 1.0, < 1.2`, `= 1.14.1`, `vers:npm/1.5|>=2|<3`.

    Both are empty where it is no such range. Events of several ranges stand together, since they
    are sorted before they are used.
    """
    text = re.sub(r"([<>=!])\s+", r"\1", re.sub(r"^vers:[^/]*/", "", text.strip()))
    versions: dict[str, None] = {}
    events: list[tuple[str, str]] = []
    for part in filter(None, re.split(r"[\s,;|]+", text)):
        found = re.fullmatch(r"([<>=!]*)v?(\*|[\w.+:~-]*\d[\w.+*:~-]*)", part)
        if not found:
            return (), ()
        if found[1] in _SIGNS:
            events.append((_SIGNS[found[1]], found[2]))
        elif found[2] in _ALL:
            events.append(("introduced", "0"))
        elif found[1] != "!=":
            versions[found[2]] = None
    if events and not any(kind in BEGINS for kind, _ in events):
        events.insert(0, ("introduced", "0"))
    return tuple(versions), tuple(events)


def _cve(body: object, where: str) -> Iterator[Affected]:
    """What a CVE record says: products by vendor where it names no package."""
    meta = table(at(body, "cveMetadata"))
    published = _time(word(meta, "datePublished"), where)
    rejected = _time(word(meta, "dateRejected"), where) or published or _EVER
    gone = rejected if word(meta, "state") == "REJECTED" else None
    for part in [at(body, "containers.cna"), *rows(body, "containers.adp")]:
        for one in rows(part, "affected"):
            ecosystem, package, _ = from_purl(word(one, "packageURL"))
            if not package and (package := word(one, "packageName")):
                ecosystem = _collection(word(one, "collectionURL"))
            package = package or f"{word(one, 'vendor')}/{word(one, 'product')}"
            usual = word(one, "defaultStatus")
            spans = [span for item in rows(one, "versions") for span in _spans(item)]
            ranges = [
                _range(_words(item))
                for item in spans
                if (word(item, "status") or usual) == "affected"
            ]
            if usual == "affected":
                ranges.append(((), _all_but(spans)))
            yield Affected(
                word(meta, "cveId"),
                ecosystem,
                canonical(ecosystem, package),
                tuple(version for versions, _ in ranges for version in versions),
                tuple(events for _, events in ranges if events),
                published,
                gone,
            )


def _spans(item: Table) -> Iterator[Table]:
    """A range of a CVE record in parts, each of one status: it may change within."""
    starts = [item, *({**one, "version": one.get("at")} for one in rows(item, "changes"))]
    for part, after in pairwise(starts):
        yield {**part, "lessThan": after["version"]}
    ends: Table = {key: item[key] for key in ("lessThan", "lessThanOrEqual") if key in item}
    yield {**starts[-1], **ends}


def _all_but(spans: Sequence[Table]) -> Events:
    """All versions but those that a CVE record calls unaffected, up to the end of each range."""
    safe = [item for item in spans if word(item, "status") == "unaffected"]
    from_start = any((word(item, "version") or "0") in _ALL for item in safe)
    events = [] if from_start else [("introduced", "0")]
    for item in safe:
        start = word(item, "version")
        end = word(item, "lessThan") or word(item, "lessThanOrEqual")
        events += [("fixed", start)] if start and start not in _ALL else []
        events += [("introduced", end)] if re.match(r"v?\d", end) else []
    return tuple(events)


def _words(item: object) -> str:
    """A range of a CVE record in words."""
    start = re.sub(r"^[=v\s]+", "", word(item, "version")) or "0"
    below = word(item, "lessThan")
    if end := below or word(item, "lessThanOrEqual"):
        sign = "<" if below else "<="
        if every := re.fullmatch(r"((?:\d+\.)*)(\d+)\.[*x]", end):  # all that begin so
            sign, end = "<", f"{every[1]}{int(every[2]) + 1}"
        return f">= {'0' if start in _ALL else start}, {sign} {end}"
    return "*" if start in _ALL else start


def _collection(url: str) -> str:
    """The ecosystem of a collection of packages, by the host of its address; empty if not known."""
    host = url.partition("://")[2].partition("/")[0].lower().split(".")
    return next((_HOMES[part] for part in host if part in _HOMES), "")


def _github(body: Table, where: str) -> Iterator[Affected]:
    """What an advisory of GitHub says in the words of its REST interface, or an alert with one."""
    alert = {"vulnerabilities": [body.get("security_vulnerability")]}
    body = {**alert, **body, **table(body.get("security_advisory"))}
    published = _time(word(body, "published_at"), where)
    withdrawn = _time(word(body, "withdrawn_at"), where)
    aliases = tuple(filter(None, [word(body, "cve_id")]))
    for one in rows(body, "vulnerabilities"):
        home, name = _ecosystem(word(one, "package.ecosystem")), word(one, "package.name")
        text = word(one, "vulnerable_version_range")
        found = _ranged(word(body, "ghsa_id"), home, name, text, published)
        yield found._replace(withdrawn=withdrawn, aliases=aliases)


def _graph(data: Table, where: str) -> Iterator[Affected]:
    """What an answer of GitHub's GraphQL interface says, however deep its nodes lie."""
    own = {**data, **table(data.get("advisory"))}
    if "vulnerableVersionRange" in data:
        one = {**data, "vulnerable_version_range": data["vulnerableVersionRange"]}
        body = {"ghsa_id": own.get("ghsaId") or Path(where).stem, "vulnerabilities": [one]}
        body |= {"published_at": own.get("publishedAt"), "withdrawn_at": own.get("withdrawnAt")}
        yield from _github(body, where)
        return
    above: Table = {key: own[key] for key in ("ghsaId", "publishedAt", "withdrawnAt") if key in own}
    for value in data.values():
        for one in value if isinstance(value, list) else [value]:
            yield from _graph({**above, **one}, where) if isinstance(one, dict) else ()


def _csaf(body: object, where: str) -> Iterator[Affected]:
    """What a CSAF document says of the products of its tree that are not fixed or safe."""
    products = _products(body)
    published = _time(word(body, "document.tracking.initial_release_date"), where)
    for flaw in rows(body, "vulnerabilities"):
        ids = [word(flaw, "cve"), *(word(one, "text") for one in rows(flaw, "ids"))]
        name, *aliases = list(filter(None, ids)) or [Path(where).stem]
        for sign, key in _AFFECTED.items():
            for product in dict.fromkeys(map(str, listed(at(flaw, f"product_status.{key}")))):
                home, package, text = products.get(product, ("", product, ""))
                text = f"{sign} {text}" if sign and text else text
                yield _ranged(name, home, package, text, published, aliases=tuple(aliases))


def _products(body: object) -> dict[str, tuple[str, str, str]]:
    """The products of a CSAF document: id -> ecosystem, name, range."""
    found: dict[str, tuple[str, str, str]] = {}
    below: list[tuple[object, tuple[str, ...]]] = [(at(body, "product_tree"), ())]
    while below:
        branch, path = below.pop()
        name, category = word(branch, "name"), word(branch, "category")
        names = path if "version" in category or not name else (*path, name)
        for one in [at(branch, "product"), *rows(branch, "full_product_names")]:
            purl = word(one, "product_identification_helper.purl")
            home, package, version = from_purl(purl)
            package = package or "/".join(names[-2:]) or word(one, "name")
            if "range" in category or ("version" in category and not version):
                version = name
            found[word(one, "product_id")] = home, package, version
        below += [(inner, names) for inner in rows(branch, "branches")]
    for one in 2 * rows(body, "product_tree.relationships"):  # a part of a product is that part
        if part := found.get(word(one, "product_reference")):
            found[word(one, "full_product_name.product_id")] = part
    return found


def _exploited(body: object, where: str) -> Iterator[Affected]:
    """What CISA's catalogue says: products by vendor, without their versions."""
    for one in rows(body, "vulnerabilities"):
        name, *parts = (word(one, key) for key in ("cveID", "vendorProject", "product"))
        product = "/".join(parts).replace(" ", "-") if name and all(parts) else ""
        note = "" if product else "is no entry of CISA's catalogue"
        added = _time(word(one, "dateAdded"), where)
        yield _ranged(name or "an entry", "", product, "", added, note=note)


def _campaign(source: Source) -> Iterator[Affected]:
    """What a list of a campaign says: a CSV with a package and its versions in each row."""
    read, faults = sheet(source.text, source.where, ("package", "version"))
    if faults:
        raise BadInput(faults)
    heads = [head.lower().replace("_", " ") for head in read.header]
    kinds = [
        next((kind for kind, words in _COLUMNS.items() if re.fullmatch(words, head)), "")
        for head in heads
    ]
    if not {"package", "version"} <= {*kinds}:
        repair = "give it the columns Package and Version"
        raise bad(source.where, "is no list of packages", repair)
    for _, cells in read.rows:
        named = [*zip(kinds, map(str.strip, cells), strict=True)]
        row = dict(named[::-1])  # the first column of a kind counts
        home, name, _ = from_purl(row["package"])
        home = home or _ecosystem(row.get("ecosystem", ""))
        name = name or "/".join(filter(None, [row.get("scope"), row["package"]]))
        found = _ranged(Path(source.where).stem, home, name, row["version"], None)
        note = f"{row['package'][:60]}: {row['version'][:60]} is no version"
        yield found if found.versions or found.ranges else found._replace(name="", note=note)


_FORMS = {  # what a record is, by a key of it; else one of OSV
    "dataType": _cve,
    "vulns": _answers,
    "results": _answers,
    "ghsa_id": _github,
    "security_advisory": _github,
    "data": _graph,
    "document": _csaf,
    "catalogVersion": _exploited,
}


def _time(text: str, where: str) -> datetime | None:
    try:
        if len(text) > len("2026-03-24"):
            found = datetime.fromisoformat(text.removesuffix(" UTC")).replace(microsecond=0)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        return times.parse(text) if text else None
    except (ValueError, OverflowError):
        raise bad(where, f'"{text[:40]}" is no time', times.HOW) from None
