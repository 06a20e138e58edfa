"""A view written as a case folder is the same view when it is read again, and holds no more."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import impact
from impact.base import times
from impact.base.errors import BadInput
from impact.case import folder, tables, writer
from impact.case.schema import TABLES

VIEWS = [
    {},
    {"scenario": "long-pause"},
    {"scenario": "surge-falls", "changes": "pause_weeks=1,2,3"},
    {"as_of": "2026-04-01"},
    {"as_of": "2026-03-24T12:00Z"},
    {"as_of": "1990-01-01"},
]


@pytest.mark.parametrize("view", VIEWS, ids=map(str, VIEWS))
def test_a_written_view_reads_as_itself_and_holds_no_row_of_a_later_day(
    mercor: impact.Case, view: dict[str, str], tmp_path: Path
) -> None:
    known = impact.view(mercor, **view)
    writer.write(known, tmp_path / "mercor")
    case = impact.load_case(tmp_path / "mercor")
    again = impact.view(case, **view)
    assert (case.title, folder.digests(again)) == (known.title, folder.digests(known))
    assert (again.scenarios, again.decisions) == (known.scenarios, known.decisions)
    for name, rows in known.tables.items():
        assert again[name].drop("file_line").equals(rows.drop("file_line")), name
        assert again.ended[name].drop("file_line").equals(known.ended[name].drop("file_line"))
        assert case[name].height == rows.height + known.ended[name].height


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)


@given(
    says=TEXT,
    number=st.floats(allow_nan=False, allow_infinity=False),
    parts=st.lists(TEXT.filter(lambda text: text.strip() and ";" not in text), max_size=3),
)
@example("=1+1", 0.0, ["'=1+1"])
@example("'=1+1", 0.0, ["''=1"])
@example("''=1", 0.0, ["=1+1"])
@example("'s-Hertogenbosch", 0.0, ["-5"])
@example("-5", 0.0, ["'"])
@example("'", 0.0, ["'s-Hertogenbosch"])
def test_any_cell_reads_as_it_was_written(says: str, number: float, parts: list[str]) -> None:
    table = next(table for table in TABLES if table.name == "claims")
    given_cells = {
        "id": "x",
        "says": says.strip() or None,
        "low": number,
        "sources": [part.strip() for part in parts],
        "known_on": times.parse("2026-04"),
        "withdrawn": True,
    }
    nothing = pl.DataFrame(schema={"file_line": pl.Int64})
    schema = tables.typed(nothing, table, [], "clear")[0].drop("file_line").schema
    rows = pl.DataFrame([given_cells], schema=schema)
    with TemporaryDirectory() as home:
        path = Path(home, "claims.csv")
        path.write_text(writer.text(rows), "utf-8")
        again, _ = tables.read(path, table, "clear")
    for name, value in given_cells.items():
        assert again[name].to_list() == [value], name


def test_a_case_is_checked_whatever_else_lies_beside_its_settings(
    mercor: impact.Case, tmp_path: Path
) -> None:
    """A folder with a case.toml is a case, though a view, or somebody's notes, lie in it too."""
    known = impact.view(mercor)
    home = tmp_path / "mercor"
    shutil.copytree(folder.find_case("mercor"), home)
    (home / folder.VIEW).write_text('{"notes": "mine"}')
    assert impact.load_case(home).title == known.title
    writer.write(known, tmp_path / "view")
    shutil.copy(tmp_path / "view" / folder.VIEW, home)
    with (home / "losses.csv").open("a", encoding="utf-8") as stream:
        stream.write("broken,nobody\n")
    with pytest.raises(BadInput):
        impact.load_case(home)


@pytest.mark.parametrize("cut", [None, 0, 12, 1_000, -1])
def test_a_view_without_a_whole_table_is_no_case(
    mercor: impact.Case, tmp_path: Path, cut: int | None
) -> None:
    writer.write(impact.view(mercor), tmp_path / "view")
    path = tmp_path / "view" / f"claims{folder.ARROW}"
    data = path.read_bytes()
    path.unlink()
    if cut is not None:
        path.write_bytes(data[:cut])
    with pytest.raises(BadInput, match=r"is no view of the kit.*; make the report again"):
        impact.load_case(tmp_path / "view")
