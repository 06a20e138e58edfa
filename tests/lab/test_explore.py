"""The panel in JupyterLab, in a real browser with the outside network cut."""

from __future__ import annotations

import tomllib

import pytest
from axe_playwright_python.sync_playwright import Axe
from labs import Lab, run_all_cells
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
READY = 90_000  # ms
STILL = "Nothing is changed: evidence and assumptions are those of the case."


@pytest.fixture
def board(explored: Page) -> Locator:
    """The board of a panel that was drawn anew."""
    explored.set_viewport_size({"width": 1500, "height": 1300})
    explored.evaluate("document.querySelector('.impact-board')?.classList.add('old')")
    run_all_cells(explored)
    fresh = explored.locator(".impact-board:not(.old)")
    fresh.locator("form.board").wait_for(timeout=READY)
    return fresh


def press(board: Locator, name: str, key: str = "PageUp", times: int = 1) -> None:
    """Move a slider by keys: each is an input and settles it."""
    slider = board.locator(f"input[name={name}]")
    for _ in range(times):
        slider.press(key)


def test_a_drag_moves_all_without_a_kernel_and_its_end_renews_the_rest(board: Locator) -> None:
    page = board.page
    said, status = board.locator(".live p").first, board.get_by_role("status")
    lost = board.locator(".live").first.locator("td span").all_inner_texts()
    slider = board.locator("input[name=pause_weeks]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], middle, steps=5)
    expect(status).to_contain_text("weeks that work for Meta stays paused at")
    assert board.locator(".live").first.locator("td span").all_inner_texts() != lost
    assert page.get_by_text("Inputs were changed for this view").count() == 0  # the kernel waits
    page.mouse.up()
    changed = page.get_by_text("Inputs were changed for this view: pause_weeks=")
    expect(changed.first).to_be_visible(timeout=20_000)
    page.get_by_label("Why?").select_option(label="Contractors on Meta projects")
    expect(page.get_by_text("Contractors on Meta projects:").first).to_be_visible()
    for name in ("Picture as SVG", "Table as CSV"):
        with page.expect_download() as download:
            board.get_by_role("button", name=name).first.click()
        assert download.value.suggested_filename.startswith("mercor-baseline-losses.")
    board.get_by_role("button", name="Pin this one").click()
    board.get_by_role("button", name="Back to the evidence").click()
    expect(status).to_have_text(STILL)
    assert board.locator(".pinned").count() == 20
    expect(changed).to_have_count(0)
    assert said.inner_text()


def test_what_was_moved_is_kept_as_a_scenario_and_made_into_a_report(
    board: Locator, lab: Lab
) -> None:
    page = board.page
    name = page.get_by_placeholder("name of a scenario")
    keep = page.get_by_role("button", name="Keep as scenario")
    name.fill("A longer pause!")
    keep.click()
    expect(page.get_by_role("alert")).to_contain_text("nothing is changed")
    press(board, "pause_weeks")
    expect(page.get_by_text("Inputs were changed for this view").first).to_be_visible()
    keep.click()
    expect(page.get_by_text("Kept as scenario a-longer-pause.")).to_be_visible()
    expect(board.locator("select")).to_have_value("a-longer-pause")
    path = lab.home / "data/cases/mercor/scenarios.toml"
    kept = tomllib.loads(path.read_text("utf-8"))["scenario"]["a-longer-pause"]
    assert len(kept["set"]) == 1
    page.get_by_role("button", name="Make the report").click()
    made = page.get_by_text("8 made")
    expect(made).to_be_visible(timeout=200_000)
    page_ = lab.home / "notebooks/reports/mercor/a-longer-pause/00_brief.html"
    assert "A longer pause!" in page_.read_text("utf-8")
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="Open the report").click()
    expect(opening.value.get_by_role("heading").first).to_be_visible()


def test_a_restart_of_the_kernel_in_mid_drag_leaves_the_board_moving(board: Locator) -> None:
    page = board.page
    press(board, "pause_weeks")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator('[data-command="kernelmenu:restart"]').click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.get_by_text("| Idle").wait_for(timeout=READY)
    status = board.get_by_role("status")
    before = status.inner_text()
    press(board, "pause_weeks", times=2)
    expect(status).not_to_have_text(before)
    run_all_cells(page)
    page.get_by_text(STILL).wait_for(timeout=READY)
    press(page.locator(".impact-board"), "pause_weeks")
    expect(page.get_by_text("Inputs were changed for this view").first).to_be_visible()


def test_the_panel_fits_is_named_and_breaks_no_rule(board: Locator) -> None:
    page = board.page
    for width in (1_400, 1_052):  # the second leaves about 620 px for an output
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        assert page.evaluate(WIDER) == []
    for slider in board.get_by_role("slider").all():
        assert slider.get_attribute("aria-valuetext")
    found = Axe().run(page, context=".impact-board").response["violations"]
    assert [one["id"] for one in found] == []


WIDER = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
    .filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => [one.clientWidth, one.scrollWidth, one.textContent.trim().slice(0, 60)])"""


@pytest.mark.parametrize(
    ("notebook", "charts"),
    [
        *(("00_brief", 5), ("01_what_is_known", 3), ("02_who_is_exposed", 2)),
        *(("03_what_it_costs", 2), ("04_what_if", 5), ("05_how_sure", 1)),
        *(("06_my_stack", 1), ("07_what_it_may_become", 1)),
    ],
)
def test_a_notebook_shows_its_charts(desk: Page, notebook: str, charts: int) -> None:
    desk.set_viewport_size({"width": 1500, "height": 1300})
    desk.locator(".jp-DirListing-item", has_text=f"{notebook}.ipynb").dblclick()
    tab = desk.locator(".lm-DockPanel-tabBar .lm-mod-current", has_text=notebook)
    tab.wait_for(timeout=READY)
    shown = desk.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    idle = desk.get_by_text("| Idle")
    idle.wait_for(timeout=READY)
    run_all_cells(desk)
    images = shown.locator(".jp-RenderedSVG img")
    expect(images).to_have_count(charts, timeout=READY)
    idle.wait_for(timeout=READY)
    wide = images.evaluate_all("found => found.map(image => image.naturalWidth)")
    assert min(wide) > 200, wide
    assert len(wide) == charts
    assert shown.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    desk.set_viewport_size({"width": 1052, "height": 800})  # leaves about 620 px for an output
    desk.wait_for_timeout(300)
    over = desk.evaluate(WIDER)
    assert over == []
    assert desk.locator("mjx-container").count() == 0  # amounts in dollars are no formulas
