"""The sheet: one A4 page of at most 250 words, with five figures, of the level of its view."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

import impact
from impact.reports import page, plan
from impact.reports.plan import Parameters


def sheet_of(name: str, **asked: str) -> str:
    tasks, _ = plan.plan(
        impact.load_case(name),
        plan.find_notebooks("00_brief"),
        [asked.pop("scenario", "baseline")],
        Parameters(case=name, draws=2_000, **asked),
    )
    return page.sheet(tasks[0])


def text_of(html: str) -> str:
    body = html.partition("<body")[2]
    inline = re.sub(r"</?(?:a|span|br)\b[^>]*>", "", body.partition(">")[2])
    return re.sub(r"<[^>]+>", " ", inline)


@pytest.mark.parametrize(("name", "scenario"), [("mercor", "baseline"), ("mercor", "surge-falls"),
                                                ("drift", "baseline")])  # fmt: skip
def test_a_sheet_has_at_most_250_words_and_its_figures(name: str, scenario: str) -> None:
    html = sheet_of(name, scenario=scenario)
    prose = re.sub(r"<table>.*?</table>", "", html, flags=re.DOTALL)
    assert len(text_of(prose).split()) <= 250
    assert html.count("<tr>") == 1 + page.FIGURES
    assert "DECIDE" in text_of(html)
    assert "YOU PAY" not in text_of(html)
    assert "TLP:CLEAR" in text_of(html)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mercor", "drift"])
def test_a_sheet_prints_on_one_page(chromium: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / "sheet.html"
    path.write_text(sheet_of(name), "utf-8")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = opened.new_page()
        tab.goto(path.as_uri())
        printed = tab.pdf(prefer_css_page_size=True)
        opened.close()
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
