"""Records of advisories into what they say is affected, whatever shape they come in.

Read are OSV records (PyPA, GHSA, OpenSSF) and answers of its service, CVE 5 records, answers of
GitHub's interfaces (REST, GraphQL, Dependabot), CSAF 2.0, CISA's catalogue of exploited
vulnerabilities, and campaign lists (a CSV of package and version). A record without a severity,
without ranges or without an id counts like any other. Records are joined by the package and version
that they name, whether or not their aliases join them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, UnsetType, field

from impact.base import times
from impact.base.errors import BadInput, bad
from impact.base.texts import sheet
from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, rows, table, word
from impact.stack.inventory import DATA, ECOSYSTEMS, NPM, canonical, from_purl

Events = tuple[tuple[str, str], ...]  # (kind, version), as OSV has them
_HOMES = {one.lower(): one for one in ECOSYSTEMS.values()} | ECOSYSTEMS | DATA["github"]
_SIGNS = {"<": "fixed", "<=": "last_affected", ">=": "introduced", ">": "introduced"}
_BOUND = re.compile(r"([<>=!]*)v?(\*|[\w.+:~-]*\d[\w.+*:~-]*)")
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
    id: str | UnsetType = UNSET
    aliases: list[str] | None = None
    published: str = ""
    modified: str = ""
    withdrawn: str | None = None
    affected: list[_Affected] | None = None
    database_specific: Table | None = None


class Affected(NamedTuple):
    """What one record says of one package: versions by name, and ranges as (type, events).

    Without a name it could not be read, and `note` says why.
    """

    advisory: str
    ecosystem: str
    name: str
    versions: tuple[str, ...] = ()
    ranges: tuple[tuple[str, Events], ...] = ()
    published: datetime | None = None
    withdrawn: datetime | None = None
    note: str = ""
    aliases: tuple[str, ...] = ()
    gone: bool = False  # withdrawn by the moment that is asked about

    @property
    def spans(self) -> list[Events]:
        """The ranges over versions; those over commits say nothing of one."""
        return [events for kind, events in self.ranges if kind != "GIT"]


def record(source: Source) -> list[Affected]:
    """What one file of records says, package by package; raises BadInput where it is none."""
    if source.where.endswith(".csv"):
        return list(_campaign(source))
    json = source.text.lstrip()[:1] in ("{", "[")
    data = documents.from_json(source) if json else documents.from_yaml(source)
    return list(_any(data, source.where))


def _any(data: object, where: str) -> Iterator[Affected]:
    """What a record, or each of a list or an answer, says."""
    if isinstance(data, list):
        for one in data:
            yield from _any(one, where)
        return
    said = table(data)
    further = said.get("next_page_token") or any(
        key == "hasNextPage" and more is True for _, key, more in documents.walk(said.get("data"))
    )
    if further:
        yield Affected("an answer", "", "", note="has a further page, which is not here")
    if said.get("errors"):
        yield Affected("an answer", "", "", note="holds errors in place of what was asked for")
    if said.get("dataType") == "CVE_RECORD":
        yield from _cve(said, where)
    elif "vulns" in said or "results" in said:
        found = [*rows(said, "vulns"), *rows(said, "results")]
        yield from _any([one for one in found if one], where)
    elif "ghsa_id" in said:
        yield from _github(said, where)
    elif "security_advisory" in said:  # an alert of Dependabot
        mine = {"vulnerabilities": [said.get("security_vulnerability")]}
        yield from _github({**mine, **table(said["security_advisory"])}, where)
    elif isinstance(said.get("data"), dict):
        yield from _graph(said["data"], {}, where)
    elif "document" in said and "affected" not in said:
        yield from _csaf(said, where)
    elif "catalogVersion" in said:
        yield from _exploited(said, where)
    elif said or not where.endswith("]"):
        yield from _osv(data, where)


def _osv(data: object, where: str) -> Iterator[Affected]:
    found = documents.shaped(data, _Osv, where)
    if found.id is UNSET:
        raise bad(where, "is no record of an advisory that is known", "give OSV, CVE or CSAF")
    name = found.id or next(iter(found.aliases or ()), "") or Path(where).stem
    published = _time(found.published or found.modified, where)
    withdrawn = _time(found.withdrawn or "", where)
    named = [(one, one.package) for one in found.affected or () if one.package]
    if not named:
        yield Affected(name, "", "", note="names no package")
    for one, package in named:
        told = word(one.database_specific, "last_known_affected_version_range")
        last, known = _range(told)
        ends = tuple(event for event in known if event[0] != "introduced")
        ends = ends or tuple(("last_affected", version) for version in last)
        spans = []
        for span in one.ranges or ():
            events = tuple(pair for event in span.events for pair in event.items())
            shut = span.type == "GIT" or any(kind != "introduced" for kind, _ in events)
            spans.append((span.type, events if shut else events + ends))
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


def _said(
    advisory: str, ecosystem: str, name: str, text: str, published: datetime | None, **more: Any
) -> Affected:
    """What a record says of a package whose versions are a range in words."""
    versions, events = _range(text)
    spans = (("ECOSYSTEM", events),) if events else ()
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
        found = _BOUND.fullmatch(part)
        if not found:
            return (), ()
        if found[1] in _SIGNS:
            events.append((_SIGNS[found[1]], found[2]))
        elif found[2] in _ALL:
            events.append(("introduced", "0"))
        elif found[1] != "!=":
            versions[found[2]] = None
    if events and not any(kind == "introduced" for kind, _ in events):
        events.insert(0, ("introduced", "0"))
    return tuple(versions), tuple(events)


def _cve(said: object, where: str) -> Iterator[Affected]:
    """What a CVE record says: products by vendor where it names no package."""
    name = word(said, "cveMetadata.cveId")
    published = _time(word(said, "cveMetadata.datePublished"), where)
    rejected = _time(word(said, "cveMetadata.dateRejected"), where) or published or _EVER
    gone = rejected if word(said, "cveMetadata.state") == "REJECTED" else None
    for part in [at(said, "containers.cna"), *rows(said, "containers.adp")]:
        for one in rows(part, "affected"):
            ecosystem, package, _ = from_purl(word(one, "packageURL"))
            if not package and (package := word(one, "packageName")):
                ecosystem = _collection(word(one, "collectionURL"))
            package = package or f"{word(one, 'vendor')}/{word(one, 'product')}"
            told = [
                _range(_words(item))
                for item in rows(one, "versions")
                if (word(item, "status") or word(one, "defaultStatus")) == "affected"
            ]
            if word(one, "defaultStatus") == "affected":
                told.append(_all_but(one))
            yield Affected(
                name,
                ecosystem,
                canonical(ecosystem, package),
                tuple(version for versions, _ in told for version in versions),
                tuple(("SEMVER", events) for _, events in told if events),
                published,
                gone,
            )


def _all_but(one: object) -> tuple[tuple[str, ...], Events]:
    """All versions but those that a CVE record calls unaffected, up to the end of each range."""
    events = [("introduced", "0")]
    for item in rows(one, "versions"):
        if word(item, "status") == "unaffected":
            start = word(item, "version") or "0"
            end = word(item, "lessThan") or word(item, "lessThanOrEqual") or ""
            events += [("fixed", start)] if start not in _ALL else [("limit", "0")]
            events += [("introduced", end)] if re.match(r"v?\d", end) else []
    if ("limit", "0") in events:
        events = [event for event in events if event not in (("limit", "0"), ("introduced", "0"))]
    return (), tuple(events)


def _words(item: object) -> str:
    """A range of a CVE record in words."""
    start = re.sub(r"^[=v\s]+", "", word(item, "version")) or "0"
    if end := word(item, "lessThan") or word(item, "lessThanOrEqual"):
        sign = "<" if word(item, "lessThan") else "<="
        if every := re.fullmatch(r"((?:\d+\.)*)(\d+)\.[*x]", end):  # all that begin so
            sign, end = "<", f"{every[1]}{int(every[2]) + 1}"
        return f">= {'0' if start in _ALL else start}, {sign} {end}"
    return "*" if start in _ALL else start


def _collection(url: str) -> str:
    """The ecosystem of a collection of packages, by the host of its address; empty if not known."""
    host = url.partition("://")[2].partition("/")[0].lower().split(".")
    kinds = {"npmjs": NPM, "rubygems": "RubyGems", "crates": "crates.io", **ECOSYSTEMS}
    return next((name for kind, name in kinds.items() if kind in host), "")


def _github(said: object, where: str) -> Iterator[Affected]:
    """What an advisory of GitHub says, in the words of its REST interface."""
    ids = [word(said, "ghsa_id"), *filter(None, [word(said, "cve_id")])]
    published = _time(word(said, "published_at"), where)
    gone = _time(word(said, "withdrawn_at"), where)
    for one in rows(said, "vulnerabilities"):
        home, name = _ecosystem(word(one, "package.ecosystem")), word(one, "package.name")
        more = {"withdrawn": gone, "aliases": tuple(ids[1:])}
        yield _said(ids[0], home, name, word(one, "vulnerable_version_range"), published, **more)


def _graph(data: Table, above: Table, where: str) -> Iterator[Affected]:
    """What an answer of GitHub's GraphQL interface says, however deep its nodes lie."""
    own = {**above, **data, **table(data.get("advisory"))}
    if "vulnerableVersionRange" in data:
        one = {**data, "vulnerable_version_range": data["vulnerableVersionRange"]}
        told = {"ghsa_id": own.get("ghsaId") or Path(where).stem, "vulnerabilities": [one]}
        told |= {"published_at": own.get("publishedAt"), "withdrawn_at": own.get("withdrawnAt")}
        yield from _github(told, where)
        return
    for value in data.values():
        for one in value if isinstance(value, list) else [value]:
            yield from _graph(one, own, where) if isinstance(one, dict) else ()


