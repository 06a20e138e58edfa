"""What holds of every answer: of both cases, on every scenario, on early days.

Plain text in the words of the guide; real numbers; likelihood apart from confidence; nobody called
reached without who reports it; sound pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import polars as pl
import pytest
from jsonschema.validators import validator_for

import impact
from impact.answers import answers, asked_of, tails
from impact.answers.answer import Answer
from impact.base.errors import ImpactError, Refusal
from impact.case import stix
from impact.cli import summary
from impact.measures.standing import statements_of
from impact.simulation import Run

TWO = ("scan", "systems", "under", "waterfall", "news")  # asked below, each by its own call
NO_ANSWERS = {
    *("Answer", "Case", "Run", "load_case", "view", "simulate", "what_if", "explore"),
    "score",  # of no case
}
SCENARIOS = (
    *("baseline", "near-miss", "contractor-data-only", "client-data-taken"),
    *("client-data-published", "long-pause", "pause-spreads", "surge-falls"),
)
DAYS = ("2026-03-24T12:00Z", "2026-03-31", "2026-04-04", "1990-01-01")
VIEWS = [("mercor", name, "") for name in SCENARIOS]
VIEWS += [("mercor", "baseline", day) for day in (*DAYS, "2026-03-14", "2026-04-23", "2026-08-28")]
VIEWS += [("drift", name, "") for name in impact.load_case("drift").scenarios]
DRAWN = [VIEWS[0], VIEWS[1], VIEWS[7], ("mercor", "baseline", "2026-03-31")]
EXPLAINED = (VIEWS[0], ("mercor", "baseline", "2026-04-04"))  # why is asked of every name
SOME = ("mercor", "meta", "total", "pause_weeks", "mercor-via-litellm", "anthropic-silent")
ANSWERED = {  # the scenarios that an early day knows enough of; the others are refused
    "2026-03-31": {"near-miss", "surge-falls"},
    "2026-04-04": {*SCENARIOS} - {"baseline", "contractor-data-only"},
}
QUOTING = {"sources"}  # answers with titles of sources as they were printed, which are not ours
NO_TEXT = re.compile(r"\b(nan|None|NaN|inf|null|True|False)\b|\{|\}|<|>>|\binf\b")
BLAME = re.compile(
    r"\b(victims?|culprits?|perpetrators?|guilty|hackers?|hacked|at fault|to blame|negligent)\b"
)
TOLD = re.compile(
    r"\(.+, .*20\d\d\)|no compromise (is )?reported|as reported|against what|assumes that"
)
HIT = re.compile(r"\b(is|was|are|were) (reached|breached|compromised|attacked|affected|hit)\b")
NAMED = re.compile(r"\b(Mercor|Meta|OpenAI|Anthropic|Google|Surge AI|Scale AI)\b")
LIKELIHOOD = re.compile(
    r"\b(un)?(likely|likelier|likelihood)\b|\bprobabl|\bimprobabl|\bchances?\b|\broughly even\b"
    r"|\balmost certain|\d %",
    re.IGNORECASE,
)
CONFIDENCE = re.compile(r"\bconfiden(t|ce)\b", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.?!;])\s+")
# what the style of the pages bans, long sentences, large tables
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
LISTS = ("indicators", "exposure", "statements", "sources", "timeline")  # looked up by name or day
ROWS, BRIEF_ROWS, BRIEF_COLUMNS, WORDS, HEADING, TITLE = 15, 7, 4, 25, 7, 12
BRIEF = {"exposure": 7, "decisions": 1, "losses": 6, "conflicts": 3, "duties": 4, "unknowns": 5}


def brief(run: Run) -> Iterator[Answer]:
    """The answers of the brief, as its notebook asks for them."""
    yield impact.bottom_line(run)
    yield impact.timeline(run.known)
    for name, most in BRIEF.items():
        of = run if name in asked_of("Run") else run.known
        yield getattr(impact, name)(of, most=most)


def others(run: Run) -> Iterator[Answer]:
    """The answers to all questions, and to those of one form and of one decision."""
    yield from (one for one in answers(run) if one.name != "decisions")
    yield impact.losses(run, by="form")
    yield from (impact.decisions(run, only=name) for name in run.known.decisions)


def made(run: Run, names: Sequence[str]) -> Iterator[Answer]:
    """Every answer of the kit to a run, and why of some of its names."""
    yield from (*brief(run), *others(run), impact.decisions(run))
    yield impact.timeline(run.known, most=60, a_day=60)
    yield impact.news(run.known, impact.view(run.known.loaded, as_of="2026-04-23"))
    if run.known["entities"].filter(pl.col("kind") == "release").height:
        scanned = impact.scan(known=run.known)
        yield from (scanned, impact.systems(scanned, run.known))
    there = {*run.known["entities"]["id"], *run.known.inputs, *run.known["claims"]["id"], "total"}
    there |= {statement.name for statement in statements_of(run.known)}
    yield from (impact.why(run, name) for name in names or sorted(there) if name in there)


@pytest.fixture(scope="module", params=VIEWS, ids=[" ".join(view).strip() for view in VIEWS])
def asked(request: pytest.FixtureRequest) -> list[Answer]:
    """Every answer of one view."""
    case, scenario, day = request.param
    run = impact.simulate(impact.view(impact.load_case(case), scenario, day), draws=2000)
    found = list(made(run, () if request.param in EXPLAINED else SOME))
    assert len(found) > 20
    return found


def texts(answer: Answer) -> Iterator[str]:
    """Every sentence, note, notice and cell of an answer."""
    yield from (answer.sentence, *answer.notes, *answer.notices)
    yield from (cell for row in answer.rows() for cell in row)


def mixed(text: str) -> list[str]:
    """The sentences of a text that speak of likelihood and of confidence at once (ICD 203)."""
    return [s for s in SENTENCE.split(text) if LIKELIHOOD.search(s) and CONFIDENCE.search(s)]


def words(text: str) -> int:
    """How many words a text has without brackets and quotations; a figure or date counts as one."""
    own = re.sub(r'\([^)]*\)|"[^"]*"', "", text)
    return len(re.sub(FIGURE, "0", own).split())


def faults(answer: Answer) -> Iterator[str]:
    """What is wrong with the words of an answer, by the guide."""
    prose = (*answer.lead, *answer.notes)
    heads = (answer.rows() or [[]])[0]
    kit = () if answer.name in QUOTING else (*heads, *prose)
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
    yield from (f"said twice: {text!r}" for text in prose if prose.count(text) > 1)


def odd_sentences(of: Iterable[Answer]) -> list[str]:
    """The sentences that are no plain text from a capital or a figure to a point."""
    found = [answer.sentence for answer in of]
    assert found
    plain = re.compile(r"[A-Z0-9](?!.*(?:  |\.\.)).*[.?]")
    return [
        said
        for said in found
        if not plain.fullmatch(said) or not said.isprintable() or NO_TEXT.search(said)
    ]


def test_a_fault_is_found() -> None:
    lead = ("It could be had. " + "word " * 26 + "end.",)
    odd = Answer("x", lead[0], pl.DataFrame(), label="clear", asks="Is it found?", lead=lead)
    assert len(list(faults(odd))) == 2
    wrong = ["", "it.", "It", "It  is.", "It is..", "It\tis.", "It is nan.", " It is."]
    made = [replace(odd, lead=(), sentence=said) for said in (*wrong, "It is.", "3 are it?")]
    assert odd_sentences(made) == wrong
    assert mixed("We have high confidence that it is likely.")
    assert mixed("It is 40 %, with low confidence.")
    assert not mixed("It is likely. Confidence in it is low.")


def test_the_lists_above_hold_every_name_of_the_kit(mercor: impact.Case) -> None:
    asks, yearly = {*asked_of("Case"), *asked_of("Run")}, {"simulate_year", "why"}
    assert {*asks, *TWO, *NO_ANSWERS, *yearly} == set(impact.__all__)
    assert set(SCENARIOS) == set(mercor.scenarios)


def test_a_text_is_plain_and_whole(asked: list[Answer]) -> None:
    assert odd_sentences(asked) == []
    for answer in asked:
        assert all(isinstance(text, str) for text in texts(answer)), answer.name
        assert not [text for text in texts(answer) if re.search(r"\b(nan|None|inf)\b", text)]
        assert all(note for note in answer.notes), answer.name
        assert len({len(row) for row in answer.rows()}) <= 1, answer.name


def test_the_words_are_those_of_the_guide(asked: list[Answer]) -> None:
    wrong = {f"{one.name}: {fault}" for one in asked if one.name != "why" for fault in faults(one)}
    assert sorted(wrong) == []


def test_likelihood_and_confidence_stand_in_sentences_of_their_own(asked: list[Answer]) -> None:
    """E09 of ../shared/acceptance/bad_inputs.csv."""
    found = [text for answer in asked for text in texts(answer)]
    assert len(found) > 50
    assert [line for text in found for line in mixed(text)] == []


def test_figures_are_numbers_with_their_text(asked: list[Answer]) -> None:
    for answer in asked:
        json.dumps(replace(answer, draw=None).record(), allow_nan=False)
        names = [figure.name for figure in answer.figures]
        assert len(set(names)) == len(names), answer.name
        for figure in answer.figures:
            assert figure.text, (answer.name, figure)
            assert figure.unit, (answer.name, figure)
            assert figure.value is None or figure.error is None or figure.error >= 0, figure


def test_nobody_is_called_a_victim_or_a_culprit(asked: list[Answer]) -> None:
    for answer in asked:
        if answer.name in QUOTING:
            continue
        for text in texts(answer):
            reported = "reported by" in text or "(as of" in text
            assert reported or not BLAME.search(text), (answer.name, text)


def test_who_is_said_to_be_reached_is_said_with_who_reports_it(asked: list[Answer]) -> None:
    for answer in asked:
        if answer.name in ("exposure", "suppliers", "forms"):  # the first below
            continue
        if answer.name == "why" and answer.asks[5:-1] not in SOME:  # it quotes rows of any kind
            continue
        for part in re.split(r"[.;] ", answer.sentence):
            if NAMED.search(part) and HIT.search(part):
                assert TOLD.search(part) or "not reported" in part, (answer.name, part)


@pytest.mark.parametrize("asked", DRAWN, indirect=True, ids=[" ".join(v).strip() for v in DRAWN])
def test_a_chart_is_vega_lite_by_its_schema_and_sound_xml_that_leads_nowhere(
    asked: list[Answer],
) -> None:
    grammar = alt.load_schema()
    check = validator_for(grammar)(grammar)
    drawn = {answer.name: answer for answer in asked if answer.draw}
    assert len(drawn) >= 8
    for answer in drawn.values():
        charts = answer.charts()
        assert charts.keys() == {"wide", "narrow"}
        for look, chart in charts.items():
            assert list(check.iter_errors(chart)) == [], answer.name
            svg = answer.svg(look) or ""
            root = ElementTree.fromstring(svg)
            assert root.tag == "{http://www.w3.org/2000/svg}svg", answer.name
            assert root.get("role") == "img", answer.name
            assert "http" not in re.sub(r'xmlns(:\w+)?="http://www\.w3\.org/[^"]*"', "", svg)
            assert not {e.tag.rpartition("}")[2] for e in root.iter()} & {"script", "image", "a"}
            described = [e.text for e in root.iter("{http://www.w3.org/2000/svg}desc")]
            assert described == [answer.told()], answer.name


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_tables_are_small(name: str) -> None:
    run = impact.simulate(impact.load_case(name), 2_000)
    for answer in brief(run):
        if rows := answer.rows():
            assert len(rows) - 1 <= BRIEF_ROWS, answer.name
            assert len(rows[0]) <= BRIEF_COLUMNS, answer.name
    for answer in others(run):
        assert len(answer.rows()) - 1 <= ROWS or answer.name in LISTS, answer.name


def test_no_notebook_and_no_bundle_mixes_likelihood_and_confidence(
    mercor: impact.Case, root: Path
) -> None:
    found = [
        "".join(cell["source"])
        for notebook in (root / "notebooks").glob("*.ipynb")
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    ]
    for one in stix.bundle(impact.view(mercor))["objects"]:
        found += [one[k] for k in ("description", "content", "explanation", "name") if k in one]
    assert [line for text in found for line in mixed(text)] == []


@pytest.mark.parametrize("day", ["2026-03-31", "2026-04-04", "2026-04-23", "2026-08-28", ""])
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


@pytest.mark.parametrize(
    "day", ["2026-03-24T12:00Z", "2026-03-31", "2026-04-04", "2026-04-23", "2026-08-28", ""]
)
def test_every_side_of_a_dispute_is_told_with_who_and_when(mercor: impact.Case, day: str) -> None:
    _, *rows = impact.conflicts(impact.view(mercor, as_of=day)).rows() or [[]]
    assert rows or day < "2026-03-25"
    for row in rows:
        for side in row[1:3]:
            assert re.search(r"\((reported|denied) by .+, .*20\d\d", side), side


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("scenario", SCENARIOS[1:])
def test_a_scenario_of_an_early_day_is_answered_or_refused(
    mercor: impact.Case, scenario: str, day: str
) -> None:
    if scenario not in ANSWERED.get(day, ()):
        with pytest.raises(Refusal, match="not known in this view"):
            impact.view(mercor, scenario, day)
        return
    run = impact.simulate(impact.view(mercor, scenario, day), draws=1000)
    assert odd_sentences(answers(run)) == []


@pytest.mark.parametrize("day", ["", "2026-04-04"])
def test_a_year_is_told_in_plain_text(mercor: impact.Case, day: str) -> None:
    run = impact.simulate_year(impact.view(mercor, as_of=day), draws=2000)
    assert odd_sentences([tails.next_year(run)]) == []
    assert "next year" in summary.text(run)


@pytest.mark.parametrize("changes", ["pause_weeks=20", "surge_falls=1; pause_weeks=1,2,3"])
def test_a_changed_view_says_in_every_chart_and_brief_that_it_is_changed(
    mercor: impact.Case, changes: str
) -> None:
    run = impact.simulate(impact.view(mercor, changes=changes), draws=2000)
    for ask in (impact.exceedance, impact.losses, impact.compare):
        assert "Inputs were changed for this view" in str(ask(run).svg())
    assert any("Inputs were changed" in said for said in impact.bottom_line(run).notices)


@pytest.mark.parametrize("draws", [1, 17])
def test_an_answer_to_very_few_draws_is_an_answer(mercor: impact.Case, draws: int) -> None:
    run = impact.simulate(impact.view(mercor), draws=draws)
    assert odd_sentences(answers(run)) == []


def test_errors_of_the_kit_are_of_one_family(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor), draws=100)
    for wrong in (
        lambda: impact.why(run, "nobody"),
        lambda: impact.losses(run, by="nobody"),
        lambda: impact.compare(run, ["nobody"]),
        lambda: impact.under(run, "nobody"),
        lambda: impact.what_if(run, "nobody=1"),
        lambda: impact.view(mercor, "nobody"),
        lambda: impact.view(mercor, tlp="nobody"),
        lambda: impact.view(mercor, as_of="nobody"),
    ):
        with pytest.raises(ImpactError, match=r".+: .+; .+"):
            wrong()
