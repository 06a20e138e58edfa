"""On which rows of a case a number rests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.schema import BASIS_KINDS, TLP, highest
from impact.case.ways import ROOT, modelled
from impact.numerics import graph

_TRACED = ("entities", "links", "losses", "claims")  # beside inputs and sources
_MODEL = ("entities", "links", "inputs", "losses")  # the tables from which numbers come
Rows = dict[str, frozenset[str]]  # table -> ids of its rows


class Lineage:
    """On which rows a number of a view rests: the static ancestry, before any draw.

    `lineage[name]` maps a table to the ids of its rows, for an entity, a bearer, a loss row or
    `total`: every link on any way from the event, every input that these or the losses name, who
    bears what, the claims and whom they name, and the sources of them all. A changed input rests on
    the sources of what it was, too.

    Where `edges` are given, no other link leads anywhere; `also` are inputs on which all rests.
    """

    def __init__(
        self, known: Case, edges: tuple[graph.Edge, ...] | None = None, also: tuple[str, ...] = ()
    ) -> None:
        self.known, self.edges, self.also = known, edges, also
        self._found: dict[str, dict[str, list[str]]] = {}
        self._labels: dict[str, str] = {}

    @property
    def ways(self) -> dict[str, set[str]]:
        """Node -> the links on any way that ends there."""
        found: dict[str, set[str]] = _ways(self.known)
        return found

    def __getitem__(self, name: str) -> dict[str, list[str]]:
        if name not in self._found:
            self._found[name] = self._traced(self._static(name))
        return self._found[name]

    def _static(self, name: str) -> Rows:
        found: Rows = _static(self.known, name, self.edges)
        return {**found, "inputs": found["inputs"] | {*self.also}}

    def _traced(self, static: Rows) -> dict[str, list[str]]:
        """These rows as far as they stand, what their inputs move with, and all their sources."""
        inputs = self.known.inputs
        named = static["inputs"] & inputs.keys()
        named |= {inputs[row]["moves_with"] for row in named} - {None}
        cited = {source for row in named & self._before.keys() for source in self._before[row]}
        for table, ids in (found := {**static, "inputs": named}).items():
            rows = self.known.rows(table)
            cited.update(*(rows[row]["sources"] for row in ids))
        return {**{table: sorted(ids) for table, ids in found.items()}, "sources": sorted(cited)}

    @cached_property
    def _before(self) -> dict[str, list[str]]:
        """Changed input -> the sources that it had before."""
        if self.known.before is None:
            return {}
        rows = self.known.before.inputs
        return {c.name: rows[c.name]["sources"] for c in self.known.changes if c.name in rows}

    def label(self, *names: str) -> str:
        """The highest TLP level among the rows on which some names rest.

        Of what was taken back nothing says on which numbers it would bear: it marks them all, as
        does a scenario that has a level of its own.
        """
        if not self._above:
            return self._floor
        for name in set(names) - self._labels.keys():
            self._labels[name] = self._level(self._static(name))
        return highest([self._floor, *(self._labels[name] for name in names)])

    def label_of_inputs(self, *names: str) -> str:
        """The highest TLP level of inputs and of what they rest on; `link.ID` is its link."""
        if not self._above:
            return self._floor
        start = checks.LINK_INPUT
        cut = {name.removeprefix(start) for name in names if name.startswith(start)}
        links = cut & self.known.rows("links").keys()
        return highest((self._floor, self._level(_rows(self.known, links, names))))

    def _level(self, static: Rows) -> str:
        marked = ((ids, self._above[table]) for table, ids in static.items())
        return highest(above[row] for ids, above in marked for row in ids & above.keys())

    @cached_property
    def _floor(self) -> str:
        scenario = self.known.scenarios[self.known.scenario]
        return highest((_ended(self.known), scenario.tlp if self.known.changes else TLP[0]))

    @cached_property
    def _above(self) -> dict[str, dict[str, str]]:
        """Table -> row -> its level with its sources, of rows above clear; empty without any."""
        inputs = self.known.inputs
        if {row["tlp"] for row in inputs.values()} | _levels(self.known) <= {TLP[0]}:
            return {}
        own = {n: _own(self.known, row, self._before.get(n, ())) for n, row in inputs.items()}
        with_factor = {
            name: highest((own[name], own[row["moves_with"] or name]))
            for name, row in inputs.items()
        }
        return {**_others_above(self.known), "inputs": _marked(with_factor)}

    def basis(self, name: str) -> str:
        """The weakest `basis_kind` among the inputs on which a name rests; reported without any."""
        kinds = {self.known.inputs[row]["basis_kind"] for row in self[name]["inputs"]}
        return max(kinds, key=BASIS_KINDS.index, default=BASIS_KINDS[0])


@once
def _levels(known: Case) -> set[str]:
    """The TLP levels of all rows on which a number can rest, but for those of inputs.csv."""
    return {level for table in (*_TRACED, "sources") for level in known[table]["tlp"].unique()}


@once
def _ended(known: Case) -> str:
    """The highest level of the rows that ended an entity, a link, an input or a loss."""
    frames = (known.ended[table] for table in _MODEL if table in known.ended)
    return highest(level for frame in frames for level in frame["tlp"].unique())


@once
def _others_above(known: Case) -> dict[str, dict[str, str]]:
    """Table -> row -> level, of the tables but inputs.csv on whose rows a number can rest."""
    return {
        table: _marked({name: _own(known, row) for name, row in known.rows(table).items()})
        for table in _TRACED
    }


def _own(known: Case, row: Mapping[str, Any], more: Collection[str] = ()) -> str:
    """The level of a row and of its sources, and of more sources."""
    sources = known.rows("sources")
    return highest([row["tlp"], *(sources[name]["tlp"] for name in (*row["sources"], *more))])


def _marked(levels: Mapping[str, str]) -> dict[str, str]:
    return {name: level for name, level in levels.items() if level != TLP[0]}


@once
def _ways(known: Case) -> dict[str, set[str]]:
    return graph.all_ways(modelled(known["links"]))


@once
def _static(known: Case, name: str, edges: tuple[graph.Edge, ...] | None) -> Rows:
    """The rows on which a name rests, `link.ID` of every link among the inputs."""
    links, losses = known.rows("links"), known.rows("losses")
    mine = {
        loss
        for loss, row in losses.items()
        if name in (loss, row["bearer"], row["received_by"])
        or (name == "total" and row["received_by"] is None)
    }
    if edges is not None:
        there = {ROOT, *(edge.target for edge in edges)}
        mine = {loss for loss in mine if losses[loss]["needs"] in there}
    ends = {name, *(losses[loss]["needs"] for loss in mine)}
    ways = set[str]().union(*(_ways(known).get(end, set()) for end in ends))
    if edges is not None:
        ways &= {edge.name for edge in edges}
    inputs = {checks.LINK_INPUT + link for link in ways}
    for link in ways:
        for term in links[link]["chances"]:
            inputs |= {part for part in checks.chance_term(term) if part}
    for loss in mine:
        row = losses[loss]
        inputs |= {*checks.argument_pairs(row["arguments"]).values()}
        inputs |= {row[part] for part in ("retention", "limit") if row[part]}
    return _rows(known, ways, inputs - {checks.CERTAIN}, mine, ends)


def _rows(
    known: Case,
    links: Collection[str],
    inputs: Collection[str],
    losses: Collection[str] = (),
    entities: Collection[str] = (),
) -> Rows:
    """These rows, the claims on which the links rest, and the entities that any of them name."""
    of = {table: known.rows(table) for table in ("entities", "links", "losses", "claims")}
    claims = {claim for link in links for claim in of["links"][link]["claims"]}
    named = {of["links"][link][end] for link in links for end in ("source", "target")}
    named |= {of["losses"][loss][part] for loss in losses for part in ("bearer", "received_by")}
    named |= {of["claims"][claim][part] for claim in claims for part in ("claimant", "subject")}
    return {
        "entities": frozenset({*entities, *named} & of["entities"].keys()),
        "links": frozenset(links),
        "inputs": frozenset(inputs),
        "losses": frozenset(losses),
        "claims": frozenset(claims),
    }
