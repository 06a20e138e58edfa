"""How large it can get: chances to exceed an amount, and a year."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact.answers.answer import Answer, pictures, worded
from impact.answers.text import one_line
from impact.base import words
from impact.base.errors import BadInput
from impact.case import checks
from impact.measures.loss import TOTAL, by_bearer, of_equals, rare_loss_of
from impact.measures.tails import above, ends_at, exceedance_curve
from impact.measures.totals import total_loss
from impact.simulation import Run, simulate_year


def exceedance(run: Run) -> Answer:
    """How likely the loss of all parties together is above an amount.

    Table: see `impact.measures.tails.above`.
    """
    table, points = above(run), exceedance_curve(run)
    rows = table.to_dicts()
    middle = min(rows, key=lambda row: (abs(row["chance"] - 0.5), row["amount_usd"]), default=None)
    marks = [row for row in rows if row in (middle, rows[-1])]

    def draw(said: Any, wide: bool) -> Any:
        texts = [
            {**mark, "text": one_line(said.read_out(mark)), "short": words.chance(mark["chance"])}
            for mark in marks
        ]
        return pictures().curve(points, texts, run.known.currency, wide)

    values = {
        "marks": marks,
        "lost": total_loss(run).any(),
        "unmet": rare_loss_of(run, TOTAL),
        "year": run.over == "year",
        "ends": ends_at(run),
    }
    return worded(run, "exceedance", table, values, draw=draw if points.height else None)


def next_year(run: Run) -> Answer:
    """The loss of a year by bearer: a compound sum over as many such events as the year has.

    Of a run given the event, the year of its view on as many draws; where no rate is known, that it
    is not. Table: `bearer`, `who`, `chance` (of any loss in the year), and the measures of
    `by_bearer`.
    """
    try:
        run = run if run.over == "year" else simulate_year(run.known, run.draws, run.seed)
    except BadInput as error:
        table = pl.DataFrame(schema={"id": pl.String})
        return worded(run, "years", table, {"why": error.faults[0].what})
    found = by_bearer(run).with_columns(id="bearer")
    rows = run.known["losses"]
    mine = (
        rows.filter((pl.col("bearer") == one) | (pl.col("received_by") == one))["id"]
        for one in found["id"]
    )
    found = of_equals(run, found, mine)
    if checks.HERE not in run.known.inputs:  # a rate of any such firm is none of a named one
        found = found.filter(bearer=TOTAL)
    table = found.filter((pl.col("chance") > 0) | pl.col("rare")).sort(
        "mean_usd", "bearer", descending=[True, False], nulls_last=True
    )
    resolved = pl.col("mean_usd").is_not_null() | (pl.col("bearer") == TOTAL)
    values = {
        "why": "",
        "unit": checks.RATE,
        "input": checks.HERE,
        "open": table.filter(~resolved).height,
    }
    return worded(run, "years", table, values, there=True, shown=table.filter(resolved))
