"""How forecasts of past events would have done: each made without the event, then scored.

Scores are of y = log10(1 + n). A range or a floor is censored: nothing is lost inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import scipy

from impact.base.errors import Fault, Refusal
from impact.case.folder import REFERENCE, Case, once
from impact.case.reference import load
from impact.case.tables import Row, Tables
from impact.measures import forecast
from impact.measures.forecast import GROWN, POOLED, WEAK, Spread
from impact.numerics import Draws, populations

AGES = (1, 7)  # days after disclosure
OTHERS, EARLIER = MODES = ("all others", "those settled before")  # what a forecast learns from
LEVELS = {50: 0.5, 80: 0.8, 90: 0.9}  # as columns are called
RIPPLES = "Ripples alone"


def crps(low: float, high: float, spread: Spread) -> float:
    """CRPS of t clipped at 0 against an outcome in [low, high], in log10.

    The integral of F^2 below `low` and of (1 - F)^2 above `high` (threshold weight 0 between:
    Gneiting and Ranjan 2011), each the closed form of a t censored there (Jordan, Krueger and Lerch
    2019). With low = high it is the usual CRPS.
    """
    import scoringrules as sr

    mean, sd, df = spread
    if mean in (0.0, low, high):  # the closed forms divide by the distance from it
        mean += 1e-9 * sd
    at_0, at_low, at_high = (populations.below(y, mean, sd, df) for y in (0.0, low, high))
    below, above = low * at_low**2, 0.0  # where nothing lies between, which they divide by too
    if at_low > at_0:
        below = sr.crps_ct(low, df, mean, sd, lower=0.0, upper=low)
    if at_high < 1:
        above = sr.crps_ct(high, df, mean, sd, lower=high)
    return float(below + above)


def interval(spread: Spread, level: float) -> tuple[float, float]:
    """The central range of y at a level, not below 0."""
    half = float(scipy.special.stdtrit(spread.df, (1 + level) / 2)) * spread.sd
    return max(spread.mean - half, 0.0), max(spread.mean + half, 0.0)


def interval_score(low: float, high: float, first: float, last: float, level: float) -> float:
    """Interval score of [first, last] at a level (Gneiting and Raftery 2007), in log10.

    The outcome is the point of [low, high] that is nearest to the interval.
    """
    import scoringrules as sr

    return float(sr.interval_score(min(max(low, first), high), first, last, 1 - level))


def told(
    events: Sequence[Row], target: Row, age: int, mode: str = OTHERS
) -> tuple[dict[str, Spread], Row | None]:
    """(spreads, count known) of an event, as forecast `age` days after its disclosure.

    It is left out of what is learnt from; in the mode EARLIER so is all that settled later, and one
    weak prior stands in. Raises Refusal if a row later than that day reaches it.
    """
    day, earlier = target["disclosed_on"] + timedelta(days=age), mode == EARLIER
    past = [event for event in events if event["id"] != target["id"]]
    if earlier:
        past = [event for event in past if event["known_on"] <= day]
    first = forecast.count_at(target["hits"], day)
    read = [*(past if earlier else ()), *([first] if first else ())]
    require_known(read, day, f"{target['id']}, day {age}")
    taught = [*forecast.past_of(past, age), *(WEAK if earlier else ())]
    seen = forecast.point(first) if first else None
    return forecast.forecasts(taught, target["kind"], seen), first


def require_known(read: Iterable[Row], day: datetime, where: str) -> None:
    """Raise Refusal if a row on which a forecast rests was not known on its day."""
    for row in read:
        if row["known_on"] > day:
            what = f'"{row["id"]}" was not known on that day'
            raise Refusal(Fault(where, what, "leave it out of the forecast"))


def scored(
    reference: Tables,
    ripples: Spread | None = None,
    ages: Sequence[int] = AGES,
    modes: Sequence[str] = MODES,
) -> pl.DataFrame:
    """One row for each incident, age, mode and method.

    Columns `incident`, `name`, `kind`, `mode`, `age`, `method`, `first` (whether a count of those
    hit was known), `low`, `high` (the outcome, y), `mean`, `sd`, `df`, `crps`, `pit_low`,
    `pit_high` (the share of the forecast below either end), `is_50` and so on (interval scores),
    `in_50` and so on (whether the range meets the outcome).
    """
    rows, events = [], forecast.events(reference)
    for mode, age, event in product(modes, ages, events):
        spreads, first = told(events, event, age, mode)
        of = {"incident": event["id"], "name": event["name"], "kind": event["kind"]}
        of |= {"mode": mode, "age": age, "first": first is not None}
        for method, spread in {**spreads, **({RIPPLES: ripples} if ripples else {})}.items():
            rows.append({**of, "method": method, **_measures(*forecast.ends(event), spread)})
    return pl.DataFrame(rows)


def _measures(low: float, high: float, spread: Spread) -> dict[str, Any]:
    """The scores of one spread against one outcome."""
    found: dict[str, Any] = {"low": low, "high": high, **spread._asdict()}
    found["crps"] = crps(low, high, spread)
    found["pit_low"] = populations.below(low, *spread) if low > 0 else 0.0
    found["pit_high"] = populations.below(high, *spread)
    for name, level in LEVELS.items():
        first, last = interval(spread, level)
        found[f"is_{name}"] = interval_score(low, high, first, last, level)
        found[f"in_{name}"] = low <= last and high >= first
    return found


def summed(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each `mode`, `age` and `method`, called `id`.

    Columns `n`, mean `crps` and `is_*`, `in_*` as counts; `p_*` of the two-sided exact binomial
    test that a range holds as many as its level says; and by how much its CRPS is below that of the
    pooled past, `gain` with its 90 % interval `gain_low` to `gain_high`.
    """
    found = []
    for (mode, age, method), of in rows.group_by("mode", "age", "method", maintain_order=True):
        row = {"id": f"{mode}, day {age}, {method}", "mode": mode, "age": age, "method": method}
        row |= {"n": of.height, **of.select(pl.col("^crps|is_.*$").mean()).row(0, named=True)}
        row |= of.select(pl.col("^in_.*$").sum()).row(0, named=True)
        for name, level in LEVELS.items():
            test = scipy.stats.binomtest(row[f"in_{name}"], of.height, level)
            row[f"p_{name}"] = float(test.pvalue)
        pooled = rows.filter(mode=mode, age=age, method=POOLED)
        gained = gain((pooled["crps"] - of["crps"]).to_numpy())
        found.append({**row, **dict(zip(("gain", "gain_low", "gain_high"), gained, strict=True))})
    return pl.DataFrame(found)


def gain(gained: Draws) -> tuple[float, float, float]:
    """(mean, low, high) of gains, one an incident: 90 % bootstrap interval (Efron 1979)."""
    found = scipy.stats.bootstrap(
        (gained,), np.mean, n_resamples=10_000, confidence_level=0.9, method="percentile", rng=1
    ).confidence_interval
    return float(gained.mean()), float(found.low), float(found.high)


@once
def shown(known: Case) -> tuple[Tables, forecast.Outlook | str, str]:
    """The reference data, what an event may become by it, and the method that a page shows."""
    data = load(REFERENCE)
    return data, forecast.of_case(known, data), best(data)


def best(reference: Tables) -> str:
    """The method that a page shows: the one with the first count where it gains over the pooled."""
    table = summed(scored(reference, ages=AGES[:1], modes=MODES[:1]))
    return GROWN if table.filter(method=GROWN)["gain_low"][0] > 0 else POOLED
