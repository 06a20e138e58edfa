"""Keyed streams, chances, and the inverses that make amounts of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from impact.numerics import sampling

BLOCK = sampling.BLOCK
STEP = 2.0**-32
ENDS = np.geomspace(STEP / 2, 0.02, 2_000)
U = np.sort(np.concatenate([ENDS, 1 - ENDS, (np.arange(50_000) + 0.5) / 50_000]))


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


def test_the_same_key_gives_the_same_stream() -> None:
    assert np.array_equal(sampling.uniform(1, "a", 100), sampling.uniform(1, "a", 100))


def test_a_stream_is_uniform_inside_0_and_1() -> None:
    u = sampling.uniform(3, "shape", 4 * BLOCK)
    assert 0 < u.min() < u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * np.sqrt(1 / 12 / u.size)
    assert abs(u.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / u.size)
    counts, _ = np.histogram(u, bins=100, range=(0, 1))
    expected = u.size / 100
    assert ((counts - expected) ** 2 / expected).sum() < 99 + 4 * np.sqrt(2 * 99)


def test_a_stream_lies_on_midpoints_of_a_grid_of_32_bits() -> None:
    cells = sampling.uniform(1, "grid", 1000) / STEP - 0.5
    assert np.array_equal(cells, np.round(cells))
    assert cells.max() < 2**32


def test_a_stream_does_not_follow_its_own_past() -> None:
    u = sampling.uniform(5, "past", 2 * BLOCK)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 4 / np.sqrt(u.size)


def test_0_never_happens_and_1_always_does() -> None:
    words = np.array([0, 2**31, 2**32 - 1], dtype=np.uint32)
    assert not sampling.happens(words, 0.0).any()
    assert sampling.happens(words, 1.0).all()


@given(st.integers(0, 2**32))
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


BETAS = [(a, 6 - a) for a in np.linspace(1, 5, 17)] + [
    (1.0, 1.0),
    (2.0, 2.0),
    (5.0, 5.0),
    (1.0, 3.0),
    (4.5, 2.5),
    (1.001, 4.999),
]


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
def test_a_pert_has_the_mode_asked_for(low: float, mode: float, high: float) -> None:
    a, b = sampling.pert_shape(low, mode, high)
    x = np.linspace(0, 1, 20_001)
    density = x ** (a - 1) * (1 - x) ** (b - 1)
    assert low + (high - low) * x[density.argmax()] == pytest.approx(mode, abs=(high - low) / 1e4)


@pytest.mark.parametrize(
    ("low", "mode", "high"), [(20, 100, 900), (0, 0, 1), (0, 1, 1), (3, 12, 52), (-5, 1, 4)]
)
def test_a_pert_has_the_mean_of_low_four_modes_and_high(
    low: float, mode: float, high: float
) -> None:
    even = (np.arange(200_000) + 0.5) / 200_000
    mean = sampling.quantile(even, "pert", low, mode, high, 0).mean()
    assert mean == pytest.approx((low + 4 * mode + high) / 6, abs=1e-5 * (high - low))


def test_the_mean_of_a_skewed_pert_is_not_its_mode() -> None:
    draws = sampling.quantile(sampling.uniform(1, "pert", BLOCK), "pert", 20, 100, 900, 0)
    assert draws.mean() > 200
    assert 20 <= draws.min() <= draws.max() <= 900


def test_a_pert_without_width_is_its_mode() -> None:
    assert set(sampling.quantile(U, "pert", 4.0, 4.0, 4.0, 0)) == {4.0}


def test_a_lognormal_has_the_5_and_95_percent_points_asked_for() -> None:
    points = sampling.quantile(np.array([0.05, 0.5, 0.95]), "lognormal", 2.0, np.nan, 200.0, 1e12)
    assert points == pytest.approx([2.0, 20.0, 200.0], rel=1e-9)


def test_a_capped_lognormal_is_cut_and_not_piled_up_at_the_cap() -> None:
    low, high, cap = 1.0, 10.0, 12.0
    u = (np.arange(200_000) + 0.5) / 200_000
    draws = sampling.quantile(u, "lognormal", low, np.nan, high, cap)
    assert draws.max() < cap
    assert np.unique(draws).size == draws.size
    mu, sigma = sampling.lognormal_parameters(low, high)
    for x in (1.0, 3.0, 10.0, 11.9, 11.99):
        expected = special.ndtr((np.log(x) - mu) / sigma) / special.ndtr((np.log(cap) - mu) / sigma)
        assert (draws <= x).mean() == pytest.approx(expected, abs=1e-5)


def test_the_mean_of_a_lognormal_is_that_of_its_draws() -> None:
    u = (np.arange(2**20) + 0.5) / 2**20
    draws = sampling.quantile(u, "lognormal", 100.0, np.nan, 300.0, 1e12)
    mu, sigma = sampling.lognormal_parameters(100.0, 300.0)
    mean = np.exp(mu + sigma**2 / 2)
    assert draws.mean() == pytest.approx(mean, rel=1e-6)


def test_a_uniform_is_even_between_its_ends() -> None:
    found = sampling.quantile(np.array([0.0, 0.25, 1.0]), "uniform", 16.0, np.nan, 21.0, np.nan)
    assert found.tolist() == [16.0, 17.25, 21.0]


def test_a_fixed_value_does_not_vary() -> None:
    assert sampling.quantile(U, "fixed", np.nan, 7.5, np.nan, np.nan).tolist() == [7.5] * U.size
