"""Pictures that are layouts: the path of an attack, and a timeline, with places in pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from impact.charts.axes import (
    BESIDE,
    ORDER,
    Row,
    chart,
    intervals,
    labelled_rows,
    layered,
    texts,
)
from impact.charts.theme import (
    DEEP,
    GRID,
    HALO,
    HUES,
    INK,
    OCHRE,
    PALE,
    PAPER,
    ROOMS,
    SMALL,
    SOFT,
    WASH,
    Vega,
    width,
    wrap,
)

STATES = ("reach", "copied", "published")
_DRAWN = ("drawn", "rare")  # states whose chance is a bar
_X, _Y = alt.X("x:Q", scale=None), alt.Y("y:Q", scale=None)
_INK = alt.Color("ink:N", scale=None)


def path(
    template: Any, wide: bool, chain: Sequence[Any], rows: Sequence[Row], marked: Sequence[int] = ()
) -> Vega:
    """The reported chain as boxes in reading order, a border, then bars of the assumed chances.

    `chain` holds steps for the macros `step_name`, `step_what` and `step_by` of the template, of
    which those at the places `marked` are dark; `rows` a chance and how it is known for each of
    STATES.
    """
    drawn = [row for row in rows if any(row[f"{state}_how"] in _DRAWN for state in STATES)]
    more = bool(drawn)
    parts: list[Any] = [_flow(list(_boxes(template, chain, marked, more, wide)), more, wide)]
    if more:
        lines = wrap(template.border, ROOMS[wide], 12, bold=True)
        title = alt.Title(lines, color=OCHRE, fontSize=12, lineHeight=16, offset=4)
        parts.append(_chances(template, drawn, title, wide))
    return {"vconcat": parts, "spacing": 4}


def _boxes(
    template: Any, chain: Sequence[Any], marked: Sequence[int], more: bool, wide: bool
) -> Iterator[Row]:
    """The steps in rows of five or one below the other: what each says, and an arrow to the next.

    With `more` an arrow leads on from the last one.
    """
    gap, many = (26, min(len(chain), 5)) if wide else (18, 1)
    y = 0
    for first in range(0, len(chain), many or 1):
        long = (ROOMS[wide] + gap) / many - gap
        said = [
            {
                part: wrap(_flat(getattr(template, f"step_{part}")(step)), long - 18, 12, bold)
                for part, bold in (("name", True), ("what", False), ("by", False))
            }
            for step in chain[first : first + many]
        ]
        high = 16 + 16 * max(sum(map(len, lines.values())) for lines in said)
        for place, lines in enumerate(said, first):
            x = (place - first) * (long + gap)
            beside = place + 1 < min(first + many, len(chain))
            yield {
                "x": x,
                "x2": x + long,
                "y": y,
                "y2": y + high,
                "dark": place in marked,
                **lines,
                "arrow": "→" if beside else "↓" if more or place + 1 < len(chain) else "",
                "arrow_x": x + long + gap / 2 if beside else x + long / 2,
                "arrow_y": y + high / 2 if beside else y + high + 10,
            }
        y += high + gap


def _flow(boxes: Sequence[Row], more: bool, wide: bool) -> Any:
    """Boxes with their texts, an arrow from each to the next, and with `more` to a border."""
    dark: Vega = {"test": "datum.dark"}
    base = chart(boxes).encode(_X, _Y)
    fill = alt.ColorValue(PALE, condition={**dark, "value": DEEP})
    plates = base.mark_rect(stroke=DEEP, cornerRadius=2).encode(fill, x2="x2:Q", y2="y2:Q")
    told, above = list[Any](), "17"
    for part, ink in (("name", INK), ("what", INK), ("by", SOFT)):
        bold = "bold" if part == "name" else "normal"
        down = {"expr": above}
        text = texts(base, part, fontSize=12, lineHeight=16, fontWeight=bold, dx=9, dy=down)
        colour = alt.ColorValue(ink, condition={**dark, "value": PAPER})
        told.append(text.encode(colour))
        above += f" + 16 * datum.{part}.length"
    arrows = texts(base, "arrow", fontSize=22, align="center", color=DEEP).encode(
        alt.X("arrow_x:Q", scale=None), alt.Y("arrow_y:Q", scale=None)
    )
    bottom = max((box["y2"] for box in boxes), default=0) + 24 * more
    border = chart([{"y": bottom}] * more)
    border = border.mark_rule(x=0, x2=ROOMS[wide], color=OCHRE, strokeDash=[5, 4]).encode(_Y)
    return layered(plates, *told, arrows, border, width=ROOMS[wide], height=bottom + 2)


def _chances(template: Any, rows: Sequence[Row], title: alt.Title, wide: bool) -> Any:
    """A bar for the chance of each state of each row, or words where none is drawn."""
    states = [state for state in STATES if any(row[state] is not None for row in rows)]
    long = 0.55 if wide else 0.94
    who = pl.DataFrame({"label": [_flat(template.cell_who(row)) for row in rows]})
    of = labelled_rows(who, wide, 26, below=14)
    cells = [
        {
            "order": order,
            "x": place,
            "all": place + long,
            "share": place + long * max(row[state] or 0, 0.015),
            "text": _flat(template.state_of(row[state], row[f"{state}_how"])),
            "drawn": row[f"{state}_how"] in _DRAWN,
        }
        for order, row in enumerate(rows)
        for place, state in enumerate(states)
        if row[f"{state}_how"]
    ]
    each = (of.ends[1] - of.ends[0]) / len(states)
    heads = [wrap(template.heads[state], each - 8, SMALL, bold=True) for state in states]
    axis = alt.Axis(
        orient="top",
        values=[*range(len(states))],
        labelExpr=f"{heads}[datum.value]",
        labelAlign="left",
        labelFontWeight="bold",
        labelColor=SOFT,
        labelPadding=14 * max(map(len, heads)) - 8,
        grid=False,
    )
    x, end = (of.x(f"{name}:Q", axis, domain=[0, len(states)]) for name in ("x", "all"))
    bars = chart([cell for cell in cells if cell["drawn"]]).encode(x, ORDER)
    bar: Vega = {"height": 15, "yOffset": of.offset}
    whole = bars.mark_bar(color=WASH, **bar).encode(x2="all:Q")
    share = bars.mark_bar(color=PALE, stroke=OCHRE, strokeDash=[4, 3], **bar)
    said = texts(chart(cells), "text", dx=6 * wide, dy=of.offset + (0 if wide else 15))
    said = said.encode(end if wide else x, ORDER)
    layers = of.labels, whole, share.encode(x2="share:Q"), said
    return layered(*layers, title=title, **of.size)


_OPEN = timedelta(hours=2)  # drawn of a window whose end is not known


def timeline(template: Any, wide: bool, events: Sequence[Row], accounts: Sequence[Row]) -> Vega:
    """Events in lanes with packed labels, and below them a bar for each account of a window.

    `events`: `when`, `lane`, `label` (which begins with the day), in order; `accounts`: `who`,
    `opens`, `closes` (None while open), `says`, `best` (solid).
    """
    parts: list[Any] = [_lanes(events, wide)] if events else []
    if accounts:
        lines = wrap(template.window_title, ROOMS[wide], 14, bold=True)
        below = wrap(template.window_subtitle, ROOMS[wide], 12)
        title = alt.Title(lines, subtitle=below, fontSize=14)
        parts.append(_windows(accounts, title, wide))
    return {"vconcat": parts, "spacing": 20}


def _windows(accounts: Sequence[Row], title: alt.Title, wide: bool) -> Any:
    """A bar for each account, the best supported solid, on hours or the days of a long one."""
    last = pl.coalesce("closes", pl.col("opens") + _OPEN).max()  # to which what is open goes
    ends = pl.coalesce("closes", last)
    rows = pl.DataFrame(accounts).select(
        "best", label="who", starts="opens", ends=ends, said="says", thick=12
    )
    days = rows["ends"].max() - rows["starts"].min() > timedelta(days=3)  # type: ignore[operator]
    axis = alt.Axis(format="%-d %b" if days else "%H:%M")
    of, bars, said = intervals(rows, wide, axis)
    best: Vega = {"test": "datum.best"}
    bars = bars.encode(
        alt.FillValue(PALE, condition={**best, "value": DEEP}),
        alt.StrokeValue(OCHRE, condition={**best, "value": DEEP}),
        alt.StrokeDashValue([4, 3], condition={**best, "value": [1, 0]}),
    )
    return layered(of.labels, bars, said, title=title, **of.size)


_GUTTER, _NAME = 150, 12.5  # pixels left for the names of lanes, and the size of a name
_SHAPES = ("circle", "square", "diamond", "triangle-up")  # so that colour is no sole carrier
_DAY = timedelta(days=1)


def _lanes(events: Sequence[Row], wide: bool) -> Any:
    """All lanes one below the other, each event on a scale of days."""
    days = sorted(_noon(event["when"]) for event in events)
    knots, pixels = _stretched(days, (_GUTTER if wide else 0) + 14, ROOMS[wide] - 10)
    marks, lanes, bottom = list[Row](), list[Row](), 0.0
    for place, name in enumerate(dict.fromkeys(event["lane"] for event in events)):
        lines = wrap(name, _GUTTER - 12 if wide else ROOMS[wide], _NAME, bold=True)
        look = {"ink": HUES[place % len(HUES)], "shape": _SHAPES[place % len(_SHAPES)]}
        top, mine = bottom + (6 if wide else 16 * len(lines) + 8), list[Row]()
        for event in (event for event in events if event["lane"] == name):
            seconds = _noon(event["when"]).timestamp()
            at = _event(float(np.interp(seconds, knots, pixels)), event["label"], ROOMS[wide])
            over = (m["end"] for m in mine if m["left"] < at["right"] and at["left"] < m["right"])
            y = max([top, *over])
            mine.append(
                {**at, **look, "x": seconds, "y": y + 8, "end": y + 16 * len(at["text"]) + 6}
            )
        ends = (mark["end"] for mark in mine)
        start, bottom = bottom + 14, max(bottom + 17 * len(lines) + 6, *ends) + 6
        lanes.append({**look, "y": start, "text": lines, "end": bottom})
        marks += mine
    return _drawn(lanes, marks, _axis(days, knots, pixels), knots[1:-1], wide)


def _event(x: float, label: str, room: float) -> Row:
    """An event with its text to the right of its mark, or to the left where there is no room."""
    late = room - x < min(200, room / 2)
    lines = wrap(label, min(240, (x if late else room - x) - 16), SMALL)
    long = 12 + max(width(line, SMALL) for line in lines)
    ends = {"left": x - long, "right": x + 8} if late else {"left": x - 8, "right": x + long}
    return {"text": lines, "late": late, **ends}


def _noon(when: datetime) -> datetime:
    """The middle of a day that counts to its end."""
    return when - _DAY / 2 if f"{when:%H:%M:%S}" == "23:59:59" else when


def _stretched(
    days: Sequence[datetime], low: float, high: float
) -> tuple[list[float], list[float]]:
    """(seconds, pixels) of the ends of a scale, and of where it changes, if it does.

    Where three quarters of the events lie in less than half of the time, they get two thirds of
    the room.
    """
    first, last = days[0] - _DAY, days[-1] + _DAY
    busy = days[int(0.75 * (len(days) - 1))] + 2 * _DAY
    bent = len(days) > 4 and busy - first < (last - first) / 2
    knots = [first, busy, last] if bent else [first, last]
    pixels = [low, (low + 2 * high) / 3, high] if bent else [low, high]
    return [knot.timestamp() for knot in knots], pixels


def _axis(days: Sequence[datetime], knots: Sequence[float], pixels: Sequence[float]) -> alt.X:
    """Time along x, with the first days of months, or every few days of a short time."""
    span = (days[-1] - days[0]).days
    every = "1mo" if span > 45 else f"{span // 6 + 1}d"
    ticks = pl.datetime_range(days[0].replace(day=1), days[-1], every, eager=True).dt.truncate(
        every
    )
    axis = alt.Axis(
        orient="top",
        values=ticks.filter(ticks > days[0]).dt.epoch("s").to_list(),
        labelExpr=f"utcFormat(1000 * datum.value, '{'%b %Y' if span > 300 else '%-d %b'}')",
        labelOverlap=True,
    )
    return alt.X("x:Q", scale=alt.Scale(domain=knots, range=pixels), axis=axis)


def _drawn(
    lanes: Sequence[Row], marks: Sequence[Row], x: alt.X, bent: Sequence[float], wide: bool
) -> Any:
    """Lanes with their events, and where the scale changes."""
    tall = lanes[-1]["end"]
    change = chart([{"x": knot} for knot in bent]).encode(x)
    rule = change.mark_rule(color=SOFT, strokeDash=[5, 4])
    told = change.mark_text(color=SOFT, align="center", y=tall, dy=8, text="scale changes here")
    lane = chart(lanes)
    lines = lane.mark_rule(color=GRID, x=0, x2=ROOMS[wide]).encode(alt.Y("end:Q", scale=None))
    names = texts(lane, "text", x=0, fontSize=_NAME, fontWeight="bold", lineHeight=16, **HALO)
    events = chart(marks).encode(x, _Y)
    points = events.mark_point(size=80, shape={"expr": "datum.shape"}).encode(_INK)
    says = texts(events, "text", lineHeight=16, **BESIDE, **HALO)
    layers = rule, told, lines, names.encode(_Y, _INK), points, says
    return layered(*layers, width=ROOMS[wide], height=tall)


def _flat(text: Any) -> str:
    return " ".join(str(text).split())
