"""One table file into one typed frame, with every fault of the file and the line it stands on.

A row is one line. Text stays text (`007`, `1.10`); empty is unknown and never 0. Typed columns:
number is Float64, time is an instant (see `impact.base.times`), flag is Boolean, `refs`,
`chances` and `arguments` are lists of text, all else is text. `file_line` is the line in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.base.texts import FORMULA, SHOWN, columns, local, sheet
from impact.base.words import count
from impact.case import decimals
from impact.case.schema import TLP, Column, Table

Tables = Mapping[str, pl.DataFrame]  # the typed rows of a case by table
Row = Mapping[str, Any]
MOST_SHOWN = 50  # faults of one kind between the rows of a case
NO_NUMBER = "is not a number"
# What spreadsheets make of `true` and `false` in English, German, French, Italian, Spanish,
# Portuguese, Dutch and Polish.
_TRUE = ("true", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar", "fałsz")
_ID = r"^[a-z0-9][a-z0-9._+-]*$"
_OWN = "x_"  # columns that start so are kept and not read
_GONE = {"moves_with"}  # columns of earlier cases, which are empty by now
_NUMBERS = ("parameters", "quantiles")  # columns of NAME=NUMBER pairs
_PARTED = re.compile("[;=]")
_TIDY = pl.all().str.strip_chars().replace("", None)


def read(path: Path, table: Table, level: str) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults) of a local CSV file. With faults in its form there are no rows.

    Cells are parted by commas, or as a spreadsheet of another language saves them: by semicolons or
    tabs, and then with a decimal comma. A row without a `tlp` is of the `level` of its case.
    """
    found, sign, faults = raw(path, table)
    if not faults:
        found, faults = _with_points(path.name, found, table, sign)
    rows, wrong = typed(found, table, [f"{path.name}:{line}" for line in found["file_line"]], level)
    return rows.clear() if faults else rows, list(dict.fromkeys(faults + wrong))


def read_all(
    folder: Path, declared: Iterable[Table], level: str = TLP[0]
) -> tuple[dict[str, pl.DataFrame], list[Fault]]:
    """(rows by table in key order, faults) of the tables in a folder."""
    found, faults = dict[str, pl.DataFrame](), list[Fault]()
    for table in declared:
        rows, wrong = read(folder / f"{table.name}.csv", table, level)
        found[table.name] = ordered(rows)
        faults += wrong
    return found, faults


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table in key order: by id, then by the day they became known, then by level."""
    rank = pl.col("^tlp$").replace_strict(TLP, range(len(TLP)), default=0)
    return rows.sort("id", "known_on", rank, nulls_last=True)


def raw(path: Path, table: Table) -> tuple[pl.DataFrame, str, list[Fault]]:
    """(cells as text with their `file_line`, separator, faults) of a local CSV file."""
    nothing = pl.DataFrame(schema={"file_line": pl.Int64})
    if not path.exists():
        return nothing, ",", [Fault(path.name, "is missing", "add it with its header line")]
    try:
        read, ragged = sheet(local(path), path.name, table.by_name, one_line=True)
    except BadInput as error:
        return nothing, ",", list(error.faults)
    faults = _header(path.name, read.header, table) if read.header else []
    if faults := faults or ragged:
        return nothing, read.separator, faults
    found = pl.DataFrame(columns(read), schema=dict.fromkeys(read.header, pl.String()))
    lines = pl.Series("file_line", [line for line, _ in read.rows], pl.Int64)
    found = found.with_columns(_TIDY).with_columns(lines)
    faults = [
        Fault(f"{path.name}:{line} {name}", "is no longer read", "empty it")
        for name in _GONE & {*found.columns}
        for line in found.drop_nulls(name)["file_line"]
    ]
    return found, read.separator, faults


def settings(
    blocks: Sequence[tuple[str, Mapping[str, Any]]], table: Table, level: str = TLP[0]
) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults) of blocks of a TOML file, each with its place: a row of the table for each."""
    faults, known, cells = list[Fault](), list(table.by_name), []
    for place, block in blocks:
        cells.append(dict.fromkeys(known, ""))
        for name, value in block.items():
            if name not in known:
                repair = did_you_mean(name, known, "remove it")
                faults.append(Fault(f"{place} {name}", "no such setting", repair))
                continue
            shape, how = _SHAPES.get(table.by_name[name].type, _TEXT)
            if not isinstance(value, shape):
                faults.append(Fault(f"{place} {name}", "is of another kind", how.format(name)))
            else:
                cells[-1][name] = as_text(value)
    found = pl.DataFrame(cells, schema=dict.fromkeys(known, pl.String())).with_columns(_TIDY)
    places = [place for place, _ in blocks]
    rows, wrong = typed(found.with_row_index("file_line"), table, places, level)
    stand, never = pl.Series(places, dtype=pl.String), pl.lit(None, times.INSTANT)
    first = {fault.where: fault for fault in reversed([*faults, *wrong])}  # of each setting
    return rows.with_columns(WRITTEN, place=stand, known_on=never), [*first.values()][::-1]


