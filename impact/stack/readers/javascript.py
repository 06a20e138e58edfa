"""Locks of npm (1 to 3, and before), pnpm (5 to 9) and Yarn (1 and later), with their hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from posixpath import join, normpath
from typing import Any

from msgspec import Struct, field

from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, table, word
from impact.stack.grammars import npm
from impact.stack.inventory import (
    NPM,
    Ask,
    Entry,
    Inventory,
    Pair,
    Unread,
    canonical,
    lock_inventory,
    split_version,
)

_FOLDER = "node_modules/"
_EMPTY = "names no package: it was cut off"
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")  # before npm 5 without a lockfileVersion
MOST_NESTED = 50  # folders of packages in one another
_ALIAS = re.compile(r"npm:(@?[^@]+)@(.+)")
_AT = re.compile(  # of pnpm from version 6 on; another registry than the usual one stands before it
    r"(?:(?:[^@/][^@/]*)?/)?(@[^/@]+/[^@]+|[^@/]+)@([^(]+)(\(.*)?", re.DOTALL
)
_SLASH = re.compile(r"(?:[^/]*)/(@[^/]+/[^/]+|[^/@][^/]*)/([^/_(]+)(.*)", re.DOTALL)  # version 5
_GROUPS = (  # of pnpm
    *("dependencies", "devDependencies", "optionalDependencies"),
    *("configDependencies", "packageManagerDependencies"),
)
_HEAD = re.compile(r"(?m)^([^\s#].*):$")  # of an entry of Yarn 1
_FIELD = re.compile(r'(?m)^( +(?:"[^"]*"|[^\s":]+)) (?=\S)')  # its name, and a value behind it
_LOCATOR = re.compile(r"(@?[^@]+)@([a-z+]+):(.*)", re.DOTALL)  # of later Yarns


class _Package(Struct, rename="camel"):
    """A package of any of these locks."""

    name: str = ""
    version: str = ""
    resolved: str = ""
    resolution: Table | str = ""  # of pnpm or of Yarn
    integrity: str = ""
    checksum: str = ""
    link: bool = False
    in_bundle: bool = False
    dependencies: Table = field(default_factory=dict)
    dev_dependencies: Table = field(default_factory=dict)
    optional_dependencies: Table = field(default_factory=dict)
    peer_dependencies: Table = field(default_factory=dict)


class _Lock(Struct):
    """A package-lock.json: its packages, and those of version 1, which version 2 has too."""

    name: str = ""
    version: str = ""
    packages: Table | None = None
    dependencies: Table | None = None


def _inventory(entries: Iterable[Entry], wrong: Iterable[str], whole: str = "all") -> Inventory:
    """The inventory of a lock, by default of one that has all that it needs or was cut off.

    What is `wrong` could be any package.
    """
    unread = [Unread(why, NPM) for why in wrong]
    return lock_inventory(NPM, entries, unread, whole=whole)


def package_lock(source: Source) -> Inventory:
    """package-lock.json; the project and its workspaces are the roots, dev packages are kept."""
    lock = documents.shaped(documents.from_json(source), _Lock, source.where)
    root = {"name": lock.name, "version": lock.version}
    current, older = lock.packages or {}, dict(_flat(lock.dependencies or {}))
    top = {"": root} if older else {}  # before version 2 it is not there itself
    places, wrong = documents.each_named(current or top | older, _Package, "packages")
    wrong += [] if places else [_EMPTY]
    tree = '"lockfileVersion"' not in source.text and not source.where.endswith(_LOCKS)
    if tree and all(place.count(_FOLDER) < 2 for place in places):
        wrong.append("it lists the top alone, as `npm ls` does without --all")
    pairs = _pairs(places, lock.name or ".")
    own = _workspaces(table(current.get("")).get("workspaces"))
    needs = {place: [*_needs(place, places, pairs)] for place in places}
    if not current:  # version 1 does not say what the project itself needs
        below = {other for others in needs.values() for other in others}
        tops = (pairs[place] for place in places if place.count(_FOLDER) == 1)
        needs |= {"": [pair for pair in tops if pair not in below]} if places else {}
    entries = [
        _entry(
            package,
            pairs[place],
            needs[place],
            own(place) is not None,
            (package.version,) if ":" in package.version else (),
        )
        for place, package in places.items()
        if not (package.link and package.resolved in places)  # its target is a place of its own
    ]
    if current:  # what version 2 says a second time may be otherwise
        again, more = documents.each_named(older, _Package, "dependencies")
        known, others = set(pairs.values()), _pairs(again, ".")
        entries += [
            _entry(package, others[place])
            for place, package in again.items()
            if others[place][1] and others[place] not in known
        ]
        wrong += more
    return _inventory(entries, wrong, "named")


def _entry(
    package: _Package,
    pair: Pair,
    needs: Iterable[Pair] = (),
    own: bool = False,
    files: tuple[str, ...] = (),
) -> Entry:
    content = word(package.resolution, "integrity")  # of pnpm
    fixed = package.integrity or package.checksum or content or package.in_bundle
    return Entry(*pair, needs, own, "" if fixed else "has no hash", (package.resolved, *files))


def _pairs(places: Mapping[str, _Package], project: str) -> dict[str, Pair]:
    """Place -> canonical name and version; empty for a repository, an address or a folder."""
    linked = {one.resolved: _last(place) for place, one in places.items() if one.link}
    pairs = {}
    for place, package in places.items():
        alias = _ALIAS.fullmatch(package.version)
        name = package.name or linked.get(place) or _last(place) or project
        name, version = alias.groups() if alias else (name, package.version)
        pairs[place] = canonical(NPM, name), _number(version.lstrip("v="))
    return pairs


def _number(version: str) -> str:
    return version if version[:1].isdigit() else ""


def _last(place: str) -> str:
    return place.rpartition(_FOLDER)[2]


def _workspaces(named: object) -> Callable[[str], re.Match[str] | None]:
    """Whether a place is one of the project's own: its root, or by the patterns there."""
    named = listed(at(named, "packages") or named)
    patterns = [re.escape(str(one).removeprefix("./").rstrip("/")) for one in named]
    every = "|".join(one.replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for one in patterns)
    return re.compile(rf"(?:(?!.*{_FOLDER})(?:{every}))?").fullmatch


