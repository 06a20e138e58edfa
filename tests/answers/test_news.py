"""From one day to another: what became known, and what it did to the total, to the cent."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import commands
import polars as pl
import pytest
from tiny import evidence, figures, fixed, link, loss

import impact
from impact.answers import differences
from impact.base import times
from impact.base.errors import BadInput, Refusal
from impact.case import row_changes
from impact.case.folder import Case
from impact.case.tables import ordered
from impact.measures.totals import total_loss
from impact.simulation import Run

DAYS = ("2026-03-24T12:00Z", "2026-04-04", "2026-04-23", "2026-05-14", "2026-08-12", "2026-08-28")
ENDS = [(DAYS[0], DAYS[-1]), (DAYS[3], DAYS[4]), (DAYS[-1], DAYS[1]), (DAYS[2], ""), ("", DAYS[1])]


def cents(run: Run) -> int:
    return round(float(total_loss(run).mean()) * 100)


def run(case: Case, day: str, scenario: str = "baseline", changes: str = "") -> Run:
    return impact.simulate(impact.view(case, scenario, day, changes=changes), 2000)


@pytest.mark.parametrize(("first", "last"), ENDS)
def test_effects_of_two_days_add_up_to_the_cent(mercor: impact.Case, first: str, last: str) -> None:
    one, other = run(mercor, first), run(mercor, last)
    record = differences.record(one, other)
    moved = round(100 * (record["to"]["total_mean_usd"] - record["from"]["total_mean_usd"]))
    assert moved == cents(other) - cents(one)
    assert sum(round(100 * row["effect_usd"]) for row in record["changes"]) == moved
    assert all(isinstance(row["effect_usd"], float) for row in record["changes"])
    shown = impact.waterfall(one, other)
    assert round(100 * shown.table["effect_usd"].sum()) == moved


@pytest.mark.parametrize(
    ("changes", "scenario"), [("pause_weeks=40", "baseline"), ("", "long-pause")]
)
def test_changes_hold_on_the_way_from_day_to_day(
    mercor: impact.Case, changes: str, scenario: str
) -> None:
    one, other = (run(mercor, day, scenario, changes) for day in ("2026-04-04", "2026-08-28"))
    effects = differences.effects_of(one, other)
    assert sum(row[3] for row in effects) == cents(other) - cents(one) != 0


def test_a_day_and_a_scenario_at_once_are_told_apart(mercor: impact.Case) -> None:
    one, other = run(mercor, "2026-04-04"), run(mercor, "", "long-pause")
    effects = differences.effects_of(one, other)
    assert sum(row[3] for row in effects) == cents(other) - cents(one)
    under = run(mercor, "")
    supposed = sum(row[3] for row in effects if row[2].endswith("now 26 to 52"))
    assert supposed == cents(other) - cents(under) != 0


def test_the_way_back_has_the_opposite_effects(mercor: impact.Case) -> None:
    one, other = run(mercor, "2026-04-04"), run(mercor, "2026-04-23")
    there, back = (differences.effects_of(*pair) for pair in ((one, other), (other, one)))
    assert {(t, n): c for t, n, _, c in there} == {(t, n): -c for t, n, _, c in back}
    assert all(what.startswith("not yet ") for _, _, what, _ in back)


def test_the_walk_ends_at_the_later_view_to_the_bit(mercor: impact.Case) -> None:
    one, other = run(mercor, "2026-03-31"), run(mercor, "2026-05-14")
    _, last = differences._learned(one, other.known)
    assert last.reached == other.reached
    assert all((last.losses[name] == other.losses[name]).all() for name in other.losses)


def test_history_passes_through_every_moment_and_each_row_once(mercor: impact.Case) -> None:
    early, late = (impact.view(mercor, as_of=day) for day in ("2026-03-31", "2026-05-14"))
    seen = {name: dict.fromkeys(rows["id"]) for name, rows in early.tables.items()}
    moments = []
    for known, changes in row_changes.history(early, late):
        moments.append(known.as_of)
        for change in changes:
            there = seen[change.table]
            assert (change.old is not None) == (change.id in there), change
            there.pop(change.id, None) if change.new is None else there.setdefault(change.id)
        assert seen == {name: dict.fromkeys(rows["id"]) for name, rows in known.tables.items()}
    assert moments == sorted(set(moments))
    assert moments[-1].date() == late.as_of.date()


def test_a_row_comes_after_what_it_refers_to(mercor: impact.Case) -> None:
    early, late = (impact.view(mercor, as_of=day) for day in ("2026-03-24T12:00Z", ""))
    there = {name: set(early[name]["id"]) for name in ("entities", "claims", "inputs", "sources")}
    taken_up = []
    for _, changes in row_changes.history(early, late):
        for change in changes:
            if change.new is None:
                continue
            taken_up.append(change.table)
            if change.table == "links":
                assert {change.new["source"], change.new["target"]} <= there["entities"]
                assert set(change.new["claims"]) <= there["claims"]
            if change.table == "losses":
                named = {item.partition("=")[2] for item in change.new["arguments"]}
                assert named <= there["inputs"]
            assert set(change.new["sources"]) <= there["sources"] | (
                {change.id} if change.table == "sources" else set()
            )
            if change.table in there:
                there[change.table].add(change.id)
    assert {"links", "losses", *there} <= set(taken_up)


# what happened, by hand

SOURCES = [{"id": f"s{n}", "known_on": f"2026-0{n}-01"} for n in range(1, 7)]


def story(folder: Path) -> Case:
    """Claims that are confirmed, replaced and taken back; a cost that grows; a loss that ends."""
    back = {"id": "back", "sources": "s1", "object": "later gone", "says": "It keeps to it."}
    told = {"object": "so", "says": "It was shut."}
    claims = [
        {"id": "told", "sources": "s1", **told},
        {"id": "sure", "sources": "s3", "known_on": "2026-03-01", "by": "c", "credibility": "1"}
        | told,
        {"id": "still", "sources": "s1", "predicate": "payload", "says": "Its payload was x."},
        {"id": "old", "sources": "s1", "predicate": "other", "by": "d", "says": "Ten are hit."},
        {"id": "new", "sources": "s4", "known_on": "2026-04-01", "predicate": "another"}
        | {"by": "d", "supersedes": "old", "says": "Forty are hit."},
        back,
        {**back, "sources": "s5", "known_on": "2026-05-01", "withdrawn": "true"},
    ]
    inputs = [
        fixed("cost", 100, "USD", known_on="2026-02-01"),
        fixed("cost", 150, "USD", known_on="2026-04-01"),
    ]
    losses = [
        loss("first", "b", "c=cost", "b", known_on="2026-02-01"),
        loss("second", "b", "c=cost", "b", known_on="2026-03-01"),
        loss("second", "b", "c=cost", "b", known_on="2026-05-01", withdrawn="true"),
    ]
    rows = {"inputs": inputs, "losses": losses, "links": [link("event", "b")]}
    return evidence(folder, sources=SOURCES, claims=claims, **rows)


def test_each_row_has_the_effect_that_it_had_when_it_became_known(tmp_path: Path) -> None:
    case = story(tmp_path / "case")
    one, other = (impact.simulate(impact.view(case, as_of=d), 10) for d in ("2026-01-15", ""))
    effects = [row for row in differences.effects_of(one, other) if row[3]]
    assert effects == [
        ("losses", "second", "withdrawn", -15_000),
        ("inputs", "cost", "replaced by a newer row", 10_000),
        ("losses", "first", "new", 10_000),
        ("losses", "second", "new", 10_000),
    ]


def test_the_news_tell_what_moved_was_replaced_and_was_taken_back(tmp_path: Path) -> None:
    """What stood still is no news."""
    case = story(tmp_path / "case")
    early, late = impact.view(case, as_of="2026-01-15"), impact.view(case)
    told = impact.news(early, late)
    assert told.sentence == (
        "From 15 January 2026 to 1 September 2026: two new claims, one replaced, one taken back,"
        " one rating changed."
    )
    assert told.table.rows() == [
        ("moved", "It was shut.", "reported by c, 1 March 2026", "likely to established"),
        ("replaced", "Ten are hit.", "reported by d, 1 January 2026", "Forty are hit."),
        ("taken back", "It keeps to it.", "reported by a, 1 January 2026", "taken back"),
        ("new", "Forty are hit.", "reported by d, 1 April 2026", "access"),
        ("new", "It was shut.", "reported by c, 1 March 2026", "access"),
    ]
    counted = {"new": 2, "replaced": 1, "taken_back": 1, "moved": 1}
    assert figures(told) == {f"news.{name}": many for name, many in counted.items()}
    record = differences.record(impact.simulate(early, 10), impact.simulate(late, 10))
    found = {(row["table"], row["id"]): row["what"] for row in record["changes"]}
    assert found["claims", "old"] == "superseded by new"
    assert found["claims", "new"] == "new, supersedes old"
    assert found["claims", "back"] == "taken back"
    assert found["statements", "b.status"] == "likely to established"


def test_the_diff_of_the_two_days_of_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("diff", "mercor", "--from", "2026-04-04", "--to", "2026-04-23")
    found = json.loads(commands.impact(*words, "--json").stdout)
    assert (found["from"]["view"], found["to"]["view"]) == ("2026-04-04", "2026-04-23")
    rows = {(row["table"], row["id"]): row for row in found["changes"]}
    meta = rows["statements", "meta.work_status.mercor"]
    assert (meta["what"], meta["effect_usd"]) == ("likely to established", 0.0)
    pause = rows["links", "mercor-meta-pause"]
    assert (pause["what"], pause["effect_usd"]) == ("replaced by a newer row", 0.0)
    monkeypatch.setenv("COLUMNS", "300")
    text = commands.impact(*words).stdout
    assert text.startswith("From 4 April 2026 to 23 April 2026: 21 new claims, ")
    assert "Meta paused its work with Mercor." in text
    assert "likely to established" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2026-04-04", "--to", "2026-13-01"), "neither a scenario nor a day"),
        (("--from", "2026-04-04", "--to", "2026-04-23", "--as-of", "2026"), "--as-of: both ends"),
        (("--from", "baseline", "--to", "long-pause", "--scenario", "near-miss"), "--scenario: bo"),
    ],
)
def test_a_wrong_end_is_a_line_with_its_repair(words: tuple[str, ...], said: str) -> None:
    done = commands.impact("diff", "mercor", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_view_that_was_sent_elsewhere_has_no_history(mercor: impact.Case) -> None:
    known = impact.view(mercor, as_of="2026-04-04")
    sent = pickle.loads(pickle.dumps(known))
    assert sent.loaded is None
    with pytest.raises(BadInput, match="no case behind it"):
        list(row_changes.history(impact.view(mercor, as_of="2026-03-31"), sent))


def test_a_correction_of_a_claim_is_news(tmp_path: Path) -> None:
    first = {"id": "d", "object": "paused", "says": "It paused.", "sources": "s1"}
    second = {**first, "object": "resumed", "says": "It resumed.", "sources": "s3"}
    case = evidence(
        tmp_path / "case",
        sources=SOURCES,
        claims=[{**first, "known_on": "2026-01-01"}, {**second, "known_on": "2026-03-01"}],
    )
    told = impact.news(impact.view(case, as_of="2026-02"), impact.view(case))
    assert told.table.rows() == [
        ("replaced", "It paused.", "reported by a, 1 March 2026", "It resumed.")
    ]


def test_a_claimant_that_is_withdrawn_with_its_claim_is_told(tmp_path: Path) -> None:
    claim = {"id": "c", "by": "zed", "object": "x", "sources": "s1", "known_on": "2026-01-01"}
    gone = {"withdrawn": "true", "known_on": "2026-03-01"}
    zed = {"id": "zed", "name": "Zed"}
    case = evidence(
        tmp_path / "case",
        sources=SOURCES,
        claims=[claim, {**claim, **gone, "sources": "s3"}],
        entities=[zed],
    )
    entities = case["entities"]
    row = entities.filter(id="zed").with_columns(
        withdrawn=pl.lit(True), known_on=pl.lit(case["claims"]["known_on"].max(), times.INSTANT)
    )
    tables = {**case.tables, "entities": ordered(pl.concat([entities, row]))}
    case = replace(case, tables=tables, memo={})
    told = impact.news(impact.view(case, as_of="2026-02"), impact.view(case))
    assert told.table["by"].to_list() == ["reported by Zed, 1 January 2026"]
    assert impact.statements(impact.view(case)).sentence == "Nothing is claimed in this view."


def test_a_case_that_was_edited_between_two_views_is_refused(tmp_path: Path) -> None:
    """The sum would not be that of the effects, and nothing else would say so."""
    case = story(tmp_path / "case")
    inputs = case["inputs"].with_columns(mode=pl.col("mode") + 1)
    edited = replace(case, tables={**case.tables, "inputs": inputs}, memo={})
    one = impact.simulate(impact.view(case, as_of="2026-02"), 10)
    other = impact.simulate(impact.view(edited, as_of="2026-03-15"), 10)
    with pytest.raises(Refusal, match="compare views of one loaded case"):
        differences.effects_of(one, other)
