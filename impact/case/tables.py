"""One table file into one typed frame, with every fault of the file and the line it stands on.

A row is one line. Text stays text (`007`, `1.10`); empty is unknown and never 0. Typed columns:
number is Float64, time is an instant (see `impact.numerics.times`), flag is Boolean, `refs`,
`chances` and `arguments` are lists of text, all else is text. `file_line` is the line in the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from impact.case.schema import TLP, Column, Table
from impact.errors import BadInput, Fault, bad, did_you_mean
from impact.numerics import times
from impact.texts import decoded

SHOWN = 20  # faults shown of one kind in one column, before "and N more"
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# What spreadsheets make of `true` and `false` in English, German, French, Italian, Spanish,
# Portuguese, Dutch and Polish.
_TRUE = ("true", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar", "prawda")
_FALSE = ("false", "falsch", "faux", "falso", "onwaar", "fałsz")
_ID = r"^[a-z0-9][a-z0-9._+-]*$"
_LISTS = ("refs", "chances", "arguments")
_OWN = "x_"  # columns that start so are kept and not read


def dtype(column: Column) -> pl.DataType:
    """The polars type of a column."""
    if column.type in _LISTS:
        return pl.List(pl.String)
    kinds: dict[str, pl.DataType] = {
        "number": pl.Float64(),
        "time": times.INSTANT,
        "flag": pl.Boolean(),
    }
    return kinds.get(column.type, pl.String())


def empty(table: Table) -> pl.DataFrame:
    """A frame of the table's columns and no rows."""
    schema = {column.name: dtype(column) for column in table.columns}
    return pl.DataFrame(schema={**schema, "file_line": pl.Int64()})


def read(path: Path, table: Table) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults) of a local CSV file. With faults in its form there are no rows.

    Cells are parted by commas, or as a spreadsheet of another language saves them: by semicolons or
    tabs, and then with a decimal comma.
    """
    text, faults = read_text(path)
    if faults:
        return empty(table), faults
    text = text.replace("\r\n", "\n").rstrip("\n")
    split = pl.Series("row", [text]).str.split("\n").explode()
    lines = split.to_frame().with_row_index("file_line", 1).cast({"file_line": pl.Int64})
    sign = max(_SEPARATORS, key=lines["row"][0].count)
    header, faults = _header(path.name, lines["row"][0], table, sign)
    rows = lines[1:].filter(pl.col("row").str.strip_chars() != "")
    faults = faults or _ragged(path.name, rows, len(header), sign)
    if faults or not rows.height:
        return empty(table), faults
    whole = rows.height == lines.height - 1  # without blank lines the text can be read as it is
    body = (text.partition("\n")[2] if whole else "\n".join(rows["row"])).encode()
    raw = pl.read_csv(
        io.BytesIO(body), has_header=False, new_columns=header, infer_schema=False, separator=sign
    )
    stripped = pl.all().str.strip_chars().replace("", None)
    if sign != ",":
        numbers = [column.name for column in table.columns if column.type == "number"]
        raw = _with_points(raw, [name for name in numbers if name in header])
    return typed(raw.with_columns(stripped, file_line=rows["file_line"]), table, path.name)


def _with_points(raw: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Numbers with a decimal comma with a point.

    `1,250` could be a thousand: it is read so only where another number of the file cannot be one.
    """
    number = pl.col(names).str.strip_chars()
    either = number.str.contains(r"^-?[1-9]\d{0,2},\d{3}$")
    comma = number.str.contains(r"^-?\d+,\d+$")
    sure = raw.select((comma & ~either).any()).select(pl.any_horizontal(pl.all())).item()
    wanted = comma if sure else comma & ~either
    return raw.with_columns(pl.when(wanted).then(number.str.replace(",", ".")).otherwise(number))


def typed(raw: pl.DataFrame, table: Table, file: str) -> tuple[pl.DataFrame, list[Fault]]:
    """(rows, faults): a frame of text, with a `file_line` column, as the table's typed columns."""
    faults: list[Fault] = []
    columns: list[pl.Series] = []
    for column in table.columns:
        if column.name in raw.columns:
            written = raw[column.name]
        else:
            written = pl.Series([None], dtype=pl.String).new_from_index(0, raw.height)
        series, wrong, what, repair = _convert(written, column)
        faults += _told(file, column.name, raw["file_line"], written, wrong, what, repair)
        if column.required:
            repair = f"fill it in: {column.meaning}"
            faults += _told(
                file, column.name, raw["file_line"], written, written.is_null(), "is empty", repair
            )
        columns.append(series.alias(column.name))
    own = [raw[name] for name in raw.columns if name.startswith(_OWN)]
    return pl.DataFrame([*columns, *own, raw["file_line"]]), faults


def level(text: str, where: str = "tlp") -> str:
    """A TLP level as the tables write it; `WHITE`, its name before 2.0, reads as clear."""
    plain = text.strip().lower().removeprefix("tlp:")
    plain = "clear" if plain == "white" else plain
    if plain not in TLP:
        near = did_you_mean(plain, TLP, "")
        raise bad(where, f'"{text}" is no TLP level', f"{near} one of {', '.join(TLP)}".strip())
    return plain


