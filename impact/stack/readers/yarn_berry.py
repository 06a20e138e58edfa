"""yarn.lock of Yarn 2 and later: what each requirement was resolved to, with checksums."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source
from impact.stack.inventory import LOCK, NPM, Component, Inventory, Unread, canonical, otherwise

FORMAT = "yarn.lock v2+"
_LOCATOR = re.compile(r"(@?[^@]+)@([a-z+]+):(.*)", re.DOTALL)


class _Package(Struct, rename="camel"):
    version: str = ""
    resolution: str = ""
    checksum: str = ""
    link_type: str = ""
    dependencies: dict[str, str] | str = field(default_factory=dict)
    dependencies_meta: dict[str, Any] | str = field(default_factory=dict)


class _Entry(Struct):
    name: str
    package: _Package


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return re.search(r"(?m)^__metadata:\s*$", text[:2000]) is not None


def read(source: Source) -> Inventory:
    """What the lock holds; the workspaces are its roots."""
    document = documents.shaped(documents.from_yaml(source), dict[str, Any], source.where)
    items = [{"name": n, "package": p} for n, p in document.items() if n != "__metadata"]
    entries, wrong = documents.each(items, _Entry, "entry")
    keys = {pattern.strip(): e.package.resolution for e in entries for pattern in e.name.split(",")}
    components: dict[str, Component] = {}
    edges: dict[tuple[str, str], None] = {}
    roots, loose = [], []
    unread = [Unread(NPM, _name(name), why) for name, why in wrong]
    names = {pattern[:1] + pattern[1:].partition("@")[0] for pattern in keys}
    lost: dict[str, None] = {}
    for entry in entries:
        package, key = entry.package, entry.package.resolution
        locator = _LOCATOR.fullmatch(key)
        if not locator:
            unread.append(Unread(NPM, _name(entry.name), f"{entry.name[:80]}: no resolution"))
            continue
        name, protocol = canonical(NPM, locator[1]), locator[2]
        told = [(name, package.version)]
        if protocol == "npm" and locator[3][:1].isdigit():
            told.append((name, locator[3].partition("::")[0]))
        told += otherwise(NPM, name, package.version, [locator[3]])
        for number, one in enumerate(dict.fromkeys(told)):  # two where the lock contradicts itself
            place = key if not number and key not in components else f"{key} #{len(components)}"
            components[place] = Component(place, NPM, *one)
        if protocol in ("workspace", "link", "portal"):
            roots.append(key)
        elif not package.checksum:
            loose.append(f"{name} has no checksum")
        needs = package.dependencies if isinstance(package.dependencies, dict) else {}
        for need, spec in needs.items():
            other = keys.get(f"{need}@{spec}") or keys.get(f"{need}@npm:{spec}")
            if other and other != key:
                edges[key, other] = None
            elif not other and need not in names:
                lost[need] = None
    unread += [
        Unread(NPM, canonical(NPM, name), f"{name} is needed and not in the file") for name in lost
    ]
    return Inventory(
        FORMAT,
        LOCK,
        (NPM,),
        list(components.values()),
        list(edges),
        roots,
        unread=unread,
        loose=tuple(loose),
    )


def _name(pattern: str) -> str:
    """The package of a pattern; none where it stands for another one."""
    found = _LOCATOR.match(pattern)
    if found and "@" in found[3][1:]:
        return ""
    return canonical(NPM, found[1] if found else pattern.rpartition("@")[0])
