"""uv.lock: every package of a project for all its platforms, with hashes and upload times."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source
from impact.stack.inventory import PYPI, Entry, Inventory, canonical, locked, newest

FORMAT = "uv.lock"
_FOLDERS = ("editable", "virtual", "directory")  # sources on the disk of who made the lock


class _Need(Struct):
    name: str
    version: str = ""


class _File(Struct, rename="kebab"):
    hash: str = ""
    url: str = ""
    path: str = ""
    upload_time: str = ""


class _Package(Struct, rename="kebab"):
    name: str
    version: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    dependencies: list[_Need] = field(default_factory=list)
    optional_dependencies: dict[str, list[_Need]] = field(default_factory=dict)
    dev_dependencies: dict[str, list[_Need]] = field(default_factory=dict)
    sdist: _File | None = None
    wheels: list[_File] = field(default_factory=list)


class _Lock(Struct):
    package: list[Any] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    head = text[:4000]
    return (
        "[[package]]" in text
        and re.search(r"(?m)^version = \d+\s*$", head) is not None
        and re.search(r"(?m)^(requires-python|revision|resolution-markers) = ", head) is not None
    )


def read(source: Source) -> Inventory:
    """What the lock holds; the members of the workspace are its roots."""
    lock = documents.shaped(documents.from_toml(source), _Lock, source.where)
    packages, wrong = documents.each(lock.package, _Package, "package")
    told = lock.manifest.get("members")
    members = {canonical(PYPI, str(name)) for name in (told if isinstance(told, list) else ())}
    entries, stamps = [], []
    for package in packages:
        files = [*package.wheels, *([package.sdist] if package.sdist else [])]
        stamps += [file.upload_time for file in files]
        folder = next(filter(None, map(package.source.get, _FOLDERS)), None)
        own = folder == "." or (bool(folder) and canonical(PYPI, package.name) in members)
        fixed = bool(files) and all(file.hash for file in files)
        needs = [
            (need.name, need.version)
            for group in (
                package.dependencies,
                *package.optional_dependencies.values(),
                *package.dev_dependencies.values(),
            )
            for need in group
        ]
        loose = "" if fixed else "comes from a folder" if folder else "has no hash"
        at = tuple(file.url or file.path for file in files)
        entries.append(Entry(package.name, package.version, needs, own, loose, at))
    return locked(FORMAT, PYPI, entries, wrong, newest(stamps), whole=True)
