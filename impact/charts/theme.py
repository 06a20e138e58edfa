"""The look of every chart, and a chart as static SVG that says what it shows."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from impact import words

# Okabe and Ito (2008), told apart with any colour vision; never the only carrier of a meaning.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
)
INK, SOFT, GRID, PAPER = "#1f2328", "#59636e", "#d8dee4", "#ffffff"
WARN = "#b34f00"  # 5.2 to 1 on paper
_LONGEST = 500  # characters of a text in a chart

CONFIG: dict[str, Any] = {
    "aria": False,  # the whole picture is described; its marks would be in local time
    "background": PAPER,
    "font": "DejaVu Sans, Verdana, sans-serif",
    "padding": 6,
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
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 360,
        "titleColor": SOFT,
        "labelColor": INK,
        "orient": "bottom",
    },
    "title": {"fontSize": 13, "fontWeight": "bold", "color": INK, "anchor": "start"},
    "text": {"color": INK, "fontSize": 12},
}


@dataclass(frozen=True)
class Rows:
    """Rows of a chart that altair does not copy each time it derives one chart from another."""

    rows: list[dict[str, Any]]

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows, as altair asks for them where it checks a chart."""
        return self.rows


def _written(part: Any) -> Any:
    """A part of a description with its rows as plain lists."""
    if isinstance(part, dict):
        return {name: _written(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_written(value) for value in part]
    return part.rows if isinstance(part, Rows) else part


def described(draw: Callable[[], alt.TopLevelMixin], notices: Sequence[str] = ()) -> dict[str, Any]:
    """The Vega-Lite description of a chart in this look, with notices above it.

    altair checks each part against its schema, which takes three quarters of the time; the tests
    check every chart once instead.
    """
    with debug_mode(False), alt.data_transformers.enable(consolidate_datasets=False):
        spec: dict[str, Any] = _written(draw().to_dict(validate=False))
    spec["config"] = CONFIG
    if notices:
        lines = [line for notice in notices for line in textwrap.wrap(notice, 90)]
        spec["title"] = {"text": lines, "color": WARN}
    return spec


def readable(part: Any) -> Any:
    """A part of a description with its texts as a reader may see them, and none endless."""
    if isinstance(part, dict):
        return {name: readable(value) for name, value in part.items()}
    if isinstance(part, list):
        return [readable(value) for value in part]
    return words.shown(part, _LONGEST) if isinstance(part, str) else part


def svg(spec: dict[str, Any], title: str, says: str) -> str:
    """A described chart as SVG text that says what it shows, without script or outside address.

    vl-convert draws it in the process, without browser or network; its SVG has no description, so
    one is added here. A control character would end the process (vl-convert 1.9): there is none.
    """
    drawn = str(vl_convert.vegalite_to_svg(readable(spec), vl_version="6.4", allowed_base_urls=[]))
    drawn = re.sub(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")', "", drawn)
    title, says = words.shown(title), words.shown(says)
    told = f"<title>{html.escape(title)}</title><desc>{html.escape(says)}</desc>"
    name = html.escape(says, quote=True)
    prefix = re.sub(r"[^a-z0-9]+", "-", title.lower())  # ids are one name space in a page
    found = dict.fromkeys(re.findall(r'\bid="([^"]+)"', drawn))  # numbered on from chart to chart
    ids = {name: f"{prefix}-{number}" for number, name in enumerate(found)}
    drawn = re.sub(r'(\bid="|url\(#)([^")]+)', lambda at: at[1] + ids.get(at[2], at[2]), drawn)
    return re.sub(
        r"<svg([^>]*)>",
        lambda start: f'<svg role="img" aria-label="{name}"{start[1]}>{told}',
        drawn,
        count=1,
    )
