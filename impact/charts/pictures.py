"""One function a chart: what is drawn and whether wide in, a chart out; no more is embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log
from typing import Any

import altair as alt
import polars as pl

from impact.base import words
from impact.charts.axes import HUES, Row, decades, inline, listed, money
from impact.charts.canvas import SMALL, width, wrap
from impact.charts.theme import DEEP, GREEN, INK, OCHRE, PALE, RED, SOFT, WIDTHS

_UTC = alt.Scale(type="utc")


def flips(one: Row, wide: bool) -> alt.TopLevelMixin:
    """The mean cost of each option over the value on which it turns; the cheapest is thick.

    `one`: `zones` of (title, low, high), `marks` of (value, text), `lines` of (title, points),
    `axis` (title of x), `money` (whether x is an amount), `currency`.
    """
    zones, marks = one["zones"], one["marks"]
    colours = dict(zip((title for title, *_ in zones), HUES, strict=False))
    points = [
        {"x": x, "y": y, "option": title, "group": f"{place} {part}", "best": best}
        for place, (title, line) in enumerate(one["lines"])
        for part, best, piece in _pieces(title, line, zones)
        for x, y in piece
    ]
    titles = list(dict.fromkeys(title for title, _ in one["lines"]))
    x_low, x_high = min(p["x"] for p in points), max(p["x"] for p in points)
    least, most = min(p["y"] for p in points), max(p["y"] for p in points)
    logarithmic = x_low > 0
    kind: dict[str, Any] = {"type": "log" if logarithmic else "linear", "nice": False}
    grows: dict[str, Any] = {"type": "log" if least > 0 else "linear", "nice": False}
    room = WIDTHS[wide] - 80
    across = alt.Scale(domain=[x_low, x_high], **kind)
    top = most * 1.1 if least > 0 else most + 0.1 * (most - least or 1.0)
    bottom = least - 0.2 * (most - least) if most < 2 * least else least * 0.75
    down = alt.Scale(domain=[bottom if least > 0 else least, top], **grows)
    ticks: dict[str, Any] = {"values": decades(x_low, x_high)} if logarithmic else {"tickCount": 5}
    axis = alt.Axis(format="~%", **ticks) if one["chance"] else alt.Axis(**ticks, format="~s")
    axis = money(one["currency"], **ticks) if one["money"] else axis
    x = alt.X("x:Q", scale=across, axis=axis, title=wrap(one["axis"], room - 20, 12))
    steps: dict[str, Any] = {"values": decades(least, most)} if least > 0 else {"tickCount": 5}
    y = alt.Y("y:Q", scale=down, axis=money(one["currency"], **steps), title=None)
    hue = alt.Color(
        "option:N",
        legend=None,
        scale=alt.Scale(domain=titles, range=[colours.get(title, SOFT) for title in titles]),
    )
    lines = (
        alt.Chart(inline(points))
        .mark_line(clip=True, strokeCap="round")
        .encode(
            x=x,
            y=y,
            color=hue,
            detail="group:N",
            strokeWidth=alt.condition("datum.best", alt.value(4.5), alt.value(1.6)),
        )
    )
    spans = [
        {
            "low": max(low, x_low),
            "high": min(high, x_high),
            "option": title,
            "name": "\n".join(
                wrap(
                    title,
                    _between(low, high, x_low, x_high, room, logarithmic) - 8,
                    SMALL,
                    bold=True,
                )
            ),
        }
        for title, low, high in zones
    ]
    tall = 19 + 15 * max(span["name"].count("\n") + 1 for span in spans)
    for span in spans:
        span["middle"] = (
            (span["low"] * span["high"]) ** 0.5 if logarithmic else (span["low"] + span["high"]) / 2
        )
    base = alt.Chart(inline(spans)).encode(x=alt.X("low:Q", scale=across), x2="high:Q", color=hue)
    high = 250
    shade = base.mark_rect(opacity=0.07).encode(y=alt.value(0), y2=alt.value(high))
    heads = base.mark_rect().encode(y=alt.value(-tall), y2=alt.value(-4))
    middle, layers = alt.X("middle:Q", scale=across), [shade, heads, lines]
    for span in spans:
        named = alt.Chart(inline([span])).mark_text(
            color="#ffffff",
            fontWeight="bold",
            fontSize=SMALL,
            lineBreak="\n",
            lineHeight=15,
            baseline="middle",
            dy=-7.5 * span["name"].count("\n"),
        )
        layers.append(named.encode(x=middle, y=alt.value(-tall / 2 - 2), text="name:N"))
    ends = [
        {"x": line[-12][0], "y": line[-12][1], "name": title}
        for title, line in one["lines"]
        if title not in colours
    ]
    for end in ends:
        named = alt.Chart(inline([end])).mark_text(
            align="right", dx=-4, dy=-8, color=SOFT, fontWeight="bold", fontSize=SMALL
        )
        layers.append(named.encode(x=alt.X("x:Q", scale=across), y=y, text="name:N"))
    if marks:
        layers += _thresholds(one, marks, across, y, (x_low, x_high), room, high)
    return alt.layer(*layers, width=WIDTHS[wide], height=high)


def _between(
    low: float, high: float, first: float, last: float, room: float, logarithmic: bool
) -> float:
    """Pixels between two values of x."""
    low, high = max(low, first), min(high, last)
    share = log(high / low) / log(last / first) if logarithmic else (high - low) / (last - first)
    return max(40.0, share * room)


def _pieces(
    title: str, line: Sequence[tuple[float, float]], zones: Sequence[tuple[str, float, float]]
) -> list[tuple[int, bool, list[tuple[float, float]]]]:
    """A line cut where it becomes or ceases to be the cheapest: (number, cheapest, points)."""
    mine = [(low, high) for name, low, high in zones if name == title]
    found: list[tuple[int, bool, list[tuple[float, float]]]] = []
    for one, other in pairwise(line):
        middle = (one[0] + other[0]) / 2
        best = any(low <= middle <= high for low, high in mine)
        if not found or found[-1][1] != best:
            found.append((len(found), best, [one]))
        found[-1][2].append(other)
    return found


def _thresholds(
    one: Row,
    marks: Sequence[tuple[float, float, str]],
    across: alt.Scale,
    y: alt.Y,
    ends: tuple[float, float],
    room: float,
    high: int,
) -> list[Any]:
    """Where the cheapest option changes: a rule, a dot and the value, to the side with room."""
    rows, short = [], room < WIDTHS[True] / 2  # no rule may cross a label
    for value, cost, said in marks:
        brief = said.removeprefix("about ").replace(" million", " m").replace(" billion", " bn")
        told = brief if short else said
        left = _between(ends[0], value, *ends, room, ends[0] > 0)
        right = left > room - width(told, 12, bold=True) - 12
        rows.append({"x": value, "y": cost, "text": told, "end": right})
    base = alt.Chart(inline(rows)).encode(x=alt.X("x:Q", scale=across))
    rules = base.mark_rule(color=INK, strokeDash=[4, 3]).encode(y=y, y2=alt.value(high))
    dots = base.mark_point(filled=True, size=80, color=INK, opacity=1).encode(y=y)
    found = [rules, dots]
    for end in (False, True):
        for row in (row for row in rows if row["end"] is end):
            place = rows.index(row)
            text = alt.Chart(inline([row])).mark_text(
                align="right" if end else "left",
                dx=-8 if end else 8,
                fontWeight="bold",
                baseline="bottom",
                dy=-5,
            )
            at = alt.value(high - 16 * place)
            found.append(text.encode(x=alt.X("x:Q", scale=across), y=at, text="text:N"))
    return found


def dots(
    values: Sequence[float], low: float, high: float, told: str, currency: str, wide: bool
) -> alt.TopLevelMixin:
    """Outcomes as dots on one axis, stacked; the band between the two ends is shaded."""
    room, size = WIDTHS[wide] - 30, 30 if wide else 15
    most, least = max(*values, high) * 1.06, min(0.0, *values)
    each = (most - least) * size / room
    places = [int((value - least) / each) for value in values]
    seen: dict[int, int] = {}
    rows = []
    for place in places:
        seen[place] = seen.get(place, 0) + 1
        rows.append({"x": least + (place + 0.5) * each, "level": seen[place] - 0.5})
    tall = max(seen.values()) + 0.4
    scale = alt.Scale(domain=[least, most], nice=False)
    x = alt.X("x:Q", scale=scale, axis=money(currency, tickCount=7 if wide else 4), title=None)
    y = alt.Y("level:Q", scale=alt.Scale(domain=[0, tall]), axis=None)
    band = alt.Chart(inline([{"low": low, "high": high, "said": told}]))
    ends = {"x": alt.X("low:Q", scale=scale, title=None), "x2": "high:Q"}
    shade = band.mark_rect(color=PALE).encode(**ends)
    name = band.mark_text(align="left", baseline="bottom", dy=-3, fontSize=SMALL, color=SOFT)
    text = name.encode(x=alt.X("low:Q", scale=scale), y=alt.value(0), text="said:N")
    marks = alt.Chart(inline(rows)).mark_circle(size=0.62 * size * size, color=DEEP, opacity=1)
    layers = (shade, text, marks.encode(x=x, y=y))
    return alt.layer(*layers, width=WIDTHS[wide], height=int(tall * size))


def spans(rows: pl.DataFrame, currency: str, wide: bool) -> alt.TopLevelMixin:
    """A bar that holds nine in ten and a dot at the average, a row each on one axis of amounts.

    `rows`: `label`, `mean`, `low`, `high`, `hollow` (what is not reported).
    """
    of = listed(rows, wide)
    base = alt.Chart(inline(of.rows)).encode(y=of.y)
    axis = money(currency, tickCount=6 if wide else 4)
    x = alt.X("low:Q", axis=axis, title=None, scale=alt.Scale(zero=True, nice=True))
    bars = base.mark_bar(height=12, color=PALE, stroke=DEEP, yOffset=of.shift)
    bars = bars.encode(x=x, x2="high:Q")
    dot = base.mark_point(
        yOffset=of.shift, size=75, opacity=1, filled=True, stroke=DEEP, strokeWidth=1.8
    )
    fill = alt.condition("datum.hollow", alt.value("#ffffff"), alt.value(DEEP))
    layers = (*of.above, bars, dot.encode(x="mean:Q", fill=fill, color=alt.value(DEEP)))
    return alt.layer(*layers, width=WIDTHS[wide], height=of.step)


def panels(heads: Mapping[str, str], rows: Sequence[Row], wide: bool) -> alt.TopLevelMixin:
    """The same questions in panels, the five of most in each, sorted by its own share.

    `heads` maps a column of `rows` (`question`, `ask`) to the title of its panel.
    """
    room, charts = (WIDTHS[wide] - 60) // 2 if wide else WIDTHS[wide] - 20, []
    most_of = max([0.1, *(row[column] for row in rows for column in heads)])  # one scale for all
    for column, head in heads.items():
        best = sorted((r for r in rows if r[column] >= _LEAST), key=lambda r: -r[column])[:5]
        if not best:
            continue
        some = [
            {
                "order": place,
                "share": row[column],
                "told": words.per_cent(row[column]),
                "label": "\n".join(
                    wrap(f"{words.capital(row['ask'])}: {row['question']}", room, 12)
                ),
            }
            for place, row in enumerate(best)
        ]
        most = max(row["label"].count("\n") + 1 for row in some)
        y = alt.Y("order:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
        base = alt.Chart(inline(some)).encode(y=y)
        low = 8 * most
        names = base.mark_text(align="left", lineBreak="\n", lineHeight=15, dy=-low, fontSize=12)
        scale = alt.Scale(domain=[0, most_of * 1.2])
        x = alt.X("share:Q", axis=None, scale=scale)
        bars = base.mark_bar(height=11, color=PALE, stroke=DEEP, yOffset=low)
        told = base.mark_text(align="left", dx=5, dy=low, fontSize=12).encode(x=x, text="told:N")
        chart = alt.layer(
            names.encode(x=alt.value(0), text="label:N"), bars.encode(x=x), told
        ).properties(
            width=room,
            height=alt.Step(16 * most + 30),
            title=alt.Title(head, fontSize=12.5, offset=4, color=INK),
        )
        charts.append(chart)
    joined = alt.hconcat(*charts, spacing=30) if wide else alt.vconcat(*charts, spacing=14)
    return joined.resolve_scale(x="independent", y="independent")  # type: ignore[no-any-return]


_LEAST = 0.01  # share of the spread below which nothing is drawn


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
    spot = {
        "x": alt.X("amount_usd:Q", scale=scale, axis=axis, title=None),
        "y": alt.Y("chance:Q", title=None, axis=alt.Axis(format="~%", tickCount=5)),
    }
    line = alt.Chart(inline(rows.select("amount_usd", "chance"))).mark_line(
        strokeWidth=2.4, color=HUES[1]
    )
    layers = [line.encode(**spot)]
    if beside is not None and beside.height:
        behind = alt.Chart(inline(beside.select("amount_usd", "chance")))
        layers.insert(0, behind.mark_line(color=SOFT, strokeWidth=1.5, opacity=0.5).encode(**spot))
    at = alt.Chart(inline(list(marks)))
    layers.append(at.mark_point(filled=True, size=70, color=INK, opacity=1).encode(**spot))
    tall, across = 300 if wide else 240, (WIDTHS[wide] - 60) / log(high / low)
    for mark in marks:  # the room above a falling curve is free
        room = log(high / mark["amount_usd"]) * across - 24
        said = mark["text"] if wide else mark["short"]
        lines = wrap(said, max(130, room), SMALL, bold=True)
        wide_as = max(width(line, SMALL, bold=True) for line in lines)
        back = wide_as > room  # it ends at the mark, and stands above the curve where it begins
        begins = mark["amount_usd"] * exp(-wide_as / across) if back else mark["amount_usd"]
        above = rows.filter(pl.col("amount_usd") <= max(begins, low))["chance"].min()
        text = alt.Chart(inline([{**mark, "text": "\n".join(lines)}])).mark_text(
            align="right" if back else "left",
            dx=4 if back else 8,
            baseline="bottom",
            dy=-6 - 14 * (len(lines) - 1) - tall * (above - mark["chance"]) * back,
            fontWeight="bold",
            fontSize=SMALL,
            lineBreak="\n",
            lineHeight=14,
        )
        layers.append(text.encode(**spot, text="text:N"))
    return alt.layer(*layers, width=WIDTHS[wide], height=tall)


def steps(rows: pl.DataFrame, currency: str, wide: bool) -> alt.TopLevelMixin:
    """A waterfall: from a first amount over the effects of changes to a last one.

    `rows`: `label`, `start`, `end`, `kind` (`total`, `more` or `less`).
    """
    of = listed(rows, wide)
    base = alt.Chart(inline(of.rows)).encode(y=of.y)
    kinds = {"total": SOFT, "more": RED, "less": GREEN}
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds), range=list(kinds.values())),
        legend=alt.Legend(title=None),
    )
    x = alt.X("start:Q", axis=money(currency, tickCount=5 if wide else 4), title=None)
    bars = base.mark_bar(height=15, yOffset=of.shift).encode(x=x, x2="end:Q", color=colour)
    return alt.layer(*of.above, bars, width=WIDTHS[wide], height=of.step)


def clocks(rows: pl.DataFrame, moment: datetime | None, wide: bool) -> alt.TopLevelMixin:
    """Deadlines as bars from their start to when they are due or were met; a line is the moment.

    `rows`: `label`, `starts`, `ends` (null without a fixed time: drawn thin, up to the moment),
    `said`.
    """
    of = listed(rows, wide, 36)
    drawn, y = of.rows, of.y
    open_ = drawn["ends"].is_null()
    ends = pl.when(open_).then(pl.max_horizontal("starts", pl.lit(moment))).otherwise("ends")
    drawn = drawn.with_columns(ends=ends, thick=pl.when(open_).then(3).otherwise(12))
    base = alt.Chart(inline(drawn)).encode(y=y)
    axis = alt.Axis(format="%-d %b", tickCount=5 if wide else 3)
    x = alt.X("starts:T", scale=_UTC, axis=axis, title=None)
    size = alt.Size("thick:Q", scale=None, legend=None)
    bars = base.mark_bar(color=DEEP, yOffset=of.shift).encode(x=x, x2="ends:T", size=size)
    last = max([*drawn["ends"].drop_nulls(), *([moment] if moment else [])])
    first = min(drawn["starts"])
    right = (drawn["ends"] - first) > 0.6 * (last - first)
    drawn = drawn.with_columns(right=right)
    layers: list[Any] = [*of.above, bars]
    for side in (False, True):
        some = drawn.filter(pl.col("right") == side)
        if some.height:
            text = alt.Chart(inline(some)).mark_text(
                align="right" if side else "left",
                dx=-4 if side else 6,
                dy=of.shift - 12 * side,
                fontSize=SMALL,
            )
            at = alt.X("ends:T", scale=_UTC)
            layers.append(text.encode(x=at, y=y, text="said:N"))
    if moment:
        line = alt.Chart(inline(pl.DataFrame({"at": [moment]})))
        layers.append(
            line.mark_rule(color=INK, strokeWidth=1.5, strokeDash=[3, 3]).encode(x="at:T")
        )
    return alt.layer(*layers, width=WIDTHS[wide], height=of.step)


def likelihoods(rows: pl.DataFrame, wide: bool) -> alt.TopLevelMixin:
    """How likely each actor is, a panel for each part: a bar from the 5 % to the 95 % point.

    `rows`: `did` (the panel), `actor`, `low_chance`, `mean_chance`, `high_chance`.
    """
    scale = alt.Scale(domain=[0, 1], nice=False)
    room = WIDTHS[wide] - (330 if wide else 20)
    charts: list[Any] = []
    panels = rows["did"].unique(maintain_order=True).to_list()
    for panel in panels:
        axis = alt.Axis(format="~%", tickCount=5, title=None, labels=panel == panels[-1])
        mine = rows.filter(pl.col("did") == panel).drop("did").rename({"actor": "label"})
        of = listed(mine, wide, 26, 40)
        base = alt.Chart(inline(of.rows)).encode(y=of.y)
        x = alt.X("low_chance:Q", scale=scale, axis=axis)
        bars = base.mark_bar(
            height=11, color=PALE, stroke=DEEP, strokeDash=[3, 2], yOffset=of.shift
        )
        ticks = base.mark_tick(thickness=3, size=18, color=INK, yOffset=of.shift)
        mean = alt.X("mean_chance:Q", scale=scale, axis=axis)
        layers = alt.layer(*of.above, bars.encode(x=x, x2="high_chance:Q"), ticks.encode(x=mean))
        head = alt.Title(panel, fontSize=12.5, color=INK)
        charts.append(layers.properties(title=head, width=room, height=of.step))
    whole: alt.VConcatChart = alt.vconcat(*charts, spacing=8)
    return whole


def held(rows: pl.DataFrame, windows: pl.DataFrame, wide: bool) -> alt.TopLevelMixin:
    """What systems held, as bars over the hours around the windows, which are bands behind them.

    `rows`: `system`, `version`, `finding`, `begins`, `ends` (null: until now). `windows`:
    `version`, `part` (core or hull), `opens`, `closes` (null: still open). A bar that begins or
    ends outside the hours shown goes to their edge.
    """
    edges: list[datetime] = [*windows["opens"], *windows["closes"].drop_nulls()]
    low, high = min(edges) - timedelta(hours=3), max(edges) + timedelta(hours=3)
    bad = pl.col("finding") == "locked_affected"
    drawn = rows.with_columns(
        ends=pl.coalesce("ends", pl.lit(high)).clip(low, high),
        begins=pl.col("begins").clip(low, high),
        said=pl.when(bad).then(pl.lit("malicious version")).otherwise(pl.lit("another version")),
        label=pl.concat_str("system", pl.lit(": "), "version"),
    ).filter(pl.col("begins") < pl.col("ends"))
    of = listed(drawn.select("label", "begins", "ends", "said"), wide, 30, 30)
    scale = alt.Scale(type="utc", domain=[_iso(low), _iso(high)])
    axis = alt.Axis(format="%H:%M", tickCount=6 if wide else 4)
    x = alt.X("begins:T", scale=scale, axis=axis, title=None)
    kinds = ["malicious version", "another version"]
    colour = alt.Color(
        "said:N", scale=alt.Scale(domain=kinds, range=[RED, SOFT]), legend=alt.Legend(title=None)
    )
    spans = windows.with_columns(
        closes=pl.coalesce("closes", pl.lit(high)),
        strength=pl.when(pl.col("part") == "core").then(0.35).otherwise(0.15),
    )
    bands = (
        alt.Chart(inline(spans.select("opens", "closes", "strength")))
        .mark_rect(color=OCHRE)
        .encode(
            x=alt.X("opens:T", scale=scale, axis=axis, title=None),
            x2="closes:T",
            opacity=alt.Opacity("strength:Q", scale=None, legend=None),
        )
    )
    bars = alt.Chart(inline(of.rows)).mark_bar(height=12, yOffset=of.shift)
    bars = bars.encode(x=x, x2="ends:T", y=of.y, color=colour)
    return alt.layer(bands, *of.above, bars, width=WIDTHS[wide], height=of.step)


def _iso(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
