"""`simulate`: one view of a case into the draws of what is reached and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact.case import checks
from impact.case.folder import Case
from impact.errors import bad
from impact.numerics import graph, loss_kinds, sampling, times

ROOT = "event"
MOST_DRAWS = 2**22
Draws = NDArray[np.float64]
Kept = dict[tuple[Any, ...], Draws]


@dataclass(frozen=True)
class Run:
    """The draws of one view.

    `reached` maps an entity to the draws in which the event reaches it, one bit a draw; `on` does
    so for links. `losses` has one column per row of losses.csv, `(draws,)` USD, borne by its
    bearer. `drawn` keeps the draws of every input by stream and estimate, so that a further run on
    changed inputs draws only what changed.
    """

    known: Case
    draws: int
    seed: int
    reached: Mapping[str, int] = field(repr=False)
    on: Mapping[str, int] = field(repr=False)
    edges: tuple[graph.Edge, ...] = field(repr=False)
    losses: pl.DataFrame = field(repr=False)
    drawn: Kept = field(repr=False)

    def __str__(self) -> str:
        """The run in a line."""
        return f"{self.known.id}, {self.known.scenario}: {self.draws:,} draws, seed {self.seed}"

    def chance(self, entity: str) -> float:
        """Share of draws in which the event reaches the entity."""
        return self.reached.get(entity, 0).bit_count() / self.draws


def simulate(known: Case, draws: int = 10_000, seed: int = 1, like: Run | None = None) -> Run:
    """The run of a view; the same view, draws and seed give the same bits.

    `like` is an earlier run of the same draws and seed: what did not change is taken from it.
    Adding rows moves no other draw, because each stream is keyed by the names of what it decides.

    >>> import impact
    >>> run = impact.simulate(impact.view(impact.load_case("mercor")), draws=1000)
    """
    if not 1 <= draws <= MOST_DRAWS:
        raise bad("draws", f"{draws} is outside 1 to {MOST_DRAWS:,}", "10000 is the usual number")
    if seed < 0:
        raise bad("seed", f"{seed} is below 0", "give a whole number from 0")
    kept = dict(like.drawn) if like and (like.draws, like.seed) == (draws, seed) else {}
    source = _Source(known, draws, seed, kept)
    edges = tuple(graph.usable(modelled(known["links"]), ROOT))
    chances = dict(known["links"].select("id", "chances").iter_rows())
    on = {edge.name: source.link(edge.name, chances[edge.name]) for edge in edges}
    there = ROOT in known["entities"]["id"]
    reached = graph.reach(edges, on, ROOT, draws) if there else {}
    losses = {
        row["id"]: source.loss(row, reached.get(row["needs"], 0))
        for row in known["losses"].iter_rows(named=True)
    }
    return Run(known, draws, seed, reached, on, edges, pl.DataFrame(losses), kept)


def modelled(links: pl.DataFrame) -> list[graph.Edge]:
    """The links along which something travels, in the order of their ids; times in seconds."""
    rows = links.filter(pl.col("chances").list.len() > 0)
    return [
        graph.Edge(
            name,
            source,
            target,
            -graph.FOREVER if opens is None else times.start(opens).timestamp(),
            graph.FOREVER if closes is None else closes.timestamp(),
        )
        for name, source, target, opens, closes in rows.select(
            "id", "source", "target", "valid_from", "valid_to"
        ).iter_rows()
    ]


class _Source:
    """Draws by name for one view; keeps each."""

    def __init__(self, known: Case, draws: int, seed: int, kept: Kept) -> None:
        self.inputs = {row["id"]: row for row in known["inputs"].iter_rows(named=True)}
        self.draws, self.seed, self.kept = draws, seed, kept

    def uniform(self, stream: str) -> Draws:
        return sampling.uniform(self.seed, stream, self.draws)

    def value(self, name: str, use: str) -> Draws:
        """`(draws,)` of an input where the row `use` uses it; a scalar where it is fixed."""
        row = self.inputs[name]
        if row["shape"] == "fixed":
            return np.asarray(row["mode"])
        stream = name if row["drawn"] == "once" else f"{name}|{use}"
        key = (stream, *estimate(row))
        if key not in self.kept:
            shape, low, mode, high, cap = estimate(row)
            u = self.uniform(f"input|{stream}")
            self.kept[key] = sampling.QUANTILES[shape](u, low, mode, high, cap)
        return self.kept[key]

    def chance(self, term: str, use: str) -> Draws:
        """Chance of one item of a link's `chances`.

        `NAME over MINUTES` is 1 - (1 - p)^(minutes / N) for a chance p per N minutes: a constant
        hazard over the window.
        """
        name, minutes = checks.chance_term(term)
        chance = self.value(name, use)
        if minutes is None:
            return chance
        reference = checks.reference_minutes(self.inputs[name]["unit"]) or 1.0
        within: Draws = 1 - (1 - chance) ** (self.value(minutes, use) / reference)
        return within

    def link(self, link: str, terms: list[str]) -> int:
        """Mask of the draws in which a link is on: all its chances happen."""
        mask = graph.everything(self.draws)
        cut = checks.LINK_INPUT + link
        for term in [*terms, *([cut] if cut in self.inputs else [])]:
            if term == checks.CERTAIN:
                continue
            chance = self.chance(term, link)
            if chance.ndim == 0 and chance in (0.0, 1.0):
                mask = mask if chance else 0
                continue
            key = ("outcome", link, checks.chance_term(term)[0])
            if key not in self.kept:
                self.kept[key] = self.uniform("|".join(key))
            mask &= graph.pack(sampling.happens(self.kept[key], chance))
        return mask

    def loss(self, row: Mapping[str, Any], mask: int) -> Draws:
        """`(draws,)` USD that the bearer keeps of one row of losses.csv."""
        if mask == 0:
            return np.zeros(self.draws)
        amount = loss_kinds.KINDS[row["kind"]].amount(self.arguments(row))
        if row["limit"] is not None:
            retention = self.value(row["retention"], row["id"]) if row["retention"] else 0.0
            limit = self.value(row["limit"], row["id"])
            amount = amount - np.clip(amount - retention, 0.0, limit)
        kept: Draws = np.where(graph.unpack(mask, self.draws), amount, 0.0)
        return kept

    def arguments(self, row: Mapping[str, Any]) -> dict[str, Draws]:
        """argument -> draws of the inputs of a loss row."""
        pairs = checks.argument_pairs(row["arguments"])
        return {argument: self.value(name, row["id"]) for argument, name in pairs.items()}


def estimate(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """(shape, low, mode, high, cap) of an input."""
    return tuple(row[part] for part in ("shape", "low", "mode", "high", "cap"))


def arguments(run: Run, loss: str) -> dict[str, Draws]:
    """argument -> `(draws,)` or scalar draws of the inputs of one row of losses.csv."""
    row = run.known["losses"].row(by_predicate=pl.col("id") == loss, named=True)
    return _Source(run.known, run.draws, run.seed, run.drawn).arguments(row)


def net(run: Run, bearer: str) -> Draws:
    """`(draws,)` USD that a bearer loses, less what it receives by transfers."""
    balance = np.zeros(run.draws)
    for name, who, receiver in (
        run.known["losses"].select("id", "bearer", "received_by").iter_rows()
    ):
        if bearer in (who, receiver):
            amount = run.losses[name].to_numpy()
            balance = balance + amount if who == bearer else balance - amount
    return balance


def total(run: Run) -> Draws:
    """`(draws,)` USD lost by all together: transfers only move money and are left out."""
    lost = np.zeros(run.draws)
    for name, receiver in run.known["losses"].select("id", "received_by").iter_rows():
        if receiver is None:
            lost = lost + run.losses[name].to_numpy()
    return lost


def lineage(known: Case, name: str) -> dict[str, list[str]]:
    """table -> ids of the rows on which an entity, a bearer, a loss or `total` rests.

    The static ancestry, before any draw: every link on any way from the event, every input that
    these or the losses name, and the claims and sources of them all.
    """
    losses = known["losses"].filter(
        (pl.lit(name == "total") & pl.col("received_by").is_null())
        | (pl.col("id") == name)
        | (pl.col("bearer") == name)
        | (pl.col("received_by") == name)
    )
    edges = modelled(known["links"])
    entities = {name, *losses["needs"]}
    ways = set[str]().union(*(graph.ways_to(edges, entity) for entity in entities))
    links = known["links"].filter(pl.col("id").is_in(sorted(ways)))
    used = checks.uses_of_inputs({"links": links, "losses": losses})["name"].to_list()
    used += [checks.LINK_INPUT + link for link in links["id"]]
    claims = links.explode("claims")["claims"].drop_nulls().to_list()
    entities |= {*links["source"], *links["target"]}
    rows = {
        "entities": _named(known, "entities", entities),
        "links": links,
        "inputs": _named(known, "inputs", used),
        "losses": losses,
        "claims": _named(known, "claims", claims),
    }
    cited = {s for frame in rows.values() for s in frame.explode("sources")["sources"] if s}
    return {**{t: frame["id"].to_list() for t, frame in rows.items()}, "sources": sorted(cited)}


def _named(known: Case, table: str, names: set[str] | list[str]) -> pl.DataFrame:
    return known[table].filter(pl.col("id").is_in(sorted(set(names))))
