"""Locks whose packages stand in one list, each with what it needs: one shape, one table.

uv.lock, pylock.toml (PEP 751) and Cargo.lock name everything that they need, so that a cut shows;
poetry.lock ends with its metadata, Gemfile.lock with its dependencies. Those that do not name the
project have no roots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from msgspec import Struct, field
from packaging.metadata import parse_email

from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, rows, table, word
from impact.stack.grammars import pep508
from impact.stack.inventory import (
    LOCK,
    MANIFEST,
    OPTIONAL,
    PYPI,
    SBOM,
    Ask,
    Component,
    Entry,
    Inventory,
    Pair,
    Unread,
    ask_inventory,
    canonical,
    last_part,
    lock_inventory,
    newest,
)

_NAME = re.compile(r"\s*([A-Za-z0-9._/-]+)(?: (\d\S*))?")
_GEM = re.compile(r"(?m)^    (  )?([\w.-]+)(?: \(([^)\n-]*)[^)\n]*\))?!?\r?$")
_BLOCK = re.compile(r"(?m)^(\w+)[ \t]*\(([^)]*)(\)|\Z)")  # of go.mod
_FOLDERS = ("editable", "virtual", "directory")  # of uv: on the disk of who made the lock
_GO = r"(?:module|go|toolchain|godebug|require|replace|exclude|retract|tool|ignore)\b"
_ADDRESSES = ("name", "file", "url", "path")  # of a file, the first of them
_COLUMNS = re.compile(r"(?m)^(Package +Version.*)\n[ -]+\n([\s\S]*)")  # of `pip list`
_ROW = re.compile(r"\s*(?P<name>[\w.-]+)\s+(?P<version>\S+).*")
_WHOLE = {  # columns and keys of a list of all that is installed
    *("package", "name", "version", "location", "installer", "editable", "project"),
    "editable_project_location",
}
_SPECS = ("GEM", "GIT", "PATH", "PLUGIN SOURCE")


class _Package(Struct, rename="kebab"):
    """A package of any of the formats."""

    name: str
    version: str = ""
    source: Table | str = ""
    dependencies: list[Any] | Table = field(default_factory=list)
    optional_dependencies: dict[str, list[Any]] = field(default_factory=dict)
    dev_dependencies: dict[str, list[Any]] = field(default_factory=dict)
    files: list[Table] = field(default_factory=list)
    wheels: list[Table] = field(default_factory=list)
    sdist: Table | None = None
    archive: Table | None = None
    hashes: list[str] = field(default_factory=list)
    checksum: str = ""
    metadata: Table | None = None
    directory: Table | None = None
    own: bool = False
    file: str = ""
    url: str = ""
    path: str = ""


# Packages as the file has them, names that it says it has, and whether it is there to its end.
Packages = tuple[list[Any], set[str], bool]


def lock(
    listing: Callable[..., Packages],
    source: Source,
    ecosystem: str,
    whole: str = "",
    **options: str,
) -> Inventory:
    """What a lock holds whose packages a function lists, as the `options` of its format ask.

    `whole`: see `lock_inventory`.
    """
    items, named, ended = listing(source, **options)
    odd = [one for one in items if isinstance(one, str)]
    packages, wrong = documents.each([one for one in items if one not in odd], _Package, "packages")
    entries = [_entry(package) for package in packages]
    stamp = newest(file.get("upload-time") for package in packages for file in _files(package))
    unread = [Unread(why, ecosystem, canonical(ecosystem, name)) for name, why in wrong]
    lost = sorted(named - {package.name for package in packages})
    unread += [Unread(f"{name} is named and not in the file") for name in lost[:1]]
    needed = {need for entry in entries for need, _ in entry.needs}
    unread += [
        Unread(f"{one.name} lies in a folder", ecosystem, canonical(ecosystem, one.name))
        for one in entries
        if one.own and one.name in needed
    ]
    unread += [Unread(f'"{line.strip()[:60]}" is no line of it', ecosystem) for line in odd]
    unread += [] if ended else [Unread("ends too early: what follows is lost")]
    return lock_inventory(ecosystem, entries, unread, stamp, whole)


def _files(package: _Package) -> list[Table]:
    return [*package.files, *package.wheels, *filter(None, (package.sdist, package.archive))]


def _entry(package: _Package) -> Entry:
    """What a package needs, whether it is the project's own, and what is not fixed of it."""
    files, source = _files(package), table(package.source)
    homes = [*map(source.get, _FOLDERS), table(package.directory).get("path"), package.path]
    sums = ((file.get("hash"), *table(file.get("hashes")).values()) for file in files)
    hashed = [any(one and isinstance(one, str) for one in several) for several in sums]
    fixed = package.hashes or package.checksum or (hashed and all(hashed))
    extras = (*package.optional_dependencies.values(), *package.dev_dependencies.values())
    needs = [*package.dependencies, *chain.from_iterable(extras)]
    needs += [one for one in rows(package.metadata, "requires-dist") if not one.get("marker")]
    places = [next(filter(None, map(file.get, _ADDRESSES)), "") for file in files]
    places += [package.file, package.url, package.path, *map(source.get, ("url", "path"))]
    built = files and all(
        str(place).endswith((".tar.gz", ".zip")) for place in filter(None, places)
    )
    return Entry(
        package.name,
        package.version.lstrip("="),
        [pair for need in needs if (pair := _need(need))],
        package.own or next(filter(None, homes), "") in (".", "./"),
        "is built from its source" if fixed and built else "" if fixed else "has no hash",
        tuple(f"/{place}" for place in places if place),
    )


