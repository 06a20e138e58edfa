"""The index: the brief first, scenarios on one axis, then each report; from a folder of reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from impact.answers.answer import LOOKS
from impact.base import words
from impact.case.scenarios import BASELINE
from impact.reports import files, origin, page, work
from impact.reports.files import Entry
from impact.reports.headline import STATES


class Row(NamedTuple):
    """A report as the manifest of its folder holds it, with the files that are still there."""

    place: str
    notebook: str
    entry: Entry


Rows = list[Row]


def index(out: Path) -> str:
    """The index page of a folder of reports; it depends only on the finished reports in it."""
    by_case = _finished(out)
    cases = [_case(name, rows) for name, rows in sorted(by_case.items())]
    levels = sorted({row.entry["level"] for rows in by_case.values() for row in rows})
    text = page.render("index.html", cases=cases, levels=levels)
    return text.replace(_HEAD, _HEAD + _made_from(by_case, text), 1)


def is_current(out: Path) -> bool:
    """Whether the index of a folder is whole, and of the reports that are there."""
    try:
        text = (out / "index.html").read_text("utf-8")
    except (OSError, ValueError):
        return False
    found = _MADE_FROM.search(text)
    if found is None:
        return False
    return found[0] == _made_from(_finished(out), text.replace(found[0], "", 1))


_HEAD = '<meta charset="utf-8">'
_MADE_FROM = re.compile('<meta name="made-from" content="[0-9a-f ]*">')


def _made_from(by_case: dict[str, Rows], text: str) -> str:
    """What an index was made from, and its text, as digests."""
    source = json.dumps([by_case, origin.kit_digest()], sort_keys=True)
    digests = f"{origin.sha256(source)} {origin.sha256(text)}"
    return f'<meta name="made-from" content="{digests}">'


def _finished(out: Path) -> dict[str, Rows]:
    """The finished reports of a folder, by case."""
    by_case: dict[str, Rows] = {}
    for home, entries in files.manifests(out).items():
        for notebook, entry in sorted(entries.items()):
            kinds = entry.get("files", {})
            there = {k: kinds[k] for k in kinds if (home / f"{notebook}.{k}").is_file()}
            row = Row(home.relative_to(out).as_posix(), notebook, entry | {"files": there})
            by_case.setdefault(entry["case"], []).append(row)
    return by_case


def _case(name: str, rows: Rows) -> dict[str, Any]:
    """What the index shows of a case: where to begin, its scenarios, and its reports by view."""
    by_view: dict[str, Rows] = {}
    for row in rows:
        by_view.setdefault(row.place, []).append(row)
    first = [found for mine in by_view.values() if (found := _first(mine))]
    first.sort(key=lambda row: (_mean(row), row.place))
    baselines = [row for row in first if row.entry["scenario"] == BASELINE]
    begin = next(iter(baselines or first), None)
    days = {row.entry["as_of"] for row in first}
    return {
        "title": begin.entry["case_title"].partition(":")[0] if begin else name,
        "links": [_report(row) for row in by_view[begin.place]] if begin else [],
        "states": list(STATES.values()),
        "views": [_view(row) for row in first],
        "as_of": days.pop() if len(days) == 1 else "",
        "pictures": _pictures(first) if len(first) > 1 else {},
        "unpriced": all(row.entry["headline"]["unpriced"] for row in first),
        "reports": [
            {"title": _view_title(mine), "place": place, "rows": [_report(row) for row in mine]}
            for place, mine in by_view.items()
        ],
    }


def _first(rows: Rows) -> Row | None:
    """The first finished report of a view."""
    return next((row for row in rows if "key" in row.entry), None)


def _mean(row: Row) -> float:
    return float(row.entry["headline"]["bearers"]["total"]["mean_usd"] or 0.0)


def _view_title(rows: Rows) -> str:
    """The scenario of a view and its day, or its place where no report of it is finished."""
    if first := _first(rows):
        return f"{first.entry['headline']['title']}, as of {first.entry['as_of']}"
    return rows[0].place


def _pictures(rows: Rows) -> dict[str, Markup]:
    """The totals of all views on one axis, wide and narrow."""
    from impact.charts import pictures, theme

    bars = []
    for row in rows:
        head = row.entry["headline"]
        ends = {end: head["bearers"]["total"].get(end) or 0.0 for end in ("low", "high")}
        hollow = bool(head["notices"])
        bars.append({"label": head["title"], "mean": _mean(row), "hollow": hollow, **ends})
    frame, currency = pl.DataFrame(bars), str(rows[0].entry["headline"]["currency"])
    worst = bars[-1]
    title = f'"{worst["label"]}" would cost most' if worst["mean"] else "No loss follows"
    about = (
        "Net loss of all parties: bar nine outcomes in ten, dot the average. Hollow: it contradicts"
        f" a report, or supposes a compromise that nobody has reported. {currency}"
    )
    alt = f"Bars and dots compare the total of {len(rows)} scenarios, sorted by the average."
    draw = partial(pictures.spans, frame, currency)
    drawn = {look: theme.described(draw, title, about, (), wide) for look, wide in LOOKS.items()}
    return {
        look: Markup(theme.svg(picture, alt))  # noqa: S704
        for look, picture in drawn.items()
    }


def _view(row: Row) -> dict[str, Any]:
    """A view as a row of the scenarios side by side."""
    found = row.entry["headline"]
    total, moved = found["bearers"]["total"], found["difference"]
    return {
        **{part: found[part] for part in ("title", "says", "notices")},
        "as_of": row.entry["as_of"],
        "page": _href(row),
        "mean": total["mean"],
        "range": _range(total),
        "difference": moved["text"] if moved else "–",
        "states": [
            "reported" if state in found["reported"] else _assumed(found[state]) for state in STATES
        ],
    }


def _report(row: Row) -> dict[str, str]:
    """A report as a row of its view: its question, whether it was made, and its page."""
    entry = row.entry
    failed = f"failed ({entry['failed']})" if "failed" in entry else ""
    if "key" not in entry:
        return {"title": row.place, "notebook": row.notebook, "status": failed, "page": ""}
    status = f"{failed}, of an earlier run" if failed else "made" if entry["files"] else "page lost"
    title, page = entry["question"], _href(row)
    return {"title": title, "notebook": row.notebook, "status": status, "page": page}


def _href(row: Row) -> str:
    """The page of a report, or the file that stands for it where no page was asked for."""
    kind = next(
        (kind for kind in ("html", work.LIVE, "pdf", "ipynb") if kind in row.entry["files"]), ""
    )
    return f"{row.place}/{row.notebook}.{kind}" if kind else ""


def _assumed(chance: float | None) -> str:
    """A chance that nobody reports: assumed, also where the scenario fixes it; or not modelled."""
    if chance is None:
        return "not modelled"
    if chance in (0.0, 1.0):
        return "assumed here" if chance else "none"
    return f"{words.about(chance)}, assumed"


def _range(measures: Mapping[str, str]) -> str:
    """The range of the total and, where it is of some outcomes alone, of which."""
    return f"{measures['range']} {measures['when'] if '(' in measures['when'] else ''}".rstrip()
