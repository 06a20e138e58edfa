"""Mutated real files: a reader returns or raises the kit's error, never another, and soon."""

import random
import time
from pathlib import Path

import pytest
from stacks import inventory

from impact.base.errors import BadInput

HERE = Path(__file__).resolve().parents[1] / "assets" / "stack"
FILES = sorted(path for path in HERE.rglob("*") if path.is_file() and path.parent != HERE)
WORDS = (
    "null",
    "[]",
    "{}",
    "-1",
    '""',
    "true",
    "1e999",
    "\n",
    ":",
    "\t",
    "'",
    '"',
    "[",
    "&a",
    "*a",
)
MUTANTS = 60


def mutated(text: str, dice: random.Random) -> str:
    """A text with one to three changes: cut off, a part gone, twice, or replaced by a word."""
    for _ in range(dice.randint(1, 3)):
        start = dice.randrange(max(len(text), 1))
        end = min(len(text), start + dice.choice((1, 5, 40, 400)))
        kind = dice.randrange(5)
        if kind == 0:
            text = text[:start]
        elif kind == 1:
            text = text[:start] + text[end:]
        elif kind == 2:
            text = text[:end] + text[start:]
        elif kind == 3:
            text = text[:start] + dice.choice(WORDS) + text[end:]
        else:
            text = text[:start] + chr(dice.choice((0x2028, 0x85, 0xFEFF, 7))) + text[start:]
    return text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_a_mutant_of_a_real_file_ends_in_an_inventory_or_the_kits_error(path: Path) -> None:
    whole = path.read_text("utf-8")
    dice = random.Random(path.name)
    for number in range(MUTANTS):
        text = mutated(whole, dice)
        start = time.process_time()
        try:
            inventory(text, path.name)
        except BadInput as error:
            told = [fault.where.startswith(path.name) for fault in error.faults]
            assert told == [True], f"mutant {number}"
        assert time.process_time() - start < 5, f"mutant {number}"
