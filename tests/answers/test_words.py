"""The words of answers: the ones that the style of the pages bans, long sentences, large tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl
import pytest

import impact
from impact.answers import answers
from impact.answers.answer import Answer

ODD = re.compile(
    r"could be had|by which way|\bways?\b|bad (release|version)|of the draws|every draw|% point\b"
    r"|one in twenty|all together|hangs? (on|together)|goes with|standing moved|\borigins?\b"
    r"|by that day|\bconcern(ed|s)\b|\bclocks?\b|\bgo on\b|behind a fence|\badmits?\b"
    r"|no record names|\bsupposed\b|\bdraws\b|\btold\b|median|person-weeks",
    re.IGNORECASE,
)
FIGURE = re.compile(
    r"\$?[\d.,]+ (?:%|thousand|million|billion|(?:January|February|March|April|May|June|July|August"
    r"|September|October|November|December)(?: \d{4})?)"
)
SENTENCE = re.compile(r"(?<=[.?!;])\s+")
LISTS = ("indicators", "exposure", "statements", "sources", "timeline")  # looked up by name or day
ROWS, BRIEF_ROWS, BRIEF_COLUMNS, WORDS, HEADING, TITLE = 15, 7, 4, 25, 7, 12
BRIEF = {"exposure": 7, "decisions": 1, "losses": 6, "conflicts": 3, "duties": 4, "unknowns": 5}


def brief(run: impact.Run) -> Iterator[Answer]:
    """The answers of the brief, as its notebook asks for them."""
    yield impact.bottom_line(run)
    yield impact.timeline(run.known)
    for name, most in BRIEF.items():
        of = run if name in ("exposure", "decisions", "losses", "unknowns") else run.known
        yield getattr(impact, name)(of, most=most)


def others(run: impact.Run) -> Iterator[Answer]:
    """The answers to all questions, and to those of one form and of one decision."""
    yield from (one for one in answers(run) if one.name != "decisions")
    yield impact.losses(run, by="form")
    yield from (impact.decisions(run, only=name) for name in run.known.decisions)


def words(text: str) -> int:
    """How many words a text has without brackets and quotations; a figure or date counts as one."""
    own = re.sub(r'\([^)]*\)|"[^"]*"', "", text)
    return len(re.sub(FIGURE, "0", own).split())


def faults(answer: Answer) -> Iterator[str]:
    """What is wrong with the words of an answer."""
    prose = (*answer.lead, *answer.notes)
    heads = (answer.rows() or [[]])[0]
    kit = () if answer.name == "sources" else (*heads, *prose)  # titles of sources are not ours
    for text in (answer.asks, answer.title, answer.subtitle, answer.alt, *kit):
        if odd := ODD.search(text):
            yield f"{odd[0]!r} in {text!r}"
    for sentence in (one for text in prose for one in SENTENCE.split(text)):
        if words(sentence) > WORDS:
            yield f"{words(sentence)} words: {sentence!r}"
    if words(answer.asks) > HEADING:
        yield f"{words(answer.asks)} words in the heading {answer.asks!r}"
    if words(answer.title) > TITLE:
        yield f"{words(answer.title)} words in the title {answer.title!r}"
    if answer.alt and answer.alt in (answer.title, answer.sentence):
        yield f"the picture's description says its caption again: {answer.alt!r}"
    for text in prose:
        if prose.count(text) > 1:
            yield f"said twice: {text!r}"


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_the_words_are_those_of_the_guide(name: str) -> None:
    case = impact.load_case(name)
    wrong = set[str]()
    for scenario in case.scenarios:
        run = impact.simulate(impact.view(case, scenario), 2_000)
        for answer in (*brief(run), *others(run)):
            wrong |= {f"{scenario}, {answer.name}: {fault}" for fault in faults(answer)}
    assert sorted(wrong) == []


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_the_tables_of_the_brief_are_small(name: str) -> None:
    run = impact.simulate(impact.load_case(name), 2_000)
    for answer in brief(run):
        if rows := answer.rows():
            assert len(rows) - 1 <= BRIEF_ROWS, answer.name
            assert len(rows[0]) <= BRIEF_COLUMNS, answer.name


def test_a_table_outside_the_brief_has_at_most_fifteen_rows(mercor: impact.Case) -> None:
    for answer in others(impact.simulate(mercor, 2_000)):
        if answer.name not in LISTS:
            assert len(answer.rows()) - 1 <= ROWS, answer.name


def test_a_fault_is_found() -> None:
    lead = ("It could be had. " + "word " * 26 + "end.",)
    odd = Answer("x", lead[0], pl.DataFrame(), label="clear", asks="Is it found?", lead=lead)
    assert len(list(faults(odd))) == 2
