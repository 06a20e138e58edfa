"""Making reports: the unchanged are skipped, a failure is named, what is written is whole."""

from __future__ import annotations

import json
import multiprocessing
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from impact.base import words
from impact.base.errors import Fault, ImpactError, bad
from impact.reports import files, headline, index, kernels, page, pdf, work
from impact.reports.plan import Task, with_pages

LAST_RUN = "last_run.json"
KINDS = ("html", "ipynb", "pdf", "live")  # as they are asked for
_PRELOADED = ["impact.reports.preload", "impact.reports.work", "papermill"]
Result = work.Made | work.Lost


@dataclass
class Outcome:
    """What a batch did, by the names of its tasks; `made` says why each was due."""

    made: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, Fault] = field(default_factory=dict)
    interrupted: bool = False


def formats(text: str) -> tuple[str, ...]:
    """The kinds of file in a list such as `html,ipynb`; raises BadInput for another."""
    asked = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    kinds = tuple(work.LIVE if part == "live" else part for part in asked)
    if not kinds or set(asked) - set(KINDS):
        raise bad("--format", f'"{text}" is not known', f"choose of {','.join(KINDS)}")
    if "pdf" in kinds:
        pdf.browser()
    return kinds


def at_least_one(name: str, value: int, what: str) -> None:
    """Raises BadInput for an option below 1, which is to be `what`."""
    if value < 1:
        raise bad(name, f"{value} is below 1", f"give {what}")


def workers(jobs: int) -> Executor:
    """Processes on this machine that make so many reports at a time; raises BadInput below 1.

    They begin as copies of a process with the imports done, where that can be.
    """
    from concurrent.futures import ProcessPoolExecutor

    from impact.reports import engine

    at_least_one("--jobs", jobs, "the number of reports made at a time")
    named = len(tempfile.gettempdir()) < kernels.LONGEST  # the fork server has a socket there
    kind = "forkserver" if engine.can_fork() and named else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(_PRELOADED)
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=work.begin)


def run(
    tasks: Sequence[Task],
    out: Path,
    kinds: tuple[str, ...] = work.FORMATS[:2],
    jobs: int = 1,
    executor: Executor | None = None,
    seconds: int = kernels.SECONDS,
) -> Outcome:
    """Make what is due, `jobs` at a time, and the index; a failure is named, not fatal.

    The work is done by `workers(jobs)`, or by any other executor; only this process writes. Raises
    BadInput where the folder cannot be written, is held by another run or is of another level.
    Interrupted by Ctrl-C it keeps what is finished, and the next run goes on from there.
    """
    from tqdm import tqdm

    with files.alone(out):
        tasks, reasons = _with_reasons(tasks, out, kinds)
        outcome = Outcome(skipped=[name for name, why in reasons.items() if not why])
        due = [task for task in tasks if reasons[task.name]]
        headlines = headline.Headlines()
        bar = tqdm(total=len(due), unit="report", disable=None, leave=False)
        with bar as progress, interrupts() as interrupted:
            try:
                for task, result in run_each(due, (kinds, seconds), jobs, executor):
                    if isinstance(result, work.Made):
                        entry = result.entry | {"headline": headlines.of(task)}
                        files.record(out, task, result.files, entry)
                        outcome.made[task.name] = reasons[task.name]
                    else:
                        files.record_failure(out, task, result.kind, result.executed)
                        outcome.failed[task.name] = result.fault
                    progress.update()
                    if interrupted():
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                outcome.interrupted = True
        _finish(out, outcome)
    return outcome


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, though what it raised was lost in a library that calls back."""
    heard = []

    def hear(number: int, frame: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # which alone hears signals
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: bool(heard)
    finally:
        signal.signal(signal.SIGINT, before)


def _with_reasons(
    tasks: Sequence[Task], out: Path, kinds: tuple[str, ...]
) -> tuple[list[Task], dict[str, list[str]]]:
    """The tasks with the pages that lie beside each when all are made, and why each is due."""
    for level in {words.level(task.known.tlp) for task in tasks}:
        files.one_level(out, level)
    manifests = files.manifests(out)
    pages: dict[str, set[str]] = {}
    for task in tasks:
        entries = manifests.get(out / task.place, {})
        finished = {name for name, entry in entries.items() if "key" in entry}
        pages.setdefault(task.place, finished).add(task.notebook.name)
    tasks = [with_pages(task, pages[task.place]) for task in tasks]
    return tasks, {
        task.name: files.why_due(out, task, kinds, manifests.get(out / task.place, {}))
        for task in tasks
    }


def _finish(out: Path, outcome: Outcome) -> None:
    """Write the story of a run, with no word of a fault, and the pages beside the reports."""
    story = {
        "made": outcome.made,
        "unchanged": outcome.skipped,
        "failed": sorted(outcome.failed),
        "interrupted": outcome.interrupted,
    }
    files.write(out / LAST_RUN, json.dumps(story, indent=1) + "\n")
    if not index.is_current(out):  # to draw its picture takes longer than to find that out
        files.write(out / "index.html", index.index(out))
    guide, path = page.guide(), out / f"{page.GUIDE}.html"
    if not (path.is_file() and path.read_bytes() == guide.encode()):
        files.write(path, guide)


def run_each(
    tasks: Sequence[Task], settings: tuple[Any, ...], jobs: int, given: Executor | None = None
) -> Iterator[tuple[Task, Result]]:
    """(task, what became of it) as each ends; `settings` are those of `work.report`.

    Where a worker dies, those that were at work are tried again one by one, so that the one that
    ends its worker is named and no other.
    """
    waiting, doubtful = deque(tasks), deque[Task]()
    while waiting or doubtful:
        with _pool(min(jobs, len(tasks)), given) as pool:
            at_work: dict[Future[Result], Task] = {}
            broken = False
            while not broken and (waiting or doubtful or at_work):
                queue, most = (doubtful, 1) if doubtful else (waiting, 2 * jobs)
                one_by_one = given is not None or queue is doubtful
                while queue and len(at_work) < most:
                    task = queue.popleft()
                    at_work[pool.submit(work.report, task, *settings)] = task
                for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                    task = at_work.pop(future)
                    died = isinstance(future.exception(), BrokenExecutor)
                    broken = broken or (died and given is None)
                    if died and not one_by_one:
                        doubtful.append(task)
                    else:
                        yield task, _result(task, future)
            doubtful.extend(at_work.values())


@contextmanager
def _pool(jobs: int, given: Executor | None) -> Iterator[Executor]:
    """The executor that was given, or workers of our own, which end here, at once if need be."""
    if given is not None:
        yield given
        return
    before = multiprocessing.active_children()
    pool = workers(jobs)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - set(before):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _result(task: Task, future: Future[Result]) -> Result:
    """What became of a task: its files, or why there are none."""
    repair = "run it alone with --jobs 1"
    try:
        return future.result()
    except ImpactError as error:
        kind, what, repair = type(error).__name__, error.faults[0].what, error.faults[0].repair
    except BrokenExecutor:
        kind = what = "the worker died"
    except Exception as error:  # what a worker meets ends its task and no other
        kind, what = type(error).__name__, f"{type(error).__name__}: {error}"[:200]
    return work.Lost(Fault(task.name, f"failed with {what}", repair), kind, "")
