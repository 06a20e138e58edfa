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

from msgspec import UNSET, Struct, UnsetType
from msgspec import field as column

from impact.errors import BadInput, bad
from impact.numerics import times
from impact.stack import documents
from impact.stack.documents import Source, table
from impact.stack.inventory import ACTIONS, ECOSYSTEMS, NPM, PYPI, canonical, from_purl
from impact.texts import sheet

Events = tuple[tuple[str, str], ...]  # (kind, version), as OSV has them
_GITHUB = {"pip": PYPI, "rubygems": "RubyGems", "go": "Go", "rust": "crates.io", "erlang": "Hex",
           "actions": ACTIONS, "swift": "SwiftURL"}  # where it is no type of a package URL  # fmt: skip
_SIGNS = {"<": "fixed", "<=": "last_affected", ">=": "introduced", ">": "introduced"}
_COLUMNS = {"name": "package", "versions": "version", "affected version": "version",
            "infected version": "version", "registry": "ecosystem"}  # fmt: skip
_AFFECTED = ("known_affected", "first_affected", "last_affected", "under_investigation")


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
    database_specific: dict[str, Any] | None = None


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
    ranges: tuple[tuple[str, Events], ...]
    published: datetime | None
    withdrawn: datetime | None
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
    if said.get("dataType") == "CVE_RECORD":
        yield from _cve(documents.shaped(data, _Cve, where))
    elif isinstance(said.get("vulns"), list) or isinstance(said.get("results"), list):
        answers = said.get("results") or [said]
        yield from _any(
            [one for answer in answers for one in table(answer).get("vulns", [])], where
        )
    elif "ghsa_id" in said or "securityVulnerability" in said:
        yield from _github(said, where)
    elif "security_advisory" in said:  # an alert of Dependabot
        mine = [table(said.get("security_vulnerability"))]
        yield from _github({**table(said["security_advisory"]), "vulnerabilities": mine}, where)
    elif isinstance(said.get("data"), dict):
        yield from _graph(said["data"], {}, where)
    elif "document" in said and "affected" not in said:
        yield from _csaf(said, where)
    elif "catalogVersion" in said:
        yield from _exploited(said, where)
    else:
        yield from _osv(data, where)


def _osv(data: object, where: str) -> Iterator[Affected]:
    found = documents.shaped(data, _Osv, where)
    if found.id is UNSET or not isinstance(data, dict) or "affected" not in data:
        what = "names no package" if found.id else "is no record of an advisory that is known"
        raise bad(where, what, "give records of OSV, CVE, GitHub or CSAF")
    name = found.id or next(iter(found.aliases or ()), "") or Path(where).stem
    published = _time(found.published or found.modified, where)
    withdrawn = _time(found.withdrawn or "", where)
    for one in found.affected or ():
        if one.package is None:
            continue
        known = str(table(one.database_specific).get("last_known_affected_version_range", ""))
        ends = tuple(event for event in _ranges(known)[1] if event[0] != "introduced")
        spans = []
        for span in one.ranges or ():
            events = tuple(pair for event in span.events for pair in event.items())
            shut = any(kind != "introduced" for kind, _ in events)
            spans.append((span.type, events if shut or span.type == "GIT" else events + ends))
        home = _ecosystem(one.package.ecosystem)
        yield Affected(
            name,
            home,
            canonical(home, one.package.name.strip()),
            tuple(one.versions or ()),
            tuple(spans),
            published,
            withdrawn,
            _origins(found, one),
            tuple(found.aliases or ()),
        )


def _ecosystem(name: str) -> str:
    """An ecosystem as OSV writes it, whatever its case, and whatever GitHub calls it."""
    known = {one.lower(): one for one in ECOSYSTEMS.values()} | ECOSYSTEMS | _GITHUB
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


def _cve(found: _Cve) -> Iterator[Affected]:
    """What a CVE record says: products by vendor where it names no package."""
    meta = found.cve_metadata
    rejected = _time(meta.date_rejected or meta.date_published, meta.cve_id)
    rejected = rejected or datetime.min.replace(tzinfo=UTC)
    for one in (
        one for part in (found.containers.cna, *found.containers.adp) for one in part.affected
    ):
        ecosystem, name, _ = from_purl(one.package_url)
        if not name and one.package_name:
            ecosystem = _collection(one.collection_url)
            name = canonical(ecosystem, one.package_name)
        versions: list[str] = []
        ranges: list[tuple[str, Events]] = []
        for item in one.versions:
            if (item.status or one.default_status) != "affected":
                continue
            end = item.less_than or item.less_than_or_equal
            start = re.sub(r"^[=v\s]+", "", item.version) or "0"
            text = item.version
            if end:
                text = f">= {'0' if start in ('*', 'unspecified') else start}, "
                text += f"<{'' if item.less_than else '='} {end}"
            told, events = _ranges("*" if start in ("*", "0", "unspecified") and not end else text)
            versions += told
            ranges += [("SEMVER", events)] if events else []
        yield Affected(
            meta.cve_id,
            ecosystem,
            name or canonical("", f"{one.vendor}/{one.product}"),
            tuple(versions),
            tuple(ranges),
            _time(meta.date_published, meta.cve_id),
            rejected if meta.state == "REJECTED" else None,
        )


def _collection(url: str) -> str:
    """The ecosystem of a collection of packages, by the host of its address; empty if not known."""
    host = url.partition("://")[2].partition("/")[0].lower()
    kinds = {"npmjs": NPM, "rubygems": "RubyGems", "crates": "crates.io", **ECOSYSTEMS}
    return next((name for kind, name in kinds.items() if kind in host.split(".")), "")


