"""Live pages from the disk with the network cut: what they show, ask for, copy and refuse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import impact
from impact.answers.answer import MIME
from impact.board import data
from impact.reports import batch, plan, verify, work
from impact.reports import page as pages
from impact.reports.plan import Parameters
from notebooks import case_of

WIDTHS = (1100, 390)
KINDS = ("html", work.LIVE)
STILL = "Nothing is changed: evidence and assumptions are those of the case."
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The briefs of both bundled cases and of a case of one's own, as they are and live."""
    home, every = tmp_path_factory.mktemp("live"), list[plan.Task]()
    for case in ("mercor", "drift", case_of(home / "tiny")):
        loaded = impact.load_case(case)
        base = Parameters(case=loaded.id, draws=2000)
        tasks, _ = plan.plan(loaded, plan.find_notebooks("00_brief"), ["baseline"], base)
        every += tasks
    assert batch.run(every, home / "out", KINDS, jobs=2).failed == {}
    return home


def page_of(made: Path, case: str, kind: str = work.LIVE) -> Path:
    (found,) = (made / "out" / case).glob(f"*/00_brief.{kind}")
    return found


def opened(
    browser: Browser, path: Path, fragment: str = "", **context: Any
) -> tuple[Page, list[str]]:
    """A page from the disk, offline, and all that it asks for or complains of while it is open."""
    heard: list[str] = []

    def hear(said: str) -> None:
        if not said.startswith(path.as_uri()):
            heard.append(said)

    page = browser.new_context(offline=True, **context).new_page()
    page.on("request", lambda asked: hear(asked.url))
    page.on("console", lambda said: hear(said.text))
    page.on("pageerror", lambda error: hear(str(error)))
    page.goto(f"{path.as_uri()}{fragment}")
    return page, heard


@pytest.fixture(scope="module")
def shared(browser: Browser, made: Path) -> tuple[Page, list[str]]:
    """The live page of the bundled case, which stays open."""
    return opened(browser, page_of(made, "mercor"))


@pytest.fixture
def live(shared: tuple[Page, list[str]]) -> Iterator[Page]:
    """That page at the evidence; whatever is done, it asks for nothing and does not complain."""
    page, heard = shared
    page.get_by_role("button", name="Back to the evidence").click()
    expect(page.get_by_role("status")).to_have_text(STILL)
    yield page
    assert heard == []


@pytest.fixture(autouse=True)
def closed(browser: Browser, shared: tuple[Page, list[str]]) -> Iterator[None]:
    """Other pages end with their test: one that stays open goes on taking memory."""
    yield
    for context in browser.contexts:
        if context is not shared[0].context:
            context.close()


def move(page: Page, fragment: str) -> None:
    """Another setting in the address of an open page."""
    page.evaluate("(text) => { location.hash = text }", fragment)


def words_of(page: Page, answer: str) -> list[str]:
    """The paragraphs and cells of an answer that a reader sees, without its actions."""
    shown = f'section[data-answer="{answer}"] :is(p:not(.note, .actions), th, td span)'
    texts = page.locator(shown).evaluate_all(
        "found => found.filter(one => one.checkVisibility({visibilityProperty: true}))"
        ".map(one => one.innerText)"
    )
    return [" ".join(text.split()) for text in texts]


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_a_dot_is_drawn_on_its_side_of_the_band(browser: Browser, made: Path, case: str) -> None:
    page, _ = opened(browser, page_of(made, case))
    sides = page.locator("svg:has(> .band)").evaluate_all(
        """([picture]) => { const band = picture.querySelector(".band");
        const [low, high] = [band.x.baseVal.value, band.x.baseVal.value + band.width.baseVal.value];
        return [...picture.querySelectorAll(".dot")].map((dot) => dot.cx.baseVal.value)
          .map((at) => Math.sign(at - low) + Math.sign(at - high)); }"""
    )
    assert [sides.count(side) for side in (-2, 0, 2)] == [1, 18, 1]


