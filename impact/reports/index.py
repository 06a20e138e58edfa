"""The index: the brief first, scenarios on one axis, then each report; from a folder of reports."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from impact.answers.answer import LOOKS, Answer
from impact.case.scenarios import BASELINE
from impact.reports import files, origin, page, work
from impact.reports.headline import STATES

Rows = list[
    dict[str, Any]
]  # entries of reports with `place`, `notebook`, and `page` if it is there


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
    return text == _sealed(_SEAL.sub("", text, 1), _rows(out))


_HEAD = '<meta charset="utf-8">'
_SEAL = re.compile('<meta name="made-from" content="[0-9a-f]*">')


def _sealed(text: str, rows: Rows) -> str:
    """An index with a digest of what it was made from and of its text."""
    digest = origin.sha256(json.dumps([rows, origin.kit_digest(), text], sort_keys=True))
    return text.replace(_HEAD, f'{_HEAD}<meta name="made-from" content="{digest}">', 1)


def _rows(out: Path) -> Rows:
    """The reports of a folder, each with its page, or the file that stands for it."""
    rows = []
    for name, entry in files.reports(out).items():
        place, _, notebook = name.rpartition("/")
        paths = [f"{name}.{kind}" for kind in work.MAKERS if kind in entry.get("files", {})]
        there = [path for path in paths if (out / path).is_file()]
        rows.append(entry | {"place": place, "notebook": notebook, "page": [*there, ""][0]})
    return rows


def _case(rows: Rows) -> dict[str, Any]:
    """What the index shows of a case: where to begin, its scenarios, and its reports by view."""
    finished = {row["place"]: row for row in reversed(rows) if "key" in row}
    views = sorted(finished.values(), key=lambda row: (row["headline"]["mean_usd"], row["place"]))
    begin = min(views, key=lambda row: bool(row["scenario"] != BASELINE), default=rows[0])
    return {
        "title": begin.get("case_title", begin["case"]),
        "links": [row for row in rows if row["page"] and row["place"] == begin["place"]],
        "views": views,
        "as_of": views[0]["as_of"] if len({row["as_of"] for row in views}) == 1 else "",
        "pictures": _pictures(views) if len(views) > 1 else {},
        "unpriced": all(row["headline"]["unpriced"] for row in views),
        "finished": finished,
        "rows": rows,
    }


def _pictures(views: Rows) -> dict[str, Markup]:
    """The totals of all views on one axis, wide and narrow."""
    from impact.charts import pictures

    heads = [row["headline"] for row in views]
    bars = [
        {"label": head["title"], "mean": head["mean_usd"], "hollow": bool(head["notices"])}
        | {end: head[end] for end in ("low", "high")}
        for head in heads
    ]
    frame, currency, worst = pl.DataFrame(bars), heads[0]["currency"], bars[-1]
    picture = Answer(
        "scenarios",
        f"Bars and dots compare the total of {len(bars)} scenarios, sorted by the average.",
        frame,
        label=views[0]["level"],
        title=f'"{worst["label"]}" would cost most' if worst["mean"] else "No loss follows",
        subtitle="Net loss of all parties: bar nine outcomes in ten, dot the average. Hollow: it"
        " contradicts a report, or supposes a compromise that nobody has reported. " + currency,
        draw=partial(pictures.spans, frame, currency),
    )
    return {look: Markup(picture.svg(look)) for look in LOOKS}  # noqa: S704 (the kit's own)
