"""What to ask first: the value of an answer worked out by hand, swings, shares, and the ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import DRAWS, simulate

import impact
from impact.answers.text import show
from impact.base import words
from impact.base.errors import BadInput
from impact.cli import summary
from impact.measures.choice import costings
from impact.measures.totals import total_loss
from impact.numerics import graph
from impact.simulation import Run

GUARD_USD, HARM_USD = 200, 1000
MEASURES = ("value_usd", "swing_usd", "cost_share", "data_share")


def asked(low: float, high: float, unit: str = "chance", **cells: str) -> dict[str, str]:
    """An even input with a question of its own."""
    ends = {"low": str(low), "high": str(high), "shape": "uniform", "unit": unit}
    return {**ends, "question": "Which?", "ask": "somebody", **cells}


STATE = {"hit": {"question": "Was it hit?", "ask": "its watch", "kind": "state"}}


def rows(case: impact.Case, draws: int = DRAWS, seed: int = 1) -> dict[str, dict[str, Any]]:
    """The rows of the ranking by what they are about."""
    run = simulate(case, draws, seed=seed)
    return {row["id"]: row for row in impact.unknowns(run).table.iter_rows(named=True)}


# worked out by hand


@pytest.mark.parametrize("p", [0.05, 0.15, 0.3, 0.6])
def test_knowing_a_state_first_is_worth_the_cheaper_option_less_a_guard_when_it_is_hit(
    guarded: Any, p: float
) -> None:
    found = rows(guarded(inputs={"p": p}, kinds=STATE))["hit"]
    expected = min(GUARD_USD, p * HARM_USD) - p * GUARD_USD
    spread = np.sqrt(p * (1 - p) / DRAWS) * HARM_USD
    assert abs(found["value_usd"] - expected) < 4 * spread
    assert found["decision"] == "Guard"
    assert found["swing_usd"] == pytest.approx(HARM_USD)
    assert found["cost_share"] == pytest.approx(1.0, abs=1e-6)
    assert (found["question"], found["ask"]) == ("Was it hit?", "its watch")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.5, 200 - ((0.2**2 - 0.1**2) / 2 * 1000 + 0.3 * 200) / 0.4),
        (0.0, 0.3, 150 - (0.2**2 / 2 * 1000 + 0.1 * 200) / 0.3),
        (0.25, 0.5, 0.0),
        (0.01, 0.15, 0.0),
    ],
)
def test_knowing_a_chance_first_is_worth_what_it_can_change(
    guarded: Any, low: float, high: float, expected: float
) -> None:
    found = rows(guarded(inputs={"p": asked(low, high)}, kinds=STATE))["p"]
    assert abs(found["value_usd"] - expected) < 4 * 0.5 * HARM_USD / np.sqrt(DRAWS) + 0.5
    assert found["value_usd"] > 0 or expected == 0


def test_a_state_that_flips_a_decision_is_worth_far_more_than_its_chance(guarded: Any) -> None:
    found = rows(guarded(inputs={"p": asked(0.1, 0.5)}, kinds=STATE))
    assert [*found] == ["hit", "p"]
    assert found["hit"]["value_usd"] > 8 * found["p"]["value_usd"] > 0


def test_the_value_is_gone_where_one_option_is_cheapest_whatever_is_known(guarded: Any) -> None:
    found = rows(guarded(inputs={"guard_usd": (HARM_USD + 1, "USD")}, kinds=STATE))["hit"]
    assert found["value_usd"] == 0
    assert found["decision"] == ""


@pytest.mark.parametrize("second", ["How much?", "Which?"])
def test_shares_of_two_independent_amounts_are_those_of_their_variances(
    tiny: Any, second: str
) -> None:
    """One question of both stands once, with the greatest of each."""
    inputs = {"one": asked(0, 300, "USD"), "two": asked(0, 400, "USD", question=second)}
    losses = {"first": "a at a: c=one", "second": "a at a: c=two"}
    found = rows(tiny({"event > a": "certain"}, inputs, losses))
    assert [*found] == ["two", "one"][: len({"Which?", second})]
    for name, share, swing in (("one", 9 / 25, 300), ("two", 16 / 25, 400)):
        if name in found:
            assert found[name]["cost_share"] == pytest.approx(share, abs=0.02)
            bins = DRAWS // 1000
            assert found[name]["swing_usd"] == pytest.approx(swing * (1 - 1 / bins), rel=0.03)


# what is not asked


def test_an_irrelevant_input_is_not_listed(guarded: Any) -> None:
    inputs = {"p": asked(0.1, 0.5), "q": asked(0, 1, question="Why?")}
    case = guarded({"event > b": "q"}, inputs, kinds=STATE)
    assert "Why?" not in {row["question"] for row in rows(case).values()}


@pytest.mark.parametrize(
    ("p", "listed", "worth"), [(asked(0.1, 0.5), 4, 4), (GUARD_USD / HARM_USD, 12, 8)]
)
def test_irrelevant_inputs_are_listed_and_worth_something_no_more_often_than_by_chance(
    guarded: Any, p: Any, listed: int, worth: int
) -> None:
    """80 quantities, each tested at 1 % for two outcomes, at 5 % for a decision that may tie."""
    links = {f"event > b{n}": f"q{n}" for n in range(40)}
    inputs = {f"q{n}": asked(0, 1, question=f"Why {n}?") for n in range(40)}
    found = rows(guarded(links, {"p": p, **inputs}, kinds=STATE), draws=10_000)
    odd = [row for name, row in found.items() if name[0] in "qb"]
    assert len(odd) <= listed
    assert len([row for row in odd if row["value_usd"] > 0]) <= worth
    assert all(row["cost_share"] < 0.02 and row["value_usd"] < 5 for row in odd)
    assert found["hit"]["value_usd"] > 100


def test_an_input_without_a_question_is_not_listed(guarded: Any) -> None:
    p = {"low": "0.1", "high": "0.5", "shape": "uniform"}
    assert "p" not in rows(guarded(inputs={"p": p}, kinds=STATE))


def test_a_state_that_too_few_draws_show_is_not_ranked(guarded: Any) -> None:
    assert "hit" not in rows(guarded(inputs={"p": 0.002}, kinds=STATE))
    assert "hit" in rows(guarded(inputs={"p": 0.05}, kinds=STATE))


def test_what_is_certain_is_no_question(guarded: Any) -> None:
    assert rows(guarded(inputs={"p": 1.0}, kinds=STATE)) == {}


# the ranking


def test_unrelated_rows_change_no_measure(guarded: Any) -> None:
    before = rows(guarded(inputs={"p": asked(0.1, 0.5)}, kinds=STATE))
    links = {"event > aaa": "q", "aaa > zzz": "r"}
    inputs = {"q": asked(0.2, 0.6, question="Why?"), "r": {**asked(0.1, 0.9), "question": ""}}
    after = rows(guarded(links, {"p": asked(0.1, 0.5), **inputs}, kinds=STATE))
    for name, row in before.items():
        assert {part: after[name][part] for part in MEASURES} == {
            part: row[part] for part in MEASURES
        }


def test_a_party_that_is_reached_counts_towards_whose_data_is_concerned(tiny: Any) -> None:
    case = tiny(
        {"event > lab": "p", "event > shop": "q"},
        {"p": asked(0.2, 0.9), "q": asked(0.2, 0.9, question="Who?")},
        kinds={"lab": "lab", "shop": "service"},
    )
    found = rows(case)
    assert set(found) == {"lab"}  # the state that the chance p decides
    assert found["lab"]["data_share"] == pytest.approx(1.0, abs=0.01)
    assert found["lab"]["cost_share"] == found["lab"]["value_usd"] == 0


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_the_bundled_ranking_falls_and_says_whom_to_ask(name: str) -> None:
    run = impact.simulate(impact.view(impact.load_case(name)))
    found = impact.unknowns(run).table.to_dicts()
    keys = [(-r["value_usd"], -max(r["cost_share"], r["data_share"])) for r in found]
    assert keys == sorted(keys)
    assert all(row["question"].endswith("?") and row["ask"] for row in found)
    assert len({row["question"] for row in found}) == len(found)
    titles = {one.decision.title for one in costings(run)}
    assert all((row["decision"] in titles) == (row["value_usd"] > 0) for row in found)
    assert all(0 <= row[part] <= 1 for row in found for part in ("cost_share", "data_share"))
    assert all(any(row[part] for part in MEASURES) for row in found)


def test_no_answer_is_worth_more_than_to_know_everything_first() -> None:
    run = impact.simulate(impact.view(impact.load_case("drift")))
    most = {one.decision.title: min(one.regrets) for one in costings(run)}
    table = impact.unknowns(run).table
    assert table["value_usd"].max() > 0
    for row in table.iter_rows(named=True):
        assert row["value_usd"] <= most.get(row["decision"], 0.0)


def test_a_swing_is_the_total_where_the_state_is_less_where_it_is_not(run: Run) -> None:
    found = impact.unknowns(run).table.to_dicts()
    (taken,) = (row for row in found if row["id"] == "contractor-data")
    state = graph.unpack(run.reached["contractor-data"], run.draws)
    lost = total_loss(run)
    assert taken["swing_usd"] == pytest.approx(lost[state].mean() - lost[~state].mean())


def test_the_first_questions_are_those_of_all(run: Run) -> None:
    whole, short = impact.unknowns(run), impact.unknowns(run, most=5)
    assert short.table.equals(whole.table.head(5))
    assert short.lead == whole.lead[:1]
    assert words.uncapital(whole.table["question"][0]) in whole.sentence


# defects


def test_of_two_equal_states_the_one_with_a_question_is_asked(tiny: Any) -> None:
    case = tiny(
        {"event > hit": "p", "hit > harmed": "certain"},
        {"p": 0.3, "cost": (100, "USD")},
        {"loss": "a at harmed: cost=cost"},
        {"harmed": {"question": "Was it harmed?", "ask": "its watch"}},
    )
    assert "harmed" in rows(case)


def test_a_question_that_is_listed_shows_at_least_one_number(run: Run) -> None:
    shown = impact.unknowns(run).rows()[1:]
    assert all(set(row[3:]) != {"–"} for row in shown)


def test_the_column_that_ranks_is_shown_in_short_too() -> None:
    run = impact.simulate(impact.view(impact.load_case("drift")))
    short = impact.unknowns(run, most=5)
    first = short.table.row(0, named=True)
    assert first["value_usd"] > 0
    assert f"saves {show(first['value_usd'], 'money')} on average" in short.sentence
    assert short.pictured  # the lead tells what the picture does not


def test_the_questions_are_a_mail_of_a_page_without_a_figure(run: Run) -> None:
    mail = summary.mail(run)
    first = impact.unknowns(run).table.row(0, named=True)
    assert f"To {first['ask']}:\n- {first['question']}" in mail
    assert not set("$%") & set(mail)
    assert len(mail.split()) <= 400
    assert summary.mail(run, "mercor").count("\nTo ") < mail.count("\nTo ")
    with pytest.raises(BadInput, match="nothing is asked of"):
        summary.mail(run, "nobody")
