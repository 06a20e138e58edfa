"""A hundred scenario reports beside papermill's own command, and the same again unchanged."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
MANY, PEERS = 100, 10  # reports of the kit; of papermill, scaled to as many
GRID = """
[scenario.grid]
title = "Pause"
says = "Work stands still."
each = {{ pause_weeks = {values} }}
"""


def grid_case(folder: Path) -> Path:
    """The bundled case with a grid of as many scenarios."""
    home = shutil.copytree(ROOT / "data" / "cases" / "mercor", folder / "grid" / "mercor")
    values = [round(1 + 0.5 * number, 1) for number in range(MANY)]
    with (home / "scenarios.toml").open("a", encoding="utf-8") as stream:
        stream.write(GRID.format(values=values))
    return home


def spent(*commands: list[str]) -> tuple[float, float]:
    """(seconds, CPU seconds of the whole machine) of some commands, one after the other."""
    before, start = psutil.cpu_times(), time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    wall, after = time.perf_counter() - start, psutil.cpu_times()
    return wall, sum(getattr(after, part) - getattr(before, part) for part in ("user", "system"))


def rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Rows of the table: time and CPU against papermill, and the same reports again."""
    home, out = grid_case(folder), folder / "out"
    notebook = ROOT / "notebooks" / "00_brief.ipynb"
    names = [f"grid_{1 + 0.5 * number:g}" for number in range(MANY)]
    papermill = [
        [
            sys.executable,
            "-m",
            "papermill",
            str(notebook),
            str(folder / "papermill.ipynb"),
            "--no-progress-bar",
            "-p",
            "case",
            str(home),
            "-p",
            "scenario",
            name,
        ]
        for name in names[:: MANY // PEERS]
    ]
    ours = [
        *(sys.executable, "-m", "impact", "report", str(home), "--scenario", "grid"),
        *("--jobs", "2", "--out", str(out)),
    ]
    theirs_wall, theirs_cpu = (MANY / PEERS * part for part in spent(*papermill))
    wall, cpu = spent(ours)
    made = len(list(out.rglob("00_brief.html")))
    assert made == MANY, f"{made} reports were made"
    what = f"{MANY} scenario reports, 2 at a time, real kernels, with pages and index"
    took = f"{wall:.0f} s, {cpu:.0f} s CPU of the machine"
    peer = f"papermill {theirs_wall:.0f} s, {theirs_cpu:.0f} s CPU ({PEERS} reports, scaled)"
    yield (
        f"{what}: papermill's command one by one over the kit, time; CPU",
        "6x; 4x",
        "8x time",
        f"{theirs_wall / wall:.1f}x; {theirs_cpu / cpu:.1f}x",
        f"{took}; {peer}",
    )
    again = [spent(ours)[0] for _ in range(5)]
    yield (
        f"the same {MANY} reports again, unchanged",
        "2 s",
        "1 s",
        f"{sorted(again)[2]:.2f} s",
        f"[{max(again):.2f} s], with the start of the command",
    )
