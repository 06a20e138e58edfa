"""The files of a report folder: whole or not there, of one level, one run at a time.

```
OUT/index.html, reading-a-report.html
OUT/last_run.json
OUT/CASE/SCENARIO[@as-of][+tlp][~hash]/NOTEBOOK.html .ipynb .pdf, answers.parquet, answers.csv
OUT/CASE/SCENARIO.../manifest.json      a report counts as made where its entry is here
.failed/                                beside OUT, what there is of notebooks that failed
```
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from impact.base import texts, times, words
from impact.base.errors import BadInput, bad
from impact.case.tables import harmless
from impact.reports.origin import sha256
from impact.reports.plan import Task

MANIFEST, RESULTS = "manifest.json", "answers"
FAILED = ".failed"
Entry = dict[str, Any]


class _Failed(msgspec.Struct):
    """What the manifest holds of a report that was never made."""

    case: str
    level: str
    failed: str = ""


class _Figure(msgspec.Struct):
    """See `impact.answers.answer.Figure`."""

    answer: str
    name: str
    value: float | None
    error: float | None
    unit: str
    text: str


class _Earlier(_Failed, kw_only=True):
    """What it holds of one that an earlier kit made, which had other headlines."""

    key: dict[str, str]
    files: dict[str, str]
    figures: list[_Figure]
    parameters: dict[str, Any]
    headline: Any


class _Headline(msgspec.Struct):
    """See `impact.reports.index.headline`."""

    title: str
    says: str
    notices: list[str]
    hollow: bool
    currency: str
    mean_usd: float
    low: float
    high: float
    mean: str
    range: str
    difference: str
    states: list[str]
    unpriced: Any


class _Made(_Earlier, kw_only=True):
    """See `impact.reports.work.entry`."""

    moment: str
    beside: list[str]
    case_title: str
    question: str
    scenario: str
    as_of: str
    headline: _Headline


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, see `write_all`."""
    write_all([(path, content)])


def write_all(contents: Iterable[tuple[Path, str | bytes]]) -> None:
    """Write files whole or not at all: each beside its place and synced, then renamed, in order.

    All are written before the first is put in its place: where there is no room, nothing changes.
    What a killed run left of them the next one removes.
    """
    spares: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, content in contents:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise bad(str(path), "is a link or no plain file", "name another file")
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            spares.append((texts.staged(path, data), path))
        for spare, path in spares:
            spare.replace(path)
    except OSError as error:
        repair = "make room, or choose another folder, and run again"
        raise bad(str(path), f"cannot be written ({error.strerror})", repair) from None
    finally:
        for spare, _ in spares:
            spare.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a report folder, which is made, for one run; raises BadInput while another holds it.

    What a killed run left of temporary files is removed.
    """
    import fcntl

    with contextlib.ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            number = os.open(out, os.O_RDONLY)
            held.callback(os.close, number)
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            repair = "wait until it has ended, or choose another folder"
            raise bad(str(out), "another run is writing here", repair) from None
        except OSError as error:
            what = f"cannot be written ({error.strerror})"
            raise bad(str(out), what, "choose another folder") from None
        for path in [*out.glob(f"{texts.STAGED}*"), *out.glob(f"*/*/{texts.STAGED}*")]:
            if path.is_file():
                path.unlink(missing_ok=True)
        yield


def read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no such file or it is broken."""
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def reports(out: Path) -> dict[str, Entry]:
    """`PLACE/NOTEBOOK` -> entry of all reports, in the order of the names; no file of others."""
    return {
        f"{path.parent.relative_to(out).as_posix()}/{notebook}": entry
        for path in sorted(out.glob(f"*/*/{MANIFEST}"))
        for notebook, entry in sorted(entries_of(path).items())
    }


def entries_of(manifest: Path) -> dict[str, Entry]:
    """Notebook -> entry of a manifest: those that are entries of this kit."""
    return {name: entry for name, entry in read(manifest).items() if _sound(entry)}


def _sound(entry: Any) -> bool:
    """Whether an entry holds what a report of its kind does."""
    try:
        made = _Made if "beside" in entry else _Earlier
        msgspec.convert(entry, _Failed if entry.keys() & {"failed", "key"} == {"failed"} else made)
        times.parse(entry.get("moment", "2026-01-01"))
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def one_level(out: Path, level: str) -> None:
    """Raises BadInput where a folder holds reports of another level: one folder, one level."""
    for entry in reports(out).values():
        if entry["level"] != level:
            what = f"holds reports at {entry['level']}, these are at {level}"
            raise bad(str(out), what, "choose another folder with --out")


