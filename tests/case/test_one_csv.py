"""Every CSV is read in one way, whatever program saved it; what could be two things is told."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import commands
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import evidence, fixed, link, listed, loss, written

import impact
from impact.base.errors import BadInput
from impact.base.texts import sheet
from impact.case import decimals, draft, folder, tables, vendors
from impact.case.folder import read_case
from impact.case.schema import TABLES
from impact.stack import installs

INPUTS = {table.name: table for table in TABLES}["inputs"]
ROW = {"id": "a", "shape": "pert", "unit": "USD", "drawn": "once", "meaning": "x"}
ROW |= {"basis_kind": "assumption", "basis": "y"}
ROW |= {"authored_on": "2026-01-01", "known_on": "2026-01-01"}


def numbers(
    tmp_path: Path, sign: str, *cells: str, parameters: str = ""
) -> tuple[list[Any], list[str]]:
    """(low, mode and high as read, faults) of three cells of a file with that separator."""
    row = ROW | dict(zip(("low", "mode", "high"), cells, strict=True)) | {"parameters": parameters}
    path = tmp_path / "inputs.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # marked, as spreadsheets do
        csv.writer(file, delimiter=sign).writerows([row.keys(), row.values()])
    frame, faults = tables.read(path, INPUTS, "clear")
    read = [*frame.select("low", "mode", "high").row(0)] if frame.height else []
    return read, [str(fault) for fault in faults]


SIGNS = {"semicolon": ";", "tab": "\t", "comma": ","}


@pytest.mark.parametrize(
    "row", listed("numbers.csv"), ids=lambda row: " ".join([*row.values()][:4])
)
def test_a_number_is_read_as_the_file_shows_it_or_told_and_never_guessed(
    tmp_path: Path, row: dict[str, str]
) -> None:
    """Where there are decimal commas, what could be a thousand; in a file of commas, any comma."""
    read, faults = numbers(tmp_path, SIGNS[row["sign"]], row["low"], row["mode"], row["high"])
    told = [part.split(": ") for part in row["told"].split(" | ") if part]
    assert faults == [
        f'inputs.csv:2 {column}: "{row[column]}" is not a number; {repair}'
        for column, repair in told
    ]
    assert told or read == [float(value) for value in row["read"].split()]


def test_the_values_of_quantiles_are_numbers_like_all_others(tmp_path: Path) -> None:
    read, faults = numbers(tmp_path, ";", "0,5", "1", "2", parameters="0=1; 0.5=20.000; 1=30,5")
    assert faults == [
        'inputs.csv:2 parameters: "20.000" is not a number; write 20 or 20000, whichever it is'
    ]
    assert read == []
    read, faults = numbers(tmp_path, ";", "0,5", "1", "2", parameters="0=1; 0,5=20,5; 1=30,25")
    assert (read, faults) == ([0.5, 1, 2], [])


@given(st.lists(st.floats(0, 1e9).map(lambda value: float(f"{value:.6g}")), min_size=1))
def test_what_the_kit_writes_is_never_in_doubt(values: list[float]) -> None:
    text = pl.DataFrame({"v": values}).write_csv(include_header=False).split()
    assert decimals.sure(text, ",") == ({}, set())


# forms of files


def _semicolons(text: str) -> str:
    frame = pl.read_csv(text.encode(), infer_schema=False)
    return frame.write_csv(separator=";", quote_style="necessary")


def _tabs(text: str) -> str:
    return pl.read_csv(text.encode(), infer_schema=False).write_csv(separator="\t")


CRLF, MARK = "\r\n", "\ufeff"
FORMS: dict[str, Callable[[str], str]] = {
    "semicolons": _semicolons,
    "semicolons and a mark": lambda text: MARK + _semicolons(text),
    "tabs": _tabs,
    "lone CR": lambda text: text.replace("\n", "\r"),
    "empty columns": lambda text: "\n".join(f"{line},,," for line in text.splitlines()),
    "empty columns and rows": lambda text: "\n".join(
        f"{line},," for line in [*text.splitlines(), "," * text.partition("\n")[0].count(",")]
    ),
}
OF_EVERY_FILE: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", CRLF),
    "a mark": lambda text: MARK + text,
    "CRLF and a mark": lambda text: MARK + text.replace("\n", CRLF),
    "no last line end": lambda text: text.rstrip("\n"),
}


@pytest.mark.parametrize("form", [*FORMS, *OF_EVERY_FILE])
def test_check_reads_a_case_in_every_form_in_which_it_is_saved(
    case_copy: Any, mercor: impact.Case, form: str
) -> None:
    for path in case_copy.folder.glob("*.*" if form in OF_EVERY_FILE else "*.csv"):
        text = (FORMS | OF_EVERY_FILE)[form](path.read_text("utf-8"))
        path.write_bytes(text.encode())
    done = commands.impact("check", case_copy.folder)
    assert done.returncode == 0
    assert "no faults" in done.stdout
    again = impact.load_case(case_copy.folder)
    assert [name for name, frame in mercor.tables.items() if not again[name].equals(frame)] == []


@pytest.mark.parametrize("end", ["\n", CRLF])
def test_blank_lines_are_passed_over_and_still_counted(
    case_copy: Any, faults_of: Any, end: str
) -> None:
    header, *rows = case_copy.lines("windows")
    text = end.join([header, "", rows[0], "  ", "", *rows[1:], ""])
    case_copy.path("windows").write_bytes(text.encode())
    windows = impact.load_case(case_copy.folder)["windows"]
    assert sorted(windows["file_line"]) == [3, *range(6, 5 + len(rows))]
    where = case_copy.set("windows", "window-1.82.7-report", "tlp", "orange")
    assert [fault.where for fault in faults_of(case_copy)] == [where]


def test_a_column_of_ones_own_is_kept(case_copy: Any) -> None:
    header, *rows = case_copy.lines("windows")
    case_copy.write("windows", [f"{header},x_note", *(f"{row},mine" for row in rows)])
    windows = impact.load_case(case_copy.folder)["windows"]
    assert windows["x_note"].to_list() == ["mine"] * len(rows)


def test_a_column_of_earlier_cases_is_passed_over_while_it_is_empty(case_copy: Any) -> None:
    header, first, *rows = case_copy.lines("windows")
    case_copy.write("windows", [f"{header},moves_with", *(f"{row}," for row in (first, *rows))])
    assert "moves_with" not in impact.load_case(case_copy.folder)["windows"].columns
    case_copy.write("windows", [f"{header},moves_with", f"{first},x", *(f"{r}," for r in rows)])
    assert list(map(str, read_case(case_copy.folder)[1])) == [
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


def test_each_name_of_a_cell_is_told(tmp_path: Path) -> None:
    later = [fixed(name, 1, "USD/person", known_on="2026-02-01") for name in ("one", "two")]
    row = loss("l", "a", "a=one; b=two; n=people")
    inputs = [*later, fixed("people", 1, "person*person/USD")]
    home = written(tmp_path / "case", [link("event", "a")], inputs, [row])
    told = [fault.what.split()[0] for fault in read_case(home)[1] if "later" in fault.what]
    assert told == ['"one"', '"two"']


def test_a_column_with_a_value_needs_a_heading(case_copy: Any) -> None:
    header, first, *rows = case_copy.lines("windows")
    case_copy.write("windows", [f"{header},", f"{first},mine", *(f"{row}," for row in rows)])
    _, (fault,) = read_case(case_copy.folder)
    assert str(fault) == (
        f"windows.csv:1: column {len(case_copy.header('windows'))} has no heading and a value in"
        " line 2; give it a heading, or empty it"
    )


def test_a_cell_is_read_as_it_is_written(case_copy: Any) -> None:
    """Text stays text, an id may look like a number, a level may be spelled in several ways."""
    texts = ["007", "1.10", "10:39", "NO", "1e5", "=1+1", 'a "word", quoted', "x, " * 400_000]
    levels = {"WHITE": "clear", "TLP:WHITE": "clear", "": "clear", "TLP:CLEAR": "clear"}
    levels |= {"TLP:AMBER+STRICT": "amber+strict", "Green": "green"}
    for number, text in enumerate(texts):
        case_copy.add("entities", "mercor", "name", id=f"0{number}.10", name=text)
    for number, level in enumerate(levels):
        case_copy.add("entities", "mercor", "tlp", id=f"{number}", tlp=level)
    case = impact.load_case(case_copy.folder)
    rows = case["entities"].rows_by_key("id", named=True, unique=True)
    assert [rows[f"0{n}.10"]["name"] for n in range(len(texts))] == [*map(str.strip, texts)]
    assert [rows[f"{n}"]["tlp"] for n in range(len(levels))] == [*levels.values()]
    unknown = case["inputs"].filter(id="pay_low_usd_an_hour")
    assert unknown["mode"].to_list() == [None]  # empty, which is not 0
    lines = case_copy.lines("entities")
    case_copy.write("entities", [*lines[:-7], f"{lines[-7]},more"])  # a cell of a megabyte, too
    done = commands.impact("check", case_copy.folder)
    assert done.returncode == 2
    assert f"entities.csv:{len(lines) - 6}: has " in done.stderr


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('a,"b', "a quote is not closed; close it"),
        ('a,"b"c', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ('a,5" disk', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ("a,b,c", "has 3 cells where the header has 2; quote cells that hold commas"),
        (
            "a",
            "has 1 cell where the header has 2; end it with the empty cells, a separator for each",
        ),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line(row: str, what: str) -> None:
    _, faults = sheet(f"x,y\n1,2\n{row}\n", "f.csv", ("x", "y"))
    assert list(map(str, faults)) == [f"f.csv:3: {what}"]


# inventories and installs

HEADINGS = draft.headings()


def inventory(tmp_path: Path, text: str) -> tuple[list[vendors.Vendor], list[str]]:
    path = tmp_path / "vendors.csv"
    path.write_text(text, "utf-8")
    return vendors.read(path, HEADINGS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Vendor,Service,Contact\nAcme, Inc.,Hosting,a@b.example\n",
            ":2: has 4 cells where the header has 3; quote cells that hold commas",
        ),
        ("vendor\nOther\nAcme, Inc.\n", ":3: has 2 cells where the header has 1"),
        ("vendor\nOther\nAcme;Hosting\n", ":3: has 2 cells where the header has 1"),
        ("vendor\nOther\nAcme\tHosting\n", ":3: has 2 cells where the header has 1"),
        (
            "vendor,share %\nA,0.5\n",
            ':2 share: "0.5" is under a heading in % and has no %; write 0',
        ),
    ],
)
def test_an_inventory_that_could_be_two_things_is_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(f"vendors.csv{told}")):
        inventory(tmp_path, text)


@pytest.mark.parametrize("name", ["Acme, Inc.", "Acme;Hosting", "Acme\tHosting"])
def test_a_quoted_cell_of_an_inventory_may_hold_any_sign(tmp_path: Path, name: str) -> None:
    assert len(inventory(tmp_path, f'vendor\nOther\n"{name}"\n')[0]) == 2
    read, faults = sheet('name,ask\n"A","b\nc"\nD,e\n', "f.csv", ("name",))
    assert (read.rows, faults) == ([(2, ["A", "b\nc"]), (4, ["D", "e"])], [])


def test_headings_of_an_inventory_may_hold_a_sign_that_does_not_part_them(tmp_path: Path) -> None:
    text = "Vendor;Service, primary;Contact, owner, deputy\nAcme;a;b\n"
    listed, unused = inventory(tmp_path, text)
    assert [one.name for one in listed] == ["Acme"]
    assert unused == ["Service, primary", "Contact, owner, deputy"]
    assert inventory(tmp_path, "vendor,share %\nA,40 %\n")[0][0].share == 0.4


@pytest.mark.parametrize("form", ["semicolons", "tabs", "lone CR", "empty columns"])
def test_installs_are_read_in_every_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / "ci.csv"
    text = FORMS[form]('when,mode,note\n2026-03-24 11:00 UTC,locked,"a, b"\n')
    path.write_bytes(text.encode())
    (one,) = installs.read(path)
    assert (one.mode, one.begins) == ("locked", one.ends)


def test_a_template_saved_by_a_spreadsheet_makes_the_same_case(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "data" / "cases" / "_template"
    home.mkdir(parents=True)
    for path in (root / "data" / "cases" / "_template").iterdir():
        text = path.read_text("utf-8")
        if path.suffix == ".csv":
            decimal = r"(?<=[;,])(\d+)\.(\d+)(?=[;,])"
            text = MARK + re.sub(decimal, r"\1,\2", _semicolons(text))
        (home / path.name).write_text(text, "utf-8")
    (tmp_path / "v.csv").write_text("vendor,share\nAcme,0.125\n")
    assert commands.impact("new", "mine", "--vendors", "v.csv").returncode == 0
    assert "0,9;0,97" in (home / "inputs.csv").read_text()
    assert impact.load_case("mine")["links"].filter(id="acme-us")["share"].to_list() == [0.125]


# formulas

TEXTS = st.text(st.sampled_from("'=+-@ab \t"), max_size=6).map(str.strip)


@given(st.lists(TEXTS.filter(bool), min_size=1))
def test_a_text_comes_back_as_it_was_exported_however_often(texts: list[str]) -> None:
    frame = pl.DataFrame({"a": texts, "b": "."})
    for _ in range(3):
        exported = tables.harmless(frame).write_csv()
        read, faults = sheet(exported, "f.csv", ("a", "b"))
        assert faults == []
        assert [cells[0] for _, cells in read.rows] == texts
        frame = pl.DataFrame({"a": [cells[0] for _, cells in read.rows], "b": "."})


# marks


def test_a_row_without_a_mark_is_of_the_level_of_its_case(tmp_path: Path) -> None:
    inputs = [fixed("open", 1, tlp="clear"), fixed("shut", 1)]
    toml = '[scenario.s]\ntitle = "secret"'
    links = [link("event", "a"), link("a", "b")]
    home = written(tmp_path / "case", links, inputs, toml=toml, tlp="amber")
    case = impact.load_case(home)
    assert [*case["inputs"]["tlp"], *case["links"]["tlp"]] == ["clear", *["amber"] * 3]
    assert case.scenarios["s"].tlp == "amber"
    assert "s" not in impact.view(case, tlp="green").scenarios
    assert folder.notes(home, case)[0] == (
        "tlp: 3 rows of entities.csv, 2 of links.csv and 1 of inputs.csv have none and are read as"
        " amber, the level of the case; mark those that are of another"
    )


def test_a_table_that_lost_its_marks_beside_marked_rows_is_told(tmp_path: Path) -> None:
    home = written(tmp_path / "case", [link("event", "a")], [fixed("shut", 1, tlp="red")])
    assert folder.notes(home, impact.load_case(home)) == [
        "tlp: 2 rows of entities.csv and 1 of links.csv have none and are read as clear, the level"
        " of the case; mark those that are of another"
    ]


def test_a_row_that_a_lower_mark_gives_away_is_told(case_copy: Any) -> None:
    case_copy.add("entities", "mercor", "tlp", id="odd", tlp="red")
    case_copy.add("entities", "mercor", "tlp", id="odd", tlp="")
    _, faults = read_case(case_copy.folder)
    line = case_copy.line_of("entities", "odd")
    assert list(map(str, faults)) == [
        f'entities.csv:{at} tlp: "{mark}" is not the only mark of these words, see lines'
        f" {line - 1} and {line}; keep the row with the mark that holds"
        for at, mark in ((line, "clear"), (line - 1, "red"))
    ]


# names


def test_a_case_whose_name_differs_in_capitals_alone_is_no_other_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cases = tmp_path / "data" / "cases"
    written(cases / "Acme", [link("event", "a")])
    done = commands.impact("new", "acme")
    assert done.returncode == 2
    assert "is there already" in done.stderr
    for name in ("case-x", "Case-X"):
        written(cases / name, [link("event", "a")])
    with pytest.raises(BadInput, match="Case-X and case-x are two cases, and one folder on many"):
        impact.load_case("case-x")
    assert impact.load_case("data/cases/case-x").id == "tiny"  # a path names one


# parts of a whole


def sums(home: Path) -> list[str]:
    return [note for note in folder.notes(home, impact.load_case(home)) if "sum" in note]


def test_bands_and_priors_that_do_not_sum_to_1_are_told_once(case_copy: Any) -> None:
    assert sums(case_copy.folder) == []
    case_copy.set("inputs", "band_low_share", "mode", "0.505")
    assert sums(case_copy.folder) == []
    case_copy.set("inputs", "band_low_share", "mode", "0.8")
    bands = (
        "losses.csv:2 arguments band: band_high_share, band_low_share, band_mid_share sum to 1.3;"
        " let them sum to 1"
    )
    assert sums(case_copy.folder) == [bands]
    rows = impact.load_case("mercor")["judgements"].filter(pl.col("claim").is_null())
    first = rows.filter(stage="access").row(0, named=True)
    case_copy.set("judgements", first["id"], "high", "1")
    case_copy.set("judgements", first["id"], "mode", str(first["mode"] + 0.1))
    (priors,) = set(sums(case_copy.folder)) - {bands}
    assert "the priors of access sum to 1.1; let them sum to 1" in priors


def test_nothing_is_told_of_a_band_alone_or_beside_one_of_unknown_size(tmp_path: Path) -> None:
    shares = [fixed("low", 0.2, "share"), fixed("high", 0.3, "share")]
    shares += [{"id": "odd", "shape": "beta", "parameters": "a=2; b=2", "unit": "share"}]
    inputs = [fixed("people", 5, "person"), fixed("pay", 1, "USD/person"), *shares]
    for names, told in ((["low"], 0), (["low", "high"], 1), (["low", "high", "odd"], 0)):
        losses = [loss(one, "a", f"people=people; band={one}; pay=pay") for one in names]
        home = written(tmp_path / "".join(names), [link("event", "a")], inputs, losses)
        assert len(folder.notes(home, impact.load_case(home))) == told


def test_shares_of_one_supply_sum_to_1_at_most(tmp_path: Path) -> None:
    links = [link("event", "v"), link("event", "w")]
    links += [link(name, "a", relation="supplies", share="0.7") for name in ("v", "w")]
    home = written(tmp_path / "case", links)
    assert folder.notes(home, impact.load_case(home)) == [
        "links.csv:4 share: the shares of the supply of a sum to 1.4; let them sum to 1 at most"
    ]


def test_an_option_that_costs_what_began_before_it_is_told(case_copy: Any) -> None:
    said = (
        'scenarios.toml decision.client-lab option.pause costs: "anthropic-replacement" rests on'
        " pause_weeks, which began before it is chosen; name another input"
    )
    home = case_copy.folder
    assert not [note for note in folder.notes(home, impact.load_case(home)) if "option" in note]
    rows = impact.load_case(home).rows("losses")["anthropic-replacement"]["arguments"]
    changed = "; ".join(rows).replace("fall_weeks", "pause_weeks")
    case_copy.set("losses", "anthropic-replacement", "arguments", changed)
    assert said in folder.notes(home, impact.load_case(home))


def test_a_day_to_come_and_a_count_that_no_forecast_counts_are_told(tmp_path: Path) -> None:
    """An amount, an organisation without a number's unit, and a count with its status are not."""
    year = datetime.now(UTC).year
    claims = [
        {"id": "late", "stated_on": f"{year + 2}-01-01"},
        {"id": "year", "stated_on": f"{year}"},
        {"id": "bare", "low": "12", "unit": "organisations"},
        {"id": "counted", "low": "12", "unit": "organisations", "status": "hit"},
        {"id": "paid", "low": "12", "unit": "USD"},
    ]
    case = evidence(tmp_path / "case", claims=claims)
    assert [note for note in folder.notes(tmp_path / "case", case) if note[:6] == "claims"] == [
        f"claims.csv:2 stated_on: {year + 2}-01-01 has not come yet; write the day",
        "claims.csv:4 status: is empty, so no forecast counts it; write hit, exposed, claimed or"
        " potential",
    ]
