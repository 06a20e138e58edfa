"""A year as a compound sum of events."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from tiny import Row, Tiny, between, fixed, link, loss

import impact
from impact.base.errors import BadInput, ImpactError
from impact.case import views
from impact.case.changes import parse_changes
from impact.measures import totals
from impact.numerics import graph, measures

# a year


def of_rate(rate: float, low: float, high: float, **cells: str) -> tuple[Any, ...]:
    """Rows of a case with one lognormal loss for each of so many events a year."""
    cost: Row = {
        "id": "cost",
        "low": repr(low),
        "high": repr(high),
        "cap": "1e15",
        "shape": "lognormal",
        "unit": "USD",
    }
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
    year = totals.total_loss(impact.simulate_year(known, draws))
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
    year = np.sort(totals.total_loss(impact.simulate_year(known, draws)))
    single = np.sort(totals.total_loss(impact.simulate(known, 50_000)))
    product = rate * measures.quantile(single, 0.99).value
    true = measures.quantile(year, 0.99).value
    assert product / true == pytest.approx(too_large, rel=0.07)
    assert rate * single.mean() == pytest.approx(year.mean(), rel=0.03), "the means agree"


def test_in_a_year_each_event_is_drawn_afresh(tiny_case: Tiny) -> None:
    links = [link("event", "a", "p")]
    inputs = [fixed("p", 0.4), fixed("usd", 1, "USD"), fixed("rate", 2, "event/year")]
    known = impact.view(tiny_case(links, inputs, [loss("one", "a", "usd=usd")]))
    year, draws = impact.simulate_year(known, 50_000), 50_000
    found = np.bincount(totals.total_loss(year).astype(int), minlength=8)[:8] / draws
    exact = stats.poisson.pmf(range(8), 2 * 0.4)  # a thinned Poisson count is one
    assert np.all(np.abs(found - exact) < 4 * np.sqrt(exact / draws) + 1e-9)
    some = 1 - np.exp(-0.8)
    assert abs(year.chance("a") - some) < 4 * np.sqrt(some * (1 - some) / draws)
    reached = graph.unpack(year.reached["a"], draws)
    assert np.array_equal(reached, totals.total_loss(year) > 0)


def test_an_uncertain_rate_spreads_the_years(tiny_case: Tiny) -> None:
    _, (cost, _), losses = of_rate(1, LOW, HIGH)
    rate = between("rate", 0, 6, "event/year")
    known = impact.view(tiny_case([link("event", "a")], [cost, rate], losses))
    year = totals.total_loss(impact.simulate_year(known, 50_000))
    # Var = E[rate] E[X^2] + Var(rate) E[X]^2
    spread = 3 * np.exp(2.0) + 3 * np.exp(1.0)
    assert year.var() == pytest.approx(spread, rel=0.1)
    assert abs(year.mean() - 3 * np.exp(0.5)) < 4 * year.std() / np.sqrt(50_000)


def test_a_year_without_events_costs_nothing(tiny_case: Tiny) -> None:
    year = impact.simulate_year(impact.view(tiny_case(*of_rate(0, LOW, HIGH))), 500)
    assert not totals.total_loss(year).any()
    assert year.chance("a") == year.chance("event") == 0


def test_fewer_years_are_the_beginning_of_more(tiny_case: Tiny) -> None:
    known = impact.view(tiny_case(*of_rate(3, LOW, HIGH)))
    few, many = (impact.simulate_year(known, draws) for draws in (500, 2_000))
    assert np.array_equal(totals.total_loss(many)[:500], totals.total_loss(few))


@pytest.mark.parametrize(
    ("rate", "draws", "message"),
    [
        (501, 10, "rate goes above 500"),
        (300, 10_000, "hold .* events, more than 1,048,576; take"),
        (None, 10, "year: no input of this view says how often"),
    ],
)
def test_years_that_cannot_be_are_refused(
    tiny_case: Tiny, rate: float | None, draws: int, message: str
) -> None:
    links, inputs, losses = of_rate(rate or 0, LOW, HIGH)
    known = impact.view(tiny_case(links, inputs[: 1 if rate is None else 2], losses))
    with pytest.raises(BadInput, match=message):
        impact.simulate_year(known, draws)


def test_years_are_not_told_apart_change_by_change(tiny_case: Tiny) -> None:
    year = impact.simulate_year(impact.view(tiny_case(*of_rate(3, LOW, HIGH))), 500)
    changed = views.changed(year.known, parse_changes("rate=4"), "changes")
    with pytest.raises(ImpactError, match="of a year"):
        impact.waterfall(year, impact.simulate_year(changed, 500))
