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

import polars as pl
import psutil
import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, engine, files, page, work
from notebooks import DRAWS, LOAD, SCENARIOS, case_of, notebook, planned

FAILING = "if scenario == 'worse':\n    raise ValueError('of ' + 'some' + 'body')"
DYING = "import os, signal\nif scenario == 'worse':\n    os.kill(os.getpid(), signal.SIGKILL)"
HANGING = "import time\nif scenario == 'worse':\n    time.sleep(600)"
# bytes of zeros count as held and are never touched: no machine has to have them
EATING = "if scenario == 'worse':\n    eaten = [bytes(2**28) for _ in range(64)]"


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a folder but the story of the last run."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != batch.LAST_RUN
    }


def short(names: Any) -> list[str]:
    """Names of tasks as scenario and notebook."""
    return sorted(name.split("/")[1].partition("~")[0] + "/" + name.split("/")[2] for name in names)


def test_a_batch_makes_pages_notebooks_results_and_an_index(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
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
    assert figures["mean.total"]["value"] == pytest.approx(sum(run.losses.values()).mean())
    table = pl.read_parquet(home / "answers.parquet")
    assert (
        table.filter(pl.col("name") == "mean.total")["value"].item()
        == figures["mean.total"]["value"]
    )
    beside = {"index.html", f"{page.GUIDE}.html", batch.LAST_RUN}
    assert {path.name for path in out.iterdir()} == {"tiny", *beside}
    index = (out / "index.html").read_text("utf-8")
    assert all(f"{task.place}/00_small.html" in index for task in tasks)


def test_the_unchanged_is_left_and_what_changed_is_made_again_and_said(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tasks = planned(small, [brief])
    batch.run(tasks, out, jobs=2)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.html")}
    again = batch.run(tasks, out, jobs=2)
    assert (again.made, len(again.skipped)) == ({}, 5)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole = (out / "index.html").read_text("utf-8")
    (out / "index.html").write_text(whole.replace("start here", "end here"), "utf-8")
    batch.run(tasks, out, jobs=2)
    assert (out / "index.html").read_text("utf-8") == whole

    (out / tasks[1].place / "00_small.html").write_text("edited", "utf-8")
    (out / tasks[2].place / "00_small.ipynb").unlink()
    changed = impact.load_case(case_of(tmp_path / "new", SCENARIOS.replace("0.9", "0.8")))
    third = batch.run(planned(changed, [brief]), out, jobs=2)
    said = {short([name])[0]: why for name, why in third.made.items()}
    assert said == {
        "worse/00_small": ["changed: inputs of the case", "changed: scenarios of the case"],
        **{
            f"{name}/00_small": ["changed: scenarios of the case"]
            for name in ("baseline", "pause_2", "pause_4", "pause_8")
        },
    }
    told = json.loads((out / batch.LAST_RUN).read_text("utf-8"))
    assert told["made"] == third.made


def test_a_damaged_or_missing_file_is_made_again(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    tasks = planned(small, [brief], "baseline", "worse")
    batch.run(tasks, out)
    good = contents(out)
    (out / tasks[0].place / "00_small.html").write_text("edited", "utf-8")
    (out / tasks[1].place / "00_small.ipynb").unlink()
    again = batch.run(tasks, out)
    assert list(again.made.values()) == [["changed: its html file"], ["changed: its ipynb file"]]
    assert contents(out) == good


@pytest.mark.parametrize(
    ("cell", "kind", "tries"),
    [
        (FAILING, "ValueError", 1),
        (DYING, "the kernel died", 2),
        (HANGING, "TimeoutError", 2),
        (EATING, "MemoryError", 2),
    ],
    ids=["raises", "dies", "hangs", "eats memory"],
)
def test_a_failing_scenario_is_named_and_the_others_finish(
    small: impact.Case, tmp_path: Path, cell: str, kind: str, tries: int
) -> None:
    log = tmp_path / "log"
    note = f"if scenario == 'worse':\n    open({str(log)!r}, 'a').write('x')"
    cells = (note, LOAD, "impact.losses(run)", cell)  # the note first: a try counts from its begin
    path = notebook(tmp_path / "00_small.ipynb", *cells, load=False)
    out = tmp_path / "out"
    tasks = planned(small, [path], "baseline", "worse", "pause_2")
    done = batch.run(tasks, out, jobs=2, seconds=10 if kind == "TimeoutError" else 60)
    assert short(done.made) == ["baseline/00_small", "pause_2/00_small"]
    assert short(done.failed) == ["worse/00_small"]
    (fault,) = done.failed.values()
    assert f"failed with {kind}" in fault.what
    assert len(log.read_text("utf-8")) == tries
    index = (out / "index.html").read_text("utf-8")
    assert f"failed ({kind})" in index
    assert "somebody" not in "".join(map(str, contents(out / "tiny").values()))
    kept = list((tmp_path / ".failed").glob("*.ipynb"))
    assert (len(kept), list(out.rglob(".failed"))) == (1, [])
    assert "impact.losses" in kept[0].read_text("utf-8")


def test_a_failed_report_is_tried_by_the_next_run_and_the_old_page_stays(
    small: impact.Case, tmp_path: Path
) -> None:
    out, log = tmp_path / "out", tmp_path / "fail"
    cell = f"import os\nassert not os.path.exists({str(log)!r})"
    path = notebook(tmp_path / "00_small.ipynb", "impact.losses(run)", cell)
    tasks = planned(small, [path], "baseline")
    batch.run(tasks, out)
    good, page = contents(out), out / tasks[0].place / "00_small.html"
    log.touch()
    page.write_text("edited", "utf-8")
    failed = batch.run(tasks, out)
    assert (short(failed.failed), page.exists()) == (["baseline/00_small"], True)
    assert "failed (AssertionError), of an earlier run" in (out / "index.html").read_text("utf-8")
    log.unlink()
    assert list(batch.run(tasks, out).made.values()) == [["it failed before"]]
    assert contents(out) == good


def test_pages_have_the_same_bytes_with_one_worker_and_with_two(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    tasks = planned(small, [brief])
    one, two = tmp_path / "one", tmp_path / "two"
    batch.run(tasks, one, jobs=1)
    batch.run(list(reversed(tasks)), two, jobs=2)
    assert contents(one) == contents(two)


class Here(Executor):
    """An executor that works in this process, one call after the other."""

    def submit(self, call: Any, *given: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(call(*given, **named))
        return done


def test_any_executor_does(small: impact.Case, brief: Path, tmp_path: Path) -> None:
    tasks = planned(small, [brief], "baseline", "worse")
    batch.run(tasks, tmp_path / "own")
    batch.run(tasks, tmp_path / "here", executor=Here())
    assert contents(tmp_path / "own") == contents(tmp_path / "here")


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
    tasks = planned(small, [path])
    done = batch.run(tasks, tmp_path / "out", jobs=2)
    assert short(done.failed) == ["worse/00_small"]
    assert "the worker died" in next(iter(done.failed.values())).what
    assert len(done.made) == 4


def test_a_given_executor_whose_workers_die_names_what_was_lost(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    class Dead(Here):
        def submit(self, *call: Any, **named: Any) -> Any:
            broken: Future[Any] = Future()
            broken.set_exception(BrokenExecutor())
            return broken

    done = batch.run(planned(small, [brief]), tmp_path / "out", executor=Dead())
    assert (len(done.made), len(done.failed)) == (0, 5)
    assert all("the worker died" in fault.what for fault in done.failed.values())


def test_a_folder_of_another_level_is_refused_and_nothing_is_written(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    batch.run(planned(small, [brief], "baseline"), out)
    before = contents(out)
    with pytest.raises(BadInput, match="holds reports at TLP:CLEAR, these are at TLP:GREEN"):
        batch.run(planned(small, [brief], "baseline", tlp="green"), out)
    assert contents(out) == before


def test_a_case_that_changes_while_the_batch_runs_changes_nothing(
    tmp_path: Path, root: Path
) -> None:
    home = case_of(tmp_path / "cases" / "tiny")
    case = impact.load_case(home)
    path = notebook(tmp_path / "00_small.ipynb", "impact.losses(run)")
    tasks = planned(case, [path], "baseline", "worse")
    batch.run(tasks, tmp_path / "before")
    inputs = home / "inputs.csv"
    inputs.write_text(inputs.read_text("utf-8").replace("1000", "999999"), "utf-8")
    batch.run(tasks, tmp_path / "after")
    assert contents(tmp_path / "before") == contents(tmp_path / "after")


# the command


def impact_command(*words: str, **environment: str) -> list[str]:
    return [sys.executable, "-m", "impact", *words]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a case below data/cases, in which the command runs."""
    case_of(tmp_path / "data" / "cases" / "tiny")
    return tmp_path


REPORT = ("report", "tiny", "--draws", "500", "--notebook", "03_what_it_costs", "--out", "out")


def test_pages_have_the_same_bytes_in_any_time_zone_locale_and_hash_seed(project: Path) -> None:
    outside = (
        {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "America/Lima", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"},
    )
    made = []
    for number, more in enumerate(outside):
        out = f"out{number}"
        subprocess.run(
            impact_command(*REPORT[:-1], out, "--scenario", "all", "--jobs", str(number + 1)),
            cwd=project, env=os.environ | more, check=True, capture_output=True,
        )  # fmt: skip
        made.append(contents(project / out))
    assert len(made[0]) > 20
    assert made[0] == made[1]


def test_ctrl_c_ends_cleanly_and_the_next_run_goes_on(project: Path) -> None:
    command = impact_command(*REPORT, "--scenario", "all", "--jobs", "2")
    running = subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
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
    _gone(started)
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    assert " unchanged, 0 failed" in done.stdout
    whole = contents(out)
    subprocess.run(
        impact_command(*REPORT[:-1], "whole", "--scenario", "all"), cwd=project, check=True,
        capture_output=True,
    )  # fmt: skip
    assert whole == contents(project / "whole")


def test_a_ctrl_c_that_a_library_swallows_is_still_heard() -> None:
    """As polars does, where it is building a frame from rows."""
    before = signal.getsignal(signal.SIGINT)
    with batch.interrupts() as lost:
        assert not lost
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert lost
    assert signal.getsignal(signal.SIGINT) is before


def _gone(pids: set[int], seconds: float = 20) -> None:
    """Wait until none of these processes is left."""
    end = time.monotonic() + seconds
    while left := [pid for pid in pids if psutil.pid_exists(pid)]:
        assert time.monotonic() < end, f"processes were left: {left}"
        time.sleep(0.05)


def test_a_failure_ends_the_command_with_status_1_and_one_line(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        impact_command(*REPORT, "--timeout", "1", "--scenario", "worse"), cwd=project,
        capture_output=True, text=True, check=False, env=os.environ | {engine.PLAIN: "plain"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "failed with " in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "0 made, 0 unchanged, 1 failed" in done.stdout


def test_formats_are_a_list_in_which_no_word_is_mended() -> None:
    assert batch.formats(" live, html,") == ("live.html", "html")
    for text in ("", ",", "ht ml", "HTML"):
        with pytest.raises(BadInput, match="is not known; choose of html,live,pdf,ipynb"):
            batch.formats(text)


def test_every_wrong_word_of_the_command_is_told_at_once(project: Path) -> None:
    words = (
        "--format",
        "docx",
        "--jobs",
        "0",
        "--timeout",
        "0",
        "--set",
        "wekks=1",
        "--seed",
        "-1",
    )
    done = subprocess.run(
        impact_command(*REPORT, *words), cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    told = done.stderr.splitlines()
    starts = ["--format: ", "--jobs: ", "--timeout: ", "seed: ", "changes: "]
    assert [line[: len(start)] for line, start in zip(told, starts, strict=True)] == starts
    assert not (project / "out").exists()


def test_memory_of_a_worker_is_bounded() -> None:
    code = (
        "from impact.reports import work; work.limit_memory(2**28)\n"
        "try: bytearray(2**29)\n"
        "except MemoryError: print('bounded')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "bounded\n"


def test_grids_of_days_are_made(tmp_path: Path) -> None:
    toml = '[scenario.then]\nas_of = ["2026-01-01", "2026-02-01"]\neach = { weeks = [2] }\n'
    case = impact.load_case(case_of(tmp_path / "tiny", toml))
    path = notebook(tmp_path / "00_small.ipynb", "impact.compare(run)")
    done = batch.run(planned(case, [path]), tmp_path / "out", jobs=2)
    assert (len(done.made), done.failed) == (3, {})


def test_a_failure_in_a_folder_called_dot_stays_beside_it(
    small: impact.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "here"
    out.mkdir()
    monkeypatch.chdir(out)
    path = notebook(tmp_path / "00_small.ipynb", FAILING)
    tasks = planned(small, [path], "worse")
    assert len(batch.run(tasks, Path()).failed) == 1
    assert list((tmp_path / ".failed").glob("*.ipynb"))
    assert not (out / ".failed").exists()


def test_the_name_of_an_error_is_a_word(small: impact.Case, tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "00_small.ipynb", "raise type('<b>\u202e/x y\\n', (Exception,), {})('x')"
    )
    done = batch.run(planned(small, [path], "worse"), tmp_path / "out")
    assert "failed with bxy" in next(iter(done.failed.values())).what
    assert "failed (bxy" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_records_that_are_none_are_left_out(small: impact.Case, tmp_path: Path) -> None:
    odd = "for it in ({}, 5, {'name': 'x'}):\n    display({'KIND': it}, raw=True)"
    odd = odd.replace("KIND", "application/vnd.impact.answer+json")
    path = notebook(tmp_path / "00_small.ipynb", odd, "impact.losses(run)")
    done = batch.run(planned(small, [path], "worse"), tmp_path / "out")
    assert (len(done.made), done.failed) == (1, {})


def test_a_lost_page_is_told_in_the_index(small: impact.Case, brief: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = notebook(tmp_path / "01_small.ipynb", "impact.losses(run)")
    tasks = planned(small, [brief, other], "worse")
    batch.run(tasks, out)
    for kind in ("html", "ipynb"):
        (out / tasks[0].place / f"00_small.{kind}").unlink()
    batch.run(tasks[1:], out)
    index = (out / "index.html").read_text("utf-8")
    assert "page lost" in index
    assert "00_small.html" not in index


def test_a_kernel_sees_the_rows_of_its_view_and_no_others(tmp_path: Path) -> None:
    secret = {"id": "secret_weeks", "mode": "3", "shape": "fixed", "unit": "week", "tlp": "amber"}
    case = impact.load_case(case_of(tmp_path / "cases" / "tiny", inputs=[secret]))
    look = "print(sorted(impact.load_case(case).inputs))"
    path = notebook(tmp_path / "00_small.ipynb", look)
    for level, seen in (("green", False), ("amber", True)):
        (task,) = planned(case, [path], "baseline", tlp=level)
        executed = work.execute(task)
        said = str([cell.get("outputs") for cell in executed["cells"]])
        assert ("secret_weeks" in said) is seen
        assert "usd_a_week" in said


def test_a_pool_of_the_plain_kind_gives_the_same_pages(
    small: impact.Case, brief: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = planned(small, [brief], "baseline", "worse")
    batch.run(tasks, tmp_path / "forked")
    monkeypatch.setenv(engine.PLAIN, "plain")
    pool = batch.workers(1)
    assert isinstance(pool, ProcessPoolExecutor)
    pool.shutdown()
    batch.run(tasks, tmp_path / "plain", jobs=2)
    assert contents(tmp_path / "forked") == contents(tmp_path / "plain")
