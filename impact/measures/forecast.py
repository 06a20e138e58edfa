"""How many organisations an event may have hit in the end, from what past events came to.

All is in y = log10(1 + n) of a number n of organisations, as Student's t. A number n is read as
[n - 1/2, n + 1/2], a range as all between its ends. Where one point is needed, that is the middle
of the range of y; a floor is taken to be FLOOR below the number in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from impact.base import times, words
from impact.case.folder import Case
from impact.case.tables import Row, Tables
from impact.case.views import moment_of
from impact.measures.reach import CERTAINLY, PARTIES
from impact.numerics import Draws, populations

FLOOR = 0.35  # in log10: a floor is taken to stand at 45 % of the number in the end
WEIGHT = 2.0  # past events for which the mean of all kinds counts in that of one
EARLY = 12  # days: the first count of a past event is looked for until then
LEAST = 3  # growths from which a first count is used
ENTERED = ("opens", "used_by")  # relations over which an intruder comes to a party
POOLED, KIND, GROWN = "pooled", "kind", "kind and first count"


class Spread(NamedTuple):
    """Student's t of y: location `mean`, scale `sd`, degrees of freedom `df`."""

    mean: float
    sd: float
    df: float


class Past(NamedTuple):
    """What one past event teaches: its kind, y in the end, and y of its count at a given age."""

    kind: str
    final: float
    first: float | None


WEAK = tuple(Past("", y, None) for y in (1.0, 2.0, 3.0))  # a prior: events of 9, 99, 999 hit


class Outlook(NamedTuple):
    """What one event may become: the spread of y by method, and of the day when it settles.

    `own` are its counts of those hit, `named` how many are reported by name, `begun` its day 0 and
    `age` the days since then; it rests on `past` events, of which `alike` are of its kind.
    """

    spreads: dict[str, Spread]
    settles: Spread
    own: Sequence[Row]
    named: int
    begun: datetime
    age: int
    past: int
    alike: int


def ends(row: Row) -> tuple[float, float]:
    """The range of y in which the `low` to `high` of a row lies; a floor has no upper end.

    >>> [round(end, 3) for end in ends({"low": 9, "high": 9})], ends({"low": 9, "high": None})[1]
    ([0.978, 1.021], inf)
    """
    upper = np.inf if row["high"] is None else np.log10(1.5 + row["high"])
    return float(np.log10(max(0.5 + row["low"], 1.0))), float(upper)


def point(row: Row) -> float:
    """The y that stands for a number, a range or a floor."""
    floor = float(np.log10(1 + row["low"])) + FLOOR
    return floor if row["high"] is None else sum(ends(row)) / 2


def pooled(y: Sequence[float] | Draws) -> Spread:
    """Predictive t of one more of n values, with mean and sd unknown (Gelman et al. 2013, 3.2)."""
    n = len(y)
    return Spread(float(np.mean(y)), float(np.std(y, ddof=1) * np.sqrt(1 + 1 / n)), n - 1.0)


def of_kind(past: Sequence[Past], kind: str) -> Spread:
    """Predictive t of an event of a kind, whose mean is drawn to that of all kinds.

    Means m_k = (n_k ybar_k + WEIGHT ybar) / (n_k + WEIGHT), one sd for all kinds from the squares
    about them with N - 1 - (K - 1)/2 degrees of freedom, widened by sqrt(1 + 1/(n_k + WEIGHT)).
    """
    every = pooled([one.final for one in past])
    found = {}
    for each in {kind, *(one.kind for one in past)}:
        own = [one.final for one in past if one.kind == each]
        average = float(np.mean(own)) if own else 0.0
        found[each] = populations.normal_posterior(every.mean, WEIGHT, average, len(own))
    squares = sum((one.final - found[one.kind][0]) ** 2 for one in past)
    df = every.df - (len({one.kind for one in past}) - 1) / 2
    mean, wider = found[kind]
    return Spread(mean, float(np.sqrt(squares / df) * wider), every.df)


def grown(past: Sequence[Past], first: float | None, by_kind: Spread) -> Spread:
    """The spread by kind combined, by precision, with a first count and how such counts grew.

    Growth is y in the end less y of the count, as a normal of mean gbar and variance
    s^2 (1 + 1/n). Without a first count, or with fewer than LEAST growths: by kind alone.
    """
    growths = [one.final - one.first for one in past if one.first is not None]
    if first is None or len(growths) < LEAST:
        return by_kind
    mean, sd, df = pooled(growths)
    weights = by_kind.sd**-2, sd**-2
    centre = np.average([by_kind.mean, first + mean], weights=weights)
    return Spread(float(centre), sum(weights) ** -0.5, min(by_kind.df, df))


