"""Measures of draws and their simulation error, by hand, by numpy and by coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from impact.numerics import measures, sampling
from impact.numerics.measures import NOTHING, UNRESOLVED

COUNTED = np.arange(1.0, 1001.0)  # 1 to 1,000: every rank is its value


@pytest.mark.parametrize(
    ("hits", "draws", "low", "high"),
    [
        (0, 10, 0.0, 0.2775328),  # z^2 / (n + z^2)
        (1, 10, 0.0178762, 0.4041500),
        (5, 10, 0.2365931, 0.7634069),
        (10, 10, 0.7224672, 1.0),
        (50, 100, 0.4038315, 0.5961685),
    ],
)
def test_the_error_of_a_share_is_the_greater_half_of_wilsons_interval(
    hits: int, draws: int, low: float, high: float
) -> None:
    found, p = measures.share(hits, draws), hits / draws
    assert found.value == p
    assert found.error == pytest.approx(max(p - low, high - p), abs=1e-6)


@pytest.mark.parametrize("hits", [0, 1000])
def test_a_share_of_none_or_all_is_still_uncertain(hits: int) -> None:
    assert measures.share(hits, 1000).error == pytest.approx(0.0038268, abs=1e-6)


def test_a_quantile_is_an_order_statistic_with_the_interval_of_its_rank() -> None:
    # rank 950; its spread is 1.96 sqrt(1000 x .95 x .05) = 13.5, so ranks 937 and 965
    assert measures.quantile(COUNTED, 0.95) == measures.Measure(950.0, 15.0)
    # rank 500; its spread is 31.0, so ranks 470 and 532
    assert measures.quantile(COUNTED, 0.50) == measures.Measure(500.0, 32.0)


@given(st.integers(1, 400), st.sampled_from(sorted(measures.QUANTILES)))
def test_the_quantile_of_one_to_n_is_its_rank(hundreds: int, name: str) -> None:
    draws, percent = 100 * hundreds, int(name[1:])
    counted = np.arange(1.0, draws + 1)
    assert measures.quantile(counted, measures.QUANTILES[name]).value == hundreds * percent


def test_the_measures_of_a_known_sample_are_these() -> None:
    found = measures.loss_measures(np.random.default_rng(1).permutation(COUNTED))
    values = {name: measure.value for name, measure in found.items()}
    quantiles = {"p05": 50.0, "p50": 500.0, "p90": 900.0, "p95": 950.0, "p99": 990.0}
    assert values == {"chance": 1.0, "given": 500.5, "mean": 500.5, **quantiles, "tvar95": 975.0}
    # sd of 1 to 1,000 is sqrt(1000 x 1001 / 12)
    assert found["mean"].error == pytest.approx(1.959964 * np.sqrt(1001 / 12), rel=1e-6)
    # the 51 values from 950: variance 51 x 52 / 12 = 221, TVaR - VaR = 25
    expected = 1.959964 * np.sqrt((221 + 0.95 * 25**2) / 51)
    assert found["tvar95"].error == pytest.approx(expected, rel=1e-6)


def test_nothing_lost_is_nothing() -> None:
    found = measures.loss_measures(np.zeros(10_000))
    chance = found.pop("chance")
    assert chance.value == 0
    assert chance.error > 0
    assert set(found.values()) == {NOTHING}


def test_under_500_losses_only_the_chance_is_given() -> None:
    amounts = np.zeros(10_000)
    amounts[:499] = 1e6
    found = measures.loss_measures(amounts)
    assert found.pop("chance").value == 0.0499
    assert set(found.values()) == {UNRESOLVED}


def test_500_losses_are_enough() -> None:
    amounts = np.zeros(10_000)
    amounts[:500] = 1e6
    found = measures.loss_measures(amounts)
    assert found["mean"].value == 50_000
    assert found["p50"].value == 0
    assert found["p99"].value == 1e6


@pytest.mark.parametrize("chance", [0.02, 0.2])
def test_intervals_of_a_chance_hold_it_as_often_as_they_say(chance: float) -> None:
    runs, draws, held = 300, 10_000, 0
    for seed in range(runs):
        hits = sampling.happens(sampling.uniform(seed, "coverage", draws), chance).sum()
        found = measures.share(int(hits), draws)
        held += abs(found.value - chance) <= found.error
    assert 0.91 <= held / runs <= 0.985


def test_intervals_of_a_lognormal_hold_its_measures_as_often_as_they_say() -> None:
    low, high, cap, runs, draws = 1.0, 5.0, 50.0, 300, 10_000
    mu, sigma = sampling.lognormal_parameters(low, high)

    def share_below(x: float, shift: float = 0.0) -> float:
        return float(special.ndtr((np.log(x) - mu) / sigma - shift))

    def mean_above(x: float) -> float:
        weight = share_below(cap) - share_below(x) if x else share_below(cap)
        first = share_below(cap, sigma) - (share_below(x, sigma) if x else 0.0)
        return float(np.exp(mu + sigma**2 / 2) * first / weight)

    p95 = float(sampling.lognormal(np.array(0.95), low, 0.0, high, cap))
    truth = {"mean": mean_above(0), "p95": p95, "tvar95": mean_above(p95)}
    held = dict.fromkeys(truth, 0)
    for seed in range(runs):
        u = sampling.uniform(seed, "coverage", draws)
        found = measures.loss_measures(sampling.lognormal(u, low, 0.0, high, cap))
        for name, value in truth.items():
            held[name] += abs(found[name].value - value) <= found[name].error
    assert all(0.91 <= count / runs <= 0.985 for count in held.values()), held


def test_squared_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    variables = rng.normal(size=(3, 500))
    outcomes = np.vstack([variables[0] + variables[1], rng.normal(size=500)])
    expected = np.corrcoef(np.vstack([variables, outcomes]))[:3, 3:] ** 2
    assert measures.squared_correlations(list(variables), outcomes.T) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e-9, 1 / 3])
def test_what_does_not_vary_correlates_with_nothing(value: float) -> None:
    varying = np.random.default_rng(1).normal(size=999)
    still = np.full(999, value)
    rows = np.vstack([still, varying])
    found = measures.squared_correlations(list(rows), rows.T)
    assert found == pytest.approx(np.array([[0.0, 0.0], [0.0, 1.0]]), abs=1e-12)
