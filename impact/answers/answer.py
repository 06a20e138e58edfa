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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from impact.answers import text
from impact.base import words
from impact.case import heads
from impact.case.folder import Case
from impact.measures.frames import frame as frame
from impact.simulation import Run

if TYPE_CHECKING:
    from impact.charts import theme

MIME = "application/vnd.impact.answer+json"
CHARTS, LATER = "IMPACT_CHARTS", "later"  # in the environment: charts are left to be drawn
Picture = Callable[[bool], "theme.Drawn"]  # whether wide -> one chart or several
LOOKS = {"wide": True, "narrow": False}


@dataclass(frozen=True)
class Figure:
    """A number as computed and as printed: value and error in `unit`, and its text."""

    name: str
    value: float | None
    error: float | None
    unit: str
    text: str


def figure(name: str, value: float | None, unit: str, error: float | None = None) -> Figure:
    """A value of a unit, a currency among them, as a figure that prints as all of its unit do."""
    said = text.show(value, unit)
    return Figure(name, None if value is None else float(value), error, unit, said)


def tallies(name: str, counted: Mapping[str, int]) -> list[Figure]:
    """Counts of several words as figures, NAME.WORD each."""
    return [
        figure(f"{name}.{word.replace(' ', '_')}", many, "count") for word, many in counted.items()
    ]


def counted(values: Iterable[str], said: Iterable[str]) -> dict[str, int]:
    """How many of some values are each of the words that they may be."""
    found = Counter(values)
    return {word: found[word] for word in said}


def pictures() -> ModuleType:
    """The charts, which wait for altair: not before one is drawn."""
    from impact.charts import pictures as drawn

    return drawn


def layouts() -> ModuleType:
    """The charts that are layouts, which wait likewise."""
    from impact.charts import layouts as drawn

    return drawn


@dataclass(frozen=True, repr=False, eq=False)
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
    table: pl.DataFrame
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    draw: Picture | None = None
    _: KW_ONLY
    label: str
    currency: str = "USD"
    asks: str = ""
    title: str = ""
    subtitle: str = ""
    lead: tuple[str, ...] = ()
    shown: tuple[tuple[str, ...], ...] = ()
    alt: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    there: bool = True
    pictured: bool = False

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
        from impact.charts import theme

        kept = ("name", "label", "title", "sentence", "alt", "there", "pictured")
        charts, told = self.charts(), self.told()
        return {
            **{key: getattr(self, key) for key in kept},
            **self._texts(),
            "figures": [vars(figure) for figure in self.figures],
            "told": told,
            "svg": {} if later else {look: theme.svg(charts[look], told) for look in charts},
            "charts": charts if later else {},
        }

    def __str__(self) -> str:
        """Words, table and notes, for a terminal."""
        return as_text(self._texts(), shutil.get_terminal_size((100, 24)).columns)

    def __repr__(self) -> str:
        return f"Answer({self.name!r}, {self.sentence!r})"

    def _texts(self) -> dict[str, Any]:
        return {
            "asks": self.asks,
            "lead": list(self.lead or (self.sentence,)),
            "rows": self.rows(),
            "notes": list(self.notes),
            "links": dict(self.links),
        }

    def _repr_html_(self) -> str:
        return as_html(self._texts())

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


def worded(
    of: Run | Case | None,
    template: str,
    table: pl.DataFrame,
    values: Mapping[str, Any],
    figures: Iterable[Figure] = (),
    draw: Callable[[Any, bool], Any] | None = None,
    *,
    name: str = "",
    label: str = "",
    notices: Sequence[str] = (),
    there: bool | None = None,
    pictured: bool = False,
    shown: pl.DataFrame | None = None,
) -> Answer:
    """The answer of facts in the words of a template: its parts, its table, its figures.

    `of` is None where there is no case: then there is a `label`. `draw(said, wide)` draws the
    picture; `said` is the template with its facts, `wide` whether about 900 or 360 pixels. An
    answer that is not `there`, because its table is empty where nothing else says so, has nothing
    to tell and no picture, and is left out of a page; where it is `pictured`, the picture holds
    all that the table does. `notices` are those of another view than that which the answer is of.
    `shown` are the rows that readers see, where they are not those of the table.
    """
    known = of.known if isinstance(of, Run) else of
    rows = (table if shown is None else shown).to_dicts()
    currency = known.currency if known else "USD"
    shared = text.shared(known) if known else {"links": {}}
    shared["draws"] = of.draws if isinstance(of, Run) else 0
    said = text.parts(template, {**shared, **values, "rows": rows})
    declared = [*text.columns(getattr(said, "columns", ""))]
    most = getattr(said, "at_most", _ROWS)
    cells = _table(said, declared, rows[:most], currency)
    rest = text.parts("rest", {"most": most, "rows": len(rows) if cells else 0})
    there = bool(rows) if there is None else there
    return Answer(
        name=name or template,
        table=table,
        label=label or (known.label if known else ""),
        currency=currency,
        figures=(*_declared(declared, table, currency), *figures),
        notices=tuple(dict.fromkeys([*(heads.notices(known) if known else ()), *notices])),
        draw=(lambda wide: draw(said, wide)) if draw and there else None,
        shown=cells,
        links=shared["links"],
        there=there,
        pictured=pictured,
        **_parts(said, rest.notes),
    )


