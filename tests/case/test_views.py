"""A case as of a day, at a level, under a scenario and changes: applied once, in this order."""

import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import link, listed

import impact
from impact.base import times
from impact.base.errors import BadInput, Refusal
from impact.case.changes import parse_changes
from impact.case.folder import digest
from impact.case.heads import notices
from impact.case.schema import TABLES, TLP
from impact.measures import totals

DAYS = ["2000", "2025-11-23", "2026-03-24T11:48Z", "2026-03-24", "2026-04-03", "2026-04-30", "2027"]
AMOUNTS = ("low", "mode", "high")


def estimate(known: impact.Case, name: str) -> tuple[Any, ...]:
    """(low, mode, high) of an input of a view."""
    return known["inputs"].filter(id=name).select(AMOUNTS).row(0)


def told(error: BadInput | Refusal) -> list[str]:
    """Where each fault is."""
    return [fault.where for fault in error.faults]


def viewed(case: Any, *names: str | None, **view: str | None) -> impact.Case:
    """A view of a damaged copy, which must still be a valid case."""
    return impact.view(impact.load_case(case.folder), *names, **view)


# as of a day


@pytest.mark.parametrize("day", DAYS)
def test_each_id_stands_once_as_its_newest_row_known_by_then(mercor: impact.Case, day: str) -> None:
    known, moment = impact.view(mercor, as_of=day), times.parse(day)
    assert known.tables.keys() == {table.name for table in TABLES}
    for name, rows in known.tables.items():
        newest: dict[str, dict[str, Any]] = {}
        for row in mercor[name].iter_rows(named=True):
            if row["known_on"] <= moment:
                last = newest.get(row["id"], row)
                newest[row["id"]] = max(last, row, key=lambda one: one["known_on"])
        standing = {row["file_line"] for row in newest.values() if not row["withdrawn"]}
        assert sorted(rows["file_line"]) == sorted(standing), name
        assert rows["id"].is_sorted()


@pytest.mark.parametrize(
    ("day", "minutes"),
    [
        ("2026-03-24T11:48Z", (56, 180, 1440)),
        ("2026-03-24T23:59Z", (56, 180, 1440)),
        ("2026-03-24", (60, 180, 321)),
        ("2026-03-27", (40, 40, 45)),
        ("2026-04-01", (40, 40, 45)),
        ("2026-04-02", (40, 152, 152)),
        (None, (40, 152, 179)),
    ],
)
def test_the_length_of_the_window_is_what_was_known_of_it(
    mercor: impact.Case, day: str | None, minutes: tuple[float, ...]
) -> None:
    assert estimate(impact.view(mercor, as_of=day), "window_minutes") == minutes


def test_a_view_is_not_titled_by_what_was_not_known_yet(mercor: impact.Case) -> None:
    days = ("1990", "2026-03-30", "2026-03-31", None)
    titles = [impact.view(mercor, as_of=day).title for day in days]
    campaign = "Supply-chain campaign of March 2026"
    assert titles == ["mercor", campaign, "Mercor breach", "Mercor breach"]


def test_what_was_withdrawn_stands_until_then_and_may_come_back(
    mercor: impact.Case, case_copy: Any
) -> None:
    name = "window-1.82.8-public"
    days = ("2026-03-24T11:47Z", "2026-03-24T11:48Z", "2026-03-24", "2026-04", None)
    has_it = [name in impact.view(mercor, as_of=day)["windows"]["id"] for day in days]
    assert has_it == [False, True, False, False, False]
    case_copy.add("windows", name, "id", known_on="2026-06-01", withdrawn="", sources="")
    assert name in viewed(case_copy)["windows"]["id"]


def test_a_view_makes_no_rows_of_claims_and_sources() -> None:
    """There may be a million of them, of which it asks few or none."""
    known = impact.view(impact.load_case("mercor"), as_of="2026-04-23")
    made = {asked for _, asked, _ in known.memo}
    assert not made & {("claims",), ("sources",)}


def test_without_a_day_every_row_counts(mercor: impact.Case) -> None:
    known = impact.view(mercor)
    assert known.as_of is None
    assert set(known["sources"]["id"]) == set(mercor["sources"]["id"])


