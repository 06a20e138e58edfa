"""What one file says: the components it holds, who needs whom, and what it merely asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from urllib.parse import unquote

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from impact.stack.documents import Wrong

PYPI, NPM = "PyPI", "npm"
ECOSYSTEMS = {  # type of a package URL -> ecosystem as OSV names it
    **{"pypi": PYPI, "npm": NPM, "maven": "Maven", "golang": "Go", "cargo": "crates.io"},
    **{"gem": "RubyGems", "nuget": "NuGet", "composer": "Packagist", "hex": "Hex", "pub": "Pub"},
    **{"deb": "Debian", "apk": "Alpine", "github": "GitHub Actions", "swift": "SwiftURL"},
    **{"hackage": "Hackage", "cran": "CRAN", "conda": "conda"},
}
_TARBALL = re.compile(r"/((?:@[^/]+/)?([^/]+))/-/\2-(\d[^/]*)\.tgz$")  # of a registry of npm
_JOINED = {"Maven": ":"}  # between namespace and name, where it is no slash
LOCK, MANIFEST, SBOM = "lock", "manifest", "sbom"


class Component(NamedTuple):
    """One thing that a file holds. `key` names it in its file; `version` is empty if not said."""

    key: str
    ecosystem: str
    name: str
    version: str


class Ask(NamedTuple):
    """A requirement as it is written: the package, and which versions of it will do.

    `scope` says when it counts: empty always, else an extra, a group or `dev`. A `limit` brings
    nothing in: a `constraint` narrows what others ask for, an `override` stands in its place; `by`
    says who reads it.
    """

    ecosystem: str
    name: str
    spec: str
    scope: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    by: str = ""
    limit: Literal["", "constraint", "override"] = ""


class Unread(NamedTuple):
    """A part that could not be read: the package if it is known, and why."""

    ecosystem: str
    name: str
    why: str


@dataclass(frozen=True)
class Inventory:
    """What one file says.

    `ecosystems` are those that it can hold; none are named where it can hold any. `edges` go from
    who needs to who is needed, by key. `roots` are the project and its own members, which are no
    dependency. `loose` says why an install of exactly this file could still bring something else.
    `newest` is the latest upload time of what it locks, as it is written.
    """

    format: str
    kind: str
    ecosystems: tuple[str, ...] = ()
    components: list[Component] = field(default_factory=list, repr=False)
    edges: list[tuple[str, str]] = field(default_factory=list, repr=False)
    roots: list[str] = field(default_factory=list, repr=False)
    asks: list[Ask] = field(default_factory=list, repr=False)
    unread: list[Unread] = field(default_factory=list, repr=False)
    loose: tuple[str, ...] = ()
    newest: str = ""
    notes: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A package of a lock: what it needs, by name and, where it is said, version.

    `own` is a folder of the project; `loose` says why its content is not fixed, empty where it is.
    `files` are the addresses that an installer takes it from.
    """

    name: str
    version: str
    needs: Iterable[tuple[str, str]] = ()
    own: bool = False
    loose: str = ""
    files: tuple[str, ...] = ()


def locked(
    form: str,
    ecosystem: str,
    entries: Iterable[Entry],
    wrong: Iterable[Wrong],
    stamp: str = "",
    whole: bool = False,
) -> Inventory:
    """The inventory of a lock whose packages name what they need; entries of one version join.

    Where a lock is `whole` by its format, what is needed and not there was cut off. Where a file
    is called otherwise than its package, both are held: an installer takes the file.
    """
    every = list(entries)
    every += [
        Entry(*other, loose=entry.loose)
        for entry in every
        for other in otherwise(ecosystem, entry.name, entry.version, entry.files)
    ]
    names = [canonical(ecosystem, entry.name) for entry in every]
    keys: dict[tuple[str, str], str] = {}
    versions: dict[str, dict[str, str]] = {}
    for name, entry in zip(names, every, strict=True):
        key = keys.setdefault((name, entry.version), f"{name} {entry.version}".strip())
        versions.setdefault(name, {})[entry.version] = key
    edges: dict[tuple[str, str], None] = {}
    lost: dict[str, None] = {}
    for name, entry in zip(names, every, strict=True):
        key = keys[name, entry.version]
        for need, version in entry.needs:
            known = versions.get(canonical(ecosystem, need), {})
            if whole and not known:
                lost[canonical(ecosystem, need)] = None
            others = [known[version]] if version in known else known.values()
            edges.update({(key, other): None for other in others if other != key})
    return Inventory(
        form,
        LOCK,
        (ecosystem,),
        [Component(key, ecosystem, *package) for package, key in keys.items()],
        list(edges),
        [keys[name, entry.version] for name, entry in zip(names, every, strict=True) if entry.own],
        [],
        [
            *(Unread(ecosystem, canonical(ecosystem, name), why) for name, why in wrong),
            *(Unread(ecosystem, name, f"{name} is needed and not in the file") for name in lost),
        ],
        tuple(f"{entry.name} {entry.loose}" for entry in every if entry.loose and not entry.own),
        stamp,
    )


