"""The look of every chart, and a chart as static SVG that says what it shows."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any
from unicodedata import east_asian_width

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from impact.base import words

Vega = dict[str, Any]  # a chart, or a piece of one, in the words of Vega-Lite
WIDTHS = {True: 900, False: 360}  # pixels of a picture, wide and narrow
ROOMS = {True: 880, False: 340}  # and of what is in it
LOOK: Vega = json.loads(resources.files("impact.charts").joinpath("theme.json").read_text("utf-8"))
# name -> colour on a light page; the style sheet gives each another one on a dark page
COLOURS: dict[str, str] = LOOK["colours"]
# Every mark is told apart by place, label or dash too; 3 to 1 on paper, in light and dark.
INK, SOFT, GRID, PAPER, DEEP, PALE, OCHRE, RED, GREEN, WASH = COLOURS.values()
HUES = (RED, DEEP, GREEN, OCHRE, SOFT)
HALO: Vega = {"stroke": PAPER, "strokeWidth": 4, "strokeJoin": "round"}  # of a text
SMALL = 11.5
LONGEST = 500  # characters of a text

_NARROW, _WIDE = set("iljtfI.,:;'|! ()"), set("mwMW%@")


def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in pixels in DejaVu Sans, good to a few per cent; others are narrower."""
    ems = math.fsum(  # the same in every version of Python
        0.36 if c in _NARROW else 0.9 if c in _WIDE else 0.68 if c.isupper() else 0.61 for c in text
    )
    ems += 0.39 * sum(east_asian_width(c) in "WF" for c in text)  # as wide as they are high
    return ems * size * (1.1 if bold else 1.0)


def wrap(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """The text in lines no wider than `room`; a word that is wider is broken, into 8 or more."""
    lines = [""]
    for word in words.shown(text).split():
        most = max(8, int(len(word) * room / width(word, size, bold)))
        for at in range(0, len(word), most):
            part = word[at : at + most]
            longer = f"{lines[-1]} {part}".strip()
            if not lines[-1] or width(longer, size, bold) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


class Rows(str):
    """The data of a chart: a text to altair, which would look at each cell with every layer."""

    rows: list[dict[str, Any]]


Data = dict[int, tuple[str, list[dict[str, Any]]]]  # name and rows, by which rows they are


# A chart, or one in the words of Vega-Lite whose parts are charts: altair's own layers copy each
# part twice, and its rows of charts three times.
Drawn = alt.Chart | Vega


def described(
    draw: Callable[[bool], Drawn],
    title: str,
    subtitle: str,
    notices: Sequence[str],
    wide: bool,
) -> Vega:
    """A picture as its Vega-Lite description, its finding above it.

    altair checks each part against its schema, which takes three quarters of the time; the tests
    check every chart once instead.
    """
    with debug_mode(False), alt.data_transformers.enable(consolidate_datasets=False):
        data: Data = {}
        spec: Vega = _as_dict(draw(wide), data)
    spec["datasets"] = dict(data.values())
    room = ROOMS[wide]
    below = [line for text in (*notices, subtitle) for line in wrap(text, room, 12) if line]
    spec["config"] = LOOK["config"]
    if spec.get("width") == WIDTHS[wide]:  # its axes are in it
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["title"] = {"text": wrap(title, room, 16, bold=True), "subtitle": below}
    return spec


def _as_dict(part: Any, data: Data) -> Any:
    """A part of a picture as Vega-Lite has it, its rows by a name among `data`."""
    if isinstance(part, alt.SchemaBase):
        made: Vega = part.to_dict(validate=False, context={"top_level": False})
        if isinstance(values := made.get("data", {}).get("values"), Rows):
            name, _ = data.setdefault(id(values.rows), (str(len(data)), values.rows))
            made["data"] = {"name": name}
        return made
    if isinstance(part, dict):
        return {name: _as_dict(value, data) for name, value in part.items()}
    return [_as_dict(value, data) for value in part] if isinstance(part, list) else part


def _readable(part: Any) -> Any:
    """A part of a description with its texts as a reader may see them, and none endless."""
    if isinstance(part, dict):
        return {name: _readable(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_readable(value) for value in part]
    return words.shown(part, LONGEST) if isinstance(part, str) else part


def svg(spec: Vega, says: str) -> str:
    """A chart as SVG text that says what it shows, without script or outside address.

    It is drawn by vl-convert, in the process and without network; a control character would
    end the process (vl-convert 1.9): there is none. Its colours follow the page, and the edge of
    a text is behind it.
    """
    drawing = vl_convert.vegalite_to_svg(_readable(spec), vl_version="6.4", allowed_base_urls=[])
    drawing = re.sub(r' (?:role="graphics-[a-z]+"|aria-roledescription="[^"]*")', "", drawing)
    drawing = _HEX.sub(lambda hexa: _VARIABLES.get(hexa[0].lower(), hexa[0]), drawing)
    drawing = drawing.replace("<text ", '<text paint-order="stroke" ')
    description = html.escape(words.shown(says))
    head, _, rest = drawing.removeprefix("<svg").partition(">")
    return f'<svg role="img" aria-label="{description}"{head}><desc>{description}</desc>{rest}'


_VARIABLES = {colour: f"var(--{name},{colour})" for name, colour in COLOURS.items()}
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")


def plain(drawing: str) -> str:
    """A picture in its light colours, as wide as its place: for other pages than ours."""
    head, end, rest = drawing.partition(">")
    sized = re.sub(r' (?:width|height)="[^"]*"', "", head) + end + rest
    return re.sub(r"var\(--\w+,(#[0-9a-f]{6})\)", r"\1", sized)