def _need(need: object) -> Pair | None:
    """(name, version) of a dependency; the version is empty where only the name is given."""
    if not isinstance(need, str):
        return word(need, "name"), word(need, "version")
    found = _NAME.match(need)
    return (found[1], OPTIONAL if ";" in need else found[2] or "") if found else None


def toml(source: Source, packages: str = "package", last: str = "", own: str = "name") -> Packages:
    """The packages of a lock in TOML, which has `last` where it was not cut off.

    Where a format has them, a package without the key `own` is the project's own.
    """
    data = documents.from_toml(source)
    items = documents.shaped(data.get(packages, []), list[Any], source.where)
    meta = table(data.get("metadata"))
    files = table(meta.get("files"))  # of Poetry before 1.3
    members = {canonical(PYPI, str(one)) for one in listed(at(data, "manifest.members"))}
    for one in filter(None, map(table, items)):
        name, home = str(one.get("name")), table(one.get("source"))
        one["files"] = one.get("files") or files.get(name, [])
        folder = any(map(home.get, _FOLDERS)) and canonical(PYPI, name) in members
        one["own"] = folder or own not in one
        sum_of = f"checksum {name} {one.get('version')} ({one.get('source')})"
        one["checksum"] = one.get("checksum") or meta.get(sum_of, "")
    needs = [at(data, f"manifest.{key}") for key in ("requirements", "dependency-groups")]
    named = {str(name) for _, key, name in documents.walk(needs) if key == "name"}
    # In Cargo's, what is from a registry has its checksum, before version 2 in a list at the end.
    named |= {one for key in meta if key[:9] == "checksum " for one in key.split()[1:2]}
    sources = [str(one.get("source")) for one in map(table, items) if not one.get("checksum")]
    bare = not meta and any(source.startswith("registry+") for source in sources)
    ended = not bare and (at(data, last) is not None if last else packages in data)
    return items, named | files.keys(), ended


def tables(source: Source, key: str = "") -> Packages:
    """Packages by name in some tables: groups of a Pipfile.lock, targets of NuGet below a `key`.

    What comes from a repository or a folder may be called after a digest: it has that name too.
    """
    data = documents.json_table(source)
    data.pop("_meta", None)
    shape = dict[str, dict[str, Table]]
    groups = documents.shaped(data.get(key, {}) if key else data, shape, source.where)
    return (
        [
            {
                **package,
                "name": called,
                "version": package.get("resolved") or package.get("version", ""),
                "checksum": package.get("contentHash", ""),
                "own": package.get("type") == "Project",
            }
            for packages in groups.values()
            for name, package in packages.items()
            for called in dict.fromkeys((name, *_home(package)))
        ],
        set(),
        True,
    )


def _home(package: Table) -> list[str]:
    """The name of the repository or folder that a package of a Pipfile comes from."""
    places = [str(package[key]) for key in ("git", "path") if package.get(key)]
    return [name for place in places if (name := last_part(place))]


def composer(source: Source) -> Packages:
    """The packages of a composer.lock, those for development too."""
    data = documents.json_table(source)
    groups = [data.get("packages", []), data.get("packages-dev", [])]
    packages = [*chain(*documents.shaped(groups, list[list[Table]], source.where))]
    given = [table(one.get(key)) for one in packages for key in ("provide", "replace")]
    held = set(chain(*given))  # by another package
    for one in packages:
        needs = {name for name in table(one.get("require")) if "/" in name and name not in held}
        one |= {"dependencies": sorted(needs), "checksum": at(one, "dist.shasum") or ""}
    return packages, set(), "packages" in data


def gems(source: Source) -> Packages:
    """Gems of each section; a platform stands behind the version, and Bundler itself is no gem."""
    found, odd = list[Any](), list[str]()
    hashed = set(re.findall(r"(?m)^  (\S+) \(([^)-]*)[^)]*\) sha256=", source.text))
    tops = re.search(r"(?m)^DEPENDENCIES\s*\n((?:  .*\n?)*)", source.text)
    for section in re.split(r"(?m)^(?=[A-Za-z])", source.text):
        head = section.partition("\n")[0].strip()
        for inner, name, version in _GEM.findall(section) if head in _SPECS else ():
            if not inner:
                own = head == "PATH" and bool(re.search(r"(?m)^  remote: \./?$", section))
                gem = {"name": name, "version": version, "own": own, "dependencies": []}
                found.append({**gem, "hashes": ["x"] if (name, version) in hashed else []})
            elif found and name != "bundler":
                found[-1]["dependencies"].append(name)
        odd += (
            _GEM.sub("", section.partition("  specs:\n")[2]).split("\n") if head in _SPECS else []
        )
    named = re.findall(r"(?m)^  ([\w.-]+)", tops[1] if tops else "")
    found += filter(str.strip, odd)
    return found, {*named, *(name for name, _ in hashed)} - {"bundler"}, bool(tops)


