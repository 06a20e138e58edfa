"""The files of a report folder: whole or not there, of one level, one run at a time.

```
OUT/index.html
OUT/last_run.json
OUT/CASE/SCENARIO[@as-of][+tlp][~hash]/NOTEBOOK.html .ipynb .pdf, answers.parquet, answers.csv
OUT/CASE/SCENARIO.../manifest.json      a report counts as made where its entry is here
.failed/                                beside OUT, what there is of notebooks that failed
```
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from impact import words
from impact.errors import bad
from impact.reports.plan import Task

MANIFEST, RESULTS = "manifest.json", "answers"
FAILED = ".failed"
_WRITING = ".writing-"
Entry = dict[str, Any]


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a file without a name, fsync, then its name.

    Where the system knows no such files, a temporary one takes their place; what a killed run left
    of those is removed by `tidy`.
    """
    data = content.encode() if isinstance(content, str) else content
    spare = path.parent / f"{_WRITING}{os.getpid()}-{path.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _nameless(spare) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            if not spare.exists():
                number = stream.fileno()  # a folder's number is asked for to follow the link
                os.link(f"/proc/self/fd/{number}", spare, src_dir_fd=number, follow_symlinks=True)
        spare.replace(path)
        _settle(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            spare.unlink(missing_ok=True)
        repair = "make room, or choose another folder, and run again"
        raise bad(str(path), f"cannot be written ({error.strerror})", repair) from None


@contextlib.contextmanager
def _nameless(spare: Path) -> Iterator[io.BufferedWriter]:
    """A new file for writing in the folder of `spare`: without a name if that can be."""
    spare.unlink(missing_ok=True)
    number = -1
    with contextlib.suppress(OSError, AttributeError):
        number = os.open(spare.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
    stream = os.fdopen(number, "wb") if number >= 0 else spare.open("wb")
    with stream:
        yield stream


def _settle(folder: Path) -> None:
    """Make a new name in a folder last through a loss of power, where folders can be synced."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a report folder, which is made, for one run; raises BadInput while another holds it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        number = os.open(out, os.O_RDONLY)
    except OSError as error:
        repair = "choose another folder"
        raise bad(str(out), f"cannot be written ({error.strerror})", repair) from None
    try:
        with contextlib.suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                repair = "wait until it has ended, or choose another folder"
                raise bad(str(out), "another run is writing here", repair) from None
        tidy(out)
        yield
    finally:
        os.close(number)


def tidy(out: Path) -> None:
    """Remove what a killed run left of temporary files."""
    for path in out.rglob(f"{_WRITING}*"):
        path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no such file or it is broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def manifests(out: Path) -> dict[Path, dict[str, Entry]]:
    """Folder of reports -> notebook -> entry, in the order of the names."""
    return {path.parent: read(path) for path in sorted(out.glob(f"*/*/{MANIFEST}"))}


def one_level(out: Path, level: str) -> None:
    """Raises BadInput where a folder holds reports of another level: one folder, one level."""
    for entries in manifests(out).values():
        for entry in entries.values():
            if entry["level"] != level:
                what = f"holds reports at {entry['level']}, these are at {level}"
                raise bad(str(out), what, "choose another folder with --out")


def place(out: Path, task: Task, suffix: str) -> Path:
    """Where a file of a task lies."""
    return out / task.place / f"{task.notebook.name}.{suffix}"


def why_due(out: Path, task: Task, kinds: tuple[str, ...], made: Mapping[str, Entry]) -> list[str]:
    """Why a report is to be made, in words; empty where the folder holds this very report."""
    entry = made.get(task.notebook.name, {})
    if "key" not in entry:
        return ["it failed before" if "failed" in entry else "it is new"]
    if "failed" in entry:
        return ["it failed before"]
    parts = sorted({*task.key, *entry["key"]} - {"view"})
    changed = [part for part in parts if task.key.get(part) != entry["key"].get(part)]
    if changed or task.key["view"] != entry["key"]["view"]:
        return [f"changed: {part}" for part in changed or ["view"]]
    why = []
    for kind in kinds:
        path, digest = place(out, task, kind), entry["files"].get(kind)
        if digest is None:
            why.append(f"no {kind} file yet")
        elif not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            why.append(f"changed: its {kind} file")
    return why


def record(out: Path, task: Task, files: Mapping[str, bytes], entry: Entry) -> None:
    """Put a finished report into its folder.

    Its entry in the manifest goes before the first file is replaced and comes back after the last:
    a report that is not in the manifest does not count as made.
    """
    home, name = out / task.place, task.notebook.name
    entries = read(home / MANIFEST)
    if "key" in entries.pop(name, {}):
        _write_manifest(home, entries)
    for suffix, content in files.items():
        write(place(out, task, suffix), content)
    entries[name] = entry
    rows = results(entries)
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    write(home / f"{RESULTS}.parquet", buffer.getvalue())
    write(home / f"{RESULTS}.csv", harmless(rows).write_csv())
    _write_manifest(home, entries)


def record_failure(out: Path, task: Task, what: str, executed: str) -> None:
    """Name a failed report in its folder, and keep what there is of its notebook beside all."""
    home, name = out / task.place, task.notebook.name
    entries = read(home / MANIFEST)
    said = {"failed": what, "level": words.level(task.known.tlp), "case": task.known.id}
    entries[name] = {**entries.get(name, {}), **said}
    if executed:
        write(out.parent / FAILED / f"{task.name.replace('/', '_')}.ipynb", executed)
    _write_manifest(home, entries)


def _write_manifest(home: Path, entries: Mapping[str, Entry]) -> None:
    write(home / MANIFEST, json.dumps(entries, indent=1, sort_keys=True) + "\n")


def results(entries: Mapping[str, Entry]) -> pl.DataFrame:
    """The figures of finished reports, one a row."""
    schema = {
        **dict.fromkeys(("notebook", "answer", "name"), pl.String),
        **dict.fromkeys(("value", "error"), pl.Float64),
        **dict.fromkeys(("unit", "text", "label"), pl.String),
    }
    rows = [
        {"notebook": notebook, **figure}
        for notebook, entry in sorted(entries.items())
        for figure in entry.get("figures", ())
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


_FORMULA = r"^[=+\-@\t\r＝＋－＠]"


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before texts that a spreadsheet would read as a formula.

    Columns of numbers stay as they are (OWASP, "CSV injection").
    """
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    return rows.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
