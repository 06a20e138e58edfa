"""Runs of tiny cases worked out by hand, of random ones against an oracle, and of Mercor."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tiny import (
    DRAWS,
    Row,
    Tiny,
    between,
    fixed,
    is_near,
    joint,
    link,
    loss,
    lost,
    same,
    simulate,
)

import impact
from impact.base.errors import BadInput
from impact.measures import totals
from impact.numerics import sampling

# chances


def test_a_chain_multiplies(tiny_case: Tiny) -> None:
    case = tiny_case(
        [link("event", "a", "p"), link("a", "b", "q")], [fixed("p", 0.5), fixed("q", 0.4)]
    )
    run = simulate(case)
    assert is_near(run.chance("a"), 0.5)
    assert is_near(run.chance("b"), 0.2)


def test_all_chances_of_a_link_must_happen(tiny_case: Tiny) -> None:
    run = simulate(tiny_case([link("event", "a", "p; q")], [fixed("p", 0.5), fixed("q", 0.4)]))
    assert is_near(run.chance("a"), 0.2)


def test_two_ways_in_are_a_noisy_or(tiny_case: Tiny) -> None:
    links = [link("event", "a", "p"), link("event", "a", "q", id="other")]
    run = simulate(tiny_case(links, [fixed("p", 0.5), fixed("q", 0.4)]))
    assert is_near(run.chance("a"), 0.7)


def test_a_shared_cause_reaches_its_children_together(tiny_case: Tiny) -> None:
    links = [link("event", "cause", "p"), link("cause", "b"), link("cause", "c")]
    run = simulate(tiny_case(links, [fixed("p", 0.5)]))
    assert run.reached["b"] == run.reached["c"] == run.reached["cause"]
    assert is_near(joint(run, "b", "c"), 0.5)


def test_a_chance_of_the_same_name_happens_apart_in_each_link(tiny_case: Tiny) -> None:
    run = simulate(tiny_case([link("event", "b", "p"), link("event", "c", "p")], [fixed("p", 0.5)]))
    assert is_near(joint(run, "b", "c"), 0.25)


@pytest.mark.parametrize(("drawn", "expected"), [("once", 0.25 + 0.64 / 12), ("per_use", 0.25)])
def test_an_uncertain_chance_joins_only_where_it_is_drawn_once(
    tiny_case: Tiny, drawn: str, expected: float
) -> None:
    links = [link("event", "b", "p"), link("event", "c", "p")]
    run = simulate(tiny_case(links, [between("p", 0.1, 0.9, drawn=drawn)]))
    assert is_near(run.chance("b"), 0.5)
    assert is_near(joint(run, "b", "c"), expected)


@pytest.mark.parametrize("minutes", [0, 40, 152, 179, 1440])
@pytest.mark.parametrize("chance", [0.08, 0.0, 1.0])
def test_a_chance_grows_with_the_window(tiny_case: Tiny, chance: float, minutes: float) -> None:
    inputs = [fixed("p", chance, "chance per 152 minutes"), fixed("m", minutes, "minute")]
    run = simulate(tiny_case([link("event", "a", "p over m")], inputs))
    expected = 1 - (1 - chance) ** (minutes / 152)
    assert abs(run.chance("a") - expected) <= 4 * np.sqrt(expected * (1 - expected) / DRAWS)


def test_a_longer_window_never_lowers_exposure_in_any_draw(tiny_case: Tiny) -> None:
    inputs = [between("p", 0.02, 0.2, "chance per 152 minutes"), fixed("m", 40, "minute")]
    case = tiny_case([link("event", "a", "p over m")], inputs)
    short, long = simulate(case), simulate(case, changes="m=152")
    assert short.reached["a"] & ~long.reached["a"] == 0
    assert short.chance("a") < long.chance("a")


def test_what_is_observed_is_not_multiplied_by_chances_again(tiny_case: Tiny) -> None:
    links = [link("event", "a", "p"), link("event", "a", id="observed"), link("a", "b", "q")]
    run = simulate(tiny_case(links, [fixed("p", 0.1), fixed("q", 0.4)]))
    assert run.chance("a") == 1.0
    assert is_near(run.chance("b"), 0.4)


def test_what_carries_nothing_reaches_nothing(tiny_case: Tiny) -> None:
    run = simulate(tiny_case([link("event", "a", "")]))
    assert run.chance("a") == 0
    assert run.on == {}


def test_a_cycle_is_entered_from_outside_only(tiny_case: Tiny) -> None:
    links = [
        link("event", "b", "p"),
        link("b", "c"),
        link("c", "b"),
        link("d", "e"),
        link("e", "d"),
    ]
    run = simulate(tiny_case(links, [fixed("p", 0.3)]))
    assert is_near(run.chance("c"), 0.3)
    assert run.chance("d") == run.chance("e") == 0


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "chance"),
    [
        ("2026-02-01", "2026-02-10", 1.0),
        ("2026-02-01", "2026-02-01", 1.0),
        ("2026-02-01T12:00Z", "2026-02-01", 1.0),
        ("2026-02-02", "2026-02-01", 0.0),
        ("2026-02", "2026-01-31", 0.0),
        ("2026-02-01T12:00Z", "2026-02-01T12:00Z", 0.0),
        ("2026-02-01", "", 1.0),
        ("", "2026-02-01", 1.0),
    ],
)
def test_harm_passes_only_links_that_still_stand(
    tiny_case: Tiny, valid_from: str, valid_to: str, chance: float
) -> None:
    links = [link("event", "b", valid_from=valid_from), link("b", "c", valid_to=valid_to)]
    run = simulate(tiny_case(links), draws=100)
    assert (run.chance("b"), run.chance("c")) == (1.0, chance)


# amounts


def test_a_loss_falls_where_its_entity_is_reached(tiny_case: Tiny) -> None:
    case = tiny_case(
        [link("event", "b", "p")],
        [fixed("p", 0.3), fixed("people", 10, "person"), fixed("pay", 5, "USD/person")],
        [loss("pay", "b", "people=people; pay=pay"), loss("never", "c", "people=people; pay=pay")],
    )
    run = simulate(case)
    amounts = run.losses["pay"]
    assert set(amounts.tolist()) == {0.0, 50.0}
    assert (amounts > 0).sum() == run.reached["b"].bit_count()
    assert not run.losses["never"].any()


@pytest.mark.parametrize(("drawn", "correlation"), [("per_use", 0.0), ("once", 1.0)])
def test_two_parties_lose_alike_only_where_they_share_a_draw(
    tiny_case: Tiny, drawn: str, correlation: float
) -> None:
    case = tiny_case(
        [link("event", "a"), link("event", "b")],
        [between("cost", 100, 900, "USD", drawn)],
        [loss("one", "a", "cost=cost"), loss("other", "b", "cost=cost", bearer="b")],
    )
    one, other = lost(simulate(case))
    assert abs(np.corrcoef(one, other)[0, 1] - correlation) < 4 / np.sqrt(DRAWS)
    assert abs(one.mean() - 500) < 4 * np.sqrt(800**2 / 12 / DRAWS)


def test_the_mean_loss_is_not_the_product_of_modes(tiny_case: Tiny) -> None:
    cost = {"id": "cost", "low": "20", "mode": "100", "high": "900", "shape": "pert", "unit": "USD"}
    run = simulate(tiny_case([link("event", "a")], [cost], [loss("one", "a", "cost=cost")]))
    amounts = run.losses["one"]
    assert abs(amounts.mean() - 220) < 4 * amounts.std() / np.sqrt(DRAWS)


def test_a_transfer_moves_money_and_is_no_loss_of_all(tiny_case: Tiny) -> None:
    case = tiny_case(
        [link("event", "a", "p")],
        [fixed("p", 0.5), between("pay", 1, 3, "USD"), fixed("cost", 7, "USD")],
        [loss("pay", "a", "pay=pay", received_by="b"), loss("review", "a", "cost=cost")],
    )
    run = simulate(case)
    payer, receiver = totals.net_loss(run, "a"), totals.net_loss(run, "b")
    assert np.array_equal(receiver, -run.losses["pay"])
    assert np.array_equal(payer, run.losses["pay"] + run.losses["review"])
    assert np.array_equal(totals.total_loss(run), run.losses["review"])
    assert np.allclose(payer + receiver, totals.total_loss(run), atol=1e-12)


@pytest.mark.parametrize(
    ("amount", "kept"), [(200, 200), (300, 300), (600, 300), (800, 300), (1000, 500)]
)
def test_cover_pays_from_the_retention_to_its_limit(
    tiny_case: Tiny, amount: float, kept: float
) -> None:
    inputs = [fixed("cost", amount, "USD"), fixed("keep", 300, "USD"), fixed("most", 500, "USD")]
    losses = [loss("one", "a", "cost=cost", retention="keep", limit="most")]
    run = simulate(tiny_case([link("event", "a")], inputs, losses), draws=10)
    assert run.losses["one"].tolist() == [kept] * 10


def test_cover_without_a_retention_pays_from_the_first_dollar(tiny_case: Tiny) -> None:
    inputs = [fixed("cost", 700, "USD"), fixed("most", 500, "USD")]
    losses = [loss("one", "a", "cost=cost", limit="most")]
    run = simulate(tiny_case([link("event", "a")], inputs, losses), draws=10)
    assert run.losses["one"].tolist() == [200] * 10


# streams

LINKS = [link("event", "b", "p"), link("b", "c", "q"), link("c", "b", "p")]
INPUTS = [fixed("p", 0.4), between("q", 0.2, 0.8), between("cost", 10, 90, "USD", "per_use")]
LOSSES = [loss("one", "b", "cost=cost"), loss("other", "c", "cost=cost", bearer="b")]


def test_what_is_added_moves_no_other_number_by_one_bit(tiny_case: Tiny) -> None:
    before = simulate(tiny_case(LINKS, INPUTS, LOSSES))
    more = [link("event", "aa", "r"), link("aa", "zz", "q")]
    new = [*INPUTS, between("r", 0.1, 0.3), between("aa_cost", 1, 2, "USD")]
    after = simulate(tiny_case([*more, *LINKS], new, [loss("aa", "zz", "c=aa_cost"), *LOSSES]))
    assert {name: after.reached[name] for name in before.reached} == before.reached
    assert {name: after.on[name] for name in before.on} == before.on
    assert all(np.array_equal(after.losses[name], before.losses[name]) for name in before.losses)
    assert after.chance("zz") > 0


def test_rows_in_another_order_give_the_same_bits(tiny_case: Tiny) -> None:
    turned = tiny_case(LINKS[::-1], INPUTS[::-1], LOSSES[::-1])
    assert same(simulate(tiny_case(LINKS, INPUTS, LOSSES)), simulate(turned))


def test_fewer_draws_are_the_beginning_of_more(tiny_case: Tiny) -> None:
    case, block = tiny_case(LINKS, INPUTS, LOSSES), sampling.BLOCK
    longer = simulate(case, draws=2 * block + 100)
    for draws in (1000, block, block + 1):
        shorter = simulate(case, draws=draws)
        first = (1 << draws) - 1
        assert {name: mask & first for name, mask in longer.reached.items()} == shorter.reached
        assert all(
            np.array_equal(longer.losses[n][:draws], shorter.losses[n]) for n in ("one", "other")
        )


def test_seeds_differ_and_one_seed_repeats(tiny_case: Tiny) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    assert same(simulate(case, seed=3), simulate(case, seed=3))
    assert simulate(case, seed=3).reached["b"] != simulate(case, seed=4).reached["b"]


@pytest.mark.parametrize("changes", ["", "p=0.5", "cost=20,80,90", "q=0.1,0.2,0.3; link.b-c=0.5"])
def test_a_run_like_another_has_the_bits_of_a_fresh_one(tiny_case: Tiny, changes: str) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    first = simulate(case, changes="p=0.7")
    assert same(simulate(case, changes=changes, like=first), simulate(case, changes=changes))


@pytest.mark.parametrize("other", [{"seed": 2}, {"draws": 999}])
def test_a_run_like_one_of_other_draws_or_seed_takes_nothing_from_it(
    tiny_case: Tiny, other: dict[str, int]
) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    first = simulate(case, **{"draws": 1000, **other})
    assert same(simulate(case, draws=1000, like=first), simulate(case, draws=1000))


def test_a_true_gain_of_one_percent_has_its_sign_in_every_seed(tiny_case: Tiny) -> None:
    case = tiny_case(LINKS, [*INPUTS[:2], between("cost", 10, 1000, "USD", "per_use")], LOSSES)
    for seed in range(30):
        before = simulate(case, draws=2000, seed=seed)
        after = simulate(case, draws=2000, seed=seed, changes="link.event-b=0.99")
        assert totals.total_loss(after).mean() < totals.total_loss(before).mean()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"draws": 0}, r"draws: 0 is outside 1 to 1,048,576; 10000 is the usual number"),
        ({"draws": -5}, r"draws: -5 is outside"),
        ({"draws": 10**12}, r"draws: 1000000000000 is outside"),
        ({"seed": -1}, r"seed: -1 is below 0; give a whole number from 0"),
    ],
)
def test_draws_and_seeds_that_cannot_be_are_refused(
    tiny_case: Tiny, numbers: dict[str, int], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        simulate(tiny_case(LINKS, INPUTS, LOSSES), **numbers)


# an oracle: the same story told with objects, one draw at a time


@dataclass
class Chance:
    """A chance that lies somewhere between low and high, of all links or of each."""

    low: float
    high: float
    shared: bool
    now: float = 0.0

    def value(self, dice: random.Random) -> float:
        return self.now if self.shared else dice.uniform(self.low, self.high)


@dataclass
class Party:
    """A node that passes on what reaches it."""

    name: str
    ways: list["Way"] = field(default_factory=list)
    hit: bool = False
    hits: int = 0

    def catch(self, dice: random.Random) -> None:
        if not self.hit:
            self.hit = True
            self.hits += 1
            for way in self.ways:
                if way.carries(dice):
                    way.target.catch(dice)


@dataclass
class Way:
    """A link to a party; all of its chances must happen."""

    target: Party
    chances: list[Chance]

    def carries(self, dice: random.Random) -> bool:
        return all(dice.random() < chance.value(dice) for chance in self.chances)


class World:
    """A random small world, as objects and as rows of tables."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.dice, self.links = dice, []
        self.parties = {name: Party(name) for name in ("event", *"bcdef")}
        self.chances = {}
        for number in range(4):
            low, high = sorted((dice.random(), dice.random()))
            self.chances[f"p{number}"] = Chance(low, high, dice.random() < 0.5)
        for number in range(10):
            source, target = dice.choice([*self.parties]), dice.choice([*"bcdef"])
            named = dice.sample([*self.chances], dice.randint(1, 2))
            if source != target:
                chances = [self.chances[name] for name in named]
                self.parties[source].ways.append(Way(self.parties[target], chances))
                self.links.append(link(source, target, "; ".join(named), id=f"way-{number}"))

    def inputs(self) -> list[Row]:
        return [
            between(name, c.low, c.high, drawn="once" if c.shared else "per_use")
            for name, c in self.chances.items()
        ]

    def play(self, draws: int) -> dict[str, float]:
        """Share of draws in which each party is hit."""
        for _ in range(draws):
            for chance in self.chances.values():
                chance.now = self.dice.uniform(chance.low, chance.high)
            for party in self.parties.values():
                party.hit = False
            self.parties["event"].catch(self.dice)
        return {name: party.hits / draws for name, party in self.parties.items()}