def _flat(packages: Table, above: str = "") -> Iterator[tuple[str, Any]]:
    """Packages of version 1, where one lies in another, as places of version 2."""
    for name, package in packages.items():
        place = f"{above}{_FOLDER}{name}"
        inner = table(package).get("dependencies", {})
        if not isinstance(package, dict) or not isinstance(inner, dict):
            yield place, package
            continue
        needs, bundled = table(package.get("requires")), package.get("bundled", False)
        yield place, {**package, "inBundle": bundled, "dependencies": needs}
        yield from _flat(inner, f"{place}/")


def _needs(place: str, places: Mapping[str, _Package], pairs: Mapping[str, Pair]) -> Iterator[Pair]:
    """Packages that one finds its dependencies in: in its own folder first, then in those above."""
    package = places[place]
    asks = {**package.dependencies, **package.dev_dependencies}
    bases: list[str] = []
    base = f"{place}/" if place else ""
    while base and len(bases) < MOST_NESTED:
        bases.append(base)
        base = base[: max(base.rfind(_FOLDER, 0, len(base) - 1), 0)]
    for name in {**asks, **package.optional_dependencies, **package.peer_dependencies}:
        for base in (*bases, ""):
            found = places.get(f"{base}{_FOLDER}{name}")
            if found is not None:
                linked = found.link and found.resolved in places
                yield pairs[found.resolved if linked else f"{base}{_FOLDER}{name}"]
                break
        else:
            if name in asks and name not in package.optional_dependencies:
                yield npm(name, asks[name]).name or name, f"for {asks[name]}"


def pnpm(source: Source) -> Inventory:
    """pnpm-lock.yaml: its importers, the project and its workspaces, are the roots.

    From version 11 on there are two documents, the first of what pnpm needs for itself.
    """
    entries: list[Entry] = []
    wrong: list[str] = []
    for lock in documents.shaped(documents.from_yamls(source), list[Table], source.where):
        entries += _pnpm(lock, wrong)
    return _inventory(entries, wrong)