def go_sum(source: Source) -> Packages:
    """The modules of a go.sum; a line that is of none is no package, and is told."""
    found: list[Any] = []
    for line in source.text.splitlines():
        words = line.split()
        if len(words) != 3 or not re.fullmatch("h1:.*=", words[2]):
            found += [line] if words else []
        elif not words[1].endswith("/go.mod"):
            found.append(dict(zip(("name", "version", "checksum"), words, strict=True)))
    return found, set(), True


def go_mod(source: Source) -> Inventory:
    """go.mod: modules with their versions; before Go 1.17 it names direct ones alone."""
    plain = re.sub(r'[ \t]*//.*|"', "", source.text)
    lines = _BLOCK.sub(
        lambda found: re.sub(r"(?m)^\s*(?=\S)", f"{found[1]} ", found[2]) + "\n(" * (not found[3]),
        plain,
    )
    lines = re.sub(r"[ \t\r]+", " ", lines)
    asked = re.findall(r"(?m)^require (\S+) (v\S+) ?$", lines)
    others = re.findall(rf"(?m)^(require\b(?! \S+ v\S+ ?$).*|.*\(.*|(?!{_GO}| ?$).+)", lines)
    replaced = re.findall(r"(?m)^replace (\S+)(?: (v\S+))? => (\S+)(?: (v\S+))?", lines)
    gone = {(name, version) for name, version, _, _ in replaced}
    held = [one for one in asked if not {one, (one[0], "")} & gone]
    held += [(name, version) for _, _, name, version in replaced if version]
    entries = [Entry(name, version, loose="has no hash") for name, version in held]
    unread = [Unread(f'"{line[:60]}" is no line of it', "Go") for line in others]
    for name in (old for old, _, _, version in replaced if not version):
        unread.append(Unread(f"{name} lies in a folder", "Go", canonical("Go", name)))
    release = re.findall(r"(?m)^go (\d+)\.(\d+)", lines)
    whole = min(([*map(int, found)] for found in release), default=[0]) >= [1, 17]
    return replace(lock_inventory("Go", entries, unread), kind=LOCK if whole else MANIFEST)


def installed(source: Source) -> Inventory:
    """What pip says is installed: `pip list` as JSON or columns, `pip inspect`.

    What has other keys or columns lists a part of it, what pip would install, or is another tool's.
    """
    data = documents.from_json(source) if source.text.lstrip()[:1] in ("{", "[") else None
    if data is None:
        ((head, body),) = _COLUMNS.findall(source.text)
        lines = [line for line in body.splitlines() if line.strip() and line[:8] != "[notice]"]
        found = [row.groupdict() if (row := _ROW.fullmatch(line)) else {} for line in lines]
        keys = {*head.lower().split()}
    elif isinstance(data, dict):
        lists = [data.get(key, []) for key in ("installed", "install")]
        every = chain(*documents.shaped(lists, list[list[Any]], source.where))
        found, keys = [table(at(one, "metadata")) for one in every], data.keys() & {"install"}
    else:
        found = [*map(table, listed(data))]
        keys = {*chain(*found)}
    pairs = [(word(one, "name"), word(one, "version")) for one in found]
    # A list of names and versions could be of any tool; what pip lists has pip in it.
    home = "" if isinstance(data, list) and "pip" not in dict(pairs) else PYPI
    few = all("editable_project_location" in one for one in found)
    other = min(keys - _WHOLE, default="editable projects alone" if few else "")
    why = f"is no list of all that pip installed: it has {other}"
    return _held(pairs, home, [Unread(why, home)] if other else [])


def metadata(source: Source) -> Inventory:
    """What the METADATA of an installed package says: itself, and what it asks for."""
    raw, _ = parse_email(source.text)
    asks = [pep508(ask, "requires") for ask in raw.get("requires_dist", [])]
    return _held([(raw.get("name", ""), raw.get("version", ""))], PYPI, asks)


def _held(pairs: list[Pair], home: str, asks: Iterable[Ask | Unread] = ()) -> Inventory:
    """An inventory of what is installed, by name and version."""
    unread = [Unread("a package has no name") for name, _ in pairs if not name]
    made = ask_inventory([*asks, *unread], *filter(None, [home]), kind=SBOM)
    made.components.extend(Component(f"{n} {v}", home, canonical(home, n), v) for n, v in pairs)
    return made
