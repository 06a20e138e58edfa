"""Text, CSV and JSON of local files: what they hold, or the fault that says why not."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from impact.base.errors import Fault, bad
from impact.base.words import count

UTF8 = "save the file as UTF-8 text"
SHOWN = 20  # faults shown of one kind, before "and N more"
STAGED = ".writing-"  # how the name of a file begins that is not in its place yet
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# A spreadsheet reads a text as a formula that begins so (OWASP, "CSV injection").
FORMULA = r"[=+\-@\t\r＝＋－＠]"
_GUARDED = re.compile(rf"'+{FORMULA}")
csv.field_size_limit(2**31 - 1)  # else a cell of a megabyte is refused
_SAMPLE = 100  # rows that are looked at to find the separator


def decoded(data: bytes, where: str) -> str:
    """UTF-8 text, with or without a byte order mark; raises BadInput for anything else.

    >>> decoded(b"litellm==1.82.6", "requirements.txt")
    'litellm==1.82.6'
    """
    begin = data[:200]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or 4 * begin.count(0) > len(begin):
        raise bad(where, "is not UTF-8 (it looks like UTF-16)", UTF8)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise bad(f"{where}:{line}", "is not UTF-8", UTF8) from None
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise bad(f"{where}:{line}", "holds a NUL byte", UTF8)
    return text


def local(path: Path) -> str:
    """The text of a file; raises BadInput where it cannot be read or is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        repair = "check path and rights"
        raise bad(path.name, f"cannot be read ({error.strerror})", repair) from None
    return decoded(data, path.name)


def staged(path: Path, data: bytes) -> Path:
    """A synced file of the data beside a path, to be renamed to it; nothing is left on an error."""
    spare = path.with_name(f"{STAGED}{secrets.token_hex(8)}.tmp")
    try:
        with spare.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        spare.unlink(missing_ok=True)
        raise
    return spare


class Sheet(NamedTuple):
    """A CSV: its separator, its headings, and the line and the cells of every row with a value."""

    separator: str
    header: list[str]
    rows: list[tuple[int, list[str]]]