def _ranges(text: str) -> tuple[list[str], Events]:
    """(versions, events) of a range in words: `>= 1.0, < 1.2`, `= 1.14.1`, `vers:npm/1.5|>=2|<3`.

    Events of several ranges stand together, since they are sorted before they are used.
    """
    versions, events = [], []
    for sign, version in re.findall(
        r"(<=|>=|<|>|!=|=*)\s*v?([\w.+*-][^\s,|]*)", re.sub(r"^vers:[^/]*/", "", text)
    ):
        if sign in _SIGNS:
            events.append((_SIGNS[sign], version))
        elif version in ("*", "0"):
            events.append(("introduced", "0"))
        elif sign != "!=":
            versions.append(version)
    if events and not any(kind == "introduced" for kind, _ in events):
        events.insert(0, ("introduced", "0"))
    return versions, tuple(events)


def _github(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What an advisory of GitHub says, in the words of its REST interface."""
    ids = tuple(str(said[key]) for key in ("ghsa_id", "cve_id") if said.get(key))
    published = _time(str(said.get("published_at") or ""), where)
    withdrawn = _time(str(said.get("withdrawn_at") or ""), where)
    listed = said.get("vulnerabilities")
    for one in listed if isinstance(listed, list) else []:
        package = table(table(one).get("package"))
        home = _ecosystem(str(package.get("ecosystem", "")))
        name = canonical(home, str(package.get("name", "")))
        if not name:
            raise bad(where, "has a vulnerability without a package", "get the record again")
        versions, events = _ranges(str(one.get("vulnerable_version_range") or ""))
        spans = (("ECOSYSTEM", events),) if events else ()
        yield Affected(
            ids[0], home, name, tuple(versions), spans, published, withdrawn, "", ids[1:]
        )


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
    """What a CSAF document says of the products of its tree; of fixed ones nothing is said here."""
    tree = table(said.get("product_tree"))
    products: dict[str, tuple[str, str, str]] = {}  # id -> ecosystem, name, range
    below: list[tuple[Any, tuple[str, ...]]] = [(tree, ())]
    while below:
        node, path = below.pop()
        branch = table(node)
        version = str(branch.get("name", "")) if "version" in str(branch.get("category")) else ""
        names = (*path, str(branch["name"])) if branch.get("name") and not version else path
        for one in (table(branch.get("product")), *branch.get("full_product_names", ())):
            helper = table(table(one).get("product_identification_helper"))
            ecosystem, name, exact = from_purl(str(helper.get("purl", "")))
            if product := str(table(one).get("product_id", "")):
                told = name or canonical("", "/".join(names[-2:]) or str(table(one).get("name")))
                products[product] = ecosystem, told, exact or version
        below += [(inner, names) for inner in branch.get("branches", ())]
    for one in tree.get("relationships", ()):  # a component of a product is that component
        product = str(table(table(one).get("full_product_name")).get("product_id"))
        products[product] = products.get(
            str(table(one).get("product_reference")), ("", product, "")
        )
    published = table(table(said["document"]).get("tracking")).get("initial_release_date")
    for flaw in said.get("vulnerabilities", ()):
        status = table(table(flaw).get("product_status"))
        ids = [str(flaw.get("cve", ""))]
        ids += [str(table(one).get("text", "")) for one in flaw.get("ids", ())]
        ids = list(filter(None, ids)) or [Path(where).stem]
        for product in dict.fromkeys(one for key in _AFFECTED for one in status.get(key, ())):
            ecosystem, name, version = products.get(str(product), ("", str(product), ""))
            versions, events = _ranges(version)
            spans = (("ECOSYSTEM", events),) if events else ()
            when = _time(str(published or ""), where)
            yield Affected(
                ids[0],
                ecosystem,
                canonical(ecosystem, name),
                tuple(versions),
                spans,
                when,
                None,
                "",
                tuple(ids[1:]),
            )


def _exploited(said: dict[str, Any], where: str) -> Iterator[Affected]:
    """What CISA's catalogue says: products by vendor, without their versions."""
    flaws = said.get("vulnerabilities")
    for one in flaws if isinstance(flaws, list) else []:
        told = [str(table(one).get(key, "")) for key in ("cveID", "vendorProject", "product")]
        if not all(told):
            raise bad(
                where, "is no catalogue of CISA: an entry names no product", "give CISA's own"
            )
        name = canonical("", f"{told[1]}/{told[2]}".replace(" ", "-"))
        yield Affected(told[0], "", name, (), (), _time(str(one.get("dateAdded", "")), where), None)


def _campaign(source: Source) -> Iterator[Affected]:
    """What a list of a campaign says: a CSV with a package and its versions in each row."""
    read, faults = sheet(source.text, source.where, ("package", "version"))
    heads = [
        re.sub(r"[_ ]?names?$|s$", "", head.lower().replace("_", " ")) or "name"
        for head in read.header
    ]
    heads = [_COLUMNS.get(head, head) for head in heads]
    if faults or not {"package", "version"} <= set(heads):
        raise (
            BadInput(faults)
            if faults
            else bad(
                source.where, "is no list of packages", "give it the columns Package and Version"
            )
        )
    for _, cells in read.rows:
        row = dict(zip(heads, cells, strict=True))
        home = _ecosystem(row.get("ecosystem", ""))
        versions, events = _ranges(row["version"].replace(";", ","))
        spans = (("ECOSYSTEM", events),) if events else ()
        name = canonical(home, row["package"].strip())
        yield Affected(Path(source.where).stem, home, name, tuple(versions), spans, None, None)


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
