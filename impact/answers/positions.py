"""Who does what about it: each party's reported position, its data, and what would settle it."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact import words
from impact.answers.answer import Answer
from impact.answers.exposure import by_entity, related, said_chance
from impact.answers.provenance import leading_to, names, origins
from impact.answers.statements import said_by
from impact.case.folder import Case, once
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
    gone = known["links"].filter(pl.col("valid_to").is_not_null())
    ended = {frozenset(pair) for pair in gone.select("source", "target").iter_rows()}
    rows: list[dict[str, str]] = []
    for party in [*hit, *sorted(parties), *sorted(alternatives)]:
        if party in {row["id"] for row in rows}:
            continue
        claims = reported(known, party)
        relation = _relation("supplier", clients.get(party, []), ended, party, said)
        if party in served or party in peers:
            relation = _relation("client", served.get(party, []), ended, party, said)
            relation = relation or "no reported client"
        rows.append(
            {
                "id": party,
                "party": said[party],
                "position": told(known, claims) or _unsaid(party in peers),
                "origins": str(len(origins(known, [s for c in claims for s in c["sources"]])))
                if claims
                else "",
                "data": _data_state(run, party),
                "relation": relation,
                "question": _question(run, party),
            }
        )
    schema = dict.fromkeys(
        ("id", "party", "position", "origins", "data", "relation", "question"), pl.String
    )
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    of_others = (pl.col("predicate") == "reviewed_by") & pl.col("subject").is_in(hit)
    others = known["claims"].filter(of_others).to_dicts()
    silent = [row["party"] for row in rows if row["position"].startswith("no position")]
    sentence = "No client of a vendor that is reached stands in this view."
    if rows:
        unserved = [row["party"] for row in rows if row["relation"] == "no reported client"]
        sentence = f"Positions of {words.count(len(rows), 'party', 'parties')}."
        if silent:
            sentence += f" No position of {words.listed(silent, 'or')} is reported."
        if unserved:
            sentence += f" {words.listed(unserved)} have no reported client."
    return Answer(
        name="positions",
        sentence=sentence,
        table=frame,
        label=known.label,
        heads={
            "party": "Who",
            "position": "Position and since when",
            "origins": "Origins",
            "data": "Its data",
            "relation": "Relations",
            "question": "What would settle it",
        },
        notes=tuple(f"{told(known, [claim])}." for claim in others),
    )


_TOLD = (  # what a party says or is said to do, in the order told
    "work_status",
    "affected",
    "came_through",
    "contained",
    "disputes_suits",
    "under_review",
    "user_data_affected",
)


@once
def reported(known: Case, party: str, most: int = 4) -> list[dict[str, Any]]:
    """The newest credible claim of each kind about what a party does, or about its data sets."""
    own = known["entities"].filter((pl.col("party") == party) & (pl.col("kind") == "dataset"))["id"]
    claims = known["claims"].filter(
        pl.col("subject").is_in([party, *own])
        & pl.col("predicate").is_in(list(_TOLD))
        & (pl.col("credibility").cast(pl.Int64) <= 3)
    )
    newest = claims.sort("known_on", "id").unique("predicate", keep="last", maintain_order=True)
    return sorted(newest.to_dicts(), key=lambda claim: _TOLD.index(claim["predicate"]))[:most]


def told(known: Case, claims: list[dict[str, Any]]) -> str:
    """Claims as a list in a sentence, each with who said it and when."""
    return "; ".join(f"{claim['says'].rstrip('.')} ({said_by(known, claim)})" for claim in claims)


def _relation(
    kind: str, others: list[str], ended: set[frozenset[str]], party: str, said: dict[str, str]
) -> str:
    """The reported suppliers or clients of a party, those reported as leaving apart."""
    left = [said[other] for other in sorted(others) if frozenset((party, other)) in ended]
    stay = [said[other] for other in sorted(others) if frozenset((party, other)) not in ended]
    parts = [f"{words.count(len(stay), f'reported {kind}')}: {words.listed(stay)}"] if stay else []
    parts += [f"reported as leaving or left: {words.listed(left)}"] if left else []
    return "; ".join(parts)


def _unsaid(peer: bool) -> str:
    return "no compromise reported" if peer else "no position reported"


def _data_state(run: Run, party: str) -> str:
    found = by_entity(run)
    sets = _data_sets(run.known, party)
    copied = related(run.known, "taken_from")
    told = []
    for name in sets:
        if name not in run.reached:
            continue
        row = found[name]
        text = f"in reach: {said_chance(row)}"
        for copy in copied.get(name, ()):
            text += f"; copied: {said_chance(found[copy])}"
        told.append(text if len(sets) == 1 else f"{names(run.known)[name]} {text}")
    return "; ".join(told)


def _question(run: Run, party: str) -> str:
    """The question of the widest input on the links to the data sets of the party, or to it."""
    inputs, mine = run.known.inputs, (party, *_data_sets(run.known, party))
    asked = [inputs[name] for entity in mine for name in leading_to(run, entity)]
    asked = [row for row in asked if row["question"]]
    if not asked:
        return ""
    widest = max(asked, key=lambda row: ((row["high"] or 0.0) - (row["low"] or 0.0), row["id"]))
    return f"{widest['question']} (for {widest['ask']})"


@once
def _data_sets(known: Case, party: str) -> tuple[str, ...]:
    rows = known.rows("entities").items()
    return tuple(n for n, row in rows if (row["kind"], row["party"]) == ("dataset", party))
