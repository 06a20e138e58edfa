"""Grids of scenarios.toml: one entry that stands for several scenarios.

`each = { NAME = [VALUE, [LOW, MODE, HIGH]] }` lists the estimates of an input, a list in `as_of`
the days; an entry with several lists stands for every combination of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from impact.base.errors import Fault
from impact.case.tables import as_text

MOST = 1_000  # scenarios of one grid
_REPAIR = "write each = { NAME = [VALUE, VALUE] }"
Entry = Mapping[str, Any]


def members(where: str, name: str, entry: Entry, faults: list[Fault]) -> list[tuple[str, Entry]]:
    """The scenarios (id, settings) that an entry stands for; itself where it is no grid.

    A member is named `GRID_VALUE` by its estimates and `GRID@DAY` by its day, and says both. What
    is wrong is added to `faults`, and the grid is then empty.

    >>> each = {"each": {"pause_weeks": [4, [8, 9, 13]]}}
    >>> [name for name, _ in members("here", "pause", each, [])]
    ['pause_4', 'pause_8-9-13']
    """
    each, days = entry.get("each", {}), entry.get("as_of", "")
    if "each" not in entry and not isinstance(days, list):
        return [(name, entry)]
    days = [as_text(day) for day in (days if isinstance(days, list) else [days])]
    if wrong := [*_faults(where, entry, days)]:
        faults += wrong
        return []
    combined = itertools.product(*each.values(), days)
    return [_member(name, entry, tuple(each), values) for values in combined]


def _faults(where: str, entry: Entry, days: list[str | None]) -> Iterator[Fault]:
    each, size = entry.get("each", {}), len(days)
    if not isinstance(each, dict) or ("each" in entry and not each):
        yield Fault(f"{where} each", "is no table of lists", _REPAIR)
        return
    for key, values in each.items():
        if not isinstance(values, list) or not values:
            yield Fault(f"{where} each {key}", "is no list of estimates", _REPAIR)
            return
        size *= len(values)
        if len({_short(value) for value in values}) < len(values):
            yield Fault(f"{where} each {key}", "lists an estimate twice", "keep one")
        if isinstance(entry.get("set"), dict) and key in entry["set"]:
            yield Fault(f"{where} each {key}", "is set in `set` too", "keep one")
    if not days or len(set(days)) < len(days):
        repair = 'write as_of = ["2026-04-03", "2026-04-23"]'
        yield Fault(f"{where} as_of", "is empty or names a day twice", repair)
    if size > MOST:
        what = f"stands for more than {MOST:,} scenarios"
        yield Fault(where, what, "split it, or list fewer values")


def _member(
    grid: str, entry: Entry, names: tuple[str, ...], values: tuple[Any, ...]
) -> tuple[str, Entry]:
    *estimates, on = values
    labels = [
        f"{key.replace('_', ' ')} {_short(value, ' to ')}"
        for key, value in zip(names, estimates, strict=True)
    ]
    name = "_".join([grid, *map(_short, estimates)])
    if isinstance(entry.get("as_of"), list):
        labels.append(f"as of {on}")
        name += f"@{on.replace(':', '')}"
    settings = {key: value for key, value in entry.items() if key != "each"} | {"as_of": on}
    if isinstance(own := entry.get("set", {}), dict):
        settings["set"] = own | dict(zip(names, estimates, strict=True))
    settings["title"] = f"{entry.get('title', grid)}: {', '.join(labels)}"
    return name, settings


def _short(estimate: object, between: str = "-") -> str:
    """An estimate as part of a name."""
    parts = estimate if isinstance(estimate, list) else [estimate]
    return between.join(f"{part:.12g}" if isinstance(part, float) else str(part) for part in parts)
