"""Known answers that need a case: links, losses and factors, from rows to numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny import Tiny, fixed, link, loss, simulate

import impact
from impact.measures import totals

Expected = Callable[[str], dict[str, Any]]


# the event-loss table of CLIMADA: a year has one storm of the first kind, and .1 of the second

EVENTS, SITES, LOST = ("first", "second"), ("x", "y", "z"), ((1, 0, 1), (2, 2, 0))


@pytest.fixture
def storms(tiny_case: Tiny) -> impact.Case:
    """Two events at three sites; the chance of the second is its frequency over that of all."""
    cells = [
        (e, s, usd)
        for e, row in zip(EVENTS, LOST, strict=True)
        for s, usd in zip(SITES, row, strict=True)
    ]
    inputs = [fixed(f"{e}-{s}", usd, "USD") for e, s, usd in cells]
    inputs += [fixed("often", 1.0), fixed("seldom", 0.1), fixed("rate", 1, "event/year")]
    losses = [loss(f"at-{e}-{s}", e, f"usd={e}-{s}", bearer=s) for e, s, _ in cells]
    links = [link("event", "first", "often"), link("event", "second", "seldom")]
    return tiny_case(links, inputs, losses)


def test_the_loss_of_each_event_is_that_of_climada(storms: impact.Case, expected: Expected) -> None:
    of_each = [
        totals.total_loss(simulate(storms, 10, changes=f"often={first}; seldom={second}"))
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
    found = [totals.net_loss(year, site) for site in SITES]
    wanted = [*answer["per_site"], answer["average_annual"]]
    for lost, mean in zip([*found, totals.total_loss(year)], wanted, strict=True):
        assert abs(lost.mean() - mean) < 4 * lost.std() / np.sqrt(draws)
