"""Our systems: which hold a malicious version, from when, and what would settle the others."""

from __future__ import annotations

import polars as pl

from impact.answers.answer import Answer, counted, figure, pictures, tallies, worded
from impact.case.folder import Case
from impact.case.schema import highest
from impact.measures import fleet
from impact.stack.findings import LOCKED_AFFECTED, NOT_EVALUATED
from impact.stack.verdicts import VERDICTS


def systems(scanned: Answer, known: Case | None = None) -> Answer:
    """Each system of a scan with its gravest verdict on what it holds, the gravest first.

    With the windows of a case the picture shows when each version was held. Table: see
    `impact.measures.fleet.by_system`.
    """
    rows, table = scanned.table, fleet.by_system(scanned.table)
    held = fleet.holds(rows).filter(pl.col("system").is_in(table["system"].implode()))
    bad = held.filter(finding=LOCKED_AFFECTED).sort("begins", maintain_order=True)
    verdicts = {verdict: n for verdict, n in counted(table["verdict"], VERDICTS).items() if n}
    window = _window(known, bad if bad.height else held)
    holding = rows.filter(finding=LOCKED_AFFECTED)["system"].n_unique()
    drawable = bool(held.height and window.height)

    values = {
        "counted": verdicts,
        "case": known.id if known else "NAME",
        "first": bad.head(1).to_dicts(),
        "holding": holding,
        "pins": fleet.pins(rows).to_dicts(),
        "unread": rows.filter(finding=NOT_EVALUATED)["file"].n_unique(),
        "drawn": held["system"].n_unique() if drawable else 0,
    }
    figures = [
        figure("systems", table.height, "count"),
        *tallies("systems", {**verdicts, "holding": holding}),
    ]
    label = highest((scanned.label, known.label)) if known else scanned.label
    return worded(
        None,
        "systems",
        table,
        values,
        figures,
        (lambda _, wide: pictures().held(held, window, wide)) if drawable else None,
        label=label,
    )


def _window(known: Case | None, held: pl.DataFrame) -> pl.DataFrame:
    """When the versions that are held were available; else when any version of the packages was.

    Of these alone: bands of other versions would lie over each other.
    """
    found = fleet.windows(known, fleet.advisories(known)) if known else []
    seen = set(held.select("package", "version").rows())
    same = [one for one in found if (one.package, one.version) in seen]
    return fleet.available(same or [one for one in found if one.package in held["package"]])
