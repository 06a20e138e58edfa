"""What CI and images install: workflows, actions, Dockerfiles, compose files and other pipelines.

Nothing here is a lock: a tag or branch is what it points at when a job runs. A name that stands in
such a file and was not understood is never called absent.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any

from impact.base.errors import BadInput, bad
from impact.stack import documents
from impact.stack.asking import action, asked, conda, image, npm
from impact.stack.documents import Source
from impact.stack.inventory import (
    CI,
    MANIFEST,
    NPM,
    PYPI,
    Ask,
    Inventory,
    Unread,
    artifact,
    asking,
    canonical,
    mentioned,
)

MOST = 200  # values that a text with expressions is tried with
_DATA = tomllib.loads(Path(__file__).parents[1].joinpath("commands.toml").read_text("utf-8"))
_GRAMMARS = {"asked": asked, "npm": npm, "conda": conda}
_INSTALLS = [
    (re.compile(rf"(?<![\w-])(?:{row['words']}) ([^;&|\n]*)".replace(" ", r"\s+")), row)
    for row in _DATA["command"]
]
_TOOLS = re.compile(r"p(?:ip|oetry|dm|npm)|uv|np[mx]|yarn|bun|conda|mamba|\.whl|\.tgz")
_PACKAGE, _TAKES = _DATA["options"]["package"], _DATA["options"]["takes"]
_VALUE = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}|\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")
_STEP = re.compile(
    r"\s*(?:onbuild\s+)?(from|copy|add|arg|env|run)\s+(.*)", re.IGNORECASE | re.DOTALL
)
_UPS = ("", "../", "../../", "../../../", "../../../../")  # to the top of a repository
Asks = Iterator[Ask | Unread]


def pipeline(form: str, source: Source) -> Inventory:
    """What a pipeline in YAML uses, which images, and what its scripts install."""
    every = documents.from_yamls(source)
    if not any(isinstance(one, dict) for one in every):
        raise bad(source.where, "is no table", "get the whole file again")
    values: dict[str, list[str]] = {}
    for path, _, value in documents.walk(every):
        _set(values, path, value)
    found = list(_steps(every if len(every) > 1 else every[0], values, source, inner=False))
    kind = MANIFEST if "compose" in form else CI
    return asking(form, found, kind=kind, mentions=mentioned(source.text), alone=True)


def _set(values: dict[str, list[str]], path: str, value: object) -> None:
    """Take in what a file gives its expressions: variables of `env`, values of a matrix."""
    parent, _, name = path.rpartition(".")
    name = name.partition("[")[0]
    if not isinstance(value, str) or not name:
        return
    if parent.endswith((".env", ".environment", ".variables")) or parent in ("env", "variables"):
        values.setdefault(f"env.{name}", []).append(value)
        values.setdefault(name, []).append(value)
    elif ".matrix" in f".{parent}":
        values.setdefault(f"matrix.{name}", []).append(value)


def _filled(text: str, values: Mapping[str, list[str]]) -> Iterator[str]:
    """A text with each value that its expressions may have; what is not known stays as it is."""
    names = dict.fromkeys(found[0] for found in _VALUE.finditer(text))
    choices = []
    for written in names:
        found = _VALUE.fullmatch(written)
        known = values.get(found[1] or found[2] or found[4], []) if found else []
        known = [*known, *([found[3]] if found and found[3] else [])]
        choices.append(known or [written])
    for chosen in islice(product(*choices), MOST):
        told = text
        for written, value in zip(names, chosen, strict=True):
            told = told.replace(written, value)
        yield told


def _steps(data: object, values: Mapping[str, list[str]], source: Source, inner: bool) -> Asks:
    for path, key, value in documents.walk(data):
        if not isinstance(value, str):
            continue
        for text in _filled(value, values):
            if key == "uses":
                yield from _uses(text, path, source)
            elif key in ("image", "container") and " " not in text.strip():
                yield from image(text, path)
            elif key == "repo" and "://" in text:  # of a hook, installed from its repository
                yield Unread("", _place(text), f"{text[:80]} is a repository")
            elif path.startswith("include") and key in ("remote", "project", "component"):
                yield Unread("", "", f"{text[:80]} is included from elsewhere")
            elif key in ("local", "template", "include") and re.search(r"\.ya?ml$", text):
                yield from _included(text, values, source, inner)
            elif key == "additional_dependencies":
                told = asked(text, path)
                yield from [told] if isinstance(told, Ask) else []
            else:
                yield from shell(text, path)


def _included(text: str, values: Mapping[str, list[str]], source: Source, inner: bool) -> Asks:
    """What a file that a pipeline includes uses; one that another included is not followed."""
    name = next(
        (up + text.lstrip("/") for up in _UPS if _is_there(source, up + text.lstrip("/"))), ""
    )
    if not name or inner:
        yield Unread("", "", f"{text[:80]} is included and not read")
        return
    every = documents.from_yamls(Source(source.beside(name), source.where, source.beside))
    yield from _steps(every, values, source, inner=True)


def _place(text: str) -> str:
    """The name of a repository or file, the last part of its address."""
    return (
        re.sub(r"[@#?].*|\.git$", "", text.rpartition(" @ ")[2])
        .rstrip("/")
        .rpartition("/")[2]
        .lower()
    )


def _uses(text: str, path: str, source: Source) -> Asks:
    """What a step uses: an image, an action of another repository, or a local one that is there."""
    text = text.strip()
    if text.startswith("docker://"):
        yield from image(text, path)
    elif text.startswith("."):
        ends = ("", "/action.yml", "/action.yaml", "/Dockerfile")
        if not any(_is_there(source, f"{up}{text[2:]}{end}") for up in _UPS for end in ends):
            yield Unread("", "", f"{text[:80]} is used and not there")
    else:
        yield action(text, path)


def _is_there(source: Source, name: str) -> bool:
    try:
        return bool(source.beside(name))
    except BadInput:
        return False


def dockerfile(form: str, source: Source) -> Inventory:
    """What an image is built from and installs; a default of an ARG can be set otherwise."""
    found, mentions = _built(source.text), mentioned(source.text)
    return asking(form, found, kind=MANIFEST, mentions=mentions, alone=True)


def _built(text: str) -> Asks:
    values: dict[str, list[str]] = {}
    stages: set[str] = set()
    if frontend := re.match(r"#\s*syntax\s*=\s*(\S+)", text):
        yield from image(frontend[1], "line 1")
    for number, line in _lines(text):
        scope = f"line {number}"
        step = _STEP.fullmatch(line)
        word, rest = (step[1].lower(), step[2]) if step else ("", line)
        if word in ("arg", "env"):
            for name, value in re.findall(r"(\w+)(?:=|\s+)(\"[^\"]*\"|'[^']*'|\S+)", rest):
                said = value.strip("\"'")
                values.setdefault(name, []).append(said)
                values[name] += [f"${{{name}}}"] if word == "arg" else []
        for told in _filled(rest, values):
            named = re.search(r"--from=(\S+)", told)
            if word == "from":
                words = [one for one in told.split() if not one.startswith("--")]
                stages |= {one.lower() for one in words[2:3]}
                yield from (
                    image(words[0], scope)
                    if words and words[0].lower() not in {*stages, "scratch"}
                    else ()
                )
            elif (
                word in ("copy", "run")
                and named
                and named[1].lower() not in stages
                and not named[1].isdigit()
            ):
                yield from image(named[1], scope)
            if word == "run" and told.startswith("["):
                told = _exec(told)
            yield from shell(told, scope)


def _exec(text: str) -> str:
    try:
        return shlex.join(json.loads(text))
    except (ValueError, TypeError):
        return text


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines of a Dockerfile, joined where one goes on, without its remarks."""
    start, held = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (held and not line.strip()):
            continue
        start = start if held else number
        if line.rstrip().endswith(("\\", "`")):
            held += line.rstrip()[:-1] + " "
            continue
        yield start, held + line
        held = ""
    if held:
        yield start, held


