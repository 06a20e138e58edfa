"""Who and what the event reaches, how likely, over which chain, and how often together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import polars as pl

from impact.case import checks
from impact.case.folder import once
from impact.case.ways import ROOT
from impact.measures.evidence import data_sets, related
from impact.measures.frames import frame
from impact.measures.totals import rare_entities
from impact.numerics import graph, measures
from impact.simulation import Run

CERTAINLY = pl.col("chances").list.join(";") == checks.CERTAIN  # of links
NOISE = 3  # errors of a share that two which are equal may lie apart: four of their difference


def certain_entities(run: Run) -> set[str]:
    """Entities that the event reaches over certain links, whatever is drawn or supposed."""
    return _reached_over(run, {checks.CERTAIN})


def reported_entities(run: Run) -> set[str]:
    """Entities that are reported as reached, also where the view cuts a link to them."""
    sure = [edge for edge in run.edges if run.model.terms[edge.name] == (checks.CERTAIN,)]
    return reporters(run, sure).keys() & graph.shortest(sure, ROOT).keys()


def always_reached(run: Run) -> set[str]:
    """Entities always reached because of chances fixed at 1 alone: established, or supposed."""
    inputs = run.known.inputs.items()
    still = {name for name, row in inputs if row["shape"] == "fixed" and row["mode"] == 1}
    return _reached_over(run, {checks.CERTAIN, *still})


def _reached_over(run: Run, sure: set[str]) -> set[str]:
    """Entities reached over links that are always on and whose every chance is a sure one."""
    every = graph.everything(run.draws)
    edges = [
        edge
        for edge in run.edges
        if sure.issuperset(checks.chance_term(term)[0] for term in run.model.terms[edge.name])
        and run.on[edge.name] == every
    ]
    return set(graph.shortest(edges, ROOT)) if run.reached else set()


@once
def chances(run: Run) -> pl.DataFrame:
    """Exposure of every entity, ordered by id.

    Columns `entity`, `kind`, `chance`, `chance_error`, `how`, `claim` (who reports it), `band`.

    The chance is the share of draws in which the event reaches the entity; the error is the Wilson
    half-width, 0 where nothing was drawn to decide it. `how` is established (by certain links, and
    somebody reports it), supposed (by such links alone, or by a chance fixed at 1), drawn, rare
    (possible, and in none of the draws) or none (never reached).
    `band` is the mean chance of all entities of the kind, or of all parties, that rest on the same
    inputs and lie no further apart than draws do: firms with equal evidence share one number.
    """
    hows = dict.fromkeys(run.reached, "drawn") | dict.fromkeys(rare_entities(run), "rare")
    hows |= dict.fromkeys(always_reached(run), "supposed")
    rests, reported = _evidence(run), reporters(run)
    hows |= {one: "established" for one in certain_entities(run) if one in reported or one == ROOT}
    rows = []
    for entity, kind in run.known["entities"].select("id", "kind").iter_rows():
        found = measures.share(run.reached.get(entity, 0).bit_count(), run.draws)
        how = hows.get(entity, "none")
        error = found.error if how in ("drawn", "rare") else 0.0
        cells = entity, kind, found.value, error, how, reported.get(entity)
        rows.append((*cells, rests.get(entity, ""), found.error))
    alike = (pl.col("kind").replace("lab", "client"), pl.col("rests"))
    apart = pl.col("chance").diff().over(alike, order_by="chance") > NOISE * pl.col("noise")
    step = apart.fill_null(value=False).cum_sum().over(alike, order_by="chance")
    told = frame("chances", rows).with_columns(step=step)
    band = pl.col("chance").mean().over(*alike, "step")
    return told.with_columns(band=band).drop("rests", "noise", "step")


def _evidence(run: Run) -> dict[str, str]:
    """Entity -> a name for the chances on which it rests: those of all ways to it."""
    bits, brings = dict[str, int](), dict[str, int]()
    for edge in edges_used(run):
        masks = (bits.setdefault(t, 1 << len(bits)) for t in run.model.terms[edge.name])
        brings[edge.name] = reduce(or_, masks)
    found = graph.gathered(edges_used(run), ROOT, brings)
    return {entity: hex(mask) for entity, mask in found.items()}


def by_entity(run: Run) -> dict[str, dict[str, Any]]:
    """Entity -> its row of `chances`."""
    return {row["entity"]: row for row in chances(run).iter_rows(named=True)}


def established(run: Run) -> set[str]:
    """Entities of which it is reported that they were reached."""
    return {*chances(run).filter(how="established")["entity"]}


def edges_used(run: Run) -> list[graph.Edge]:
    """The edges over which something travels in any draw, in their order."""
    there, on = run.reached, run.on
    return [e for e in run.edges if e.source in there and there[e.source] & on[e.name]]


def reporters(run: Run, edges: Sequence[graph.Edge] | None = None) -> dict[str, str]:
    """Entity -> the claim that reports that it was reached, over edges used or those given.

    The most credible, then latest, claim of the certain links that lead to it.
    """
    used = pl.col("id").is_in([e.name for e in (edges_used(run) if edges is None else edges)])
    links = run.known["links"].filter(used & CERTAINLY).explode("claims")
    sourced = run.known["claims"].filter(pl.col("sources").list.len() > 0)
    told = links.select("target", id="claims").join(sourced, "id")
    best = told.sort("credibility", "known_on", "id", descending=[True, False, True])
    return dict(best.select("target", "id").iter_rows())


PARTIES = ("lab", "client")


def any_client(run: Run, relation: str) -> measures.Measure:
    """Chance that data of any client was copied (`taken_from`) or is out (`published_from`).

    None where no such state of a client's data is modelled.
    """
    masks = [run.reached.get(target, 0) for target in client_data(run, relation)]
    if not masks:
        return measures.UNRESOLVED
    return measures.share(reduce(or_, masks).bit_count(), run.draws)


def any_reported(run: Run, relation: str) -> bool:
    """Whether it is reported of any client that its data was copied, or is out."""
    return not established(run).isdisjoint(client_data(run, relation))


def client_data(run: Run, relation: str, kinds: Sequence[str] = PARTIES) -> list[str]:
    """What a relation leads to of labs and clients, or of parties of some kinds."""
    rows = run.known.rows("entities")
    every = [name for targets in related(run.known, relation).values() for name in targets]
    parties = {name: rows.get(rows[name]["party"], {}) for name in every}
    return [name for name, party in parties.items() if party.get("kind") in kinds]


def clients(run: Run) -> pl.DataFrame:
    """Rows of `chances` of labs and clients, or of groups.

    Of those that a supplier serves, else, unless one is hit and reaches none of them, of the first
    of these kinds of which any is reached or may be; the likeliest first.
    """
    frame: pl.DataFrame = chances(run)
    there = frame.filter((pl.col("chance") > 0) | (pl.col("how") == "rare"))
    supplied = {one for several in related(run.known, "supplies").values() for one in several}
    found = there.filter(pl.col("kind").is_in(PARTIES), pl.col("entity").is_in(supplied))
    if found.is_empty() and not passed_over(run)["spared"]:
        kind = next((kind for kind in (*PARTIES, "group") if kind in there["kind"]), "")
        found = there.filter(kind=kind)
    return found.sort(-pl.col("band"), "entity")


def passed_over(run: Run) -> dict[str, list[str]]:
    """What is not followed: `spared`, suppliers that are hit and reach none of their clients.

    And of other suppliers that are hit the clients whom they do not reach: `unmodelled` without a
    path, `excluded` with one that has no chance. `unlinked` are suppliers that a claim reports as
    affected and to which no link leads.
    """
    supply, found = related(run.known, "supplies"), by_entity(run)
    kinds = run.known.rows("entities")
    spared, unmodelled, excluded = list[str](), set[str](), set[str]()
    led = {edge.target for edge in run.edges}
    for supplier in suppliers_hit(run):
        parties = {one for one in supply[supplier] if kinds[one]["kind"] in PARTIES}
        ways = parties & graph.shortest(run.edges, supplier).keys()
        unmodelled |= {one for one in parties - ways if not possible(found[one])}
        if parties & led and not any(possible(found[one]) for one in parties & led):
            spared.append(supplier)
        excluded |= {one for one in ways if not possible(found[one])}
    told = {*run.known["claims"].filter(predicate="affected", stance="asserts")["subject"]}
    return {
        "spared": spared,
        "unmodelled": sorted(unmodelled),
        "excluded": sorted(excluded),
        "unlinked": sorted((told & supply.keys()) - led),
    }


def client_groups(run: Run) -> dict[str, Any]:
    """Clients by what is said of them: reported, supposed, or assumed in groups of equal chance.

    And those that `passed_over` tells.
    """
    rows = clients(run)
    rest = rows.filter(pl.col("how").is_in(["drawn", "rare"]))
    bands = rest.group_by("band", "how", maintain_order=True).agg(pl.col("entity").sort())
    return {
        "lab": "lab" in rows["kind"],
        "group": "group" in rows["kind"],
        "reported": sorted(rows.filter(how="established")["entity"]),
        "supposed": sorted(rows.filter(how="supposed")["entity"]),
        "drawn": bands.rows(),
        **passed_over(run),
    }


def states(run: Run) -> pl.DataFrame:
    """Data sets that are in reach or may be: `entity`, `party`, and a state's chance and how.

    The states are `reach`, `copied` and `published`, each with `STATE_how`; null where a state is
    not modelled. Chances are those of the band.
    """
    found, known = by_entity(run), run.known
    copies, out = related(known, "taken_from"), related(known, "published_from")
    rows = []
    for party, sets in data_sets(known).items():
        for one in sets:
            if possible(found[one]):
                copy = next(iter(copies.get(one, ())), "")
                of = {"reach": one, "copied": copy, "published": next(iter(out.get(copy, ())), "")}
                cells: dict[str, Any] = {"entity": one, "party": party}
                for state, name in of.items():
                    row = found.get(name, {})
                    cells |= {state: row.get("band"), f"{state}_how": row.get("how")}
                rows.append(cells)
    return frame("states", rows)


def possible(row: Mapping[str, Any]) -> bool:
    """Whether a row of `chances` is of something that is reached or may be."""
    return bool(row["chance"]) or row["how"] == "rare"


def suppliers_hit(run: Run) -> list[str]:
    """Suppliers that are reached or supposed to be, and not reached as clients of another."""
    supply, found = related(run.known, "supplies"), by_entity(run)
    sure = [one for one in sorted(supply) if found[one]["how"] in ("established", "supposed")]
    served = {client for one in sure for client in supply[one]}
    return [one for one in sure if one not in served] or sure


def joint_chances(run: Run) -> pl.DataFrame:
    """How often several clients are reached: `at_least`, `chance`, `apart` (were they independent).

    Only clients whose reach is drawn count; `apart` is the Poisson binomial of their own chances.
    """
    drawn = clients(run).filter(how="drawn")["entity"].to_list()
    count = graph.counted((run.reached[one] for one in drawn), run.draws).astype(np.int64)
    alone = ([1 - p, p] for p in map(run.chance, drawn))
    exactly = {
        "chance": np.bincount(count, minlength=len(drawn) + 1) / run.draws,
        "apart": reduce(np.convolve, alone, np.ones(1)),
    }
    at_least = {name: each[::-1].cumsum()[-2::-1] for name, each in exactly.items()}
    return pl.DataFrame({"at_least": np.arange(1, len(drawn) + 1), **at_least})


def chain(run: Run) -> list[tuple[list[str], str | None]]:
    """The longest reported chain to where assumptions begin: its steps, and the claim on each.

    A step is one entity, or the releases of one package, for which it was is open.
    """
    walked, sure, found = edges_used(run), certain_entities(run), by_entity(run)
    open_ = (edge for edge in walked if edge.source in sure and edge.target not in sure)
    begins = Counter(edge.source for edge in open_ if edge.source != ROOT)
    served = set(clients(run)["entity"])
    begun = [one for one in begins if one not in served] or list(begins)
    supply = related(run.known, "supplies")
    ends = [one for one in begun if one in supply] or begun or suppliers_hit(run)
    if not ends:
        return []
    end = max(sorted(ends), key=lambda one: begins[one])
    edges = [edge for edge in walked if run.model.terms[edge.name] == (checks.CERTAIN,)]
    steps, kinds = list[tuple[list[str], str | None]](), run.known.rows("entities")
    versions = related(run.known, "version_of", forward=False)
    for edge in max(graph.simple_paths(edges, ROOT, end), key=len, default=[]):
        if kinds[edge.target]["kind"] == "package" and steps:
            releases = sorted(set(versions.get(edge.target, ())) & sure)
            steps[-1] = (releases or steps[-1][0], steps[-1][1])
        else:
            steps.append(([edge.target], found[edge.target]["claim"]))
    return steps
