"""Versions by each ecosystem's own rules: their order, and what a requirement admits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from impact.stack.grammars import COMMIT, FULL
from impact.stack.inventory import ACTIONS, DATA, DISTRIBUTIONS, DOCKER, NPM, PYPI, Ask

_CLASSES = DATA["versions"]  # of univers; ecosystems without one are compared for equality alone
LONGEST = 1000  # characters of a version or a requirement; longer ones are not evaluated
_SEMVER = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")
_LIKE = re.compile(r"(?=.*\d)[^\s(){}\[\]<>,|*$]*")  # what may be a version at all
_SHORT = re.compile(r"v?[0-9a-f]{7,}", re.IGNORECASE)  # of an action: a commit, not a version
_LIKE_PYPI = (PYPI, "Packagist")  # whose versions are in the order of PEP 440
_PATCH = re.compile(r"[._-]?(?:patch|pl|p)[._-]?(?=\d|$)")  # of Composer, after the release
_FOURTH = re.compile(r"^v?(\d+\.\d+\.\d+)\.0$")
_BEGIN = "0"  # in a range of OSV: before every version


@lru_cache(100_000)
def _parsed(ecosystem: str, version: str) -> Any | None:
    """A version that can be compared with others of its ecosystem; None where it is none."""
    base, version = ecosystem.partition(":")[0], version.lstrip("= ")
    if len(version) > LONGEST or COMMIT.fullmatch(version):
        return None
    if base in _LIKE_PYPI:
        try:
            return Version(_PATCH.sub(".post", version.lower()) if base != PYPI else version)
        except ValueError:
            return None
    from univers import versions

    kind = getattr(versions, _CLASSES.get(base, ""), None)
    if kind is None or (kind is versions.SemverVersion and not re.match(r"[v=]?\d", version)):
        return None
    try:
        return kind(version.removeprefix("v") if kind is versions.SemverVersion else version)
    except Exception:  # each class raises what it likes
        return None


def same(ecosystem: str, one: str, other: str) -> bool:
    """Whether two texts are one version: `1.0` and `1.0.0` are, on PyPI.

    >>> same("PyPI", "1.82.7", "v1.82.7"), same("npm", "5.6.1", "5.6.10")
    (True, False)
    """
    if one == other or one.removeprefix("v") == other.removeprefix("v"):
        return True
    first, second = (_parsed(ecosystem, _public(ecosystem, text)) for text in (one, other))
    if ecosystem == "NuGet":  # where a fourth part that is 0 is none
        first, second = (_FOURTH.sub(r"\1", _public(ecosystem, text)) for text in (one, other))
    return first is not None and first == second


def comparable(ecosystem: str, version: str) -> bool:
    """Whether a text is a version where its ecosystem has rules for them."""
    base = ecosystem.partition(":")[0]
    if COMMIT.fullmatch(version) or not _LIKE.fullmatch(version):
        return False
    if base == ACTIONS and _SHORT.fullmatch(version):
        return False
    if base == NPM and not _SEMVER.fullmatch(version.lstrip("=v ")):
        return False
    return base not in (*_LIKE_PYPI, *_CLASSES) or _parsed(ecosystem, version) is not None


def _public(ecosystem: str, version: str) -> str:
    """A version without what a builder added behind +, where no registry tells that apart."""
    return version if ecosystem.partition(":")[0] in DISTRIBUTIONS else version.partition("+")[0]


BEGINS = ("introduced", "above")  # events of a range, the first of them at its version


def in_range(ecosystem: str, version: str, events: Iterable[tuple[str, str]]) -> bool | None:
    """Whether a version is in a range of OSV: events (kind, version) in any order.

    None where one of the versions cannot be compared. The algorithm is that of the OSV schema
    (1.7, "Evaluation"): events are sorted, `introduced` begins, `fixed` and `limit` end before
    their version and `last_affected` behind it; an `above` of ours begins behind it.
    """
    found = _parsed(ecosystem, _public(ecosystem, version))
    edges = [(kind, at, _parsed(ecosystem, at)) for kind, at in events]
    if not any(kind in BEGINS for kind, _, _ in edges):
        edges.append(("introduced", _BEGIN, None))  # the schema asks for one
    inner = [edge for edge in edges if edge[1] not in (_BEGIN, "*")]
    if any(edge is None for _, _, edge in inner):
        return None
    if not inner:
        return True  # every version that there is
    if found is None:
        return None
    limits = [edge for edge in inner if edge[0] == "limit"]
    if limits:  # before any of them is before the last
        last = max(limits, key=itemgetter(2))
        inner = [edge for edge in inner if edge[0] != "limit"] + [last]
    inside = any(at == _BEGIN and kind == "introduced" for kind, at, _ in edges)
    for kind, _, edge in sorted(inner, key=itemgetter(2)):
        passed = edge < found if kind in ("last_affected", "above") else not found < edge
        inside = kind in BEGINS if passed else inside
    return inside


def admits(ask: Ask, version: str) -> bool | None:
    """Whether a requirement admits a version; None where one of them is in no known grammar.

    Pre-releases count as admitted by a range of PyPI: an installer may be told to take them.

    >>> admits(Ask("PyPI", "litellm", "~=1.80"), "1.82.8")
    True
    >>> admits(Ask("npm", "chalk", "^5.0.0"), "6.0.0")
    False
    """
    spec = ask.spec
    if len(spec) > LONGEST:
        return None
    try:
        if ask.ecosystem in (ACTIONS, DOCKER):
            return _tag(spec, version)
        if ask.ecosystem == NPM:
            return _npm(" ".join(spec.split()), version)
        if spec.startswith("poetry "):
            return _poetry(spec.removeprefix("poetry "), version)
        return SpecifierSet(spec).contains(version, prereleases=True)
    except ValueError:
        return None


def _tag(spec: str, version: str) -> bool | None:
    """`v4` and `4.1` move with what begins so, a branch may point at anything, a commit is none."""
    if COMMIT.fullmatch(spec) or _SHORT.fullmatch(spec):
        return None
    if whole := FULL.fullmatch(spec):
        return same(ACTIONS, version, spec) or same(ACTIONS, version, whole[1])
    some = re.fullmatch(r"v?(\d+(?:\.\d+)?)(?:-[\w.-]+)?", spec)
    start = some[1].split(".") if some else []
    return version.removeprefix("v").split(".")[: len(start)] == start


def _poetry(spec: str, version: str) -> bool:
    from poetry.core.constraints.version import Version as PoetryVersion
    from poetry.core.constraints.version import parse_constraint

    return parse_constraint(spec).allows(PoetryVersion.parse(version))


def _npm(spec: str, version: str) -> bool | None:
    import nodesemver

    if spec in ("latest", "next"):
        return True  # a tag: whatever it points at on that day
    known = nodesemver.valid_range(spec, loose=True) is not None
    return bool(nodesemver.satisfies(version, spec, loose=True)) if known else None


def bounds(ask: Ask) -> list[str]:
    """The versions that a requirement names, each with those just above it.

    Where a range and an affected range have a version in common, they have one of these or one at
    which the affected range begins.

    >>> bounds(Ask("PyPI", "litellm", ">1.80"))
    ['1.80', '1.80.0.1', '1.80.1', '1.81.0', '2.0.0']
    """
    found: list[str] = []
    for sign, named, tail in re.findall(
        r"(>(?!=)\s*)?v?(\d{1,9}(?:\.\d{1,9})*)([.-]?[A-Za-z][\w.-]*)?", ask.spec[:LONGEST]
    ):
        found += [f"{named}{tail}", f"{named}{tail}.0"] if tail else []
        major, minor, patch = [*(int(part) for part in named.split(".")[:3]), 0, 0][:3]
        above = f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"
        between = [f"{named}.0.1"] if sign and ask.ecosystem != NPM else []
        found += [named, *between, *above]
    return found
