"""Pipfile.lock: the packages of pipenv's groups, with hashes; who needs whom is not in it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source, is_object
from impact.stack.inventory import PYPI, Entry, Inventory, locked

FORMAT = "Pipfile.lock"
_ELSEWHERE = ("git", "hg", "svn", "file", "url", "path")


class _Package(Struct):
    version: str = ""
    hashes: list[str] = field(default_factory=list)
    path: str = ""
    git: str = ""
    hg: str = ""
    svn: str = ""
    file: str = ""
    url: str = ""


class _Named(Struct):
    name: str
    package: _Package


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return is_object(text) and '"_meta"' in text and '"pipfile-spec"' in text


def read(source: Source) -> Inventory:
    """What the lock holds; every group of packages but the one on the file itself."""
    groups = documents.shaped(documents.from_json(source), dict[str, dict[str, Any]], source.where)
    items = [
        {"name": name, "package": package}
        for group, packages in groups.items()
        if group != "_meta"
        for name, package in packages.items()
    ]
    named, wrong = documents.each(items, _Named, "packages")
    entries = []
    for name, package in ((item.name, item.package) for item in named):
        elsewhere = next((kind for kind in _ELSEWHERE if getattr(package, kind)), "")
        loose = "" if package.hashes else "has no hash"
        loose = f"comes from a {elsewhere}" if elsewhere else loose
        version = package.version.lstrip("=")
        at = (package.file, package.url, package.path)
        entries.append(Entry(name, version, (), package.path in (".", "./"), loose, at))
    return locked(FORMAT, PYPI, entries, wrong)
