"""The code is as large as it is said to be: tokens of each room, which may only fall unsaid.

Tokens are those of CPython 3.11, where an f-string is one, without comments, docstrings and what
only sets lines apart. A line of tests/assets/budgets.csv has the tokens that a room may have, the
goal that was set for it, and why it is above that; raising one takes its reason there.
"""

from __future__ import annotations

import ast
import csv
import io
import sys
import tokenize
from pathlib import Path

import pytest

LEFT_OUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}
SLACK = 1000  # tokens by which a budget may lie above its room: an addition or two
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def tokens(text: str) -> int:
    """Tokens of a module's code."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, DOCUMENTED)]
    docs = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in nodes
        if ast.get_docstring(node, clean=False) is not None
    }
    found = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(
        one.type not in LEFT_OUT and not (one.type == tokenize.STRING and one.start in docs)
        for one in found
    )


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="tokens are those of CPython 3.11")
def test_no_room_is_larger_than_it_is_said_to_be(root: Path) -> None:
    rooms: dict[str, int] = {}
    for file in (root / "impact").rglob("*.py"):
        room = file.parent.relative_to(root).as_posix()
        rooms[room] = rooms.get(room, 0) + tokens(file.read_text("utf-8"))
    lines = csv.DictReader((root / "tests/assets/budgets.csv").read_text("utf-8").splitlines())
    budgets = {line["room"]: int(line["tokens"]) for line in lines}
    assert rooms.keys() == budgets.keys()
    sizes = {room: f"{n} tokens of {budgets[room]}" for room, n in rooms.items()}
    above = [f"{room}: {sizes[room]}" for room, n in rooms.items() if n > budgets[room]]
    assert above == [], "make it smaller, or raise its line in tests/assets/budgets.csv and say why"
    stale = [f"{room}: {sizes[room]}" for room, n in rooms.items() if budgets[room] - n > SLACK]
    assert stale == [], "it is smaller now: lower its line in tests/assets/budgets.csv"


def test_no_function_is_longer_than_a_screen(root: Path) -> None:
    """Forty lines, its docstring apart."""
    long = []
    for file in (root / "impact").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                first = node.body[0]
                documented = ast.get_docstring(node) is not None
                docs = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
                if (lines := (node.end_lineno or 0) - node.lineno + 1 - docs) > 40:
                    long.append((lines, file.name, node.name))
    assert long == []


def test_comments_and_docstrings_are_not_counted() -> None:
    assert tokens('"""What it does."""\nx = 1  # one\n') == 3
    assert tokens('def f():\n    """Doc."""\n    return "text"\n') == 7
