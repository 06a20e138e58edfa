"""Mutated real files: a reader returns or raises the kit's error, never another, and soon."""

import random
import time
from pathlib import Path

import pytest
from stacks import ASSETS, changed, inventory

from impact.base.errors import BadInput

HERE = ASSETS / "stack"
FILES = sorted(path for path in HERE.rglob("*") if path.is_file() and path.parent != HERE)
MUTANTS = 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_a_mutant_of_a_real_file_ends_in_an_inventory_or_the_kits_error(path: Path) -> None:
    whole = path.read_text("utf-8")
    dice = random.Random(path.name)
    for number in range(MUTANTS):
        text = changed(whole, dice)
        start = time.process_time()
        try:
            inventory(text, path.name)
        except BadInput as error:
            told = [fault.where.startswith(path.name) for fault in error.faults]
            assert told == [True], f"mutant {number}"
        assert time.process_time() - start < 5, f"mutant {number}"


@pytest.mark.parametrize("word", ["a-1", "A==", "a.git ", "\\n", "\n", "echo '", ": "])
def test_a_text_of_very_many_like_parts_is_searched_soon(word: str) -> None:
    start = time.process_time()
    inventory(f"#!/bin/sh\npip install x\n{word * 60_000}", "install.sh")
    assert time.process_time() - start < 5  # not a measure: it would be minutes
