"""What one file says: its components, who needs whom, and its requirements."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from packaging.utils import canonicalize_name

PYPI, NPM, CONDA, ACTIONS, DOCKER = "PyPI", "npm", "conda", "GitHub Actions", "Docker"
GITHUB = "GitHub"  # a repository, whatever is made of it


def declared(name: str) -> dict[str, Any]:
    """A table of this room, which stands beside its modules."""
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))


DATA = declared("ecosystems.toml")
ECOSYSTEMS: dict[str, str] = DATA["types"]  # type of a package URL -> ecosystem as OSV names it
_OS = ("deb", "apk", "rpm")  # whose namespace is a distribution and no part of the name
DISTRIBUTIONS = {*DATA["distributions"].values(), "rpm"}
LONGEST_PURL = 10_000
_DISTRO = re.compile(r"([a-z]*)[^\d]*(\d+(?:\.\d+)*)?")  # `debian-12`, `opensuse-leap-15.5`
_MAJOR = re.compile(r"v\d+(?:/|$)")  # what ends the path of a module of Go from its second version
_WHEEL = r"(?:-\d[^-/]*)?(?:-[^-/]+){3}\.whl"  # what stands behind the version of one
_META = r"(?:-py[\d.]+)?\.(?:dist|egg)-info(?:/.*)?"  # of what is installed
_BUILT = re.compile(  # of PyPI
    rf"(?:^|/)([^/]+?)-[vV]?(\d[^-/]*)(?:{_WHEEL}|\.tar\.gz|\.zip|{_META})$"
)
_TARBALL = re.compile(  # of a registry of npm
    r"/((?:@[^/]+/)?([^/]+))/-/(?:@[^/]+/)?\2-(\d[^/]*)\.tgz$"
)
_PACKED = re.compile(r"(?:^|[/:])([\w.-]+?)-(\d+\.\d+\.\d+[\w.+-]*)\.tgz$")  # by `npm pack`
_SCHEME = re.compile(
    r"\b(?:[a-z][a-z+]*://|(?:npm|pipx?|pypi|cargo|go|gem|jsr|docker):/?)(?=[\w@])"
)
_DOTTED = re.compile(r"(?m)^[ \t]*\[+.*\]|^[\w \t.\"'-]+(?==)")  # a key of TOML, a name a part
_QUIET = re.compile(  # a setting
    r"(?<![\w.-])[\w.-]+:[ \t]*(?:true|false|yes|no|on|off|\d+)(?![\w.])"
)
_WORD = re.compile(  # and whether a requirement follows
    r"(?<![\w./@$!&*-])(?<!\$\{)(@?\w[\w./@-]*(?::[\w.-]+)*)(?=([ \t]*(?:[=<>~!]=|\[[a-z]|@ ))?)"
)
LOCK, MANIFEST, SBOM = "lock", "manifest", "sbom"
CI = "ci"  # what each run resolves anew


class Component(NamedTuple):
    """One thing that a file holds. `key` names it in its file; `version` is empty if not given."""

    key: str
    ecosystem: str
    name: str
    version: str


class Ask(NamedTuple):
    """A requirement as it is written: the package, and which versions of it will do.

    `scope` says when it counts: empty always, else an extra, a group, `dev` or a step. A `limit`
    brings nothing in: a `constraint` narrows what others ask for, an `override` stands in its
    place; `by` says who reads it. Where its file is called otherwise, `also` is its own name.
    """

    ecosystem: str
    name: str
    spec: str
    scope: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    by: str = ""
    limit: Literal["", "constraint", "override"] = ""
    also: str = ""


class Unread(NamedTuple):
    """A part that could not be read: why, and the ecosystem and package where they are known."""

    why: str
    ecosystem: str = ""
    name: str = ""


Pair = tuple[str, str]  # name and version, or two keys
Asks = Iterator[Ask | Unread]


@dataclass(frozen=True)
class Inventory:
    """What one file says.

    `ecosystems` are those that it can hold; none are named where it can hold any. `edges` go from
    who needs to who is needed, by key. `roots` are the project and its own members, which are no
    dependency. `loose` says why an install of exactly this file could still bring something else.
    `newest` is the latest upload time of what it locks, as it is written. `mentions` are words of
    a text that is searched and not read. `notes` say where the file breaks its own format.
    `format` is the name of that in formats.toml; `readers.read` sets it where a reader does not.
    """

    kind: str
    ecosystems: tuple[str, ...] = ()
    components: list[Component] = field(default_factory=list, repr=False)
    edges: list[Pair] = field(default_factory=list, repr=False)
    roots: list[str] = field(default_factory=list, repr=False)
    asks: list[Ask] = field(default_factory=list, repr=False)
    unread: list[Unread] = field(default_factory=list, repr=False)
    loose: tuple[str, ...] = ()
    newest: str = ""
    mentions: frozenset[str] = field(default=frozenset(), repr=False)
    notes: tuple[str, ...] = ()
    format: str = ""


def ask_inventory(
    parts: Iterable[Ask | Unread],
    *ecosystems: str,
    name: str = "",
    kind: str = MANIFEST,
    mentions: frozenset[str] = frozenset(),
    alone: bool = False,
) -> Inventory:
    """The inventory of a file of requirements; `name` is the project, which is no dependency.

    Where each requirement stands `alone`, as steps do, none narrows another.
    """
    every = list(parts)
    asks = [ask for ask in every if isinstance(ask, Ask) and (not name or ask.name != name)]
    if alone:
        asks = [ask._replace(by=ask.by or str(number)) for number, ask in enumerate(asks)]
    unread = [part for part in every if isinstance(part, Unread)]
    unread += [
        Unread(f"{ask.also} comes from the file of {ask.name}", ask.ecosystem, ask.also)
        for ask in asks
        if ask.also
    ]
    root = [Component(".", ecosystems[0], name, "")] if name else []
    roots = [part.key for part in root]
    return Inventory(kind, ecosystems, root, [], roots, asks, unread, mentions=mentions)


OPTIONAL = "?"  # the version of a need that may be missing


class Entry(NamedTuple):
    """A package of a lock: what it needs, by name and, where it is given, version.

    `own` is a folder of the project; `loose` says why its content is not fixed, empty where it is.
    `files` are the addresses that an installer takes it from.
    """

    name: str
    version: str
    needs: Iterable[Pair] = ()
    own: bool = False
    loose: str = ""
    files: tuple[str, ...] = ()


def lock_inventory(
    ecosystem: str,
    entries: Iterable[Entry],
    unread: Iterable[Unread] = (),
    stamp: str = "",
    whole: str = "",
) -> Inventory:
    """The inventory of a lock whose packages name what they need; entries of one version join.

    A need that is missing is not evaluated where a lock has `named` all by its format; where that
    format can be cut, `all` else may be lost too. Where a file is named unlike its package, both
    are held: an installer takes the file.
    """
    every = list(entries)
    every += [Entry(*pair, loose=e.loose) for e in every for pair in _others(ecosystem, e)]
    pairs = [(canonical(ecosystem, entry.name), entry.version) for entry in every]
    keys = {pair: " ".join(pair).strip() for pair in pairs}
    edges, missing = _edges(ecosystem, every, pairs, keys)
    lost = []
    for need, wholly in missing.items() if whole else ():
        why, cut = f"{need} is needed and not in the file", wholly and whole == "all"
        why += ": it was cut off, and others may be lost too" if cut else ""
        lost.append(Unread(why, ecosystem, "" if cut else canonical(ecosystem, need)))
    return Inventory(
        LOCK,
        (ecosystem,),
        [Component(key, ecosystem, *pair) for pair, key in keys.items()],
        edges,
        [keys[pair] for pair, entry in zip(pairs, every, strict=True) if entry.own],
        unread=[*lost, *unread],
        loose=tuple(f"{one.name} {one.loose}" for one in every if one.loose and not one.own),
        newest=stamp,
    )


def _edges(
    ecosystem: str, entries: Iterable[Entry], pairs: Sequence[Pair], keys: Mapping[Pair, str]
) -> tuple[list[Pair], dict[str, bool]]:
    """(edges by key, missing need -> whether no version of it is there)."""
    versions: dict[str, dict[str, str]] = defaultdict(dict)
    for (name, version), key in keys.items():
        versions[_fold(ecosystem, name)][version] = key
    edges: dict[Pair, None] = {}
    missing: dict[str, bool] = {}
    for pair, entry in zip(pairs, entries, strict=True):
        for need, version in entry.needs:
            known = versions.get(_fold(ecosystem, need), {})
            ends = [known[version]] if version in known else known.values()
            if version != OPTIONAL and (not known or (version and version not in known)):
                missing[need] = not known
            edges |= {(keys[pair], end): None for end in ends if end != keys[pair]}
    return list(edges), missing


def canonical(ecosystem: str, name: str) -> str:
    """A package's name as its registry shows it; an action is its repository, without a path.

    >>> canonical("PyPI", "Flask_SQLAlchemy"), canonical("npm", "@Babel/Core")
    ('flask-sqlalchemy', '@babel/core')
    >>> canonical("GitHub Actions", "github/codeql-action/init")
    'github/codeql-action'
    """
    if ecosystem == PYPI:
        return canonicalize_name(name.partition("[")[0].strip())
    if ecosystem in (ACTIONS, GITHUB):
        name = "/".join(name.removeprefix("github.com/").split("/")[:2])
    return name.lower() if ecosystem in (NPM, "", CONDA, DOCKER) else name


def fold(ecosystem: str, name: str) -> str:
    """A name as names are compared, whatever its case; a group is parted by a slash.

    >>> fold("NuGet", "Evil.Pkg"), fold("Maven", "com.evil:Lib")
    ('evil.pkg', 'com.evil/lib')
    """
    name = canonical(ecosystem, name).lower().replace(":", "/").removeprefix("@")
    return name.replace("_", "-") if ecosystem == "crates.io" else name


_fold = lru_cache(100_000)(fold)  # a lock names each of its packages many times


def tail(name: str) -> str:
    """The last part of a name, by which packages are looked up before names are compared.

    >>> tail("com.evil:my_lib"), tail("@babel/core"), tail("github.com/evil/mod@v1")
    ('my-lib', 'core', 'mod')
    """
    return _plain(split_version(name)[0].rpartition("/")[2].rpartition(":")[2])


def split_version(text: str) -> Pair:
    """(name, version) of `name@version`, where a sign at the front belongs to the name.

    >>> split_version("@babel/core@7.1.0"), split_version("chalk")
    (('@babel/core', '7.1.0'), ('chalk', ''))
    """
    at = text.find("@", 1)
    return (text[:at], text[at + 1 :]) if at > 0 else (text, "")


def last_part(address: str) -> str:
    """The name of a repository, file or folder: the last part of its address.

    >>> last_part("git+https://github.com/BerriAI/litellm.git@v1.82.8"), last_part("../litellm")
    ('litellm', 'litellm')
    """
    address = re.sub(r"[@#?].*", "", address.rpartition(" @ ")[2])
    return address.rstrip("/").rpartition("/")[2].removesuffix(".git").lower()


def names_in(text: str, remark: str = r"(?:^|\s)#.*") -> frozenset[str]:
    """The names in a text outside its remarks, as `is_mentioned` compares them.

    A name within a longer one or a path is another; a variable in capitals or a setting is none.
    Archives and repositories are called after what they hold.
    """
    text = re.sub(f"(?m){remark}", " ", text) if remark else text
    text = "\n".join({text, re.sub(r"\\[ntr]", " ", text)})  # as `printf` has them
    text = _DOTTED.sub(lambda key: f"{key[0]} {key[0].replace('.', ' ')}", text)
    found = {*re.findall(r"(?<![\w.-])([\w.-]+)\.git\b", text)}
    for word, asked in _WORD.findall(_SCHEME.sub("", _QUIET.sub(" ", text.replace("\\/", "/")))):
        name, *more = split_version(word)[0].rstrip(".-/").split(":")
        parts = name.removesuffix(".git").split("/")
        below = parts[1:] if len(parts) > 1 and "." in parts[0] else parts  # without its host
        if asked or not word.isupper():
            alone = below[:1] if below[1:] and below[1][:1].isdigit() else below  # name/1.0
            every = (below, alone, below[:2], below[-2:], parts[:2], parts[:3], [name, *more[:1]])
            found |= {name, *map("/".join, every)}
            found |= {artifact(home, name)[0] for home in (PYPI, NPM)}
    return frozenset(_plain(name) for name in found)


def is_mentioned(name: str, mentions: frozenset[str]) -> bool:
    """Whether a name is among those of a text; a group of Maven may stand apart."""
    parts = name.split(":")
    return _plain("/".join(parts)) in mentions or all(_plain(one) in mentions for one in parts)


def _plain(name: str) -> str:
    return re.sub("[-_.]+", "-", name.lower())


def artifact(ecosystem: str, address: str) -> Pair:
    """(name, version) from the address of a package's file; empty texts where it has none.

    >>> artifact("npm", "https://npm.registry.example/@babel/core/-/core-7.1.0.tgz#5a1b")
    ('@babel/core', '7.1.0')
    >>> artifact("PyPI", "https://files.registry.example/ab/litellm-1.82.8-py3-none-any.whl")
    ('litellm', '1.82.8')
    """
    path = unquote(address[:2000].partition("#")[0].partition("?")[0])
    patterns = (_TARBALL, _PACKED) if ecosystem == NPM else (_BUILT,)
    named = next(filter(None, (pattern.search(path) for pattern in patterns)), None)
    return (canonical(ecosystem, named[1]), named[named.lastindex or 0]) if named else ("", "")


_artifact = lru_cache(100_000)(artifact)  # the next revision of a lock has mostly the same files


def _others(ecosystem: str, entry: Entry) -> list[Pair]:
    """(name, version) in the addresses of a package's files, where it is not its own."""
    own = canonical(ecosystem, entry.name), entry.version.partition("+")[0]
    found = dict.fromkeys(_artifact(ecosystem, address) for address in entry.files)
    return [(name, at) for name, at in found if name and (name, at.partition("+")[0]) != own]


