"""Making reports: what is unchanged is skipped, what is written is whole or not there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from impact.case import folder
from impact.case.folder import Case
from impact.case.views import now
from impact.errors import Fault, ImpactError, bad
from impact.reports import index, page
from impact.reports.kernels import Failed, execute
from impact.reports.plan import Parameters, Task, kit_version, library_versions
from impact.words import date

FORMATS = ("html", "ipynb")


@dataclass
class Outcome:
    """What a batch did: names of tasks made and skipped, and the faults of those that failed."""

    made: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: list[Fault] = field(default_factory=list)


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    except OSError as error:
        raise bad(
            str(path.parent), f"cannot be written ({error.strerror})", "choose another folder"
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise bad(
            str(path), f"cannot be written ({error.strerror})", "make room and run again"
        ) from None


def formats(text: str) -> tuple[str, ...]:
    """The kinds of file in a list such as `html,ipynb`; raises BadInput for another."""
    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    if not kinds or set(kinds) - set(FORMATS):
        raise bad("--format", f'"{text}" is not known', f"choose of {','.join(FORMATS)}")
    return kinds


def workers(jobs: int) -> int:
    """The number of reports to make at a time; raises BadInput below 1."""
    if jobs < 1:
        raise bad("--jobs", f"{jobs} is below 1", "give the number of reports made at a time")
    return jobs


def entry(task: Task, executed: Mapping[str, Any]) -> dict[str, Any]:
    """What a report was made from and every figure in it, raw and as printed."""
    moment = now(task.known)
    figures = [
        {"answer": record["name"], **figure}
        for record in page.records(executed)
        for figure in record["figures"]
    ]
    return {
        "case": task.known.id,
        "title": page.title(task, executed),
        "parameters": vars(task.parameters),
        "as_of": date(moment) if moment else "no day",
        "level": f"TLP:{task.known.tlp.upper()}",
        "view_digest": folder.digest(task.known),
        "key": task.key,
        "kit": kit_version(),
        "libraries": library_versions(),
        "figures": figures,
    }


def unchanged(task: Task, out: Path, kinds: Sequence[str]) -> bool:
    """Whether the folder holds this very report: the key in its manifest and every file."""
    home = out / task.place
    made = index.read(home / index.MANIFEST).get(task.notebook.stem, {})
    files = [home / f"{task.notebook.stem}.{kind}" for kind in kinds]
    return made.get("key") == task.key and all(path.exists() for path in files)


def make(task: Task, out: Path, kinds: Sequence[str]) -> dict[str, Any]:
    """Execute one task, write its page and notebook; gives its entry for the manifest."""
    executed = execute(task.notebook, task.parameters, task.name)
    home, stem = out / task.place, task.notebook.stem
    if "html" in kinds:
        write(home / f"{stem}.html", page.page(task, executed))
    if "ipynb" in kinds:
        shared = json.dumps(page.shared_notebook(executed), indent=1, ensure_ascii=False)
        write(home / f"{stem}.ipynb", shared + "\n")
    return entry(task, executed)


def record(task: Task, out: Path, made: Mapping[str, Any]) -> None:
    """Enter a finished report in the manifest of its folder, and its figures in answers.parquet.

    The manifest comes last: a report that is not in it does not count as made.
    """
    home = out / task.place
    manifest = {**index.read(home / index.MANIFEST), task.notebook.stem: made}
    figures = [
        {"notebook": notebook, **figure}
        for notebook, report in sorted(manifest.items())
        for figure in report["figures"]
    ]
    with tempfile.NamedTemporaryFile(suffix=".parquet") as scratch:
        pl.DataFrame(figures, infer_schema_length=None).write_parquet(scratch.name)
        write(home / "answers.parquet", Path(scratch.name).read_bytes())
    write(home / index.MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def run(
    case: Case,
    tasks: Sequence[Task],
    out: Path,
    base: Parameters,
    kinds: Sequence[str] = FORMATS,
    jobs: int = 1,
) -> Outcome:
    """Make what changed, then the overview and the index; a failure is named, not fatal."""
    from tqdm import tqdm

    outcome, due = Outcome(), list[Task]()
    for task in tasks:
        if unchanged(task, out, kinds):
            outcome.skipped.append(task.name)
        else:
            due.append(task)
    with tqdm(total=len(due), unit="report", disable=None, leave=False) as progress:
        for task, made in _each(due, out, kinds, jobs):
            progress.update()
            if isinstance(made, ImpactError):
                outcome.failed += made.faults
                if isinstance(made, Failed):
                    kept = f"{task.name.replace('/', '_')}.ipynb"
                    write(out.parent / ".failed" / kept, json.dumps(made.executed))
            else:
                record(task, out, made)
                outcome.made.append(task.name)
    overview = index.overview(case, base)
    write(out / case.id / index.OVERVIEW, json.dumps(overview, indent=1) + "\n")
    write(out / "index.html", index.index(out))
    return outcome


def _each(
    tasks: Sequence[Task], out: Path, kinds: Sequence[str], jobs: int
) -> Iterator[tuple[Task, dict[str, Any] | ImpactError]]:
    """(task, entry or error) as each ends, in the order of the tasks."""
    if jobs == 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, _attempt(task, out, kinds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [(task, pool.submit(_attempt, task, out, kinds)) for task in tasks]
        for task, future in waiting:
            yield task, future.result()


def _attempt(task: Task, out: Path, kinds: Sequence[str]) -> dict[str, Any] | ImpactError:
    try:
        return make(task, out, kinds)
    except ImpactError as error:
        return error
