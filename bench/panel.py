"""The panel in a browser, the start of the kit, and each notebook in a real kernel."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "lab"))

from labs import CHROMIUM, run_all, running  # noqa: E402  (a folder of the tests)

MOVES = 40
# The time from each press of a key to the picture that it leads to, as the page sees it.
TIMED = """() => {
  const board = document.querySelector('[data-drawn]')
  window.took = []
  let pressed = null
  document.addEventListener('keydown', () => { pressed = performance.now() }, true)
  new MutationObserver(() => requestAnimationFrame(() => {
    if (pressed !== null) window.took.push(performance.now() - pressed)
    pressed = null
  })).observe(board, { attributes: true, attributeFilter: ['data-drawn'] })
}"""


def rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Rows of the table: the panel, the import, the notebooks."""
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with running(ROOT, folder) as lab, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport={"width": 1500, "height": 1300})
        run_all(page, lab, "explore.ipynb")
        took = moves(page)
        browser.close()
    kit = in_the_kit()
    yield (
        "slider to redrawn pictures in JupyterLab, three charts by Vega; of which the kit",
        "150 ms; 60 ms", "100 ms",
        f"{statistics.median(took):.0f} ms [{max(took):.0f}]; "
        f"{statistics.median(kit):.0f} ms [{max(kit):.0f}]",
        f"{len(took)} presses of a key on one slider, bundled case, 10,000 draws",
    )  # fmt: skip
    imports = sorted(beyond_polars() for _ in range(9))
    yield (
        "`import impact` beyond polars", "50 ms", "", f"{1e3 * imports[4]:.1f} ms",
        f"[{1e3 * imports[-1]:.1f} ms], each in a process of its own",
    )  # fmt: skip
    slowest = {path.stem: kernel(path, folder) for path in notebooks()}
    name = max(slowest, key=lambda name: slowest[name])
    yield (
        "each notebook, default draws, papermill's command with a kernel of its own", "10 s", "",
        f"{slowest[name]:.1f} s ({name})",
        ", ".join(f"{name[:2]} {took:.1f} s" for name, took in slowest.items()),
    )  # fmt: skip


def moves(page: Page) -> list[float]:
    """Milliseconds from a key to the picture, for each of some presses."""
    page.locator("[data-drawn]").wait_for(timeout=90_000)
    page.wait_for_timeout(3000)
    page.evaluate(TIMED)
    handle = page.locator(".input-pause_weeks .noUi-handle")
    for _ in range(MOVES):
        many = page.evaluate("window.took.length")
        handle.press("ArrowRight")
        page.wait_for_function("many => window.took.length > many", arg=many)
        page.wait_for_timeout(150)
    return page.evaluate("window.took")


def in_the_kit() -> list[float]:
    """Milliseconds that the panel takes in the kernel, for each of some moves."""
    from impact.panel import _Panel

    panel = _Panel("mercor", 10_000, 1)
    (slider,) = (
        box.children[1]
        for box in panel.sliders.children
        if "input-pause_weeks" in box.children[1]._dom_classes
    )
    took = []
    for _ in range(MOVES):
        start = time.perf_counter()
        slider.value += slider.step
        took.append(1e3 * (time.perf_counter() - start))
    return took


def beyond_polars() -> float:
    """Seconds of `import impact` in a new process that has polars."""
    code = (
        "import time, polars; start = time.perf_counter(); import impact;"
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def notebooks() -> list[Path]:
    """The notebooks, in order."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def kernel(path: Path, folder: Path) -> float:
    """Seconds of papermill's command over a notebook."""
    command = [sys.executable, "-m", "papermill", str(path), str(folder / "made.ipynb")]
    start = time.perf_counter()
    subprocess.run([*command, "--no-progress-bar"], check=True, capture_output=True)
    return time.perf_counter() - start
