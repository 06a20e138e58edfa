"""Grids of scenarios.toml: one entry that stands for several scenarios.

`each = { NAME = [VALUE, [LOW, MODE, HIGH]] }` lists the estimates of an input, a list in `as_of`
the days; an entry with several lists stands for every combination of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from impact.base import times, words
from impact.base.errors import Fault
from impact.case.tables import as_text

MOST = 1_000  # scenarios of one grid
_REPAIR = "write each = { NAME = [VALUE, VALUE] }, and as_of = [DAY, DAY]"
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
    days = days if isinstance(days, list) else [days]
    if wrong := [*_faults(where, entry, each, days)]:
        faults += wrong
        return []
    combined = itertools.product(*each.values(), map(as_text, days))
    return [
        _member(name, entry, dict(zip((*each, ""), each_of, strict=True))) for each_of in combined
    ]


def _faults(where: str, entry: Entry, each: Any, days: list[Any]) -> Iterator[Fault]:
    right = isinstance(each, dict) and (each or "each" not in entry)
    lists: list[Any] = [*each.values(), days] if right else [None]
    own = entry.get("set", {})
    if not all(isinstance(values, list) and values for values in lists):
        yield Fault(f"{where} each", "is no table of lists", _REPAIR)
    elif math.prod(map(len, lists)) > MOST:
        what = f"stands for more than {MOST:,} scenarios"
        yield Fault(where, what, "split it, or list fewer values")
    elif twice := isinstance(own, dict) and sorted(each.keys() & own.keys()):
        yield Fault(f"{where} each {twice[0]}", "is set in `set` too", "keep one")


def _member(grid: str, entry: Entry, values: dict[str, Any]) -> tuple[str, Entry]:
    """(id, settings) of a member with these estimates by input, and its day."""
    on, own = values.pop(""), entry.get("set", {})
    labels = [f"{key.replace('_', ' ')}: {_short(value, ' to ')}" for key, value in values.items()]
    name = "_".join([grid, *map(_short, values.values())])
    if isinstance(entry.get("as_of"), list):
        labels.append(_day(on))
        name += f"@{on.replace(':', '')}"
    title = f"{entry.get('title', grid)} ({', '.join(labels)})"
    more = {"as_of": on, "title": title, "set": own | values if isinstance(own, dict) else own}
    return name, {key: value for key, value in entry.items() if key != "each"} | more


def _day(text: str) -> str:
    """A day as a reader knows it; what is none is left to the checks of scenarios."""
    try:
        return words.date(times.parse(text))
    except ValueError:
        return text


def _short(estimate: object, between: str = "-") -> str:
    """An estimate as part of a name."""
    parts = estimate if isinstance(estimate, list) else [estimate]
    return between.join(f"{part:.12g}" if isinstance(part, float) else str(part) for part in parts)
