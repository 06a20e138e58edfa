"""pyproject.toml: what a Python project asks for (PEP 621, Poetry, groups, uv's own tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from impact.errors import BadInput
from impact.stack import documents
from impact.stack.asking import ADDRESS, asked, poetry
from impact.stack.documents import Source
from impact.stack.inventory import MANIFEST, PYPI, Ask, Component, Inventory, Unread, canonical

FORMAT = "pyproject.toml"
_LIMITS: dict[str, Literal["override", "constraint"]] = {  # of [tool.uv]
    "override-dependencies": "override",
    "constraint-dependencies": "constraint",
}
_NOT_READ = (  # tables of other tools, below [tool]
    *("hatch.envs", "pixi.dependencies", "pixi.pypi-dependencies", "rye.dev-dependencies"),
    *("flit.metadata.requires", "pdm.resolution.overrides"),
    "setuptools.dynamic.optional-dependencies",
)
_HEADS = r"(?m)^\[(project|build-system|dependency-groups|tool\.(poetry|uv|pdm|setuptools))[\].]"


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return "[[package]]" not in text and re.search(_HEADS, text) is not None


def read(source: Source) -> Inventory:
    """What the project asks for, by extra and group; the project itself is the root."""
    document = documents.from_toml(source)
    found = [_from(document, part) for part in _every(document, source)]
    project = _table(document.get("project"))
    tools = _table(_table(document.get("tool")).get("poetry"))
    name = str(project.get("name") or tools.get("name") or "")
    root = [Component(".", PYPI, canonical(PYPI, name), "")] if name else []
    return Inventory(
        FORMAT,
        MANIFEST,
        (PYPI,),
        root,
        roots=[component.key for component in root],
        asks=[ask for ask in found if isinstance(ask, Ask) and ask.name != canonical(PYPI, name)],
        unread=[part for part in found if isinstance(part, Unread)],
    )


def _every(document: dict[str, Any], source: Source) -> Iterator[Ask | Unread]:
    project, tool = _table(document.get("project")), _table(document.get("tool"))
    yield from _texts(project.get("dependencies", []), "", "project.dependencies")
    for extra, texts in _table(project.get("optional-dependencies")).items():
        yield from _texts(texts, f"extra {extra}", f"optional-dependencies {extra}")
    yield from _dynamic(project, _table(_table(tool.get("setuptools")).get("dynamic")), source)
    for group, texts in _table(document.get("dependency-groups")).items():
        yield from _texts(texts, f"group {group}", f"dependency-groups {group}")
    yield from _texts(_table(document.get("build-system")).get("requires", []), "build", "requires")
    yield from _poetry(_table(tool.get("poetry")))
    uv, pdm = _table(tool.get("uv")), _table(tool.get("pdm"))
    yield from _texts(uv.get("dev-dependencies", []), "group dev", "tool.uv.dev-dependencies")
    for group, texts in _table(pdm.get("dev-dependencies")).items():
        yield from _texts(texts, f"group {group}", f"tool.pdm.dev-dependencies {group}")
    for path in _NOT_READ:
        held: Any = tool
        for step in path.split("."):
            held = _table(held).get(step)
        if held:
            yield Unread(PYPI, "", f"tool.{path} holds requirements that are not read")
    for key, limit in _LIMITS.items():
        for ask in _texts(uv.get(key, []), "", f"tool.uv.{key}"):
            yield ask._replace(limit=limit, by=f"uv's {key}") if isinstance(ask, Ask) else ask


def _from(document: dict[str, Any], part: Ask | Unread) -> Ask | Unread:
    """What is asked for, or that uv takes it from an address and not from the registry."""
    sources = _table(_table(_table(document.get("tool")).get("uv")).get("sources"))
    for name, places in sources.items():
        if isinstance(part, Ask) and canonical(PYPI, name) == part.name:
            every = places if isinstance(places, list) else [places]
            if any(key in _table(place) for place in every for key in ("git", "url", "path")):
                return Unread(PYPI, part.name, f"{name} {ADDRESS}")
    return part


def _dynamic(
    project: dict[str, Any], wanted: dict[str, Any], source: Source
) -> Iterator[Ask | Unread]:
    """Dependencies that setuptools reads from files beside; a build script's cannot be known."""
    dynamic = project.get("dynamic", [])
    if not isinstance(dynamic, list) or "dependencies" not in dynamic:
        return
    files = _table(wanted.get("dependencies")).get("file", [])
    files = [files] if isinstance(files, str) else files
    if not files or not isinstance(files, list):
        yield Unread(PYPI, "", "dependencies are dynamic: a build script makes them")
    for name in files:
        try:
            lines = source.beside(str(name)).splitlines()
        except BadInput as error:
            yield Unread(PYPI, "", str(error))
            continue
        told = (line.partition("#")[0].strip() for line in lines)
        yield from (asked(line) for line in told if line)


def _texts(texts: object, scope: str, where: str) -> Iterator[Ask | Unread]:
    if not isinstance(texts, list):
        yield Unread(PYPI, "", f"{where}: is no list")
        return
    for text in texts:
        if isinstance(text, dict) and set(text) == {"include-group"}:
            continue  # that group is read by its own name
        yield asked(text, scope) if isinstance(text, str) else Unread(PYPI, "", f"{where}: no text")


def _poetry(table: dict[str, Any]) -> Iterator[Ask | Unread]:
    groups = {
        "": table.get("dependencies"),
        "group dev": table.get("dev-dependencies"),
        **{
            f"group {name}": _table(group).get("dependencies")
            for name, group in _table(table.get("group")).items()
        },
    }
    for scope, wanted in groups.items():
        for name, value in _table(wanted).items():
            if canonical(PYPI, name) != "python":
                yield from poetry(name, value, scope)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
