"""Sobol points of whole runs: which draws they take, what moves them, how sharp they are."""

from collections.abc import Sequence

import numpy as np
import pytest
from tiny import Tiny, between, fixed, link, loss, lost, same, simulate

import impact
from impact import simulation
from impact.answers import comparisons, losses, tails
from impact.errors import BadInput
from impact.numerics import measures, sampling

LINKS = [link("event", "b", "p"), link("b", "c", "q"), link("c", "b", "p")]
INPUTS = [
    between("p", 0.2, 0.6),
    between("q", 0.2, 0.8, moves_with="rho"),
    fixed("rho", 0.3, "correlation"),
    between("cost", 10, 90, "USD", "per_use"),
]
LOSSES = [loss("one", "b", "cost=cost"), loss("other", "c", "cost=cost", bearer="b")]
DRAWS = 16 * 128


def sobol(case: impact.Case, changes: str = "", draws: int = DRAWS, **more: object) -> impact.Run:
    """A run of a case on Sobol points."""
    return simulate(case, draws, changes, points="sobol", **more)


@pytest.mark.parametrize(
    ("draws", "near"),
    [(1, 32), (16, 32), (17, 32), (48, 64), (100, 128), (10_000, 8192), (2**20 - 1, 2**20)],
)
def test_draws_that_are_not_sixteen_times_a_power_of_two_are_refused(
    tiny_case: Tiny, draws: int, near: int
) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    message = f"draws: {draws} is not 16 times a power of two; Sobol points need that: take {near}"
    with pytest.raises(BadInput) as refused:
        sobol(case, draws=draws)
    assert message in str(refused.value)
    assert sobol(case, draws=min(near, 8192)).replicates == 16


@pytest.mark.parametrize("points", ["", "Sobol", "halton"])
def test_points_that_there_are_not_are_refused(tiny_case: Tiny, points: str) -> None:
    with pytest.raises(BadInput, match="are no points; keyed or sobol"):
        simulate(tiny_case(LINKS, INPUTS, LOSSES), DRAWS, points=points)


def test_rows_in_another_order_give_the_same_bits(tiny_case: Tiny) -> None:
    turned = tiny_case(LINKS[::-1], INPUTS[::-1], LOSSES[::-1])
    assert same(sobol(tiny_case(LINKS, INPUTS, LOSSES)), sobol(turned))


def test_seeds_differ_and_one_seed_repeats(tiny_case: Tiny) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    assert same(sobol(case, seed=3), sobol(case, seed=3))
    assert not same(sobol(case, seed=3), sobol(case, seed=4))
    assert not same(sobol(case), simulate(case, DRAWS))


CHANGES = ["p=0.5", "p=0.3,0.5,0.6", "cost=20,80,90", "q=0.7", "rho=0.9", "p=0.1; cost=5"]


@pytest.mark.parametrize("changes", CHANGES)
def test_a_what_if_has_the_bits_of_a_fresh_run(tiny_case: Tiny, changes: str) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    assert same(impact.what_if(sobol(case), changes), sobol(case, changes))


def test_what_a_change_does_not_concern_does_not_move(tiny_case: Tiny) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    before, after = sobol(case), sobol(case, "cost=20,80,90; q=0.9")
    assert after.reached["b"] == before.reached["b"]
    assert before.reached["c"] & ~after.reached["c"] != before.reached["c"]
    assert np.all(after.losses["one"][before.losses["one"] > 0] > 0)


def test_a_cut_leaves_the_other_draws_where_they_were(tiny_case: Tiny) -> None:
    base = sobol(tiny_case(LINKS, INPUTS, LOSSES))
    for cut in ("link.b-c=0", "link.b-c=0.5", "link.b-c=0.1,0.2,0.3"):
        after = impact.what_if(base, cut)
        assert after.on["event-b"] == base.on["event-b"]
        assert after.on["b-c"] & ~base.on["b-c"] == 0
        assert np.array_equal(after.losses["one"], base.losses["one"])


def test_a_paired_difference_is_sharper_than_two_runs_apart(tiny_case: Tiny) -> None:
    base = sobol(tiny_case(LINKS, INPUTS, LOSSES))
    moved, sharper = comparisons.paired(base, impact.what_if(base, "cost=11,50,91"))
    assert sharper > 10
    assert moved.error < measures.loss_measures(simulation.total(base), 16)["mean"].error


# what is known: the product of three amounts and of two chances

AMOUNTS = [between("x", 0, 2, "USD"), between("y", 0, 2, "1"), between("z", 0, 2, "1")]
WORLD = ([link("event", "a", "p; q")], [fixed("p", 0.8), between("q", 0.4, 0.8), *AMOUNTS])
TRUTH = {"chance": 0.8 * 0.6, "given": 1.0, "mean": 0.8 * 0.6}


def world(tiny_case: Tiny) -> impact.Case:
    """A case whose mean loss is .48 USD."""
    return tiny_case(*WORLD, [loss("one", "a", "x=x; y=y; z=z")])


