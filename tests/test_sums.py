"""Sums over more than a run: very many draws, a year as a compound sum, what is in common."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from tiny import Row, Tiny, between, fixed, link, loss, simulate

import impact
from impact import simulation, sums
from impact.case import views
from impact.case.scenarios import parse_changes
from impact.errors import BadInput, ImpactError
from impact.numerics import graph, measures, sampling

BLOCK = sampling.BLOCK
LINKS = [link("event", "b", "p"), link("b", "c", "q"), link("c", "b", "p"), link("event", "d")]
INPUTS = [
    fixed("p", 0.4),
    between("q", 0.2, 0.8, moves_with="rho"),
    fixed("rho", 0.3, "correlation"),
    between("cost", 10, 90, "USD", "per_use"),
]
LOSSES = [
    loss("one", "b", "cost=cost"),
    loss("other", "c", "cost=cost", bearer="b"),
    loss("moved", "c", "cost=cost", bearer="b", received_by="a"),
]


# totals


@pytest.mark.parametrize("draws", [1, 999, BLOCK, BLOCK + 1, 2 * BLOCK + 77])
def test_totals_are_those_of_a_run_to_the_bit(tiny_case: Tiny, draws: int) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    run = simulate(case, draws, seed=3)
    lost, reached = sums.totals(impact.view(case), draws, seed=3)
    assert lost.tobytes() == simulation.total(run).tobytes()
    assert reached == {
        name: run.reached.get(name, 0).bit_count() for name in ("event", *"abcd")
    }  # fmt: skip


def test_the_first_totals_of_many_are_those_of_few(tiny_case: Tiny) -> None:
    known = impact.view(tiny_case(LINKS, INPUTS, LOSSES))
    many, _ = sums.totals(known, 2 * BLOCK + 77)
    few, _ = sums.totals(known, BLOCK + 1)
    assert np.array_equal(many[: BLOCK + 1], few)


def test_totals_go_on_where_a_run_is_refused(tiny_case: Tiny) -> None:
    known, draws = impact.view(tiny_case([link("event", "b", "p")], INPUTS[:1])), 2**20 + 1
    with pytest.raises(BadInput, match="draws"):
        impact.simulate(known, draws)
    lost, reached = sums.totals(known, draws)
    assert lost.shape == (draws,)
    assert not lost.any()
    assert reached["event"] == draws
    assert abs(reached["b"] / draws - 0.4) < 4 * np.sqrt(0.24 / draws)
    with pytest.raises(BadInput, match="draws"):
        sums.totals(known, 2**27 + 1)


# a year


def of_rate(rate: float, low: float, high: float, **cells: str) -> tuple[Any, ...]:
    """Rows of a case with one lognormal loss for each of so many events a year."""
    cost: Row = {"id": "cost", "low": repr(low), "high": repr(high), "cap": "1e15",
                 "shape": "lognormal", "unit": "USD"}  # fmt: skip
    rows = [cost, fixed("rate", rate, "event/year", **cells)]
    return [link("event", "a")], rows, [loss("one", "a", "cost=cost")]


LOW, HIGH = np.exp([-1.6448536269514722, 1.6448536269514722]).tolist()  # of the standard lognormal


def compound(rate: float, u: float, step: float = 0.01, cells: int = 2**18) -> float:
    """The u-quantile of a Poisson sum of standard lognormals, by FFT (Klugman 2012, 9.8)."""
    edges = (np.arange(cells + 1) - 0.5) * step
    mass = np.diff(stats.lognorm.cdf(np.maximum(edges, 0), 1.0))
    summed = np.fft.irfft(np.exp(rate * (np.fft.rfft(mass) - 1)), cells)
    return float(np.searchsorted(np.cumsum(summed), u) * step)


@pytest.mark.parametrize(("rate", "draws"), [(0.3, 200_000), (30.0, 30_000)])
def test_a_year_is_a_compound_sum(tiny_case: Tiny, rate: float, draws: int) -> None:
    known = impact.view(tiny_case(*of_rate(rate, LOW, HIGH)))
    year = simulation.total(impact.simulate_year(known, draws))
    mean, square = np.exp(0.5), np.exp(2.0)  # of one event: E[X] and E[X^2]
    assert abs(year.mean() - rate * mean) < 4 * np.sqrt(rate * square / draws)
    fourth = year - year.mean()
    error = np.sqrt((fourth**4).mean() - year.var() ** 2) / np.sqrt(draws)
    assert abs(year.var() - rate * square) < 4 * error
    p99 = measures.quantile(np.sort(year), 0.99)
    assert abs(p99.value - compound(rate, 0.99)) < 2 * p99.error
    assert abs((year == 0).mean() - np.exp(-rate)) < 4 * np.sqrt(0.25 / draws)


@pytest.mark.parametrize(
    ("rate", "draws", "too_large"), [(0.3, 200_000, 0.45), (30.0, 30_000, 3.3)]
)
def test_a_year_is_not_frequency_times_magnitude(
    tiny_case: Tiny, rate: float, draws: int, too_large: float
) -> None:
    known = impact.view(tiny_case(*of_rate(rate, LOW, HIGH)))
    year = np.sort(simulation.total(impact.simulate_year(known, draws)))
    single = np.sort(simulation.total(impact.simulate(known, 50_000)))
    product = rate * measures.quantile(single, 0.99).value
    true = measures.quantile(year, 0.99).value
    assert product / true == pytest.approx(too_large, rel=0.07)
    assert rate * single.mean() == pytest.approx(year.mean(), rel=0.03), "the means agree"


def test_in_a_year_each_event_is_drawn_afresh(tiny_case: Tiny) -> None:
    links = [link("event", "a", "p")]
    inputs = [fixed("p", 0.4), fixed("usd", 1, "USD"), fixed("rate", 2, "event/year")]
    known = impact.view(tiny_case(links, inputs, [loss("one", "a", "usd=usd")]))
    year, draws = impact.simulate_year(known, 50_000), 50_000
    found = np.bincount(simulation.total(year).astype(int), minlength=8)[:8] / draws
    exact = stats.poisson.pmf(range(8), 2 * 0.4)  # a thinned Poisson count is one
    assert np.all(np.abs(found - exact) < 4 * np.sqrt(exact / draws) + 1e-9)
    some = 1 - np.exp(-0.8)
    assert abs(year.chance("a") - some) < 4 * np.sqrt(some * (1 - some) / draws)
    reached = graph.unpack(year.reached["a"], draws)
    assert np.array_equal(reached, simulation.total(year) > 0)


def test_an_uncertain_rate_spreads_the_years(tiny_case: Tiny) -> None:
    _, (cost, _), losses = of_rate(1, LOW, HIGH)
    rate = between("rate", 0, 6, "event/year")
    known = impact.view(tiny_case([link("event", "a")], [cost, rate], losses))
    year = simulation.total(impact.simulate_year(known, 50_000))
    # Var = E[rate] E[X^2] + Var(rate) E[X]^2
    spread = 3 * np.exp(2.0) + 3 * np.exp(1.0)
    assert year.var() == pytest.approx(spread, rel=0.1)
    assert abs(year.mean() - 3 * np.exp(0.5)) < 4 * year.std() / np.sqrt(50_000)


def test_a_year_without_events_costs_nothing(tiny_case: Tiny) -> None:
    year = impact.simulate_year(impact.view(tiny_case(*of_rate(0, LOW, HIGH))), 500)
    assert not simulation.total(year).any()
    assert year.chance("a") == year.chance("event") == 0


def test_fewer_years_are_the_beginning_of_more(tiny_case: Tiny) -> None:
    known = impact.view(tiny_case(*of_rate(3, LOW, HIGH)))
    few, many = (impact.simulate_year(known, draws) for draws in (500, 2_000))
    assert np.array_equal(simulation.total(many)[:500], simulation.total(few))


@pytest.mark.parametrize(
    ("rate", "draws", "message"),
    [(501, 10, "rate goes above 500"), (300, 10_000, "hold .* events, more than 1,048,576; take")],
)
def test_years_that_cannot_be_are_refused(
    tiny_case: Tiny, rate: float, draws: int, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        impact.simulate_year(impact.view(tiny_case(*of_rate(rate, LOW, HIGH))), draws)


def test_without_a_rate_there_is_no_year(tiny_case: Tiny) -> None:
    with pytest.raises(BadInput, match=r"year: no input of this view says how often"):
        impact.simulate_year(impact.view(tiny_case(LINKS, INPUTS, LOSSES)))


def test_a_what_if_of_a_year_is_refused(tiny_case: Tiny) -> None:
    year = impact.simulate_year(impact.view(tiny_case(*of_rate(3, LOW, HIGH))), 500)
    with pytest.raises(BadInput, match=r"what_if: the run is of a year; take a run"):
        impact.what_if(year, "rate=4")


def test_a_year_is_not_compared_with_what_an_event_costs(tiny_case: Tiny) -> None:
    year = impact.simulate_year(impact.view(tiny_case(*of_rate(3, LOW, HIGH))), 500)
    changed = views.changed(year.known, parse_changes("rate=4"), "changes")
    with pytest.raises(ImpactError, match="of a year"):
        impact.compare(year, ["baseline"])
    with pytest.raises(ImpactError, match="of a year"):
        impact.waterfall(year, impact.simulate_year(changed, 500))


# what is in common

X, Y, S = (between(name, 0, 100, "USD") for name in "xys")
SHARED_Z = between("z", 0, 100, "USD", moves_with="rho")
CERTAIN = [link("event", "a"), link("event", "b")]


def of(name: str, bearer: str, inputs: str, needs: str = "", **cells: str) -> Row:
    """A loss that is the product of inputs."""
    pairs = "; ".join(f"{n}={n}" for n in inputs)
    return loss(name, needs or bearer, pairs, bearer=bearer, **cells)


def common(case: impact.Case, draws: int = 50_000) -> measures.Measure:
    """The share in common of a case."""
    return sums.common_share(simulate(case, draws))


def test_parties_with_inputs_of_their_own_have_nothing_in_common(tiny_case: Tiny) -> None:
    found = common(tiny_case(CERTAIN, [X, Y], [of("1", "a", "x"), of("2", "b", "y")]))
    assert found.value < 3 * found.error
    assert found.value < 0.02


def test_parties_on_one_shared_input_have_all_in_common(tiny_case: Tiny) -> None:
    found = common(tiny_case(CERTAIN, [S], [of("1", "a", "s"), of("2", "b", "s")]))
    assert found.value == 1.0


def test_an_input_drawn_for_each_use_is_not_in_common(tiny_case: Tiny) -> None:
    own = between("s", 0, 100, "USD", "per_use")
    found = common(tiny_case(CERTAIN, [own], [of("1", "a", "s"), of("2", "b", "s")]))
    assert found.value < 0.02


@pytest.mark.parametrize(
    ("width", "share"), [(100 * np.sqrt(2), 1 / 2), (100, 2 / 3), (200, 1 / 3)]
)
def test_half_in_common_is_half(tiny_case: Tiny, width: float, share: float) -> None:
    inputs = [S, *(between(name, 0, width, "USD") for name in "xy")]
    names = [("1", "a", "s"), ("2", "b", "s"), ("3", "a", "x"), ("4", "b", "y")]
    found = common(tiny_case(CERTAIN, inputs, [of(*each) for each in names]))
    # (2 s + x + y): 4 V(s) of 4 V(s) + V(x) + V(y), for uniforms with V as their widths squared
    assert abs(found.value - share) < 2 * found.error
    assert found.error < 0.02


def test_a_link_on_the_way_to_both_is_in_common(tiny_case: Tiny) -> None:
    links = [link("event", "hub", "p"), link("hub", "a", "q"), link("hub", "b", "q")]
    inputs = [fixed("p", 0.3), fixed("q", 0.5), fixed("u", 1, "USD")]
    found = common(tiny_case(links, inputs, [of("1", "a", "u"), of("2", "b", "u")]))
    # hub x (A + B): E = 2 q hub; second moment p (2 q^2 + 2 q)
    variance = 0.3 * (2 * 0.25 + 2 * 0.5) - (0.3 * 2 * 0.5) ** 2
    assert abs(found.value - 0.3 * 0.7 * 1.0 / variance) < 2 * found.error


def test_too_few_draws_do_not_resolve_what_is_in_common(tiny_case: Tiny) -> None:
    case = tiny_case(CERTAIN, [S], [of("1", "a", "s"), of("2", "b", "s")])
    assert common(case, 7_999) == measures.UNRESOLVED
    assert common(case, 8_000).value == 1.0


@pytest.mark.parametrize("usd", [0.1, 7.7, 123456.789])
def test_what_does_not_vary_has_nothing_in_common(tiny_case: Tiny, usd: float) -> None:
    inputs = [fixed("u", usd, "USD")]
    found = common(tiny_case(CERTAIN, inputs, [of("1", "a", "u"), of("2", "b", "u")]))
    assert found.value == 0.0


def test_what_moves_only_a_transfer_is_not_in_common(tiny_case: Tiny) -> None:
    losses = [of("1", "a", "x"), of("2", "b", "x", received_by="a"), of("3", "b", "y")]
    assert common(tiny_case(CERTAIN, [X, Y], losses)).value < 0.02


def test_a_factor_of_one_bearer_alone_is_not_in_common(tiny_case: Tiny) -> None:
    inputs = [{**X, "moves_with": "rho"}, SHARED_Z, Y, fixed("rho", 0.9, "correlation")]
    losses = [of("1", "a", "x"), of("2", "a", "z"), of("3", "b", "y")]
    assert common(tiny_case(CERTAIN, inputs, losses)).value < 0.02


def test_the_share_in_common_of_a_year_is_not_told(tiny_case: Tiny) -> None:
    inputs = [S, fixed("rate", 3, "event/year")]
    case = tiny_case(CERTAIN, inputs, [of("1", "a", "s"), of("2", "b", "s")])
    year = impact.simulate_year(impact.view(case), 20_000)
    assert sums.common_share(year).value is None
