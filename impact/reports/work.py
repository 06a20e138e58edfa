"""What a worker does with a task: run the notebook, draw its charts, make its files."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impact.answers.text import lower_first
from impact.base import times, words
from impact.base.errors import Fault
from impact.case import folder
from impact.case.views import now
from impact.reports import kernels, origin, page, pdf
from impact.reports.plan import Task

LIVE = "live.html"
FORMATS = ("html", "ipynb", "pdf", LIVE)
MEMORY_BYTES = 4 * 2**30  # that a worker, or a kernel that it asks for, may hold


@dataclass(frozen=True)
class Made:
    """The files of a finished report by suffix, and its entry for the manifest."""

    files: dict[str, bytes]
    entry: dict[str, Any]


@dataclass(frozen=True)
class Lost:
    """Why there is no report: the fault, the kind of error, and what was executed."""

    fault: Fault
    kind: str
    executed: str


def begin() -> None:
    """Make this process ready to do the work of a batch on its own machine."""
    from impact.reports import engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who runs the batch hears it, and ends us
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what kernels and their clients log; the batch names failures
        os.dup2(silence, stream)
    if engine.can_fork() and len(list(Path("/proc/self/task").iterdir())) == 1:
        engine.become_stem()  # with threads of its own this process has begun something already
    limit_memory(MEMORY_BYTES)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that runs the batch has gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def limit_memory(most: int) -> None:
    """Let this process and those that it starts hold so many bytes, where it has limits."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def report(
    task: Task, kinds: Sequence[str] = FORMATS[:2], seconds: int = kernels.SECONDS
) -> Made | Lost:
    """Make the files of a task; a kernel that is lost gets one more try with papermill's own."""
    try:
        try:
            executed = kernels.execute(task, seconds)
        except kernels.Failed as failed:
            if not failed.again:
                raise
            executed = kernels.execute(task, seconds, kernels.PLAIN)
    except kernels.Failed as failed:
        return Lost(failed.fault, failed.kind, failed.executed)
    page.draw(executed)
    html = page.page(task, executed)
    files = {"html": html.encode()}
    shared = json.dumps(page.shared_notebook(task, executed), indent=1, ensure_ascii=False)
    files["ipynb"] = f"{shared}\n".encode()
    if "pdf" in kinds:
        files["pdf"] = pdf.printed(html)
    if LIVE in kinds:
        files[LIVE] = page.page(task, executed, live=True).encode()
    files = {kind: content for kind, content in files.items() if kind in kinds}
    return Made(files, entry(task, executed, files))


def entry(task: Task, executed: page.Notebook, files: dict[str, bytes]) -> dict[str, Any]:
    """What a report was made from and every figure in it, raw and as printed."""
    known, moment = task.known, now(task.known)
    figures = [
        {"answer": record["name"], **figure}
        for record in page.records(executed)
        for figure in record["figures"]
    ]
    return {
        "case": known.id,
        "case_title": f"{known.title}: {lower_first(known, known.question)}",
        "title": page.title(task, executed),
        "question": page.question(task, executed),
        "scenario": known.scenario,
        "parameters": vars(task.parameters),
        "as_of": words.date(moment),
        "moment": times.as_text(moment),
        "level": words.level(known.tlp),
        "view_digest": folder.digest(known, task.notebook.reads),
        "key": dict(task.key),
        "kit": origin.kit_version(),
        "libraries": origin.named(),
        "figures": figures,
        "files": {kind: origin.sha256(content) for kind, content in files.items()},
    }
