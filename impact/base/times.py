"""Times as the tables write them: a year, a month, a day or a UTC minute.

A year, a month or a day counts to its end (23:59:59 UTC), so that nothing is known before it can
have been said. An instant keeps how it was written in its milliseconds, which no table uses for
anything else: a year ends at .001, a month at .002, a day at .003, a minute or second is exact.
So `as_text(parse(text)) == text`, and a coarser date never sorts behind a finer one of equal end.
Whether something is known by a moment is asked of the whole second, see `until`.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime

import polars as pl

INSTANT = pl.Datetime("ms", "UTC")
NO_DATE = "is not a date"
HOW = "write 2026, 2026-04, 2026-04-03 or 2026-04-03T12:00Z (UTC)"
_MARKS = {1000: "year", 2000: "month", 3000: "day"}  # microseconds of an end -> how it was written
_WRITTEN = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?: ?(?:Z|UTC)|\+00:00))?)?)?"
)
_NO_ZONE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.0+)?")


def repair(text: str) -> str:
    """How to write what is no time: a minute has to say that it is one of UTC.

    >>> repair("2023-06-05 09:00")
    'write 2023-06-05T09:00Z if that is UTC, or the day alone'
    """
    found = _NO_ZONE.fullmatch(text.strip())
    return f"write {found[1]}T{found[2]}Z if that is UTC, or the day alone" if found else HOW


def parse(text: str) -> datetime:
    """The instant that a written time stands for; raises ValueError where it is none.

    >>> parse("2026-02").isoformat()
    '2026-02-28T23:59:59.002000+00:00'
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise ValueError(repair(text))
    given = [int(part) for part in found.groups() if part]
    year, month = (*given, 12)[:2]
    if not 1900 <= year <= 2200:
        raise ValueError("the year is outside 1900 to 2200")
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    day, *clock = given[2:] or calendar.monthrange(year, month)[1:]
    hour, minute, second = (*clock, 0)[:3] if clock else (23, 59, 59)
    mark = 0 if clock else 1000 * len(given)
    return datetime(year, month, day, hour, minute, second, mark, tzinfo=UTC)


def precision(instant: datetime) -> str:
    """How an instant was written: `year`, `month`, `day` or `minute`."""
    if (instant.hour, instant.minute, instant.second) != (23, 59, 59):
        return "minute"
    return _MARKS.get(instant.microsecond, "minute")


def as_text(instant: datetime) -> str:
    """An instant as it was written.

    >>> as_text(parse("2026-03-24T11:48Z"))
    '2026-03-24T11:48Z'
    """
    exact = "%Y-%m-%dT%H:%M:%SZ" if instant.second else "%Y-%m-%dT%H:%MZ"
    form = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}.get(precision(instant), exact)
    return instant.strftime(form)


def start(instant: datetime) -> datetime:
    """The first moment that the written time covers: midnight for a day.

    >>> start(parse("2026-04")).isoformat()
    '2026-04-01T00:00:00+00:00'
    """
    wide = precision(instant)
    if wide == "minute":
        return instant
    month = 1 if wide == "year" else instant.month
    return datetime(instant.year, month, instant.day if wide == "day" else 1, tzinfo=UTC)


def until(instant: datetime) -> datetime:
    """The last millisecond of the second of an instant: all that is known by it comes before."""
    return instant.replace(microsecond=999_000)


def is_dated(column: str) -> pl.Expr:
    """Whether the instants of a column were written to the day or finer."""
    return ~pl.col(column).dt.microsecond().is_in([*_MARKS][:2])  # a year, a month


def parse_column(written: pl.Series) -> tuple[pl.Series, pl.Series]:
    """(instants, wrong): the times of a text column, and where a text is none. Nulls stay null."""
    instants: dict[str, datetime | None] = {}
    for text in written.drop_nulls().unique():
        try:
            instants[text] = parse(text)
        except ValueError:
            instants[text] = None
    parsed = pl.Series([instants.get(text) for text in written], dtype=INSTANT)
    return parsed, written.is_not_null() & parsed.is_null()