def _pnpm(lock: Table, wrong: list[str]) -> Iterator[Entry]:
    """The entries of one document: its packages, then its importers."""
    found = re.match(r"\d", str(lock.get("lockfileVersion")))
    major = int(found[0]) if found else 6  # from 9 on snapshots say what a package needs
    held, snapshots = table(lock.get("packages")), table(lock.get("snapshots"))
    needed = ("importers", "snapshots") if held else ("importers",)
    wrong += [f"has no {part}: it was cut off" for part in needed if major > 8 and part not in lock]
    held |= {
        key: {**table(held.get(key.partition("(")[0])), **table(snapshot)}
        for key, snapshot in snapshots.items()
    }
    packages, misshapen = documents.each_named(held, _Package, "packages")
    wrong += misshapen
    pairs: dict[str, Pair] = {}  # complete when the needs are asked for
    for key, package in packages.items():
        name, version = _split(key, major)
        pairs[key] = canonical(NPM, package.name) or name, _number(package.version or version)
        if not pairs[key][0]:
            wrong.append(f"{key[:80]}: no name")
            continue
        needs = _pnpm_needs(package.dependencies | package.optional_dependencies, pairs, major)
        files = key.partition("(")[0], word(package.resolution, "tarball")
        yield _entry(package, pairs[key], needs, files=files)
    alone = {".": lock} if held or any(map(lock.get, ("specifiers", *_GROUPS))) else {}
    importers = table(lock.get("importers") or alone)
    wrong += [] if importers or major > 8 else [_EMPTY]
    for place, importer in importers.items():
        wanted = dict.fromkeys(table(table(importer).get("specifiers")), "")
        groups = [table(importer).get(key) for key in _GROUPS]
        for group in (*groups, *table(lock.get("catalogs")).values()):
            wanted |= table(group)
        for name, one in wanted.items():
            _, link, folder = _resolved(one).partition("link:")
            if link and normpath(join(place, folder)) not in importers:
                yield Entry(name, "")  # of a folder that is not in the lock
        yield Entry(place, "", _pnpm_needs(wanted, pairs, major), own=True)


def _pnpm_needs(wanted: Table, pairs: Mapping[str, Pair], major: int) -> Iterator[Pair]:
    """What each need was resolved to: a package of the lock by its key, an alias, or a version."""
    for name, one in wanted.items():
        version = _resolved(one)
        keys = (f"{name}@{version}", f"/{name}@{version}", f"/{name}/{version}", version)
        found = next((key for key in (*keys, f"/{version}") if key in pairs), None)
        if found is not None:
            yield pairs[found]
        elif (alias := _split(version, major))[0]:
            yield alias
        elif version[:1].isdigit() or not version:
            yield name, version


def _resolved(one: object) -> str:
    """What a need of an importer or of a package was resolved to."""
    return str(one.get("version", "") if isinstance(one, dict) else one)


def _split(key: str, major: int) -> Pair:
    """(name, version) of a key of pnpm; empty texts where it is none."""
    found = (_SLASH if major < 6 else _AT).fullmatch(key)
    return (canonical(NPM, found[1]), found[2]) if found else ("", "")


def yarn(source: Source) -> Inventory:
    """yarn.lock of any Yarn; the workspaces are the roots.

    That of Yarn 1 is YAML once its keys are. It names no project, and an entry says only who asks
    for it; one of later Yarns says what it was resolved to.
    """
    text, later = source.text, "__metadata:" in source.text
    if not later:
        text = _HEAD.sub(lambda found: json.dumps(found[1].replace('"', "")) + ":", text)
        text = _FIELD.sub(r"\1: ", text)
    content = documents.from_yaml(Source(text, source.where)) or {}
    document = documents.shaped(content, Table, source.where)
    document.pop("__metadata", None)
    packages, wrong = documents.each_named(document, _Package, "entry")
    wrong += [_EMPTY] if later and not packages else []
    pairs: dict[str, Pair] = {}  # complete when the needs are asked for
    entries: list[Entry] = []
    for key, package in packages.items():
        patterns = [pattern.strip() for pattern in key.split(",")]
        locator = _LOCATOR.fullmatch(str(package.resolution))
        if not (locator if later else package.version):
            wrong.append(f"{key[:80]}: no {'resolution' if later else 'version'}: it was cut off")
            continue
        name, spec = split_version(patterns[0])
        name, kind, rest = npm(name, spec).name or name, "", package.resolved
        if locator:
            name, kind, rest = locator.groups()
        version = "" if "-use.local" in package.version else package.version
        pair = canonical(NPM, name), version
        pairs |= dict.fromkeys(patterns, pair)
        address = rest.partition("::")[0]
        package.checksum = package.checksum or package.resolved.partition("#")[2]
        needs = _yarn_needs(package.dependencies | package.optional_dependencies, pairs)
        entries.append(_entry(package, pair, needs, kind == "workspace", (address, rest)))
        inner = npm(pair[0], f"{kind}:{address}") if kind in ("npm", "patch") else None
        if isinstance(inner, Ask) and inner.spec[:1].isdigit():  # what it was resolved to
            entries.append(_entry(package, (inner.name, inner.spec)))
    return _inventory(entries, wrong)


def _yarn_needs(wanted: Table, pairs: Mapping[str, Pair]) -> Iterator[Pair]:
    for name, spec in wanted.items():
        found = pairs.get(f"{name}@{spec}") or pairs.get(f"{name}@npm:{spec}")
        yield found or (name, f"for {spec}")
