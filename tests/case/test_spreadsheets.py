"""A case that was opened and saved in a spreadsheet of any language is read as it was."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

import impact
from impact.base.errors import BadInput
from impact.case import tables
from impact.case.folder import read_case
from impact.case.schema import TABLES

NUMBERS = {table.name: table for table in TABLES}["inputs"]
ENGLISH, SEMICOLON, COMMA = 1033, 59, 44
LOCALE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{}</value></prop></item></oor:items>"""


@pytest.fixture(scope="session")
def office() -> str:
    """The path of LibreOffice."""
    if path := shutil.which("soffice"):
        return path
    pytest.skip("LibreOffice is not there (Debian: apt-get install libreoffice-calc-nogui)")


def saved(office: str, folder: Path, home: Path, locale: str, sign: int) -> Path:
    """A copy of a case folder whose tables LibreOffice has opened and saved, cells as shown."""
    user = home / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(LOCALE.format(locale))
    kept = f"csv:Text - txt - csv (StarCalc):{sign},34,76,1,,0,false,true,false,false,false,-1"
    files = sorted(map(str, folder.glob("*.csv")))
    command = [office, "--headless", "--norestore", f"-env:UserInstallation={user.parent.as_uri()}"]
    command += [f"--infilter=CSV:44,34,76,1,,{ENGLISH}", "--convert-to", kept]
    command += ["--outdir", str(home / "out"), *files]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    copy = Path(shutil.copytree(folder, home / "case"))
    for path in (home / "out").iterdir():  # NAME-SHEET.csv
        shutil.move(path, copy / f"{path.stem.partition('-')[0]}.csv")
    return copy


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """A table in which text that looks like a number is one: `434,000` and `0.40` become it."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    number = pl.col(texts).str.replace_all(",", "").cast(pl.Float64, strict=False)
    return frame.drop("file_line").with_columns(
        pl.when(number.is_not_null()).then(number.cast(pl.String)).otherwise(pl.col(texts))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("locale", "sign"), [("en-US", COMMA), ("de-DE", SEMICOLON)])
def test_a_case_opens_in_libreoffice_and_saves_back(
    office: str, root: Path, tmp_path: Path, locale: str, sign: int
) -> None:
    folder = root / "data" / "cases" / "mercor"
    copy = saved(office, folder, tmp_path, locale, sign)
    if locale == "de-DE":
        assert "0,5;0,7" in (copy / "judgements.csv").read_text("utf-8")
        assert "WAHR" in (copy / "windows.csv").read_text("utf-8")
    before, after = impact.load_case(folder), impact.load_case(copy)
    for name in before.tables:
        assert plain(after[name]).equals(plain(before[name])), name


def rows(text: str, tmp_path: Path) -> tuple[pl.DataFrame, list[str]]:
    path = tmp_path / "inputs.csv"
    path.write_text(text, "utf-8-sig")  # with the mark that spreadsheets write
    frame, faults = tables.read(path, NUMBERS)
    return frame, [str(fault) for fault in faults]


HEAD = "id;low;mode;high;shape;unit;drawn;meaning;basis_kind;basis;authored_on;known_on;tlp\n"
ROW = "a;{};{};{};pert;USD;once;x;assumption;y;2026-01-01;2026-01-01;clear\n"


@pytest.mark.parametrize("sign", [";", "\t"])
def test_numbers_have_the_comma_of_the_file(tmp_path: Path, sign: str) -> None:
    text = (HEAD + ROW.format("0,5", "1,250", "2000,75")).replace(";", sign)
    frame, faults = rows(text, tmp_path)
    assert faults == []
    assert frame.select("low", "mode", "high").row(0) == (0.5, 1.25, 2000.75)
    frame, faults = rows((HEAD + ROW.format("1", "2.5", "3")).replace(";", sign), tmp_path)
    assert (faults, frame["mode"][0]) == ([], 2.5)


def test_what_could_be_a_thousand_is_told_and_never_guessed(tmp_path: Path) -> None:
    _, faults = rows(HEAD + ROW.format("1", "1,250", "3.000"), tmp_path)
    assert faults == [
        'inputs.csv:2 mode: "1,250" is not a number; write 1.25 or 1250, whichever it is',
        'inputs.csv:2 high: "3.000" is not a number; write 3 or 3000, whichever it is',
    ]
    _, faults = rows(HEAD + ROW.format("1", "1,250", "high"), tmp_path)
    assert [fault.partition(":")[2] for fault in faults] == [
        '2 mode: "1,250" is not a number; write 1.25 or 1250, whichever it is',
        '2 high: "high" is not a number; write 1200.5, without separators or units',
    ]
    for written in ("1.200,5", "50 %", "$5", "1 200", "=1+1"):
        _, faults = rows(HEAD + ROW.format("0,5", written, "9"), tmp_path)
        assert len(faults) == 1, written
        assert "is not a number" in faults[0]


def test_days_as_a_spreadsheet_may_show_them_are_told(tmp_path: Path) -> None:
    for day in ("24.03.26", "03/24/2026", "24 March 2026"):
        text = (HEAD + ROW.format("1", "2", "3")).replace("2026-01-01;clear", f"{day};clear")
        _, faults = rows(text, tmp_path)
        assert "is not a date; write 2026" in faults[0], day


def test_lists_keep_their_semicolons_in_quotes(root: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(root / "data" / "cases" / "mercor", tmp_path / "mercor"))
    for path in folder.glob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        path.write_text(frame.write_csv(separator=";", quote_style="necessary"), "utf-8-sig")
    loaded, faults = read_case(folder)
    assert faults == []
    assert loaded is not None
    assert (
        loaded["links"]["claims"].to_list()
        == impact.load_case("mercor")["links"]["claims"].to_list()
    )
    (folder / "links.csv").write_text("id;sauce;target\na;b;c\n")
    with pytest.raises(BadInput, match="no such column; did you mean"):
        impact.load_case(folder)
