"""Whether a page says what its data say: the report is run again and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

from impact.base import texts
from impact.base.errors import BadInput, Fault, Refusal, bad
from impact.case.folder import load_case
from impact.reports import batch, files, headline, index, page, work
from impact.reports.plan import (
    BESIDE,
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
_COMPARED = ("html", "ipynb")  # files that come out the same; a PDF may not, elsewhere


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
    if not path.is_dir() and not path.is_file():
        raise bad(
            str(path), "is neither a file nor a folder", "name a page, or a folder of reports"
        )
    found = list(_reports(path))
    if not found:
        raise bad(str(path), "holds no report of this kit", "name a page, or a folder of reports")
    tasks = [_task(report, case) for report in found]
    verdicts: dict[int, Verdict] = {}
    heads = headline.Headlines()
    numbers = {id(task): number for number, task in enumerate(tasks)}
    for task, made in batch.each(tasks, (_COMPARED,), jobs):
        if isinstance(made, work.Lost):
            raise Refusal(made.fault)
        number = numbers[id(task)]
        now = made.entry | {"headline": heads.of(task)}
        verdicts[number] = _verdict(found[number], task, work.Made(made.files, now))
    return [*(verdicts[number] for number in sorted(verdicts)), *_gathered(path)]


def _gathered(path: Path) -> Iterator[Verdict]:
    """Verdicts on what a folder gathers from its reports, results and index, where they differ."""
    if not path.is_dir():
        return
    made: files.Contents = {}
    for manifest in sorted(path.rglob(files.MANIFEST)):
        made |= files.gathered(manifest.parent, files.entries_of(manifest))
    if (path / "index.html").is_file():
        made[path / "index.html"] = index.index(path)
    for at, content in made.items():
        now = content.encode() if isinstance(content, str) else content
        old = at.read_bytes() if at.is_file() else b""
        if old != now:
            name = "/".join(at.relative_to(path).parts)
            digests = (page.sha256(one)[:16] for one in (old, now))
            yield Verdict(name, (_differs(name, *digests),), (name,))


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
            found, sound = files.read(manifest), files.entries_of(manifest)
            if strange := sorted(found.keys() - sound.keys()):
                what = f'says nothing sound of "{strange[0]}"'
                raise bad(str(manifest), what, "make the report again, or ask for it again")
            for notebook, entry in sorted(sound.items()):
                if "key" in entry:
                    yield _entered(manifest.parent, notebook, entry)
        return
    entry = files.entries_of(path.parent / files.MANIFEST).get(path.stem, {})
    if "key" in entry:
        yield _entered(path.parent, path.stem, entry)
    elif made_from := _read(path).made_from:
        try:
            said: Any = texts.from_json(made_from)
            notebook, given = str(said["notebook"]), dict(said["parameters"])
            now, beside = str(said.get("now", "")), tuple(map(str, said.get("beside", ())))
        except (ValueError, LookupError, TypeError, RecursionError):
            what = "does not say what it was made from"
            raise bad(str(path), what, "ask for the page again") from None
        parameters = _parameters(str(path), given)
        yield Report(path.name, notebook, {"html": path}, parameters, {}, now, beside)


def _entered(home: Path, notebook: str, entry: Mapping[str, Any]) -> Report:
    """A report that stands in the manifest of its folder."""
    name = "/".join([*home.parts[-2:], notebook])
    found = {kind: home / f"{notebook}.{kind}" for kind in entry["files"] if kind in work.FORMATS}
    parameters, now = _parameters(name, entry["parameters"]), str(entry.get("moment", ""))
    beside = tuple(str(entry["key"].get(BESIDE, "")).split())
    return Report(name, notebook, found, parameters, entry, now, beside)


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
    tasks, refused = plan(loaded, notebooks, [parameters.scenario], parameters, report.now)
    if refused:
        raise Refusal(refused)
    return with_pages(tasks[0], report.beside)


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


_SAID = ("title", "question", "case_title", "scenario", "as_of", "moment", "level", "headline")


def _figures(entry: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Figures that differ, by answer and name in their order."""
    for part in _SAID:
        said, made = (json.loads(json.dumps(found.get(part))) for found in (entry, now))
        if not _alike(said, made):
            yield _differs(part, str(said)[:200], str(made)[:200])
    figures = [figure if isinstance(figure, dict) else {} for figure in entry["figures"]]
    for old, new in zip_longest(figures, now["figures"], fillvalue=None):
        one, other = old or {}, new or {}
        told = all(one.get(part) == other.get(part) for part in ("answer", "name", "text"))
        near = all(_near(one.get(part), other.get(part)) for part in ("value", "error"))
        if not told or not near:
            part = "value" if one.get("text") == other.get("text") else "text"
            named = {"answer": "", "name": "", **other, **one}
            printed, now_said = (str(f.get(part, _ABSENT)) for f in (one, other))
            yield _differs(f"{named['answer']}: {named['name']}", printed, now_said)


def _alike(one: Any, other: Any) -> bool:
    """Whether two pieces of JSON are the same, with numbers that may differ by a billionth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return _near(one, other)


def _near(one: Any, other: Any) -> bool:
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other)):
        return bool(one == other)
    return bool(abs(one - other) <= WITHIN * max(1.0, abs(one), abs(other)))


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
