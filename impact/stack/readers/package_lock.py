"""package-lock.json and npm-shrinkwrap.json, versions 1 to 3, with integrity of each package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field

from impact.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, is_object
from impact.stack.inventory import (
    LOCK,
    NPM,
    Component,
    Inventory,
    Unread,
    canonical,
    otherwise,
)

FORMAT = "package-lock.json"
_FOLDER = "node_modules/"
MOST_NESTED = 50  # folders of packages in one another
_VERSION = re.compile(r'"lockfileVersion"\s*:\s*\d')
_OLD = re.compile(  # npm before 5 wrote no version
    r'"dependencies"\s*:\s*\{\s*"[^"]+"\s*:\s*\{\s*"(?:version|from|resolved)"\s*:'
)
_BUN = re.compile(r'\s*\{\s*"lockfileVersion"[^{]*"workspaces"')
_ALIAS = re.compile(r"npm:(@?[^@]+)@(.+)")


class _Package(Struct, rename="camel"):
    """A place in node_modules (versions 2 and 3)."""

    name: str = ""
    version: str = ""
    resolved: str = ""
    integrity: str = ""
    link: bool = False
    workspaces: Any = None
    in_bundle: bool = False
    dependencies: dict[str, Any] = field(default_factory=dict)
    dev_dependencies: dict[str, Any] = field(default_factory=dict)
    optional_dependencies: dict[str, Any] = field(default_factory=dict)
    peer_dependencies: dict[str, Any] = field(default_factory=dict)


class _Lock(Struct, rename="camel"):
    name: str = ""
    version: str = ""
    packages: dict[str, Any] | None = None
    dependencies: dict[str, Any] = field(default_factory=dict)
    workspaces: Any = None


class _Placed(Struct):
    name: str
    package: _Package


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    if not is_object(text) or _BUN.match(text):
        return False
    return _VERSION.search(text) is not None or _OLD.search(text) is not None


def read(source: Source) -> Inventory:
    """What the lock holds; the project and its workspaces are the roots, dev packages are kept."""
    lock = documents.shaped(documents.from_json(source), _Lock, source.where)
    if lock.workspaces is not None:
        raise bad(source.where, "bun.lock is not read", "give a lock or an SBOM that is")
    packages = dict(lock.packages or {"": {"name": lock.name, "version": lock.version}})
    told = {_pair(place, package) for place, package in packages.items()}
    for place, package in _flat(lock.dependencies):  # version 2 says it twice, for older readers
        if not lock.packages:
            packages[place] = package
        elif _pair(place, package) not in told and _pair(place, package)[1][:1].isdigit():
            name = place.rpartition(_FOLDER)[2]
            packages[f"{place} of older readers"] = {**package, "name": name}
    placed, wrong = documents.each(
        [{"name": place, "package": package} for place, package in packages.items()],
        _Placed,
        "packages",
    )
    places = {item.name: item.package for item in placed}
    nests = {place[: place.rfind(_FOLDER)] for place in places if place.rfind(_FOLDER) > 0}
    own = _workspaces(places)
    linked = {p.resolved: place.rpartition(_FOLDER)[2] for place, p in places.items() if p.link}
    lost: dict[str, None] = {}
    components, edges, roots, loose = [], [], [], []
    for place, package in places.items():
        name = package.name or linked.get(place) or place.rpartition(_FOLDER)[2] or lock.name
        version = package.version
        alias = _ALIAS.fullmatch(version)
        if alias:
            name, version = alias[1], alias[2]
        name = canonical(NPM, name)
        for other in otherwise(NPM, name, version, [package.resolved, version]):
            components.append(Component(f"{place} at {other}", NPM, *other))
        if place == "" or own(place):
            roots.append(place)
        elif package.link and package.resolved in places:
            continue  # its target is a place of its own
        elif not (package.integrity or package.in_bundle):
            loose.append(f"{name} has no hash")
        exact = version[:1].isdigit()  # else a repository, an address or a folder
        components.append(Component(place, NPM, name, version if exact else ""))
        edges += [(place, other) for other in _needed(place, package, places, nests, lost)]
    if not lock.packages:  # version 1 does not say what the project itself needs
        needed = {other for _, other in edges}
        tops = (place for place in places if place.count(_FOLDER) == 1 and place not in needed)
        edges += [("", place) for place in tops]
    unread = [Unread(NPM, _name(name), why) for name, why in wrong]
    unread += [
        Unread(NPM, canonical(NPM, name), f"{name} is needed and not in the file") for name in lost
    ]
    return Inventory(
        FORMAT, LOCK, (NPM,), components, edges, roots, unread=unread, loose=tuple(loose)
    )


def _workspaces(places: dict[str, _Package]) -> Callable[[str], bool]:
    """Whether a place is one of the project's own, by the patterns of its root."""
    told = places[""].workspaces if "" in places else None
    told = told.get("packages") if isinstance(told, dict) else told
    patterns = [
        re.escape(str(one).removeprefix("./").rstrip("/"))
        for one in (told if isinstance(told, list) else ())
    ]
    every = "|".join(one.replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for one in patterns)
    found = re.compile(every)
    return lambda place: bool(patterns) and _FOLDER not in place and bool(found.fullmatch(place))


def _pair(place: str, package: object) -> tuple[str, str]:
    """Name and version of a package at a place, as they are written there."""
    said = package if isinstance(package, dict) else {}
    return place.rpartition(_FOLDER)[2], str(said.get("version", ""))


def _flat(nested: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Packages of version 1, where one lies in another, as places of version 2."""
    below = [("", nested)]
    while below:
        above, packages = below.pop()
        for name, package in packages.items():
            place = f"{above}{_FOLDER}{name}"
            inner = package.get("dependencies", {}) if isinstance(package, dict) else {}
            if not isinstance(package, dict) or not isinstance(inner, dict):
                yield place, package
                continue
            requires = package.get("requires", {})
            yield (
                place,
                {
                    **package,
                    "inBundle": package.get("bundled", False),
                    "dependencies": requires if isinstance(requires, dict) else {},
                },
            )
            below.append((f"{place}/", inner))


def _needed(
    place: str,
    package: _Package,
    places: dict[str, _Package],
    nests: set[str],
    lost: dict[str, None],
) -> Iterator[str]:
    """Places that a package finds its dependencies in: its own folder first, then those above.

    `nests` are the places that hold others; in all but them there is nothing to find. What has to
    be there and is not is added to `lost`.
    """
    needs = package.dependencies
    if package.dev_dependencies or package.optional_dependencies or package.peer_dependencies:
        needs = {**needs, **package.dev_dependencies}
        needs |= {**package.optional_dependencies, **package.peer_dependencies}
    if not needs:
        return
    bases: list[str] = []
    base = f"{place}/" if place else ""
    while base and len(bases) < MOST_NESTED:
        if base in nests:
            bases.append(base)
        base = base[: max(base.rfind(_FOLDER, 0, len(base) - 1), 0)]
    for name in needs:
        for base in (*bases, ""):
            found = places.get(f"{base}{_FOLDER}{name}")
            if found is not None:
                linked = found.link and found.resolved in places
                yield found.resolved if linked else f"{base}{_FOLDER}{name}"
                break
        else:
            if name in package.dependencies and name not in package.optional_dependencies:
                lost[name] = None


def _name(place: str) -> str:
    return canonical(NPM, place.rpartition(_FOLDER)[2])
