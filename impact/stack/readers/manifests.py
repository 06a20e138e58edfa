"""What a project asks for: pyproject.toml and scripts, package.json, environment.yml of conda.

Where each of them lists packages is data (commands.toml); one walk finds those places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, table
from impact.stack.grammars import conda, npm, pep508, poetry
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
from impact.stack.readers.requirements import nested

_TOOLS = COMMANDS["tools"]["names"]
_LAST = re.compile(r"(?:^|/)((?:@[^/@]+/)?[^/@\s]+)(?:@[^/]*)?$")  # the last package of a path
_SCRIPT = re.compile(r"(?ms)^# /// script\s*$(.*?)^# ///\s*$")  # PEP 723
_PLACES: list[Table] = [{**row, "at": re.compile(f"^{row['at']}$")} for row in COMMANDS["places"]]
_LISTS = {"pep508": pep508, "conda": conda}


def _pixi(name: str, wanted: object, scope: str) -> Iterable[Ask | Unread]:
    spec = wanted.get("version", "") if isinstance(wanted, dict) else wanted
    return [conda(f"{name} {spec}".replace("*", "").strip(), scope)]


_TABLES: dict[str, Callable[[str, Any, str], Iterable[Ask | Unread]]] = {
    "poetry": poetry,
    "conda": _pixi,
    "npm": lambda name, spec, scope: [npm(name, spec, scope)],
    "catalog": lambda name, spec, scope: [npm(name, str(spec).partition("+")[0], scope)],
    "patched": lambda name, _, scope: [npm(*split_version(name), scope)],
    "tables": lambda *_: (),  # places of their own
    "shell": lambda name, text, scope: shell(str(text), f"{scope}.{name}"),
}


def _asks(document: Table) -> Asks:
    """What a document asks for in all of its places."""
    for path, _, value in documents.walk(document):
        place = next((row for row in _PLACES if row["at"].fullmatch(path)), None)
        if place is None:
            continue
        grammar, scope = place["as"], place["at"].sub(place.get("scope", ""), path)
        parts: Iterable[Ask | Unread] = ()
        if isinstance(value, list) and grammar in _LISTS:
            others = ({"include-group"}, {"pip"})  # which are read by their own names
            texts = [one for one in value if not isinstance(one, dict) or set(one) not in others]
            parts = [
                _LISTS[grammar](one, scope) if isinstance(one, str) else Unread(f"{path}: no text")
                for one in texts
            ]
        elif isinstance(value, dict) and grammar in _TABLES:
            every = (_TABLES[grammar](name, wanted, scope) for name, wanted in value.items())
            parts = chain.from_iterable(every)
        elif (value or grammar in _LISTS) and not path.startswith("tool."):
            parts = [Unread(f"{path}: has a form that is not read")]
        for part in parts:
            if isinstance(part, Ask) and "limit" in place:
                part = part._replace(limit=place["limit"], by=place["by"])
            yield part


def package_json(source: Source) -> Inventory:
    """What a JavaScript project asks for; `overrides` and `resolutions` stand in its place."""
    document = documents.json_table(source)
    name = canonical(NPM, str(document.get("name") or ""))
    return ask_inventory(_npm_asks(document), NPM, name=name)


def catalogs(source: Source) -> Inventory:
    """What a pnpm-workspace.yaml fixes."""
    data = documents.shaped(documents.from_yaml(source) or {}, Table, source.where)
    return ask_inventory(_npm_asks(data), NPM, alone=True)


def _npm_asks(document: Table) -> Asks:
    yield from _asks({"npm": document})
    for by in ("overrides", "resolutions", "pnpm.overrides"):
        yield from _overrides(by, at(document, by))


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


def environment(source: Source) -> Inventory:
    """What an environment asks for. A package of conda is not the one of that name on PyPI."""
    document = documents.shaped(documents.from_yaml(source), Table, source.where)
    return ask_inventory(_asks({"environment": document}), PYPI, CONDA)


def pixi(source: Source) -> Inventory:
    """What a pixi.toml asks for, of PyPI and of conda."""
    return ask_inventory(_asks({"tool": {"pixi": documents.from_toml(source)}}), PYPI, CONDA)


def script(source: Source) -> Inventory:
    """What a script in one file asks for, in its own remarks (PEP 723)."""
    blocks = _SCRIPT.findall(source.text)
    if len(blocks) != 1:
        raise bad(source.where, "has no block of requirements, or more than one", "end it by # ///")
    data = documents.from_toml(Source(re.sub(r"(?m)^# ?", "", blocks[0]), source.where))
    project = {"dependencies": data.get("dependencies", [])}
    document = {"project": project, "tool": data.get("tool")}
    return ask_inventory(_python_asks(document), PYPI)


def pyproject(source: Source) -> Inventory:
    """What a Python project asks for, by extra and group; the project itself is the root."""
    document = documents.from_toml(source)
    name = at(document, "project.name") or at(document, "tool.poetry.name") or ""
    others = {key: value for key, value in table(document.get("tool")).items() if key in _TOOLS}
    words = (f"{key} {value}" for _, key, value in documents.walk(others) if isinstance(value, str))
    asks = chain(_python_asks(document), _dynamic(document, source))
    mentions = names_in("\n".join(words), "")
    name = canonical(PYPI, str(name))
    return ask_inventory(asks, PYPI, CONDA, name=name, mentions=mentions)


def _python_asks(document: Table) -> Asks:
    """What a document asks for, or that uv takes it from an address and not from the registry."""
    sources = table(at(document, "tool.uv.sources"))
    places = {canonical(PYPI, name): listed(one) or [one] for name, one in sources.items()}
    for part in _asks(document):
        mine = map(table, places.get(part.name, ()) if isinstance(part, Ask) else ())
        place = next((one for one in mine if {"git", "url", "path"} & one.keys()), None)
        if (part.ecosystem, part.name) != (PYPI, "python"):  # as Poetry calls the interpreter
            yield from poetry(part.name, place, "") if place else [part]


def _dynamic(document: Table, source: Source) -> Asks:
    """Dependencies that setuptools reads from files beside; a build script's cannot be known."""
    for key in ("dependencies", "optional-dependencies"):
        if key not in listed(at(document, "project.dynamic")):
            continue
        every = documents.walk(at(document, f"tool.setuptools.dynamic.{key}"))
        files = [name for _, key, name in every if key == "file" and isinstance(name, str)]
        if not files:
            yield Unread(f"{key} are dynamic: a build script makes them", PYPI)
        for name in files:
            yield from nested(source, name, False, ())
