"""Words that the pages no longer use stand nowhere: not in data, documents, code or messages."""

from __future__ import annotations

import re
from pathlib import Path

GONE = re.compile(
    r"could be had|by which way|bad (?:release|version)|in every draw|hangs (?:on|together)"
    r"|standing moved|behind a fence|no record names|all together|one in twenty is above"
    r"|another user of litellm",
    re.IGNORECASE,
)
KINDS = ("*.py", "*.j2", "*.html", "*.csv", "*.toml", "*.md", "*.ipynb")
TREES = ("impact", "data/cases", "docs", "notebooks")


def test_words_that_are_gone_stand_nowhere(root: Path) -> None:
    files = [path for tree in TREES for kind in KINDS for path in (root / tree).rglob(kind)]
    files = [path for path in files if ".ipynb_checkpoints" not in path.parts]
    assert len(files) > 100
    found = {
        f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
        for path in [*files, root / "README.md"]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if GONE.search(line) and "/locks/" not in path.as_posix()
    }
    assert sorted(found) == []
