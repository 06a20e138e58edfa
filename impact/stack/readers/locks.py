"""Locks whose packages stand in one list, each with what it needs: one shape, one table.

uv.lock, pylock.toml (PEP 751) and Cargo.lock name everything that they need, so that a cut shows;
poetry.lock ends with its metadata, Gemfile.lock with its dependencies. Those that do not name the
project have no roots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

from impact.base.errors import bad
from impact.stack import documents
from impact.stack.asking import asked
from impact.stack.documents import Source, Table, at, listed, rows, table, word
from impact.stack.inventory import (
    LOCK,
    MANIFEST,
    OPTIONAL,
    PYPI,
    SBOM,
    Component,
    Entry,
    Inventory,
    Unread,
    asking,
    canonical,
    locked,
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


class Lock(NamedTuple):
    """A format: its ecosystem, how it lists packages, and what a need that is not there means."""

    form: str
    ecosystem: str
    listed: Callable[[Source], tuple[list[Any], str]]  # packages, and what of it was cut off
    whole: Literal["", "named", "all"] = ""

    def read(self, source: Source) -> Inventory:
        """What the lock holds."""
        listed, cut = self.listed(source)
        packages, wrong = documents.each(listed, _Package, "packages")
        entries = [_entry(package) for package in packages]
        stamps = [file.upload_time for package in packages for file in _files(package)]
        found = locked(self.form, self.ecosystem, entries, wrong, newest(stamps), self.whole)
        return replace(found, unread=[*found.unread, Unread("", "", cut)]) if cut else found


def _entry(package: _Package) -> Entry:
    """What a package needs, whether it is the project's own, and what is not fixed of it."""
    files, source = _files(package), table(package.source)
    folder = next(filter(None, map(source.get, _FOLDERS)), None)
    place = folder or table(package.directory).get("path") or package.path
    fixed = bool(package.hashes or package.checksum)
    fixed = fixed or (bool(files) and all(file.hash or file.hashes for file in files))
    said = source.get("type") or next((w for w in _ELSEWHERE if getattr(package, w)), "")
    kind = said if said in (*_ELSEWHERE, "directory") else ""
    kind = "folder" if folder or package.directory else kind
    kind = "repository" if package.vcs is not None else kind
    loose = f"comes from a {kind}" if kind else "" if fixed else "has no hash"
    extra = (*package.optional_dependencies.values(), *package.dev_dependencies.values())
    needs = [*package.dependencies, *(need for group in extra for need in group)]
    told = rows(package.metadata, "requires-dist")
    needs += [word(one, "name") for one in told if not one.get("marker")]
    at = [*(f.name or f.file or f.url or f.path for f in files), package.file, package.url]
    at += [package.path, word(source, "url"), word(source, "path")]
    at = [f"/{address}" for address in at if address]
    wanted = [pair for need in needs if (pair := _need(need))]
    own = package.own or place in (".", "./")
    return Entry(package.name, package.version.lstrip("="), wanted, own, loose, tuple(at))


def _need(need: _Need | str) -> tuple[str, str] | None:
    """(name, version) of a dependency; the version is empty where only the name is said."""
    if isinstance(need, _Need):
        return need.name, need.version
    found = _NAME.match(need)
    return (found[1], OPTIONAL if ";" in need else found[2] or "") if found else None


def _files(package: _Package) -> list[_File]:
    every = (*package.files, *package.wheels, package.sdist, package.archive)
    return [file for file in every if file is not None]


