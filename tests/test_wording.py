"""Words that the pages no longer use stand nowhere: not in data, documents, code or messages."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

GONE = re.compile(
    r"could be had|by which way|bad (?:release|version)|in every draw|hangs (?:on|together)"
    r"|standing moved|behind a fence|no record names|all together|one in twenty is above"
    r"|another user of litellm",
    re.IGNORECASE,
)
DOCUMENTS = re.compile(  # besides, in what a user reads
    r"of the draws|every draw|one in twenty|goes with|standing moved|\borigins?\b|by that day"
    r"|\bclocks?\b|\badmits?\b|\bsupposed\b|\btold\b|% point\b|\bgo on\b"
    r"|(?<!gives )(?<!give )(?<!gave )\bways?\b",
    re.IGNORECASE,
)
KINDS = ("*.py", "*.j2", "*.html", "*.csv", "*.toml", "*.md", "*.ipynb")
TREES = ("impact", "data/cases", "docs", "notebooks")
TEXTS = (  # columns of cases
    *("says", "short", "role", "is", "meaning", "basis", "question", "driver", "duty", "note"),
)


def lines_with(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    """Each line in which a pattern is found, after its file and number."""
    return [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_words_that_are_gone_stand_nowhere(root: Path) -> None:
    files = [path for tree in TREES for kind in KINDS for path in (root / tree).rglob(kind)]
    ours = [path for path in files if not {".ipynb_checkpoints", "locks"} & {*path.parts}]
    assert len(ours) > 100
    assert lines_with(GONE, [*ours, root / "README.md"]) == []


def test_documents_use_the_words_of_the_pages(root: Path) -> None:
    made = {"reference.md", "benchmarks.md"}  # of docstrings, and of measurements
    files = [path for path in (root / "docs").glob("*.md") if path.name not in made]
    assert files
    files += [root / name for name in ("README.md", "CHANGELOG.md", "data/README.md")]
    assert lines_with(DOCUMENTS, files) == []


def test_texts_of_cases_use_the_words_of_the_pages(root: Path) -> None:
    """But for titles of sources, which are theirs."""
    cells = [
        (f"{path.parent.name}/{path.name}:{number} {column}", row[column])
        for path in (root / "data/cases").rglob("*.csv")
        for number, row in enumerate(csv.DictReader(path.read_text("utf-8").splitlines()), 2)
        for column in TEXTS
        if row.get(column)
    ]
    assert len(cells) > 100
    assert [(where, text) for where, text in cells if DOCUMENTS.search(text)] == []
