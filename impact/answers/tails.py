"""How large it can get: chances to exceed an amount, and a year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.answers.text import one_line
from impact.base import words
from impact.base.errors import BadInput
from impact.case import checks
from impact.measures.loss import TOTAL, by_bearer, rare_loss_of
from impact.measures.tails import above, ends_at, exceedance_curve
from impact.measures.totals import total_loss
from impact.simulation import Run, simulate_year

if TYPE_CHECKING:
    import altair as alt


def exceedance(run: Run, beside: Run | None = None) -> Answer:
    """How likely the loss of all parties together is above an amount.

    The curve of a run `beside` it is drawn faint behind. Table: see `impact.measures.tails.above`.
    """
    frame, lost = above(run), total_loss(run)
    rows = frame.to_dicts()
    middle = min(rows, key=lambda row: (abs(row["chance"] - 0.5), row["amount_usd"]), default=None)
    marks = [] if middle is None else [middle, *([rows[-1]] if rows[-1] != middle else [])]
    points = exceedance_curve(run)

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        behind = None if beside is None else exceedance_curve(beside)
        texts = [
            {**mark, "text": one_line(said.read_out(mark)), "short": words.chance(mark["chance"])}
            for mark in marks
        ]
        return pictures.curve(points, behind, texts, run.known.currency, wide)

    figures = [
        Figure(
            f"above.{row['id']}",
            row["chance"],
            row["chance_error"],
            "chance",
            words.chance(row["chance"]),
        )
        for row in rows
    ]
    values = {
        "marks": marks,
        "lost": bool(np.any(lost)),
        "unmet": rare_loss_of(run, TOTAL),
        "year": run.over == "year",
        "ends": ends_at(run) > 0,
    }
    picture = draw if rows and points.height else None
    return worded(run, "exceedance", Facts(frame, values, figures, picture, there=bool(rows)))


def _population(run: Run, rate: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """Of what population a yearly rate is, on what it rests, and which share of it is this case."""
    publishers = dict(run.known["sources"].select("id", "publisher").iter_rows())
    rows = (rate, run.known.inputs.get(checks.HERE))
    return [
        {**row, "of": [publishers[name] for name in row["sources"]]} if row else None
        for row in rows
    ]


_NO_YEAR = pl.DataFrame(schema={"id": pl.String})


def next_year(run: Run) -> Answer:
    """The loss of a year by bearer: a compound sum over as many such events as the year has.

    Of a run given the event, the year of its view on as many draws; where no rate is known, that it
    is not. Table: `bearer`, `who`, `chance` (of any loss in the year), and the measures of
    `by_bearer`.
    """
    try:
        run = run if run.over == "year" else simulate_year(run.known, run.draws, run.seed)
    except BadInput as error:
        (fault,) = error.faults
        return worded(run, "years", Facts(_NO_YEAR, {"why": fault.what}, there=False))
    found = by_bearer(run)
    if checks.HERE not in run.known.inputs:  # a rate of any such firm is none of a named one
        found = found.filter(pl.col("bearer") == TOTAL)
    lost = found.filter((pl.col("chance") > 0) | pl.col("rare")).sort(
        "mean_usd", "bearer", descending=[True, False], nulls_last=True
    )
    whole = found.row(by_predicate=pl.col("bearer") == TOTAL, named=True)
    rate = next(row for row in run.known.inputs.values() if row["unit"] == checks.RATE)
    figures = tuple(
        amount(f"year.{row['bearer']}", row["mean_usd"], row["mean_error_usd"], run.known.currency)
        for row in lost.iter_rows(named=True)
    )
    resolved = pl.col("mean_usd").is_not_null() | (pl.col("bearer") == TOTAL)
    values = {
        "why": "",
        "whole": whole,
        "population": _population(run, rate),
        "input": checks.HERE,
        "open": lost.filter(~resolved)["bearer"].to_list(),
    }
    table = lost.with_columns(id="bearer")
    facts = Facts(table, values, figures, shown=table.filter(resolved))
    return worded(run, "years", facts)
