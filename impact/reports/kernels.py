"""Running a notebook with its parameters in a real kernel."""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import dataclass
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


def execute(task: Task, seconds: int = SECONDS, engine: str = FORKED) -> dict[str, Any]:
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
            kind, text = TimeoutError.__name__, f"not done in {seconds} seconds"
        except (DeadKernelError, RuntimeError, OSError) as error:
            kind = "the kernel died" if isinstance(error, DeadKernelError) else type(error).__name__
            text = str(error)
        done, lines = home / _EXECUTED, _TRACE.sub("", text).strip().splitlines()
        reason = f"{kind}: {lines[0][:200]}" if lines else kind
        repair = "open the notebook in .failed, or run `impact show` with the same view"
        executed = done.read_text(encoding="utf-8") if done.exists() else ""
        raise Lost(Fault(task.name, f"failed with {reason}", repair), kind, executed, again)


def _run(notebook: Path, parameters: dict[str, Any], seconds: int, engine: str) -> dict[str, Any]:
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
