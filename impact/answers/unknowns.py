"""Which question to ask first, and what nobody has said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from impact.answers.answer import Answer, Facts, worded
from impact.measures.evidence import silences
from impact.measures.loss import is_assumed, shares_where
from impact.measures.questions import LEAST, inputs_used, ranking
from impact.measures.totals import total_loss
from impact.simulation import Run

if TYPE_CHECKING:
    import altair as alt


def unknowns(run: Run, most: int | None = None) -> Answer:
    """The questions that would settle most, the first one first; all of them, or the first `most`.

    All of them with what the kit assumes until they are answered, and with who has not said.
    Table: see `impact.measures.questions.ranking`.
    """
    ranked, known = ranking(run), run.known
    rows, table = ranked.to_dicts(), ranked.head(most) if most else ranked
    drawn = [row for row in rows if max(row["data_share"], row["cost_share"]) >= LEAST]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.panels(said.panels, drawn, wide)

    inputs = [row for name, row in known.inputs.items() if name in inputs_used(known)]
    guessed = [row for row in inputs if is_assumed(row)]
    total = total_loss(run)[None]
    mute = [known.rows("claims")[one] for one in silences(known)]
    values = {
        "short": most is not None,
        "assumed": len(guessed),
        "classed": sum(bool(row["reference"]) for row in guessed),
        "on_classes": shares_where(run, total, lambda row: bool(row["reference"]))[0],
        "on_bare": shares_where(run, total, lambda row: is_assumed(row) and not row["reference"])[
            0
        ],
        "until": {row["question"]: row["basis"] for row in guessed},
        "inputs": len(inputs),
        "later": sum(
            (row["authored_on"] or row["known_on"]) > row["known_on"] + timedelta(days=1)
            for row in guessed
        ),
        "quiet": {one["claimant"]: one["id"] for one in mute if one["stance"] == "is silent"},
        "asked": [one["id"] for one in mute if one["stance"] == "is asked"],
    }
    picture = draw if len(drawn) > 1 else None
    there = bool(rows or (inputs and not most))
    facts = Facts(table, values, (), picture, there, pictured=bool(most))
    return worded(run, "unknowns", facts)


def _bare(row: Mapping[str, Any]) -> bool:
    """Whether an input is an estimate without a reference class."""
    return is_assumed(row) and not row["reference"]
