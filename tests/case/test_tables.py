"""What is written in the tables is what is read: own columns, levels, text, line ends and marks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import impact
from impact.base.errors import Fault

FaultsOf = Callable[[Any], tuple[Fault, ...]]


def test_a_column_of_ones_own_is_kept(case_copy: Any) -> None:
    lines = case_copy.lines("windows")
    case_copy.write("windows", [f"{lines[0]},x_note", *(f"{line},mine" for line in lines[1:])])
    windows = impact.load_case(case_copy.folder)["windows"]
    assert windows["x_note"].to_list() == ["mine"] * (len(lines) - 1)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("WHITE", "clear"),
        ("TLP:WHITE", "clear"),
        ("", "clear"),
        ("TLP:CLEAR", "clear"),
        ("TLP:AMBER+STRICT", "amber+strict"),
        ("Green", "green"),
    ],
)
def test_a_tlp_level_is_read_in_each_of_its_spellings(
    case_copy: Any, written: str, read: str
) -> None:
    case_copy.add("entities", "mercor", "tlp", id="odd", tlp=written)
    entities = impact.load_case(case_copy.folder)["entities"]
    assert entities.filter(pl.col("id") == "odd")["tlp"].to_list() == [read]


@pytest.mark.parametrize("text", ["007", "1.10", "10:39", "NO", "1e5", "=1+1", 'a "word", quoted'])
def test_text_stays_text(case_copy: Any, text: str) -> None:
    case_copy.add("entities", "mercor", "name", id="odd", name=text)
    entities = impact.load_case(case_copy.folder)["entities"]
    assert entities.filter(pl.col("id") == "odd")["name"].to_list() == [text]


def test_an_id_may_look_like_a_number(case_copy: Any) -> None:
    case_copy.add("entities", "mercor", "id", id="007")
    case_copy.add("entities", "mercor", "id", id="1.10")
    assert {"007", "1.10"} <= set(impact.load_case(case_copy.folder)["entities"]["id"])


def test_an_empty_number_is_unknown_and_not_0(case_copy: Any) -> None:
    pay = impact.load_case(case_copy.folder)["inputs"].filter(id="pay_low_usd_an_hour")
    assert pay["mode"].to_list() == [None]


def test_a_column_of_earlier_cases_is_passed_over_while_it_is_empty(
    case_copy: Any, faults_of: FaultsOf
) -> None:
    header, first, *rows = case_copy.lines("windows")
    case_copy.write("windows", [f"{header},moves_with", *(f"{row}," for row in (first, *rows))])
    assert "moves_with" not in impact.load_case(case_copy.folder)["windows"].columns
    case_copy.write("windows", [f"{header},moves_with", f"{first},x", *(f"{r}," for r in rows)])
    assert list(map(str, faults_of(case_copy))) == [
        "windows.csv:2 moves_with: is no longer read; empty it"
    ]


def test_settings_are_kept_as_they_are_read(case_copy: Any) -> None:
    path = case_copy.folder / "case.toml"
    text = path.read_text("utf-8").replace('"update"', '" update"')
    text = text.replace('"2026-03-24"', "2026-03-24T10:00:00+02:00")
    path.write_text(f'{text}\nrole = "client "\n', "utf-8")
    case = impact.load_case(case_copy.folder)
    assert (case.event_kind, case.role) == ("update", "client")
    assert case.disclosed_on == "2026-03-24T08:00Z"


@pytest.mark.parametrize(
    "rewrite",
    [
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="byte order mark"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no last line end"),
        pytest.param(
            lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), id="as saved by Excel"
        ),
    ],
)
def test_line_ends_and_marks_change_nothing_that_is_read(
    root: Path, case_copy: Any, rewrite: Callable[[bytes], bytes]
) -> None:
    original = impact.load_case(root / "data" / "cases" / "mercor")
    for path in case_copy.folder.glob("*.*"):
        path.write_bytes(rewrite(path.read_bytes()))
    assert_same_tables(impact.load_case(case_copy.folder), original)


def assert_same_tables(one: impact.Case, other: impact.Case) -> None:
    """Both cases hold the same rows, from the same lines."""
    assert [name for name in one.tables if not one[name].equals(other[name])] == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_are_passed_over_and_still_counted(
    case_copy: Any, faults_of: FaultsOf, end: str
) -> None:
    header, *rows = case_copy.lines("windows")
    text = end.join([header, "", rows[0], "  ", "", *rows[1:], ""])
    case_copy.path("windows").write_bytes(text.encode())
    windows = impact.load_case(case_copy.folder)["windows"]
    assert sorted(windows["file_line"]) == [3, *range(6, 5 + len(rows))]
    where = case_copy.set("windows", "window-1.82.7-report", "tlp", "orange")
    assert [fault.where for fault in faults_of(case_copy)] == [where]
