"""A CSV of installs or CI runs into `Install`s: when, how, and of which files."""

from __future__ import annotations

from pathlib import Path

from impact.errors import BadInput, Fault, did_you_mean
from impact.numerics import times
from impact.stack.verdicts import MODES, Install
from impact.texts import by_line, local, sheet

COLUMNS = ("when", "until", "mode", "path", "version", "note")
_MODES = MODES[1:]


def read(path: Path) -> list[Install]:
    """The installs of a file, in its order; every fault of the file is told at once.

    Columns: `when` (a day or a UTC minute), `mode` (locked, resolved, image, unknown), and as
    wanted `until`, `path` (files below it; empty: all), `version` (seen), `note`.
    """
    name = path.name
    read_, ragged = sheet(local(path), name, COLUMNS)
    header = read_.header
    faults = [
        Fault(f"{name}:1 {column}", "no such column", did_you_mean(column, COLUMNS, "remove it"))
        for column in header
        if column not in COLUMNS
    ]
    faults += [
        Fault(f"{name}:1", f"the column {column} is missing", "add it")
        for column in ("when", "mode")
        if column not in header
    ]
    if faults:
        raise BadInput(faults)
    installs, faults = [], ragged
    for line, row in read_.rows:
        said = dict(zip(header, (cell.strip() for cell in row), strict=True))
        mode = said["mode"].lower()
        if mode not in _MODES:
            repair = did_you_mean(mode, _MODES, f"one of {', '.join(_MODES)}")
            faults.append(Fault(f"{name}:{line} mode", f'"{said["mode"]}" is not allowed', repair))
        try:
            begins = times.parse(said["when"])
            ends = times.parse(said["until"]) if said.get("until") else begins
        except ValueError as error:
            faults.append(Fault(f"{name}:{line} when", "is no time", str(error)))
            continue
        begins = times.start(begins)
        path_, version = said.get("path", ""), said.get("version", "")
        installs.append(Install(begins, ends, mode, path_, version))
    if faults:
        raise BadInput(by_line(faults))
    return installs
