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

from impact.errors import BadInput, bad
from impact.stack import documents
from impact.stack.asking import action, asked, conda, image, npm
from impact.stack.documents import Source, table
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
_TOOLS = re.compile(r"p(?:ip|oetry|dm|npm)|uv|np[mx]|yarn|bun|conda|mamba")
_PACKAGE, _TAKES = _DATA["options"]["package"], _DATA["options"]["takes"]
_VALUE = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}|\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")
_STEP = re.compile(r"\s*(?:onbuild\s+)?(from|copy|arg|env|run)\s+(.*)", re.IGNORECASE | re.DOTALL)
Asks = Iterator[Ask | Unread]


def pipeline(form: str, source: Source) -> Inventory:
    """What a pipeline in YAML uses, which images, and what its scripts install."""
    every = documents.from_yamls(source)
    if not any(isinstance(one, dict) for one in every):
        raise bad(source.where, "is no table", "get the whole file again")
    values: dict[str, list[str]] = {}
    for path, _, value in documents.walk(every):
        _set(values, path, value)
    found = list(_steps(every if len(every) > 1 else every[0], values, source))
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


def _steps(data: object, values: Mapping[str, list[str]], source: Source) -> Asks:
    for path, key, value in documents.walk(data):
        if not isinstance(value, str):
            continue
        for text in _filled(value, values):
            if key == "uses":
                yield from _uses(text, path, source)
            elif key in ("image", "container") and " " not in text:
                yield from image(text, path)
            elif key == "additional_dependencies":
                told = asked(text, path)
                yield from [told] if isinstance(told, Ask) else []
            else:
                yield from shell(text, path)


def _uses(text: str, path: str, source: Source) -> Asks:
    """What a step uses: an image, an action of another repository, or a local one that is there."""
    if text.startswith("docker://"):
        yield from image(text, path)
    elif text.startswith("."):
        ends = ("", "/action.yml", "/action.yaml", "/Dockerfile")
        ups = ("", "../", "../../", "../../../", "../../../../")
        if not any(_is_there(source, f"{up}{text[2:]}{end}") for up in ups for end in ends):
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
        if line.lstrip().startswith("#"):
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
    if grammar is npm:
        at = word.find("@", 1)
        told = npm(word[:at], word[at + 1 :], scope) if at > 0 else npm(word, "*", scope)
        if "/" in word and not word.startswith("@"):
            told = npm("x", word, scope)
            place = re.sub(r"[@#?].*|\.git$", "", word).rpartition("/")[2]
            told = told if isinstance(told, Ask) else told._replace(name=canonical(NPM, place))
    elif "/" in word or word.endswith((".whl", ".tar.gz")):
        name, version = artifact(PYPI, word)
        place = re.sub(r"[@#?].*|\.git$", "", word.partition(" @ ")[2] or word).rpartition("/")[2]
        why = f"{word[:80]} is an address or a path"
        told = (
            Ask(PYPI, name, f"=={version}", scope)
            if name
            else Unread(PYPI, canonical(PYPI, place), why)
        )
    else:
        word = re.sub(r"^([\w.-]+(?:\[[^\]]*\])?)@(?=[\dv])", r"\1==", word)
        told = grammar(word.strip("\"'"), scope)
    if isinstance(told, Ask) or told.name:
        yield told


def notebook(source: Source) -> Inventory:
    """What the cells of a notebook install."""
    cells = table(documents.from_json(source)).get("cells")
    texts = [table(cell).get("source", "") for cell in (cells if isinstance(cells, list) else [])]
    joined = "\n".join("".join(text) if isinstance(text, list) else str(text) for text in texts)
    lines = "\n".join(line for line in joined.splitlines() if line.lstrip()[:1] in ("!", "%"))
    return asking(
        "notebook", shell(lines, "cells"), PYPI, NPM, mentions=mentioned(lines), alone=True
    )
