"""What is not known, and which question to ask first."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.evidence import said_by
from impact.answers.exposure import related
from impact.answers.provenance import explained, names
from impact.numerics import graph
from impact.simulation import Run, total

Draws = NDArray[np.float64]


def unknowns(run: Run, most: int | None = None) -> Answer:
    """The questions that would settle most, the first one first; all of them, or the first `most`.

    An input ranks by the greater share that goes with it of the spread of two outcomes: the total
    loss, and how many parties are reached and client data sets copied.

    Table: `rank`, `input`, `question`, `ask`, `cost_share`, `data_share`.
    """
    ranked = _ranking(run)
    frame = ranked.head(most) if most else ranked
    return Answer(
        name="questions",
        sentence=words.capital(first_question(run)),
        table=frame,
        heads={
            "rank": "No.",
            "question": "Question",
            "ask": "Whom to ask",
            "cost_said": "Share of the spread of the total cost",
            "data_said": "Of whose data is reached or copied",
        },
        figures=tuple(
            Figure(f"{part}.{row['input']}", row[part], None, "share", words.chance(row[part]))
            for row in frame.iter_rows(named=True)
            for part in ("cost_share", "data_share")
        ),
        notes=("How much of the spread goes with the answer: squared correlations of the draws.",)
        if frame.height
        else (),
    )


def first_question(run: Run) -> str:
    """The first question to ask and whom, as the end of a sentence."""
    ranked = _ranking(run)
    if not ranked.height:
        return "no open question moves an answer in this view."
    first = ranked.row(0, named=True)
    return f"first question, for {first['ask']}: {first['question']}"


def _ranking(run: Run) -> pl.DataFrame:
    outcomes = np.array([total(run), _touched(run)])
    known, shares = explained(run, outcomes)
    inputs = {row["id"]: row for row in run.known["inputs"].iter_rows(named=True)}
    rows: list[dict[str, Any]] = [
        {
            "input": name,
            "question": inputs[name]["question"],
            "ask": inputs[name]["ask"],
            "cost_share": float(share[0]),
            "data_share": float(share[1]),
        }
        for name, share in zip(known, shares, strict=True)
        if inputs[name]["question"] and share.max() > 0
    ]
    rows.sort(key=lambda row: (-max(row["cost_share"], row["data_share"]), row["input"]))
    ranks = [
        {
            "rank": str(rank),
            **row,
            **{f"{name}_said": _said(row[f"{name}_share"]) for name in ("cost", "data")},
        }
        for rank, row in enumerate(rows, 1)
    ]
    schema = {
        **dict.fromkeys(("rank", "input", "question", "ask"), pl.String),
        **dict.fromkeys(("cost_share", "data_share"), pl.Float64),
        **dict.fromkeys(("cost_said", "data_said"), pl.String),
    }
    return pl.DataFrame(ranks, schema=schema, orient="row")


def _said(share: float) -> str:
    return words.chance(share) if share >= 0.01 else "–"


def _touched(run: Run) -> Draws:
    """`(draws,)` number of parties reached and of client data sets copied."""
    rows = run.known["entities"].select("id", "kind", "party").iter_rows()
    kinds = {entity: (kind, party) for entity, kind, party in rows}
    copies = {copy for found in related(run.known, "taken_from").values() for copy in found}
    count = np.zeros(run.draws)
    for entity, (kind, party) in kinds.items():
        of_lab = entity in copies and kinds.get(party, ("", ""))[0] == "lab"
        if of_lab or kind in ("lab", "client", "vendor"):
            count = count + graph.unpack(run.reached.get(entity, 0), run.draws)
    return count


def not_known(run: Run) -> Answer:
    """What nobody has said: who is silent, and which numbers of the view are assumptions.

    Table: `what`, `why`, `who` (who could say).
    """
    known, said = run.known, names(run.known)
    rows: list[tuple[str, str, str]] = []
    silent = (
        known["claims"]
        .filter(pl.col("stance") == "is silent")
        .unique("claimant", maintain_order=True)
    )
    for claim in silent.sort("known_on", "id").iter_rows(named=True):
        who = said[claim["claimant"]]
        rows.append((f"What {who} does", f"{claim['says']} ({said_by(known, claim)})", who))
    asked = known["claims"].filter(pl.col("stance") == "is asked").sort("known_on", "id")
    for claim in asked.iter_rows(named=True):
        rows.append((claim["says"], "not reported by that day", said[claim["claimant"]]))
    used = {
        name
        for bearer in ("total", *known["entities"]["id"])
        for name in run.lineage[bearer]["inputs"]
    }
    inputs = known["inputs"].filter(pl.col("id").is_in(sorted(used)))
    rank = {name: place for place, name in enumerate(_ranking(run)["input"])}
    open_ = (pl.col("basis_kind") == "assumption") & pl.col("question").is_not_null()
    assumed = inputs.filter(open_).sort(
        pl.col("id").replace_strict(rank, default=len(rank), return_dtype=pl.Int64), "id"
    )
    for row in assumed.iter_rows(named=True):
        rows.append((row["meaning"], row["basis"], words.capital(row["ask"] or "")))
    schema = dict.fromkeys(("what", "why", "who"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    many = inputs.filter(pl.col("basis_kind") == "assumption").height
    retrospect = pl.col("authored_on") > pl.col("known_on").dt.offset_by("1d")
    later = inputs.filter((pl.col("basis_kind") == "assumption") & retrospect).height
    sentence = "Nothing is modelled yet from what is known by that day."
    if inputs.height:
        sentence = (
            f"{many} of the {inputs.height} inputs behind these numbers are assumptions of the kit,"
            f" {later} of them made in retrospect, after the day for which they stand."
        )
    return Answer(
        name="not_known",
        sentence=sentence,
        table=frame,
        heads={"what": "Not known", "why": "What it rests on instead", "who": "Who could say"},
        figures=(Figure("assumptions", float(many), None, "count", str(many)),),
    )
