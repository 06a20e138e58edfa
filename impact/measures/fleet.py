"""A case for a scan, its advisories, stack and windows; and what the rows of one say of a fleet."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from impact.base import times
from impact.base.errors import bad
from impact.case.folder import ADVISORIES, STACK, Case
from impact.measures.evidence import names
from impact.measures.frames import frame
from impact.measures.windows import spans
from impact.stack import advisories as records
from impact.stack.advisories import Advisories
from impact.stack.findings import ABSENT, LOCKED_AFFECTED, NOT_EVALUATED
from impact.stack.inventory import canonical, tail
from impact.stack.verdicts import (
    NO,
    TRIGGERS,
    UNLIKELY,
    VERDICTS,
    Window,
)

RANK = pl.col("verdict").replace_strict(VERDICTS, range(len(VERDICTS)))
_BAD = pl.col("finding") == LOCKED_AFFECTED
_WHOLE = (pl.col("finding") == NOT_EVALUATED) & (pl.col("version") == "")  # of a file, not of a row


def by_system(rows: pl.DataFrame) -> pl.DataFrame:
    """Each system with its gravest verdict on what it holds, the gravest first.

    Columns of a scan, and `files` (read of it) and `begins` (from when an affected version was
    held at the earliest). `settle` is empty where an answer would change no verdict.
    """
    absent = pl.col("finding") == ABSENT
    every = rows.filter(pl.col("system") != "").sort(
        absent, RANK, "system", "file", "package", "ecosystem"
    )
    groups = every.group_by("system", maintain_order=True)
    first = groups.agg(pl.all().first(), files=pl.col("file").n_unique())
    since = holds(rows).filter(_BAD).group_by("system").agg(pl.col("begins").min())
    nothing = (absent & (pl.col("verdict") == UNLIKELY)) | (pl.col("verdict") == NO)
    package = pl.when(absent).then(pl.lit("none of them")).when(_WHOLE).then(pl.lit("all"))
    found = first.join(since, on="system", how="left")
    return found.sort(RANK, absent, "system").with_columns(
        settle=pl.when(nothing).then(pl.lit("")).otherwise("settle"),
        package=package.otherwise("package"),
    )


def holds(rows: pl.DataFrame) -> pl.DataFrame:
    """What each system held and from when: a file outside git, since its newest upload at least.

    Columns `system`, `package`, `version`, `finding`, `begins`, `ends`, by system.
    """
    there = rows.filter(~pl.col("finding").is_in([ABSENT, NOT_EVALUATED]))
    states = there.select("system", "file", "package", "states").explode("states").unnest("states")
    known = states.filter(pl.col("begins").is_not_null()).sort("system", "begins", "file")
    return known.select("system", "package", "version", "finding", "begins", "ends")


def available(accounts: Iterable[Window]) -> pl.DataFrame:
    """The hull around the windows of each version, and the core that all its accounts share.

    Columns `version`, `part` (core or hull), `opens`, `closes`.
    """
    by_version: dict[str, list[Window]] = {}
    for account in accounts:
        by_version.setdefault(f"{account.package} {account.version}", []).append(account)
    found = [
        (version, *each)
        for version, several in sorted(by_version.items())
        for each in spans(several)
    ]
    return frame("available", found)


def pins(rows: pl.DataFrame) -> pl.DataFrame:
    """What one pin, or removal, of a package would free: systems whose every path leads through it.

    Columns `pin`, `systems`, `which`, the most first.
    """
    bad, freed = rows.filter(_BAD), dict[str, list[str]]()
    for system, through in bad.group_by("system").agg("through").sort("system").iter_rows():
        for package in set[str].intersection(*map(set, through)):
            freed.setdefault(package, []).append(system)
    own = set(bad["package"])
    found = [(name, len(every), every) for name, every in freed.items()]
    found.sort(key=lambda row: (-row[1], row[0] not in own, row[0]))
    return frame("pins", found)


def by_file(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are shown: no absent ones, and one for a file of which nothing is known."""
    several = pl.len().over("file", "why") > 1
    package = pl.when(_WHOLE & several).then(pl.lit("all")).otherwise("package")
    shown = rows.filter(pl.col("finding") != ABSENT)
    first = pl.struct("file", "why").is_first_distinct()
    said = ("file", "package", "version", "verdict", "finding")  # by records of two ecosystems
    return shown.with_columns(package=package).filter(
        (~_WHOLE | first) & pl.struct(said).is_first_distinct()
    )


def advisories(known: Case) -> Advisories:
    """The advisories that a case holds."""
    return records.joined(
        (name, data)
        for name, data in known.files.items()
        if name.startswith(f"{ADVISORIES}/") and name.endswith(records.ENDINGS)
    )


def stack(known: Case | None) -> dict[str, bytes]:
    """The files of the stack that a case holds, by system and name."""
    if known is None:
        raise bad("PATH", "nothing to scan", "name a file or a folder, or a case with its stack")
    return {
        name.partition("/")[2]: data
        for name, data in known.files.items()
        if name.partition("/")[0] in STACK
    }


def windows(known: Case, found: Advisories) -> list[Window]:
    """The windows of a view, each with its package and version, in the ecosystem of an advisory."""
    said = names(known)
    homes: dict[str, list[tuple[str, str]]] = {}
    for record in found.affected:
        homes.setdefault(tail(record.name), []).append((record.ecosystem, record.name))
    named = []
    for row in known["windows"].sort("entity", "id").iter_rows(named=True):
        package, _, version = said[row["entity"]].rpartition(" ")
        trigger = _trigger(known, row["entity"])
        opens, closes = times.start(row["opens"]), row["closes"]
        for ecosystem, name in sorted(set(homes.get(tail(package), ()))):
            own = canonical(ecosystem, package).lower()
            if f"/{name.lower()}".endswith(f"/{own}"):
                named.append(Window(ecosystem, name, version, opens, closes, trigger))
    return named


def _trigger(known: Case, release: str) -> str:
    """What makes the code of a release run, by the most credible claim; empty: not known."""
    claims = known["claims"].filter(predicate="runs_when", subject=release, stance="asserts")
    best = claims.sort("credibility", "known_on", "id")["object"].to_list()
    text = str(best[0]).lower() if best else ""
    return next(filter(text.startswith, TRIGGERS), "")