def test_a_view_before_anything_was_known_is_an_answer(mercor: impact.Case) -> None:
    known = impact.view(mercor, as_of="2000")
    assert all(rows.is_empty() for rows in known.tables.values())
    run = impact.simulate(known, draws=1000)
    assert run.chance("mercor") == 0
    assert run.reached == {}
    assert totals.total_loss(run).tolist() == [0.0] * 1000
    assert totals.net_loss(run, "mercor").tolist() == [0.0] * 1000


def test_a_scenario_may_have_its_day_and_a_day_asked_for_comes_first(case_copy: Any) -> None:
    case_copy.settings("scenarios.toml", '[scenario.then]\nas_of = "2026-03-24"')
    assert viewed(case_copy, "then").as_of == times.parse("2026-03-24")
    assert viewed(case_copy, "then", as_of="2026-04-02").as_of == times.parse("2026-04-02")


# at a level


@pytest.mark.parametrize(
    ("newer", "weeks"),
    [
        # a lower row stands in for one above the level
        ([{"mode": "26", "tlp": "amber", "known_on": "2026-05-01"}], [12, 12, 26, 26, 26]),
        # of equally new rows that of the highest level stands
        ([{"mode": "26", "tlp": "red"}, {"mode": "20", "tlp": "green"}], [12, 20, 20, 20, 26]),
        # a newer row stands before an older one of a higher level
        (
            [
                {"mode": "26", "tlp": "red", "known_on": "2026-05-01"},
                {"mode": "20", "tlp": "", "known_on": "2026-06-01"},
            ],
            [20] * 5,
        ),
    ],
)
def test_the_newest_row_at_or_below_the_level_stands(
    case_copy: Any, newer: list[dict[str, str]], weeks: list[float]
) -> None:
    for cells in newer:
        case_copy.add("inputs", "pause_weeks", "tlp", **cells)
    case = impact.load_case(case_copy.folder)
    for rank, level in enumerate(TLP):
        known = impact.view(case, tlp=level)
        assert estimate(known, "pause_weeks")[1] == weeks[rank], level
        assert set(known["inputs"]["tlp"]) <= set(TLP[: rank + 1])


def test_a_report_without_an_input_is_refused_and_all_that_miss_are_named(case_copy: Any) -> None:
    case_copy.set("inputs", "hours_a_week", "tlp", "amber")
    case_copy.set("inputs", "defence_usd", "tlp", "red")
    case_copy.set("entities", "turing", "tlp", "green")
    missing = ["entities.csv turing", "inputs.csv defence_usd", "inputs.csv hours_a_week"]
    with pytest.raises(Refusal, match="is needed and stands above the level; raise the") as refused:
        viewed(case_copy)
    assert told(refused.value) == missing
    with pytest.raises(Refusal) as refused:
        viewed(case_copy, tlp="amber")
    assert told(refused.value) == missing[1:2]
    assert viewed(case_copy, tlp="red").tlp == "red"


def test_an_input_withdrawn_from_under_a_loss_is_refused(case_copy: Any) -> None:
    case_copy.add("inputs", "defence_usd", "withdrawn", withdrawn="true", known_on="2026-05-01")
    with pytest.raises(Refusal, match=r"inputs.csv defence_usd: is needed and was withdrawn"):
        viewed(case_copy)
    assert estimate(viewed(case_copy, as_of="2026-04-30"), "defence_usd")[1] == 2e6


WINDOW = "window-1.82.7-report"


@pytest.mark.parametrize("known_on", ["2026-10-01", ""])  # later, or the same day
def test_what_a_higher_row_withdraws_is_not_told_to_those_below(
    case_copy: Any, known_on: str
) -> None:
    cells = {"known_on": known_on, "sources": ""} if known_on else {}
    case_copy.add("windows", WINDOW, "tlp", tlp="amber", withdrawn="true", **cells)
    refusal = rf"windows.csv {WINDOW}: was withdrawn by a row above the level; raise"
    with pytest.raises(Refusal, match=refusal):
        viewed(case_copy)
    assert WINDOW not in viewed(case_copy, tlp="amber")["windows"]["id"]
    if known_on:
        assert WINDOW in viewed(case_copy, as_of="2026-09-30")["windows"]["id"]
    newer = {"tlp": "", "withdrawn": "", "known_on": "2026-10-02", "sources": ""}
    case_copy.add("windows", WINDOW, "tlp", **newer)
    assert WINDOW in viewed(case_copy)["windows"]["id"]


