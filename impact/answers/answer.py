"""`Answer`: the words, the table, the figures and the picture of one question.

A number reaches a page, a terminal or a file in no other way. `worded` makes one from the facts of
a question and the template beside it.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers import text
from impact.base import words
from impact.case import views
from impact.case.folder import Case
from impact.simulation import Run

if TYPE_CHECKING:
    import altair as alt

MIME = "application/vnd.impact.answer+json"
CHARTS, LATER = "IMPACT_CHARTS", "later"  # in the environment: charts are left to be drawn
Picture = Callable[[bool], "alt.TopLevelMixin"]  # whether wide -> a chart
LOOKS = {"wide": True, "narrow": False}


@dataclass(frozen=True)
class Figure:
    """A number as computed and as printed: value and error in `unit`, and its text."""

    name: str
    value: float | None
    error: float | None
    unit: str
    text: str


def tally(name: str, many: int) -> Figure:
    """A count as a figure."""
    return Figure(name, float(many), None, "count", f"{many:,}")


def amount(name: str, value: float | None, error: float | None, currency: str) -> Figure:
    """An amount of money as a figure."""
    return Figure(name, value, error, currency, words.money(value, currency=currency))


@dataclass(frozen=True)
class Facts:
    """What Python knows of a question: a frame, values for its template, figures, a picture.

    `draw(said, wide)` draws it; `said` is the template with its facts, `wide` whether about 900 or
    360 pixels. An answer of which `there` is false has nothing to tell and is left out of a page;
    where it is `pictured`, the picture holds all that the table does. `notices` are those of
    another view than that which the answer is of. `shown` are the rows that readers see, where they
    are not those of the table.
    """

    table: pl.DataFrame
    values: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    draw: Callable[[Any, bool], alt.TopLevelMixin] | None = None
    there: bool = True
    pictured: bool = False
    name: str = ""
    label: str = ""
    notices: Sequence[str] = ()
    shown: pl.DataFrame | None = None


@dataclass(frozen=True)
class Answer:
    """The answer to one question; it shows itself in a notebook and prints itself in a terminal.

    `asks` is the question and `title` the finding; `lead` are paragraphs, all of them `sentence`.
    `shown` is the table in words, its headings first. `label` is the TLP level
    of the view that it is an answer to, `currency` that of its amounts. `notes` are what a reader
    must know to read it; `notices` what the view supposes, said in the chart too. `draw` makes the
    picture, wide or narrow, and `alt` says what it shows. `links` are the addresses of citations.
    """

    name: str
    sentence: str
    table: pl.DataFrame = field(repr=False)
    label: str = field(repr=False, kw_only=True)
    currency: str = field(default="USD", repr=False, kw_only=True)
    figures: tuple[Figure, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = field(default=(), repr=False)
    draw: Picture | None = field(default=None, repr=False, compare=False)
    asks: str = field(default="", kw_only=True)
    title: str = field(default="", kw_only=True)
    subtitle: str = field(default="", repr=False, kw_only=True)
    lead: tuple[str, ...] = field(default=(), repr=False, kw_only=True)
    shown: tuple[tuple[str, ...], ...] = field(default=(), repr=False, kw_only=True)
    alt: str = field(default="", repr=False, kw_only=True)
    links: Mapping[str, str] = field(default_factory=dict, repr=False, kw_only=True)
    there: bool = field(default=True, repr=False, kw_only=True)
    pictured: bool = field(default=False, repr=False, kw_only=True)

    def rows(self) -> list[list[str]]:
        """The table as shown: its headings, then its rows as text; empty without a table."""
        return [list(row) for row in self.shown]

    def charts(self) -> dict[str, Any]:
        """The picture in each width, described in Vega-Lite; nothing without a picture."""
        if self.draw is None:
            return {}
        from impact.charts import theme

        said = self.title, self.subtitle, self.notices
        return {look: theme.described(self.draw, *said, wide) for look, wide in LOOKS.items()}

    def svg(self, look: str = "wide") -> str | None:
        """The picture as static SVG whose description is `alt`; None without one."""
        from impact.charts import theme

        chart = self.charts().get(look)
        return None if chart is None else theme.svg(chart, self.told())

    def told(self) -> str:
        """What the picture shows, for those who do not see it."""
        return " ".join([*self.notices, self.alt or self.sentence])

    def record(self, later: bool = False) -> dict[str, Any]:
        """What a page needs of the answer, as JSON: texts only, but for the raw figures.

        With `later` it holds the charts described, to be drawn by whoever reads the record.
        """
        kept = ("name", "label", "asks", "title", "sentence", "alt", "there", "pictured")
        found = {
            **{key: getattr(self, key) for key in kept},
            "lead": list(self.lead or (self.sentence,)),
            "rows": self.rows(),
            "figures": [vars(figure) for figure in self.figures],
            "notes": list(self.notes),
            "links": dict(self.links),
            "told": self.told(),
        }
        if later:
            return {**found, "svg": {}, "charts": self.charts()}
        drawn = {look: self.svg(look) for look in LOOKS} if self.draw else {}
        return {**found, "svg": drawn, "charts": {}}

    def __str__(self) -> str:
        """Words, table and notes, for a terminal."""
        return as_text(self._texts(), shutil.get_terminal_size((100, 24)).columns)

    def _texts(self) -> dict[str, Any]:
        lead = list(self.lead or (self.sentence,))
        return {"lead": lead, "rows": self.rows(), "notes": list(self.notes)}

    def _repr_html_(self) -> str:
        return as_html({**self._texts(), "asks": self.asks, "links": self.links})

    def _ipython_display_(self) -> None:
        """Text and table with the record that pages are made from, then the chart as an image."""
        from IPython.display import display

        from impact.charts import theme

        record = self.record(later=os.environ.get(CHARTS) == LATER)
        text = {"text/plain": str(self), "text/html": self._repr_html_(), MIME: record}
        display(text, raw=True)  # type: ignore[no-untyped-call]
        if record["svg"]:
            image = {"text/plain": self.told(), "image/svg+xml": theme.plain(record["svg"]["wide"])}
            display(image, raw=True)  # type: ignore[no-untyped-call]


_ROWS = 15  # of a table that is shown; pictures, figures and the frame have all


def worded(of: Run | Case | None, template: str, facts: Facts) -> Answer:
    """The answer of facts in the words of a template: its parts, its table, its figures.

    `of` is None where there is no case: then the facts have the label.
    """
    known = of.known if isinstance(of, Run) else of
    currency = known.currency if known else "USD"
    rows = (facts.table if facts.shown is None else facts.shown).to_dicts()
    shared = {**(text.shared(known) if known else {"links": {}})}
    shared["draws"] = of.draws if isinstance(of, Run) else 0
    said = text.parts(template, {**shared, **facts.values, text.ROWS: rows})
    declared = list(text.columns(getattr(said, text.COLUMNS, "")))
    most = getattr(said, text.MOST, _ROWS)
    left = text.parts("rest", {"most": most, "rows": len(rows)}) if len(rows) > most else None
    shown = _table(said, [each for each in declared if each[1]], rows[:most], currency)
    figures = [] if facts.figures else list(_declared(declared, rows, currency))
    title, lead = text.one_line(said.title), text.paragraphs(said.lead)
    draw, parts = facts.draw, said
    return Answer(
        name=facts.name or template,
        sentence=" ".join(line.removeprefix("- ") for line in lead)
        or title + "." * (title[-1:] not in ".?"),
        table=facts.table,
        label=facts.label or (known.label if known else ""),
        currency=currency,
        figures=(*figures, *facts.figures),
        notes=text.paragraphs(getattr(said, "notes", "") + (left.notes if left and shown else "")),
        notices=tuple(dict.fromkeys([*(views.notices(known) if known else ()), *facts.notices])),
        draw=None if draw is None else lambda wide: draw(parts, wide),
        asks=text.one_line(said.asks),
        title=title,
        subtitle=text.one_line(getattr(said, "subtitle", "")),
        lead=lead,
        shown=shown,
        alt=text.one_line(getattr(said, "alt", "")),
        links=shared["links"],
        there=facts.there,
        pictured=facts.pictured and draw is not None,
    )


def _declared(
    declared: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]], code: str
) -> Iterator[Figure]:
    """A figure for each number of a declared table, where an answer gives none of its own."""
    for column, _, unit in declared:
        for row in rows if unit and unit != "date" else ():
            told = text.show(row[column], unit, code)
            of = code if unit == "money" else unit
            yield Figure(f"{column}.{row['id']}", row[column], None, of, told)


def as_text(told: Mapping[str, Any], width: int = 100) -> str:
    """An answer as plain text of so many columns, 40 at least: words, the table, and the notes."""
    wide = max(40, width)
    lead = [_filled(words.shown(one), wide) for one in told["lead"]]
    notes = [_filled(words.shown(one), wide) for one in told["notes"]]
    table = _in_columns([[words.shown(cell) for cell in row] for row in told["rows"]], wide)
    return "\n\n".join(part for part in ("\n".join(lead), table, "\n".join(notes)) if part)


def _filled(line: str, wide: int) -> str:
    return textwrap.fill(line, wide, subsequent_indent="  " * line.startswith("- "))


_LONG = 24  # characters of a word that a column of a terminal keeps whole


def _in_columns(rows: Sequence[Sequence[str]], wide: int) -> str:
    """A table no wider than the terminal: the widest columns are wrapped, nothing is cut."""
    if len(rows) < 2:
        return ""
    need = [max(map(len, column)) for column in zip(*rows, strict=True)]
    least = [
        min(_LONG, max(len(word) for cell in column for word in (*cell.split(), "")))
        for column in zip(*rows, strict=True)
    ]
    while sum(need) + 2 * (len(need) - 1) > wide:
        spare = [(width, place) for place, width in enumerate(need) if width > least[place]]
        if not spare:
            break
        need[max(spare)[1]] -= 1
    lines = []
    for row in rows:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, need, strict=True)]
        for place in range(max(map(len, cells))):
            parts = [cell[place] if place < len(cell) else "" for cell in cells]
            line = "  ".join(part.ljust(width) for part, width in zip(parts, need, strict=True))
            lines.append(line.rstrip())
    return "\n".join(lines)


_LABEL = re.compile(r"([A-Z]{2,}(?: [A-Z]+)*): ")


def as_html(told: Mapping[str, Any]) -> str:
    """An answer as HTML: words, table and notes; every text escaped, and no "$" is mathematics."""
    links = told.get("links") or {}
    head, *body = told["rows"] or [[]]
    cells = "".join(f"<th scope='col'>{_escaped(cell)}</th>" for cell in head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{linked(cell, links)}</td>' for cell in row)}</tr>" for row in body
    )
    table = f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody>" if body else ""
    table = (
        f"<table style='text-align:left;overflow-wrap:anywhere'>{table}</table>" if table else ""
    )
    heading = f"<h3>{_escaped(told['asks'])}</h3>" if told.get("asks") else ""
    notes = "".join(f"<p><small>{_escaped(note)}</small></p>" for note in told["notes"])
    lead = blocks(told["lead"], links)
    return f"<div class='mathjax_ignore tex2jax_ignore'>{heading}{lead}{table}{notes}</div>"


def blocks(lead: Sequence[str], links: Mapping[str, str]) -> str:
    """Paragraphs as HTML: lists of items, labels in bold, citations with their addresses."""
    found = []
    for line in lead:
        label = _LABEL.match(line)
        if line.startswith("- "):
            found.append(f"<ul><li>{linked(line[2:], links)}</li></ul>")
        elif label:
            found.append(f"<p><b>{label[1]}</b> {linked(line[label.end() :], links)}</p>")
        else:
            found.append(f"<p>{linked(line, links)}</p>")
    return "".join(found).replace("</ul><ul>", "")


def linked(line: str, links: Mapping[str, str]) -> str:
    """A text as HTML in which a citation, in brackets or alone, leads to its source."""
    if line in links:
        return _link(_escaped(line), links[line])
    shown = _escaped(line)
    for told, address in links.items():
        if told.startswith("(") and (cited := _escaped(told)) in shown:
            shown = shown.replace(cited, f"({_link(cited[1:-1], address)})")
    return shown


def _link(text: str, address: str) -> str:
    safe = words.web_address(address)
    return (
        f'<a href="{html.escape(safe, quote=True)}" rel="noreferrer">{text}</a>' if safe else text
    )


def _table(
    said: Any,
    declared: Sequence[tuple[str, str, str]],
    rows: Sequence[Mapping[str, Any]],
    code: str,
) -> tuple[tuple[str, ...], ...]:
    """The declared table in words, without the columns that are empty in every row."""

    def cell(column: str, unit: str, row: Mapping[str, Any]) -> str:
        if macro := getattr(said, f"cell_{column}", None):
            return text.one_line(macro(row))
        return text.one_line(text.show(row[column], unit, code))

    found = [[cell(column, unit, row) for row in rows] for column, _, unit in declared]
    kept = [place for place, cells in enumerate(found) if any(cells)]
    if not kept:
        return ()
    heads = tuple(declared[place][1] for place in kept)
    return (heads, *zip(*(found[place] for place in kept), strict=True))


def _escaped(line: str) -> str:
    return html.escape(words.shown(line))
