"""The results of a view as tables for other tools."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from impact.answers import (
    attribution,
    clocks,
    comparisons,
    concentration,
    conflicts,
    decisions,
    evidence,
    exposure,
    losses,
    statements,
    tails,
    unknowns,
    weak_points,
)
from impact.case import written
from impact.case.folder import Case
from impact.case.tables import harmless
from impact.errors import bad
from impact.numerics import times
from impact.reports import files
from impact.simulation import simulate

_OF_VIEW = (
    evidence.timeline,
    statements.statements,
    conflicts.conflicts,
    attribution.attribution,
    clocks.duties,
    evidence.sources,
)
_OF_RUN = (
    exposure.exposure,
    weak_points.weak_points,
    concentration.concentration,
    losses.losses,
    tails.itemised,
    tails.exceedance,
    comparisons.compare,
    decisions.decisions,
    unknowns.unknowns,
)


def results(known: Case, draws: int, seed: int) -> pl.DataFrame:
    """Every figure of every answer to a view, one a row, with the view that it is of.

    Columns `case`, `scenario`, `as_of`, `tlp`, `draws`, `seed`, `answer`, `name`, `value`, `error`,
    `unit` and `text` (as printed).
    """
    run = simulate(known, draws, seed)
    answers = [ask(known) for ask in _OF_VIEW] + [ask(run) for ask in _OF_RUN]
    figures = [{"answer": a.name, **vars(figure)} for a in answers for figure in a.figures]
    day = "" if known.as_of is None else times.as_text(known.as_of)
    of = {"case": known.id, "scenario": known.scenario, "as_of": day, "tlp": known.tlp}
    rows = files.results({"": {"figures": figures}}).drop("notebook")
    said = {**of, "draws": draws, "seed": seed}
    return rows.select(*(pl.lit(value).alias(name) for name, value in said.items()), pl.all())


def write(known: Case, draws: int, seed: int, home: Path) -> dict[str, int]:
    """Write the rows of a view and its results into a folder; file name -> rows written.

    A table a file, as CSV in which no text is read as a formula; the results as Parquet too.
    """
    if (home / "case.toml").exists():
        raise bad(str(home), "is a case, which would be overwritten", "name another folder")
    found = {table: known[table].select(written.cells(known[table])) for table in known.tables}
    found[files.RESULTS] = results(known, draws, seed)
    for name, rows in found.items():
        files.write(home / f"{name}.csv", harmless(rows).write_csv())
    buffer = io.BytesIO()
    found[files.RESULTS].write_parquet(buffer)
    files.write(home / f"{files.RESULTS}.parquet", buffer.getvalue())
    return {f"{name}.csv": rows.height for name, rows in found.items()}
