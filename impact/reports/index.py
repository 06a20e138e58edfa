"""The index: scenarios side by side and a row per finished page, from the files of the folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from impact import words
from impact.answers.exposure import any_client
from impact.answers.losses import by_bearer
from impact.answers.provenance import names
from impact.case import views
from impact.case.folder import Case
from impact.errors import Refusal
from impact.reports import page
from impact.reports.plan import Parameters, place
from impact.simulation import Run, simulate

MANIFEST, OVERVIEW = "manifest.json", "scenarios.json"
_STATES = {"copied": "Any client data copied", "published": "Any with third parties"}


def overview(case: Case, base: Parameters) -> dict[str, Any]:
    """Headline numbers of every scenario of a case, on the same draws, computed in this process.

    `columns` are bearers, `rows` hold for each scenario its texts, the place of its page and the
    measures by bearer; a scenario whose inputs are not known by the day says so.
    """
    rows: list[dict[str, Any]] = []
    run: Run | None = None
    said: dict[str, str] = {}
    for name, scenario in case.scenarios.items():
        row: dict[str, Any] = {"scenario": name, "title": scenario.title, "says": scenario.says}
        try:
            known = views.view(case, name, base.as_of, base.tlp, base.changes)
        except Refusal as refusal:
            rows.append(row | {"refused": str(refusal.faults[0])})
            continue
        run = simulate(known, base.draws, base.seed, like=run)
        said |= names(known)
        measured = {line["bearer"]: line for line in by_bearer(run).iter_rows(named=True)}
        rows.append(
            row
            | {
                "notices": views.notices(known),
                "place": place(known, Parameters(**{**vars(base), "scenario": name})),
                "measures": measured,
                "copied": any_client(run, "taken_from").value,
                "published": any_client(run, "published_from").value,
            }
        )
    shown = _columns(rows)
    return {
        "case": case.id,
        "title": f"{case.title}: {case.question[:1].lower()}{case.question[1:]}",
        "columns": {bearer: said.get(bearer, "All together, net") for bearer in shown},
        "rows": rows,
    }


def _columns(rows: list[dict[str, Any]], most: int = 4) -> list[str]:
    """`total` and the bearers whose mean loss is greatest in any scenario."""
    greatest: dict[str, float] = {}
    for row in rows:
        for bearer, measures in row.get("measures", {}).items():
            mean = measures["mean_usd"] or 0.0
            greatest[bearer] = max(greatest.get(bearer, 0.0), mean)
    greatest.pop("total", None)
    ranked = sorted((b for b, mean in greatest.items() if mean > 0), key=lambda b: -greatest[b])
    return ["total", *ranked[: most - 1]]


def read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no such file or it is broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def index(folder: Path) -> str:
    """The index page of a folder of reports; it depends only on the files in it."""
    pages: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.glob(f"*/*/{MANIFEST}")):
        for notebook, report in sorted(read(path).items()):
            row = _page_row(path.parent.relative_to(folder), notebook, report)
            pages.setdefault(report["case"], []).append(row)
    overviews = {path.parent.name: read(path) for path in sorted(folder.glob(f"*/{OVERVIEW}"))}
    cases = [
        {
            "title": overviews.get(name, {}).get("title", name),
            "overview": _overview_rows(overviews[name], folder) if name in overviews else None,
            "pages": pages.get(name, []),
        }
        for name in sorted({*overviews, *pages})
    ]
    sheet, source = page.style()
    template = page.templates().get_template("index.html")
    return template.render(cases=cases, style=sheet, style_source=source)


def _overview_rows(found: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    rows = []
    for row in found["rows"]:
        cells = [words.NOT_KNOWN] * (len(found["columns"]) + len(_STATES))
        if "measures" in row:
            cells = [_range(row["measures"].get(bearer)) for bearer in found["columns"]]
            cells += [_assumed(row[state]) for state in _STATES]
        made = sorted((folder / row["place"]).glob("*.html")) if "place" in row else []
        rows.append(
            {
                "title": row["title"],
                "says": row["says"],
                "notices": row.get("notices", [f"Refused: {row.get('refused')}."]),
                "page": made[0].relative_to(folder).as_posix() if made else "",
                "cells": cells,
            }
        )
    heads = [words.capital(name) for name in found["columns"].values()]
    return {"heads": [*heads, *_STATES.values()], "rows": rows}


def _assumed(chance: float) -> str:
    """A chance that nobody reports: assumed, or supposed where the scenario fixes it."""
    if chance in (0.0, 1.0):
        return "supposed" if chance else "none"
    return f"about {words.chance(words.significant(chance, 1))}, assumed"


def _range(measures: Mapping[str, Any] | None) -> str:
    if measures is None:
        return "none"
    if measures["p05_usd"] is None or np.isnan(measures["p05_usd"]):
        return words.NOT_RESOLVED
    return words.money_range(measures["p05_usd"], measures["p95_usd"])


def _page_row(at: Path, notebook: str, report: Mapping[str, Any]) -> dict[str, str]:
    totals = [figure["text"] for figure in report["figures"] if figure["name"] == "mean.total"]
    return {
        "href": (at / f"{notebook}.html").as_posix(),
        "title": report["title"],
        "notebook": notebook,
        "as_of": report["as_of"],
        "level": report["level"],
        "total": totals[0] if totals else "–",
    }
