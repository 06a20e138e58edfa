"""Results and rows as CSV and Parquet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import commands
import polars as pl
import pytest

import impact
from impact import answers as questions
from impact.base.errors import BadInput
from impact.reports import export
from notebooks import DRAWS, case_of


def exported(case: impact.Case, home: Path, **view: str) -> dict[str, int]:
    run = impact.simulate(impact.view(case, **view), DRAWS)
    return export.write(run, questions.answers(run), home)


def test_results_are_the_figures_of_the_answers(small: impact.Case, tmp_path: Path) -> None:
    exported(small, tmp_path, scenario="worse", as_of="2026-03-01")
    rows = pl.read_parquet(tmp_path / "answers.parquet")
    known = impact.view(small, "worse", "2026-03-01")
    losses = impact.losses(impact.simulate(known, DRAWS))
    found = rows.filter(pl.col("answer") == "losses").select("name", "value", "text")
    assert found.rows() == [(f.name, f.value, f.text) for f in losses.figures]
    said = set(rows.select("case", "scenario", "as_of", "tlp", "draws", "seed").rows())
    assert said == {("tiny", "worse", "2026-03-01", "clear", DRAWS, 1)}
    shown = list(csv.DictReader((tmp_path / "answers.csv").read_text("utf-8").splitlines()))
    assert [float(row["value"]) for row in shown if row["value"]] == pytest.approx(
        rows["value"].drop_nulls().to_list()
    )


def test_counts_are_those_of_the_view_in_every_export(tmp_path: Path) -> None:
    """One query for all: a filter gives equal numbers of rows wherever they are counted."""
    case = impact.load_case("mercor")
    for day in ("2026-04-01", ""):
        known = impact.view(case, as_of=day)
        told = exported(case, tmp_path / f"out{day}", as_of=day)
        del told["answers.csv"]
        assert told == {f"{name}.csv": known[name].height for name in known.tables}
        words = ("--to", "stix", tmp_path / "x.json", "--as-of", day)
        bundle = commands.impact("export", "mercor", *words)
        assert bundle.returncode == 0
        ids = {o["id"] for o in json.loads((tmp_path / "x.json").read_text("utf-8"))["objects"]}
        sources = sum(known["sources"]["reliability"].is_not_null())
        assert len(ids) > sources


def test_no_cell_of_an_export_is_a_formula(tmp_path: Path) -> None:
    evil = {"id": "evil", "name": "=cmd()", "kind": "client", "role": '@SUM(A1),"x"'}
    case = impact.load_case(case_of(tmp_path / "tiny", entities=[evil]))
    exported(case, tmp_path / "out")
    cells = [
        (path.name, cell)
        for path in (tmp_path / "out").glob("*.csv")
        for row in csv.reader(path.read_text("utf-8").splitlines())
        for cell in row
    ]
    assert ("entities.csv", "'=cmd()") in cells
    assert not [at for at in cells if at[1][:1] in "=@\t\r" and at[1]]
    numbers = pl.read_csv(tmp_path / "out" / "inputs.csv")
    assert numbers.schema["mode"] == pl.Float64


def test_a_case_is_not_overwritten(small: impact.Case, tmp_path: Path) -> None:
    home = case_of(tmp_path / "mine")
    before = (home / "inputs.csv").read_bytes()
    with pytest.raises(BadInput, match="is a case, which would be overwritten"):
        exported(small, home)
    assert (home / "inputs.csv").read_bytes() == before


@pytest.mark.parametrize(("kind", "exists"), [("csv", "file"), ("stix", "folder")])
def test_a_path_of_the_wrong_kind_is_a_line(tmp_path: Path, kind: str, exists: str) -> None:
    path = tmp_path / "x"
    path.mkdir() if exists == "folder" else path.write_text("", "utf-8")
    done = commands.impact("export", "mercor", "--to", kind, path)
    assert done.returncode == 2
    assert "name a file for stix, a folder for csv" in done.stderr


def test_a_path_that_no_disk_takes_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    for words in (("export", "mercor", "--to", "csv"), ("report", "mercor", "--out")):
        done = commands.impact(*words, path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"{path}: File name too long; check path, rights and room\n"