def _toml(*keys: str) -> Callable[[Source], tuple[list[Any], str]]:
    """How a lock in TOML lists its packages; it has the first of some keys, else it is none."""

    def packages(source: Source) -> tuple[list[Any], str]:
        data = documents.from_toml(source)
        if keys[0] and keys[0] not in data:
            raise bad(source.where, f'has no "{keys[0]}", which such a lock has', "get it again")
        every = documents.shaped(data.get(keys[1], []), list[Any], source.where)
        meta = table(data.get("metadata"))
        files = table(meta.get("files"))  # of Poetry before 1.3
        members = {
            canonical(PYPI, str(n)) for n in listed(table(data.get("manifest")).get("members"))
        }
        every = [_joined(one, files, meta, members) for one in every]
        held = {str(table(one).get("name")) for one in every}
        named = {*files, *(key.split()[1] for key in meta if key.startswith("checksum "))}
        groups = [at(data, "manifest.requirements")]
        groups += table(at(data, "manifest.dependency-groups")).values()
        named |= {word(need, "name") for group in groups for need in listed(group)}
        cut = len(keys) > 2 and at(data, keys[2]) is None
        lost = next(iter(named - held), "")
        return every, _CUT if cut else f"{lost} is named and not in the file" if lost else ""

    return packages


def _joined(one: Any, files: Table, meta: Table, members: Collection[str]) -> Any:
    """A package with what the lock says of it elsewhere: its files, its checksum, whose it is."""
    if not isinstance(one, dict):
        return one
    name, source = str(one.get("name")), one.get("source")
    said = {**one, "files": one.get("files") or files.get(name, [])}
    folder = isinstance(source, dict) and any(source.get(key) for key in _FOLDERS)
    said["own"] = folder and canonical(PYPI, name) in members
    checksum = meta.get(f"checksum {name} {one.get('version')} ({source})")
    return said | ({"checksum": checksum} if isinstance(checksum, str) else {})


def _cargo(source: Source) -> tuple[list[Any], str]:
    """What has no source is a member of the workspace, or lies in a folder beside it."""
    packages, cut = _toml("", "package")(source)
    cut = cut or ("" if packages or "version" in source.text else _CUT)
    return [{**table(one), "own": not table(one).get("source")} for one in packages], cut


def _pipenv(source: Source) -> tuple[list[Any], str]:
    groups = documents.shaped(documents.from_json(source), dict[str, Table], source.where)
    tables = [packages for group, packages in groups.items() if group != "_meta"]
    every = [(name, package) for packages in tables for name, package in packages.items()]
    return [{**p, "name": n} if isinstance(p, dict) else p for n, p in every], ""


def _composer(source: Source) -> tuple[list[Any], str]:
    data = documents.shaped(documents.from_json(source), Table, source.where)
    groups = [data.get("packages", []), data.get("packages-dev", [])]
    every = documents.shaped(groups, list[list[Any]], source.where)
    given = [at(one, key) for group in every for one in group for key in ("provide", "replace")]
    held = {name for names in given for name in table(names)}  # by another package
    return [
        {
            **{key: said[key] for key in ("name", "version") if key in said},
            "dependencies": {
                n: r for n, r in table(said.get("require")).items() if "/" in n and n not in held
            },
            "checksum": table(said.get("dist")).get("shasum") or "",
        }
        for group in every
        for said in map(table, group)
    ], ""


def _nuget(source: Source) -> tuple[list[Any], str]:
    data = documents.shaped(documents.from_json(source), Table, source.where)
    shape = dict[str, dict[str, Table]]
    found = []
    for packages in documents.shaped(data.get("dependencies", {}), shape, source.where).values():
        for name, said in packages.items():
            one = {
                "name": name,
                "version": said.get("resolved", ""),
                "checksum": said.get("contentHash", ""),
            }
            one["dependencies"] = table(said.get("dependencies"))
            found.append(one | {"own": said.get("type") == "Project"})
    return found, ""


def _gems(source: Source) -> tuple[list[Any], str]:
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


_LOCKS = (
    Lock("poetry.lock", PYPI, _toml("package", "package", "metadata.content-hash")),
    Lock("pdm.lock", PYPI, _toml("metadata", "package"), "all"),
    Lock("uv.lock", PYPI, _toml("version", "package"), "all"),
    Lock("pylock.toml", PYPI, _toml("lock-version", "packages", "packages"), "all"),
    Lock("Pipfile.lock", PYPI, _pipenv),
    Lock("Cargo.lock", "crates.io", _cargo, "all"),
    Lock("composer.lock", "Packagist", _composer, "named"),
    Lock("packages.lock.json", "NuGet", _nuget, "named"),
    Lock("Gemfile.lock", "RubyGems", _gems, "all"),
)