@pytest.mark.parametrize("seed", range(12))
def test_chances_are_those_of_a_story_told_with_objects(tiny_case: Tiny, seed: int) -> None:
    world, played = World(seed), 5000
    run = simulate(tiny_case(world.links, world.inputs()))
    for name, expected in world.play(played).items():
        found = run.chance(name)
        pooled = (found * DRAWS + expected * played) / (DRAWS + played)
        error = np.sqrt(pooled * (1 - pooled) * (1 / DRAWS + 1 / played))
        assert abs(found - expected) <= 4.5 * error, name


# the bundled case


@pytest.fixture(scope="module")
def mercor(root: Path) -> impact.Case:
    """The bundled case."""
    return impact.load_case(root / "data" / "cases" / "mercor")


@pytest.mark.parametrize("scenario", [None, "pause-spreads", "surge-falls"])
def test_a_longer_pause_never_costs_less_in_any_draw(
    mercor: impact.Case, scenario: str | None
) -> None:
    short = impact.simulate(impact.view(mercor, scenario, changes="pause_weeks=12"), draws=5000)
    long = impact.simulate(impact.view(mercor, scenario, changes="pause_weeks=26"), draws=5000)
    before, after = lost(short), lost(long)
    assert (after >= before).all()
    assert (after > before).any()


