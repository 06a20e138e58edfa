"""One table file into one typed frame, with every fault of the file and the line it stands on.

A row is one line. Text stays text (`007`, `1.10`); empty is unknown and never 0. Typed columns:
number is Float64, time is an instant (see `impact.base.times`), flag is Boolean, `refs`,
`chances` and `arguments` are lists of text, all else is text. `file_line` is the line in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.base.texts import FORMULA, SHOWN, columns, local, sheet
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
_TYPES: dict[str, pl.DataType] = {
    "number": pl.Float64(),
    "time": times.INSTANT,
    "flag": pl.Boolean(),
    **dict.fromkeys(("refs", "chances", "arguments"), pl.List(pl.String)),
}
_OWN = "x_"  # columns that start so are kept and not read


def dtype(column: Column) -> pl.DataType:
    """The polars type of a column."""
    return _TYPES.get(column.type, pl.String())


def empty(table: Table) -> pl.DataFrame:
    """A frame of the table's columns and no rows."""
    schema = {column.name: dtype(column) for column in table.columns}
    return pl.DataFrame(schema={**schema, "file_line": pl.Int64()})


def read(path: Path, table: Table, level: str = TLP[0]) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults) of a local CSV file. With faults in its form there are no rows.

    Cells are parted by commas, or as a spreadsheet of another language saves them: by semicolons or
    tabs, and then with a decimal comma. A row without a `tlp` is of the `level` of its case.
    """
    found, sign, faults = raw(path, table)
    if faults or not found.height:
        return empty(table), faults
    numbers = [c.name for c in table.columns if c.type == "number" and c.name in found.columns]
    lists = [
        name
        for name in ("parameters", "quantiles")
        if name in found.columns and name in table.by_name
    ]
    doubtful = set[str]()
    if known := _punctuated(found, numbers, lists):
        sure, doubtful = decimals.sure(known, sign)
        found = _with_points(found, numbers, lists, sure)
    rows, faults = typed(found, table, path.name, level, doubtful)
    for name in lists:
        faults += _doubtful_items(path.name, name, found, doubtful)
    return rows, faults


def raw(path: Path, table: Table) -> tuple[pl.DataFrame, str, list[Fault]]:
    """(cells as text with their `file_line`, separator, faults) of a local CSV file."""
    text, faults = read_text(path)
    nothing = pl.DataFrame(schema={"file_line": pl.Int64})
    if faults:
        return nothing, ",", faults
    read, ragged = sheet(text, path.name, table.by_name, one_line=True)
    faults = _header(path.name, read.header, table) or ragged
    if faults:
        return nothing, read.separator, faults
    cells = [pl.Series(name, each, pl.String) for name, each in columns(read).items()]
    lines = pl.Series("file_line", [line for line, _ in read.rows], pl.Int64)
    stripped = pl.all().str.strip_chars().replace("", None)
    found = pl.DataFrame(cells).with_columns(stripped)
    found = found.with_columns(lines)
    return found, read.separator, _filled(path.name, found)


def _punctuated(found: pl.DataFrame, numbers: Sequence[str], lists: Sequence[str]) -> set[str]:
    """Every text of a table that stands where a number does and holds a point or a comma."""
    cells = {text for name in numbers for text in found[name].drop_nulls().unique()}
    pairs = {text for name in lists for text in found[name].drop_nulls().unique()}
    cells |= {part.strip() for text in pairs for part in re.split("[;=]", text)}
    return {text for text in cells if "." in text or "," in text}


def _with_points(
    found: pl.DataFrame, numbers: Sequence[str], lists: Sequence[str], sure: Mapping[str, str]
) -> pl.DataFrame:
    """The table with each number that is sure as it is written with a point."""
    if not sure:
        return found

    def pairs(text: str) -> str:
        return re.sub("[^;=]+", lambda part: sure.get(part[0].strip(), part[0]), text)

    return found.with_columns(
        *(pl.col(name).replace(sure) for name in numbers),
        *(pl.col(name).map_elements(pairs, pl.String) for name in lists),
    )


def _doubtful_items(
    file: str, name: str, found: pl.DataFrame, doubtful: Collection[str]
) -> list[Fault]:
    """A fault for each NAME=NUMBER pair that can be two numbers."""
    return [
        Fault(f"{file}:{line} {name}", f'"{value}" {NO_NUMBER}', decimals.repair(value))
        for line, text in found.select("file_line", name).drop_nulls().iter_rows()
        for item in text.split(";")
        if (value := item.partition("=")[2].strip()) in doubtful
    ]


def typed(
    raw: pl.DataFrame,
    table: Table,
    file: str,
    level: str = TLP[0],
    doubtful: Collection[str] = (),
) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults): a frame of text, with a `file_line` column, as the table's typed columns.

    `level` is that of a row without a `tlp`; `doubtful` are texts that could be two numbers.
    """
    faults, columns, lines = list[Fault](), list[pl.Series](), raw["file_line"]
    nothing = pl.Series([None] * raw.height, dtype=pl.String)
    for column in table.columns:
        written = raw[column.name] if column.name in raw.columns else nothing
        cells = file, column.name, lines, written
        series, wrong, what, repair = _convert(written, column, level, doubtful)
        faults += _cell_faults(*cells, wrong, what, repair)
        if column.required:
            repair = f"fill it in: {column.meaning}"
            faults += _cell_faults(*cells, written.is_null(), "is empty", repair)
        columns.append(series.alias(column.name))
    own = [raw[name] for name in raw.columns if name.startswith(_OWN)]
    return pl.DataFrame([*columns, *own, lines]), faults


