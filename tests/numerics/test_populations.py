"""Distributions of reference classes against scipy.stats and closed forms."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from impact.numerics import populations

U = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])


@pytest.mark.parametrize(
    ("shape", "parameters", "peer"),
    [
        ("lognormal", {"mu": 13.06, "sigma": 2.15}, scipy.stats.lognorm(2.15, scale=np.exp(13.06))),
        ("beta", {"a": 219, "b": 397}, scipy.stats.beta(219, 397)),
        ("gamma", {"shape": 2.5, "rate": 5}, scipy.stats.gamma(2.5, scale=1 / 5)),
    ],
)
def test_quantiles_are_those_of_scipy(
    shape: str, parameters: dict[str, float], peer: scipy.stats.rv_continuous
) -> None:
    assert populations.SHAPES[shape](U, **parameters) == pytest.approx(peer.ppf(U), rel=1e-9)


def test_a_count_is_ten_to_the_t_less_one_and_never_below_0() -> None:
    y = scipy.stats.t(11, loc=2.76, scale=1.0).ppf(U)
    assert populations.log_t(U, 2.76, 1.0, 11) == pytest.approx(10**y - 1, rel=1e-9)
    assert populations.log_t(0.01, 0.5, 1.0, 11) == 0


def test_a_table_of_lognormal_quantiles_is_that_lognormal_within_it_and_beyond() -> None:
    at = (0.05, 0.5, 0.95)
    points = dict(zip(at, populations.SHAPES["lognormal"](np.array(at), 3.0, 1.2), strict=True))
    assert populations.between(U, points) == pytest.approx(
        populations.SHAPES["lognormal"](U, 3.0, 1.2), rel=1e-9
    )


def test_a_table_with_a_zero_has_straight_lines_and_ends_at_0() -> None:
    points = {0.05: 0.0, 0.25: 5.0, 0.5: 40.0}
    assert populations.between(np.array(list(points)), points) == pytest.approx([0, 5, 40])
    assert populations.between(0.01, points) == 0


@given(a=st.floats(0.1, 50), b=st.floats(0.1, 50), n=st.integers(0, 500), share=st.floats(0, 1))
def test_updates_by_counts_are_the_closed_forms(a: float, b: float, n: int, share: float) -> None:
    k = round(n * share)
    first, second = populations.AFTER["beta"](a, b, k, n)
    assert first / (first + second) == pytest.approx((a + k) / (a + b + n), abs=1e-9)
    shape, rate = populations.AFTER["gamma"](a, b, k, n)
    assert shape / rate == pytest.approx((a + k) / (b + n), rel=1e-9)


def test_the_posterior_of_a_beta_is_prior_times_likelihood() -> None:
    """Bayes by brute force on a grid, for 3 of 10 after Beta(2, 5)."""
    p = (np.arange(200_000) + 0.5) / 200_000
    weights = scipy.stats.beta(2, 5).pdf(p) * scipy.stats.binom(10, p).pmf(3)
    a, b = populations.AFTER["beta"](2, 5, 3, 10)
    assert a / (a + b) == pytest.approx(np.average(p, weights=weights), abs=1e-9)


def test_values_update_a_mean_by_their_precision() -> None:
    """Known sd s, prior N(m, s^2 / w): means weighted by precision, and a new value's variance."""
    sd, prior, weight, values = 1.3, 2.0, 2.0, np.array([1.0, 4.5, 3.0])
    precision = weight / sd**2 + len(values) / sd**2
    mean = (prior * weight / sd**2 + values.sum() / sd**2) / precision
    found, wider = populations.normal_posterior(prior, weight, values.mean(), len(values))
    assert found == pytest.approx(mean, rel=1e-9)
    assert (sd * wider) ** 2 == pytest.approx(sd**2 + 1 / precision, rel=1e-9)
