"""Locks of npm (1 to 3, and before), pnpm (5 to 9) and Yarn (1 and later), with their hashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.asking import npm
from impact.stack.documents import Source, Table, table, word
from impact.stack.inventory import (
    NPM,
    Ask,
    Entry,
    Inventory,
    Unread,
    canonical,
    locked,
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
    lock = documents.shaped(documents.from_json(source), Table, source.where)
    said, older = (
        documents.shaped({} if lock.get(key) is None else lock[key], Table, source.where)
        for key in ("packages", "dependencies")
    )
    packages = dict(said) or {"": {key: lock[key] for key in ("name", "version") if key in lock}}
    told = {_pair(*one) for one in packages.items()} if said and older else set()
    for place, package in _flat(older):
        if not said:
            packages[place] = package
        elif (pair := _pair(place, package)) not in told and pair[1][:1].isdigit():
            packages[place + _PLACE] = {**package, "name": pair[0]}
    items = [{"name": place, "package": package} for place, package in packages.items()]
    read, wrong = documents.each(items, _Item, "packages")
    places = {item.name: item.package for item in read}
    nests = {place[: place.rfind(_FOLDER)] for place in places if place.rfind(_FOLDER) > 0}
    own = _workspaces(places)
    linked = {p.resolved: _last(place) for place, p in places.items() if p.link}
    lost: dict[str, None] = {}
    pairs: dict[str, tuple[str, str]] = {}
    for place, package in places.items():
        alias = package.version[:4] == "npm:" and _ALIAS.fullmatch(package.version)
        name = package.name or linked.get(place) or _last(place) or str(lock.get("name") or ".")
        name, version = (alias[1], alias[2]) if alias else (name, package.version)
        # else it is a repository, an address or a folder
        version = version.lstrip("v=")
        pairs[place] = canonical(NPM, name), version if version[:1].isdigit() else ""
    needed = {place: [*_needed(place, places, nests, lost)] for place in places}
    if not said:  # version 1 does not say what the project itself needs
        below = {other for others in needed.values() for other in others}
        needed[""] = [p for p in places if p.count(_FOLDER) == 1 and p not in below]
    entries = [
        Entry(
            *pairs[place],
            [pairs[other] for other in needed[place]],
            place == "" or own(place),
            "" if package.integrity or package.in_bundle else "has no hash",
            (package.resolved, package.version if ":" in package.version else ""),
        )
        for place, package in places.items()
        if not (package.link and package.resolved in places)  # its target is a place of its own
    ]
    made = locked("package-lock.json", NPM, entries)
    names = [(_last(place), why) for place, why in wrong]
    names += [(name, f"{name} is needed and not in the file") for name in lost]
    made.unread.extend(Unread(NPM, canonical(NPM, name), why) for name, why in names)
    return made


def _last(place: str) -> str:
    return place.rpartition(_FOLDER)[2]


class _Item(Struct):
    name: str
    package: _Placed


def _workspaces(places: dict[str, _Placed]) -> Callable[[str], bool]:
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
    name, version = word(package, "name") or _last(place), word(package, "version")
    alias = _ALIAS.fullmatch(version)
    return (alias[1], alias[2]) if alias else (name, version)


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


def _needed(
    place: str, places: dict[str, _Placed], nests: set[str], lost: dict[str, None]
) -> Iterator[str]:
    """Places that a package finds its dependencies in: its own folder first, then those above.

    `nests` are the places that hold others; in all but them there is nothing to find. What has to
    be there and is not is added to `lost`.
    """
    package = places[place]
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
            asked = {**package.dependencies, **package.dev_dependencies}
            if name in asked and name not in package.optional_dependencies:
                lost[npm(name, asked[name]).name or name] = None


class _Pnpm(Struct, rename="camel"):
    name: str = ""
    version: str = ""
    resolution: Table = field(default_factory=dict)
    dependencies: Table = field(default_factory=dict)
    optional_dependencies: Table = field(default_factory=dict)


class _Keyed(Struct):
    name: str
    package: _Pnpm


def pnpm(source: Source) -> Inventory:
    """pnpm-lock.yaml: its importers, the project and its workspaces, are the roots.

    From version 11 on there are two documents, the first of what pnpm needs for itself.
    """
    every = documents.shaped(documents.from_yamls(source), list[Table], source.where)
    entries: list[Entry] = []
    unread: list[Unread] = []
    for lock in every:
        entries += _pnpm(lock, unread)
    found = locked("pnpm-lock.yaml", NPM, entries, whole="all")
    found.unread.extend(unread)
    return found


def _pnpm(lock: Table, unread: list[Unread]) -> Iterator[Entry]:
    major = str(lock.get("lockfileVersion", "")).partition(".")[0]
    held = {key: dict(table(value)) for key, value in table(lock.get("packages")).items()}
    snapshots = lock.get("snapshots")
    if isinstance(snapshots, dict):  # who needs whom stands beside what a package is
        told = {key.partition("(")[0] for key in snapshots}
        fixed = {key: value for key, value in held.items() if key not in told}  # cut off, perhaps
        held = fixed | {
            key: {**held.get(key.partition("(")[0], {}), **table(value)}
            for key, value in snapshots.items()
        }
    elif held and major.isdigit() and int(major) >= 9:
        unread.append(Unread(NPM, "", "has packages and no snapshots: it was cut off"))
    items = [{"name": key, "package": package} for key, package in held.items()]
    keyed, wrong = documents.each(items, _Keyed, "packages")
    unread += [Unread(NPM, _split(key, major)[0], why) for key, why in wrong]
    pairs = {item.name: _split(item.name, major) for item in keyed}
    for item in keyed:
        name, version = pairs[item.name]
        name = canonical(NPM, item.package.name) or name
        version = item.package.version or version
        pairs[item.name] = name, version if version[:1].isdigit() else ""
    known = set(pairs.values())

    def needs(groups: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        for name, version in groups:
            for key in (
                f"{name}@{version}",
                f"/{name}@{version}",
                f"/{name}/{version}",
                version,
                f"/{version}",
            ):
                if key in pairs:
                    yield pairs[key]
                    break
            else:
                told = _split(version, major)
                if told[0]:  # an alias
                    yield told
                elif (version[:1].isdigit() or not version) and (name, version) not in known:
                    yield name, version

    for item in keyed:
        name, version = pairs[item.name]
        if not name:
            unread.append(Unread(NPM, "", f"{item.name[:80]}: no name"))
            continue
        groups = {**item.package.dependencies, **item.package.optional_dependencies}
        address = str(item.package.resolution.get("tarball", ""))
        at = (item.name.partition("(")[0], address)
        loose = "" if item.package.resolution.get("integrity") else "has no hash"
        wanted = needs((need, str(one)) for need, one in groups.items())
        yield Entry(name, version, list(wanted), loose=loose, files=at)
    if "importers" not in lock and major.isdigit() and int(major) >= 9:
        unread.append(Unread(NPM, "", "has no importers: it was cut off"))
    for place, importer in table(lock.get("importers") or {".": lock}).items():
        kinds = (*_GROUPS, "configDependencies", "packageManagerDependencies")
        wants = [pair for key in kinds for pair in table(table(importer).get(key)).items()]
        wants += [
            pair for named in table(lock.get("catalogs")).values() for pair in table(named).items()
        ]
        wants = [*dict.fromkeys(table(table(importer).get("specifiers")), "").items(), *wants]
        pinned = (
            (name, str(table(w).get("version", "") if isinstance(w, dict) else w))
            for name, w in dict(wants).items()
        )
        yield Entry(place, "", list(needs(pinned)), own=True)


def _split(key: str, major: str) -> tuple[str, str]:
    """(name, version) of a key of pnpm; empty texts where it is none."""
    found = (_SLASH if major < "6" and len(major) == 1 else _AT).fullmatch(key)
    return (canonical(NPM, found[1]), found[2]) if found else ("", "")


def yarn_classic(source: Source) -> Inventory:
    """yarn.lock of Yarn 1. It does not name the project, so it has no roots."""
    found: dict[str, tuple[str, str]] = {}
    blocks, unread = [], []
    for line, patterns, fields, needs in _blocks(source):
        name, _, spec = patterns[0][1:].partition("@")
        ask = npm(patterns[0][:1] + name, spec)
        name = ask.name or canonical(NPM, patterns[0][:1] + name)
        if not fields.get("version"):
            unread.append(Unread(NPM, "", f"line {line}: {name} has no version: it was cut off"))
            continue
        pair = name, fields["version"]
        found |= dict.fromkeys(patterns, pair)
        hashed = "integrity" in fields or "#" in fields.get("resolved", "")
        blocks.append((pair, fields, needs, "" if hashed else "has no hash"))
    entries = [
        Entry(
            *pair,
            [found.get(f"{need}@{spec}") or (need, f"for {spec}") for need, spec in needs],
            loose=loose,
            files=(fields.get("resolved", ""),),
        )
        for pair, fields, needs, loose in blocks
    ]
    made = locked("yarn.lock v1", NPM, entries, whole="all")
    made.unread.extend(unread)
    return made


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
        elif patterns and (said := _FIELD.match(row)):
            fields[said[1]] = said[2]
        elif patterns and re.fullmatch(r'  "?\w+"?:', row):
            section = row.strip().strip('":')
        elif patterns and section and (need := _NEED.match(row)):
            if section in _GROUPS:
                needs.append((need[1], need[2]))
        else:
            where = f"{source.where}:{number}"
            raise bad(where, "is no line of a yarn.lock", "get the whole file again")
    if section in _GROUPS and not needs:
        raise bad(source.where, f"ends behind {section}", "get the whole file again")
    if patterns:
        yield line, patterns, fields, needs


class _Berry(Struct, rename="camel"):
    version: str = ""
    resolution: str = ""
    checksum: str = ""
    dependencies: dict[str, str] | str = field(default_factory=dict)


class _Resolved(Struct):
    name: str
    package: _Berry


def yarn_berry(source: Source) -> Inventory:
    """yarn.lock of Yarn 2 and later; the workspaces are its roots."""
    document = documents.shaped(documents.from_yaml(source), Table, source.where)
    items = [{"name": n, "package": p} for n, p in document.items() if n != "__metadata"]
    read, wrong = documents.each(items, _Resolved, "entry")
    unread = [Unread(NPM, "", why) for _, why in wrong]
    pairs: dict[str, tuple[str, str]] = {}
    for item in read:
        locator = _LOCATOR.fullmatch(item.package.resolution)
        if locator:
            local = "-use.local" in item.package.version
            pair = canonical(NPM, locator[1]), "" if local else item.package.version
            pairs |= {pattern.strip(): pair for pattern in item.name.split(",")}
        else:
            unread.append(Unread(NPM, "", f"{item.name[:80]}: no resolution"))
    entries: list[Entry] = []
    for item in read:
        locator = _LOCATOR.fullmatch(item.package.resolution)
        if not locator:
            continue
        name, kind, rest = canonical(NPM, locator[1]), locator[2], locator[3]
        version = "" if "-use.local" in item.package.version else item.package.version
        needs = [
            pairs.get(f"{need}@{spec}") or pairs.get(f"{need}@npm:{spec}") or (need, f"for {spec}")
            for need, spec in table(item.package.dependencies).items()
        ]
        own = kind == "workspace"
        loose = "" if item.package.checksum else "has no checksum"
        entries.append(Entry(name, version, needs, own, loose, (rest.partition("::")[0], rest)))
        inner = npm(name, f"{kind}:{rest.partition('::')[0]}") if kind in ("npm", "patch") else None
        if isinstance(inner, Ask) and inner.spec[:1].isdigit():  # what it was resolved to
            entries.append(Entry(inner.name, inner.spec, loose=loose))
    made = locked("yarn.lock v2+", NPM, entries, whole="all")
    made.unread.extend(unread)
    return made
