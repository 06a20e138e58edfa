"""Checks of what is said: sources, claims and their claimants, judgements of them, duties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

import polars as pl

from impact.base import times
from impact.base.errors import Fault
from impact.case.schema import SINGLE_VALUED
from impact.case.tables import Row, Tables, faults_of, standing

DOUBTFUL = ("5", "6")  # credibilities that outdate nothing: improbable, cannot be judged
Topic = tuple[str, str, str | None]


def source_dates(tables: Tables) -> Iterator[Fault]:
    """Rows that claim to be known earlier or later than their own sources were published."""
    published = tables["sources"].group_by("id").agg(first=pl.col("published_on").min())
    cited = [
        rows.select("file_line", "known_on", table=pl.lit(table), id="sources").explode("id")
        for table, rows in tables.items()
        if table != "sources"
    ]
    earliest = pl.concat(cited).join(published, on="id").sort("first", "id")
    earliest = earliest.unique(["table", "file_line"], keep="first", maintain_order=True)
    differs = pl.col("first").dt.truncate("1s") != pl.col("known_on").dt.truncate("1s")
    what = '{known_on} is not the earliest publication among the row\'s own sources, "{id}"'
    repair = "write {first}; nothing is known before, and a later corroboration is a row of its own"
    late = earliest.filter(differs).sort("table", "file_line")
    yield from faults_of(late, "{table}.csv:{file_line} known_on", what, repair)


def circles(tables: Tables) -> Iterator[Fault]:
    """Sources that derive from themselves, claims that supersede themselves, at any remove."""
    for table, column in (("sources", "derived_from"), ("claims", "supersedes")):
        rows = tables[table].drop_nulls("id")
        try:
            TopologicalSorter(dict(rows.select("id", column).iter_rows())).prepare()
        except CycleError as error:
            name = min(error.args[1])
            where = f"{table}.csv:{rows.filter(id=name)['file_line'][-1]} {column}"
            repair = "cut the circle: name the one that came first"
            yield Fault(where, f'"{name}" leads back to itself', repair)


def own_words(tables: Tables) -> Iterator[Fault]:
    """Claims that somebody else than their claimant replaces, takes back or writes anew."""
    claims = tables["claims"]
    made = claims.group_by("id", maintain_order=True).agg(by=pl.col("claimant").first())
    replacing = claims.with_columns(other="supersedes").explode("other")
    what = '"{other}" was made by {by}, not by {claimant}'
    repair = "only who made a claim can replace, rewrite or withdraw it; use contradicts"
    for column, rows in (("supersedes", replacing), ("claimant", claims.with_columns(other="id"))):
        joined = rows.join(made, left_on="other", right_on="id")
        wrong = joined.filter(pl.col("by") != pl.col("claimant"))
        yield from faults_of(wrong, "claims.csv:{file_line} " + column, what, repair)


def hypotheses(tables: Tables) -> Iterator[Fault]:
    """Judgements that leave a hypothesis out, or under which nothing is possible."""
    rows, claims = tables["judgements"], tables["claims"]
    unknown = rows.drop_nulls("claim").join(claims, left_on="claim", right_on="id", how="anti")
    newest = standing(rows.join(unknown, on="stage", how="anti"))  # those miss a reference
    priors = newest.filter(pl.col("claim").is_null())
    lost = newest.join(priors, on=["stage", "hypothesis"], how="anti")
    groups = newest.group_by("stage", "claim", maintain_order=True).agg(
        line=pl.col("file_line").min(), who="hypothesis", high=pl.col("high").max()
    )
    wanted = priors.group_by("stage").agg(wanted="hypothesis")
    missing = pl.col("wanted").list.set_difference("who").list.sort().list.join(", ")
    groups = groups.join(wanted, on="stage", maintain_order="left").with_columns(missing=missing)
    where, whole = "judgements.csv:{line} ", groups.filter(missing="")
    alone = groups.filter(pl.col("claim").is_null() & (pl.col("who").list.len() == 1))
    for found, place, what, repair in (
        (lost.with_columns(line="file_line"), "hypothesis", *_NO_PRIOR),
        (groups.filter(pl.col("missing") != ""), "claim", *_NOT_JUDGED),
        (whole.filter(pl.col("high") <= 0), "high", *_IMPOSSIBLE),
        (alone, "hypothesis", *_ALONE),
    ):
        yield from faults_of(found, where + place, what, repair)


_NO_PRIOR = '"{hypothesis}" has no prior for {stage}', "add a row for it without a claim"
_NOT_JUDGED = '"{claim}" is not judged for {missing}', "judge it for every hypothesis of the stage"
_IMPOSSIBLE = "is possible under no hypothesis", "write a chance above 0 for one"
_ALONE = "there is one hypothesis for {stage}", "add another, such as somebody else"


def outdated(tables: Tables) -> Iterator[Fault]:
    """Inputs that rest on a claim which a newer one outdates; a valid case may have them.

    A claim is outdated by one of the same subject, predicate and qualifier that was made later and
    gives another number, another value where only one can be true, or the contrary; or by one that
    replaces it. What the input rests on as well outdates nothing, nor does what is improbable.
    """
    claims = {row["id"]: row for row in standing(tables["claims"]).iter_rows(named=True)}
    on_topic: dict[Topic, list[Row]] = {}
    for claim in claims.values():
        replaced = [claims[name] for name in claim["supersedes"] or () if name in claims]
        for topic in {_topic(each) for each in (claim, *replaced)}:
            on_topic.setdefault(topic, []).append(claim)
    for row in standing(tables["inputs"]).iter_rows(named=True):
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


CHECKS = (source_dates, circles, own_words, hypotheses)
