"""What the numbers of the bundled cases rest on: their own sources, and each other."""

import re

import numpy as np
import pytest

import impact
from impact.case import folder
from impact.measures.choice import costings
from impact.numerics.lines import envelope


def run_of(name: str, draws: int = 10_000, **asked: str) -> impact.Run:
    """A run of a view of a bundled case."""
    return impact.simulate(impact.view(impact.load_case(name), **asked), draws, 1)


def test_cutting_trivy_spares_the_clients_of_mercor_and_the_commission() -> None:
    cut = impact.what_if(run_of("mercor"), "link.event-trivy=0")
    parties = ("mercor", "anthropic", "google", "meta", "openai", "europa", "other-users")
    assert [cut.chance(party) for party in parties] == [0.0] * len(parties)


@pytest.mark.parametrize(
    ("day", "reached"),
    [
        ("2026-03-24T12:00Z", ("litellm-1.82.8",)),
        ("2026-03-31", ("litellm-1.82.7", "litellm-1.82.8", "mercor")),
        ("2026-04-01", ("litellm-1.82.7", "litellm-1.82.8", "mercor")),
        ("2026-04-02", ("litellm-1.82.7", "litellm-1.82.8", "mercor", "europa")),
        ("2026-04-04", ("mercor", "meta-pause", "europa")),
        ("2026-08-28", ("mercor", "meta-pause", "checkmarx")),
    ],
)
def test_the_bad_releases_reach_their_users_on_every_day(
    day: str, reached: tuple[str, ...]
) -> None:
    run = run_of("mercor", as_of=day)
    assert [run.chance(name) for name in reached] == [1.0] * len(reached)


@pytest.mark.parametrize("scenario", ["client-data-taken", "client-data-published"])
def test_what_is_taken_of_clients_moves_no_suit_of_contractors(scenario: str) -> None:
    usual, supposed = run_of("mercor"), run_of("mercor", scenario=scenario)
    assert np.array_equal(supposed.losses["mercor-settlement"], usual.losses["mercor-settlement"])
    assert supposed.chance("contractor-data-taken") == usual.chance("contractor-data-taken")
    assert supposed.chance("meta-data-taken") > usual.chance("meta-data-taken")


def test_what_a_lab_spends_at_mercor_is_what_mercor_bills() -> None:
    run = run_of("mercor", changes="replacement_premium_share=1; not_reassigned_share=1")
    for lab in ("meta", "openai", "anthropic", "google"):
        spent, billed = run.losses[f"{lab}-replacement"], run.losses[f"{lab}-billing"]
        assert spent.any()
        np.testing.assert_allclose(spent, billed)


def test_the_share_of_a_breach_that_responds_is_all_but_lost_business() -> None:
    row = impact.view(impact.load_case("mercor")).inputs["response_share"]
    assert row["mode"] == pytest.approx((4.45 - 1.30) / 4.45, abs=0.005)


def test_a_mean_of_a_study_is_a_mean_of_the_shape() -> None:
    run = run_of("drift", 100_000)
    for loss, low, high in (
        ("zscaler-help", 112_000, 3_800_000),
        ("salesloft-response", 5_300_000, 5_900_000),
        ("salesloft-lost-business", 1_250_000, 1_350_000),
    ):
        assert low < run.losses[loss].mean() < high, loss
        assert np.quantile(run.losses[loss], 0.05) < low, loss


def test_one_misuse_has_one_chance_in_the_losses_and_in_the_decision() -> None:
    run = run_of("drift", 200_000)
    (decision,) = (one for one in costings(run) if one.decision.id == "case-secrets")
    left = {line.option: line.slope for line in decision.lines}
    reached = run.chance("other-client")
    assert left["wait"] == pytest.approx(run.chance("other-client-misuse") / reached, rel=0.03)
    assert left["found"] == pytest.approx(left["wait"] / 5, rel=0.03)
    assert left["all"] == pytest.approx(left["wait"] / 10, rel=0.03)
    regimes = envelope(decision.lines)
    assert [option for option, _, _ in regimes] == ["wait", "found", "all"]
    # 234 secrets x 1.375 hours x 89 USD, 123 hours of a search, .126 of a misuse
    assert regimes[0][2] == pytest.approx(198_300, rel=0.03)
    assert regimes[1][2] == pytest.approx(686_000, rel=0.05)


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_the_words_of_an_option_name_the_number_that_it_sets(name: str) -> None:
    told = []
    for decision in impact.load_case(name).decisions.values():
        for option in decision.options:
            cuts = re.findall(r"cut the chance of .+ by (\d+) %", option.says)
            cuts += ["50"] if "to halve the chance" in option.says else []
            for cut in cuts:
                left = pytest.approx(1 - int(cut) / 100)
                assert any(change.mode == left for change in option.changes), (option.id, cut)
            told += cuts
    assert told


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_a_rate_of_a_population_has_the_share_of_one_firm_beside_it(name: str) -> None:
    rows = impact.load_case(name)["inputs"].sort("known_on")
    rates, shares = (
        [row for row in rows.iter_rows(named=True) if row["id"] == wanted]
        for wanted in ("such_events_a_year", "such_events_here_share")
    )
    assert all("any one" in row["meaning"] for row in rates)
    assert shares[0]["known_on"] == rates[0]["known_on"]
    assert {row["unit"] for row in shares} == {"share"}


@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_nothing_of_a_bundled_case_surprises(name: str) -> None:
    """Among it: no option is charged for what has lasted since the event."""
    assert folder.notes(folder.find_case(name), impact.load_case(name)) == []
