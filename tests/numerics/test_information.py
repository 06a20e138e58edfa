"""What one quantity tells of another, by Ishigami's function, by closed forms and by nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from impact.numerics import information, sampling

DRAWS = 2**17
Expected = Callable[[str], dict[str, Any]]


def share(x: np.ndarray, y: np.ndarray) -> float:
    """The first-order share of x in y, over bins."""
    return information.first_order(information.bins_of(x), y)


def ishigami(seed: int, draws: int = DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """Three uniforms on [-pi, pi], and sin x1 + 7 sin^2 x2 + .1 x3^4 sin x1 (Ishigami 1990)."""
    x = np.pi * (2 * np.array([sampling.uniform(seed, f"x{n}", draws) for n in range(3)]) - 1)
    return x, np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])


def shares(seed: int, draws: int = DRAWS) -> list[float]:
    """The first-order shares of the three."""
    x, y = ishigami(seed, draws)
    return [share(values, y) for values in x]


def test_first_order_shares_are_those_of_ishigami(expected: Expected) -> None:
    answer = expected("Ishigami, a=7 b=.1 on [-pi, pi]^3")
    # 64 bins of [-pi, pi] lose 1/1000 of a curve that bends; 4 simulation errors are .008
    found = np.mean([shares(seed) for seed in range(4)], axis=0)
    assert found == pytest.approx(answer["first_order"], abs=0.004)
    assert found[2] == 0.0


def test_first_order_shares_have_no_bias_of_few_draws() -> None:
    found = np.mean([shares(seed, 4_000) for seed in range(100, 300)], axis=0)
    # four bins see less of a curve that bends than many do; nothing is left for chance to add
    x, y = ishigami(1)
    cut = [np.array_split(y[np.argsort(values)], 4) for values in x]
    truth = [np.var([part.mean() for part in parts]) / y.var() for parts in cut]
    assert found == pytest.approx(truth, abs=0.01)


def test_shares_of_a_sum_are_those_of_the_variances() -> None:
    u = np.array([sampling.uniform(1, name, DRAWS) for name in "abc"])
    found = [share(one, 3 * u[0] + 4 * u[1] + 12 * u[2]) for one in u]
    assert found == pytest.approx([9 / 169, 16 / 169, 144 / 169], abs=0.006)


def test_many_bins_of_a_weak_input_do_not_make_it_stronger() -> None:
    found, draws = [], 64_000  # 64 bins: chance alone would add 63 / 64,000 to a share of .05
    for seed in range(60):
        x, noise = (sampling.uniform(seed, name, draws) for name in ("x", "noise"))
        found.append(share(x, np.sqrt(0.05) * x + np.sqrt(0.95) * noise))
    assert np.mean(found) == pytest.approx(0.05, abs=0.0006)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 7.7, 1e6 + 0.1, 123456.789])
def test_what_does_not_vary_has_no_share(value: float) -> None:
    assert share(sampling.uniform(1, "a", 10_000), np.full(10_000, value)) == 0.0


@pytest.mark.parametrize(("draws", "many"), [(2_000, 2), (10_500, 10), (10**5, 64)])
def test_a_bin_has_a_thousand_draws_or_more(draws: int, many: int) -> None:
    bins = information.bins_of(sampling.uniform(1, "a", draws))
    assert bins.sizes.size == many
    assert bins.sizes.sum() == draws
    assert bins.sizes.min() >= information.BIN
    assert bins.sizes.max() - bins.sizes.min() <= 1
    assert information.bins_of(sampling.uniform(1, "a", 1_999)) is None


def test_bins_ascend_and_a_state_has_two() -> None:
    values = sampling.uniform(1, "a", 5_000)
    assert (np.diff(information.bins_of(values).means(values)) > 0).all()
    state = values > 0.3
    found = information.two_bins(state)
    assert found.sizes.tolist() == [np.count_nonzero(~state), np.count_nonzero(state)]
    assert found.means(state.astype(float)).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("hits", "seen"), [(499, False), (500, True), (1500, True), (1501, False)])
def test_a_state_is_looked_at_where_500_draws_show_it_and_500_its_absence(
    hits: int, seen: bool
) -> None:
    assert (information.two_bins(np.arange(2_000) < hits) is not None) == seen


# worth


def worth(seed: int, known: str, ahead: float, draws: int = 10_000) -> float:
    """Worth of knowing one of x, y, z before choosing a cost of 10 y or of 10 z + ahead."""
    u = {name: sampling.uniform(seed, name, draws) for name in "xyz"}
    costs = np.array([10 * u["y"], 10 * u["z"] + ahead]).T
    return information.worth(information.bins_of(u[known]), costs, tried=1)


@pytest.mark.parametrize("ahead", [0.0, 1.0, 3.0])
def test_knowing_one_of_two_costs_is_worth_what_it_saves(ahead: float) -> None:
    # E|choice|: 5 less the mean of min(10 y, 5 + ahead), for a cost of 10 y against 5 + ahead
    saved = 5 - ((5 + ahead) - (5 + ahead) ** 2 / 20)
    found = [worth(seed, "y", ahead, 50_000) for seed in range(4)]
    assert np.mean(found) == pytest.approx(saved, abs=0.05)


def test_what_is_cheapest_in_every_bin_makes_every_answer_worth_nothing() -> None:
    assert [worth(seed, name, 11.0) for seed in range(5) for name in "xyz"] == [0.0] * 15


def test_an_irrelevant_input_explains_nothing_in_97_of_100_seeds() -> None:
    found = []
    for seed in range(100):
        x, y = (sampling.uniform(seed, name, 10_000) for name in "xy")
        found.append(share(x, y**3))
    assert found.count(0.0) >= 97
    assert max(found) < 0.01


@pytest.mark.parametrize(
    ("ahead", "draws", "nothing", "most"),
    # knowing both would be worth 1.2, and 1.67 where the options cost next to alike
    [(1.0, 10_000, 97, 0.03), (0.0, 4_000, 99, 0.1), (0.2, 4_000, 99, 0.1)],
)
def test_an_irrelevant_input_is_worth_next_to_nothing_to_a_decision(
    ahead: float, draws: int, nothing: int, most: float
) -> None:
    found = [worth(seed, "x", ahead, draws) for seed in range(100)]
    assert found.count(0.0) >= nothing
    assert max(found) < most
