"""yarn.lock of Yarn 2 and later: what each requirement was resolved to, with checksums."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source
from impact.stack.inventory import LOCK, NPM, Component, Inventory, Unread, canonical

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
    for entry in entries:
        package, key = entry.package, entry.package.resolution
        locator = _LOCATOR.fullmatch(key)
        if not locator:
            unread.append(Unread(NPM, _name(entry.name), f"{entry.name[:80]}: no resolution"))
            continue
        name, protocol = canonical(NPM, locator[1]), locator[2]
        components[key] = Component(key, NPM, name, package.version)
        if protocol in ("workspace", "link", "portal") or package.link_type == "soft":
            roots.append(key)
        elif not package.checksum:
            loose.append(f"{name} has no checksum")
        needs = package.dependencies if isinstance(package.dependencies, dict) else {}
        for need, spec in needs.items():
            other = keys.get(f"{need}@{spec}") or keys.get(f"{need}@npm:{spec}")
            if other and other != key:
                edges[key, other] = None
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
    found = _LOCATOR.match(pattern)
    return canonical(NPM, found[1] if found else pattern.rpartition("@")[0])
