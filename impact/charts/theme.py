"""The look of every chart, and a chart as static SVG that says what it shows."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from impact.base import words
from impact.charts.canvas import COLOURS, FONT, LONGEST, SMALL, WIDTHS, wrap

# Every mark is told apart by place, label or dash too; 3 to 1 on paper, in light and dark.
INK, SOFT, GRID, PAPER = (COLOURS[name] for name in ("ink", "soft", "grid", "paper"))
DEEP, PALE, OCHRE, RED, GREEN = (
    COLOURS[name] for name in ("deep", "pale", "ochre", "red", "green")
)

CONFIG: dict[str, Any] = {
    "aria": False,  # the whole picture is described; its marks would be in local time
    "background": PAPER,
    "font": FONT,
    "padding": {"left": 6, "right": 10, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": SOFT,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": GRID,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "labelLimit": 360,
        "title": None,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 360,
        "titleColor": SOFT,
        "labelColor": INK,
        "orient": "bottom",
        "columnPadding": 24,
        "title": None,
    },
    "title": {
        "fontSize": 16,
        "lineHeight": 20,
        "fontWeight": "bold",
        "color": INK,
        "anchor": "start",
        "frame": "bounds",
        "subtitleColor": SOFT,
        "subtitleFontSize": 12,
        "subtitleLineHeight": 16,
        "subtitlePadding": 6,
        "offset": 12,
    },
    "text": {"color": INK, "fontSize": SMALL, "align": "left", "lineBreak": "\n"},
    "point": {"filled": True, "opacity": 1},
    "circle": {"opacity": 1},
}


@dataclass(frozen=True)
class Rows:
    """Rows of a chart that altair does not copy each time it derives one chart from another."""

    rows: list[dict[str, Any]]

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows, as altair asks for them where it checks a chart."""
        return self.rows


def _convert(part: Any, change: Callable[[Any], Any]) -> Any:
    """A part of a description with each of its leaves changed."""
    if isinstance(part, dict):
        return {name: _convert(value, change) for name, value in part.items()}
    if isinstance(part, list):
        return [_convert(value, change) for value in part]
    return change(part)


def _plain_rows(leaf: Any) -> Any:
    return leaf.rows if isinstance(leaf, Rows) else leaf


def _visible(leaf: Any) -> Any:
    return words.shown(leaf, LONGEST) if isinstance(leaf, str) else leaf


def described(
    draw: Callable[[bool], str | alt.TopLevelMixin],
    title: str,
    subtitle: str,
    notices: Sequence[str],
    wide: bool,
) -> str | dict[str, Any]:
    """A picture: SVG as it is, a chart as its Vega-Lite description, its finding above it.

    altair checks each part against its schema, which takes three quarters of the time; the tests
    check every chart once instead.
    """
    with debug_mode(False), alt.data_transformers.enable(consolidate_datasets=False):
        drawn = draw(wide)
        if isinstance(drawn, str):
            return drawn
        spec: dict[str, Any] = _convert(drawn.to_dict(validate=False), _plain_rows)
    room = WIDTHS[wide] - 20
    below = [line for text in (*notices, subtitle) for line in wrap(text, room, 12) if line]
    spec["config"] = CONFIG
    if "layer" in spec or "mark" in spec:
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    if title:
        spec["title"] = {"text": wrap(title, room, 16, bold=True), "subtitle": below}
    return spec


def readable(part: Any) -> Any:
    """A part of a description with its texts as a reader may see them, and none endless."""
    return _convert(part, _visible)


def svg(drawing: str | dict[str, Any], name: str, says: str) -> str:
    """A picture as SVG text that says what it shows, without script or outside address.

    A chart is drawn by vl-convert, in the process and without network; a control character would
    end the process (vl-convert 1.9): there is none. Its colours follow the page.
    """
    if not isinstance(drawing, str):
        drawing = str(
            vl_convert.vegalite_to_svg(readable(drawing), vl_version="6.4", allowed_base_urls=[])
        )
        drawing = re.sub(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")', "", drawing)
        drawing = _HEX.sub(lambda hexa: _VARIABLES.get(hexa[0].lower(), hexa[0]), drawing)
    description = html.escape(words.shown(says))
    prefix = re.sub(r"[^a-z0-9]+", "-", name.lower())  # ids are one name space in a page
    names = dict.fromkeys(re.findall(r'\bid="([^"]+)"', drawing))
    ids = {name: f"{prefix}-{number}" for number, name in enumerate(names)}
    drawing = re.sub(
        r'(\bid="|url\(#)([^")]+)', lambda use: use[1] + ids.get(use[2], use[2]), drawing
    )
    return re.sub(
        r"<svg([^>]*)>",
        lambda start: (
            f'<svg role="img" aria-label="{description}"{start[1]}><desc>{description}</desc>'
        ),
        drawing,
        count=1,
    )


_VARIABLES = {colour: f"var(--{name},{colour})" for name, colour in COLOURS.items()}
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def plain(drawing: str) -> str:
    """A picture in its light colours, as wide as its place: for other pages than ours."""
    head, end, rest = drawing.partition(">")
    sized = re.sub(r' (?:width|height)="[^"]*"', "", head) + end + rest
    return re.sub(r"var\(--\w+,(#[0-9a-f]{6})\)", r"\1", sized)
