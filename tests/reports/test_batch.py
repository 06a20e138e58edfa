"""Batches with real kernels: what fails is named, what is finished stays, the unchanged is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import commands
import polars as pl
import psutil
import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, command, engine, files, page
from notebooks import DRAWS, LOAD, SCENARIOS, case_of, contents, notebook, planned

# how some scenarios of `small` end: the name of the error, how often it is tried, the way
ENDS = {
    "worse": ("ValueError", 1, "raise ValueError('of ' + 'some' + 'body')"),
    "pause_2": ("the kernel died", 2, "os.kill(os.getpid(), signal.SIGKILL)"),
    # bytes of zeros count as held and are never touched: no machine has to have them
    "pause_4": ("MemoryError", 2, "eaten = [bytes(2**28) for _ in range(17)]"),
    "pause_8": ("TimeoutError", 2, "time.sleep(600)"),
}
ODD = """for it in ({}, 5, {'name': 'x'}):
    display({'application/vnd.impact.answer+json': it}, raw=True)"""


def short(names: Any) -> list[str]:
    """Names of tasks as their scenarios."""
    return sorted(name.split("/")[1].partition("~")[0] for name in names)


def test_a_batch_makes_pages_notebooks_results_and_an_index(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    """And no batch of another level goes into its folder."""
    out = tmp_path / "out"
    tasks = planned(small, [brief])
    done = batch.run(tasks, out, jobs=2)
    assert (len(done.made), done.skipped, done.failed) == (5, [], {})
    home = out / tasks[0].place
    assert sorted(path.name for path in home.iterdir()) == [
        *("00_small.html", "00_small.ipynb"),
        *("answers.csv", "answers.parquet", "manifest.json"),
    ]
    entry = files.read(home / files.MANIFEST)["00_small"]
    figures = {figure["name"]: figure for figure in entry["figures"]}
    run = impact.simulate(tasks[0].known, DRAWS)
    mean = figures["mean.total"]["value"]
    assert mean == pytest.approx(sum(run.losses.values()).mean())
    table = pl.read_parquet(home / "answers.parquet")
    assert table.filter(pl.col("name") == "mean.total")["value"].item() == mean
    beside = {"index.html", f"{page.GUIDE}.html", batch.LAST_RUN}
    assert {path.name for path in out.iterdir()} == {"tiny", *beside}
    index = (out / "index.html").read_text("utf-8")
    assert all(f"{task.place}/00_small.html" in index for task in tasks)
    before = contents(out)
    with pytest.raises(BadInput, match="holds reports at TLP:CLEAR, these are at TLP:GREEN"):
        batch.run(planned(small, [brief], "baseline", tlp="green"), out)
    assert contents(out) == before


def test_the_unchanged_is_left_and_what_changed_or_was_damaged_is_made_again_and_said(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tasks = planned(small, [brief])
    batch.run(tasks, out, jobs=2)
    good = contents(out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.html")}
    again = batch.run(tasks, out, jobs=2)
    assert (again.made, len(again.skipped)) == ({}, 5)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole = (out / "index.html").read_text("utf-8")
    for text in (whole.replace("start here", "end here"), "", "of another"):
        (out / "index.html").write_text(text, "utf-8")
        batch.run(tasks, out)
        assert (out / "index.html").read_text("utf-8") == whole

    for kind in ("html", "ipynb"):
        (out / tasks[0].place / f"00_small.{kind}").unlink()
    batch.run(tasks[1:], out)
    index = (out / "index.html").read_text("utf-8")
    assert "page lost" in index
    assert f"{tasks[0].place}/00_small.html" not in index
    (out / tasks[1].place / "00_small.html").write_text("edited", "utf-8")
    (out / tasks[2].place / "00_small.ipynb").unlink()
    again = batch.run(tasks, out, jobs=2)
    assert again.made == {
        tasks[0].name: ["changed: its html file", "changed: its ipynb file"],
        tasks[1].name: ["changed: its html file"],
        tasks[2].name: ["changed: its ipynb file"],
    }
    assert contents(out) == good

    changed = impact.load_case(case_of(tmp_path / "new", SCENARIOS.replace("0.9", "0.8")))
    third = batch.run(planned(changed, [brief]), out, jobs=2)
    why = {task.name: ["changed: scenarios of the case"] for task in tasks}
    why[tasks[1].name].insert(0, "changed: inputs of the case")
    assert third.made == why
    assert json.loads((out / batch.LAST_RUN).read_text("utf-8"))["made"] == third.made


def test_a_page_of_what_was_said_before_does_not_stay_beside_what_is_said_now(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (task,) = planned(small, [brief], "worse")
    home = out / task.place
    for kinds in (("html",), ("ipynb",)):
        batch.run([task], out, kinds)
    assert {path.suffix for path in home.glob("00_small.*")} == {".html", ".ipynb"}
    assert files.entries_of(home / "manifest.json")["00_small"]["files"].keys() == {"html", "ipynb"}
    changed = impact.load_case(case_of(tmp_path / "new", SCENARIOS.replace("0.9", "0.8")))
    batch.run(planned(changed, [brief], "worse"), out, ("ipynb",))
    assert {path.suffix for path in home.glob("00_small.*")} == {".ipynb"}


def test_failing_scenarios_are_named_each_with_its_reason_and_the_others_finish(
    small: impact.Case, tmp_path: Path
) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    note = f"open({str(log)!r}, 'a').write(scenario + ' ')"  # first: a try counts from its begin
    ends = {name: way for name, (_, _, way) in ENDS.items()}
    cell = f"import os, signal, time\nfits = bytes(2**31)\nexec({ends}.get(scenario, ''))"
    cells = (note, LOAD, "impact.losses(run)", cell)
    path = notebook(tmp_path / "00_small.ipynb", *cells, load=False)
    *tasks, hanging = planned(small, [path])
    done = batch.run(tasks, out, jobs=2, seconds=60)
    assert list(done.made) == [tasks[0].name]
    done.failed |= batch.run([hanging], out, seconds=5).failed
    assert short(done.failed) == sorted(ENDS)
    index = (out / "index.html").read_text("utf-8")
    tries = log.read_text("utf-8").split()
    for task in (*tasks[1:], hanging):
        kind, many, _ = ENDS[task.parameters.scenario]
        assert f"failed with {kind}" in done.failed[task.name].what
        assert tries.count(task.parameters.scenario) == many
        assert f"failed ({kind})" in index
    assert "somebody" not in "".join(map(str, contents(out / "tiny").values()))
    kept = list((tmp_path / ".failed").glob("*.ipynb"))
    assert (len(kept), list(out.rglob(".failed"))) == (4, [])
    assert all("impact.losses" in one.read_text("utf-8") for one in kept)


def test_a_failed_report_is_tried_by_the_next_run_and_the_old_page_stays(
    small: impact.Case, tmp_path: Path
) -> None:
    """Records that are no answers are left out of it."""
    out, log = tmp_path / "out", tmp_path / "fail"
    cell = f"import os\nassert not os.path.exists({str(log)!r})"
    path = notebook(tmp_path / "00_small.ipynb", ODD, "impact.losses(run)", cell)
    tasks = planned(small, [path], "baseline")
    assert len(batch.run(tasks, out).made) == 1
    good, page = contents(out), out / tasks[0].place / "00_small.html"
    log.touch()
    page.write_text("edited", "utf-8")
    failed = batch.run(tasks, out)
    assert (short(failed.failed), page.exists()) == (["baseline"], True)
    assert "failed (AssertionError), of an earlier run" in (out / "index.html").read_text("utf-8")
    log.unlink()
    assert list(batch.run(tasks, out).made.values()) == [["it failed before"]]
    assert contents(out) == good


class Here(Executor):
    """An executor that works in this process, one call after the other."""

    def submit(self, call: Any, *given: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(call(*given, **named))
        return done


def test_pages_have_the_same_bytes_whoever_makes_them(
    tmp_path: Path, brief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker or two, here or in processes, from kernels that were forked or not; and although
    the case has changed since the reports were planned."""
    home = case_of(tmp_path / "cases" / "tiny")
    tasks = planned(impact.load_case(home), [brief], "baseline", "worse")
    batch.run(tasks, tmp_path / "usual")
    inputs = home / "inputs.csv"
    inputs.write_text(inputs.read_text("utf-8").replace("1000", "999999"), "utf-8")
    batch.run(tasks[::-1], tmp_path / "two", jobs=2)
    batch.run(tasks, tmp_path / "here", executor=Here())
    monkeypatch.setenv(engine.PLAIN, "plain")
    pool = batch.workers(1)
    assert isinstance(pool, ProcessPoolExecutor)
    pool.shutdown()
    batch.run(tasks, tmp_path / "plain", jobs=2)
    usual = contents(tmp_path / "usual")
    for way in ("two", "here", "plain"):
        assert contents(tmp_path / way) == usual, way


