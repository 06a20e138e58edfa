"""How forecasts of past events are scored: closed forms, numerical integrals, and no leak."""

from datetime import datetime, timedelta
from typing import Any

import commands
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

import impact
from impact.base.errors import Refusal
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.measures import forecast, scores
from impact.measures.forecast import GROWN, POOLED, Spread

DATA = reference.load(REFERENCE)
EVENTS = forecast.events(DATA)
ROWS = scores.scored(DATA)
SUMMED = scores.summed(ROWS)


def integral(low: float, high: float, spread: Spread) -> float:
    """The censored CRPS by numerical integration."""
    t = scipy.stats.t(spread.df, loc=spread.mean, scale=spread.sd)
    below = quad(lambda z: t.cdf(z) ** 2, 0, low, limit=200)[0] if low > 0 else 0.0
    top = high + 60 * spread.sd if high < np.inf else high
    return float(
        below + (quad(lambda z: t.sf(z) ** 2, high, top, limit=200)[0] if high < top else 0)
    )


@settings(deadline=None, max_examples=40)
@given(
    low=st.floats(0, 4),
    width=st.one_of(st.just(0.0), st.just(np.inf), st.floats(0, 2)),
    mean=st.floats(0, 4),
    sd=st.floats(0.2, 1.5),
    df=st.sampled_from([2, 4, 11, 33]),
)
def test_the_crps_is_the_integral_that_it_stands_for(
    low: float, width: float, mean: float, sd: float, df: float
) -> None:
    spread = Spread(mean, sd, df)
    found = scores.crps(low, low + width, spread)
    assert found == pytest.approx(integral(low, low + width, spread), abs=1e-5)


def test_the_crps_of_a_sure_outcome_is_that_of_draws_clipped_at_0() -> None:
    """E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007), a million draws."""
    draws = np.maximum(scipy.stats.t(11, loc=1.0, scale=1.0).rvs(1_000_000, random_state=1), 0)
    one, other = draws[::2], draws[1::2]
    expected = np.abs(draws - 2.0).mean() - np.abs(one - other).mean() / 2
    assert scores.crps(2.0, 2.0, Spread(1.0, 1.0, 11)) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("low", "high"), [(60.0, 60.0), (0.0, 0.0), (50.0, np.inf)])
def test_an_outcome_that_no_forecast_holds_has_a_finite_score(low: float, high: float) -> None:
    assert np.isfinite(scores.crps(low, high, Spread(0.7, 0.05, 1000)))


def test_the_interval_score_adds_what_is_missed_by_its_level() -> None:
    """Width 2, a miss of .5 at 90 %: 2 + 2 / .1 x .5 = 12 (Gneiting and Raftery 2007, eq. 43)."""
    assert scores.interval_score(3.5, 3.5, 1, 3, 0.9) == pytest.approx(12)
    assert scores.interval_score(0.5, 0.5, 1, 3, 0.9) == pytest.approx(12)
    assert scores.interval_score(2, 2, 1, 3, 0.9) == pytest.approx(2)
    assert scores.interval_score(0, 5, 1, 3, 0.9) == pytest.approx(
        2
    )  # a range: nothing lost inside
    assert scores.interval_score(3.5, np.inf, 1, 3, 0.9) == pytest.approx(12)


def test_a_range_is_met_where_it_touches_the_outcome() -> None:
    spread = Spread(2.0, 1.0, 1e6)
    low, high = scores.interval(spread, 0.9)
    assert (low, high) == (pytest.approx(2 - 1.645, abs=1e-3), pytest.approx(2 + 1.645, abs=1e-3))
    rows = {
        row["incident"]: row
        for row in ROWS.filter(age=1, mode=scores.OTHERS, method=GROWN).to_dicts()
    }
    for row in rows.values():
        first, last = scores.interval(Spread(row["mean"], row["sd"], row["df"]), 0.9)
        assert row["in_90"] == (row["low"] <= last and row["high"] >= first)


def moved(event: dict[str, Any], cut: datetime, settled: bool) -> dict[str, Any]:
    """An event with other numbers in all known after a day, its end too where `settled`."""
    other = {"low": 7.0, "high": 7.0}
    hits = [row if row["known_on"] <= cut else {**row, **other} for row in event["hits"]]
    ended = other if settled and event["known_on"] > cut else {}
    return {**event, "hits": hits, **ended}


