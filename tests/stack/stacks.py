"""Small helpers of the tests of the stack."""

import csv
import os
import random
import subprocess
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from impact.base.errors import bad
from impact.stack import advisories, files, readers, scan
from impact.stack.advisories import Advisories, Affected
from impact.stack.documents import Source
from impact.stack.inventory import Inventory
from impact.stack.verdicts import Window

ASSETS = Path(__file__).resolve().parents[1] / "assets"
BAD = ("1.82.7", "1.82.8")
ADMITS = '[project]\nname = "svc"\ndependencies = ["litellm>=1.77"]\n'


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the assets; `\\n` and the like in `content` are what they mean."""
    rows = list(csv.DictReader((ASSETS / name).read_text("utf-8").splitlines()))
    for row in rows:
        if "content" in row:
            escaped = row["content"].encode("ascii", "backslashreplace")
            row["content"] = escaped.decode("unicode_escape")
    return rows


def inventory(text: str, where: str = "file", **beside: str) -> Inventory:
    """What a text says; `beside` are texts of files beside it, dots of their names as `_dot_`."""
    others = {name.replace("_dot_", "."): content for name, content in beside.items()}

    def read(name: str) -> str:
        if name not in others:
            raise bad(name, "is not there", "add it")
        return others[name]

    return readers.read(Source(text, where, read))


def inventory_of(path: Path) -> Inventory:
    """What a file says."""
    return readers.read(Source(path.read_text("utf-8"), path.name))


def named(*versions: str, package: str = "litellm", ecosystem: str = "PyPI") -> list[Affected]:
    """One record that names versions of a package."""
    return [Affected("MAL-1", ecosystem, package, versions, (), None, None)]


def at(text: str) -> datetime:
    """A UTC minute of 24 March 2026, `10:39`; or of another day, `25 10:39`."""
    day, _, minute = text.rpartition(" ")
    hour, minutes = minute.split(":")
    return datetime(2026, 3, int(day or 24), int(hour), int(minutes), tzinfo=UTC)


def window(
    version: str, opens: str, closes: str | None, trigger: str = "", package: str = "litellm"
) -> Window:
    """One account of when a version could be had, on 24 March 2026."""
    return Window("PyPI", package, version, at(opens), closes and at(closes), trigger)


def scanned(
    paths: Sequence[Path],
    records: Iterable[Affected] = (),
    **question: object,
) -> pl.DataFrame:
    """The rows of a scan for records of litellm, or those given."""
    known = Advisories(tuple(records) or tuple(named(*BAD)))
    return scan.scan(files.found(list(paths)), scan.question(known, **question), folders=paths)


def read_advisories(path: Path) -> Advisories:
    """The advisories of a folder, all of them readable."""
    found = advisories.read(path)
    assert found.unread == ()
    return found


def lock(version: str = "1.82.8", stamp: str = "2026-03-24T10:52:19Z") -> str:
    """A uv.lock of labeling-service, which needs dspy, which needs litellm."""
    hashed = f'wheels = [{{ url = "x", hash = "sha256:aa", upload-time = "{stamp}" }}]\n'
    return (
        'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
        '[[package]]\nname = "labeling-service"\nversion = "0"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "dspy" }]\n'
        '[[package]]\nname = "dspy"\nversion = "3.0"\nsource = { registry = "r" }\n'
        f'dependencies = [{{ name = "litellm" }}]\n{hashed}'
        f'[[package]]\nname = "litellm"\nversion = "{version}"\nsource = {{ registry = "r" }}\n'
        f"{hashed}"
    )


def git(home: Path, *arguments: str, when: str = "24 08:00") -> None:
    stamp = at(when).isoformat()
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@mail.example"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    subprocess.run(
        ["git", "-C", str(home), *arguments],
        check=True,
        capture_output=True,
        env={
            **os.environ,
            **who,
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_DATE": stamp,
            "GIT_CONFIG_GLOBAL": "/dev/null",
        },
    )


def commit(home: Path, when: str, **files: str | None) -> None:
    for name, content in files.items():
        path = home / name.replace("_dot_", ".")
        if content is None:
            path.unlink()
        else:
            path.write_text(content)
    git(home, "add", "-A", when=when)
    git(home, "commit", "--allow-empty", "-m", when, when=when)


SIGNS = (*"'\"#:-{}[]&*|>\\$@=,;% \t\n\a", "a", "0", "é", "\u2028", "\x85", "\ufeff")
WORDS = (
    "${{ ",
    " }}",
    "- ",
    "<<EOF\n",
    "null",
    "[]",
    "{}",
    "-1",
    '""',
    "true",
    "1e999",
    "&a",
    "*a",
)
QUOTES = (("'", '"'), ('"', "'"), ('"', ""), ("'", ""), ("#", "##"), ("# ", ""), (": ", ": '"))


def changed(text: str, dice: random.Random) -> str:
    """A text with one to three changes, as hands, tools and cut connections make them."""
    for _ in range(dice.randint(1, 3)):
        text = _changed(text, dice)
    return text


def _changed(text: str, dice: random.Random) -> str:
    start = dice.randrange(max(len(text), 1))
    end, sign = start + dice.choice((1, 3, 20, 200)), dice.choice((*SIGNS, *WORDS))
    lines = text.split("\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    line = lines[one]
    kinds: tuple[Callable[[], str | dict[int, str]], ...] = (
        lambda: text[:start],  # cut off
        lambda: text[:start] + text[end:],  # a part removed
        lambda: text[:end] + text[start:],  # a part doubled
        lambda: text[:start] + sign + text[start:],  # a word inserted
        lambda: text[:start] + sign + text[start + 1 :],  # a character replaced
        lambda: text[:start] + sign + text[end:],  # a part replaced
        lambda: text.replace("\r", "").replace("\n", "\r\n"),
        lambda: text.replace(*dice.choice(QUOTES), dice.choice((1, -1))),
        lambda: {one: lines[other], other: line},
        lambda: {one: dice.choice((" ", "  ", "    ")) + line},
        lambda: {one: line[dice.choice((1, 2, 4)) :] if line[:1] == " " else line},
        lambda: {one: line.replace("  ", "\t")},
        lambda: {one: dice.choice(("# ", "#", "")) + line + dice.choice((" # later", " \\"))},
    )
    new = dice.choice(kinds)()
    if isinstance(new, dict):
        new = "\n".join(new.get(number, line) for number, line in enumerate(lines))
    return new
