"""The sheet: one A4 page of at most 250 words, with five figures, of the level of its view."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

import impact
from impact.reports import page, plan
from impact.reports.plan import Parameters


def text_of(html: str) -> str:
    body = html.partition("<body")[2]
    inline = re.sub(r"</?(?:a|span|br)\b[^>]*>", "", body.partition(">")[2])
    return re.sub(r"<[^>]+>", " ", inline)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "scenario"), [("mercor", "baseline"), ("mercor", "surge-falls"), ("drift", "baseline")]
)
def test_a_sheet_has_at_most_250_words_and_its_figures_and_prints_on_one_page(
    browser: Browser, name: str, scenario: str
) -> None:
    notebooks, asked = plan.find_notebooks("00_brief"), Parameters(case=name, draws=2_000)
    (task,), _ = plan.plan(impact.load_case(name), notebooks, [scenario], asked)
    html = page.sheet(task)
    prose = re.sub(r"<table>.*?</table>", "", html, flags=re.DOTALL)
    assert len(text_of(prose).split()) <= 250
    assert html.count("<tr>") == 1 + 5
    assert "DECIDE" in text_of(html)
    assert "YOU PAY" not in text_of(html)
    assert "TLP:CLEAR" in text_of(html)
    tab = browser.new_page()
    tab.set_content(html)
    printed = tab.pdf(prefer_css_page_size=True)
    tab.close()
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
