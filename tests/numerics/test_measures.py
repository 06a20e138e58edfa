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
        (0, 1000, 0.0, 0.0038268),  # none or all is still uncertain
        (1000, 1000, 0.9961732, 1.0),
    ],
)
def test_the_error_of_a_share_is_the_greater_half_of_wilsons_interval(
    hits: int, draws: int, low: float, high: float
) -> None:
    found, p = measures.share(hits, draws), hits / draws
    assert found.value == p
    assert found.error == pytest.approx(max(p - low, high - p), abs=1e-6)


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
    # skewness of 950 noughts and 1 to 50 over root 1,000, by its definition
    above = np.concatenate([np.zeros(950), np.arange(1.0, 51.0)])
    skew = np.mean((above - 1.275) ** 3) / above.std() ** 3 / np.sqrt(1000)
    width = 1.959964 + 1.45 * skew + 5 * skew**2
    expected = width * np.sqrt((221 + 0.95 * 25**2) / 51)
    assert found["tvar95"].error == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("losses", "rest"), [(0, NOTHING), (499, UNRESOLVED), (500, None)])
def test_under_500_losses_only_the_chance_is_given_and_nothing_lost_is_nothing(
    losses: int, rest: measures.Measure | None
) -> None:
    amounts = np.zeros(10_000)
    amounts[:losses] = 1e6
    found = measures.loss_measures(amounts)
    chance = found.pop("chance")
    assert chance.value == losses / 10_000
    assert chance.error > 0
    if rest is None:
        values = [found[name].value for name in ("mean", "p50", "p99")]
        assert values == [50_000, 0, 1e6]
    else:
        assert set(found.values()) == {rest}


RUNS, IN_A_RUN = 1000, 10_000


def off_95_percent(held: dict[str, int]) -> dict[str, float]:
    """The measures of which fewer than 93 or more than 97 of a hundred intervals hold the truth."""
    shares = {name: count / RUNS for name, count in held.items()}
    return {name: share for name, share in shares.items() if not 0.93 <= share <= 0.97}


@pytest.mark.parametrize("chance", [0.02, 0.2])
def test_intervals_of_a_chance_hold_it_as_often_as_they_say(chance: float) -> None:
    held = {"chance": 0}
    for seed in range(RUNS):
        hits = sampling.happens(sampling.words(seed, "coverage", IN_A_RUN), chance).sum()
        found = measures.share(int(hits), IN_A_RUN)
        held["chance"] += abs(found.value - chance) <= found.error
    assert off_95_percent(held) == {}


LOW, HIGH, CAP = 1.0, 5.0, 50.0
MU, SIGMA = sampling.lognormal_parameters(LOW, HIGH)


def share_below(x: float, shift: float = 0.0) -> float:
    """Share of the lognormal below x, before its cap; or of it weighted by its own value."""
    return float(special.ndtr((np.log(x) - MU) / SIGMA - shift)) if x else 0.0


def mean_above(x: float) -> float:
    """Mean of the capped lognormal above x."""
    weight = share_below(CAP) - share_below(x)
    first = share_below(CAP, SIGMA) - share_below(x, SIGMA)
    return float(np.exp(MU + SIGMA**2 / 2) * first / weight)


def quantile_of(u: float) -> float:
    """Quantile of the capped lognormal."""
    return float(sampling.quantile(np.array(u), "lognormal", LOW, 0.0, HIGH, CAP))


def amounts(seed: int, chance: float = 1.0) -> np.ndarray:
    """Draws of the capped lognormal, nothing where a chance does not happen."""
    drawn = sampling.quantile(
        sampling.uniform(seed, "amount", IN_A_RUN), "lognormal", LOW, 0.0, HIGH, CAP
    )
    return drawn * sampling.happens(sampling.words(seed, "coverage", IN_A_RUN), chance)


