"""On which rows of a case a number rests."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.schema import BASIS_KINDS
from impact.case.ways import modelled
from impact.numerics import graph

Rows = dict[str, frozenset[str]]  # table -> ids of its rows


class Lineage:
    """On which rows a number of a view rests: the static ancestry, before any draw.

    `lineage[name]` maps a table to the ids of its rows, for an entity, a bearer, a loss row or
    `total`: every link on any way from the event, every input that these or the losses name, who
    bears what, the claims and whom they name, and the sources of them all. A changed input rests on
    the sources of what it was, too.

    `also` are inputs on which all rests.
    """

    def __init__(self, known: Case, also: tuple[str, ...] = ()) -> None:
        self.known, self.also = known, also
        self._found: dict[str, dict[str, list[str]]] = {}

    def __getitem__(self, name: str) -> dict[str, list[str]]:
        if name not in self._found:
            self._found[name] = self._traced(self._static(name))
        return self._found[name]

    def _static(self, name: str) -> Rows:
        found: Rows = _static(self.known, name)
        return {**found, "inputs": found["inputs"] | {*self.also}}

    def _traced(self, static: Rows) -> dict[str, list[str]]:
        """These rows as far as they stand, and all their sources."""
        inputs = self.known.inputs
        named = static["inputs"] & inputs.keys()
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

    def basis(self, name: str) -> str:
        """The weakest `basis_kind` among the inputs on which a name rests; reported without any."""
        kinds = {self.known.inputs[row]["basis_kind"] for row in self[name]["inputs"]}
        return max(kinds, key=BASIS_KINDS.index, default=BASIS_KINDS[0])


@once
def _entering(known: Case) -> dict[str, list[graph.Edge]]:
    return graph.by_target(modelled(known["links"]))


def _losses_of(known: Case) -> dict[str, frozenset[str]]:
    """Loss row, bearer, who receives, or `total` -> the rows of losses.csv that it rests on."""
    found: dict[str, set[str]] = {"total": set()}
    for loss, row in known.rows("losses").items():
        for name in {loss, row["bearer"], row["received_by"] or "total"}:
            found.setdefault(name, set()).add(loss)
    return {name: frozenset(rows) for name, rows in found.items()}


def _static(known: Case, name: str) -> Rows:
    """The rows on which a name rests, `link.ID` of every link among the inputs."""
    links, losses = known.rows("links"), known.rows("losses")
    mine = _losses_of(known).get(name, frozenset())
    ends = {name, *(losses[loss]["needs"] for loss in mine)}
    entering = _entering(known)
    ways = set[str]().union(*(graph.behind(entering, end) for end in ends))
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
