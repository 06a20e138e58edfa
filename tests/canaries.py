"""A case in which every row carries a word of its own, and random markings of its rows.

The ids are those words, so that a reference tells of a row as much as its text does. Its tables,
with short names in place of words, are in `tests/assets/words/`.
"""

import csv
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
from tiny import Row, write

import impact
from impact.case import tables as reading
from impact.case.schema import TABLES, TLP, highest

LEVELS = {table.name: table for table in TABLES}
KEPT = ("unit", "kind", "arguments", "qualifier", "object")  # texts that mean something to the kit
DATED = {table: {"known_on": "2026-02-01"} for table in LEVELS}
WORDS = Path(__file__).parent / "assets" / "words"


def word(table: str, name: str) -> str:
    """The word of a row: its id. The event has none."""
    return name if name == "event" else f"qz{table[:4]}{name}"


def worded(table: str, row: Row) -> Row:
    """A row with the words of the rows that it names, and its own in each of its texts."""
    said = word(table, row["id"])
    found = {**row, "id": said}
    for column in LEVELS[table].columns:
        name, value = column.name, row.get(column.name, "")
        if column.type == "text" and name not in KEPT and not value:
            found[name] = f"{name.title()} {said}"
        elif column.refers_to and value:
            found[name] = "; ".join(word(column.refers_to, part) for part in value.split("; "))
        elif column.type == "chances" and value not in ("", "certain"):
            found[name] = word("inputs", value)
        elif column.type == "arguments" and value:
            pairs = (pair.split("=") for pair in value.split("; "))
            found[name] = "; ".join(f"{part}={word('inputs', of)}" for part, of in pairs)
    own = {
        "entities": ("name", f"Name {said}"),
        "sources": ("url", f"https://news.example/{row['id']}"),
    }
    return found | dict([own[table]] if table in own else [])


def case_of_words(home: Path) -> impact.Case:
    """The case, every row of it with its word in each of its texts."""
    found = {}
    for path in WORDS.glob("*.csv"):
        rows = csv.DictReader(path.read_text("utf-8").splitlines())
        found[path.stem] = [worded(path.stem, row) for row in rows]
    found["entities"].append({"id": "event", "kind": "event", "name": "The event"})
    toml = (WORDS / "scenarios.toml").read_text("utf-8")
    return impact.load_case(write(home, found, toml, DATED))


def references(table: str, row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(table, id) of what a row names."""
    for column in LEVELS[table].columns:
        value = row[column.name]
        found: list[str] = []
        if column.refers_to and value:
            found = value if isinstance(value, list) else [value]
        elif column.type == "chances":
            found = [part for term in value for part in term.split(" over ") if part != "certain"]
        elif column.type == "arguments":
            found = [pair.partition("=")[2].strip() for pair in value]
        yield from ((column.refers_to or "inputs", name) for name in found)


def marked(case: impact.Case, dice: random.Random, ordered: bool) -> impact.Case:
    """The case with random markings of its rows, scenarios and decisions.

    Where they are `ordered`, a row is marked at least as high as all that it names, so that a view
    of a low level lacks nothing that it needs.
    """
    levels = {
        (table, row): dice.choices(TLP, (6, 2, 2, 1, 1))[0]
        for table, frame in case.tables.items()
        for row in frame["id"]
    }
    levels["entities", "event"] = TLP[0]
    named = {
        (table, row["id"]): list(references(table, row))
        for table, frame in case.tables.items()
        for row in frame.iter_rows(named=True)
    }
    moved = ordered
    while moved:
        risen = {
            key: highest([level, *(levels[other] for other in named[key])])
            for key, level in levels.items()
        }
        moved, levels = risen != levels, risen
    tables = {}
    for table, frame in case.tables.items():
        own = pl.Series([levels[table, row] for row in frame["id"]], dtype=pl.String)
        tables[table] = reading.ordered(frame.with_columns(tlp=own))
    mine = dice.choices(TLP, (6, 2, 2, 1, 1), k=8)
    scenarios = {
        name: replace(scenario, tlp=level if name != "baseline" else TLP[0])
        for (name, scenario), level in zip(case.scenarios.items(), mine, strict=False)
    }
    decisions = {
        name: replace(decision, tlp=level)
        for (name, decision), level in zip(case.decisions.items(), mine[4:], strict=False)
    }
    return replace(case, tables=tables, scenarios=scenarios, decisions=decisions, memo={})