def test_without_a_level_that_of_the_case_holds(case_copy: Any) -> None:
    case_copy.add("entities", "mercor", "tlp", id="odd", tlp="amber")
    assert "odd" not in viewed(case_copy)["entities"]["id"]
    case_copy.settings("case.toml", 'tlp = "TLP:AMBER"', 'tlp = "clear"')
    assert "odd" in viewed(case_copy)["entities"]["id"]


@pytest.mark.parametrize("level", ["TLP:WHITE", "white", "Clear", "TLP:CLEAR"])
def test_a_level_is_read_in_each_of_its_spellings(mercor: impact.Case, level: str) -> None:
    assert impact.view(mercor, tlp=level).tlp == "clear"


# under a scenario and changes


def test_a_scenario_changes_its_inputs_and_no_other(mercor: impact.Case) -> None:
    base, long = impact.view(mercor), impact.view(mercor, "long-pause")
    assert estimate(long, "pause_weeks") == (26, 39, 52)
    others = pl.col("id") != "pause_weeks"
    assert long["inputs"].filter(others).equals(base["inputs"].filter(others))
    assert all(long[name].equals(base[name]) for name in base.tables if name != "inputs")


def test_changes_come_after_the_scenario(mercor: impact.Case) -> None:
    known = impact.view(mercor, "long-pause", changes="pause_weeks = 5")
    assert estimate(known, "pause_weeks") == (None, 5, None)
    assert [str(change) for change in known.changes] == ["pause_weeks=5"]
    known = impact.view(mercor, "long-pause", changes="pause_weeks=6,7,8")
    assert estimate(known, "pause_weeks") == (6, 7, 8)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ("surge_falls=0.1,0.2,0.3", "pert"),
        ("pause_weeks=1,2,3", "pert"),
        ("pay_low_usd_an_hour=10,15,20", "uniform"),
        ("settlement_usd_a_person=5,10,50", "lognormal"),
        ("settlement_usd_a_person=5", "fixed"),
        ("pause_weeks=5", "fixed"),
    ],
)
def test_a_range_keeps_the_shape_of_an_input_and_spreads_a_fixed_one(
    mercor: impact.Case, change: str, shape: str
) -> None:
    inputs = impact.view(mercor, changes=change)["inputs"]
    assert inputs.filter(id=change.partition("=")[0])["shape"].to_list() == [shape]


def test_a_changed_input_or_link_is_an_assumption_of_the_view(mercor: impact.Case) -> None:
    known = impact.view(mercor, changes="affected_people=50000; link.litellm-mercor = 0.25")
    people, link = (known.inputs[name] for name in ("affected_people", "link.litellm-mercor"))
    assert (people["basis_kind"], people["basis"]) == ("assumption", "set to 50000 in this view")
    assert [people["sources"], link["sources"], link["claims"], link["parameters"]] == [[]] * 4
    assert (link["mode"], link["unit"], link["shape"]) == (0.25, "chance", "fixed")
    assert abs(impact.simulate(known, draws=20_000).chance("mercor") - 0.25) < 0.013


@pytest.mark.parametrize("estimate", ["0.25", "0.1,0.2,0.5"])
def test_a_link_is_an_input_where_there_is_no_other(tiny_case: Any, estimate: str) -> None:
    known = impact.view(tiny_case([link("event", "a")]), changes=f"link.event-a={estimate}")
    run = impact.simulate(known, draws=1000)
    assert 0.15 < run.chance("a") < 0.35
    assert impact.unknowns(run).sentence
    assert "USED BY: one link" in impact.why(run, "link.event-a").sentence


@pytest.mark.parametrize(
    "row", listed("refused_views.csv"), ids=lambda row: " ".join([*row.values()][:4]).strip()
)
def test_what_cannot_be_viewed_is_told_all_at_once(
    mercor: impact.Case, row: dict[str, str]
) -> None:
    arguments = {name: row[name] for name in ("scenario", "as_of", "tlp", "changes")}
    with pytest.raises(BadInput, match=re.escape(row["told"])) as refused:
        impact.view(mercor, **arguments)
    assert told(refused.value) == row["where"].split(", ")


def test_a_scenario_on_what_is_not_yet_known_is_refused(mercor: impact.Case) -> None:
    with pytest.raises(Refusal, match=r'no input "pause_weeks"; it is not known in this view'):
        impact.view(mercor, "long-pause", as_of="2026-03-24")