def forecasts(past: Sequence[Past], kind: str, first: float | None) -> dict[str, Spread]:
    """The spread of y by each method, from past events, a kind (or none) and y of a first count."""
    every = pooled([one.final for one in past])
    by_kind = of_kind(past, kind) if kind else every
    return {POOLED: every, KIND: by_kind, GROWN: grown(past, first, by_kind)}


def events(reference: Tables) -> list[Row]:
    """The incidents of reference data, each with its `hits`, the dated counts of those hit."""
    counts = reference["counts"].filter(status="hit").sort("known_on", "id")
    hits = counts.rows_by_key("incident", named=True, include_key=True)
    return [{**row, "hits": hits[row["id"]]} for row in reference["incidents"].to_dicts()]


def count_at(hits: Sequence[Row], moment: datetime) -> Row | None:
    """The last of some counts that was known at a moment; None before the first."""
    return next((row for row in reversed(hits) if row["known_on"] <= moment), None)


def past_of(settled: Iterable[Row], age: int) -> list[Past]:
    """What each event teaches of one that is `age` days old.

    Its count is the last one known at that age, or else the first one until EARLY days.
    """
    found = []
    for event in settled:
        hits, day = event["hits"], event["disclosed_on"]
        then = count_at(hits, day + timedelta(days=age))
        if then is None and hits and hits[0]["known_on"] <= day + timedelta(days=EARLY):
            then = hits[0]
        found.append(Past(event["kind"], point(event), point(then) if then else None))
    return found


def days_to_settle(settled: Iterable[Row]) -> Spread:
    """How long past events took until their number settled, as the t of log10(1 + days)."""
    days = [(event["known_on"] - event["disclosed_on"]).days for event in settled]
    return pooled(np.log10(1.0 + np.array(days)))


def settling(outlook: Outlook, u: Any) -> Draws:
    """Days from day 0 until the number settles at quantiles u, given that it has not by now."""
    settles = outlook.settles
    passed = populations.below(np.log10(1 + outlook.age), *settles)
    return populations.log_t(passed + u * (1 - passed), *settles)


def over_time(final: Draws, took: Draws, known: float, days: Draws, at: Sequence[float]) -> Draws:
    """`(quantiles, days)` of the number known on later days, at quantiles `at`.

    Until an event has settled its number stays as it is known now, then it is final. `final` are
    equally likely numbers in the end, `took` equally likely days until then.
    """
    done = took[None, :, None] <= days[:, None, None]
    return np.quantile(np.where(done, final, known).reshape(len(days), -1), at, axis=1)


def hits_in(known: Case) -> Sequence[Row]:
    """The claims of a view that count organisations hit in its event, by the day each was known."""
    claims = known["claims"].filter(status="hit", stance="asserts")
    low = pl.coalesce("low", "mode", "high")
    told = claims.select("id", "known_on", low=low, high=pl.coalesce("high", "mode"))
    return told.drop_nulls("low").sort("known_on", "id").to_dicts()


def named_in(known: Case) -> int:
    """How many organisations a view reports as hit by name; one where it reports a group alone."""
    told = CERTAINLY & pl.col("relation").is_in(ENTERED) & (pl.col("claims").list.len() > 0)
    hit = known["links"].filter(told)["target"]
    kinds = known["entities"].filter(pl.col("id").is_in(hit.implode()))["kind"]
    return int(kinds.is_in([*PARTIES, "vendor"]).sum()) or int("group" in kinds)


def of_case(known: Case, reference: Tables) -> Outlook | str:
    """What an event may become, from past events that had settled when it is seen.

    Past events that are about the case itself are left out. A text says why there is no forecast.
    """
    moment, own = moment_of(known), hits_in(known)
    begun = times.start(times.parse(known.disclosed_on)) if known.disclosed_on else moment
    if begun > moment:
        return f"the event became public on {words.date(begun).partition(',')[0]}"
    others = [event for event in events(reference) if event["case"] != known.id]
    settled = [event for event in others if event["known_on"] <= moment]
    if len(settled) < LEAST:
        return f"only {len(settled)} past events had settled by then"
    age, first = (moment - begun).days, point(own[-1]) if own else None
    spreads = forecasts(past_of(settled, age), known.event_kind, first)
    alike = sum(event["kind"] == known.event_kind for event in settled)
    counted = own, named_in(known), begun, age
    return Outlook(spreads, days_to_settle(settled), *counted, len(settled), alike)
