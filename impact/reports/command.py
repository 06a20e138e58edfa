"""`impact report`: everything asked is checked at once, then made, then told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from impact.base import words
from impact.base.errors import BadInput, Fault, bad
from impact.case.folder import find_case, load_case
from impact.reports import batch, cluster, files, sheet
from impact.reports.plan import Parameters, chosen, find_notebooks, plan

_NAMED = 5  # reports named for one reason, before "and N more"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Told:
    """What the command says: lines for the reader, faults, and its exit status."""

    lines: tuple[str, ...]
    faults: tuple[Fault, ...]
    exit_status: int


def make(
    case: str,
    notebook: str,
    out: Path,
    jobs: int,
    address: str,
    kinds: str,
    seconds: int,
    scenario: str,
    now: bool = False,
    sheets: bool = False,
    **view: Any,
) -> Told:
    """Plan and make reports of a case; `address` is that of a Dask scheduler, or empty.

    Reports without an as-of keep the moment of those of the case in the folder, unless `now` is
    asked for. `sheets` adds one A4 page for each view.

    Raises BadInput with every fault of what was asked, before any kernel starts.
    """
    loaded = load_case(find_case(case))
    faults: list[Fault] = []
    formats = _try(faults, batch.formats, kinds) or ()
    notebooks = _try(faults, find_notebooks, notebook) or []
    _try(faults, _positive, "--jobs", jobs, "give the number of reports made at a time")
    _try(faults, _positive, "--timeout", seconds, "give the seconds that a report may take")
    base = Parameters(case=loaded.id, **view)
    moment = "" if now else files.moment_of(out, loaded.id)
    planned = _try(faults, plan, loaded, notebooks, chosen(loaded, scenario), base, moment)
    if faults or planned is None:
        raise BadInput(faults)
    tasks, refused = planned
    with cluster.executor(address) as (executor, many):
        done = batch.run(tasks, out, formats, many or jobs, executor, seconds)
    for task in {one.place: one for one in tasks}.values() if sheets else ():
        files.write(out / task.place / f"{sheet.NAME}.html", sheet.sheet(task))
    counts = (
        f"{len(done.made)} made, {len(done.skipped)} unchanged, {len(done.failed)} failed"
        + (f", {words.count(len(refused), 'scenario')} refused" if refused else "")
        + (", interrupted; run again to go on" if done.interrupted else "")
    )
    bad_end = refused or done.failed or done.interrupted
    return Told(
        (*_reasons(done.made), counts, str(out / "index.html")),
        (*refused, *done.failed.values()),
        1 if bad_end else 0,
    )


def _try(faults: list[Fault], function: Callable[..., Found], *asked: Any) -> Found | None:
    """What a function returns; the faults that it raises are added to those found before."""
    try:
        return function(*asked)
    except BadInput as error:
        faults += error.faults
        return None


def _positive(name: str, value: int, repair: str) -> None:
    if value < 1:
        raise bad(name, f"{value} is below 1", repair)


def _reasons(made: Mapping[str, Iterable[str]]) -> list[str]:
    """Which reports were made and why, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in made.items():
        by_reason.setdefault("; ".join(why), []).append(name)
    lines = []
    for reason, names in by_reason.items():
        more = len(names) - _NAMED
        said = [*names[:_NAMED], f"{more} more"] if more > 1 else names
        lines.append(f"made, {reason}: {words.listed(said)}")
    return lines
