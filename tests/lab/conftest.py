"""JupyterLab as a user starts it, and Chromium with everything but the loopback cut.

Both end with the module: Playwright keeps an event loop running in the thread of the tests, in
which no second browser can start, and the kernels of the laboratory go on working.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import CHROMIUM, Lab, running
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright


@pytest.fixture(scope="module")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on the loopback."""
    with running(root, tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[BrowserContext]:
    """Chromium that finds no host but the loopback; what it has read of JupyterLab it keeps."""
    expect.set_options(timeout=30_000)  # ms, for what a busy machine shows late
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        yield opened.new_context(viewport={"width": 1500, "height": 1300})
        opened.close()


@pytest.fixture(scope="module")
def desk(browser: BrowserContext, lab: Lab) -> Iterator[Page]:
    """A page of JupyterLab with the list of the notebooks; it asks nothing of other hosts."""
    for page in _watched(browser, lab):
        page.goto(f"{lab.url}/lab/tree/notebooks?token={lab.token}&reset")
        yield page


@pytest.fixture(scope="module")
def explored(browser: BrowserContext, lab: Lab) -> Iterator[Page]:
    """Another one, with the notebook of the panel open."""
    for page in _watched(browser, lab):
        page.goto(f"{lab.url}/lab/tree/notebooks/explore.ipynb?token={lab.token}&reset")
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        yield page


def _watched(browser: BrowserContext, lab: Lab) -> Iterator[Page]:
    page, strangers = browser.new_page(), list[str]()
    inside = (lab.url, lab.url.replace("http", "ws", 1), "data:", "blob:")
    page.on("request", lambda asked: asked.url.startswith(inside) or strangers.append(asked.url))
    yield page
    assert strangers == []
    page.close()