def sheet(
    text: str, where: str, known: Collection[str], one_line: bool = False
) -> tuple[Sheet, list[Fault]]:
    """(sheet, faults) of a CSV as spreadsheets and tools save it; every reader of a CSV asks here.

    Cells are parted by the sign that parts the rows best, `known` being headings in lower case that
    may be there. Lines end as in Unix, Windows or old Macs. Columns without a heading and rows,
    where they are wholly empty, are left out; so is the apostrophe that keeps a spreadsheet from
    reading a text as a formula. A quoted cell may have several lines, unless a row is `one_line`.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    sign = _separator(lines, known)
    header: list[str] | None = None
    rows, faults = list[tuple[int, list[str]]](), list[Fault]()
    for line, row in _records(lines, one_line):
        cells = split(row, sign)
        if isinstance(cells, str):
            inside = 'quote the whole cell and write " as ""'
            repair = inside if cells == _INSIDE else "a row is one line" if one_line else "close it"
            faults.append(Fault(f"{where}:{line}", cells, repair))
        elif not any(map(str.strip, cells)):
            continue
        elif header is None:
            header = [cell.strip() for cell in cells]
        elif len(cells) != len(header):
            what = f"has {count(len(cells), 'cell')} where the header has {len(header)}"
            short = "end it with the empty cells, a separator for each"
            quoted = f"quote cells that hold {SEPARATORS[sign]}"
            repair = short if len(cells) < len(header) else quoted
            faults.append(Fault(f"{where}:{line}", what, repair))
        else:
            rows.append((line, cells))
    if header is None:
        return Sheet(sign, [], []), faults or [Fault(where, "is empty", "give it a header line")]
    if len(faults) > SHOWN:
        more = Fault(where, f"and {count(len(faults) - SHOWN, 'more row')}", "see the first ones")
        faults = [*faults[:SHOWN], more]
    faults = faults or list(_nameless(where, header, rows))
    kept = [at for at, name in enumerate(header) if name]
    rows = [(line, [unguarded(cells[at]) for at in kept]) for line, cells in rows]
    return Sheet(sign, [header[at] for at in kept], rows), faults


def _nameless(where: str, header: list[str], rows: list[tuple[int, list[str]]]) -> Iterator[Fault]:
    """A fault for each column that has a value and no heading."""
    for at, name in enumerate(header):
        line = next((line for line, cells in rows if not name and cells[at].strip()), None)
        if line is not None:
            what = f"column {at + 1} has no heading and a value in line {line}"
            yield Fault(f"{where}:1", what, "give it a heading, or empty it")


def by_line(faults: Collection[Fault]) -> list[Fault]:
    """Faults of one file in the order of their lines; those of the whole file last."""

    def line(fault: Fault) -> float:
        found = re.search(r":(\d+)(?: |$)", fault.where)
        return int(found[1]) if found else math.inf

    return sorted(faults, key=line)


def unguarded(cell: str) -> str:
    """A cell without the apostrophe that guards it from being read as a formula.

    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("'s-Hertogenbosch")
    ('=1+1', "'=1+1", "'s-Hertogenbosch")
    """
    return cell[1:] if cell[:1] == "'" and _GUARDED.match(cell) else cell


_OPEN, _INSIDE = "a quote is not closed", "a quote stands inside a cell"


def split(row: str, sign: str) -> list[str] | str:
    """The cells of a row, or what is wrong with its quotes.

    >>> split('a,"b, c",', ",")
    ['a', 'b, c', '']
    """
    if '"' not in row:
        return row.split(sign)
    try:
        cells = next(csv.reader(io.StringIO(row), delimiter=sign, strict=True))
    except csv.Error as error:
        return _OPEN if "unexpected end" in str(error) else _INSIDE
    cell = rf'(?:"(?:[^"]|"")*+"|[^"\n{sign}]*+)'
    return cells if re.fullmatch(f"{cell}(?:[{sign}]{cell})*+", row) else _INSIDE


def _records(lines: list[str], one_line: bool) -> list[tuple[int, str]]:
    """(line, row) of each row that is not blank; lines inside a quoted cell are one row."""
    found, open_ = list[tuple[int, list[str]]](), False
    for number, line in enumerate(lines, 1):
        if open_:
            found[-1][1].append(line)
        elif line:
            found.append((number, [line]))
        open_ ^= not one_line and line.count('"') % 2 == 1
    return [(number, "\n".join(parts)) for number, parts in found]


def _separator(lines: list[str], known: Collection[str]) -> str:
    """The sign that parts the first rows into most rows as long as the header, with known headings.

    A header of one cell may be one of any separator; it is the one that its rows have most.
    """
    some = [line for line in lines[: 10 * _SAMPLE] if line.strip()][: _SAMPLE + 1]
    header, *rest = some or [""]

    def fits(sign: str) -> tuple[bool, int, int, int]:
        names = split(header, sign)
        if isinstance(names, str) or len(names) == 1:
            return False, 0, 0, sum(row.count(sign) for row in rest)
        even = sum(len(split(row, sign)) == len(names) for row in rest)
        return True, even, sum(name.strip().lower() in known for name in names), len(names)

    return max(SEPARATORS, key=fits)


def columns(read: Sheet) -> dict[str, tuple[str, ...]]:
    """Heading -> the cells below it, in the order of the rows."""
    return {name: tuple(cells[at] for _, cells in read.rows) for at, name in enumerate(read.header)}


def from_json(text: str, **hooks: object) -> object:
    """The data of a JSON text; raises ValueError for what is none.

    `NaN` and `Infinity` are no JSON, and a number beyond all floats would be read as infinite.
    """

    def constant(name: str) -> float:
        raise ValueError(f"{name} is no number of JSON")

    def number(written: str) -> float:
        if math.isinf(found := float(written)):
            raise ValueError(f"{written[:40]} is too large")
        return found

    return json.loads(text, parse_constant=constant, parse_float=number, **hooks)  # type: ignore[arg-type]
