"""On which rows of a case a number rests."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.schema import BASIS_KINDS
from impact.case.tables import Row
from impact.case.ways import modelled
from impact.numerics import graph

Rows = dict[str, set[str]]  # table -> ids of its rows


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
            losses = self._losses.get(name, set())
            self._found[name] = self._with_sources(_ancestry(self.known, name, losses))
        return self._found[name]

    def _with_sources(self, rows: Rows) -> dict[str, list[str]]:
        """These rows as far as they stand, and all their sources."""
        named = (rows["inputs"] | {*self.also}) & self.known.inputs.keys()
        cited = {source for row in named & self._before.keys() for source in self._before[row]}
        for table, ids in (found := {**rows, "inputs": named}).items():
            of = self.known.rows(table)
            cited.update(*(of[row]["sources"] for row in ids))
        return {**{table: sorted(ids) for table, ids in found.items()}, "sources": sorted(cited)}

    @cached_property
    def _losses(self) -> Rows:
        """Loss row, bearer, who receives, or `total` -> the rows of losses.csv that it rests on."""
        found: Rows = {"total": set()}
        for loss, row in self.known.rows("losses").items():
            for name in {loss, row["bearer"], row["received_by"] or "total"}:
                found.setdefault(name, set()).add(loss)
        return found

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


def _ancestry(known: Case, name: str, mine: set[str]) -> Rows:
    """The rows on which a name with these losses rests, `link.ID` of every link among the inputs.

    The claims are those on which the links rest, the entities all that any of these rows name.
    """
    links, losses, claims = (known.rows(table) for table in ("links", "losses", "claims"))
    ends = {name, *(losses[loss]["needs"] for loss in mine)}
    entering = _entering(known)
    ways = set[str]().union(*(graph.behind(entering, end) for end in ends))
    cited = {claim for link in ways for claim in links[link]["claims"]}
    named = {links[link][end] for link in ways for end in ("source", "target")}
    named |= {losses[loss][part] for loss in mine for part in ("bearer", "received_by")}
    named |= {claims[claim][part] for claim in cited for part in ("claimant", "subject")}
    return {
        "entities": (ends | named) & known.rows("entities").keys(),
        "links": ways,
        "inputs": _inputs_of([links[link] for link in ways], [losses[loss] for loss in mine]),
        "losses": mine,
        "claims": cited,
    }


def _inputs_of(links: Iterable[Row], losses: Iterable[Row]) -> set[str]:
    """The inputs that links and losses name, and those that links are themselves."""
    found = set[str | None]()
    for link in links:
        found |= {checks.LINK_INPUT + link["id"]}.union(*map(checks.chance_term, link["chances"]))
    for loss in losses:
        found |= {*checks.argument_pairs(loss["arguments"]).values()}
        found |= {loss["retention"], loss["limit"]}
    return {name for name in found if name not in (None, "", checks.CERTAIN)}
