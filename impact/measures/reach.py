"""Who and what the event reaches, how likely, over which chain, and how often together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from impact.case import checks
from impact.case.ways import ROOT
from impact.measures.evidence import data_sets, related
from impact.measures.totals import rare_entities
from impact.numerics import graph, measures
from impact.simulation import Run, per_run


def certain_entities(run: Run) -> set[str]:
    """Entities that the event reaches over certain links, whatever is drawn or supposed."""
    return _reached_over(run, lambda term: term == checks.CERTAIN)


def always_reached(run: Run) -> set[str]:
    """Entities always reached because of fixed inputs alone: established, or supposed."""
    still = {name for name, row in run.known.inputs.items() if row["shape"] == "fixed"}
    still.add(checks.CERTAIN)
    return _reached_over(run, lambda term: checks.chance_term(term)[0] in still)


def _reached_over(run: Run, sure: Callable[[str], bool]) -> set[str]:
    """Entities reached over links that are always on and whose every chance is sure."""
    terms, every = run.model.terms, graph.everything(run.draws)
    edges = [
        edge
        for edge in run.edges
        if all(sure(term) for term in terms[edge.name]) and run.on[edge.name] == every
    ]
    return set(graph.shortest(edges, ROOT)) if run.reached else set()


@per_run
def chances(run: Run) -> pl.DataFrame:
    """Exposure of every entity, ordered by id.

    Columns `entity`, `kind`, `chance`, `chance_error`, `how`, `claim` (who reports it), `band`.

    The chance is the share of draws in which the event reaches the entity; the error is the Wilson
    half-width, 0 where nothing was drawn to decide it. `how` is established (by certain links),
    supposed (by an input fixed for the view), drawn, rare (possible, and in none of the draws) or
    none (never reached).
    `band` is the mean chance of all entities of the kind that rest on the same inputs: firms with
    equal evidence share one printed number.
    """
    sure, supposed, unmet = certain_entities(run), always_reached(run), rare_entities(run)
    evidence, reported = _evidence(run), reporters(run)
    rows: list[dict[str, Any]] = []
    for entity, row in run.known.rows("entities").items():
        found = measures.share(run.reached.get(entity, 0).bit_count(), run.draws)
        drawn = bool(run.reached.get(entity)) and entity not in supposed
        how = "drawn" if drawn else "supposed" if entity in supposed - sure else "established"
        how = "rare" if entity in unmet else how if found.value else "none"
        rows.append(
            {
                "entity": entity,
                "kind": row["kind"],
                "chance": found.value,
                "chance_error": found.error if drawn or how == "rare" else 0.0,
                "how": how,
                "claim": reported.get(entity),
            }
        )
    groups: dict[tuple[str, int], list[float]] = {}
    for made in rows:
        equal = made["kind"], evidence.get(made["entity"], 0)
        groups.setdefault(equal, []).append(made["chance"])
    bands = {equal: sum(found) / len(found) for equal, found in groups.items()}
    for made in rows:
        made["band"] = bands[made["kind"], evidence.get(made["entity"], 0)]
    return pl.DataFrame(rows, schema=_CHANCES, orient="row")


def _evidence(run: Run) -> dict[str, int]:
    """Entity -> the chances on which it rests, a bit each: those of all ways to it."""
    bits, brings = dict[str, int](), dict[str, int]()
    for edge in edges_used(run):
        for term in run.model.terms[edge.name]:
            if term not in bits:
                bits[term] = 1 << len(bits)
            brings[edge.name] = brings.get(edge.name, 0) | bits[term]
    return graph.gathered(edges_used(run), ROOT, brings)


def by_entity(run: Run) -> dict[str, dict[str, Any]]:
    """Entity -> its row of `chances`."""
    return {row["entity"]: row for row in chances(run).iter_rows(named=True)}


_CHANCES = {
    **dict.fromkeys(("entity", "kind"), pl.String),
    **dict.fromkeys(("chance", "chance_error"), pl.Float64),
    **dict.fromkeys(("how", "claim"), pl.String),
    "band": pl.Float64,
}


def edges_used(run: Run) -> list[graph.Edge]:
    """The edges over which something travels in any draw, in their order."""
    there, on = run.reached, run.on
    return [e for e in run.edges if e.source in there and there[e.source] & on[e.name]]


def reporters(run: Run) -> dict[str, str]:
    """Entity -> the claim that reports that it was reached.

    The most credible, then latest, claim of the certain links that lead to it.
    """
    claims, on = run.known.rows("claims"), {edge.name for edge in edges_used(run)}
    named: dict[str, list[dict[str, Any]]] = {}
    for link, row in run.known.rows("links").items():
        if link in on and row["chances"] == [checks.CERTAIN]:
            told = (claims[claim] for claim in row["claims"])
            named.setdefault(row["target"], []).extend(one for one in told if one["sources"])
    best = {
        entity: min(made, key=lambda c: (c["credibility"], -c["known_on"].timestamp(), c["id"]))
        for entity, made in named.items()
        if made
    }
    return {entity: str(claim["id"]) for entity, claim in best.items()}


PARTIES = ("lab", "client")


def any_client(run: Run, relation: str) -> measures.Measure:
    """Chance that data of any client was copied (`taken_from`) or is out (`published_from`).

    None where no such state of a client's data is modelled.
    """
    states, reached = _client_data(run, relation), 0
    if not states:
        return measures.UNRESOLVED
    for target in states:
        reached |= run.reached.get(target, 0)
    return measures.share(reached.bit_count(), run.draws)


def any_reported(run: Run, relation: str) -> bool:
    """Whether it is reported of any client that its data was copied, or is out."""
    return not certain_entities(run).isdisjoint(_client_data(run, relation))


def _client_data(run: Run, relation: str) -> list[str]:
    """What a relation leads to of labs and clients."""
    rows = run.known.rows("entities")
    parties = {name for name, row in rows.items() if row["kind"] in ("lab", "client")}
    every = related(run.known, relation).values()
    return [name for targets in every for name in targets if rows[name]["party"] in parties]


def clients(run: Run) -> pl.DataFrame:
    """Rows of `chances` of labs, or in a case without labs of clients, or of groups.

    Of the first of these kinds of which any is reached or may be; the likeliest first.
    """
    frame: pl.DataFrame = chances(run)
    there = frame.filter((pl.col("chance") > 0) | (pl.col("how") == "rare"))
    kind = next((kind for kind in (*PARTIES, "group") if kind in there["kind"]), "")
    return there.filter(pl.col("kind") == kind).sort(-pl.col("band"), "entity")


def client_groups(run: Run) -> dict[str, Any]:
    """Clients by what is said of them: reported, supposed, or assumed in groups of equal chance."""
    rows = clients(run)
    of = {how: rows.filter(pl.col("how") == how) for how in ("established", "supposed")}
    rest = rows.filter(pl.col("how").is_in(["drawn", "rare"]))
    bands = rest.group_by("band", "how", maintain_order=True).agg(pl.col("entity").sort())
    return {
        "lab": "lab" in rows["kind"],
        "group": "group" in rows["kind"],
        "reported": sorted(of["established"]["entity"]),
        "supposed": sorted(of["supposed"]["entity"]),
        "drawn": [(p, how, ids) for p, how, ids in bands.iter_rows()],
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
            copy = next(iter(copies.get(one, ())), "")
            of = {"reach": one, "copied": copy, "published": next(iter(out.get(copy, ())), "")}
            here = {state: found[name] for state, name in of.items() if name in found}
            if "reach" in here and possible(here["reach"]):
                cells: dict[str, Any] = {"entity": one, "party": party}
                for state in STATES:
                    row = here.get(state, {})
                    cells |= {state: row.get("band"), f"{state}_how": row.get("how")}
                rows.append(cells)
    return pl.DataFrame(rows, schema=_STATES, orient="row")


STATES = ("reach", "copied", "published")
_STATES = {
    **dict.fromkeys(("entity", "party"), pl.String),
    **{
        column: kind
        for state in STATES
        for column, kind in ((state, pl.Float64), (f"{state}_how", pl.String))
    },
}


def possible(row: Mapping[str, Any]) -> bool:
    """Whether a row of `chances` is of something that is reached or may be."""
    return bool(row["chance"]) or row["how"] == "rare"


def suppliers_hit(run: Run) -> list[str]:
    """Suppliers that are reached or supposed to be, and not reached as clients of another."""
    supply, found = related(run.known, "supplies"), by_entity(run)
    sure = [one for one in sorted(supply) if found[one]["chance"] and _settled(found[one])]
    served = {client for one in sure for client in supply[one]}
    return [one for one in sure if one not in served] or sure


def _settled(row: Mapping[str, Any]) -> bool:
    return row["how"] in ("established", "supposed")


def joint_chances(run: Run) -> pl.DataFrame:
    """How often several clients are reached: `at_least`, `chance`, `apart` (were they independent).

    Only clients whose reach is drawn count; `apart` is the Poisson binomial of their own chances.
    """
    drawn = clients(run).filter(pl.col("how") == "drawn")["entity"]
    many = drawn.len()
    count = graph.counted((run.reached[one] for one in drawn), run.draws).astype(np.int64)
    found = np.bincount(count, minlength=many + 1) / run.draws
    apart = np.eye(1, many + 1)[0]  # chance of exactly k, of none of them at first
    for p in (run.chance(one) for one in drawn):
        apart[1:] = apart[1:] * (1 - p) + apart[:-1] * p
        apart[0] *= 1 - p
    at_least = {
        name: each[::-1].cumsum()[::-1][1:] for name, each in (("chance", found), ("apart", apart))
    }
    return pl.DataFrame({"at_least": np.arange(1, many + 1), **at_least})


def chain(run: Run) -> list[tuple[list[str], str | None]]:
    """The longest reported chain to where assumptions begin: its steps, and the claim on each.

    A step is one entity, or the releases of one package, for which it was is open.
    """
    walked, sure, found = edges_used(run), certain_entities(run), by_entity(run)
    begins: dict[str, int] = {}
    for edge in walked:
        if edge.source in sure and edge.target not in sure and edge.source != ROOT:
            begins[edge.source] = begins.get(edge.source, 0) + 1
    served = set(clients(run)["entity"])
    begun = [one for one in begins if one not in served] or list(begins)
    supplied = [one for one in begun if one in related(run.known, "supplies")]
    ends = supplied or begun or suppliers_hit(run)
    if not ends:
        return []
    end = max(sorted(ends), key=lambda one: begins.get(one, 0))
    ways = graph.behind(graph.by_target(walked), end)
    edges = [e for e in walked if e.name in ways and run.model.terms[e.name] == (checks.CERTAIN,)]
    steps, kinds = list[tuple[list[str], str | None]](), run.known.rows("entities")
    versions = related(run.known, "version_of", forward=False)
    for edge in _longest(edges, end):
        if kinds[edge.target]["kind"] == "package" and steps:
            releases = sorted(set(versions.get(edge.target, ())) & sure)
            steps[-1] = (releases or steps[-1][0], steps[-1][1])
        else:
            steps.append(([edge.target], found[edge.target]["claim"]))
    return steps


def _longest(edges: list[graph.Edge], end: str) -> list[graph.Edge]:
    """The longest of the first hundred simple paths from the root to a node."""
    paths = graph.simple_paths(edges, ROOT, end, _TRIED)
    return max(paths, key=len, default=[])


_TRIED = 100  # paths among which the longest is sought
