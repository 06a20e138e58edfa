"""Times as the tables write them: read, ordered, shown again, and refused where they are none."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impact.base import times

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31, 23, 59, 59))
FORMS = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%MZ"])


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("2026", "year"),
        ("2026-04", "month"),
        ("2026-12", "month"),
        ("2026-04-03", "day"),
        ("2026-12-31", "day"),
        ("2024-02-29", "day"),
        ("2026-03-24T00:00Z", "minute"),
        ("2026-03-24T11:48Z", "minute"),
        ("2026-12-31T23:59Z", "minute"),
        ("2026-03-24T11:48:07Z", "minute"),
    ],
)
def test_a_time_is_shown_as_it_was_written(text: str, precision: str) -> None:
    assert times.as_text(times.parse(text)) == text
    assert times.precision(times.parse(text)) == precision


@given(MOMENTS, FORMS)
def test_every_precision_survives_the_round_trip(moment: datetime, form: str) -> None:
    text = moment.strftime(form)
    assert times.as_text(times.parse(text)) == text


@given(MOMENTS.filter(lambda moment: moment.second > 0))
@example(datetime(2026, 12, 31, 23, 59, 59))
def test_a_second_survives_the_round_trip(moment: datetime) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert times.as_text(times.parse(text)) == text


@pytest.mark.parametrize("day", ["2026-03-24", "2026-03-31", "2026-12-31"])
def test_the_last_second_of_a_day_is_not_taken_for_a_year(day: str) -> None:
    instant = times.parse(f"{day}T23:59:59Z")
    assert times.precision(instant) == "minute"
    assert times.start(instant) == instant


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-02", datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)),
        ("2024-02", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("2026-04-03", datetime(2026, 4, 3, 23, 59, 59, tzinfo=UTC)),
        ("2026-04-03T12:30Z", datetime(2026, 4, 3, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_wide_time_counts_to_its_end(text: str, end: datetime) -> None:
    assert times.parse(text).replace(microsecond=0) == end


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-02", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-04-03", datetime(2026, 4, 3, tzinfo=UTC)),
        ("2026-04-03T12:30Z", datetime(2026, 4, 3, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_written_time_starts_where_it_begins(text: str, start: datetime) -> None:
    assert times.start(times.parse(text)) == start


@given(MOMENTS, FORMS)
def test_a_time_never_ends_before_it_starts(moment: datetime, form: str) -> None:
    instant = times.parse(moment.strftime(form))
    assert times.start(instant) <= instant


def test_of_equal_ends_the_coarser_comes_first() -> None:
    written = ["2026-12-31", "2026", "2026-12", "2026-12-31T23:59Z", "2027-01-01T00:00Z"]
    ordered = ["2026-12-31T23:59Z", "2026", "2026-12", "2026-12-31", "2027-01-01T00:00Z"]
    assert sorted(written, key=times.parse) == ordered


@given(MOMENTS)
def test_what_is_known_to_the_day_is_not_known_by_its_evening(moment: datetime) -> None:
    day, evening = moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m-%dT23:59Z")
    assert times.parse(evening) < times.parse(day)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13",
        "2026-00",
        "2026-00-05",
        "2026-00-05T12:00Z",
        "2026-02-30",
        "2025-02-29",
        "2026-04-00",
        "2026-04-00T12:00Z",
        "2026-04-31T12:00Z",
        "2026-03-24T24:00Z",
        "2026-03-24T12:60Z",
        "2026-03-24T12:00:60Z",
        "2026-03-24T12:00+02:00",
        "2026-03-24T12Z",
        "03.04.2026",
        "4/3/2026",
        "3 April 2026",
        "2026-4-3",
        "26-04-03",
        "20260403",
        "1899",
        "2201-01-01",
        "٢٠٢٦",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        times.parse(text)


def test_a_column_keeps_nulls_and_marks_what_is_wrong() -> None:
    written = pl.Series(["2026-04", None, "tomorrow", "2026-04", "2026-02-30"])
    instants, wrong = times.parse_column(written)
    april = times.parse("2026-04")
    assert instants.to_list() == [april, None, None, april, None]
    assert wrong.to_list() == [False, False, True, False, True]
    assert instants.dtype == times.INSTANT


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_a_column_without_a_time_is_a_column_of_times(texts: list[None]) -> None:
    instants, wrong = times.parse_column(pl.Series(texts, dtype=pl.String))
    assert instants.to_list() == texts
    assert instants.dtype == times.INSTANT
    assert not wrong.any()


@given(st.lists(st.tuples(MOMENTS, FORMS), min_size=1, max_size=8))
def test_a_column_reads_each_time_as_it_is_read_alone(
    written: list[tuple[datetime, str]],
) -> None:
    texts = [moment.strftime(form) for moment, form in written]
    instants, wrong = times.parse_column(pl.Series(texts))
    assert [times.as_text(instant) for instant in instants] == texts
    assert not wrong.any()


@pytest.mark.parametrize("text", ["2026-13", "2026-13-05"])
def test_a_month_that_there_is_not_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="there is no month 13"):
        times.parse(text)