def moment_of(out: Path, case: str) -> str:
    """The latest moment that the reports of a case without an as-of in a folder were seen from."""
    moments = [
        str(entry["moment"])
        for entry in reports(out).values()
        if entry["case"] == case and "moment" in entry and not entry["parameters"].get("as_of")
    ]
    return max(moments, key=times.parse, default="")


def why_due(out: Path, task: Task, kinds: Iterable[str], entry: Entry) -> list[str]:
    """Why a report is to be made, in words; empty where the folder holds this very report."""
    if "failed" in entry:
        return ["it failed before"]
    if not entry:
        return ["it is new"]
    if changed := changed_parts(entry["key"], task.key):
        parts = [part for part in changed if part != "view"] or changed  # a view is its tables
        return [f"changed: {part}" for part in parts]
    why = []
    for kind in kinds:
        path, digest = out / f"{task.name}.{kind}", entry["files"].get(kind)
        if digest is None:
            why.append(f"no {kind} file yet")
        elif not path.is_file() or sha256(path.read_bytes()) != digest:
            why.append(f"changed: its {kind} file")
    return why


def changed_parts(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The parts in which two keys differ, by name."""
    return [part for part in sorted({*old, *new}) if old.get(part) != new.get(part)]


def record(out: Path, task: Task, files: Mapping[str, bytes], entry: Entry) -> None:
    """Put a finished report into its folder.

    Its entry in the manifest goes before the first file is replaced and comes back after the last:
    a report that is not in the manifest does not count as made. Files of what it said before, in
    formats that were not asked for now, are removed.
    """
    home, name = out / task.place, task.notebook.name
    others = entries_of(home / MANIFEST)
    old = others.pop(name, {})
    was_made, before = "key" in old, old.get("files", {})
    if old.get("key") == entry["key"]:  # made once more for another kind of file
        entry = {**entry, "files": {**before, **entry["files"]}}
    entries = {**others, name: entry}
    write_all(
        [
            *([(home / MANIFEST, _manifest(others))] if was_made else []),
            *((out / f"{task.name}.{kind}", content) for kind, content in files.items()),
            *as_files(home, results(entries)).items(),
            (home / MANIFEST, _manifest(entries)),
        ]
    )
    for kind in before.keys() - entry["files"].keys():  # of what it was before
        (out / f"{task.name}.{kind}").unlink(missing_ok=True)


def as_files(home: Path, rows: pl.DataFrame) -> dict[Path, bytes]:
    """Figures as Parquet and as CSV in which no text is read as a formula."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return {
        home / f"{RESULTS}.parquet": buffer.getvalue(),
        home / f"{RESULTS}.csv": harmless(rows).write_csv().encode(),
    }


def record_failure(out: Path, task: Task, what: str, executed: str) -> None:
    """Name a failed report in its folder; what there is of its notebook goes beside all reports."""
    manifest, name = out / task.place / MANIFEST, task.notebook.name
    entries = entries_of(manifest)
    failure = {"failed": what, "level": words.level(task.known.tlp), "case": task.known.id}
    entries[name] = {**entries.get(name, {}), **failure}
    if executed:
        notebook = f"{task.name.replace('/', '_')[:200]}.ipynb"
        with contextlib.suppress(BadInput):  # wherever that can be
            write(out.resolve().parent / FAILED / notebook, executed)
    write(manifest, _manifest(entries))


def _manifest(entries: Mapping[str, Entry]) -> str:
    return json.dumps(entries, indent=1, sort_keys=True) + "\n"


def results(entries: Mapping[str, Entry]) -> pl.DataFrame:
    """The figures of finished reports, one a row."""
    columns = ("notebook", "answer", "name", "value", "error", "unit", "text")
    schema = {name: pl.Float64() if name in ("value", "error") else pl.String() for name in columns}
    rows = [
        {"notebook": notebook}
        | {part: words.plain(v) if isinstance(v, str) else v for part, v in figure.items()}
        for notebook, entry in sorted(entries.items())
        for figure in entry.get("figures", ())
    ]
    return pl.DataFrame(rows, schema=schema)
