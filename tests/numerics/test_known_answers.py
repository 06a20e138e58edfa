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


def within(hits: int, chance: float) -> bool:
    """Whether a share of draws is within four simulation errors of a chance."""
    return abs(hits / DRAWS - chance) < 4 * np.sqrt(chance * (1 - chance) / DRAWS)


def lognormal_mean(low: float, high: float) -> float:
    """Mean exp(mu + sigma^2 / 2) of the lognormal with that 90 % range."""
    mu, sigma = sampling.lognormal_parameters(low, high)
    return math.exp(mu + sigma**2 / 2)


def test_the_mean_annual_loss_is_that_of_riskquant(expected: Expected) -> None:
    found = 0.1 * lognormal_mean(1e5, 1e6)
    answer = expected("lognormal from a 90 % interval, mean annual loss")
    assert found == pytest.approx(answer["mean_annual_usd"], rel=1e-6)


def test_the_mean_of_a_lognormal_is_that_of_riskquant(expected: Expected) -> None:
    answer = expected("lognormal mean from a 90 % interval")
    assert lognormal_mean(635_000, 19e6) == pytest.approx(answer["mean_usd"], rel=1e-6)


def test_three_annual_losses_rank_as_in_riskquant(expected: Expected) -> None:
    rated = {"ALICE": (0.01, 1e6, 1e7), "BOB": (0.1, 1e7, 1e9), "CHARLIE": (0.05, 5e6, 5e7)}
    annual = {name: rate * lognormal_mean(low, high) for name, (rate, low, high) in rated.items()}
    answer = expected("ranking of three annual losses")
    assert sorted(annual, key=lambda name: -annual[name]) == answer["order"]
    assert sorted(annual.values(), reverse=True) == pytest.approx(answer["usd"], rel=2e-3)


def test_the_records_model_is_that_of_jacobs(expected: Expected) -> None:
    arguments = {
        "people": 32311,
        "intercept": 7.6799625,
        "slope": 0.7583576,
        "residual": 1.0,
        "share": 1.0,
    }
    found = loss_kinds.records({name: np.asarray(value) for name, value in arguments.items()})
    assert float(found) == pytest.approx(expected("records model")["usd"], abs=0.5)


def test_the_residual_of_the_bundled_case_is_that_of_jacobs(expected: Expected) -> None:
    row = impact.load_case("mercor").inputs["records_residual"]
    middle, deviation = sampling.lognormal_parameters(row["low"], row["high"])
    assert deviation == pytest.approx(expected("records model")["residual_sd"], abs=1e-3)
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


def test_a_chain_multiplies(expected: Expected) -> None:
    edges = [graph.Edge("one", "event", "a"), graph.Edge("two", "a", "b")]
    on = {"one": happens("one", 0.5), "two": happens("two", 0.4)}
    reached = graph.reach(edges, "event", on, DRAWS)
    assert within(reached["b"].bit_count(), expected("chain and noisy-or")["chain"])


def test_two_ways_in_are_a_noisy_or(expected: Expected) -> None:
    edges = [graph.Edge("one", "event", "a"), graph.Edge("two", "event", "a")]
    on = {"one": happens("one", 0.5), "two": happens("two", 0.4)}
    reached = graph.reach(edges, "event", on, DRAWS)
    assert within(reached["a"].bit_count(), expected("chain and noisy-or")["noisy_or"])


def test_two_certain_children_of_one_cause_are_reached_together(expected: Expected) -> None:
    edges = [
        graph.Edge("cause", "event", "a"),
        graph.Edge("left", "a", "b"),
        graph.Edge("right", "a", "c"),
    ]
    always = graph.everything(DRAWS)
    on = {"cause": happens("cause", 0.5), "left": always, "right": always}
    reached = graph.reach(edges, "event", on, DRAWS)
    joint = (reached["b"] & reached["c"]).bit_count()
    assert joint == reached["a"].bit_count()
    assert within(joint, expected("chain and noisy-or")["joint_shared"])


def test_a_shared_uncertain_chance_joins_by_its_second_moment(expected: Expected) -> None:
    assert expected("uncertainty of a shared parameter")["joint"] == "E[p^2]"
    shared = sampling.quantile(sampling.uniform(1, "shared", DRAWS), "uniform", 0.1, 0.5, 0.9, 0)
    edges = [graph.Edge("left", "event", "b"), graph.Edge("right", "event", "c")]
    on = {"left": happens("left", shared), "right": happens("right", shared)}
    reached = graph.reach(edges, "event", on, DRAWS)
    assert within(reached["b"].bit_count(), 0.5)
    assert within((reached["b"] & reached["c"]).bit_count(), 0.5**2 + 0.8**2 / 12)


def test_the_tail_of_the_standard_lognormal_is_the_known_one(expected: Expected) -> None:
    low, high = np.exp([-1, 1] * np.array(1.6448536269514722))

    def quantile(u: float) -> float:
        return float(sampling.quantile(np.asarray(u), "lognormal", low, 1.0, high, 1e15))

    answer = expected("dependence and tails")
    assert quantile(0.99) == pytest.approx(answer["lognormal01_var99"], rel=1e-6)
    # the mean of the quantiles from 99 % on, by u = 1 - t^4 / 100, which is smooth at the end
    tail, _ = integrate.quad(lambda t: quantile(1 - t**4 / 100) * 4 * t**3, 0, 1, epsabs=1e-9)
    assert tail == pytest.approx(answer["lognormal01_tvar99"], rel=1e-6)


def test_measures_of_the_standard_lognormal_are_the_known_ones(expected: Expected) -> None:
    low, high = np.exp([-1, 1] * np.array(1.6448536269514722))
    amounts = sampling.quantile(sampling.uniform(1, "ln", DRAWS), "lognormal", low, 1.0, high, 1e15)
    answer, p99 = expected("dependence and tails"), measures.quantile(np.sort(amounts), 0.99)
    assert abs(p99.value - answer["lognormal01_var99"]) < 2 * p99.error
    tail = amounts[amounts >= p99.value]
    error = np.sqrt((tail.var() + 0.99 * (tail.mean() - p99.value) ** 2) / tail.size)
    assert abs(tail.mean() - answer["lognormal01_tvar99"]) < 4 * error


def test_every_known_answer_is_in_a_test(root: Path) -> None:
    asset = (root / "tests" / "assets" / "known_answers.toml").read_text("utf-8")
    names = [answer["name"] for answer in tomllib.loads(asset)["answer"]]
    tests = "".join(
        path.read_text("utf-8")
        for path in sorted((root / "tests").rglob("test_*.py"))
        if "expected: Expected" in path.read_text("utf-8")
    )
    assert [name for name in names if f'expected("{name}")' not in tests] == []
