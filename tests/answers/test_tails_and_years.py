"""How large a loss can get: exceedance, parts, what is in common, and the loss of a year."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tiny import DRAWS, simulate

import impact
from impact import simulation
from impact.answers import tails as answers
from impact.answers.losses import told_bearers
from impact.answers.text import parts
from impact.base.errors import BadInput
from impact.cli import summary
from impact.measures import tails
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run

# exceedance


@pytest.fixture
def reported(tiny: Any) -> Run:
    """A loss of a lognormal amount, one time in two; its inputs are reported."""
    known = {"basis_kind": "reported", "basis": "said"}
    cost = {"low": "1", "high": "100", "cap": "1e9", "shape": "lognormal", "unit": "USD"}
    inputs = {"p": {"mode": "0.5", "shape": "fixed", **known}, "cost": {**cost, **known}}
    return simulate(tiny({"event > a": "p"}, inputs, {"one": "a at a: c=cost"}))


def above(amount: np.ndarray) -> np.ndarray:
    """The exact chance of that loss above an amount."""
    sigma = np.log(100) / (2 * stats.norm.ppf(0.95))
    return 0.5 * stats.lognorm.sf(amount, sigma, scale=10)


def test_chances_above_round_amounts_are_those_of_the_lognormal(reported: Run) -> None:
    table = impact.exceedance(reported).table
    at, found, errors = (
        table[name].to_numpy() for name in ("amount_usd", "chance", "chance_error")
    )
    assert {1.0, 1.5, 10.0, 100.0} <= set(at.tolist())
    exact = above(at)
    assert np.all(np.abs(found - exact) < 4 * np.sqrt(exact * (1 - exact) / DRAWS))
    assert np.all(np.abs(found - exact) < 2.1 * errors)
    assert (np.diff(found) <= 0).all()
    assert found.min() >= 100 / DRAWS


def test_where_facts_lead_a_curve_runs_to_where_a_hundred_draws_are_above(reported: Run) -> None:
    curve = tails.exceedance_curve(reported)
    at, chances = curve["amount_usd"].to_numpy(), curve["chance"].to_numpy()
    assert (np.diff(at) > 0).all()
    assert chances[0] > 0.45
    assert chances[-1] * DRAWS == pytest.approx(100, abs=2)
    assert np.all(np.abs(chances - above(at)) < 4.5 * np.sqrt(above(at) / DRAWS))


def test_small_amounts_on_an_axis_are_no_fractions_of_thousands(reported: Run) -> None:
    labels = re.findall(r">(\$[^<]*)<", impact.exceedance(reported).svg() or "")
    assert {"$1", "$10", "$100"} <= set(labels)
    assert not any(label.endswith("k") for label in labels)


def test_one_in_twenty_is_above_p95_and_tvar_is_the_mean_beyond(run: Run) -> None:
    row = told_bearers(run).row(by_predicate=pl.col("bearer") == "total", named=True)
    lost = total_loss(run)
    assert np.count_nonzero(lost > row["p95_usd"]) / run.draws == pytest.approx(0.05, abs=1e-3)
    worst = np.sort(lost)[-run.draws // 20 :]
    assert row["tvar95_usd"] == pytest.approx(worst.mean(), rel=1e-3)


def test_where_assumptions_lead_the_curve_runs_to_one_in_twenty(run: Run) -> None:
    assert told_bearers(run).filter(pl.col("bearer") == "total")["assumed_share"][0] > 0.5
    assert impact.exceedance(run).table["chance"].min() >= 0.05
    curve = tails.exceedance_curve(run)
    assert curve["amount_usd"].is_sorted()
    assert curve["chance"].is_sorted(descending=True)
    assert 0.95 < curve["chance"][0] <= 1.0
    assert curve["chance"][-1] == pytest.approx(0.05, abs=2 / run.draws)
    assert curve["amount_usd"][-1] == pytest.approx(np.quantile(total_loss(run), 0.95), rel=1e-3)
    assert curve["chance"].n_unique() > 50


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.13, "in 15 % of outcomes"),
        (0.45, "in 45 % of outcomes"),
        (0.051, "in one outcome in 20"),
        (0.97, "in nearly every outcome"),
    ],
)
def test_a_sentence_gives_a_chance_no_coarser_than_the_table_beside_it(
    chance: float, said: str
) -> None:
    marks = [{"amount_usd": 1e6, "chance": chance}]
    facts = {"year": False, "currency": "USD", "marks": marks, "ends": False}
    assert parts("exceedance", facts).title == f"The total exceeds $1 million {said}"


# parts


def test_the_mean_is_the_mean_where_there_is_a_loss_times_its_chance(run: Run) -> None:
    rows = impact.losses(run, by="form").table.filter(pl.col("mean_usd").is_not_null())
    assert rows.height > 8
    for row in rows.iter_rows(named=True):
        assert row["chance"] > 0
        assert row["given_usd"] * row["chance"] == pytest.approx(row["mean_usd"], rel=1e-9)
        assert row["p05_usd"] <= row["p50_usd"] <= row["p90_usd"] <= row["p95_usd"]
        assert row["p95_usd"] <= row["p99_usd"]
        assert row["p95_usd"] <= row["tvar95_usd"]


def test_a_part_under_five_hundred_draws_gives_its_chance_and_nothing_else(tiny: Any) -> None:
    inputs = {"p": 0.02, "cost": (100, 900, "USD")}
    run = simulate(tiny({"event > a": "p"}, inputs, {"pay": "a at a: cost=cost"}), 10_000)
    answer = impact.losses(run, by="form")
    row = answer.table.row(0, named=True)
    assert 0 < row["chance"] * run.draws < measures.ENOUGH
    amounts = {name: value for name, value in row.items() if name.endswith("_usd")}
    assert set(amounts.values()) == {None}
    assert len(amounts) == 16
    assert answer.rows()[1][2:] == ["2 %", *["not resolved"] * 3]


def test_no_other_parts_are_known(run: Run) -> None:
    with pytest.raises(BadInput, match='by: there are no losses by "lab"; bearer or form'):
        impact.losses(run, by="lab")


# a year


def rated(tiny: Any, rate: float) -> impact.Case:
    """A view of a loss in each event, so many events a year."""
    inputs = {"cost": (100, "USD"), "rate": (rate, "event/year")}
    return impact.view(tiny({"event > a": "certain"}, inputs, {"pay": "a at a: cost=cost"}))


def test_a_rate_of_nothing_is_a_year_without_a_loss(tiny: Any) -> None:
    year = impact.simulate_year(rated(tiny, 0), 1000)
    assert total_loss(year).tolist() == [0.0] * 1000
    assert answers.next_year(year).table.height == 0
    assert answers.next_year(year).there
    assert "no loss in a year" in answers.next_year(year).sentence


@pytest.mark.parametrize(
    ("rate", "draws", "message"),
    [
        (501, 100, "year: rate goes above 500 events a year; give the rate"),
        (400, 10_000, r"draws: 10,000 years hold [\d,]+ events, more than 1,048,576; take [\d,]+ "),
        (1, 0, "draws: 0 is outside 1 to 1,048,576"),
        (1, 2**20 + 1, "draws: 1048577 is outside"),
    ],
)
def test_a_year_that_cannot_be_drawn_is_refused(
    tiny: Any, rate: float, draws: int, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        impact.simulate_year(rated(tiny, rate), draws)


def test_without_a_rate_a_year_is_refused_with_its_repair(mercor: impact.Case) -> None:
    early = impact.view(mercor, as_of="2026-03-31")
    with pytest.raises(BadInput, match=r"year: no input .* says how often .*; give inputs.csv one"):
        impact.simulate_year(early)


def test_the_mean_of_a_year_is_the_rate_of_this_firm_times_the_mean_given_an_event(
    run: Run, year: Run
) -> None:
    """An event of the year to come has lasted for no time yet."""
    rate = 1.0
    for name in ("such_events_a_year", "such_events_here_share"):
        row = run.known.inputs[name]
        rate *= (row["low"] + 4 * row["mode"] + row["high"]) / 6
    event = simulation.simulate(replace(run.known, lasted={}, memo={}), run.draws, run.seed)
    assert total_loss(event).mean() < total_loss(run).mean()
    found = measures.mean(total_loss(year))
    assert found.error is not None
    assert abs(total_loss(year).mean() - rate * total_loss(event).mean()) <= 2 * found.error


def test_a_year_has_the_keys_and_bearers_of_the_event(run: Run, year: Run) -> None:
    one, other = summary.record(run), summary.record(year)
    assert one.keys() == other.keys()
    assert (one["over"], other["over"]) == ("event", "year")
    for part in ("exposure", "losses", "forms"):
        assert [row.keys() for row in one[part]] == [row.keys() for row in other[part]]
    assert [r["bearer"] for r in one["losses"]] == [r["bearer"] for r in other["losses"]]


# defects


@pytest.mark.parametrize(
    ("ask", "more"),
    [
        *(("losses", ()), ("decisions", ()), ("unknowns", ())),
        *(("what_if", ("pause_weeks=20",)), ("compare", (["long-pause"],))),
        *(("exposure", ()), ("why", ("total",))),
    ],
)
def test_what_supposes_that_the_event_happened_is_refused_of_a_year(
    year: Run, ask: str, more: tuple[Any, ...]
) -> None:
    with pytest.raises(BadInput, match=f"{ask}: the run is of a year; take a run given the event"):
        getattr(impact, ask)(year, *more)
