"""One function a chart: what is drawn and whether wide in, a chart out; no more is embedded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from math import exp, log
from typing import Any

import altair as alt
import polars as pl

from impact.base import words
from impact.charts.axes import (
    HUES,
    Row,
    amounts,
    chart,
    colours,
    decades,
    extent,
    labelled_rows,
    money,
    ticks,
)
from impact.charts.canvas import SMALL, WIDTHS, Point, width, wrap
from impact.charts.theme import DEEP, GREEN, INK, OCHRE, PALE, RED, SOFT

_UTC = alt.Scale(type="utc")
_HIGH = 250  # pixels of the plane of `flips`


@dataclass(frozen=True)
class _Plane:
    """The plane of `flips`: x from `low` to `high` over `room` pixels, and amounts along y."""

    low: float
    high: float
    room: float
    across: dict[str, Any]
    y: alt.Y

    def x(self, field: str) -> alt.X:
        """A column along x."""
        return alt.X(f"{field}:Q", **self.across)

    def pixels(self, low: float, high: float) -> float:
        """Pixels between two values of x, at least 40."""
        low, high = max(low, self.low), min(high, self.high)
        if self.low > 0:
            share = log(high / low) / log(self.high / self.low)
        else:
            share = (high - low) / (self.high - self.low)
        return max(40.0, share * self.room)


def flips(one: Row, wide: bool) -> alt.TopLevelMixin:
    """The mean cost of each option over the value on which it turns; the cheapest is thick.

    `one`: `zones` of (title, low, high), `marks` of (value, cost, text), `lines` of (title,
    points), `axis` (title of x), `money` and `chance` (whether x is one), `currency`.
    """
    zones, plane = one["zones"], _plane(one, wide)
    hues = dict(zip((title for title, *_ in zones), HUES, strict=False))
    hue = colours("option", {title: hues.get(title, SOFT) for title, _ in one["lines"]})
    hue = hue.legend(None)
    points = [
        {"x": x, "y": y, "option": title, "group": f"{place} {part}", "best": best}
        for place, (title, line) in enumerate(one["lines"])
        for part, (best, piece) in enumerate(_pieces(title, line, zones))
        for x, y in piece
    ]
    thick = alt.StrokeWidthValue(1.6, condition={"test": "datum.best", "value": 4.5})
    lines = chart(points).mark_line(clip=True, strokeCap="round")
    lines = lines.encode(
        x=plane.x("x"), y=plane.y, color=hue, detail=alt.Detail("group:N"), strokeWidth=thick
    )
    shade, heads, *names = _zones(plane, zones, hue)
    layers = [shade, heads, lines, *names]
    for title, line in one["lines"]:
        if title not in hues:
            x, y = line[-12]
            name = chart([{"x": x, "y": y, "name": title}]).mark_text(
                align="right", dx=-4, dy=-8, color=SOFT, fontWeight="bold"
            )
            layers.append(name.encode(x=plane.x("x"), y=plane.y, text=alt.Text("name:N")))
    if one["marks"]:
        layers += _thresholds(plane, one["marks"])
    return alt.layer(*layers, width=WIDTHS[wide], height=_HIGH)


def _plane(one: Row, wide: bool) -> _Plane:
    """The plane that holds all lines of a decision."""
    points = [point for _, line in one["lines"] for point in line]
    (low, high), (least, most) = ((min(ends), max(ends)) for ends in zip(*points, strict=True))
    bottom, top = least, most + 0.1 * (most - least or 1.0)
    if least > 0:
        bottom = least - 0.2 * (most - least) if most < 2 * least else least * 0.75
        top = most * 1.1
    if one["money"]:
        axis = money(one["currency"], **ticks(low, high))
    else:
        axis = alt.Axis(format="~%" if one["chance"] else "~s", **ticks(low, high))
    room = WIDTHS[wide] - 80
    title = wrap(one["axis"], room - 20, 12)
    across = {"scale": extent(low, high, low), "axis": axis, "title": title}
    y_axis = money(one["currency"], **ticks(least, most))
    y = alt.Y("y:Q", scale=extent(bottom, top, least), axis=y_axis)
    return _Plane(low, high, room, across, y)


def _pieces(
    title: str, line: Sequence[Point], zones: Sequence[tuple[str, float, float]]
) -> Iterator[tuple[bool, list[Point]]]:
    """A line cut where it becomes or ceases to be the cheapest: (cheapest, points)."""

    def cheapest(ends: tuple[Point, Point]) -> bool:
        middle = (ends[0][0] + ends[1][0]) / 2
        return any(low <= middle <= high for name, low, high in zones if name == title)

    for best, pairs in groupby(pairwise(line), cheapest):
        first, *rest = pairs
        yield best, [*first, *(end for _, end in rest)]


def _zones(
    plane: _Plane, zones: Sequence[tuple[str, float, float]], hue: alt.Color
) -> list[alt.Chart]:
    """Where each option is the cheapest: a shade, a head above it, and in that its name."""
    spans: list[dict[str, Any]] = []
    for title, low, high in zones:
        name = "\n".join(wrap(title, plane.pixels(low, high) - 8, SMALL, bold=True))
        low, high = max(low, plane.low), min(high, plane.high)
        middle = (low * high) ** 0.5 if plane.low > 0 else (low + high) / 2
        spans.append({"low": low, "high": high, "middle": middle, "option": title, "name": name})
    tall = 19 + 15 * max(span["name"].count("\n") + 1 for span in spans)
    base = chart(spans).encode(x=plane.x("low"), x2=alt.X2("high:Q"), color=hue)
    shade = base.mark_rect(opacity=0.07).encode(y=alt.YValue(0), y2=alt.Y2Value(_HIGH))
    layers = [shade, base.mark_rect().encode(y=alt.YValue(-tall), y2=alt.Y2Value(-4))]
    for span in spans:
        below = -7.5 * span["name"].count("\n")
        text = chart([span]).mark_text(
            color="#ffffff",
            align="center",
            fontWeight="bold",
            lineHeight=15,
            baseline="middle",
            dy=below,
        )
        y = alt.YValue(-tall / 2 - 2)
        layers.append(text.encode(x=plane.x("middle"), y=y, text=alt.Text("name:N")))
    return layers


def _thresholds(plane: _Plane, marks: Sequence[tuple[float, float, str]]) -> list[alt.Chart]:
    """Where the cheapest option changes: a rule, a dot and the value, to the side with room."""
    rows: list[dict[str, Any]] = []
    for value, cost, text in marks:
        if plane.room < WIDTHS[True] / 2:  # no rule may cross a label
            text = text.removeprefix("about ").replace(" million", " m").replace(" billion", " bn")
        left = plane.pixels(plane.low, value)
        end = left > plane.room - width(text, 12, bold=True) - 12
        rows.append({"x": value, "y": cost, "text": text, "end": end})
    base, x = chart(rows).encode(x=plane.x("x")), plane.x("x")
    rules = base.mark_rule(color=INK, strokeDash=[4, 3]).encode(y=plane.y, y2=alt.Y2Value(_HIGH))
    dots = base.mark_point(size=80, color=INK).encode(y=plane.y)
    layers = [rules, dots]
    for place, row in sorted(enumerate(rows), key=lambda placed: placed[1]["end"]):
        label = chart([row]).mark_text(
            align="right" if row["end"] else "left",
            dx=-8 if row["end"] else 8,
            fontSize=12,
            fontWeight="bold",
            baseline="bottom",
            dy=-5,
        )
        layers.append(label.encode(x=x, y=alt.YValue(_HIGH - 16 * place), text=alt.Text("text:N")))
    return layers


def dots(
    values: Sequence[float], low: float, high: float, label: str, currency: str, wide: bool
) -> alt.TopLevelMixin:
    """Outcomes as dots on one axis, stacked; the band between the two ends is shaded."""
    room, size = WIDTHS[wide] - 30, 30 if wide else 15
    most, least = max(*values, high) * 1.06, min(0.0, *values)
    each = (most - least) * size / room
    levels = Counter[int]()
    rows = []
    for value in values:
        place = int((value - least) / each)
        levels[place] += 1
        rows.append({"x": least + (place + 0.5) * each, "level": levels[place] - 0.5})
    tall = max(levels.values()) + 0.4
    scale = extent(least, most, least)
    y = alt.Y("level:Q", scale=alt.Scale(domain=[0, tall]), axis=None)
    x = amounts("x", currency, 7 if wide else 4, scale=scale)
    start = alt.X("low:Q", scale=scale)
    band = chart([{"low": low, "high": high, "label": label}]).encode(x=start)
    shade = band.mark_rect(color=PALE).encode(x2=alt.X2("high:Q"))
    name = band.mark_text(baseline="bottom", dy=-3, color=SOFT)
    text = name.encode(y=alt.YValue(0), text=alt.Text("label:N"))
    marks = chart(rows).mark_circle(size=0.62 * size * size, color=DEEP)
    layers = (shade, text, marks.encode(x=x, y=y))
    return alt.layer(*layers, width=WIDTHS[wide], height=int(tall * size))


def fan(
    bands: pl.DataFrame, counts: pl.DataFrame, dots: Sequence[float], wide: bool
) -> alt.TopLevelMixin:
    """A number over time as nested bands about a middle line, and what it may be as dots beside.

    `bands`: `at`, and the number at seven quantiles, `q0` to `q6`; `counts`: `at`, `value`.
    """
    side, tall, each = (90, 300, 15) if wide else (50, 240, 11)
    most = max(*dots, float(bands["q6"].max()))  # type: ignore[arg-type]
    scale = alt.Scale(type="symlog", constant=1, domain=[0, most], nice=False)
    axis = alt.Axis(values=[0, *decades(1, most)], format=",d")
    y: dict[str, Any] = {"scale": scale, "axis": axis}
    time = alt.X("at:T", scale=_UTC, axis=alt.Axis(tickCount=6 if wide else 3, format="%b %Y"))
    base = chart(bands).encode(x=time)
    layers = [
        base.mark_area(color=DEEP, opacity=0.18).encode(
            y=alt.Y(f"q{low}:Q", **y), y2=alt.Y2(f"q{6 - low}:Q")
        )
        for low in range(3)
    ]
    layers.append(base.mark_line(color=INK).encode(y=alt.Y("q3:Q", **y)))
    if counts.height:
        known = chart(counts).mark_point(size=60, color=RED)
        layers.append(known.encode(x=time, y=alt.Y("value:Q", **y)))
    bins, rows = Counter[int](), []
    step = log(1 + most) * each / tall
    for value in dots:
        place = int(log(1 + value) / step)
        bins[place] += 1
        rows.append({"value": exp((place + 0.5) * step) - 1, "x": bins[place]})
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0.5, side / each + 0.5]))
    marks = chart(rows).mark_circle(size=0.62 * each * each, color=DEEP)
    ends = marks.encode(x=x, y=alt.Y("value:Q", scale=scale, axis=None))
    left = alt.layer(*layers, width=WIDTHS[wide] - side - 70, height=tall)
    joined = alt.hconcat(left, ends.properties(width=side, height=tall), spacing=10)
    return joined


def spans(rows: pl.DataFrame, currency: str, wide: bool) -> alt.TopLevelMixin:
    """A bar that holds nine in ten and a dot at the average, a row each on one axis of amounts.

    `rows`: `label`, `mean`, `low`, `high`, `hollow` (what is not reported).
    """
    of = labelled_rows(rows, wide)
    x = amounts("low", currency, 6 if wide else 4, scale=alt.Scale(zero=True, nice=True))
    bars = of.bars(x, "high:Q", height=12, color=PALE, stroke=DEEP)
    dot = of.base.mark_point(yOffset=of.offset, size=75, stroke=DEEP, strokeWidth=1.8)
    fill = alt.FillValue(DEEP, condition={"test": "datum.hollow", "value": "#ffffff"})
    dot = dot.encode(x=alt.X("mean:Q"), fill=fill, color=alt.ColorValue(DEEP))
    return alt.layer(*of.labels, bars, dot, **of.size)


_LEAST = 0.01  # share of the spread below which nothing is drawn


def panels(heads: Mapping[str, str], rows: Sequence[Row], wide: bool) -> alt.TopLevelMixin:
    """The same questions in panels, the five of most in each, sorted by its own share.

    `heads` maps a column of `rows` (`question`, `ask`) to the title of its panel.
    """
    room = (WIDTHS[wide] - 60) // 2 if wide else WIDTHS[wide] - 20
    most = max([0.1, *(row[column] for row in rows for column in heads)])  # one scale for all
    x = alt.X("share:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.2]))
    charts = []
    for column, head in heads.items():
        best = sorted((r for r in rows if r[column] >= _LEAST), key=lambda r: -r[column])[:5]
        shares = [(r[column], f"{words.capital(r['ask'])}: {r['question']}") for r in best]
        if shares:
            title = alt.Title(head, fontSize=12.5, offset=4, color=INK)
            charts.append(_panel(shares, x, room).properties(title=title))
    joined = alt.hconcat(*charts, spacing=30) if wide else alt.vconcat(*charts, spacing=14)
    return joined.resolve_scale(x="independent", y="independent")  # type: ignore[no-any-return]


def _panel(shares: Sequence[tuple[float, str]], x: alt.X, room: int) -> Any:
    """Bars of shares, each with its question above it."""
    texts = ["\n".join(wrap(text, room, 12)) for _, text in shares]
    rows = [
        {"order": place, "share": share, "number": words.per_cent(share), "label": text}
        for place, ((share, _), text) in enumerate(zip(shares, texts, strict=True))
    ]
    most = max(text.count("\n") + 1 for text in texts)
    low = 8 * most
    y = alt.Y("order:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    base = chart(rows).encode(y=y)
    names = base.mark_text(lineHeight=15, dy=-low, fontSize=12)
    bars = base.mark_bar(height=11, color=PALE, stroke=DEEP, yOffset=low).encode(x=x)
    numbers = base.mark_text(dx=5, dy=low, fontSize=12)
    layers = (
        names.encode(x=alt.XValue(0), text=alt.Text("label:N")),
        bars,
        numbers.encode(x=x, text=alt.Text("number:N")),
    )
    return alt.layer(*layers, width=room, height=alt.Step(16 * most + 30))


def curve(
    rows: pl.DataFrame, beside: pl.DataFrame | None, marks: Sequence[Row], currency: str, wide: bool
) -> alt.TopLevelMixin:
    """Chance that a loss exceeds an amount, with read-outs at its marks.

    `rows`, `beside`, which is drawn faint, and `marks`: `amount_usd`, `chance`; of marks the
    `text`, and a `short` one where there is little room.
    """
    low, high = float(rows["amount_usd"].min()), float(rows["amount_usd"].max())  # type: ignore[arg-type]
    axis = money(currency, values=decades(low, high), labelOverlap=True)
    scale = alt.Scale(type="log", nice=False)
    point = {
        "x": alt.X("amount_usd:Q", scale=scale, axis=axis),
        "y": alt.Y("chance:Q", axis=alt.Axis(format="~%", tickCount=5)),
    }
    layers = [chart(rows.select("amount_usd", "chance")).mark_line(strokeWidth=2.4, color=DEEP)]
    if beside is not None and beside.height:
        behind = chart(beside.select("amount_usd", "chance"))
        layers.insert(0, behind.mark_line(color=SOFT, strokeWidth=1.5, opacity=0.5))
    layers.append(chart(marks).mark_point(size=70, color=INK))
    tall, per_log = 300 if wide else 240, (WIDTHS[wide] - 60) / log(high / low)
    layers += [_read_out(mark, rows, tall, per_log, wide) for mark in marks]
    encoded = (layer.encode(**point) for layer in layers)
    return alt.layer(*encoded, width=WIDTHS[wide], height=tall)


def _read_out(mark: Row, rows: pl.DataFrame, tall: int, per_log: float, wide: bool) -> Any:
    """The text of a mark, in the free room above a falling curve of `per_log` pixels for each e."""
    low, high, amount = rows["amount_usd"].min(), rows["amount_usd"].max(), mark["amount_usd"]
    room = log(high / amount) * per_log - 24
    lines = wrap(mark["text" if wide else "short"], max(130, room), SMALL, bold=True)
    long = max(width(line, SMALL, bold=True) for line in lines)
    back = long > room  # it ends at the mark, and stands above the curve where it begins
    begins = amount * exp(-long / per_log) if back else amount
    above = rows.filter(pl.col("amount_usd") <= max(begins, low))["chance"].min()
    lift = tall * (above - mark["chance"]) if back else 0
    text = chart([{**mark, "text": "\n".join(lines)}]).mark_text(
        align="right" if back else "left",
        dx=4 if back else 8,
        baseline="bottom",
        dy=-6 - 14 * (len(lines) - 1) - lift,
        lineHeight=14,
        fontWeight="bold",
    )
    return text.encode(text=alt.Text("text:N"))


def steps(rows: pl.DataFrame, currency: str, wide: bool) -> alt.TopLevelMixin:
    """A waterfall: from a first amount over the effects of changes to a last one.

    `rows`: `label`, `start`, `end`, `kind` (`total`, `more` or `less`).
    """
    of = labelled_rows(rows, wide)
    colour = colours("kind", {"total": SOFT, "more": RED, "less": GREEN})
    bars = of.bars(amounts("start", currency, 5 if wide else 4), "end:Q", height=15)
    return alt.layer(*of.labels, bars.encode(color=colour), **of.size)


def clocks(rows: pl.DataFrame, moment: datetime | None, wide: bool) -> alt.TopLevelMixin:
    """Deadlines as bars from their start to when they are due or were met; a line is the moment.

    `rows`: `label`, `starts`, `ends` (null without a fixed time: drawn thin, up to the moment),
    `said`.
    """
    open_ = pl.col("ends").is_null()
    now = pl.max_horizontal("starts", pl.lit(moment))
    rows = rows.with_columns(
        ends=pl.when(open_).then(now).otherwise("ends"),
        thick=pl.when(open_).then(3).otherwise(12),
    )
    last = max([*rows["ends"].drop_nulls(), *([moment] if moment else [])])
    first = min(rows["starts"])
    rows = rows.with_columns(right=(pl.col("ends") - first) > 0.6 * (last - first))
    of = labelled_rows(rows, wide, 36)
    axis = alt.Axis(format="%-d %b", tickCount=5 if wide else 3)
    x = alt.X("starts:T", scale=_UTC, axis=axis)
    size = alt.Size("thick:Q", scale=None, legend=None)
    layers: list[Any] = [*of.labels, of.bars(x, "ends:T", color=DEEP).encode(size=size)]
    left_of: dict[str, Any] = {"align": "right", "dx": -4, "dy": of.offset - 12}
    right_of: dict[str, Any] = {"dx": 6, "dy": of.offset}
    for right, place in ((False, right_of), (True, left_of)):
        some = of.data.filter(right=right)
        if some.height:
            text = chart(some).mark_text(**place)
            layers.append(
                text.encode(x=alt.X("ends:T", scale=_UTC), y=of.y, text=alt.Text("said:N"))
            )
    if moment:
        line = chart(pl.DataFrame({"at": [moment]}))
        line = line.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[3, 3])
        layers.append(line.encode(x=alt.X("at:T")))
    return alt.layer(*layers, **of.size)


def likelihoods(rows: pl.DataFrame, wide: bool) -> alt.TopLevelMixin:
    """How likely each actor is, a panel for each part: a bar from the 5 % to the 95 % point.

    `rows`: `did` (the panel), `actor`, `low_chance`, `mean_chance`, `high_chance`.
    """
    scale = extent(0, 1, least=0)
    room = WIDTHS[wide] - (330 if wide else 20)
    charts: list[Any] = []
    panels = rows["did"].unique(maintain_order=True).to_list()
    for panel in panels:
        axis = alt.Axis(format="~%", tickCount=5, labels=panel == panels[-1])
        low, mean = (alt.X(f"{end}_chance:Q", scale=scale, axis=axis) for end in ("low", "mean"))
        mine = rows.filter(did=panel).drop("did").rename({"actor": "label"})
        of = labelled_rows(mine, wide, 26, 40)
        bars = of.bars(low, "high_chance:Q", height=11, color=PALE, stroke=DEEP, strokeDash=[3, 2])
        means = of.base.mark_tick(thickness=3, size=18, color=INK, yOffset=of.offset)
        layers = alt.layer(*of.labels, bars, means.encode(x=mean), **of.size)
        title = alt.Title(panel, fontSize=12.5, color=INK)
        charts.append(layers.properties(title=title, width=room))
    whole: alt.VConcatChart = alt.vconcat(*charts, spacing=8)
    return whole


def placed(rows: pl.DataFrame, wide: bool) -> alt.TopLevelMixin:
    """Where each outcome fell in its forecast, from 0 to 1: a line, a dot where it is one number.

    `rows`: `label`, `low`, `high`, `missed` (outside the nine in ten that are shaded, darker the
    middle half).
    """
    of = labelled_rows(rows, wide, 20)
    x = alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="~%", tickCount=5))
    bands = chart([{"low": 0.05, "high": 0.95}, {"low": 0.25, "high": 0.75}])
    shade = bands.mark_rect(color=DEEP, opacity=0.12).encode(x=x, x2=alt.X2("high:Q"))
    line = of.base.mark_rule(strokeWidth=8, strokeCap="round", yOffset=of.offset)
    colour = alt.ColorValue(DEEP, condition={"test": "datum.missed", "value": RED})
    return alt.layer(
        shade, *of.labels, line.encode(x=x, x2=alt.X2("high:Q"), color=colour), **of.size
    )


_VERSIONS = {"malicious version": RED, "another version": SOFT}


def held(rows: pl.DataFrame, windows: pl.DataFrame, wide: bool) -> alt.TopLevelMixin:
    """What systems held, as bars over the hours around the windows, which are bands behind them.

    `rows`: `system`, `version`, `finding`, `begins`, `ends` (null: until now). `windows`:
    `version`, `part` (core or hull), `opens`, `closes` (null: still open). A bar that begins or
    ends outside the hours shown goes to their edge.
    """
    edges: list[datetime] = [*windows["opens"], *windows["closes"].drop_nulls()]
    low, high = min(edges) - timedelta(hours=3), max(edges) + timedelta(hours=3)
    malicious, another = map(pl.lit, _VERSIONS)
    bars = rows.select(
        begins=pl.col("begins").clip(low, high),
        ends=pl.coalesce("ends", pl.lit(high)).clip(low, high),
        kind=pl.when(finding="locked_affected").then(malicious).otherwise(another),
        label=pl.concat_str("system", pl.lit(": "), "version"),
    )
    of = labelled_rows(bars.filter(pl.col("begins") < pl.col("ends")), wide, 30, 30)
    time: dict[str, Any] = {
        "scale": alt.Scale(type="utc", domain=[f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in (low, high)]),
        "axis": alt.Axis(format="%H:%M", tickCount=6 if wide else 4),
    }
    spans = windows.select(
        "opens",
        closes=pl.coalesce("closes", pl.lit(high)),
        strength=pl.when(part="core").then(0.35).otherwise(0.15),
    )
    strength = alt.Opacity("strength:Q", scale=None, legend=None)
    bands = chart(spans).mark_rect(color=OCHRE)
    bands = bands.encode(x=alt.X("opens:T", **time), x2=alt.X2("closes:T"), opacity=strength)
    drawn = of.bars(alt.X("begins:T", **time), "ends:T", height=12)
    drawn = drawn.encode(color=colours("kind", _VERSIONS))
    return alt.layer(bands, *of.labels, drawn, **of.size)
