"""requirements.txt: written by hand or compiled, with `-r` and `-c` files and hashes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from impact.errors import BadInput, bad
from impact.stack.asking import asked, pinned
from impact.stack.documents import Source
from impact.stack.inventory import (
    LOCK,
    MANIFEST,
    PYPI,
    Ask,
    Component,
    Inventory,
    Unread,
    artifact,
    canonical,
)

DEEPEST = 20  # files that name files
_TAKES = (  # options of a requirements file that are followed by a value
    *("-r", "-c", "-e", "-i", "-f", "--requirement", "--constraint", "--editable", "--index-url"),
    *("--extra-index-url", "--find-links", "--no-binary", "--only-binary", "--trusted-host"),
    *("--use-feature", "--hash", "--config-settings", "--global-option"),
)
_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable"}
_ADDRESSED = re.compile(
    r"(?i)(?:git|hg|svn|bzr)\+|[a-z][a-z0-9+.-]*:/|file:|\.{0,2}/|\S*[/\\]|\S+\.(?:whl|zip|tar\.gz|tgz)\b"
)
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:[ \t]*\[[^\]]*\])?"
_SPEC = r"(?:===?|>=|<=|~=|!=|<|>)[ \t]*[\dv*]"
_ADDRESS = r"(?:git|hg|svn|bzr)\+|https?://|file:|\.{0,2}/"
_LINE = re.compile(rf"{_NAME}[ \t]*(?:$|{_SPEC}|[;@(#]|--hash)|--?[a-z]|#|{_ADDRESS}")
_PLAIN = re.compile(rf"(?m)^(?:{_NAME}[ \t]*(?:{_SPEC}|@ )|-[rce] |--[a-z-]+[ =]|{_ADDRESS})")
_PROJECT = re.compile(r" \(pyproject.toml.*")
ROOT = "."
_VIA = re.compile(r"#\s*(?:via\s*)?(.*)")


def is_list(text: str) -> bool:
    """Whether a text may be a list of requirements: most lines are one, an option or a remark.

    A list of bare names could be anything: its own name has to promise it.
    """
    return (
        _PLAIN.search(text) is not None and text.lstrip()[:1] not in "{[<" and _known(text) >= 0.8
    )


def _known(text: str) -> float:
    """The share of lines that are of a form known here."""
    lines = [line for line in text[:20_000].splitlines()[:200] if line.strip()]
    known = sum(line.startswith((" ", "\t")) or bool(_LINE.match(line)) for line in lines)
    return known / max(len(lines), 1)


def read(source: Source) -> Inventory:
    """What the file fixes and what it asks for; where every line fixes a version it is a lock."""
    if _known(source.text) < 0.5:
        raise bad(source.where, "is no list of requirements", "see `impact scan`")
    found = list(_every(source, False, ()))
    asks = [ask for ask in found if isinstance(ask, Ask)]
    unread = [part for part in found if isinstance(part, Unread)]
    pins = {ask: pinned(ask.spec) for ask in asks if not ask.limit}
    fixed = {ask: version for ask, version in pins.items() if version}
    whole = bool(pins) and len(fixed) == len(pins) and not unread
    components = {
        f"{ask.name} {version}": Component(f"{ask.name} {version}", PYPI, ask.name, version)
        for ask, version in fixed.items()
    }
    keys = {component.name: key for key, component in components.items()}
    told = list(_via(source.text))
    project = next((a for a, _ in told if _PROJECT.search(a)), "")
    if project:
        keys[project] = ROOT
        components[ROOT] = Component(ROOT, PYPI, _PROJECT.sub("", project), "")
    edges = [(keys[a], keys[b]) for a, b in told if a in keys and b in keys]
    hashed = _hashed(source.text)
    loose = [f"{ask.name} has no hash" for ask in fixed if ask.name not in hashed]
    return Inventory(
        "requirements.txt",
        LOCK if whole else MANIFEST,
        (PYPI,),
        list(components.values()),
        edges,
        [ROOT] if project else [],
        asks=[ask for ask in asks if ask not in fixed],
        unread=unread,
        loose=tuple(loose),
    )


def _every(source: Source, limit: bool, above: tuple[str, ...]) -> Iterator[Ask | Unread]:
    """Each requirement of a file and of the files that it names."""
    for line in _lines(source.text):
        if line.startswith("-"):
            yield from _options(source, line, limit, above)
        elif _ADDRESSED.match(line):
            yield _addressed(line)
        else:
            ask = asked(line.partition(" --")[0])
            if limit and isinstance(ask, Ask):
                ask = ask._replace(limit="constraint", by="pip's constraints file")
            yield ask


def _options(
    source: Source, line: str, limit: bool, above: tuple[str, ...]
) -> Iterator[Ask | Unread]:
    """What the options of a line bring in: other files, folders and addresses; each is followed."""
    try:
        words = iter(shlex.split(line))
    except ValueError:
        yield Unread(PYPI, "", f'"{line[:80]}" cannot be read')
        return
    for word in words:
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], "", "")
        value = value if equals else word[2:] if not word.startswith("--") else ""
        long = next((known for known in _TAKES if known.startswith(name)), name)
        if long in _TAKES and not value:
            value = next(words, "")
        what = _SHORT.get(long, long)
        if what in ("--requirement", "--constraint"):
            yield from _nested(source, value, limit or what == "--constraint", above)
        elif what == "--editable":
            yield _addressed(value)


def _addressed(text: str) -> Unread | Ask:
    """What stands at an address or path: a wheel says its version, all else could be anything."""
    package, version = artifact(PYPI, text.split(" ")[0]) if ".whl" in text else ("", "")
    if package:
        return Ask(PYPI, package, f"=={version}")
    return Unread(PYPI, "", f'"{text[:80]}" is a path or an address')


def _nested(
    source: Source, name: str, limit: bool, above: tuple[str, ...]
) -> Iterator[Ask | Unread]:
    base = above[-1] if above else ""
    path = normpath(join(dirname(base), name))
    if path in above:
        return  # files that name each other in a circle: each is read once
    if "://" in name or len(above) > DEEPEST:
        yield Unread(PYPI, "", f"{name[:80]}: is not read")
        return
    try:
        inner = Source(source.beside(path), path, source.beside)
    except BadInput as error:
        yield Unread(PYPI, "", str(error))
        return
    yield from _every(inner, limit, (*above, path))


def _lines(text: str) -> Iterator[str]:
    """Logical lines without remarks; a remark is never continued."""
    pending = ""
    for line in text.splitlines():
        if re.match(r"[ \t]*#", line) and not pending:
            continue
        pending += line
        if pending.rstrip().endswith("\\"):
            pending = pending.rstrip()[:-1] + " "
            continue
        told = re.sub(r"(^|\s)#(?!egg=).*$", "", pending).strip()
        pending = ""
        if told:
            yield told
    if pending.strip():  # its last line goes on, and there is none: it was cut off
        yield pending.strip()
        yield "\\"


def _hashed(text: str) -> set[str]:
    """Names of the packages whose line has a hash."""
    named = (re.match(_NAME, line) for line in _lines(text) if "--hash" in line)
    return {canonical(PYPI, name[0].partition("[")[0].strip()) for name in named if name}


def _via(text: str) -> Iterator[tuple[str, str]]:
    """(who needs, who is needed), from the remarks that compilers write."""
    needed = ""
    for line in text.splitlines():
        name = re.match(_NAME, line)
        if name:
            needed = canonical(PYPI, name[0].partition("[")[0].strip())
        told = _VIA.search(line)
        if needed and told:
            for other in told[1].split(","):
                if re.fullmatch(rf"{_NAME}(?: \(pyproject\.toml.*\))?", other.strip()):
                    yield canonical(PYPI, other.strip().partition("[")[0]), needed
