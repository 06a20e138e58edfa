"""What an event may become: how many will be known as hit, by when, and what they may lose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, Facts, Figure, worded
from impact.base import words
from impact.case import reference
from impact.case.folder import REFERENCE, Case
from impact.case.views import now
from impact.measures import forecast as outlooks
from impact.measures import scores
from impact.numerics import Draws, populations

if TYPE_CHECKING:
    import altair as alt

AT = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LOSSES = {"loss_hit": "loss-single-party", "loss_supplier": "loss-where-it-starts"}  # row -> class
_DOTS = 20


def forecast(known: Case) -> Answer:
    """What an event may become, from past events and the rows known when it is seen.

    It changes no number of the case. Parties that are not known yet are in it as a count. Table:
    `id` (hit, unknown, loss_hit, loss_supplier; settled in days from day 0), `unit`, `n` (cases
    behind it), `low_90`, `low_80`, `low_50`, `middle`, `high_50`, `high_80`, `high_90`. Raises
    BadInput where the event was not public by then, or too few past events had settled.
    """
    data = reference.load(REFERENCE)
    incidents, hits = data["incidents"].to_dicts(), outlooks.hits_of(data["counts"])
    outlook = outlooks.of_case(known, incidents, hits)
    method, moment = scores.best(data), now(known)
    classes = data["classes"].filter(pl.col("known_on") <= moment)
    spread, so_far = outlook.spreads[method], outlook.own[-1]["low"] if outlook.own else 0.0
    rows = list(_rows(outlook, spread, so_far, classes))
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        dots = outlooks.quantiles(spread, (np.arange(_DOTS) + 0.5) / _DOTS)
        bands = _bands(outlook, spread, so_far, moment)
        counts = [{"at": row["known_on"], "value": row["low"]} for row in outlook.own]
        return pictures.fan(bands, counts, dots.tolist(), wide)

    values = {
        "by": {row["id"]: row for row in frame.to_dicts()},
        "kind": known.event_kind,
        "first": outlook.own[-1]["id"] if outlook.own else "",
        "so_far": so_far,
        "day_of": lambda days: outlook.begun + timedelta(days=days),
        "past": outlook.past,
        "alike": outlook.alike,
        "grown": method == outlooks.GROWN,
        "classes": [
            classes.row(by_predicate=pl.col("id") == name, named=True) for name in _used(classes)
        ],
    }
    return worded(
        known, "forecast", Facts(frame, values, list(_figures(frame, outlook.begun)), draw)
    )


_SCHEMA = {"id": pl.String, "unit": pl.String, "n": pl.Float64}
_SCHEMA |= dict.fromkeys(("low_90", "low_80", "low_50", "middle"), pl.Float64)
_SCHEMA |= dict.fromkeys(("high_50", "high_80", "high_90"), pl.Float64)


def _used(classes: pl.DataFrame) -> list[str]:
    """The classes of losses that were known."""
    return [name for name in LOSSES.values() if name in classes["id"]]


def _rows(
    outlook: outlooks.Outlook, spread: outlooks.Spread, so_far: float, classes: pl.DataFrame
) -> Iterator[tuple[Any, ...]]:
    hit = outlooks.quantiles(spread, np.array(AT))
    yield "hit", "organisations", outlook.past, *hit
    yield "unknown", "organisations", outlook.past, *np.maximum(hit - so_far, 0.0)
    yield "settled", "days", outlook.past, *_settling(outlook)
    for row, name in LOSSES.items():
        if name in classes["id"]:
            n = classes.row(by_predicate=pl.col("id") == name, named=True)["n"]
            yield row, "USD", n, *reference.quantile(classes, name, np.array(AT))


def _settling(outlook: outlooks.Outlook) -> Draws:
    """Days from day 0 until the number settles, given that it has not by now."""
    settles = outlook.settles
    below = scores.probability(float(np.log10(1 + outlook.age)), settles)
    return populations.log_t(below + np.array(AT) * (1 - below), *settles)


def _figures(frame: pl.DataFrame, begun: datetime) -> Iterator[Figure]:
    for row in frame.iter_rows(named=True):
        for name in ("low_90", "middle", "high_90"):
            value, unit = row[name], row["unit"]
            if unit == "USD":
                told = words.money(value)
            elif unit == "days":
                told = words.date(begun + timedelta(days=value)).partition(",")[0]
            else:
                told = words.number(value)
            yield Figure(f"{row['id']}.{name}", value, None, unit, told)


def _bands(
    outlook: outlooks.Outlook, spread: outlooks.Spread, so_far: float, moment: datetime
) -> pl.DataFrame:
    """The fan: `at`, and the number known by then at each of AT, `q0` to `q6`."""
    final = outlooks.quantiles(spread, (np.arange(999) + 0.5) / 999)
    last = float(_settling(outlook)[-2])
    days = outlook.age + (last - outlook.age) * np.linspace(0, 1, 60) ** 2
    fan = outlooks.over_time(final, outlook.settles, outlook.age, so_far, days, AT)
    at = [outlook.begun + timedelta(days=float(day)) for day in days]
    return pl.DataFrame({"at": at, **{f"q{i}": row for i, row in enumerate(fan)}})
