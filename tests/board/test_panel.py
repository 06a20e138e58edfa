"""The panel without a browser: what it gives the board is the view, and no fault ends it."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import polars as pl
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import impact
from impact.base.errors import BadInput
from impact.board import data
from impact.board.panel import _Panel, days, slug
from impact.case.changes import Change
from impact.case.folder import load_case
from impact.case.scenarios import Scenario
from impact.case.writer import keep


@pytest.fixture
def panel(copied: Path) -> _Panel:
    return _Panel(str(copied), 2000, 1)


def edit(file: Path, old: str, new: str) -> None:
    """Put a text in place of another in a file."""
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")


def settle(panel: _Panel, scenario: str = "baseline", **setting: Any) -> None:
    """What the board says when its sliders are let go."""
    panel.board.settings = {"set": setting, "scenario": scenario}


def test_the_board_is_given_the_run_of_the_view(panel: _Panel, copied: Path) -> None:
    run = impact.simulate(impact.view(impact.load_case(copied)), 2000)
    assert panel.board.data == data.describe(run)
    assert json.loads(json.dumps(panel.board.data)) == json.loads(data.packed(panel.board.data))
    assert panel.wrong.value == ""


def test_what_the_board_does_not_compute_follows_when_sliders_settle(
    panel: _Panel, copied: Path
) -> None:
    settle(panel, pause_weeks=40, hours_a_week=20.0)
    known = impact.view(impact.load_case(copied), changes="pause_weeks=40; hours_a_week=20")
    run = impact.simulate(known, 2000)
    for answer in (impact.decisions(run, most=1), impact.unknowns(run, most=5)):
        assert answer._repr_html_() in panel.said.value
    assert "Inputs were changed for this view" in panel.said.value
    panel.asked.value = "total"
    assert impact.why(run, "total")._repr_html_() == panel.why.value
    settle(panel)
    assert "Inputs were changed" not in panel.said.value


def test_a_scenario_of_the_board_and_a_day_and_a_level_are_views(
    panel: _Panel, copied: Path
) -> None:
    settle(panel, "surge-falls")
    assert "no compromise reported" in panel.said.value
    panel.day.value = "2026-03-24"
    run = impact.simulate(impact.view(impact.load_case(copied), as_of="2026-03-24"), 2000)
    assert panel.board.data == data.describe(run)
    assert "new claims" in panel.said.value
    assert [day for day, _ in panel.day.options][:-1] == days(load_case(copied))


def test_strange_settings_are_told_and_the_panel_lives_on(panel: _Panel) -> None:
    for settings in (
        *({"set": one} for one in ({"nobody": 1}, {"pause_weeks": "many"}, {"pause_weeks": None})),
        *({"set": {"silent_client_pauses": 7}}, {"set": [1]}, {"set": {}, "scenario": "no-such"}),
    ):
        panel.board.settings = {"scenario": "baseline", **settings}
        panel.asked.value = "total"
        assert "This cannot be shown" in panel.wrong.value, settings
        settle(panel, pause_weeks=30)
        assert panel.wrong.value == "", settings


def test_faults_of_a_folder_are_listed_and_the_panel_lives_on(copied: Path) -> None:
    links = copied / "links.csv"
    whole = links.read_text("utf-8")
    links.write_text(whole.replace("mercor", "mercr"))
    panel = _Panel(str(copied), 500, 1)
    assert panel.wrong.value.count("<li>") > 1
    assert "links.csv:" in panel.wrong.value
    assert panel.board.data == {}
    panel.case.value = "mercor"  # another case can be chosen
    assert panel.wrong.value == ""
    assert panel.board.data["case"] == "mercor"
    panel.case.value = str(copied)
    settle(panel)
    panel.keep.click()
    assert "links.csv:" in panel.wrong.value
    links.write_text(whole)
    panel.case.value = "mercor"
    panel.case.value = str(copied)
    assert panel.wrong.value == ""


def test_no_such_case_is_said_in_the_panel() -> None:
    panel = _Panel("mercr", 500, 1)
    assert "did you mean" in panel.wrong.value
    assert isinstance(impact.explore("mercr"), ipw.VBox)


def test_a_case_that_the_board_cannot_do_says_why(copied: Path) -> None:
    for name in ("losses.csv", "duties.csv"):
        head = (copied / name).read_text("utf-8").splitlines()[0]
        (copied / name).write_text(head + "\n")
    (copied / "scenarios.toml").write_text("# none\n")
    panel = _Panel(str(copied), 500, 1)
    assert panel.wrong.value == ""
    assert panel.board.data == {"declined": "The board is not shown: the case has no losses."}


def test_what_is_moved_is_kept_checked_and_only_under_a_new_name(
    panel: _Panel, copied: Path
) -> None:
    file = copied / "scenarios.toml"
    before = file.read_text("utf-8")
    for name, said in (("", "is empty"), ("!?", "is empty"), ("longer", "nothing is changed")):
        panel.name.value = name
        panel.keep.click()
        assert said in panel.wrong.value
    settle(panel, pause_weeks=40)
    panel.name.value = "Surge falls"
    panel.keep.click()
    assert "is there already" in panel.wrong.value
    assert file.read_text("utf-8") == before
    panel.name.value = "A longer pause, 40 weeks!"
    panel.keep.click()
    assert panel.wrong.value == ""
    assert panel.board.data["scenario"] == "a-longer-pause-40-weeks"
    assert file.read_text("utf-8").startswith(before.rstrip())
    kept = load_case(copied).scenarios["a-longer-pause-40-weeks"]
    assert [str(change) for change in kept.changes] == ["pause_weeks=40"]
    assert kept.title == "A longer pause, 40 weeks!"
    assert not list(copied.glob(".scenarios*"))


def test_any_name_becomes_a_valid_one() -> None:
    assert slug("Müller's  Fall / 2") == "m-ller-s-fall-2"
    assert len(slug("x" * 500)) == 60
    assert slug("x" * 59 + " by us") == "x" * 59


def test_why_tells_of_each_party_that_is_shown_and_of_the_total(panel: _Panel) -> None:
    offered = [name for _, name in panel.asked.options if name]
    assert {"anthropic", "meta", "total"} <= {*offered}
    for name in offered:
        panel.asked.value = name
        assert "no &quot;" not in panel.why.value, name
        assert panel.why.value, name
    panel.case.value = "drift"
    assert panel.why.value == "", "the reasons of another case"


def test_words_of_a_case_are_text_in_the_panel(copied: Path) -> None:
    for name in ("inputs.csv", "entities.csv"):
        edit(copied / name, "Weeks that client", "<img src=x>Weeks that client")
        edit(copied / name, "Mercor,", "<b>Mercor</b>,")
    panel = _Panel(str(copied), 500, 1)
    assert panel.wrong.value == ""
    panel.asked.value = "mercor"
    shown = (panel.head, panel.said, panel.why)
    assert not any("<img" in one.value or "<b>Mercor" in one.value for one in shown)


def test_the_kit_shows_itself_and_says_where_to_start() -> None:
    shell = InteractiveShell.instance()
    shell.run_cell("import impact")
    told = shell.object_inspect_mime("impact")["text/plain"]
    assert "Start here" in told
    with provisionalcompleter():
        names = {found.text for found in shell.Completer.completions("impact.exp", 10)}
    for offered in ("exposure", "explore"):
        assert any(name.endswith(offered) for name in names)
    known = impact.view(impact.load_case("mercor"))
    assert known.title in known._repr_markdown_()
    assert "10,000" in impact.simulate(known)._repr_markdown_()


def test_a_level_offers_no_day_and_no_scenario_above_it(copied: Path) -> None:
    edit(copied / "case.toml", 'tlp = "clear"', 'tlp = "red"')
    claims = copied / "claims.csv"
    rows = pl.read_csv(claims, infer_schema=False)
    cells = {"id": "only-red", "known_on": "2026-12-24", "tlp": "red", "sources": ""}
    late = rows[-1].with_columns(**{name: pl.lit(cell) for name, cell in cells.items()})
    pl.concat([rows, late]).write_csv(claims)
    secret = '\n[scenario.secret]\ntitle = "Secret"\ntlp = "red"\nset = { pause_weeks = 9 }\n'
    with (copied / "scenarios.toml").open("a", encoding="utf-8") as scenarios:
        scenarios.write(secret)
    panel = _Panel(str(copied), 500, 1)
    assert panel.wrong.value == ""

    def offered() -> tuple[bool, bool]:
        every = [day for _, day in panel.day.options]
        return "secret" in panel.board.data.get("scenarios", ()), "2026-12-24" in every

    assert offered() == (True, True)
    panel.day.value = "2026-12-24"
    panel.level.value = "green"
    assert offered() == (False, False)
    assert panel.day.value == ""


def test_a_scenario_that_cannot_be_written_is_told_and_nothing_is_lost(copied: Path) -> None:
    before = (copied / "scenarios.toml").read_text("utf-8")
    scenario = Scenario("x", "X", "", (Change("pause_weeks", 9, 9, 9),))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, usual[1]))  # bytes of a file, as of a full disk
    try:
        with pytest.raises(BadInput, match=r"scenarios.toml: cannot be written"):
            keep(copied, scenario)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (copied / "scenarios.toml").read_text("utf-8") == before
    assert not list(copied.glob(".scenarios*"))
