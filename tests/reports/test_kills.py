"""SIGKILL at random moments of a batch with real kernels: nothing lost, nothing partial."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from impact.reports import files
from notebooks import case_of, contents

KILLS = int(os.environ.get("KILLS", "8"))  # `make bench-long` asks for more
TOML = """
[scenario.g]
each = { weeks = [1, 2, 3] }
"""
COMMAND = (
    *(sys.executable, "-m", "impact", "report", "tiny", "--scenario", "all", "--draws", "2000"),
    *("--notebook", "03_what_it_costs", "--jobs", "2", "--out"),
)


def seconds(out: str, folder: Path) -> float:
    """How long the command takes to its end."""
    start = time.monotonic()
    subprocess.run([*COMMAND, out], cwd=folder, check=True, capture_output=True)
    return time.monotonic() - start


def entries(found: dict[str, bytes]) -> dict[str, object]:
    """Finished reports: place and notebook -> entry."""
    return {
        path.removesuffix(files.MANIFEST) + notebook: entry
        for path, content in found.items()
        if path.endswith(files.MANIFEST)
        for notebook, entry in json.loads(content).items()
    }


def faults(out: Path, whole: dict[str, bytes]) -> list[str]:
    """What is wrong with a folder in which a batch was killed."""
    found, reference = contents(out), entries(whole)
    # these grow with the reports; what they say is looked at below
    growing = (files.MANIFEST, ".tmp", "index.html", "answers.csv", "answers.parquet")
    pages = {path: content for path, content in found.items() if not path.endswith(growing)}
    wrong = [path for path, content in pages.items() if content != whole.get(path)]
    for name, entry in entries(found).items():
        wrong += [name] if entry != reference.get(name) else []
        wrong += [path for path in (f"{name}.html", f"{name}.ipynb") if path not in found]
    return wrong


@pytest.mark.slow
@pytest.mark.timeout(300 + 30 * KILLS)  # to end what hangs, on a busy machine too
def test_kills_at_random_moments_lose_nothing_and_leave_nothing_partial(tmp_path: Path) -> None:
    case_of(tmp_path / "data" / "cases" / "tiny", TOML)
    lasts = seconds("whole", tmp_path)
    again = seconds("whole", tmp_path)  # of a run that finds all of it made
    whole, out = contents(tmp_path / "whole"), tmp_path / "out"
    reports = len(entries(whole))
    assert reports == 4
    seed = random.SystemRandom().randrange(2**32)
    moments, kills, rounds, kept = random.Random(seed), 0, 0, 0
    while kills < KILLS:
        running = subprocess.Popen(
            [*COMMAND, "out"],
            cwd=tmp_path,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        left = again + (lasts - again) * (1 - kept / reports)  # what this run is likely to take
        moment = moments.uniform(0.1, 0.9) * left
        try:
            running.wait(moment)
        except subprocess.TimeoutExpired:
            _kill(running, moments.random() < 0.5)
            kills += 1
        found = faults(out, whole) if out.exists() else []
        assert found == [], f"seed {seed}, kill {kills} after {moment:.3f} s"
        finished = len(entries(contents(out)))
        assert finished >= kept, f"seed {seed}, kill {kills}: a finished report was lost"
        kept = finished
        if running.returncode == 0:
            assert contents(out) == whole, f"seed {seed}, round {rounds}"
            shutil.rmtree(out)
            rounds, kept = rounds + 1, 0
            lasts, again = 0.8 * lasts, 0.8 * again  # the machine is faster than it was
    subprocess.run([*COMMAND, "out"], cwd=tmp_path, check=True, capture_output=True)
    assert contents(out) == whole, f"seed {seed}"
    print(f"{kills} kills, {rounds + 1} rounds finished, seed {seed}")


def _kill(running: subprocess.Popen[bytes], alone: bool) -> None:
    """Kill the command, alone or with all that it started; wait until all of it is gone."""
    every = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    for process in every[:1] if alone else every:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    running.wait()
    _, left = psutil.wait_procs(every[1:], timeout=20)
    assert left == [], f"these outlive the command: {left}"
