"""What depends on one supplier, and on one step of the chain: each fallen, or taken away, alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.ways import ROOT
from impact.measures.frames import frame
from impact.measures.loss import unmet
from impact.measures.reach import PARTIES, edges_used, reported_entities
from impact.measures.totals import TOTAL, rare_entities, total_loss
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
    one with the greatest mean loss first. What too few draws hold is null.
    """
    links, supplies = run.known["links"], _supplies(run.known)
    modelled = links.filter((pl.col("chances").list.len() > 0) | (pl.col("relation") == "peer_of"))
    falls = pl.col("kind").is_in(_FALL) | pl.col("id").is_in(supplies["source"].implode())
    linked = pl.col("id").is_in(pl.concat([modelled["source"], supplies["source"]]).implode())
    ids = run.known["entities"].filter(falls & linked)["id"]
    reported = reported_entities(run)
    rows = [{**_fallen(run, one), "reported": one in reported} for one in ids]
    found = frame("failures", rows)
    return found.sort("mean_usd", "parties", "id", descending=[True, True, False], nulls_last=True)


@once
def only(known: Case, entity: str) -> Model:
    """The model in which the event reaches one entity for certain, and no other but through it."""
    links = known["links"]
    first = {"id": f"only-{entity}", "source": ROOT, "target": entity, "withdrawn": False}
    first |= {"relation": "falls", "chances": [checks.CERTAIN], "claims": []}
    alone = pl.DataFrame([first], schema=links.schema)
    tables = {**known.tables, "links": pl.concat([links.filter(pl.col("source") != ROOT), alone])}
    return model_of(replace(known, tables=tables, memo={}))


def _fallen(run: Run, entity: str) -> dict[str, Any]:
    """One row: what follows if the entity alone falls, on the draws of the run."""
    model = only(run.known, entity)
    fallen = run_from(Sampler(run.known, model, run.draws, run.seed, dict(run.drawn)))
    hit = graph.counted((fallen.reached[one] for one in parties(fallen)), run.draws)
    reached, lost = measures.mean(hit), total_loss(fallen)
    mean = measures.loss_measures(lost)["mean"]
    supply = _supplies(run.known).filter(source=entity)
    kinds = run.known.rows("entities")
    missed = not hit.any() and any(kinds[x]["kind"] in PARTIES for x in rare_entities(fallen))
    stay = sorted({*supply.filter(_STAYS)["target"]})
    return {
        "id": entity,
        "clients": stay,
        "left": sorted({*supply["target"]} - {*stay}),
        "others": [{"client": one, "others": _others(run.known, one, entity)} for one in stay],
        "parties": None if missed else reached.value,
        "parties_error": reached.error,
        "mean_usd": None if unmet(fallen, TOTAL) else mean.value,
        "mean_error_usd": mean.error,
        **vars(measures.nine_in_ten(lost, whole=True)),
        "known_shares": supply["share"].count(),
        "links": supply.height,
    }


_STAYS = pl.col("valid_to").is_null()


def _supplies(known: Case) -> pl.DataFrame:
    return known["links"].filter(relation="supplies")


def _others(known: Case, client: str, supplier: str) -> list[str]:
    """The other suppliers of a client that are reported and stay."""
    return sorted({*_supplies(known).filter(_STAYS, target=client)["source"]} - {supplier})


def herfindahl(known: Case) -> list[tuple[str, float, float]]:
    """(client, Herfindahl index of its supply (Hirschman 1945), share of it that is known).

    Only of known shares of suppliers that stay; what is not known is left out and said.
    """
    shares = _supplies(known).filter(_STAYS).drop_nulls("share").group_by("target")
    share = pl.col("share")
    return shares.agg(index=(share**2).sum(), known=share.sum()).sort("target").rows()


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
    return frame("steps", rows).sort("saved", "id", descending=[True, False])
