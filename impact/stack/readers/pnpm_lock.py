"""pnpm-lock.yaml, lockfile versions 5 to 9, with integrity of each package."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source, has_line
from impact.stack.inventory import LOCK, NPM, Component, Inventory, Unread, canonical, otherwise

FORMAT = "pnpm-lock.yaml"
_AT = re.compile(  # from version 6 on; a registry other than the usual one stands before it
    r"(?:(?:[^@/][^@/]*)?/)?(@[^/@]+/[^@]+|[^@/]+)@([^(]+)(\(.*)?", re.DOTALL
)
_SLASH = re.compile(r"(?:[^/]*)/(@[^/]+/[^/]+|[^/@][^/]*)/([^/_(]+)(.*)", re.DOTALL)  # version 5
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies")


class _Package(Struct, rename="camel"):
    name: str = ""
    version: str = ""
    resolution: dict[str, Any] = field(default_factory=dict)
    dependencies: dict[str, Any] = field(default_factory=dict)
    optional_dependencies: dict[str, Any] = field(default_factory=dict)


class _Keyed(Struct):
    name: str
    package: _Package


class _Lock(Struct, rename="camel"):
    lockfile_version: str = ""
    importers: dict[str, Any] = field(default_factory=dict)
    packages: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Any] = field(default_factory=dict)
    dependencies: dict[str, Any] = field(default_factory=dict)
    dev_dependencies: dict[str, Any] = field(default_factory=dict)
    optional_dependencies: dict[str, Any] = field(default_factory=dict)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return has_line(text, "lockfileVersion: ")


def read(source: Source) -> Inventory:
    """What the lock holds; its importers, the project and its workspaces, are the roots."""
    lock = documents.shaped(documents.from_yaml(source), _Lock, source.where)
    major = lock.lockfile_version.partition(".")[0]
    held = {key: dict(_table(value)) for key, value in lock.packages.items()}
    if lock.snapshots:  # from version 9 on: what a package is stands once, who needs whom beside it
        fixed = {key: _table(value).get("resolution", {}) for key, value in held.items()}
        told = {key.partition("(")[0] for key in lock.snapshots}
        held = {key: value for key, value in held.items() if key not in told}  # cut off, perhaps
        held |= {
            key: {**_table(value), "resolution": fixed.get(key.partition("(")[0], {})}
            for key, value in lock.snapshots.items()
        }
    items = [{"name": key, "package": package} for key, package in held.items()]
    keyed, wrong = documents.each(items, _Keyed, "packages")
    components, loose = [], []
    unread = [Unread(NPM, _split(key, major)[0], why) for key, why in wrong]
    for item in keyed:
        name, version = _split(item.name, major)
        name = canonical(NPM, item.package.name) if item.package.name else name
        version = item.package.version or version
        if not name:
            unread.append(Unread(NPM, "", f"{item.name[:80]}: no name"))
            continue
        exact = version[:1].isdigit()
        components.append(Component(item.name, NPM, name, version if exact else ""))
        tarball = str(item.package.resolution.get("tarball", ""))
        for other in otherwise(NPM, name, version, [item.name.partition("(")[0], tarball]):
            components.append(Component(f"{item.name} at {other}", NPM, *other))
        if not item.package.resolution.get("integrity"):
            loose.append(f"{name} has no hash")
    keys = {item.name for item in keyed}
    edges: list[tuple[str, str]] = []

    def need(one: str, name: str, version: str) -> None:
        other = _key(name, version, keys)
        if other:
            edges.append((one, other))
        elif version[:1].isdigit():
            why = f"{name} {version[:60]} is needed and not in the file"
            unread.append(Unread(NPM, canonical(NPM, name), why))

    for item in keyed:
        for group in (item.package.dependencies, item.package.optional_dependencies):
            for name, version in group.items():
                need(item.name, name, str(version))
    importers = lock.importers or {".": {name: getattr(lock, _snake(name)) for name in _GROUPS}}
    for place, importer in importers.items():
        components.append(Component(place, NPM, "" if place == "." else place, ""))
        for key in _GROUPS:
            for name, wanted in _table(_table(importer).get(key, {})).items():
                version = wanted.get("version", "") if isinstance(wanted, dict) else wanted
                need(place, name, str(version))
    return Inventory(
        FORMAT, LOCK, (NPM,), components, edges, list(importers), unread=unread, loose=tuple(loose)
    )


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda at: f"_{at[1].lower()}", name)


def _split(key: str, major: str) -> tuple[str, str]:
    """(name, version) of a key; empty texts where it is none."""
    found = (_SLASH if major < "6" and len(major) == 1 else _AT).fullmatch(key)
    return (canonical(NPM, found[1]), found[2]) if found else ("", "")


def _key(name: str, version: str, keys: set[str]) -> str:
    """The key that a dependency stands for; empty for links and what is not there."""
    for key in (f"{name}@{version}", f"/{name}@{version}", f"/{name}/{version}", version):
        if key in keys:
            return key
    return f"/{version}" if f"/{version}" in keys else ""
