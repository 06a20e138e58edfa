"""On whom it rests: which link to cut, by hand, and each supplier as the only one that falls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import DRAWS, between, fixed, link, loss, simulate, written

import impact
from impact.measures import suppliers
from impact.measures.suppliers import parties, steps_saved
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, Sampler, run_from, what_if

LABS = dict.fromkeys(("a", "b", "c"), "lab")
# One shop, on two ways, holds the data of a and b; that of c has a way of its own.
LINKS = {
    "event > one": "p",
    "event > two": "q",
    "one > shop": "certain",
    "two > shop": "certain",
    "shop > a-data": "r",
    "shop > b-data": "r",
    "a-data > a": "certain",
    "b-data > b": "certain",
    "event > c-data": "s",
    "c-data > c": "certain",
}
CHANCES = {"p": 0.4, "q": 0.3, "r": 0.5, "s": 0.2}
SHOP = 1 - 0.6 * 0.7


def shop(tiny: Any, **chances: float) -> Run:
    """A run of the shop."""
    return simulate(tiny(LINKS, CHANCES | chances, kinds=LABS))


# cuts


def spared(run: Run, link: str) -> float:
    """How many parties are not reached where a link is cut, by a run of its own."""
    ends = parties(run)
    cut = what_if(run, f"link.{link}=0")
    return sum(run.chance(end) - cut.chance(end) for end in ends)


def test_a_cut_spares_what_it_does_by_hand(tiny: Any) -> None:
    run = shop(tiny)
    rows = {row["id"]: row for row in steps_saved(run).iter_rows(named=True)}
    by_hand = {
        "event-one": 2 * 0.5 * 0.4 * 0.7,
        "one-shop": 2 * 0.5 * 0.4 * 0.7,
        "event-two": 2 * 0.5 * 0.3 * 0.6,
        "two-shop": 2 * 0.5 * 0.3 * 0.6,
        "shop-a-data": 0.5 * SHOP,
        "shop-b-data": 0.5 * SHOP,
        "event-c-data": 0.2,
    }
    assert rows.keys() == by_hand.keys()
    for name, expected in by_hand.items():
        assert abs(rows[name]["saved"] - expected) <= 2 * rows[name]["saved_error"], name
        assert rows[name]["saved"] == pytest.approx(spared(run, name), abs=1e-12)
    of_mean = 1.96 * np.sqrt(0.2 * 0.8 / DRAWS)
    assert rows["event-c-data"]["saved_error"] == pytest.approx(of_mean, rel=0.05)


@pytest.mark.parametrize(
    ("scenario", "among"), [("baseline", "event-trivy"), ("surge-falls", "surge-falls")]
)
def test_every_cut_spares_what_the_what_if_of_that_link_says(
    mercor: impact.Case, scenario: str, among: str
) -> None:
    run = impact.simulate(impact.view(mercor, scenario), draws=2000)
    rows = steps_saved(run)
    assert rows.height > 5
    assert among in rows["id"]
    assert rows["saved"].is_sorted(descending=True)
    for name, saved in rows.select("id", "saved").iter_rows():
        assert saved == pytest.approx(spared(run, name), abs=1e-9), name


def test_an_established_party_takes_no_error_from_the_others(run: Run) -> None:
    cut = impact.what_if(run, "link.trivy-pipeline=0")  # the others are spared already
    rows = {row["id"]: row for one in (run, cut) for row in steps_saved(one).iter_rows(named=True)}
    assert run.chance("europa") == 1.0
    assert rows["event-trivy"]["saved_error"] == 0
    assert rows["event-trivy"]["saved"] == 1
    assert rows["mercor-stores-open"]["saved_error"] > 0.01


def test_a_second_certain_way_makes_a_cut_worthless(tiny: Any) -> None:
    links = {"event > one": "certain", "event > two": "certain", "one > x": "certain"}
    links |= {"two > x": "certain", "x > a": "certain"}
    run = impact.simulate(impact.view(tiny(links, kinds={"a": "lab"})), 1000)
    assert steps_saved(run).height == 0
    assert "No single step decides" in impact.suppliers(run).sentence


# defects


def test_no_cut_is_denied_where_a_what_if_spares_a_party(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, as_of="2026-03-31"))
    assert spared(run, "litellm-other-users") > 0.01
    assert "No single step decides" not in impact.suppliers(run).sentence


# one supplier after the other as the only one that falls


def alone(run: Run, entity: str) -> Run:
    """The run in which one entity alone falls, worked out afresh."""
    model = suppliers.only(run.known, entity)
    return run_from(Sampler(run.known, model, run.draws, run.seed, {}))


def test_only_the_fallen_and_what_hangs_on_it_is_reached(mercor: impact.Case, run: Run) -> None:
    fallen = alone(run, "handshake")
    reached = {entity for entity, mask in fallen.reached.items() if mask}
    assert reached == {"event", "handshake", "openai"}
    chance = fallen.chance("openai")
    scenario = impact.view(mercor, changes="handshake_falls=1")
    both = impact.simulate(scenario).reached["openai"]
    assert both & fallen.reached["openai"] == fallen.reached["openai"]  # the same draws
    assert 0 < chance < both.bit_count() / run.draws


def test_the_loss_of_one_is_what_the_simulation_of_that_one_gives(run: Run) -> None:
    rows = {row["id"]: row for row in impact.suppliers(run).table.to_dicts()}
    assert rows["surge"]["mean_usd"] == total_loss(alone(run, "surge")).mean()


def test_a_fall_that_costs_now_and_then_is_ranged_over_all_outcomes(tmp_path: Path) -> None:
    supply = link("v", "b", "", id="supply", relation="supplies")
    made = written(
        tmp_path / "case",
        [link("event", "v", "p"), link("v", "b", "half"), supply],
        [fixed("p", 0.1), fixed("half", 0.5), between("usd", 1e6, 2e6, "USD")],
        [loss("cost", "b", "usd=usd", bearer="b")],
    )
    run = impact.simulate(impact.view(impact.load_case(made)))
    (row,) = suppliers.failures(run).filter(id="v").to_dicts()
    assert row["often"] == pytest.approx(0.5, abs=0.02)
    assert (row["given"], row["low"]) == (False, 0)
    assert row["high"] == measures.order_statistic(total_loss(alone(run, "v")), 0.9)
