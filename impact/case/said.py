"""Checks of what is said: sources, claims and their claimants, judgements of them, duties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from impact.errors import Fault
from impact.numerics import times

Tables = Mapping[str, pl.DataFrame]
SHOWN = 50  # faults shown of one kind


def sourced(tables: Tables) -> Iterator[Fault]:
    """Rows that claim to be known earlier or later than their own sources were published."""
    sources = tables["sources"]
    differ = sources.filter(pl.col("known_on") != pl.col("published_on"))
    for line in differ["file_line"][:SHOWN]:
        what = "differs from published_on"
        yield Fault(f"sources.csv:{line} known_on", what, "write the same date")
    published = sources.group_by("id").agg(published=pl.col("published_on").min())
    for table, rows in tables.items():
        if table == "sources":
            continue
        dated = (
            rows.select("file_line", "known_on", id="sources")
            .explode("id")
            .join(published, on="id", how="inner")
            .group_by("file_line", "known_on")
            .agg(first=pl.col("published").min())
            .filter(pl.col("first").dt.truncate("1s") != pl.col("known_on").dt.truncate("1s"))
            .sort("file_line")
        )
        for line, first in dated[:SHOWN].select("file_line", "first").iter_rows():
            yield Fault(
                f"{table}.csv:{line} known_on",
                "is not the earliest publication among the row's own sources",
                f"write {times.as_text(first)}; a later corroboration is a row of its own",
            )


def circles(tables: Tables) -> Iterator[Fault]:
    """Sources that derive from themselves, claims that supersede themselves, at any remove."""
    for table, column in (("sources", "derived_from"), ("claims", "supersedes")):
        rows = tables[table].select("id", column, "file_line").drop_nulls("id")
        rows = rows.filter(pl.col(column).list.len() > 0)
        ahead = {name: list(targets or ()) for name, targets, _ in rows.iter_rows()}
        lines = {name: line for name, _, line in rows.iter_rows()}
        told: set[str] = set()
        for name in sorted(name for name, targets in ahead.items() if targets):
            queue, seen = list(ahead[name]), set[str]()
            while queue:
                target = queue.pop()
                if target not in seen:
                    seen.add(target)
                    queue += ahead.get(target, [])
            if name in seen and not told & seen:
                told.add(name)
                what = f'"{name}" leads back to itself'
                repair = "cut the circle: name the one that came first"
                yield Fault(f"{table}.csv:{lines[name]} {column}", what, repair)


def own_words(tables: Tables) -> Iterator[Fault]:
    """Claims that somebody else than their claimant replaces, takes back or writes anew."""
    claims = tables["claims"]
    made = claims.group_by("id", maintain_order=True).agg(by=pl.col("claimant").first())
    replacing = claims.explode("supersedes").drop_nulls("supersedes")
    verb = pl.when("withdrawn").then(pl.lit("take it back")).otherwise(pl.lit("write it anew"))
    pairs = {
        "supersedes": replacing.with_columns(other="supersedes", verb=pl.lit("replace it")),
        "claimant": claims.with_columns(other="id", verb=verb),
    }
    for column, rows in pairs.items():
        joined = rows.join(made, left_on="other", right_on="id")
        wrong = joined.filter(pl.col("by") != pl.col("claimant"))[:SHOWN]
        for line, claimant, name, by, verb in wrong.select(
            "file_line", "claimant", "other", "by", "verb"
        ).iter_rows():
            what = f'"{name}" was made by {by}, not by {claimant}'
            repair = f"only who made a claim can {verb}; use contradicts"
            yield Fault(f"claims.csv:{line} {column}", what, repair)


def judged(tables: Tables) -> Iterator[Fault]:
    """Judgements that leave a hypothesis out, or under which nothing is possible."""
    rows = tables["judgements"].filter(~pl.col("withdrawn"))
    unknown = rows.drop_nulls("claim").join(
        tables["claims"], left_on="claim", right_on="id", how="anti"
    )
    rows = rows.join(unknown, on="stage", how="anti")  # told as a missing reference
    lines = {
        (stage, claim, who): line
        for stage, claim, who, line in rows.select(
            "stage", "claim", "hypothesis", "file_line"
        ).iter_rows()
    }
    priors = {(stage, who) for stage, claim, who in lines if claim is None}
    for (stage, claim, who), line in lines.items():
        where = f"judgements.csv:{line}"
        if (stage, who) not in priors:
            what = f'"{who}" has no prior for {stage}'
            yield Fault(f"{where} hypothesis", what, "add a row for it without a claim")
        missing = sorted(
            other for part, other in priors if part == stage and (stage, claim, other) not in lines
        )
        if missing and who == min(w for s, c, w in lines if (s, c) == (stage, claim)):
            what = f'"{claim}" is not judged for {", ".join(missing)}'
            yield Fault(f"{where} claim", what, "judge it for every hypothesis of the stage")
    whole = rows.group_by("stage", "claim", "known_on", maintain_order=True)
    best = whole.agg(pl.col("high").max(), pl.col("file_line").min())
    for line in best.filter(pl.col("high") <= 0)["file_line"]:
        what = "is possible under no hypothesis"
        yield Fault(f"judgements.csv:{line} high", what, "write a chance above 0 for one of them")


def met(tables: Tables) -> Iterator[Fault]:
    """Duties that are met before they begin, or later than the row was known."""
    rows = tables["duties"]
    begun = pl.col("starts_from")
    early = rows.filter(pl.col("met_on") < begun.dt.truncate("1d"))
    for line in early["file_line"]:
        what = "is before starts_from"
        yield Fault(f"duties.csv:{line} met_on", what, "check both dates")
    second = [pl.col(column).dt.truncate("1s") for column in ("met_on", "known_on")]
    for line in rows.filter(second[0] > second[1])["file_line"]:
        what = "is later than known_on"
        yield Fault(f"duties.csv:{line} met_on", what, "write it in a row that is known by then")


CHECKS = (sourced, circles, own_words, judged, met)
