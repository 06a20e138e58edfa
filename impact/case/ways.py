"""The links of a case as a graph: along which of them something travels, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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


def inputs_behind(tables: Mapping[str, pl.DataFrame], loss: str) -> set[str]:
    """Inputs that can move a row of losses.csv: its own, and those of links on any way to it."""
    losses, links = tables["losses"], tables["links"]
    rows = losses.filter(pl.col("id") == loss)
    ways = graph.all_ways(modelled(links))
    found = {item.partition("=")[2].strip() for item in rows.explode("arguments")["arguments"]}
    found |= {*rows["retention"].drop_nulls(), *rows["limit"].drop_nulls()}
    on_way = set[str]().union(*(ways.get(need, set()) for need in rows["needs"]))
    terms = links.filter(pl.col("id").is_in(list(on_way))).explode("chances")["chances"]
    found |= {part for term in terms.drop_nulls() for part in term.split(" over ")}
    return found | {f"link.{name}" for name in on_way}