def canonical(ecosystem: str, name: str) -> str:
    """A package's name as its registry compares it.

    >>> canonical("PyPI", "Flask_SQLAlchemy"), canonical("npm", "@Babel/Core")
    ('flask-sqlalchemy', '@babel/core')
    """
    if ecosystem == PYPI:
        return canonicalize_name(name.partition("[")[0].strip())
    return name.lower() if ecosystem in (NPM, "") else name


def artifact(ecosystem: str, address: str) -> tuple[str, str]:
    """(name, version) that the address of a package's file tells; empty texts where it tells none.

    >>> artifact("npm", "https://npm.registry.example/@babel/core/-/core-7.1.0.tgz#5a1b")
    ('@babel/core', '7.1.0')
    >>> artifact("PyPI", "https://files.registry.example/ab/litellm-1.82.8-py3-none-any.whl")
    ('litellm', '1.82.8')
    """
    path = unquote(address[:2000].partition("#")[0].partition("?")[0])
    if ecosystem == NPM:
        named = _TARBALL.search(path)
        return (canonical(NPM, named[1]), named[3]) if named else ("", "")
    try:
        file = path.rpartition("/")[2]
        parse = parse_wheel_filename if file.endswith(".whl") else parse_sdist_filename
        name, version = map(str, parse(file)[:2])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return "", ""
    return name, version


def otherwise(
    ecosystem: str, name: str, version: str, addresses: Iterable[str]
) -> list[tuple[str, str]]:
    """What addresses of a package's files tell where it is not this name and version."""
    told: dict[tuple[str, str], None] = {}
    end = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    begin = f"/{name.replace('-', '_')}-{version}"
    begins = (f"{begin}-", f"{begin}.tar.gz", f"{begin}.zip")
    for address in addresses:  # a quick look first, since a lock names tens of thousands of files
        if not address or address.startswith(begins, address.rfind("/")) or address.endswith(end):
            continue
        found = artifact(ecosystem, address)
        plain = found[1] == version or found[1].partition("+")[0] == version.partition("+")[0]
        if found[0] and not (plain and found[0] == canonical(ecosystem, name)):
            told[found] = None
    return list(told)


def from_purl(purl: str) -> tuple[str, str, str]:
    """(ecosystem, name, version) of a package URL; empty texts where it is none.

    >>> from_purl("pkg:npm/%40babel/core@7.1.0?arch=any#sub")
    ('npm', '@babel/core', '7.1.0')
    >>> from_purl("pkg:maven/org.apache/commons@1.2")
    ('Maven', 'org.apache:commons', '1.2')

    Grammar: the package-url specification, 2017. Written out because a parse by packageurl-python
    takes ten times as long (21 microseconds); a test compares the two.
    """
    purl = purl.strip()
    if purl[:4].lower() != "pkg:":
        return "", "", ""
    kind, _, rest = purl[4:].partition("#")[0].partition("?")[0].lstrip("/").partition("/")
    path, at, version = rest.rstrip("/").rpartition("@")
    if not at or "/" in version:  # no version: that sign belongs to a scope
        path, version = rest, ""
    ecosystem = ECOSYSTEMS.get(kind.lower(), "")
    parts = path.strip("/").split("/")
    *namespace, name = [unquote(part) for part in parts] if "%" in path else parts
    if ecosystem == PYPI and "@" in name and not version:
        name, _, version = name.partition("@")  # its sign was escaped
    if ecosystem != PYPI:  # which has no namespaces
        name = _JOINED.get(ecosystem, "/").join([*namespace, name])
    return ecosystem, canonical(ecosystem, name), unquote(version) if "%" in version else version


def newest(stamps: Iterable[object]) -> str:
    """The latest of some times, as text; times and texts of one form sort alike."""
    return max((_minute(stamp) for stamp in stamps if stamp), default="")


def _minute(stamp: object) -> str:
    """A time to the second in UTC, as it stands in a lock: `2026-03-24T10:39:24Z`."""
    found = re.match(r"(\d{4}-(?:0\d|1[0-2])-[0-3]\d)[T ]([01]\d|2[0-3])(:[0-5]\d){2}", str(stamp))
    return f"{str(stamp)[:10]}T{str(stamp)[11:19]}Z" if found else ""
