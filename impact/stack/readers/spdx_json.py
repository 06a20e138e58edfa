"""SPDX 2.x in JSON: packages, their package URLs, and relationships between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source, Wrong, is_object
from impact.stack.inventory import SBOM, Component, Inventory, Unread, from_purl
from impact.stack.versions import same

FORMAT = "SPDX JSON"
DOCUMENT = "SPDXRef-DOCUMENT"
_REGISTRIES = ("npm", "pypi", "nuget")
_BACKWARD = re.compile(r".*(?:DEPENDENCY_OF|_OF|CONTAINED_BY|DESCRIBED_BY|FOR)$")


class _Reference(Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Package(Struct, rename="camel"):
    name: str
    spdx_id: str = field(name="SPDXID")
    version_info: str = ""
    external_refs: list[_Reference] = field(default_factory=list)


class _Relation(Struct, rename="camel"):
    spdx_element_id: str
    related_spdx_element: str
    relationship_type: str = ""


class _Document(Struct, rename="camel"):
    packages: list[Any] = field(default_factory=list)
    relationships: list[Any] = field(default_factory=list)
    document_describes: list[str] = field(default_factory=list)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    named = '"spdxVersion"' in text and is_object(text)
    return named and re.search(r'"spdxVersion"\s*:\s*"SPDX-2', text) is not None


def read(source: Source) -> Inventory:
    """What the document holds; what it describes are its roots."""
    return of(FORMAT, documents.from_json(source), source.where)


def of(form: str, content: object, where: str) -> Inventory:
    """The inventory of a document of SPDX 2.x, whatever it was written in."""
    data = documents.shaped(content, dict[str, Any], where)
    inner = data.get("sbom") if "packages" not in data else data  # as GitHub exports it
    document = documents.shaped(inner, _Document, where)
    packages, wrong = documents.each(document.packages, _Package, "packages")
    relations, lost = documents.each(document.relationships, _Relation, "relationships")
    found = [
        (package.spdx_id, package.name, package.version_info, purl)
        for package in packages
        for purl in _purls(package.external_refs)
    ]
    told = [(r.spdx_element_id, r.relationship_type, r.related_spdx_element) for r in relations]
    told += [(DOCUMENT, "DESCRIBES", name) for name in document.document_describes]
    return bill(form, found, told, wrong, [why for _, why in lost])


def _purls(references: Sequence[_Reference]) -> list[str]:
    """The package URLs of a package: it may have several, and each counts."""
    told = (purl(ref.reference_type, ref.reference_locator) for ref in references)
    return list(dict.fromkeys(filter(None, told))) or [""]


def purl(kind: str, locator: str) -> str:
    """The package URL of a reference; one to a registry (`npm`, `pypi`) is written as one.

    >>> purl("npm", "chalk@5.6.1"), purl("cpe23Type", "cpe:2.3:a:x")
    ('pkg:npm/chalk@5.6.1', '')
    """
    kind = kind.rpartition("/")[2]
    if kind == "purl":
        return locator
    return f"pkg:{kind}/{locator}" if kind in _REGISTRIES else ""


def bill(
    form: str,
    packages: Iterable[tuple[str, str, str, str]],
    relations: Iterable[tuple[str, str, str]],
    wrong: Iterable[Wrong],
    notes: Iterable[str],
) -> Inventory:
    """The inventory of packages (id, name, version, purl) and relations (from, type, to).

    A relation that is told from the needed to who needs it is turned round.
    """
    components: dict[str, Component] = {}
    for key, name, version, purl in packages:
        ecosystem, named, exact = from_purl(purl)
        version = "" if version == "NOASSERTION" else version
        told = dict.fromkeys(filter(None, (exact, version)))
        if len(told) == 2 and same(ecosystem, exact, version):
            told.pop(version)
        for one in told or [""]:  # two where the URL names another version than the package
            found = Component(key, ecosystem, named or name, one)
            if found.key in components:
                found = found._replace(key=f"{found.key} #{len(components)}")
            components[found.key] = found
    edges: list[tuple[str, str]] = []
    roots: dict[str, None] = {}
    for one, kind, other in relations:
        if kind in ("DESCRIBES", "DESCRIBED_BY"):
            top = other if kind == "DESCRIBES" else one
            if top in components:
                roots[top] = None
        edges.append((other, one) if _BACKWARD.fullmatch(kind) else (one, other))
    return Inventory(
        form,
        SBOM,
        (),
        list(components.values()),
        edges,
        list(roots),
        unread=[Unread("", name.lower(), why) for name, why in wrong],
        notes=tuple(notes),
    )
