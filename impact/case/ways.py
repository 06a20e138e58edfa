"""The links of a case as a graph: along which of them something travels, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from fnmatch import fnmatchcase

import polars as pl

from impact.base import times
from impact.base.errors import Fault
from impact.case.tables import Tables, standing
from impact.numerics import graph

ROOT = "event"
READER = "us"  # the entity that is the reader, in a case of one's own


FALLS = "falls"  # the relation of a supposed fall, which happens at the moment of a view


def modelled(links: pl.DataFrame, moment: datetime | None = None) -> list[graph.Edge]:
    """The links along which something travels, in the order of their ids; times in seconds.

    A supposed fall opens at `moment`, unless it says when.
    """
    rows = links.filter(pl.col("chances").list.len() > 0)
    if moment is not None:
        falls = (pl.col("relation") == FALLS) & pl.col("valid_from").is_null()
        day = pl.when(falls).then(pl.lit(moment)).otherwise("valid_from")
        rows = rows.with_columns(valid_from=day.cast(times.INSTANT))
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


def giving_way(tables: Tables, defaults: Sequence[str]) -> list[str]:
    """Ids of the links on default chances alone that give way to other links between their ends.

    `defaults` are names of inputs, `*` for any signs. Such a link gives way where others lead, by
    whatever steps, from its source, or from what has that as its party, to its target; of several
    such links between the same ends the newest stands.
    """
    if not defaults:
        return []
    links = standing(tables["links"])
    stand_in = [
        name
        for name, chances in links.select("id", "chances").iter_rows()
        if chances and all(any(fnmatchcase(one, each) for each in defaults) for one in chances)
    ]
    others = modelled(links.filter(~pl.col("id").is_in(stand_in)))
    held: dict[str, set[str]] = {}
    for name, party in tables["entities"].select("id", "party").drop_nulls().iter_rows():
        held.setdefault(party, set()).add(name)
    ours = links.filter(pl.col("id").is_in(stand_in)).sort("known_on", "file_line")
    ends = ours.select("id", "source", "target").rows()
    last = {(source, target): name for name, source, target in ends}
    entering, source_of = (
        graph.by_end(others, "target"),
        {edge.name: edge.source for edge in others},
    )
    before = {
        target: {source_of[link] for link in graph.behind(entering, target)}
        for target in {target for _, target in last}
    }
    return sorted(
        name
        for name, source, target in ends
        if before[target] & {source, *held.get(source, ())} or last[source, target] != name
    )


def without_defaults(tables: Tables, defaults: Sequence[str]) -> pl.DataFrame:
    """The links, of which those that give way are relations along which nothing travels."""
    yielding = pl.col("id").is_in(giving_way(tables, defaults))
    nothing = pl.lit([], dtype=pl.List(pl.String))
    chances = pl.when(yielding).then(nothing).otherwise("chances").alias("chances")
    return tables["links"].with_columns(chances)


def late_arrivals(tables: Tables) -> Iterator[Fault]:
    """Links that a later arrival at their source would miss, though an earlier one would not."""
    links = standing(tables["links"])
    lines = dict(links.select("id", "file_line").iter_rows())
    for edge in graph.missed(modelled(links), ROOT):
        what = f'a later arrival at "{edge.source}" would miss it, an earlier one would not'
        where = f"links.csv:{lines[edge.name]} valid_to"
        yield Fault(where, what, f'split the entity "{edge.source}", one for each arrival')
