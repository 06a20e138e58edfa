"""What every generated sentence keeps to: likelihood apart from confidence, who and when told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import impact
from impact import answers as questions
from impact.case import stix
from impact.measures.standing import statements_of
from impact.simulation import Run

LIKELIHOOD = re.compile(
    r"\b(un)?(likely|likelier|likelihood)\b|\bprobabl|\bimprobabl|\bchances?\b|\broughly even\b"
    r"|\balmost certain|\d %",
    re.IGNORECASE,
)
CONFIDENCE = re.compile(r"\bconfiden(t|ce)\b", re.IGNORECASE)
DAYS = ("2026-03-24T12:00Z", "2026-03-31", "2026-04-04", "2026-04-23", "2026-08-28", "")
WHY = ("2026-04-04", "")  # the days on which it is asked of every name


def texts(run: Run, why: bool) -> Iterator[str]:
    """Every sentence, note, notice and cell of a run, and of why of every name of it."""
    answers = [*questions.answers(run)]
    answers.append(impact.news(impact.view(run.known.loaded, as_of="2026-04-02"), run.known))
    names: list[str] = []
    if why:
        names = [
            *run.known["claims"]["id"],
            *run.known["entities"]["id"],
            *run.known.inputs,
            "total",
        ]
        names += {statement.name for statement in statements_of(run.known)}
    answers += [impact.why(run, name) for name in names]
    for answer in answers:
        yield answer.sentence
        yield from (*answer.notes, *answer.notices)
        yield from (text for row in answer.rows() for text in row)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.?!;])\s+", text)


def mixed(text: str) -> list[str]:
    """The sentences of a text that speak of likelihood and of confidence at once (ICD 203)."""
    return [s for s in sentences(text) if LIKELIHOOD.search(s) and CONFIDENCE.search(s)]


def test_the_search_finds_a_sentence_that_mixes_them() -> None:
    assert mixed("We have high confidence that it is likely.")
    assert mixed("It is 40 %, with low confidence.")
    assert not mixed("It is likely. Confidence in it is low.")


@pytest.mark.parametrize("day", DAYS)
def test_no_sentence_of_any_answer_mixes_likelihood_and_confidence(
    mercor: impact.Case, day: str
) -> None:
    """E09 of ../shared/acceptance/bad_inputs.csv."""
    run = impact.simulate(impact.view(mercor, as_of=day), 500)
    found = list(texts(run, why=day in WHY))
    assert len(found) > 100
    assert [line for text in found for line in mixed(text)] == []


def test_no_notebook_and_no_bundle_mixes_them(mercor: impact.Case, root: Path) -> None:
    found = [
        "".join(cell["source"])
        for notebook in (root / "notebooks").glob("*.ipynb")
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    ]
    for one in stix.bundle(impact.view(mercor))["objects"]:
        found += [one[k] for k in ("description", "content", "explanation", "name") if k in one]
    assert [line for text in found for line in mixed(text)] == []


@pytest.mark.parametrize("day", DAYS[1:])
def test_each_sentence_on_who_did_it_has_its_day_and_whose_word_it_is(
    mercor: impact.Case, day: str
) -> None:
    answer = impact.attribution(impact.view(mercor, as_of=day))
    assert answer.notes
    assert answer.lead
    for sentence in answer.lead:
        assert re.search(r"\. As of \d+ \w+ 2026, this rests on ", sentence), sentence
        assert "reported by" in sentence or "prior judgement alone" in sentence
        assert re.search(r"\d %|under 1 %", sentence), sentence


@pytest.mark.parametrize("day", DAYS)
def test_every_side_of_a_dispute_is_told_with_who_and_when(mercor: impact.Case, day: str) -> None:
    _, *rows = impact.conflicts(impact.view(mercor, as_of=day)).rows() or [[]]
    assert rows or day < "2026-03-25"
    for row in rows:
        for side in row[1:3]:
            assert re.search(r"\((reported|denied) by .+, .*20\d\d", side), side
