"""Pictures that are layouts: the path of an attack, and a timeline, as SVG at pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from math import inf
from typing import Any, NamedTuple

from impact.charts.canvas import SMALL, WIDTHS, Canvas, width, wrap

Row = Mapping[str, Any]
STATES = ("reach", "copied", "published")
_DRAWN = ("drawn", "rare")  # states whose chance is a bar


def path(
    template: Any,
    wide: bool,
    chain: Sequence[Any],
    rows: Sequence[Row],
    notices: Sequence[str] = (),
    marked: Sequence[int] = (),
) -> str:
    """The reported chain as boxes in reading order, a border, then bars of the assumed chances.

    `chain` holds steps for the macros `step_name`, `step_what` and `step_by` of the template, of
    which those at the places `marked` are dark; `rows` a chance and how it is known for each of
    STATES.
    """
    canvas = Canvas(WIDTHS[wide])
    canvas.head(template.title, template.subtitle, notices)
    trunk = _boxes(canvas, template, chain, wide, marked) if chain else None
    drawn = [row for row in rows if any(row[f"{state}_how"] in _DRAWN for state in STATES)]
    if drawn:
        _border(canvas, template, trunk)
        _bars(canvas, template, drawn, wide)
    return canvas.svg()


def _boxes(
    canvas: Canvas, template: Any, chain: Sequence[Any], wide: bool, marked: Sequence[int]
) -> float:
    """Boxes joined by arrows, in rows of five or one below the other; the x of the last one."""
    gap, many = (26, min(len(chain), 5)) if wide else (16, 1)
    w, x = (canvas.wide - gap * (many - 1)) / many, 0.0
    parts = (
        (template.step_name, 13, True),
        (template.step_what, 12, False),
        (template.step_by, SMALL, False),
    )
    texts = [
        [wrap(_flat(macro(step)), w - 18, size, bold) for macro, size, bold in parts]
        for step in chain
    ]
    for first in range(0, len(chain), many):
        line = range(first, min(first + many, len(chain)))
        high = max(17 * sum(map(len, texts[place])) + 14 for place in line)
        for place in line:
            x, middle = (place - first) * (w + gap), canvas.y + high / 2
            _box(canvas, x, w, high, texts[place], place in marked)
            if place + 1 in line:
                canvas.line([(x + w, middle), (x + w + gap, middle)], "deep", 2, arrow=True)
        canvas.y += high
        if line.stop < len(chain):
            start, end, below = x + w / 2, w / 2, canvas.y + (22 if wide else gap)
            bend = [(start, canvas.y + 9), (end, canvas.y + 9)] if wide else []
            canvas.line([(start, canvas.y), *bend, (end, below)], "deep", 2, arrow=True)
            canvas.y = below
    return x + w / 2 if wide else 8.0


def _box(
    canvas: Canvas, x: float, w: float, h: float, texts: Sequence[Sequence[str]], dark: bool
) -> None:
    """A step of the chain: its name, what was done and by whom."""
    name, what, by = texts
    canvas.rect(x, canvas.y, w, h, "deep" if dark else "pale", "deep")
    ink, soft = ("paper", "paper") if dark else ("ink", "soft")
    y = canvas.text(x + 9, canvas.y + 4, name, 13, ink, bold=True)
    canvas.text(x + 9, canvas.text(x + 9, y, what, 12, ink) + 2, by, SMALL, soft)


def _border(canvas: Canvas, template: Any, trunk: float | None) -> None:
    """A border where evidence ends, to which an arrow leads at the x of the last box."""
    y, room = canvas.y, canvas.wide
    if trunk is not None:
        canvas.line([(trunk, y), (trunk, y + 22)], "ochre", 1.6, dashed=True, arrow=True)
        y += 24
    canvas.line([(0, y), (room, y)], "ochre", 1.2, dashed=True)
    canvas.y = canvas.text(0, y + 4, template.border, 12, "ochre", bold=True, room=room) + 6


def _bars(canvas: Canvas, template: Any, rows: Sequence[Row], wide: bool) -> None:
    """A bar for the chance of each state of each row, or words where none is drawn."""
    states = [s for s in STATES if any(row[s] is not None for row in rows)]
    left, size = (250.0, 12) if wide else (0.0, SMALL)
    each, top = (canvas.wide - left) / len(states), canvas.y
    x_of = {state: left + place * each for place, state in enumerate(states)}
    for state, x in x_of.items():
        y = canvas.text(x, top, template.heads[state], SMALL, "soft", bold=True, room=each - 8)
        canvas.y = max(canvas.y, y)
    canvas.y += 6
    long = each - (118 if wide else 10)
    for row in rows:
        y = canvas.text(0, canvas.y, _flat(template.cell_who(row)), room=(left or canvas.wide) - 10)
        bar = canvas.y + 2 if wide else y + 2
        for state, x in x_of.items():
            how = row[f"{state}_how"]
            text = _flat(template.state_of(row[state], how)) if how else ""
            if how in _DRAWN:
                canvas.rect(x, bar, long, 15, "wash")
                canvas.rect(x, bar, max(long * row[state], 1.5), 15, "pale", "ochre", dashed=True)
                at = (x + long + 6, bar - 1) if wide else (x, bar + 15)
                canvas.text(*at, text, size)
            elif how:
                canvas.text(x, bar - 1, text, size, "soft")
        canvas.y = max(y + 6, bar + 24) if wide else bar + 38


_LANES = ("red", "deep", "green", "ochre", "soft")  # the colour of a lane
_GUTTER, _LABEL = 150, 240  # pixels left for the names of lanes, and the widest label
_NAME = 12.5  # size of the name of a lane
# share of the time in which three quarters of the events lie: less, and it is stretched
_BENT = 0.5


def timeline(
    template: Any,
    wide: bool,
    events: Sequence[Row],
    accounts: Sequence[Row],
    notices: Sequence[str] = (),
) -> str:
    """Events in lanes with packed labels, and below them a bar for each account of a window.

    `events`: `when`, `lane`, `label` (which begins with the day), in order; `accounts`: `who`,
    `opens`, `closes` (None while open), `says`, the best supported first.
    """
    canvas = Canvas(WIDTHS[wide])
    canvas.head(template.title, template.subtitle, notices)
    if events:
        _lanes(canvas, wide, events)
    if accounts:
        title, subtitle, room = template.window_title, template.window_subtitle, canvas.wide
        canvas.y = canvas.text(0, canvas.y + 10, title, 14, bold=True, room=room)
        canvas.y = canvas.text(0, canvas.y + 1, subtitle, 12, "soft", room=room) + 8
        _windows(canvas, wide, accounts)
    return canvas.svg()


def _noon(when: datetime) -> datetime:
    """The middle of a day that counts to its end."""
    return when - timedelta(hours=12) if f"{when:%H:%M:%S}" == "23:59:59" else when


def _midnight(when: datetime) -> datetime:
    return when.replace(hour=0, minute=0, second=0, microsecond=0)


class _Scale:
    """Days to x: where gaps are long, the first three quarters of events get most of the room."""

    def __init__(self, days: Sequence[datetime], low: float, high: float) -> None:
        self.first, self.last = days[0] - timedelta(days=1), days[-1] + timedelta(days=1)
        self.low, self.high = low, high
        busy = days[int(0.75 * (len(days) - 1))] + timedelta(days=2)
        share = (busy - self.first) / (self.last - self.first)
        self.bend = busy if share < _BENT and len(days) > 4 else None
        self.part = 0.66 if self.bend else 1.0

    def __call__(self, when: datetime) -> float:
        room, end = self.high - self.low, self.bend or self.last
        if when <= end:
            return self.low + room * self.part * ((when - self.first) / (end - self.first))
        share = (when - end) / (self.last - end)
        return self.low + room * (self.part + (1 - self.part) * share)


def _days(scale: _Scale) -> Iterator[tuple[float, str]]:
    """Ticks of a timeline: the first days of months, or every few days of a short time."""
    days = (scale.last - scale.first).days
    step = max(1, days // 8)
    for number in range(1, days + 1):
        day = _midnight(scale.first) + timedelta(days=number)
        if day.day == 1 or (days <= 45 and number % step == 0) or (days <= 120 and day.day == 15):
            x = scale(day)
            bent = scale.bend and abs(x - scale(scale.bend)) < 20  # two lines would look like one
            if scale.low + 8 < x < scale.high - 30 and not bent:
                yield x, f"{day.day} {day:%B}" if days < 300 else f"{day:%b %Y}"


def _grid(
    canvas: Canvas, ticks: Iterable[tuple[float, str]], apart: float, top: float, bottom: float
) -> None:
    """A line with its label above for each tick that is `apart` from the one before."""
    before = -inf
    for x, label in ticks:
        if x - before > apart:
            before = x
            canvas.text(x, top - 20, label, SMALL, "soft", anchor="middle")
            canvas.line([(x, top), (x, bottom)], "grid", 1)


class _Event(NamedTuple):
    """An event as it is drawn: x of its mark and its text, and the pixels that both take."""

    x: float
    text_x: float
    lines: list[str]
    anchor: str
    start: float
    end: float


class _Lane(NamedTuple):
    """A lane as it is drawn: its name at `y`, and each event with its y."""

    y: float
    name: list[str]
    events: list[tuple[float, _Event]]
    bottom: float


def _lanes(canvas: Canvas, wide: bool, events: Sequence[Row]) -> None:
    """All lanes one below the other, on a grid of days."""
    days = sorted(_noon(event["when"]) for event in events)
    scale = _Scale(days, (_GUTTER if wide else 6) + 8, canvas.wide - 10)
    top, lanes = canvas.y + 18, list[_Lane]()
    bottom = top
    for name in dict.fromkeys(event["lane"] for event in events):
        mine = [_event(canvas, event, scale, wide) for event in events if event["lane"] == name]
        lanes.append(_lane(name, mine, bottom + 6, wide))
        bottom = lanes[-1].bottom
    _grid(canvas, _days(scale), 74, top, bottom)
    if scale.bend:
        x = scale(scale.bend)
        canvas.line([(x, top), (x, bottom)], "soft", 1.2, dashed=True)
    for lane in lanes:
        canvas.line([(0, lane.bottom), (canvas.wide, lane.bottom)], "grid", 1)
    for place, lane in enumerate(lanes):
        _draw_lane(canvas, lane, place)
    canvas.y = bottom
    if scale.bend:
        x = min(scale(scale.bend), canvas.wide - 60)
        canvas.y = canvas.text(x, canvas.y, "scale changes here", SMALL, "soft", anchor="middle")
    canvas.y += 4


def _lane(name: str, events: Sequence[_Event], y: float, wide: bool) -> _Lane:
    """A lane that begins at `y`: its events in rows, in none of which one covers another."""
    rows: list[list[_Event]] = []
    for new in events:
        for row in rows:
            if all(new.end < event.start or new.start > event.end for event in row):
                row.append(new)
                break
        else:
            rows.append([new])
    heights = [max(len(event.lines) for event in row) * 16 + 6 for row in rows]
    starts = list(accumulate(heights, initial=y if wide else y + 20))
    placed = [(at, event) for at, row in zip(starts, rows, strict=False) for event in row]
    lines = wrap(name, _GUTTER - 12, _NAME, bold=True) if wide else [name]
    return _Lane(y, lines, placed, max(starts[-1], y + 17 * len(lines)) + 8)


def _event(canvas: Canvas, event: Row, scale: _Scale, wide: bool) -> _Event:
    """An event with its text to the right of its mark, or to the left where there is no room."""
    x, label = scale(_noon(event["when"])), event["label"]
    lines = wrap(label, _LABEL if wide else 200, SMALL)
    long = max(width(line, SMALL) for line in lines)
    if x + 9 + long < canvas.wide:
        return _Event(x, x + 9, lines, "start", x - 8, x + 13 + long)
    start = x - 13 - long
    if start < 0:
        lines, start = wrap(label, max(x - 16, 90), SMALL), 0.0
    return _Event(x, x - 9, lines, "end", start, x + 8)


def _draw_lane(canvas: Canvas, lane: _Lane, place: int) -> None:
    """The name and the events of a lane, each on a plate so that no line runs through a word."""
    colour = _LANES[place % len(_LANES)]
    long = max(width(line, _NAME, bold=True) for line in lane.name)
    canvas.rect(-2, lane.y, long + 4, 16 * len(lane.name), "paper")
    canvas.text(0, lane.y, lane.name, _NAME, colour, bold=True)
    for y, event in lane.events:
        long = max(width(line, SMALL) for line in event.lines)
        left = event.text_x - (long if event.anchor == "end" else 0)
        canvas.rect(left - 2, y, long + 4, 16 * len(event.lines), "paper")
        canvas.shape(event.x, y + 8, place, colour)
        canvas.text(event.text_x, y, event.lines, SMALL, anchor=event.anchor)


_OPEN = timedelta(hours=2)  # drawn of a window whose end is not known


def _windows(canvas: Canvas, wide: bool, accounts: Sequence[Row]) -> None:
    """A bar for each account, the best supported solid; hours above, or days of a long one."""
    left, opens = (235.0 if wide else 0.0), min(row["opens"] for row in accounts)
    last = max(row["closes"] or row["opens"] + _OPEN for row in accounts)
    room = 0.06 * max(last - opens, timedelta(minutes=10))
    low, high = opens - room, last + 2 * room

    def x_of(when: datetime) -> float:
        share: float = (when - low) / (high - low)
        return left + (canvas.wide - 8 - left) * share

    top, tall = canvas.y + 18, 30 if wide else 50
    bottom = top + tall * len(accounts) + 4
    ticks = ((x_of(when), label) for when, label in _hours(low, high))
    _grid(canvas, ((x, label) for x, label in ticks if x < canvas.wide - 24), 64, top, bottom)
    for place, row in enumerate(accounts):
        best, y = place == 0, top + place * tall + (0 if wide else 17)
        who = wrap(row["who"], (left or canvas.wide) - 12, 12, bold=True)[0]
        canvas.rect(0, y if wide else y - 16, width(who, 12, best) + 4, 16, "paper")
        canvas.text(0, y + 2 if wide else y - 16, who, 12, bold=best)
        _window(canvas, y, x_of(row["opens"]), x_of(row["closes"] or high), row["says"], best)
    canvas.y = bottom + 2


def _window(canvas: Canvas, y: float, start: float, end: float, text: str, best: bool) -> None:
    """The bar of an account, with its text in it, to its right or to its left."""
    fill, edge, ink = ("deep", "deep", "paper") if best else ("pale", "ochre", "ink")
    canvas.rect(start, y + 2, end - start, 20, fill, edge, not best)
    long = width(text, SMALL)
    if long + 12 < end - start:
        canvas.text(start + 7, y + 3, text, SMALL, ink)
    elif end + 8 + long < canvas.wide:
        canvas.rect(end + 4, y + 3, long + 6, 17, "paper")
        canvas.text(end + 7, y + 3, text, SMALL)
    else:
        canvas.rect(start - 10 - long, y + 3, long + 6, 17, "paper")
        canvas.text(max(start - 7, long), y + 3, text, SMALL, anchor="end")


def _hours(low: datetime, high: datetime) -> Iterator[tuple[datetime, str]]:
    """Ticks of a window: hours of a day, days of a longer time."""
    span, hour = high - low, timedelta(hours=1)
    if span > timedelta(days=3):
        for number in range(1, span.days + 1, max(1, span.days // 6)):
            when = _midnight(low) + timedelta(days=number)
            yield when, f"{when.day} {when:%b}"
        return
    when = low.replace(minute=0, second=0, microsecond=0) + hour
    while when < high:
        yield when, f"{when:%H:%M}"
        when += max(1, span // hour // 8) * hour


def _flat(text: Any) -> str:
    return " ".join(str(text).split())
