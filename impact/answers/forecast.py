"""What an event may become, who may be known as hit and what they lose; how such forecasts did."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, figure, pictures, worded
from impact.case import reference
from impact.case.folder import REFERENCE, Case
from impact.case.schema import TLP
from impact.case.views import moment_of
from impact.measures import forecast as outlooks
from impact.measures import scores
from impact.numerics import Draws, populations

AT = {
    "low_90": 0.05,
    "low_80": 0.1,
    "low_50": 0.25,
    "middle": 0.5,
    "high_50": 0.75,
    "high_80": 0.9,
    "high_90": 0.95,
}
LOSSES = {"loss_hit": "loss-single-party", "loss_supplier": "loss-where-it-starts"}  # row -> class
_U = np.array(list(AT.values()))
_DOTS, _MANY = ((np.arange(n) + 0.5) / n for n in (20, 199))  # the middles of equal parts of 0 to 1


def forecast(known: Case) -> Answer:
    """What an event may become, from past events and the rows known when it is seen.

    It changes no number of the case. Parties that are not known yet are in it as a count. Table:
    `id` (hit, unknown, loss_hit, loss_supplier; settled in days from day 0), `unit`, `n` (cases
    behind it), `low_90`, `low_80`, `low_50`, `middle`, `high_50`, `high_80`, `high_90`. It is not
    `there` where the event was not public by then, or too few past events had settled.
    """
    data, outlook, method = scores.shown(known)
    if isinstance(outlook, str):
        return worded(known, "forecast", pl.DataFrame(), {"refused": outlook})
    spread, counts = outlook.spreads[method], [row["low"] for row in outlook.own]
    so_far = max([outlook.named, *counts[-1:]])
    classes = data["classes"].filter(pl.col("known_on") <= moment_of(known))

    def end(u: Draws) -> Draws:
        """Quantiles of the number in the end, no less than those that are known by name."""
        return np.asarray(np.maximum(populations.log_t(u, *spread), outlook.named))

    rows = _rows(outlook, end(_U), so_far, classes)
    values = {
        "refused": "",
        "by": {row["id"]: row for row in rows},
        "day_of": lambda days: outlook.begun + timedelta(days=days),
        "outlook": outlook,
        "so_far": so_far,
        "grown": method == outlooks.GROWN,
        "classes": classes.filter(pl.col("id").is_in([*LOSSES.values()])).to_dicts(),
    }

    figures = [  # nine in ten and the middle of each row
        figure(f"{row['id']}.{part}", row[part], row["unit"])
        for row in rows
        for part in ("low_90", "middle", "high_90")
    ]

    def draw(_: Any, wide: bool) -> Any:
        at = pl.Series("at", [row["known_on"] for row in outlook.own])
        counted = pl.DataFrame([at, pl.Series("value", counts)])
        return pictures().fan(
            _bands(outlook, end(_MANY), so_far), counted, end(_DOTS).tolist(), wide
        )

    return worded(known, "forecast", pl.DataFrame(rows), values, figures, draw)


def _rows(
    outlook: outlooks.Outlook, hit: Draws, so_far: float, classes: pl.DataFrame
) -> list[dict[str, Any]]:
    """The rows of the table; losses where their class was published by then."""
    found = [("hit", "organisations", outlook.past, hit)]
    if so_far:
        found.append(("unknown", "organisations", outlook.past, np.maximum(hit - so_far, 0.0)))
    found.append(("settled", "days", outlook.past, outlooks.settling(outlook, _U)))
    for row, name in LOSSES.items():
        for n in classes.filter(id=name)["n"]:
            found.append((row, "USD", n, reference.quantile(classes, name, _U)))
    return [
        {"id": row, "unit": unit, "n": n, **dict(zip(AT, values.tolist(), strict=True))}
        for row, unit, n, values in found
    ]


def _bands(outlook: outlooks.Outlook, final: Draws, so_far: float) -> pl.DataFrame:
    """The fan: `at`, and the number known by then at each of AT, `q0` to `q6`."""
    last = float(outlooks.settling(outlook, 0.9))
    days = outlook.age + (last - outlook.age) * np.linspace(0, 1, 60) ** 2
    took = outlooks.settling(outlook, _MANY)
    fan = outlooks.over_time(final, took, so_far, days, _U.tolist())
    at = [outlook.begun + timedelta(days=day) for day in days.tolist()]
    return pl.DataFrame({"at": at, **{f"q{i}": row for i, row in enumerate(fan)}})


def score(folder: Path | None = None) -> Answer:
    """How forecasts of past events do, made from the others alone, on their day 1 and day 7.

    Scored is the number of organisations hit in the end. `folder` holds other reference data than
    the kit's. Table: see `impact.measures.scores.summed`; scores are of log10(1 + number), lower is
    better. Raises BadInput with all faults of the data, and Refusal if a row that was not known on
    its day reaches a forecast.
    """
    data = reference.load(folder or REFERENCE)
    shape, ripples = reference.distribution(data["classes"], "ripples-2021-orgs")
    rows = scores.scored(data, outlooks.Spread(**ripples) if shape == "log_t" else None)
    table = scores.summed(rows)
    shown = rows.filter(age=scores.AGES[0], mode=scores.OTHERS, method=outlooks.GROWN)
    placed = shown.sort(pl.col("pit_low") + pl.col("pit_high")).select(
        label="name",
        missed=~pl.col("in_90"),
        low=pl.col("pit_low").round(6),
        high=pl.col("pit_high").round(6),
    )
    return worded(
        None,
        "score",
        table,
        {"shown": shown.to_dicts()},
        draw=lambda _, wide: pictures().placed(placed, wide),
        label=TLP[0],
    )
