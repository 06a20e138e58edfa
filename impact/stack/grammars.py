"""Requirements in the grammar of each tool (pip, Poetry, npm, conda, actions, images) as `Ask`s."""

from __future__ import annotations

import re
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement

from impact.stack.documents import listed
from impact.stack.inventory import (
    ACTIONS,
    CONDA,
    DOCKER,
    NPM,
    PYPI,
    Ask,
    Asks,
    Unread,
    artifact,
    canonical,
    tail,
)

ADDRESS = "comes from an address, and the file does not say which version it is"
COMMIT = re.compile(r"(?=.*[a-f])[0-9a-f]{7,64}|[0-9a-f]{40,64}", re.IGNORECASE)
FULL = re.compile(r"v?(\d+(?:\.\d+){2,}(?:\+[\w.]+)?)(-[\w.-]+)?")  # a whole version as a tag
_RANGE = re.compile(r"[\^~<>=*]|v?\d[\d.x*]*(?:[-+ |].*)?$|latest$")
_MATCH = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([<>=!~].*)?")
_EXACT_NPM = re.compile(r"^=?\s*v?(\d+\.\d+\.\d+[\w.+-]*)$")
_EXACT = re.compile(r"^poetry =*\s*v?(\d[\w.!+-]*)$|(?:^|,)\s*===?\s*([\w.!+-]+)(?=,|$)")
_IMAGE = re.compile(r"(?:docker://)?((?:[^\s/@]+/)*[^\s/:@]+)(?::([\w.-]+))?(?:@sha\d+:\w+)?")