LOCKS = {lock.form: lock for lock in _LOCKS}


def go(source: Source) -> Inventory:
    """go.mod or go.sum: modules with their versions; before Go 1.17 a go.mod names direct ones."""
    is_sum = " h1:" in source.text
    plain = re.sub(r"\s*//.*", "", source.text).replace('"', "")
    text = plain if is_sum else _required(plain)
    replaced = re.findall(r"(\S+)(?:[ \t]+(v\d\S*))?[ \t]+=>[ \t]*(\S+)", plain)
    gone = {(one, version) for one, version, _ in replaced}
    entries, unread = [], []
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _MODULE.fullmatch(line)
        if not found or is_sum > (" h1:" in line):
            unread.append(Unread("Go", "", f'"{line[:60]}" is no line of it'))
        elif not (is_sum and "/go.mod " in line) and not {(found[1], ""), found.groups()} & gone:
            entries.append(Entry(found[1], found[2], loose="" if is_sum else "has no hash"))
    version = re.search(r"(?m)^go (\d+)\.(\d+)", source.text)
    if not is_sum:
        put = re.findall(r"=>[ \t]*(\S+)[ \t]+(v\S+)", plain)
        entries += [Entry(name, version, loose="has no hash") for name, version in put]
        below = re.findall(r"(\S+)(?:[ \t]+v\S+)?[ \t]+=>[ \t]*\.", plain)
        unread += [Unread("Go", canonical("Go", one), f"{one} lies in a folder") for one in below]
    whole = is_sum or bool(version and (int(version[1]), int(version[2])) >= (1, 17))
    made = locked("go.sum" if is_sum else "go.mod", "Go", entries)
    return replace(made, kind=LOCK if whole else MANIFEST, unread=unread)


def _required(text: str) -> str:
    """The lines of a go.mod that name a required module with its version."""
    bare = re.findall(r"(?m)^require\s*$", text)
    blocks = re.findall(r"(?m)^require\s*\(([^)]*)(\)?)", text)
    found = [lines for lines, _ in blocks] + re.findall(r"(?m)^require\s+(?!\()(.*)$", text)
    found += ["..."] if bare or not all(end for _, end in blocks) else []  # no line: cut off
    return "\n".join(found)


def installed(source: Source) -> Inventory:
    """What pip says is installed: `pip list` as JSON or columns, `pip inspect`, a METADATA file."""
    data: object = None
    if source.text.lstrip()[:1] in ("{", "["):
        data = documents.from_json(source)
        held = data if isinstance(data, list) else at(data, "installed") or at(data, "install")
        said = [table(table(one).get("metadata", one)) for one in listed(held)]
    elif source.text.startswith("Metadata-Version:"):
        pairs = re.findall(r"(?m)^(Name|Version): (\S+)", source.text.partition("\n\n")[0])
        said = [{key.lower(): value for key, value in pairs}]
    else:
        rows = re.findall(r"(?m)^(\S+) +(\S+)", source.text)[2:]
        said = [{"name": name, "version": version} for name, version in rows]
    pairs = [(word(one, "name"), word(one, "version")) for one in said]
    # A list of names and versions could be of any tool; what pip lists has pip in it.
    home = PYPI if "pip" in dict(pairs) or not isinstance(data, list) else ""
    found = [Component(f"{n} {v}", home, canonical(home, n), v) for n, v in pairs]
    unread = [] if all(name for name, _ in pairs) else [Unread("", "", "a package has no name")]
    asks = [
        asked(text, "requires") for text in re.findall(r"(?m)^Requires-Dist: (.*)", source.text)
    ]
    made = asking("pip's list", asks, *filter(None, [home]), kind=SBOM)
    return replace(made, components=found, unread=[*made.unread, *unread])
