"""What a worker does with a task: run the notebook, draw its charts, make its files."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from impact.base import words
from impact.case import folder
from impact.case.views import now
from impact.reports import kernels, origin, page, pdf
from impact.reports.plan import Task

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


def begin(forked: bool) -> None:
    """Make this process ready to do the work of a batch on its own machine.

    One that was forked with the imports done, and has begun nothing, has a stem forked off it.
    """
    from impact.reports import engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who runs the batch hears it, and ends us
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what kernels and their clients log; the batch names failures
        os.dup2(silence, stream)
    limit_memory(MEMORY_BYTES)
    if forked:
        engine.become_stem()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that runs the batch has gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def limit_memory(most: int) -> None:
    """Let this process and those that it starts hold so many bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def report(task: Task, kinds: Iterable[str] = USUAL, seconds: int = kernels.SECONDS) -> Made:
    """Make the files of a task; a kernel that is lost gets one more try with papermill's own.

    Raises `kernels.Lost` where there is no report.
    """
    try:
        executed = kernels.execute(task, seconds)
    except kernels.Lost as lost:
        if not lost.again:
            raise
        executed = kernels.execute(task, seconds, kernels.PLAIN)
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
        "as_of": words.date(now(known)),
        "level": words.level(known.tlp),
        "view_digest": folder.digest(known, task.notebook.reads),
        "key": dict(task.key),
        "kit": origin.kit_version(),
        "libraries": origin.versions(),
        "figures": figures,
        "files": {kind: origin.sha256(content) for kind, content in files.items()},
    }
