"""Bills of materials: CycloneDX 1.2 to 1.7 in JSON and XML, SPDX 2 in its forms, SPDX 3.

A bill of CycloneDX in XML is brought into the form that it has in JSON, SPDX of every kind into
packages and relations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, Wrong, listed, rows, table, word
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

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_VERSIONS = re.compile(r"1\.[2-7]")
_SPACE = "http://cyclonedx.org/schema/bom/"
_LISTS = {"components", "dependencies", "compositions"}
_SCOPES = {"", "required", "optional", "excluded"}
_ALONE = ("file", "operating-system", "device", "firmware")  # that no registry has
_BEHIND = re.compile(r"(.+?)(?:@|==|:| )v?(\d[\w.+-]*)")  # a version behind a name
_BACKWARD = re.compile(r".*(?:DEPENDENCY_OF|_OF|CONTAINED_BY|DESCRIBED_BY|FOR)$")
_TAG = re.compile(r"([A-Za-z0-9]+):[ \t]*(.*)")


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


def cyclonedx_json(source: Source) -> Inventory:
    """What a bill in JSON holds; the component that it describes is its root."""
    return _cyclonedx("CycloneDX JSON", documents.from_json(source), source.where)


def cyclonedx_xml(source: Source) -> Inventory:
    """What a bill in XML holds, by way of the form that it has in JSON."""
    root = documents.from_xml(source)
    space = root.tag.partition("}")[0] + "}"
    if not space.startswith("{" + _SPACE) or root.tag != f"{space}bom":
        raise bad(source.where, "this element is not read", "make it in versions 1.2 to 1.7")
    every = {str(element.tag).partition("}")[0] + "}" for element in root.iter()}
    other = next((one for one in every if one != space and one[1:].startswith(_SPACE)), "")
    data = table(_plain(root))
    if other:
        data["compositions"] = [{"aggregate": f"incomplete: a part is of {other[1:-1]}"}]
    data["specVersion"] = space.removeprefix("{" + _SPACE)[:-1]
    needs = root.iterfind(f"{space}dependencies/{space}dependency")
    data["dependencies"] = [
        {**need.attrib, "dependsOn": [other.get("ref", "") for other in need]} for need in needs
    ]
    return _cyclonedx("CycloneDX XML", data, source.where)


def _plain(element: Element) -> object:
    """An element as JSON has it: a list where it is one, a text where nothing is in it.

    What stands twice where one is allowed becomes a list, which is then told as wrong.
    """
    name = element.tag.rpartition("}")[2]
    if name in _LISTS:
        return [_plain(inner) for inner in element]
    found: Table = {str(key): value for key, value in element.attrib.items()}
    if not len(element) and (not found or element.text):
        return (element.text or "").strip()
    for child in element:
        inner, value = child.tag.rpartition("}")[2], _plain(child)
        found[inner] = [found[inner], value] if inner in found else value
    return found


def _cyclonedx(form: str, content: object, where: str) -> Inventory:
    """The inventory of a bill; what it lists twice stands there twice."""
    bom = documents.shaped(content, Table, where)
    spec = str(bom.get("specVersion") or "of no version")
    if not _VERSIONS.fullmatch(spec):
        raise bad(where, f"CycloneDX {spec} is not read", "make it in versions 1.2 to 1.7")
    top = table(bom.get("metadata")).get("component")
    wrong: list[Wrong] = []
    parts = [(True, part) for part in _parts([top] if top else [], "metadata.component", wrong)]
    listed = bom.get("components") or []
    inner = table(top).get("components") or []
    parts += [(False, part) for part in _parts(listed, "components", wrong)]
    parts += [(False, part) for part in _parts(inner, "metadata.component.components", wrong)]
    needs, lost = documents.each(bom.get("dependencies") or [], _Needs, "dependencies")
    components: list[Component] = []
    known: dict[str, Component] = {}
    roots: list[str] = []
    for is_top, part in parts:
        for component in _named(part, len(components)):
            if known.setdefault(component.key, component)[1:] != component[1:]:
                # one reference for two things: both are kept
                component = component._replace(key=f"{component.key} #{len(components)}")
            components.append(component)
            roots += [component.key] if is_top else []
    told = [word(one, "aggregate") for one in rows(bom, "compositions")]
    lacks = next((one for one in told if one.startswith("incomplete")), "")
    why = f"the file says itself that it is {lacks.replace('_', ' ')}"
    wrong += [Wrong("", why)] if lacks else []
    edges = [(need.ref, other) for need in needs for other in need.depends_on]
    keys = {component.key for component in components}
    loose = [end for edge in edges for end in edge if end not in keys]
    components += [Component(o, *from_purl(o)) for o in dict.fromkeys(loose) if from_purl(o)[1]]
    lost += [Wrong("", f"{other[:60]} is needed and no component") for other in loose]
    notes = [*_breaks([one for _, one in parts], needs, spec), *(one.why for one in lost)]
    return Inventory(
        form,
        SBOM,
        (),
        components,
        edges,
        roots,
        unread=[Unread("", name.lower(), why) for name, why in wrong],
        notes=tuple(f"the file breaks its own format: {note}" for note in notes[:1]),
    )


def _parts(items: object, where: str, wrong: list[Wrong]) -> Iterator[_Part]:
    """Components with those nested in them, however deep; what cannot be read joins `wrong`."""
    below = [(where, items)]
    while below:
        at, every = below.pop()
        listed = every if isinstance(every, list) else [every]
        read, unread = documents.each(listed, _Part, at)
        yield from read
        wrong += unread
        inside = (table(item).get("components") for item in listed)
        below += [(f"{at}[..].components", more) for more in inside if more]


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
    refs = [part.bom_ref for part in parts if part.bom_ref]
    for what, names in (
        ("reference", refs),
        ("dependency", [need.ref for need in needs]),
        *(("need", need.depends_on) for need in needs),
    ):
        if len(set(names)) < len(names):
            again = next(name for at, name in enumerate(names) if name in names[:at])
            yield f"the {what} {again[:60]} stands twice"


def _named(part: _Part, number: int) -> Iterator[Component]:
    """The component of a part: several where it is told by names or versions that differ."""
    evidence = documents.walk(part.evidence) if part.evidence else ()
    purls = [
        part.purl,
        *(str(text) for _, key, text in evidence if key in ("concludedValue", "value")),
    ]
    twice = not part.group or part.name.startswith(f"{part.group}/")
    name = part.name if twice else f"{part.group}/{part.name}"
    key = part.bom_ref or part.purl or f"{name} {part.version} #{number}"
    home = DOCKER if part.type == "container" else part.type if part.type in _ALONE else ""
    yield from _called(key, name, part.version, purls, home)


def _called(
    key: str, name: str, version: str, purls: Iterable[str], home: str = ""
) -> Iterator[Component]:
    """The components of one key: by each of its package URLs, else by its name.

    There are two where a URL names another version than the package, or where a package of a
    distribution was built from a source that is called otherwise.
    """
    version = "" if version == "NOASSERTION" else version
    found: dict[Component, None] = {}
    for purl in dict.fromkeys(purls):
        ecosystem, named, exact = from_purl(purl)
        told = dict.fromkeys(filter(None, (exact, version)))
        if len(told) == 2 and same(ecosystem, exact, version):
            told.pop(version)
        for one in (told or [""]) if named else []:
            found[Component(key, ecosystem, named, one)] = None
            if source := upstream(purl):
                found[Component(f"{key} of {source}", ecosystem, source, one)] = None
    if not found:
        behind = _BEHIND.fullmatch(name)
        name, last = (behind[1], behind[2]) if behind else (name, "")
        exact = last if last and not version[:1].isdigit() else version
        found[Component(key, home, canonical(home, name) if home else name, exact)] = None
    yield from found


# SPDX: packages as (id, name, version, purls), relations as (from, type, to)

Packages = list[tuple[str, str, str, list[str]]]
Relations = list[tuple[str, str, str]]


def spdx_json(source: Source) -> Inventory:
    """What a document of SPDX 2 in JSON holds."""
    return _spdx_2("SPDX JSON", documents.from_json(source), source.where)


def spdx_yaml(source: Source) -> Inventory:
    """What a document of SPDX 2 in YAML holds."""
    return _spdx_2("SPDX YAML", documents.from_yaml(source), source.where)


def _spdx_2(form: str, content: object, where: str) -> Inventory:
    """What a document of SPDX 2 holds; what it describes are its roots."""
    data = documents.shaped(content, Table, where)
    data = table(data.get("sbom")) if "packages" not in data else data  # as GitHub exports it
    if "packages" not in data:
        raise bad(where, "has no packages at its top", "give the document itself")
    lists = {key: data.get(key) or [] for key in ("packages", "relationships")}
    lists = documents.shaped(lists, dict[str, list[Any]], where)
    packages: Packages = []
    for one in rows(lists, "packages"):
        refs = rows(one, "externalRefs")
        purls = [_purl(word(r, "referenceType"), word(r, "referenceLocator")) for r in refs]
        packages.append((word(one, "SPDXID"), word(one, "name"), word(one, "versionInfo"), purls))
    keys = ("spdxElementId", "relationshipType", "relatedSpdxElement")
    relations = [
        (word(one, keys[0]), word(one, keys[1]), word(one, keys[2]))
        for one in rows(lists, "relationships")
    ]
    tops = listed(data.get("documentDescribes"))
    return _document(form, packages, [*relations, *(("", "DESCRIBES", str(top)) for top in tops)])


def _purl(kind: str, locator: str) -> str:
    """The package URL of a reference; one to a registry is written as one."""
    kind = kind.rpartition("/")[2].lower().partition("-")[0]
    if locator[:4] == "pkg:":
        return locator
    if kind in ("nuget", "maven"):
        locator = "@".join(re.split(r"[/:](?=[^/:]*$)", locator))
    return (
        f"pkg:{kind}/{locator.replace(':', '/')}"
        if kind in ("npm", "pypi", "nuget", "maven")
        else ""
    )


def _document(
    form: str, packages: Packages, relations: Relations, unread: Iterable[Unread] = ()
) -> Inventory:
    """The inventory of a document; a relation told from the needed to who needs it is turned."""
    components: dict[str, Component] = {}
    lost = list(unread)
    for number, (key, name, version, purls) in enumerate(packages, 1):
        if not key or not name:
            told = "" if any(purls) else name
            lost.append(Unread("", told.lower(), f"package {number} has no SPDXID or no name"))
            continue
        for component in _called(key, name, version, purls):
            again = f"{component.key} #{len(components)}"
            held = again if component.key in components else component.key
            components[held] = component._replace(key=held)
    edges: list[tuple[str, str]] = []
    roots: dict[str, None] = {}
    for one, kind, other in relations:
        if kind in ("DESCRIBES", "DESCRIBED_BY"):
            top = other if kind == "DESCRIBES" else one
            roots |= {top: None} if top in components else {}
        edges.append((other, one) if _BACKWARD.fullmatch(kind) else (one, other))
    return Inventory(form, SBOM, (), list(components.values()), edges, list(roots), unread=lost)


def spdx_tag(source: Source) -> Inventory:
    """What a document of SPDX 2 in tag-value form holds."""
    packages: Packages = []
    relations: Relations = []
    unread: list[Unread] = []
    own = False  # whether tags belong to the last package; files and snippets end it
    for line, tag, value in _tags(source):
        words = value.split()
        key, name, version, purls = packages[-1] if own else ("", "", "", [])
        if tag == "PackageName":
            own = True
            packages.append(("", value, "", []))
        elif tag in ("FileName", "SnippetSPDXID"):
            own = False
        elif tag == "Relationship" and len(words) == 3:
            relations.append((words[0], words[1], words[2]))
        elif tag in ("Relationship", "ExternalRef") and len(words) < 3:
            told = "-" if tag == "Relationship" else name
            unread.append(Unread("", told.lower(), f"line {line}: is no {tag}"))
        elif tag == "ExternalRef":
            purls.append(_purl(*words[-2:]))
        elif tag == "SPDXID" and own:
            packages[-1] = key or value, name, version, purls
        elif tag == "PackageVersion" and own:
            packages[-1] = key, name, version or value, purls
    return _document("SPDX tag-value", packages, relations, unread)


def _tags(source: Source) -> Iterator[tuple[int, str, str]]:
    """(line, tag, value); a value in <text> may take several lines."""
    lines = iter(enumerate(source.text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = _TAG.fullmatch(line.strip())
        if not found:
            raise bad(f"{source.where}:{number}", "is no `Tag: value`", "get the whole file again")
        value = found[2]
        while value.startswith("<text>") and "</text>" not in value:
            more = next(lines, None)
            if more is None:
                raise bad(f"{source.where}:{number}", "<text> does not end", "get it again")
            value += f"\n{more[1]}"
        yield number, found[1], value.strip()


def spdx_3(source: Source) -> Inventory:
    """What a document of SPDX 3 in JSON-LD holds: packages of every profile, and relationships."""
    data = documents.shaped(documents.from_json(source), Table, source.where)
    graph = documents.shaped(data.get("@graph"), list[Any], source.where)
    packages: Packages = []
    relations: Relations = []
    for one in map(table, graph):
        said = {key.rpartition("_")[2]: value for key, value in one.items()}  # without its profile
        what = str(next(iter(_every(said.get("type", said.get("@type")))), ""))
        key = word(said, "spdxId") or word(said, "@id")
        if what.endswith("Relationship"):
            ends = map(str, _every(said.get("to")))
            told = word(said, "from"), word(said, "relationshipType")
            relations += [(*told, end) for end in ends]
        elif what.endswith("Package"):
            purls = [word(ref, "identifier") for ref in _every(said.get("externalIdentifier"))]
            purls.append(word(said, "packageUrl"))
            packages.append((key, word(said, "name"), word(said, "packageVersion"), purls))
        elif what.endswith(("SpdxDocument", "Sbom", "Bom")):
            relations += [(key, "DESCRIBES", str(top)) for top in _every(said.get("rootElement"))]
    return _document("SPDX 3 JSON-LD", packages, relations)


def _every(value: object) -> list[Any]:
    """What JSON-LD has as a list, or alone."""
    return listed(value) or ([] if value is None else [value])
