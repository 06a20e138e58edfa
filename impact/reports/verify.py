"""Whether a page says what its data say: the report is run again and compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from math import isclose
from pathlib import Path
from typing import Any

from impact.base import texts
from impact.base.errors import Refusal, bad
from impact.case.folder import load_case
from impact.reports import batch, files, headline, index, origin, work
from impact.reports.plan import (
    BESIDE,
    DEFAULTS,
    NAMES,
    Parameters,
    Task,
    find_notebooks,
    plan,
    with_pages,
)

SHOWN = 12  # differences of one report in a terminal
WITHIN = 1e-9  # of a value, relative to it where it is above 1
_ABSENT = "not there"
_NOTHING = dict[str, Any]()
_NAME_ONE = "name a page, or a folder of reports"
_COMPARED = ("html", "ipynb", work.LIVE)  # files that come out the same; a PDF may not, elsewhere


@dataclass(frozen=True)
class Report:
    """A report as found: its files by kind, and its entry in the manifest if it has one."""

    name: str  # PLACE/NOTEBOOK, or the page's own
    notebook: str
    files: Mapping[str, Path]
    parameters: Parameters
    entry: Mapping[str, Any]
    now: str  # the moment that it was seen from; empty where it does not say
    beside: tuple[str, ...]  # the notebooks whose pages it leads to


@dataclass(frozen=True)
class Verdict:
    """What differs between a report and the same made now; `changed` says what it was made from."""

    name: str
    differences: tuple[dict[str, str], ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        """The verdict in a line, then what differs."""
        why = f"; changed since: {', '.join(self.changed)}" if self.changed else ""
        lines = [f"{self.name}: {'differs' if self.differences else 'same'}{why}"]
        for each in self.differences[:SHOWN]:
            printed, recomputed = each["printed"][:200], each["recomputed"][:200]
            lines.append(f"  {each['figure']}: printed {printed}, now {recomputed}")
        if (more := len(self.differences) - SHOWN) > 0:
            lines.append(f"  and {more} more")
        return "\n".join(lines)


def verify(path: Path, case: str = "", jobs: int = 1) -> list[Verdict]:
    """The verdict on a page, or on every report of a folder.

    Values may differ by 1e-9, printed texts and files not at all. `case` names the case or its
    folder where it is not among those of the project. Raises BadInput where there is no report, or
    where it is of a case or notebook that is not here; Refusal where one cannot be made again.
    """
    if not path.is_dir() and not path.is_file():
        raise bad(str(path), "is neither a file nor a folder", _NAME_ONE)
    reports = list(_reports(path) if path.is_dir() else _report(path))
    if not reports:
        raise bad(str(path), "holds no report of this kit", _NAME_ONE)
    tasks = [_task(report, case) for report in reports]
    report_of = {id(task): report for task, report in zip(tasks, reports, strict=True)}
    verdict_of, headlines = dict[int, Verdict](), headline.Headlines()
    for task, result in batch.run_each(tasks, (_COMPARED,), jobs):
        if isinstance(result, work.Lost):
            raise Refusal(result.fault)
        made = work.Made(result.files, result.entry | {"headline": headlines.of(task)})
        verdict_of[id(task)] = _verdict(report_of[id(task)], task, made)
    return [*(verdict_of[id(task)] for task in tasks), *_gathered(path)]


def _gathered(path: Path) -> Iterator[Verdict]:
    """Verdicts on what a folder gathers from its reports, results and index, where they differ."""
    if not path.is_dir():
        return
    made: files.Contents = {}
    for manifest in sorted(path.rglob(files.MANIFEST)):
        made |= files.gathered(manifest.parent, files.entries_of(manifest))
    if (path / "index.html").is_file():
        made[path / "index.html"] = index.index(path)
    for file, content in made.items():
        new = content.encode() if isinstance(content, str) else content
        old = file.read_bytes() if file.is_file() else b""
        if old != new:
            name = file.relative_to(path).as_posix()
            yield Verdict(name, (_other_file(name, origin.sha256(old), new),), (name,))


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
        if strange := sorted(files.read(manifest).keys() - entries.keys()):
            what = f'says nothing sound of "{strange[0]}"'
            raise bad(str(manifest), what, "make the report again, or ask for it again")
        for notebook, entry in sorted(entries.items()):
            if "key" in entry:
                yield _entered(manifest.parent, notebook, entry)


def _report(path: Path) -> Iterator[Report]:
    """The report of a page, if it is one: from the manifest beside it, else from the page alone."""
    kind = work.LIVE if path.name.endswith(f".{work.LIVE}") else "html"
    called = path.name.removesuffix(f".{kind}") if kind == work.LIVE else path.stem
    entry = files.entries_of(path.parent / files.MANIFEST).get(called, {})
    if "key" in entry:
        yield _entered(path.parent, called, entry)
    elif made_from := _read(path).made_from:
        try:
            source: Any = texts.from_json(made_from)
            notebook, given = str(source["notebook"]), dict(source["parameters"])
            now, beside = str(source.get("now", "")), tuple(map(str, source.get("beside", ())))
        except (ValueError, LookupError, TypeError, RecursionError):
            what = "does not say what it was made from"
            raise bad(str(path), what, "ask for the page again") from None
        parameters = _parameters(str(path), given)
        yield Report(path.name, notebook, {kind: path}, parameters, {}, now, beside)


def _entered(home: Path, notebook: str, entry: Mapping[str, Any]) -> Report:
    """A report that stands in the manifest of its folder."""
    name = "/".join([*home.parts[-2:], notebook])
    paths = {kind: home / f"{notebook}.{kind}" for kind in entry["files"] if kind in work.FORMATS}
    parameters, now = _parameters(name, entry["parameters"]), str(entry.get("moment", ""))
    beside = tuple(str(entry["key"].get(BESIDE, "")).split())
    return Report(name, notebook, paths, parameters, entry, now, beside)


def _parameters(where: str, found: Mapping[str, Any]) -> Parameters:
    """Parameters from a page or manifest, which may be anybody's."""
    for name, default in vars(DEFAULTS).items():
        if type(found.get(name)) is not type(default):
            raise bad(where, f"says no {name} that could be", "ask for the report again")
    return Parameters(**{name: found[name] for name in NAMES})


