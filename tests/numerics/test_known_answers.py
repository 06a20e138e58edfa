"""Answers from elsewhere, or that follow from a formula; each names its source in the file."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate

import impact
from impact.numerics import graph, loss_kinds, measures, sampling

DRAWS = 2**18
Expected = Callable[[str], dict[str, Any]]


def happens(name: str, chance: float | np.ndarray) -> int:
    """Mask of the draws in which something of that name happens."""
    return graph.pack(sampling.happens(sampling.words(1, name, DRAWS), chance))


def reached(on: dict[str, int], *edges: tuple[str, str, str]) -> dict[str, int]:
    """Node -> mask of the draws in which the event reaches it over edges (name, source, target)."""
    return graph.reach([graph.Edge(*edge) for edge in edges], "event", on, DRAWS)


def within(mask: int, chance: float) -> bool:
    """Whether the share of draws in a mask is within four simulation errors of a chance."""
    error = np.sqrt(chance * (1 - chance) / DRAWS)
    return abs(mask.bit_count() / DRAWS - chance) < 4 * error


def lognormal_mean(low: float, high: float) -> float:
    """Mean exp(mu + sigma^2 / 2) of the lognormal with that 90 % range."""
    mu, sigma = sampling.lognormal_parameters(low, high)
    return math.exp(mu + sigma**2 / 2)


def test_means_of_lognormals_and_the_ranking_of_losses_are_those_of_riskquant(
    expected: Expected,
) -> None:
    answer = expected("lognormal mean from a 90 % interval")
    assert lognormal_mean(635_000, 19e6) == pytest.approx(answer["mean_usd"], rel=1e-6)
    answer = expected("lognormal from a 90 % interval, mean annual loss")
    assert 0.1 * lognormal_mean(1e5, 1e6) == pytest.approx(answer["mean_annual_usd"], rel=1e-6)
    rated = {"ALICE": (0.01, 1e6, 1e7), "BOB": (0.1, 1e7, 1e9), "CHARLIE": (0.05, 5e6, 5e7)}
    annual = {name: rate * lognormal_mean(low, high) for name, (rate, low, high) in rated.items()}
    answer = expected("ranking of three annual losses")
    assert sorted(annual, key=lambda name: -annual[name]) == answer["order"]
    assert sorted(annual.values(), reverse=True) == pytest.approx(answer["usd"], rel=2e-3)


def test_the_records_model_and_its_residual_in_the_bundled_case_are_those_of_jacobs(
    expected: Expected,
) -> None:
    answer = expected("records model")
    numbers = {"people": 32311, "intercept": 7.6799625, "slope": 0.7583576}
    numbers |= {"residual": 1.0, "share": 1.0}
    found = loss_kinds.records({name: np.asarray(value) for name, value in numbers.items()})
    assert float(found) == pytest.approx(answer["usd"], abs=0.5)
    row = impact.load_case("mercor").inputs["records_residual"]
    middle, deviation = sampling.lognormal_parameters(row["low"], row["high"])
    assert deviation == pytest.approx(answer["residual_sd"], abs=1e-3)
    assert middle == pytest.approx(0.0, abs=1e-3)


def test_a_product_of_perts_has_the_known_mean_and_tail(expected: Expected) -> None:
    def pert(name: str, low: float, mode: float, high: float) -> np.ndarray:
        return sampling.quantile(sampling.uniform(2, name, DRAWS), "pert", low, mode, high, 0)

    unit = pert("fixed part", 3e6, 3.5e6, 5e6) + pert("share", 0.1, 0.3, 0.6) * pert(
        "large part", 1e6, 5e6, 4e7
    )
    amounts = loss_kinds.product({"count": pert("count", 20, 100, 900), "each": unit})
    found, answer = measures.loss_measures(amounts), expected("product model, mean")
    for name in ("mean", "p95", "p99"):
        assert abs(found[name].value - answer[name]) < 4 * found[name].error / measures.Z


def test_a_pert_is_the_modified_pert(expected: Expected) -> None:
    answer = expected("PERT is the modified PERT")
    a, b = sampling.pert_shape(20, 100, 900)
    assert 20 + 880 * (a - 1) / (a + b - 2) == pytest.approx(answer["mode"], rel=1e-12)
    assert 20 + 880 * a / (a + b) == pytest.approx(answer["mean"], rel=1e-12)


def test_a_chain_multiplies_two_ways_in_are_a_noisy_or_and_a_shared_cause_is_shared(
    expected: Expected,
) -> None:
    answer = expected("chain and noisy-or")
    on = {"half": happens("half", 0.5), "less": happens("less", 0.4)}
    on["sure"] = graph.everything(DRAWS)
    chain = reached(on, ("half", "event", "a"), ("less", "a", "b"))
    assert within(chain["b"], answer["chain"])
    either = reached(on, ("half", "event", "a"), ("less", "event", "a"))
    assert within(either["a"], answer["noisy_or"])
    fork = reached(on, ("half", "event", "a"), ("sure", "a", "b"), ("sure", "a", "c"))
    assert fork["b"] & fork["c"] == fork["a"]
    assert within(fork["b"] & fork["c"], answer["joint_shared"])


def test_a_shared_uncertain_chance_joins_by_its_second_moment(expected: Expected) -> None:
    assert expected("uncertainty of a shared parameter")["joint"] == "E[p^2]"
    shared = sampling.quantile(sampling.uniform(1, "shared", DRAWS), "uniform", 0.1, 0.5, 0.9, 0)
    on = {name: happens(name, shared) for name in ("left", "right")}
    found = reached(on, ("left", "event", "b"), ("right", "event", "c"))
    assert within(found["b"], 0.5)
    assert within(found["b"] & found["c"], 0.5**2 + 0.8**2 / 12)


def test_the_tail_of_the_standard_lognormal_is_the_known_one_and_so_are_its_measures(
    expected: Expected,
) -> None:
    low, high = np.exp([-1, 1] * np.array(1.6448536269514722))

    def quantile(u: float | np.ndarray) -> np.ndarray:
        return sampling.quantile(np.asarray(u), "lognormal", low, 1.0, high, 1e15)

    answer = expected("dependence and tails")
    assert float(quantile(0.99)) == pytest.approx(answer["lognormal01_var99"], rel=1e-6)
    # the mean of the quantiles from 99 % on, by u = 1 - t^4 / 100, which is smooth at the end
    mean, _ = integrate.quad(lambda t: quantile(1 - t**4 / 100) * 4 * t**3, 0, 1, epsabs=1e-9)
    assert mean == pytest.approx(answer["lognormal01_tvar99"], rel=1e-6)
    amounts = quantile(sampling.uniform(1, "ln", DRAWS))
    p99 = measures.quantile(np.sort(amounts), 0.99)
    assert abs(p99.value - answer["lognormal01_var99"]) < 2 * p99.error
    tail = amounts[amounts >= p99.value]
    error = np.sqrt((tail.var() + 0.99 * (tail.mean() - p99.value) ** 2) / tail.size)
    assert abs(tail.mean() - answer["lognormal01_tvar99"]) < 4 * error


def test_every_known_answer_is_in_a_test(root: Path) -> None:
    asset = (root / "tests" / "assets" / "known_answers.toml").read_text("utf-8")
    names = [answer["name"] for answer in tomllib.loads(asset)["answer"]]
    texts = [path.read_text("utf-8") for path in sorted((root / "tests").rglob("test_*.py"))]
    tests = "".join(text for text in texts if "expected: Expected" in text)
    assert [name for name in names if f'expected("{name}")' not in tests] == []
