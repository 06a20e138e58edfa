"""What the tests of cases share: a copy of the bundled case, to be damaged one cell at a time."""

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import impact
from impact.base.errors import BadInput, Fault

MESSAGE = re.compile(r"[^:;]+(:\d+)?( [^:;]+)?: .+; .+", re.DOTALL)


def _row(line: str) -> list[str]:
    return next(csv.reader([line]))


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


class CaseFiles:
    """The files of a case. Each edit of a table says where it was: `links.csv:7 target`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, table: str) -> Path:
        """The file of a table."""
        return self.folder / f"{table}.csv"

    def lines(self, table: str) -> list[str]:
        """The lines of a table, the header first."""
        return self.path(table).read_text("utf-8").splitlines()

    def write(self, table: str, lines: list[str]) -> None:
        """Replace the lines of a table."""
        self.path(table).write_text("\n".join([*lines, ""]), "utf-8")

    def header(self, table: str) -> list[str]:
        """The columns of a table."""
        return _row(self.lines(table)[0])

    def line_of(self, table: str, row: str) -> int:
        """The number of the last line whose id this is."""
        numbers = [n for n, line in enumerate(self.lines(table), 1) if _row(line)[:1] == [row]]
        assert numbers, f"{table}.csv has no row {row}"
        return numbers[-1]

    def cells(self, table: str, row: str) -> dict[str, str]:
        """Column -> cell of a row."""
        line = self.lines(table)[self.line_of(table, row) - 1]
        return dict(zip(self.header(table), _row(line), strict=True))

    def set(self, table: str, row: str, column: str, value: str) -> str:
        """Write one cell of a row."""
        lines, number = self.lines(table), self.line_of(table, row)
        lines[number - 1] = _line([*({**self.cells(table, row), column: value}).values()])
        self.write(table, lines)
        return f"{table}.csv:{number} {column}"

    def add(self, table: str, like: str, column: str, **cells: str) -> str:
        """Add a row like another one, with some cells of its own; says where `column` stands.

        A column that the file leaves out is added to it.
        """
        for new in cells.keys() - {*self.header(table)}:
            self.write(
                table,
                [f"{self.lines(table)[0]},{new}", *(f"{row}," for row in self.lines(table)[1:])],
            )
        wanted = {**self.cells(table, like), **cells}
        return self.append(table, _line([*wanted.values()])) + f" {column}"

    def append(self, table: str, line: str) -> str:
        """Add a line as it is; says on which it stands."""
        lines = [*self.lines(table), line]
        self.write(table, lines)
        return f"{table}.csv:{len(lines)}"

    def rename(self, table: str, column: str, name: str) -> str:
        """Give a column another name."""
        names = [name if old == column else old for old in self.header(table)]
        assert names != self.header(table), f"{table}.csv has no column {column}"
        self.write(table, [_line(names), *self.lines(table)[1:]])
        return f"{table}.csv:1 {name}"

    def drop(self, table: str, column: str) -> str:
        """Take a column out."""
        index = self.header(table).index(column)
        rows = [_row(line) for line in self.lines(table)]
        self.write(table, [_line(row[:index] + row[index + 1 :]) for row in rows])
        return f"{table}.csv:1"

    def recode(self, table: str, encoding: str) -> str:
        """Write a table in another encoding."""
        data = self.path(table).read_text("utf-8").encode(encoding)
        self.path(table).write_bytes(data)
        return f"{table}.csv"

    def settings(self, file: str, text: str, old: str = "") -> None:
        """Put text in place of `old`, or at the end of a TOML file."""
        path = self.folder / file
        before = path.read_text("utf-8")
        assert old in before, f"{file} does not hold {old}"
        after = before.replace(old, text, 1) if old else f"{before}\n{text}\n"
        path.write_text(after, "utf-8")


@pytest.fixture(scope="session")
def mercor() -> impact.Case:
    """The bundled Mercor case."""
    return impact.load_case("mercor")


@pytest.fixture
def case_copy(root: Path, tmp_path: Path) -> CaseFiles:
    """A copy of the bundled Mercor case that a test may change."""
    folder = tmp_path / "mercor"
    shutil.copytree(root / "data" / "cases" / "mercor", folder)
    return CaseFiles(folder)


@pytest.fixture
def faults_of() -> Callable[[CaseFiles], tuple[Fault, ...]]:
    """The faults with which a damaged case is refused, each as `where: what; repair`.

    Faults of a decision refuse the decision alone.
    """

    def refuse(case: CaseFiles) -> tuple[Fault, ...]:
        try:
            unusable = impact.load_case(case.folder).unusable
        except BadInput as refused:
            faults, said = refused.faults, str(refused)
        else:
            said, faults = "", tuple(fault for one in unusable.values() for fault in one.faults)
        assert said in ("", "\n".join(map(str, faults)))
        assert faults, "nothing is refused"
        assert all(MESSAGE.fullmatch(str(fault)) for fault in faults), "\n".join(map(str, faults))
        return faults

    return refuse
