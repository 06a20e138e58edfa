"""Statements: what is claimed alike, on which origins, and how it stands against what excludes it.

A topic is a subject, a predicate and a qualifier; a statement is one value of a topic. Nothing is
merged and nothing is dropped: of a dispute both sides are kept, and what a claimant replaced or
took back is told as such.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations, groupby, product
from pathlib import Path
from typing import Any

import polars as pl

from impact.base import times, words
from impact.case.folder import Case, once
from impact.case.schema import (
    ADMIRALTY_LETTERS,
    ADMIRALTY_NUMBERS,
    SINGLE_VALUED,
)
from impact.case.ways import ROOT
from impact.measures.evidence import names, origins

Claim = dict[str, Any]
Topic = tuple[str, str, str]
ESTABLISHED, LIKELY, DISPUTED, CLAIMED, DENIED, UNKNOWN = STANDINGS = (
    "established",
    "likely",
    "disputed",
    "claimed only",
    "denied",
    "unknown",
)
UNSAID = ("is silent", "is asked")  # stances that state nothing
CLEARLY = 1.25  # weight of one side over the other from which it is called better supported
SERIOUS = 0.3  # share of a statement's weight from which what excludes it makes it disputed
CONFIRMED, PROBABLE = 0.8, 0.6  # weights of one origin: A1, A2, B1; and A3, B2, C1
_WEIGHTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
_RELIABILITY = dict(zip(ADMIRALTY_LETTERS, _WEIGHTS, strict=True))
_CREDIBILITY = dict(zip(ADMIRALTY_NUMBERS, _WEIGHTS, strict=True))
_SLUG = re.compile(r"[a-z]+(-[a-z]+)+")
_DAY = re.compile(r"\d{4}(-\d\d){0,2}")
_TOPICS = tomllib.loads(Path(__file__).with_name("topics.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Statement:
    """One value of a topic: who asserts it, who denies it, and how it stands.

    `about` is its topic and `topic` that in words, `key` what claims must share to say it and
    `value` that in words; `origins` maps each independent origin to the greatest weight that it
    lends. Against it stand `denials` of it, `objections`, which are denials of something else that
    a `contradicts` joins to it, and `rivals`, the places of the statements that exclude it.
    """

    about: Topic
    topic: str
    key: tuple[Any, ...]
    value: str
    claims: tuple[Claim, ...]
    denials: tuple[Claim, ...]
    origins: Mapping[str, float] = field(repr=False)
    objections: tuple[Claim, ...] = ()
    rivals: tuple[int, ...] = ()
    standing: str = UNKNOWN

    @property
    def name(self) -> str:
        """SUBJECT.PREDICATE[.QUALIFIER], the name of its topic."""
        return ".".join(part for part in self.about if part)

    @property
    def support(self) -> float:
        """How well its origins support it, 0 to 1; see `combined`."""
        return combined(self.origins.values())

    @property
    def against(self) -> tuple[Claim, ...]:
        """The claims against it that assert nothing themselves."""
        return (*self.denials, *self.objections)

    @property
    def first(self) -> Claim:
        """The claim that tells it best: the most credible, then the earliest."""
        return min(self.claims or self.denials, key=firmest)


def firmest(claim: Claim) -> tuple[Any, ...]:
    """The order of claims that say the same: the most credible, then the earliest."""
    return claim["credibility"], claim["known_on"], claim["id"]


@once
def _reach(known: Case) -> dict[str, dict[str, float]]:
    """Source -> independent origin -> weight: the lesser of the two reliabilities.

    What was read of an origin through a copy is no more reliable than the copy.
    """
    rows = known["sources"].select("id", "reliability").iter_rows()
    weight = {name: _RELIABILITY[letter] for name, letter in rows}
    return {
        name: {origin: min(weight[name], weight[origin]) for origin in origins(known, [name])}
        for name in weight
    }


def origin_weights(known: Case, claims: Iterable[Claim]) -> dict[str, float]:
    """Independent origin -> the greatest reliability times credibility that it lends to claims.

    A and 1 are 1.0, then 0.8 to 0.2; F and 6 are 0.
    """
    reach, best = _reach(known), dict[str, float]()
    for claim in claims:
        for source in claim["sources"]:
            for origin, weight in reach[source].items():
                lent = weight * _CREDIBILITY[claim["credibility"]]
                best[origin] = max(best.get(origin, 0.0), lent)
    return best


def combined(weights: Iterable[float]) -> float:
    """The weights of independent origins together: `1 - (1 - w) (1 - w') ...`.

    As if each were the chance that the origin is right, the chance that one of them is: many weak
    origins do not outvote a firm one.

    >>> round(combined([0.5, 0.5]), 2), combined([])
    (0.75, 0.0)
    """
    return 1.0 - math.prod(1.0 - weight for weight in weights)


def support(known: Case, claims: Iterable[Claim]) -> float:
    """How well independent origins support claims that say the same, 0 to 1."""
    return combined(origin_weights(known, claims).values())


def successors(known: Case) -> dict[str, str]:
    """Claim -> the later claim of the same claimant that supersedes it."""
    rows = known["claims"].explode("supersedes").drop_nulls("supersedes")
    rows = rows.filter(pl.col("supersedes").is_in(known["claims"]["id"].implode()))
    return dict(rows.select("supersedes", "id").sort("id").iter_rows())


def retractions(known: Case) -> list[Claim]:
    """The claims that their claimants took back by then, as the rows that say so."""
    if "claims" not in known.ended:
        return []
    there = known["entities"]["id"].implode()
    rows = known.ended["claims"].filter(
        pl.col("claimant").is_in(there) & pl.col("subject").is_in(there)
    )
    return rows.sort("known_on", "id").to_dicts()


@once
def statements_of(known: Case) -> tuple[Statement, ...]:
    """Every statement of a view, with its standing; the rule is in docs/method.md."""
    gone, groups = successors(known), dict[tuple[bool, Topic, Any], tuple[list[Claim], ...]]()
    for claim in known["claims"].iter_rows(named=True):
        about = (str(claim["subject"]), str(claim["predicate"]), claim["qualifier"] or "")
        unsaid = claim["stance"] in UNSAID
        if unsaid or claim["id"] not in gone:
            of = (unsaid, about, None if unsaid else _key(claim))
            groups.setdefault(of, ([], []))[claim["stance"] == "denies"].append(claim)
    told = {about for unsaid, about, _ in groups if not unsaid}
    found = [
        _statement(known, about, *sides)
        for (unsaid, about, _), sides in sorted(groups.items(), key=lambda group: group[0][:2])
        if not unsaid or about not in told
    ]
    return tuple(_stand(known, [*_objected(found)]))


def topic(known: Case, name: str) -> list[Statement]:
    """The statements of one topic, the best supported first; none where it is not known.

    `name` is SUBJECT.PREDICATE[.QUALIFIER], or what the ids of claims of one topic begin with, such
    as `litellm-window`.
    """
    every = statements_of(known)
    named = {one.name for one in every if one.name == name} or {
        one.name
        for one in every
        for claim in (*one.claims, *one.denials)
        if claim["id"].startswith(f"{name}-")
    }
    found = [one for one in every if {one.name} == named]
    return sorted(found, key=lambda one: (-one.support, one.first["id"]))


def _statement(known: Case, about: Topic, claims: list[Claim], denials: list[Claim]) -> Statement:
    """A statement as claimed; one that nobody makes, because it was only asked, has no value."""
    subject, predicate, qualifier = about
    example, said = (claims or denials)[0], names(known)
    if subject == ROOT and qualifier in said:  # what is said of the event for one party
        of, qualifier = said[qualifier], ""
    else:
        of = said[subject]
    told = f"{of}: {_TOPICS.get(predicate, predicate)}".replace("_", " ")
    told += f" ({said.get(qualifier, qualifier)})" if qualifier not in told.lower() else ""
    return Statement(
        about=about,
        topic=told,
        key=_key(example),
        value="" if example["stance"] in UNSAID else value_of(known, example),
        claims=tuple(claims),
        denials=tuple(denials),
        origins=origin_weights(known, claims),
    )


def _key(claim: Claim) -> tuple[Any, ...]:
    """What two claims on one topic must share to say the same."""
    if claim["object"] is None and not _numbers(claim):
        return (claim["says"],)
    return tuple(claim[part] for part in ("object", "low", "mode", "high", "unit"))


def value_of(known: Case, claim: Claim) -> str:
    """What a claim says of its subject: names for ids, a range with its unit, or its sentence."""
    said, object_ = names(known), claim["object"]
    if object_ and _DAY.fullmatch(object_):
        with suppress(ValueError):  # four digits may be a count, and no year
            return words.date(times.parse(object_))
    if object_:
        return ", ".join(
            said.get(part, part.replace("-", " ") if _SLUG.fullmatch(part) else part)
            for part in object_.split(", ")
        )
    if ends := _numbers(claim):
        more = "more than " if _ends(claim)[1] == math.inf else ""
        return f"{more}{words.number_range(min(ends), max(ends), 6)} {claim['unit'] or ''}".strip()
    return str(claim["says"]).rstrip(".")


def _stand(known: Case, found: list[Statement]) -> Iterable[Statement]:
    """The statements with what excludes each, and their standing."""
    place = {claim["id"]: at for at, one in enumerate(found) for claim in one.claims}
    pairs = [
        (at, place[other])
        for at, one in enumerate(found)
        for claim in one.claims
        for other in claim["contradicts"]
        if other in place
    ]
    for _, places in groupby(range(len(found)), key=lambda at: found[at].about):
        pairs += [pair for pair in combinations(places, 2) if _rivals(*(found[at] for at in pair))]
    rivals = [set[int]() for _ in found]
    for first, second in pairs:
        if first != second:
            rivals[first].add(second)
            rivals[second].add(first)
    objected = [support(known, one.against) for one in found]
    against = [
        max([objected[at], *(found[rival].support for rival in rivals[at])])
        for at in range(len(found))
    ]
    sure = [_confirmed(one) and against[at] < SERIOUS * one.support for at, one in enumerate(found)]
    for at, one in enumerate(found):
        denied = objected[at] > CLEARLY * one.support or any(sure[rival] for rival in rivals[at])
        standing = ESTABLISHED if sure[at] else _word(one, against[at], denied)
        yield replace(one, rivals=tuple(sorted(rivals[at])), standing=standing)


def _objected(found: list[Statement]) -> Iterable[Statement]:
    """The statements, each with the denials of others that it contradicts or that contradict it."""
    denials = [claim for one in found for claim in one.denials]
    for one in found:
        mine = {claim["id"] for claim in one.claims}
        named = {other for claim in one.claims for other in claim["contradicts"]}
        joined = (
            claim
            for claim in denials
            if (claim["id"] in named or not mine.isdisjoint(claim["contradicts"]))
            and claim not in one.denials
        )
        yield replace(one, objections=tuple(joined))


def _rivals(one: Statement, other: Statement) -> bool:
    """Whether two statements on a topic that takes one value cannot both be true."""
    single = one.first["predicate"] in SINGLE_VALUED
    return single and any(_exclude(a, b) for a, b in product(one.claims, other.claims))


def _exclude(one: Claim, other: Claim) -> bool:
    """Whether two values of a topic that takes one cannot both be true, for an overlapping time."""
    for first, last in ((one, other), (other, one)):
        ended, began = first["valid_to"], last["valid_from"]
        if ended and began and ended < times.start(began):
            return False
    first, second = one["object"], other["object"]
    if first and second:  # a coarser date does not contradict a finer one
        dated = _DAY.fullmatch(first) and _DAY.fullmatch(second)
        return not (dated and (first.startswith(second) or second.startswith(first)))
    if first or second:
        return True
    (low, high), (least, most) = _ends(one), _ends(other)
    return one["unit"] != other["unit"] or high < least or most < low


def _numbers(claim: Claim) -> list[float]:
    """The numbers that a claim gives, of low, mode and high."""
    return [claim[part] for part in ("low", "mode", "high") if claim[part] is not None]


def _ends(claim: Claim) -> tuple[float, float]:
    """The range of a number that is said; without an upper end `more than` is open."""
    given, more = _numbers(claim), claim["low"] is not None and claim["high"] is None
    return min(given, default=-math.inf), math.inf if more else max(given, default=math.inf)


def _confirmed(one: Statement) -> bool:
    """Whether a statement has one origin that confirms it, or two that make it probable."""
    weights = sorted(one.origins.values(), reverse=True)
    alone, together = weights[:1] >= [CONFIRMED], weights[1:2] >= [PROBABLE]
    return bool(one.value and one.claims) and (alone or together)


def _word(one: Statement, against: float, denied: bool) -> str:
    """The standing of a statement that is not established."""
    if not one.value:
        return UNKNOWN
    if denied or not one.claims:
        return DENIED
    if against and against >= SERIOUS * one.support:
        return DISPUTED
    return LIKELY if max(one.origins.values(), default=0.0) >= PROBABLE else CLAIMED


def disputes(known: Case) -> list[tuple[str, list[Claim], list[Claim]]]:
    """(topic, better supported side, other side) of statements that cannot all be true.

    Found from equal subject, predicate and qualifier where a predicate takes one value, from what
    one asserts and another denies, and from `contradicts`. Of several values of a topic each is
    set beside the best; a claim that its claimant replaced takes no part.
    """
    every = statements_of(known)
    rank = [(-one.support, one.first["id"]) for one in every]
    found: list[tuple[str, list[Claim], list[Claim]]] = []
    for at, one in enumerate(every):
        if one.claims and one.against:
            sides = sorted((one.claims, one.against), key=lambda side: -support(known, side))
            found.append((one.topic, list(sides[0]), list(sides[1])))
        better = sorted((n for n in one.rivals if rank[n] < rank[at]), key=rank.__getitem__)
        alike = [n for n in better if every[n].about == one.about]
        for n in [*alike[:1], *(n for n in better if n not in alike)]:
            found.append((every[n].topic, list(every[n].claims), list(one.claims)))
    return found


def moved_standings(one: Case, other: Case) -> list[tuple[str, Statement, str, str]]:
    """(topic, the statement as it stands later, standing before, standing after) where it moved.

    A statement that nobody made before is new and has not moved.
    """
    before = {(s.about, s.key): s.standing for s in statements_of(one)}
    later = ((before.get((s.about, s.key), s.standing), s) for s in statements_of(other))
    return [(s.name, s, was, s.standing) for was, s in later if was != s.standing]
