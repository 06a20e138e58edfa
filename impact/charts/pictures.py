"""One function a chart: what is drawn and whether wide in, a chart out; no more is embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import exp, log

import altair as alt
import numpy as np
import polars as pl

from impact.base import words
from impact.charts.axes import (
    BESIDE,
    Row,
    chart,
    colours,
    decades,
    intervals,
    labelled_rows,
    layered,
    money,
    spread,
    stacked,
    texts,
    ticks,
)
from impact.charts.theme import (
    DEEP,
    GREEN,
    HALO,
    HUES,
    INK,
    OCHRE,
    PALE,
    PAPER,
    RED,
    ROOMS,
    SMALL,
    SOFT,
    WIDTHS,
    Vega,
    width,
    wrap,
)

_HIGH, _PADDING = 250, 16  # pixels of the plane of `flips`, and those free above and below


def flips(one: Row, wide: bool) -> Vega:
    """The mean cost of each option over the value on which it turns; the cheapest is thick.

    `one`: `zones` of (title, low, high), `marks` of (value, cost, text), `lines` of (title,
    points), `axis` (title of x), `money` and `chance` (whether x is one), `currency`.
    """
    lines, zones, axis = dict(one["lines"]), one["zones"], partial(money, one["currency"])
    points = [{"option": title, "x": x, "y": y} for title, line in lines.items() for x, y in line]
    best = [
        {"option": title, "x": x, "y": y, "zone": place}
        for place, (title, low, high) in enumerate(zones)
        for x, y in lines.get(title, ())
        if low <= x <= high
    ]
    xs, ys = ([row[end] for row in points] for end in "xy")
    of_x = axis if one["money"] else partial(alt.Axis, format="~%" if one["chance"] else "~s")
    title = wrap(one["axis"], ROOMS[wide] - 80, 12)
    x = alt.X("x:Q", title=title, **spread(min(xs), max(xs), of_x))
    y = alt.Y("y:Q", **spread(min(ys), max(ys), axis, _PADDING))
    hues = dict(zip((title for title, *_ in zones), HUES, strict=False))
    hue = colours("option", {title: hues.get(title, SOFT) for title in lines}).legend(None)
    as_drawn = np.log if min(xs) > 0 else np.asarray

    def pixels(value: float) -> float:
        ends = as_drawn([min(xs), max(xs)])
        return float(np.interp(as_drawn(value), ends, [0, ROOMS[wide] - 60]))

    plane = x, y, hue
    thin = chart(points).mark_line(strokeWidth=1.6).encode(*plane)
    thick = chart(best).mark_line(strokeWidth=4.5, strokeCap="round")
    others = [(title, *line[-12]) for title, line in lines.items() if title not in hues]
    names = texts(
        chart(_apart(others, ys)), "option", align="right", dx=-4, dy=-8, fontWeight="bold"
    )
    return layered(
        *_zones(x, hue, pixels, zones),
        thin,
        thick.encode(*plane, alt.Detail("zone:N")),
        names.encode(*plane),
        *_thresholds(x, y, pixels, one["marks"], wide),
        width=WIDTHS[wide],
        height=_HIGH,
    )


def _apart(ends: Iterable[tuple[str, float, float]], ys: Sequence[float]) -> list[Row]:
    """Names at the ends of lines (title, x, y); those that would meet stand below their lines."""
    gap = (max(ys) / min(ys)) ** (18 / (_HIGH - 2 * _PADDING)) if min(ys) > 0 else 1.0
    meeting = list[list[Row]]()
    for title, x, y in sorted(ends, key=lambda end: -end[2]):
        row = {"option": title, "x": x, "y": y}
        if meeting and meeting[-1][-1]["y"] < y * gap:
            meeting[-1].append(row)
        else:
            meeting.append([row])
    return [
        row if len(several) == 1 else {**row, "y": several[-1]["y"] / gap**place}
        for several in meeting
        for place, row in enumerate(several, 1)
    ]


Zones = Sequence[tuple[str, float, float]]
Pixels = Callable[[float], float]


def _zones(x: alt.X, hue: alt.Color, pixels: Pixels, zones: Zones) -> list[alt.Chart]:
    """Where each option is the cheapest: a shade, a head above it, and in that its name."""
    spans: list[Row] = [
        {
            "option": title,
            "x": low,
            "high": high,
            "middle": (low * high) ** 0.5 if low > 0 else (low + high) / 2,
            "lines": wrap(title, max(pixels(high) - pixels(low), 40) - 8, SMALL, bold=True),
        }
        for title, low, high in zones
    ]
    tall = 19 + 15 * max(len(span["lines"]) for span in spans)
    base = chart(spans).encode(x, hue, x2="high:Q")
    names = texts(
        chart(spans),
        "lines",
        y=-tall / 2 - 2,
        color=PAPER,
        align="center",
        fontWeight="bold",
        lineHeight=15,
        dy={"expr": "-7.5 * (datum.lines.length - 1)"},
    )
    return [
        base.mark_rect(opacity=0.07, y=0, y2=_HIGH),
        base.mark_rect(y=-tall, y2=-4),
        names.encode(x="middle:Q"),
    ]


def _thresholds(
    x: alt.X, y: alt.Y, pixels: Pixels, marks: Sequence[tuple[float, float, str]], wide: bool
) -> list[alt.Chart]:
    """Where the cheapest option changes: a rule, a dot and the value, to the side with room."""
    rows, level, last = list[Row](), 0, 0.0
    for value, cost, text in marks:
        if not wide:  # no rule may cross a label
            text = text.removeprefix("about ").replace(" million", " m").replace(" billion", " bn")
        at, long = pixels(value), width(text, 12, bold=True) + 12
        late = at + long + 60 > ROOMS[wide]
        level = level + 1 if at - long * late < last else 0
        last = at + long * (not late)
        rows.append({"x": value, "y": cost, "text": text, "up": -5 - 16 * level, "late": late})
    base = chart(rows).encode(x)
    labels = texts(
        base,
        "text",
        y=_HIGH,
        dy={"expr": "datum.up"},
        fontSize=12,
        fontWeight="bold",
        baseline="bottom",
        **BESIDE,
        **HALO,
    )
    return [
        base.mark_rule(color=INK, strokeDash=[4, 3], y2=_HIGH).encode(y),
        base.mark_point(size=80, color=INK).encode(y),
        labels,
    ]


def dots(
    values: Sequence[float], low: float, high: float, label: str, currency: str, wide: bool
) -> Vega:
    """Outcomes as dots on one axis, stacked; the band between the two ends is shaded.

    A stack ends where the band does, so that no dot is drawn on its other side.
    """
    size = 30 if wide else 15
    most, least = max(*values, high) * 1.06, min(0.0, *values)
    each = (most - least) * size / (WIDTHS[wide] - 30)
    if many := int((high - low) / each):
        each = (high - low) / many
    rows = [
        {"x": max(low + place * each, least), "level": level - 0.5}
        for place, level in stacked((value - low) / each for value in values)
    ]
    tall = max(row["level"] for row in rows) + 0.9
    x = alt.X("x:Q", scale=alt.Scale(domain=[least, most], nice=False), axis=money(currency))
    base = chart([{"x": low, "high": high, "label": label}]).encode(x)
    shade = base.mark_rect(color=PALE).encode(x2="high:Q")
    name = texts(base, "label", baseline="bottom", dy=-3, color=SOFT).encode(alt.YValue(0))
    y = alt.Y("level:Q", scale=alt.Scale(domain=[0, tall]), axis=None)
    marks = chart(rows).mark_circle(size=0.62 * size * size, color=DEEP)
    layers = (shade, name, marks.encode(y, x="x:Q"))
    return layered(*layers, width=WIDTHS[wide], height=int(tall * size))


def fan(bands: pl.DataFrame, counts: pl.DataFrame, dots: Sequence[float], wide: bool) -> Vega:
    """A number over time as nested bands about a middle line, and what it may be as dots beside.

    `bands`: `at`, and the number at seven quantiles, `q0` to `q6`; `counts`: `at`, `value`.
    """
    tall, each = (300, 15) if wide else (240, 11)
    most = max(*dots, float(bands["q6"].max()))  # type: ignore[arg-type]
    y: Vega = {
        "scale": alt.Scale(type="symlog", constant=1, domain=[0, most], nice=False),
        "axis": alt.Axis(values=[0, *decades(1, most)], format=",d"),
    }
    time = alt.X("at:T", scale=alt.Scale(type="utc"), axis=alt.Axis(format="%b %Y"))
    base = chart(bands).encode(time)
    layers = [
        base.mark_area(color=DEEP, opacity=0.18).encode(alt.Y(f"q{low}:Q", **y), y2=f"q{6 - low}:Q")
        for low in range(3)
    ]
    middle = base.mark_line(color=INK).encode(alt.Y("q3:Q", **y))
    value = alt.Y("value:Q", **y)
    known = chart(counts).mark_point(size=60, color=RED).encode(time, value)
    step = log(1 + most) * each / tall
    rows = [
        {"value": min(exp(place * step) - 1, most), "many": many}
        for place, many in stacked(log(1 + value) / step for value in dots)
    ]
    beside = {"expr": f"{each} * datum.many"}
    ends = chart(rows).mark_circle(size=0.62 * each * each, color=DEEP, x="width", xOffset=beside)
    return layered(*layers, middle, known, ends.encode(value), width=WIDTHS[wide], height=tall)


def spans(rows: pl.DataFrame, currency: str, wide: bool) -> Vega:
    """A bar that holds nine in ten and a dot at the average, a row each on one axis of amounts.

    `rows`: `label`, `mean`, `low`, `high`, `hollow` (what is not reported).
    """
    of = labelled_rows(rows, wide)
    x = of.x("low:Q", money(currency), zero=True)
    bars = of.bars(x, "high:Q", height=12, color=PALE, stroke=DEEP)
    dot = of.base.mark_point(yOffset=of.offset, size=75, stroke=DEEP, strokeWidth=1.8)
    fill = alt.FillValue(DEEP, condition={"test": "datum.hollow", "value": PAPER})
    dot = dot.encode(fill, alt.ColorValue(DEEP), x="mean:Q")
    return layered(of.labels, bars, dot, **of.size)


_LEAST = 0.01  # share of the spread below which nothing is drawn


def panels(heads: Mapping[str, str], rows: Sequence[Row], wide: bool) -> Vega:
    """The same questions in panels, the five of most in each, sorted by its own share.

    `heads` maps a column of `rows` (`question`, `ask`) to the title of its panel.
    """
    best = {
        column: sorted((r for r in rows if r[column] >= _LEAST), key=lambda r: -r[column])[:5]
        for column in heads
    }
    room = ROOMS[wide] // 2 - 20 if wide and all(best.values()) else ROOMS[wide]
    most = max([0.1, *(row[column] for row in rows for column in heads)])  # one scale for all
    x = alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.2]))
    charts = []
    for column, head in heads.items():
        told = [
            {
                "label": f"{words.capital(row['ask'])}: {row['question']}",
                "share": row[column],
                "number": words.per_cent(row[column]),
            }
            for row in best[column]
        ]
        if told:
            of = labelled_rows(pl.DataFrame(told), wide=False, room=room)
            bars = of.bars(x, "", height=11, color=PALE, stroke=DEEP)
            numbers = texts(of.base, "number", dx=5, dy=of.offset, fontSize=12).encode(x)
            title = alt.Title(head, fontSize=12.5, offset=4, color=INK)
            size = {**of.size, "width": room, "title": title}
            charts.append(layered(of.labels, bars, numbers, **size))
    return {"concat": charts, "columns": 2 if wide else 1, "spacing": 20}


def curve(rows: pl.DataFrame, marks: Sequence[Row], currency: str, wide: bool) -> Vega:
    """Chance that a loss exceeds an amount, with read-outs at its marks.

    `rows` and `marks`: `amount_usd`, `chance`; of marks the `text`, and a `short` one where there
    is little room.
    """
    low, high = float(rows["amount_usd"].min()), float(rows["amount_usd"].max())  # type: ignore[arg-type]
    axis = money(currency, **ticks(low, high), labelOverlap=True)
    point = (
        alt.X("amount_usd:Q", scale=alt.Scale(type="log", nice=False), axis=axis),
        alt.Y("chance:Q", axis=alt.Axis(format="~%", tickCount=5)),
    )
    layers = [
        chart(rows).mark_line(strokeWidth=2.4, color=DEEP),
        chart(marks).mark_point(size=70, color=INK),
    ]
    tall, per_log = 300 if wide else 240, (WIDTHS[wide] - 60) / log(high / low)
    told = [_read_out(mark, rows, tall, per_log, wide) for mark in marks]
    up, look = {"expr": "datum.up"}, {"baseline": "bottom", "fontWeight": "bold", **BESIDE}
    layers.append(texts(chart(told), "lines", dy=up, lineHeight=14, **look))
    encoded = (layer.encode(*point) for layer in layers)
    return layered(*encoded, width=WIDTHS[wide], height=tall)


def _read_out(mark: Row, rows: pl.DataFrame, tall: int, per_log: float, wide: bool) -> Row:
    """A mark with its text, in the free room above a falling curve of `per_log` pixels an e."""
    low, high, amount = rows["amount_usd"].min(), rows["amount_usd"].max(), mark["amount_usd"]
    room = log(high / amount) * per_log - 24
    lines = wrap(mark["text" if wide else "short"], max(150, room), SMALL, bold=True)
    long = max(width(line, SMALL, bold=True) for line in lines)
    late, up = long > room, -6 - 14 * (len(lines) - 1)
    if late:  # it stands above the curve where it begins
        begins = max(low, amount * exp(-long / per_log))
        above = rows.filter(pl.col("amount_usd") <= begins)["chance"].min()
        up -= tall * (above - mark["chance"])
    return {**mark, "lines": lines, "late": late, "up": up}


def steps(rows: pl.DataFrame, currency: str, wide: bool) -> Vega:
    """A waterfall: from a first amount over the effects of changes to a last one.

    `rows`: `label`, `start`, `end`, `kind` (`total`, `more` or `less`).
    """
    of = labelled_rows(rows, wide)
    colour = colours("kind", {"total": SOFT, "more": RED, "less": GREEN})
    x = of.x("start:Q", money(currency))
    return layered(of.labels, of.bars(x, "end:Q", height=15).encode(colour), **of.size)


def clocks(rows: pl.DataFrame, moment: datetime | None, wide: bool) -> Vega:
    """Deadlines as bars from their start to when they are due or were met; a line is the moment.

    `rows`: `label`, `starts`, `ends` (null without a fixed time: drawn thin, up to the moment),
    `said`.
    """
    open_, now = pl.col("ends").is_null(), pl.max_horizontal("starts", pl.lit(moment))
    rows = rows.with_columns(
        ends=pl.when(open_).then(now).otherwise("ends"),
        thick=pl.when(open_).then(3).otherwise(12),
    )
    days = (rows["ends"].max() - rows["starts"].min()).days  # type: ignore[operator, union-attr]
    of, bars, said = intervals(rows, wide, alt.Axis(format="%b %Y" if days > 300 else "%-d %b"))
    line = chart([{"at": moment}] if moment else []).encode(x="at:T")
    line = line.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[3, 3])
    return layered(of.labels, bars, said, line, **of.size)


def likelihoods(rows: pl.DataFrame, wide: bool) -> Vega:
    """How likely each actor is, a panel for each part: a bar from the 5 % to the 95 % point.

    `rows`: `did` (the panel), `actor`, `low_chance`, `mean_chance`, `high_chance`.
    """
    panels = rows.group_by("did", maintain_order=True)
    parts = [
        part
        for (did,), mine in panels
        for part in (
            pl.DataFrame({"label": [did], "head": [True]}),
            mine.rename({"actor": "label"}),
        )
    ]
    of = labelled_rows(pl.concat(parts, how="diagonal"), wide, 26)
    axis = alt.Axis(format="~%")
    low, mean = (of.x(f"{end}_chance:Q", axis, domain=[0, 1]) for end in ("low", "mean"))
    bars = of.bars(low, "high_chance:Q", height=11, color=PALE, stroke=DEEP, strokeDash=[3, 2])
    means = of.base.mark_tick(thickness=3, size=18, color=INK, yOffset=of.offset)
    return layered(of.labels, bars, means.encode(mean), **of.size)


def placed(rows: pl.DataFrame, wide: bool) -> Vega:
    """Where each outcome fell in its forecast, from 0 to 1: a line, a dot where it is one number.

    `rows`: `label`, `low`, `high`, `missed` (outside the nine in ten that are shaded, darker the
    middle half).
    """
    of = labelled_rows(rows, wide, 20)
    x = of.x("low:Q", alt.Axis(format="~%"), domain=[0, 1])
    ends = x, alt.X2("high:Q")
    bands = chart([{"low": 0.05, "high": 0.95}, {"low": 0.25, "high": 0.75}])
    shade = bands.mark_rect(color=DEEP, opacity=0.12).encode(*ends)
    line = of.base.mark_rule(strokeWidth=8, strokeCap="round", yOffset=of.offset)
    colour = alt.ColorValue(DEEP, condition={"test": "datum.missed", "value": RED})
    return layered(shade, of.labels, line.encode(colour, *ends), **of.size)


_VERSIONS = {"malicious version": RED, "another version": SOFT}


def held(rows: pl.DataFrame, windows: pl.DataFrame, wide: bool) -> Vega:
    """What systems held, as bars over the hours around the windows, which are bands behind them.

    `rows`: `system`, `version`, `finding`, `begins`, `ends` (null: until now). `windows`:
    `version`, `part` (core or hull), `opens`, `closes` (null: still open). A bar that begins or
    ends outside the hours shown goes to their edge.
    """
    edges: list[datetime] = [*windows["opens"], *windows["closes"].drop_nulls()]
    low, high = min(edges) - timedelta(hours=3), max(edges) + timedelta(hours=3)
    malicious, another = map(pl.lit, _VERSIONS)
    bars = rows.select(
        at=pl.col("begins").clip(low, high),
        ends=pl.coalesce("ends", pl.lit(high)).clip(low, high),
        kind=pl.when(finding="locked_affected").then(malicious).otherwise(another),
        label=pl.concat_str("system", pl.lit(": "), "version"),
    )
    of = labelled_rows(bars.filter(pl.col("at") < pl.col("ends")), wide, 30)
    spans = windows.select(
        at="opens",
        ends=pl.coalesce("closes", pl.lit(high)),
        strength=pl.when(part="core").then(0.35).otherwise(0.15),
    )
    domain = [f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in (low, high)]
    x = of.x("at:T", alt.Axis(format="%H:%M"), type="utc", domain=domain)
    strength = alt.Opacity("strength:Q", scale=None, legend=None)
    bands = chart(spans).mark_rect(color=OCHRE).encode(x, strength, x2="ends:T")
    drawn = of.bars(x, "ends:T", height=12).encode(colours("kind", _VERSIONS))
    return layered(bands, of.labels, drawn, **of.size)
