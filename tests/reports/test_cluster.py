"""A real Dask scheduler and two worker processes on loopback, one killed in mid-run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, cluster
from notebooks import contents, notebook, planned

SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(home: Path, name: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    """A program of Dask in a folder and a group of its own."""
    command = [sys.executable, "-m", f"distributed.cli.{name}", *words]
    env = os.environ | environment
    return subprocess.Popen(command, cwd=home, env=env, start_new_session=True, **SILENT)


def worker(home: Path, address: str, threads: int = 1, **environment: str) -> Any:
    words = ("--host", "127.0.0.1", "--no-dashboard", "--no-nanny", "--death-timeout", "60")
    return start(home, "dask_worker", address, *words, "--nthreads", str(threads), **environment)


def another_lock(home: Path) -> Path:
    """A folder in which another version of polars is installed, as far as a worker can tell."""
    said = home / "other" / "polars-0.1.dist-info" / "METADATA"
    said.parent.mkdir(parents=True)
    said.write_text("Metadata-Version: 2.1\nName: polars\nVersion: 0.1\n", "utf-8")
    return home / "other"


def end(*programs: subprocess.Popen[bytes]) -> None:
    for program in programs:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler that ends with the module."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    words = ("--host", address, "--no-dashboard", "--idle-timeout", "120")
    program = start(tmp_path_factory.mktemp("dask"), "dask_scheduler", *words)
    try:
        until(lambda: answers(port), "nobody listens")
        yield address
    finally:
        end(program)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(holds: Callable[[], bool], else_: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, else_
        time.sleep(0.1)


@contextmanager
def working(address: str, *workers: subprocess.Popen[bytes]) -> Iterator[None]:
    """Wait until the scheduler has these workers and no others; they end."""
    from distributed import Client

    def there() -> bool:
        return len(client.scheduler_info(n_workers=-1)["workers"]) == len(workers)

    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            until(there, "the workers did not join")
        yield
    finally:
        end(*workers)


def kill_once(log: Path, pid: int) -> None:
    """Kill a group of processes when the first report is being made."""
    while not log.exists():
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_batch_on_a_cluster_survives_a_killed_worker(
    scheduler: str, small: impact.Case, tmp_path: Path
) -> None:
    """One worker is killed while it makes a report; the pages are those of this machine alone."""
    log = tmp_path / "who"
    note = f"import os; open({str(log)!r}, 'a').write(f'{{scenario}} {{os.getcwd()}}\\n')"
    path = notebook(tmp_path / "00_small.ipynb", note, "impact.losses(run)", "impact.exposure(run)")
    tasks = planned(small, [path])
    first, second = worker(tmp_path, scheduler), worker(tmp_path, scheduler)
    with working(scheduler, first, second):
        with cluster.executor(scheduler) as (executor, many):
            assert many == 2
            killer = threading.Thread(target=kill_once, args=(log, first.pid))
            killer.start()
            done = batch.run(tasks, tmp_path / "there", jobs=many, executor=executor)
            killer.join()
        assert first.wait(10) == -signal.SIGKILL
        assert (len(done.made), done.failed) == (5, {})
    batch.run(tasks, tmp_path / "here", jobs=2)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@pytest.mark.slow
def test_workers_that_differ_are_refused_each_with_its_reason(
    scheduler: str, tmp_path: Path
) -> None:
    with (
        working(scheduler),
        pytest.raises(BadInput, match="has no worker; start one"),
        cluster.executor(scheduler),
    ):
        pass
    threads = worker(tmp_path, scheduler, 2)
    here = Path(impact.__file__).parents[1]
    other = worker(tmp_path, scheduler, PYTHONPATH=f"{another_lock(tmp_path)}{os.pathsep}{here}")
    with (
        working(scheduler, threads, other),
        pytest.raises(BadInput) as refused,
        cluster.executor(scheduler),
    ):
        pass
    told = sorted(f"{fault.what}; {fault.repair}" for fault in refused.value.faults)
    assert told == [
        "has 2 threads; start it with --nthreads 1",
        "has another polars than there is here; install the same lock there",
    ]


def test_an_address_where_nobody_answers_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS", 1)
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x", "tcp://"):
        with pytest.raises(BadInput, match="no scheduler answers"), cluster.executor(address):
            pass


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it were not installed
    with (
        pytest.raises(BadInput, match=r'pip install "breach-impact-kit\[cluster\]"'),
        cluster.executor("tcp://127.0.0.1:1"),
    ):
        pass
