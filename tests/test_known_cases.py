"""Known answers that need a case: links, losses and factors, from rows to numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special
from tiny import Row, Tiny, between, fixed, link, loss, same, simulate

import impact
from impact import simulation, sums
from impact.numerics import graph, measures

Expected = Callable[[str], dict[str, Any]]


# the event-loss table of CLIMADA: a year has one storm of the first kind, and .1 of the second

EVENTS, SITES, LOST = ("first", "second"), ("x", "y", "z"), ((1, 0, 1), (2, 2, 0))


@pytest.fixture
def storms(tiny_case: Tiny) -> impact.Case:
    """Two events at three sites; the chance of the second is its frequency over that of all."""
    cells = [(e, s, usd) for e, row in zip(EVENTS, LOST, strict=True)
             for s, usd in zip(SITES, row, strict=True)]  # fmt: skip
    inputs = [fixed(f"{e}-{s}", usd, "USD") for e, s, usd in cells]
    inputs += [fixed("often", 1.0), fixed("seldom", 0.1), fixed("rate", 1, "event/year")]
    losses = [loss(f"at-{e}-{s}", e, f"usd={e}-{s}", bearer=s) for e, s, _ in cells]
    links = [link("event", "first", "often"), link("event", "second", "seldom")]
    return tiny_case(links, inputs, losses)


def test_the_loss_of_each_event_is_that_of_climada(storms: impact.Case, expected: Expected) -> None:
    of_each = [
        simulation.total(simulate(storms, 10, changes=f"often={first}; seldom={second}"))
        for first, second in ((1, 0), (0, 1))
    ]
    assert [set(lost.tolist()) for lost in of_each] == [
        {float(usd)} for usd in expected("event-loss table")["at_event"]
    ]


def test_the_annual_loss_of_each_site_and_of_all_is_that_of_climada(
    storms: impact.Case, expected: Expected
) -> None:
    answer, draws = expected("event-loss table"), 50_000
    year = impact.simulate_year(impact.view(storms), draws)
    found = [simulation.net(year, site) for site in SITES]
    wanted = [*answer["per_site"], answer["average_annual"]]
    for lost, mean in zip([*found, simulation.total(year)], wanted, strict=True):
        assert abs(lost.mean() - mean) < 4 * lost.std() / np.sqrt(draws)


# many obligors that share one factor

MANY, DRAWS = 500, 20_000


@pytest.fixture
def vasicek(tiny_case: Tiny) -> Callable[[float], np.ndarray]:
    """`vasicek(rho)`: the share of many links of chance .1 that are on, in each draw."""

    def shares(rho: float) -> np.ndarray:
        inputs = [fixed("p", 0.1, moves_with="rho"), fixed("rho", rho, "correlation")]
        links = [link("event", f"n{number}", "p") for number in range(MANY)]
        run = simulate(tiny_case(links, inputs), DRAWS)
        data = b"".join(mask.to_bytes(DRAWS // 8, "little") for mask in run.on.values())
        bits = np.frombuffer(data, np.uint8).reshape(MANY, -1)
        return sum(np.unpackbits(row, bitorder="little").astype(float) for row in bits) / MANY

    return shares


def test_a_shared_factor_gives_the_tail_of_vasicek(
    vasicek: Callable[[float], np.ndarray], expected: Expected
) -> None:
    found, answer = vasicek(0.3), expected("dependence and tails")["vasicek_p10_rho30_q99"]
    q99 = measures.quantile(np.sort(found), 0.99)
    assert abs(q99.value - answer) < 1.5 * q99.error + 0.5 / MANY
    normal = (np.sqrt(0.7) * special.ndtri(0.3) - special.ndtri(0.1)) / np.sqrt(0.3)
    below = special.ndtr(normal)  # P(share <= .3), Vasicek (1987)
    assert abs((found <= 0.3).mean() - below) < 4 * np.sqrt(below * (1 - below) / DRAWS) + 0.001
    assert abs(found.mean() - 0.1) < 4 * found.std() / np.sqrt(DRAWS)


def test_without_correlation_the_tail_is_binomial(vasicek: Callable[[float], np.ndarray]) -> None:
    found = vasicek(0.0)
    assert abs(found.std() - np.sqrt(0.09 / MANY)) < 4 * found.std() / np.sqrt(2 * DRAWS)
    assert np.quantile(found, 0.99) < 0.14


# correlation by a factor that is named


def parties(**cells: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Two links of one chance each, and two amounts, some of which move with a factor."""
    inputs = [fixed("p", 0.5, **cells), fixed("q", 0.5, **cells), fixed("rho", 0.5, "correlation")]
    inputs += [between("x", 1, 9, "USD", **cells), between("y", 1, 9, "USD", **cells)]
    links = [link("event", "a"), link("event", "b", "p"), link("event", "c", "q")]
    return links, inputs, [loss("one", "a", "x=x"), loss("other", "a", "x=y")]