@pytest.mark.parametrize("case", ["mercor", "drift", "tiny"])
def test_a_live_page_shows_what_the_static_one_shows_and_asks_for_nothing(
    browser: Browser, made: Path, case: str
) -> None:
    still, _ = opened(browser, page_of(made, case, "html"))
    page, heard = opened(browser, page_of(made, case))
    assert page.evaluate("window.board.start") < 5000
    for wide in WIDTHS:
        for one in (still, page):
            one.set_viewport_size({"width": wide, "height": 900})
        for answer in ("losses", "exposure"):
            assert words_of(page, answer) == words_of(still, answer), answer
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
    expect(page.get_by_role("status")).to_have_text(STILL)
    assert heard == []


def test_without_script_it_is_exactly_the_static_page(browser: Browser, made: Path) -> None:
    texts = []
    for path in (page_of(made, "mercor", kind) for kind in KINDS):
        page, heard = opened(browser, path, java_script_enabled=False)
        assert heard == []
        body = path.read_text("utf-8").partition("<body")[2]
        without = re.sub(r"<script.*</script>\s*", "", body, flags=re.S)
        texts.append((page.locator("body").inner_text(), without))
    assert texts[0] == texts[1]


def test_a_key_moves_a_slider_its_words_and_the_address_and_back(live: Page) -> None:
    before = words_of(live, "losses")
    slider = live.get_by_role("slider", name=re.compile("Weeks that work for Meta stays paused"))
    assert slider.get_attribute("aria-valuetext") == "3 to 52 weeks, 22 by now"
    slider.focus()
    for _ in range(4):
        live.keyboard.press("PageUp")
    status = live.get_by_role("status")
    expect(status).to_contain_text("weeks that work for Meta stays paused at")
    assert re.fullmatch(r"[\d.]+ weeks", slider.get_attribute("aria-valuetext") or "")
    assert words_of(live, "losses") != before
    assert re.search(r"#pause_weeks=[\d.]+$", live.url)
    decisions = live.locator('section[data-answer="decisions"]')
    assert decisions.evaluate("(one) => getComputedStyle(one).color") == "rgb(87, 96, 106)"
    said = decisions.evaluate(
        "(one) => getComputedStyle(one.querySelector('h2'), '::after').content"
    )
    assert "As in the evidence" in said
    live.get_by_role("button", name="Back to the evidence").click()
    assert words_of(live, "losses") == before
    assert decisions.evaluate("(one) => getComputedStyle(one).opacity") == "1"


def test_a_drag_of_the_mouse_moves_the_words(browser: Browser, made: Path) -> None:
    page, heard = opened(browser, page_of(made, "drift"))
    before = words_of(page, "losses")
    slider = page.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8, 0.9):
        page.mouse.move(box["x"] + share * box["width"], middle)
    expect(page.get_by_role("status")).to_contain_text("With ")
    page.mouse.up()
    assert words_of(page, "losses") != before
    assert "#" in page.url
    assert heard == []