def from_purl(purl: str) -> tuple[str, str, str]:
    """(ecosystem, name, version) of a package URL; empty texts where it is none.

    >>> from_purl("pkg:npm/%40babel/core@7.1.0?arch=any#sub")
    ('npm', '@babel/core', '7.1.0')
    >>> from_purl("pkg:maven/org.apache/commons@1.2")
    ('Maven', 'org.apache:commons', '1.2')
    >>> from_purl("pkg:deb/ubuntu/xz-utils@5.6.1-1?distro=ubuntu-22.04")
    ('Ubuntu:22.04', 'xz-utils', '5.6.1-1')
    >>> from_purl("pkg:golang/github.com/evil/big@v2.0.1#v2")
    ('Go', 'github.com/evil/big/v2', 'v2.0.1')

    Grammar: the package-url specification, 2017, with the rules of its types. Written out because
    a parse by packageurl-python takes ten times as long (21 microseconds); a test compares the two
    and the published suite.
    """
    head, _, below = purl.strip().replace("%25", "%").partition("#")  # what was escaped twice
    head, _, query = head.partition("?")
    kind, _, rest = head[4:].lstrip("/").partition("/")
    of_kind = head[:4].lower() == "pkg:" and re.fullmatch(r"[A-Za-z][\w.+-]*", kind)
    if not of_kind or len(head) > LONGEST_PURL:
        return "", "", ""
    path, at, version = rest.rstrip("/").rpartition("@")
    kind = kind.lower()
    if kind.startswith("github"):  # whose versions may be paths
        path, _, version = rest.partition("@")
        version = version.removeprefix("refs/tags/")
    elif not at or "/" in version:  # no version: that sign belongs to a scope
        path, version = rest.rstrip("/"), ""
    *namespace, name = map(unquote, path.lstrip("/").split("/"))
    if not name:
        return "", "", ""
    if "@" in name[1:] and not version:  # its sign was escaped
        name, _, version = name.partition("@")
    if kind == "golang" and _MAJOR.match(below):  # as Syft parts a module's path
        namespace, name = [*namespace, name], below.partition("/")[0]
    return _by_type(kind, namespace, name, version, query[:LONGEST_PURL])


