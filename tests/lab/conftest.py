"""JupyterLab as a user starts it, and Chromium with everything but the loopback cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import CHROMIUM, Lab, running
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="session")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on the loopback."""
    with running(root, tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium that finds no host but the loopback."""
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """A page that notes what it asks of other hosts, as `page.strangers`."""
    context = browser.new_context(viewport={"width": 1500, "height": 1300})
    page = context.new_page()
    strangers: list[str] = []
    page.on("request", lambda asked: _note(asked.url, lab.url, strangers))
    page.strangers = strangers  # type: ignore[attr-defined]
    yield page
    context.close()


def _note(url: str, own: str, strangers: list[str]) -> None:
    inside = (own, own.replace("http", "ws", 1), "data:", "blob:")
    if not url.startswith(inside):
        strangers.append(url)
