"""CycloneDX in JSON, versions 1.2 to 1.7: components, nested ones too, and who needs whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from impact.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Wrong, is_object
from impact.stack.inventory import SBOM, Component, Inventory, Unread, from_purl
from impact.stack.versions import same

FORMAT = "CycloneDX JSON"
VERSIONS = re.compile(r"1\.[2-7]")


class Part(Struct, rename={"bom_ref": "bom-ref"}):
    """A component as the file has it."""

    name: str
    version: str = ""
    group: str = ""
    purl: str = ""
    bom_ref: str = ""
    components: list[Any] = field(default_factory=list)


class _Needs(Struct, rename="camel"):
    ref: str
    depends_on: list[str] = field(default_factory=list)


class _Metadata(Struct):
    component: Any = None


class _Bom(Struct, rename="camel"):
    spec_version: str = ""
    metadata: _Metadata = field(default_factory=_Metadata)
    components: list[Any] = field(default_factory=list)
    dependencies: list[Any] = field(default_factory=list)
    compositions: list[Any] = field(default_factory=list)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    named = '"bomFormat"' in text and is_object(text)
    return named and re.search(r'"bomFormat"\s*:\s*"CycloneDX"', text) is not None


def read(source: Source) -> Inventory:
    """What the bill holds; the component that it describes is its root."""
    bom = documents.shaped(documents.from_json(source), _Bom, source.where)
    if not VERSIONS.fullmatch(bom.spec_version):
        said = f"CycloneDX {bom.spec_version or 'of no version'}"
        raise bad(source.where, f"{said} is not read", "make it in versions 1.2 to 1.7")
    root = bom.metadata.component
    tops, wrong = documents.each([root] if root else [], Part, "metadata.component")
    inner = root.get("components") if isinstance(root, dict) else None
    parts, more = flat([*bom.components, *(inner if isinstance(inner, list) else [])])
    needs, lost = documents.each(bom.dependencies, _Needs, "dependencies")
    edges = [(need.ref, other) for need in needs for other in need.depends_on]
    told = [str(one.get("aggregate")) for one in bom.compositions if isinstance(one, dict)]
    more += incomplete(told)
    return bill(FORMAT, tops, parts, edges, [*wrong, *more], [why for _, why in lost])


def incomplete(aggregates: Iterable[str]) -> list[Wrong]:
    """What a bill says that it leaves out, by its compositions: it could be anything."""
    told = next((one for one in aggregates if one.strip().startswith("incomplete")), "")
    return [Wrong("", f"the file says itself that it is {told.replace('_', ' ')}")] if told else []


def flat(components: list[Any]) -> tuple[list[Part], list[Wrong]]:
    """(parts, wrong): components with those nested in them, however deep."""
    parts: list[Part] = []
    wrong: list[Wrong] = []
    below = [("components", components)]
    while below:
        where, items = below.pop()
        read, unread = documents.each(items, Part, where)
        parts += read
        wrong += unread
        inside = (item.get("components") for item in items if isinstance(item, dict))
        below += [(f"{where}[..].components", more) for more in inside if isinstance(more, list)]
    return parts, wrong


def bill(
    form: str,
    tops: Iterable[Part],
    parts: Iterable[Part],
    edges: Iterable[tuple[str, str]],
    wrong: Iterable[Wrong],
    notes: Iterable[str],
) -> Inventory:
    """The inventory of a bill of materials; what it lists twice stands there twice."""
    components: list[Component] = []
    known: dict[str, Component] = {}
    roots: list[str] = []
    for root, part in [*((True, top) for top in tops), *((False, part) for part in parts)]:
        for component in _versions(part, len(components)):
            if known.setdefault(component.key, component)[1:] != component[1:]:
                # one reference for two things: both are kept
                component = component._replace(key=f"{component.key} #{len(components)}")
            components.append(component)
            roots += [component.key] if root else []
    unread = [Unread("", name.lower(), why) for name, why in wrong]
    return Inventory(
        form, SBOM, (), components, list(edges), roots, unread=unread, notes=tuple(notes)
    )


def _versions(part: Part, number: int) -> list[Component]:
    """The component of a part: two where its package URL names another version than it does."""
    ecosystem, name, version = from_purl(part.purl)
    if not name:
        name = f"{part.group}/{part.name}" if part.group else part.name
    key = part.bom_ref or part.purl or f"{name} {part.version} #{number}"
    told = dict.fromkeys(filter(None, (version, part.version)))
    if len(told) == 2 and same(ecosystem, version, part.version):
        told.pop(part.version)
    return [Component(key, ecosystem, name, one) for one in told or [""]]
