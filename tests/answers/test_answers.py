"""What the answers of the Mercor case say, and that they move with what they rest on."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from tiny import column

import impact
from impact.answers import evidence, losses, unknowns
from impact.answers.answer import as_text
from impact.case import checks, folder
from impact.case.changes import Change
from impact.case.folder import Case
from impact.case.scenarios import Decision
from impact.cli import summary
from impact.measures import choice, loss, reach
from impact.measures.evidence import origins
from impact.measures.totals import net_loss, total_loss
from impact.numerics.lines import envelope
from impact.simulation import Run

NOON = "2026-03-24T12:00Z"


@pytest.fixture(scope="module")
def case() -> Case:
    return impact.load_case("mercor")


@pytest.fixture(scope="module")
def run(case: Case) -> Run:
    return impact.simulate(impact.view(case))


def answers(run: Run) -> dict[str, impact.Answer]:
    """Every answer of the brief."""
    of_view = (impact.timeline, impact.conflicts, impact.sources)
    of_run = (
        impact.bottom_line,
        impact.exposure,
        impact.losses,
    )
    made = [ask(run.known) for ask in of_view] + [ask(run) for ask in of_run]
    made += [impact.duties(run.known, most=4)]
    made += [impact.decisions(run, most=1), impact.unknowns(run)]
    return {answer.name: answer for answer in made}


def test_at_noon_the_release_is_known_as_bad_its_window_open_and_mercor_not_linked(
    case: Case,
) -> None:
    known = impact.view(case, as_of=NOON)
    run = impact.simulate(known)
    assert run.chance("litellm-1.82.8") == 1.0
    assert run.chance("mercor") == 0.0
    window = evidence.window(known, "litellm-1.82.8")
    assert window["closes"].null_count() == window.height == 2
    assert "the end is not known yet" in impact.timeline(known).sentence
    assert "No supplier is reported as affected" in impact.exposure(run).sentence
    assert total_loss(run).max() == 0.0


def test_the_window_is_open_then_claimed_then_disputed(case: Case) -> None:
    def minutes(day: str) -> dict[str, float]:
        rows = evidence.window(impact.view(case, as_of=day), "litellm-1.82.8").iter_rows()
        return {part: (closes - opens).total_seconds() / 60 for part, opens, closes in rows}

    assert minutes("2026-03-25") == {"hull": 308.0, "core": 308.0}  # installs until 16:00 count
    assert minutes("2026-03-27") == {"hull": 33.0, "core": 33.0}  # 10:52 to 11:25
    assert minutes("2026-04-03") == {"hull": 139.0, "core": 33.0}  # the registry: 13:11
    assert minutes("2026-08-28") == {"hull": 166.0, "core": 33.0}  # a later report: 13:38


def test_an_account_of_the_window_is_told_in_the_minutes_that_its_claimant_states(
    case: Case,
) -> None:
    said = evidence.window_sentence(impact.view(case))
    assert said == (
        "Sources disagree on how long litellm 1.82.7 was available: 152 minutes (PyPI, best"
        " supported), 179 minutes (Actioner report) or 40 minutes (LiteLLM)."
    )
    early = evidence.window_sentence(impact.view(case, as_of="2026-03-25"))
    assert early == (
        "Release litellm 1.82.7 may have been available for 321 minutes, as reported by LiteLLM."
    )
    agreed = evidence.window_sentence(impact.view(case, as_of="2026-03-27"))
    assert agreed == "Release litellm 1.82.7 was available for 40 minutes, as reported by LiteLLM."
    assert evidence.window_sentence(impact.view(case, as_of="2026-03-22")) == ""


def test_the_windows_told_are_those_of_releases_of_a_package_once_there_are_any(
    case: Case,
) -> None:
    before = evidence.window_sentence(impact.view(case, as_of="2026-03-23"))
    began = "Release trivy v0.69.4 was available from 19 March 2026, 17:43 UTC"
    assert before == f"{began}; the end is not known yet."
    known = impact.view(case)
    assert {"litellm-1.82.7", "trivy-0.69.4", "kics-action"} < set(known["windows"]["entity"])
    told = impact.timeline(known)
    assert "how long litellm 1.82.7 was available" in told.sentence
    counted = {figure.name: figure.value for figure in told.figures}
    assert counted["window_hull.kics-action"] == 232.0  # 12:58 to 16:50
    drawn = told.svg() or ""
    assert "152 minutes, to 13:11; best supported" in drawn
    assert "kics-github-action" not in drawn


def test_the_timeline_tells_twenty_events_and_at_most_five_of_a_day(case: Case) -> None:
    told = impact.timeline(impact.view(case)).table
    assert told.height == 20
    assert told.group_by(pl.col("happened_on").dt.date()).len()["len"].max() == 5


def test_no_cost_of_a_simulation_is_called_established(run: Run) -> None:
    cells = {text for row in impact.losses(run).rows() for text in row}
    assert len(cells) > 20
    assert "established" not in cells


def test_the_length_of_the_window_moves_other_users_and_not_mercor(case: Case) -> None:
    short = impact.simulate(impact.view(case, changes="window_minutes=40"))
    long = impact.simulate(impact.view(case, changes="window_minutes=152"))
    assert short.chance("other-users") < 0.6 * long.chance("other-users")
    assert short.reached["mercor"] == long.reached["mercor"]
    assert net_loss(short, "mercor").tolist() == net_loss(long, "mercor").tolist()


def test_a_longer_pause_never_costs_less(case: Case) -> None:
    short = impact.simulate(impact.view(case, changes="pause_weeks=12"))
    year = impact.simulate(impact.view(case, changes="pause_weeks=52"), like=short)
    for name in short.losses:
        assert (year.losses[name] >= short.losses[name]).all(), name
    assert total_loss(year).mean() > total_loss(short).mean()


def test_every_loss_that_grows_with_the_pause_uses_its_weeks(case: Case) -> None:
    short = impact.simulate(impact.view(case, changes="pause_weeks=12"))
    year = impact.simulate(impact.view(case, changes="pause_weeks=52"), like=short)
    rows = case["losses"]
    paused = rows.filter(pl.col("arguments").list.contains("weeks=pause_weeks"))["id"]
    moved = {n for n in short.losses if (year.losses[n] != short.losses[n]).any()}
    assert moved <= set(paused)
    assert {"meta-pay-low", "meta-billing", "meta-replacement"} <= moved


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
            return replace(case, tables=tables, decisions={})
        for table, lines in lost.group_by("table").agg("file_line").iter_rows():
            tables[table] = tables[table].filter(~pl.col("file_line").is_in(lines))


@pytest.mark.parametrize("entity", NAMED)
def test_removing_a_named_entity_changes_what_a_page_says(case: Case, entity: str) -> None:
    def said(of: Case) -> dict[str, object]:
        known = impact.view(of)
        made = answers(impact.simulate(known, draws=2000))
        return {name: (a.sentence, a.rows()) for name, a in made.items() if name != "sources"}

    assert said(replace(case, decisions={})) != said(without(case, entity))


def test_turing_and_labelbox_have_no_reported_client_and_the_page_says_so(run: Run) -> None:
    suppliers = impact.suppliers(run)
    assert "No client of Labelbox or Turing is reported." in suppliers.sentence
    rows = {row[0]: row[1] for row in suppliers.rows()[1:]}
    assert rows["Turing"] == rows["Labelbox"] == "none reported"
    assert rows["Surge AI"].startswith("Anthropic, Google, Meta")
    assert rows["Mercor"].startswith("Amazon, Anthropic, Google")
    assert rows["Scale AI"].startswith("leaving or left: Google")


def test_nobody_is_said_to_be_hit_in_a_supposition_without_the_words(case: Case) -> None:
    run = impact.simulate(impact.view(case, "surge-falls"))
    said = impact.exposure(run)
    supposed = "This scenario assumes that Surge AI (no compromise reported) was compromised too."
    assert supposed in said.lead
    assert "Surge AI was affected" not in said.sentence
    assert reach.by_entity(run)["surge"]["how"] == "supposed"
    assert "no compromise reported" in (said.svg() or "")


def test_what_a_party_did_is_told_with_the_claimant_and_the_day(run: Run) -> None:
    rows = {row[0]: row[1] for row in impact.exposure(run).rows()[1:]}
    assert rows["Meta"] == "Paused (Meta, 23 April 2026), investigates (Meta, 23 April 2026)"
    assert "Carried on (OpenAI, 3 April 2026)" in rows["OpenAI"]
    assert rows["Anthropic"] == "Did not comment (as of 3 April 2026)"
    assert rows["Google"] == "Nothing reported"


def test_the_pause_of_meta_is_anonymous_first_and_on_record_later(case: Case) -> None:
    early = impact.simulate(impact.view(case, as_of="2026-04-04"))
    rows = {row[0]: row[1] for row in impact.exposure(early).rows()[1:]}
    assert "people who spoke to WIRED" in rows["Meta"]
    assert "(Meta," not in rows["Meta"]


def test_both_briefs_and_their_copies_are_one_origin(case: Case) -> None:
    assert origins(case, ["brief-a", "brief-b", "itmagazine-2026-04-04"]) == {"wired-2026-04-03"}


def test_a_source_that_cannot_be_judged_has_no_weight(case: Case) -> None:
    assert origins(case, ["veln-2026"]) == set()


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
def test_a_conflict_keeps_both_sides(case: Case, subject: str, value: str) -> None:
    rows = impact.conflicts(impact.view(case)).table.to_dicts()
    mine = [row for row in rows if row["topic"].startswith(subject)]
    assert (
        sum(
            any(value in f"{side['value']} ({side['by']}" for side in row["against"])
            for row in mine
        )
        == 1
    )


def test_the_registry_is_better_supported_than_the_maintainer_on_the_window(case: Case) -> None:
    answer = impact.conflicts(impact.view(case))
    (at,) = (n for n, row in enumerate(answer.rows()[1:]) if "40 minutes" in row[2])
    assert answer.rows()[1 + at][1].startswith("152 minutes")
    assert answer.table["better"][at] == "first"


def test_transfers_are_not_in_the_total(case: Case, run: Run) -> None:
    rows = case["losses"]
    real = rows.filter(pl.col("received_by").is_null())["id"]
    assert total_loss(run).sum() == pytest.approx(sum(run.losses[name].sum() for name in real))
    nets = [net_loss(run, bearer) for bearer in loss.bearers(run)]
    assert sum(nets).sum() == pytest.approx(total_loss(run).sum())


def test_where_assumptions_lead_there_is_no_99th_percentile_and_the_page_says_illustrative(
    run: Run,
) -> None:
    rows = losses.told_bearers(run)
    led = rows.filter(pl.col("assumed_share") > loss.LED)
    assert led.height > 0
    assert led["p99_usd"].null_count() == led.height
    assert all("of the variation is assumed; p99 not shown" in text for text in led["basis"])
    assert any("illustrative" in note for note in impact.bottom_line(run).notes)


def test_shares_of_spread_are_shares(run: Run) -> None:
    ranked = unknowns.unknowns(run).table
    for share in ("cost_share", "data_share"):
        assert ranked[share].is_between(0, 1).all()


def test_firms_with_equal_evidence_print_one_number(run: Run) -> None:
    rows = {row[0]: row[2] for row in impact.exposure(run).rows()[1:]}
    assert rows["Meta"] == rows["OpenAI"] == rows["Anthropic"] == "about 40 % / 25 % / 3 %"


def test_the_decision_flips_where_two_options_cost_the_same(case: Case, run: Run) -> None:
    decision = case.decisions["client-lab"]
    lines = choice.costings(run)[0].lines
    regimes = envelope(lines)
    assert len(regimes) == 3
    by_name = {line.option: line for line in lines}
    for (one, _, at), (two, _, _) in pairwise(regimes):
        costs = [by_name[name].at(at) for name in (one, two)]
        assert costs[0] == pytest.approx(costs[1], rel=1e-9)
        changed = [*decision_changes(decision, one), Change(decision.flips_on, at, at, at)]
        simulated = net_loss(impact.what_if(run, changed), decision.bearer).mean()
        assert simulated == pytest.approx(costs[0], rel=1e-9)  # the cost is linear in the input


def decision_changes(decision: Decision, option: str) -> list[Change]:
    return list(next(o.changes for o in decision.options if o.id == option))


def test_nothing_changes_when_tables_are_shuffled(case: Case, run: Run) -> None:
    tables = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=7).sort(
            "id", "known_on", "tlp", nulls_last=True
        )
        for name, frame in case.tables.items()
    }
    again = impact.simulate(impact.view(replace(case, tables=tables)))
    assert summary.record(again) == summary.record(run)
    assert folder.digest(again.known) == folder.digest(run.known)


def test_an_empty_view_is_an_answer_without_a_picture(case: Case) -> None:
    found = answers(impact.simulate(impact.view(case, as_of="2000-01-01")))
    assert len(found) == 9
    for name, answer in found.items():
        assert answer.sentence, name
        assert answer.svg() is None, name


def test_every_sentence_of_every_scenario_is_plain_text(case: Case) -> None:
    assert len(case.scenarios) > 7
    for name in case.scenarios:
        run = impact.simulate(impact.view(case, name), draws=2000)
        for answer in answers(run).values():
            assert "None" not in answer.sentence, (name, answer.sentence)
            cells = [text for row in answer.rows() for text in row]
            assert not {"nan", "None"} & set(cells), (name, answer.name)


def test_a_chart_is_static_says_its_finding_and_names_no_address(run: Run) -> None:
    charts = [svg for answer in answers(run).values() if (svg := answer.svg())]
    assert len(charts) > 3
    for svg in charts:
        assert svg.startswith('<svg role="img"')
        assert "<script" not in svg
        assert "href" not in svg
        assert svg.count("<desc>") == 1
        assert "http" not in svg.replace("http://www.w3.org", "")


def test_hostile_text_stays_text(run: Run) -> None:
    hostile = '<img src=x onerror=alert(1)>"\x1b[31m\u202e'
    table = pl.DataFrame({"a": [hostile]})
    answer = impact.Answer("a", hostile, table, {"a": "A"}, label="clear")
    assert "<img" not in answer._repr_html_()
    assert "\x1b" not in str(answer)
    assert "[U+202E]" in str(answer)


def test_the_bottom_line_says_what_happened_what_to_do_and_what_it_costs(run: Run) -> None:
    said = impact.bottom_line(run)
    begin = ("Mercor (supplies AI labs", "TODAY: ", "DECIDE: ", "YOU PAY: ", "ONLY IF: ", "Newest ")
    places = [next(n for n, line in enumerate(said.lead) if line.startswith(b)) for b in begin]
    assert places == sorted(places)
    assert len(said.sentence.split()) <= 250
    assert said.rows() == []


def simulated(case: Case) -> Run:
    return impact.simulate(impact.view(case), 50_000)


def test_one_client_is_reported_and_two_are(tiny: Any) -> None:
    kinds = {"a": "client", "b": "client", "c": "client"}
    one = simulated(tiny({"event > a": "certain", "event > b": "p"}, {"p": 0.4}, (), kinds))
    two = simulated(tiny({"event > a": "certain", "event > b": "certain"}, (), (), kinds))
    assert "¶" not in "".join(impact.exposure(one).lead)
    assert impact.exposure(one).lead[1:] == (
        "A is reported as affected. Whether the other clients named here were affected is"
        " not established. The kit assumes a chance of about 40 % for b.",
    )
    assert impact.exposure(two).lead[1:] == ("A and b are reported as affected.",)


def test_an_advice_and_the_decision_that_weighs_it_lead_to_each_other(run: Run) -> None:
    """No two lines tell a reader opposite things: less than advised has its price elsewhere."""
    (advice,) = (line for line in impact.bottom_line(run).lead if line.startswith("ONLY IF: "))
    assert "rotate every secret" in advice
    assert advice.endswith("(Weighed under What if.)")
    means = column(impact.decisions(run, only="litellm-user"), "What it means")
    less = ["Less than advised." in text for text in means]
    assert less == [False, True, True]


def test_a_shared_text_is_as_wide_on_any_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = impact.exposure(run)
    record, wide = answer.record(), str(answer)
    shared = as_text(record)
    monkeypatch.setenv("COLUMNS", "60")
    assert str(answer) != wide
    assert as_text(record) == shared
