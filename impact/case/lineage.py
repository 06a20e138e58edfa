"""On which rows of a case a number rests."""

from __future__ import annotations

from functools import cached_property

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.schema import BASIS_KINDS, TLP
from impact.case.ways import modelled
from impact.numerics import graph


class Lineage:
    """On which rows a number of a view rests: the static ancestry, before any draw.

    `lineage[name]` maps a table to the ids of its rows, for an entity, a bearer, a loss row or
    `total`: every link on any way from the event, every input that these or the losses name, and
    the claims and sources of them all.
    """

    def __init__(self, known: Case) -> None:
        self.known = known
        self._found: dict[str, dict[str, list[str]]] = {}

    @property
    def ways(self) -> dict[str, set[str]]:
        """Node -> the links on any way that ends there."""
        found: dict[str, set[str]] = _ways(self.known)
        return found

    def __getitem__(self, name: str) -> dict[str, list[str]]:
        if name not in self._found:
            self._found[name] = self._trace(name)
        return self._found[name]

    def _trace(self, name: str) -> dict[str, list[str]]:
        static: dict[str, frozenset[str]] = _static(self.known, name)
        found = {**static, "inputs": static["inputs"] & self.known.inputs.keys()}
        named = {self.known.inputs[row]["moves_with"] for row in found["inputs"]} - {None}
        found["inputs"] |= named
        cited = {
            s for t, ids in found.items() for row in ids for s in self.known.rows(t)[row]["sources"]
        }
        return {**{t: sorted(ids) for t, ids in found.items()}, "sources": sorted(cited)}

    def label(self, name: str) -> str:
        """The highest TLP level among the rows on which a name rests."""
        if self._highest == TLP[0]:
            return TLP[0]
        levels = {row: s["tlp"] for row, s in self.known.rows("sources").items()}
        traced = self[name]
        seen = {levels[source] for source in traced["sources"]} | {TLP[0]}
        seen |= {
            self.known.rows(t)[row]["tlp"] for t in traced if t != "sources" for row in traced[t]
        }
        return max(seen, key=TLP.index)

    @cached_property
    def _highest(self) -> str:
        levels = {row["tlp"] for row in self.known.inputs.values()} | _levels(self.known)
        return max(levels, key=TLP.index)

    def basis(self, name: str) -> str:
        """The weakest `basis_kind` among the inputs on which a name rests; reported without any."""
        kinds = {self.known.inputs[row]["basis_kind"] for row in self[name]["inputs"]}
        return max(kinds, key=BASIS_KINDS.index, default=BASIS_KINDS[0])


@once
def _levels(known: Case) -> set[str]:
    """The TLP levels of all rows but those of inputs.csv."""
    others = (frame for table, frame in known.tables.items() if table != "inputs")
    return {level for frame in others for level in frame["tlp"].unique()} | {TLP[0]}


@once
def _ways(known: Case) -> dict[str, set[str]]:
    return graph.all_ways(modelled(known["links"]))


@once
def _static(known: Case, name: str) -> dict[str, frozenset[str]]:
    """The rows on which a name rests, `link.ID` of every link among the inputs."""
    links, losses, entities = (known.rows(t) for t in ("links", "losses", "entities"))
    mine = {
        loss
        for loss, row in losses.items()
        if name in (loss, row["bearer"], row["received_by"])
        or (name == "total" and row["received_by"] is None)
    }
    ends = {name, *(losses[loss]["needs"] for loss in mine)}
    ways = set[str]().union(*(_ways(known).get(end, set()) for end in ends))
    inputs = {checks.LINK_INPUT + link for link in ways}
    for link in ways:
        for term in links[link]["chances"]:
            inputs |= {part for part in checks.chance_term(term) if part}
    for loss in mine:
        row = losses[loss]
        inputs |= {*checks.argument_pairs(row["arguments"]).values()}
        inputs |= {row[part] for part in ("retention", "limit") if row[part]}
    joined = {links[link][end] for link in ways for end in ("source", "target")}
    found = {
        "entities": (ends | joined) & entities.keys(),
        "links": ways,
        "inputs": inputs - {checks.CERTAIN},
        "losses": mine,
        "claims": {claim for link in ways for claim in links[link]["claims"]},
    }
    return {table: frozenset(rows) for table, rows in found.items()}
