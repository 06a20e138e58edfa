"""Whether a page says what its data say: the report is made again and compared."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from math import isclose
from pathlib import Path
from typing import Any

from impact.base import texts
from impact.base.errors import Refusal, bad
from impact.case.folder import cases, load_case
from impact.reports import batch, files, index, origin, page, work
from impact.reports.plan import Parameters, Task, find_notebooks, plan, with_pages

SHOWN = 12  # differences of one report in a terminal
WITHIN = 1e-9  # of a value, relative to it where it is above 1
Difference = dict[str, str]
Entry = files.Entry
_ABSENT = "not there"
_COMPARED = [kind for kind in work.MAKERS if kind != "pdf"]  # which may not come out the same


@dataclass(frozen=True)
class Report:
    """A report as found: what it was made from, its files by kind, its entry in the manifest."""

    name: str  # PLACE/NOTEBOOK, or the page's own
    made_from: Mapping[str, Any]
    files: Mapping[str, Path]
    entry: Entry  # empty for a page alone


@dataclass(frozen=True)
class Verdict:
    """What differs between a report and the same made now; `changed` says what it was made from."""

    name: str
    differences: tuple[Difference, ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        """The verdict in a line, then what differs."""
        why = f"; changed since: {', '.join(self.changed)}" if self.changed else ""
        lines = [f"{self.name}: {'differs' if self.differences else 'same'}{why}"]
        for each in self.differences[:SHOWN]:
            lines.append("  {figure}: printed {printed}, now {recomputed}".format(**each))
        if (more := len(self.differences) - SHOWN) > 0:
            lines.append(f"  and {more} more")
        return "\n".join(lines)


def verify(path: Path, case: str = "", jobs: int = 1) -> list[Verdict]:
    """The verdict on a page, or on every report and sheet of a folder.

    Values may differ by 1e-9, printed texts and files not at all. `case` names the case or its
    folder where it is not among those of the project. Raises BadInput where there is no report, or
    where it is of a case or notebook that is not here; Refusal where one cannot be made again.
    """
    if path.name == page.SHEET and path.is_file():
        reports = list(_reports(path.parent))[:1]
        return [_sheet(path, _task(report, case)) for report in reports]
    reports = list(_reports(path) if path.is_dir() else _report(path))
    if not reports:
        raise bad(str(path), "holds no report of this kit", "name a page, or a folder of reports")
    tasks = [_task(report, case) for report in reports]
    made = dict[int, work.Made]()
    for task, result in batch.run_each(tasks, _COMPARED, jobs):
        if isinstance(result, work.Lost):
            raise Refusal(result.fault)
        made[id(task)] = result
    pairs = list(zip(reports, tasks, strict=True))
    verdicts = [_verdict(report, task, made[id(task)]) for report, task in pairs]
    if path.is_dir():
        homes = {file.parent: task for one, task in pairs for file in one.files.values()}
        sheets = (_sheet(home / page.SHEET, task) for home, task in homes.items())
        verdicts += (sheet for sheet in sheets if sheet.differences)
        verdicts += _gathered(path)
    return verdicts


def record(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The verdicts as `impact verify --json` prints them."""
    several = len(verdicts) > 1
    return {
        "same": not any(verdict.differences for verdict in verdicts),
        "differences": [
            each | {"figure": f"{verdict.name} {each['figure']}" if several else each["figure"]}
            for verdict in verdicts
            for each in verdict.differences
        ],
        "changed": {verdict.name: list(verdict.changed) for verdict in verdicts if verdict.changed},
    }


def _reports(folder: Path) -> Iterator[Report]:
    """The finished reports in a folder."""
    for manifest in sorted(folder.rglob(files.MANIFEST)):
        entries = files.entries_of(manifest)
        _refuse_unsound(manifest, files.read(manifest).keys() - entries.keys())
        for notebook, entry in sorted(entries.items()):
            if "key" in entry:
                yield _entered(manifest.parent, notebook, entry)


def _refuse_unsound(manifest: Path, strange: Set[str]) -> None:
    """Raises BadInput for names of which a manifest holds what is no entry."""
    if strange:
        what = f'says nothing sound of "{min(strange)}"'
        raise bad(str(manifest), what, "make the report again, or ask for it again")


def _report(path: Path) -> Iterator[Report]:
    """The report of a page, if it is one: from the manifest beside it, else from the page alone."""
    called, manifest = path.name.partition(".")[0], path.parent / files.MANIFEST
    entries = files.entries_of(manifest)
    _refuse_unsound(manifest, {called} & files.read(manifest).keys() - entries.keys())
    if "key" in entries.get(called, {}):  # also where the path is of its notebook or PDF
        yield _entered(path.parent, called, entries[called])
    elif found := _MADE_FROM.search(texts.local(path)):
        made_from: Any = None
        with suppress(ValueError, RecursionError):
            made_from = texts.from_json(html.unescape(found[1]))
        kind = work.LIVE if path.name.endswith(f".{work.LIVE}") else "html"
        yield Report(path.name, made_from, {kind: path}, {})


