"""Runs of tiny cases worked out by hand, of random ones against an oracle, and of Mercor."""

import random
from collections import Counter

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


@pytest.mark.parametrize(
    ("links", "chances"),
    [
        ([link("event", "a", "p"), link("a", "b", "q")], {"a": 0.5, "b": 0.2}),  # a chain
        ([link("event", "a", "p; q")], {"a": 0.2}),  # all must happen
        ([link("event", "a", "p"), link("event", "a", "q", id="x")], {"a": 0.7}),  # a noisy or
        (  # what is observed is not multiplied by chances again
            [link("event", "a", "p"), link("event", "a", id="seen"), link("a", "b", "q")],
            {"a": 1.0, "b": 0.4},
        ),
        ([link("event", "a", "")], {"a": 0.0}),  # carries nothing
        (  # a cycle is entered from outside only
            [link(*ends) for ends in ("bc", "cb", "de", "ed")] + [link("event", "b", "p")],
            {"c": 0.5, "d": 0.0, "e": 0.0},
        ),
    ],
)
def test_chances_are_those_worked_out_by_hand(
    tiny_case: Tiny, links: list[Row], chances: dict[str, float]
) -> None:
    run = simulate(tiny_case(links, [fixed("p", 0.5), fixed("q", 0.4)]))
    for name, chance in chances.items():
        assert is_near(run.chance(name), chance), name


def test_over_what_carries_nothing_nothing_is_on(tiny_case: Tiny) -> None:
    assert simulate(tiny_case([link("event", "a", "")])).on == {}


@pytest.mark.parametrize(
    ("chance", "expected"),
    [
        (fixed("p", 0.5), 0.25),
        (between("p", 0.1, 0.9, drawn="per_use"), 0.25),
        (between("p", 0.1, 0.9, drawn="once"), 0.25 + 0.64 / 12),
    ],
)
def test_a_chance_joins_two_links_only_where_it_is_uncertain_and_drawn_once(
    tiny_case: Tiny, chance: Row, expected: float
) -> None:
    run = simulate(tiny_case([link("event", "b", "p"), link("event", "c", "p")], [chance]))
    assert is_near(run.chance("b"), 0.5)
    assert is_near(joint(run, "b", "c"), expected)


@pytest.mark.parametrize("minutes", [0, 40, 152, 179, 1440])
@pytest.mark.parametrize("chance", [0.08, 0.0, 1.0])
def test_a_chance_grows_with_the_window(tiny_case: Tiny, chance: float, minutes: float) -> None:
    inputs = [fixed("p", chance, "chance per 152 minutes"), fixed("m", minutes, "minute")]
    run = simulate(tiny_case([link("event", "a", "p over m")], inputs))
    assert is_near(run.chance("a"), 1 - (1 - chance) ** (minutes / 152))


def test_a_longer_window_never_lowers_exposure_in_any_draw(tiny_case: Tiny) -> None:
    inputs = [between("p", 0.02, 0.2, "chance per 152 minutes"), fixed("m", 40, "minute")]
    case = tiny_case([link("event", "a", "p over m")], inputs)
    short, long = simulate(case), simulate(case, changes="m=152")
    assert short.reached["a"] & ~long.reached["a"] == 0
    assert short.chance("a") < long.chance("a")


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


@pytest.mark.parametrize(
    ("amount", "retention", "kept"),
    [
        *((200, "keep", 200), (300, "keep", 300), (600, "keep", 300), (800, "keep", 300)),
        *((1000, "keep", 500), (700, "", 200), (400, "", 0)),  # without one from the first dollar
    ],
)
def test_cover_pays_from_the_retention_to_its_limit(
    tiny_case: Tiny, amount: float, retention: str, kept: float
) -> None:
    inputs = [fixed("cost", amount, "USD"), fixed("keep", 300, "USD"), fixed("most", 500, "USD")]
    losses = [loss("one", "a", "cost=cost", retention=retention, limit="most")]
    run = simulate(tiny_case([link("event", "a")], inputs, losses), draws=10)
    assert run.losses["one"].tolist() == [kept] * 10


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


# an oracle: the same story told one draw and one step at a time


class World:
    """A random small world, as rows of tables and as a story."""

    def __init__(self, seed: int) -> None:
        dice = self.dice = random.Random(seed)
        self.ends = {name: sorted((dice.random(), dice.random())) for name in ("p", "q", "r", "s")}
        self.shared = {name: dice.random() < 0.5 for name in self.ends}  # by all links
        self.ways = []
        for _ in range(10):
            source, target = dice.choice(["event", *"bcdef"]), dice.choice("bcdef")
            chances = dice.sample([*self.ends], dice.randint(1, 2))
            if source != target:
                self.ways.append((source, target, chances))

    def rows(self) -> tuple[list[Row], list[Row]]:
        """Links and inputs."""
        links = [
            link(source, target, "; ".join(chances), id=f"way-{number}")
            for number, (source, target, chances) in enumerate(self.ways)
        ]
        drawn = {name: "once" if shared else "per_use" for name, shared in self.shared.items()}
        return links, [between(name, *self.ends[name], drawn=drawn[name]) for name in self.ends]

    def told(self) -> list[str]:
        """Who is reached in one draw, from one to the next."""
        now = {name: self.dice.uniform(*ends) for name, ends in self.ends.items()}
        reached = ["event"]
        for at in reached:
            ahead = [way for way in self.ways if way[0] == at and way[1] not in reached]
            for _, target, chances in ahead:
                values = [
                    now[name] if self.shared[name] else self.dice.uniform(*self.ends[name])
                    for name in chances
                ]
                if all(self.dice.random() < value for value in values) and target not in reached:
                    reached.append(target)
        return reached


@pytest.mark.parametrize("seed", range(12))
def test_chances_are_those_of_a_story_told_step_by_step(tiny_case: Tiny, seed: int) -> None:
    world, played = World(seed), 5000
    run = simulate(tiny_case(*world.rows()))
    hits = Counter(name for _ in range(played) for name in world.told())
    for name in ("event", *"bcdef"):
        found, expected = run.chance(name), hits[name] / played
        pooled = (found * DRAWS + hits[name]) / (DRAWS + played)
        error = np.sqrt(pooled * (1 - pooled) * (1 / DRAWS + 1 / played))
        assert abs(found - expected) <= 4.5 * error, name


# the bundled case


@pytest.mark.parametrize("scenario", [None, "pause-spreads", "surge-falls"])
def test_a_longer_pause_never_costs_less_in_any_draw(scenario: str | None) -> None:
    known = impact.view(impact.load_case("mercor"), scenario)
    before, after = (
        lost(impact.what_if(impact.simulate(known, 5000), f"pause_weeks={weeks}"))
        for weeks in (12, 26)
    )
    assert (after >= before).all()
    assert (after > before).any()


def test_no_cut_raises_an_exposure_or_a_loss_in_any_draw() -> None:
    case, changes = impact.load_case("mercor"), "surge_falls=0.5; scale_falls=0.5"
    whole = simulate(case, draws=1000, changes=changes)
    assert len(whole.model.terms) > 30
    for name in whole.model.terms:
        cut = simulate(case, draws=1000, changes=f"{changes}; link.{name}=0", like=whole)
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
