"""CycloneDX in XML, versions 1.2 to 1.7: components, nested ones too, and who needs whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from impact.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Wrong
from impact.stack.inventory import Inventory
from impact.stack.readers.cyclonedx_json import VERSIONS, Part, bill, incomplete

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FORMAT = "CycloneDX XML"
_FIELDS = ("name", "version", "group", "purl")
_SPACE = "http://cyclonedx.org/schema/bom/"


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return text.lstrip()[:1] == "<" and _SPACE in text[:4000]


def read(source: Source) -> Inventory:
    """What the bill holds; the component that it describes is its root."""
    root = documents.from_xml(source)
    found = re.fullmatch(r"\{" + re.escape(_SPACE) + r"([\d.]+)\}bom", root.tag)
    if not found or not VERSIONS.fullmatch(found[1]):
        said = f"CycloneDX {found[1]}" if found else "this element"
        raise bad(source.where, f"{said} is not read", "make it in versions 1.2 to 1.7")
    space = root.tag.removesuffix("bom")
    wrong: list[Wrong] = []
    tops = list(_parts(root.findall(f"{space}metadata/{space}component"), space, wrong))
    listed = root.findall(f"{space}components/{space}component")
    parts = list(_parts(listed, space, wrong))
    told = root.iterfind(f"{space}compositions/{space}composition/{space}aggregate")
    wrong += incomplete(element.text or "" for element in told)
    others = (e.tag for e in root.iter() if e.tag.endswith("}component"))
    other = next((tag for tag in others if not tag.startswith(space) and _SPACE in tag), None)
    if other:
        wrong.append(Wrong("", f"a component is of another version: {other[1:].partition('}')[0]}"))
    edges = [
        (need.get("ref", ""), other.get("ref", ""))
        for need in root.iterfind(f"{space}dependencies/{space}dependency")
        for other in need.iterfind(f"{space}dependency")
    ]
    return bill(FORMAT, tops[:1], [*tops[1:], *parts], edges, wrong, ())


def _parts(elements: list[Element], space: str, wrong: list[Wrong]) -> Iterator[Part]:
    """Components with those nested in them; one without a name is reported."""
    for number, top in enumerate(elements):
        for element in top.iter(f"{space}component"):
            found = {field: element.findall(f"{space}{field}") for field in _FIELDS}
            said = {field: (every[0].text or "").strip() if every else ""
                    for field, every in found.items()}  # fmt: skip
            twice = [field for field, every in found.items() if len(every) > 1]
            if twice or not said["name"]:
                what = f"two of {twice[0]}" if twice else "no name"
                wrong.append(Wrong(said["name"], f"component {number + 1}: {what}"))
                continue
            yield Part(
                said["name"],
                said["version"],
                said["group"],
                said["purl"],
                element.get("bom-ref", ""),
            )
