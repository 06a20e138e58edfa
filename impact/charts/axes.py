"""What the charts share: data, axes of amounts, colours by name, labelled rows, stacked dots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import floor
from typing import Any, NamedTuple

import altair as alt
import polars as pl

from impact.base import words
from impact.charts.theme import DEEP, ROOMS, SMALL, Rows, Vega, width, wrap

Row = Mapping[str, Any]


# A text beside its place: to its right, or to its left where the row is `late`.
BESIDE: Vega = {
    "align": {"expr": "datum.late ? 'right' : 'left'"},
    "dx": {"expr": "datum.late ? -8 : 8"},
}


def chart(rows: pl.DataFrame | Sequence[Row]) -> alt.Chart:
    """A chart of inline data; instants as ISO text in UTC."""
    every = rows.iter_rows(named=True) if isinstance(rows, pl.DataFrame) else rows
    values = Rows()
    values.rows = [{name: _plain(cell) for name, cell in row.items()} for row in every]
    return alt.Chart(alt.InlineData(values=values))


def _plain(cell: Any) -> Any:
    return f"{cell:%Y-%m-%dT%H:%M:%SZ}" if isinstance(cell, datetime) else cell


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


def layered(*charts: alt.Chart, **size: Any) -> Vega:
    """Charts over one another, with their size."""
    return {"layer": [*charts], **size}


def texts(base: alt.Chart, field: str, **look: Any) -> Any:
    """What a column holds, as a text for each row."""
    return base.mark_text(**look).encode(text=f"{field}:N")


def colours(field: str, colour_of: Mapping[str, str]) -> alt.Color:
    """A colour for each name in a column, with a legend."""
    scale = alt.Scale(domain=list(colour_of), range=list(colour_of.values()))
    return alt.Color(f"{field}:N", scale=scale)


class LabelledRows(NamedTuple):
    """Rows of a picture in their order: a chart with a place for each, their labels and its size.

    The label of a row stands to its left where the picture is wide, else above it; `offset` moves
    the marks of a row down, to below such a label, and `ends` are where they begin and end.
    """

    base: alt.Chart
    labels: alt.Chart
    offset: float
    ends: list[float]
    size: Vega

    def x(self, field: str, axis: alt.Axis | None, **scale: Any) -> alt.X:
        """A column and its type along x."""
        return alt.X(field, axis=axis, scale=alt.Scale(range=self.ends, **scale))

    def bars(self, x: alt.X, end: str, **look: Any) -> Any:
        """A bar for each row, from `x` to the column and type `end`."""
        return self.base.mark_bar(yOffset=self.offset, **look).encode(x, x2=end)


ORDER = alt.Y("order:O", axis=None, scale=alt.Scale(type="band", padding=0))


def labelled_rows(
    rows: pl.DataFrame, wide: bool, height: int = 32, room: float = 290, below: int = 0
) -> LabelledRows:
    """Rows with a `label` no wider than `room`, where it is wide `height` pixels each or more.

    Else there are `below` pixels more under each row. The label of a row that is `head` is bold.
    """
    lines = [wrap(text, room if wide else max(room, 317), SMALL) for text in rows["label"]]
    most = max(map(len, lines), default=1)
    step = max(height, 15 * most + 14) if wide else 15 * most + 26 + below
    longest = max((width(line, SMALL) for several in lines for line in several), default=0)
    label = pl.Series(lines, dtype=pl.List(pl.String))
    base = chart(rows.with_columns(label=label, order=pl.int_range(pl.len()))).encode(ORDER)
    beside: Vega = {"dy": {"expr": "-7 * (datum.label.length - 1)"}}
    above: Vega = {"dy": 3 - step / 2, "baseline": "top"}
    bold = {"expr": "datum.head ? 'bold' : 'normal'"}
    look = beside if wide else above
    return LabelledRows(
        base,
        texts(base, "label", x=0, lineHeight=14, fontWeight=bold, **look),
        0 if wide else 7 * most + 3 - below / 2,
        [(longest + 14) * wide, ROOMS[wide] - 12],
        {"width": ROOMS[wide], "height": alt.Step(step)},
    )


def intervals(
    rows: pl.DataFrame, wide: bool, axis: alt.Axis
) -> tuple[LabelledRows, alt.Chart, alt.Chart]:
    """(rows, bars, texts): bars along time, and what is `said` of each, beside its end or above.

    `rows`: `label`, `starts`, `ends`, `thick` (pixels), `said`.
    """
    first, end = pl.col("starts").min(), pl.col("ends")
    late = end - first > 0.6 * (end.max() - first)
    of = labelled_rows(rows.with_columns(late=late), wide, 36)
    x, to = (of.x(f"{name}:T", axis, type="utc") for name in ("starts", "ends"))
    bars = of.bars(x, "ends:T", color=DEEP).encode(alt.Size("thick:Q", scale=None))
    down = {"expr": f"{of.offset} - (datum.late ? 12 : 0)"}
    return of, bars, texts(of.base, "said", dy=down, **BESIDE).encode(to)


def stacked(places: Iterable[float]) -> list[tuple[float, int]]:
    """(middle, number) of the dot of each place, where equal whole places stand on one another."""
    levels, found = Counter[int](), []
    for place in map(floor, places):
        levels[place] += 1
        found.append((place + 0.5, levels[place]))
    return found


def spread(low: float, high: float, axis: Callable[..., alt.Axis], padding: int = 0) -> Vega:
    """Scale and axis from `low` to `high`, and some pixels more: logarithmic where above 0."""
    kind: Any = "log" if low > 0 else "linear"
    scale = alt.Scale(domain=[low, high], type=kind, nice=False, padding=padding)
    return {"scale": scale, "axis": axis(**ticks(low, high))}


def ticks(low: float, high: float) -> Vega:
    """The ticks of an axis: round values of a logarithmic one, else about five."""
    values = decades(low, high) if low > 0 else []
    return {"values": values} if len(values) > 2 else {"tickCount": 5}


def decades(low: float, high: float) -> list[float]:
    """Round values of a logarithmic axis: 3 to 8 of them, or fewer within less than a decade."""
    values: list[float] = []
    for digits in ((1,), (1, 3), (1, 2, 5)):
        if len(values) < 3:
            powers = (digit * 10.0**power for power in range(-3, 13) for digit in digits)
            values = [value for value in powers if low <= value <= high]
    return values[:: -(-len(values) // 8) or 1]