# What a setting of a type may be in TOML, and how it is written.
_TEXT: tuple[Any, str] = (str, 'write {} = "..."')
_SHAPES: dict[str, tuple[Any, str]] = {
    "table": (dict, "write [{}]"),
    "refs": (list, 'write {} = ["..."]'),
    "time": ((str, date), 'write {} = "2026-04-03"'),
    "choice": ((str, int), 'write {} = "..."'),
}


def as_text(value: object) -> str:
    """A value of TOML as the cell of a table has it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def _with_points(
    file: str, found: pl.DataFrame, table: Table, sign: str
) -> tuple[pl.DataFrame, list[Fault]]:
    """(the table with each number written with a point, a fault for each that can be two).

    Numbers stand in columns of numbers and behind the names of `parameters` and `quantiles`.
    """
    named = [c.name for c in table.columns if c.type == "number" or c.name in _NUMBERS]
    numbers = found.select(name for name in named if name in found.columns)
    parts = {
        part.strip()
        for column in numbers.iter_columns()
        for text in column.drop_nulls().unique()
        for part in _PARTED.split(text)
    }
    sure, doubtful = decimals.sure({part for part in parts if "." in part or "," in part}, sign)
    faults = [
        Fault(f"{file}:{line} {column.name}", f'"{part}" {NO_NUMBER}', decimals.repair(part))
        for column in (numbers.iter_columns() if doubtful else ())
        for line, text in zip(found["file_line"], column, strict=True)
        for part in map(str.strip, _PARTED.split(text or ""))
        if part in doubtful
    ]

    def pointed(text: str) -> str:
        return re.sub("[^;=]+", lambda part: sure.get(part[0].strip(), part[0]), text)

    if sure:
        found = found.with_columns(pl.col(numbers.columns).map_elements(pointed, pl.String))
    return found, faults


def typed(
    raw: pl.DataFrame, table: Table, places: Sequence[str], level: str
) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults): a frame of text, with a `file_line` column, as the table's typed columns.

    `places` say where each row stands, `level` is that of a row without a `tlp`.
    """
    left_out = [c.name for c in table.columns if c.name not in raw.columns]
    raw = raw.with_columns(pl.lit(None, pl.String).alias(name) for name in left_out)
    read, checks = list[pl.Expr](), list[tuple[str, pl.Expr, str, Repair]]()
    for column in table.columns:
        name, text = column.name, pl.col(column.name)
        value, wrong, what, repair = _reading(raw[name], column, level)
        read.append(value.alias(name))
        checks.append((name, text.is_not_null() & wrong, what, repair))
        if column.required:
            checks.append((name, text.is_null(), "is empty", f"fill it in: {column.meaning}"))
    faults = list[Fault]()
    found = raw.select(wrong.alias(str(at)) for at, (_, wrong, _, _) in enumerate(checks))
    for (name, _, what, repair), cells in zip(checks, found, strict=True):
        told = [(places[at], raw[name][at]) for at in cells.arg_true()]
        faults += _cell_faults(name, told, what, repair)
    own = [name for name in raw.columns if name.startswith(_OWN)]
    return raw.select(*read, *own, "file_line"), faults


def level(text: str, where: str = "tlp") -> str:
    """A TLP level as the tables write it; `WHITE`, its name before 2.0, reads as clear."""
    plain = text.strip().lower().removeprefix("tlp:")
    plain = "clear" if plain == "white" else plain
    if plain not in TLP:
        raise bad(where, f'"{text}" is no TLP level', one_of(TLP, plain))
    return plain


