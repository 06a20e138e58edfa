"""The world as it was known: what comes later moves nothing, at any hour, in any table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import impact
from impact.answers import asked_of
from impact.base import times
from impact.case.folder import Case, digest
from impact.case.schema import TABLES
from impact.case.tables import ordered

HOURS = st.datetimes(
    times.parse("2025-06-01T00:00Z").replace(tzinfo=None),
    times.parse("2026-09-05T00:00Z").replace(tzinfo=None),
).map(lambda moment: f"{moment:%Y-%m-%dT%H:%MZ}")
ASKED = (*asked_of("Case"),)


def later(case: Case, as_of: str, table: str, rows: list[int], changes: dict[str, Any]) -> Case:
    """The case with rows of a table written once more, otherwise, after a moment."""
    moment = times.parse(as_of)
    frame = case[table]
    more = frame[[at % frame.height for at in rows]].unique("id", maintain_order=True)
    days = [moment + timedelta(minutes=1 + n) for n in range(more.height)]
    cells: dict[str, Any] = {"known_on": pl.Series(days, dtype=times.INSTANT)}
    cells |= {name: pl.lit(value) for name, value in changes.items() if name in frame.columns}
    tables = {**case.tables, table: ordered(pl.concat([frame, more.with_columns(**cells)]))}
    return replace(case, tables=tables, memo={})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    as_of=HOURS,
    table=st.sampled_from([table.name for table in TABLES]),
    rows=st.lists(st.integers(0, 10_000), min_size=1, max_size=4),
    withdrawn=st.booleans(),
    number=st.sampled_from("123456"),
)
def test_what_becomes_known_later_changes_nothing(
    mercor: Case, as_of: str, table: str, rows: list[int], withdrawn: bool, number: str
) -> None:
    """E01 of ../shared/acceptance/bad_inputs.csv."""
    changes = {
        "withdrawn": withdrawn,
        "credibility": number,
        "says": "Something else.",
        "high": 0.9,
        "mode": 0.5,
        "low": 0.1,
    }
    before = impact.view(mercor, as_of=as_of)
    after = impact.view(later(mercor, as_of, table, rows, changes), as_of=as_of)
    assert digest(before) == digest(after)
    for name in ASKED:
        ask = getattr(impact, name)
        one, other = ask(before), ask(after)
        assert (one.sentence, one.rows(), one.notes) == (other.sentence, other.rows(), other.notes)


@settings(max_examples=25, deadline=None)
@given(as_of=HOURS)
def test_every_hour_has_an_answer_to_every_question(as_of: str) -> None:
    known = impact.view(impact.load_case("mercor"), as_of=as_of)
    run = impact.simulate(known, 100)
    for name in ASKED:
        assert getattr(impact, name)(known).sentence
    assert impact.losses(run).sentence
    for rows in known.tables.values():
        assert rows.filter(pl.col("known_on") > times.until(times.parse(as_of))).is_empty()


def test_exposure_loss_and_clocks_follow_the_hour(mercor: Case) -> None:
    reached, clocks = [], []
    for hour in ("2026-03-24T11:47Z", "2026-03-24T11:48Z", "2026-03-30", "2026-03-31"):
        run = impact.simulate(impact.view(mercor, as_of=hour), 500)
        reached.append((run.chance("litellm-1.82.8"), run.chance("mercor")))
        clocks.append(impact.duties(run.known).table.height)
    assert reached == [(0, 0), (1, 0), (1, 0), (1, 1)]
    assert clocks == [0, 1, 2, 9]
