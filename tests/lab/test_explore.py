"""The panel in JupyterLab, in a real browser with the outside network cut."""

from __future__ import annotations

import tomllib

import pytest
from labs import Lab, run_all
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
READY = 90_000  # ms


def opened(page: Page, lab: Lab) -> Locator:
    """The board of a panel that is drawn."""
    run_all(page, lab, "explore.ipynb")
    board = page.locator("[data-drawn]")
    board.wait_for(timeout=READY)
    return board


def moved(page: Page, board: Locator, name: str, key: str = "ArrowRight", times: int = 1) -> None:
    """Move a slider by a key, and wait until the board was drawn anew."""
    before = int(board.get_attribute("data-drawn") or 0)
    handle = page.locator(f".input-{name} .noUi-handle")
    for _ in range(times):
        handle.press(key)
    expect(board).not_to_have_attribute("data-drawn", str(before), timeout=20_000)


def curve(board: Locator) -> str:
    """The shape of the first curve of the picture of how large it can get."""
    paths = board.locator("[data-picture=exceedance] .mark-line path").all()
    return " ".join(path.get_attribute("d") or "" for path in paths)


def test_a_slider_moves_pictures_and_numbers_and_a_choice_tells_why(page: Page, lab: Lab) -> None:
    board = opened(page, lab)
    assert board.locator("figure svg").count() == 3
    assert "No input is changed." in page.content()
    said = board.locator("[data-picture=losses] p")
    before, drawn = said.inner_text(), curve(board)
    moved(page, board, "pause_weeks", "PageUp", 3)
    assert said.inner_text() != before
    assert curve(board) != drawn
    changed = page.get_by_text("Inputs were changed for this view: pause_weeks=")
    expect(changed.first).to_be_visible()
    expect(page.get_by_text("comes from pause_weeks: weeks that client work")).to_be_visible()
    page.get_by_label("Why?").select_option(label="Contractors on Meta projects")
    expect(page.get_by_text("Contractors on Meta projects:").first).to_be_visible()
    page.get_by_role("button", name="Back to the evidence").click()
    expect(page.get_by_text("No input is changed.")).to_be_visible()
    expect(said).to_have_text(before)
    assert page.strangers == []  # type: ignore[attr-defined]
    assert board.get_attribute("data-failed") is None


def test_what_was_moved_is_kept_as_a_scenario_and_made_into_a_report(page: Page, lab: Lab) -> None:
    board = opened(page, lab)
    moved(page, board, "pause_weeks", "PageUp")
    name = page.get_by_placeholder("name of a scenario")
    keep = page.get_by_role("button", name="Keep as scenario")
    name.fill("no name")
    keep.click()
    expect(page.get_by_role("alert")).to_contain_text("no name")
    name.fill("longer-pause")
    keep.click()
    expect(page.get_by_text("Kept as scenario longer-pause.")).to_be_visible()
    path = lab.home / "data/cases/mercor/scenarios.toml"
    kept = tomllib.loads(path.read_text("utf-8"))["scenario"]["longer-pause"]
    assert len(kept["set"]) == 1
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_role("status")).to_contain_text("8 made", timeout=200_000)
    made = lab.home / "notebooks/reports/mercor/longer-pause/00_brief.html"
    assert "longer pause" in made.read_text("utf-8")


def test_a_restart_of_the_kernel_leaves_the_panel_and_another_run_revives_it(
    page: Page, lab: Lab
) -> None:
    board = opened(page, lab)
    page.locator(".input-pause_weeks .noUi-handle").press("PageUp")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator('[data-command="kernelmenu:restart"]').click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.get_by_text("| Idle").wait_for(timeout=READY)
    page.locator(".input-pause_weeks .noUi-handle").press("PageUp")
    expect(board.locator("figure svg")).to_have_count(3)  # what was drawn stays
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()
    page.get_by_text("No input is changed.").wait_for(timeout=READY)
    moved(page, page.locator("[data-drawn]"), "pause_weeks", "PageUp")


WIDER = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
    .filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => [one.clientWidth, one.scrollWidth, one.textContent.trim().slice(0, 60)])"""


@pytest.mark.parametrize(
    ("notebook", "charts"),
    [
        ("00_brief", 5),
        ("01_what_is_known", 3),
        ("02_who_is_exposed", 2),
        ("03_what_it_costs", 2),
        ("04_what_if", 4),
        ("05_how_sure", 1),
        ("06_my_stack", 1),
        ("07_what_it_may_become", 1),
    ],
)
def test_a_notebook_shows_its_charts(page: Page, lab: Lab, notebook: str, charts: int) -> None:
    run_all(page, lab, f"{notebook}.ipynb")
    images = page.locator(".jp-RenderedSVG img")
    page.wait_for_function(
        "many => document.querySelectorAll('.jp-RenderedSVG img').length >= many",
        arg=charts,
        timeout=READY,
    )
    page.get_by_text("| Idle").wait_for(timeout=READY)
    wide = images.evaluate_all("found => found.map(image => image.naturalWidth)")
    assert min(wide) > 200, wide
    assert len(wide) == charts
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    page.set_viewport_size({"width": 1052, "height": 800})  # leaves about 620 px for an output
    page.wait_for_timeout(300)
    over = page.evaluate(WIDER)
    assert over == []
    assert page.locator("mjx-container").count() == 0  # amounts in dollars are no formulas
    assert page.strangers == []  # type: ignore[attr-defined]
