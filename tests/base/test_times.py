"""Times as the tables write them: read, ordered, shown again, and refused where they are none."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import listed

from impact.base import times

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31, 23, 59, 59))
FORMS = st.sampled_from(["%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"])


TIMES = listed("times.csv")


@pytest.mark.parametrize(
    "row", [row for row in TIMES if row["precision"]], ids=lambda row: row["text"]
)
def test_a_written_time_starts_where_it_begins_and_counts_to_its_end(row: dict[str, str]) -> None:
    """The last second of a day is not taken for a day, a month or a year."""
    instant = times.parse(row["text"])
    assert times.as_text(instant) == row["text"]
    assert times.precision(instant) == row["precision"]
    assert times.start(instant) == datetime.fromisoformat(f"{row['start']}+00:00")
    assert instant.replace(microsecond=0) == datetime.fromisoformat(f"{row['end']}+00:00")


@pytest.mark.parametrize("text", [row["text"] for row in TIMES if not row["precision"]])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        times.parse(text)


@given(MOMENTS, FORMS)
@example(datetime(2026, 12, 31, 23, 59, 59), "%Y-%m-%dT%H:%M:%SZ")
def test_every_precision_survives_the_round_trip_and_no_time_ends_before_it_starts(
    moment: datetime, form: str
) -> None:
    text = moment.replace(second=moment.second or 1).strftime(form)
    instant = times.parse(text)
    assert times.as_text(instant) == text
    assert times.start(instant) <= instant


def test_of_equal_ends_the_coarser_comes_first() -> None:
    written = ["2026-12-31", "2026", "2026-12", "2026-12-31T23:59Z", "2027-01-01T00:00Z"]
    ordered = ["2026-12-31T23:59Z", "2026", "2026-12", "2026-12-31", "2027-01-01T00:00Z"]
    assert sorted(written, key=times.parse) == ordered


@given(MOMENTS)
def test_what_is_known_to_the_day_is_not_known_by_its_evening(moment: datetime) -> None:
    day, evening = moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m-%dT23:59Z")
    assert times.parse(evening) < times.parse(day)


def test_a_column_keeps_nulls_and_marks_what_is_wrong() -> None:
    nothing, wrong = times.parse_column(pl.Series([None, None], dtype=pl.String))
    assert (nothing.to_list(), nothing.dtype, wrong.any()) == ([None, None], times.INSTANT, False)
    written = pl.Series(["2026-04", None, "tomorrow", "2026-04", "2026-02-30"])
    instants, wrong = times.parse_column(written)
    april = times.parse("2026-04")
    assert instants.to_list() == [april, None, None, april, None]
    assert wrong.to_list() == [False, False, True, False, True]
    assert instants.dtype == times.INSTANT


@given(st.lists(st.tuples(MOMENTS, FORMS), max_size=8))
def test_a_column_of_any_length_reads_each_time_as_it_is_read_alone(
    written: list[tuple[datetime, str]],
) -> None:
    texts = [moment.replace(second=moment.second or 1).strftime(form) for moment, form in written]
    instants, wrong = times.parse_column(pl.Series(texts, dtype=pl.String))
    assert instants.to_list() == [times.parse(text) for text in texts]
    assert instants.dtype == times.INSTANT
    assert not wrong.any()


@pytest.mark.parametrize("text", ["2026-13", "2026-13-05"])
def test_a_month_that_there_is_not_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="there is no month 13"):
        times.parse(text)
