"""What is reported: names, independent origins, windows, events and positions."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from impact.case.folder import Case

_NO_WEIGHT = "F"


def names(known: Case) -> dict[str, str]:
    """Entity id -> its name."""
    return {name: row["name"] for name, row in known.rows("entities").items()}


def origins(known: Case, sources: Iterable[str]) -> set[str]:
    """The independent origins of sources: copies lead back to what they restate.

    A source of reliability F has no weight and is no origin.
    """
    rows, queue, seen = known.rows("sources"), [*sources], set[str]()
    for name in queue:  # which grows on the way
        if name not in seen and rows[name]["reliability"] != _NO_WEIGHT:
            seen.add(name)
            queue += rows[name]["derived_from"]
    return {name for name in seen if not rows[name]["derived_from"]}


def related(known: Case, relation: str, forward: bool = True) -> dict[str, list[str]]:
    """Source -> targets of the links of a relation; target -> sources where not forward."""
    one, other = ("source", "target") if forward else ("target", "source")
    groups = known["links"].filter(relation=relation).group_by(one, maintain_order=True)
    return dict(groups.agg(pl.col(other).unique(maintain_order=True)).iter_rows())


def data_sets(known: Case) -> dict[str, list[str]]:
    """Party -> the data sets that are its own."""
    own = known["entities"].filter(kind="dataset").drop_nulls("party")
    return dict(own.group_by("party", maintain_order=True).agg("id").iter_rows())


ACTS = (  # what a party does or says, in the order told
    "work_status",
    "affected",
    "came_through",
    "contained",
    "disputes_suits",
    "under_review",
    "user_data_affected",
)
_WEIGHTY = 3  # credibility up to which a claim is repeated as what a party does


def positions(known: Case) -> dict[str, list[str]]:
    """Party -> the newest credible claim of each kind on what it does, in the order of ACTS."""
    owner = {one: party for party, sets in data_sets(known).items() for one in sets}
    weighty = pl.col("credibility").cast(pl.Int64) <= _WEIGHTY
    claims = known["claims"].filter(pl.col("predicate").is_in(ACTS) & weighty)
    claims = claims.with_columns(party=pl.col("subject").replace(owner)).sort("known_on", "id")
    newest = claims.unique(["party", "predicate"], keep="last", maintain_order=True)
    order = newest.sort(pl.col("predicate").cast(pl.Enum(ACTS)), maintain_order=True)
    return dict(order.group_by("party", maintain_order=True).agg("id").iter_rows())


def theft_reports(known: Case, data: str) -> list[str]:
    """What is reported of the theft of a data set itself, the most credible and newest first."""
    claims = known["claims"].filter(subject=data, stage="theft", stance="asserts")
    order = ["credibility", "known_on", "id"]
    return claims.sort(order, descending=[False, True, False])["id"].to_list()


def cited(known: Case) -> list[str]:
    """The sources that rows of a view name, and what these restate, in order."""
    lists = [rows["sources"] for table, rows in known.tables.items() if table != "sources"]
    rows, found = known.rows("sources"), {*pl.concat(lists).explode().drop_nulls()}
    queue = [*found]
    for name in queue:  # which grows on the way
        new = {*rows[name]["derived_from"]} - found
        found |= new
        queue += new
    return sorted(found)


def addresses(known: Case) -> dict[str, str]:
    """Claim -> the address of its first source that has one."""
    url = dict(known["sources"].select("id", "url").iter_rows())
    return {
        claim: found[0]
        for claim, sources in known["claims"].select("id", "sources").iter_rows()
        if (found := [*filter(None, map(url.get, sources))])
    }
