"""A CSV of installs or CI runs into `Install`s: when, how, and of which files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath

from impact.base import times
from impact.base.errors import BadInput, Fault, did_you_mean
from impact.base.texts import by_line, local, sheet
from impact.stack.verdicts import MODES, RESOLVED, Install

COLUMNS = (
    "when",
    "until",
    "mode",
    "path",
    "version",
    "note",
    "repository",
    "workflow",
    "package",
)
_MODES = MODES[1:]


def read(path: Path) -> list[Install]:
    """The installs and runs of a file, in its order; raises BadInput with every fault of it.

    Columns: `when` (a day or a UTC minute), `mode` (locked, resolved, image, unknown; a run of a
    workflow resolves its tags anew), and as wanted `until`, `path` or `workflow` (files below it;
    empty: all), `repository` (the system), `version` (seen) of `package`, `note`.
    """
    name = path.name
    table, faults = sheet(local(path), name, COLUMNS)
    header = table.header
    wrong = [
        Fault(f"{name}:1 {column}", "no such column", did_you_mean(column, COLUMNS, "remove it"))
        for column in header
        if column not in COLUMNS
    ]
    needed = ("when",) if "workflow" in header else ("when", "mode")
    lacks = [column for column in needed if column not in header]
    wrong += [Fault(f"{name}:1", f"the column {column} is missing", "add it") for column in lacks]
    if wrong:
        raise BadInput(wrong)
    installs = []
    for line, cells in table.rows:
        row = dict.fromkeys(COLUMNS, "")
        row |= zip(header, map(str.strip, cells), strict=True)
        try:
            installs.append(_install(row, f"{name}:{line}", faults))
        except ValueError as error:
            faults.append(Fault(f"{name}:{line} when", "is no time", str(error)))
    if faults:
        raise BadInput(by_line(faults))
    return installs


def _install(row: Mapping[str, str], where: str, faults: list[Fault]) -> Install:
    """The install of a row; adds what is wrong with it, raises ValueError where it has no time."""
    mode = row["mode"].lower() or (RESOLVED if row["workflow"] else "")
    if mode not in _MODES:
        repair = did_you_mean(mode, _MODES, f"one of {', '.join(_MODES)}")
        faults.append(Fault(f"{where} mode", f'"{mode}" is not allowed', repair))
    begins = times.start(times.parse(row["when"]))
    ends = times.parse(row["until"] or row["when"])
    if ends < begins:
        faults.append(Fault(f"{where} until", "is before its begin", "swap the two"))
    version = row["version"]
    if version and not re.fullmatch(r"v?\d[\w.+!-]*", version):
        repair = "write one version, and its package in the column package"
        faults.append(Fault(f"{where} version", f'"{version[:60]}" is no version', repair))
    place = (row["path"] or row["workflow"].partition("@")[0]).replace("\\", "/")
    place = normpath(place.rstrip("*") or ".").strip("/")
    place = "" if place == "." else place
    system = row["repository"].removesuffix(".git")
    return Install(begins, ends, mode, place, version, system, where, row["package"])
