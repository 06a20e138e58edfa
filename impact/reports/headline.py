"""The numbers of a report for the index: computed in one process, beside the baseline."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from impact.answers import text
from impact.answers.comparisons import difference
from impact.answers.losses import told_bearers
from impact.base import words
from impact.base.errors import ImpactError
from impact.case import views
from impact.case.changes import parse_changes
from impact.measures.evidence import names
from impact.measures.reach import any_client, any_reported
from impact.reports.plan import Task
from impact.simulation import Run, simulate

STATES = {"copied": "Any client data copied", "published": "Any client data with third parties"}
_RELATIONS = {"copied": "taken_from", "published": "published_from"}
_MEASURES = ("mean_usd", "mean_error_usd", "low", "high", "assumed_share", "basis", "range", "when")


class Headlines:
    """Headlines of the tasks of a batch; views of one day are run on the same draws."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.baselines: dict[tuple[Any, ...], Run | None] = {}

    def of(self, task: Task) -> dict[str, Any]:
        """The headline of a task's view, see `headline`."""
        if task.place not in self.found:
            parameters, baseline = task.parameters, self._baseline(task)
            run = simulate(task.known, parameters.draws, parameters.seed, baseline)
            self.found[task.place] = headline(run, baseline)
        return self.found[task.place]

    def _baseline(self, task: Task) -> Run | None:
        """The run of the task's view without its scenario; None where there is no such view."""
        known, parameters = task.known, task.parameters
        changes, draws, seed = parameters.changes, parameters.draws, parameters.seed
        key = (known.id, known.as_of, known.tlp, changes, draws, seed)
        if key not in self.baselines:
            self.baselines[key] = None
            with suppress(ImpactError):
                if known.before is not None:
                    own = parse_changes(changes)
                    plain = views.changed(known.before, own, "changes")
                    self.baselines[key] = simulate(plain, draws, seed)
        return self.baselines[key]


def headline(run: Run, baseline: Run | None) -> dict[str, Any]:
    """What the index says of a view, as JSON.

    `bearers` maps each bearer, `total` among them, to its name, measures and range with basis;
    `difference` is the mean total less the baseline's on the same draws, with its error; `copied`
    and `published` are the chances that any client's data was, `reported` those of the two that
    somebody reports; `unpriced` says that nothing is in it for competitive advantage.
    """
    known, called = run.known, names(run.known)
    scenario = known.scenarios[known.scenario]
    rows = {row["bearer"]: row for row in told_bearers(run).iter_rows(named=True)}
    found: dict[str, Any] = {
        "title": views.scenario_title(known),
        "says": scenario.says,
        "notices": views.notices(known),
        "bearers": {
            bearer: {"name": called.get(bearer, "All parties together, net")}
            | {part: _plain(row[part]) for part in _MEASURES}
            | {"mean": words.money(row["mean_usd"], currency=known.currency)}
            for bearer, row in rows.items()
        },
        "currency": known.currency,
        **{state: any_client(run, relation).value for state, relation in _RELATIONS.items()},
        "reported": [s for s, relation in _RELATIONS.items() if any_reported(run, relation)],
        "unpriced": unpriced(run),
        "difference": None,
    }
    if baseline is not None and scenario.changes:  # else it differs by its day alone
        moved = difference(baseline, run)
        template = text.parts("moved", {"currency": known.currency})
        found["difference"] = {
            "value_usd": moved["difference_usd"],
            "error_usd": moved["difference_error_usd"],
            "text": text.one_line(template.moved(moved)),
        }
    return found


def unpriced(run: Run) -> bool:
    """Whether no amount of a run is for what data is worth to a client or a rival."""
    forms = {name: row["form"] for name, row in run.known.rows("losses").items()}
    worth = [run.losses[name] for name, form in forms.items() if form == "competitive_advantage"]
    return not any(np.any(amounts) for amounts in worth)


def _plain(value: Any) -> Any:
    """A value as JSON has it: not a number is none."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
