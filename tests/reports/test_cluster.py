"""A real Dask scheduler and two worker processes on loopback, one killed in mid-run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, cluster
from notebooks import notebook, planned

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


def another_lock(home: Path) -> Path:
    """A folder in which another version of polars is installed, as far as a worker can tell."""
    said = home / "other" / "polars-0.1.dist-info" / "METADATA"
    said.parent.mkdir(parents=True)
    said.write_text("Metadata-Version: 2.1\nName: polars\nVersion: 0.1\n", "utf-8")
    return home / "other"


def worker(home: Path, address: str, *more: str, **environment: str) -> subprocess.Popen[bytes]:
    words = ("--host", "127.0.0.1", "--no-dashboard", "--no-nanny", "--death-timeout", "60")
    more = more or ("--nthreads", "1")
    return start(home, "dask_worker", address, *words, *more, **environment)


def end(*programs: subprocess.Popen[bytes]) -> None:
    for program in programs:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler that ends with the test."""
    address = f"tcp://127.0.0.1:{free_port()}"
    words = ("--host", address, "--no-dashboard", "--idle-timeout", "120")
    program = start(tmp_path, "dask_scheduler", *words)
    try:
        listens(int(address.rpartition(":")[2]))
        yield address
    finally:
        end(program)


def listens(port: int) -> None:
    """Wait until somebody listens at a port of this machine."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("nobody listens")


def kill_once(log: Path, pid: int) -> None:
    """Kill a group of processes when the first report is being made."""
    while not log.exists():
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)


def joined(address: str, many: int) -> None:
    """Wait until the scheduler has so many workers."""
    from distributed import Client

    deadline = time.monotonic() + 60
    with Client(address, timeout=60, set_as_default=False) as client:
        while len(client.scheduler_info(n_workers=-1)["workers"]) < many:
            assert time.monotonic() < deadline, "the workers did not join"
            time.sleep(0.1)


def contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != batch.LAST_RUN
    }


@pytest.mark.slow
def test_a_batch_on_a_cluster_survives_a_killed_worker(
    scheduler: str, small: impact.Case, tmp_path: Path
) -> None:
    """One worker is killed while it makes a report; the pages are those of this machine alone."""
    log = tmp_path / "who"
    note = f"import os; open({str(log)!r}, 'a').write(f'{{scenario}} {{os.getcwd()}}\\n')"
    path = notebook(tmp_path / "00_small.ipynb", note, "impact.losses(run)", "impact.exposure(run)")
    tasks = planned(small, [path])
    workers = [worker(tmp_path, scheduler), worker(tmp_path, scheduler)]
    try:
        joined(scheduler, 2)
        with cluster.executor(scheduler) as (executor, many):
            assert many == 2
            killer = threading.Thread(target=kill_once, args=(log, workers[0].pid))
            killer.start()
            done = batch.run(tasks, tmp_path / "there", jobs=many, executor=executor)
            killer.join()
        assert workers[0].wait(10) == -signal.SIGKILL
        assert (len(done.made), done.failed) == (5, {})
    finally:
        end(*workers)
    batch.run(tasks, tmp_path / "here", jobs=2)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@pytest.mark.slow
def test_workers_that_differ_are_refused_each_with_its_reason(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="has no worker; start one"), cluster.executor(scheduler):
        pass
    workers = [worker(tmp_path, scheduler, "--nthreads", "2")]
    try:
        joined(scheduler, 1)
        refused = pytest.raises(BadInput, match="has 2 threads; start it with --nthreads 1")
        with refused, cluster.executor(scheduler):
            pass
        end(*workers)
        workers = [worker(tmp_path, scheduler, PYTHONPATH=str(another_lock(tmp_path)))]
        joined(scheduler, 1)
        refused = pytest.raises(BadInput, match="has another polars than there is")
        with refused, cluster.executor(scheduler):
            pass
    finally:
        end(*workers)


def test_an_address_where_nobody_answers_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS", 1)
    for address in (f"tcp://127.0.0.1:{free_port()}", "nonsense://x", "tcp://"):
        with pytest.raises(BadInput, match="no scheduler answers"), cluster.executor(address):
            pass


def test_without_an_address_there_is_no_cluster() -> None:
    with cluster.executor("") as found:
        assert found == (None, 0)


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it were not installed
    with (
        pytest.raises(BadInput, match=r'pip install "breach-impact-kit\[cluster\]"'),
        cluster.executor("tcp://127.0.0.1:1"),
    ):
        pass
