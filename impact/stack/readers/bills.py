"""Bills of materials: CycloneDX 1.2 to 1.7 in JSON and XML, SPDX 2 in its forms, SPDX 3.

CycloneDX in XML is first brought into the form that it has in JSON, SPDX of every kind into
packages and relations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, Wrong, at, listed, rows, table, word
from impact.stack.inventory import (
    DATA,
    DOCKER,
    SBOM,
    Component,
    Inventory,
    Unread,
    canonical,
    from_purl,
    upstream,
)
from impact.stack.versions import same

_VERSIONS = re.compile(r"1\.[2-7]")
_SPACE = re.compile(r"\{http://cyclonedx\.org/schema/bom/(.*)\}(.*)")
_LISTS = {"components", "dependencies", "compositions"}
_SCOPES = {"", "required", "optional", "excluded"}
_ALONE = ("file", "operating-system", "device", "firmware")  # that no registry has
_BEHIND = re.compile(r"(.+?)(?:@|==|:| )v?(\d[\w.+-]*)")  # a version behind a name
_BACKWARD = re.compile(r".*(?:DEPENDENCY_OF|_OF|CONTAINED_BY|DESCRIBED_BY|FOR)$")
_TAG = re.compile(  # of SPDX, whose value may be a <text> of several lines
    r"(?m)^[ \t]*([A-Za-z0-9]+):[ \t]*+(<text>(?:(?!<text>)[\s\S])*?</text>.*|(?!<text>).*)$"
)
_OTHER = re.compile(r"(?m)^[ \t]*[^#\s].*")
_TAGS = {"PackageName": "name", "SPDXID": "SPDXID", "PackageVersion": "versionInfo"}
_KIND = re.compile(r"(Relationship|Package|SpdxDocument|Sbom|Bom)\W*$")  # of a node of SPDX 3
Relations = list[tuple[str, ...]]  # from, type, to


class _Part(Struct, rename={"bom_ref": "bom-ref"}):
    """A component of CycloneDX as the file has it."""

    name: str
    type: str = ""
    version: str = ""
    group: str = ""
    purl: str = ""
    bom_ref: str = ""
    scope: str = ""
    evidence: Any = None


class _Needs(Struct, rename="camel"):
    ref: str
    depends_on: list[str] = field(default_factory=list)


def _from_xml(source: Source) -> Table:
    """A bill in XML in the form that it has in JSON."""
    root = documents.from_xml(source)
    spaces = {found[1] for one in root.iter() if (found := _SPACE.match(str(one.tag)))}
    head = _SPACE.fullmatch(root.tag)
    if not head or head[2] != "bom":
        raise bad(source.where, "this element is not read", "make it in versions 1.2 to 1.7")
    data = table(_plain(root))
    if other := min(spaces - {head[1]}, default=""):
        data["compositions"] = [{"aggregate": f"incomplete: a part is of CycloneDX {other}"}]
    needs = [
        {**need.attrib, "dependsOn": [other.get("ref", "") for other in need]}
        for need in root.iterfind("{*}dependencies/{*}dependency")
    ]
    return {**data, "specVersion": head[1], "dependencies": needs}


def _plain(element: Element) -> object:
    """An element as JSON has it: a list where it is one, a text where nothing is in it.

    An element that stands twice where one is allowed becomes a list, which is then a fault.
    """
    name = element.tag.rpartition("}")[2]
    if name in _LISTS:
        return [_plain(inner) for inner in element]
    found: Table = {**element.attrib}
    if not len(element) and (not found or element.text):
        return (element.text or "").strip()
    for child in element:
        inner, value = child.tag.rpartition("}")[2], _plain(child)
        found[inner] = [found[inner], value] if inner in found else value
    return found


def cyclonedx(source: Source) -> Inventory:
    """What a bill in JSON or XML holds; the component that it describes is its root.

    What it lists twice stands there twice.
    """
    is_xml = source.text.lstrip().startswith("<")
    bom = _from_xml(source) if is_xml else documents.json_table(source)
    spec = str(bom.get("specVersion") or "of no version")
    if not _VERSIONS.fullmatch(spec):
        raise bad(source.where, f"CycloneDX {spec} is not read", "make it in versions 1.2 to 1.7")
    top = at(bom, "metadata.component")
    tops, wrong = documents.each([top] if top else [], _Part, "metadata.component")
    below = [("metadata.component.components", at(top, "components"))]
    parts = [*tops, *_parts([*below, ("components", bom.get("components"))], wrong)]
    needs, breaks = documents.each(bom.get("dependencies") or [], _Needs, "dependencies")
    components = _components(parts)
    roots = [one.key for one in _components(tops)]
    aggregates = (word(one, "aggregate") for one in rows(bom, "compositions"))
    if lacks := next((one for one in aggregates if one.startswith("incomplete")), ""):
        wrong.append(Wrong("", f"the file says itself that it is {lacks.replace('_', ' ')}"))
    edges = [(need.ref, other) for need in needs for other in need.depends_on]
    keys = {component.key for component in components}
    loose = [end for edge in edges for end in edge if end not in keys]
    components += [
        Component(one, *package) for one in dict.fromkeys(loose) if (package := from_purl(one))[1]
    ]
    notes = [*_breaks(parts, needs, spec), *(one.why for one in breaks)]
    notes += [f"{other[:60]} is needed and no component" for other in loose]
    return Inventory(
        SBOM,
        (),
        components,
        edges,
        roots,
        unread=[Unread(why, "", name.lower()) for name, why in wrong],
        notes=tuple(f"the file breaks its own format: {note}" for note in notes[:1]),
    )


def _components(parts: Iterable[_Part]) -> list[Component]:
    """The components of some parts."""
    every = (_named(part, number) for number, part in enumerate(parts))
    return _unique(chain.from_iterable(every))


def _unique(components: Iterable[Component]) -> list[Component]:
    """The same with a key of its own for each: one reference for two things gives two."""
    found: list[Component] = []
    known: dict[str, Component] = {}
    for component in components:
        if known.setdefault(component.key, component)[1:] != component[1:]:
            component = component._replace(key=f"{component.key} #{len(found)}")
        found.append(component)
    return found


def _parts(below: list[tuple[str, object]], wrong: list[Wrong]) -> Iterator[_Part]:
    """Components with those nested in them, however deep; what cannot be read joins `wrong`."""
    while below:
        place, items = below.pop()
        level = items if isinstance(items, list) else [items] if items else []
        parts, unread = documents.each(level, _Part, place)
        yield from parts
        wrong += unread
        below += [(f"{place}[..].components", at(item, "components")) for item in level]


def _breaks(parts: list[_Part], needs: list[_Needs], spec: str) -> Iterator[str]:
    """Where a bill breaks its schema in what matters here: components and dependencies."""
    for part in parts:
        if DATA["components"].get(part.type, "9") > spec:
            yield f"{part.name[:60]} is of type {part.type[:30] or 'nothing'}"
        if part.scope not in _SCOPES:
            yield f"{part.name[:60]} has the scope {part.scope[:30]}"
        if not part.name or (not part.version and spec < "1.4"):
            yield f"{part.name[:60] or 'a component'} has no {'version' if part.name else 'name'}"
        if part.purl and (part.purl[:4] != "pkg:" or "/" not in part.purl):
            yield f"{part.purl[:60]} is no package URL"
    for what, names in (
        ("reference", [part.bom_ref for part in parts if part.bom_ref]),
        ("dependency", [need.ref for need in needs]),
        *(("need", need.depends_on) for need in needs),
    ):
        if len(set(names)) < len(names):
            again, _ = Counter(names).most_common(1)[0]
            yield f"the {what} {again[:60]} stands twice"


def _named(part: _Part, number: int) -> list[Component]:
    """The component of a part: several where its names or versions differ."""
    evidence = documents.walk(part.evidence) if part.evidence else ()
    purls = [str(text) for _, key, text in evidence if key in ("concludedValue", "value")]
    twice = not part.group or part.name.startswith(f"{part.group}/")
    name = part.name if twice else f"{part.group}/{part.name}"
    key = part.bom_ref or part.purl or f"{name} {part.version} #{number}"
    home = DOCKER if part.type == "container" else part.type if part.type in _ALONE else ""
    return _called(key, name, part.version, [part.purl, *purls], home)


def _called(
    key: str, name: str, version: str, purls: Iterable[str], home: str = ""
) -> list[Component]:
    """The components of one key: by each of its package URLs, else by its name.

    There are two where a URL names another version than the package, or where a package of a
    distribution was built from a source of another name.
    """
    version = "" if version == "NOASSERTION" else version
    found: dict[Component, None] = {}
    for purl in dict.fromkeys(purls):
        ecosystem, package, exact = from_purl(purl)
        below = f"{package}/{purl.partition('#')[2]}"
        if ecosystem == "Go" and name.lower() == below.lower() and "type=package" not in purl:
            package = name  # Syft parts the path of a module, and its name is whole
        versions = list(filter(None, (exact, version))) or [""]
        versions = [exact] if exact and same(ecosystem, exact, version) else versions
        for one in versions if package else []:
            found[Component(key, ecosystem, package, one)] = None
            if source := upstream(purl):
                found[Component(f"{key} of {source}", ecosystem, source, one)] = None
    if found:
        return list(found)
    if behind := _BEHIND.fullmatch(name):
        name, last = behind.groups()
        version = version if version[:1].isdigit() else last
    return [Component(key, home, canonical(home, name) if home else name, version)]


def spdx_2(source: Source) -> Inventory:
    """What a document of SPDX 2 in JSON or YAML holds."""
    is_json = source.text.lstrip().startswith("{")
    content = documents.from_json(source) if is_json else documents.from_yaml(source)
    data, where = documents.shaped(content, Table, source.where), source.where
    data = table(data.get("sbom")) if "packages" not in data else data  # as GitHub exports it
    if "packages" not in data:
        raise bad(where, "has no packages at its top", "give the document itself")
    lists = {key: data.get(key) or [] for key in ("packages", "relationships")}
    lists = documents.shaped(lists, dict[str, list[Any]], where)
    keys = ("spdxElementId", "relationshipType", "relatedSpdxElement")
    relations = [tuple(word(one, key) for key in keys) for one in rows(lists, "relationships")]
    relations += [("", "DESCRIBES", str(top)) for top in listed(data.get("documentDescribes"))]
    packages = []
    for one in rows(lists, "packages"):
        refs = rows(one, "externalRefs")
        purls = [_purl(word(r, "referenceType"), word(r, "referenceLocator")) for r in refs]
        packages.append({**one, "purls": purls})
    return _spdx(packages, relations)


def _spdx(packages: list[Table], relations: Relations, unread: Iterable[Unread] = ()) -> Inventory:
    """The inventory of packages as SPDX 2 has them in JSON, with their `purls`.

    What a document describes are its roots. A relation from the needed to who needs it is turned.
    """
    found, unread = [], [*unread]
    for number, package in enumerate(packages, 1):
        key, name, version = (word(package, key) for key in ("SPDXID", "name", "versionInfo"))
        if key and name:
            found += _called(key, name, version, package["purls"])
        else:
            known = "" if any(package["purls"]) else name.lower()
            unread.append(Unread(f"package {number} has no SPDXID or no name", "", known))
    components = _unique(found)
    keys = {component.key for component in components}
    edges = [(to, one) if _BACKWARD.fullmatch(kind) else (one, to) for one, kind, to in relations]
    ends = zip(edges, relations, strict=True)
    tops = [top for (_, top), (_, kind, _) in ends if kind.startswith("DESCRIBE")]
    roots = [top for top in dict.fromkeys(tops) if top in keys]
    return Inventory(SBOM, (), components, edges, roots, unread=unread)


def _purl(kind: str, locator: str) -> str:
    """The package URL of a reference; one to a registry is written as one."""
    kind = kind.rpartition("/")[2].lower().partition("-")[0]
    if locator.startswith("pkg:") or kind not in ("nuget", "maven", "npm", "pypi"):
        return locator
    named = re.sub(r"(?<=.)[/:@](?=[^/:@]*$)", "@", locator)
    return f"pkg:{kind}/{named.replace(':', '/')}"


def spdx_tag(source: Source) -> Inventory:
    """What a document of SPDX 2 in tag-value form holds, by way of the form that it has in JSON."""
    if other := _OTHER.search(_TAG.sub("", source.text)):
        what = f'"{other[0].strip()[:60]}" is no `Tag: value`'
        raise bad(source.where, what, "get the whole file again")
    packages: list[Table] = []
    relations: Relations = []
    unread: list[Unread] = []
    package: Table = {}  # whose tags follow; those of files and snippets are of none
    for tag, value in _TAG.findall(source.text):
        words = value.split()
        if tag in ("PackageName", "FileName", "SnippetSPDXID"):
            package = {"purls": []}
            packages += [package] if tag == "PackageName" else []
        if tag in _TAGS:
            package.setdefault(_TAGS[tag], value.strip())
        elif tag in ("Relationship", "ExternalRef") and len(words) < 3:
            name = "-" if tag == "Relationship" else str(package.get("name", "")).lower()
            unread.append(Unread(f'"{value[:60]}" is no {tag}', "", name))
        elif tag == "Relationship":
            relations.append(tuple(words[:3]))
        elif tag == "ExternalRef" and "purls" in package:
            package["purls"].append(_purl(words[-2], words[-1]))
        elif tag == "ExternalRef":
            unread.append(Unread(f'"{value[:60]}" is of no package'))
    return _spdx(packages, relations, unread)


def spdx_3(source: Source) -> Inventory:
    """What a document of SPDX 3 in JSON-LD holds: packages of every profile, and relationships."""
    data = documents.json_table(source)
    packages: list[Table] = []
    relations: Relations = []
    for one in map(table, documents.shaped(data.get("@graph"), list[Any], source.where)):
        node = {key.rpartition("_")[2]: value for key, value in one.items()}  # without its profile
        key = word(node, "spdxId") or word(node, "@id")
        found = _KIND.search(str(node.get("type", node.get("@type"))))
        kind = found[1] if found else ""
        if kind == "Relationship":
            start = word(node, "from"), word(node, "relationshipType")
            relations += [(*start, str(end)) for end in _every(node.get("to"))]
        elif kind == "Package":
            named = {"name": word(node, "name"), "versionInfo": word(node, "packageVersion")}
            purls = [word(ref, "identifier") for ref in _every(node.get("externalIdentifier"))]
            purls.append(word(node, "packageUrl"))
            packages.append({"SPDXID": key, **named, "purls": purls})
        elif kind:
            relations += [(key, "DESCRIBES", str(top)) for top in _every(node.get("rootElement"))]
    return _spdx(packages, relations)


def _every(value: object) -> list[Any]:
    """What JSON-LD has as a list, or alone."""
    return listed(value) or ([] if value is None else [value])
