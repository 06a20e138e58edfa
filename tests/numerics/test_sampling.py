"""Keyed streams, chances and counts, and the inverses that make amounts, against scipy."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from impact.numerics import sampling

BLOCK = sampling.BLOCK
STEP = 2.0**-32
ENDS = np.geomspace(STEP / 2, 0.02, 2_000)
U = np.sort(np.concatenate([ENDS, 1 - ENDS, (np.arange(50_000) + 0.5) / 50_000]))
THIN = np.union1d(U[::4], U[-1])  # for what scipy is slow at
EVEN = (np.arange(200_000) + 0.5) / 200_000


@pytest.mark.parametrize("longer", [3, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
@pytest.mark.parametrize("shorter", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_shorter_stream_is_the_beginning_of_a_longer_one(shorter: int, longer: int) -> None:
    least = min(shorter, longer)
    one, other = sampling.uniform(7, "a", shorter), sampling.uniform(7, "a", longer)
    assert one.size == shorter
    assert np.array_equal(one[:least], other[:least])


def test_streams_differ_by_seed_name_and_block() -> None:
    keys = [(1, "a"), (2, "a"), (1, "b"), (1, "a|0"), (11, "a"), (1, "1|a")]
    streams = [sampling.uniform(seed, name, 2 * BLOCK) for seed, name in keys]
    halves = [half for stream in streams for half in (stream[:BLOCK], stream[BLOCK:])]
    correlations = np.corrcoef(halves) - np.eye(len(halves))
    assert np.abs(correlations).max() < 5 / np.sqrt(BLOCK)


def test_a_stream_is_uniform_on_the_midpoints_of_32_bits_and_does_not_follow_its_past() -> None:
    u = sampling.uniform(3, "shape", 4 * BLOCK)
    assert 0 < u.min() < u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * np.sqrt(1 / 12 / u.size)
    assert abs(u.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / u.size)
    counts, _ = np.histogram(u, bins=100, range=(0, 1))
    expected = u.size / 100
    assert ((counts - expected) ** 2 / expected).sum() < 99 + 4 * np.sqrt(2 * 99)
    cells = u / STEP - 0.5
    assert np.array_equal(cells, np.round(cells))
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / np.sqrt(u.size)


@given(st.integers(0, 2**32))
@example(0)  # never happens
@example(2**32)  # always does
def test_a_chance_on_the_grid_happens_in_exactly_its_share_of_cells(cells: int) -> None:
    near = np.unique(np.clip([0, cells - 2, cells - 1, cells, cells + 1, 2**32 - 1], 0, 2**32 - 1))
    happened = sampling.happens(near.astype(np.uint32), cells * STEP)
    assert np.array_equal(happened, near < cells)


def test_a_chance_may_differ_from_draw_to_draw() -> None:
    words = np.full(3, int(0.3 * 2**32), dtype=np.uint32)
    assert sampling.happens(words, np.array([0.2, 0.4, 1.0])).tolist() == [False, True, True]


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_happens_at_a_chance_happens_at_a_greater_one(one: float, other: float) -> None:
    u = sampling.words(1, "greater", 200)
    low, high = sorted((one, other))
    assert not (sampling.happens(u, low) & ~sampling.happens(u, high)).any()


# counts


def test_counts_are_the_poisson_points_of_scipy_at_the_rate_of_each_draw() -> None:
    u = np.concatenate([THIN, sampling.uniform(1, "counts", 5_000)])
    for rate in (0.01, 0.1, 0.3, 1.0, 3.3, 10.0, 30.0, 99.5, 250.0, 400.0, 500.0):
        assert np.array_equal(sampling.counts(u, rate), stats.poisson.ppf(u, rate)), rate
    assert not sampling.counts(U, 0.0).any()
    rates = np.geomspace(0.01, 400, 5_000)
    assert np.array_equal(sampling.counts(u[-5_000:], rates), stats.poisson.ppf(u[-5_000:], rates))


# shapes

BETAS = [(a, 6 - a) for a in np.linspace(1, 5, 17)]
BETAS += [(1.0, 1.0), (2.0, 2.0), (5.0, 5.0), (1.0, 3.0), (4.5, 2.5), (1.001, 4.999)]


@pytest.mark.parametrize(("a", "b"), BETAS)
def test_the_table_of_the_inverse_beta_is_within_two_in_a_hundred_thousand(
    a: float, b: float
) -> None:
    found = sampling.beta_quantile(U, a, b)
    assert np.abs(found - special.betaincinv(a, b, U)).max() < 2e-5


@given(st.floats(1, 5), st.floats(1, 5))
@settings(max_examples=50)
def test_the_inverse_beta_rises_and_stays_between_0_and_1(a: float, b: float) -> None:
    found = sampling.beta_quantile(U, a, b)
    assert (np.diff(found) >= 0).all()
    assert 0 <= found[0] <= found[-1] <= 1


@pytest.mark.parametrize(
    ("low", "mode", "high"), [(20, 100, 900), (0, 0, 1), (0, 1, 1), (3, 12, 52), (-5, 1, 4)]
)
def test_a_pert_has_the_mode_asked_for_and_the_mean_of_low_four_modes_and_high(
    low: float, mode: float, high: float
) -> None:
    a, b = sampling.pert_shape(low, mode, high)
    x = np.linspace(0, 1, 20_001)
    density = x ** (a - 1) * (1 - x) ** (b - 1)
    assert low + (high - low) * x[density.argmax()] == pytest.approx(mode, abs=(high - low) / 1e4)
    draws = sampling.quantile(EVEN, "pert", low, mode, high, 0)
    assert draws.mean() == pytest.approx((low + 4 * mode + high) / 6, abs=1e-5 * (high - low))
    assert low <= draws.min() <= draws.max() <= high


def test_a_lognormal_has_the_5_and_95_percent_points_asked_for() -> None:
    points = sampling.quantile(np.array([0.05, 0.5, 0.95]), "lognormal", 2.0, np.nan, 200.0, 1e12)
    assert points == pytest.approx([2.0, 20.0, 200.0], rel=1e-9)


def test_a_capped_lognormal_is_cut_and_not_piled_up_at_the_cap() -> None:
    low, high, cap = 1.0, 10.0, 12.0
    draws = sampling.quantile(EVEN, "lognormal", low, np.nan, high, cap)
    assert draws.max() < cap
    assert np.unique(draws).size == draws.size
    mu, sigma = sampling.lognormal_parameters(low, high)
    for x in (1.0, 3.0, 10.0, 11.9, 11.99):
        expected = special.ndtr((np.log(x) - mu) / sigma) / special.ndtr((np.log(cap) - mu) / sigma)
        assert (draws <= x).mean() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "low", "mode", "high", "found"),
    [
        ("uniform", 16.0, np.nan, 21.0, [16.0, 17.25, 21.0]),
        ("fixed", np.nan, 7.5, np.nan, [7.5] * 3),
        ("pert", 4.0, 4.0, 4.0, [4.0] * 3),  # without width
    ],
)
def test_a_uniform_is_even_between_its_ends_and_what_has_no_width_does_not_vary(
    shape: str, low: float, mode: float, high: float, found: list[float]
) -> None:
    u = np.array([0.0, 0.25, 1.0])
    assert sampling.quantile(u, shape, low, mode, high, np.nan).tolist() == found


def beta(u: np.ndarray, a: float, b: float, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """A beta as an input asks for it."""
    return sampling.quantile(u, "beta", low, np.nan, high, np.nan, (("a", a), ("b", b)))


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, 1), (2, 8), (0.5, 0.5), (1, 100), (30, 70), (0.05, 3), (10, 0.3), (300, 700), (3000, 7)],
)
def test_a_beta_is_that_of_scipy_between_any_ends(a: float, b: float) -> None:
    exact = stats.beta.ppf(THIN, a, b)
    assert beta(THIN, a, b) == pytest.approx(exact, rel=1e-9, abs=1e-300)
    found = beta(THIN, a, b, 16.0, 21.0)
    assert found == pytest.approx(16 + 5 * exact, rel=1e-9)


@given(st.floats(0.2, 200), st.floats(0.2, 200))
def test_any_beta_rises_and_stays_between_its_ends(a: float, b: float) -> None:
    found = beta(U[::10], a, b, 16.0, 21.0)
    assert (np.diff(found) >= 0).all()
    assert 16 <= found[0] <= found[-1] <= 21


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 10), (170, 1000)])
def test_a_beta_after_k_of_n_cases_has_the_mean_of_laplace(k: int, n: int) -> None:
    assert beta(EVEN, k + 1, n - k + 1).mean() == pytest.approx((k + 1) / (n + 2), rel=1e-4)


@given(st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4), st.permutations(range(4)))
def test_quantiles_are_a_histogram_of_scipy_in_any_order(
    steps: list[float], order: list[int]
) -> None:
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
