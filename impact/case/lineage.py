"""On which rows of a case a number rests."""

from __future__ import annotations

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.schema import BASIS_KINDS
from impact.case.ways import modelled
from impact.numerics import graph


class Lineage(dict[str, dict[str, list[str]]]):
    """On which rows a number of a view rests: the static ancestry, before any draw.

    `lineage[name]` maps a table to the ids of its rows, for an entity, a bearer, a loss row or
    `total`: every link on any way from the event, every input that these or the losses name, who
    bears what, the claims and whom they name, and the sources of them all. A changed input rests on
    the sources of what it was, too.

    `also` are inputs on which all rests.
    """

    def __init__(self, known: Case, also: tuple[str, ...] = ()) -> None:
        self.known, self.also = known, also

    def __missing__(self, name: str) -> dict[str, list[str]]:
        self[name] = _with_sources(self.known, _ancestry(self.known, name), self.also)
        return self[name]

    def basis(self, name: str) -> str:
        """The weakest `basis_kind` among the inputs on which a name rests; reported without any."""
        kinds = {self.known.inputs[row]["basis_kind"] for row in self[name]["inputs"]}
        return max(kinds, key=BASIS_KINDS.index, default=BASIS_KINDS[0])


@once
def laid_out(known: Case) -> tuple[dict[str, list[graph.Edge]], dict[tuple[str, str], set[str]]]:
    """The links by their target, and the inputs of each link and loss."""
    return graph.by_end(modelled(known["links"]), "target"), checks.inputs_of(known.tables)


def _ancestry(known: Case, name: str) -> dict[str, set[str]]:
    """The rows on which a name rests, `link.ID` of every link among the inputs.

    The claims are those on which the links rest, the entities all that any of these rows name.
    """
    links, losses, claims = (known.rows(table) for table in ("links", "losses", "claims"))
    entering, named = laid_out(known)
    mine = {
        loss
        for loss, row in losses.items()
        if name in (loss, row["bearer"], row["received_by"] or "total")
    }
    ends = {name, *(losses[loss]["needs"] for loss in mine)}
    ways = set[str]().union(*(graph.behind(entering, end) for end in ends))
    cited = {claim for link in ways for claim in links[link]["claims"]}
    entities = ends | {links[link][end] for link in ways for end in ("source", "target")}
    entities |= {losses[loss][part] for loss in mine for part in ("bearer", "received_by")}
    entities |= {claims[claim][part] for claim in cited for part in ("claimant", "subject")}
    rows = [("links", link) for link in ways] + [("losses", loss) for loss in mine]
    inputs = set[str]().union(*(named[row] for row in rows))
    return {
        "entities": entities & known.rows("entities").keys(),
        **{"links": ways, "inputs": inputs, "losses": mine, "claims": cited},
    }


def _with_sources(
    known: Case, rows: dict[str, set[str]], also: tuple[str, ...]
) -> dict[str, list[str]]:
    """These rows as far as they stand, and all their sources, those before a change among them."""
    inputs = (rows["inputs"] | {*also}) & known.inputs.keys()
    before = known.before.inputs if known.before else {}
    changed = inputs & before.keys() & {change.name for change in known.changes}
    cited = {source for row in changed for source in before[row]["sources"]}
    for table, ids in (found := {**rows, "inputs": inputs}).items():
        cited.update(*(known.rows(table)[row]["sources"] for row in ids))
    return {**{table: sorted(ids) for table, ids in found.items()}, "sources": sorted(cited)}
