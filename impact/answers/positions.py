"""Who does what about it: each party's reported position, its data, and what would settle it."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact import words
from impact.answers.answer import Answer
from impact.answers.evidence import said_by
from impact.answers.exposure import chances, related, said_chance
from impact.answers.provenance import names, origins
from impact.case import checks
from impact.case.folder import Case
from impact.simulation import Run


def positions(run: Run) -> Answer:
    """What each client and supplier is reported to do, since when, and what would settle its case.

    Table: `party`, `position`, `origins`, `data`, `question`, `supplies`.
    """
    known, said = run.known, names(run.known)
    clients, peers = related(known, "supplies", forward=False), related(known, "peer_of")
    served = related(known, "supplies")
    hit = [party for party in served if run.reached.get(party)]
    parties = [*dict.fromkeys(client for party in hit for client in served[party])]
    alternatives = [peer for peer, of in peers.items() if set(of) & set(hit)]
    rows: list[dict[str, str]] = []
    for party in [*hit, *sorted(parties), *sorted(alternatives)]:
        if party in {row["id"] for row in rows}:
            continue
        claims = _latest(known, party)
        own = [said[lab] for lab in sorted(served.get(party, ()))]
        suppliers = [said[vendor] for vendor in sorted(clients.get(party, ()))]
        relation = f"reported suppliers: {words.listed(suppliers)}" if suppliers else ""
        if party in served or party in peers:
            relation = f"reported clients: {words.listed(own)}" if own else "no reported client"
        rows.append(
            {
                "id": party,
                "party": said[party],
                "position": _position(known, claims, party in peers),
                "origins": str(len(origins(known, [s for c in claims for s in c["sources"]])))
                if claims
                else "",
                "data": _data_state(run, party),
                "relation": relation,
                "question": _question(known, party),
            }
        )
    schema = dict.fromkeys(
        ("id", "party", "position", "origins", "data", "relation", "question"), pl.String
    )
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    silent = [row["party"] for row in rows if row["position"].startswith("no position")]
    sentence = "No client of a reached vendor is known by that day."
    if rows:
        unserved = [row["party"] for row in rows if row["relation"] == "no reported client"]
        sentence = f"Positions of {words.count(len(rows), 'party', 'parties')}."
        if silent:
            sentence += f" Of {words.listed(silent)} none is reported."
        if unserved:
            sentence += f" {words.listed(unserved)} have no reported client."
    return Answer(
        name="positions",
        sentence=sentence,
        table=frame,
        heads={
            "party": "Who",
            "position": "Position and since when",
            "origins": "Origins",
            "data": "Its data",
            "relation": "Relations",
            "question": "What would settle it",
        },
    )


def _latest(known: Case, party: str) -> list[dict[str, Any]]:
    """The two newest credible claims that say what a party does, or what it says of itself."""
    claims = known["claims"].filter(
        (pl.col("subject") == party)
        & pl.col("predicate").is_in(["work_status", "affected", "came_through"])
        & (pl.col("credibility").cast(pl.Int64) <= 3)
    )
    newest = claims.sort("known_on", "id", descending=[True, False])
    return newest.head(2).to_dicts()


def _position(known: Case, claims: list[dict[str, Any]], peer: bool) -> str:
    if not claims:
        return "no compromise reported" if peer else "no position reported"
    told = []
    for claim in claims:
        says = str(claim["says"]).rstrip(".")
        told.append(f"{says} ({said_by(known, claim)})")
    return "; ".join(told)


def _data_state(run: Run, party: str) -> str:
    found = {row["entity"]: row for row in chances(run).iter_rows(named=True)}
    sets = run.known["entities"].filter((pl.col("kind") == "dataset") & (pl.col("party") == party))
    copied = related(run.known, "taken_from")
    told = []
    for name in sets["id"]:
        if name not in run.reached:
            continue
        row = found[name]
        text = f"in reach: {said_chance(row)}"
        for copy in copied.get(name, ()):
            text += f"; copied: {said_chance(found[copy])}"
        told.append(text if sets.height == 1 else f"{names(run.known)[name]} {text}")
    return "; ".join(told)


def _question(known: Case, party: str) -> str:
    """The question of the widest input on the links to the data sets of the party, or to it."""
    own = (pl.col("party") == party) & (pl.col("kind") == "dataset")
    mine = known["entities"].filter(own | (pl.col("id") == party))["id"]
    links = known["links"].filter(pl.col("target").is_in(mine.to_list()))
    terms = links.explode("chances")["chances"].drop_nulls().to_list()
    used = {checks.chance_term(term)[0] for term in terms}
    inputs = known["inputs"].filter(
        pl.col("id").is_in(sorted(used)) & pl.col("question").is_not_null()
    )
    widest = inputs.sort(pl.col("high") - pl.col("low"), descending=True, nulls_last=True)
    return f"{widest['question'][0]} (ask {widest['ask'][0]})" if widest.height else ""
