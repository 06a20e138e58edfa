"""What depends on one supplier, and where the chain could have been broken."""

from __future__ import annotations

import polars as pl

from impact.answers.answer import Answer, Figure, pictures, worded
from impact.base import words
from impact.measures.evidence import names
from impact.measures.suppliers import failures, herfindahl, parties, steps_saved
from impact.simulation import Run


def suppliers(run: Run) -> Answer:
    """What would follow if one supplier alone failed, and which step decided who was reached.

    Table: see `failures` of `impact.measures.suppliers`; figures `saved.STEP` are of `steps_saved`.
    """
    known, table, steps = run.known, failures(run), steps_saved(run).to_dicts()
    label, hollow = pl.col("id").replace(names(known)), ~pl.col("reported")
    drawn = table.filter(pl.col("mean_usd") > 0, pl.col("high").is_not_null()).select(
        "low", "high", label=label, mean="mean_usd", hollow=hollow
    )
    values = {
        "indices": herfindahl(known),
        "steps": steps,
        "ends": len(parties(run)),
    }
    rows = table.to_dicts()
    figures = []
    for name, column, counts in (("parties_alone", "parties", rows), ("saved", "saved", steps)):
        for row in counts:
            value, error = row[column], row[f"{column}_error"]
            told = words.number(value, 2)
            figures.append(Figure(f"{name}.{row['id']}", value, error, "count", told))
    return worded(
        run,
        "suppliers",
        table,
        values,
        figures,
        (lambda _, wide: pictures().spans(drawn, known.currency, wide)) if drawn.height else None,
        there=bool(rows or steps),
    )
