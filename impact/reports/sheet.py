"""One A4 page of a view: what happened, what to do, and five figures."""

from __future__ import annotations

from impact.answers.brief import bottom_line
from impact.answers.losses import losses
from impact.case.views import notices
from impact.reports import page
from impact.reports.plan import Task
from impact.simulation import simulate

FIGURES = 5
_COSTS = ("YOU PAY:", "EVERYONE:", "COST:")  # what the figures tell


def sheet(task: Task) -> str:
    """The sheet of a task's view as one HTML text: no script, no outside address."""
    known = task.known
    run = simulate(known, task.parameters.draws, task.parameters.seed)
    brief, cost = bottom_line(run), losses(run, FIGURES)
    lead = [line for line in brief.lead[:-1] if not line.startswith(_COSTS)]
    return page.render(
        "sheet.html",
        **page.head(known),
        notices=notices(known),
        lead=lead,
        links=brief.links,
        rows=cost.rows(),
        notes=brief.notes,
    )
