"""Who is exposed, how far, and what each party did and said."""

from __future__ import annotations

from typing import Any

import polars as pl

from impact.answers.answer import Answer, Figure, frame, layouts, worded
from impact.answers.text import said_chance
from impact.measures import evidence, reach
from impact.simulation import Run, require_event_run

_OFTEN, _MORE = 0.05, 1.5  # how often, and how much oftener than if independent, to be told
_FEW = 7  # reported parties up to which the table of the brief names each


def exposure(run: Run, most: int | None = None) -> Answer:
    """Which clients and data sets are reached, how likely, and what each party did and said.

    In short as `most` rows, with all parties that are reported alike in one. Table: `id`, `ids`
    (parties alike), `claims`, then `reach`, `copied` and `published`, each with `STATE_how`.
    """
    require_event_run(run, "exposure")
    known, table, chain = run.known, frame("exposure", _rows(run, most)), reach.chain(run)
    often = (pl.col("chance") >= _OFTEN) & (pl.col("chance") > _MORE * pl.col("apart"))
    joint = reach.joint_chances(run).filter(pl.col("at_least") > 1, often).to_dicts()
    hit, sure = reach.suppliers_hit(run), reach.established(run)
    places = [place for place, (ids, _) in enumerate(chain) if {*hit} & {*ids}]
    values = {
        "way_in": any(places) or not {*hit} & sure,
        "hit": [one for one in hit if one in sure],
        "supposed": [one for one in hit if one not in sure],
        "claims_on": evidence.positions(known),
        "clients": reach.client_groups(run),
        "joint": joint[-1] if joint else None,
        "chain": chain,
        "short": most is not None,
    }
    figures = [
        Figure(f"chance.{one}", row["chance"], row["chance_error"], "chance", said_chance(run, row))
        for one, row in reach.by_entity(run).items()
        if reach.possible(row)
    ]

    def draw(said: Any, wide: bool) -> Any:
        return layouts().path(said, wide, chain, table.to_dicts(), places[-1:])

    open_ = table.select(pl.col("^.*_how$").is_in(["drawn", "rare"]).any()).row(0)
    drawn = draw if chain or any(open_) else None
    return worded(run, "exposure", table, values, figures, drawn, there=bool(table.height or chain))


def _rows(run: Run, most: int | None) -> list[dict[str, Any]]:
    """Suppliers that are hit, the clients, the other data sets that may be reached, and peers."""
    known, found = run.known, reach.by_entity(run)
    positions, clients = evidence.positions(known), reach.clients(run)
    held = {row["party"]: row for row in reach.states(run).iter_rows(named=True)}
    hit = clients.filter(how="established")["entity"].to_list()
    alike = hit if most and len(hit) > _FEW else []
    rows = [
        {**held.get(row["entity"], {}), **_row(row, positions)}
        for row in clients.iter_rows(named=True)
        if row["entity"] not in alike
    ]
    seen = {*clients["entity"]}
    for party, row in held.items():
        if party not in seen:
            name = row["entity"]
            told = evidence.theft_reports(known, name)[:2] or _reported(found[name])
            rows.append({**row, "id": name, "ids": [name], "claims": told})
    if alike:
        of = {"id": alike[0], "ids": alike, "claims": []}
        return [*rows, {**of, "reach": 1.0, "reach_how": "established"}]
    peers = evidence.related(known, "peer_of")
    for one in sorted({*evidence.related(known, "supplies"), *peers} - seen):
        if not most and (reach.possible(found[one]) or one in peers):
            rows.append(_row(found[one], positions))
    return rows[:most]


def _row(row: dict[str, Any], positions: dict[str, list[str]]) -> dict[str, Any]:
    """An entity with the claims of what it did or said, or else that which reports it as hit."""
    name, own = row["entity"], {"reach": row["band"], "reach_how": row["how"]}
    found = {"id": name, "ids": [name], "claims": positions.get(name, _reported(row))[:2]}
    return {**found, **own} if reach.possible(row) else found


def _reported(row: dict[str, Any]) -> list[str]:
    """The claim that reports an entity as reached, where that is established."""
    return [row["claim"]] if row["how"] == "established" and row["claim"] else []
