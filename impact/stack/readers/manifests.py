"""What a project asks for: pyproject.toml and scripts, package.json, environment.yml of conda."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from impact.base.errors import BadInput, bad
from impact.stack import documents
from impact.stack.asking import ADDRESS, asked, conda, npm, poetry
from impact.stack.documents import Source, Table, table
from impact.stack.inventory import (
    CONDA,
    NPM,
    PYPI,
    Ask,
    Inventory,
    Unread,
    asking,
    canonical,
    mentioned,
)
from impact.stack.readers.ci import shell

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
    r"(?:^|\.)(?:(?:extra-)?dependencies|dev-dependencies(?:\.[^.]+)?|(?:dev-)?requires(?:-extra\.[^.]+)?)$"
)
_POETRY = ("pypi-dependencies", "requires-plugins", "dependency-overrides")
_TOOLS = {  # whose own tables are looked through for names
    *("pdm", "pixi", "hatch", "rye", "flit", "tox", "nox", "cibuildwheel", "briefcase", "poe"),
    *("conda-lock", "uv", "poetry", "taskipy", "thx"),
}
_LAST = re.compile(r"(?:^|/)((?:@[^/@]+/)?[^/@\s]+)(?:@[^/]*)?$")  # the last package of a path
SCRIPT = re.compile(r"(?ms)^# /// script\s*$(.*?)^# ///\s*$")  # PEP 723


def package_json(source: Source) -> Inventory:
    """What a JavaScript project asks for; `overrides` and `resolutions` stand in its place."""
    document = documents.shaped(documents.from_json(source), Table, source.where)
    name = canonical(NPM, str(document.get("name") or ""))
    return asking("package.json", _wanted(document), NPM, name=name)


def _wanted(document: Table) -> Asks:
    for group, scope in _GROUPS.items():
        wanted = document.get(group) or {}
        if not isinstance(wanted, dict):
            yield Unread(NPM, "", f"{group}: is no table")
        yield from (npm(name, spec, scope) for name, spec in table(wanted).items())
    for name, text in table(document.get("scripts")).items():
        yield from shell(str(text), f"scripts.{name}")
    pnpm = table(document.get("pnpm"))
    for by in ("overrides", "resolutions"):
        yield from _limits(by, document.get(by))
    yield from _limits("pnpm.overrides", pnpm.get("overrides"))
    for catalog in (document, table(document.get("workspaces"))):  # of Bun
        yield from _catalogs({**table(catalog), "overrides": None})
    yield from _catalogs({**pnpm, "overrides": None})


def _limits(by: str, held: object) -> Asks:
    """What stands in the place of what others ask for, everywhere or below some packages alone."""
    for path, key, spec in documents.walk(held):
        if not isinstance(spec, str):
            continue
        key = path.rstrip(".").rpartition(".")[2] if key == "." else key
        last = _LAST.search(re.split(r"(?<![@<>=\s])>(?!=)", key)[-1])
        name = last[1] if last else key
        found = npm(name, spec)
        if path == name and isinstance(found, Ask):
            yield found._replace(limit="override", by=by)
            continue
        why = f"{by}: what holds for it depends on who asks"
        yield from (Unread(NPM, one, why) for one in {canonical(NPM, name), found.name})


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
            at = key.find("@", 1)
            yield npm(key[:at], key[at + 1 :], path) if at > 0 else npm(key, "*", path)
    yield from _limits("overrides", data.get("overrides"))


def environment(source: Source) -> Inventory:
    """What an environment asks for. A package of conda is not the one of that name on PyPI."""
    document = documents.shaped(documents.from_yaml(source), Table, source.where)
    return asking("environment.yml", _needed(document), PYPI, CONDA)


def _needed(document: Table) -> Asks:
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
    found = SCRIPT.findall(source.text)
    if len(found) != 1:
        raise bad(source.where, "has no block of requirements, or more than one", "end it by # ///")
    text = re.sub(r"(?m)^# ?", "", found[0])
    data = documents.from_toml(Source(text, source.where, source.beside))
    asks = _every(
        {}, {"dependencies": data.get("dependencies", [])}, table(data.get("tool")), source
    )
    return asking("script (PEP 723)", _placed(table(data.get("tool")), asks), PYPI)


def _placed(tool: Table, asks: Asks) -> Asks:
    sources = table(table(tool.get("uv")).get("sources"))
    yield from (_from(sources, part) for part in asks)


def pyproject(source: Source) -> Inventory:
    """What a Python project asks for, by extra and group; the project itself is the root."""
    document = documents.from_toml(source)
    tool, project = table(document.get("tool")), table(document.get("project"))
    name = canonical(PYPI, str(project.get("name") or table(tool.get("poetry")).get("name") or ""))
    found = _placed(tool, _every(document, project, tool, source))
    others = {key: held for key, held in tool.items() if key in _TOOLS}
    words = (f"{key} {value}" for _, key, value in documents.walk(others) if isinstance(value, str))
    mentions = mentioned("\n".join(words), "")
    return asking("pyproject.toml", found, PYPI, CONDA, name=name, mentions=mentions)


def _every(document: Table, project: Table, tool: Table, source: Source) -> Asks:
    yield from _texts(project.get("dependencies", []), "", "project.dependencies")
    extras = project.get("optional-dependencies", {})
    if not isinstance(extras, dict):
        yield Unread(PYPI, "", "project.optional-dependencies: is no table")
    for extra, texts in table(extras).items():
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


def _tools(tool: Table) -> Asks:
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
    return asking("pixi.toml", _tools({"pixi": documents.from_toml(source)}), PYPI, CONDA)


def catalogs(source: Source) -> Inventory:
    """What a pnpm-workspace.yaml fixes."""
    data = documents.shaped(documents.from_yaml(source) or {}, Table, source.where)
    return asking("pnpm-workspace.yaml", _catalogs(data), NPM, alone=True)


def _from(sources: Table, part: Ask | Unread) -> Ask | Unread:
    """What is asked for, or that uv takes it from an address and not from the registry."""
    for name, places in sources.items():
        if isinstance(part, Ask) and canonical(PYPI, name) == part.name:
            every = places if isinstance(places, list) else [places]
            for place in map(table, every):
                if "git" in place or (at := place.get("url") or place.get("path")):
                    told = asked(f"{name} @ {at}") if "git" not in place else None
                    return (
                        told
                        if isinstance(told, Ask)
                        else Unread(PYPI, part.name, f"{name} {ADDRESS}")
                    )
    return part


def _dynamic(project: Table, wanted: Table, source: Source) -> Asks:
    """Dependencies that setuptools reads from files beside; a build script's cannot be known."""
    dynamic = project.get("dynamic", [])
    for key in ("dependencies", "optional-dependencies"):
        if key not in (dynamic if isinstance(dynamic, list) else [dynamic]):
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
