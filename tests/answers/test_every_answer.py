"""Every answer, on every scenario and on early days: plain text, real numbers, sound pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree

import altair as alt
import pytest
from jsonschema.validators import validator_for

import impact
from impact.answers import asked_of, tails
from impact.base.errors import ImpactError, Refusal
from impact.cli import summary
from impact.simulation import Run

OF_VIEW = tuple(asked_of("Case"))
CLAIMS = ("mercor-via-litellm", "anthropic-silent", "litellm-cause-account")
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
VIEWS = [(name, "") for name in SCENARIOS] + [("baseline", day) for day in DAYS]
DRAWN = [("baseline", ""), ("near-miss", ""), ("surge-falls", ""), ("baseline", "2026-03-31")]
ANSWERED = {  # the scenarios that an early day knows enough of; the others are refused
    "2026-03-31": {"near-miss", "surge-falls"},
    "2026-04-04": {*SCENARIOS} - {"baseline", "contractor-data-only"},
}
# figures about one entity that rest on no way to it: how long a release could be had, what follows
# were it the only one to fall
NO_PARTY = ("timeline", "suppliers")
NO_TEXT = re.compile(r"\b(nan|None|NaN|inf|null|True|False)\b|\{|\}|<|>>|\binf\b")
BLAME = re.compile(
    r"\b(victims?|culprits?|perpetrators?|guilty|hackers?|hacked|at fault|to blame|negligent)\b"
)
TOLD = re.compile(
    r"\(.+, .*20\d\d\)|no compromise (is )?reported|as reported|against what|assumes that"
)
HIT = re.compile(r"\b(is|was|are|were) (reached|breached|compromised|attacked|affected|hit)\b")


def made(run: Run, of_run: tuple[str, ...]) -> Iterator[impact.Answer]:
    """Every answer of the kit to a run."""
    yield from (getattr(impact, name)(run.known) for name in OF_VIEW)
    yield from (getattr(impact, name)(run) for name in of_run)
    yield impact.losses(run, by="form")
    yield impact.decisions(run, most=1)
    yield impact.unknowns(run, most=5)
    yield impact.news(run.known, impact.view(run.known.loaded, as_of="2026-04-23"))
    scanned = impact.scan(known=run.known)
    yield from (scanned, impact.systems(scanned, run.known))
    yield impact.timeline(run.known, most=60, a_day=60)
    for name in (
        "mercor",
        "meta",
        "total",
        "pause_weeks",
        "mercor-via-litellm",
        "anthropic-silent",
    ):
        rows = [*run.known["entities"]["id"], *run.known.inputs, *run.known["claims"]["id"]]
        if name in (*rows, "total"):
            yield impact.why(run, name)


@pytest.fixture(scope="module", params=VIEWS, ids=[" ".join(view).strip() for view in VIEWS])
def asked(
    request: pytest.FixtureRequest, mercor: impact.Case, of_run: tuple[str, ...]
) -> list[impact.Answer]:
    """Every answer of one view."""
    scenario, day = request.param
    run = impact.simulate(impact.view(mercor, scenario, day), draws=2000)
    found = list(made(run, of_run))
    assert len(found) > 20
    return found


def test_the_lists_above_hold_every_name_of_the_kit(
    mercor: impact.Case, of_run: tuple[str, ...]
) -> None:
    yearly = {"simulate_year", "why"}
    assert {*OF_VIEW, *of_run, *TWO, *NO_ANSWERS, *yearly} == set(impact.__all__)
    assert set(SCENARIOS) == set(mercor.scenarios)


def test_a_sentence_is_plain_text_with_an_end(asked: list[impact.Answer]) -> None:
    for answer in asked:
        said = answer.sentence
        assert said == said.strip(), answer.name
        assert said[-1:] in (".", "?"), (answer.name, said)
        assert said[:1].isupper() or said[:1].isdigit(), (answer.name, said)
        assert "  " not in said, (answer.name, said)
        assert ".." not in said, (answer.name, said)
        assert said.isprintable(), (answer.name, said)
        assert not NO_TEXT.search(said), (answer.name, said)


def test_cells_notes_and_notices_hold_no_leftovers(asked: list[impact.Answer]) -> None:
    for answer in asked:
        cells = [text for row in answer.rows() for text in row]
        texts = [*cells, *answer.notes, *answer.notices]
        assert all(isinstance(text, str) for text in texts), answer.name
        wrong = [text for text in texts if re.search(r"\b(nan|None|inf)\b", text)]
        assert wrong == [], answer.name
        assert all(note for note in answer.notes), answer.name
        assert len({len(row) for row in answer.rows()}) <= 1, answer.name


def test_figures_are_numbers_with_their_text(asked: list[impact.Answer]) -> None:
    for answer in asked:
        json.dumps(replace(answer, draw=None).record(), allow_nan=False)
        names = [figure.name for figure in answer.figures]
        assert len(set(names)) == len(names), answer.name
        for figure in answer.figures:
            assert figure.text, (answer.name, figure)
            assert figure.unit, (answer.name, figure)
            assert figure.value is None or figure.error is None or figure.error >= 0, figure


@pytest.mark.parametrize("asked", DRAWN, indirect=True, ids=[" ".join(v).strip() for v in DRAWN])
def test_a_chart_is_vega_lite_by_its_schema_and_sound_xml_that_leads_nowhere(
    asked: list[impact.Answer],
) -> None:
    grammar = alt.load_schema()
    check = validator_for(grammar)(grammar)
    drawn = [answer for answer in asked if answer.draw]
    assert len(drawn) >= 8
    for answer in drawn:
        charts = answer.charts()
        assert charts.keys() == {"wide", "narrow"}
        for look, chart in charts.items():
            if not isinstance(chart, str):
                assert list(check.iter_errors(chart)) == [], answer.name
            svg = answer.svg(look) or ""
            root = ElementTree.fromstring(svg)
            assert root.tag == "{http://www.w3.org/2000/svg}svg", answer.name
            assert "http" not in re.sub(r'xmlns(:\w+)?="http://www\.w3\.org/[^"]*"', "", svg)
            assert not {e.tag.rpartition("}")[2] for e in root.iter()} & {"script", "image", "a"}
            texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}desc")]
            assert texts == [answer.told()], answer.name


def test_nobody_is_called_a_victim_or_a_culprit(asked: list[impact.Answer]) -> None:
    for answer in asked:
        if answer.name == "sources":  # titles are quoted as they were printed
            continue
        cells = [text for row in answer.rows() for text in row]
        for text in [answer.sentence, *answer.notes, *answer.notices, *cells]:
            reported = "reported by" in text or "(as of" in text
            assert reported or not BLAME.search(text), (answer.name, text)


def test_who_is_said_to_be_reached_is_said_with_who_reports_it(asked: list[impact.Answer]) -> None:
    for answer in asked:
        if answer.name == "exposure":  # below
            continue
        for part in re.split(r"[.;] ", answer.sentence):
            named = re.search(r"\b(Mercor|Meta|OpenAI|Anthropic|Google|Surge AI|Scale AI)\b", part)
            if named and HIT.search(part) and answer.name not in ("suppliers", "forms"):
                assert TOLD.search(part) or "not reported" in part, (answer.name, part)


def test_a_vendor_that_is_reached_is_named_with_who_reports_it(mercor: impact.Case) -> None:
    said = impact.exposure(impact.simulate(impact.view(mercor), draws=1000)).sentence
    assert "Mercor was affected (Mercor, 31 March 2026)." in said


def test_a_counterfactual_view_does_not_deny_what_is_reported(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, "near-miss"), draws=1000)
    assert run.known["claims"].filter(run.known["claims"]["id"] == "mercor-affected").height == 1
    assert "No supplier is reported as affected" not in impact.exposure(run).sentence


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("scenario", SCENARIOS[1:])
def test_a_scenario_of_an_early_day_is_answered_or_refused(
    mercor: impact.Case, of_run: tuple[str, ...], scenario: str, day: str
) -> None:
    if scenario not in ANSWERED.get(day, ()):
        with pytest.raises(Refusal, match="not known in this view"):
            impact.view(mercor, scenario, day)
        return
    run = impact.simulate(impact.view(mercor, scenario, day), draws=1000)
    for answer in made(run, of_run):
        assert answer.sentence[-1:] in (".", "?"), (answer.name, answer.sentence)
        assert not NO_TEXT.search(answer.sentence), (answer.name, answer.sentence)


@pytest.mark.parametrize("day", ["", "2026-04-04"])
def test_a_year_is_told_in_plain_text(mercor: impact.Case, day: str) -> None:
    run = impact.simulate_year(impact.view(mercor, as_of=day), draws=2000)
    answer = tails.next_year(run)
    assert answer.sentence.endswith(".")
    assert not NO_TEXT.search(answer.sentence)
    assert "next year" in summary.text(run)


@pytest.mark.parametrize("changes", ["pause_weeks=20", "surge_falls=1; pause_weeks=1,2,3"])
def test_a_changed_view_says_in_every_chart_and_brief_that_it_is_changed(
    mercor: impact.Case, of_run: tuple[str, ...], changes: str
) -> None:
    run = impact.simulate(impact.view(mercor, changes=changes), draws=2000)
    for ask in (impact.exceedance, impact.losses, impact.compare):
        assert "Inputs were changed for this view" in str(ask(run).svg())
    assert any("Inputs were changed" in said for said in impact.bottom_line(run).notices)


@pytest.mark.parametrize("draws", [1, 17])
def test_an_answer_to_very_few_draws_is_an_answer(
    mercor: impact.Case, of_run: tuple[str, ...], draws: int
) -> None:
    run = impact.simulate(impact.view(mercor), draws=draws)
    for answer in made(run, of_run):
        assert answer.sentence[-1:] in (".", "?")
        assert not NO_TEXT.search(answer.sentence), answer.sentence


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
