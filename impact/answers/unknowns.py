"""Which question to ask first, and what nobody has said."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from impact.answers.answer import Answer, figure, pictures, worded
from impact.measures.loss import is_assumed, shares_where
from impact.measures.questions import LEAST, ranking
from impact.measures.standing import UNSAID
from impact.measures.totals import total_loss
from impact.simulation import Run


def unknowns(run: Run, most: int | None = None) -> Answer:
    """The questions that would settle most, the first one first; all of them, or the first `most`.

    All of them with what the kit assumes until they are answered, and with who has not said.
    Table: see `impact.measures.questions.ranking`.
    """
    ranked, known = ranking(run), run.known
    table = ranked.head(most or ranked.height)
    drawn = ranked.filter(pl.max_horizontal("data_share", "cost_share") >= LEAST).to_dicts()

    inputs = [row for name, row in known.inputs.items() if name in run.model.used]
    guessed, total = [row for row in inputs if is_assumed(row)], total_loss(run)[None]
    unsaid = known["claims"].filter(pl.col("stance").is_in(UNSAID)).sort("known_on", "id")
    mute = unsaid.to_dicts()
    values = {
        "short": most is not None,
        "guessed": guessed,
        "on_classes": shares_where(run, total, lambda r: is_assumed(r) and bool(r["reference"]))[0],
        "on_bare": shares_where(run, total, lambda r: is_assumed(r) and not r["reference"])[0],
        "inputs": len(inputs),
        "later": sum(
            (row["authored_on"] or row["known_on"]) > row["known_on"] + timedelta(days=1)
            for row in guessed
        ),
        "quiet": {one["claimant"]: one["id"] for one in mute if one["stance"] == "is silent"},
        "asked": [one["id"] for one in mute if one["stance"] == "is asked"],
    }
    money = known.currency
    units = {"data_share": "share", "cost_share": "share", "value_usd": money, "swing_usd": money}
    figures = [
        figure(f"{part}.{row['id']}", row[part], unit)
        for part, unit in units.items()
        for row in table.iter_rows(named=True)
    ]
    several = len(drawn) > 1
    return worded(
        run,
        "unknowns",
        table,
        values,
        figures,
        (lambda said, wide: pictures().panels(said.panels, drawn, wide)) if several else None,
        there=bool(table.height or (inputs and not most)),
        pictured=bool(most) and several,
    )
