"""A vendor inventory as people have it, read by the column map of a case."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from impact.base.errors import BadInput, Fault, bad
from impact.base.texts import by_line, local, sheet

FIELDS = ("name", "role", "share", "ask")  # of [vendors] in case.toml
_SHARE = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*(%?)\s*")


class Vendor(NamedTuple):
    """A vendor as an inventory has it; `share` is that of the supply that it gives, 0 to 1."""

    name: str
    role: str
    share: float | None
    ask: str


def read(path: Path, headings: dict[str, Any]) -> tuple[list[Vendor], list[str]]:
    """(vendors, columns that were not used) of a CSV file whose separator is found by itself.

    `headings` names for each of FIELDS the headings it may have, compared without case. Raises
    BadInput with every fault: no column of names, a name that stands twice, a share that is none.
    """
    where = path.name
    known = {str(name).lower() for names in headings.values() for name in names}
    found, ragged = sheet(local(path), where, known)
    header, plain = found.header, [name.lower() for name in found.header]
    columns = {  # the first heading of a field that is there is the last to be set
        field: plain.index(str(name).lower())
        for field in FIELDS
        for name in reversed(headings.get(field, ()))
        if str(name).lower() in plain
    }
    if not header:
        raise bad(where, "is empty", "give a CSV with a heading for vendors' names")
    if "name" not in columns:
        what = f"has no column of vendors' names among {', '.join(header)[:200]}"
        repair = "add its heading to `name` in [vendors] of the template's case.toml"
        raise bad(f"{where}:1", what, repair)
    vendors, faults, lines = list[Vendor](), list(ragged), dict[str, int]()
    percent = "share" in columns and "%" in header[columns["share"]]
    for line, row in found.rows:
        cells = {field: " ".join(row[at].split()) for field, at in columns.items()}
        name, share = cells["name"], None
        try:
            share = _share(cells.get("share", ""), percent)
        except ValueError as error:
            faults.append(Fault(f"{where}:{line} share", *error.args))
        first = lines.setdefault(name.lower(), line)
        if not name:
            faults.append(Fault(f"{where}:{line}", "has no vendor's name", "fill it in"))
        elif first != line:
            what = f'"{name[:60]}" stands in line {first} too'
            faults.append(Fault(f"{where}:{line}", what, "keep one row a vendor"))
        vendors.append(Vendor(name, cells.get("role", ""), share, cells.get("ask", "")))
    if faults:
        raise BadInput(by_line(faults))
    return vendors, [name for at, name in enumerate(header) if at not in columns.values() and name]


def _share(text: str, percent: bool) -> float | None:
    """A share: `40 %`, `0.4` and `0,4` are one; empty is unknown. Raises ValueError(what, repair).

    Under a heading in `percent` a number without its sign could be either.
    """
    found = _SHARE.fullmatch(text)
    share = float(found[1].replace(",", ".")) / (100 if found[2] else 1) if found else -1.0
    if found and percent and not found[2] and share:
        what = f'"{text[:40]}" is under a heading in % and has no %'
        raise ValueError(what, f"write {found[1]} %, or a share under another heading")
    if text and not 0 <= share <= 1:
        raise ValueError(f'"{text[:40]}" is no share', "write 0.4 or 40 %")
    return share if text else None