def test_no_cut_raises_an_exposure_or_a_loss_in_any_draw(mercor: impact.Case) -> None:
    changes = "surge_falls=0.5; scale_falls=0.5"
    whole = simulate(mercor, draws=1000, changes=changes)
    assert len(whole.model.terms) > 30
    for name in whole.model.terms:
        cut = simulate(mercor, draws=1000, changes=f"{changes}; link.{name}=0", like=whole)
        raised = [node for node, mask in cut.reached.items() if mask & ~whole.reached.get(node, 0)]
        assert raised == [], name
        assert (lost(cut) <= lost(whole)).all(), name


def inputs_drawn(run: impact.Run) -> int:
    """How many streams of inputs were drawn for a run."""
    return sum(key[0] == "input" for key in run.drawn)


def test_what_stands_behind_a_vendor_that_does_not_fall_is_not_drawn(tiny_case: Tiny) -> None:
    many = [f"v{number}" for number in range(50)]
    links = [link("event", name, "falls") for name in many]
    links += [link(name, "us", "reaches") for name in many]
    inputs = [fixed("falls", 0), between("reaches", 0.1, 0.9, drawn="per_use")]
    run = impact.simulate(tiny_case(links, inputs), 1_000)
    impact.exposure(run)
    impact.losses(run)
    assert inputs_drawn(run) == 0
    fallen = impact.what_if(run, "falls=1")
    assert fallen.chance("us") == 1
    assert inputs_drawn(fallen) == len(many)  # a chance each
    assert fallen.on == impact.simulate(fallen.known, 1_000).on