NUMBERS = st.floats(0, 1e6).map(lambda value: float(f"{value:g}"))
NAMES = st.sampled_from(["a", "b_1", "link.x-y"])


@given(st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS), unique_by=lambda one: one[0]))
@example([("a", 1_234_567.0, 1_234_567.0, 1_234_567.0)])
@example([("a", 0.123456789, 0.123456789, 44_000_001.0)])
def test_changes_read_back_as_they_are_written(
    written: list[tuple[str, float, float, float]],
) -> None:
    texts = [f"{name}={','.join(map(repr, sorted(values)))}" for name, *values in written]
    changes = parse_changes(" ;\n".join(texts))
    assert [(c.name, c.low, c.mode, c.high) for c in changes] == [
        (name, *sorted(values)) for name, *values in written
    ]
    assert parse_changes("; ".join(map(str, changes))) == changes


# digests and notices


def shuffle(case: Any) -> None:
    """Bring the rows of every table into another order."""
    for path in sorted(case.folder.glob("*.csv")):
        header, *rows = case.lines(path.stem)
        random.Random(path.stem).shuffle(rows)
        case.write(path.stem, [header, *rows])


def add_above(case: Any) -> None:
    """Add rows of every kind above the level of the case."""
    secret = {"id": "secret", "tlp": "red", "sources": ""}
    case.add("entities", "turing", "", **secret)
    case.add("links", "surge-falls", "", **secret, target="secret", known_on="2026-04-04")
    pause = {"id": "pause_weeks", "mode": "40", "known_on": "2026-06-01"}
    case.add("inputs", "pause_weeks", "", **secret | pause)
    case.add("losses", "mercor-defence", "", **secret)
    case.add("claims", "mercor-affected", "", id="secret", says="Told in private.", tlp="amber")


@pytest.mark.parametrize("edit", [shuffle, add_above])
@pytest.mark.parametrize("scenario", [None, "long-pause"])
def test_the_digest_of_a_view_tells_nothing_but_what_it_shows(
    case_copy: Any, edit: Callable[[Any], None], scenario: str | None
) -> None:
    """That rows are left out is said; how many and which ones is not."""
    case_copy.add("losses", "mercor-defence", "id", id="first", tlp="red", sources="")
    before = digest(viewed(case_copy, scenario))
    edit(case_copy)
    assert digest(viewed(case_copy, scenario)) == before


def test_the_digest_changes_with_what_a_view_shows(mercor: impact.Case, case_copy: Any) -> None:
    case_copy.set("entities", "turing", "role", "Another role.")
    views = [
        viewed(case_copy),
        impact.view(mercor),
        impact.view(mercor, "long-pause"),
        impact.view(mercor, as_of="2026-04-03"),
        impact.view(mercor, as_of="2026-04-04"),
        impact.view(mercor, tlp="green"),
        impact.view(mercor, changes="pause_weeks=12"),
        impact.view(mercor, changes="pause_weeks=13"),
    ]
    assert len({digest(known) for known in views}) == len(views)


def test_rows_above_the_level_move_no_number(mercor: impact.Case, case_copy: Any) -> None:
    add_above(case_copy)
    before = impact.simulate(impact.view(mercor), draws=2000)
    after = impact.simulate(viewed(case_copy), draws=2000)
    assert after.reached == before.reached
    assert all(np.array_equal(after.losses[name], before.losses[name]) for name in before.losses)


@pytest.mark.parametrize(
    ("scenario", "changes", "said"),
    [
        (None, "", []),
        ("surge-falls", "", ["Hypothetical: Surge AI is compromised too; no compromise reported."]),
        (
            None,
            "turing_falls=0.5",
            [
                "Hypothetical: Turing is compromised too; no compromise reported.",
                "Inputs were changed for this view: turing_falls=0.5.",
            ],
        ),
        ("surge-falls", "surge_falls=0", ["Inputs were changed for this view: surge_falls=0."]),
        (
            "near-miss",
            "",
            ["Counterfactual: it contradicts the statement of Mercor of 31 March 2026."],
        ),
    ],
)
def test_what_a_view_supposes_is_said_beforehand(
    mercor: impact.Case, scenario: str | None, changes: str, said: list[str]
) -> None:
    assert notices(impact.view(mercor, scenario, changes=changes)) == said