def shell(text: str, scope: str) -> Asks:
    """What the commands of a script install, by the words of pip, uv, npm and their kin."""
    if not _TOOLS.search(text):
        return
    text = re.sub(r"(?m)(?:^|\s)#.*", "", re.sub(r"[\\`]\r?\n", " ", text))
    for address in re.findall(r"[^\s\"'=]+\.(?:whl|tgz)\b", text):
        kind = NPM if address.endswith("tgz") else PYPI
        name, version = artifact(kind, address)
        if name:
            yield Ask(kind, name, version if kind == NPM else f"=={version}", scope)
    for command, row in _INSTALLS:
        for found in command.finditer(text):
            grammar = _GRAMMARS[row["grammar"]]
            yield from _arguments(_words(found[1]), grammar, row["first"], scope)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [word.strip("\"'()") for word in text.split()]


def _arguments(words: list[str], grammar: Any, first: bool, scope: str) -> Asks:
    """The packages among the words behind a command; what is a path or an option is none."""
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", "")
        if option in _PACKAGE:
            word = value or next(rest, "")
        elif word.startswith("-"):
            if option in _TAKES and not equals:
                next(rest, "")
            continue
        yield from _package(word, grammar, scope)
        if first and option not in _PACKAGE:
            return


def _package(word: str, grammar: Any, scope: str) -> Asks:
    word = word if "(" in word else word.rstrip(")")
    if grammar is npm:
        at = word.find("@", 1)
        told = npm(word[:at], word[at + 1 :], scope) if at > 0 else npm(word, "*", scope)
        if "/" in word and not word.startswith("@"):
            told = npm("x", word, scope)
            told = told if isinstance(told, Ask) else told._replace(name=_place(word))
    elif "/" in word or word.endswith((".whl", ".tar.gz")):
        name, version = artifact(PYPI, word)
        why = f"{word[:80]} is an address or a path"
        told = (
            Ask(PYPI, name, f"=={version}", scope)
            if name
            else Unread(PYPI, canonical(PYPI, _place(word)), why)
        )
    else:
        word = re.sub(r"^([\w.-]+(?:\[[^\]]*\])?)@(?=[\dv])", r"\1==", word)
        told = grammar(word.strip("\"'"), scope)
    if isinstance(told, Ask) or told.name:
        yield told


def notebook(source: Source) -> Inventory:
    """What the cells of a notebook install; names in a line that installs are looked for."""
    cells = documents.walk(documents.from_json(source))
    told = [text for _, key, text in cells if key in ("source", "input") and isinstance(text, str)]
    lines = "".join(text if text.endswith("\n") else f"{text}\n" for text in told)
    installs = "\n".join(
        line for line in re.sub(r"\\\n", " ", lines).splitlines() if "install" in line
    )
    found, mentions = shell(lines, "cells"), mentioned(installs)
    return asking("notebook", found, PYPI, NPM, mentions=mentions, alone=True)


def script(source: Source) -> Inventory:
    """What a script of a shell, or the recipes of a Makefile, install."""
    return asking("script", shell(source.text, "a command"), kind=MANIFEST, alone=True)


def submodules(source: Source) -> Inventory:
    """Whether the submodules of a repository are there, so that they are scanned too."""
    paths = re.findall(r"(?m)^\s*path\s*=\s*(\S+)", source.text)
    gone = [path for path in paths if not _is_there(source, f"{path}/.git")]
    found = [Unread("", "", f"the submodule {path[:80]} is not checked out") for path in gone]
    return asking(".gitmodules", found, kind=MANIFEST)
