"""`Answer`: the sentence that says the finding, the table behind it, its figures and its chart.

A number reaches a page, a terminal or a file in no other way.
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words

if TYPE_CHECKING:
    import altair as alt

MIME = "application/vnd.impact.answer+json"
CHARTS, LATER = "IMPACT_CHARTS", "later"  # in the environment: charts are left to be drawn
_WIDEST = 46  # characters of a column in a terminal


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
class Answer:
    """The answer to one question; it shows itself in a notebook and prints itself in a terminal.

    `heads` maps columns of `table` to headings, in the order shown; a column without one is for
    machines only. `label` is the TLP level of the view that it is an answer to, `currency` that of
    its amounts.
    `notes` are what a reader must know to read it; `notices` what the view supposes, said in the
    chart too. `draw` makes the chart.
    """

    name: str
    sentence: str
    table: pl.DataFrame = field(repr=False)
    label: str = field(repr=False, kw_only=True)
    currency: str = field(default="USD", repr=False, kw_only=True)
    heads: Mapping[str, str] = field(default_factory=dict, repr=False)
    figures: tuple[Figure, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = field(default=(), repr=False)
    draw: Callable[[], alt.TopLevelMixin] | None = field(default=None, repr=False, compare=False)

    def rows(self) -> list[list[str]]:
        """The table as shown: its headings, then its rows as text; nothing without headings."""
        if not self.heads:
            return []
        shown = self.table.select(list(self.heads))
        body = [
            [
                words.cell(name, value, self.currency)
                for name, value in zip(shown.columns, row, strict=True)
            ]
            for row in shown.iter_rows()
        ]
        return [list(self.heads.values()), *body]

    def chart(self) -> dict[str, Any] | None:
        """The chart, described, with its title and what it says; None without a chart."""
        if self.draw is None:
            return None
        from impact.charts import theme

        said = " ".join([*self.notices, self.sentence])
        spec = theme.described(self.draw, self.notices)
        return {"spec": spec, "title": self.name.replace("_", " "), "says": said}

    def svg(self) -> str | None:
        """The chart as static SVG whose description is the sentence; None without a chart."""
        from impact.charts import theme

        chart = self.chart()
        return None if chart is None else theme.svg(**chart)

    def record(self, later: bool = False) -> dict[str, Any]:
        """What a page needs of the answer, as JSON: texts only, but for the raw figures.

        With `later` it holds the chart described, to be drawn by whoever reads the record.
        """
        return {
            "name": self.name,
            "label": self.label,
            "sentence": self.sentence,
            "rows": self.rows(),
            "figures": [vars(figure) for figure in self.figures],
            "notes": list(self.notes),
            "svg": None if later else self.svg(),
            "chart": self.chart() if later else None,
        }

    def __str__(self) -> str:
        """The sentence, the table and the notes, for a terminal."""
        return as_text(self.sentence, self.rows(), self.notes)

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.rows(), self.notes)

    def _ipython_display_(self) -> None:
        """Text and table with the record that pages are made from, then the chart as an image."""
        from IPython.display import display

        record = self.record(later=os.environ.get(CHARTS) == LATER)
        text = {"text/plain": str(self), "text/html": self._repr_html_(), MIME: record}
        display(text, raw=True)  # type: ignore[no-untyped-call]
        if record["svg"] is not None:
            image = {"text/plain": self.sentence, "image/svg+xml": record["svg"]}
            display(image, raw=True)  # type: ignore[no-untyped-call]


def as_text(sentence: str, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """An answer as plain text: the sentence, the table in columns, and the notes."""
    shown = [[words.plain(text) for text in row] for row in rows]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*shown, strict=True)]
    lines = [
        "  ".join(_fit(text, width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    gap, told = [""] if lines else [], [words.shown(note) for note in notes]
    return "\n".join([words.shown(sentence), *gap, *lines, *gap, *told]).rstrip()


def as_html(sentence: str, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    """An answer as HTML: sentence, table and notes; every text escaped."""
    head, *body = ([[_escaped(text) for text in row] for row in rows]) or [[]]
    cells = "".join(f"<th scope='col'>{text}</th>" for text in head)
    lines = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>" for row in body)
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    told = "".join(f"<p><small>{_escaped(note)}</small></p>" for note in notes)
    return f"<p><b>{_escaped(sentence)}</b></p>{table if head else ''}{told}"


def _escaped(text: str) -> str:
    return html.escape(words.shown(text))


def _fit(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)
