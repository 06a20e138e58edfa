"""A case that was opened and saved in a spreadsheet of any language is read as it was."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

import impact

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
