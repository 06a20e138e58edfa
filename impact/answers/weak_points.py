"""What exposure depends on: which link matters, and what all paths pass."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Facts, Figure, worded
from impact.case import checks
from impact.case.ways import ROOT
from impact.measures.reach import PARTIES, travelled
from impact.numerics import graph, measures
from impact.simulation import Run


def parties(run: Run) -> list[str]:
    """Ids of the client parties that the event can reach, in order."""
    rows = run.known.rows("entities")
    return sorted(e for e in run.reached if rows[e]["kind"] in PARTIES)


def weak_points(run: Run) -> Answer:
    """Where the chain could break: without each link, how many client parties were not reached.

    Each link alone is taken away, on the same draws. Table: `id`, `source`, `target`, `saved`
    (mean number of parties no longer reached), `saved_error`, `carries` (share of the draws in
    which the link's target stands on a way to a party), `all_pass` (parties to which every way
    passes the target), `certain`; the link that saves most first.
    """
    ends = parties(run)
    rows = _cut(run, ends) if run.reached and ends else []
    frame = pl.DataFrame(rows, schema=_CUTS, orient="row")
    figures = [
        Figure(f"saved.{row['id']}", row["saved"], row["saved_error"], "count",
               words.number(row["saved"], 2))
        for row in rows
    ]  # fmt: skip
    facts = Facts(frame, {"ends": len(ends)}, figures, there=bool(rows))
    return worded(run, "weak_points", facts)


_CUTS: dict[str, Any] = {
    **dict.fromkeys(("id", "source", "target"), pl.String),
    **dict.fromkeys(("saved", "saved_error", "carries"), pl.Float64),
    "all_pass": pl.List(pl.String),
    "certain": pl.Boolean,
}


def _cut(run: Run, ends: list[str]) -> list[dict[str, Any]]:
    lost = graph.cuts(run.model.net, run.on, run.reached)
    carried = graph.carried(run.model.net, run.on, run.reached, ends)
    passed = graph.dominators(graph.net(travelled(run), ROOT))
    rows = []
    for edge in run.edges:
        spared = [
            run.reached[end] & ~lost[edge.name][end] for end in ends if end in lost[edge.name]
        ]
        own = edge.target in ends and run.model.terms[edge.name] == (checks.CERTAIN,)
        if not any(spared) or own:
            continue  # what belongs to a party is no link to cut
        number = sum(graph.unpack(mask, run.draws).astype(float) for mask in spared)
        found = measures.mean(number)  # type: ignore[arg-type]
        rows.append(
            {
                "id": edge.name,
                "source": edge.source,
                "target": edge.target,
                "saved": found.value,
                "saved_error": found.error,
                "carries": carried.get(edge.target, 0).bit_count() / run.draws,
                "all_pass": [end for end in ends if edge.target in passed.get(end, ())],
                "certain": run.model.terms[edge.name] == (checks.CERTAIN,),
            }
        )
    return sorted(rows, key=lambda row: (-row["saved"], row["id"]))