def test_a_worker_that_dies_ends_its_own_task_alone(small: impact.Case, tmp_path: Path) -> None:
    """The notebook ends the process that asked for its kernel."""
    cell = (
        "import os, signal, time\n"
        "from ipykernel.kernelapp import IPKernelApp\n"
        "if scenario == 'worse':\n"
        "    os.kill(IPKernelApp.instance().parent_handle, signal.SIGKILL)\n"
        "    time.sleep(30)"
    )
    path = notebook(tmp_path / "00_small.ipynb", "impact.losses(run)", cell)
    tasks = planned(small, [path], "baseline", "worse", "pause_2", "pause_4")
    done = batch.run(tasks, tmp_path / "out", jobs=2)
    assert short(done.failed) == ["worse"]
    assert "the worker died" in next(iter(done.failed.values())).what
    assert short(done.made) == ["baseline", "pause_2", "pause_4"]


def test_a_given_executor_whose_workers_die_names_what_was_lost(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    class Dead(Executor):
        def submit(self, *call: Any, **named: Any) -> Any:
            broken: Future[Any] = Future()
            broken.set_exception(BrokenExecutor())
            return broken

    done = batch.run(planned(small, [brief]), tmp_path / "out", executor=Dead())
    assert (len(done.made), len(done.failed)) == (0, 5)
    assert all("the worker died" in fault.what for fault in done.failed.values())


def test_a_failure_in_a_folder_called_dot_stays_beside_it_and_its_name_is_a_word(
    small: impact.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "here"
    out.mkdir()
    monkeypatch.chdir(out)
    cell = "raise type('<b>\u202e/x y\\n', (Exception,), {})('x')"
    path = notebook(tmp_path / "00_small.ipynb", cell)
    (fault,) = batch.run(planned(small, [path], "worse"), Path()).failed.values()
    assert "failed with bxy" in fault.what
    assert "failed (bxy" in (out / "index.html").read_text("utf-8")
    assert list((tmp_path / ".failed").glob("*.ipynb"))
    assert not (out / ".failed").exists()


def test_grids_of_days_are_made(tmp_path: Path) -> None:
    toml = '[scenario.then]\nas_of = ["2026-01-01", "2026-02-01"]\neach = { weeks = [2] }\n'
    case = impact.load_case(case_of(tmp_path / "tiny", toml))
    path = notebook(tmp_path / "00_small.ipynb", "impact.compare(run)")
    done = batch.run(planned(case, [path]), tmp_path / "out", jobs=2)
    assert (len(done.made), done.failed) == (3, {})


# the command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a case below data/cases, in which the command runs."""
    case_of(tmp_path / "data" / "cases" / "tiny", SCENARIOS.replace("[2, 4, 8]", "[2, 4]"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


REPORT = ("report", "tiny", "--draws", "500", "--notebook", "03_what_it_costs", "--out")


def test_ctrl_c_ends_cleanly_and_the_next_run_goes_on_to_what_any_other_would_make(
    project: Path,
) -> None:
    """To the same bytes, also in another time zone, locale and hash seed, with one worker."""
    words = (*REPORT, "out", "--scenario", "all", "--jobs", "2")
    zone = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
    running = subprocess.Popen(
        [sys.executable, "-m", "impact", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | zone,
    )
    out = project / "out"
    end = time.monotonic() + 60
    while not list(out.rglob("manifest.json")):
        assert time.monotonic() < end, running.communicate()
        time.sleep(0.02)
    started = {p.pid for p in psutil.Process(running.pid).children(recursive=True)}
    os.killpg(running.pid, signal.SIGINT)
    said, wrong = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "interrupted; run again to go on" in said
    assert "Traceback" not in wrong
    assert json.loads((out / batch.LAST_RUN).read_text("utf-8"))["interrupted"] is True
    end = time.monotonic() + 20
    while left := [pid for pid in started if psutil.pid_exists(pid)]:
        assert time.monotonic() < end, f"processes were left: {left}"
        time.sleep(0.05)
    done = commands.started(*words, **zone)
    assert " unchanged, 0 failed" in done.stdout
    other = {"TZ": "America/Lima", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}
    commands.started(*REPORT, "whole", "--scenario", "all", **other)
    whole = contents(project / "whole")
    assert len(whole) > 4 * 5
    assert contents(out) == whole


def test_a_ctrl_c_that_a_library_swallows_is_still_heard() -> None:
    """As polars does, where it is building a frame from rows."""
    before = signal.getsignal(signal.SIGINT)
    with batch.interrupts() as lost:
        assert not lost
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert lost
    assert signal.getsignal(signal.SIGINT) is before


def test_a_failure_ends_the_command_with_status_1_and_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for cell, seconds, kind in (
        ("1 / 0", 60, "ZeroDivisionError"),
        ("import time; time.sleep(60)", 1, "TimeoutError"),
    ):
        failing = notebook(project / "00_small.ipynb", cell)
        monkeypatch.setattr(command, "find_notebooks", lambda name, found=failing: [found])
        done = commands.impact(*REPORT, "out", "--scenario", "worse", "--timeout", seconds)
        assert done.returncode == 1
        assert f"failed with {kind}" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "0 made, 0 unchanged, 1 failed" in done.stdout
        assert tuple(capfd.readouterr()) == ("", ""), "of a worker or a kernel"


def test_formats_are_a_list_in_which_no_word_is_mended() -> None:
    assert batch.formats(" live, html,") == ("live.html", "html")
    for text in ("", ",", "ht ml", "HTML"):
        with pytest.raises(BadInput, match="is not known; choose of html,live,pdf,ipynb"):
            batch.formats(text)


def test_every_wrong_word_of_the_command_is_told_at_once(tmp_path: Path) -> None:
    wrong = {"--format": "docx", "--jobs": 0, "--timeout": 0, "--set": "wekks=1", "--seed": -1}
    words = [word for option in wrong.items() for word in option]
    done = commands.impact("report", case_of(tmp_path / "tiny"), "--out", tmp_path / "out", *words)
    assert done.returncode == 2
    starts = ["--format: ", "--jobs: ", "--timeout: ", "seed: ", "changes: "]
    told = done.stderr.splitlines()
    assert [line[: len(start)] for line, start in zip(told, starts, strict=True)] == starts
    assert not (tmp_path / "out").exists()
