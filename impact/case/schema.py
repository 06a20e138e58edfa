"""The case format as data: `schema.csv` declares every table and column and what it means.

The reader, the checks, the data dictionary (`data/README.md`) and `datapackage.json` come from it.
A line without a column says what a row of the table is; those of table `*` are columns of every
table, `id` the first and the others the last. Types:

- id: lower-case letters, digits and . - _ + ; names one thing in its table
- text, number, flag (true or false; empty is false), choice (one of `allowed`)
- time: a year, a month, a day or a UTC minute; see `impact.base.times`
- ref: an id of the table `refers_to`; refs: several of them, separated by ;
- chances: `certain`, or input names separated by ; each may be `NAME over MINUTES`
- arguments: NAME=INPUT pairs separated by ;

`settings.csv` declares in the same way what `case.toml` and the blocks of `scenarios.toml` may set;
there lists are those of TOML, and a `table` is one of TOML.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SCHEMA_VERSION = 1
SAME_AS = "same_as"  # the predicate of an alias: nothing is merged, that two are one is a claim
# Predicates that take one value for one subject and qualifier: two values are a conflict.
SINGLE_VALUED = (
    "malicious_from",
    "available_minutes",
    "registry",
    "disclosed_on",
    "work_status",
    "leak_status",
    "leak_content",
    "who_was_idled",
    "intruder",
    "extortionist",
    "token_stolen_at",
    "people_affected",
    "organisations_affected",
    "theft_began",
    "theft_ended",
    "payload",
    "position",
    "runs_when",
    "affected_version",
    "counts",
)


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit, what it may hold, and its meaning in a sentence."""

    name: str
    type: str
    required: bool
    unit: str
    allowed: tuple[str, ...]
    refers_to: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One file of a case: its name (without .csv), what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}


def declared(path: Path) -> tuple[Table, ...]:
    """The tables that a file declares: those of a case, or the reference data."""
    rows: dict[str, str] = {}
    columns: dict[str, list[Column]] = {"*": []}
    with path.open(encoding="utf-8", newline="") as file:
        for table, name, kind, required, unit, allowed, to, meaning in [*csv.reader(file)][1:]:
            if name:
                choices = tuple(filter(None, allowed.split("; ")))
                column = Column(name, kind, required == "required", unit, choices, to, meaning)
                columns[table].append(column)
            else:
                rows[table], columns[table] = meaning, []
    first, last = columns["*"][:1], columns["*"][1:]
    return tuple(Table(name, row, (*first, *columns[name], *last)) for name, row in rows.items())


TABLES = declared(Path(__file__).with_suffix(".csv"))
SETTINGS = {table.name: table for table in declared(Path(__file__).with_name("settings.csv"))}
TABLE = {table.name: table for table in TABLES}
TLP = TABLES[0].by_name["tlp"].allowed
BASIS_KINDS = TABLE["inputs"].by_name["basis_kind"].allowed  # strongest first
ADMIRALTY_LETTERS = TABLE["sources"].by_name["reliability"].allowed
ADMIRALTY_NUMBERS = TABLE["claims"].by_name["credibility"].allowed
STAGES = TABLE["claims"].by_name["stage"].allowed
JUDGED = TABLE["judgements"].by_name["stage"].allowed  # for which it is weighed who did it


def highest(levels: Iterable[str]) -> str:
    """The highest of some TLP levels; clear where there are none.

    >>> highest(["green", "clear"])
    'green'
    """
    return max(levels, key=TLP.index, default=TLP[0])


def up_to(level: str) -> tuple[str, ...]:
    """The TLP levels at or below one.

    >>> up_to("green")
    ('clear', 'green')
    """
    return TLP[: TLP.index(level) + 1]
