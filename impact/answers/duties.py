"""Which deadlines may apply: what is owed to whom by when, as of the moment of a view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, tally, worded
from impact.base import times
from impact.case.folder import Case
from impact.case.views import now
from impact.measures.evidence import names

if TYPE_CHECKING:
    import altair as alt

DUE, RUNNING, UNKNOWN, WAITING, MET, NOT_OWED = STATES = (
    "due",
    "running",
    "unknown",
    "not started",
    "met",
    "does not apply",
)


def duties(known: Case, most: int | None = None) -> Answer:
    """The deadlines that may run, as of the view's moment; that a duty was broken is never said.

    All, or in short and without a picture the first `most`. Hours are counted from the last moment
    of `starts_from`, so that none is said to have ended while it may run. Table: `id`, `who`,
    `bearer`, `duty`, `kind`, `trigger`, `starts`, `ends`, `met_on`, `hours`, `state` (of STATES),
    `over` (its time has passed, if it applies), `basis`; by state, then by when it is due.
    """
    moment = now(known)
    rows = [_row(known, duty, moment) for duty in known["duties"].iter_rows(named=True)]
    never = times.parse("2200")
    rows.sort(key=lambda row: (STATES.index(row["state"]), row["ends"] or never, row["id"]))
    frame = pl.DataFrame(rows, schema=_DUTIES, orient="row")
    counted = {state: frame.filter(pl.col("state") == state).height for state in STATES}
    drawn = frame.filter(pl.col("starts").is_not_null() & (pl.col("state") != NOT_OWED))

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        label, ends = pl.concat_str("bearer", pl.lit(": "), "duty"), pl.coalesce("met_on", "ends")
        state = pl.col("state").replace(UNKNOWN, "may not apply")
        return pictures.clocks(
            drawn.select("starts", ends=ends, said=state, label=label), moment, wide
        )

    figures = (
        tally("clocks", frame.height),
        *(tally(f"clocks.{state.replace(' ', '_')}", many) for state, many in counted.items()),
    )
    values = {
        "counted": counted,
        "all": frame.height,
        "short": most is not None,
        "shown": drawn.height,
    }
    table = frame.head(most) if most else frame
    picture = draw if not most and drawn.height else None
    return worded(known, "duties", Facts(table, values, figures, picture, bool(rows)))


def _row(known: Case, duty: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """A duty with its time and its state at a moment."""
    called, begun, hours = names(known), duty["starts_from"], duty["clock_hours"]
    starts = times.start(begun) if begun else None
    ends = begun + timedelta(hours=hours) if begun and hours is not None else None
    return {
        **{column: duty[column] for column in ("id", "duty", "kind", "met_on", "basis")},
        "who": duty["bearer"],
        "bearer": called[duty["bearer"]],
        "trigger": called[duty["trigger"]],
        "starts": starts,
        "ends": ends,
        "hours": hours,
        "state": _state(duty, starts, ends, moment),
        "over": ends is not None and ends <= moment,
    }


_DUTIES: dict[str, Any] = {
    **dict.fromkeys(("id", "who", "bearer", "duty", "kind", "trigger"), pl.String),
    **dict.fromkeys(("starts", "ends", "met_on"), times.INSTANT),
    "hours": pl.Float64,
    "state": pl.String,
    "over": pl.Boolean,
    "basis": pl.String,
}


def _state(
    duty: Mapping[str, Any],
    starts: datetime | None,
    ends: datetime | None,
    moment: datetime,
) -> str:
    if duty["met_on"] is not None:
        return MET
    if duty["applies"] == "no":
        return NOT_OWED
    if duty["applies"] == "not established":
        return UNKNOWN
    if starts is None or moment < starts:
        return WAITING
    return DUE if ends is not None and ends <= moment else RUNNING