def level(text: str, where: str = "tlp") -> str:
    """A TLP level as the tables write it; `WHITE`, its name before 2.0, reads as clear."""
    plain = text.strip().lower().removeprefix("tlp:")
    plain = "clear" if plain == "white" else plain
    if plain not in TLP:
        raise bad(where, f'"{text}" is no TLP level', _one_of(TLP, plain))
    return plain


def _one_of(allowed: Sequence[str], text: str) -> str:
    """How to write what is not one of the texts that are allowed: the nearest one, and all."""
    near = did_you_mean(text.lower().removeprefix("tlp:"), allowed, "")
    return f"{near} one of {', '.join(allowed)}".strip()


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each id, of equally new ones the highest level; rows are in key order."""
    return rows.filter((pl.col("id") != pl.col("id").shift(-1)).fill_null(True))


def standing(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each id that is not withdrawn; rows are in key order."""
    return newest(rows).filter(~pl.col("withdrawn"))


def faults_of(
    rows: pl.DataFrame, where: str, what: str, repair: str, most: int | None = MOST_SHOWN
) -> Iterator[Fault]:
    """A fault for each of the first rows, whose cells the three texts name in {braces}."""
    for row in rows[:most].iter_rows(named=True):
        yield Fault(where.format_map(row), what.format_map(row), repair.format_map(row))


def as_written(column: str) -> pl.Expr:
    """The times of a column as its file has them."""
    return pl.col(column).map_elements(times.as_text, pl.String)


def read_text(path: Path) -> tuple[str, list[Fault]]:
    """(text, faults) of a UTF-8 file, with or without a byte order mark."""
    try:
        text = local(path)
    except BadInput as error:
        return "", list(error.faults)
    if not text.strip():
        return "", [Fault(path.name, "is empty", "give it a header line or remove the file")]
    return text, []


_GONE = ("moves_with",)  # columns of earlier cases, which must be empty by now


def _filled(file: str, found: pl.DataFrame) -> list[Fault]:
    """Cells of columns that are gone: dropped in silence they would change what a case says."""
    return [
        Fault(f"{file}:{line} {name}", "is no longer read", "empty it: inputs are drawn apart")
        for name in _GONE
        if name in found.columns
        for line in found.filter(pl.col(name).is_not_null())["file_line"]
    ]


def _header(file: str, names: Sequence[str], table: Table) -> list[Fault]:
    faults = [
        Fault(f"{file}:1 {name}", "stands twice in the header", "keep one of them")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    keep = "start its name with x_ to keep it"
    faults += [
        Fault(f"{file}:1 {name}", "no such column", did_you_mean(name, list(table.by_name), keep))
        for name in names
        if name not in (*table.by_name, *_GONE) and not name.startswith(_OWN)
    ]
    faults += [
        Fault(f"{file}:1", f"the column {column.name} is missing", f"add it: {column.meaning}")
        for column in table.columns
        if column.required and column.name not in names
    ]
    return faults


Repair = str | Callable[[str], str]  # how to write a cell, or a function of it that says how


def _convert(
    written: pl.Series, column: Column, level: str, doubtful: Collection[str]
) -> tuple[pl.Series, pl.Series, str, Repair]:
    """(typed, wrong, what, repair) of one column of text."""
    present = written.is_not_null()
    never = pl.Series([False] * len(written), dtype=pl.Boolean)
    match column.type:
        case "number":
            number = written.cast(pl.Float64, strict=False)
            wrong = present & ~number.is_finite().fill_null(False)
            wrong |= present & written.is_in(list(doubtful)) if doubtful else never
            return number, wrong, NO_NUMBER, decimals.repair
        case "time":
            instants, wrong = times.parse_column(written)
            return instants, wrong, times.NO_DATE, times.repair
        case "flag":
            lower = written.str.to_lowercase()
            wrong = present & ~lower.is_in([*_TRUE, *_FALSE])
            flag = lower.is_in(_TRUE).fill_null(False)
            return flag, wrong, "is neither true nor false", "write true or leave it empty"
        case "choice":
            value = written
            if column.name == "tlp":
                value = written.str.to_lowercase().str.strip_prefix("tlp:")
                value = value.replace("white", "clear").fill_null(level)
            wrong = present & ~value.is_in(list(column.allowed))
            return value, wrong, "is not allowed", partial(_one_of, column.allowed)
        case "id" | "ref":
            wrong = present & ~written.str.contains(_ID)
            return written, wrong, "is not a bare name", "use a-z, 0-9 and . _ + -"
        case "refs" | "chances" | "arguments":
            item = pl.element().str.strip_chars()
            items = written.fill_null("").str.split(";").list.eval(item.filter(item != ""))
            return items, never, "", ""
    return written, never, "", ""


def _cell_faults(
    file: str,
    column: str,
    lines: pl.Series,
    written: pl.Series,
    wrong: pl.Series,
    what: str,
    repair: Repair,
) -> list[Fault]:
    """A fault for each of the first cells that are wrong, and one that counts the others."""
    places, faults = wrong.arg_true(), list[Fault]()
    for place in places[:SHOWN]:
        text = written[place]
        full = what if text is None else f'"{text[:60]}" {what}'
        advice = repair if isinstance(repair, str) else repair(text or "")
        faults.append(Fault(f"{file}:{lines[place]} {column}", full, advice))
    if len(places) > SHOWN:
        advice = repair if isinstance(repair, str) else repair("")
        faults.append(Fault(f"{file} {column}", f"and {len(places) - SHOWN} more rows", advice))
    return faults


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before texts that a spreadsheet would read as a formula.

    One more stands before texts that begin with such a guard themselves, so that what `read` takes
    away is what was put there. Columns of numbers stay as they are (OWASP, "CSV injection").
    """
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    return rows.with_columns(
        pl.when(pl.col(name).str.contains(f"^'*{FORMULA}"))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
