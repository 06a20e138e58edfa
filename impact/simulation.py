"""`simulate`: one view of a case into the draws of what is reached and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact.case import checks
from impact.case.folder import Case
from impact.case.schema import BASIS_KINDS, TLP
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
    changed inputs draws only what changed. `lineage` says on which rows each of them rests.
    """

    known: Case
    draws: int
    seed: int
    reached: Mapping[str, int] = field(repr=False)
    on: Mapping[str, int] = field(repr=False)
    edges: tuple[graph.Edge, ...] = field(repr=False)
    losses: pl.DataFrame = field(repr=False)
    drawn: Kept = field(repr=False)
    lineage: Lineage = field(repr=False)

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
    return Run(known, draws, seed, reached, on, edges, pl.DataFrame(losses), kept, Lineage(known))


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
        """Argument -> draws of the inputs of a loss row."""
        pairs = checks.argument_pairs(row["arguments"])
        return {argument: self.value(name, row["id"]) for argument, name in pairs.items()}


def estimate(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """(shape, low, mode, high, cap) of an input."""
    return tuple(row[part] for part in ("shape", "low", "mode", "high", "cap"))


def arguments(run: Run, loss: str) -> dict[str, Draws]:
    """Argument -> `(draws,)` or scalar draws of the inputs of one row of losses.csv."""
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


class Lineage:
    """On which rows a number of a view rests: the static ancestry, before any draw.

    `lineage[name]` maps a table to the ids of its rows, for an entity, a bearer, a loss row or
    `total`: every link on any way from the event, every input that these or the losses name, and
    the claims and sources of them all.
    """

    def __init__(self, known: Case) -> None:
        self.known = known

    @cached_property
    def _rows(self) -> dict[str, dict[str, dict[str, Any]]]:
        tables = ("entities", "links", "inputs", "losses", "claims")
        return {t: {row["id"]: row for row in self.known[t].iter_rows(named=True)} for t in tables}

    @cached_property
    def _ways(self) -> dict[str, set[str]]:
        return graph.all_ways(modelled(self.known["links"]))

    @cached_property
    def _found(self) -> dict[str, dict[str, list[str]]]:
        return {}

    def __getitem__(self, name: str) -> dict[str, list[str]]:
        if name not in self._found:
            self._found[name] = self._trace(name)
        return self._found[name]

    def _trace(self, name: str) -> dict[str, list[str]]:
        rows = self._rows
        losses = {
            row["id"]
            for row in rows["losses"].values()
            if name in (row["id"], row["bearer"], row["received_by"])
            or (name == "total" and row["received_by"] is None)
        }
        ends = {name, *(rows["losses"][loss]["needs"] for loss in losses)}
        links = set[str]().union(*(self._ways.get(end, set()) for end in ends))
        inputs = {checks.LINK_INPUT + link for link in links} & set(rows["inputs"])
        for link in links:
            for term in rows["links"][link]["chances"]:
                inputs |= {part for part in checks.chance_term(term) if part in rows["inputs"]}
        for loss in losses:
            row = rows["losses"][loss]
            inputs |= {*checks.argument_pairs(row["arguments"]).values()}
            inputs |= {row[part] for part in ("retention", "limit") if row[part]}
        joined = {rows["links"][link][end] for link in links for end in ("source", "target")}
        found = {
            "entities": (ends | joined) & set(rows["entities"]),
            "links": links,
            "inputs": inputs,
            "losses": losses,
            "claims": {claim for link in links for claim in rows["links"][link]["claims"]},
        }
        cited = {s for t, ids in found.items() for row in ids for s in rows[t][row]["sources"]}
        return {**{t: sorted(ids) for t, ids in found.items()}, "sources": sorted(cited)}

    def label(self, name: str) -> str:
        """The highest TLP level among the rows on which a name rests."""
        if self._highest == TLP[0]:
            return TLP[0]
        rows, sources = self._rows, self.known["sources"]
        levels = dict(sources.select("id", "tlp").iter_rows())
        traced = self[name]
        seen = {levels[source] for source in traced["sources"]} | {TLP[0]}
        seen |= {rows[t][row]["tlp"] for t in rows for row in traced[t]}
        return max(seen, key=TLP.index)

    @cached_property
    def _highest(self) -> str:
        seen = {level for frame in self.known.tables.values() for level in frame["tlp"].unique()}
        return max(seen, key=TLP.index, default=TLP[0])

    def basis(self, name: str) -> str:
        """The weakest `basis_kind` among the inputs on which a name rests; reported without any."""
        kinds = {self._rows["inputs"][row]["basis_kind"] for row in self[name]["inputs"]}
        return max(kinds, key=BASIS_KINDS.index, default=BASIS_KINDS[0])
