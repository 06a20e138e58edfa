"""Locks whose packages stand in one list, each with what it needs: one shape, one table.

uv.lock, pylock.toml (PEP 751) and Cargo.lock name everything that they need, so that a cut shows;
poetry.lock ends with its metadata, Gemfile.lock with its dependencies. Those that do not name the
project have no roots.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from itertools import chain
from typing import Any

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.documents import Source, Table, at, listed, rows, table, word
from impact.stack.grammars import pep508
from impact.stack.inventory import (
    LOCK,
    MANIFEST,
    OPTIONAL,
    PYPI,
    SBOM,
    Component,
    Entry,
    Inventory,
    Pair,
    Unread,
    ask_inventory,
    canonical,
    lock_inventory,
    newest,
)

_NAME = re.compile(r"\s*([A-Za-z0-9._/-]+)(?: (\d\S*))?")
_GEM = re.compile(r"    (  )?([\w.-]+)(?: \(([^)]*)\))?$")
_MODULE = re.compile(r"(\S+)\s+(v\d\S*?)(?:/go\.mod)?(?:\s+h1:\S+=)?")
_ELSEWHERE = ("git", "hg", "svn", "bzr", "file", "url", "path")  # of pdm, pipenv and Poetry
_FOLDERS = ("editable", "virtual", "directory")  # of uv: on the disk of who made the lock
_SPECS = ("GEM", "GIT", "PATH", "PLUGIN SOURCE")
_CUT = "ends too early: what follows is lost"


class _Need(Struct):
    name: str
    version: str = ""


class _File(Struct, rename="kebab"):
    hash: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    file: str = ""
    name: str = ""
    url: str = ""
    path: str = ""
    upload_time: Any = ""  # a time of TOML, or its text


class _Package(Struct, rename="kebab"):
    """A package of any of the formats."""

    name: str
    version: str = ""
    source: Table | str = ""
    dependencies: list[_Need | str] | Table = field(default_factory=list)
    optional_dependencies: dict[str, list[_Need]] = field(default_factory=dict)
    dev_dependencies: dict[str, list[_Need]] = field(default_factory=dict)
    files: list[_File] = field(default_factory=list)
    wheels: list[_File] = field(default_factory=list)
    sdist: _File | None = None
    archive: _File | None = None
    hashes: list[str] = field(default_factory=list)
    checksum: str = ""
    metadata: Table | None = None
    vcs: Table | None = None
    directory: Table | None = None
    own: bool = False
    git: str = ""
    hg: str = ""
    svn: str = ""
    bzr: str = ""
    file: str = ""
    url: str = ""
    path: str = ""


Packages = tuple[list[Any], str]  # packages as the file has them, and what of it was cut off


def lock(items: list[Any], cut: str, ecosystem: str, whole: str) -> Inventory:
    """What a lock holds that lists packages; `cut` says why it may not hold them all.

    `whole`: see `lock_inventory`.
    """
    packages, wrong = documents.each(items, _Package, "packages")
    entries = [_entry(package) for package in packages]
    stamp = newest(file.upload_time for package in packages for file in _files(package))
    unread = [Unread(cut)] if cut else []
    made = lock_inventory(ecosystem, entries, unread, stamp, whole)
    made.unread[:0] = [Unread(why, ecosystem, canonical(ecosystem, name)) for name, why in wrong]
    return made


def _entry(package: _Package) -> Entry:
    """What a package needs, whether it is the project's own, and what is not fixed of it."""
    files, source = _files(package), table(package.source)
    folder = next(filter(None, map(source.get, _FOLDERS)), None)
    place = folder or table(package.directory).get("path") or package.path
    kind = source.get("type") or next((w for w in _ELSEWHERE if getattr(package, w)), "")
    kind = kind if kind in (*_ELSEWHERE, "directory") else ""
    kind = "folder" if folder or package.directory else kind
    kind = "repository" if package.vcs is not None else kind
    fixed = bool(package.hashes or package.checksum)
    fixed = fixed or (bool(files) and all(file.hash or file.hashes for file in files))
    loose = f"comes from a {kind}" if kind else "" if fixed else "has no hash"
    extras = (*package.optional_dependencies.values(), *package.dev_dependencies.values())
    needs = [*package.dependencies, *chain.from_iterable(extras)]
    required = rows(package.metadata, "requires-dist")
    needs += [word(one, "name") for one in required if not one.get("marker")]
    addresses = [file.name or file.file or file.url or file.path for file in files]
    addresses += [package.file, package.url, package.path]
    addresses += [word(source, key) for key in ("url", "path")]
    return Entry(
        package.name,
        package.version.lstrip("="),
        [pair for need in needs if (pair := _need(need))],
        package.own or place in (".", "./"),
        loose,
        tuple(f"/{address}" for address in addresses if address),
    )


