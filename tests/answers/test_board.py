"""What the board cannot do it declines in words."""

from __future__ import annotations

from typing import Any

import pytest

import impact
from impact.base.errors import Refusal
from impact.board import data
from impact.simulation import simulate


def declined(run: impact.Run) -> str:
    """Why the board cannot do a run."""
    with pytest.raises(Refusal) as raised:
        data.describe(run)
    return str(raised.value.faults[0])


def test_what_the_board_cannot_do_it_declines_in_words(tiny: Any) -> None:
    known = impact.view(impact.load_case("mercor"))
    assert declined(impact.simulate_year(known, 500)) == (
        "board: it shows one event, not a year; the page stays as it is"
    )
    assert "it takes 65,536 draws at most" in declined(simulate(known, 65_537))
    poor = tiny({"event > a": "p"}, {"p": 0.5})
    assert "the case has no losses" in declined(simulate(impact.view(poor), 100))
    odd = {"id": "q", "shape": "beta", "parameters": "a=2; b=8", "unit": "chance"}
    bent = tiny({"event > a": "q"}, {"q": odd, "cost": (5, "USD")}, {"pay": "a at a: cost=cost"})
    assert "it does not know the shape beta of q" in declined(simulate(impact.view(bent), 100))
