"""What happened when and when it was reported, how long a version was available, the sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from impact.answers.answer import Answer, Figure, figure, layouts, worded
from impact.answers.text import one_line
from impact.base import words
from impact.case.folder import Case
from impact.measures.evidence import cited, origins
from impact.measures.windows import accounts, events, longest_delay, told_windows, window

_DRAWN, _SHORT = 14, 18  # events of the picture, and where they have short texts


def timeline(known: Case, most: int = 20, a_day: int = 5) -> Answer:
    """What happened when, and when it was reported: `most` events, at most `a_day` of one day.

    Shown are events about what stands in links.csv, the most credible first; context and aftermath
    not confirmed are left to the claims. Where events have a `short` text, the picture holds those.

    Table: `id`, `happened_on`, `reported_on`, `stage`, `says`, `short`, `lane`, `reported_by`,
    `delay_days`.
    """
    found = events(known)
    nth = pl.int_range(pl.len()).over(pl.col("happened_on").dt.date())
    best, short = found.filter(nth < a_day).head(most), found.drop_nulls("short")
    drawn = short.head(_SHORT) if short.height else best.head(_DRAWN)
    drawn = drawn.sort("happened_on", "id")
    release = next(
        iter(told_windows(known).sort("opens", "entity", "known_on", "id")["entity"]), ""
    )
    shorter = dict(known["entities"].select("name", "short").drop_nulls().iter_rows())
    every = accounts(known, release)
    spans = every.unique("account", keep="first", maintain_order=True).with_columns(
        who=pl.col("account").replace(shorter), best=pl.int_range(pl.len()) == 0
    )
    told = spans.to_dicts()
    bars = told if spans["minutes"].n_unique() > 1 else []  # else the lead says it
    values = {
        "bars": bars,
        "all": found.height,
        "drawn": drawn.to_dicts(),
        "release": release,
        "accounts": told,
        "stated": every["stated"].any(),
    }
    marks, late = _marks(drawn), figure("longest_delay", longest_delay(found), "day")

    def draw(said: Any, wide: bool) -> Any:
        shown = [{**bar, "says": one_line(said.bar(bar))} for bar in bars]
        return layouts().timeline(said, wide, marks, shown)

    table, figures = best.sort("happened_on", "id"), [late, *_windows(known)]
    return worded(known, "timeline", table, values, figures, draw, there=bool(marks or bars))


def _marks(drawn: pl.DataFrame) -> list[dict[str, Any]]:
    """What the picture shows of events, lane by lane in the order in which lanes begin."""
    marks = []
    for row in drawn.iter_rows(named=True):
        when, day = row["happened_on"], words.date(row["happened_on"])
        if day[0].isdigit() and " " in day:  # else it is known by month or year
            day = f"{when.day} {when:%b}"
        lane = row["lane"] or words.capital(row["stage"])
        label = f"{day}: {row['short'] or row['says'].rstrip('.')}"
        marks.append({"when": when, "lane": lane, "label": label})
    lanes = [mark["lane"] for mark in marks]
    return sorted(marks, key=lambda mark: lanes.index(mark["lane"]))


def window_sentence(known: Case) -> str:
    """How long the version that came first was available, by each account; empty where unknown."""
    lines = timeline(known).lead
    return next((line for line in lines if "available" in line or "be used" in line), "")


def _windows(known: Case) -> Iterator[Figure]:
    """How many minutes each version was available, by every account and by any."""
    for release in sorted(set(known["windows"]["entity"])):
        for part, opens, closes in window(known, release):
            minutes = None if closes is None else (closes - opens).total_seconds() / 60
            name = f"window_{part}.{release}"
            yield Figure(name, minutes, None, "minute", words.number(minutes, 3))


def sources(known: Case) -> Answer:
    """The sources that the view rests on, with date, reliability and how they were read.

    Those on which most claims rest come first. Table: `id`, `publisher`, `title`, `published_on`,
    `reliability`, `access`, `restates`, `address`, `claims` (how many rest on it).
    """
    named = cited(known)
    resting = known["claims"].explode("sources")["sources"].value_counts(name="claims")
    frame = (
        known["sources"]
        .filter(pl.col("id").is_in(named))
        .join(resting, left_on="id", right_on="sources", how="left")
        .select(
            *("id", "publisher", "title", "published_on", "reliability", "access"),
            restates=pl.col("derived_from").list.join(", "),
            address=pl.col("url").fill_null(""),
            claims=pl.col("claims").fill_null(0),
        )
        .sort("claims", "id", descending=[True, False])
    )
    alone = frame.filter(pl.col("title").is_unique()).select("title", "address")
    roots = len(origins(known, named))
    values = {"address_of": dict(alone.iter_rows()), "roots": roots}
    figures = [figure("sources", frame.height, "count"), figure("origins", roots, "count")]
    return worded(known, "sources", frame, values, figures)


def indicators(known: Case) -> Answer:
    """What a reader should rotate, then what to look for in logs and on machines.

    Table: `id`, `action` (rotate or hunt), `kind`, `value`, `what`, `entity`, `sources`.
    """
    rows = known["indicators"].sort("action", "kind", "id", descending=[True, False, False])
    table = rows.select("id", "action", "kind", "value", "what", "entity", "sources")
    return worded(known, "indicators", table, {}, [figure("indicators", table.height, "count")])
