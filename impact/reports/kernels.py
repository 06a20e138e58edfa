"""Running a notebook with its parameters in a real kernel."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from traitlets.config import Config

from impact.errors import Fault, Refusal
from impact.reports.plan import Parameters

CELL_SECONDS = 600  # after which a cell counts as hung
_TRACE = re.compile(r"\x1b\[[0-9;]*m")


class Failed(Refusal):
    """A notebook did not run to its end; `executed` is what there is of it."""

    def __init__(self, fault: Fault, executed: dict[str, Any]) -> None:
        super().__init__(fault)
        self.executed = executed


def execute(notebook: Path, parameters: Parameters, name: str) -> dict[str, Any]:
    """The executed notebook; raises Failed where a cell fails or the kernel dies.

    papermill runs a copy in a folder of its own, so nothing half executed is ever where a reader
    looks, and no path of this machine gets into the file.
    """
    import papermill
    from nbclient.exceptions import CellControlSignal
    from papermill.exceptions import PapermillExecutionError

    with tempfile.TemporaryDirectory() as scratch:
        done = Path(scratch) / notebook.name
        try:
            papermill.execute_notebook(
                str(notebook),
                str(done),
                parameters=vars(parameters),
                kernel_name="python3",
                progress_bar=False,
                autosave_cell_every=0,
                execution_timeout=CELL_SECONDS,
                config=_private(Path(scratch)),
            )
        except (PapermillExecutionError, CellControlSignal, RuntimeError) as error:
            executed = json.loads(done.read_text(encoding="utf-8")) if done.exists() else {}
            what = getattr(error, "ename", type(error).__name__)
            said = _TRACE.sub("", str(getattr(error, "evalue", error))).strip().splitlines()
            reason = f"{what}: {said[0][:200]}" if said else str(what)
            repair = "open the notebook in .failed, or run `impact show` with the same view"
            raise Failed(Fault(name, f"failed with {reason}", repair), executed) from None
        return dict(json.loads(done.read_text(encoding="utf-8")))


def _private(scratch: Path) -> Config:
    """Settings of a kernel that talks over unix sockets of its own, where there are any.

    Plain TCP could be read by other users; sockets of the default name would be shared by kernels
    that run at one time.
    """
    if os.name == "nt":
        return Config()
    return Config(KernelManager={"transport": "ipc", "ip": str(scratch / "kernel")})
