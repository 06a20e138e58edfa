"""`impact report`: everything asked is checked at once, then made, then reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from impact.base import words
from impact.base.errors import BadInput, Fault
from impact.case.folder import load_case
from impact.reports import batch, files, page
from impact.reports import cluster as clusters
from impact.reports.plan import Parameters, attempt, chosen, find_notebooks, plan

_NAMED = 5  # reports named for one reason, before "and N more"


def make(
    case: str,
    notebook: str,
    out: Path,
    jobs: int,
    cluster: str,
    format: str,
    timeout: int,
    scenario: str,
    now: bool,
    sheet: bool,
    **view: Any,
) -> tuple[list[str], list[str], int]:
    """(lines for the reader, faults, exit status): plan and make reports of a case.

    `cluster` is the address of a Dask scheduler, or empty. Reports without an as-of keep the moment
    of those of the case in the folder, unless `now` is asked for. `sheet` adds one A4 page for
    each view. Raises BadInput with every fault of what was asked, before any kernel starts.
    """
    loaded = load_case(case)
    faults: list[Fault] = []
    formats = attempt(faults, batch.formats, format) or ()
    notebooks = attempt(faults, find_notebooks, notebook) or []
    for name, number in (("--jobs", jobs), ("--timeout", timeout)):
        if number < 1:
            faults.append(Fault(name, f"{number} is below 1", "give a whole number from 1"))
    base = Parameters(case=loaded.id, **view)
    moment = "" if now else files.moment_of(out, loaded.id)
    scenarios = chosen(loaded, scenario)
    tasks, refused = attempt(faults, plan, loaded, notebooks, scenarios, base, moment) or ([], [])
    if faults:
        raise BadInput(faults)
    with clusters.executor(cluster) as (executor, many):
        done = batch.run(tasks, out, formats, many or jobs, executor, timeout)
    for place, task in {one.place: one for one in tasks}.items():
        path = out / place / page.SHEET
        if sheet or path.is_file():  # one that is there is of what its view says now
            files.write(path, page.sheet(task))
    return (
        [*_reasons(done.made), _counts(done, len(refused)), str(out / "index.html")],
        list(map(str, [*loaded.unusable.values(), *refused, *done.failed.values()])),
        int(bool(refused or done.failed or done.interrupted)),
    )


def _counts(done: batch.Outcome, refused: int) -> str:
    """How many reports were made, in words."""
    counts = f"{len(done.made)} made, {len(done.skipped)} unchanged, {len(done.failed)} failed"
    if refused:
        counts += f", {words.count(refused, 'scenario')} refused"
    return counts + (", interrupted; run again to go on" if done.interrupted else "")


def _reasons(made: Mapping[str, Iterable[str]]) -> list[str]:
    """Which reports were made and why, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in made.items():
        by_reason.setdefault("; ".join(why), []).append(name)
    lines = []
    for reason, names in by_reason.items():
        more = len(names) - _NAMED
        named = [*names[:_NAMED], f"{more} more"] if more > 1 else names
        lines.append(f"made, {reason}: {words.listed(named)}")
    return lines
