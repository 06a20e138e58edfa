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
from impact.board import data
from impact.reports import batch, plan, verify, work
from impact.reports.plan import Parameters
from notebooks import case_of

WIDTHS = {"wide": 1100, "narrow": 390}
KINDS = ("html", work.LIVE)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The briefs of both bundled cases and of a case of one's own, as they are and live."""
    home = tmp_path_factory.mktemp("live")
    for case in ("mercor", "drift", case_of(home / "tiny")):
        loaded = impact.load_case(case)
        base = Parameters(case=loaded.id, draws=2000)
        tasks, _ = plan.plan(loaded, plan.find_notebooks("00_brief"), ["baseline"], base)
        assert batch.run(tasks, home / "out", KINDS).failed == {}
    return home


@pytest.fixture(autouse=True)
def closed(browser: Browser) -> Iterator[None]:
    """Pages end with their test: one that stays open goes on taking memory."""
    yield
    for context in browser.contexts:
        context.close()


def page_of(made: Path, case: str, kind: str = work.LIVE) -> Path:
    (found,) = (made / "out" / case).glob(f"*/00_brief.{kind}")
    return found


def opened(
    browser: Browser, path: Path, fragment: str = "", **context: Any
) -> tuple[Page, list[str]]:
    """A page from the disk, offline, and all that it asks for or complains of."""
    heard: list[str] = []
    page = browser.new_context(offline=True, **context).new_page()
    page.on("request", lambda asked: heard.append(asked.url))
    page.on("console", lambda said: heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(f"{path.as_uri()}{fragment}")
    return page, [one for one in heard if not one.startswith(path.as_uri())]


def words_of(page: Page, answer: str) -> list[str]:
    """The paragraphs and cells of an answer that a reader sees, without its actions."""
    shown = f'section[data-answer="{answer}"] :is(p:not(.note, .actions), th, td span)'
    texts = page.locator(shown).evaluate_all(
        "found => found.filter(one => one.checkVisibility({visibilityProperty: true}))"
        ".map(one => one.innerText)"
    )
    return [" ".join(text.split()) for text in texts]


@pytest.mark.parametrize("case", ["mercor", "drift", "tiny"])
@pytest.mark.parametrize("wide", WIDTHS)
def test_a_live_page_shows_what_the_static_one_shows_and_asks_for_nothing(
    browser: Browser, made: Path, case: str, wide: str
) -> None:
    size = {"width": WIDTHS[wide], "height": 900}
    still, _ = opened(browser, page_of(made, case, "html"), viewport=size)
    page, heard = opened(browser, page_of(made, case), viewport=size)
    assert heard == []
    assert page.evaluate("window.board.start") < 5000
    for answer in ("losses", "exposure"):
        assert words_of(page, answer) == words_of(still, answer), answer
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[wide]
    expect(page.get_by_role("status")).to_have_text(
        "Nothing is changed: evidence and assumptions are those of the case."
    )


@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_a_live_page_is_150_kb_more_at_most(made: Path, case: str) -> None:
    static, live = (page_of(made, case, kind).stat().st_size for kind in KINDS)
    assert live - static <= 150_000


def test_without_script_it_is_exactly_the_static_page(browser: Browser, made: Path) -> None:
    texts = []
    for kind in KINDS:
        page, heard = opened(browser, page_of(made, "mercor", kind), java_script_enabled=False)
        assert heard == []
        texts.append(page.locator("body").inner_text())
        static = page_of(made, "mercor", kind).read_text("utf-8")
        body = static.partition("<body")[2]
        texts[-1] = texts[-1], re.sub(r"<script.*</script>\s*", "", body, flags=re.S)
    assert texts[0] == texts[1]


def test_a_key_moves_a_slider_its_words_and_the_address_and_back(
    browser: Browser, made: Path
) -> None:
    page, heard = opened(browser, page_of(made, "mercor"))
    before = words_of(page, "losses")
    slider = page.get_by_role("slider", name=re.compile("Weeks that client work stays paused"))
    assert slider.get_attribute("aria-valuetext") == "3 to 52 weeks"
    slider.focus()
    for _ in range(4):
        page.keyboard.press("PageUp")
    status = page.get_by_role("status")
    expect(status).to_contain_text("weeks that client work stays paused at")
    assert re.fullmatch(r"[\d.]+ weeks", slider.get_attribute("aria-valuetext") or "")
    assert words_of(page, "losses") != before
    assert re.search(r"#pause_weeks=[\d.]+$", page.url)
    decisions = page.locator('section[data-answer="decisions"]')
    assert decisions.evaluate("(one) => getComputedStyle(one).color") == "rgb(87, 96, 106)"
    said = decisions.evaluate(
        "(one) => getComputedStyle(one.querySelector('h2'), '::after').content"
    )
    assert "As in the evidence" in said
    page.get_by_role("button", name="Back to the evidence").click()
    assert words_of(page, "losses") == before
    assert decisions.evaluate("(one) => getComputedStyle(one).opacity") == "1"
    assert heard == []


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


def test_a_scenario_says_what_it_supposes_of_whom(browser: Browser, made: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#scenario=surge-falls")
    supposed = page.get_by_text("Hypothetical: Surge AI falls too; no compromise reported.")
    expect(supposed).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("too (no compromise reported)")
    page.get_by_role("button", name="Back to the evidence").click()
    expect(supposed).to_have_count(0)


def test_a_pinned_setting_stays_as_rings_beside_another(browser: Browser, made: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#hours_a_week=30")
    page.get_by_role("button", name="Pin this one").click()
    page.get_by_role("button", name="Back to the evidence").click()
    assert page.locator(".live .pinned").count() == 20
    expect(page.locator(".board .note")).to_contain_text(
        "Pinned, drawn as rings: With paid hours a week"
    )
    page.get_by_role("button", name="Unpin").click()
    assert page.locator(".live .pinned").count() == 0


def test_tables_and_pictures_are_saved(browser: Browser, made: Path, tmp_path: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"))
    wanted = {
        "losses": "Who,What,Nine outcomes in ten,When\nA client lab,",
        "exposure": "Who,in reach,copied,with third parties\nAnthropic,about 40 %,about 25 %,",
    }
    for answer, begins in wanted.items():
        for name, kind in (("Table as CSV", "csv"), ("Picture as SVG", "svg")):
            with page.expect_download() as download:
                page.locator(f'[data-answer="{answer}"]').get_by_role("button", name=name).click()
            path = tmp_path / f"mercor-baseline-{answer}.{kind}"
            download.value.save_as(path)
            assert download.value.suggested_filename == path.name
            text = path.read_text("utf-8")
            if kind == "csv":
                assert text.startswith(begins)
            else:
                picture = ElementTree.fromstring(text)
                assert picture[0].text == page.get_by_role("status").inner_text()
                assert "var(" not in text


def test_a_scenario_without_a_loss_shows_no_picture_and_calls_nobody_hit_unsaid(
    browser: Browser, made: Path
) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#scenario=near-miss")
    expect(page.get_by_role("status")).to_contain_text("the total is none; unchanged, it is $13")
    head = page.locator("nav + .lead").evaluate("(one) => getComputedStyle(one, '::after').content")
    assert "Settings differ" in head
    assert page.locator('[data-answer="losses"] .live svg').count() == 0
    commission = page.locator("tr", has_text="European Commission").first
    expect(commission).to_contain_text("(CERT-EU, 2 April 2026)")
    page.get_by_label("Scenario").select_option("client-data-taken")
    for bar in page.locator('[data-answer="exposure"] .live rect').all():
        assert bar.get_attribute("class") == "assumed"
    drawn = page.locator('[data-answer="exposure"] .live svg').text_content()
    assert drawn
    assert "reported" not in drawn


def test_the_thumb_stands_where_the_scenario_has_it(browser: Browser, made: Path) -> None:
    page, _ = opened(browser, page_of(made, "mercor"))
    slider = page.locator("input[name=silent_client_pauses]")
    before = float(slider.input_value())
    page.get_by_label("Scenario").select_option("pause-spreads")
    assert slider.get_attribute("aria-valuetext") == "100\u00a0%"
    assert float(slider.input_value()) == 1.0 != before


FRAGMENTS = {
    "hexadecimal": "#pause_weeks=0x10",
    "a chance of seven": "#silent_client_pauses=7",
    "below its slider": "#pause_weeks=-3",
    "not a number": "#pause_weeks=NaN",
    "infinite": "#pause_weeks=1e999",
    "a script": "#pause_weeks=<script>alert(1)</script>",
    "an encoded script": "#%3Cscript%3Ealert(1)%3C/script%3E",
    "a broken code": "#%E0%A4%A",
    "no such input": "#no_such_input=3",
    "a name of every object": "#constructor=1&__proto__=2",
    "a scenario of every object": "#scenario=__proto__",
    "two values": "#pause_weeks=3=4",
    "twice": "#pause_weeks=5&pause_weeks=6",
    "nothing": "#pause_weeks",
    "ten megabytes": "#pause_weeks=" + "9" * 10_000_000,
}


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_a_strange_address_changes_nothing_and_says_so(
    browser: Browser, made: Path, fragment: str
) -> None:
    page, heard = opened(browser, page_of(made, "mercor"))
    usual = words_of(page, "losses")
    page.evaluate("(text) => { location.hash = text }", fragment)
    expect(page.get_by_role("alert")).to_be_visible()
    assert words_of(page, "losses") == usual
    assert "NaN" not in page.locator("body").inner_text()
    assert heard == []


def test_a_script_that_was_changed_does_not_run(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    text = page_of(made, "mercor").read_text("utf-8")
    changed = tmp_path / "page.html"
    changed.write_text(text.replace("const NODES = 513;", "const NODES = 512;"), "utf-8")
    page, _ = opened(browser, changed)
    assert page.evaluate("window.board") is None
    assert page.locator(".board").count() == 0
    assert "What could it cost" in page.locator("body").inner_text()


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


def test_a_page_that_was_cut_in_the_middle_stays_static(
    browser: Browser, made: Path, tmp_path: Path
) -> None:
    text = page_of(made, "mercor").read_text("utf-8")
    cut = tmp_path / "page.html"
    cut.write_text(text[: text.index('id="board-data"') + 20_000], "utf-8")
    page, heard = opened(browser, cut)
    assert heard == []
    assert "What could it cost" in page.locator("body").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, made: Path, scheme: Any) -> None:
    page, _ = opened(browser, page_of(made, "mercor"), "#pause_weeks=30", color_scheme=scheme)
    wanted = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    found = Axe().run(page, options=wanted).response["violations"]
    assert [one["id"] for one in found] == []


def test_a_live_page_is_verified_and_a_changed_number_of_its_data_is_named(
    made: Path, tmp_path: Path
) -> None:
    path = page_of(made, "mercor")
    assert not any(one.differences for one in verify.verify(path))
    alone = tmp_path / "00_brief.live.html"
    text = path.read_text("utf-8")
    alone.write_text(text, "utf-8")
    assert verify.verify(alone)[0].differences == ()
    low = re.search(r'"pause_weeks":\{"s":"pert","l":3\.0', text)
    assert low is not None
    alone.write_text(text.replace(low[0], low[0].replace("3.0", "1.0")), "utf-8")
    (verdict,) = verify.verify(alone)
    assert any("pause_weeks" in one["printed"] for one in verdict.differences)


def test_a_board_that_declines_says_why_and_the_page_stays(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from impact.reports import page as pages

    monkeypatch.setattr(data, "MOST", 1000)
    case = impact.load_case("mercor")
    base = Parameters(draws=2000)
    (task,), _ = plan.plan(case, plan.find_notebooks("00_brief"), ["baseline"], base)
    executed = work.execute(task)
    pages.draw(executed)
    text = pages.page(task, executed, live=True)
    assert "This page does not recompute: its data would have" in text
    assert "<script" not in text
