"""What changed between two views of a case, row by row, and at which moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from impact.base import times, words
from impact.base.errors import Refusal, bad
from impact.case.folder import Case
from impact.case.views import view


@dataclass(frozen=True)
class RowChange:
    """A row that a later view has as another than an earlier one; None where one has none."""

    table: str
    id: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


_DEPENDENCY = ("sources", "entities", "claims", "inputs", "links", "losses")  # all others after


def between(one: Case, other: Case) -> list[RowChange]:
    """What changed from an earlier view to a later one: rows of tables that others refer to first.

    In each table by id; what ended comes last, the other way round.
    """
    new, ended = list[RowChange](), list[RowChange]()
    for table in dict.fromkeys([*_DEPENDENCY, *one.tables]):
        before, after = one[table], other[table]
        changed = after.join(before, on=["id", "known_on", "tlp"], how="anti").sort("id")
        for row in changed.iter_rows(named=True):
            new.append(RowChange(table, row["id"], one.rows(table).get(row["id"]), row))
        for row in before.join(after, on="id", how="anti").sort("id").iter_rows(named=True):
            ended.append(RowChange(table, row["id"], row, None))
    return new + ended[::-1]


def history(one: Case, other: Case) -> Iterator[tuple[Case, list[RowChange]]]:
    """(view, what changed to it) at each moment at which something became known, up to `other`.

    Both are views of one case and level, `one` the earlier; scenario and changes play no part. At
    a moment at which the rows cannot be viewed, changes count to the next.
    """
    seen, last = one.before or one, other.before or other
    if other.loaded is None:
        raise bad("case", "the view has no case behind it", "compare where the case was loaded")
    case, start = other.loaded, one.as_of
    end = other.as_of and other.as_of.replace(microsecond=0)
    every = pl.concat([rows.select("known_on") for rows in case.tables.values()])["known_on"]
    for moment in every.dt.truncate("1s").unique().sort():
        if start is None or moment <= start or (end is not None and moment >= end):
            continue
        try:
            known = view(case, as_of=times.as_text(moment), tlp=other.tlp)
        except Refusal:
            continue
        if changes := between(seen, known):
            yield known, changes
        seen = known
    if changes := between(seen, last):
        yield last, changes


def how(change: RowChange) -> str:
    """What happened to a row, in a word or two."""
    if change.new is None:
        return "taken back" if change.table == "claims" else "withdrawn"
    if change.old is not None:
        return "replaced by a newer row"
    if change.table == "claims":
        older = words.listed(change.new["supersedes"])
        return f"new, supersedes {older}" if older else "new"
    return "new"
