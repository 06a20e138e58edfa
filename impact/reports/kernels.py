"""Running a notebook with its parameters in a real kernel."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from traitlets.config import Config

from impact.answers.answer import CHARTS, LATER
from impact.base.errors import Fault
from impact.case import writer
from impact.reports.plan import Task

SECONDS = 600  # for one report, unless told otherwise
LONGEST = 80  # characters of a folder in which unix sockets can have names
FORKED, PLAIN = "impact", "nbclient"  # engines, as papermill names them
_EXECUTED = "executed.ipynb"
_TRACE = re.compile(r"\x1b\[[0-9;]*m")


class Failed(Exception):
    """A notebook did not run to its end.

    `kind` names the error and no more; `executed` is what there is of the notebook; `again` says
    whether another kernel may do better: this one died, hung or found no memory.
    """

    def __init__(self, fault: Fault, kind: str, executed: str, again: bool) -> None:
        super().__init__(str(fault))
        self.fault, self.kind, self.executed, self.again = fault, kind, executed, again


def execute(task: Task, seconds: int = SECONDS, engine: str = FORKED) -> dict[str, Any]:
    """The executed notebook of a task; raises Failed where a cell fails or the kernel is lost.

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
        try:
            return _run(notebook, vars(task.parameters), seconds, engine)
        except PapermillExecutionError as error:
            kind = "".join(re.findall(r"\w+", str(error.ename), re.ASCII))[:60] or "an error"
            raise _failed(task, home, kind, error.evalue) from None
        except CellTimeoutError:
            what = f"not done in {seconds} seconds"
            raise _failed(task, home, "TimeoutError", what, again=True) from None
        except (DeadKernelError, RuntimeError, OSError) as error:
            kind = "the kernel died" if isinstance(error, DeadKernelError) else type(error).__name__
            raise _failed(task, home, kind, str(error), again=True) from None


def _run(notebook: Path, parameters: dict[str, Any], seconds: int, engine: str) -> dict[str, Any]:
    """The executed notebook; what there is of it is beside the notebook, however it ends."""
    import papermill

    home, ends = notebook.parent, time.monotonic() + seconds
    with _environment(home):
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
            config=_private(home),
        )
    return dict(executed)


def _failed(task: Task, home: Path, kind: str, text: str, again: bool = False) -> Failed:
    """Why a notebook did not run to its end; of a text the first line."""
    done, lines = home / _EXECUTED, _TRACE.sub("", text).strip().splitlines()
    reason = f"{kind}: {lines[0][:200]}" if lines else kind
    repair = "open the notebook in .failed, or run `impact show` with the same view"
    executed = done.read_text(encoding="utf-8") if done.exists() else ""
    fault = Fault(task.name, f"failed with {reason}", repair)
    return Failed(fault, kind, executed, again or kind == MemoryError.__name__)


@contextlib.contextmanager
def _environment(home: Path) -> Iterator[None]:
    """The environment of a kernel: charts come later, no start-up files of a user."""
    settings = {CHARTS: LATER, "IPYTHONDIR": str(home / "ipython")}
    before = {name: value for name, value in os.environ.items() if name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in settings:
            del os.environ[name]
        os.environ.update(before)


def _private(home: Path) -> Config:
    """Settings of a kernel that talks over unix sockets of its own, where there are any.

    Plain TCP could be read by other users; sockets of the default name would be shared by kernels
    that run at one time.
    """
    if os.name == "nt" or len(str(home)) > LONGEST:
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": str(home / "kernel")})
