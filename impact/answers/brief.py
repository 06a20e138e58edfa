"""The bottom line: what happened, what to do today, to decide and to ask, what it may cost."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact.answers.answer import Answer, Facts, worded
from impact.base import times
from impact.measures import evidence, loss, reach
from impact.measures.choice import turns
from impact.measures.questions import ranking, role_of
from impact.measures.reach import PARTIES
from impact.simulation import Run

_MOST = 2  # costs and advices of the reader that are told


def bottom_line(run: Run) -> Answer:
    """The whole in 200 words, made of the same measures as the other answers.

    Table: `id`, the case alone.
    """
    known, role = run.known, run.known.role
    chain, hit, versions = reach.chain(run), reach.suppliers_hit(run), _versions(run)
    sure, positions = reach.certain_entities(run), evidence.positions(known)
    steps = [ids for ids, _ in chain]
    place = next((k for k, ids in enumerate(steps) if k and ids[0] in hit), 0)
    through = steps[place - 1] if place else []
    asked = ranking(run).head(1).to_dicts()
    mine = [one for one in turns(run) if role_of(known, one["bearer"]) == role] or list(turns(run))
    values: dict[str, Any] = {
        "hit": hit,
        "sure": sure,
        "on": positions,
        "through": through,
        "through_claim": chain[place - 1][1] if place else None,
        "package": next((versions[one] for one in through if one in versions), None),
        "known_bad": [name for name in versions if name in sure],
        "suspect": _suspect(run),
        "clients": reach.client_groups(run),
        "did": [
            (party, positions[party][0])
            for party in sorted(reach.clients(run)["entity"])
            if party in positions and known.rows("claims")[positions[party][0]]["short"]
        ][:4],
        "decisions": [one for one in mine if one["stake"]][:1],
        "question": asked[0] if asked else None,
        "contact": _contact(run, asked[0]["ask"]) if asked else None,
        "today": [d for d in _advice(run) if d["role"] == role][-_MOST:],
        "others": [d for d in _advice(run) if d["role"] not in (role, "vendor")][:1],
        "pays": _pays(run)[:_MOST] if role == "client" else [],
        "assumed": loss.assumed(run),
        "newest": _newest(run),
        "sources": evidence.cited(known),
        "next_update": times.parse(known.next_update) if known.next_update else None,
        **loss.greatest(run),
    }
    table = pl.DataFrame({"id": [known.id]})
    return worded(run, "bottom_line", Facts(table, values))


def _versions(run: Run) -> dict[str, str]:
    """Release -> the package that it is a version of."""
    pairs = evidence.related(run.known, "version_of")
    return {release: packages[0] for release, packages in pairs.items()}


def _suspect(run: Run) -> list[str]:
    """Claims on suppliers that may be reached, or else the best supported two of the view."""
    known, positions = run.known, evidence.positions(run.known)
    vendors = [v for v in sorted(evidence.related(known, "supplies")) if run.reached.get(v)]
    told = [positions[vendor][0] for vendor in vendors if vendor in positions]
    if told:
        return told
    stated = known["claims"].filter(pl.col("stance") == "asserts")
    best = stated.sort("credibility", "known_on", "id", descending=[False, True, False])
    return best.head(2)["id"].to_list()


def _contact(run: Run, ask: str) -> str | None:
    """How to reach whom a question is for: empty where no row says it, None for a reader's own."""
    rows = run.known["entities"].select("name", pl.col("contact").fill_null(""))
    found: dict[str, str] = dict(rows.iter_rows())
    return found.get(ask)


def _advice(run: Run) -> list[dict[str, Any]]:
    """Steps of containment that a source advises, not yet met, to those who may be reached."""
    known, found = run.known, reach.by_entity(run)
    steps = known["duties"].filter(
        (pl.col("kind") == "containment")
        & (pl.col("applies") == "yes")
        & pl.col("met_on").is_null()
    )
    rows = steps.sort("known_on", "id").iter_rows(named=True)
    publisher = dict(known["sources"].select("id", "publisher").iter_rows())
    options = (option for one in known.decisions.values() for option in one.options)
    weighed = {duty for option in options for duty in option.against}
    return [
        {**row, "role": role_of(known, row["bearer"]), "by": publisher[row["sources"][0]]}
        | {"weighed": row["id"] in weighed}
        for row in rows
        if row["sources"] and found[row["bearer"]]["how"] in ("drawn", "rare")
    ]


def _pays(run: Run) -> list[dict[str, Any]]:
    """What one client may lose, what is sure first."""
    rows = [row for row in loss.ranges(run).to_dicts() if row["part"] == "driver"]
    rows = [row for row in rows if row["who"] in PARTIES and row["high"] is not None]
    return sorted(rows, key=lambda row: (-row["chance"], -row["high"]))


def _newest(run: Run) -> Any:
    """The day of the newest claim of a view that is dated to the day."""
    claims = run.known["claims"].filter(times.is_dated("known_on"))
    return claims["known_on"].max()
