"""Pictures that are layouts: the path of an attack, and a timeline, as SVG at pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from impact.charts.canvas import SMALL, Canvas, width, wrap
from impact.charts.theme import WIDTHS

Row = Mapping[str, Any]
STATES = ("reach", "copied", "published")
_DRAWN = ("drawn", "rare")  # states whose chance is a bar


def path(
    said: Any,
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
    c = Canvas(WIDTHS[wide])
    c.head(said.title, said.subtitle, notices)
    trunk = _boxes(c, said, chain, wide, marked) if chain else 0.0
    drawn = [row for row in rows if any(row[f"{state}_how"] in _DRAWN for state in STATES)]
    if drawn:
        _bars(c, said, drawn, trunk if chain else None, wide)
    return c.svg()


def _boxes(c: Canvas, said: Any, chain: Sequence[Any], wide: bool, marked: Sequence[int]) -> float:
    """Boxes joined by arrows, in rows of five or one below the other; the x of the last one."""
    gap, many = (26, min(len(chain), 5)) if wide else (16, 1)
    w = (c.wide - gap * (many - 1)) / many
    texts = [
        [
            wrap(_flat(macro(step)), w - 18, size, bold)
            for macro, size, bold in (
                (said.step_name, 13, True),
                (said.step_what, 12, False),
                (said.step_by, SMALL, False),
            )
        ]
        for step in chain
    ]
    tall = [sum(len(lines) * 17 for lines in one) + 14 for one in texts]
    middle = 0.0
    for first in range(0, len(chain), many):
        line = range(first, min(first + many, len(chain)))
        high = max(tall[place] for place in line)
        for place in line:
            x = (place - first) * (w + gap)
            _box(c, x, w, high, texts[place], place in marked)
            middle = c.y + high / 2
            if place + 1 in line:
                c.line([(x + w, middle), (x + w + gap, middle)], "deep", 2, arrow=True)
        c.y += high
        if first + many < len(chain):
            across = w / 2 if many > 1 else c.wide / 2
            from_x = (many - 1) * (w + gap) + w / 2 if many > 1 else across
            bend = c.y + 9
            points = [(from_x, c.y), (from_x, bend), (across, bend), (across, c.y + 22)]
            c.line(
                points if many > 1 else [(across, c.y), (across, c.y + gap)], "deep", 2, arrow=True
            )
            c.y += 22 if many > 1 else gap
    return ((len(chain) - 1) % many) * (w + gap) + w / 2 if wide else 8.0


def _box(
    c: Canvas, x: float, w: float, h: float, texts: Sequence[Sequence[str]], dark: bool
) -> None:
    name, what, by = texts
    c.rect(x, c.y, w, h, "deep" if dark else "pale", "deep")
    ink, soft = ("paper", "paper") if dark else ("ink", "soft")
    y = c.text(x + 9, c.y + 4, name, 13, ink, bold=True)
    c.text(x + 9, c.text(x + 9, y, what, 12, ink) + 2, by, SMALL, soft)


def _bars(c: Canvas, said: Any, rows: Sequence[Row], trunk: float | None, wide: bool) -> None:
    """A border where evidence ends, and below it a bar for the chance of each state of each row."""
    if trunk is not None:
        c.line([(trunk, c.y), (trunk, c.y + 22)], "ochre", 1.6, dashed=True, arrow=True)
        c.y += 24
    c.line([(0, c.y), (c.wide, c.y)], "ochre", 1.2, dashed=True)
    c.y = c.text(0, c.y + 4, wrap(said.border, c.wide, 12, bold=True), 12, "ochre", bold=True) + 6
    states = [s for s in STATES if any(row[s] is not None for row in rows)]
    left = 250.0 if wide else 0.0
    each, top = (c.wide - left) / len(states), c.y
    for place, state in enumerate(states):
        head = wrap(said.heads[state], each - 8, SMALL, bold=True)
        c.y = max(c.y, c.text(left + place * each, top, head, SMALL, "soft", bold=True))
    c.y += 6
    for row in rows:
        y = c.text(0, c.y, wrap(_flat(said.cell_who(row)), (left or c.wide) - 10), 13)
        bar = c.y + 2 if wide else y + 2
        for place, state in enumerate(states):
            if row[f"{state}_how"] in _DRAWN:
                x = left + place * each
                told = _flat(said.state_of(row[state], row[f"{state}_how"]))
                beside = each - (118 if wide else 10)
                c.rect(x, bar, beside, 15, "wash")
                c.rect(x, bar, max(beside * row[state], 1.5), 15, "pale", "ochre", dashed=True)
                at = (x + beside + 6, bar - 1) if wide else (x, bar + 15)
                c.text(*at, told, 12 if wide else SMALL)
            elif row[f"{state}_how"]:
                told = _flat(said.state_of(row[state], row[f"{state}_how"]))
                c.text(left + place * each, bar - 1, told, 12 if wide else SMALL, "soft")
        c.y = max(y + 6, bar + 24) if wide else bar + 38


_LANES = ("red", "deep", "green", "ochre", "soft")  # the colour of a lane
_GUTTER, _LABEL = 150, 240  # pixels left for the names of lanes, and the widest label


def timeline(
    said: Any,
    wide: bool,
    events: Sequence[Row],
    accounts: Sequence[Row],
    notices: Sequence[str] = (),
) -> str:
    """Events in lanes with packed labels, and below them a bar for each account of a window.

    `events`: `when`, `lane`, `label` (which begins with the day), in order; `accounts`: `who`,
    `opens`, `closes` (None while open), `says`, the best supported first.
    """
    c = Canvas(WIDTHS[wide])
    c.head(said.title, said.subtitle, notices)
    if events:
        _lanes(c, wide, events)
    if accounts:
        c.y = c.text(0, c.y + 10, wrap(said.window_title, c.wide, 14, bold=True), 14, bold=True)
        c.y = c.text(0, c.y + 1, wrap(said.window_subtitle, c.wide, 12), 12, "soft") + 8
        _windows(c, wide, accounts)
    return c.svg()


def _noon(when: datetime) -> datetime:
    """The middle of a day that counts to its end."""
    whole = (when.hour, when.minute, when.second) == (23, 59, 59)
    return when - timedelta(hours=12) if whole else when


class _Scale:
    """Days to x: the first nine tenths of the events get most of the room where gaps are long."""

    def __init__(self, days: Sequence[datetime], low: float, high: float) -> None:
        self.first, self.last = days[0] - timedelta(days=1), days[-1] + timedelta(days=1)
        self.low, self.high = low, high
        busy = days[int(0.75 * (len(days) - 1))] + timedelta(days=2)
        whole = (self.last - self.first).total_seconds()
        share = (busy - self.first).total_seconds() / whole
        self.bend = busy if share < _BENT and len(days) > 4 else None
        self.part = 0.66 if self.bend else 1.0

    def __call__(self, when: datetime) -> float:
        room, end = self.high - self.low, self.bend or self.last
        if when <= end:
            done = (when - self.first) / (end - self.first)
            return self.low + room * self.part * done
        done = (when - end) / (self.last - end)
        return self.low + room * (self.part + (1 - self.part) * done)


_BENT = (
    0.5  # share of the time in which three quarters of the events lie: less, and it is stretched
)


def _ticks(scale: _Scale) -> Iterator[tuple[float, str]]:
    """The first days of months, or every few days of a short time, far enough apart."""
    days = (scale.last - scale.first).days
    step, before = max(1, days // 8), -1e9
    for number in range(1, days + 1):
        day = scale.first.replace(hour=0, minute=0, second=0, microsecond=0)
        day += timedelta(days=number)
        if day.day == 1 or (days <= 45 and number % step == 0) or (days <= 120 and day.day == 15):
            x = scale(day)
            bent = scale.bend and abs(x - scale(scale.bend)) < 20  # two lines would look like one
            if x - before > 74 and scale.low + 8 < x < scale.high - 30 and not bent:
                before = x
                yield x, f"{day.day} {day:%B}" if days < 300 else f"{day:%b %Y}"


def _lanes(c: Canvas, wide: bool, events: Sequence[Row]) -> None:
    left = float(_GUTTER if wide else 6)
    days = sorted(_noon(event["when"]) for event in events)
    scale = _Scale(days, left + 8, c.wide - 10)
    top, marks = c.y + 18, list[tuple[Any, ...]]()
    lanes, y = list(dict.fromkeys(event["lane"] for event in events)), top + 6
    ends = []
    for place, lane in enumerate(lanes):
        colour = _LANES[place % len(_LANES)]
        if wide:
            below = y + 17 * len(wrap(lane, _GUTTER - 12, 12.5, bold=True))
        else:
            marks.append(("name", 0.0, y, [lane], colour, "start"))
            y += 20
            below = y
        rows = _packed(c, [e for e in events if e["lane"] == lane], scale, wide)
        heights = [max(len(lines) for _, _, lines, _ in row) * 16 + 6 for row in rows]
        starts = [y + done for done in accumulate([0, *heights])]
        if wide:
            marks.append(
                ("name", 0.0, y, wrap(lane, _GUTTER - 12, 12.5, bold=True), colour, "start")
            )
        for row, at in zip(rows, starts, strict=False):
            for x, text_x, lines, anchor in row:
                marks.append(("event", x, at, lines, colour, anchor, text_x, place))
        y = max(starts[-1], below) + 8
        ends.append(y)
        y += 6
    for x, told in _ticks(scale):
        c.text(x, top - 20, told, SMALL, "soft", anchor="middle")
        c.line([(x, top), (x, ends[-1])], "grid", 1)
    if scale.bend:
        x = scale(scale.bend)
        c.line([(x, top), (x, ends[-1])], "soft", 1.2, dashed=True)
    for at in ends:
        c.line([(0, at), (c.wide, at)], "grid", 1)
    _marked(c, marks)
    c.y = ends[-1]
    if scale.bend:
        c.y = c.text(
            min(scale(scale.bend), c.wide - 60),
            c.y,
            "scale changes here",
            SMALL,
            "soft",
            anchor="middle",
        )
    c.y += 4


def _packed(
    c: Canvas, events: Sequence[Row], scale: _Scale, wide: bool
) -> list[list[tuple[float, float, list[str], str]]]:
    """Rows of (x, x of the text, lines, anchor), none of which covers another."""
    rows: list[list[tuple[float, float, list[str], str]]] = []
    taken: list[list[tuple[float, float]]] = []
    for event in events:
        x = scale(_noon(event["when"]))
        lines = wrap(event["label"], _LABEL if wide else 200, SMALL)
        long = max(width(line, SMALL) for line in lines)
        right = x + 9 + long < c.wide
        span = (x - 8, x + 13 + long) if right else (x - 13 - long, x + 8)
        if not right and span[0] < 0:
            lines = wrap(event["label"], max(x - 16, 90), SMALL)
            span = (0.0, x + 8)
        place = next(
            (n for n, row in enumerate(taken) if all(span[1] < a or span[0] > b for a, b in row)),
            len(taken),
        )
        if place == len(taken):
            taken.append([])
            rows.append([])
        taken[place].append(span)
        rows[place].append((x, x + 9 if right else x - 9, lines, "start" if right else "end"))
    return rows


def _marked(c: Canvas, marks: Sequence[tuple[Any, ...]]) -> None:
    """Names of lanes and events, each label on a plate so that no line runs through a word."""
    for kind, x, y, lines, colour, anchor, *more in marks:
        text_x = more[0] if more else x
        size = SMALL if kind == "event" else 12.5
        long = max(width(line, size, kind == "name") for line in lines)
        c.rect(text_x - (long if anchor == "end" else 0) - 2, y, long + 4, 16 * len(lines), "paper")
        if kind == "event":
            c.shape(x, y + 8, more[1], colour)
        c.text(text_x, y, lines, size, colour if kind == "name" else "ink", kind == "name", anchor)


_OPEN = timedelta(hours=2)  # drawn of a window whose end is not known


def _windows(c: Canvas, wide: bool, accounts: Sequence[Row]) -> None:
    """A bar for each account, the best supported solid; hours above, or days of a long one."""
    left, opens = (235.0 if wide else 0.0), min(row["opens"] for row in accounts)
    last = max(row["closes"] or row["opens"] + _OPEN for row in accounts)
    room = timedelta(seconds=0.06 * max((last - opens).total_seconds(), 600))
    low, high = opens - room, last + 2 * room

    def x_of(when: datetime) -> float:
        share: float = (when - low) / (high - low)
        return left + (c.wide - 8 - left) * share

    top, tall = c.y + 18, 30 if wide else 50
    end, before = top + tall * len(accounts) + 4, -1e9
    for when, told in _hours(low, high):
        x = x_of(when)
        if x - before > 64 and x < c.wide - 24:
            before = x
            c.text(x, top - 20, told, SMALL, "soft", anchor="middle")
            c.line([(x, top), (x, end)], "grid", 1)
    for place, row in enumerate(accounts):
        y = top + place * tall + (0 if wide else 17)
        who = wrap(row["who"], (left or c.wide) - 12, 12, bold=True)[:2]
        size = width(who[0], 12, place == 0)
        c.rect(0, y - (0 if wide else 16), size + 4, 16, "paper")
        c.text(0, y + 2 if wide else y - 16, who[:1], 12, bold=place == 0)
        a, b = x_of(row["opens"]), x_of(row["closes"] or high)
        best, told = place == 0, row["says"]
        c.rect(
            a, y + 2, b - a, 20, "deep" if best else "pale", "deep" if best else "ochre", not best
        )
        long = width(told, SMALL)
        if long + 12 < b - a:
            c.text(a + 7, y + 3, told, SMALL, "paper" if best else "ink")
        elif b + 8 + long < c.wide:
            c.rect(b + 4, y + 3, long + 6, 17, "paper")
            c.text(b + 7, y + 3, told, SMALL)
        else:
            c.rect(a - 10 - long, y + 3, long + 6, 17, "paper")
            c.text(max(a - 7, long), y + 3, told, SMALL, anchor="end")
    c.y = end + 2


def _hours(low: datetime, high: datetime) -> Iterator[tuple[datetime, str]]:
    """Ticks of a window: hours of a day, days of a longer time."""
    span = high - low
    if span > timedelta(days=3):
        step, day = max(1, span.days // 6), low.replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(1, span.days + 1, step):
            when = day + timedelta(days=number)
            yield when, f"{when.day} {when:%b}"
        return
    hours = max(1, int(span.total_seconds() // 3600 // 8))
    when = low.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while when < high:
        yield when, f"{when:%H:%M}"
        when += timedelta(hours=hours)


def _flat(text: Any) -> str:
    return " ".join(str(text).split())
