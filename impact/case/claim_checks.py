"""Checks of what is said: sources, claims and their claimants, judgements of them, duties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from impact.base import times
from impact.base.errors import Fault
from impact.case.schema import SINGLE_VALUED

Tables = Mapping[str, pl.DataFrame]
SHOWN = 50  # faults shown of one kind
DOUBTFUL = ("5", "6")  # credibilities that outdate nothing: improbable, cannot be judged
Row = dict[str, Any]
Topic = tuple[str, str, str | None]


def sourced(tables: Tables) -> Iterator[Fault]:
    """Rows that claim to be known earlier or later than their own sources were published."""
    sources = tables["sources"]
    differ = sources.filter(pl.col("known_on") != pl.col("published_on"))
    for line, known, on in differ[:SHOWN].select("file_line", "known_on", "published_on").rows():
        day = times.as_text(on)
        what = f"{times.as_text(known)} differs from published_on"
        yield Fault(f"sources.csv:{line} known_on", what, f"write the same date, {day}")
    published = sources.group_by("id").agg(published=pl.col("published_on").min())
    for table, rows in tables.items():
        if table == "sources":
            continue
        dated = (
            rows.select("file_line", "known_on", id="sources")
            .explode("id")
            .join(published, on="id", how="inner")
            .sort("published", "id")
            .group_by("file_line", "known_on", maintain_order=True)
            .agg(first=pl.col("published").first(), of=pl.col("id").first())
            .filter(pl.col("first").dt.truncate("1s") != pl.col("known_on").dt.truncate("1s"))
            .sort("file_line")
        )
        for line, known, first, of in dated[:SHOWN].iter_rows():
            day, mine = times.as_text(first), times.as_text(known)
            what = f'{mine} is not the earliest publication among the row\'s own sources, "{of}"'
            why = "nothing is known before it is published"
            why = "a later corroboration is a row of its own" if known > first else why
            yield Fault(f"{table}.csv:{line} known_on", what, f"write {day}; {why}")


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
    rows, claims = tables["judgements"], tables["claims"]
    unknown = rows.drop_nulls("claim").join(claims, left_on="claim", right_on="id", how="anti")
    told = rows.join(unknown, on="stage", how="anti")  # the others are told as missing references
    newest = told.unique("id", keep="last", maintain_order=True).filter(~pl.col("withdrawn"))
    found: dict[tuple[str, str | None], dict[str, tuple[int, float]]] = {}
    for stage, claim, who, line, high in newest.select(
        "stage", "claim", "hypothesis", "file_line", "high"
    ).iter_rows():
        found.setdefault((stage, claim), {})[who] = (line, high)
    for (stage, claim), judged_for in found.items():
        priors = found.get((stage, None), {})
        line = min(line for line, _ in judged_for.values())
        where = f"judgements.csv:{line}"
        for who in sorted(judged_for.keys() - priors.keys()):
            what = f'"{who}" has no prior for {stage}'
            repair = "add a row for it without a claim"
            yield Fault(f"judgements.csv:{judged_for[who][0]} hypothesis", what, repair)
        if missing := sorted(priors.keys() - judged_for.keys()):
            what = f'"{claim}" is not judged for {", ".join(missing)}'
            yield Fault(f"{where} claim", what, "judge it for every hypothesis of the stage")
        elif max(high for _, high in judged_for.values()) <= 0:
            what, repair = "is possible under no hypothesis", "write a chance above 0 for one"
            yield Fault(f"{where} high", what, repair)
        if claim is None and len(judged_for) == 1:
            what = f"there is one hypothesis for {stage}"
            yield Fault(f"{where} hypothesis", what, "add another, such as somebody else")


def clocks(tables: Tables) -> Iterator[Fault]:
    """Duties that are met before they begin or later than the row was known."""
    for row in tables["duties"].iter_rows(named=True):
        where, begun, met = f"duties.csv:{row['file_line']}", row["starts_from"], row["met_on"]
        if begun and met and met < times.start(begun):
            yield Fault(f"{where} met_on", "is before starts_from", "check both dates")
        if met and row["known_on"] and met > times.until(row["known_on"]):
            repair = "write it in a row that is known by then"
            yield Fault(f"{where} met_on", "is later than known_on", repair)


def outdated(tables: Tables) -> Iterator[Fault]:
    """Inputs that rest on a claim which a newer one outdates; a valid case may have them.

    A claim is outdated by one of the same subject, predicate and qualifier that was made later and
    gives another number, another value where only one can be true, or the contrary; or by one that
    replaces it. What the input rests on as well outdates nothing, nor does what is improbable.
    """
    claims = {row["id"]: row for row in _newest(tables["claims"])}
    on_topic: dict[Topic, list[Row]] = {}
    for claim in claims.values():
        replaced = [claims[name] for name in claim["supersedes"] or () if name in claims]
        for topic in {_topic(each) for each in (claim, *replaced)}:
            on_topic.setdefault(topic, []).append(claim)
    for row in _newest(tables["inputs"]):
        rests = [claims[name] for name in row["claims"] or () if name in claims]
        for topic in dict.fromkeys(_topic(claim) for claim in rests):
            known = [claim for claim in rests if _topic(claim) == topic]
            others = [claim for claim in on_topic[topic] if claim not in known]
            last = max(known, key=lambda claim: (claim["stated_on"], claim["id"]))
            later = [new for new in others if _outdates(new, last, known)]
            if later:
                new = max(later, key=lambda claim: (claim["stated_on"], claim["id"]))
                day = times.as_text(new["stated_on"])
                what = f'"{row["id"]}" rests on "{last["id"]}", outdated by "{new["id"]}" ({day})'
                repair = "add a newer row of the input that takes it in, and name it in claims"
                yield Fault(f"inputs.csv:{row['file_line']} claims", what, repair)


def _newest(rows: pl.DataFrame) -> list[Row]:
    """The newest row of each id that is not withdrawn."""
    newest = rows.unique("id", keep="last", maintain_order=True).filter(~pl.col("withdrawn"))
    return list(newest.iter_rows(named=True))


def _topic(claim: Row) -> Topic:
    return claim["subject"], claim["predicate"], claim["qualifier"]


def _outdates(new: Row, last: Row, known: Sequence[Row]) -> bool:
    """Whether a claim was made after the last one known on its topic, and says something else."""
    if new["stance"] not in ("asserts", "denies") or new["credibility"] in DOUBTFUL:
        return False
    if any(claim["id"] in (new["supersedes"] or ()) for claim in known):
        return True
    same_time = new["stated_on"] == last["stated_on"]
    later = times.start(new["stated_on"]) > last["stated_on"] or (
        same_time and times.start(new["known_on"]) > last["known_on"]
    )
    same_topic = _topic(new) == _topic(last)
    return same_topic and later and all(_differ(new, claim) for claim in known)


def _differ(new: Row, old: Row) -> bool:
    """Whether two claims on one topic cannot both be the latest word."""
    amounts = [tuple(claim[name] for name in ("low", "mode", "high")) for claim in (new, old)]
    if any(value is not None for values in amounts for value in values):
        return amounts[0] != amounts[1] or new["unit"] != old["unit"]
    if new["object"] == old["object"]:
        return bool(new["stance"] != old["stance"])
    return new["predicate"] in SINGLE_VALUED


CHECKS = (sourced, circles, own_words, judged, clocks)
