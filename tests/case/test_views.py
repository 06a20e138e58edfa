"""A case as of a day, at a level, under a scenario and changes: applied once, in this order."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import link

import impact
from impact.base import times
from impact.base.errors import BadInput, Refusal
from impact.case.changes import parse_changes
from impact.case.folder import digest
from impact.case.schema import TABLES, TLP
from impact.case.views import NO_COMPROMISE, notices
from impact.measures import totals

DAYS = ["2000", "2025-11-23", "2026-03-24T11:48Z", "2026-03-24", "2026-04-03", "2026-04-30", "2027"]
AMOUNTS = ("low", "mode", "high")


@pytest.fixture(scope="module")
def mercor(root: Path) -> impact.Case:
    """The bundled case."""
    return impact.load_case(root / "data" / "cases" / "mercor")


def estimate(known: impact.Case, name: str) -> tuple[Any, ...]:
    """(low, mode, high) of an input of a view."""
    return known["inputs"].filter(id=name).select(AMOUNTS).row(0)


def told(error: BadInput | Refusal) -> list[str]:
    """Where each fault is."""
    return [fault.where for fault in error.faults]


def loaded(case: Any) -> impact.Case:
    """A damaged copy, which must still be a valid case."""
    return impact.load_case(case.folder)


# as of a day


@pytest.mark.parametrize("day", DAYS)
def test_nothing_is_shown_before_it_was_known(mercor: impact.Case, day: str) -> None:
    known, moment = impact.view(mercor, as_of=day), times.parse(day)
    assert len(known.tables) == len(TABLES)
    for name, rows in known.tables.items():
        assert rows.filter(pl.col("known_on") > moment).is_empty(), name


@pytest.mark.parametrize("day", DAYS)
def test_each_id_stands_once_as_its_newest_row(mercor: impact.Case, day: str) -> None:
    known, moment = impact.view(mercor, as_of=day), times.parse(day)
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
    early, late = (impact.view(mercor, as_of=day) for day in ("2026-03-30", "2026-03-31"))
    assert (early.title, late.title) == ("Supply-chain campaign of March 2026", "Mercor breach")
    assert impact.view(mercor, as_of="1990").title == "mercor"
    assert impact.view(mercor).title == "Mercor breach"


def test_what_was_withdrawn_stands_until_then(mercor: impact.Case) -> None:
    def has_it(day: str | None) -> bool:
        return "window-1.82.8-public" in impact.view(mercor, as_of=day)["windows"]["id"]

    assert [has_it(day) for day in ("2026-03-24T11:47Z", "2026-03-24T11:48Z")] == [False, True]
    assert [has_it(day) for day in ("2026-03-24", "2026-04", None)] == [False, False, False]


def test_what_was_withdrawn_may_come_back(case_copy: Any) -> None:
    case_copy.add(
        "windows", "window-1.82.8-public", "id", known_on="2026-06-01", withdrawn="", sources=""
    )
    known = impact.view(loaded(case_copy))
    assert "window-1.82.8-public" in known["windows"]["id"]


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
    case = loaded(case_copy)
    assert impact.view(case, "then").as_of == times.parse("2026-03-24")
    assert impact.view(case, "then", as_of="2026-04-02").as_of == times.parse("2026-04-02")


@pytest.mark.parametrize("day", ["soon", "2026-02-30", "2026-13", "03.04.2026"])
def test_a_day_that_is_none_is_refused(mercor: impact.Case, day: str) -> None:
    with pytest.raises(BadInput, match=r"is no date; ") as refused:
        impact.view(mercor, as_of=day)
    assert told(refused.value) == ["as_of"]


# at a level


@pytest.mark.parametrize(
    ("level", "weeks"), [("clear", 12), ("green", 12), ("amber", 26), ("red", 26)]
)
def test_a_lower_row_stands_in_for_one_above_the_level(
    case_copy: Any, level: str, weeks: float
) -> None:
    case_copy.add("inputs", "pause_weeks", "tlp", mode="26", tlp="amber", known_on="2026-05-01")
    known = impact.view(loaded(case_copy), tlp=level)
    assert estimate(known, "pause_weeks")[1] == weeks
    assert set(known["inputs"]["tlp"]) <= set(TLP[: TLP.index(level) + 1])


def test_of_equally_new_rows_the_highest_level_stands(case_copy: Any) -> None:
    case_copy.add("inputs", "pause_weeks", "tlp", mode="26", tlp="red")
    case_copy.add("inputs", "pause_weeks", "tlp", mode="20", tlp="green")
    case = loaded(case_copy)
    weeks = [estimate(impact.view(case, tlp=level), "pause_weeks")[1] for level in TLP]
    assert weeks == [12, 20, 20, 20, 26]


def test_a_newer_row_stands_before_an_older_one_of_a_higher_level(case_copy: Any) -> None:
    case_copy.add("inputs", "pause_weeks", "tlp", mode="26", tlp="red", known_on="2026-05-01")
    case_copy.add("inputs", "pause_weeks", "tlp", mode="20", tlp="", known_on="2026-06-01")
    assert estimate(impact.view(loaded(case_copy), tlp="red"), "pause_weeks")[1] == 20


def test_a_report_without_an_input_is_refused_and_all_that_miss_are_named(case_copy: Any) -> None:
    case_copy.set("inputs", "hours_a_week", "tlp", "amber")
    case_copy.set("inputs", "defence_usd", "tlp", "red")
    case_copy.set("entities", "turing", "tlp", "green")
    case = loaded(case_copy)
    with pytest.raises(Refusal) as refused:
        impact.view(case)
    missing = ["entities.csv turing", "inputs.csv defence_usd", "inputs.csv hours_a_week"]
    assert told(refused.value) == missing
    assert "is needed and stands above the level; raise the level" in str(refused.value)
    with pytest.raises(Refusal) as refused:
        impact.view(case, tlp="amber")
    assert told(refused.value) == ["inputs.csv defence_usd"]
    assert impact.view(case, tlp="red").tlp == "red"


def test_an_input_withdrawn_from_under_a_loss_is_refused(case_copy: Any) -> None:
    case_copy.add("inputs", "defence_usd", "withdrawn", withdrawn="true", known_on="2026-05-01")
    case = loaded(case_copy)
    with pytest.raises(Refusal, match=r"inputs.csv defence_usd: is needed and was withdrawn"):
        impact.view(case)
    assert estimate(impact.view(case, as_of="2026-04-30"), "defence_usd")[1] == 2e6


def test_what_a_higher_row_withdraws_is_not_told_to_those_below(case_copy: Any) -> None:
    own = {"tlp": "amber", "withdrawn": "true", "known_on": "2026-10-01", "sources": ""}
    case_copy.add("windows", "window-1.82.7-report", "tlp", **own)
    case = loaded(case_copy)
    refusal = r"windows.csv window-1.82.7-report: was withdrawn by a row above the level; raise"
    with pytest.raises(Refusal, match=refusal):
        impact.view(case)
    assert "window-1.82.7-report" not in impact.view(case, tlp="amber")["windows"]["id"]
    assert "window-1.82.7-report" in impact.view(case, as_of="2026-09-30")["windows"]["id"]


def test_a_higher_row_withdraws_what_became_known_on_the_same_day(case_copy: Any) -> None:
    case_copy.add("windows", "window-1.82.7-report", "tlp", tlp="amber", withdrawn="true")
    case = loaded(case_copy)
    with pytest.raises(Refusal, match=r"was withdrawn by a row above the level"):
        impact.view(case)
    assert "window-1.82.7-report" not in impact.view(case, tlp="amber")["windows"]["id"]


def test_what_a_higher_row_withdraws_is_not_withdrawn_from_a_newer_lower_row(
    case_copy: Any,
) -> None:
    higher = {"tlp": "amber", "withdrawn": "true", "known_on": "2026-10-01", "sources": ""}
    case_copy.add("windows", "window-1.82.7-report", "tlp", **higher)
    lower = {"tlp": "", "withdrawn": "", "known_on": "2026-10-02"}
    case_copy.add("windows", "window-1.82.7-report", "tlp", **lower)
    assert "window-1.82.7-report" in impact.view(loaded(case_copy))["windows"]["id"]


def test_without_a_level_that_of_the_case_holds(case_copy: Any) -> None:
    case_copy.add("entities", "mercor", "tlp", id="odd", tlp="amber")
    assert "odd" not in impact.view(loaded(case_copy))["entities"]["id"]
    case_copy.settings("case.toml", 'tlp = "TLP:AMBER"', 'tlp = "clear"')
    assert "odd" in impact.view(loaded(case_copy))["entities"]["id"]


@pytest.mark.parametrize(("level", "repair"), [("grean", '"green"'), ("secret", "one of clear")])
def test_a_level_that_there_is_not_is_refused(mercor: impact.Case, level: str, repair: str) -> None:
    with pytest.raises(BadInput, match=rf'tlp: "{level}" is no TLP level; .*{repair}'):
        impact.view(mercor, tlp=level)


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


def test_two_changes_of_one_input_are_refused_and_both_are_named(mercor: impact.Case) -> None:
    with pytest.raises(BadInput) as raised:
        impact.view(mercor, changes="pause_weeks=5; pause_weeks=6,7,8")
    assert str(raised.value) == (
        "changes pause_weeks: is set more than once: pause_weeks=5; pause_weeks=6,7,8; keep one"
    )
    known = impact.view(mercor, "long-pause", changes="pause_weeks=6,7,8")
    assert estimate(known, "pause_weeks") == (6, 7, 8)  # over that of the scenario


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


def test_a_changed_input_is_an_assumption_of_the_view(mercor: impact.Case) -> None:
    known = impact.view(mercor, changes="affected_people=50000")
    row = known["inputs"].row(by_predicate=pl.col("id") == "affected_people", named=True)
    assert (row["basis_kind"], row["basis"]) == ("assumption", "set to 50000 in this view")
    assert row["sources"] == []


def test_a_link_is_an_input_too(mercor: impact.Case) -> None:
    known = impact.view(mercor, changes="link.litellm-mercor = 0.25")
    row = known["inputs"].row(by_predicate=pl.col("id") == "link.litellm-mercor", named=True)
    assert (row["mode"], row["unit"], row["shape"]) == (0.25, "chance", "fixed")
    assert abs(impact.simulate(known, draws=20_000).chance("mercor") - 0.25) < 0.013


@pytest.mark.parametrize("estimate", ["0.25", "0.1,0.2,0.5"])
def test_a_link_is_an_input_where_there_is_no_other(tiny_case: Any, estimate: str) -> None:
    known = impact.view(tiny_case([link("event", "a")]), changes=f"link.event-a={estimate}")
    run = impact.simulate(known, draws=1000)
    assert 0.15 < run.chance("a") < 0.35
    assert impact.unknowns(run).sentence
    assert "USED BY: one link" in impact.why(run, "link.event-a").sentence


@pytest.mark.parametrize(
    ("arguments", "where", "message"),
    [
        ({"scenario": "long-paus"}, "scenario", r'no scenario "long-paus"; did you mean "long'),
        ({"scenario": "qqqq"}, "scenario", r'no scenario "qqqq"; one of baseline'),
        ({"changes": "pause_week=3"}, "changes", r'no input "pause_week"; did you mean "pau'),
        ({"changes": "link.surge=0"}, "changes", r'no input "link.surge"; did you mean "link.s'),
        ({"changes": "qqqq=0"}, "changes", r'no input "qqqq"; name an input'),
        ({"changes": "pause_weeks"}, "changes", r'"pause_weeks" is no change; write NAME'),
        ({"changes": "=3"}, "changes", r'"=3" is no change; write NAME'),
        ({"changes": "a b=3"}, "changes", r'"a b=3" is no change; write NAME'),
        ({"changes": "pause_weeks=long"}, "changes pause_weeks", r'"long" is no estimate'),
        ({"changes": "pause_weeks=1,2"}, "changes pause_weeks", r"is no estimate"),
        ({"changes": "pause_weeks=nan"}, "changes pause_weeks", r"is no estimate"),
        ({"changes": "pause_weeks=inf"}, "changes pause_weeks", r"is no estimate"),
        ({"changes": "pause_weeks="}, "changes pause_weeks", r"is no estimate"),
        ({"changes": "pause_weeks=3,2,1"}, "changes pause_weeks", r"not in order"),
        ({"changes": "surge_falls=2"}, "changes surge_falls mode", r"outside 0 to 1"),
        ({"changes": "link.surge-meta=-1"}, "changes link.surge-meta mode", r"outside 0 to 1"),
    ],
)
def test_what_cannot_be_viewed_is_told(
    mercor: impact.Case, arguments: dict[str, str], where: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        impact.view(mercor, **arguments)
    assert told(refused.value) == [where]


def test_all_faults_of_changes_are_told_at_once(mercor: impact.Case) -> None:
    with pytest.raises(BadInput) as refused:
        impact.view(mercor, changes="one; pause_weeks=x; surge_falls=3,2,1")
    assert told(refused.value) == ["changes", "changes pause_weeks", "changes surge_falls"]
    with pytest.raises(BadInput) as refused:
        impact.view(mercor, changes="pause_week=1; surge_fals=0; taken_if_in_reach=7")
    assert told(refused.value) == ["changes", "changes", "changes taken_if_in_reach mode"]


def test_a_scenario_on_what_is_not_yet_known_is_refused(mercor: impact.Case) -> None:
    with pytest.raises(Refusal, match=r'no input "pause_weeks"; it is not known in this view'):
        impact.view(mercor, "long-pause", as_of="2026-03-24")


NUMBERS = st.floats(0, 1e6).map(lambda value: float(f"{value:g}"))


NAMES = st.sampled_from(["a", "b_1", "link.x-y"])


@given(st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS), unique_by=lambda one: one[0]))
def test_changes_read_back_as_they_are_written(
    written: list[tuple[str, float, float, float]],
) -> None:
    texts = [f"{name}={','.join(f'{v:g}' for v in sorted(values))}" for name, *values in written]
    changes = parse_changes(" ;\n".join(texts))
    assert [(c.name, c.low, c.mode, c.high) for c in changes] == [
        (name, *sorted(values)) for name, *values in written
    ]
    assert parse_changes("; ".join(map(str, changes))) == changes


@pytest.mark.parametrize("value", [1_234_567.0, 0.123456789, 44_000_001.0])
def test_a_change_is_shown_without_loss(value: float) -> None:
    (change,) = parse_changes(f"a={value!r}")
    assert parse_changes(str(change)) == (change,)


# digests and notices


def shuffle(case: Any) -> None:
    """Bring the rows of every table into another order."""
    for path in sorted(case.folder.glob("*.csv")):
        header, *rows = case.lines(path.stem)
        random.Random(path.stem).shuffle(rows)
        case.write(path.stem, [header, *rows])


def add_above(case: Any) -> None:
    """Add rows of every kind above the level of the case."""
    secret = {"tlp": "red", "sources": ""}
    case.add("entities", "turing", "id", id="secret", **secret)
    case.add(
        "links", "surge-falls", "id", id="secret", target="secret", known_on="2026-04-04", **secret
    )
    case.add("inputs", "pause_weeks", "mode", mode="40", known_on="2026-06-01", **secret)
    case.add("losses", "mercor-defence", "id", id="secret", **secret)
    case.add("claims", "mercor-affected", "id", id="secret", says="Told in private.", tlp="amber")


@pytest.mark.parametrize("edit", [shuffle, add_above])
@pytest.mark.parametrize("scenario", [None, "long-pause"])
def test_the_digest_of_a_view_tells_nothing_but_what_it_shows(
    case_copy: Any, edit: Callable[[Any], None], scenario: str | None
) -> None:
    """That rows are left out is said; how many and which ones is not."""
    case_copy.add("losses", "mercor-defence", "id", id="first", tlp="red", sources="")
    before = digest(impact.view(loaded(case_copy), scenario))
    edit(case_copy)
    assert digest(impact.view(loaded(case_copy), scenario)) == before


def test_the_digest_changes_with_what_a_view_shows(mercor: impact.Case, case_copy: Any) -> None:
    case_copy.set("entities", "turing", "role", "Another role.")
    views = [
        impact.view(loaded(case_copy)),
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
    after = impact.simulate(impact.view(loaded(case_copy)), draws=2000)
    assert after.reached == before.reached
    assert all(np.array_equal(after.losses[name], before.losses[name]) for name in before.losses)


def test_the_baseline_says_nothing_beforehand(mercor: impact.Case) -> None:
    assert notices(impact.view(mercor)) == []


def test_a_supposed_fall_says_that_none_is_reported(mercor: impact.Case) -> None:
    (notice,) = notices(impact.view(mercor, "surge-falls"))
    assert notice == f"Hypothetical: Surge AI falls too; {NO_COMPROMISE}."
    assert NO_COMPROMISE == "no compromise reported"


def test_a_fall_by_hand_is_supposed_too(mercor: impact.Case) -> None:
    first, last = notices(impact.view(mercor, changes="turing_falls=0.5"))
    assert first == f"Hypothetical: Turing falls too; {NO_COMPROMISE}."
    assert last == "Inputs were changed for this view: turing_falls=0.5."


def test_no_fall_is_supposed_at_chance_0(mercor: impact.Case) -> None:
    known = impact.view(mercor, "surge-falls", changes="surge_falls=0")
    assert notices(known) == ["Inputs were changed for this view: surge_falls=0."]


def test_the_near_miss_names_the_statement_that_it_contradicts(mercor: impact.Case) -> None:
    (notice,) = notices(impact.view(mercor, "near-miss"))
    assert notice == "Counterfactual: it contradicts the statement of Mercor of 31 March 2026."
