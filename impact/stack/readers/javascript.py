"""Locks of npm (1 to 3, and before), pnpm (5 to 9) and Yarn (1 and later), with their hashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, listed, table, word
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
    missing_need,
)

_FOLDER = "node_modules/"
_PLACE = " of older readers"  # what version 2 says a second time, and otherwise
MOST_NESTED = 50  # folders of packages in one another
_ALIAS = re.compile(r"npm:(@?[^@]+)@(.+)")
_AT = re.compile(  # of pnpm from version 6 on; another registry than the usual one stands before it
    r"(?:(?:[^@/][^@/]*)?/)?(@[^/@]+/[^@]+|[^@/]+)@([^(]+)(\(.*)?", re.DOTALL
)
_SLASH = re.compile(r"(?:[^/]*)/(@[^/]+/[^/]+|[^/@][^/]*)/([^/_(]+)(.*)", re.DOTALL)  # version 5
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies")
_IMPORTED = (*_GROUPS, "configDependencies", "packageManagerDependencies")  # of pnpm
_FIELD = re.compile(r'  "?(\w+)"? "?([^"]*)"?$')  # of Yarn 1
_NEED = re.compile(r'    "?([^"\s]+)"? "?([^"]*)"?$')
_PATTERN = re.compile(r'"(?:[^"\\]|\\.)*"|[^,\s][^,]*')
_LOCATOR = re.compile(r"(@?[^@]+)@([a-z+]+):(.*)", re.DOTALL)  # of later Yarns


class _Placed(Struct, rename="camel"):
    """A place in node_modules."""

    name: str = ""
    version: str = ""
    resolved: str = ""
    integrity: str = ""
    link: bool = False
    workspaces: Any = None
    in_bundle: bool = False
    dependencies: Table = field(default_factory=dict)
    dev_dependencies: Table = field(default_factory=dict)
    optional_dependencies: Table = field(default_factory=dict)
    peer_dependencies: Table = field(default_factory=dict)


def package_lock(source: Source) -> Inventory:
    """package-lock.json; the project and its workspaces are the roots, dev packages are kept."""
    lock = documents.json_table(source)
    current, older = (
        documents.shaped({} if lock.get(key) is None else lock[key], Table, source.where)
        for key in ("packages", "dependencies")
    )
    packages = _packages(lock, current, older)
    places, wrong = documents.each_named(packages, _Placed, "packages")
    pairs = _pairs(places, str(lock.get("name") or "."))
    nests = {place[: place.rfind(_FOLDER)] for place in places if place.rfind(_FOLDER) > 0}
    is_own = _workspaces(places)
    missing: dict[str, None] = {}
    needs = {place: [*_needs(place, places, nests, missing)] for place in places}
    if not current:  # version 1 does not say what the project itself needs
        below = {other for others in needs.values() for other in others}
        needs[""] = [p for p in places if p.count(_FOLDER) == 1 and p not in below]
    entries = [
        Entry(
            *pairs[place],
            [pairs[other] for other in needs[place]],
            place == "" or is_own(place),
            "" if package.integrity or package.in_bundle else "has no hash",
            (package.resolved, package.version if ":" in package.version else ""),
        )
        for place, package in places.items()
        if not (package.link and package.resolved in places)  # its target is a place of its own
    ]
    unread = [Unread(why, NPM) for why in wrong]
    unread += [missing_need(NPM, name) for name in missing]
    return lock_inventory(NPM, entries, unread)


def _whole(entries: Iterable[Entry], wrong: Iterable[str]) -> Inventory:
    """The inventory of a lock that has all that it needs; what is `wrong` could be any package."""
    unread = [Unread(why, NPM) for why in wrong]
    return lock_inventory(NPM, entries, unread, whole="all")


def _packages(lock: Table, current: Table, older: Table) -> Table:
    """Every package by place; those of version 1 alone, or in other versions, are added."""
    packages = current or {"": {key: lock[key] for key in ("name", "version") if key in lock}}
    packages = dict(packages)
    known = {_pair(*one) for one in packages.items()} if current and older else set()
    for place, package in _flat(older):
        if not current:
            packages[place] = package
        elif (pair := _pair(place, package)) not in known and pair[1][:1].isdigit():
            packages[place + _PLACE] = {**package, "name": pair[0]}
    return packages


def _pair(place: str, package: object) -> Pair:
    """Name and version of a package at a place, as they are written there."""
    return _target(word(package, "name") or _last(place), word(package, "version"))


def _target(name: str, version: str) -> Pair:
    """Name and version of a package once an alias is followed."""
    alias = version[:4] == "npm:" and _ALIAS.fullmatch(version)
    return (alias[1], alias[2]) if alias else (name, version)


def _pairs(places: Mapping[str, _Placed], project: str) -> dict[str, Pair]:
    """Place -> canonical name and version; empty for a repository, an address or a folder."""
    linked = {one.resolved: _last(place) for place, one in places.items() if one.link}
    pairs = {}
    for place, package in places.items():
        name = package.name or linked.get(place) or _last(place) or project
        name, version = _target(name, package.version)
        pairs[place] = canonical(NPM, name), _number(version.lstrip("v="))
    return pairs


def _number(version: str) -> str:
    return version if version[:1].isdigit() else ""


def _last(place: str) -> str:
    return place.rpartition(_FOLDER)[2]


def _workspaces(places: Mapping[str, _Placed]) -> Callable[[str], bool]:
    """Whether a place is one of the project's own, by the patterns of its root."""
    named = places[""].workspaces if "" in places else None
    named = named.get("packages") if isinstance(named, dict) else named
    patterns = [re.escape(str(one).removeprefix("./").rstrip("/")) for one in listed(named)]
    every = "|".join(one.replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for one in patterns)
    found = re.compile(every)
    return lambda place: bool(patterns) and _FOLDER not in place and bool(found.fullmatch(place))


