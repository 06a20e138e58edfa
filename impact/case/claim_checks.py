"""Checks of what is said: sources, claims and their claimants, judgements of them, duties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from operator import itemgetter

import polars as pl

from impact.base import times
from impact.base.errors import Fault
from impact.case.schema import SINGLE_VALUED
from impact.case.tables import Row, Tables, by_id, second, standing

DOUBTFUL = ("5", "6")  # credibilities that outdate nothing: improbable, cannot be judged
_topic = itemgetter("subject", "predicate", "qualifier")  # of a claim
_made = itemgetter("stated_on", "id")


def cited(tables: Tables) -> pl.DataFrame:
    """The rows known at another time than the `first` publication among their own sources."""
    published = tables["sources"].group_by("id").agg(first=pl.col("published_on").min())
    rows = [
        rows.select("file_line", "known_on", table=pl.lit(table), source="sources")
        for table, rows in tables.items()
        if table != "sources"
    ]
    named = pl.concat(rows).explode("source").join(published, left_on="source", right_on="id")
    named = named.sort("table", "file_line", "first", "source")
    earliest = named.unique(["table", "file_line"], keep="first", maintain_order=True)
    return earliest.filter(second("first") != second("known_on"))


def circles(tables: Tables) -> Iterator[Fault]:
    """Sources that derive from themselves, claims that supersede themselves, at any remove."""
    for table, column in (("sources", "derived_from"), ("claims", "supersedes")):
        rows = tables[table].drop_nulls("id")
        ahead = dict(rows.select("id", column).iter_rows())
        while circle := _circle(ahead):
            where = f"{table}.csv:{rows.filter(id=min(circle))['file_line'][-1]} {column}"
            repair = "cut the circle: name the one that came first"
            yield Fault(where, f'"{min(circle)}" leads back to itself', repair)
            ahead = {name: ids for name, ids in ahead.items() if name not in circle}


def _circle(ahead: dict[str, list[str]]) -> list[str]:
    """The names of a circle, if there is one."""
    try:
        TopologicalSorter(ahead).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def owned(tables: Tables) -> pl.DataFrame:
    """The claims that replace others, take them back or write them anew, made `by` whom."""
    claims = tables["claims"]
    made = claims.group_by("id", maintain_order=True).agg(by=pl.col("claimant").first())
    replacing = claims.with_columns(other="supersedes", column=pl.lit("supersedes"))
    again = claims.with_columns(other="id", column=pl.lit("claimant"))
    every = pl.concat([replacing.explode("other"), again], how="diagonal")
    return every.join(made, left_on="other", right_on="id")


def judged(tables: Tables) -> pl.DataFrame:
    """The judgements that stand, whether a `prior` is there, and who is `missing` beside them."""
    rows, claims = tables["judgements"], tables["claims"]
    unknown = rows.drop_nulls("claim").join(claims, left_on="claim", right_on="id", how="anti")
    newest = standing(rows.join(unknown, on="stage", how="anti"))  # those miss a reference
    priors = newest.filter(pl.col("claim").is_null()).group_by("stage")
    beside = newest.group_by("stage", "claim").agg(beside="hypothesis")
    rows = newest.join(beside, on=["stage", "claim"], nulls_equal=True, maintain_order="left")
    rows = rows.join(priors.agg(priors="hypothesis"), on="stage", how="left", maintain_order="left")
    missing = pl.col("priors").list.set_difference("beside").list.sort().list.join(", ")
    prior = pl.col("priors").list.contains(pl.col("hypothesis")).fill_null(False)
    return rows.with_columns(missing=missing.fill_null(""), prior=prior)


def surprises(tables: Tables) -> Iterator[Fault]:
    """Claims and sources of days to come, and counts of organisations that no forecast counts."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # somewhere it is
    for table, column in (("claims", "stated_on"), ("sources", "published_on")):
        for line, day in tables[table].select("file_line", column).drop_nulls().iter_rows():
            if times.start(day) > tomorrow:
                what = f"{times.as_text(day)} has not come yet"
                yield Fault(f"{table}.csv:{line} {column}", what, "write the day")
    counts = pl.col("unit").str.contains("(?i)^organi[sz]ation"), pl.col("status").is_null()
    what, repair = "is empty, so no forecast counts it", "write hit, exposed, claimed or potential"
    for line in tables["claims"].filter(*counts, stance="asserts")["file_line"]:
        yield Fault(f"claims.csv:{line} status", what, repair)


def outdated(tables: Tables) -> Iterator[Fault]:
    """Inputs that rest on a claim which a newer one outdates; a valid case may have them.

    A claim is outdated by one of the same subject, predicate and qualifier that was made later and
    gives another number, another value where only one can be true, or the contrary; or by one that
    replaces it. What the input rests on as well outdates nothing, nor does what is improbable.
    """
    claims = by_id(standing(tables["claims"]))
    on_topic: dict[object, list[Row]] = {}
    for claim in claims.values():
        replaced = [claims[name] for name in claim["supersedes"] or () if name in claims]
        for topic in {_topic(each) for each in (claim, *replaced)}:
            on_topic.setdefault(topic, []).append(claim)
    for row in standing(tables["inputs"]).iter_rows(named=True):
        rests = [claims[name] for name in row["claims"] or () if name in claims]
        for topic in dict.fromkeys(_topic(claim) for claim in rests):
            known = [claim for claim in rests if _topic(claim) == topic]
            others = [claim for claim in on_topic[topic] if claim not in known]
            last = max(known, key=_made)
            later = [new for new in others if _outdates(new, last, known)]
            if later:
                new = max(later, key=_made)
                day = times.as_text(new["stated_on"])
                what = f'"{row["id"]}" rests on "{last["id"]}", outdated by "{new["id"]}" ({day})'
                repair = "add a newer row of the input that takes it in, and name it in claims"
                yield Fault(f"inputs.csv:{row['file_line']} claims", what, repair)


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