def _task(report: Report, case: str) -> Task:
    """The task that makes a report again."""
    parameters = report.parameters
    if not case and not parameters.case.replace("-", "").replace("_", "").isalnum():
        raise bad(report.name, "is of a case without a name", "name its folder with --case")
    loaded = load_case(case or parameters.case)
    if loaded.id != parameters.case:
        what = f'is of the case "{parameters.case}", not of "{loaded.id}"'
        raise bad(report.name, what, "name its folder with --case")
    notebooks = find_notebooks(report.notebook)
    tasks, refused = plan(loaded, notebooks, [parameters.scenario], parameters, report.now)
    if refused:
        raise Refusal(refused)
    return with_pages(tasks[0], report.beside)


def _verdict(report: Report, task: Task, made: work.Made) -> Verdict:
    """What differs between the figures and the files of a report and those made now."""
    key = report.entry.get("key", {})
    changed = files.changed_parts(key, task.key) if key else []
    differences = list(_figures(report.entry, made.entry)) if key else []
    for kind, path in sorted(report.files.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest = report.entry.get("files", {}).get(kind, origin.sha256(content))
        if origin.sha256(content) != digest:
            changed.append(f"its {kind} file")
        if content != made.files.get(kind, content):
            differences += _texts(kind, content, made.files[kind])
        elif origin.sha256(content) != digest:
            differences.append(_other_file(f"{kind} file", digest, content))
    return Verdict(report.name, tuple(differences), tuple(changed))


_FIGURE = ("answer", "name", "text", "value", "error")
_ENTERED = ("title", "question", "case_title", "scenario", "as_of", "moment", "level", "headline")


def _figures(entry: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Figures that differ, by answer and name in their order."""
    now = json.loads(json.dumps(now))
    for part in _ENTERED:
        if not _alike(entry.get(part), now.get(part)):
            yield _difference(part, str(entry.get(part))[:200], str(now.get(part))[:200])
    figures = [figure if isinstance(figure, dict) else {} for figure in entry["figures"]]
    for old, new in zip_longest(figures, now["figures"], fillvalue=_NOTHING):
        if not all(_near(old.get(part), new.get(part)) for part in _FIGURE):
            part = "value" if old.get("text") == new.get("text") else "text"
            figure = {"answer": "", "name": "", **new, **old}
            printed, recomputed = (str(found.get(part, _ABSENT)) for found in (old, new))
            yield _difference(f"{figure['answer']}: {figure['name']}", printed, recomputed)


def _alike(one: Any, other: Any) -> bool:
    """Whether two pieces of JSON are the same, with numbers that may differ by a billionth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return _near(one, other)


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=WITHIN, abs_tol=WITHIN)
    return bool(one == other)


def _texts(kind: str, old: bytes, new: bytes) -> Iterator[dict[str, str]]:
    """Lines of text that differ between two files; the digests of the files where none does."""
    lines = list(zip_longest(_lines(kind, old), _lines(kind, new), fillvalue=_ABSENT))
    if all(one == other for one, other in lines):
        yield _other_file(f"{kind} file", origin.sha256(old), new)
    for one, other in lines:
        if one != other:
            yield _difference(f"text of the {kind}", one, other)


def _lines(kind: str, content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    return _Page(text).lines if kind.endswith("html") else text.splitlines()


def _other_file(name: str, digest: str, content: bytes) -> dict[str, str]:
    """The difference between a file of that digest and the content of another."""
    return _difference(name, digest[:16], origin.sha256(content)[:16])


def _difference(figure: str, printed: str, recomputed: str) -> dict[str, str]:
    return {"figure": figure, "printed": printed, "recomputed": recomputed}


_VISIBLE = ("href", "aria-label", "content")  # attributes that a reader may see or follow


class _Page(HTMLParser):
    """The texts of a page, and what it says it was made from."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.made_from = ""
        self.hidden = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the origin of the page and what a tag says; a style or script is no text."""
        attributes = dict(attrs)
        self.lines += [f"{name} {attributes[name]}" for name in _VISIBLE if attributes.get(name)]
        self.hidden = tag == "style" or attributes.get("type") == "module"
        if tag == "meta" and attributes.get("name") == "made-from":
            self.made_from = attributes.get("content") or ""

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if not self.hidden and data.strip():
            parts = re.split(r'(?<=[}\]]),"', data) if data[:2] == '{"' else [data]  # of a board
            self.lines += [" ".join(part.split()) for part in parts]

    def handle_endtag(self, tag: str) -> None:
        """After a style come texts again."""
        self.hidden = False


def _read(path: Path) -> _Page:
    try:
        return _Page(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})"
        raise bad(str(path), what, _NAME_ONE) from None
