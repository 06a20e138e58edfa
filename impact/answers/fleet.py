"""What a scan says of a fleet: by system, over time, what one pin would free, what is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers import verdicts
from impact.answers.answer import Answer, Facts, Figure, tally, worded
from impact.case.folder import Case
from impact.case.schema import highest
from impact.numerics import times
from impact.stack.findings import ABSENT, LOCKED_AFFECTED, NOT_EVALUATED
from impact.stack.verdicts import CORE, HULL, NO, NOT_LOOKED_FOR, UNLIKELY, VERDICTS, Window, span

if TYPE_CHECKING:
    import altair as alt


def systems(scanned: Answer) -> Answer:
    """Each system of a scan with its gravest verdict on what it holds, the gravest first.

    Table: `system`, `verdict`, `package`, `version`, `file`, `why`, `path`, `files` (how many were
    read of it).
    """
    rank = pl.col("verdict").replace_strict(VERDICTS, range(len(VERDICTS)))
    every = scanned.table.filter(pl.col("system") != "")
    many = every.group_by("system").agg(files=pl.col("file").n_unique())
    order = every.with_columns(rank=rank, absent=pl.col("finding") == ABSENT)
    gravest = order.sort("absent", "rank", "system", "file", "package")
    first = gravest.unique("system", keep="first", maintain_order=True)
    first = first.sort("rank", "absent", "system")
    whole = (pl.col("finding") == NOT_EVALUATED) & (pl.col("version") == "")
    shown = first.join(many, on="system", maintain_order="left").with_columns(
        package=pl.when("absent")
        .then(pl.lit("none of them"))
        .when(whole)
        .then(pl.lit("all"))
        .otherwise("package")
    )
    counted = {
        verdict: shown.filter(pl.col("verdict") == verdict).height
        for verdict in VERDICTS
        if shown.filter(pl.col("verdict") == verdict).height
    }
    figures = (
        tally("systems", shown.height),
        *(tally(f"systems.{name}", many) for name, many in counted.items()),
    )
    return _worded(scanned, "systems", shown.drop("rank", "absent"), {"counted": counted}, figures)


def _worded(
    scanned: Answer,
    template: str,
    table: pl.DataFrame,
    values: Mapping[str, Any],
    figures: Sequence[Figure],
    draw: Callable[[Any, bool], alt.TopLevelMixin] | None = None,
    label: str = "",
) -> Answer:
    """An answer on a scan; `unasked` says why nothing was looked for, where nothing was."""
    unasked = verdicts.UNASKED if scanned.sentence == verdicts.UNASKED else ""
    said = {**values, "unasked": unasked}
    there = table.height > 0 or bool(unasked and template == "systems")
    facts = Facts(table, said, figures, draw, there, label=label or scanned.label)
    return worded(None, template, facts)


def held_when(scanned: Answer, known: Case) -> Answer:
    """What each system held and from when, over the hours in which the version was available.

    A file outside git says only that it was locked no earlier than the newest upload in it. Table:
    `system`, `package`, `version`, `finding`, `begins`, `ends`, by system.
    """
    rows = scanned.table.filter(~pl.col("finding").is_in([ABSENT, NOT_EVALUATED]))
    states = rows.select("system", "file", "package", "states").explode("states").unnest("states")
    shown = states.filter(pl.col("begins").is_not_null()).sort("system", "begins", "file")
    shown = shown.select("system", "package", "version", "finding", "begins", "ends")
    found = verdicts.windows(known, verdicts.held(known))
    packages = set(shown["package"])
    accounts = [window for window in found if window.package in packages]
    bad = shown.filter(pl.col("finding") == LOCKED_AFFECTED)
    holding, window = bad["system"].n_unique(), _window(accounts)

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.held(shown, window, wide)

    values = {
        "first": bad.row(0, named=True) if bad.height else None,
        "held": holding,
        "systems": shown["system"].n_unique(),
    }
    label = highest((scanned.label, known.label))
    picture = draw if shown.height and window.height else None
    figures = [tally("systems.holding", holding)]
    return _worded(scanned, "held_when", shown, values, figures, picture, label)


def _window(accounts: list[Window]) -> pl.DataFrame:
    """The hull around the windows of all versions, and the core that any of them has."""
    by_version: dict[str, list[Window]] = {}
    for account in accounts:
        by_version.setdefault(f"{account.package} {account.version}", []).append(account)
    rows: list[tuple[str, str, datetime, datetime | None]] = []
    for version, several in sorted(by_version.items()):
        for part in (HULL, CORE):
            found = span(several, part)
            if found:
                rows.append((version, part, *found))
    schema = {"version": pl.String(), "part": pl.String(), "opens": times.INSTANT}
    return pl.DataFrame(rows, schema={**schema, "closes": times.INSTANT}, orient="row")


def pins(scanned: Answer) -> Answer:
    """What one pin, or removal, of a package would free: systems whose every way leads through it.

    Table: `pin`, `systems`, `which`, the most first.
    """
    bad = scanned.table.filter(pl.col("finding") == LOCKED_AFFECTED)
    freed: dict[str, set[str]] = {}
    for system, packages in bad.select("system", "through").iter_rows():
        mine = bad.filter(pl.col("system") == system)["through"].to_list()
        for package in packages:
            if all(package in others for others in mine):
                freed.setdefault(package, set()).add(system)
    own = set(bad["package"])
    rows = sorted(
        ((name, len(every), sorted(every)) for name, every in freed.items()),
        key=lambda row: (-row[1], row[0] not in own, row[0]),
    )
    schema = {"pin": pl.String(), "systems": pl.Int64(), "which": pl.List(pl.String())}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    many = bad["system"].n_unique()
    figures = [tally("systems.locked_affected", many)]
    return _worded(scanned, "pins", table, {"holding": many}, figures)


def to_settle(scanned: Answer) -> Answer:
    """The questions that would settle most, each with the systems that it is about.

    Table: `settle`, `systems`, `which`, `verdict` (the gravest of them).
    """
    rank = pl.col("verdict").replace_strict(VERDICTS, range(len(VERDICTS)))
    foreign = pl.col("settle") == NOT_LOOKED_FOR
    asked = scanned.table.filter(
        (pl.col("settle") != "")
        & ~pl.col("verdict").is_in([NO])
        & ~((pl.col("finding") == ABSENT) & (pl.col("verdict") == UNLIKELY))
        & (~foreign | foreign.all().over("system"))
    )
    grouped = asked.with_columns(rank=rank).group_by("settle").agg(
        pl.col("rank").min(),
        which=pl.col("system").unique().sort(),
        verdict=pl.col("verdict").sort_by("rank").first(),
    )  # fmt: skip
    table = grouped.with_columns(systems=pl.col("which").list.len()).sort(
        "rank", "systems", "settle", descending=[False, True, False]
    )
    table = table.select("settle", "systems", "which", "verdict")
    return _worded(scanned, "to_settle", table, {}, [tally("questions", table.height)])


def not_read(scanned: Answer) -> Answer:
    """What of a scan was not evaluated, and why: none of it is called clean.

    Table: `file`, `format`, `package`, `why`.
    """
    rows = verdicts.collapsed(scanned.table).filter(pl.col("finding") == NOT_EVALUATED)
    many = rows["file"].n_unique()
    table = rows.select("file", "format", "package", "why")
    figures = [tally("files.not_evaluated", many)]
    return _worded(scanned, "not_read", table, {"unread": many}, figures)


def by_file(scanned: Answer) -> Answer:
    """What each file of a scan says of the packages that it names, the gravest first.

    The table is that of the scan without absent packages, and with one row for a file of which
    nothing is known.
    """
    table = verdicts.collapsed(scanned.table)
    asks = "What does each file hold?"
    return replace(scanned, name="by_file", asks=asks, table=table, there=table.height > 0)
