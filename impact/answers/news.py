"""What became known between two views: claims, what replaced them, standings that moved."""

from __future__ import annotations

from impact.answers.answer import Answer, counted, frame, tallies, worded
from impact.answers.text import said_by
from impact.case.folder import Case
from impact.case.schema import highest
from impact.case.views import between, how, now
from impact.measures.standing import moved_standings, successors

_KINDS = ("new", "replaced", "taken back", "moved")
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
    for _, statement, was, is_ in moved_standings(one, other):
        claim = statement.first
        rows.append(("moved", claim["says"], said_by(other, claim), f"{was} to {is_}"))
    new = [change.new for change in changes if change.new is not None and change.old is None]
    for claim in new:
        for old in (later[name] for name in claim["supersedes"] if name in later):
            rows.append(("replaced", old["says"], said_by(other, old), claim["says"]))
    for change in changes:
        was, is_ = change.old, change.new
        if was is not None and is_ is None:
            rows.append(("taken back", was["says"], said_by(one, was), how(change)))
        elif was is not None and any(is_[part] != was[part] for part in _CONTENT):
            rows.append(("replaced", was["says"], said_by(other, is_), is_["says"]))
    for claim in new:
        if claim["id"] not in gone and claim["stance"] != "is asked":
            rows.append(("new", claim["says"], said_by(other, claim), claim["stage"] or ""))
    table = frame("news", rows)
    kinds = counted(table["kind"], _KINDS)
    values = {"counted": kinds, "days": [now(known) for known in (one, other)]}
    label = highest((one.label, other.label))
    return worded(other, "news", table, values, tallies("news", kinds), label=label)
