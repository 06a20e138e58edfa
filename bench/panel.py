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

from labs import CHROMIUM, run_all_cells, running  # noqa: E402  (a folder of the tests)

MOVES = 40
# The time of each move, in the thread of the page, to pictures that are laid out anew.
TIMED = """(moves) => {
  const { board } = document.querySelector('.impact-board');
  const took = [];
  for (const { name, min, max, log } of board.data.sliders)
    for (let i = 0; i < moves; i++) {
      const at = min + ((max - min) * (i + 0.5)) / moves;
      const value = board.model.print.significant(log ? 10 ** at : at, 3);
      const start = performance.now();
      board.go({ [name]: value });
      document.body.getBoundingClientRect();
      took.push(performance.now() - start);
    }
  board.go({}, board.data.scenario);
  return [took, board.start];
}"""


def rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Rows of the table: the panel, the import, the notebooks."""
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with running(ROOT, folder) as lab, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        page = browser.new_page(viewport={"width": 1500, "height": 1300})
        page.goto(f"{lab.url}/lab/tree/notebooks/explore.ipynb?token={lab.token}&reset")
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        run_all_cells(page)
        took, start = moves(page)
        browser.close()
    took.sort()
    yield (
        "move of a slider of the panel to redrawn pictures, in JupyterLab; 95th percentile; start",
        "30 ms; 60 ms; 1 s",
        "",
        f"{statistics.median(took):.0f} ms; {took[int(0.95 * len(took))]:.0f} ms; "
        f"{start / 1e3:.2f} s",
        f"{len(took)} moves over all sliders, bundled case, 10,000 draws, no kernel on the way",
    )
    imports = sorted(beyond_polars() for _ in range(9))
    yield (
        "`import impact` beyond polars",
        "50 ms",
        "",
        f"{1e3 * imports[4]:.1f} ms",
        f"[{1e3 * imports[-1]:.1f} ms], each in a process of its own",
    )
    slowest = {path.stem: kernel(path, folder) for path in notebooks()}
    name = max(slowest, key=lambda name: slowest[name])
    yield (
        "each notebook, default draws, papermill's command with a kernel of its own",
        "10 s",
        "",
        f"{slowest[name]:.1f} s ({name})",
        ", ".join(f"{name[:2]} {took:.1f} s" for name, took in slowest.items()),
    )


def moves(page: Page) -> tuple[list[float], float]:
    """Milliseconds of each of some moves of every slider, and of the start of the board."""
    page.locator(".impact-board form.board").wait_for(timeout=90_000)
    page.wait_for_timeout(3000)
    took, start = page.evaluate(TIMED, MOVES)
    return took, start


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
