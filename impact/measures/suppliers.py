"""What depends on one supplier, and on one step of the chain: each fallen, or taken away, alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from impact.case import checks
from impact.case.folder import Case
from impact.case.ways import ROOT
from impact.measures.evidence import related
from impact.measures.reach import PARTIES, certain_entities, edges_used
from impact.measures.totals import total_loss
from impact.numerics import graph, measures
from impact.simulation import Model, Run, Sampler, model_of, run_from

_FALL = ("vendor", "package")


def parties(run: Run) -> list[str]:
    """Ids of the client parties that the event can reach, in order."""
    rows = run.known.rows("entities")
    return sorted(e for e in run.reached if rows[e]["kind"] in PARTIES)


def failures(run: Run) -> pl.DataFrame:
    """Whom and how much each vendor, package or other supplier would take with it, fallen alone.

    Every other link from the event is left out, on the same draws. Columns `id`, `clients` and
    `left` (reported), `others` (other suppliers of each client that stays), `parties` reached,
    `parties_error`, `low`, `mid`, `high`, `given` and `often` of the loss of all, `mean_usd`,
    `mean_error_usd`, `known_shares` of its `links`, `reported` (it is reported as affected); the
    one with the greatest mean loss first.
    """
    known = run.known
    modelled_from = known["links"].filter(pl.col("chances").list.len() > 0)["source"]
    linked = {*related(known, "supplies"), *related(known, "peer_of"), *modelled_from}
    falls = pl.col("kind").is_in(list(_FALL)) | pl.col("id").is_in(list(related(known, "supplies")))
    ids = [one for one in known["entities"].filter(falls)["id"] if one in linked]
    rows = [_fallen(run, one) for one in ids]
    frame = pl.DataFrame(rows, schema=_ALONE, orient="row")
    return frame.sort("mean_usd", "parties", "id", descending=[True, True, False])


_ALONE: dict[str, Any] = {
    "id": pl.String,
    **dict.fromkeys(("clients", "left"), pl.List(pl.String)),
    "others": pl.List(pl.Struct({"client": pl.String, "others": pl.List(pl.String)})),
    **dict.fromkeys(("parties", "parties_error", "mean_usd", "mean_error_usd"), pl.Float64),
    **dict.fromkeys(("low", "mid", "high", "often"), pl.Float64),
    "given": pl.Boolean,
    **dict.fromkeys(("known_shares", "links"), pl.Int64),
    "reported": pl.Boolean,
}


def only(known: Case, entity: str) -> Model:
    """The model in which the event reaches one entity for certain, and no other but through it."""
    links = known["links"]
    first = {**dict.fromkeys(links.columns), "id": f"only-{entity}", "source": ROOT}
    first |= {"target": entity, "relation": "falls", "chances": [checks.CERTAIN], "claims": []}
    first |= {"sources": [], "tlp": "clear", "withdrawn": False}
    added = pl.DataFrame([first], schema=links.schema)
    tables = {**known.tables, "links": pl.concat([links.filter(pl.col("source") != ROOT), added])}
    found: Model = model_of(replace(known, tables=tables, memo={}))
    return found


def _fallen(run: Run, entity: str) -> dict[str, Any]:
    """One row: what follows if the entity alone falls, on the draws of the run."""
    model = only(run.known, entity)
    fallen = run_from(Sampler(run.known, model, run.draws, run.seed, dict(run.drawn)))
    hit = graph.counted((fallen.reached[one] for one in parties(fallen)), run.draws)
    reached, lost = measures.mean(hit), total_loss(fallen)
    spread, mean = measures.nine_in_ten(lost, whole=True), measures.loss_measures(lost)["mean"]
    supply = [row for row in _supplies(run.known) if row["source"] == entity]
    stay = sorted({link["target"] for link in supply if link["valid_to"] is None})
    return {
        "id": entity,
        "clients": stay,
        "left": sorted({link["target"] for link in supply} - {*stay}),
        "others": [{"client": one, "others": _others(run.known, one, entity)} for one in stay],
        "parties": reached.value,
        "parties_error": reached.error,
        "mean_usd": mean.value or 0.0,
        "mean_error_usd": mean.error or 0.0,
        "low": spread.low,
        "mid": spread.mid,
        "high": spread.high,
        "often": spread.chance,
        "given": spread.given,
        "known_shares": sum(link["share"] is not None for link in supply),
        "links": len(supply),
        "reported": entity in certain_entities(run),
    }


def _supplies(known: Case) -> list[dict[str, Any]]:
    return [row for row in known.rows("links").values() if row["relation"] == "supplies"]


def _others(known: Case, client: str, supplier: str) -> list[str]:
    """The other suppliers of a client that are reported and stay."""
    found = (
        row["source"]
        for row in _supplies(known)
        if row["target"] == client and row["valid_to"] is None
    )
    return sorted({*found} - {supplier})


def herfindahl(known: Case) -> list[tuple[str, float, float]]:
    """(client, Herfindahl index of its supply (Hirschman 1945), share of it that is known).

    Only of known shares; what is not known is left out and said.
    """
    shares: dict[str, list[float]] = {}
    for row in _supplies(known):
        if row["share"] is not None:
            shares.setdefault(row["target"], []).append(row["share"])
    return [(client, sum(s * s for s in s_), sum(s_)) for client, s_ in sorted(shares.items())]


def steps_saved(run: Run) -> pl.DataFrame:
    """Each step taken away alone, on the same draws: how many client parties were not reached.

    Columns `id`, `source`, `target`, `saved` (mean number of parties no longer reached),
    `saved_error`, `certain`; the step that saves most first. What belongs to a party itself is no
    step to cut.
    """
    ends = parties(run)
    rows = []
    for edge in edges_used(run) if ends else ():
        sure = run.model.terms[edge.name] == (checks.CERTAIN,)
        others = [other for other in run.edges if other is not edge]
        still = graph.reach(others, ROOT, run.on, run.draws)
        spared = [run.reached[end] & ~still.get(end, 0) for end in ends]
        if any(spared) and not (edge.target in ends and sure):
            found = measures.mean(graph.counted(spared, run.draws))
            row = {"id": edge.name, "source": edge.source, "target": edge.target, "certain": sure}
            rows.append(row | {"saved": found.value, "saved_error": found.error})
    frame = pl.DataFrame(rows, schema=_CUTS, orient="row")
    return frame.sort("saved", "id", descending=[True, False])


_CUTS: dict[str, Any] = {
    **dict.fromkeys(("id", "source", "target"), pl.String),
    **dict.fromkeys(("saved", "saved_error"), pl.Float64),
    "certain": pl.Boolean,
}
