"""Decisions: what each option brings and saves, on the same draws, and where the best one flips."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import GUARD, column, raised, simulate

import impact
from impact.answers.text import threshold
from impact.case import heads, writer
from impact.case.changes import Change
from impact.case.scenarios import Decision, Option
from impact.cli import summary
from impact.measures.choice import Costing, costings
from impact.measures.totals import net_loss, total_loss
from impact.numerics.lines import Line, envelope
from impact.simulation import Run, what_if

FOUR = {"client-lab": 3, "litellm-user": 3, "mercor-notice": 6, "client-month-2": 3}
FLIPS = {"client-lab": 3, "litellm-user": 2, "mercor-notice": 3, "client-month-2": 2}


@pytest.fixture(scope="module")
def run(mercor: impact.Case) -> Run:
    """A run in which a further loss costs something, so that every named loss can move."""
    return impact.simulate(impact.view(mercor, changes="further_loss_usd=1e6"))


def decided(draws: Sequence[Sequence[float]]) -> Costing:
    """A decision of which the costs of each option are given draw by draw."""
    options = tuple(Option(name, name, "", (), (), ()) for name in "abc"[: len(draws)])
    decision = Decision("d", "D", "", "a", "x", "x is", "", options)
    return Costing(decision, np.array(draws, dtype=float), ())


def at(run: Run, decision: Decision, option: Option, value: float) -> float:
    """Mean cost of an option with its flip value set, worked out by a run of its own."""
    changes = [*option.changes, Change(decision.flips_on, value, value, value)]
    return float(net_loss(what_if(run, changes), decision.bearer).mean())


# the bundled decisions


def test_four_decisions_have_three_three_six_and_three_options(run: Run) -> None:
    assert {one.decision.id: len(one.decision.options) for one in costings(run)} == FOUR
    assert impact.decisions(run).table.height == sum(FOUR.values())
    for one in costings(run):
        for option in one.decision.options:
            assert option.costs, option.id
            assert option.saves, option.id


@pytest.mark.parametrize("name", FOUR)
def test_what_an_option_brings_and_saves_moves_as_it_says(run: Run, name: str) -> None:
    decision = run.known.decisions[name]
    runs = {option.id: what_if(run, option.changes) for option in decision.options}
    for option in decision.options:
        for loss in {*option.costs, *option.saves}:
            means = {other: float(of.losses[loss].mean()) for other, of in runs.items()}
            least, most = min(means.values()), max(means.values())
            assert least < most, f"no option moves {loss}"
            paid = run.known.rows("losses")[loss]["bearer"] == decision.bearer
            bad, good = (least, most) if paid else (most, least)
            assert loss not in option.costs or means[option.id] != bad, (option.id, loss)
            assert loss not in option.saves or means[option.id] != good, (option.id, loss)


def test_shares_in_which_each_is_cheapest_add_up_and_regret_is_the_cost_above_the_least(
    run: Run,
) -> None:
    assert len(costings(run)) == 4
    for one in costings(run):
        assert one.best_chances.sum() == pytest.approx(1.0, abs=1e-12)
        assert (one.best_chances >= 0).all()
        assert (one.regrets >= 0).all()
        means = one.costs.mean(axis=1)
        assert np.allclose(one.regrets - one.regrets.min(), means - means.min(), atol=1e-6)


@pytest.mark.parametrize("name", FOUR)
def test_at_the_flip_value_two_options_cost_the_same_and_beside_it_the_best_changes(
    run: Run, name: str
) -> None:
    one = next(one for one in costings(run) if one.decision.id == name)
    options = {option.id: option for option in one.decision.options}
    regimes = envelope(one.lines)
    assert len(regimes) == FLIPS[name]
    for (before, _, value), (after, start, _) in pairwise(regimes):
        assert value == start
        costs = {k: at(run, one.decision, o, value) for k, o in options.items()}
        assert costs[before] == pytest.approx(costs[after], rel=1e-9)
        assert min(costs.values()) == pytest.approx(costs[before], rel=1e-9)
        for side, best in ((0.99, before), (1.01, after)):
            costs = {k: at(run, one.decision, o, side * value) for k, o in options.items()}
            assert min(costs, key=lambda k: costs[k]) == best


WHEN = "Cheapest on average if that costs you"


@pytest.mark.parametrize(
    ("day", "known"),
    [
        ("1990-01-01", []),
        ("2026-03-24T12:00Z", ["litellm-user"]),
        ("2026-03-31", ["litellm-user"]),
        ("2026-04-04", ["client-lab", "litellm-user"]),
        ("2026-04-11", ["client-lab", "litellm-user", "mercor-notice"]),
        ("2026-05-01", [*FOUR]),
    ],
)
def test_a_decision_on_what_is_not_yet_known_is_left_out(
    mercor: impact.Case, day: str, known: list[str]
) -> None:
    early = impact.simulate(impact.view(mercor, as_of=day), draws=1000)
    assert [one.decision.id for one in costings(early)] == known
    table = impact.decisions(early).table
    assert table["decision"].unique(maintain_order=True).to_list() == [
        mercor.decisions[name].title for name in known
    ]


def test_the_first_decisions_are_those_of_all(run: Run) -> None:
    whole, short = impact.decisions(run), impact.decisions(run, most=1)
    assert short.table.equals(whole.table.head(3))
    assert short.sentence in whole.sentence


# worked out by hand


def test_cheapest_shares_and_regrets_of_four_draws_by_hand() -> None:
    one = decided([[1, 5, 4, 2], [3, 1, 4, 2], [9, 9, 9, 2]])
    assert one.best_chances.tolist() == pytest.approx([(1 + 1 / 2 + 1 / 3) / 4] * 2 + [1 / 12])
    assert one.regrets.tolist() == [1.0, 0.5, (8 + 8 + 5) / 4]
    assert one.costs.mean(axis=1).argmin() == 1
    always = decided([[1, 2, 3], [2, 3, 4]])  # the first is cheapest in every draw
    assert (always.best_chances.tolist(), always.regrets.tolist()) == ([1.0, 0.0], [0.0, 1.0])


END = np.inf


@pytest.mark.parametrize(
    ("most", "means", "regimes"),
    [  # of amounts
        (END, {"go": (0, 1), "stop": (5, 5)}, [("go", 0, 5), ("stop", 5, END)]),
        (
            *(END, {"go": (0, 1), "half": (2, 2.5), "stop": (6, 6)}),
            [("go", 0, 4), ("half", 4, 8), ("stop", 8, END)],
        ),
        (
            *(END, {"go": (0, 1), "half": (4, 4.5), "stop": (5, 5)}),
            [("go", 0, 5), ("stop", 5, END)],
        ),
        (END, {"go": (0, 1), "dear": (3, 4)}, [("go", 0, END)]),
        (END, {"go": (0, 1), "same": (0, 0.5)}, [("same", 0, END)]),
        (END, {"one": (1, 1), "same": (1, 1)}, [("one", 0, END)]),
        # of a chance
        (1, {"go": (0, 1), "stop": (0.25, 0.25)}, [("go", 0, 0.25), ("stop", 0.25, END)]),
        (1, {"go": (0, 1, 4), "stop": (2, 2, 2)}, [("go", 0, 2 / 3), ("stop", 2 / 3, END)]),
        (
            *(1, {"go": (1, 0, 1), "stop": (0.5, 0.5, 0.5)}),
            [("stop", 0, 0.25), ("go", 0.25, 0.75), ("stop", 0.75, END)],
        ),
        (1, {"go": (0, 1), "stop": (2, 2)}, [("go", 0, END)]),
    ],
)
def test_the_cheapest_of_lines_by_hand(
    most: float, means: dict[str, tuple[float, ...]], regimes: list[tuple[str, float, float]]
) -> None:
    found = envelope([Line(name, each, most=most) for name, each in means.items()])
    assert [name for name, *_ in found] == [name for name, *_ in regimes]
    ends = [pytest.approx(some, rel=1e-12) for _, *some in regimes]
    assert [list(some) for _, *some in found] == ends


@pytest.mark.parametrize("noise", [1e-17, -1e-17, 5e-16])
def test_lines_that_differ_by_rounding_alone_do_not_cross(noise: float) -> None:
    lines = [Line("one", (274.3, 274.3 + 0.2948)), Line("two", (299.4, 299.4 + 0.2948 - noise))]
    assert envelope(lines) == [("one", 0, np.inf)]


def test_a_received_transfer_lowers_the_cost_of_who_receives(guarded: Any) -> None:
    refund = {"bearer": "b", "received_by": "a", "needs": "always"}
    refund["arguments"] = "cost=guard_usd; count=guard_count"
    toml = GUARD.replace('saves = ["harm"]', 'saves = ["harm", "refund"]')
    case = guarded(losses={"refund": refund}, toml=toml)
    (one,) = costings(impact.simulate(impact.view(case), draws=1000))
    assert one.decision.options[0].saves == ("harm", "refund")
    assert one.costs[0].tolist() == [0.0] * 1000  # what the guard costs is paid back


def test_nothing_at_stake_is_said_and_is_no_flip(guarded: Any) -> None:
    case = guarded(inputs={"p": 0, "guard_usd": (0, "USD")})
    said = impact.decisions(simulate(case, 1000)).sentence
    assert said == "Nothing is at stake in this view."


def test_options_are_weighed_on_the_same_draws(mercor: impact.Case, run: Run) -> None:
    assert len(costings(run)) > 1
    for one in costings(run)[:2]:
        for option, costs in zip(one.decision.options, one.costs, strict=True):
            known = impact.view(
                mercor,
                changes="; ".join(map(str, [*run.known.changes, *option.changes])),
            )
            fresh = impact.simulate(known, run.draws, run.seed)
            assert np.array_equal(net_loss(fresh, one.decision.bearer), costs)


def test_a_decision_costs_nothing_that_nobody_has_decided(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor))
    without = impact.simulate(impact.view(replace(mercor, decisions={}, memo={})))
    assert np.array_equal(total_loss(run), total_loss(without))
    for loss in ("users-rotation", "mercor-bridge-low", "meta-leaving", "mercor-late-notice"):
        assert not run.losses[loss].any()


# defects


def test_a_flip_value_is_printed_in_its_unit(guarded: Any) -> None:
    losses = {"harm": "a at harmed: cost=week_usd; weeks=weeks"}
    inputs = {"week_usd": (1000, "USD/week"), "weeks": (1, "week")}
    toml = GUARD.replace('"harm_usd"', '"weeks"').replace("a harm costs it", "a stop lasts")
    run = simulate(guarded(inputs=inputs, losses=losses, toml=toml), 1000)
    assert "$" not in impact.decisions(run).sentence


def test_a_decision_whose_loss_is_known_later_than_its_inputs_is_an_answer(guarded: Any) -> None:
    late = {"bearer": "a", "needs": "harmed", "arguments": "cost=harm_usd"}
    late["known_on"] = "2026-02-01"
    case = guarded(losses={"harm": late})
    run = impact.simulate(impact.view(case, as_of="2026-01-15"), draws=1000)
    assert impact.decisions(run).sentence


def test_options_of_which_no_range_is_resolved_have_a_picture_of_means(mercor: impact.Case) -> None:
    """Under 500 draws no range is resolved: the lines of the means are drawn all the same."""
    answer = impact.decisions(impact.simulate(impact.view(mercor), 400))
    assert answer.table["low"].count() == 0
    assert "<svg" in (answer.svg() or "")


# decisions that flip on a chance


def on(name: str) -> str:
    """The decision to guard, where it flips on an input of that name."""
    return GUARD.replace('"harm_usd"', f'"{name}"')


COVERED = {
    "losses": {
        "harm": {"bearer": "a", "needs": "harmed", "arguments": "cost=harm_usd"}
        | {"retention": "kept_usd", "limit": "cover_usd"}
    },
    "inputs": {"kept_usd": (100, "USD"), "cover_usd": (500, "USD")},
}
SHARED = {"harm": "a at harmed: cost=harm_usd; part=harm_share"}
MINUTES = {"p": (0.3, "chance per 100 minutes"), "window": (200, "minute")}


FLIPPED = {  # guarding costs 200, harm 1,000 with p, .3 where nothing else stands
    "a chance of one link": ("p", "", {}, 200 / 1000, 1e-12),
    "a low chance": ("p", "", {"inputs": {"p": 0.02}}, 200 / 1000, 1e-12),
    "a wide chance": ("p", "", {"inputs": {"p": (0.1, 0.6, "chance")}}, 200 / 1000, 1e-12),
    "cover bends the loss": ("p", "", COVERED, 200 / 500, 1e-12),
    "a chance of two links": ("p", "", {"links": {"hit > harmed": "p"}}, np.sqrt(0.2), 0.02),
    "a chance per minutes": (
        *("p", "", {"links": {"event > hit": "p over window"}, "inputs": MINUTES}),
        *(1 - np.sqrt(1 - 0.2), 0.02),
    ),
    "guarding sets the chance": ("p", "p = 0.1", {}, (200 + 100) / 1000, 0.03),
    "guarding sets the amount": (
        *("harm_usd", "harm_usd = 100", {"inputs": {"p": 1}}, 200 + 100, 1e-12),
    ),
    "a share": (
        *("harm_share", "", {"losses": SHARED, "inputs": {"harm_share": (0, "share")}}),
        *(2 / 3, 0.03),
    ),
    "a wide share": (
        *("harm_share", "", {"losses": SHARED, "inputs": {"harm_share": (0.2, 0.8, "share")}}),
        *(2 / 3, 0.03),
    ),
}


@pytest.mark.parametrize(
    ("flips_on", "sets", "more", "expected", "within"), FLIPPED.values(), ids=FLIPPED
)
def test_a_decision_flips_where_what_it_flips_on_makes_the_guard_pay(
    guarded: Any, flips_on: str, sets: str, more: dict[str, Any], expected: float, within: float
) -> None:
    toml = on(flips_on).replace('"link.hit-harmed" = 0', sets or '"link.hit-harmed" = 0')
    (one,) = costings(simulate(guarded(**more, toml=toml)))
    (first, _, flip), (second, _, end) = envelope(one.lines)
    assert (first, second, end) == ("go-on", "guard", np.inf)
    assert flip == pytest.approx(expected, rel=within)


def test_a_flip_on_a_chance_is_printed_in_per_cent(guarded: Any) -> None:
    toml = on("p").replace("a harm costs it", "the chance of a hit")
    said = impact.decisions(simulate(guarded(toml=toml), 1000))
    assert "less than about 20 %" in said.sentence
    assert column(said, WHEN) == ["more than about 20 %", "less than about 20 %"]


# decisions with a fault


def test_a_faulty_decision_is_named_and_the_rest_is_shown(guarded: Any) -> None:
    wrong = on("harm_us").replace("decision.d", "decision.odd").replace('"Guard"', '"Odd"')
    run = simulate(guarded(toml=GUARD + wrong), 1000)
    assert [one.decision.id for one in costings(run)] == ["d"]
    said = "\n".join(impact.decisions(run).notes)
    assert str(impact.decisions(run, only="odd").notes[0]) in said
    assert said.splitlines()[0] in " ".join(summary.text(run).split())
    assert 'Decision "Odd" cannot be worked out' in said
    assert 'no input "harm_us"; did you mean "harm_usd"?' in said


def test_what_a_faulty_decision_may_name_is_for_the_owner_alone(guarded: Any) -> None:
    case = guarded(toml=on("harm_us"))
    levels = {("inputs", "guard_count"): "clear"}
    secret = replace(raised(case, levels), label="red")
    assert "harm_usd" in " ".join(heads.warnings(impact.view(secret)))
    shared = replace(secret, tlp="clear")  # its own level, with rows above it
    for below in (impact.view(secret, tlp="clear"), impact.view(shared)):
        assert heads.warnings(below) == []


def test_a_faulty_decision_stays_faulty_in_a_view_that_is_written(
    guarded: Any, tmp_path: Path
) -> None:
    known = impact.view(guarded(toml=on("harm_us")))
    writer.write(known, tmp_path / "written")
    again = impact.view(impact.load_case(tmp_path / "written"))
    assert heads.warnings(again) == heads.warnings(known) != []


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_the_range_of_a_threshold_holds_the_threshold_as_printed(name: str) -> None:
    run = impact.simulate(impact.view(impact.load_case(name)))
    ranged = 0
    for figure in impact.decisions(run).figures:
        if not figure.name.startswith("flip.") or "(" not in figure.text:
            continue
        value, low, high = map(amount_of, re.findall(r"\$[\d.,]+(?: [mb]illion)?", figure.text))
        assert low <= value <= high, figure.text
        assert low <= 1.05 * (figure.value - figure.error)
        assert high >= 0.95 * (figure.value + figure.error)
        ranged += 1
    assert ranged


def amount_of(text: str) -> float:
    """An amount as printed, in USD.

    >>> amount_of("$1.4 billion"), amount_of("$210,000")
    (1400000000.0, 210000.0)
    """
    number, _, size = text.removeprefix("$").partition(" ")
    return float(number.replace(",", "")) * {"": 1, "million": 1e6, "billion": 1e9}[size]


@pytest.mark.parametrize(
    ("high", "error", "unit", "text"),
    [
        (219_000.0, None, "USD", "about $200,000"),
        (219_000.0, 2_000.0, "USD", "about $200,000"),
        (225_000.0, 15_000.0, "USD", "about $200,000 (simulation error: $200,000 to $240,000)"),
        (100.0, 150.0, "USD", "about $100 (simulation error: $0 to $250)"),
        (5_000.0, 1_000.0, "EUR/week", "about €5,000 (simulation error: €4,000 to €6,000)"),
        (0.3, 0.1, "chance", "about 30 % (simulation error: 20 % to 40 %)"),
        (3.0, 1.0, "week", "about 3 weeks (simulation error: 2 to 4)"),
        (1.0, None, "week", "about 1 week"),
    ],
)
def test_a_threshold_is_about_one_digit_with_its_range_where_that_is_wide(
    high: float, error: float | None, unit: str, text: str
) -> None:
    assert threshold(high, error, unit) == text
