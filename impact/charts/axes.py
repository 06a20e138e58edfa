"""What the charts share: rows as data, axes of amounts, rows with labels, round values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import altair as alt
import polars as pl

from impact.base import words
from impact.charts.canvas import SMALL, wrap
from impact.charts.theme import DEEP, GREEN, OCHRE, RED, SOFT, Rows

_HIDDEN = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
Row = Mapping[str, Any]
HUES = (RED, DEEP, GREEN, OCHRE, SOFT)


def inline(rows: pl.DataFrame | Sequence[Row]) -> alt.InlineData:
    """Rows as inline data, without polars' dtypes; instants as ISO text in UTC."""
    if isinstance(rows, pl.DataFrame):
        instants = [name for name, dtype in rows.schema.items() if dtype.is_temporal()]
        rows = rows.with_columns(pl.col(instants).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_dicts()
    return alt.InlineData(values=Rows([dict(row) for row in rows]))  # type: ignore[arg-type]


_MONEY = (
    "(datum.value < 0 ? '-$' : '$') + (datum.value == 0 ? '0' :"
    " abs(datum.value) >= 1e9 ? abs(datum.value) / 1e9 + ' bn' :"
    " abs(datum.value) >= 1e6 ? abs(datum.value) / 1e6 + ' m' :"
    " abs(datum.value) >= 1e3 ? abs(datum.value) / 1e3 + 'k' : abs(datum.value))"
)


def money(currency: str, **more: Any) -> alt.Axis:
    """An axis of amounts in short: $10 m."""
    sign = words.SIGNS.get(currency, f"{currency} ")
    return alt.Axis(labelExpr=_MONEY.replace("$", sign), **more)


@dataclass(frozen=True)
class Listed:
    """Rows of a picture in their order: their axis, layers with their labels, where marks go.

    `label` stands to the left of a row where wide, else above it; `shift` moves its marks down.
    """

    rows: pl.DataFrame
    y: alt.Y
    above: list[Any]
    shift: float
    step: alt.Step


def listed(rows: pl.DataFrame, wide: bool, high: int = 32, letters: int = 44) -> Listed:
    """Rows with a `label` as rows of a picture, `high` pixels each where they are wide."""
    lines = [lines_of(text, letters if wide else 48) for text in rows["label"]]
    most = max(map(len, lines), default=1)
    label = pl.Series(["\n".join(line) for line in lines], dtype=pl.String)
    drawn = rows.with_columns(label=label).with_row_index("order")
    if wide:
        split = alt.Axis(
            labelExpr="split(datum.label, '\\n')",
            labelLineHeight=14,
            ticks=False,
            domain=False,
            labelPadding=14,
            labelOffset={
                "condition": {"test": "indexof(datum.label, '\\n') > 0", "value": -7},
                "value": 0,
            },
        )
        order = alt.EncodingSortField(field="order", order="ascending")
        y = alt.Y("label:N", sort=order, title=None, axis=split)
        return Listed(drawn, y, [], 0, alt.Step(max(high, 15 * most + 14)))
    step, bands = 15 * most + 26, alt.Scale(paddingInner=0, paddingOuter=0)
    y = alt.Y("order:O", title=None, axis=_HIDDEN, scale=bands)
    text = alt.Chart(inline(drawn)).mark_text(
        fontSize=11.5,
        lineHeight=14,
        align="left",
        baseline="top",
        lineBreak="\n",
        dy=3 - step / 2,
    )
    above = text.encode(x=alt.value(0), y=y, text="label:N")
    return Listed(drawn, y, [above], 7 * most + 3, alt.Step(step))


def lines_of(text: str, letters: int) -> list[str]:
    """Text in lines of about so many letters, as many as it needs."""
    return wrap(text, letters * 6.6, SMALL) or [""]


def decades(low: float, high: float) -> list[float]:
    """Round values of a logarithmic axis: 3 to 8 of them."""
    for digits in ((1,), (1, 3), (1, 2, 5)):
        found = [d * 10.0**p for p in range(-3, 13) for d in digits if low <= d * 10.0**p <= high]
        if len(found) >= 3:
            return found[:: -(-len(found) // 8)]
    return tidy(low, high)


def tidy(low: float, high: float) -> list[float]:
    """Round values of an axis that spans less than a decade."""
    step = 10.0 ** floor(log10(high - low))
    step = next((step / part for part in (1, 2, 5) if (high - low) * part / step >= 3), step / 10)
    steps = range(ceil(low / step), floor(high / step) + 1)
    return [float(f"{step * n:.10g}") for n in steps]
