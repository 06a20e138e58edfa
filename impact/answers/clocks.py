"""Which clocks may run: what is owed to whom by when, as of the moment of a view."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import names, now
from impact.case.folder import Case, once
from impact.numerics import times


@once
def duties(known: Case) -> Answer:
    """The clocks that may run, as of the view's moment; that a duty was broken is never said.

    Table: `bearer`, `duty`, `kind`, `due`, `status`, `basis`.
    """
    said, moment = names(known), now(known)
    rows = []
    for duty in known["duties"].iter_rows(named=True):
        begun, hours = duty["starts_from"], duty["clock_hours"]
        due = times.start(begun) + timedelta(hours=hours) if begun and hours is not None else None
        by = "see basis" if hours is None else f"{hours:.0f} hours from a start not known"
        if due is not None:
            by = words.date(times.parse(f"{due:%Y-%m-%d}")) if hours >= 48 else words.date(due)
        status = _status(duty, begun, due, moment)
        rows.append((said[duty["bearer"]], duty["duty"], duty["kind"], by, status, duty["basis"]))
    schema = dict.fromkeys(("bearer", "duty", "kind", "due", "status", "basis"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("status", "bearer", "duty")
    unclear = frame.filter(pl.col("status").str.starts_with("unknown")).height
    sentence = "No clock is known to run by that day."
    if rows:
        sentence = (
            f"{words.count(frame.height, 'clock')} may run as of {words.date(moment)}; for"
            f" {unclear} of them it is not established that they apply."
        )
    return Answer(
        name="duties",
        sentence=sentence,
        table=frame,
        heads={"bearer": "Who", "duty": "Owes", "due": "By", "status": "Status", "basis": "Basis"},
        figures=(Figure("clocks", float(frame.height), None, "count", str(frame.height)),),
        notes=("The kit counts hours; whether a duty applies or was met is for counsel.",)
        if rows
        else (),
    )


def _status(
    duty: dict[str, Any], begun: datetime | None, due: datetime | None, moment: datetime | None
) -> str:
    if duty["met_on"] is not None:
        return f"reported as met on {words.date(duty['met_on'])}"
    if duty["applies"] == "no":
        return "does not apply"
    if duty["applies"] == "not established":
        over = due is not None and moment is not None and due < moment
        ended = "; would have ended by then if it applies" if over else ""
        return f"unknown whether it applies{ended}"
    if due is None or moment is None:
        return "running" if begun else "not started"
    return "running" if moment < due else "due; not known to be met"