def read_text(path: Path) -> tuple[str, list[Fault]]:
    """(text, faults) of a UTF-8 file, with or without a byte order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return "", [Fault(path.name, f"cannot be read ({error.strerror})", "check path and rights")]
    try:
        text = decoded(data, path.name)
    except BadInput as error:
        return "", list(error.faults)
    if not text.strip():
        return "", [Fault(path.name, "is empty", "give it a header line or remove the file")]
    return text, []


def _header(file: str, line: str, table: Table, sign: str) -> tuple[list[str], list[Fault]]:
    names = [name.strip() for name in next(csv.reader([line], delimiter=sign), [])]
    faults = [
        Fault(f"{file}:1 {name}", "stands twice in the header", "keep one of them")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    keep = "start its name with x_ to keep it"
    faults += [
        Fault(f"{file}:1 {name}", "no such column", did_you_mean(name, list(table.by_name), keep))
        for name in names
        if name not in table.by_name and not name.startswith(_OWN)
    ]
    faults += [
        Fault(f"{file}:1", f"the column {column.name} is missing", f"add it: {column.meaning}")
        for column in table.columns
        if column.required and column.name not in names
    ]
    return names, faults


def _ragged(file: str, rows: pl.DataFrame, width: int, sign: str) -> list[Fault]:
    cell = rf'(?:"(?:[^"]|"")*"|[^"{sign}]*)'
    wrong = rows.filter(~pl.col("row").str.contains(f"^{cell}(?:{sign}{cell}){{{width - 1}}}$"))
    faults = []
    for line, row in wrong[:SHOWN].select("file_line", "row").iter_rows():
        cells = len(next(csv.reader([row], delimiter=sign)))
        what = f"has {cells} cells where the header has {width}"
        repair = f"quote cells that hold {_SEPARATORS[sign]}"
        if row.count('"') % 2:
            what, repair = "a quote is not closed", "a row is one line"
        elif cells == width or not re.fullmatch(f"{cell}(?:{sign}{cell})*", row):
            what, repair = "a quote stands inside a cell", 'quote the whole cell and write " as ""'
        faults.append(Fault(f"{file}:{line}", what, repair))
    if wrong.height > SHOWN:
        faults.append(Fault(file, f"and {wrong.height - SHOWN} more rows", "see the first ones"))
    return faults


def _convert(written: pl.Series, column: Column) -> tuple[pl.Series, pl.Series, str, str]:
    """(typed, wrong, what, repair) of one column of text."""
    present = written.is_not_null()
    never = pl.Series([False]).new_from_index(0, len(written))
    if column.type == "number":
        number = written.cast(pl.Float64, strict=False)
        wrong = present & ~number.is_finite().fill_null(False)
        return number, wrong, "is not a number", "write 1200.5, without separators or units"
    if column.type == "time":
        instants, wrong = times.parse_column(written)
        return instants, wrong, "is not a date", times.HOW
    if column.type == "flag":
        lower = written.str.to_lowercase()
        wrong = present & ~lower.is_in([*_TRUE, *_FALSE])
        flag = lower.is_in(_TRUE).fill_null(False)
        return flag, wrong, "is neither true nor false", "write true or leave it empty"
    if column.type == "choice":
        value = written
        if column.name == "tlp":
            value = written.str.to_lowercase().str.strip_prefix("tlp:").replace("white", "clear")
            value = value.fill_null("clear")
        wrong = present & ~value.is_in(list(column.allowed))
        return value, wrong, "is not allowed", f"one of {', '.join(column.allowed)}"
    if column.type in ("id", "ref"):
        wrong = present & ~written.str.contains(_ID)
        return written, wrong, "is not a bare name", "use a-z, 0-9 and . _ + -"
    if column.type in _LISTS:
        item = pl.element().str.strip_chars()
        items = written.fill_null("").str.split(";").list.eval(item.filter(item != ""))
        return items, never, "", ""
    return written, never, "", ""


def _told(
    file: str,
    column: str,
    lines: pl.Series,
    written: pl.Series,
    wrong: pl.Series,
    what: str,
    repair: str,
) -> list[Fault]:
    indexes, faults = wrong.arg_true(), []
    for index in indexes[:SHOWN]:
        value, advice = written[index], repair
        if value is not None and repair.startswith("one of "):
            word = value.lower().removeprefix("tlp:")
            near = did_you_mean(word, repair.removeprefix("one of ").split(", "), "")
            advice = f"{near} {repair}".strip()
        said = what if value is None else f'"{value[:60]}" {what}'
        faults.append(Fault(f"{file}:{lines[index]} {column}", said, advice))
    if len(indexes) > SHOWN:
        faults.append(Fault(f"{file} {column}", f"and {len(indexes) - SHOWN} more rows", repair))
    return faults