@pytest.mark.parametrize("age", scores.AGES)
@pytest.mark.parametrize("mode", scores.MODES)
def test_no_later_row_reaches_a_forecast(age: int, mode: str) -> None:
    """Each row known after the day gets another number: not one bit of the forecast moves.

    In the mode that learns from all others, the rows of the event itself.
    """
    for target in EVENTS:
        cut = target["disclosed_on"] + timedelta(days=age)
        changed = [
            moved(event, cut, settled=True) if event is target or mode == scores.EARLIER else event
            for event in EVENTS
        ]
        (own,) = (event for event in changed if event["id"] == target["id"])
        before = scores.told(EVENTS, target, age, mode)[0]
        assert scores.told(changed, own, age, mode)[0] == before, own["id"]


def test_a_row_that_was_not_known_on_the_day_fails_the_run() -> None:
    cut = EVENTS[0]["known_on"]
    scores.require_known(EVENTS[:1], cut, "x, day 1")
    with pytest.raises(
        Refusal, match=r'x, day 1: "[a-z-]+" was not known on that day; leave it out'
    ):
        scores.require_known(EVENTS[:1], cut - timedelta(seconds=1), "x, day 1")


def test_every_method_is_scored_on_the_same_events_under_the_same_rules() -> None:
    found = scores.summed(scores.scored(DATA, Spread(0.7, 0.44, 1000)))
    assert set(found["n"]) == {len(EVENTS)}
    assert found.height == len(scores.MODES) * len(scores.AGES) * 4
    assert found["crps"].is_finite().all()
    assert found.filter(method=POOLED)["gain"].abs().max() == 0


def test_the_ranges_hold_what_they_say_and_the_first_count_gains() -> None:
    for row in SUMMED.filter(mode=scores.OTHERS, method=GROWN).iter_rows(named=True):
        for name, level in scores.LEVELS.items():
            expected = scipy.stats.binomtest(row[f"in_{name}"], row["n"], level).pvalue
            assert row[f"p_{name}"] == pytest.approx(expected)
            assert expected > 0.05, (row["age"], level)
        of = ROWS.filter(age=row["age"], mode=scores.OTHERS)
        base, own = (of.filter(method=each)["crps"].mean() for each in (POOLED, GROWN))
        assert row["gain"] == pytest.approx(base - own)  # type: ignore[operator]
        assert 0 < row["gain_low"] < row["gain"] < row["gain_high"]
    assert scores.best(DATA) == GROWN


def test_the_gain_has_the_bootstrap_interval_of_scipy() -> None:
    gained = np.random.default_rng(3).normal(0.1, 0.2, 34)
    mean, low, high = scores.gain(gained)
    peer = scipy.stats.bootstrap(
        (gained,), np.mean, confidence_level=0.9, method="percentile", rng=2
    )
    assert mean == pytest.approx(gained.mean())
    assert (low, high) == pytest.approx(tuple(peer.confidence_interval), abs=3e-3)


def test_where_the_first_count_does_not_gain_the_pooled_forecast_is_shown() -> None:
    """First counts that say nothing: each event is given that of another."""
    names = sorted(event["id"] for event in EVENTS if event["hits"])
    given_to = dict(zip(names, names[1:] + names[:1], strict=True))
    counts = DATA["counts"].with_columns(
        incident=DATA["counts"]["incident"].replace(given_to),
        low=DATA["counts"]["low"] % 97,
        high=DATA["counts"]["low"] % 97,
        known_on=DATA["incidents"]["disclosed_on"].min(),
    )
    assert scores.best({**DATA, "counts": counts}) == POOLED


def test_the_command_prints_the_scores_and_every_miss() -> None:
    found = commands.impact("score")
    assert found.returncode == 0
    flat = " ".join(found.stdout.split())
    rows = ROWS.filter(age=1, mode=scores.OTHERS, method=GROWN)
    for name in rows.filter(~rows["in_90"])["name"]:
        assert name in flat
    (row,) = SUMMED.filter(mode=scores.OTHERS, age=1, method=GROWN).to_dicts()
    interval = f"(90 % interval {row['gain_low']:.3f} to {row['gain_high']:.3f})"
    assert f"a gain of {row['gain']:.3f} {interval}" in flat


def test_the_answer_to_another_folder_is_of_that_folder(tmp_path: Any) -> None:
    import shutil

    import polars as pl

    shutil.copytree(REFERENCE, tmp_path / "own")
    path = tmp_path / "own" / "incidents.csv"
    rows = pl.read_csv(path, infer_schema=False).filter(pl.col("id") != "cdk")
    rows.write_csv(path)
    counts = tmp_path / "own" / "counts.csv"
    pl.read_csv(counts, infer_schema=False).filter(pl.col("incident") != "cdk").write_csv(counts)
    assert "On day 1 of 33 past events" in impact.score(tmp_path / "own").sentence