def _need(need: _Need | str) -> Pair | None:
    """(name, version) of a dependency; the version is empty where only the name is given."""
    if isinstance(need, _Need):
        return need.name, need.version
    found = _NAME.match(need)
    return (found[1], OPTIONAL if ";" in need else found[2] or "") if found else None


def _files(package: _Package) -> list[_File]:
    every = (*package.files, *package.wheels, package.sdist, package.archive)
    return [file for file in every if file is not None]


def toml(source: Source, key: str = "", packages: str = "package", last: str = "") -> Packages:
    """The packages of a lock in TOML: one has `key`, and `last` where it was not cut off."""
    data = documents.from_toml(source)
    if key and key not in data:
        raise bad(source.where, f'has no "{key}", which such a lock has', "get it again")
    items = documents.shaped(data.get(packages, []), list[Any], source.where)
    meta = table(data.get("metadata"))
    files = table(meta.get("files"))  # of Poetry before 1.3
    members = {canonical(PYPI, str(one)) for one in listed(at(data, "manifest.members"))}
    items = [_joined(one, files, meta, members) for one in items]
    named = {*files, *(key.split()[1] for key in meta if key.startswith("checksum "))}
    groups = table(at(data, "manifest.dependency-groups")).values()
    for group in (at(data, "manifest.requirements"), *groups):
        named |= {word(need, "name") for need in listed(group)}
    lost = next(iter(named - {str(table(one).get("name")) for one in items}), "")
    cut = last and at(data, last) is None
    return items, _CUT if cut else f"{lost} is named and not in the file" if lost else ""


def _joined(package: Any, files: Table, meta: Table, members: Collection[str]) -> Any:
    """A package with what the lock says of it elsewhere: its files, its checksum, whose it is."""
    if not isinstance(package, dict):
        return package
    name, source = str(package.get("name")), package.get("source")
    joined = {**package, "files": package.get("files") or files.get(name, [])}
    folder = any(map(table(source).get, _FOLDERS))
    joined["own"] = folder and canonical(PYPI, name) in members
    checksum = meta.get(f"checksum {name} {package.get('version')} ({source})")
    return joined | ({"checksum": checksum} if isinstance(checksum, str) else {})


def cargo(source: Source) -> Packages:
    """What has no source is a member of the workspace, or lies in a folder beside it."""
    packages, cut = toml(source)
    cut = cut or ("" if packages or "version" in source.text else _CUT)
    return [{**table(one), "own": not table(one).get("source")} for one in packages], cut


def pipenv(source: Source) -> Packages:
    """The packages of each group of a Pipfile.lock."""
    groups = documents.shaped(documents.from_json(source), dict[str, Table], source.where)
    groups.pop("_meta", None)
    items = [item for group in groups.values() for item in group.items()]
    return [{**one, "name": name} if isinstance(one, dict) else one for name, one in items], ""


def composer(source: Source) -> Packages:
    """The packages of a composer.lock, those for development too."""
    data = documents.json_table(source)
    groups = [data.get("packages", []), data.get("packages-dev", [])]
    groups = documents.shaped(groups, list[list[Any]], source.where)
    packages = [table(one) for group in groups for one in group]
    given: list[Table] = [table(one.get(key)) for one in packages for key in ("provide", "replace")]
    held = set(chain.from_iterable(given))  # by another package
    found: list[Table] = []
    for package in packages:
        needs = table(package.get("require"))
        needs = {name: spec for name, spec in needs.items() if "/" in name and name not in held}
        one: Table = {key: package[key] for key in ("name", "version") if key in package}
        found.append(one | {"dependencies": needs, "checksum": at(package, "dist.shasum") or ""})
    return found, ""


def nuget(source: Source) -> Packages:
    """The packages of each target of a packages.lock.json."""
    data = documents.json_table(source)
    shape = dict[str, dict[str, Table]]
    targets = documents.shaped(data.get("dependencies", {}), shape, source.where)
    return [
        {
            "name": name,
            "version": package.get("resolved", ""),
            "checksum": package.get("contentHash", ""),
            "dependencies": table(package.get("dependencies")),
            "own": package.get("type") == "Project",
        }
        for packages in targets.values()
        for name, package in packages.items()
    ], ""