def test_what_moves_together_happens_together_and_no_more_often(
    tiny_case: Tiny, expected: Expected
) -> None:
    together = simulate(tiny_case(*parties(moves_with="rho")))
    draws, both = together.draws, together.reached["b"] & together.reached["c"]
    third = expected("dependence and tails")["orthant_rho_half"]
    assert abs(both.bit_count() / draws - third) < 4 * np.sqrt(third * (1 - third) / draws)
    for name in "bc":
        assert abs(together.chance(name) - 0.5) < 4 * 0.5 / np.sqrt(draws)
    one, other = together.losses["one"], together.losses["other"]
    ranks = 6 / np.pi * np.arcsin(0.5 / 2)  # Spearman's rho of a Gaussian copula (Pearson 1907)
    assert abs(np.corrcoef(one, other)[0, 1] - ranks) < 4 / np.sqrt(draws)
    for lost in (one, other):
        assert abs(lost.mean() - 5) < 4 * np.sqrt(64 / 12 / draws)
        assert abs(lost.var() - 64 / 12) < 0.05
    high = np.corrcoef(one, graph.unpack(together.reached["b"], draws))[0, 1]
    assert high > 0.2, "what is high together happens together"


def test_correlation_is_never_a_default(tiny_case: Tiny) -> None:
    links, inputs, losses = parties()
    apart = simulate(tiny_case(links, inputs, losses))
    without = [row for row in inputs if row["id"] != "rho"]
    plain = simulate(tiny_case(links, without, losses))
    assert (apart.reached, apart.on) == (plain.reached, plain.on)
    assert all(np.array_equal(apart.losses[name], plain.losses[name]) for name in plain.losses)
    both = (apart.reached["b"] & apart.reached["c"]).bit_count() / apart.draws
    assert abs(both - 0.25) < 4 * np.sqrt(0.25 * 0.75 / apart.draws)
    assert abs(np.corrcoef(apart.losses["one"], apart.losses["other"])[0, 1]) < 4 / np.sqrt(50_000)


def test_a_correlation_of_0_is_independence(tiny_case: Tiny) -> None:
    run = simulate(tiny_case(*parties(moves_with="rho")), changes="rho=0")
    both = (run.reached["b"] & run.reached["c"]).bit_count() / run.draws
    assert abs(both - 0.25) < 4 * np.sqrt(0.25 * 0.75 / run.draws)
    assert abs(np.corrcoef(run.losses["one"], run.losses["other"])[0, 1]) < 4 / np.sqrt(run.draws)


def test_a_higher_correlation_moves_the_tail_and_not_the_mean(tiny_case: Tiny) -> None:
    case = tiny_case(*parties(moves_with="rho"))
    found = [simulation.total(simulate(case, changes=f"rho={rho}")) for rho in (0, 0.5, 1)]
    assert [round(float(lost.mean()), 1) for lost in found] == [10.0, 10.0, 10.0]
    assert np.all(np.diff([np.quantile(lost, 0.99) for lost in found]) > 0.1)


def test_a_factor_stands_apart_from_the_share_that_is_in_common(tiny_case: Tiny) -> None:
    links, inputs, losses = parties(moves_with="rho")
    losses[1]["bearer"] = "b"
    found = sums.common_share(simulate(tiny_case(links, inputs, losses)))
    # of two uniforms that share a factor: twice their Pearson correlation over 2 (1 + it)
    ranks = 6 / np.pi * np.arcsin(0.5 / 2)
    assert found.value == pytest.approx(2 * ranks / (1 + ranks), abs=0.03)


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_an_uncertain_chance_that_moves_with_others_happens_as_often_as_its_mean(
    tiny_case: Tiny, rho: float
) -> None:
    inputs = [between("p", 0, 0.2, moves_with="rho"), fixed("rho", rho, "correlation")]
    run = simulate(tiny_case([link("event", "a", "p")], inputs))
    assert abs(run.chance("a") - 0.1) < 4 * np.sqrt(0.09 / run.draws)


def test_a_run_like_one_with_another_factor_has_the_bits_of_a_fresh_one(tiny_case: Tiny) -> None:
    other = fixed("other", 0.5, "correlation")
    links, inputs, losses = parties(moves_with="rho")
    before = tiny_case(links, [*inputs, other], losses)
    inputs[-1] = {**inputs[-1], "moves_with": "other"}
    after = tiny_case(links, [*inputs, other], losses)
    assert same(simulate(after, like=simulate(before)), simulate(after))
