"""A picture at pixels as SVG text: rectangles, lines, dots and texts. Colours follow the page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from impact.base import words

# name -> colour on a light page; the style sheet gives each another one on a dark page
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
_LONGEST = 500  # characters of a text
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


def _joined(points: Iterable[tuple[float, float]]) -> str:
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
        opacity: float = 1.0,
    ) -> None:
        """A rectangle from its upper left corner, with an edge where one is named."""
        stroke = f' stroke="{_paint(edge)}" stroke-width="1.3"' if edge else ""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._marks.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{h:.1f}" rx="2"'
            f' fill="{_paint(fill)}" fill-opacity="{opacity:g}"{stroke}{dash}/>'
        )

    def line(
        self,
        points: Iterable[tuple[float, float]],
        colour: str = "soft",
        thick: float = 1.4,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """A line through points; `arrow` ends it with a tip along its last part."""
        found = list(points)
        path = f"M{_joined(found)}"
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        stroke = f'stroke="{_paint(colour)}" stroke-width="{thick:g}"{dash}'
        self._marks.append(f'<path d="{path}" fill="none" {stroke}/>')
        if arrow:
            (a, b), (x, y) = found[-2:]
            across, down = (x > a) - (x < a), (y > b) - (y < b)
            tips = [
                (x, y),
                (x - 7 * across - 4 * down, y - 7 * down - 4 * across),
                (x - 7 * across + 4 * down, y - 7 * down + 4 * across),
            ]
            self._marks.append(f'<path d="M{_joined(tips)}Z" fill="{_paint(colour)}"/>')

    def dot(self, x: float, y: float, radius: float, colour: str = "deep") -> None:
        """A disc."""
        self._marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{_paint(colour)}"/>'
        )

    def shape(self, x: float, y: float, kind: int, colour: str) -> None:
        """A mark of one of four shapes, so that colour is never the only carrier."""
        if kind % 4 == 0:
            self.dot(x, y, 5, colour)
            return
        sides = _SHAPES[kind % 4 - 1]
        path = _joined([(x + a, y + b) for a, b in sides])
        self._marks.append(f'<path d="M{path}Z" fill="{_paint(colour)}"/>')

    def text(
        self,
        x: float,
        y: float,
        lines: str | Sequence[str],
        size: float = SIZE,
        colour: str = "ink",
        bold: bool = False,
        anchor: str = "start",
    ) -> float:
        """Lines of text, the first below `y`; gives the y below the last."""
        weight = ' font-weight="bold"' if bold else ""
        for one in [lines] if isinstance(lines, str) else lines:
            y += round(size * 1.3)
            place = f'x="{x:.1f}" y="{y - size * 0.25:.1f}" text-anchor="{anchor}"{weight}'
            look = f'font-size="{size:g}" fill="{_paint(colour)}"'
            shown = html.escape(words.shown(one, _LONGEST))
            self._marks.append(f"<text {place} {look}>{shown}</text>")
        return y

    def head(self, title: str, subtitle: str, notices: Sequence[str] = ()) -> None:
        """The finding, and below it what the view supposes, then measure, unit and scope."""
        self.y = self.text(0, self.y, wrap(title, self.wide, 16, bold=True), 16, bold=True) + 2
        for said, colour in (*((notice, "red") for notice in notices), (subtitle, "soft")):
            self.y = self.text(0, self.y, wrap(said, self.wide, 12), 12, colour)
        self.y += 14

    def svg(self) -> str:
        """The picture, as high as what was drawn."""
        box = f'viewBox="-1 0 {self.wide + 2:g} {self.y + 4:.0f}" width="{self.wide:g}"'
        font = 'font-family="DejaVu Sans, Verdana, sans-serif"'
        inside = "".join(self._marks)
        return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>{inside}</svg>'
