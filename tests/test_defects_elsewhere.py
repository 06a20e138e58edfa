"""Loss modelling as other tools get it wrong, each defect by name, and what must not matter.

The compound sum is in test_sums.py; a PERT whose mode is not the mode asked for and the mode used
as the mean are in numerics/test_sampling.py and test_simulation.py too.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tiny import Row, Tiny, between, fingerprint, fixed, link, loss, simulate, written

import impact
from impact.measures import totals
from impact.numerics import measures, sampling

DRAWS = 20_000
PARTIES = [f"party-{number}" for number in range(10)]


def lognormal(name: str, drawn: str) -> Row:
    """A heavy-tailed amount of USD."""
    ends = {"low": "0.193", "high": "5.18", "cap": "1e6"}
    return {"id": name, "shape": "lognormal", "unit": "USD", "drawn": drawn} | ends


def of_ten(tiny_case: Tiny, drawn: str) -> impact.Run:
    """Ten parties that lose an amount of one name, drawn once for all or for each."""
    links = [link("event", party) for party in PARTIES]
    losses = [loss(f"of-{party}", party, "usd=cost", bearer=party) for party in PARTIES]
    return simulate(tiny_case(links, [lognormal("cost", drawn)], losses), DRAWS)


def test_ten_parties_lose_together_by_one_draw_alone_and_never_by_one_seed(tiny_case: Tiny) -> None:
    """One draw for ten parties makes the 99th percentile far too large."""
    apart, together = of_ten(tiny_case, "per_use"), of_ten(tiny_case, "once")
    lost = np.array([totals.net_loss(apart, party) for party in PARTIES])
    assert np.abs(np.corrcoef(lost) - np.eye(10)).max() < 5 / np.sqrt(DRAWS)
    p99 = [
        measures.quantile(np.sort(totals.total_loss(run)), 0.99).value for run in (apart, together)
    ]
    rng = np.random.default_rng(1)
    independent = np.quantile(rng.lognormal(0, 1, (50_000, 10)).sum(axis=1), 0.99)
    assert p99[0] == pytest.approx(independent, rel=0.05)
    assert p99[1] == pytest.approx(10 * stats.lognorm.ppf(0.99, 1), rel=0.06)
    assert p99[1] / p99[0] == pytest.approx(2.6, abs=0.3)  # as measured in another tool


def test_an_input_by_another_name_is_another_draw(tiny_case: Tiny) -> None:
    inputs = [lognormal("x", "once"), lognormal("y", "once")]
    losses = [loss("one", "a", "usd=x"), loss("other", "a", "usd=y")]
    run = simulate(tiny_case([link("event", "a")], inputs, losses), DRAWS)
    found = stats.spearmanr(run.losses["one"], run.losses["other"]).statistic
    assert abs(found) < 4 / np.sqrt(DRAWS)


@pytest.mark.parametrize(("low", "mode", "high"), [(20, 100, 900), (0, 1, 10), (3, 12, 13)])
def test_the_mode_of_a_drawn_pert_is_the_mode_asked_for(
    tiny_case: Tiny, low: float, mode: float, high: float
) -> None:
    cost = {"id": "cost", "shape": "pert", "unit": "USD", "low": str(low), "high": str(high)}
    case = tiny_case([link("event", "a")], [cost | {"mode": str(mode)}], [loss("1", "a", "c=cost")])
    drawn = simulate(case, 200_000).losses["1"]
    counts, edges = np.histogram(drawn, bins=40, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    top = np.sort(np.argsort(counts)[-9:])
    curve = np.polynomial.Polynomial.fit(middles[top], counts[top], 2)
    (peak,) = curve.deriv().roots()
    assert peak == pytest.approx(mode, abs=0.02 * (high - low))
    assert drawn.mean() == pytest.approx((low + 4 * mode + high) / 6, rel=0.01)
    assert abs(drawn.mean() - mode) > 0.02 * (high - low), "and the mode is not the mean"


def test_a_true_gain_has_the_wrong_sign_on_different_draws_and_never_on_the_same(
    tiny_case: Tiny,
) -> None:
    inputs = [between("cost", 60, 140, "USD"), fixed("effect", 1, "1")]
    case = tiny_case([link("event", "a")], inputs, [loss("one", "a", "c=cost; e=effect")])
    seeds, draws = range(200), 2_000
    before, after = (
        [totals.total_loss(impact.simulate(known, draws, seed)).mean() for seed in seeds]
        for known in (impact.view(case), impact.view(case, changes="effect=0.99"))
    )
    gains = np.subtract(before, after)
    assert gains.min() > 0.9
    apart = np.subtract(before, np.roll(after, 1))
    # the error of a mean is 23.1 / sqrt(2000), so that a gain of 1 is 1.4 errors of a difference
    wrong = stats.norm.cdf(-1 / (23.1 * np.sqrt(2 / draws)))
    assert (apart < 0).mean() == pytest.approx(wrong, abs=0.06)


# an irrelevant input


def test_an_irrelevant_input_is_no_question_in_97_of_100_seeds(tiny_case: Tiny) -> None:
    """A loss hangs on one input and one link; another input moves nothing that is counted."""
    inputs = [
        between("cost", 10, 90, "USD", question="What does it cost?", ask="a"),
        between("idle", 10, 90, "USD", question="How much?", ask="them"),
        fixed("p", 0.5, question="Was it reached?", ask="a"),
        fixed("nothing", 0, "1"),
    ]
    losses = [loss("one", "a", "c=cost"), loss("none", "a", "c=idle; n=nothing")]
    known = impact.view(tiny_case([link("event", "a", "p")], inputs, losses))
    asked, shares = 0, [0.0]
    for seed in range(100):
        table = impact.unknowns(impact.simulate(known, 4_000, seed)).table
        rows = {row["id"]: row for row in table.iter_rows(named=True)}
        assert {"cost", "a"} <= rows.keys()
        assert rows["cost"]["cost_share"] > 0.05
        if "idle" in rows:
            asked += 1
            shares.append(max(rows["idle"]["cost_share"], rows["idle"]["data_share"]))
    assert asked <= 3
    assert max(shares) < 0.02


# what must not matter


def test_one_process_or_two_give_the_same_bits(tmp_path: Path) -> None:
    links = [link("event", "b", "p"), link("b", "c", "q"), link("c", "b", "p")]
    inputs = [between("p", 0.2, 0.6), between("q", 0.2, 0.8), lognormal("cost", "per_use")]
    losses = [loss("one", "b", "c=cost"), loss("other", "c", "c=cost")]
    folder = str(written(tmp_path / "case", links, inputs, losses))
    jobs = [(folder, draws, seed) for seed in (1, 2) for draws in (1024, 2**17)]
    here = [fingerprint(*job) for job in jobs]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        there = list(pool.map(fingerprint, *zip(*jobs, strict=True)))
    assert here == there
    assert here[0] != here[2]


def test_the_streams_of_one_process_do_not_depend_on_what_was_drawn_before() -> None:
    first = sampling.words(1, "a", 1001)
    sampling.words(9, "z", 7)
    assert np.array_equal(first, sampling.words(1, "a", 1001))
