"""What depends on one supplier, and where the chain could have been broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.base import words
from impact.measures.evidence import names
from impact.measures.suppliers import failures, herfindahl, parties, steps_saved
from impact.simulation import Run

if TYPE_CHECKING:
    import altair as alt


def suppliers(run: Run) -> Answer:
    """What would follow if one supplier alone failed, and which step decided who was reached.

    Table: see `failures` of `impact.measures.suppliers`; figures `saved.STEP` are of `steps_saved`.
    """
    known, frame, steps = run.known, failures(run), steps_saved(run).to_dicts()
    costly, unhit = frame.filter(pl.col("mean_usd") > 0), frame.filter(~pl.col("reported"))["id"]
    no_client = (pl.col("clients").list.len() == 0) & (pl.col("left").list.len() == 0)
    values = {
        "widest": frame.sort("parties", "mean_usd", descending=True).to_dicts()[:1],
        "hit": costly.filter("reported")["id"].to_list(),
        "unhit": unhit.to_list(),
        "others_cost": costly.filter(~pl.col("reported")).height,
        "quiet": frame.filter((pl.col("mean_usd") == 0) & no_client)["id"].to_list(),
        "indices": herfindahl(known),
        "steps": [*steps[:1], *[row for row in steps[1:] if not row["certain"]][:1]],
        "ends": len(parties(run)),
    }
    rows, money = frame.to_dicts(), known.currency
    means = [(f"mean_alone.{r['id']}", r["mean_usd"], r["mean_error_usd"]) for r in rows]
    figures = [amount(*mean, money) for mean in means]
    figures += [*_counts("parties_alone", "parties", rows), *_counts("saved", "saved", steps)]
    drawn = costly.filter(pl.col("high").is_not_null())

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        label, hollow = pl.col("id").replace(names(known)), ~pl.col("reported")
        shown = drawn.select("low", "high", label=label, mean="mean_usd", hollow=hollow)
        return pictures.spans(shown, known.currency, wide)

    there = bool(frame.height or steps)
    facts = Facts(frame, values, figures, draw if drawn.height else None, there=there)
    return worded(run, "suppliers", facts)


def _counts(name: str, column: str, rows: list[dict[str, Any]]) -> list[Figure]:
    return [
        Figure(
            f"{name}.{row['id']}",
            row[column],
            row[f"{column}_error"],
            "count",
            words.number(row[column], 2),
        )
        for row in rows
    ]