def _csaf(said: object, where: str) -> Iterator[Affected]:
    """What a CSAF document says of the products of its tree that are not fixed or safe."""
    products: dict[str, tuple[str, str, str]] = {}  # id -> ecosystem, name, range
    below: list[tuple[object, tuple[str, ...]]] = [(at(said, "product_tree"), ())]
    while below:
        branch, path = below.pop()
        name, exact = word(branch, "name"), "version" in word(branch, "category")
        names = path if exact or not name else (*path, name)
        for one in [at(branch, "product"), *rows(branch, "full_product_names")]:
            helper = at(one, "product_identification_helper")
            purl = word(helper, "purl") or next(iter(listed(at(helper, "purls"))), "")
            told = from_purl(str(purl))
            called = told[1] or "/".join(names[-2:]) or word(one, "name")
            ranged = "range" in word(branch, "category")
            version = name if ranged else told[2] or (name if exact else "")
            products[word(one, "product_id")] = told[0], called, version
        below += [(inner, names) for inner in rows(branch, "branches")]
    for one in 2 * rows(said, "product_tree.relationships"):  # a part of a product is that part
        if part := products.get(word(one, "product_reference")):
            products[word(one, "full_product_name.product_id")] = part
    published = _time(word(said, "document.tracking.initial_release_date"), where)
    for flaw in rows(said, "vulnerabilities"):
        ids = [word(flaw, "cve"), *(word(one, "text") for one in rows(flaw, "ids"))]
        ids = list(filter(None, ids)) or [Path(where).stem]
        for sign, key in _AFFECTED.items():
            for product in dict.fromkeys(map(str, listed(at(flaw, f"product_status.{key}")))):
                home, name, text = products.get(product, ("", product, ""))
                text = f"{sign} {text}" if sign and text else text
                yield _said(ids[0], home, name, text, published, aliases=tuple(ids[1:]))


