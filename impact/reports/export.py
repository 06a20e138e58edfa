"""The results of a view as tables for other tools."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from impact.answers.answer import Answer
from impact.base import times
from impact.base.errors import bad
from impact.case import writer
from impact.case.tables import harmless
from impact.reports import files
from impact.simulation import Run


def results(run: Run, answers: Iterable[Answer]) -> pl.DataFrame:
    """Every figure of the answers to a run, one a row, with the view that it is of.

    Columns `case`, `scenario`, `as_of`, `tlp`, `draws`, `seed`, `answer`, `name`, `value`, `error`,
    `unit` and `text` (as printed).
    """
    known = run.known
    figures = [{"answer": a.name, **vars(figure)} for a in answers for figure in a.figures]
    day = "" if known.as_of is None else times.as_text(known.as_of)
    view: dict[str, Any] = {"case": known.id, "scenario": known.scenario, "as_of": day}
    rows = files.results({"": {"figures": figures}}).drop("notebook")
    view |= {"tlp": known.tlp, "draws": run.draws, "seed": run.seed}
    return rows.select(*(pl.lit(value).alias(name) for name, value in view.items()), pl.all())


def write(run: Run, answers: Iterable[Answer], home: Path) -> dict[str, int]:
    """Write the rows of a view and the answers to it into a folder; file name -> rows written.

    A table a file, as CSV in which no text is read as a formula; the results as Parquet too.
    """
    if (home / "case.toml").exists():
        raise bad(str(home), "is a case, which would be overwritten", "name another folder")
    known = run.known
    found = {table: known[table].select(writer.cells(known[table])) for table in known.tables}
    found[files.RESULTS] = results(run, answers)
    for name, rows in found.items():
        files.write(home / f"{name}.csv", harmless(rows).write_csv())
    buffer = io.BytesIO()
    found[files.RESULTS].write_parquet(buffer)
    files.write(home / f"{files.RESULTS}.parquet", buffer.getvalue())
    return {f"{name}.csv": rows.height for name, rows in found.items()}
