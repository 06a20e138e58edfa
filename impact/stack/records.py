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

from impact.errors import BadInput, bad
from impact.numerics import times
from impact.stack import documents
from impact.stack.documents import Source, listed, table
from impact.stack.inventory import ACTIONS, ECOSYSTEMS, NPM, PYPI, canonical, from_purl
from impact.texts import sheet

Events = tuple[tuple[str, str], ...]  # (kind, version), as OSV has them
_GITHUB = {  # what GitHub calls an ecosystem, where it is no type of a package URL
    **{"pip": PYPI, "rubygems": "RubyGems", "go": "Go", "rust": "crates.io", "erlang": "Hex"},
    **{"actions": ACTIONS, "swift": "SwiftURL"},
}
_HOMES = {one.lower(): one for one in ECOSYSTEMS.values()} | ECOSYSTEMS | _GITHUB
_SIGNS = {"<": "fixed", "<=": "last_affected", ">=": "introduced", ">": "introduced"}
_BOUND = re.compile(r"([<>=!]*)v?(\*|[\w.+:~-]*\d[\w.+*:~-]*)")
_ALL = ("*", "0", "unspecified")
_AFFECTED = ("known_affected", "first_affected", "last_affected")


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
    database_specific: dict[str, Any] | None = None


class _Osv(Struct):
    id: str | UnsetType = UNSET
    aliases: list[str] | None = None
    published: str = ""
    modified: str = ""
    withdrawn: str | None = None
    affected: list[_Affected] | None = None
    database_specific: dict[str, Any] | None = None


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
    if said.get("next_page_token"):
        yield Affected("an answer", "", "", note="has a further page, which is not here")
    if said.get("dataType") == "CVE_RECORD":
        yield from _cve(said, where)
    elif "vulns" in said or "results" in said:
        yield from _any(listed(said.get("vulns")) + listed(said.get("results")), where)
    elif "ghsa_id" in said:
        yield from _github(said, where)
    elif "security_advisory" in said:  # an alert of Dependabot
        mine = [said.get("security_vulnerability")]
        yield from _github({**table(said["security_advisory"]), "vulnerabilities": mine}, where)
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
        known = str(table(one.database_specific).get("last_known_affected_version_range", ""))
        ends = tuple(event for event in _range(known)[1] if event[0] != "introduced")
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
            tuple(one.versions or ()),
            tuple(spans),
            published,
            withdrawn,
            _origins(found, one),
            tuple(found.aliases or ()),
        )


def _ecosystem(name: str) -> str:
    """An ecosystem as OSV writes it, whatever its case, and whatever GitHub calls it."""
    return _HOMES.get(name.strip().lower(), name.strip())


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
    for word in filter(None, re.split(r"[\s,;|]+", text)):
        found = _BOUND.fullmatch(word)
        if not found:
            return (), ()
        sign, version = found[1], found[2]
        if sign in _SIGNS:
            events.append((_SIGNS[sign], version))
        elif version in _ALL:
            events.append(("introduced", "0"))
        elif sign != "!=":
            versions[version] = None
    if events and not any(kind == "introduced" for kind, _ in events):
        events.insert(0, ("introduced", "0"))
    return tuple(versions), tuple(events)


