"""What a worker does with a task: run the notebook in a real kernel, draw charts, make files."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config

from impact.answers.answer import CHARTS, LATER
from impact.base import words
from impact.base.errors import Fault
from impact.case import folder, writer
from impact.case.views import moment_of
from impact.reports import origin, page, pdf
from impact.reports.plan import Task

SECONDS = 600  # for one report, unless told otherwise
LONGEST = 80  # characters of a folder in which unix sockets can have names
FORKED, PLAIN = "impact", "nbclient"  # engines, as papermill names them
_EXECUTED = "executed.ipynb"
_TRACE = re.compile(r"\x1b\[[0-9;]*m")
LIVE = "live.html"
MEMORY_BYTES = 4 * 2**30  # that a worker, or a kernel that it asks for, may hold

# the files of a report by suffix, that which stands for it first
MAKERS: dict[str, Callable[..., bytes]] = {
    "html": lambda task, executed: page.page(task, executed).encode(),
    LIVE: lambda task, executed: page.page(task, executed, live=True).encode(),
    "pdf": lambda task, executed: pdf.printed(page.page(task, executed)),
    "ipynb": lambda task, executed: page.shared_notebook(task, executed).encode(),
}
USUAL = ("html", "ipynb")


@dataclass(frozen=True)
class Made:
    """The files of a finished report by suffix, and its entry for the manifest."""

    files: dict[str, bytes]
    entry: dict[str, Any]


@dataclass(eq=False)
class Lost(Exception):
    """Why there is no report.

    `kind` names the error and no more; `executed` is what there is of the notebook; `again` says
    whether another kernel may do better: this one died, hung or found no memory.
    """

    fault: Fault
    kind: str
    executed: str = ""
    again: bool = False


def execute(task: Task, seconds: int = SECONDS, engine: str = FORKED) -> page.Notebook:
    """The executed notebook of a task; raises Lost where a cell fails or the kernel is lost.

    The kernel runs in a folder of its own that holds the rows of the task's view and no others, as
    the case of that name: what it cannot read it cannot tell, and a case that changes meanwhile
    changes nothing. Nothing half executed is ever where a reader looks.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with tempfile.TemporaryDirectory(prefix="impact-") as scratch:
        home = Path(scratch)
        notebook = home / f"{task.notebook.name}.ipynb"
        notebook.write_text(task.notebook.text, encoding="utf-8")
        writer.write(task.known, home / "data" / "cases" / task.known.id)
        again, text = True, ""
        try:
            return _run(notebook, vars(task.parameters), seconds, engine)
        except PapermillExecutionError as error:
            kind = "".join(re.findall(r"\w+", str(error.ename), re.ASCII))[:60] or "an error"
            again, text = kind == MemoryError.__name__, error.evalue
        except CellTimeoutError:
            kind, text = TimeoutError.__name__, f"not done in {words.count(seconds, 'second')}"
        except (DeadKernelError, RuntimeError, OSError) as error:
            kind = "the kernel died" if isinstance(error, DeadKernelError) else type(error).__name__
            text = str(error)
        done, lines = home / _EXECUTED, _TRACE.sub("", text).strip().splitlines()
        reason = f"{kind}: {lines[0][:200]}" if lines else kind
        repair = "open the notebook in .failed, or run `impact show` with the same view"
        executed = done.read_text(encoding="utf-8") if done.exists() else ""
        raise Lost(Fault(task.name, f"failed with {reason}", repair), kind, executed, again)


def _run(notebook: Path, parameters: dict[str, Any], seconds: int, engine: str) -> page.Notebook:
    """The executed notebook; what there is of it is beside the notebook, however it ends.

    Charts come later, and no start-up file of a user is read. The kernel talks over unix sockets of
    its own where they can have names: plain TCP could be read by other users, and sockets of the
    default name would be shared by kernels that run at one time.
    """
    import papermill

    home, ends, before = notebook.parent, time.monotonic() + seconds, dict(os.environ)
    private = {"transport": "ipc", "ip": str(home / "kernel")} if len(str(home)) <= LONGEST else {}
    os.environ.update({CHARTS: LATER, "IPYTHONDIR": str(home / "ipython")})
    try:
        executed = papermill.execute_notebook(
            str(notebook),
            str(home / _EXECUTED),
            engine_name=engine,
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            autosave_cell_every=0,
            request_save_on_cell_execute=engine == PLAIN,
            timeout_func=lambda cell: max(1, int(ends - time.monotonic())),
            resources={"metadata": {"path": str(home)}},
            config=Config(KernelManager=private),
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    return dict(executed)


def begin(forked: bool) -> None:
    """Make this process ready to do the work of a batch on its own machine.

    One that was forked with the imports done, and has begun nothing, has a stem forked off it.
    """
    from impact.reports import engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who runs the batch hears it, and ends us
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what kernels and their clients log; the batch names failures
        os.dup2(silence, stream)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)  # kernels that it asks for have it too
    soft = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    if forked:
        engine.become_stem()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that runs the batch has gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def report(task: Task, kinds: Iterable[str] = USUAL, seconds: int = SECONDS) -> Made:
    """Make the files of a task; a kernel that is lost gets one more try with papermill's own.

    Raises `Lost` where there is no report.
    """
    try:
        executed = execute(task, seconds)
    except Lost as lost:
        if not lost.again:
            raise
        executed = execute(task, seconds, PLAIN)
    page.draw(executed)
    files = {kind: MAKERS[kind](task, executed) for kind in kinds}
    return Made(files, entry(task, executed, files))


def entry(task: Task, executed: page.Notebook, files: dict[str, bytes]) -> dict[str, Any]:
    """What a report was made from and every figure in it, raw and as printed."""
    known = task.known
    figures = [
        {"answer": record["name"], **figure}
        for record in page.records(executed)
        for figure in record["figures"]
    ]
    return {
        **task.made_from,
        "case": known.id,
        "case_title": known.title,
        "question": page.question(task),
        "scenario": known.scenario,
        "as_of": words.date(moment_of(known)),
        "level": words.level(known.tlp),
        "view_digest": folder.digest(known, task.notebook.reads),
        "key": dict(task.key),
        "kit": origin.kit_version(),
        "libraries": origin.versions(),
        "figures": figures,
        "files": {kind: origin.sha256(content) for kind, content in files.items()},
    }
