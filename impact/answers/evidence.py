"""What happened when and when it was reported, how long a version was available, the sources."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers.answer import Answer, Facts, Figure, tally, worded
from impact.answers.text import one_line
from impact.base import words
from impact.case.folder import Case
from impact.measures.evidence import cited, origins
from impact.measures.windows import (
    SPAN,
    accounts,
    events,
    longest_delay,
    stated,
    told_windows,
    window,
)

if TYPE_CHECKING:
    import altair as alt

_DRAWN = 14  # events of the picture
_DAYS = 2 * 1440  # minutes from which lengths are told in days


def timeline(known: Case, most: int = 20, a_day: int = 5) -> Answer:
    """What happened when, and when it was reported: `most` events, at most `a_day` of one day.

    Shown are events about what stands in links.csv, the most credible first; context and aftermath
    not confirmed are left to the claims. Where events have a `short` text, the picture holds those.

    Table: `id`, `happened_on`, `reported_on`, `stage`, `says`, `short`, `lane`, `reported_by`,
    `delay_days`.
    """
    found = events(known)
    nth = pl.int_range(pl.len()).over(pl.col("happened_on").dt.date())
    best = found.filter(nth < a_day).head(most).sort("happened_on", "id")
    short = found.filter(pl.col("short").is_not_null())
    drawn = (short if short.height else best).sort("credibility", "happened_on", "id")
    drawn = drawn.head(_DRAWN if not short.height else _DRAWN + 4).sort("happened_on", "id")
    release, spans = _first_window(known)
    values = {
        "all": found.height,
        "drawn": drawn.height,
        "first": drawn["happened_on"].min() if drawn.height else None,
        "last": drawn["happened_on"].max() if drawn.height else None,
        **_windows(known, release, spans),
    }
    late = longest_delay(found)
    figures = (
        Figure("longest_delay", late, None, "day", words.number(late)),
        *_window_figures(known, sorted(set(known["windows"]["entity"]))),
    )
    marks, shorter = _marks(drawn), _shorter(known)
    bars = [
        {**row, "who": shorter.get(row["account"], row["account"]), "best": place == 0}
        for place, row in enumerate(spans.iter_rows(named=True))
    ]
    bars = bars if len({row["minutes"] for row in bars}) > 1 else []  # else the lead says it

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import layouts

        told = [{**bar, "says": one_line(said.bar(bar))} for bar in bars]
        return layouts.timeline(said, wide, marks, told)

    there = bool(marks or bars)
    facts = Facts(best, values, figures, draw if there else None, there)
    return worded(known, "timeline", facts)


def _marks(drawn: pl.DataFrame) -> list[dict[str, Any]]:
    """What the picture shows of events, lane by lane in the order in which lanes begin."""
    lanes: dict[str, list[dict[str, Any]]] = {}
    for row in drawn.iter_rows(named=True):
        lane = row["lane"] or words.capital(row["stage"])
        label = f"{_day(row['happened_on'])}: {row['short'] or row['says'].rstrip('.')}"
        mark = {"when": row["happened_on"], "lane": lane, "label": label}
        lanes.setdefault(lane, []).append(mark)
    return [mark for marks in lanes.values() for mark in marks]


def _day(when: datetime) -> str:
    """The day of an event as a label begins: 24 Mar, or the month or year where no day is given."""
    whole = words.date(when)
    return f"{when.day} {when:%b}" if whole[:1].isdigit() and " " in whole else whole


def _shorter(known: Case) -> dict[str, str]:
    """Name of an entity -> its shorter one, where it has one."""
    return dict(known["entities"].select("name", "short").drop_nulls().iter_rows())


def _first_window(known: Case) -> tuple[str, pl.DataFrame]:
    """The version that was available first, and the accounts of how long, one a claimant."""
    first = told_windows(known).sort("opens", "entity", "known_on", "id")
    if not first.height:
        return "", pl.DataFrame(schema={"account": pl.String, **SPAN, "minutes": pl.Float64})
    release = first["entity"][0]
    return release, accounts(known, release).unique("account", keep="first", maintain_order=True)


def _windows(known: Case, release: str, spans: pl.DataFrame) -> dict[str, Any]:
    """How long the version was available, for a template: each account in minutes or days."""
    shorter = _shorter(known)
    told = [
        {
            "who": shorter.get(row["account"], row["account"]),
            "minutes": row["minutes"],
            "opens": row["opens"],
            "closes": row["closes"],
        }
        for row in spans.iter_rows(named=True)
    ]
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    lengths = {row["minutes"] for row in told}
    return {
        "release": release,
        "release_used": bool(release) and kinds[release] not in ("release", "package"),
        "accounts": told,
        "agreed": len(lengths) == 1,
        "open_since": next((row["opens"] for row in told if row["minutes"] is None), None),
        "stated": bool(release) and stated(known, release),
        "in_days": any((row["minutes"] or 0) >= _DAYS for row in told),
    }


def window_sentence(known: Case) -> str:
    """How long the version that came first was available, by each account; empty where unknown."""
    told = timeline(known).lead
    return next((line for line in told if "available" in line or "be used" in line), "")


def _window_figures(known: Case, releases: list[str]) -> tuple[Figure, ...]:
    figures = []
    for release in releases:
        for part, opens, closes in window(known, release).iter_rows():
            minutes = None if closes is None else (closes - opens).total_seconds() / 60
            name = f"window_{part}.{release}"
            figures.append(Figure(name, minutes, None, "minute", words.number(minutes, 3)))
    return tuple(figures)


def sources(known: Case) -> Answer:
    """The sources that the view rests on, with date, reliability and how they were read.

    Those on which most claims rest come first. Table: `id`, `publisher`, `title`, `published_on`,
    `reliability`, `access`, `restates`, `address`, `claims` (how many rest on it).
    """
    named = cited(known)
    resting = known["claims"].explode("sources").group_by("sources").agg(claims=pl.len())
    frame = (
        known["sources"]
        .filter(pl.col("id").is_in(named))
        .select(
            "id",
            "publisher",
            "title",
            "published_on",
            "reliability",
            "access",
            restates=pl.col("derived_from").list.join(", "),
            address=pl.col("url").fill_null(""),
        )
    )
    frame = frame.join(resting, left_on="id", right_on="sources", how="left")
    frame = frame.with_columns(pl.col("claims").fill_null(0)).sort(
        -pl.col("claims").cast(pl.Int64), "id"
    )
    roots, alone = len(origins(known, named)), pl.col("title").is_unique()
    found = dict(frame.filter(alone).select("title", "address").iter_rows())
    values = {
        "address_of": found,
        "roots": roots,
        "read": frame.filter(pl.col("access") == "full").height,
    }
    figures = (tally("sources", frame.height), tally("origins", roots))
    return worded(known, "sources", Facts(frame, values, figures, there=bool(frame.height)))


def indicators(known: Case) -> Answer:
    """What a reader should rotate, then what to look for in logs and on machines.

    Table: `id`, `action` (rotate or hunt), `kind`, `value`, `what`, `entity`, `sources`.
    """
    columns = ("id", "action", "kind", "value", "what", "entity", "sources")
    rows = known["indicators"].sort("action", "kind", "id", descending=[True, False, False])
    values = {
        "rotate": rows.filter(pl.col("action") == "rotate").height,
        "publishers": dict(known["sources"].select("id", "publisher").iter_rows()),
    }
    figures = [tally("indicators", rows.height)]
    facts = Facts(rows.select(*columns), values, figures, there=bool(rows.height))
    return worded(known, "indicators", facts)
