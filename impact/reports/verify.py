"""Whether a page says what its data say: the report is run again and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

from impact.case.folder import load_case
from impact.errors import BadInput, Fault, Refusal, bad
from impact.reports import batch, files, page, work
from impact.reports.plan import NAMES, Parameters, Task, find_notebooks, plan

SHOWN = 12  # differences of one report in a terminal
WITHIN = 1e-9  # of a value, relative to it where it is above 1
_ABSENT = "not there"
_COMPARED = ("html", "ipynb")  # files that come out the same; a PDF may not, elsewhere


@dataclass(frozen=True)
class Report:
    """A report as found: its files by kind, and its entry in the manifest if it has one."""

    name: str  # PLACE/NOTEBOOK, or the page's own
    notebook: str
    files: Mapping[str, Path]
    parameters: Parameters
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What differs between a report and the same made now; `changed` says what it was made from."""

    name: str
    differences: tuple[dict[str, str], ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        """The verdict in a line, then what differs."""
        told = [
            f"  {each['figure']}: printed {each['printed'][:200]}, now {each['recomputed'][:200]}"
            for each in self.differences[:SHOWN]
        ]
        more = len(self.differences) - SHOWN
        told += [f"  and {more} more"] if more > 0 else []
        said = "differs" if self.differences else "same"
        why = f"; changed since: {', '.join(self.changed)}" if self.changed else ""
        return "\n".join([f"{self.name}: {said}{why}", *told])


def verify(path: Path, case: str = "", jobs: int = 1) -> list[Verdict]:
    """The verdict on a page, or on every report of a folder.

    Values may differ by 1e-9, printed texts and files not at all. `case` names the case or its
    folder where it is not among those of the project. Raises BadInput where there is no report, or
    where it is of a case or notebook that is not here; Refusal where one cannot be made again.
    """
    found = list(_reports(path))
    if not found:
        raise bad(str(path), "holds no report of this kit", "name a page, or a folder of reports")
    tasks = [_task(report, case) for report in found]
    verdicts: dict[int, Verdict] = {}
    numbers = {id(task): number for number, task in enumerate(tasks)}
    for task, made in batch.each(tasks, (_COMPARED,), jobs):
        if isinstance(made, work.Lost):
            raise Refusal(made.fault)
        number = numbers[id(task)]
        verdicts[number] = _verdict(found[number], task, made)
    return [verdicts[number] for number in sorted(verdicts)]


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


def _reports(path: Path) -> Iterator[Report]:
    """The reports in a folder, or the one of a page."""
    if path.is_dir():
        for manifest in sorted(path.rglob(files.MANIFEST)):
            for notebook, entry in sorted(files.read(manifest).items()):
                if "key" in entry:
                    yield _entered(manifest.parent, notebook, entry)
        return
    entry = files.read(path.parent / files.MANIFEST).get(path.stem, {})
    if "key" in entry:
        yield _entered(path.parent, path.stem, entry)
    elif made_from := _read(path).made_from:
        try:
            said = json.loads(made_from)
            notebook, given = str(said["notebook"]), dict(said["parameters"])
        except (ValueError, LookupError, TypeError):
            what = "does not say what it was made from"
            raise bad(str(path), what, "ask for the page again") from None
        yield Report(path.name, notebook, {"html": path}, _parameters(str(path), given), {})


def _entered(home: Path, notebook: str, entry: Mapping[str, Any]) -> Report:
    """A report that stands in the manifest of its folder."""
    name = "/".join([*home.parts[-2:], notebook])
    found = {kind: home / f"{notebook}.{kind}" for kind in entry["files"]}
    return Report(name, notebook, found, _parameters(name, entry["parameters"]), entry)


def _parameters(where: str, said: Mapping[str, Any]) -> Parameters:
    """Parameters as a page or manifest says them, which may be anybody's."""
    plain = Parameters()
    for name in NAMES:
        if type(said.get(name)) is not type(getattr(plain, name)):
            raise bad(where, f"says no {name} that could be", "ask for the report again")
    return Parameters(**{name: said[name] for name in NAMES})


def _task(report: Report, case: str) -> Task:
    parameters = report.parameters
    if not case and not parameters.case.replace("-", "").replace("_", "").isalnum():
        raise bad(report.name, "is of a case without a name", "name its folder with --case")
    loaded = load_case(case or parameters.case)
    if loaded.id != parameters.case:
        what = f'is of the case "{parameters.case}", not of "{loaded.id}"'
        raise bad(report.name, what, "name its folder with --case")
    notebooks = find_notebooks(report.notebook)
    tasks, refused = plan(loaded, notebooks, [parameters.scenario], parameters)
    if refused:
        raise Refusal(refused)
    return tasks[0]


def _verdict(report: Report, task: Task, made: work.Made) -> Verdict:
    key, now = report.entry.get("key", {}), task.key
    changed = [part for part in sorted({*key, *now}) if key and key.get(part) != now.get(part)]
    differences = list(_figures(report.entry, made.entry)) if key else []
    for kind, path in sorted(report.files.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest = report.entry.get("files", {}).get(kind, page.sha256(content))
        if page.sha256(content) != digest:
            changed.append(f"its {kind} file")
        if content != made.files.get(kind, content):
            differences += _texts(kind, content, made.files[kind])
        elif page.sha256(content) != digest:
            differences.append(_differs(f"{kind} file", digest[:16], page.sha256(content)[:16]))
    return Verdict(report.name, tuple(differences), tuple(changed))


def _figures(entry: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Figures that differ, by answer and name in their order."""
    pairs = zip_longest(entry["figures"], now["figures"], fillvalue=None)
    for old, new in pairs:
        one, other = old or {}, new or {}
        told = all(one.get(part) == other.get(part) for part in ("answer", "name", "text", "label"))
        near = all(_near(one.get(part), other.get(part)) for part in ("value", "error"))
        if not told or not near:
            part = "value" if one.get("text") == other.get("text") else "text"
            named = one or other
            printed, now_said = (str(f.get(part, _ABSENT)) for f in (one, other))
            yield _differs(f"{named['answer']}: {named['name']}", printed, now_said)


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= WITHIN * max(1.0, abs(one), abs(other))


def _texts(kind: str, old: bytes, new: bytes) -> Iterator[dict[str, str]]:
    """Lines of text that differ between two files; the digests of the files where none does."""
    one, other = _lines(kind, old), _lines(kind, new)
    wrong = [
        _differs(f"text of the {kind}", *pair)
        for pair in zip_longest(one, other, fillvalue=_ABSENT)
        if pair[0] != pair[1]
    ]
    digests = (page.sha256(content)[:16] for content in (old, new))
    yield from wrong or [_differs(f"{kind} file", *digests)]


def _lines(kind: str, content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    return _parsed(text).lines if kind == "html" else text.splitlines()


def _differs(figure: str, printed: str, recomputed: str) -> dict[str, str]:
    return {"figure": figure, "printed": printed, "recomputed": recomputed}


_TOLD = ("href", "aria-label", "content")  # attributes that a reader may see or follow


class _Page(HTMLParser):
    """The texts of a page, and what it says it was made from."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.made_from = ""
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the origin of the page and what a tag says; a style is no text."""
        said = dict(attrs)
        self.lines += [f"{name} {said[name]}" for name in _TOLD if said.get(name)]
        self.hidden = tag == "style"
        if tag == "meta" and said.get("name") == "made-from":
            self.made_from = said.get("content") or ""

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if not self.hidden and data.strip():
            self.lines.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        """After a style come texts again."""
        self.hidden = False


def _parsed(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    return found


def _read(path: Path) -> _Page:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})"
        raise BadInput(Fault(str(path), what, "name a page, or a folder of reports")) from None
