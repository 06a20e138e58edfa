"""How large it can get: chances to exceed an amount against a closed form, and the drawn curve."""

import re

import numpy as np
import pytest
from scipy import stats
from tiny import DRAWS, Tiny, fixed, link, loss, simulate

import impact
from impact.measures import tails


@pytest.fixture
def run(tiny_case: Tiny) -> impact.Run:
    """A loss of a lognormal amount, one time in two; its inputs are reported."""
    reported = {"basis_kind": "reported", "basis": "said"}
    cost = {"id": "cost", "low": "1", "high": "100", "cap": "1e9", "shape": "lognormal"} | reported
    inputs = [fixed("p", 0.5, **reported), cost | {"unit": "USD"}]
    return simulate(tiny_case([link("event", "a", "p")], inputs, [loss("one", "a", "c=cost")]))


def above(amount: np.ndarray) -> np.ndarray:
    """The exact chance of a loss above an amount."""
    sigma = np.log(100) / (2 * stats.norm.ppf(0.95))
    return 0.5 * stats.lognorm.sf(amount, sigma, scale=10)


def test_chances_above_round_amounts_are_those_of_the_lognormal(run: impact.Run) -> None:
    table = impact.exceedance(run).table
    at, found, errors = (
        table[name].to_numpy() for name in ("amount_usd", "chance", "chance_error")
    )
    assert {1.0, 1.5, 10.0, 100.0} <= set(at.tolist())
    exact = above(at)
    assert np.all(np.abs(found - exact) < 4 * np.sqrt(exact * (1 - exact) / DRAWS))
    assert np.all(np.abs(found - exact) < 2.1 * errors)
    assert (np.diff(found) <= 0).all()
    assert found.min() >= 100 / DRAWS


def test_a_curve_runs_from_small_losses_to_where_a_hundred_draws_are_above(run: impact.Run) -> None:
    curve = tails.exceedance_curve(run)
    at, chances = curve["amount_usd"].to_numpy(), curve["chance"].to_numpy()
    assert (np.diff(at) > 0).all()
    assert chances[0] > 0.45
    assert chances[-1] * DRAWS == pytest.approx(100, abs=2)
    assert np.all(np.abs(chances - above(at)) < 4.5 * np.sqrt(above(at) / DRAWS))


def test_small_amounts_on_an_axis_are_no_fractions_of_thousands(run: impact.Run) -> None:
    labels = re.findall(r">(\$[^<]*)<", impact.exceedance(run).svg() or "")
    assert {"$1", "$10", "$100"} <= set(labels)
    assert not any(label.endswith("k") for label in labels)
