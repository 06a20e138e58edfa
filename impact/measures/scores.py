"""How forecasts of past events would have done: each made without the event, then scored.

Scores are of y = log10(1 + n). A range or a floor is censored: nothing is lost inside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import scipy

from impact.base.errors import Fault, Refusal
from impact.case.tables import Row, Tables
from impact.measures.forecast import (
    GROWN,
    NONE,
    POOLED,
    WEAK,
    Spread,
    count_at,
    ends,
    forecasts,
    hits_of,
    past_events,
    point,
)
from impact.numerics import Draws

AGES = (1, 7)  # days after disclosure
OTHERS, EARLIER = MODES = ("all others", "those settled before")  # what a forecast learns from
LEVELS = (0.5, 0.8, 0.9)
RIPPLES = "Ripples alone"
_RESAMPLES, _SEED = 10_000, 1


def crps(low: float, high: float, spread: Spread) -> float:
    """CRPS of t clipped at 0 against an outcome in [low, high], in log10.

    The integral of F^2 below `low` and of (1 - F)^2 above `high` (threshold weight 0 between:
    Gneiting and Ranjan 2011), each the closed form of a t censored there (Jordan, Krueger and Lerch
    2019). With low = high it is the usual CRPS.
    """
    import scoringrules as sr

    df, mean, sd = spread.df, spread.mean, spread.sd
    at_0, at_low, at_high = (probability(y, spread) for y in (0.0, low, high))
    below, above = (
        low * at_low**2,
        0.0,
    )  # where nothing lies between, which the closed forms divide by
    if at_low > at_0:
        below = sr.crps_ct(low, df, mean, sd, lower=0.0, upper=low)
    if at_high < 1:
        above = sr.crps_ct(high, df, mean, sd, lower=high)
    return float(below + above)


def interval_score(low: float, high: float, first: float, last: float, level: float) -> float:
    """Interval score of [first, last] at a level (Gneiting and Raftery 2007), in log10.

    The outcome is the point of [low, high] that is nearest to the interval.
    """
    import scoringrules as sr

    nearest = min(max(low, first), high)
    return float(sr.interval_score(nearest, first, last, 1 - level))


def interval(spread: Spread, level: float) -> tuple[float, float]:
    """The central range of y at a level, not below 0."""
    half = scipy.special.stdtrit(spread.df, (1 + level) / 2) * spread.sd
    return max(float(spread.mean - half), 0.0), max(float(spread.mean + half), 0.0)


def probability(y: float, spread: Spread) -> float:
    """The share of a spread at or below y."""
    return float(scipy.special.stdtr(spread.df, (y - spread.mean) / spread.sd))


class Told(NamedTuple):
    """A forecast of one incident: the spread by each method, and the dated rows it rests on."""

    spreads: dict[str, Spread]
    first: Row | None
    read: list[Row]


def told(
    incidents: Sequence[Row],
    hits: Mapping[str, Sequence[Row]],
    target: Row,
    age: int,
    mode: str = OTHERS,
) -> Told:
    """What would have been forecast of one of the incidents `age` days after its disclosure.

    It is left out of what is learnt from; in the mode EARLIER so is all that settled later, and one
    weak prior stands in. Raises Refusal if a row later than that day reaches it.
    """
    day, earlier = target["disclosed_on"] + timedelta(days=age), mode == EARLIER
    others = [row for row in incidents if row["id"] != target["id"]]
    past = past_events(others, hits, age, day if earlier else None)
    first = count_at(hits.get(target["id"], ()), day)
    read = [row for row in others if earlier and row["id"] in past] + ([first] if first else [])
    for row in read:
        if row["known_on"] > day:
            what = f'"{row["id"]}" was not known on that day'
            where = f"{target['id']}, day {age}"
            raise Refusal(Fault(where, what, "leave it out of the forecast"))
    seen = point(first["low"], first["high"]) if first else None
    spreads = forecasts(list(past.values()), target["kind"], seen, WEAK if earlier else NONE)
    return Told(spreads, first, read)


def scored(
    reference: Tables,
    ripples: Spread | None = None,
    ages: Sequence[int] = AGES,
    modes: Sequence[str] = MODES,
) -> pl.DataFrame:
    """One row for each incident, age, mode and method.

    Columns `incident`, `name`, `kind`, `age`, `mode`, `method`, `first` (whether a count of those
    hit was known), `low`, `high` (the outcome, y), `mean`, `sd`, `df`, `crps`, `pit_low`,
    `pit_high` (the share of the forecast below either end), `is_50%` and so on (interval scores),
    `in_50%` and so on (whether the range meets the outcome).
    """
    rows, incidents = [], reference["incidents"].to_dicts()
    hits = hits_of(reference["counts"])
    for incident, age, mode in product(incidents, ages, modes):
        found = told(incidents, hits, incident, age, mode)
        spreads = {**found.spreads, **({RIPPLES: ripples} if ripples else {})}
        low, high = ends(incident["low"], incident["high"])
        of = {key: incident[key] for key in ("name", "kind")}
        of |= {"incident": incident["id"], "age": age, "mode": mode, "first": bool(found.first)}
        for method, spread in spreads.items():
            rows.append({**of, "method": method, "low": low, "high": high})
            rows[-1] |= _measures(low, high, spread)
    return pl.DataFrame(rows)


def _measures(low: float, high: float, spread: Spread) -> dict[str, Any]:
    """The scores of one spread against one outcome."""
    found: dict[str, Any] = {**spread._asdict(), "crps": crps(low, high, spread)}
    found["pit_low"] = probability(low, spread) if low > 0 else 0.0
    found["pit_high"] = probability(high, spread) if high < np.inf else 1.0
    for level in LEVELS:
        first, last = interval(spread, level)
        found[f"is_{level:.0%}"] = interval_score(low, high, first, last, level)
        found[f"in_{level:.0%}"] = bool(low <= last and high >= first)
    return found


def summed(rows: pl.DataFrame) -> pl.DataFrame:
    """By `mode`, `age` and `method`: `n`, mean `crps` and `is_*`, `in_*` as counts, `p_*`.

    `p_*` are two-sided exact binomial tests that a range holds as many as its level says.
    """
    scores = pl.col("crps", *(f"is_{level:.0%}" for level in LEVELS)).mean()
    inside = pl.col(*(f"in_{level:.0%}" for level in LEVELS)).sum()
    ordered = rows.sort("mode", "age", maintain_order=True)
    grouped = ordered.group_by("mode", "age", "method", maintain_order=True)
    found = grouped.agg(pl.len().alias("n"), scores, inside)
    tests = {
        f"p_{level:.0%}": [
            float(scipy.stats.binomtest(k, n, level).pvalue)
            for k, n in found.select(f"in_{level:.0%}", "n").iter_rows()
        ]
        for level in LEVELS
    }
    return found.with_columns(pl.Series(name, values) for name, values in tests.items())


class Gain(NamedTuple):
    """Mean CRPS of the baseline less that of a forecast, with its 90 % bootstrap interval."""

    mean: float
    low: float
    high: float


def gain(rows: pl.DataFrame, age: int, mode: str = OTHERS, method: str = GROWN) -> Gain:
    """What a method gains over the pooled baseline, resampled over incidents (Efron 1979)."""
    of = rows.filter(age=age, mode=mode).sort("incident")
    base, own = (of.filter(method=each)["crps"].to_numpy() for each in (POOLED, method))
    return _bootstrapped(base - own)


def _bootstrapped(differences: Draws) -> Gain:
    picks = np.random.default_rng(_SEED).integers(
        0, len(differences), (_RESAMPLES, len(differences))
    )
    low, high = np.quantile(differences[picks].mean(axis=1), [0.05, 0.95])
    return Gain(float(differences.mean()), float(low), float(high))


def best(reference: Tables) -> str:
    """The method that a page shows: the one with the first count where it gains over the pooled."""
    rows = scored(reference, ages=AGES[:1], modes=MODES[:1])
    return GROWN if gain(rows, AGES[0]).low > 0 else POOLED
