"""Scenarios side by side on the same draws, and differences told change by change, to the cent."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from tiny import same
from tiny import simulate as tiny_run

import impact
from impact.answers import comparisons, differences, text
from impact.answers.losses import told_bearers
from impact.base.errors import BadInput, Refusal
from impact.cli import summary
from impact.measures.totals import net_loss, total_loss
from impact.simulation import Run, simulate, what_if

PAIRS = [
    ("baseline", "long-pause"),
    ("baseline", "pause-spreads"),
    ("near-miss", "client-data-published"),
    ("long-pause", "surge-falls"),
    ("client-data-taken", "contractor-data-only"),
    ("surge-falls", "near-miss"),
]
CHANGES = [
    "pause_weeks=20; openai_pauses=0.5; silent_client_pauses=0.4,0.6,0.9",
    "settlement_usd_a_person=5,20,90; records_residual=0.5,1,2; affected_people=30000",
    "surge_falls=0.3; peer_data_in_reach=0.2; link.litellm-mercor=0.7; pause_weeks=4,8,12",
    "link.mercor-meta-pause=0; meta_idle_people=100; hours_a_week=20; stores_in_reach=0",
]


def cents(run: Run) -> int:
    """The mean total in whole cents."""
    return round(float(total_loss(run).mean()) * 100)


def effects(one: Run, other: Run) -> dict[str, int]:
    """Input -> effect in cents, as the table of the waterfall has it."""
    rows = impact.waterfall(one, other).table.iter_rows(named=True)
    return {row["id"]: round(row["effect_usd"] * 100) for row in rows}


# waterfalls


@pytest.mark.parametrize(("first", "last"), PAIRS)
def test_effects_add_up_to_the_difference_of_two_scenarios(
    mercor: impact.Case, first: str, last: str
) -> None:
    one = impact.simulate(impact.view(mercor, first))
    other = impact.under(one, last)
    found = effects(one, other)
    assert sum(found.values()) == cents(other) - cents(one) != 0
    record = differences.record(one, other)
    assert (record["from"]["view"], record["to"]["view"]) == (first, last)
    assert all(type(row["effect_usd"]) is float for row in record["changes"])


@pytest.mark.parametrize("changes", CHANGES)
def test_effects_add_up_to_the_difference_of_a_what_if(run: Run, changes: str) -> None:
    other = what_if(run, changes)
    found = effects(run, other)
    assert sum(found.values()) == cents(other) - cents(run) != 0
    assert set(found) == {item.partition("=")[0].strip() for item in changes.split(";")}


def test_effects_add_up_over_every_shape(tiny: Any) -> None:
    shapes = {
        "logs": {"shape": "lognormal", "low": "10", "high": "900", "cap": "5000"},
        "beta": {"shape": "beta", "parameters": "a=2; b=5", "low": "10", "high": "90"},
        "steps": {"shape": "quantiles", "parameters": "0=1; 0.3=5; 1=90"},
        "pert": {"shape": "pert", "low": "5", "mode": "20", "high": "70"},
    }
    inputs = {name: {"unit": "USD", **cells} for name, cells in shapes.items()}
    losses = {name: f"a at a: c={name}; s=part" for name in shapes}
    case = tiny({"event > a": "p"}, {"p": 0.5, "part": (0.1, 0.9, "share"), **inputs}, losses)
    one = tiny_run(case, 4096)
    other = what_if(one, "logs=20,30,400; beta=1,2,3; steps=10,20,30; pert=1; p=0.9; part=0.2")
    found = effects(one, other)
    assert sum(found.values()) == cents(other) - cents(one) != 0
    assert len(found) == 6
    assert all(found.values())


@pytest.mark.parametrize(("first", "last"), PAIRS[:4])
def test_the_way_back_has_the_opposite_effects(run: Run, first: str, last: str) -> None:
    one, other = impact.under(run, first), impact.under(run, last)
    there, back = effects(one, other), effects(other, one)
    assert there.keys() == back.keys()
    assert all(abs(there[name] + back[name]) <= 1 for name in there)


def test_a_run_compared_with_itself_has_no_effects(run: Run) -> None:
    answer = impact.waterfall(run, run)
    assert answer.table.height == 0
    assert answer.svg() is None
    assert comparisons.paired(run, run)[0].value == 0


def test_a_change_that_moves_nothing_has_an_effect_of_nothing(run: Run) -> None:
    found = effects(run, what_if(run, "turing_falls=0.5; pause_weeks=40; further_loss_usd=0"))
    assert found["turing_falls"] == 0
    assert "further_loss_usd" not in found  # it is 0 already
    assert found["pause_weeks"] > 0


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.0, 0.0, "no difference"),
        (500.0, 0.0, "$500 more"),
        (500.0, 100.0, "$500 more"),
        (-500.0, 100.0, "$500 less"),
        (100.0, 500.0, "up to $600 more or less"),
        (0.0, 500.0, "up to $500 more or less"),
    ],
)
def test_a_difference_within_its_error_has_no_direction(
    value: float, error: float, said: str
) -> None:
    row = {"difference_usd": value, "difference_error_usd": error, "same": True}
    assert text.one_line(text.parts("moved", {"currency": "USD"}).moved(row)) == said


def test_a_difference_in_who_is_reached_that_has_no_price_is_told(tiny: Any) -> None:
    one = tiny_run(tiny({"event > a": "p"}, {"p": 0.5}), 100)
    found = comparisons.difference(one, what_if(one, "p=1"))
    assert text.one_line(text.parts("moved", {"currency": "USD"}).moved(found)) == (
        "no difference that has a price"
    )


def test_a_half_cent_is_given_out_whole(tiny: Any) -> None:
    inputs = {"one": (0.01, "USD/week"), "two": (1, "week")}
    case = tiny({"event > a": "certain"}, inputs, {"pay": "a at a: x=one; y=two"})
    one = tiny_run(case, 10)
    other = what_if(one, "one=0.02; two=2")  # 1 cent to 4: each has 1.5
    assert sorted(effects(one, other).values()) == [1, 2]


def test_runs_of_other_draws_seeds_or_levels_are_refused(mercor: impact.Case) -> None:
    known = impact.view(mercor)
    one = impact.simulate(known, 4096)
    others = {
        "draws": impact.simulate(known, 1000),
        "seeds": impact.simulate(known, 4096, seed=2),
        "levels": impact.simulate(impact.view(mercor, tlp="green"), 4096),
    }
    for what, other in others.items():
        with pytest.raises(Refusal, match=what):
            impact.waterfall(one, other)


def test_views_made_one_by_one_are_told_apart_by_their_inputs_alone(mercor: impact.Case) -> None:
    one, other = (impact.simulate(impact.view(mercor, name)) for name in ("baseline", "long-pause"))
    assert effects(one, other) == effects(one, impact.under(one, "long-pause"))


# scenarios


def test_a_scenario_after_another_is_that_scenario(run: Run) -> None:
    for first, last in PAIRS:
        assert same(impact.under(impact.under(run, first), last), impact.under(run, last))


@pytest.mark.parametrize("name", ["near-miss", "long-pause", "surge-falls"])
def test_under_a_scenario_is_the_view_of_that_scenario(mercor: impact.Case, name: str) -> None:
    changes = "pause_weeks=9; stores_in_reach=0.5"
    mine = impact.under(impact.simulate(impact.view(mercor, changes=changes)), name)
    fresh = impact.simulate(impact.view(mercor, name, changes=changes))
    assert mine.known.changes == fresh.known.changes
    assert same(mine, fresh)


def test_compare_of_a_scenario_holds_the_baseline_and_its_differences_turned_round(
    run: Run,
) -> None:
    there = {row["id"]: row for row in impact.compare(run).table.to_dicts()}
    back = {r["id"]: r for r in impact.compare(impact.under(run, "long-pause")).table.to_dicts()}
    assert "long-pause" not in back
    assert back["baseline"]["difference_usd"] == -there["long-pause"]["difference_usd"]
    for name in back.keys() & there.keys():
        assert back[name]["mean_usd"] == there[name]["mean_usd"]


def test_scenarios_are_named_and_unknown_ones_are_refused(run: Run) -> None:
    assert impact.compare(run, ["near-miss"]).table["id"].to_list() == ["near-miss"]
    with pytest.raises(BadInput, match=r'no scenario "near-mis"; did you mean "near-miss"'):
        impact.compare(run, ["near-mis"])
    with pytest.raises(BadInput, match=r'no scenario "long"; .*'):
        impact.under(run, "long")


def test_a_scenario_on_what_is_not_known_is_left_out(mercor: impact.Case) -> None:
    early = impact.simulate(impact.view(mercor, as_of="2026-03-31"), draws=2000)
    assert impact.compare(early).table["id"].to_list() == ["near-miss", "surge-falls"]
    with pytest.raises(Refusal, match="pause_weeks"):
        impact.compare(early, ["long-pause"])


def test_on_the_same_draws_a_week_of_pause_is_at_least_fifty_times_sharper(run: Run) -> None:
    one, other = what_if(run, "pause_weeks=12"), what_if(run, "pause_weeks=13")
    moved, sharper = comparisons.paired(one, other)
    apart = total_loss(simulate(other.known, run.draws, 2)).var() + total_loss(one).var()
    assert apart / (total_loss(other) - total_loss(one)).var() > 50
    assert sharper > 50
    assert moved.value is not None
    assert moved.error is not None
    assert moved.value > 20 * moved.error > 0


def test_the_paired_error_holds_the_truth_in_nineteen_of_twenty_seeds(mercor: impact.Case) -> None:
    known = impact.view(mercor)
    found = []
    for seed in range(40):
        one = impact.simulate(known, 2000, seed)
        found.append(comparisons.paired(one, what_if(one, "pause_weeks=13"))[0])
    centre = np.mean([measure.value for measure in found])
    inside = sum(abs(measure.value - centre) <= measure.error for measure in found)
    assert 33 <= inside <= 40


def test_the_account_of_forty_minutes_moves_other_users_and_not_mercor(
    mercor: impact.Case,
) -> None:
    known = impact.view(mercor, as_of="2026-04-01")
    assert known.inputs["window_minutes"]["mode"] == 40
    long = impact.simulate(impact.view(mercor, as_of="2026-04-02"))
    short = what_if(long, "window_minutes=40")
    assert short.chance("other-users") < 0.6 * long.chance("other-users")
    assert short.reached["mercor"] == long.reached["mercor"]
    assert np.array_equal(net_loss(short, "mercor"), net_loss(long, "mercor"))
    assert effects(long, short) == {"window_minutes": 0}
    before = impact.what_if(impact.simulate(impact.view(mercor, as_of="2026-03-30")), "")
    assert before.chance("mercor") == 0


# one run after another: what is kept is what a fresh run would have


def changes_of(dice: random.Random, known: impact.Case) -> str:
    """One to five random changes of inputs or links that a view accepts."""
    told = []
    for name in dice.sample([*known.inputs], dice.randint(1, 4)):
        row = known.inputs[name]
        least = row["mode"] if row["low"] is None else row["low"]
        most = row["mode"] if row["high"] is None else row["high"]
        values = sorted(dice.uniform(least, most) for _ in range(3))
        if row["unit"] in ("chance", "share") and least == most:
            values = [dice.choice([0.0, 0.5, 1.0])] * 3
        told.append(f"{name}={values[1]}" if dice.random() < 0.5 else f"{name}={_joined(values)}")
    link = dice.choice(known["links"].filter(known["links"]["chances"].list.len() > 0)["id"])
    return "; ".join([*told, f"link.{link}={dice.choice([0, 0.5, 1])}"])


def _joined(values: list[float]) -> str:
    return ",".join(map(repr, values))


def test_a_chain_of_what_ifs_has_the_bits_of_fresh_runs(mercor: impact.Case) -> None:
    dice, known = random.Random(7), impact.view(mercor)
    run, told = impact.simulate(known, 1000), []
    for _ in range(20):
        told.append(changes_of(dice, known))
        run = what_if(run, told[-1])
        latest = {item.partition("=")[0]: item for item in "; ".join(told).split("; ")}
        fresh = impact.simulate(impact.view(mercor, changes="; ".join(latest.values())), 1000)
        assert run.known.changes == fresh.known.changes
        assert same(run, fresh), told


def said(run: Run, of_run: tuple[str, ...]) -> dict[str, Any]:
    """All that the answers of a run print: sentences, tables as shown, notes and figures."""
    made = [getattr(impact, name)(run) for name in of_run]
    found = {a.name: (a.sentence, a.rows(), a.notes, a.notices) for a in made}
    figures = {(a.name, f.name): (f.value, f.text) for a in made for f in a.figures}
    texts = {key: text for key, (_, text) in figures.items()}
    values = {key: value for key, (value, _) in figures.items()}
    return {"said": found, "texts": texts, "values": values, "shown": summary.text(run)}


@pytest.mark.parametrize(
    "changes",
    [
        "pause_weeks=20,30,40; openai_pauses=0.5",
        "surge_falls=0.4; link.mercor-stores-open=0.5; user_decides=1; misuse_left=0.3",
        "affected_people=1,2,3; link.litellm-mercor=0",
    ],
)
def test_all_answers_of_a_what_if_are_those_of_a_fresh_run(
    mercor: impact.Case, of_run: tuple[str, ...], changes: str
) -> None:
    first = impact.simulate(impact.view(mercor), 2000)
    said(first, of_run)  # so that whatever is remembered is remembered
    mine = said(what_if(first, changes), of_run)
    fresh = said(impact.simulate(impact.view(mercor, changes=changes), 2000), of_run)
    assert mine["said"] == fresh["said"]
    assert mine["texts"] == fresh["texts"]
    assert mine["shown"] == fresh["shown"]
    assert mine["values"] == {
        key: value if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)
        for key, value in fresh["values"].items()
    }


def test_asking_other_questions_first_changes_no_answer(mercor: impact.Case) -> None:
    plain, asked = (impact.simulate(impact.view(mercor)) for _ in range(2))
    impact.suppliers(asked)
    impact.unknowns(asked)
    one, other = told_bearers(plain), told_bearers(asked)
    assert one["basis"].to_list() == other["basis"].to_list()
    assert one["assumed_share"].to_list() == other["assumed_share"].to_list()


def test_back_from_a_scenario_the_shares_of_assumptions_are_those_of_a_fresh_run(
    mercor: impact.Case,
) -> None:
    fresh = impact.simulate(impact.view(mercor))
    back = impact.under(impact.under(fresh, "surge-falls"), "baseline")
    shares = [told_bearers(of)["assumed_share"].to_list() for of in (fresh, back)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-12)


# defects


def test_most_of_a_difference_is_said_of_more_than_half_of_it(tiny: Any) -> None:
    inputs = {"one": (10, "USD"), "two": (10, "USD"), "three": (10, "USD")}
    losses = {name: f"a at a: c={name}" for name in inputs}
    one = tiny_run(tiny({"event > a": "certain"}, inputs, losses), 10)
    up_and_down = impact.waterfall(one, what_if(one, "one=1010; two=0; three=0"))
    assert "Most of it, $1,000 more, comes from one: a number." in up_and_down.sentence
    opposite = impact.waterfall(one, what_if(one, "one=110; two=0; three=130"))
    assert "Most of it, $120 more, comes from three: a number." in opposite.sentence
    against = impact.waterfall(what_if(one, "three=100"), what_if(one, "one=80; two=80"))
    assert "Most of it" not in against.sentence
