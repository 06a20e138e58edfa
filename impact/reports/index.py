"""The index: the brief first, scenarios on one axis, then each report; from a folder of reports.

What it says of a view is that view's headline: computed in one process, beside the baseline.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from impact.answers import text
from impact.answers.answer import LOOKS, Answer
from impact.answers.comparisons import difference
from impact.answers.losses import told_bearers
from impact.base import words
from impact.case import heads, views
from impact.case.scenarios import BASELINE
from impact.measures.reach import any_client, any_reported
from impact.reports import files, origin, page, work
from impact.reports.plan import Task
from impact.simulation import Run, simulate

# entries of reports, with `place` and `notebook`, and `page` if it is there
Rows = list[dict[str, Any]]
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
    competitive advantage; `hollow` that it contradicts a report or supposes an unreported fall.
    """
    known, view = run.known, heads.described(run.known)
    scenario = known.scenarios[known.scenario]
    changed = f", with {text.many(view['changed'], 'changed input')}" if view["changed"] else ""
    (total,) = told_bearers(run).filter(bearer="total").to_dicts()
    moved = ""
    if scenario.changes:  # else it differs by its day alone
        template = text.parts("moved", {"currency": known.currency})
        moved = text.one_line(template.moved(difference(baseline, run)))
    return {
        "title": heads.scenario_title(known) + changed,
        "says": scenario.says,
        "notices": heads.notices(known),
        "hollow": bool(view["falls"] or view["denies"]),
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
    worth = run.known["losses"].filter(form="competitive_advantage")["id"]
    return not any(run.losses[name].any() for name in worth)


def index(out: Path) -> str:
    """The index page of a folder of reports; it depends only on the finished reports in it."""
    rows = _rows(out)
    names = sorted({row["case"] for row in rows})
    cases = [_case([row for row in rows if row["case"] == name]) for name in names]
    levels = sorted({row["level"] for row in rows})
    return _sealed(page.render("index.html", cases=cases, levels=levels, states=[*STATES]), rows)


def is_current(out: Path) -> bool:
    """Whether the index of a folder is whole, and of the reports that are there."""
    try:
        text = (out / "index.html").read_text("utf-8")
    except (OSError, ValueError):
        return False
    bare, sealed = _SEAL.subn("", text, 1)
    return bool(sealed) and text == _sealed(bare, _rows(out))


_HEAD = '<meta charset="utf-8">'
_SEAL = re.compile('<meta name="made-from" content="[0-9a-f]*">')


def _sealed(text: str, rows: Rows) -> str:
    """An index with a digest of what it was made from and of its text."""
    digest = origin.sha256(json.dumps([rows, origin.kit_digest(), text], sort_keys=True))
    return text.replace(_HEAD, f'{_HEAD}<meta name="made-from" content="{digest}">', 1)


def _rows(out: Path) -> Rows:
    """The reports of a folder, each with its page, or the file that stands for it.

    An entry of an earlier kit, which had other headlines, is made again before it is shown.
    """
    rows = []
    for name, entry in files.reports(out).items():
        if "key" in entry and "beside" not in entry:
            continue
        place, _, notebook = name.rpartition("/")
        paths = [f"{name}.{kind}" for kind in work.MAKERS if kind in entry.get("files", {})]
        there = [path for path in paths if (out / path).is_file()]
        rows.append(entry | {"place": place, "notebook": notebook, "page": [*there, ""][0]})
    return rows


def _case(rows: Rows) -> dict[str, Any]:
    """What the index shows of a case: where to begin, its scenarios, and its reports by view."""
    finished = {row["place"]: row for row in reversed(rows) if "key" in row}
    shown = sorted(finished.values(), key=lambda row: (row["headline"]["mean_usd"], row["place"]))
    begin = min(shown, key=lambda row: bool(row["scenario"] != BASELINE), default=rows[0])
    return {
        "title": begin.get("case_title", begin["case"]),
        "links": [row for row in rows if row["page"] and row["place"] == begin["place"]],
        "views": shown,
        "as_of": shown[0]["as_of"] if len({row["as_of"] for row in shown}) == 1 else "",
        "pictures": _pictures(shown) if len(shown) > 1 else {},
        "unpriced": all(row["headline"]["unpriced"] for row in shown),
        "finished": finished,
        "rows": rows,
    }


def _pictures(shown: Rows) -> dict[str, Markup]:
    """The totals of all views on one axis, wide and narrow."""
    from impact.charts import pictures

    heads = [row["headline"] for row in shown]
    bars = [
        {"label": head["title"], "mean": head["mean_usd"], "hollow": head["hollow"]}
        | {end: head[end] for end in ("low", "high")}
        for head in heads
    ]
    frame, currency, worst = pl.DataFrame(bars), heads[0]["currency"], bars[-1]
    picture = Answer(
        "scenarios",
        f"Bars and dots compare the total of {len(bars)} scenarios, sorted by the average.",
        frame,
        label=shown[0]["level"],
        title=f'"{worst["label"]}" would cost most' if worst["mean"] else "No loss follows",
        subtitle="Net loss of all parties: bar nine outcomes in ten, dot the average. Hollow: it"
        " contradicts a report, or supposes a compromise that nobody has reported. " + currency,
        draw=partial(pictures.spans, frame, currency),
    )
    return {look: Markup(picture.svg(look)) for look in LOOKS}  # noqa: S704 (the kit's own)
