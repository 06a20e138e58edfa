"""Who is exposed, how far, and what each party did and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, Figure, worded
from impact.answers.text import said_chance
from impact.measures import evidence, reach
from impact.measures.reach import STATES
from impact.simulation import Run

if TYPE_CHECKING:
    import altair as alt

_OFTEN, _MORE = 0.05, 1.5  # how often, and how much oftener than if independent, to be told
_FEW = 7  # reported parties up to which the table of the brief names each


def exposure(run: Run, most: int | None = None) -> Answer:
    """Which clients and data sets are reached, how likely, and what each party did and said.

    In short as `most` rows, with all parties that are reported alike in one. Table: `id`, `ids`
    (parties alike), `claims`, then `reach`, `copied` and `published`, each with `STATE_how`.
    """
    known, rows = run.known, _rows(run, most)
    often = reach.joint_chances(run).filter((pl.col("chance") >= _OFTEN) & (pl.col("at_least") > 1))
    joint = often.filter(pl.col("chance") > _MORE * pl.col("apart")).tail(1).to_dicts()
    drawn = reach.clients(run).filter(pl.col("how") == "drawn")
    chain, sure = reach.chain(run), reach.certain_entities(run)
    hit, positions = reach.suppliers_hit(run), evidence.positions(known)
    values = {
        "hit": [one for one in hit if one in sure],
        "supposed": [one for one in hit if one not in sure],
        "claims_on": {one: positions.get(one, []) for one in hit},
        "clients": reach.client_groups(run),
        "unreported": [row for row in rows if row["reach_how"] in ("drawn", "rare")],
        "joint": joint[0] if joint else None,
        "all": joint[0]["at_least"] == drawn.height if joint else False,
        "chain": chain,
        "short": most is not None,
        "any_state": any(row[f"{s}_how"] == "established" for row in rows for s in STATES[1:]),
    }
    found = reach.by_entity(run)
    figures = [
        Figure(
            f"chance.{entity}", row["chance"], row["chance_error"], "chance", said_chance(run, row)
        )
        for entity, row in found.items()
        if reach.possible(row)
    ]
    places = [place for place, (ids, _) in enumerate(chain) if not set(hit).isdisjoint(ids)]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import layouts

        return layouts.path(said, wide, chain, rows, places[-1:])

    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    there = bool(rows or chain)
    return worded(run, "exposure", Facts(table, values, figures, draw if there else None, there))


_SCHEMA: dict[str, Any] = {
    "id": pl.String,
    "ids": pl.List(pl.String),
    "claims": pl.List(pl.String),
    **{
        column: kind
        for state in STATES
        for column, kind in ((state, pl.Float64), (f"{state}_how", pl.String))
    },
    "left": pl.List(pl.String),
}


def _rows(run: Run, most: int | None) -> list[dict[str, Any]]:
    """Suppliers that are hit, the clients, the other data sets that may be reached, and peers."""
    known, found = run.known, reach.by_entity(run)
    positions, states = evidence.positions(known), reach.states(run)
    held = {row["party"]: row for row in states.iter_rows(named=True)}
    rows, alike, seen = list[dict[str, Any]](), list[str](), set[str]()
    clients_ = reach.clients(run)
    many = clients_.filter(pl.col("how") == "established").height > _FEW
    for row in clients_.iter_rows(named=True):
        seen.add(row["entity"])
        if most and many and row["how"] == "established":
            alike.append(row["entity"])
            continue
        own = {"reach": row["band"], "reach_how": row["how"]}
        data = held.get(row["entity"], {})
        rows.append(_row([row["entity"]], _told(positions, row), {**data, **own}))
    for party, row in held.items():
        if party not in seen and row["reach_how"] in ("drawn", "rare"):
            rows.append(_row([row["entity"]], evidence.theft_reports(known, row["entity"]), row))
    if alike:
        rows.append(_row(alike, [], {"reach": 1.0, "reach_how": "established"}))
    if not most:
        peers = evidence.related(known, "peer_of")
        near = sorted({*evidence.related(known, "supplies"), *peers} - seen)
        near = [one for one in near if reach.possible(found[one]) or one in peers]
        for one in near:
            row = found[one]
            own = {"reach": row["band"], "reach_how": row["how"]} if row["chance"] else {}
            rows.append(_row([one], _told(positions, row), own))
    return rows[:most] if most and not alike else rows


def _told(positions: dict[str, list[str]], row: dict[str, Any]) -> list[str]:
    """The claims of what a party did or said, or else that which reports it as hit."""
    reported = [row["claim"]] if row["how"] == "established" and row["claim"] else []
    return positions.get(row["entity"], reported)


def _row(ids: list[str], claims: list[str], states: dict[str, Any]) -> dict[str, Any]:
    cells = {key: states.get(key) for state in STATES for key in (state, f"{state}_how")}
    return {"id": ids[0], "ids": ids, "claims": claims[:2], **cells, "left": []}
