"""pylock.toml (PEP 751, 2025): a lock that any installer can read."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source, has_line
from impact.stack.inventory import PYPI, Entry, Inventory, locked, newest

FORMAT = "pylock.toml"


class _Need(Struct):
    name: str
    version: str = ""


class _File(Struct, rename="kebab"):
    upload_time: Any = ""  # a time of TOML, or its text
    url: str = ""
    path: str = ""
    hashes: dict[str, str] = field(default_factory=dict)


class _Package(Struct):
    name: str
    version: str = ""
    dependencies: list[_Need] = field(default_factory=list)
    sdist: _File | None = None
    wheels: list[_File] = field(default_factory=list)
    archive: _File | None = None
    vcs: dict[str, Any] | None = None
    directory: dict[str, Any] | None = None


class _Lock(Struct):
    packages: list[Any] = field(default_factory=list)


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return has_line(text, "[[packages]]") and has_line(text, "lock-version = ")


def read(source: Source) -> Inventory:
    """What the lock holds. It does not name the project, so it has no roots of its own."""
    lock = documents.shaped(documents.from_toml(source), _Lock, source.where)
    packages, wrong = documents.each(lock.packages, _Package, "packages")
    entries, stamps = [], []
    for package in packages:
        files = [file for file in (*package.wheels, package.sdist, package.archive) if file]
        stamps += [file.upload_time for file in files]
        loose = "" if files and all(file.hashes for file in files) else "has no hash"
        loose = "comes from a repository" if package.vcs is not None else loose
        needs = [(need.name, need.version) for need in package.dependencies]
        folder = package.directory
        loose = "comes from a folder" if folder is not None else loose
        own = folder is not None and folder.get("path") in (".", "./")
        at = tuple(file.url or file.path for file in files)
        entries.append(Entry(package.name, package.version, needs, own, loose, at))
    return locked(FORMAT, PYPI, entries, wrong, newest(stamps), whole=True)
