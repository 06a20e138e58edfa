"""yarn.lock of Yarn 1: what each requirement was resolved to, with integrity."""

from __future__ import annotations

import re
from collections.abc import Iterator

from impact.errors import bad
from impact.stack.documents import Source
from impact.stack.inventory import LOCK, NPM, Component, Inventory, Unread, canonical, otherwise

FORMAT = "yarn.lock v1"
_PATTERN = re.compile(r'"(?:[^"\\]|\\.)*"|[^,\s][^,]*')
_FIELD = re.compile(r'  (\w+) "?([^"]*)"?$')
_NEED = re.compile(r'    "?([^"\s]+)"? "?([^"]*)"?$')
_NAMED = re.compile(r"(@?[^@]+)@(?:npm:(@?[^@]+)@)?(.*)", re.DOTALL)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return "# yarn lockfile v1" in text[:400]


def read(source: Source) -> Inventory:
    """What the lock holds. It does not name the project, so it has no roots."""
    keys: dict[str, str] = {}
    found: list[tuple[str, tuple[str, str], dict[str, str], list[tuple[str, str]]]] = []
    unread, loose = [], []
    for line, patterns, fields, needs in _blocks(source):
        named = _NAMED.fullmatch(patterns[0])
        if not named or not fields.get("version"):
            name = canonical(NPM, named[2] or named[1]) if named else ""
            unread.append(Unread(NPM, name, f"line {line}: no name or no version"))
            continue
        name = canonical(NPM, named[2] or named[1])
        key = f"{name} {fields['version']}"
        keys.update(dict.fromkeys(patterns, key))
        found.append((key, (name, fields["version"]), fields, needs))
        if "integrity" not in fields and "#" not in fields.get("resolved", ""):
            loose.append(f"{name} has no hash")
    components = {key: Component(key, NPM, *package) for key, package, _, _ in found}
    for key, package, fields, _ in found:  # what its address is called, which Yarn follows
        for other in otherwise(NPM, *package, [fields.get("resolved", "")]):
            components[f"{key} at {other}"] = Component(f"{key} at {other}", NPM, *other)
    names = {pattern[:1] + pattern[1:].partition("@")[0] for pattern in keys}
    needed = dict.fromkeys(name for *_, needs in found for name, _ in needs)
    unread += [
        Unread(NPM, canonical(NPM, name), f"{name} is needed and not in the file")
        for name in needed
        if name not in names
    ]
    edges = {
        (key, keys[f"{name}@{spec}"]): None
        for key, _, _, needs in found
        for name, spec in needs
        if f"{name}@{spec}" in keys
    }
    return Inventory(
        FORMAT,
        LOCK,
        (NPM,),
        list(components.values()),
        list(edges),
        unread=unread,
        loose=tuple(loose),
    )


def _blocks(
    source: Source,
) -> Iterator[tuple[int, list[str], dict[str, str], list[tuple[str, str]]]]:
    """(line, patterns, fields, needs) of each entry; a line of no known form is an error."""
    line, patterns, fields, needs = 0, [], {}, []  # type: tuple[int, list[str], dict[str, str], list[tuple[str, str]]]
    section = ""
    for number, row in enumerate(source.text.splitlines(), 1):
        if not row.strip() or row.startswith("#"):
            continue
        if not row.startswith(" ") and row.endswith(":"):
            if patterns:
                yield line, patterns, fields, needs
            written = [part.strip().strip('"') for part in _PATTERN.findall(row[:-1])]
            line, patterns, fields, needs, section = number, written, {}, [], ""
        elif patterns and (field := _FIELD.match(row)):
            fields[field[1]] = field[2]
        elif patterns and re.fullmatch(r"  \w+:", row):
            section = row.strip()
        elif patterns and section and (need := _NEED.match(row)):
            if section in ("dependencies:", "optionalDependencies:"):
                needs.append((need[1], need[2]))
        else:
            raise bad(
                f"{source.where}:{number}", "is no line of a yarn.lock", "get the whole file again"
            )
    if patterns:
        yield line, patterns, fields, needs
