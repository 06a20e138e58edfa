"""What the answers of the Mercor case say, and that they move with what they rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from tiny import simulate

import impact
from impact.answers import evidence, losses
from impact.answers.answer import as_text
from impact.case import checks
from impact.case.folder import Case
from impact.measures import loss, reach
from impact.measures.evidence import origins
from impact.simulation import Run


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-03-22", ""),
        (
            "2026-03-23",
            "Release trivy v0.69.4 was available from 19 March 2026, 17:43 UTC; the end is not"
            " known yet.",
        ),
        (
            "2026-03-25",  # installs until 16:00 count
            "Release litellm 1.82.7 may have been available for 321 minutes, as reported by"
            " LiteLLM.",
        ),
        (
            "2026-03-27",
            "Release litellm 1.82.7 was available for 40 minutes, as reported by LiteLLM.",
        ),
    ],
)
def test_the_window_of_a_package_is_open_then_claimed_as_long_as_its_claimant_states(
    mercor: Case, day: str, said: str
) -> None:
    """Later accounts, which disagree, are printed."""
    assert evidence.window_sentence(impact.view(mercor, as_of=day)) == said


def test_the_timeline_tells_twenty_events_and_at_most_five_of_a_day(mercor: Case) -> None:
    told = impact.timeline(impact.view(mercor)).table
    assert told.height == 20
    assert told.group_by(pl.col("happened_on").dt.date()).len()["len"].max() == 5


def test_a_longer_pause_costs_more_in_what_uses_its_weeks_and_nowhere_else(mercor: Case) -> None:
    short = impact.simulate(impact.view(mercor, changes="pause_weeks=12"))
    year = impact.simulate(impact.view(mercor, changes="pause_weeks=52"), like=short)
    assert all((year.losses[name] >= short.losses[name]).all() for name in short.losses)
    moved = {name for name in short.losses if (year.losses[name] != short.losses[name]).any()}
    assert {"meta-pay-low", "meta-billing", "meta-replacement"} <= moved
    rows = mercor["losses"]
    assert moved <= set(rows.filter(pl.col("arguments").list.contains("weeks=pause_weeks"))["id"])


NAMED = [
    *("mercor", "meta", "openai", "anthropic", "google"),
    *("surge", "handshake", "turing", "labelbox", "scale"),
    *("litellm", "litellm-1.82.7", "litellm-1.82.8", "pypi", "trivy-0.69.4", "litellm-pipeline"),
    *("teampcp", "lapsus-name", "competitors"),
    *("meta-contractors", "meta-data", "openai-data", "anthropic-data"),
]


def without(case: Case, entity: str) -> Case:
    """The case as if nobody had ever named the entity: its row and all that refer to it go."""
    tables = {**case.tables, "entities": case["entities"].filter(pl.col("id") != entity)}
    while True:
        there = checks.first_known(tables)
        lost = checks.references(tables).join(there, on=["to", "name"], how="anti")
        if not lost.height:
            return replace(case, tables=tables, decisions={}, memo={})
        for table, lines in lost.group_by("table").agg("file_line").iter_rows():
            tables[table] = tables[table].filter(~pl.col("file_line").is_in(lines))


def said(of: Case) -> dict[str, object]:
    """What the answers of the brief say, but those that list names."""
    known = impact.view(of)
    run = impact.simulate(known, draws=2000)
    made = [impact.timeline(known), impact.conflicts(known), impact.duties(known, most=4)]
    made += [impact.bottom_line(run), impact.exposure(run), impact.losses(run)]
    made += [impact.decisions(run, most=1), impact.unknowns(run)]
    return {answer.name: (answer.sentence, answer.rows()) for answer in made}


@pytest.fixture(scope="module")
def said_of_all(mercor: Case) -> dict[str, object]:
    """What they say where every name is in the case."""
    return said(replace(mercor, decisions={}, memo={}))


@pytest.mark.parametrize("entity", NAMED)
def test_removing_a_named_entity_changes_what_a_page_says(
    mercor: Case, said_of_all: dict[str, object], entity: str
) -> None:
    assert said(without(mercor, entity)) != said_of_all


def test_nobody_is_said_to_be_hit_in_a_supposition_without_the_words(mercor: Case) -> None:
    run = impact.simulate(impact.view(mercor, "surge-falls"))
    said = impact.exposure(run)
    supposed = "This scenario assumes that Surge AI (no compromise reported) was compromised too."
    assert supposed in said.lead
    assert "Surge AI was affected" not in said.sentence
    assert reach.by_entity(run)["surge"]["how"] == "supposed"
    assert "no compromise reported" in (said.svg() or "")


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (("brief-a", "brief-b", "itmagazine-2026-04-04"), {"wired-2026-04-03"}),  # copies
        (("veln-2026",), set()),  # cannot be judged
    ],
)
def test_sources_count_by_their_origins(
    mercor: Case, sources: tuple[str, ...], found: set[str]
) -> None:
    assert origins(mercor, sources) == found


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        ("litellm: how long it was available", "40 minutes"),  # K01
        ("litellm: date of the malicious releases", "2024 (reported by veln.sh"),  # K03
        ("Mercor: who paused", "Meta and other major labs"),  # K09
        ("Mercor: when it was disclosed", "2 April 2026"),  # K12
        ("claimed Mercor leak: what became of it", "published in full"),  # K13
        ("Mercor: who got in", "group using the name Lapsus$"),  # K15
    ],
)
def test_a_conflict_keeps_both_sides(mercor: Case, subject: str, value: str) -> None:
    rows = impact.conflicts(impact.view(mercor)).table.to_dicts()
    sides = [row["against"] for row in rows if row["topic"].startswith(subject)]
    found = [any(value in f"{one['value']} ({one['by']}" for one in side) for side in sides]
    assert sum(found) == 1


def test_where_assumptions_lead_there_is_no_99th_percentile_and_the_page_says_illustrative(
    run: Run,
) -> None:
    rows = losses.told_bearers(run)
    led = rows.filter(pl.col("assumed_share") > loss.LED)
    assert led.height > 0
    assert led["p99_usd"].null_count() == led.height
    assert all("of the variation is assumed; p99 not shown" in text for text in led["basis"])
    assert any("illustrative" in note for note in impact.bottom_line(run).notes)


def test_hostile_text_stays_text(run: Run) -> None:
    hostile = '<img src=x onerror=alert(1)>"\x1b[31m\u202e'
    table = pl.DataFrame({"a": [hostile]})
    answer = impact.Answer("a", hostile, table, {"a": "A"}, label="clear")
    assert "<img" not in answer._repr_html_()
    assert "\x1b" not in str(answer)
    assert "[U+202E]" in str(answer)


def test_what_is_said_in_short_is_short(run: Run) -> None:
    assert len(impact.bottom_line(run).sentence.split()) <= 250


def test_who_is_reached_for_certain_and_reported_by_nobody_is_assumed(tiny: Any) -> None:
    kinds = {"a": "client", "b": "client", "c": "client"}
    one = simulate(tiny({"event > a": "certain", "event > b": "p"}, {"p": 0.4}, (), kinds))
    two = simulate(tiny({"event > a": "certain", "event > b": "certain"}, (), (), kinds))
    assert "¶" not in "".join(impact.exposure(one).lead)
    assert impact.exposure(one).lead[1:] == (
        "The case assumes that a was reached. Nobody has said whether a client was within the"
        " intruder's reach. The kit assumes a chance of about 40 % for b.",
    )
    assert impact.exposure(two).lead[1:] == ("The case assumes that a and b were reached.",)


def test_a_shared_text_is_as_wide_on_any_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = impact.exposure(run)
    record, wide = answer.record(), str(answer)
    shared = as_text(record)
    monkeypatch.setenv("COLUMNS", "60")
    assert str(answer) != wide
    assert as_text(record) == shared


def test_the_work_that_is_told_is_that_of_the_group_which_loses_most(mercor: Case) -> None:
    run = simulate(impact.view(mercor, "pause-spreads"), 2000)
    work = losses.losses(run).table.filter(part="work")
    assert work.height > 1
    most = work.sort("mid")["who"][-1]
    assert run.known.rows("entities")[most]["name"] == "contractors on Meta projects"
    assert "Contractors on Meta projects together lose" in losses.losses(run).sentence
