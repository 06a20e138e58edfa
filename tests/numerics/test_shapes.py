"""Shapes of inputs, counts of events, shared factors and scrambled points, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impact.numerics import loss_kinds, sampling

STEP = 2.0**-32
ENDS = np.geomspace(STEP / 2, 0.02, 2_000)
U = np.sort(np.concatenate([ENDS, 1 - ENDS, (np.arange(50_000) + 0.5) / 50_000]))
DRAWS = 2**16


def beta(u: np.ndarray, a: float, b: float, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """A beta as an input asks for it."""
    return sampling.QUANTILES["beta"](u, low, np.nan, high, np.nan, (("a", a), ("b", b)))


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, 1), (2, 8), (0.5, 0.5), (1, 100), (30, 70), (0.05, 3), (10, 0.3), (300, 700), (3000, 7)],
)
def test_a_beta_is_that_of_scipy(a: float, b: float) -> None:
    found, exact = beta(U, a, b), stats.beta.ppf(U, a, b)
    assert np.abs(found - exact).max() < 1e-4 * stats.beta.std(a, b)
    outer = (U < 1 / 64) | (U > 63 / 64)
    assert found[outer] == pytest.approx(exact[outer], rel=1e-9, abs=1e-300)


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
    found = sampling.QUANTILES["quantiles"](
        np.array([0, 0.25, 0.5, 0.9, 1]), np.nan, np.nan, np.nan, np.nan, stated
    )
    assert found == pytest.approx([40, 96, 152, 173.6, 179], rel=1e-12)


@given(st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4), st.permutations(range(4)))
def test_quantiles_are_a_histogram_of_scipy(steps: list[float], order: list[int]) -> None:
    at, values = [0.0, 0.1, 0.6, 1.0], np.cumsum(steps)
    pairs = tuple((repr(at[place]), float(values[place])) for place in order)
    found = sampling.quantiles(U[::50], 0, 0, 0, 0, pairs)
    exact = stats.rv_histogram((np.diff(at), values), density=False).ppf(U[::50])
    assert found == pytest.approx(exact, rel=1e-6)


def test_quantiles_stand_in_the_order_of_numbers_and_not_of_text() -> None:
    found = sampling.quantiles(np.array([0.5]), 0, 0, 0, 0, (("1", 3.0), ("1e-1", 1.0), ("0", 0.0)))
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


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_shared_factor_moves_no_marginal(rho: float) -> None:
    one, common = (sampling.uniform(1, name, DRAWS) for name in ("one", "common"))
    found = sampling.together(one, common, rho)
    assert 0 < found.min() < found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.7])
def test_two_that_share_a_factor_correlate_by_rho_as_normals(rho: float) -> None:
    common = sampling.uniform(1, "common", DRAWS)
    one, other = (
        stats.norm.ppf(sampling.together(sampling.uniform(1, name, DRAWS), common, rho))
        for name in ("one", "other")
    )
    assert abs(np.corrcoef(one, other)[0, 1] - rho) < 4 * (1 - rho**2) / np.sqrt(DRAWS)


def test_a_factor_of_0_and_of_1_is_ones_own_and_the_common_one() -> None:
    one, common = (sampling.uniform(1, name, 1000) for name in ("one", "common"))
    assert sampling.together(one, common, 0.0) == pytest.approx(one, rel=1e-9)
    assert sampling.together(one, common, 1.0) == pytest.approx(common, rel=1e-9)


def test_a_correlation_may_differ_from_draw_to_draw() -> None:
    one, common = (sampling.uniform(1, name, 3) for name in ("one", "common"))
    found = sampling.together(one, common, np.array([0.0, 0.5, 1.0]))
    each = [sampling.together(one, common, rho)[n] for n, rho in enumerate((0.0, 0.5, 1.0))]
    assert found.tolist() == each


# scrambled points


def test_scrambled_points_are_sixteen_replicates_of_one_net_each() -> None:
    points = sampling.scrambled(1, 5, 16 * 256).reshape(5, 16, 256)
    for name in range(5):
        for part in range(16):
            cells = np.sort((points[name, part] * 256).astype(int))
            assert np.array_equal(cells, np.arange(256)), "one point in each of 256 cells"
    assert len({part.tobytes() for part in points[0]}) == 16


@pytest.mark.parametrize(("across", "up"), [(16, 16), (4, 64), (128, 2)])
def test_scrambled_points_fill_every_box_of_equal_area_once(across: int, up: int) -> None:
    points = sampling.scrambled(7, 2, 16 * 256).reshape(2, 16, 256)
    for part in range(16):
        boxes = (points[0, part] * across).astype(int) * up + (points[1, part] * up).astype(int)
        assert np.array_equal(np.sort(boxes), np.arange(256))


def test_scrambled_points_are_midpoints_inside_0_and_1_and_differ_by_seed() -> None:
    one, other = sampling.scrambled(1, 3, 1024), sampling.scrambled(2, 3, 1024)
    cells = one / STEP - 0.5
    assert np.array_equal(cells, np.round(cells))
    assert 0 < one.min() < one.max() < 1
    assert not np.array_equal(one, other)
    assert np.array_equal(one, sampling.scrambled(1, 3, 1024))


def test_replicates_differ_as_independent_estimates_do() -> None:
    firsts = np.array([sampling.scrambled(seed, 1, 16 * 2)[0, ::2] for seed in range(400)])
    found = np.corrcoef(firsts.T) - np.eye(16)
    assert np.abs(found).max() < 4.5 / np.sqrt(400)
    assert stats.kstest(firsts.ravel(), "uniform").pvalue > 1e-3


RANGES = ((20, 100, 900), (3e6, 3.5e6, 5e6), (0.1, 0.3, 0.6), (1e6, 5e6, 4e7))
MEAN, P95 = 1514944444.44, 3.712673e9  # known_answers.toml, "product model, mean"


def product_model(uniforms: list[np.ndarray]) -> np.ndarray:
    """The product model of the known answers."""
    count, part, share, large = (
        sampling.pert(u, *ends, 0) for u, ends in zip(uniforms, RANGES, strict=True)
    )
    return loss_kinds.product({"count": count, "each": part + share * large})


def test_scrambled_points_are_nearer_to_the_known_answer_than_keyed_ones() -> None:
    draws = 16 * 256
    errors = {"keyed": [], "scrambled": []}
    for seed in range(60):
        keyed = [sampling.uniform(seed, f"n{n}", draws) for n in range(4)]
        for kind, u in (("keyed", keyed), ("scrambled", list(sampling.scrambled(seed, 4, draws)))):
            lost = product_model(u)
            p95 = np.quantile(lost, 0.95, method="inverted_cdf")
            errors[kind].append((lost.mean() / MEAN - 1, p95 / P95 - 1))
    spread = {kind: np.sqrt(np.square(each).mean(axis=0)) for kind, each in errors.items()}
    assert spread["scrambled"][0] < 0.2 * spread["keyed"][0]
    assert spread["scrambled"][1] < 0.5 * spread["keyed"][1]
