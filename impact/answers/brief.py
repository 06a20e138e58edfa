"""The bottom line: what happened, what to do today, to decide and to ask, what it may cost."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact.answers.answer import Answer, worded
from impact.base import times
from impact.case.ways import READER
from impact.measures import evidence, loss, reach
from impact.measures.choice import turns
from impact.measures.questions import ranking, role_of
from impact.measures.reach import PARTIES
from impact.simulation import Run


def bottom_line(run: Run) -> Answer:
    """The whole in 200 words, made of the same measures as the other answers.

    Table: `id`, the case alone.
    """
    known, claims = run.known, run.known.rows("claims")
    chain, hit = reach.chain(run), reach.suppliers_hit(run)
    positions = evidence.positions(known)
    place = next((k for k, (ids, _) in enumerate(chain) if k and ids[0] in hit), 0)
    mine = [one for one in turns(run) if role_of(known, one["bearer"]) == known.role] or turns(run)
    acted = {one: positions[one][0] for one in reach.clients(run)["entity"] if one in positions}
    own = loss.ranges(run).filter(pl.col("high").is_not_null(), part="driver")
    if READER in known.rows("entities"):
        pays = own.filter(who=READER)
    else:  # the reader is a client of whom nothing is told
        pooled = pl.col("who").is_in([*PARTIES, *(f"{kind}.other" for kind in PARTIES)])
        pays = own.filter(pooled | (own["who"].n_unique() == 1))
    values: dict[str, Any] = {
        "hit": hit,
        "sure": reach.established(run),
        "on": positions,
        "step": chain[place - 1] if place else ([], None),
        "versions": evidence.related(known, "version_of"),
        "suspect": _suspect(run),
        "clients": reach.client_groups(run),
        "did": sorted(did for did in acted.items() if claims[did[1]]["short"])[:4],
        "decisions": [one for one in mine if one["stake"]][:1],
        "questions": ranking(run).head(1).to_dicts(),
        "advice": _advice(run),
        "pays": pays.sort(-pl.col("chance"), -pl.col("high"), maintain_order=True).to_dicts(),
        "assumed": loss.assumed(run),
        "newest": known["claims"].filter(times.is_dated("known_on"))["known_on"].max(),
        "sources": evidence.cited(known),
        "next_update": times.parse(known.next_update) if known.next_update else None,
        **loss.greatest(run),
    }
    return worded(run, "bottom_line", pl.DataFrame({"id": [known.id]}), values)


def _suspect(run: Run) -> list[str]:
    """Claims on suppliers that may be reached, or else the best supported two of the view."""
    known, positions = run.known, evidence.positions(run.known)
    vendors = [v for v in sorted(evidence.related(known, "supplies")) if run.reached.get(v)]
    stated = known["claims"].filter(stance="asserts")
    best = stated.sort("credibility", "known_on", "id", descending=[False, True, False])
    told = [positions[vendor][0] for vendor in vendors if vendor in positions]
    return told or best["id"].to_list()[:2]


def _advice(run: Run) -> list[dict[str, Any]]:
    """Steps of containment, not yet met, of those who are or may be reached."""
    known, found = run.known, reach.by_entity(run)
    steps = known["duties"].filter(pl.col("met_on").is_null(), kind="containment", applies="yes")
    decided = known.decisions.values()
    weighed = {duty for one in decided for option in one.options for duty in option.against}
    return [
        {**row, "role": role_of(known, row["bearer"]), "weighed": row["id"] in weighed}
        for row in steps.sort("known_on", "id").iter_rows(named=True)
        if reach.possible(found[row["bearer"]])
    ]