@pytest.mark.parametrize("chance", [1.0, 0.2])
def test_intervals_of_a_lognormal_hold_its_measures_as_often_as_they_say(chance: float) -> None:
    p95, p99 = (quantile_of(1 - share / chance) for share in (0.05, 0.01))
    truth = {"chance": chance, "given": mean_above(0), "mean": chance * mean_above(0)}
    truth |= {"p95": p95, "p99": p99, "tvar95": mean_above(p95)}
    if chance == 1.0:
        truth |= {"p05": quantile_of(0.05), "p50": quantile_of(0.5), "p90": quantile_of(0.9)}
        del truth["chance"]  # it is certain
    held = dict.fromkeys(truth, 0)
    for seed in range(RUNS):
        found = measures.loss_measures(amounts(seed, chance))
        for name, value in truth.items():
            held[name] += abs(found[name].value - value) <= found[name].error
    for name in {"p05", "p99"} & truth.keys():  # one half is wider there, and the wider is given
        assert 0.93 <= held.pop(name) / RUNS <= 0.99
    assert off_95_percent(held) == {}


def test_intervals_of_an_exceedance_hold_it_as_often_as_they_say() -> None:
    shares = np.array([0.2, 0.1, 0.05, 0.02])
    at = np.array([quantile_of(1 - share) for share in shares])
    held = np.zeros(4, dtype=int)
    for seed in range(RUNS):
        found = measures.exceedance_points(amounts(seed), at)
        chances, errors = np.array([(of.value, of.error) for of in found]).T
        held += np.abs(chances - shares) <= errors
    assert off_95_percent(dict(zip(shares.tolist(), held.tolist(), strict=True))) == {}


def test_a_greater_sample_has_a_smaller_error_of_half_at_four_times_the_draws() -> None:
    few, many = (measures.loss_measures(np.resize(amounts(1), n)) for n in (10_000, 40_000))
    for name in ("given", "mean", "tvar95"):
        assert many[name].error == pytest.approx(few[name].error / 2, rel=0.1), name


@pytest.mark.parametrize(("decades", "chance"), [(2, 0.06), (3, 1.0), (3, 0.06)])
def test_a_heavy_tail_has_a_wide_error_or_is_not_resolved(decades: int, chance: float) -> None:
    sigma = np.log(10**decades) / (2 * 1.6448536269514722)
    beyond = 1 - 0.05 / chance
    point = np.exp(sigma * special.ndtri(beyond))
    truth = np.exp(sigma**2 / 2) * special.ndtr(sigma - np.log(point) / sigma) / (1 - beyond)
    rng, held = np.random.default_rng(1), 0
    for _ in range(RUNS):
        drawn = np.exp(rng.normal(0, sigma, IN_A_RUN)) * (rng.random(IN_A_RUN) < chance)
        found = measures.loss_measures(drawn)["tvar95"]
        held += found.value is None or abs(found.value - truth) <= found.error
    assert held / RUNS >= 0.94


def test_a_gain_is_no_loss() -> None:
    gained = measures.loss_measures(np.array([-5.0] * 600 + [5.0] * 400))
    assert gained["chance"].value == 0.4
    assert measures.loss_measures(np.full(1000, -40e6))["chance"].value == 0.0


@pytest.mark.parametrize(
    ("nothing", "whole", "low", "mid", "high", "given"),
    [
        (0, False, 50, 500, 950, False),
        (1000, False, 50, 500, 950, True),
        (1000, True, 0, 0, 800, False),
        (9000, True, 50, 500, 950, True),
    ],
)
def test_nine_in_ten_are_of_all_draws_or_of_those_in_which_it_happens(
    nothing: int, whole: bool, low: float, mid: float, high: float, given: bool
) -> None:
    found = measures.nine_in_ten(np.append(np.zeros(nothing), COUNTED), whole)
    assert found == measures.Spread(1000 / (nothing + 1000), given, low, mid, high)
    assert measures.nine_in_ten(np.append(np.zeros(9501), COUNTED[:499]), whole).low is None


def test_squared_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    variables = rng.normal(size=(3, 500))
    outcomes = np.vstack([variables[0] + variables[1], rng.normal(size=500)])
    expected = np.corrcoef(np.vstack([variables, outcomes]))[:3, 3:] ** 2
    assert measures.squared_correlations(list(variables), outcomes) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e-9, 1 / 3])
def test_what_does_not_vary_correlates_with_nothing(value: float) -> None:
    varying = np.random.default_rng(1).normal(size=999)
    still = np.full(999, value)
    rows = np.vstack([still, varying])
    found = measures.squared_correlations(list(rows), rows)
    assert found == pytest.approx(np.array([[0.0, 0.0], [0.0, 1.0]]), abs=1e-12)
