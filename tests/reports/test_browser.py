"""Pages in Chromium with the network cut: nothing is asked for, nothing is refused, all is read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

import impact
from impact.reports import batch, plan
from impact.reports.plan import Parameters

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]  # version 2.1, level AA
# contrast of each text with what is behind it: WCAG 2.1, 1.4.3
CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number)
  const lum = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor)
      if (found.length < 4 || found[3] > 0) return found
    }
    return [255, 255, 255]
  }
  const low = []
  for (const node of document.querySelectorAll('h1,h2,h3,p,th,td,dt,dd,a,span,summary,li')) {
    if (!node.textContent.trim() || node.closest('svg')) continue
    const [one, other] = [lum(rgb(getComputedStyle(node).color)), lum(behind(node))]
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (ratio < 4.5) low.push([node.tagName, node.textContent.slice(0, 40), ratio])
  }
  return low
}"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all reports of two scenarios of the bundled case, one hypothetical."""
    out = tmp_path_factory.mktemp("pages") / "out"
    case = impact.load_case("mercor")
    scenarios, base = ["baseline", "surge-falls"], Parameters(draws=2000)
    tasks, _ = plan.plan(case, plan.find_notebooks("all"), scenarios, base)
    assert batch.run(tasks, out, jobs=2).failed == {}
    return out


def opened(browser: Browser, path: Path, **look: Any) -> tuple[Page, list[str]]:
    """(page, what it asked for or complained of), the network cut."""
    context = browser.new_context(offline=True, **look)
    page, told = context.new_page(), list[str]()
    page.on("console", lambda said: told.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: told.append(f"error: {error}"))
    page.on("request", lambda asked: told.append(asked.url))
    page.goto(path.as_uri())
    told.remove(path.as_uri())
    return page, told


PAGES = 15  # eight notebooks of two scenarios, those that do not vary once, index and guide
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True}


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_every_page_is_quiet_fits_can_be_read_and_breaks_no_rule(
    browser: Browser, reports: Path, look: dict[str, Any]
) -> None:
    """Of each page, light and dark: no request, no line of the console, no sideways scrolling,
    contrast, texts of pictures, its order and names, and WCAG by axe."""
    pages = sorted(reports.rglob("*.html"))
    assert len(pages) == PAGES
    for path in pages:
        page, told = opened(browser, path, **look)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wide = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], path.name
            assert page.evaluate(CONTRAST) == [], path.name
            assert page.evaluate(UNREAD) == [], path.name
            if (scheme == "dark") == (look == PHONE):  # so axe reads each colour and each size
                _has_order_and_names(page, path.name)
                rules = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
                found = Axe().run(page, options=rules).response["violations"]
                broken = [(one["id"], [at["target"] for at in one["nodes"]][:3]) for one in found]
                assert broken == [], path.name
        assert told == [], path.name
        page.context.close()


def _has_order_and_names(page: Page, name: str) -> None:
    """Headings in order, tables with headings, a finding for each picture, ids once, no script."""
    assert page.get_attribute("html", "lang") == "en"
    assert page.title()
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), name
    assert page.locator("table:not(:has(th[scope=col]))").count() == 0
    findings = page.evaluate(FINDINGS)
    assert all(len(said.split()) > 5 for said in findings), name
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(ids) == len(set(ids)), name
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content") or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert page.locator("script, img, iframe, link, object, form").count() == 0
    for attribute in ("src", "style", "onload", "onclick"):
        assert page.locator(f"body [{attribute}]:not(svg *)").count() == 0


# what is said of each picture to those who do not see it
FINDINGS = """[...document.querySelectorAll('svg[role=img]')].map(
  svg => [...svg.querySelectorAll('desc, title')].at(-1)?.textContent ?? '')"""
# texts of pictures that are smaller than 11 px, or of which a part lies outside the picture
UNREAD = """() => {
  const found = []
  for (const svg of document.querySelectorAll('svg')) {
    const box = svg.getBoundingClientRect()
    const scale = box.width / svg.viewBox.baseVal.width
    for (const text of svg.querySelectorAll('text')) {
      const at = text.getBoundingClientRect()
      if (!at.width || !box.width) continue
      const size = parseFloat(getComputedStyle(text).fontSize) * scale
      const cut = at.left < box.left - 2 || at.right > box.right + 2
        || at.top < box.top - 2 || at.bottom > box.bottom + 2
      if (size < 10.9 || cut) found.push([text.textContent, size, cut])
    }
  }
  return found
}"""


def test_every_row_of_the_index_opens(browser: Browser, reports: Path) -> None:
    page, _ = opened(browser, reports / "index.html")
    links = set(page.evaluate("[...document.querySelectorAll('a')].map(a => a.href)"))
    assert len(links) == PAGES - 2
    for link in links:
        page.goto(link)
        assert page.locator("h1").count() == 1
    page.context.close()


def test_a_printed_page_opens_its_details_and_says_its_level_on_each_sheet(
    browser: Browser, reports: Path
) -> None:
    page, _ = opened(browser, next(reports.rglob("00_brief.html")))
    page.emulate_media(media="print")
    hidden = page.evaluate(
        "[...document.querySelectorAll('details table')]"
        ".filter(table => !table.getBoundingClientRect().height).length"
    )
    assert hidden == 0
    widths = page.evaluate(
        "() => { document.body.style.width = '680px';"
        " return [...document.querySelectorAll('table')].map(t => t.scrollWidth) }"
    )
    assert max(widths) <= 700, "Chromium would shrink the whole page"
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 30
    assert page.get_attribute("body", "class") == "tlp-clear"
    page.context.close()
