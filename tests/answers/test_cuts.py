"""Who is reached together, which link to cut, and what all ways pass, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import impact
from impact.measures.suppliers import parties, steps_saved
from impact.simulation import Run, what_if

DRAWS = 50_000
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


@pytest.fixture(scope="module")
def run(mercor: impact.Case) -> Run:
    return impact.simulate(impact.view(mercor))


def shop(tiny: Any, **chances: float) -> Run:
    """A run of the shop."""
    case = tiny(LINKS, CHANCES | chances, kinds=LABS)
    return impact.simulate(impact.view(case), DRAWS)


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


def test_every_cut_spares_what_the_what_if_of_that_link_says(run: Run) -> None:
    rows = steps_saved(run)
    assert rows.height > 5
    assert rows["saved"].is_sorted(descending=True)
    for link, saved in rows.select("id", "saved").iter_rows():
        assert saved == pytest.approx(spared(run, link), abs=1e-9), link


def test_every_cut_of_a_supposed_fall_spares_what_the_what_if_says(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, "surge-falls"), draws=2000)
    rows = steps_saved(run)
    assert "surge-falls" in rows["id"]
    for link, saved in rows.select("id", "saved").iter_rows():
        assert saved == pytest.approx(spared(run, link), abs=1e-9), link


def test_the_error_of_a_cut_is_that_of_its_mean_over_draws(tiny: Any) -> None:
    rows = steps_saved(shop(tiny)).to_dicts()
    found = {row["id"]: row for row in rows}["event-c-data"]
    expected = 1.96 * np.sqrt(0.2 * 0.8 / DRAWS)
    assert found["saved_error"] == pytest.approx(expected, rel=0.05)


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


def test_an_empty_view_has_no_weak_point(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, as_of="1990-01-01"), draws=1000)
    assert steps_saved(run).height == 0


# defects


def test_no_cut_is_denied_where_a_what_if_spares_a_party(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, as_of="2026-03-31"))
    assert spared(run, "litellm-other-users") > 0.01
    assert "No single step decides" not in impact.suppliers(run).sentence
