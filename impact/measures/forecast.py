"""How many organisations an event may have hit in the end, from what past events came to.

All is in y = log10(1 + n) of a number n of organisations, as Student's t: location, scale and
degrees of freedom. A number n is read as [n - 1/2, n + 1/2], a range as all between its ends. Where
one point is needed, that is the middle of the range of y; a floor is taken to be FLOOR below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from impact.base import times, words
from impact.base.errors import bad
from impact.case.folder import Case
from impact.case.tables import Row
from impact.case.views import now
from impact.numerics import Draws, populations

FLOOR = 0.35  # in log10: a floor is taken to stand at 45 % of the number in the end
WEIGHT = 2.0  # past events for which the mean of all kinds counts in that of one
EARLY = 12  # days: the first count of a past event is looked for until then
LEAST = 3  # growths from which a first count is used
POOLED, KIND, GROWN = METHODS = ("pooled", "kind", "kind and first count")


class Spread(NamedTuple):
    """Student's t of y: location `mean`, scale `sd`, degrees of freedom `df`."""

    mean: float
    sd: float
    df: float


class Prior(NamedTuple):
    """A normal-inverse-gamma prior of y: for how many values its mean and its sd count."""

    mean: float = 0.0
    weight: float = 0.0
    sd: float = 0.0
    df: float = -1.0


NONE = Prior()
WEAK = Prior(mean=2.0, weight=1.0, sd=1.0, df=2.0)  # 100 organisations, give or take a factor of 10


class Outlook(NamedTuple):
    """What one event may become: the spread of y by method, and of the day when it settles.

    `own` are its counts of those hit, `begun` its day 0 and `age` the days since then; it rests on
    `past` events, of which `alike` are of its kind.
    """

    spreads: dict[str, Spread]
    settles: Spread
    own: Sequence[Row]
    begun: datetime
    age: float
    past: int
    alike: int


class Past(NamedTuple):
    """What one past event teaches: its kind, y in the end, and y of its count at a given age."""

    kind: str
    final: float
    first: float | None


def ends(low: float, high: float | None) -> tuple[float, float]:
    """The range of y in which a number or a range of numbers lies; a floor has no upper end.

    >>> [round(end, 3) for end in ends(9, 9)], ends(9, None)[1]
    ([0.978, 1.021], inf)
    """
    upper = np.inf if high is None else np.log10(1.5 + high)
    return float(np.log10(max(0.5 + low, 1.0))), float(upper)


def point(low: float, high: float | None) -> float:
    """The y that stands for a number, a range or a floor."""
    first, last = ends(low, high)
    return float(np.log10(1 + low) + FLOOR) if high is None else (first + last) / 2


def pooled(finals: Sequence[float] | Draws, prior: Prior = NONE) -> Spread:
    """Predictive t of one more value: normal with unknown mean and sd (Gelman et al. 2013, 3.3)."""
    y, weight = np.asarray(finals, dtype=float), prior.weight + len(finals)
    mean = (prior.weight * prior.mean + y.sum()) / weight
    squares = ((y - mean) ** 2).sum() + prior.weight * (prior.mean - mean) ** 2
    squares += max(prior.df, 0.0) * prior.sd**2
    df = prior.df + len(y)
    return Spread(float(mean), float(np.sqrt(squares / df * (1 + 1 / weight))), float(df))


def of_kind(past: Sequence[Past], kind: str, prior: Prior = NONE) -> Spread:
    """Predictive t of an event of a kind, whose mean is drawn to that of all kinds.

    Means m_k = (n_k ybar_k + WEIGHT ybar) / (n_k + WEIGHT), one sd for all kinds from the squares
    about them with N - 1 - (K - 1)/2 degrees of freedom, widened by sqrt(1 + 1/(n_k + WEIGHT)).
    """
    every = pooled([one.final for one in past], prior)
    kinds = {one.kind for one in past}
    of = {each: [one.final for one in past if one.kind == each] for each in {*kinds, kind}}
    means = {
        each: populations.normal_posterior(
            every.mean, WEIGHT, float(np.mean(values)) if values else 0.0, len(values)
        )
        for each, values in of.items()
    }
    squares = sum((one.final - means[one.kind][0]) ** 2 for one in past)
    squares += max(prior.df, 0.0) * prior.sd**2
    df = prior.df + len(past) - (len(kinds) - 1) / 2
    mean, _, wider = means[kind]
    return Spread(mean, float(np.sqrt(squares / df) * wider), every.df)


def grown(past: Sequence[Past], first: float | None, by_kind: Spread) -> Spread:
    """The spread by kind combined, by precision, with a first count and how such counts grew.

    Growth is y in the end less y of the count, as a normal of mean gbar and variance
    s^2 (1 + 1/n). Without a first count, or with fewer than LEAST growths: by kind alone.
    """
    growths = np.array([one.final - one.first for one in past if one.first is not None])
    if first is None or len(growths) < LEAST:
        return by_kind
    variance = float(growths.var(ddof=1)) * (1 + 1 / len(growths))
    parts = ((by_kind.mean, by_kind.sd**2), (first + float(growths.mean()), variance))
    precision = sum(1 / spread for _, spread in parts)
    mean = sum(centre / spread for centre, spread in parts) / precision
    return Spread(mean, precision**-0.5, min(by_kind.df, len(growths) - 1.0))


