"""The numbers of a report for the index: computed in one process, beside the baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from impact.answers import text
from impact.answers.comparisons import difference
from impact.answers.losses import told_bearers
from impact.base import words
from impact.case import views
from impact.case.scenarios import BASELINE
from impact.measures.reach import any_client, any_reported
from impact.reports.plan import Task
from impact.simulation import Run, simulate

STATES = {  # what may have become of the data of any client -> the relation that says so
    "Any client data copied": "taken_from",
    "Any client data with third parties": "published_from",
}


class Headlines:
    """Headlines of the tasks of a batch; views of one day are run on the same draws."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.baselines: dict[tuple[Any, ...], Run] = {}

    def of(self, task: Task) -> dict[str, Any]:
        """The headline of a task's view, see `headline`."""
        known, asked = task.known, task.parameters
        if task.place not in self.found:
            key = (known.as_of, replace(asked, scenario=BASELINE))
            if key not in self.baselines:
                plain = views.under(known, BASELINE)
                self.baselines[key] = simulate(plain, asked.draws, asked.seed)
            baseline = self.baselines[key]
            run = simulate(known, asked.draws, asked.seed, baseline)
            self.found[task.place] = headline(run, baseline)
        return self.found[task.place]


def headline(run: Run, baseline: Run) -> dict[str, Any]:
    """What the index says of a view, as JSON.

    `mean_usd`, `low` and `high` are of the total, `mean` and `range` as printed; `difference` is
    its mean less the baseline's on the same draws, with its error; `states` says of each of STATES
    whether somebody reports it, or how likely it is; `unpriced` that nothing is in the total for
    competitive advantage.
    """
    known = run.known
    scenario = known.scenarios[known.scenario]
    (total,) = (row for row in told_bearers(run).to_dicts() if row["bearer"] == "total")
    moved = ""
    if scenario.changes:  # else it differs by its day alone
        template = text.parts("moved", {"currency": known.currency})
        moved = text.one_line(template.moved(difference(baseline, run)))
    return {
        "title": views.scenario_title(known),
        "says": scenario.says,
        "notices": views.notices(known),
        "currency": known.currency,
        **{part: float(np.nan_to_num(total[part] or 0)) for part in ("mean_usd", "low", "high")},
        "mean": words.money(total["mean_usd"], currency=known.currency),
        "range": f"{total['range']} {total['when'] if '(' in total['when'] else ''}".rstrip(),
        "difference": moved,
        "states": [_state(run, relation) for relation in STATES.values()],
        "unpriced": unpriced(run),
    }


def _state(run: Run, relation: str) -> str:
    """Whether a state is reported, else its chance: assumed, also where the scenario fixes it."""
    chance = any_client(run, relation).value
    if any_reported(run, relation):
        return "reported"
    if chance is None:
        return "not modelled"
    if chance in (0.0, 1.0):
        return "assumed here" if chance else "none"
    return f"{words.about(chance)}, assumed"


def unpriced(run: Run) -> bool:
    """Whether no amount of a run is for what data is worth to a client or a rival."""
    forms = {name: row["form"] for name, row in run.known.rows("losses").items()}
    worth = [run.losses[name] for name, form in forms.items() if form == "competitive_advantage"]
    return not any(np.any(amounts) for amounts in worth)
