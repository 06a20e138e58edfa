"""A picture at pixels as SVG text: rectangles, lines, dots and texts. Colours follow the page."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from impact.base import words

# name -> colour on a light page; the style sheet gives each another one on a dark page
WIDTHS = {True: 900, False: 360}  # pixels of a picture, wide and narrow
COLOURS = {
    "ink": "#1f2328",
    "soft": "#57606a",
    "grid": "#d8dee4",
    "paper": "#ffffff",
    "deep": "#004c78",
    "pale": "#dcebf5",
    "ochre": "#8f5600",
    "red": "#b34700",
    "green": "#00684a",
    "wash": "#f1f3f5",
}
SIZE, SMALL = 13.0, 11.5
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"  # vl-convert brings the second with it
Point = tuple[float, float]
LONGEST = 500  # characters of a text
_NARROW, _WIDE = set("iljtfI.,:;'|! ()"), set("mwMW%@")


def width(text: str, size: float = SIZE, bold: bool = False) -> float:
    """Width of a text in pixels in DejaVu Sans, good to a few per cent; others are narrower."""
    ems = sum(
        0.36 if c in _NARROW else 0.9 if c in _WIDE else 0.68 if c.isupper() else 0.61 for c in text
    )
    return ems * size * (1.1 if bold else 1.0)


def wrap(text: str, room: float, size: float = SIZE, bold: bool = False) -> list[str]:
    """The text in lines no wider than `room`; no word is broken but one of 40 letters or more."""
    lines = [""]
    for word in re.sub(r"(\S{40})(?=\S)", r"\1 ", str(text)).split():
        longer = f"{lines[-1]} {word}".strip()
        fits = not lines[-1] or width(longer, size, bold) <= room
        lines = [*lines[:-1], longer] if fits else [*lines, word]
    return lines


def _paint(name: str) -> str:
    return f"var(--{name},{COLOURS[name]})"


def _points(points: Sequence[Point]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


_SHAPES = (  # a square, a diamond and a triangle around a point
    ((-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)),
    ((0.0, -6.0), (6.0, 0.0), (0.0, 6.0), (-6.0, 0.0)),
    ((0.0, -5.5), (5.5, 4.5), (-5.5, 4.5)),
)


class Canvas:
    """Draws downwards from `y`; `svg` gives the picture cut to what was drawn."""

    def __init__(self, wide: float) -> None:
        self.wide, self.y = wide, 0.0
        self._marks: list[str] = []

    def rect(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        fill: str,
        edge: str = "",
        dashed: bool = False,
    ) -> None:
        """A rectangle from its upper left corner, with an edge where one is named."""
        stroke = f' stroke="{_paint(edge)}" stroke-width="1.3"' if edge else ""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._marks.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{h:.1f}" rx="2"'
            f' fill="{_paint(fill)}" fill-opacity="1"{stroke}{dash}/>'
        )

    def line(
        self,
        points: Sequence[Point],
        colour: str,
        thick: float,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """A line through points; `arrow` ends it with a tip along its last part."""
        path = f"M{_points(points)}"
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        stroke = f'stroke="{_paint(colour)}" stroke-width="{thick:g}"{dash}'
        self._marks.append(f'<path d="{path}" fill="none" {stroke}/>')
        if arrow:
            (a, b), (x, y) = points[-2:]
            across, down = (x > a) - (x < a), (y > b) - (y < b)
            tips = [
                (x, y),
                (x - 7 * across - 4 * down, y - 7 * down - 4 * across),
                (x - 7 * across + 4 * down, y - 7 * down + 4 * across),
            ]
            self._marks.append(f'<path d="M{_points(tips)}Z" fill="{_paint(colour)}"/>')

    def shape(self, x: float, y: float, kind: int, colour: str) -> None:
        """A mark of one of four shapes, so that colour is never the only carrier."""
        fill = f'fill="{_paint(colour)}"'
        if kind % 4 == 0:
            self._marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" {fill}/>')
        else:
            path = _points([(x + a, y + b) for a, b in _SHAPES[kind % 4 - 1]])
            self._marks.append(f'<path d="M{path}Z" {fill}/>')

    def text(
        self,
        x: float,
        y: float,
        lines: str | Sequence[str],
        size: float = SIZE,
        colour: str = "ink",
        bold: bool = False,
        anchor: str = "start",
        room: float = 0,
    ) -> float:
        """Lines of text, the first below `y`; gives the y below the last.

        A text is one line; with `room` it is wrapped to lines no wider than that.
        """
        if isinstance(lines, str):
            lines = wrap(lines, room, size, bold) if room else [lines]
        weight = ' font-weight="bold"' if bold else ""
        for line in lines:
            y += round(size * 1.3)
            place = f'x="{x:.1f}" y="{y - size * 0.25:.1f}" text-anchor="{anchor}"{weight}'
            look = f'font-size="{size:g}" fill="{_paint(colour)}"'
            text = html.escape(words.shown(line, LONGEST))
            self._marks.append(f"<text {place} {look}>{text}</text>")
        return y

    def head(self, title: str, subtitle: str, notices: Sequence[str] = ()) -> None:
        """The finding, and below it what the view supposes, then measure, unit and scope."""
        self.y = self.text(0, self.y, title, 16, bold=True, room=self.wide) + 2
        for notice in notices:
            self.y = self.text(0, self.y, notice, 12, "red", room=self.wide)
        self.y = self.text(0, self.y, subtitle, 12, "soft", room=self.wide) + 14

    def svg(self) -> str:
        """The picture, as high as what was drawn."""
        box = f'viewBox="-1 0 {self.wide + 2:g} {self.y + 4:.0f}" width="{self.wide:g}"'
        font = f'font-family="{FONT}"'
        inside = "".join(self._marks)
        return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>{inside}</svg>'
