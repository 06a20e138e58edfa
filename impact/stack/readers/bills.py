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
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, Wrong, at, listed, rows, table, word
from impact.stack.inventory import (
    DATA,
    DOCKER,
    NPM,
    PYPI,
    SBOM,
    Component,
    Inventory,
    Unread,
    artifact,
    canonical,
    from_purl,
    split_version,
    tail,
    upstream,
)
from impact.stack.versions import same

_VERSIONS = re.compile(r"1\.[2-7]")
_SPACE = re.compile(r"\{http://cyclonedx\.org/schema/bom/(.*)\}(.*)")
_LISTS = {"components", "dependencies", "compositions"}
_SAYING_NO = ("complete", "not_specified")  # aggregates that say of nothing that it is missing
_ELSE = re.compile(r"\.tools|\.pedigree")  # what made a bill, and what a component came from
_SCOPES = {"", "required", "optional", "excluded"}
_ALONE = ("file", "operating-system", "device", "firmware")  # that no registry has
_BEHIND = re.compile(r"(.+?)(?:@|==|:| )v?(\d[\w.+-]*)")  # a version behind a name
_BACKWARD = re.compile(r".*(?:DEPENDENCY_OF|_OF|CONTAINED_BY|DESCRIBED_BY|FOR)$")
_TAG = re.compile(  # of SPDX, whose value may be a <text> of several lines
    r"(?m)^[ \t]*([A-Za-z0-9]+):[ \t]*+(<text>(?:(?!<text>)[\s\S])*?</text>.*|(?!<text>).*)$"
)
_OTHER = re.compile(r"(?m)^[ \t]*[^#\s].*")
_TAGS = {  # as they are called in JSON, whatever their case
    "packagename": "name",
    "spdxid": "SPDXID",
    "packageversion": "versionInfo",
    "filename": "fileName",
    "snippetspdxid": "snippet",
    "relationship": "relationship",
    "externalref": "reference",
    "externaldocumentref": "externalDocumentRefs",
}
_IDS = ("SPDXID", "spdxId", "@id", "snippet")  # keys of what a document holds
_OUT = ("externalDocumentRefs", "import")  # of what it does not
_NOWHERE = re.compile(r"|NONE|SPDXRef-DOCUMENT|.*NoneElement")
_ASIDE = re.compile(  # relations to what is no package, and to what is left open but for needs
    r"(?i)^\S*(?:licen[cs]e|vulnerab|assessment)|^(?!\S*depend).*noassertion(?:element)?$"
)
_KIND = re.compile(r"(?i)(relationship|package|spdxdocument|sbom|bom)\W*$")  # of a node of SPDX 3
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
        for need in root.iterfind("{*}dependencies//{*}dependency")
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
    bom = {"components": None, "dependencies": [], "compositions": [], **bom}
    wrong = [
        Wrong("", f"has no list of {key}")
        for key in ("components", "dependencies", "compositions")
        if not isinstance(bom[key], list)
    ]
    top = at(bom, "metadata.component")
    tops, misshapen = documents.each([top] if top else [], _Part, "metadata.component")
    parts = [*tops, *_parts(bom, wrong)]
    needs, breaks = documents.each(listed(bom["dependencies"]), _Needs, "dependencies")
    components = _components(parts)
    roots = [one.key for one in _components(tops)]
    aggregates = (word(one, "aggregate") for one in rows(bom, "compositions"))
    if lacks := [one for one in aggregates if one not in _SAYING_NO]:
        wrong.append(Wrong("", f"the file says itself that it is {lacks[0].replace('_', ' ')}"))
    edges = [(need.ref, other) for need in needs for other in need.depends_on]
    keys = {component.key for component in components}
    for end in dict.fromkeys(chain((need.ref for need in needs), *edges)):
        if end not in keys and (package := from_purl(end))[1]:
            components.append(Component(end, *package))
        elif end not in keys:
            wrong.append(Wrong("", f"{end[:60]} is needed and no component"))
    notes = [*_breaks(parts, needs, spec), *(one.why for one in breaks)]
    note = tuple(f"the file breaks its own format: {note}" for note in notes[:1])
    unread = [Unread(why, "", name.lower()) for name, why in (*misshapen, *wrong)]
    names = [one for part in parts for one in (part.name, part.purl)]
    names += [str(one) for _, key, one in documents.walk(bom.get("services")) if key == "name"]
    unread += _others(bom, components, names)
    return Inventory(SBOM, (), components, edges, roots, unread=unread, notes=note)


def _others(data: object, components: list[Component], names: list[str]) -> Iterator[Unread]:
    """What a bill names beside its components: by a package URL, or the file of a package.

    So are the `names` and package URLs of its parts of which no component is called so.
    """
    packages = [*(part[1:] for part in components), *map(from_purl, names)]
    held = {(home.partition(":")[0], name, version) for home, name, version in packages}
    tails = {tail(part.name) for part in components}
    for name in dict.fromkeys(filter(None, names)):
        if not from_purl(name)[1] and tail(bare := unquote(name)) not in tails:
            why = f"{name[:60]} is not what any package URL names"
            yield Unread(why, "", split_version(bare)[0].lower())
    for path, _, text in documents.walk(data):
        if not isinstance(text, str) or _ELSE.search(path):
            continue
        files = [(home, *artifact(home, text)) for home in (PYPI, NPM)]
        for home, name, version in (from_purl(text), *files):
            if name and (home.partition(":")[0], name, version) not in held:
                yield Unread(f"{text[:80]} stands in it and is no component", home, name)


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


