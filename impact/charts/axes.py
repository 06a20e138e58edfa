"""What the charts share: data, axes of amounts, colours by name, labelled rows, round values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import altair as alt
import polars as pl

from impact.base import words
from impact.charts.canvas import SMALL, WIDTHS, width, wrap
from impact.charts.theme import DEEP, GREEN, OCHRE, RED, SOFT, Rows

Row = Mapping[str, Any]
HUES = (RED, DEEP, GREEN, OCHRE, SOFT)
_HIDDEN = alt.Axis(labels=False, ticks=False, domain=False, grid=False)


def chart(rows: pl.DataFrame | Sequence[Row]) -> alt.Chart:
    """A chart of inline data, without polars' dtypes; instants as ISO text in UTC."""
    if isinstance(rows, pl.DataFrame):
        instants = [name for name, dtype in rows.schema.items() if dtype.is_temporal()]
        rows = rows.with_columns(pl.col(instants).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_dicts()
    data: Any = Rows([dict(row) for row in rows])
    return alt.Chart(alt.InlineData(values=data))


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


def amounts(field: str, currency: str, ticks: int, **more: Any) -> alt.X:
    """An amount along x, on an axis with about `ticks` ticks and no title."""
    return alt.X(f"{field}:Q", axis=money(currency, tickCount=ticks), **more)


def colours(field: str, colour_of: Mapping[str, str]) -> alt.Color:
    """A colour for each name in a column, with a legend."""
    scale = alt.Scale(domain=list(colour_of), range=list(colour_of.values()))
    return alt.Color(f"{field}:N", scale=scale)


@dataclass(frozen=True)
class LabelledRows:
    """Rows of a picture in their order: their data, their y, their labels and the picture's size.

    The label of a row stands to its left where the picture is wide, else above it in a layer of
    its own; `offset` moves the marks of a row down, to below such a label.
    """

    data: pl.DataFrame
    y: alt.Y
    labels: list[alt.Chart]
    offset: float
    size: dict[str, Any]

    @property
    def base(self) -> alt.Chart:
        """A chart with a place for each row, for further marks."""
        return chart(self.data).encode(y=self.y)

    def bars(self, x: alt.X, end: str, **look: Any) -> Any:
        """A bar for each row, from `x` to the column and type `end`."""
        return self.base.mark_bar(yOffset=self.offset, **look).encode(x=x, x2=alt.X2(end))


def labelled_rows(
    rows: pl.DataFrame, wide: bool, height: int = 32, letters: int = 44
) -> LabelledRows:
    """Rows with a `label` as rows of a picture, `height` pixels each where it is wide."""
    lines = [wrap(text, (letters if wide else 48) * 6.6, SMALL) for text in rows["label"]]
    most = max(map(len, lines), default=1)
    label = pl.Series(["\n".join(line) for line in lines], dtype=pl.String)
    data = rows.with_columns(label=label).with_row_index("order")
    step = max(height, 15 * most + 14) if wide else 15 * most + 26
    size = {"width": WIDTHS[wide], "height": alt.Step(step)}
    if wide:
        room = max((width(line, 12) for text in lines for line in text), default=0)
        return LabelledRows(data, _labelled_y(room), [], 0, size)
    bands = alt.Scale(paddingInner=0, paddingOuter=0)
    y = alt.Y("order:O", axis=_HIDDEN, scale=bands)
    text = chart(data).mark_text(
        lineHeight=14,
        baseline="top",
        dy=3 - step / 2,
    )
    labels = [text.encode(x=alt.XValue(0), y=y, text=alt.Text("label:N"))]
    return LabelledRows(data, y, labels, 7 * most + 3, size)


def _labelled_y(room: float) -> alt.Y:
    """Labels along y in the order of their rows, each centred on its row, with that much room."""
    several = {"test": "indexof(datum.label, '\\n') > 0", "value": -7}
    axis = alt.Axis(
        labelExpr="split(datum.label, '\\n')",
        labelLineHeight=14,
        ticks=False,
        domain=False,
        labelPadding=14,
        minExtent=room + 14,
        labelOffset={"condition": several, "value": 0},
    )
    order = alt.EncodingSortField(field="order", order="ascending")
    return alt.Y("label:N", sort=order, axis=axis)


def extent(low: float, high: float, least: float) -> alt.Scale:
    """A scale from `low` to `high`: logarithmic where the `least` value is above 0."""
    kind: Any = "log" if least > 0 else "linear"
    return alt.Scale(domain=[low, high], type=kind, nice=False)


def ticks(low: float, high: float) -> dict[str, Any]:
    """The ticks of an axis: round values of a logarithmic one, else about five."""
    return {"values": decades(low, high)} if low > 0 else {"tickCount": 5}


def decades(low: float, high: float) -> list[float]:
    """Round values of a logarithmic axis: 3 to 8 of them."""
    for digits in ((1,), (1, 3), (1, 2, 5)):
        values = [d * 10.0**p for p in range(-3, 13) for d in digits if low <= d * 10.0**p <= high]
        if len(values) >= 3:
            return values[:: -(-len(values) // 8)]
    return _round_values(low, high)


def _round_values(low: float, high: float) -> list[float]:
    """Round values of an axis that spans less than a decade."""
    step = 10.0 ** floor(log10(high - low))
    step = next((step / part for part in (1, 2, 5) if (high - low) * part / step >= 3), step / 10)
    steps = range(ceil(low / step), floor(high / step) + 1)
    return [float(f"{step * n:.10g}") for n in steps]
