"""What a project asks for: pyproject.toml and scripts, package.json, environment.yml of conda."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, Literal

from impact.base.errors import BadInput, bad
from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, table
from impact.stack.grammars import ADDRESS, conda, npm, pep508, poetry
from impact.stack.inventory import (
    CONDA,
    NPM,
    PYPI,
    Ask,
    Asks,
    Inventory,
    Unread,
    ask_inventory,
    canonical,
    names_in,
    split_version,
)
from impact.stack.readers.ci import COMMANDS, shell

_LIMITS: dict[str, Literal["override", "constraint"]] = {  # of [tool.uv]
    "override-dependencies": "override",
    "constraint-dependencies": "constraint",
}
_GROUPS = {  # of package.json -> scope
    **{"dependencies": "dependencies", "devDependencies": "dev"},
    **{"optionalDependencies": "optional", "peerDependencies": "peer"},
}
_LISTS = re.compile(  # below [tool]: lists of requirements of hatch, rye, uv, pdm and flit
    r"(?:^|\.)(?:(?:extra-)?dependencies|dev-dependencies(?:\.[^.]+)?|(?:dev-)?requires(?:-extra\.[^.]+)?)$"
)
_POETRY = ("pypi-dependencies", "requires-plugins", "dependency-overrides")
_TOOLS = COMMANDS["tools"]["names"]
_LAST = re.compile(r"(?:^|/)((?:@[^/@]+/)?[^/@\s]+)(?:@[^/]*)?$")  # the last package of a path
SCRIPT = re.compile(r"(?ms)^# /// script\s*$(.*?)^# ///\s*$")  # PEP 723


def package_json(source: Source) -> Inventory:
    """What a JavaScript project asks for; `overrides` and `resolutions` stand in its place."""
    document = documents.json_table(source)
    name = canonical(NPM, str(document.get("name") or ""))
    return ask_inventory(_package_asks(document), NPM, name=name)


def _package_asks(document: Table) -> Asks:
    for group, scope in _GROUPS.items():
        wanted = document.get(group) or {}
        if not isinstance(wanted, dict):
            yield Unread(f"{group}: is no table", NPM)
        yield from (npm(name, spec, scope) for name, spec in table(wanted).items())
    for name, text in table(document.get("scripts")).items():
        yield from shell(str(text), f"scripts.{name}")
    for by in ("overrides", "resolutions", "pnpm.overrides"):
        yield from _overrides(by, at(document, by))
    for data in (document, document.get("workspaces"), document.get("pnpm")):  # of Bun, of pnpm
        yield from _catalogs(table(data))


def _overrides(by: str, overrides: object) -> Asks:
    """What stands in the place of what others ask for, everywhere or below some packages alone."""
    for path, key, spec in documents.walk(overrides):
        if not isinstance(spec, str):
            continue
        key = path.rstrip(".").rpartition(".")[2] if key == "." else key
        last = _LAST.search(re.split(r"(?<![@<>=\s])>(?!=)", key)[-1])
        name = last[1] if last else key
        ask = npm(name, spec)
        if path == name and isinstance(ask, Ask):
            yield ask._replace(limit="override", by=by)
            continue
        why = f"{by}: what holds for it depends on who asks"
        yield from (Unread(why, NPM, one) for one in {canonical(NPM, name), ask.name})


def _catalogs(data: Table) -> Asks:
    """What catalogs of pnpm and Bun fix, and what pnpm adds to packages of others."""
    for path, key, value in documents.walk(data):
        top, _, rest = path.partition(".")
        if not isinstance(value, str):
            continue
        if top in ("catalog", "catalogs", "configDependencies") or (
            top == "packageExtensions" and "ependencies." in rest
        ):
            yield npm(key, value.partition("+")[0], path)
        elif top == "patchedDependencies":
            yield npm(*split_version(key), path)


def catalogs(source: Source) -> Inventory:
    """What a pnpm-workspace.yaml fixes."""
    data = documents.shaped(documents.from_yaml(source) or {}, Table, source.where)
    asks = chain(_catalogs(data), _overrides("overrides", data.get("overrides")))
    return ask_inventory(asks, NPM, alone=True)


def environment(source: Source) -> Inventory:
    """What an environment asks for. A package of conda is not the one of that name on PyPI."""
    document = documents.shaped(documents.from_yaml(source), Table, source.where)
    return ask_inventory(_environment_asks(document), PYPI, CONDA)


def _environment_asks(document: Table) -> Asks:
    needs = document.get("dependencies") or []
    for index, need in enumerate(needs if isinstance(needs, list) else [needs]):
        where = f"dependencies[{index}]"
        pip = need.get("pip") if isinstance(need, dict) and set(need) == {"pip"} else None
        for text in pip if isinstance(pip, list) else [need]:
            if not isinstance(text, str):
                yield Unread(f"{where}: is neither text nor pip")
            elif text.startswith("-"):
                yield Unread(f'{where}: "{text[:60]}" is not read here', PYPI)
            else:
                yield conda(text) if pip is None else pep508(text)


def script(source: Source) -> Inventory:
    """What a script in one file asks for, in its own remarks (PEP 723)."""
    blocks = SCRIPT.findall(source.text)
    if len(blocks) != 1:
        raise bad(source.where, "has no block of requirements, or more than one", "end it by # ///")
    text = re.sub(r"(?m)^# ?", "", blocks[0])
    data = documents.from_toml(Source(text, source.where, source.beside))
    project = {"dependencies": data.get("dependencies", [])}
    asks = _python_asks({}, project, table(data.get("tool")), source)
    return ask_inventory(asks, PYPI)


def pyproject(source: Source) -> Inventory:
    """What a Python project asks for, by extra and group; the project itself is the root."""
    document = documents.from_toml(source)
    project, tool = table(document.get("project")), table(document.get("tool"))
    name = canonical(PYPI, str(project.get("name") or at(tool, "poetry.name") or ""))
    asks = _python_asks(document, project, tool, source)
    others = {key: value for key, value in tool.items() if key in _TOOLS}
    words = (f"{key} {value}" for _, key, value in documents.walk(others) if isinstance(value, str))
    mentions = names_in("\n".join(words), "")
    return ask_inventory(asks, PYPI, CONDA, name=name, mentions=mentions)


def _python_asks(document: Table, project: Table, tool: Table, source: Source) -> Asks:
    """What the tables of a Python project and of its tools ask for."""
    sources = table(at(tool, "uv.sources"))
    every = chain(
        _project_asks(project, source, tool),
        _group_asks(document),
        _poetry_asks(table(tool.get("poetry"))),
        _tool_asks(tool),
        _uv_limits(tool),
    )
    yield from (_from_source(sources, part) for part in every)


def _project_asks(project: Table, source: Source, tool: Table) -> Asks:
    yield from _texts(project.get("dependencies", []), "", "project.dependencies")
    extras = project.get("optional-dependencies", {})
    if not isinstance(extras, dict):
        yield Unread("project.optional-dependencies: is no table", PYPI)
    for extra, texts in table(extras).items():
        yield from _texts(texts, f"extra {extra}", f"optional-dependencies {extra}")
    yield from _dynamic(project, table(at(tool, "setuptools.dynamic")), source)


def _group_asks(document: Table) -> Asks:
    for group, texts in table(document.get("dependency-groups")).items():
        yield from _texts(texts, f"group {group}", f"dependency-groups {group}")
    yield from _texts(table(document.get("build-system")).get("requires", []), "build", "requires")


def _poetry_asks(own: Table) -> Asks:
    groups = {"": own.get("dependencies"), "group dev": own.get("dev-dependencies")}
    for name, group in table(own.get("group")).items():
        groups[f"group {name}"] = table(group).get("dependencies")
    for scope, wanted in groups.items():
        for name, value in table(wanted).items():
            if canonical(PYPI, name) != "python":
                yield from poetry(name, value, scope)


def _uv_limits(tool: Table) -> Asks:
    for key, limit in _LIMITS.items():
        for ask in _texts(table(tool.get("uv")).get(key, []), "", f"tool.uv.{key}"):
            yield ask._replace(limit=limit, by=f"uv's {key}") if isinstance(ask, Ask) else ask


def _tool_asks(tool: Table) -> Asks:
    """What tables of tools ask for, wherever they lie: environments, features, targets, plugins."""
    for path, key, value in documents.walk(tool):
        scope = f"group {path}"
        if isinstance(value, list) and _LISTS.search(path):
            yield from _texts(value, scope, f"tool.{path}")
        elif isinstance(value, dict) and key in _POETRY:
            for name, wanted in value.items():
                yield from poetry(name, wanted, scope)
        elif isinstance(value, dict) and key.endswith("dependencies") and "pixi" in path:
            for name, wanted in value.items():
                spec = table(wanted).get("version", "") if isinstance(wanted, dict) else wanted
                yield conda(f"{name} {spec}".replace("*", "").strip(), scope)
        elif path == "pdm.resolution.overrides":
            for name, wanted in table(value).items():
                for ask in poetry(name, wanted, ""):
                    yield ask._replace(limit="override", by="pdm") if isinstance(ask, Ask) else ask


def pixi(source: Source) -> Inventory:
    """What a pixi.toml asks for, of PyPI and of conda."""
    asks = _tool_asks({"pixi": documents.from_toml(source)})
    return ask_inventory(asks, PYPI, CONDA)


def _from_source(sources: Table, part: Ask | Unread) -> Ask | Unread:
    """What is asked for, or that uv takes it from an address and not from the registry."""
    for name, places in sources.items():
        if isinstance(part, Ask) and canonical(PYPI, name) == part.name:
            for place in map(table, _as_list(places)):
                address = "" if "git" in place else place.get("url") or place.get("path")
                if address or "git" in place:
                    found = pep508(f"{name} @ {address}") if address else None
                    why = f"{name} {ADDRESS}"
                    return found if isinstance(found, Ask) else Unread(why, PYPI, part.name)
    return part


def _dynamic(project: Table, wanted: Table, source: Source) -> Asks:
    """Dependencies that setuptools reads from files beside; a build script's cannot be known."""
    for key in ("dependencies", "optional-dependencies"):
        if key not in _as_list(project.get("dynamic")):
            continue
        own = table(wanted.get(key))
        every = [own] if key == "dependencies" else map(table, own.values())
        files = [file for one in every for file in _as_list(one.get("file"))]
        if not files:
            yield Unread(f"{key} are dynamic: a build script makes them", PYPI)
        for name in files:
            try:
                lines = source.beside(str(name)).splitlines()
            except BadInput as error:
                yield Unread(str(error), PYPI)
                continue
            texts = (line.partition("#")[0].strip() for line in lines)
            yield from map(pep508, filter(None, texts))


def _as_list(value: object) -> list[Any]:
    """A list as it is, anything else as the only item of one, nothing as an empty one."""
    return listed(value) or ([value] if value else [])


def _texts(texts: object, scope: str, where: str) -> Asks:
    if not isinstance(texts, list):
        yield Unread(f"{where}: is no list", PYPI)
        return
    for text in texts:
        if isinstance(text, dict) and set(text) == {"include-group"}:
            continue  # that group is read by its own name
        unread = Unread(f"{where}: no text", PYPI)
        yield pep508(text, scope) if isinstance(text, str) else unread
