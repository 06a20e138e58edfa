"""Requirements of Python packages, in the words of PEP 508 and of Poetry, as `Ask`s."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from impact.stack.inventory import NPM, PYPI, Ask, Unread, canonical

ADDRESS = "comes from an address, and the file does not say which version it is"
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:[\[<>=!~;@(]|$)")


def asked(text: str, scope: str = "") -> Ask | Unread:
    """A requirement as PEP 508 writes it, or why it cannot be evaluated.

    >>> asked("litellm[proxy]>=1.81.3").spec
    '>=1.81.3'
    """
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError):
        start = _NAME.match(text)
        why = f'"{text.strip()[:80]}" is no requirement'
        return Unread(PYPI, canonical(PYPI, start[1]) if start else "", why)
    name, marker = canonical(PYPI, found.name), str(found.marker or "")
    if found.url:
        return Unread(PYPI, name, ADDRESS)
    extras = tuple(sorted(found.extras))
    return Ask(PYPI, name, str(found.specifier), scope, marker, extras)


def poetry(name: str, wanted: object, scope: str) -> list[Ask | Unread]:
    """A dependency as Poetry writes it: `^1.80`, a table, or a list of tables."""
    name = canonical(PYPI, name)
    if isinstance(wanted, list):
        return [ask for one in wanted for ask in poetry(name, one, scope)]
    if isinstance(wanted, str):
        return [Ask(PYPI, name, f"poetry {wanted}", scope)]
    if not isinstance(wanted, dict):
        return [Unread(PYPI, name, "is no requirement")]
    if "version" not in wanted:
        return [Unread(PYPI, name, ADDRESS)]
    marker = "; ".join(f"{key} {wanted[key]}" for key in ("markers", "python") if key in wanted)
    named = wanted.get("extras")
    extras = tuple(map(str, named)) if isinstance(named, list) else ()
    scope = "an extra" if wanted.get("optional") and not scope else scope
    return [Ask(PYPI, name, f"poetry {wanted['version']}", scope, marker, extras)]


def pinned(spec: str, ecosystem: str = PYPI) -> str:
    """The one version that a specifier admits, empty where it admits more.

    >>> pinned("==1.82.3"), pinned("==1.82.*"), pinned(">=1,==1.82.3")
    ('1.82.3', '', '1.82.3')
    """
    if ecosystem == NPM:
        exactly = re.fullmatch(r"=?\s*v?(\d+\.\d+\.\d+[\w.+-]*)", spec)
        return exactly[1] if exactly else ""
    exactly = re.fullmatch(r"poetry =*\s*v?(\d[\w.!+-]*)", spec)
    if exactly:
        return exactly[1]
    if "==" not in spec or spec.startswith("poetry "):
        return ""
    try:
        every = SpecifierSet(spec)
    except InvalidSpecifier:
        return ""
    exact = [one for one in every if one.operator in ("==", "===")]
    versions = [one.version for one in exact if not one.version.endswith(".*")]
    return versions[0] if versions else ""