def _by_type(
    kind: str, namespace: list[str], name: str, version: str, query: str
) -> tuple[str, str, str]:
    """(ecosystem, name, version) of the parts of a package URL, by the rules of its type."""
    ecosystem, options = ECOSYSTEMS.get(kind, kind), dict(parse_qsl(query))
    if kind in _OS:
        distro, release = _DISTRO.findall(options.get("distro", ""))[0]
        home = namespace[0].lower() if namespace else distro
        ecosystem, namespace = DATA["distributions"].get(home, home or ecosystem), []
        ecosystem += f":{release}" if release else ""
        epoch = options.get("epoch") if ":" not in version else None
        version = f"{epoch}:{version}" if epoch and kind == "rpm" else version
    elif ecosystem == PYPI:  # which has no namespaces
        namespace = []
    elif kind == "oci":  # whose registry and tag are qualifiers
        version = options.get("tag", version)
        place = options.get("repository_url", "").removesuffix(f"/{name}")
        namespace = place.split("/") if place else namespace
    joined = (":" if ecosystem == "Maven" else "/").join([*filter(None, namespace), name])
    return ecosystem, canonical(ecosystem, joined), unquote(version)


def upstream(purl: str) -> str:
    """The source package that a distribution's package was built from; empty if not named.

    >>> upstream("pkg:deb/debian/liblzma5@5.6.1-1?arch=amd64&upstream=xz-utils")
    'xz-utils'
    """
    found = re.search(r"[?&]upstream=([^&#@%]+)", purl)
    name = found[1] if found else ""
    return name.rsplit("-", 2)[0] if name.endswith(".src.rpm") else name


def newest(stamps: Iterable[object]) -> str:
    """The latest of some times, as text; times and texts of one form sort alike."""
    every = [str(stamp) for stamp in stamps if stamp]
    return _minute(max(every, default="")) or max(map(_minute, every), default="")


def _minute(stamp: object) -> str:
    """A time to the second in UTC, as it stands in a lock: `2026-03-24T10:39:24Z`."""
    found = re.match(r"(\d{4}-(?:0\d|1[0-2])-[0-3]\d)[T ]([01]\d|2[0-3])(:[0-5]\d){2}", str(stamp))
    return f"{str(stamp)[:10]}T{str(stamp)[11:19]}Z" if found else ""
