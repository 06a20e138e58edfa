"""The index: scenarios side by side and a row per report, from the finished reports of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from impact import words
from impact.reports import files, page
from impact.reports.files import Entry
from impact.reports.headline import STATES

_MOST = 4  # bearers side by side
_WIDE, _HIGH = 120, 34  # px of the small exceedance picture
Row = tuple[str, str, Entry]  # place, notebook, entry
Rows = list[Row]


def index(out: Path) -> str:
    """The index page of a folder of reports; it depends only on the finished reports in it."""
    by_case: dict[str, Rows] = {}
    for home, entries in files.manifests(out).items():
        for notebook, entry in sorted(entries.items()):
            at = home.relative_to(out).as_posix()
            kinds = entry.get("files", {})
            there = {k: kinds[k] for k in kinds if (home / f"{notebook}.{k}").is_file()}
            entry = entry | {"files": there}
            by_case.setdefault(entry["case"], []).append((at, notebook, entry))
    cases = [_case(name, rows) for name, rows in sorted(by_case.items())]
    levels = sorted({entry["level"] for rows in by_case.values() for _, _, entry in rows})
    sheet, source = page.style()
    template = page.templates().get_template("index.html")
    return template.render(cases=cases, levels=levels, style=sheet, style_source=source)


def _case(name: str, rows: Rows) -> dict[str, Any]:
    """What the index shows of a case: its scenarios side by side, and its reports by view."""
    views: dict[str, Rows] = {}
    for row in rows:
        views.setdefault(row[0], []).append(row)
    first = [found for rows in views.values() if (found := _first(rows))]
    shown = _bearers(entry for _, _, entry in first)
    most = max((_furthest(entry) for _, _, entry in first), default=0.0)
    return {
        "title": next((entry["case_title"] for _, _, entry in first), name),
        "unpriced": all(entry["headline"]["unpriced"] for _, _, entry in first),
        "edge": words.money(most, currency=_currency(first)),
        "heads": [words.capital(called) for called in shown.values()],
        "states": list(STATES.values()),
        "views": [_view(row, list(shown)) for row in first],
        "reports": [_reports(at, rows, most) for at, rows in views.items()],
    }


def _currency(rows: Rows) -> str:
    """The currency of the amounts of a case."""
    return next((str(entry["headline"]["currency"]) for _, _, entry in rows), "USD")


def _first(rows: Rows) -> Row | None:
    """The first finished report of a view."""
    return next((row for row in rows if "key" in row[2]), None)


def _bearers(entries: Iterable[Entry]) -> dict[str, str]:
    """`total` and the bearers whose mean loss is greatest in any view, with their names."""
    greatest: dict[str, float] = {}
    called: dict[str, str] = {}
    for entry in entries:
        for bearer, measures in entry["headline"]["bearers"].items():
            greatest[bearer] = max(greatest.get(bearer, 0.0), measures["mean_usd"] or 0.0)
            called[bearer] = measures["name"]
    greatest.pop("total", None)
    ranked = sorted((b for b, mean in greatest.items() if mean > 0), key=lambda b: -greatest[b])
    first = ["total", *ranked[: _MOST - 1]]
    return {bearer: called[bearer] for bearer in first if bearer in called}


def _view(row: Row, bearers: list[str]) -> dict[str, Any]:
    """A view as a row of the scenarios side by side."""
    at, notebook, entry = row
    found = entry["headline"]
    moved = found["difference"]
    return {
        "title": found["title"],
        "says": found["says"],
        "notices": found["notices"],
        "as_of": entry["as_of"],
        "page": _href(at, notebook, entry),
        "cells": [_range(found["bearers"].get(bearer)) for bearer in bearers],
        "difference": moved["text"] if moved else "–",
        "states": [
            "reported" if state in found["reported"] else _assumed(found[state]) for state in STATES
        ],
    }


def _reports(at: str, rows: Rows, most: float) -> dict[str, Any]:
    """The reports of a view, a row each, and the headline of the view."""
    shown = {"title": at, "place": at, "rows": [_report(row) for row in rows]}
    first = _first(rows)
    if first is None:
        return {**shown, "as_of": "", "total": "–", "error": "", "curve": ""}
    entry = first[2]
    found = entry["headline"]
    total = found["bearers"]["total"]
    mean, error, resolved = total["mean_usd"], total["mean_error_usd"], total["mean_usd"]
    share = "" if total["assumed_share"] is None else words.per_cent(total["assumed_share"])
    return {
        **shown,
        "title": found["title"],
        "as_of": entry["as_of"],
        "total": total["mean"],
        "error": f"± {words.per_cent(error / abs(mean))} by simulation" if mean and error else "",
        "basis": f"{total['basis'].partition(';')[0]} ({share} of the spread is assumed)",
        "curve": _curve(found["exceeded"], most) if resolved else "",
        "says": f"Nine outcomes in ten: {_range(total)}.",
        "range": _range(total),
    }


def _report(row: Row) -> dict[str, str]:
    at, notebook, entry = row
    failed = f"failed ({entry['failed']})" if "failed" in entry else ""
    if "key" not in entry:
        return {"title": at, "notebook": notebook, "status": failed, "page": ""}
    status = f"{failed}, of an earlier run" if failed else "made" if entry["files"] else "page lost"
    page = _href(at, notebook, entry)
    return {"title": entry["question"], "notebook": notebook, "status": status, "page": page}


def _href(at: str, notebook: str, entry: Entry) -> str:
    """The page of a report, or the file that stands for it where no page was asked for."""
    kind = next((kind for kind in ("html", "pdf", "ipynb") if kind in entry["files"]), "")
    return f"{at}/{notebook}.{kind}" if kind else ""


def _furthest(entry: Entry) -> float:
    return max((amount for amount, _ in entry["headline"]["exceeded"]), default=0.0)


def _curve(exceeded: list[list[float]], most: float) -> str:
    """The points of the small picture: USD to the right on the scale of the case, chance up."""
    if most <= 0:
        return ""
    points = ((2 + (_WIDE - 4) * max(usd, 0.0) / most, share) for usd, share in exceeded)
    return " ".join(f"{x:.1f},{2 + (_HIGH - 4) * (1 - share):.1f}" for x, share in points)


def _assumed(chance: float) -> str:
    """A chance that nobody reports: assumed, or supposed where the scenario fixes it."""
    if chance in (0.0, 1.0):
        return "supposed" if chance else "none"
    return f"{words.about(chance)}, assumed"


def _range(measures: Mapping[str, Any] | None) -> str:
    """The range of a bearer's loss and, where it is of some outcomes alone, of which."""
    if measures is None:
        return "none"
    when = f" {measures['when']}" if "(" in measures["when"] else ""
    return f"{measures['range']}{when}"