def test_what_is_copied_is_what_the_command_takes(browser: Browser, made: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#scenario=long-pause&hours_a_week=20")
    page.get_by_role("button", name="Copy these settings").click()
    copied = page.locator(".copied").inner_text()
    assert copied == "--scenario long-pause --set hours_a_week=20"
    shown = commands.impact("show", "mercor", "--draws", "2000", *copied.split())
    told = words_of(page, "losses")[0]
    assert shown.returncode == 0
    assert told.split(" in nine")[0] in " ".join(shown.stdout.split())


def test_a_scenario_says_what_it_supposes_of_whom(live: Page) -> None:
    move(live, "#scenario=surge-falls")
    supposed = live.get_by_text(
        "Hypothetical: Surge AI is compromised too; no compromise reported."
    )
    expect(supposed).to_be_visible()
    expect(live.get_by_role("status")).to_contain_text("too (no compromise reported)")
    live.get_by_role("button", name="Back to the evidence").click()
    expect(supposed).to_have_count(0)


def test_a_pinned_setting_stays_as_rings_beside_another(live: Page) -> None:
    move(live, "#hours_a_week=30")
    expect(live.get_by_role("status")).to_contain_text("With paid hours a week")
    live.get_by_role("button", name="Pin this one").click()
    live.get_by_role("button", name="Back to the evidence").click()
    assert live.locator(".live .pinned").count() == 20
    expect(live.locator(".board .note")).to_contain_text(
        "Pinned, drawn as rings: With paid hours a week"
    )
    live.get_by_role("button", name="Unpin").click()
    assert live.locator(".live .pinned").count() == 0


def test_tables_and_pictures_are_saved(live: Page, tmp_path: Path) -> None:
    wanted = {
        "losses": "Who,What,Nine outcomes in ten,When\nMeta,",
        "exposure": "Who,in reach,copied,with third parties\nAnthropic,about 40 %,about 25 %,",
    }
    for answer, begins in wanted.items():
        for name, kind in (("Table as CSV", "csv"), ("Picture as SVG", "svg")):
            with live.expect_download() as download:
                live.locator(f'[data-answer="{answer}"]').get_by_role("button", name=name).click()
            path = tmp_path / f"mercor-baseline-{answer}.{kind}"
            download.value.save_as(path)
            assert download.value.suggested_filename == path.name
            text = path.read_text("utf-8")
            if kind == "csv":
                assert text.startswith(begins)
            else:
                picture = ElementTree.fromstring(text)
                assert picture[0].text == live.get_by_role("status").inner_text()
                assert "var(" not in text


def test_a_scenario_without_a_loss_shows_no_picture_and_calls_nobody_hit_unsaid(
    live: Page,
) -> None:
    move(live, "#scenario=near-miss")
    expect(live.get_by_role("status")).to_contain_text("the total is none; unchanged, it is $13")
    head = live.locator("nav + .lead").evaluate("(one) => getComputedStyle(one, '::after').content")
    assert "Settings differ" in head
    assert live.locator('[data-answer="losses"] .live svg').count() == 0
    commission = live.locator("tr", has_text="European Commission").first
    expect(commission).to_contain_text("(CERT-EU, 2 April 2026)")
    live.get_by_label("Scenario").select_option("client-data-taken")
    bars = live.locator('[data-answer="exposure"] .live rect').all()
    assert {bar.get_attribute("class") for bar in bars} == {"assumed"}
    drawn = live.locator('[data-answer="exposure"] .live svg').text_content()
    assert drawn
    assert "reported" not in drawn


def test_the_thumb_stands_where_the_scenario_has_it(live: Page) -> None:
    slider = live.locator("input[name=silent_client_pauses]")
    before = float(slider.input_value())
    live.get_by_label("Scenario").select_option("pause-spreads")
    assert slider.get_attribute("aria-valuetext") == "100\u00a0%"
    assert float(slider.input_value()) == 1.0 != before


STRANGE = (
    *("#pause_weeks=0x10", "#silent_client_pauses=7", "#pause_weeks=-3", "#pause_weeks=NaN"),
    *("#pause_weeks=1e999", "#pause_weeks=<script>alert(1)</script>", "#pause_weeks=3=4"),
    *("#%3Cscript%3Ealert(1)%3C/script%3E", "#%E0%A4%A", "#no_such_input=3", "#pause_weeks"),
    *("#constructor=1&__proto__=2", "#scenario=__proto__", "#pause_weeks=5&pause_weeks=6"),
    "#pause_weeks=" + "9" * 10_000_000,
)


def test_a_strange_address_changes_nothing_and_says_so(live: Page) -> None:
    usual, wrong = words_of(live, "losses"), live.get_by_role("alert")
    for fragment in STRANGE:
        move(live, "#hours_a_week=30")
        expect(live.get_by_role("status")).to_contain_text("With paid hours a week")
        expect(wrong).to_be_hidden()
        assert words_of(live, "losses") != usual
        move(live, fragment)
        expect(wrong, fragment[:60]).to_be_visible()
        assert words_of(live, "losses") == usual, fragment[:60]
        assert "NaN" not in live.locator("body").inner_text()


def test_a_page_whose_script_was_changed_or_that_was_cut_in_the_middle_stays_static(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    text, path = page_of(made, "mercor").read_text("utf-8"), tmp_path / "page.html"
    changed = text.replace("const NODES = 513;", "const NODES = 512;")
    for spoiled in (changed, text[: text.index('id="board-data"') + 20_000]):
        path.write_text(spoiled, "utf-8")
        page, heard = opened(browser, path)
        assert page.evaluate("window.board") is None
        assert page.locator(".board").count() == 0
        assert "What could it cost" in page.locator("body").inner_text()
    assert heard == [], "of the one that was cut"


def test_a_browser_that_cannot_recompute_shows_the_static_page_and_a_line(
    browser: Browser, made: Path
) -> None:
    page = browser.new_context(offline=True).new_page()
    page.add_init_script("delete window.BigInt; delete window.Float64Array")
    page.goto(page_of(made, "mercor").as_uri())
    expect(page.get_by_role("alert")).to_have_text(
        "This browser cannot recompute the page, so it stays as it was made."
    )
    static, _ = opened(browser, page_of(made, "mercor", "html"))
    losses = 'section[data-answer="losses"]'
    assert page.locator(losses).inner_text() == static.locator(losses).inner_text()
    assert page.locator(".board, .live").count() == 0


def test_axe_finds_no_violation(browser: Browser, made: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#pause_weeks=30")
    wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    wanted = {"runOnly": {"type": "tag", "values": wcag}, "resultTypes": ["violations"]}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=wanted).response["violations"]
        assert [one["id"] for one in found] == [], scheme


def test_a_live_page_is_verified_and_a_changed_number_of_its_data_is_named(
    made: Path, tmp_path: Path
) -> None:
    path = page_of(made, "mercor")
    assert not any(one.differences for one in verify.verify(path))
    alone = tmp_path / "00_brief.live.html"
    text = path.read_text("utf-8")
    low = re.search(r'"pause_weeks":\{"s":"pert","l":3\.0', text)
    assert low is not None
    alone.write_text(text.replace(low[0], low[0].replace("3.0", "1.0")), "utf-8")
    (verdict,) = verify.verify(alone)
    assert verdict.differences
    assert all("pause_weeks" in one["printed"] for one in verdict.differences)


def test_a_board_that_declines_says_why_and_the_page_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MOST", 1000)
    case, base = impact.load_case("mercor"), Parameters(draws=500)
    (task,), _ = plan.plan(case, plan.find_notebooks("00_brief"), ["baseline"], base)
    run = impact.simulate(task.known, base.draws)
    records = [answer.record() for answer in (impact.exposure(run), impact.losses(run))]
    outputs = [{"data": {MIME: record}} for record in records]
    executed = {"cells": [{"cell_type": "code", "source": "", "outputs": outputs}]}
    text = pages.page(task, executed, live=True)
    assert "This page does not recompute: its data would have" in text
    assert "<script" not in text
    assert "Nine outcomes in ten" in text


WORDS = """([inside]) => {
  const all = document.body.cloneNode(true)
  const of = text => text.split(/\\s+/).filter(Boolean).length
  const drawn = [...all.querySelectorAll('.wide svg text')].map(text => of(text.textContent))
  all.querySelectorAll('svg').forEach(svg => svg.remove())
  return inside ? drawn.reduce((sum, n) => sum + n, 0) : of(all.textContent)
}"""


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_the_brief_is_short_and_a_live_one_150_kb_more_at_most(
    browser: Browser, made: Path, case: str
) -> None:
    path = page_of(made, case, "html")
    assert path.stat().st_size <= 300_000
    assert page_of(made, case).stat().st_size <= path.stat().st_size + 150_000
    page, _ = opened(browser, path)
    for width, most in ((390, 9_500), (1100, 5_500)):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollHeight") <= most
    assert page.locator("table").count() <= 5
    assert page.evaluate(WORDS, [False]) <= 1_200
    assert page.evaluate(WORDS, [True]) <= 700
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 5