def pep508(text: str, scope: str = "") -> Ask | Unread:
    """A requirement as PEP 508 writes it, or why it cannot be evaluated.

    >>> pep508("litellm[proxy]>=1.81.3").spec
    '>=1.81.3'
    >>> pep508("litellm @ https://files.registry.example/litellm-1.82.8-py3-none-any.whl").spec
    '==1.82.8'
    """
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError):
        start = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:[\[<>=!~;@(]|$)", text)
        alone = start and not re.search(r"\s[A-Za-z]", text.partition(";")[0].strip())
        why = f'"{text.strip()[:80]}" is no requirement'
        return Unread(why, PYPI, canonical(PYPI, start[1]) if start and alone else "")
    name, marker = canonical(PYPI, found.name), str(found.marker or "")
    package, spec = name, str(found.specifier)
    if found.url:
        package, version = artifact(PYPI, found.url)
        spec = f"=={version}"
    if not package:
        return Unread(ADDRESS, PYPI, name)
    also = name if name != package else ""
    return Ask(PYPI, package, spec, scope, marker, tuple(sorted(found.extras)), also=also)


def poetry(name: str, wanted: object, scope: str) -> list[Ask | Unread]:
    """A dependency as Poetry writes it: `^1.80`, a table, or a list of tables."""
    name = canonical(PYPI, name)
    if isinstance(wanted, list):
        return [ask for one in wanted for ask in poetry(name, one, scope)]
    if isinstance(wanted, str):
        return [Ask(PYPI, name, f"poetry {wanted}", scope)]
    if not isinstance(wanted, dict):
        return [Unread("is no requirement", PYPI, name)]
    if "version" not in wanted:
        found = pep508(f"{name} @ {wanted.get('url') or wanted.get('path') or 'x'}", scope)
        return [found if isinstance(found, Ask) else Unread(ADDRESS, PYPI, name)]
    marker = "; ".join(f"{key} {wanted[key]}" for key in ("markers", "python") if key in wanted)
    extras = tuple(map(str, listed(wanted.get("extras"))))
    scope = "an extra" if wanted.get("optional") and not scope else scope
    return [Ask(PYPI, name, f"poetry {wanted['version']}", scope, marker, extras)]


def npm(name: str, spec: object, scope: str = "") -> Ask | Unread:
    """A requirement of npm or Yarn, or why it cannot be evaluated.

    >>> npm("pale", "npm:chalk@^5.0.0").name, npm("chalk", "npm:^5.0.0").spec
    ('chalk', '^5.0.0')
    """
    if not isinstance(spec, str):
        return Unread(f"{name}: is no text", NPM, canonical(NPM, name))
    if spec.startswith("patch:"):  # of Yarn: a package, and what is changed of it
        spec = unquote(spec.removeprefix("patch:").partition("#")[0])
        spec = spec.removeprefix(f"{name}@") if spec.startswith(f"{name}@") else f"npm:{spec}"
    alias = re.fullmatch(r"npm:(@?[^@]+)(?:@(?:npm:)?(.*))?", spec)
    if alias and alias[2] is None and _RANGE.match(alias[1]):
        spec = alias[1]
    elif alias:
        name, spec = alias[1], alias[2] or "*"
    if ":" in spec or "/" in spec:
        package, version = artifact(NPM, spec)
        if package:
            also = canonical(NPM, name) if canonical(NPM, name) != package else ""
            return Ask(NPM, package, version, scope, also=also)
        own = spec.startswith(("link:", "file:", "portal:"))
        same = spec.startswith(("workspace:", "catalog:")) or (own and tail(spec) == tail(name))
        # What lies at an address, or in a folder of another name, may be called as it likes.
        why = f"{name[:80]}: {spec[:80]} is no version of a registry"
        return Unread(why, NPM, canonical(NPM, name) if same else "")
    return Ask(NPM, canonical(NPM, name), spec.strip() or "*", scope)


def conda(text: str, scope: str) -> Ask | Unread:
    """A match specification of conda: `litellm`, `litellm=1.82`, `channel::litellm>=1.80`."""
    found = _MATCH.fullmatch(text.strip())
    if not found:
        return Unread(f'"{text[:60]}" is no requirement of conda', CONDA)
    spec = re.sub(r"\s", "", found[2] or "")
    if exact := re.fullmatch(r"(==?)([\w.]+)(?:=[\w*]+)?", spec):  # with or without a build
        spec = f"=={exact[2]}" if exact[1] == "==" else f"=={exact[2]}.*"
    return Ask(CONDA, canonical(PYPI, found[1]), spec, scope)


def action(text: str, scope: str) -> Ask | Unread:
    """An action or workflow of another repository: `owner/name/path@tag`."""
    name, _, tag = text.partition("@")
    name = canonical(ACTIONS, name) if re.fullmatch(r"[\w.-]+/[\w./-]+", name) else ""
    if not name or not tag or "$" in tag:
        return Unread(f'"{text[:80]}" does not say which version it is', ACTIONS, name)
    return Ask(ACTIONS, name, tag, scope)


def image(text: str, scope: str) -> Asks:
    """An image of a container: its tag, and that a digest is no version.

    >>> [ask.spec for ask in image("docker.io/aquasec/trivy:0.69.4", "")]
    ['0.69.4']
    """
    text = text.strip().strip("\"'")
    found = _IMAGE.fullmatch(text)
    if not found or "$" in text:
        name = canonical(DOCKER, text.partition("$")[0].partition(":")[0].strip())
        name = name if re.fullmatch(r"[\w./-]*[\w.-]", name) else ""
        yield Unread(f'"{text[:80]}" does not say which image it is', DOCKER, name)
        return
    name = re.sub(r"^(?:(?:index\.)?docker\.io/)?(?:library/)?", "", found[1].lower())
    if "@" in text:
        yield Unread(f"{name} is fixed by a digest, which is no version", DOCKER, name)
    if found[2] or "@" not in text:
        yield Ask(DOCKER, name, found[2] or "latest", scope)


def pinned_version(spec: str, ecosystem: str = PYPI) -> str:
    """The one version that a requirement admits, empty where it admits more.

    >>> pinned_version("==1.82.3"), pinned_version("==1.82.*"), pinned_version(">=1,==1.82.3")
    ('1.82.3', '', '1.82.3')
    """
    if ecosystem in (ACTIONS, DOCKER):
        whole = FULL.fullmatch(spec)
        return (whole[1] if ecosystem == DOCKER else spec) if whole else ""
    exactly = (_EXACT_NPM if ecosystem == NPM else _EXACT).search(spec)
    return exactly[exactly.lastindex or 0] if exactly else ""
