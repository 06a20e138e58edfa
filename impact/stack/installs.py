"""A CSV of installs or CI runs into `Install`s: when, how, and of which files."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import normpath

from impact.base import times
from impact.base.errors import BadInput, Fault, did_you_mean
from impact.base.texts import by_line, local, sheet
from impact.stack.verdicts import MODES, RESOLVED, Install

COLUMNS = (
    *("when", "until", "mode", "path", "version", "note", "repository", "workflow", "package"),
)
_VERSION = re.compile(r"v?\d[\w.+!-]*")
_MODES = MODES[1:]


def read(path: Path) -> list[Install]:
    """The installs and runs of a file, in its order; every fault of the file is told at once.

    Columns: `when` (a day or a UTC minute), `mode` (locked, resolved, image, unknown; a run of a
    workflow resolves its tags anew), and as wanted `until`, `path` or `workflow` (files below it;
    empty: all), `repository` (the system), `version` (seen) of `package`, `note`.
    """
    name = path.name
    read_, ragged = sheet(local(path), name, COLUMNS)
    header = read_.header
    faults = [
        Fault(f"{name}:1 {column}", "no such column", did_you_mean(column, COLUMNS, "remove it"))
        for column in header
        if column not in COLUMNS
    ]
    needed = ("when",) if "workflow" in header else ("when", "mode")
    faults += [
        Fault(f"{name}:1", f"the column {column} is missing", "add it")
        for column in needed
        if column not in header
    ]
    if faults:
        raise BadInput(faults)
    installs, faults = [], ragged
    for line, row in read_.rows:
        said = dict(zip(header, (cell.strip() for cell in row), strict=True))
        mode = said.get("mode", "").lower() or (RESOLVED if said.get("workflow") else "")
        if mode not in _MODES:
            repair = did_you_mean(mode, _MODES, f"one of {', '.join(_MODES)}")
            faults.append(Fault(f"{name}:{line} mode", f'"{mode}" is not allowed', repair))
        try:
            begins = times.start(times.parse(said["when"]))
            ends = times.parse(said.get("until") or said["when"])
        except ValueError as error:
            faults.append(Fault(f"{name}:{line} when", "is no time", str(error)))
            continue
        if ends < begins:
            faults.append(Fault(f"{name}:{line} until", "is before its begin", "swap the two"))
        at = (said.get("path") or said.get("workflow", "").partition("@")[0]).replace("\\", "/")
        at = normpath(at.rstrip("*") or ".").strip("/")
        seen, home = said.get("version", ""), said.get("repository", "").removesuffix(".git")
        if seen and not _VERSION.fullmatch(seen):
            repair = "write one version, and its package in the column package"
            faults.append(Fault(f"{name}:{line} version", f'"{seen[:60]}" is no version', repair))
        place, of = f"{name}:{line}", said.get("package", "")
        at = "" if at == "." else at
        installs.append(Install(begins, ends, mode, at, seen, home, place, of))
    if faults:
        raise BadInput(by_line(faults))
    return installs
