"""The index: the brief first, scenarios on one axis, then each report; from a folder of reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from impact.answers.answer import LOOKS
from impact.base import words
from impact.case.scenarios import BASELINE
from impact.reports import files, origin, page
from impact.reports.files import Entry
from impact.reports.headline import STATES

Row = tuple[str, str, Entry]  # place, notebook, entry
Rows = list[Row]


def index(out: Path) -> str:
    """The index page of a folder of reports; it depends only on the finished reports in it."""
    by_case = _finished(out)
    cases = [_case(name, rows) for name, rows in sorted(by_case.items())]
    levels = sorted({entry["level"] for rows in by_case.values() for _, _, entry in rows})
    sheet, source = page.style()
    template = page.templates().get_template("index.html")
    text = template.render(cases=cases, levels=levels, style=sheet, style_source=source)
    return text.replace(_HEAD, _HEAD + _made_from(by_case, text), 1)


def is_current(out: Path) -> bool:
    """Whether the index of a folder is whole, and of the reports that are there."""
    try:
        text = (out / "index.html").read_text("utf-8")
    except (OSError, ValueError):
        return False
    found = _MADE_FROM.search(text)
    return found is not None and found[0] == _made_from(
        _finished(out), text.replace(found[0], "", 1)
    )


_HEAD = '<meta charset="utf-8">'
_MADE_FROM = re.compile('<meta name="made-from" content="[0-9a-f ]*">')


def _made_from(by_case: dict[str, Rows], text: str) -> str:
    """What an index was made from, and its text, as digests."""
    said = json.dumps([by_case, origin.kit_digest()], sort_keys=True).encode()
    return f'<meta name="made-from" content="{page.sha256(said)} {page.sha256(text.encode())}">'


def _finished(out: Path) -> dict[str, Rows]:
    """The finished reports of a folder, by case."""
    by_case: dict[str, Rows] = {}
    for home, entries in files.manifests(out).items():
        for notebook, entry in sorted(entries.items()):
            at = home.relative_to(out).as_posix()
            kinds = entry.get("files", {})
            there = {k: kinds[k] for k in kinds if (home / f"{notebook}.{k}").is_file()}
            entry = entry | {"files": there}
            by_case.setdefault(entry["case"], []).append((at, notebook, entry))
    return by_case


def _case(name: str, rows: Rows) -> dict[str, Any]:
    """What the index shows of a case: where to begin, its scenarios, and its reports by view."""
    views: dict[str, Rows] = {}
    for row in rows:
        views.setdefault(row[0], []).append(row)
    first = [found for rows in views.values() if (found := _first(rows))]
    first.sort(key=lambda row: (_mean(row[2]), row[0]))
    begin = next((at for at, _, entry in first if entry["scenario"] == BASELINE), None)
    begin = begin or next((at for at, _, _ in first), "")
    return {
        "title": next(
            (entry["case_title"].partition(":")[0] for at, _, entry in first if at == begin), name
        ),
        "links": [_report(row) for row in views.get(begin, [])],
        "states": list(STATES.values()),
        "views": [_view(row) for row in first],
        "as_of": first[0][2]["as_of"]
        if len({entry["as_of"] for _, _, entry in first}) == 1
        else "",
        "pictures": _pictures(first) if len(first) > 1 else {},
        "unpriced": all(entry["headline"]["unpriced"] for _, _, entry in first),
        "reports": [
            {"title": _titled(rows), "place": at, "rows": [_report(row) for row in rows]}
            for at, rows in views.items()
        ],
    }


def _first(rows: Rows) -> Row | None:
    """The first finished report of a view."""
    return next((row for row in rows if "key" in row[2]), None)


def _mean(entry: Entry) -> float:
    return float(entry["headline"]["bearers"]["total"]["mean_usd"] or 0.0)


def _titled(rows: Rows) -> str:
    """The scenario of a view and its day, or its place where no report of it is finished."""
    first = _first(rows)
    if first is None:
        return rows[0][0]
    return f"{first[2]['headline']['title']}, as of {first[2]['as_of']}"


_ENDS = ("low", "high")


def _pictures(rows: Rows) -> dict[str, Markup]:
    """The totals of all views on one axis, wide and narrow."""
    from impact.charts import pictures, theme

    shown = pl.DataFrame(
        [
            {
                "label": entry["headline"]["title"],
                "mean": _mean(entry),
                **{end: entry["headline"]["bearers"]["total"].get(end) or 0.0 for end in _ENDS},
                "hollow": bool(entry["headline"]["notices"]),
            }
            for _, _, entry in rows
        ]
    )
    currency = str(rows[0][2]["headline"]["currency"])
    title = f'"{shown["label"][-1]}" would cost most' if shown["mean"][-1] else "No loss follows"
    about = (
        "Net loss of all parties: bar nine outcomes in ten, dot the average. Hollow: it contradicts"
        f" a report, or supposes a compromise that nobody has reported. {currency}"
    )
    told = f"Bars and dots compare the total of {len(rows)} scenarios, sorted by the average."
    found = {}
    for look, wide in LOOKS.items():
        drawn = theme.described(
            lambda w: pictures.spans(shown, currency, w), title, about, (), wide
        )
        found[look] = Markup(theme.svg(drawn, f"scenarios {look}", told))  # noqa: S704
    return found


def _view(row: Row) -> dict[str, Any]:
    """A view as a row of the scenarios side by side."""
    at, notebook, entry = row
    found = entry["headline"]
    total, moved = found["bearers"]["total"], found["difference"]
    return {
        "title": found["title"],
        "says": found["says"],
        "notices": found["notices"],
        "as_of": entry["as_of"],
        "page": _href(at, notebook, entry),
        "mean": total["mean"],
        "range": _range(total),
        "difference": moved["text"] if moved else "–",
        "states": [
            "reported" if state in found["reported"] else _assumed(found[state]) for state in STATES
        ],
    }


def _report(row: Row) -> dict[str, str]:
    at, notebook, entry = row
    failed = f"failed ({entry['failed']})" if "failed" in entry else ""
    if "key" not in entry:
        return {"title": at, "notebook": notebook, "status": failed, "page": ""}
    status = f"{failed}, of an earlier run" if failed else "made" if entry["files"] else "page lost"
    where = _href(at, notebook, entry)
    return {"title": entry["question"], "notebook": notebook, "status": status, "page": where}


def _href(at: str, notebook: str, entry: Entry) -> str:
    """The page of a report, or the file that stands for it where no page was asked for."""
    kind = next((kind for kind in ("html", "pdf", "ipynb") if kind in entry["files"]), "")
    return f"{at}/{notebook}.{kind}" if kind else ""


def _assumed(chance: float | None) -> str:
    """A chance that nobody reports: assumed, also where the scenario fixes it; or not modelled."""
    if chance is None:
        return "not modelled"
    if chance in (0.0, 1.0):
        return "assumed here" if chance else "none"
    return f"{words.about(chance)}, assumed"


def _range(measures: Mapping[str, Any]) -> str:
    """The range of the total and, where it is of some outcomes alone, of which."""
    when = f" {measures['when']}" if "(" in measures["when"] else ""
    return f"{measures['range']}{when}"
