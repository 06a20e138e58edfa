"""What became known between two views: claims, what replaced them, standings that moved."""

from __future__ import annotations

import polars as pl

from impact.answers.answer import Answer, Facts, tally, worded
from impact.answers.text import said_by
from impact.case.folder import Case
from impact.case.schema import highest
from impact.case.views import between, how, now
from impact.measures.standing import moved_standings, successors

_DONE = (("replaced", "claim"), ("taken back", "claim"), ("moved", "standing"))
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
    for _, statement, was, now_ in moved_standings(one, other):
        claim = statement.first
        rows.append(("moved", claim["says"], said_by(other, claim), f"{was} to {now_}"))
    new = [change for change in changes if change.new is not None and change.old is None]
    for change in new:
        claim = later[change.id]
        for old in (later[name] for name in claim["supersedes"] if name in later):
            rows.append(("replaced", old["says"], said_by(other, old), claim["says"]))
    for change in changes:
        if change.new is None and change.old is not None:
            rows.append(("taken back", change.old["says"], said_by(one, change.old), how(change)))
        elif change.new is not None and change.old is not None:
            claim, old = change.new, change.old
            if any(claim[part] != old[part] for part in _CONTENT):
                rows.append(("replaced", old["says"], said_by(other, claim), claim["says"]))
    for change in new:
        claim = later[change.id]
        if change.id not in gone and claim["stance"] != "is asked":
            rows.append(("new", claim["says"], said_by(other, claim), claim["stage"] or ""))
    schema = dict.fromkeys(("kind", "says", "by", "what"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    kinds = ("new", *(kind for kind, _ in _DONE))
    counted = {kind: frame.filter(pl.col("kind") == kind).height for kind in kinds}
    days = [now(known) for known in (one, other)]
    figures = [tally(f"news.{kind.replace(' ', '_')}", many) for kind, many in counted.items()]
    values = {"counted": counted, "days": days}
    label = highest((one.label, other.label))
    facts = Facts(frame, values, figures, there=bool(rows), label=label)
    return worded(other, "news", facts)
