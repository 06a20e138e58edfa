"""The results of a view as tables for other tools."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from impact.answers.answer import Answer
from impact.base import times
from impact.base.errors import bad
from impact.case import writer
from impact.reports import files
from impact.simulation import Run


def results(run: Run, answers: Iterable[Answer]) -> pl.DataFrame:
    """Every figure of the answers to a run, one a row, with the view that it is of.

    Columns `case`, `scenario`, `as_of`, `tlp`, `draws`, `seed`, `answer`, `name`, `value`, `error`,
    `unit` and `text` (as printed).
    """
    known = run.known
    figures = [{"answer": a.name, **vars(figure)} for a in answers for figure in a.figures]
    view = {
        "case": known.id,
        "scenario": known.scenario,
        "as_of": times.as_text(known.as_of) if known.as_of else "",
        "tlp": known.tlp,
        "draws": run.draws,
        "seed": run.seed,
    }
    of = [pl.lit(value).alias(name) for name, value in view.items()]
    return files.results({"": {"figures": figures}}).select(*of, pl.exclude("notebook"))


def write(run: Run, answers: Iterable[Answer], home: Path) -> dict[str, int]:
    """Write the rows of a view and the answers to it into a folder; file name -> rows written.

    A table a file, as CSV in which no text is read as a formula; the results as Parquet too.
    """
    if (home / "case.toml").exists():
        raise bad(str(home), "is a case, which would be overwritten", "name another folder")
    tables, found = run.known.tables, results(run, answers)
    rows = {f"{name}.csv": tables[name].height for name in tables}
    cases = {home / f"{name}.csv": writer.text(tables[name]) for name in tables}
    files.write_all([*cases.items(), *files.as_files(home, found).items()])
    return {**rows, f"{files.RESULTS}.csv": found.height}