_MADE_FROM = re.compile('<meta name="made-from" content="([^"]*)">')


def _entered(home: Path, notebook: str, entry: Entry) -> Report:
    """A report that stands in the manifest of its folder."""
    paths = {kind: home / f"{notebook}.{kind}" for kind in entry["files"] if kind in work.MAKERS}
    return Report("/".join([*home.parts[-2:], notebook]), entry, paths, entry)


def _task(report: Report, case: str) -> Task:
    """The task that makes a report again; what it says it was made from may be anybody's."""
    try:
        parameters = Parameters(**report.made_from["parameters"])
        moment, beside = str(report.made_from["moment"]), [*map(str, report.made_from["beside"])]
        notebooks = find_notebooks(str(report.made_from["notebook"]))
    except (LookupError, TypeError):
        what = "does not say what it was made from"
        raise bad(report.name, what, "ask for the report again") from None
    home = case or cases().get(str(parameters.case))
    loaded = load_case(home) if home else None
    if loaded is None or loaded.id != parameters.case:
        what = f'is of the case "{parameters.case}", which is another or not here'
        raise bad(report.name, what, "name its folder with --case")
    tasks, refused = plan(loaded, notebooks, [parameters.scenario], parameters, moment)
    if refused:
        raise Refusal(refused)
    return with_pages(tasks[0], beside)


def _verdict(report: Report, task: Task, made: work.Made) -> Verdict:
    """What differs between the figures and the files of a report and those made now."""
    old, changed, differences = report.entry, list[str](), list[Difference]()
    if old:
        changed += files.changed_parts(old["key"], task.key)
        differences += _figures(old, made.entry)
    for kind, path in sorted(report.files.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest = origin.sha256(content)
        found = _other(kind, content, made.files.get(kind, content))
        if old and digest != old["files"][kind]:
            changed.append(f"its {kind} file")
            found = found or [_difference(f"{kind} file", old["files"][kind], digest)]
        differences += found
    return Verdict(report.name, tuple(differences), tuple(changed))


def _sheet(path: Path, task: Task) -> Verdict:
    """The verdict on the one page of a view, where it is there."""
    old = path.read_bytes() if path.is_file() else b""
    found = _other(page.SHEET, old, page.sheet(task).encode()) if old else []
    name = "/".join([*path.parent.parts[-2:], page.SHEET])
    return Verdict(name, tuple(found), (page.SHEET,) if found else ())


def _gathered(path: Path) -> Iterator[Verdict]:
    """Verdicts on what a folder gathers from its reports, results and index, where they differ."""
    made: dict[Path, bytes] = {}
    for manifest in sorted(path.rglob(files.MANIFEST)):
        made |= files.as_files(manifest.parent, files.results(files.entries_of(manifest)))
    if (path / "index.html").is_file():
        made[path / "index.html"] = index.index(path).encode()
    for file, new in made.items():
        old = file.read_bytes() if file.is_file() else b""
        name = file.relative_to(path).as_posix()
        if old != new:
            found = _difference(name, *map(origin.sha256, (old, new)))
            yield Verdict(name, (found,), (name,))


_ENTERED = ("question", "case_title", "scenario", "as_of", "moment", "level", "headline")


def _figures(old: Entry, new: Entry) -> Iterator[Difference]:
    """What differs between two entries, figures by answer and name in their order."""
    for part in _ENTERED:
        if not _alike(old.get(part), new.get(part)):
            yield _difference(part, old.get(part), new.get(part))
    for one, other in zip_longest(old["figures"], new["figures"]):
        if not _alike(one, other):
            was, now = (each if isinstance(each, dict) else {} for each in (one, other))
            part = "value" if was.get("text") == now.get("text") else "text"
            named = {"answer": "", "name": "", **was, **now}
            name = f"{named['answer']}: {named['name']}"
            yield _difference(name, was.get(part, _ABSENT), now.get(part, _ABSENT))


def _alike(one: Any, other: Any) -> bool:
    """Whether two pieces of JSON are the same, with numbers that may differ by a billionth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return _alike(sorted(one.items()), sorted(other.items()))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=WITHIN, abs_tol=WITHIN)
    return bool(one == other)


_PIECES = re.compile(r'\n|(?=<)|(?<=>)|(?<=[}\]]),(?=")')  # of HTML, JSON and the data of a board


def _other(name: str, old: bytes, new: bytes) -> list[Difference]:
    """Pieces of text that differ between two files; their digests where none does."""
    if old == new:
        return []
    lines = [_PIECES.split(content.decode("utf-8", "replace")) for content in (old, new)]
    found = [
        _difference(f"text of the {name}", one, other)
        for one, other in zip_longest(*lines, fillvalue=_ABSENT)
        if one != other
    ]
    return found or [_difference(f"{name} file", *map(origin.sha256, (old, new)))]


def _difference(figure: str, printed: object, recomputed: object) -> Difference:
    printed, recomputed = (str(text).strip()[:200] for text in (printed, recomputed))
    return {"figure": figure, "printed": printed, "recomputed": recomputed}