def _parts(said: Any, rest: Any) -> dict[str, Any]:
    """The texts of a template: its paragraphs, all of them as one, its notes, and what is short."""
    short = ("asks", "title", "subtitle", "alt")
    told = {part: text.one_line(getattr(said, part, "")) for part in short}
    lead, title = text.paragraphs(said.lead), told["title"]
    whole = " ".join(line.removeprefix("- ") for line in lead)
    return {
        **told,
        "lead": lead,
        "sentence": whole or title + "." * (title[-1:] not in ".?"),
        "notes": text.paragraphs(getattr(said, "notes", "") + rest),
    }


def _declared(
    declared: Iterable[Sequence[str]], table: pl.DataFrame, currency: str
) -> Iterator[Figure]:
    """A figure of each row for each column of a declared table that names one, with its error."""
    named = [(column, unit, name) for column, _, unit, name in declared if name]
    for row in table.iter_rows(named=True) if named else ():
        for column, unit, name in named:
            error = f"{column}_error".replace("_usd_error", "_error_usd")
            of = currency if unit == "money" else unit
            yield figure(f"{name}.{row['id']}", row[column], of, row.get(error))


def as_text(told: Mapping[str, Any], width: int = 100) -> str:
    """An answer as plain text of so many columns, 40 at least: words, the table, and the notes."""
    wide = max(40, width)
    lead, notes = (
        [
            textwrap.fill(words.shown(line), wide, subsequent_indent="  " * line.startswith("- "))
            for line in told[part]
        ]
        for part in ("lead", "notes")
    )
    table = _in_columns([[words.shown(cell) for cell in row] for row in told["rows"]], wide)
    return "\n\n".join(part for part in ("\n".join(lead), table, "\n".join(notes)) if part)


def _in_columns(rows: Sequence[Sequence[str]], wide: int) -> str:
    """A table no wider than the terminal: its columns are wrapped, nothing is cut."""
    look = pl.Config(
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_names=True,
        tbl_hide_column_data_types=True,
        tbl_formatting="NOTHING",
        tbl_width_chars=wide + 2,  # a space before and after, which are taken off below
        tbl_rows=-1,
        tbl_cols=-1,
        fmt_str_lengths=1_000_000,
    )
    with look:
        lines = str(pl.DataFrame(rows, orient="row")).splitlines() if rows else []
    return "\n".join(line[1:].rstrip() for line in lines)


def as_html(told: Mapping[str, Any]) -> str:
    """An answer as HTML: words, table and notes; every text escaped, and no "$" is mathematics."""
    return str(text.parts("html", {**told, "linked": linked, "blocks": blocks, "safe": _escaped}))


_LABEL = re.compile(r"^([A-Z]{2,}(?: [A-Z]+)*): ")


def blocks(lead: Sequence[str], links: Mapping[str, str]) -> str:
    """Paragraphs as HTML: lists of items, labels in bold, citations with their addresses."""
    found = []
    for line in lead:
        if line.startswith("- "):
            found.append(f"<ul><li>{linked(line[2:], links)}</li></ul>")
        else:
            labelled = _LABEL.sub(r"<b>\1</b> ", linked(line, links))
            found.append(f"<p>{labelled}</p>")
    return "".join(found).replace("</ul><ul>", "")


def linked(line: str, links: Mapping[str, str]) -> str:
    """A text as HTML in which a citation, in brackets or alone, leads to its source."""
    if line in links:
        return _link(_escaped(line), links[line])
    shown = _escaped(line)
    for told, address in links.items():
        if told.startswith("("):
            cited = _escaped(told)
            shown = shown.replace(cited, f"({_link(cited[1:-1], address)})")
    return shown


def _link(text: str, address: str) -> str:
    safe = html.escape(words.web_address(address))
    return f'<a href="{safe}" rel="noreferrer">{text}</a>' if safe else text


def _escaped(line: str) -> str:
    return html.escape(words.shown(line))


def _table(
    said: Any, declared: Sequence[Sequence[str]], rows: Sequence[Mapping[str, Any]], currency: str
) -> tuple[tuple[str, ...], ...]:
    """The declared table in words, without the columns that are empty in every row."""

    def cell(column: str, unit: str, row: Mapping[str, Any]) -> str:
        macro = getattr(said, f"cell_{column}", None)
        return text.one_line(macro(row) if macro else text.show(row[column], unit, currency))

    columns = [
        (head, *(cell(column, unit, row) for row in rows))
        for column, head, unit, _ in declared
        if head
    ]
    return tuple(zip(*(column for column in columns if any(column[1:])), strict=True))
