"""Which deadlines may apply: what is owed to whom by when, as of the moment of a view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from impact.answers.answer import Answer, counted, figure, frame, pictures, tallies, worded
from impact.base import times
from impact.case.folder import Case
from impact.case.views import moment_of
from impact.measures.choice import due
from impact.measures.evidence import names

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
    moment = moment_of(known)
    table = frame("duties", [_row(known, duty, moment) for duty in known.rows("duties").values()])
    table = table.sort(pl.col("state").cast(pl.Enum(STATES)), "ends", "id", nulls_last=True)
    states = counted(table["state"], STATES)
    drawn = table.filter(pl.col("starts").is_not_null(), pl.col("state") != NOT_OWED).select(
        "starts",
        ends=pl.coalesce("met_on", "ends"),
        said=pl.col("state").replace(UNKNOWN, "may not apply"),
        label=pl.concat_str("bearer", pl.lit(": "), "duty"),
    )
    values = {
        "counted": states,
        "all": table.height,
        "short": most is not None,
        "shown": drawn.height,
    }
    figures = [figure("clocks", table.height, "count"), *tallies("clocks", states)]
    return worded(
        known,
        "duties",
        table.head(most or table.height),
        values,
        figures,
        (lambda _, wide: pictures().clocks(drawn, moment, wide))
        if drawn.height and not most
        else None,
    )


def _row(known: Case, duty: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """A duty with its time and its state at a moment."""
    called, ends = names(known), due(duty)
    starts = times.start(duty["starts_from"]) if duty["starts_from"] else None
    over = ends is not None and ends <= moment
    if duty["met_on"] is not None:
        state = MET
    elif duty["applies"] != "yes":
        state = NOT_OWED if duty["applies"] == "no" else UNKNOWN
    elif starts is None or moment < starts:
        state = WAITING
    else:
        state = DUE if over else RUNNING
    return {
        **duty,
        "who": duty["bearer"],
        "bearer": called[duty["bearer"]],
        "trigger": called[duty["trigger"]],
        "starts": starts,
        "ends": ends,
        "hours": duty["clock_hours"],
        "state": state,
        "over": over,
    }
