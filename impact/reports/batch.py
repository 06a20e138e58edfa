"""Making reports: the unchanged are skipped, a failure is named, what is written is whole."""

from __future__ import annotations

import json
import multiprocessing
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import forkserver
from pathlib import Path

from impact.base import words
from impact.base.errors import Fault, ImpactError, bad
from impact.reports import files, index, page, pdf, work
from impact.reports.plan import Task, with_pages

LAST_RUN = "last_run.json"
KINDS = {kind.partition(".")[0]: kind for kind in work.MAKERS}  # as they are asked for
_PRELOADED = ["impact.reports.preload", "impact.reports.work", "papermill"]


@dataclass
class Outcome:
    """What a batch did, by the names of its tasks; `made` says why each was due."""

    made: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, Fault] = field(default_factory=dict)
    interrupted: bool = False


def formats(text: str) -> tuple[str, ...]:
    """The kinds of file in a list such as `html,ipynb`; raises BadInput for another."""
    asked = [kind for part in text.split(",") if (kind := part.strip())]
    if not asked or not set(asked) <= KINDS.keys():
        raise bad("--format", f'"{text}" is not known', f"choose of {','.join(KINDS)}")
    if "pdf" in asked:
        pdf.browser()
    return tuple(KINDS[part] for part in asked)


def workers(jobs: int) -> Executor:
    """Processes on this machine that make so many reports at a time.

    They begin as copies of a process with the imports done, where that can be.
    """
    from concurrent.futures import ProcessPoolExecutor

    from impact.reports import engine

    named = len(tempfile.gettempdir()) < work.LONGEST  # the fork server has a socket there
    forked = engine.can_fork() and named
    context = multiprocessing.get_context("forkserver" if forked else "spawn")
    if forked:
        context.set_forkserver_preload(_PRELOADED)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            forkserver.ensure_running()  # which hears no Ctrl-C, while it imports either
        finally:
            signal.signal(signal.SIGINT, before)
    return ProcessPoolExecutor(jobs, context, work.begin, (forked,))


def run(
    tasks: Sequence[Task],
    out: Path,
    kinds: Sequence[str] = work.USUAL,
    jobs: int = 1,
    executor: Executor | None = None,
    seconds: int = work.SECONDS,
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
        bar = tqdm(total=len(due), unit="report", disable=None, leave=False)
        with bar, interrupts() as heard:
            try:
                for task, result in run_each(due, kinds, jobs, executor, seconds):
                    if isinstance(result, work.Made):
                        files.record(out, task, result.files, result.entry)
                        outcome.made[task.name] = reasons[task.name]
                    else:
                        files.record_failure(out, task, result.kind, result.executed)
                        outcome.failed[task.name] = result.fault
                    bar.update()
                    if heard:
                        raise KeyboardInterrupt
            except KeyboardInterrupt:
                outcome.interrupted = True
        _finish(out, outcome)
    return outcome


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Each Ctrl-C, though what it raised may be lost in a library that calls back."""
    heard = list[int]()

    def hear(number: int, frame: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _with_reasons(
    tasks: Sequence[Task], out: Path, kinds: Iterable[str]
) -> tuple[list[Task], dict[str, list[str]]]:
    """The tasks with the pages that lie beside each when all are made, and why each is due."""
    for level in {words.level(task.known.tlp) for task in tasks}:
        files.one_level(out, level)
    entries = files.reports(out)
    there = {name for name, entry in entries.items() if "key" in entry}
    there |= {task.name for task in tasks}
    tasks = [
        with_pages(task, (Path(name).name for name in there if name.startswith(f"{task.place}/")))
        for task in tasks
    ]
    return tasks, {
        task.name: files.why_due(out, task, kinds, entries.get(task.name, {})) for task in tasks
    }


def _finish(out: Path, outcome: Outcome) -> None:
    """Write the story of a run, with no word of a fault, and the pages beside the reports."""
    story = {**vars(outcome), "failed": sorted(outcome.failed)}
    files.write(out / LAST_RUN, json.dumps(story, indent=1) + "\n")
    if not index.is_current(out):  # to draw its picture takes longer than to find that out
        files.write(out / "index.html", index.index(out))
    guide, path = page.guide(), out / f"{page.GUIDE}.html"
    if not (path.is_file() and path.read_bytes() == guide.encode()):
        files.write(path, guide)


def run_each(
    tasks: Sequence[Task],
    kinds: Iterable[str],
    jobs: int,
    given: Executor | None = None,
    seconds: int = work.SECONDS,
) -> Iterator[tuple[Task, work.Made | work.Lost]]:
    """(task, what became of it) as each ends, with its headline in the entry of what was made.

    Where a worker dies, those that were at work or waited are tried again one by one, so that the
    one that ends its worker is named and no other.
    """
    if not tasks:
        return
    headlines = index.Headlines()
    alone = given is not None or len(tasks) == 1
    doubtful = list[Task]()
    with _pool(min(jobs, len(tasks)), given) as pool:
        at_work = {pool.submit(work.report, task, kinds, seconds): task for task in tasks}
        for future in as_completed([*at_work]):
            task = at_work.pop(future)
            if isinstance(future.exception(), BrokenExecutor) and not alone:
                doubtful.append(task)
                continue
            result = _result(task, future)
            if isinstance(result, work.Made):
                entry = result.entry | {"headline": headlines.of(task)}
                result = replace(result, entry=entry)
            yield task, result
    for task in doubtful:
        yield from run_each([task], kinds, 1, None, seconds)


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


def _result(task: Task, future: Future[work.Made]) -> work.Made | work.Lost:
    """What became of a task: its files, or why there are none."""
    repair = "run it alone with --jobs 1"
    try:
        return future.result()
    except work.Lost as lost:
        return lost
    except BrokenExecutor:
        kind = what = "the worker died"
    except Exception as error:  # what a worker meets ends its task and no other
        kind, what = type(error).__name__, f"{type(error).__name__}: {error}"[:200]
        if isinstance(error, ImpactError):
            what, repair = error.faults[0].what, error.faults[0].repair
    return work.Lost(Fault(task.name, f"failed with {what}", repair), kind)
