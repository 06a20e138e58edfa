"""Our systems: which hold a malicious version, from when, and what would settle the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, tally, worded
from impact.case.folder import Case
from impact.case.schema import highest
from impact.measures import fleet
from impact.stack.findings import LOCKED_AFFECTED, NOT_EVALUATED
from impact.stack.verdicts import VERDICTS

if TYPE_CHECKING:
    import altair as alt


def systems(scanned: Answer, known: Case | None = None) -> Answer:
    """Each system of a scan with its gravest verdict on what it holds, the gravest first.

    With the windows of a case the picture shows when each version was held. Table: see
    `impact.measures.fleet.by_system`.
    """
    shown, held = fleet.by_system(scanned.table), fleet.holds(scanned.table)
    held = held.filter(pl.col("system").is_in(shown["system"].implode()))
    bad = held.filter(pl.col("finding") == LOCKED_AFFECTED).sort("begins", maintain_order=True)
    locked = scanned.table.filter(pl.col("finding") == LOCKED_AFFECTED)["system"].n_unique()
    counts = shown["verdict"].to_list()
    counted = {name: counts.count(name) for name in VERDICTS if name in counts}
    window = _window(known, bad if bad.height else held)

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.held(held, window, wide)

    unread = scanned.table.filter(pl.col("finding") == NOT_EVALUATED)["file"].n_unique()
    drawable = bool(held.height and window.height)
    values = {
        "counted": counted,
        "case": known.id if known else "NAME",
        "first": next(bad.iter_rows(named=True), None),
        "holding": locked,
        "pins": fleet.pins(scanned.table).to_dicts(),
        "unread": unread,
        "drawn": held["system"].n_unique() if drawable else 0,
    }
    figures = [
        tally("systems", shown.height),
        *(tally(f"systems.{name}", many) for name, many in counted.items()),
        tally("systems.holding", locked),
    ]
    label = highest((scanned.label, known.label)) if known else scanned.label
    picture, there = draw if drawable else None, shown.height > 0
    facts = Facts(shown, values, figures, picture, there=there, label=label)
    return worded(None, "systems", facts)


def _window(known: Case | None, held: pl.DataFrame) -> pl.DataFrame:
    """When the versions that are held were available; else when any version of the packages was.

    Of these alone: bands of other versions would lie over each other.
    """
    found = fleet.windows(known, fleet.advisories(known)) if known else []
    seen = set(held.select("package", "version").rows())
    same = [one for one in found if (one.package, one.version) in seen]
    return fleet.available(same or [one for one in found if one.package in held["package"]])
