"""What `impact show` prints: exposure and losses of a run, as text and as JSON."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

import polars as pl

from impact.answers import text as text_of
from impact.answers.brief import bottom_line
from impact.answers.evidence import window_sentence
from impact.answers.exposure import exposure
from impact.answers.losses import losses, told_bearers
from impact.answers.tails import next_year
from impact.answers.text import lower_first
from impact.base import times, words
from impact.base.errors import bad, did_you_mean
from impact.case import folder, heads
from impact.case.views import moment_of
from impact.measures.evidence import names
from impact.measures.loss import by_form
from impact.measures.questions import ranking
from impact.measures.reach import chances
from impact.simulation import Run

_MEASURES = ("mean_usd", "p50_usd", "p90_usd", "p95_usd", "p99_usd", "tvar95_usd", "mean_error_usd")
_QUESTIONS = 12  # of a mail: a page holds no more


def mail(run: Run, to: str = "") -> str:
    """The questions to send, as plain text: to all who can answer, or to those that `to` names.

    Raises BadInput where nobody of that name is asked.
    """
    groups, to = dict[str, list[str]](), names(run.known).get(to, to)
    for row in ranking(run).head(_QUESTIONS).iter_rows(named=True):
        if to.casefold() in row["ask"].casefold():
            groups.setdefault(row["ask"], []).append(row["question"])
    if not groups:
        asked = sorted(set(ranking(run)["ask"]))
        repair = did_you_mean(to, asked, f"one of {', '.join(asked)}" if asked else "ask nobody")
        raise bad("--to", f'nothing is asked of "{to}"' if to else "no question is open", repair)
    reply = run.known.next_update and words.date(times.parse(run.known.next_update))
    values = {"groups": groups.items(), "reply": reply}
    said = text_of.parts("ask", {**text_of.shared(run.known), **values})
    lines = "\n\n".join(text_of.paragraphs(said.lines))
    return words.plain(lines.replace("\n\n- ", "\n- "))  # an item follows closely


def record(run: Run) -> dict[str, Any]:
    """The answer of `impact show --json`; a measure that is not resolved or not shown is null."""
    known = run.known
    losses_of = told_bearers(run).select("bearer", "chance", *_MEASURES, "basis")
    met = pl.when(pl.col("how") != "rare").then(pl.col("chance", "chance_error"))
    return {
        "case": known.id,
        "currency": known.currency,
        "scenario": known.scenario,
        "as_of": None if known.as_of is None else times.as_text(known.as_of),
        "tlp": known.tlp,
        "draws": run.draws,
        "over": run.over,
        "seed": run.seed,
        "view_digest": folder.digest(known),
        "notices": heads.warnings(known),
        "exposure": chances(run).select("entity", "kind", met).to_dicts(),
        "losses": losses_of.to_dicts(),
        "forms": by_form(run).to_dicts(),
    }


def text(run: Run) -> str:
    """The bottom line, the windows, exposure and losses for a terminal, notices first."""
    known = run.known
    head = f"{known.title}, {lower_first(known, known.scenarios[known.scenario].title)}"
    head += f", as of {words.date(moment_of(known))}" if known.as_of else ""
    lines = [f"{head}: next year" if run.over == "year" else head, *heads.warnings(known)]
    parts = [_filled(line) for line in lines]
    if run.over == "year":
        parts.append(str(next_year(run)))
    else:
        parts += [str(bottom_line(run)), _filled(window_sentence(known))]
        parts += [str(exposure(run)), str(losses(run))]
    return "\n\n".join(words.plain(part) for part in parts if part)


def _filled(line: str) -> str:
    """A line in lines as wide as the terminal."""
    return textwrap.fill(line, shutil.get_terminal_size((100, 24)).columns)