def measured(case: impact.Case, seeds: Sequence[int], points: str) -> dict[str, np.ndarray]:
    """`(seeds, 2)` values and errors of each measure."""
    known, found = impact.view(case), dict[str, list[tuple[float, float]]]()
    for seed in seeds:
        run = impact.simulate(known, DRAWS, seed, points=points)
        for name, measure in measures.loss_measures(simulation.total(run), run.replicates).items():
            found.setdefault(name, []).append((measure.value, measure.error))
    return {name: np.array(each) for name, each in found.items()}


def test_intervals_between_replicates_hold_the_truth_as_often_as_they_say(tiny_case: Tiny) -> None:
    found = measured(world(tiny_case), range(200), "sobol")
    for name, truth in TRUTH.items():
        held = np.abs(found[name][:, 0] - truth) <= found[name][:, 1]
        assert 0.90 <= held.mean() <= 0.99, name


def test_errors_between_replicates_are_those_between_seeds(tiny_case: Tiny) -> None:
    found = measured(world(tiny_case), range(100), "sobol")
    for name in ("chance", "given", "mean", "p90", "p95", "tvar95"):
        values, errors = found[name].T
        said = np.sqrt(np.square(errors / measures.T15).mean())
        assert 0.8 < said / values.std(ddof=1) < 1.6, name


def test_sobol_points_are_sharper_than_keyed_ones(tiny_case: Tiny) -> None:
    case = world(tiny_case)
    keyed, scrambled = (measured(case, range(60), points) for points in ("keyed", "sobol"))
    for name, part in (("chance", 0.4), ("mean", 0.6), ("given", 0.6), ("p95", 0.7)):
        spread = [each[name][:, 0].std() for each in (scrambled, keyed)]
        assert spread[0] < part * spread[1], name
        assert scrambled[name][:, 1].mean() < keyed[name][:, 1].mean(), name


def test_answers_give_the_errors_between_replicates(tiny_case: Tiny) -> None:
    run = sobol(world(tiny_case))
    parts = simulation.total(run).reshape(16, -1).mean(axis=1)
    half = measures.T15 * parts.std(ddof=1) / 4
    frame = losses.by_bearer(run)
    assert frame["mean_error_usd"].to_list() == pytest.approx([half, half])
    _, errors = tails._above(run, simulation.total(run), np.array([1.0]))
    above = (simulation.total(run).reshape(16, -1) > 1.0).mean(axis=1)
    assert errors[0] == pytest.approx(measures.T15 * above.std(ddof=1) / 4)


def test_every_stream_has_a_dimension_of_its_own(tiny_case: Tiny) -> None:
    run = sobol(tiny_case(LINKS, INPUTS, LOSSES))
    places = run.drawn["sobol",]
    table = sampling.scrambled(run.seed, len(places), DRAWS)
    named = {"factor|rho", "input|p", "input|q", "input|cost|one", "input|cost|other"}
    outcomes = {f"outcome|{row['id']}|{row['chances']}" for row in LINKS}
    assert named | outcomes <= places.keys()
    assert sorted(places.values()) == list(range(len(places)))
    assert np.array_equal(run.losses["other"] > 0, run.losses["other"] != 0)
    assert np.abs(np.corrcoef(table) - np.eye(len(places))).max() < 0.1


def test_sums_over_blocks_and_years_stay_keyed(tiny_case: Tiny) -> None:
    case = tiny_case(LINKS, [*INPUTS, fixed("rate", 2, "event/year")], LOSSES)
    assert impact.simulate_year(impact.view(case), 100).replicates == 1
    lost_usd, _ = impact.totals(impact.view(case), 100)
    assert np.array_equal(lost_usd, lost(simulate(case, 100)).sum(axis=0))


# defects that are known


@pytest.mark.parametrize("changes", ["link.b-c=0", "link.b-c=0.5", "link.b-c=0.1,0.2,0.3"])
def test_a_changed_link_moves_no_other_dimension(tiny_case: Tiny, changes: str) -> None:
    case = tiny_case(LINKS, INPUTS, LOSSES)
    fresh = sobol(case, changes)
    assert fresh.on["event-b"] == sobol(case).on["event-b"]
    assert same(fresh, impact.what_if(sobol(case), changes))


def test_a_run_like_one_of_another_view_has_the_bits_of_a_fresh_one(tiny_case: Tiny) -> None:
    other = sobol(tiny_case(LINKS, INPUTS, LOSSES))
    more = tiny_case([link("event", "aa", "p"), *LINKS], INPUTS, LOSSES)
    assert same(sobol(more, like=other), sobol(more))


def test_an_uncertain_correlation_has_a_dimension(tiny_case: Tiny) -> None:
    inputs = [row for row in INPUTS if row["id"] != "rho"]
    inputs.append(between("rho", 0.1, 0.5, "correlation"))
    places = sobol(tiny_case(LINKS, inputs, LOSSES)).drawn["sobol",]
    assert "input|rho" in places


def test_more_names_than_sobol_has_dimensions_are_refused() -> None:
    with pytest.raises(BadInput):
        sampling.scrambled(1, 21_202, 32)