def one_of(allowed: Sequence[str], text: str) -> str:
    """How to write what is not one of the texts that are allowed: the nearest one, and all."""
    near = did_you_mean(text.lower().removeprefix("tlp:"), allowed, "")
    return f"{near} one of {', '.join(allowed)}".strip()


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each id, of equally new ones the highest level; rows are in key order."""
    return rows.filter((pl.col("id") != pl.col("id").shift(-1)).fill_null(True))


def by_id(rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows by id; of several of one id the last."""
    return {row["id"]: row for row in rows.iter_rows(named=True)}


def standing(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each id that is not withdrawn; rows are in key order."""
    return newest(rows).filter(~pl.col("withdrawn"))


def faults_of(rows: pl.DataFrame, where: str, what: str, repair: str) -> Iterator[Fault]:
    """A fault for each of the first rows, whose cells the three texts name in {braces}."""
    for row in rows[:MOST_SHOWN].with_columns(WRITTEN).iter_rows(named=True):
        yield Fault(where.format_map(row), what.format_map(row), repair.format_map(row))


def second(column: str) -> pl.Expr:
    """The whole second of a time: what is known by another is asked of it."""
    return pl.col(column).dt.truncate("1s")


WRITTEN = pl.col(times.INSTANT).map_elements(times.as_text, pl.String)


def _header(file: str, names: Sequence[str], table: Table) -> list[Fault]:
    faults = [
        Fault(f"{file}:1 {name}", "stands twice in the header", "keep one of them")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    keep = "start its name with x_ to keep it"
    faults += [
        Fault(f"{file}:1 {name}", "no such column", did_you_mean(name, list(table.by_name), keep))
        for name in names
        if name not in {*table.by_name, *_GONE} and not name.startswith(_OWN)
    ]
    faults += [
        Fault(f"{file}:1", f"the column {column.name} is missing", f"add it: {column.meaning}")
        for column in table.columns
        if column.required and column.name not in names
    ]
    return faults


Repair = str | Callable[[str], str]  # how to write a cell, or a function of it that says how


def _reading(
    written: pl.Series, column: Column, level: str
) -> tuple[pl.Expr, pl.Expr, str, Repair]:
    """(typed, wrong where there is text, what, repair of a text) of one column of text."""
    text = pl.col(column.name)
    match column.type:
        case "number":
            number = text.cast(pl.Float64, strict=False)
            return number, ~number.is_finite().fill_null(False), NO_NUMBER, decimals.repair
        case "time":
            read = times.parse_column(written)
            return pl.lit(read[0]), pl.lit(read[1]), times.NO_DATE, times.repair
        case "flag":
            lower = text.str.to_lowercase()
            wrong, told = ~lower.is_in([*_TRUE, *_FALSE]), "is neither true nor false"
            return lower.is_in(_TRUE).fill_null(False), wrong, told, "write true or leave it empty"
        case "choice":
            if column.name == "tlp":
                text = text.str.to_lowercase().str.strip_prefix("tlp:")
                text = text.replace("white", "clear").fill_null(level)
            wrong = ~text.is_in(column.allowed)
            return text, wrong, "is not allowed", partial(one_of, column.allowed)
        case "id" | "ref":
            repair = "use a-z, 0-9 and . _ + -"
            return text, ~text.str.contains(_ID), "is not a bare name", repair
        case "refs" | "chances" | "arguments":
            item = pl.element().str.strip_chars()
            text = text.fill_null("").str.split(";").list.eval(item.filter(item != ""))
    return text, pl.lit(False), "", ""


def _cell_faults(
    column: str, cells: Sequence[tuple[str, str | None]], what: str, repair: Repair
) -> Iterator[Fault]:
    """A fault for each of the first cells (place, text) that are wrong, and one for the others."""
    for place, text in cells[:SHOWN]:
        full = what if text is None else f'"{text[:60]}" {what}'
        advice = repair if isinstance(repair, str) else repair(text or "")
        yield Fault(f"{place} {column}", full, advice)
    if more := cells[SHOWN:]:
        advice = repair if isinstance(repair, str) else repair("")
        file = more[0][0].partition(":")[0]
        yield Fault(f"{file} {column}", f"and {count(len(more), 'more row')}", advice)


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before texts that a spreadsheet would read as a formula.

    One more stands before texts that begin with such a guard themselves, so that what `read` takes
    away is what was put there. Columns of numbers stay as they are (OWASP, "CSV injection").
    """
    return rows.with_columns(pl.col(pl.String).str.replace(f"^('*{FORMULA})", "'${1}"))
