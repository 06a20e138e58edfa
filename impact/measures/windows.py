"""When a malicious version was available, by every account, and the dated events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from impact.base import times
from impact.case.folder import Case
from impact.measures.evidence import names
from impact.measures.frames import frame
from impact.measures.standing import support
from impact.stack.verdicts import CORE, HULL, Window, span


def accounts(known: Case, release: str) -> pl.DataFrame:
    """Each account of when a release was available, the best supported first.

    Columns `account` (whose), `opens`, `closes` (null while open), `minutes` (null while open),
    `stated` (whether it states its length). An account that states a shorter length than its row
    ends by that.
    """
    said, claims, rows = names(known), known.rows("claims"), []
    for row in known["windows"].filter(entity=release).iter_rows(named=True):
        told = [claims[name] for name in row["claims"][:1]]
        opens, closes = times.start(row["opens"]), row["closes"]
        timed = [claim["mode"] for claim in told if claim["unit"] in ("minute", "minutes")]
        minutes = timed[0] if timed else None
        if closes and minutes is not None:
            closes = min(closes, opens + timedelta(minutes=minutes))
        length = (closes - opens).total_seconds() / 60 if closes else None
        who = said[told[0]["claimant"]] if told else "not sourced"
        cells = who, opens, closes, length, minutes is not None
        rows.append((-support(known, told), row["id"], *cells))
    return frame("accounts", [row[2:] for row in sorted(rows)])


def window(known: Case, release: str) -> list[tuple[str, datetime, datetime | None]]:
    """When a release was available: the `core` inside every account, the `hull` around all.

    Each as `spans` has it; a part still open has no end. None where no account is known; no core
    where the accounts share no minute.
    """
    ends = accounts(known, release).select("opens", "closes").iter_rows()
    return spans([Window("", "", release, opens, closes) for opens, closes in ends])


def spans(found: Sequence[Window]) -> list[tuple[str, datetime, datetime | None]]:
    """(part, opens, closes) of the hull around windows and of the core of them, if any."""
    return [(part, *opened) for part in (HULL, CORE) if (opened := span(found, part))]


def events(known: Case) -> pl.DataFrame:
    """The reported events about what stands in links.csv, the most credible first.

    `delay_days` is null where the first report is dated by a month or a year only.
    """
    minutes = (pl.col("known_on") - pl.col("valid_from")).dt.total_minutes().clip(lower_bound=0)
    linked = {*known["links"]["source"], *known["links"]["target"]} - {"event"}
    happened = (pl.col("predicate") == "happened") & pl.col("valid_from").is_not_null()
    told = happened & (pl.col("stage") != "context") & pl.col("subject").is_in(sorted(linked))
    who = pl.col("claimant").replace_strict(names(known), default=None, return_dtype=pl.String)
    return (
        known["claims"]
        .filter(told)
        .sort("credibility", "valid_from", "id")
        .select(
            "id",
            "stage",
            "says",
            "short",
            "lane",
            "credibility",
            happened_on="valid_from",
            reported_on="known_on",
            reported_by=who,
            delay_days=pl.when(times.is_dated("known_on")).then(minutes / 1440),
        )
    )


def longest_delay(events: pl.DataFrame) -> float:
    """Days from an event to its first report, the most of all events; 0 where none is dated."""
    return max(events["delay_days"].drop_nulls(), default=0.0)


def told_windows(known: Case) -> pl.DataFrame:
    """The windows to tell of: those of versions of a package, else of what is linked, else all."""
    rows, links = known["windows"], known["links"]
    versions = links.filter(pl.col("relation") == "version_of")["source"]
    for named in (set(versions), {*links["source"], *links["target"]}):
        found = rows.filter(pl.col("entity").is_in(sorted(named)))
        if found.height:
            return found
    return rows