def forecasts(
    past: Sequence[Past], kind: str, first: float | None, prior: Prior = NONE
) -> dict[str, Spread]:
    """The spread of y by each of METHODS, from past events, a kind and y of a first count."""
    every = pooled([one.final for one in past], prior)
    by_kind = of_kind(past, kind, prior) if kind else every
    return {POOLED: every, KIND: by_kind, GROWN: grown(past, first, by_kind)}


def hits_of(counts: pl.DataFrame) -> dict[str, list[Row]]:
    """The counts of those hit by incident, by the day on which each was known."""
    found: dict[str, list[Row]] = {}
    for row in counts.filter(status="hit").sort("known_on", "id").iter_rows(named=True):
        found.setdefault(row["incident"], []).append(row)
    return found


def count_at(hits: Sequence[Row], moment: datetime) -> Row | None:
    """The last of some counts that was known at a moment; None before the first."""
    return next((row for row in reversed(hits) if row["known_on"] <= moment), None)


def past_events(
    incidents: Iterable[Row], hits: Mapping[str, Sequence[Row]], age: int, before: datetime | None
) -> dict[str, Past]:
    """What each past event teaches of one that is `age` days old; only those settled `before`.

    Its count is the last one known at that age, or else the first one until EARLY days.
    """
    found = {}
    for row in incidents:
        if before is not None and row["known_on"] > before:
            continue
        counts, day = hits.get(row["id"], ()), row["disclosed_on"]
        then = count_at(counts, day + timedelta(days=age))
        if then is None and counts and counts[0]["known_on"] <= day + timedelta(days=EARLY):
            then = counts[0]
        first = None if then is None else point(then["low"], then["high"])
        found[row["id"]] = Past(row["kind"], point(row["low"], row["high"]), first)
    return found


def quantiles(spread: Spread, u: Any) -> Draws:
    """Numbers of organisations at quantiles u, not below 0."""
    return populations.log_t(u, *spread)


def days_to_settle(incidents: Iterable[Row], before: datetime | None = None) -> Spread:
    """How long past events took until their number settled, as the t of log10(1 + days)."""
    settled = [row for row in incidents if before is None or row["known_on"] <= before]
    days = [(row["known_on"] - row["disclosed_on"]).days for row in settled]
    return pooled(np.log10(1.0 + np.array(days)))


def over_time(
    final: Draws, settles: Spread, age: float, known: float, days: Draws, at: Sequence[float]
) -> Draws:
    """`(quantiles, days)` of the number known on later days, at quantiles `at`.

    Until an event has settled its number stays as it is known now, then it is final: a mixture
    with weight P(T <= t | T > age). `final` are equally likely numbers in the end.
    """
    grid = (np.arange(999) + 0.5) / 999
    took = populations.log_t(grid, *settles)
    later = took[took > age]
    done = np.array([np.mean(later <= day) if later.size else 1.0 for day in days])
    values = np.sort(np.append(final, known))
    here = int(np.searchsorted(values, known))
    weights = np.tile(done / final.size, (values.size, 1))
    weights[here] = 1 - done
    cumulative = weights.cumsum(axis=0)
    places = [[min(np.searchsorted(c, q), values.size - 1) for c in cumulative.T] for q in at]
    known_by: Draws = values[np.array(places)]
    return known_by


def hits_in(known: Case) -> Sequence[Row]:
    """The claims of a view that count organisations hit in its event, by the day each was known."""
    claims = known["claims"].filter(pl.col("status") == "hit", pl.col("stance") == "asserts")
    low = pl.coalesce("low", "mode", "high")
    told = claims.select("id", "known_on", low=low, high=pl.coalesce("high", "mode"))
    return told.drop_nulls("low").sort("known_on", "id").to_dicts()


def of_case(known: Case, incidents: Iterable[Row], hits: Mapping[str, Sequence[Row]]) -> Outlook:
    """What an event may become, from past events that had settled when it is seen.

    Past events that are about the case itself are left out.
    """
    moment, own = now(known), hits_in(known)
    begun = times.start(times.parse(known.disclosed_on)) if known.disclosed_on else moment
    if begun > moment:
        what = f"the event became public on {words.date(begun)}"
        raise bad("as_of", what, "take that day or a later one")
    age, others = (moment - begun).days, [row for row in incidents if row["case"] != known.id]
    past = past_events(others, hits, age, moment)
    settled = [row for row in others if row["id"] in past]
    if len(past) < LEAST:
        raise bad("as_of", f"only {len(past)} past events had settled by then", "take a later day")
    first = point(own[-1]["low"], own[-1]["high"]) if own else None
    spreads = forecasts(list(past.values()), known.event_kind, first)
    alike = sum(one.kind == known.event_kind for one in past.values())
    return Outlook(spreads, days_to_settle(settled), own, begun, float(age), len(past), alike)