def _flat(nested: Table) -> Iterator[tuple[str, Any]]:
    """Packages of version 1, where one lies in another, as places of version 2."""
    below = [("", nested)]
    while below:
        above, packages = below.pop()
        for name, package in packages.items():
            place = f"{above}{_FOLDER}{name}"
            inner = table(package).get("dependencies", {})
            if not isinstance(package, dict) or not isinstance(inner, dict):
                yield place, package
                continue
            needs, bundled = table(package.get("requires")), package.get("bundled", False)
            yield place, {**package, "inBundle": bundled, "dependencies": needs}
            below.append((f"{place}/", inner))


def _needs(
    place: str, places: Mapping[str, _Placed], nests: set[str], missing: dict[str, None]
) -> Iterator[str]:
    """Places that a package finds its dependencies in: its own folder first, then those above.

    `nests` are the places that hold others; in all but them there is nothing to find. What has to
    be there and is not is added to `missing`.
    """
    package = places[place]
    asks = {**package.dependencies, **package.dev_dependencies}
    needs = {**asks, **package.optional_dependencies, **package.peer_dependencies}
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
            if name in asks and name not in package.optional_dependencies:
                missing[npm(name, asks[name]).name or name] = None


class _Pnpm(Struct, rename="camel"):
    name: str = ""
    version: str = ""
    resolution: Table = field(default_factory=dict)
    dependencies: Table = field(default_factory=dict)
    optional_dependencies: Table = field(default_factory=dict)


def pnpm(source: Source) -> Inventory:
    """pnpm-lock.yaml: its importers, the project and its workspaces, are the roots.

    From version 11 on there are two documents, the first of what pnpm needs for itself.
    """
    entries: list[Entry] = []
    wrong: list[str] = []
    for lock in documents.shaped(documents.from_yamls(source), list[Table], source.where):
        entries += _pnpm(lock, wrong)
    return _whole(entries, wrong)


def _pnpm(lock: Table, wrong: list[str]) -> Iterator[Entry]:
    """The entries of one document: its packages, then its importers."""
    major = str(lock.get("lockfileVersion", "")).partition(".")[0]
    split = major.isdigit() and int(major) >= 9  # what a package needs stands in its snapshot
    held = {key: dict(table(value)) for key, value in table(lock.get("packages")).items()}
    if isinstance(lock.get("snapshots"), dict):
        held = _with_snapshots(held, lock["snapshots"])
    elif held and split:
        wrong.append("has packages and no snapshots: it was cut off")
    packages, misshapen = documents.each_named(held, _Pnpm, "packages")
    wrong += misshapen
    pairs = {}
    for key, package in packages.items():
        name, version = _split(key, major)
        name = canonical(NPM, package.name) or name
        pairs[key] = name, _number(package.version or version)
    known = set(pairs.values())
    for key, package in packages.items():
        if not pairs[key][0]:
            wrong.append(f"{key[:80]}: no name")
            continue
        wanted = {**package.dependencies, **package.optional_dependencies}
        files = key.partition("(")[0], str(package.resolution.get("tarball", ""))
        loose = "" if package.resolution.get("integrity") else "has no hash"
        needs = [*_pnpm_needs(wanted, pairs, known, major)]
        yield Entry(*pairs[key], needs, loose=loose, files=files)
    if "importers" not in lock and split:
        wrong.append("has no importers: it was cut off")
    for place, importer in table(lock.get("importers") or {".": lock}).items():
        groups = [table(importer).get(key) for key in _IMPORTED]
        wanted = dict.fromkeys(table(table(importer).get("specifiers")), "")
        for group in (*groups, *table(lock.get("catalogs")).values()):
            wanted |= table(group)
        wanted = {n: w.get("version", "") if isinstance(w, dict) else w for n, w in wanted.items()}
        yield Entry(place, "", [*_pnpm_needs(wanted, pairs, known, major)], own=True)


def _with_snapshots(packages: Table, snapshots: Table) -> Table:
    """Packages with what each needs; one without a snapshot stays, since the file may be cut."""
    known = {key.partition("(")[0] for key in snapshots}
    found = {key: package for key, package in packages.items() if key not in known}
    for key, snapshot in snapshots.items():
        found[key] = {**packages.get(key.partition("(")[0], {}), **table(snapshot)}
    return found


