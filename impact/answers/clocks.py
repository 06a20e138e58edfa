"""Which clocks may run: what is owed to whom by when, as of the moment of a view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, tally
from impact.answers.provenance import names
from impact.case.folder import Case, once
from impact.case.views import now
from impact.numerics import times

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


COUNSEL = "The kit counts hours; whether a duty applies or was met is for counsel."
UNDRAWN = " Clocks whose start is not known are not drawn."


@once
def duties(known: Case, chart: bool = True) -> Answer:
    """The clocks that may run, as of the view's moment; that a duty was broken is never said.

    Hours are counted from the last moment of `starts_from`, so that none is said to have ended
    while it may run. Table: `bearer`, `duty`, `kind`, `trigger`, `starts`, `ends`, `met_on`, `due`
    (in words), `state` (one of STATES), `status` (in words), `basis`; by state, then by when it is
    due.
    """
    said, moment = names(known), now(known)
    rows: list[dict[str, Any]] = []
    for duty in known["duties"].iter_rows(named=True):
        begun, hours = duty["starts_from"], duty["clock_hours"]
        starts = times.start(begun) if begun else None
        ends = begun + timedelta(hours=hours) if begun and hours is not None else None
        state = _state(duty, starts, ends, moment)
        rows.append(
            {
                "id": duty["id"],
                "bearer": said[duty["bearer"]],
                "duty": duty["duty"],
                "kind": duty["kind"],
                "trigger": said[duty["trigger"]],
                "starts": starts,
                "ends": ends,
                "met_on": duty["met_on"],
                "due": _due(ends, hours),
                "state": state,
                "status": _status(duty, state, ends, moment),
                "basis": duty["basis"],
            }
        )
    never = times.parse("2200")
    rows.sort(key=lambda row: (STATES.index(row["state"]), row["ends"] or never, row["id"]))
    frame = pl.DataFrame(rows, schema=_DUTIES, orient="row")
    counted = {state: frame.filter(pl.col("state") == state).height for state in STATES}
    sentence = "No deadline stands in this view."
    if rows:
        told = [f"{many} {state}" for state, many in counted.items() if many and state != UNKNOWN]
        if counted[UNKNOWN]:
            told.append(f"{counted[UNKNOWN]} of which it is not established that they apply")
        what = words.count(frame.height, "clock")
        sentence = f"{what} as of {words.date(moment)}: {words.listed(told)}."
    drawn = frame.filter(pl.col("starts").is_not_null() & (pl.col("state") != NOT_OWED))

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        label, ends = pl.concat_str("bearer", pl.lit(": "), "duty"), pl.coalesce("met_on", "ends")
        shown = drawn.select("starts", "state", ends=ends, label=label)
        return pictures.clocks(shown, moment)

    return Answer(
        name="duties",
        sentence=sentence,
        table=frame,
        label=known.label,
        heads={
            "bearer": "Who",
            "duty": "Owes",
            "kind": "Kind",
            "due": "By",
            "status": "Status",
            "basis": "Basis",
        },
        figures=(
            tally("clocks", frame.height),
            *(tally(f"clocks.{state.replace(' ', '_')}", many) for state, many in counted.items()),
        ),
        notes=(f"{COUNSEL}{UNDRAWN if chart else ''}",) if rows else (),
        draw=draw if chart and drawn.height else None,
    )


_DUTIES: dict[str, Any] = {
    **dict.fromkeys(("id", "bearer", "duty", "kind", "trigger"), pl.String),
    **dict.fromkeys(("starts", "ends", "met_on"), times.INSTANT),
    **dict.fromkeys(("due", "state", "status", "basis"), pl.String),
}


def _state(
    duty: Mapping[str, Any],
    starts: datetime | None,
    ends: datetime | None,
    moment: datetime | None,
) -> str:
    if duty["met_on"] is not None:
        return MET
    if duty["applies"] == "no":
        return NOT_OWED
    if duty["applies"] == "not established":
        return UNKNOWN
    if starts is None or moment is None or moment < starts:
        return WAITING
    return DUE if ends is not None and ends <= moment else RUNNING


def _status(
    duty: Mapping[str, Any], state: str, ends: datetime | None, moment: datetime | None
) -> str:
    if state == MET:
        return f"reported as met on {words.date(duty['met_on'])}"
    if state == DUE:
        return "due; not known to be met"
    if state == UNKNOWN:
        over = ends is not None and moment is not None and ends <= moment
        ended = "; would have ended by then if it applies" if over else ""
        return f"unknown whether it applies{ended}"
    return state


def _due(ends: datetime | None, hours: float | None) -> str:
    """By when, in words: a clock of two days or more to the day."""
    if hours is None:
        return "see basis"
    if ends is None:
        return f"{words.number(hours, 3)} hours from a start not known"
    return words.date(times.parse(f"{ends:%Y-%m-%d}") if hours >= 48 else ends)
