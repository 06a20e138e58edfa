"""Forked kernels: real ones, apart from each other, and given up where they cannot be had."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import papermill
import psutil
import pytest

from impact.reports import engine
from notebooks import notebook

WHO = "import os, sys; print(os.getpid(), os.getppid())"


def run(path: Path) -> list[str]:
    """What the code cells of a notebook print."""
    done = papermill.execute_notebook(
        str(path), None, engine_name="impact", progress_bar=False, kernel_name="python3"
    )
    cells = [cell for cell in done["cells"] if cell["cell_type"] == "code"]
    return ["".join(o.get("text", "") for o in cell["outputs"]).strip() for cell in cells]


def cells(folder: Path, *texts: str) -> Path:
    return notebook(folder / "n.ipynb", *texts, load=False)


def test_the_engine_can_be_imported_before_papermill() -> None:
    code = "import impact.reports.engine, papermill; print(papermill.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_notebook_has_a_kernel_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    path = cells(tmp_path, WHO)
    kernels = [run(path)[-1].split() for _ in range(2)]
    assert kernels[0][0] != kernels[1][0], "two reports had one kernel"
    assert kernels[0][1] == kernels[1][1], "they were not forked from one process"
    assert str(os.getpid()) not in {pid for pair in kernels for pid in pair}
    assert not any(psutil.pid_exists(int(pid)) for pid, _ in kernels)


def test_no_state_passes_from_one_report_to_the_next(tmp_path: Path) -> None:
    """Names, modules, the environment, the folder and random numbers are those of a new process."""
    leave = cells(
        tmp_path,
        "import builtins, os, polars, random, sys, impact",
        "builtins.left = polars.left = impact.left = 1; os.environ['LEFT'] = '1'; x = 1",
        "sys.modules['left'] = sys; os.chdir('/'); print(random.random())",
    )
    first = run(leave)[-1]
    look = cells(
        tmp_path,
        "import builtins, os, polars, random, sys, impact",
        "print([hasattr(m, 'left') for m in (builtins, polars, impact)], os.environ.get('LEFT'))",
        "print('x' in globals(), 'left' in sys.modules, os.getcwd() != '/', random.random())",
    )
    second, third = run(look)[-2:]
    assert second == "[False, False, False] None"
    assert third.startswith("False False True ")
    assert first not in third, "two kernels drew the same random number"


def test_a_forked_kernel_has_done_the_imports(tmp_path: Path) -> None:
    modules = ("polars", "altair", "vl_convert", "numpy", "impact.answers.tails")
    said = run(cells(tmp_path, f"import sys; print([m in sys.modules for m in {modules}])"))[-1]
    assert said == str([True] * len(modules))


def test_where_kernels_cannot_be_forked_papermill_starts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cells(tmp_path, WHO, "print('polars' in sys.modules)")
    monkeypatch.setenv(engine.PLAIN, "plain")
    pid, parent = run(path)[-2].split()
    assert parent == str(os.getpid())
    assert run(path)[-1] == "False"
    assert pid != parent


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=["died", "hangs"])
def test_a_stem_that_has_died_or_hangs_is_given_up_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    path = cells(tmp_path, WHO)
    stem = int(run(path)[-1].split()[1])
    monkeypatch.setattr(engine, "START_SECONDS", 1)
    os.kill(stem, sign)
    try:
        assert run(path)[-1].split()[1] == str(os.getpid())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stem, signal.SIGKILL)
    monkeypatch.undo()
    assert run(path)[-1].split()[1] not in (str(os.getpid()), str(stem))


def test_an_error_of_the_notebook_is_not_tried_twice(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = cells(tmp_path, f"open({str(log)!r}, 'a').write('x')", "1 / 0")
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        run(path)
    assert log.read_text("utf-8") == "x"


ASK = """
import sys, papermill
papermill.execute_notebook(sys.argv[1], None, engine_name="impact", progress_bar=False,
                           kernel_name="python3")
"""


def test_a_kernel_does_not_outlive_who_asked_for_it(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    path = cells(
        tmp_path,
        f"import os, time; open({str(log)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')",
        "time.sleep(60)",
    )
    asker = subprocess.Popen([sys.executable, "-c", ASK, str(path)], stderr=subprocess.DEVNULL)
    _until(lambda: log.exists() and len(log.read_text("utf-8").split()) == 2)
    pids = [int(pid) for pid in log.read_text("utf-8").split()]
    assert all(psutil.pid_exists(pid) for pid in pids)
    asker.kill()
    asker.wait()
    _until(lambda: not any(map(psutil.pid_exists, pids)))


def _until(holds: Any, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_the_papermill_command_runs_it(tmp_path: Path, root: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            str(root / "notebooks" / "02_who_is_exposed.ipynb"),
            str(tmp_path / "out.ipynb"),
            "--engine",
            "impact",
            "-p",
            "draws",
            "1000",
            "-p",
            "scenario",
            "long-pause",
            "--no-progress-bar",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "out.ipynb").read_text("utf-8"))
    kinds = {k for c in made["cells"] for o in c.get("outputs", ()) for k in o["data"]}
    assert "image/svg+xml" in kinds