def _exploited(said: object, where: str) -> Iterator[Affected]:
    """What CISA's catalogue says: products by vendor, without their versions."""
    for one in rows(said, "vulnerabilities"):
        name, *told = (word(one, key) for key in ("cveID", "vendorProject", "product"))
        product = "/".join(told).replace(" ", "-") if name and all(told) else ""
        note = "" if product else "is no entry of CISA's catalogue"
        added = _time(word(one, "dateAdded"), where)
        yield _said(name or "an entry", "", product, "", added, note=note)


def _campaign(source: Source) -> Iterator[Affected]:
    """What a list of a campaign says: a CSV with a package and its versions in each row."""
    read, faults = sheet(source.text, source.where, ("package", "version"))
    places = {
        kind: at
        for at, head in reversed([*enumerate(read.header)])
        for kind, words in _COLUMNS.items()
        if re.fullmatch(words, head.lower().replace("_", " "))
    }
    if faults or not {"package", "version"} <= places.keys():
        what = "is no list of packages", "give it the columns Package and Version"
        raise BadInput(faults) if faults else bad(source.where, *what)
    for _, cells in read.rows:
        said = {kind: cells[at].strip() for kind, at in places.items()}
        home, name, _ = from_purl(said["package"])
        home = home or _ecosystem(said.get("ecosystem", ""))
        name = name or "/".join(filter(None, [said.get("scope"), said["package"]]))
        told = _said(Path(source.where).stem, home, name, said["version"], None)
        note = f"{said['package'][:60]}: {said['version'][:60]} is no version"
        yield told if told.versions or told.ranges else told._replace(name="", note=note)


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
