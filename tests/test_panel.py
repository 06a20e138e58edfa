"""The panel without a browser: what it shows is what the answers say, and no fault ends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import ipywidgets as ipw
import numpy as np
import polars as pl
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import impact
from impact import panel as panels
from impact.case.folder import load_case
from impact.panel import _Panel, days, picture


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    """A copy of the bundled case that may be changed."""
    return Path(shutil.copytree(root / "data" / "cases" / "mercor", tmp_path / "mercor"))


@pytest.fixture
def panel(folder: Path) -> _Panel:
    return _Panel(str(folder), 2000, 1)


def control(panel: _Panel, name: str) -> ipw.FloatSlider:
    (found,) = (
        box.children[1]
        for box in panel.sliders.children
        if f"input-{name}" in box.children[1]._dom_classes
    )
    return found


def says(panel: _Panel, name: str) -> str:
    return next(str(one["says"]) for one in panel.board.pictures if one["name"] == name)


def test_a_panel_shows_the_answers_of_its_view(panel: _Panel, folder: Path) -> None:
    known = impact.view(impact.load_case(folder), changes="pause_weeks=40")
    run = impact.simulate(known, 2000)
    control(panel, "pause_weeks").value = 40
    for ask in (impact.losses, impact.exceedance, impact.exposure):
        answer = ask(run)
        assert says(panel, answer.name) == answer.sentence
    assert impact.waterfall(run).sentence.rpartition("average total")[2] in panel.said.value
    assert panel.wrong.value == ""


def test_a_slider_back_at_its_start_leaves_the_estimate(panel: _Panel) -> None:
    before = says(panel, "losses")
    slider = control(panel, "pause_weeks")
    start = slider.value
    slider.value = start + 10 * slider.step
    assert says(panel, "losses") != before
    slider.value = start
    assert (says(panel, "losses"), panel.changes) == (before, {})
    slider.value = 1e9  # past its range
    assert panel.changes["pause_weeks"].mode == pytest.approx(slider.max, rel=1e-2)


def test_a_day_a_scenario_and_a_level_are_views(panel: _Panel, folder: Path) -> None:
    panel.day.value = "2026-03-24"
    run = impact.simulate(impact.view(impact.load_case(folder), as_of="2026-03-24"), 2000)
    assert says(panel, "exposure") == impact.exposure(run).sentence
    assert "new claims" in panel.said.value
    panel.day.value = ""
    panel.scenario.value = "surge-falls"
    assert "no compromise reported" in panel.said.value
    assert [day for day, _ in panel.day.options][:-1] == days(load_case(folder))


def test_faults_of_a_folder_are_listed_and_the_panel_lives_on(folder: Path) -> None:
    links = folder / "links.csv"
    whole = links.read_text("utf-8")
    links.write_text(whole.replace("mercor", "mercr"))
    panel = _Panel(str(folder), 500, 1)
    assert panel.wrong.value.count("<li>") > 1
    assert "links.csv:" in panel.wrong.value
    assert panel.board.pictures == []
    panel.day.value = ""
    panel.case.value = "mercor"  # another case can be chosen
    assert panel.wrong.value == ""
    assert len(panel.board.pictures) == 3
    panel.case.value = str(folder)
    assert "links.csv:" in panel.wrong.value
    links.write_text(whole)
    panel.case.value = "mercor"
    panel.case.value = str(folder)
    assert panel.wrong.value == ""


def test_no_such_case_is_said_in_the_panel() -> None:
    panel = _Panel("mercr", 500, 1)
    assert "did you mean" in panel.wrong.value
    assert isinstance(impact.explore("mercr"), ipw.VBox)


def test_what_is_moved_is_kept_checked_and_only_under_a_new_name(
    panel: _Panel, folder: Path
) -> None:
    file = folder / "scenarios.toml"
    before = file.read_text("utf-8")
    for name, said in (("", "is empty"), ("longer", "nothing is changed"), ("a b", "")):
        if name == "a b":
            control(panel, "pause_weeks").value, said = 40, "a b"
        panel.name.value = name
        panel.keep.click()
        assert said in panel.wrong.value
    panel.name.value = "surge-falls"
    panel.keep.click()
    assert "is there already" in panel.wrong.value
    assert file.read_text("utf-8") == before
    panel.name.value = "longer"
    panel.keep.click()
    assert (panel.wrong.value, panel.scenario.value) == ("", "longer")
    assert file.read_text("utf-8").startswith(before.rstrip())
    kept = load_case(folder).scenarios["longer"]
    assert [str(change) for change in kept.changes] == ["pause_weeks=40"]
    assert not list(folder.glob(".scenarios*"))


def test_why_tells_of_each_party_that_is_shown_and_of_the_total(panel: _Panel) -> None:
    offered = [name for _, name in panel.asked.options if name]
    assert {"anthropic", "meta", "total"} <= {*offered}
    for name in offered:
        panel.asked.value = name
        assert "no &quot;" not in panel.why.value, name
        assert panel.why.value, name


def test_words_of_a_case_are_text_in_the_panel(folder: Path) -> None:
    for name in ("inputs.csv", "entities.csv"):
        file = folder / name
        text = file.read_text("utf-8").replace("Weeks that client", "<img src=x>Weeks that client")
        file.write_text(text.replace("Mercor,", "<b>Mercor</b>,"))
    panel = _Panel(str(folder), 500, 1)
    assert panel.wrong.value == ""
    shown = [panel.head, panel.said, panel.why, *(b.children[0] for b in panel.sliders.children)]
    assert not any("<img" in one.value or "<b>Mercor" in one.value for one in shown)
    panel._explain("mercor")
    assert "<b>Mercor" not in panel.why.value.replace("<p><b>", "")


def test_a_picture_is_of_plain_data(panel: _Panel) -> None:
    for one in panel.board.pictures:
        assert json.loads(json.dumps(one)) == one
        assert '"values": [{' not in one["spec"]
    known = impact.view(impact.load_case("mercor"), as_of="2014-12-31")
    empty = picture(impact.losses(impact.simulate(known, 500)))
    assert (empty["spec"], empty["tables"]) == ("", "{}")


def test_sliders_begin_where_the_estimate_is(panel: _Panel) -> None:
    assert panel.base is not None
    for box in panel.sliders.children:
        slider = box.children[1]
        low = 10**slider.min if isinstance(slider, ipw.FloatLogSlider) else slider.min
        high = 10**slider.max if isinstance(slider, ipw.FloatLogSlider) else slider.max
        assert low <= slider.value <= high
    assert len(panel.sliders.children) <= panels.MOST_SLIDERS
    assert np.isclose(control(panel, "replacement_premium_share").value, 0.18, atol=0.03)


def test_the_kit_shows_itself_and_says_where_to_start() -> None:
    shell = InteractiveShell.instance()
    shell.run_cell("import impact")
    told = shell.object_inspect_mime("impact")["text/plain"]
    assert "Start here" in told
    with provisionalcompleter():
        names = {found.text for found in shell.Completer.completions("impact.exp", 10)}
    assert any(name.endswith("exposure") for name in names)
    assert any(name.endswith("explore") for name in names)
    known = impact.view(impact.load_case("mercor"))
    assert known.title in known._repr_markdown_()
    assert "10,000" in impact.simulate(known)._repr_markdown_()


def test_a_level_offers_no_day_and_no_scenario_above_it(folder: Path) -> None:
    settings = folder / "case.toml"
    settings.write_text(settings.read_text("utf-8").replace('tlp = "clear"', 'tlp = "red"'))
    claims = folder / "claims.csv"
    rows = pl.read_csv(claims, infer_schema=False)
    late = rows[-1].with_columns(
        id=pl.lit("only-red"), known_on=pl.lit("2026-12-24"), tlp=pl.lit("red"), sources=pl.lit("")
    )
    pl.concat([rows, late]).write_csv(claims)
    scenarios = folder / "scenarios.toml"
    secret = '\n[scenario.secret]\ntitle = "Secret"\ntlp = "red"\nset = { pause_weeks = 9 }\n'
    scenarios.write_text(scenarios.read_text("utf-8") + secret)
    panel = _Panel(str(folder), 500, 1)
    assert panel.wrong.value == ""
    offered = [name for _, name in panel.scenario.options], [day for _, day in panel.day.options]
    assert ("secret" in offered[0], "2026-12-24" in offered[1]) == (True, True)
    panel.scenario.value, panel.day.value = "secret", "2026-12-24"
    panel.level.value = "green"
    offered = [name for _, name in panel.scenario.options], [day for _, day in panel.day.options]
    assert ("secret" in offered[0], "2026-12-24" in offered[1]) == (False, False)
    assert (panel.scenario.value, panel.day.value) == ("baseline", "")


def test_the_baseline_is_drawn_faint_behind_a_scenario_and_a_slider(panel: _Panel) -> None:
    def behind() -> list[str]:
        (one,) = (one for one in panel.board.pictures if one["name"] == "exceedance")
        layers = json.loads(one["spec"])["layer"]
        faint = [layer["data"]["name"] for layer in layers if layer["mark"].get("opacity") == 0.5]
        return [json.loads(one["tables"])[name] for name in faint]

    assert behind() == []
    panel.scenario.value = "long-pause"
    (curve,) = behind()
    panel.scenario.value = "baseline"
    assert behind() == []
    control(panel, "pause_weeks").value = 40
    assert behind() == [curve]


def test_a_scenario_that_cannot_be_written_is_told_and_nothing_is_lost(folder: Path) -> None:
    before = (folder / "scenarios.toml").read_text("utf-8")
    code = f"""
import resource, signal
from pathlib import Path
from impact.case.changes import Change
from impact.case.scenarios import Scenario
from impact.case.writer import keep
from impact.base.errors import ImpactError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    keep(Path({str(folder)!r}), Scenario("x", "X", "", (Change("pause_weeks", 9, 9, 9),)))
except ImpactError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "scenarios.toml: cannot be written" in done.stdout
    assert (folder / "scenarios.toml").read_text("utf-8") == before
    assert not list(folder.glob(".scenarios*"))