def _pnpm_needs(
    wanted: Table, pairs: Mapping[str, Pair], known: set[Pair], major: str
) -> Iterator[Pair]:
    """What each need was resolved to: a package of the lock by its key, an alias, or a version."""
    for name, version in wanted.items():
        version = str(version)
        keys = (f"{name}@{version}", f"/{name}@{version}", f"/{name}/{version}", version)
        found = next((key for key in (*keys, f"/{version}") if key in pairs), None)
        if found is not None:
            yield pairs[found]
        elif (alias := _split(version, major))[0]:
            yield alias
        elif (version[:1].isdigit() or not version) and (name, version) not in known:
            yield name, version


def _split(key: str, major: str) -> Pair:
    """(name, version) of a key of pnpm; empty texts where it is none."""
    found = (_SLASH if major < "6" and len(major) == 1 else _AT).fullmatch(key)
    return (canonical(NPM, found[1]), found[2]) if found else ("", "")


class _Block(NamedTuple):
    """An entry of Yarn 1: the line that it begins in, its patterns, its fields and its needs."""

    line: int
    patterns: list[str]
    fields: dict[str, str]
    needs: list[Pair]


def yarn_classic(source: Source) -> Inventory:
    """yarn.lock of Yarn 1. It does not name the project, so it has no roots."""
    pairs: dict[str, Pair] = {}
    blocks, wrong = [], []
    for block in _blocks(source):
        pattern = block.patterns[0]
        name, _, spec = pattern[1:].partition("@")
        name = npm(pattern[:1] + name, spec).name or canonical(NPM, pattern[:1] + name)
        version = block.fields.get("version")
        if not version:
            wrong.append(f"line {block.line}: {name} has no version: it was cut off")
            continue
        pairs |= dict.fromkeys(block.patterns, (name, version))
        blocks.append(((name, version), block.fields, block.needs))
    entries = []
    for pair, fields, wanted in blocks:
        address = fields.get("resolved", "")
        loose = "" if "integrity" in fields or "#" in address else "has no hash"
        needs = [pairs.get(f"{need}@{spec}") or (need, f"for {spec}") for need, spec in wanted]
        entries.append(Entry(*pair, needs, loose=loose, files=(address,)))
    return _whole(entries, wrong)


def _blocks(source: Source) -> list[_Block]:
    """The entries of a lock of Yarn 1; raises BadInput for a line of no known form."""
    found = [_Block(0, [], {}, [])]
    section = ""
    for number, row in enumerate(source.text.splitlines(), 1):
        _, patterns, fields, needs = found[-1]
        if not row.strip() or row.startswith("#"):
            continue
        if not row.startswith(" ") and row.endswith(":"):
            written = [part.strip().strip('"') for part in _PATTERN.findall(row[:-1])]
            found.append(_Block(number, written, {}, []))
            section = ""
        elif patterns and (pair := _FIELD.match(row)):
            fields[pair[1]] = pair[2]
        elif patterns and re.fullmatch(r'  "?\w+"?:', row):
            section = row.strip().strip('":')
        elif patterns and section and (pair := _NEED.match(row)):
            needs += [(pair[1], pair[2])] if section in _GROUPS else []
        else:
            where = f"{source.where}:{number}"
            raise bad(where, "is no line of a yarn.lock", "get the whole file again")
    if section in _GROUPS and not found[-1].needs:
        raise bad(source.where, f"ends behind {section}", "get the whole file again")
    return [block for block in found if block.patterns]


class _Berry(Struct, rename="camel"):
    version: str = ""
    resolution: str = ""
    checksum: str = ""
    dependencies: dict[str, str] | str = field(default_factory=dict)


def yarn_berry(source: Source) -> Inventory:
    """yarn.lock of Yarn 2 and later; the workspaces are its roots."""
    document = documents.shaped(documents.from_yaml(source), Table, source.where)
    document.pop("__metadata", None)
    packages, wrong = documents.each_named(document, _Berry, "entry")
    pairs: dict[str, Pair] = {}
    located = []
    for key, package in packages.items():
        locator = _LOCATOR.fullmatch(package.resolution)
        if not locator:
            wrong.append(f"{key[:80]}: no resolution")
            continue
        version = "" if "-use.local" in package.version else package.version
        pair = canonical(NPM, locator[1]), version
        pairs |= {pattern.strip(): pair for pattern in key.split(",")}
        located.append((pair, locator[2], locator[3], package))
    entries: list[Entry] = []
    for pair, kind, rest, package in located:
        needs = [
            pairs.get(f"{need}@{spec}") or pairs.get(f"{need}@npm:{spec}") or (need, f"for {spec}")
            for need, spec in table(package.dependencies).items()
        ]
        address = rest.partition("::")[0]
        loose = "" if package.checksum else "has no checksum"
        entries.append(Entry(*pair, needs, kind == "workspace", loose, (address, rest)))
        inner = npm(pair[0], f"{kind}:{address}") if kind in ("npm", "patch") else None
        if isinstance(inner, Ask) and inner.spec[:1].isdigit():  # what it was resolved to
            entries.append(Entry(inner.name, inner.spec, loose=loose))
    return _whole(entries, wrong)