def _parts(bom: Table, wrong: list[Wrong]) -> Iterator[_Part]:
    """Components wherever they are listed; what cannot be read joins `wrong`.

    Tools that made the bill are no part of what it describes.
    """
    for path, key, value in documents.walk(bom):
        if key == "type" and value == "bom":
            wrong.append(Wrong("", "refers to another bill"))
        if key != "components" or path[-1:] == "]" or ".tools." in path:
            continue
        if value is not None:
            level = value if isinstance(value, list) else [value]
            parts, unread = documents.each(level, _Part, path)
            yield from parts
            wrong += unread


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
    lists = {"packages": data["packages"], "relationships": data.get("relationships") or []}
    lists = documents.shaped(lists, dict[str, list[Any]], where)
    keys = ("spdxElementId", "relationshipType", "relatedSpdxElement")
    relations = [tuple(word(one, key) for key in keys) for one in rows(lists, "relationships")]
    relations += [("", "DESCRIBES", str(top)) for top in listed(data.get("documentDescribes"))]
    packages = []
    for one in rows(lists, "packages"):
        refs = rows(one, "externalRefs")
        purls = [_purl(word(r, "referenceType"), word(r, "referenceLocator")) for r in refs]
        packages.append({**one, "purls": purls})
    return _spdx(packages, relations, data)


def _spdx(
    packages: list[Table], relations: Relations, data: object, unread: Iterable[Unread] = ()
) -> Inventory:
    """The inventory of packages as SPDX 2 has them in JSON, with their `purls`.

    What a document describes are its roots. A relation from the needed to who needs it is turned.
    One to what `data` does not hold leads into another document, or to what was lost.
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
    held, lost = set(), [] if packages else ["names no package"]
    for _, key, value in documents.walk(data):
        held |= {str(value)} if key in _IDS else set()
        if (key in _OUT and value) or (key == "completeness" and value == "incomplete"):
            lost.append(f"says itself that more is elsewhere ({key})")
    some = [(one, to) for one, kind, to in relations if not _ASIDE.search(f"{kind} {to}")]
    gone = [end for end in chain(*some) if end not in held and not _NOWHERE.fullmatch(end)]
    lost += [f"{end[:60]} is related and not in it" for end in gone]
    unread += map(Unread, dict.fromkeys(lost))
    names = [one for package in packages for one in (word(package, "name"), *package["purls"])]
    unread += _others(data, components, names)
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
    found = _TAG.findall(source.text)
    tags = [(_TAGS.get(tag.lower(), tag), value.strip()) for tag, value in found]
    for tag, value in tags:
        words = value.split()
        if tag in ("name", "fileName", "snippet"):
            package = {"purls": []}
            packages += [package] if tag == "name" else []
        if tag in ("relationship", "reference") and len(words) < 3:
            name = "-" if tag == "relationship" else str(package.get("name", "")).lower()
            unread.append(Unread(f'"{value[:60]}" is no {tag}', "", name))
        elif tag == "relationship":
            relations.append((words[0], words[1].upper(), words[2]))
        elif tag == "reference" and "purls" in package:
            package["purls"].append(_purl(words[-2], words[-1]))
        elif tag == "reference":
            unread.append(Unread(f'"{value[:60]}" is of no package'))
        elif package.setdefault(tag, value) != value and tag == "SPDXID":
            unread.append(Unread(f"{value[:60]} has no name"))
    return _spdx(packages, relations, [{tag: value} for tag, value in tags], unread)


def spdx_3(source: Source) -> Inventory:
    """What a document of SPDX 3 in JSON-LD holds: packages of every profile, and relationships."""
    data = documents.json_table(source)
    packages: list[Table] = []
    relations: Relations = []
    for one in map(table, documents.shaped(data.get("@graph"), list[Any], source.where)):
        node = {key.rpartition("_")[2]: value for key, value in one.items()}  # without its profile
        key = word(node, "spdxId") or word(node, "@id")
        found = _KIND.search(str(node.get("type", node.get("@type"))))
        kind = found[1].lower() if found else ""
        if kind == "relationship":
            start = word(node, "from"), word(node, "relationshipType")
            relations += [(*start, str(end)) for end in _every(node.get("to"))]
        elif kind == "package":
            named = {"name": word(node, "name"), "versionInfo": word(node, "packageVersion")}
            purls = [word(ref, "identifier") for ref in _every(node.get("externalIdentifier"))]
            purls.append(word(node, "packageUrl"))
            packages.append({"SPDXID": key, **named, "purls": purls})
        elif kind:
            relations += [(key, "DESCRIBES", str(top)) for top in _every(node.get("rootElement"))]
    return _spdx(packages, relations, data)


def _every(value: object) -> list[Any]:
    """What JSON-LD has as a list, or alone."""
    return listed(value) or ([] if value is None else [value])
