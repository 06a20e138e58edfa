"""What an event may become: worked out by hand, and blind to what was not known on its day."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import commands
import numpy as np
import polars as pl
import pytest
import scipy.stats

import impact
from impact.answers.text import in_words
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.measures import forecast

DATA = reference.load(REFERENCE)
EVENTS = forecast.events(DATA)
# Twelve events as another hand worked them out: acceptance material, reference/classes_draft.csv.
TWELVE = {
    "hub": (13_000, 15_000, 2_104),
    "product": (173, 1_100, 2_850),
    "token": (2, 134, 165, 729),
    "update": (218, 630),
}


def past_of(values: dict[str, Sequence[float]]) -> list[forecast.Past]:
    """Past events that came to these numbers, without early counts."""
    return [
        forecast.Past(kind, float(np.log10(1 + n)), None)
        for kind, some in values.items()
        for n in some
    ]


def test_the_spreads_of_twelve_events_are_those_of_another_hand() -> None:
    past = past_of(TWELVE)
    every = forecast.pooled([one.final for one in past])
    assert (round(every.mean, 1), round(every.sd / (1 + 1 / 12) ** 0.5, 2), every.df) == (
        2.8,
        1.0,
        11,
    )
    means = {kind: round(forecast.of_kind(past, kind).mean, 2) for kind in TWELVE}
    assert means == {"hub": 3.43, "product": 2.85, "token": 2.20, "update": 2.67}
    for kind, some in TWELVE.items():
        common = forecast.of_kind(past, kind).sd / (1 + 1 / (len(some) + 2)) ** 0.5
        assert common == pytest.approx(0.75, abs=0.005)


def test_a_kind_without_past_events_has_the_mean_of_all() -> None:
    past = past_of({"hub": (9, 99), "token": (999,)})
    found = forecast.of_kind(past, "update")
    assert found.mean == pytest.approx(2.0)
    assert found.sd / (1 + 1 / 2) ** 0.5 == pytest.approx(
        forecast.of_kind(past, "hub").sd / (1 + 1 / 4) ** 0.5
    )


def test_a_first_count_is_combined_by_precision() -> None:
    """Kind: mean 2, sd 1. Growths .5, 1, 1.5: mean 1, variance .25 (1 + 1/3) = 1/3; y = 1.4."""
    past = [forecast.Past("hub", 2 + g, 2.0) for g in (0.5, 1.0, 1.5)]
    found = forecast.grown(past, 1.4, forecast.Spread(2.0, 1.0, 9))
    assert found.mean == pytest.approx((2.0 * 1 + 2.4 * 3) / 4)
    assert found.sd == pytest.approx((1 / 4) ** 0.5)
    assert found.df == 2


@pytest.mark.parametrize("first", [None, 1.4])
def test_without_a_count_or_three_growths_it_is_the_kind_alone(first: float | None) -> None:
    by_kind = forecast.Spread(2.0, 1.0, 9)
    many = 3 if first is None else 2
    assert forecast.grown([forecast.Past("hub", 3, 2)] * many, first, by_kind) == by_kind


def test_a_weak_prior_alone_is_a_hundred_organisations_give_or_take_ten_times() -> None:
    found = forecast.forecasts(forecast.WEAK, "hub", None)[forecast.POOLED]
    assert found == pytest.approx((2.0, (4 / 3) ** 0.5, 2.0))


def number(low: float, high: float | None) -> dict[str, float | None]:
    """A row of these cells."""
    return {"low": low, "high": high}


def test_numbers_and_ranges_are_read_with_their_halves() -> None:
    assert forecast.ends(number(9, 9)) == pytest.approx((np.log10(9.5), np.log10(10.5)))
    assert forecast.ends(number(0, 4)) == pytest.approx((0.0, np.log10(5.5)))
    assert forecast.ends(number(940, None)) == (pytest.approx(np.log10(940.5)), np.inf)
    assert forecast.point(number(99, 99)) == pytest.approx(2.0, abs=1e-4)
    assert forecast.point(number(99, None)) == pytest.approx(2.35)


def day(text: str) -> datetime:
    """Midnight of a day."""
    return datetime.fromisoformat(f"{text}T00:00+00:00")


def test_only_a_count_of_those_hit_and_known_by_then_is_taken() -> None:
    assert {row["status"] for event in EVENTS for row in event["hits"]} == {"hit"}
    (drift,) = (event["hits"] for event in EVENTS if event["id"] == "drift")
    assert forecast.count_at(drift, day("2025-08-27")) is None
    found = forecast.count_at(drift, day("2025-09-09"))
    assert found is not None
    assert found["low"] == 22


def test_the_count_of_a_past_event_is_that_of_the_same_age_or_its_first_early_one() -> None:
    rows = [
        {"known_on": day(when), **number(n, n)}
        for when, n in (("2026-01-03", 9), ("2026-01-08", 99))
    ]
    event = {"kind": "hub", "disclosed_on": day("2026-01-01"), "hits": rows, **number(999, 999)}
    firsts = {age: forecast.past_of([event], age)[0].first for age in (0, 1, 3, 7, 40)}
    assert {age: round(10 ** (first or 0) - 1) for age, first in firsts.items()} == {
        **{0: 9, 1: 9, 3: 9},
        **{7: 99, 40: 99},
    }
    late = {**event, "hits": [{**rows[0], "known_on": day("2026-01-14")}]}
    assert forecast.past_of([late], 1)[0].first is None
    assert forecast.past_of([late], 13)[0].first == pytest.approx(1.0, abs=1e-2)


def view(name: str, as_of: str = "") -> impact.Case:
    """A view of a bundled case."""
    return impact.view(impact.load_case(name), as_of=as_of)


def test_potential_and_claimed_numbers_do_not_reach_a_forecast() -> None:
    known = view("drift", "2025-08-27")  # "over 700 potentially affected" is known, no hit
    assert known["claims"].filter(status="potential").height == 1
    assert forecast.hits_in(known) == []
    assert "No count of those hit is known yet" in impact.forecast(known).sentence


def test_later_rows_of_a_case_do_not_move_the_forecast_of_a_day() -> None:
    early = impact.forecast(view("drift", "2025-08-27"))
    again = impact.forecast(replace(view("drift", "2025-08-27"), loaded=None))
    assert early.table.equals(again.table)
    later = impact.forecast(view("drift", "2025-09-10"))
    assert "So far 22 are known (The Hacker News, 8 September 2025)" in later.sentence
    assert not early.table.equals(later.table)


def test_a_case_is_not_forecast_from_its_own_end() -> None:
    known = view("drift")
    found = forecast.of_case(known, DATA)
    without = {**DATA, "incidents": DATA["incidents"].filter(pl.col("id") != "drift")}
    assert isinstance(found, forecast.Outlook)
    assert found == forecast.of_case(known, without)
    assert found.past == len(EVENTS) - 1


def test_a_day_learns_from_what_had_settled_by_then() -> None:
    found = forecast.of_case(view("drift", "2025-08-27"), DATA)
    assert isinstance(found, forecast.Outlook)
    assert found.past == sum(event["known_on"] < day("2025-08-28") for event in EVENTS)


def test_the_table_is_the_quantiles_of_the_spread() -> None:
    known = view("mercor", "2026-04-04")
    outlook = forecast.of_case(known, DATA)
    assert isinstance(outlook, forecast.Outlook)
    spread = outlook.spreads[forecast.GROWN]
    t = scipy.stats.t(spread.df, loc=spread.mean, scale=spread.sd)
    row = impact.forecast(known).table.row(by_predicate=pl.col("id") == "hit", named=True)
    for name, q in (("low_90", 0.05), ("low_50", 0.25), ("middle", 0.5), ("high_80", 0.9)):
        assert row[name] == pytest.approx(10 ** t.ppf(q) - 1)


def test_the_supplier_and_those_hit_lose_as_their_classes_say() -> None:
    table = impact.forecast(view("mercor")).table
    row = table.row(by_predicate=pl.col("id") == "loss_supplier", named=True)
    assert (row["middle"], row["high_90"]) == (pytest.approx(4.7e6), pytest.approx(4.17e8))
    row = table.row(by_predicate=pl.col("id") == "loss_hit", named=True)
    assert (row["middle"], row["high_90"]) == (pytest.approx(469_100), pytest.approx(1.6e7))


def test_the_fan_goes_from_the_count_known_now_to_the_number_in_the_end() -> None:
    at, final, took = np.array([0.05, 0.5, 0.95]), np.linspace(10, 1000, 999), np.arange(31.0, 99.0)
    fan = forecast.over_time(final, took, 22.0, np.array([30.0, 1e9]), at.tolist())
    assert fan[:, 0].tolist() == [22.0] * 3
    assert fan[:, 1] == pytest.approx(np.quantile(final, at), rel=0.02)
    assert (np.diff(fan, axis=0) >= 0).all()


def test_those_not_known_yet_are_what_is_left_of_the_end() -> None:
    table = impact.forecast(view("drift", "2025-09-10")).table
    rows = {row["id"]: row for row in table.to_dicts()}
    for name in ("low_90", "middle", "high_90"):
        assert rows["unknown"][name] == pytest.approx(max(rows["hit"][name] - 22, 0))


@pytest.mark.parametrize(
    ("case", "as_of", "named"),
    [
        ("mercor", "2026-03-30", 0),
        ("mercor", "2026-04-01", 1),  # Mercor
        ("mercor", "2026-08-20", 4),  # and the European Commission, Checkmarx, Cisco
        ("drift", "2025-08-27", 1),  # a group: one at least
        ("drift", "2025-09-03", 4),  # Cloudflare, Palo Alto Networks, Workiva, Zscaler
    ],
)
def test_no_outcome_is_below_those_whom_the_rows_report_as_hit(
    case: str, as_of: str, named: int
) -> None:
    known = view(case, as_of)
    assert forecast.named_in(known) == named
    told = impact.forecast(known)
    rows = {row["id"]: row for row in told.table.to_dicts()}
    assert rows["hit"]["low_90"] >= named
    if not forecast.hits_in(known):
        assert (f"but at least {in_words(named)}" in told.sentence) == bool(named)
        assert ("unknown" in rows) == bool(named)


def test_the_day_on_which_a_number_settles_is_later_than_the_day_of_the_view() -> None:
    for name, as_of in (("drift", "2025-09-10"), ("mercor", "2026-08-20")):
        known = view(name, as_of)
        row = impact.forecast(known).table.row(by_predicate=pl.col("id") == "settled", named=True)
        begun = day(known.disclosed_on)
        assert begun + timedelta(days=row["low_90"]) > day(as_of)


@pytest.mark.parametrize("as_of", ["2026-03-23", "1990-01-01"])
def test_before_the_event_was_public_there_is_none(as_of: str) -> None:
    assert not impact.forecast(view("mercor", as_of)).there
    found = commands.impact("forecast", "mercor", "--as-of", as_of)
    assert found.returncode == 2
    assert found.stderr.startswith(
        "--as-of: No forecast: the event became public on 24 March 2026;"
    )


def test_what_is_lost_is_open_before_a_class_of_losses_was_published(tiny_case: Any) -> None:
    answer = impact.forecast(impact.view(tiny_case(), as_of="2025-01-01"))
    assert "What they lose is left open" in answer.sentence
    assert answer.table["id"].to_list() == ["hit", "settled"]


def test_the_command_prints_the_answer() -> None:
    found = commands.impact("forecast", "drift", "--as-of", "2025-09-10")
    assert found.returncode == 0
    head, _, said = found.stdout.partition("\n\n")
    assert head == "Salesloft Drift breach, as of 10 September 2025"
    assert " ".join(said.split()).startswith(
        "Going by 29 past events, it is as likely as not that 33 to 200 organisations will be known"
    )


def test_a_forecast_moves_no_number_of_the_case(tmp_path: Any) -> None:
    run = impact.simulate(view("drift"), draws=500)
    before = impact.losses(run).table
    impact.forecast(run.known)
    assert impact.losses(run).table.equals(before)


def test_every_dot_stands_inside_the_picture() -> None:
    picture = impact.forecast(view("mercor")).svg() or ""
    tops = re.findall(r'<path transform="translate\([\d.]+,(-?[\d.]+)\)"', picture)
    assert len(tops) == 20
    assert min(map(float, tops)) >= 0
