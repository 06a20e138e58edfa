"""Shapes of inputs and counts of events, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impact.numerics import sampling

STEP = 2.0**-32
ENDS = np.geomspace(STEP / 2, 0.02, 2_000)
U = np.sort(np.concatenate([ENDS, 1 - ENDS, (np.arange(50_000) + 0.5) / 50_000]))
DRAWS = 2**16


def beta(u: np.ndarray, a: float, b: float, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """A beta as an input asks for it."""
    return sampling.quantile(u, "beta", low, np.nan, high, np.nan, (("a", a), ("b", b)))


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, 1), (2, 8), (0.5, 0.5), (1, 100), (30, 70), (0.05, 3), (10, 0.3), (300, 700), (3000, 7)],
)
def test_a_beta_is_that_of_scipy(a: float, b: float) -> None:
    found, exact = beta(U, a, b), stats.beta.ppf(U, a, b)
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-300)


@given(st.floats(0.2, 200), st.floats(0.2, 200))
def test_a_beta_rises_and_stays_between_its_ends(a: float, b: float) -> None:
    found = beta(U[::10], a, b, 16.0, 21.0)
    assert (np.diff(found) >= 0).all()
    assert 16 <= found[0] <= found[-1] <= 21


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 10), (170, 1000)])
def test_a_beta_after_k_of_n_cases_has_the_mean_of_laplace(k: int, n: int) -> None:
    even = (np.arange(DRAWS) + 0.5) / DRAWS
    assert beta(even, k + 1, n - k + 1).mean() == pytest.approx((k + 1) / (n + 2), rel=1e-4)


def test_quantiles_lie_on_straight_lines_between_those_stated() -> None:
    stated = (("0", 40.0), ("0.5", 152.0), ("1", 179.0))
    found = sampling.quantile(
        np.array([0, 0.25, 0.5, 0.9, 1]), "quantiles", np.nan, np.nan, np.nan, np.nan, stated
    )
    assert found == pytest.approx([40, 96, 152, 173.6, 179], rel=1e-12)


@given(st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4), st.permutations(range(4)))
def test_quantiles_are_a_histogram_of_scipy(steps: list[float], order: list[int]) -> None:
    at, values = [0.0, 0.1, 0.6, 1.0], np.cumsum(steps)
    pairs = tuple((repr(at[place]), float(values[place])) for place in order)
    found = sampling.quantile(U[::50], "quantiles", 0, 0, 0, 0, pairs)
    exact = stats.rv_histogram((np.diff(at), values), density=False).ppf(U[::50])
    assert found == pytest.approx(exact, rel=1e-6)


def test_quantiles_stand_in_the_order_of_numbers_and_not_of_text() -> None:
    found = sampling.quantile(
        np.array([0.5]), "quantiles", 0, 0, 0, 0, (("1", 3.0), ("1e-1", 1.0), ("0", 0.0))
    )
    assert found == pytest.approx([1 + 2 * 4 / 9])


# counts


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3, 1.0, 3.3, 10.0, 30.0, 99.5, 250.0, 400.0, 500.0])
def test_counts_are_the_poisson_points_of_scipy(rate: float) -> None:
    u = np.concatenate([U, sampling.uniform(1, "counts", 5_000)])
    assert np.array_equal(sampling.counts(u, rate), stats.poisson.ppf(u, rate))


def test_counts_follow_the_rate_of_each_draw() -> None:
    u = sampling.uniform(1, "counts", 5_000)
    rates = np.geomspace(0.01, 400, 5_000)
    assert np.array_equal(sampling.counts(u, rates), stats.poisson.ppf(u, rates))


def test_without_a_rate_nothing_happens() -> None:
    assert not sampling.counts(U, 0.0).any()


# a shared factor
