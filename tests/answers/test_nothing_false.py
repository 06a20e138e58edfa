"""What a careful reader found false on a page, each with its right value worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tiny import GUARD, between, column, evidence, fixed, link, loss, write

import impact
from impact.answers import text as text_of
from impact.answers.losses import said_range, told_bearers
from impact.base import times
from impact.case import heads
from impact.cli import summary
from impact.measures.choice import costings, regimes
from impact.measures.questions import own_decisions
from impact.measures.totals import net_loss, path_chance, total_loss
from impact.numerics import measures
from impact.numerics.lines import Line
from impact.reports import index
from impact.simulation import Run

DRAWS = 20_000


def run_of(case: impact.Case, draws: int = DRAWS, **view: str) -> Run:
    return impact.simulate(impact.view(case, **view), draws)


# given a loss, or in all outcomes


def test_a_total_is_of_all_outcomes_and_a_party_of_those_in_which_it_loses(tiny: Any) -> None:
    """A loss of 100 to 900 in half of the outcomes: of those 140 to 860; of all, 0 to 740."""
    losses = {"pay": "a at hit: cost=cost"}
    run = run_of(tiny({"event > hit": "p"}, {"p": 0.5, "cost": (100, 900, "USD")}, losses))
    rows = {row["bearer"]: row for row in told_bearers(run).iter_rows(named=True)}
    assert rows["a"]["when"] == "if it happens (50 %)"
    assert rows["a"]["range"] == "$140 to $900"
    assert rows["total"]["range"] == "$0 to $740"
    assert rows["total"]["when"] == "all outcomes"


def test_the_index_prints_the_range_of_the_page() -> None:
    run = run_of(impact.load_case("drift"), as_of="2025-08-20")
    rows = {row["about"]: row for row in impact.losses(run).table.iter_rows(named=True)}
    told = index.headline(run, run)["range"]
    assert told == said_range(run, rows["total"]).replace(", if", " if")
    assert "if it happens (10 %)" in told


# per person


def test_what_one_person_loses_is_by_the_persons_concerned(tiny: Any) -> None:
    """100 people, a fifth of them experts, 10 weeks of 5 hours at 3 USD: 150 each. Of another band
    there are no people: nobody is paid anything, and nothing divides by them."""
    pay = "crew at crew: weeks=weeks; hours=hours; pay=pay; band=band; people="
    inputs = {
        "people": (100, "person"),
        "none": (0, "person"),
        "band": (0.2, "share"),
        "weeks": (10, "week"),
        "hours": (5, "hour/week/person"),
        "pay": (3, "USD/hour"),
    }
    losses = {"some": f"{pay}people", "others": f"{pay}none"}
    run = run_of(tiny({"event > crew": "certain"}, inputs, losses, {"crew": "workforce"}))
    with np.errstate(all="raise"):
        rows = impact.losses(run).table.filter(pl.col("part") == "pay_each")
    assert dict(rows.select("about", "mid").iter_rows()) == {"some": 150.0, "others": None}
    assert net_loss(run, "crew")[0] == 3000


# gains


def test_a_gain_is_no_loss_and_reads_as_a_gain(tiny: Any) -> None:
    moved = {
        "bearer": "a",
        "received_by": "b",
        "needs": "hit",
        "arguments": "cost=cost",
        "form": "response",
    }
    run = run_of(tiny({"event > hit": "certain"}, {"cost": (40, 60, "USD")}, {"pay": moved}))
    row = told_bearers(run).row(by_predicate=pl.col("bearer") == "b", named=True)
    assert row["chance"] == 0.0
    assert row["range"] == "a gain of $40 to $60"
    (found,) = (r for r in summary.record(run)["losses"] if r["bearer"] == "b")
    assert found["chance"] == 0.0


# in a year


def test_a_year_is_of_a_named_firm_only_where_a_share_of_the_events_is_its_own(tiny: Any) -> None:
    inputs = {"cost": (100, "USD"), "rate": (2, "event/year")}
    here = {**inputs, "such_events_here_share": (0.1, "share")}
    losses = {"pay": "a at hit: cost=cost"}
    of_any, own = (
        impact.next_year(run_of(tiny({"event > hit": "certain"}, some, losses), 1000))
        for some in (inputs, here)
    )
    assert set(own.table["bearer"]) == {"total", "a"}
    assert of_any.table["bearer"].to_list() == ["total"]
    assert any("such_events_here_share" in note for note in of_any.notes)


# what has already lasted


def paused(tmp_path: Path, *claims: dict[str, str]) -> impact.Case:
    """A case in which work is paused since 1 January 2026 for 0 to 10 weeks, at a dollar a week."""
    pause = {
        "id": "pause",
        "object": "paused",
        "sources": "s",
        "stated_on": "2026-01-01",
        "predicate": "work_status",
    }
    return evidence(
        tmp_path / "case",
        sources=[{"id": "s"}, {"id": "later", "known_on": "2026-02-01"}],
        claims=[pause, *claims],
        inputs=[
            between("weeks", 0, 10, "week", lasts_since="pause"),
            fixed("usd", 1, "USD/week"),
        ],
        links=[{**link("event", "b"), "sources": "s"}],
        losses=[loss("pay", "b", "weeks=weeks; usd=usd", "b", driver="a pause")],
    )


def test_a_state_that_goes_on_is_as_long_as_it_has_lasted(tmp_path: Path) -> None:
    """After five of at most ten weeks the rest is even from 5 to 10: 7.5 on average."""
    case = paused(tmp_path)
    lost = total_loss(run_of(case, as_of="2026-02-05T00:00Z"))
    assert lost.min() >= 5
    assert abs(lost.mean() - 7.5) < 4 * lost.std() / np.sqrt(DRAWS)
    run = run_of(case, as_of="2026-02-05")
    assert "SO FAR: 5.1 weeks by 5 February 2026" in impact.why(run, "weeks").sentence
    first = total_loss(run_of(case, as_of="2026-01-01"))
    assert abs(first.mean() - 5) < 4 * first.std() / np.sqrt(DRAWS)


def test_a_state_that_a_later_claim_ends_is_no_longer_conditioned(tmp_path: Path) -> None:
    over = {
        "id": "over",
        "object": "resumed",
        "sources": "later",
        "known_on": "2026-02-01",
        "stated_on": "2026-02-01",
        "predicate": "work_status",
    }
    case = paused(tmp_path, over)
    lost = total_loss(run_of(case, as_of="2026-02-05"))
    assert abs(lost.mean() - 5) < 4 * lost.std() / np.sqrt(DRAWS)


def test_a_state_that_outlasts_its_estimate_is_told(tmp_path: Path) -> None:
    known = impact.view(paused(tmp_path), as_of="2026-06-01")
    assert total_loss(impact.simulate(known, 100)).tolist() == pytest.approx(
        [152 / 7] * 100, rel=1e-5
    )
    assert any("longer than its estimate allows" in text for text in heads.notices(known))


def test_time_that_passes_is_an_effect_of_its_own_between_two_days(tmp_path: Path) -> None:
    case = paused(tmp_path)
    one, other = (run_of(case, as_of=day) for day in ("2026-01-01", "2026-02-05"))
    rows = impact.waterfall(one, other).table.to_dicts()
    assert [(row["id"], row["what"]) for row in rows] == [("weeks", "has lasted longer")]
    assert rows[0]["effect_usd"] == pytest.approx(
        total_loss(other).mean() - total_loss(one).mean(), abs=0.01
    )


# falls


def test_a_supposed_fall_happens_at_the_moment_of_the_view(tmp_path: Path) -> None:
    """v supplied a until June 2025 and supplies b: supposed to fall in 2026 it reaches b alone."""
    rows = {
        "entities": [
            {"id": n, "name": n, "kind": k}
            for n, k in (("event", "event"), ("v", "vendor"), ("a", "lab"), ("b", "lab"))
        ],
        "links": [
            link("event", "v", "falls", relation="falls"),
            link("v", "a", relation="supplies", valid_to="2025-06"),
            link("v", "b", relation="supplies"),
        ],
        "inputs": [fixed("falls", 1)],
    }
    run = run_of(impact.load_case(write(tmp_path / "case", rows)), as_of="2026-03-01")
    assert {name: run.chance(name) for name in "vab"} == {"v": 1.0, "a": 0.0, "b": 1.0}


# decisions


UNPRICED = {"harm_usd": (0, "USD")}


def test_no_share_is_printed_of_options_whose_harm_nobody_has_priced(guarded: Any) -> None:
    answer = impact.decisions(run_of(guarded(inputs=UNPRICED)))
    assert answer.table["best_chance"].to_list() == [None, None]
    assert "Cheapest in" not in answer.rows()[0]
    assert not any("wrongly" in name for name in answer.rows()[0])
    priced = impact.decisions(run_of(guarded(inputs={"harm_usd": (100, "USD")})))
    assert None not in priced.table["best_chance"].to_list()


def test_a_threshold_has_the_error_of_the_ratio_that_it_is(guarded: Any) -> None:
    """200 to guard, harm in 30 %: 667, by simulation as far off as the share of harm is."""
    (one,) = costings(run_of(guarded(inputs=UNPRICED)))
    first = regimes(one)[0]
    assert first.high == pytest.approx(200 / 0.3, rel=0.03)
    p = 200 / first.high
    half = 1.96 * np.sqrt(p * (1 - p) / DRAWS)
    assert first.error == pytest.approx(first.high * half / p, rel=0.05)


@pytest.mark.parametrize(
    ("first", "second", "shared", "zones"),
    [
        ((95, 0.31), (100, 0.30), 0, 1),  # never a tenth apart
        ((0, 0.30), (200, 0), 0, 2),  # equal at 667 alone
        ((2000, 0.30), (2200, 0), 2000, 2),  # what both bring does not make them alike
        ((0, 0.31), (100, 0.30), 0, 2),  # alike in the end, and not at first
    ],
)
def test_options_are_equal_where_no_value_makes_one_dearer_by_a_tenth(
    guarded: Any,
    first: tuple[float, float],
    second: tuple[float, float],
    shared: float,
    zones: int,
) -> None:
    """Mean costs at 0, and what each unit adds."""
    (one,) = costings(run_of(guarded(inputs=UNPRICED)))
    lines = []
    for name, (base, slope) in (("go-on", first), ("guard", second)):
        even = np.full(DRAWS, 1.0)
        ends = base, base + slope * 1e6
        lines.append(Line(name, ends, 1e6, base=base * even, each=slope * even))
    assert len(regimes(replace(one, lines=tuple(lines), shared=shared))) == zones


def test_a_loss_that_every_option_brings_moves_no_threshold(guarded: Any) -> None:
    always = {"more": "a at always: cost=more_usd"}
    for more in (0, 10_000):
        inputs = {**UNPRICED, "more_usd": (more, "USD")}
        answer = impact.decisions(run_of(guarded(inputs=inputs, losses=always)))
        assert "more than about $700: guard" in answer.sentence


def test_it_is_told_how_a_threshold_moves_with_what_it_depends_on_most(guarded: Any) -> None:
    """200 to guard against a chance of 10 % to 50 %: 1,700 at 12 %, 417 at 48 %."""
    case = guarded(inputs={"p": (0.1, 0.5, "chance"), **UNPRICED})
    answer = impact.decisions(run_of(case))
    assert any("about $2,000 at 12 % and about $400 at 48 %" in note for note in answer.notes)


def test_a_decision_and_an_option_whose_time_is_over_say_so(guarded: Any) -> None:
    toml = GUARD.replace('title = "Guard"', 'title = "Guard"\ncloses = "2026-02-01"')
    toml = toml.replace("option.go-on]", "option.go-on]\ncloses = 2026-02-01")
    case = guarded(toml=toml)
    over = impact.decisions(run_of(case, as_of="2026-03-01"))
    assert "The time to decide this ended on 1 February 2026." in over.sentence
    assert ["No longer possible since" in says for says in column(over, "What it means")] == [
        False,
        True,
    ]
    assert any("go-on (no longer possible)" in line for line in over.lead)
    before = impact.decisions(run_of(case, as_of="2026-01-15"))
    assert "ended on" not in before.sentence
    assert "no longer possible" not in str(before).lower()


# questions


@pytest.mark.parametrize("seed", range(20))
def test_what_cannot_move_a_decision_is_worth_nothing_to_it(guarded: Any, seed: int) -> None:
    """Guarding is cheaper whatever is known of sixty other inputs, and of the harm itself."""
    even = {"shape": "uniform", "low": "0", "high": "1", "unit": "chance"} | {
        "question": "What is it?",
        "ask": "them",
    }
    inputs = {"harm_usd": {**even, "low": "600", "high": "760", "unit": "USD"}}
    inputs |= {f"q{n}": even for n in range(30)}
    case = guarded({f"event > x{n}": f"q{n}" for n in range(30)}, inputs, kinds={"a": "client"})
    run = impact.simulate(impact.view(case), 10_000, seed)
    idle = [row for row in impact.unknowns(run).table.to_dicts() if row["id"][0] in "qx"]
    assert [row["value_usd"] for row in idle if row["value_usd"]] == []


def test_questions_rank_by_the_decisions_of_the_readers_role(mercor: impact.Case) -> None:
    kinds = {name: row["kind"] for name, row in mercor.rows("entities").items()}
    for role, of in (("client", "lab"), ("vendor", "vendor"), ("user", "client")):
        run = run_of(replace(mercor, role=role, memo={}), 10_000)
        assert {kinds[one.decision.bearer] for one in own_decisions(run)} == {of}
    first = impact.unknowns(run_of(mercor, 10_000)).table.row(0, named=True)
    assert first["ask"] == "Mercor"
    assert first["data_share"] > 0.5


# evidence


def test_a_claim_without_a_source_is_not_sourced(tmp_path: Path) -> None:
    case = evidence(
        tmp_path / "case",
        claims=[{"id": "c", "says": "B was hit."}],
        links=[{**link("event", "b"), "claims": "c"}],
    )
    run = run_of(case, 100)
    assert "reported by" not in impact.why(run, "c").sentence
    assert "a, 1 January 2026; no source named" in impact.why(run, "c").sentence
    said = {figure.name: figure.text for figure in impact.exposure(run).figures}
    assert said["chance.b"] == "assumed, not sourced"


def test_a_dispute_over_one_topic_counts_once(tmp_path: Path) -> None:
    dates = [
        {"id": f"c{n}", "by": who, "object": day, "sources": f"s{n}", "predicate": "disclosed_on"}
        for n, (who, day) in enumerate(
            (("a", "2026-01-01"), ("x", "2026-01-02"), ("y", "2026-01-03"))
        )
    ]
    sources = [{"id": f"s{n}", "reliability": letter} for n, letter in enumerate("ACD")]
    answer = impact.conflicts(
        impact.view(evidence(tmp_path / "case", sources=sources, claims=dates))
    )
    assert answer.table.height == 1
    assert "Sources contradict each other on one point." in answer.sentence
    assert column(answer, "The other")[0].count("reported by") == 2


def test_the_longest_delay_is_of_all_events_whatever_is_shown(mercor: impact.Case) -> None:
    known = impact.view(mercor)
    few, many = (impact.timeline(known, most, 50) for most in (5, 50))
    delays = [{f.name: f.text for f in answer.figures}["longest_delay"] for answer in (few, many)]
    assert delays[0] == delays[1] == "14"


# rare is not none


def test_what_no_draw_met_is_not_resolved_and_has_its_exact_mean(tiny: Any) -> None:
    """A billion behind a chance of 1e-5: 10,000 on average, whatever the draws met."""
    inputs = {"p": 1e-5, "c": (1e9, "USD")}
    case = tiny({"event > a": "p"}, inputs, {"pay": "a at a: c=c"}, {"a": "client"})
    run = run_of(case, 1000)
    assert run.chance("a") == 0
    found = path_chance(run, "a")
    assert found is not None
    assert found.mean() == pytest.approx(1e-5)
    (row,) = (r for r in summary.record(run)["losses"] if r["bearer"] == "a")
    assert row["mean_usd"] == pytest.approx(10_000)
    assert row["chance"] is None
    assert "less than about 1 in 330" in row["basis"]
    (reached,) = (r for r in summary.record(run)["exposure"] if r["entity"] == "a")
    assert (reached["chance"], reached["chance_error"]) == (None, None)
    text = summary.text(run)
    for false in ("no way to a client is known", "No loss follows", "Nothing is lost"):
        assert false not in text
    assert "less than about 1 in 330" in text
    assert "less than about 1 in 330" in impact.why(run, "a").sentence
    assert "nothing" not in impact.why(run, "total").sentence.lower()


def test_what_no_draw_met_is_told_beside_what_is_likely(tiny: Any) -> None:
    inputs = {"p": 1e-5, "q": 0.4}
    case = tiny({"event > a": "p", "event > b": "q"}, inputs, (), {"a": "client", "b": "client"})
    told = impact.exposure(run_of(case, 1000)).sentence
    assert "about 40 % for b and less than about 1 in 330 for a" in told


@pytest.mark.parametrize(
    ("hits", "text"),
    [(10_000, "always"), (9_700, "all outcomes"), (3_000, "if it happens (30 %)")],
)
def test_always_is_said_of_what_is_in_every_outcome(hits: int, text: str) -> None:
    found = measures.nine_in_ten(np.where(np.arange(10_000) < hits, 5.0, 0.0))
    said = text_of.parts("amounts", {"currency": "USD"})
    assert text_of.one_line(said.when(found)) == text


# levels and moments


def test_a_view_says_that_rows_above_its_level_are_left_out(tmp_path: Path) -> None:
    claim = {"id": "c", "by": "b", "says": "B was hit.", "sources": "s", "tlp": "amber"}
    source = {"id": "s", "tlp": "amber"}
    case = evidence(tmp_path / "case", sources=[source], claims=[claim])
    case = replace(case, tlp="amber", memo={})
    low, high = (impact.view(case, tlp=level) for level in ("green", "amber"))
    assert "Rows above TLP:GREEN are left out." in heads.notices(low)
    assert heads.notices(high) == []
    text = summary.text(impact.simulate(low, 100))
    assert "Rows above TLP:GREEN are left out." in text
    assert "No breach" not in text
    assert "B was hit" in summary.text(impact.simulate(high, 100))


def test_the_moment_of_a_view_is_its_as_of_else_the_present(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = impact.load_case("drift")
    monkeypatch.setenv("IMPACT_NOW", "2026-05-05T10:00Z")
    assert impact.view(case).moment == times.parse("2026-05-05T10:00Z")
    assert impact.view(case, as_of="2025-09-08").moment == times.parse("2025-09-08")
    assert impact.view(case, now="2026-01-01").moment == times.parse("2026-01-01")
    monkeypatch.delenv("IMPACT_NOW")
    assert impact.view(case).moment.minute == 0


# what is reported


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_reported_stands_only_where_somebody_reports_it(case: str) -> None:
    """In no scenario is a state called reported that is not reached, or of which no row tells."""
    known = impact.load_case(case)
    for scenario in known.scenarios:
        run = impact.simulate(impact.view(known, scenario), draws=500)
        for row in impact.exposure(run).table.iter_rows(named=True):
            for state in ("reach", "copied", "published"):
                assert row[f"{state}_how"] != "established" or row[state] == 1.0, (scenario, row)
            assert row["reach_how"] != "established" or row["claims"], (scenario, row["id"])


def test_an_index_calls_hollow_what_contradicts_a_report_and_names_a_changed_view(
    mercor: impact.Case,
) -> None:
    def head(scenario: str, changes: str = "") -> dict[str, Any]:
        run = impact.simulate(impact.view(mercor, scenario, changes=changes), 200)
        return index.headline(run, run)

    assert head("near-miss")["hollow"]
    assert head("surge-falls")["hollow"]
    changed = head("baseline", "pause_weeks=60")
    assert (changed["hollow"], changed["notices"] != []) == (False, True)
    assert changed["title"] == "Baseline, with one changed input"