def gems(source: Source) -> Packages:
    """Gems of each section; a platform stands behind the version, and Bundler itself is no gem."""
    found: list[Table] = []
    hashed = set(re.findall(r"(?m)^  (\S+) \(([^)-]*)[^)]*\) sha256=", source.text))
    section = ""
    for line in source.text.splitlines():
        section = line if line[:1].isalpha() else section
        gem = _GEM.fullmatch(line.rstrip("!")) if section in _SPECS else None
        if gem and gem[1] and found and gem[2] != "bundler":
            found[-1]["dependencies"].append(gem[2])
        elif gem and not gem[1]:
            version = (gem[3] or "").partition("-")[0]
            one = {"name": gem[2], "version": version, "dependencies": list[str]()}
            one["checksum"] = "x" if (gem[2], version) in hashed else ""
            found.append(one | {"git": "x" if section == "GIT" else "", "own": section == "PATH"})
    tops = re.search(r"(?m)^DEPENDENCIES\s*\n((?:  .*\n?)*)", source.text)
    named = re.findall(r"(?m)^  ([\w.-]+)", tops[1] if tops else "")
    lost = {*named, *(name for name, _ in hashed)} - {one["name"] for one in found} - {"bundler"}
    return found, f"{min(lost)} is named and not in the file" if lost else "" if tops else _CUT


def go(source: Source) -> Inventory:
    """go.mod or go.sum: modules with their versions; before Go 1.17 a go.mod names direct ones."""
    is_sum = " h1:" in source.text
    plain = re.sub(r"\s*//.*", "", source.text).replace('"', "")
    replaced = re.findall(r"(\S+)(?:[ \t]+(v\d\S*))?[ \t]+=>[ \t]*(\S+)", plain)
    gone = {(name, version) for name, version, _ in replaced}
    entries, unread = [], []
    for line in filter(None, map(str.strip, (plain if is_sum else _required(plain)).splitlines())):
        found = _MODULE.fullmatch(line)
        if not found or is_sum > (" h1:" in line):
            unread.append(Unread(f'"{line[:60]}" is no line of it', "Go"))
        elif not (is_sum and "/go.mod " in line) and not {(found[1], ""), found.groups()} & gone:
            entries.append(Entry(found[1], found[2], loose="" if is_sum else "has no hash"))
    version = re.search(r"(?m)^go (\d+)\.(\d+)", source.text)
    if not is_sum:
        put = re.findall(r"=>[ \t]*(\S+)[ \t]+(v\S+)", plain)
        entries += [Entry(name, tag, loose="has no hash") for name, tag in put]
        below = re.findall(r"(\S+)(?:[ \t]+v\S+)?[ \t]+=>[ \t]*\.", plain)
        unread += [Unread(f"{one} lies in a folder", "Go", canonical("Go", one)) for one in below]
    whole = is_sum or bool(version and (int(version[1]), int(version[2])) >= (1, 17))
    made = lock_inventory("Go", entries, unread)
    form = "go.sum" if is_sum else "go.mod"
    return replace(made, format=form, kind=LOCK if whole else MANIFEST)


def _required(text: str) -> str:
    """The lines of a go.mod that name a required module with its version."""
    bare = re.findall(r"(?m)^require\s*$", text)
    blocks = re.findall(r"(?m)^require\s*\(([^)]*)(\)?)", text)
    found = [lines for lines, _ in blocks] + re.findall(r"(?m)^require\s+(?!\()(.*)$", text)
    found += ["..."] if bare or not all(end for _, end in blocks) else []  # no line: cut off
    return "\n".join(found)


def installed(source: Source) -> Inventory:
    """What pip says is installed: `pip list` as JSON or columns, `pip inspect`, a METADATA file."""
    text = source.text
    data = documents.from_json(source) if text.lstrip()[:1] in ("{", "[") else None
    if data is not None:
        items = data if isinstance(data, list) else at(data, "installed") or at(data, "install")
        metadata = [table(table(one).get("metadata", one)) for one in listed(items)]
        pairs = [(word(one, "name"), word(one, "version")) for one in metadata]
    elif text.startswith("Metadata-Version:"):
        head = dict(re.findall(r"(?m)^(Name|Version): (\S+)", text.partition("\n\n")[0]))
        pairs = [(head.get("Name", ""), head.get("Version", ""))]
    else:
        pairs = re.findall(r"(?m)^(\S+) +(\S+)", text)[2:]
    # A list of names and versions could be of any tool; what pip lists has pip in it.
    home = PYPI if "pip" in dict(pairs) or not isinstance(data, list) else ""
    asks = [pep508(ask, "requires") for ask in re.findall(r"(?m)^Requires-Dist: (.*)", text)]
    made = ask_inventory(asks, *filter(None, [home]), kind=SBOM)
    made.components.extend(Component(f"{n} {v}", home, canonical(home, n), v) for n, v in pairs)
    if not all(name for name, _ in pairs):
        made.unread.append(Unread("a package has no name"))
    return replace(made, format="pip's list")
