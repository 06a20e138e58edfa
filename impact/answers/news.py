"""What became known between two views: claims, what replaced them, standings that moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from impact.answers.answer import Answer, counted, frame, tallies, worded
from impact.answers.text import said_by
from impact.case.folder import Case
from impact.case.schema import highest
from impact.case.views import between, how, now
from impact.measures.standing import moved_standings, successors

_ORDER = ["moved", "replaced", "taken back", "new"]
_CONTENT = ("stance", "object", "low", "mode", "high", "unit", "says")


def news(one: Case, other: Case) -> Answer:
    """What became known from the earlier of two views to the later, in words.

    Table: `kind` (new, replaced, taken back or moved), `says`, `by`, `what`; what moved first.
    """
    if one.as_of is None or (other.as_of is not None and other.as_of < one.as_of):
        one, other = other, one
    changes = [change for change in between(one, other) if change.table == "claims"]
    later, gone = other.rows("claims"), successors(other)
    rows: list[tuple[str, str, str, str]] = []

    def add(kind: str, known: Case, claim: Mapping[str, Any], what: str) -> None:
        rows.append((kind, claim["says"], said_by(known, claim), what))

    for _, statement, before, after in moved_standings(one, other):
        add("moved", other, statement.first, f"{before} to {after}")
    for change in changes:
        was, is_ = change.old, change.new
        if is_ is None:
            add("taken back", one, was or {}, how(change))
        elif was is None:
            for old in (later[name] for name in is_["supersedes"] if name in later):
                add("replaced", other, old, is_["says"])
            if change.id not in gone and is_["stance"] != "is asked":
                add("new", other, is_, is_["stage"] or "")
        elif any(is_[part] != was[part] for part in _CONTENT):
            rows.append(("replaced", was["says"], said_by(other, is_), is_["says"]))
    order = pl.col("kind").cast(pl.Enum(_ORDER))
    table = frame("news", rows).sort(order, maintain_order=True)
    kinds = counted(table["kind"], ("new", "replaced", "taken back", "moved"))
    values = {"counted": kinds, "days": [now(known) for known in (one, other)]}
    label = highest((one.label, other.label))
    return worded(other, "news", table, values, tallies("news", kinds), label=label)
