"""What a project asks for: pyproject.toml and scripts, package.json, environment.yml of conda."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from impact.errors import BadInput
from impact.stack import documents
from impact.stack.asking import ADDRESS, asked, conda, npm, poetry
from impact.stack.documents import Source, table
from impact.stack.inventory import (
    CONDA,
    NPM,
    PYPI,
    Ask,
    Inventory,
    Unread,
    asking,
    canonical,
)

Asks = Iterator[Ask | Unread]
_LIMITS: dict[str, Literal["override", "constraint"]] = {  # of [tool.uv]
    "override-dependencies": "override",
    "constraint-dependencies": "constraint",
}
_GROUPS = {  # of package.json -> scope
    **{"dependencies": "dependencies", "devDependencies": "dev"},
    **{"optionalDependencies": "optional", "peerDependencies": "peer"},
}
_LISTS = re.compile(  # below [tool]: lists of requirements of hatch, rye, uv, pdm and flit
    r"(?:^|\.)(?:(?:extra-)?dependencies|dev-dependencies(?:\.[^.]+)?|requires(?:-extra\.[^.]+)?)$"
)
SCRIPT = re.compile(r"(?ms)^# /// script\s*$(.*?)^# ///\s*$")  # PEP 723


def package_json(source: Source) -> Inventory:
    """What a JavaScript project asks for; `overrides` and `resolutions` stand in its place."""
    document = documents.shaped(documents.from_json(source), dict[str, Any], source.where)
    name = canonical(NPM, str(document.get("name") or ""))
    return asking("package.json", _wanted(document), NPM, name=name)


def _wanted(document: dict[str, Any]) -> Asks:
    for group, scope in _GROUPS.items():
        wanted = document.get(group) or {}
        if not isinstance(wanted, dict):
            yield Unread(NPM, "", f"{group}: is no table")
        yield from (npm(name, spec, scope) for name, spec in table(wanted).items())
    limits = {key: document.get(key) for key in ("overrides", "resolutions")}
    limits["pnpm.overrides"] = table(document.get("pnpm")).get("overrides")
    for by, held in limits.items():
        for name, spec in table(held).items():
            bare = name.removeprefix("**/")
            if isinstance(spec, dict) or ">" in bare or "@" in bare[1:]:
                last = bare.rpartition(">")[2]
                names = [last[:1] + last[1:].partition("@")[0], *table(spec)]
                why = f"{by}: what holds for it depends on who asks"
                yield from (Unread(NPM, canonical(NPM, one[:200]), why) for one in names)
                continue
            found = npm(bare, spec)
            yield found._replace(limit="override", by=by) if isinstance(found, Ask) else found


def environment(source: Source) -> Inventory:
    """What an environment asks for. A package of conda is not the one of that name on PyPI."""
    document = documents.shaped(documents.from_yaml(source), dict[str, Any], source.where)
    return asking("environment.yml", _needed(document), PYPI, CONDA)


def _needed(document: dict[str, Any]) -> Asks:
    needs = document.get("dependencies") or []
    for index, need in enumerate(needs if isinstance(needs, list) else [needs]):
        where = f"dependencies[{index}]"
        pip = need.get("pip") if isinstance(need, dict) and set(need) == {"pip"} else None
        for text in pip if isinstance(pip, list) else [need]:
            if not isinstance(text, str):
                yield Unread("", "", f"{where}: is neither text nor pip")
            elif text.startswith("-"):
                yield Unread(PYPI, "", f'{where}: "{text[:60]}" is not read here')
            else:
                yield conda(text) if pip is None else asked(text)


def script(source: Source) -> Inventory:
    """What a script in one file asks for, in its own remarks (PEP 723)."""
    found = SCRIPT.search(source.text)
    text = re.sub(r"(?m)^# ?", "", found[1] if found else "")
    data = documents.from_toml(Source(text, source.where, source.beside))
    return asking("script (PEP 723)", _texts(data.get("dependencies", []), "", "script"), PYPI)


def pyproject(source: Source) -> Inventory:
    """What a Python project asks for, by extra and group; the project itself is the root."""
    document = documents.from_toml(source)
    tool, project = table(document.get("tool")), table(document.get("project"))
    name = canonical(PYPI, str(project.get("name") or table(tool.get("poetry")).get("name") or ""))
    sources = table(table(tool.get("uv")).get("sources"))
    found = [_from(sources, part) for part in _every(document, project, tool, source)]
    return asking("pyproject.toml", found, PYPI, CONDA, name=name)


def _every(
    document: dict[str, Any], project: dict[str, Any], tool: dict[str, Any], source: Source
) -> Asks:
    yield from _texts(project.get("dependencies", []), "", "project.dependencies")
    for extra, texts in table(project.get("optional-dependencies")).items():
        yield from _texts(texts, f"extra {extra}", f"optional-dependencies {extra}")
    yield from _dynamic(project, table(table(tool.get("setuptools")).get("dynamic")), source)
    for group, texts in table(document.get("dependency-groups")).items():
        yield from _texts(texts, f"group {group}", f"dependency-groups {group}")
    yield from _texts(table(document.get("build-system")).get("requires", []), "build", "requires")
    own = table(tool.get("poetry"))
    groups = {"": own.get("dependencies"), "group dev": own.get("dev-dependencies")}
    for name, group in table(own.get("group")).items():
        groups[f"group {name}"] = table(group).get("dependencies")
    for scope, wanted in groups.items():
        for name, value in table(wanted).items():
            if canonical(PYPI, name) != "python":
                yield from poetry(name, value, scope)
    yield from _tools(tool)
    uv = table(tool.get("uv"))
    for key, limit in _LIMITS.items():
        for ask in _texts(uv.get(key, []), "", f"tool.uv.{key}"):
            yield ask._replace(limit=limit, by=f"uv's {key}") if isinstance(ask, Ask) else ask


def _tools(tool: dict[str, Any]) -> Asks:
    """What tables of tools ask for, wherever they lie: environments, features, targets, plugins."""
    for path, key, value in documents.walk(tool):
        scope = f"group {path}"
        if isinstance(value, list) and _LISTS.search(path):
            yield from _texts(value, scope, f"tool.{path}")
        elif isinstance(value, dict) and key in ("pypi-dependencies", "requires-plugins"):
            for name, wanted in value.items():
                yield from poetry(name, wanted, scope)
        elif isinstance(value, dict) and key == "dependencies" and "pixi" in path:
            for name, wanted in value.items():
                spec = table(wanted).get("version", "") if isinstance(wanted, dict) else wanted
                yield conda(f"{name} {spec}".replace("*", "").strip(), scope)
        elif path == "pdm.resolution.overrides":
            for name, wanted in table(value).items():
                for ask in poetry(name, wanted, ""):
                    yield ask._replace(limit="override", by="pdm") if isinstance(ask, Ask) else ask


def pixi(source: Source) -> Inventory:
    """What a pixi.toml asks for, of PyPI and of conda."""
    return asking("pixi.toml", _tools({"pixi": documents.from_toml(source)}), PYPI, CONDA)


def catalogs(source: Source) -> Inventory:
    """What the catalogs and overrides of a pnpm-workspace.yaml name."""
    found = [
        npm(key, value)
        for path, key, value in documents.walk(documents.from_yaml(source))
        if isinstance(value, str) and path.startswith(("catalog", "overrides"))
    ]
    return asking("pnpm-workspace.yaml", found, NPM)


def _from(sources: dict[str, Any], part: Ask | Unread) -> Ask | Unread:
    """What is asked for, or that uv takes it from an address and not from the registry."""
    for name, places in sources.items():
        if isinstance(part, Ask) and canonical(PYPI, name) == part.name:
            every = places if isinstance(places, list) else [places]
            if any(key in table(place) for place in every for key in ("git", "url", "path")):
                return Unread(PYPI, part.name, f"{name} {ADDRESS}")
    return part


def _dynamic(project: dict[str, Any], wanted: dict[str, Any], source: Source) -> Asks:
    """Dependencies that setuptools reads from files beside; a build script's cannot be known."""
    dynamic = project.get("dynamic", [])
    for key in ("dependencies", "optional-dependencies"):
        if not isinstance(dynamic, list) or key not in dynamic:
            continue
        told = table(wanted.get(key))
        every = [told] if key == "dependencies" else [table(one) for one in told.values()]
        files = [file for one in every for file in _listed(one.get("file"))]
        if not files:
            yield Unread(PYPI, "", f"{key} are dynamic: a build script makes them")
        for name in files:
            try:
                lines = source.beside(str(name)).splitlines()
            except BadInput as error:
                yield Unread(PYPI, "", str(error))
                continue
            texts = (line.partition("#")[0].strip() for line in lines)
            yield from (asked(line) for line in texts if line)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _texts(texts: object, scope: str, where: str) -> Asks:
    if not isinstance(texts, list):
        yield Unread(PYPI, "", f"{where}: is no list")
        return
    for text in texts:
        if isinstance(text, dict) and set(text) == {"include-group"}:
            continue  # that group is read by its own name
        yield asked(text, scope) if isinstance(text, str) else Unread(PYPI, "", f"{where}: no text")
