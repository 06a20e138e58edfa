"""What CI and images install: workflows, actions, Dockerfiles, compose files and other pipelines.

Nothing here is a lock: a tag or branch is what it points at when a job runs. A name in such a file
that was not understood is never called absent.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from impact.base.errors import BadInput, bad
from impact.stack import documents
from impact.stack.documents import Source, at, listed
from impact.stack.grammars import action, conda, image, npm, pep508
from impact.stack.inventory import (
    NPM,
    PYPI,
    Ask,
    Asks,
    Inventory,
    Unread,
    artifact,
    ask_inventory,
    canonical,
    declared,
    last_part,
    names_in,
    split_version,
)

MOST = 200  # values that a text with expressions is tried with
COMMANDS = declared("commands.toml")
Grammar = Callable[[str, str], Ask | Unread]
_GRAMMARS: dict[str, Grammar] = {"pep508": pep508, "npm": npm, "conda": conda}
_INSTALLS = [
    (re.compile(rf"(?<![\w-])(?:{row['words']}) ([^;&|\n]*)".replace(" ", r"\s+")), row)
    for row in COMMANDS["command"]
]
_PACKAGE, _TAKES = COMMANDS["options"]["package"], COMMANDS["options"]["takes"]
_GIVEN = re.compile(  # a variable of `env`, a value of a matrix
    r"(?:^|\.)(?:(?:env|environment|variables)\.|(matrix\.)(?:.*\.)?)([^.\[]+)(?:\[\d+\])*$"
)
_VALUE = re.compile(r"\$\{\{\s*(?:env\.)?([\w.-]+)\s*\}\}|\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")
_STEP = re.compile(
    r"\s*(?:onbuild\s+)?(from|copy|add|arg|env|run|label)\s+(.*)", re.IGNORECASE | re.DOTALL
)
_WORDS = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")  # of a command
_LISTED = re.compile(r'^\[\s*"|"\s*,\s*"|"\s*\]\s*$')  # between the words of a command as a list
_ECHO = re.compile(  # what is only shown: it goes into no pipe or file, and runs nothing
    r"""(?m)(^[ \t]*[@!]?|[;&|({][ \t]*|\b(?:then|do|else)\s+)(?:echo|printf)\s"""
    r"""(?:"(?:[^"$`]|\$(?!\())*"|'[^']*'|[^;&|>"'$`\n]|\$(?!\())*(?=[;&)\n]|$)"""
)
_PROSE = ("name", "description", "displayName", "label")  # keys of a step and of what holds it
_UPS = ("", "../", "../../", "../../../", "../../../../")  # to the top of a repository
Values = defaultdict[str, list[str]]  # name of a variable -> values that it may have


def pipeline(source: Source) -> Inventory:
    """What a pipeline in YAML uses, which images, and what its scripts install."""
    every = documents.from_yamls(source)
    if not any(isinstance(one, dict) for one in every):
        raise bad(source.where, "is no table", "get the whole file again")
    values: Values = defaultdict(list)
    for path, _, value in documents.walk(every):
        if isinstance(value, str) and (given := _GIVEN.search(path)):
            values[f"{given[1] or ''}{given[2]}"].append(value)
    asks = _steps(every if len(every) > 1 else every[0], values, source)
    return ask_inventory(asks, mentions=names_in(source.text), alone=True)


def _expanded(text: str, values: Values) -> list[str]:
    """A text with each value that its expressions may have; unknown ones stay as they are."""
    texts = [text]
    for found in _VALUE.finditer(text):
        known = values.get(found[1] or found[2] or found[4], [])
        known = [*known, *filter(None, [found[3]])][:MOST] or [found[0]]
        texts = [one.replace(found[0], value) for one in texts for value in known][:MOST]
    return texts


def _steps(data: object, values: Values, source: Source) -> Asks:
    """What each text of a pipeline asks for, by the key that it stands at."""
    for path, key, value in documents.walk(data):
        for text in _expanded(value, values) if isinstance(value, str) else ():
            if key == "uses":
                yield from _uses(text, path, source)
            elif key in ("image", "container") and " " not in text.strip():
                yield from image(text, path)
            elif key in ("repo", "repository") and "/" in text:  # of a hook, or checked out
                yield Unread(f"{text[:80]} is a repository", "", last_part(text))
            elif path.startswith("include") and key in ("remote", "project", "component"):
                yield Unread(f"{text[:80]} is included from elsewhere")
            elif key in ("local", "template", "include") and re.search(r"\.ya?ml$", text):
                yield from _included(text, values, source)
            elif key == "additional_dependencies":
                if isinstance(ask := pep508(text, path), Ask):
                    yield ask
            elif key not in _PROSE:
                yield from shell(text, path)


def _included(text: str, values: Values, source: Source) -> Asks:
    """What a file that a pipeline includes uses; one that another included is not followed."""
    names = (up + text.lstrip("/") for up in _UPS)
    if found := next(filter(None, (_beside(source, name) for name in names)), ""):
        inner = Source(found, source.where)  # which finds nothing beside it
        yield from _steps(documents.from_yamls(inner), values, inner)
    else:
        yield Unread(f"{text[:80]} is included and not read")


def _uses(text: str, path: str, source: Source) -> Asks:
    """What a step uses: an image, an action of another repository, or a local one that is there."""
    text = text.strip()
    if text.startswith("docker://"):
        yield from image(text, path)
    elif text.startswith("."):
        ends = ("", "/action.yml", "/action.yaml", "/Dockerfile")
        if not any(_beside(source, f"{up}{text[2:]}{end}") for up in _UPS for end in ends):
            yield Unread(f"{text[:80]} is used and not there")
    else:
        yield action(text, path)


def _beside(source: Source, name: str) -> str | None:
    """The text of a file beside another; None where there is none that can be read."""
    try:
        return source.beside(name)
    except BadInput:
        return None


def dockerfile(source: Source) -> Inventory:
    """What an image is built from and installs; a default of an ARG can be set otherwise."""
    return ask_inventory(_build_steps(source.text), mentions=names_in(source.text), alone=True)


def _build_steps(text: str) -> Asks:
    """What the steps of a Dockerfile ask for."""
    values: Values = defaultdict(list)
    stages = {"scratch"}
    if frontend := re.match(r"#\s*syntax\s*=\s*(\S+)", text):
        yield from image(frontend[1], "line 1")
    for number, line in logical_lines(text):
        step, scope = _STEP.fullmatch(line), f"line {number}"
        word, rest = (step[1].lower(), step[2]) if step else ("", line)
        if word in ("arg", "env"):
            for name, value in re.findall(r"(\w+)(?:=|\s+)(\"[^\"]*\"|'[^']*'|\S+)", rest):
                values[name].append(value.strip("\"'"))
                values[name] += [f"${{{name}}}"] if word == "arg" else []
        for command in _expanded(_LISTED.sub(" ", rest), values):
            used = re.findall(r"--from=(\S+)", command) if word in ("copy", "run") else []
            if word == "from":
                words = [one for one in command.split() if not one.startswith("--")]
                stages |= {one.lower() for one in words[2:3]}
                used = words[:1]
            for one in used:
                if one.lower() not in stages and not one.isdigit():
                    yield from image(one, scope)
            yield from shell(command, scope) if word != "label" else ()


def logical_lines(text: str, pip: bool = False) -> Iterator[tuple[int, str]]:
    """The lines of a text without remarks, by number, each with those that it goes on in.

    It goes on behind what is empty or a remark, but for `pip`.
    """
    begin, held, remark = 0, "", r"(^|\s)#(?!egg=).*$" if pip else r"^\s*#.*"
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(remark, "", line).strip()
        if not line and not (held and pip):
            continue
        begin, more = begin or number, line.endswith("\\" if pip else ("\\", "`"))
        held += f"{line[:-1]} " if more else line
        if not more:
            yield begin, held
            begin, held = 0, ""
    if held:
        yield begin, held


def shell(text: str, scope: str) -> Asks:
    """What the commands of a script install, by the words of pip, uv, npm and their kin."""
    text = re.sub(r"(?m)(?:^|\s)#.*", "", re.sub(r"[\\`]\r?\n", " ", text))
    text = _ECHO.sub(r"\1", text)
    for address in re.findall(r"(?<![^\s\"'=])[^\s\"'=]+\.(?:whl|tgz)\b", text):
        ask = _package(address, npm if address.endswith("tgz") else pep508, scope)
        if isinstance(ask, Ask):
            yield ask
    for command, row in _INSTALLS:
        for found in command.finditer(text):
            yield from _arguments(found[1], _GRAMMARS[row["grammar"]], row["first"], scope)


def _arguments(text: str, grammar: Grammar, first: bool, scope: str) -> Asks:
    """The packages among the words behind a command; what is a path or an option is none."""
    rest = iter([re.sub(r"[\"'\\]", "", word) for word in _WORDS.findall(text)])
    for word in rest:
        option, equals, value = word.partition("=")
        if option in _PACKAGE:
            word = value or next(rest, "")
        elif word.startswith("-"):
            if option in _TAKES and not equals:
                next(rest, "")
            continue
        ask = _package(word if "(" in word else word.rstrip(")"), grammar, scope)
        if isinstance(ask, Ask) or ask.name:
            yield ask
        if first and option not in _PACKAGE:
            return


def _package(word: str, grammar: Grammar, scope: str) -> Ask | Unread:
    """The package that a word names, by the grammar of the command that it stands behind."""
    home, sign = (NPM, "") if grammar is npm else (PYPI, "==")
    if ("/" in word and word[0] != "@") or word.endswith((".whl", ".tar.gz", ".tgz")):
        name, version = artifact(home, word)
        why = f"{word[:80]} is an address or a path"
        unread = Unread(why, home, canonical(home, last_part(word)))
        return Ask(home, name, sign + version, scope) if name else unread
    if grammar is npm:
        return npm(*split_version(word), scope)
    word = re.sub(r"^([\w.-]+(?:\[[^\]]*\])?)@(?=[\dv])", r"\1==", word)
    return grammar(word, scope)


def notebook(source: Source) -> Inventory:
    """What the cells of a notebook install; names where one installs or pins are looked for.

    What is prose installs nothing.
    """
    code, prose = list[str](), list[str]()
    for _, _, cell in documents.walk(documents.from_json(source)):
        lines = at(cell, "source") or at(cell, "input")
        texts = [lines] if isinstance(lines, str) else map(str, listed(lines))
        is_prose = at(cell, "cell_type") in ("markdown", "raw", "heading")
        (prose if is_prose else code).extend(map(str.rstrip, texts))
    text = "\n".join([*code, *prose]).replace("\\\n", " ")
    mentions = names_in("\n".join(re.findall(r".*(?:install|\w[=~<>]=\d).*", text)))
    asks = shell("\n".join(code), "cells")
    return ask_inventory(asks, PYPI, NPM, mentions=mentions, alone=True)


def script(source: Source) -> Inventory:
    """What a script of a shell, or the recipes of a Makefile, install."""
    mentions = names_in(source.text)
    return ask_inventory(shell(source.text, "a command"), mentions=mentions, alone=True)


def submodules(source: Source) -> Inventory:
    """Whether the submodules of a repository are there, so that they are scanned too."""
    paths = re.findall(r"(?m)^\s*path\s*=\s*(\S+)", source.text)
    gone = [path for path in paths if not _beside(source, f"{path}/.git")]
    unread = [Unread(f"the submodule {path[:80]} is not checked out") for path in gone]
    return ask_inventory(unread)
