"""Every CSV is read in one way, whatever program saved it; what could be two things is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import between, fixed, link, loss, written

import impact
from impact.base.errors import BadInput
from impact.base.texts import sheet
from impact.case import decimals, draft, folder, tables, vendors
from impact.case import writer as writing
from impact.case.folder import read_case
from impact.case.schema import TABLES
from impact.stack import installs

INPUTS = {table.name: table for table in TABLES}["inputs"]
HEAD = "id,low,mode,high,shape,parameters,unit,drawn,meaning,basis_kind,basis,authored_on,known_on"
ROW = '"a","{}","{}","{}",pert,"{}",USD,once,x,assumption,y,2026-01-01,2026-01-01'


def numbers(
    tmp_path: Path, sign: str, *cells: str, parameters: str = ""
) -> tuple[list[Any], list[str]]:
    """(low, mode and high as read, faults) of three cells of a file with that separator."""
    path = tmp_path / "inputs.csv"
    row = ROW.format(*cells, parameters).replace(",", sign)
    for cell in (*cells, parameters):  # what stands in a cell stays as it is
        row = row.replace(cell.replace(",", sign), cell) if sign != "," else row
    path.write_text(f"{HEAD.replace(',', sign)}\n{row}\n", "utf-8")
    frame, faults = tables.read(path, INPUTS)
    read = [*frame.select("low", "mode", "high").row(0)] if frame.height else []
    return read, [str(fault) for fault in faults]


@pytest.mark.parametrize("sign", [";", "\t"])
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("20.000", "write 20 or 20000, whichever it is"),
        ("1.250.000", "write 1250000, without separators"),
        ("1.250,5", "write 1250.5, without separators"),
        ("1 000", "write 1000, without separators"),
        ("1'000", "write 1000, without separators"),
        ("1’000,5", "write 1000.5, without separators"),
        ("1\u202f000", "write 1000, without separators"),
        ("40 %", "write 0.4"),
        ("1%", "write 0.01"),
        ("2,5 %", "write 0.025"),
        ("1.5 m", decimals.HOW),
    ],
)
def test_beside_decimal_commas_what_could_be_a_thousand_is_told(
    tmp_path: Path, sign: str, written: str, told: str
) -> None:
    _, faults = numbers(tmp_path, sign, "0,5", written, "9e6")
    assert faults == [f'inputs.csv:2 mode: "{written}" is not a number; {told}']


@pytest.mark.parametrize("written", ["1,250", "1,250,000", "1,250.5", "1 000", "1'000", "0,5"])
def test_in_a_file_of_commas_no_number_has_a_comma(tmp_path: Path, written: str) -> None:
    _, faults = numbers(tmp_path, ",", "0", written, "9e6")
    assert len(faults) == 1
    assert faults[0].startswith(f'inputs.csv:2 mode: "{written}" is not a number; write ')


@pytest.mark.parametrize(
    ("sign", "cells", "read"),
    [
        (";", ("0,5", "1,250", "20"), [0.5, 1.25, 20]),
        (";", ("0.5", "1.250", "20"), [0.5, 1.25, 20]),
        ("\t", ("0,5", "1,250", "2,5e3"), [0.5, 1.25, 2500]),
        (",", ("1.125", "1.25", "2.5"), [1.125, 1.25, 2.5]),
        (",", ("0.5", "1.250", "20.000"), [0.5, 1.25, 20]),
        (",", ("1.125", "1.126", "1.127"), [1.125, 1.126, 1.127]),
    ],
)
def test_another_number_of_the_file_shows_the_decimal_sign(
    tmp_path: Path, sign: str, cells: tuple[str, str, str], read: list[float]
) -> None:
    assert numbers(tmp_path, sign, *cells) == (read, [])


@pytest.mark.parametrize(
    ("sign", "cells"), [(";", ("1", "2", "20.000")), (";", ("0.5", "0,5", "1,250")),
                        (",", ("1", "2", "20.000")), ("\t", ("1", "2", "1,250"))],
)  # fmt: skip
def test_without_one_or_with_both_it_is_never_guessed(
    tmp_path: Path, sign: str, cells: tuple[str, str, str]
) -> None:
    _, faults = numbers(tmp_path, sign, *cells)
    assert [fault.partition(":2 ")[2].partition(":")[0] for fault in faults] == ["high"]
    assert "whichever it is" in faults[0]


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


FORMS: dict[str, Callable[[str], str]] = {
    "semicolons": _semicolons,
    "tabs": _tabs,
    "lone CR": lambda text: text.replace("\n", "\r"),
    "CRLF and BOM": lambda text: "\ufeff" + text.replace("\n", "\r\n"),
    "empty columns": lambda text: "\n".join(f"{line},,," for line in text.splitlines()),
    "empty columns and rows": lambda text: "\n".join(
        f"{line},," for line in [*text.splitlines(), "," * text.partition("\n")[0].count(",")]
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_check_reads_a_case_in_every_form_in_which_it_is_saved(
    case_copy: Any, form: Callable[[str], str]
) -> None:
    mercor = impact.load_case("mercor")
    for path in case_copy.folder.glob("*.csv"):
        path.write_bytes(form(path.read_text("utf-8")).encode())
    done = commands.impact("check", case_copy.folder)
    assert done.returncode == 0
    assert "no faults" in done.stdout
    again = impact.load_case(case_copy.folder)
    for name, frame in mercor.tables.items():
        assert again[name].drop("file_line").equals(frame.drop("file_line")), name


def test_a_column_with_a_value_needs_a_heading(case_copy: Any) -> None:
    lines = case_copy.lines("windows")
    case_copy.write("windows", [f"{lines[0]},", f"{lines[1]},mine", *(f"{x}," for x in lines[2:])])
    _, faults = read_case(case_copy.folder)
    wide = len(case_copy.header("windows"))
    assert list(map(str, faults)) == [
        f"windows.csv:1: column {wide} has no heading and a value in line 2;"
        " give it a heading, or empty it"
    ]


def test_a_cell_of_a_megabyte_is_read_and_a_row_with_one_too_long_is_told(case_copy: Any) -> None:
    long = "x, " * 400_000
    case_copy.add("entities", "mercor", "name", id="odd", name=long)
    assert commands.impact("check", case_copy.folder).returncode == 0
    lines = case_copy.lines("entities")
    case_copy.write("entities", [*lines[:-1], f"{lines[-1]},more"])
    done = commands.impact("check", case_copy.folder)
    assert done.returncode == 2
    assert f"entities.csv:{len(lines)}: has " in done.stderr


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('a,"b', "a quote is not closed; close it"),
        ('a,"b"c', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ('a,5" disk', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ('a, "b"', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ('a,5" and 6"', 'a quote stands inside a cell; quote the whole cell and write " as ""'),
        ("a,b,c", "has 3 cells where the header has 2; quote cells that hold commas"),
        ("a", "has 1 cells where the header has 2; quote cells that hold commas"),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line(row: str, what: str) -> None:
    _, faults = sheet(f"x,y\n1,2\n{row}\n", "f.csv", ("x", "y"))
    assert list(map(str, faults)) == [f"f.csv:3: {what}"]


def test_a_quoted_cell_of_an_inventory_may_have_lines() -> None:
    read, faults = sheet('name,ask\n"A","b\nc"\nD,e\n', "f.csv", ("name",))
    assert (read.rows, faults) == ([(2, ["A", "b\nc"]), (4, ["D", "e"])], [])


# inventories and installs

HEADINGS = draft.headings()


def inventory(tmp_path: Path, text: str) -> tuple[list[vendors.Vendor], list[str]]:
    path = tmp_path / "vendors.csv"
    path.write_text(text, "utf-8")
    return vendors.read(path, HEADINGS)


def test_an_inventory_with_a_comma_too_many_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        inventory(tmp_path, "Vendor,Service,Contact\nAcme, Inc.,Hosting,a@b.example\n")
    assert str(raised.value) == (
        "vendors.csv:2: has 4 cells where the header has 3; quote cells that hold commas"
    )


def test_headings_may_hold_the_sign_that_does_not_part_them(tmp_path: Path) -> None:
    text = "Vendor;Service, primary;Contact, owner, deputy\nAcme;a;b\n"
    listed, unused = inventory(tmp_path, text)
    assert [one.name for one in listed] == ["Acme"]
    assert unused == ["Service, primary", "Contact, owner, deputy"]


@pytest.mark.parametrize("row", ["Acme, Inc.", "Acme;Hosting", "Acme\tHosting"])
def test_a_list_of_names_alone_has_no_second_cell(tmp_path: Path, row: str) -> None:
    with pytest.raises(BadInput, match="has 2 cells where the header has 1"):
        inventory(tmp_path, f"vendor\nOther\n{row}\n")
    assert len(inventory(tmp_path, f'vendor\nOther\n"{row}"\n')[0]) == 2


def test_a_share_under_a_heading_in_per_cent_needs_its_sign(tmp_path: Path) -> None:
    (one,), _ = inventory(tmp_path, "vendor,share %\nA,40 %\n")
    assert one.share == 0.4
    with pytest.raises(BadInput, match=r'"0\.5" is under a heading in % and has no %; write 0'):
        inventory(tmp_path, "vendor,share %\nA,0.5\n")


@pytest.mark.parametrize("form", [_semicolons, _tabs, FORMS["lone CR"], FORMS["empty columns"]])
def test_installs_are_read_in_every_form(tmp_path: Path, form: Callable[[str], str]) -> None:
    path = tmp_path / "ci.csv"
    path.write_bytes(form('when,mode,note\n2026-03-24 11:00 UTC,locked,"a, b"\n').encode())
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
            text = "\ufeff" + re.sub(decimal, r"\1,\2", _semicolons(text))
        (home / path.name).write_text(text, "utf-8")
    (tmp_path / "v.csv").write_text("vendor,share\nAcme,0.125\n")
    done = commands.impact("new", "mine", "--vendors", "v.csv")
    assert done.returncode == 0
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


@pytest.mark.parametrize("name", ["=1+1", "'=1+1", "''=1", "'s-Hertogenbosch", "-5", "'"])
def test_a_view_written_and_read_again_keeps_its_apostrophes(tmp_path: Path, name: str) -> None:
    home = written(tmp_path / "one", [link("event", "a")])
    known = impact.view(impact.load_case(home))
    named = known["entities"].with_columns(name=pl.lit(name))
    text = writing.text(named)
    (tmp_path / "entities.csv").write_text(text, "utf-8")
    entities = {table.name: table for table in TABLES}["entities"]
    frame, faults = tables.read(tmp_path / "entities.csv", entities)
    assert (faults, set(frame["name"])) == ([], {name})


# marks


def test_a_row_without_a_mark_is_of_the_level_of_its_case(tmp_path: Path) -> None:
    inputs = [fixed("open", 1, tlp="clear"), fixed("shut", 1)]
    home = written(tmp_path / "case", [link("event", "a"), link("a", "b")], inputs)
    settings = (home / "case.toml").read_text().replace('tlp = "clear"', 'tlp = "amber"')
    (home / "case.toml").write_text(settings)
    (home / "scenarios.toml").write_text('[scenario.s]\ntitle = "secret"\n')
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


def test_two_cases_in_other_capitals_are_refused_by_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("case-x", "Case-X"):
        written(tmp_path / "data" / "cases" / name, [link("event", "a")])
    with pytest.raises(BadInput, match="Case-X and case-x are two cases, and one folder on many"):
        impact.load_case("case-x")
    assert impact.load_case("data/cases/case-x").id == "tiny"  # a path names one


def test_a_new_case_does_not_take_a_name_in_other_capitals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "data" / "cases" / "Acme", [link("event", "a")])
    done = commands.impact("new", "acme")
    assert done.returncode == 2
    assert "is there already" in done.stderr


def test_scenarios_in_other_capitals_are_told(tmp_path: Path) -> None:
    toml = '[scenario.slow]\ntitle = "a"\n[scenario.Slow]\ntitle = "b"'
    home = written(tmp_path / "case", [link("event", "a")])
    (home / "scenarios.toml").write_text(toml)
    _, faults = read_case(home)
    assert list(map(str, faults)) == [
        'scenarios.toml scenario.Slow: "Slow" is named already, capitals aside; give another name'
    ]


# amounts


def faults_of(tmp_path: Path, *inputs: dict[str, str], arguments: str = "c=cost") -> list[str]:
    home = written(tmp_path / "case", [link("event", "a")], inputs, [loss("l", "a", arguments)])
    return [str(fault) for fault in read_case(home)[1]]


def test_no_number_is_beyond_all_amounts(tmp_path: Path) -> None:
    assert faults_of(tmp_path, between("cost", 1, 1e300, "USD")) == [
        "inputs.csv:2 high: is beyond 1e15; check its zeros"
    ]


def test_no_product_is_beyond_all_amounts(tmp_path: Path) -> None:
    many = fixed("people", 1e9, "person"), fixed("pay", 1e9, "USD/person")
    assert faults_of(tmp_path, *many, arguments="n=people; pay=pay") == [
        "losses.csv:2 arguments: can come to 1e+18; check the inputs and their zeros"
    ]


@pytest.mark.parametrize("unit", ["USD/hour", "hour", "USD*hour", "person"])
@pytest.mark.parametrize("shape", ["fixed", "quantiles", "uniform"])
def test_no_rate_is_below_0(tmp_path: Path, unit: str, shape: str) -> None:
    row = fixed("odd", -1, unit)
    if shape == "quantiles":
        row |= {"mode": "", "shape": shape, "parameters": "0=-1; 1=5"}
    if shape == "uniform":
        row |= {"mode": "", "shape": shape, "low": "-1", "high": "5"}
    (told,) = faults_of(tmp_path, fixed("cost", 1, "USD"), row)
    assert told.endswith(f"is below 0; there is no {unit} below 0")


def test_cover_is_not_below_0(tmp_path: Path) -> None:
    row = loss("l", "a", "c=cost", retention="kept", limit="top")
    inputs = [fixed("cost", 1, "USD"), fixed("kept", -5, "USD"), fixed("top", 5, "USD")]
    home = written(tmp_path / "case", [link("event", "a")], inputs, [row])
    assert [str(fault) for fault in read_case(home)[1]] == [
        'losses.csv:2 retention: "kept" can be below 0; name an amount of cover'
    ]


def test_each_name_of_a_cell_is_told(tmp_path: Path) -> None:
    later = [fixed(name, 1, "USD/person", known_on="2026-02-01") for name in ("one", "two")]
    row = loss("l", "a", "a=one; b=two; n=people")
    inputs = [*later, fixed("people", 1, "person*person/USD")]
    home = written(tmp_path / "case", [link("event", "a")], inputs, [row])
    told = [fault.what.split()[0] for fault in read_case(home)[1] if "later" in fault.what]
    assert told == ['"one"', '"two"']


# parts of a whole


def told_of(case: Any) -> list[str]:
    notes = folder.notes(case.folder, impact.load_case(case.folder))
    return [note for note in notes if "sum" in note]


def test_bands_that_do_not_sum_to_1_are_told_once(case_copy: Any) -> None:
    assert told_of(case_copy) == []
    case_copy.set("inputs", "band_low_share", "mode", "0.505")
    assert told_of(case_copy) == []
    case_copy.set("inputs", "band_low_share", "mode", "0.8")
    (told,) = told_of(case_copy)
    assert told == (
        "losses.csv:2 arguments band: band_high_share, band_low_share, band_mid_share sum to 1.3;"
        " let them sum to 1"
    )


def test_nothing_is_told_of_a_band_alone_or_beside_one_of_unknown_size(tmp_path: Path) -> None:
    shares = [fixed("low", 0.2, "share"), fixed("high", 0.3, "share")]
    shares += [{"id": "odd", "shape": "beta", "parameters": "a=2; b=2", "unit": "share"}]
    inputs = [fixed("people", 5, "person"), fixed("pay", 1, "USD/person"), *shares]
    for names, told in ((["low"], 0), (["low", "high"], 1), (["low", "high", "odd"], 0)):
        losses = [loss(one, "a", f"people=people; band={one}; pay=pay") for one in names]
        home = written(tmp_path / "".join(names), [link("event", "a")], inputs, losses)
        assert len(folder.notes(home, impact.load_case(home))) == told


def test_priors_that_do_not_sum_to_1_are_told(case_copy: Any) -> None:
    rows = impact.load_case("mercor")["judgements"].filter(pl.col("claim").is_null())
    first = rows.filter(stage="access").row(0, named=True)
    case_copy.set("judgements", first["id"], "high", "1")
    case_copy.set("judgements", first["id"], "mode", str(first["mode"] + 0.1))
    (told,) = told_of(case_copy)
    assert "the priors of access sum to 1.1; let them sum to 1" in told


def test_shares_of_one_supply_sum_to_1_at_most(tmp_path: Path) -> None:
    links = [link("event", "v"), link("event", "w")]
    links += [link(name, "a", relation="supplies", share="0.7") for name in ("v", "w")]
    home = written(tmp_path / "case", links)
    assert folder.notes(home, impact.load_case(home)) == [
        "links.csv:4 share: the shares of the supply of a sum to 1.4; let them sum to 1 at most"
    ]