def _cve(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What a CVE record says: products by vendor where it names no package."""
    meta, containers = table(said.get("cveMetadata")), table(said.get("containers"))
    published = _time(str(meta.get("datePublished") or ""), where)
    rejected = _time(str(meta.get("dateRejected") or ""), where) or published
    parts = [containers.get("cna"), *listed(containers.get("adp"))]
    for one in [table(one) for part in parts for one in listed(table(part).get("affected"))]:
        ecosystem, name, _ = from_purl(str(one.get("packageURL", "")))
        if not name and one.get("packageName"):
            name = str(one["packageName"])
            ecosystem = _collection(str(one.get("collectionURL", "")))
        versions: list[str] = []
        ranges: list[tuple[str, Events]] = []
        for item in map(table, listed(one.get("versions"))):
            if (item.get("status") or one.get("defaultStatus")) != "affected":
                continue
            start = re.sub(r"^[=v\s]+", "", str(item.get("version", ""))) or "0"
            end = item.get("lessThan") or item.get("lessThanOrEqual")
            sign = "<" if item.get("lessThan") else "<="
            start = "*" if start in _ALL else start
            told = _range(f">= {start.replace('*', '0')}, {sign} {end}" if end else start)
            versions += told[0]
            ranges += [("SEMVER", told[1])] if told[1] else []
        yield Affected(
            str(meta.get("cveId", "")),
            ecosystem,
            canonical(ecosystem, name or f"{one.get('vendor', '')}/{one.get('product', '')}"),
            tuple(versions),
            tuple(ranges),
            published,
            (rejected or datetime.min.replace(tzinfo=UTC))
            if meta.get("state") == "REJECTED"
            else None,
        )


def _collection(url: str) -> str:
    """The ecosystem of a collection of packages, by the host of its address; empty if not known."""
    host = url.partition("://")[2].partition("/")[0].lower().split(".")
    kinds = {"npmjs": NPM, "rubygems": "RubyGems", "crates": "crates.io", **ECOSYSTEMS}
    return next((name for kind, name in kinds.items() if kind in host), "")


def _github(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What an advisory of GitHub says, in the words of its REST interface."""
    ids = tuple(str(said[key]) for key in ("ghsa_id", "cve_id") if said.get(key))
    published = _time(str(said.get("published_at") or ""), where)
    withdrawn = _time(str(said.get("withdrawn_at") or ""), where)
    for one in map(table, listed(said.get("vulnerabilities"))):
        package = table(one.get("package"))
        home, name = _ecosystem(str(package.get("ecosystem") or "")), str(package.get("name") or "")
        text = str(one.get("vulnerable_version_range") or "")
        more = {"withdrawn": withdrawn, "aliases": ids[1:], "note": "" if name else "no package"}
        yield _said(ids[0], home, name, text, published, **more)


def _graph(data: dict[str, Any], above: dict[str, Any], where: str) -> Iterator[Affected]:
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


def _csaf(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What a CSAF document says of the products of its tree that are not fixed or safe."""
    tree = table(said.get("product_tree"))
    products: dict[str, tuple[str, str, str]] = {}  # id -> ecosystem, name, range
    below: list[tuple[dict[str, Any], tuple[str, ...]]] = [(tree, ())]
    while below:
        branch, path = below.pop()
        name, kind = str(branch.get("name") or ""), str(branch.get("category"))
        names = path if "version" in kind or not name else (*path, name)
        for one in map(table, [branch.get("product"), *listed(branch.get("full_product_names"))]):
            helper = table(one.get("product_identification_helper"))
            ecosystem, package, exact = from_purl(str(helper.get("purl", "")))
            called = package or "/".join(names[-2:]) or str(one.get("name"))
            version = exact or (name if "version" in kind else "")
            products[str(one.get("product_id", ""))] = ecosystem, called, version
        below += [(table(inner), names) for inner in listed(branch.get("branches"))]
    for one in map(table, listed(tree.get("relationships"))):  # a part of a product is that part
        part = products.get(str(one.get("product_reference")))
        products |= (
            {str(table(one.get("full_product_name")).get("product_id")): part} if part else {}
        )
    tracking = table(table(said["document"]).get("tracking"))
    published = _time(str(tracking.get("initial_release_date") or ""), where)
    for flaw in map(table, listed(said.get("vulnerabilities"))):
        status = table(flaw.get("product_status"))
        ids = [flaw.get("cve"), *(table(one).get("text") for one in listed(flaw.get("ids")))]
        known = [str(one) for one in ids if one] or [Path(where).stem]
        for product in dict.fromkeys(str(p) for key in _AFFECTED for p in listed(status.get(key))):
            ecosystem, called, version = products.get(product, ("", product, ""))
            aliases = tuple(known[1:])
            yield _said(known[0], ecosystem, called, version, published, aliases=aliases)


def _exploited(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What CISA's catalogue says: products by vendor, without their versions."""
    for one in map(table, listed(said.get("vulnerabilities"))):
        told = [str(one.get(key) or "").strip() for key in ("cveID", "vendorProject", "product")]
        name = "/".join(told[1:]).replace(" ", "-") if all(told) else ""
        note = "" if name else "is no entry of CISA's catalogue"
        added = _time(str(one.get("dateAdded") or ""), where)
        yield _said(told[0] or "an entry", "", name, "", added, note=note)


def _campaign(source: Source) -> Iterator[Affected]:
    """What a list of a campaign says: a CSV with a package and its versions in each row."""
    read, faults = sheet(source.text, source.where, ("package", "version"))
    heads = [re.sub(r"s$", "", re.split("[ _]", head.lower())[-1]) for head in read.header]
    named = [re.split("[ _]", head.lower())[0] for head in read.header]
    package = next((at for at, word in enumerate(named) if word in ("package", "name")), None)
    version = next((at for at, word in enumerate(heads) if word == "version"), None)
    if faults or package is None or version is None:
        what = "is no list of packages", "give it the columns Package and Version"
        raise BadInput(faults) if faults else bad(source.where, *what)
    for _, cells in read.rows:
        home = next(
            (_ecosystem(c) for h, c in zip(heads, cells, strict=True) if h == "ecosystem"), ""
        )
        told = _said(Path(source.where).stem, home, cells[package], cells[version], None)
        unclear = not (told.versions or told.ranges)
        note = f"{cells[package][:60]}: {cells[version][:60]} is no version"
        yield told._replace(name="", note=note) if unclear else told


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
