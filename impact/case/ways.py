"""The links of a case as a graph: along which of them something travels, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from impact.errors import Fault
from impact.numerics import graph, times

ROOT = "event"


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


def late_arrivals(tables: Mapping[str, pl.DataFrame]) -> Iterator[Fault]:
    """Links that a later arrival at their source would miss, though an earlier one would not."""
    links = tables["links"].unique("id", keep="last", maintain_order=True)
    links = links.filter(~pl.col("withdrawn"))
    lines = dict(links.select("id", "file_line").iter_rows())
    for edge in graph.missed(modelled(links), ROOT):
        what = f'a later arrival at "{edge.source}" would miss it, an earlier one would not'
        where = f"links.csv:{lines[edge.name]} valid_to"
        yield Fault(where, what, f'split the entity "{edge.source}", one for each arrival')


def inputs_behind(
    tables: Mapping[str, pl.DataFrame], losses: Collection[str]
) -> dict[str, set[str]]:
    """Row of losses.csv by id -> the inputs that move it: its own, and of links on ways to it."""
    links = tables["links"]
    entering, ways = graph.by_target(modelled(links)), dict[str, set[str]]()
    terms: dict[str, set[str]] = {}
    for link, chances in links.select("id", "chances").iter_rows():
        named = {part for term in chances for part in term.split(" over ")}
        terms.setdefault(link, {f"link.{link}"}).update(named)
    found: dict[str, set[str]] = {}
    rows = tables["losses"].filter(pl.col("id").is_in(list(losses)))
    for loss, need, arguments, *more in rows.select(
        "id", "needs", "arguments", "retention", "limit"
    ).iter_rows():
        own = {item.partition("=")[2].strip() for item in arguments} | {*more} - {None}
        if need not in ways:
            ways[need] = set().union(*(terms[link] for link in graph.behind(entering, need)))
        found.setdefault(loss, set()).update(own, ways[need])
    return found
