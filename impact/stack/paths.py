"""Ways from a project to a package that it holds, shortest first."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from dataclasses import replace

from impact.stack.inventory import Component, Inventory

MOST = 5  # paths that are told


def paths(inventory: Inventory, keys: Collection[str], most: int = MOST) -> list[tuple[str, ...]]:
    """Shortest paths to some components, as names from the top down: one for each way in.

    A way in is the last package before the component. Where the file names no project, a path
    begins at what nothing else needs.
    """
    needed_by: dict[str, list[str]] = {}
    for one, other in inventory.edges:
        needed_by.setdefault(other, []).append(one)
    names = {component.key: component for component in inventory.components}
    tops = _tops(inventory)
    depths = _depths(inventory, tops)
    found: list[tuple[str, ...]] = []
    for key in keys:
        last = names.get(key)
        end = f"{last.name} {last.version}".strip() if last else key
        before = [one for one in needed_by.get(key, ()) if one in depths]
        if key in tops or not before:
            found.append((end,))
        for one in dict.fromkeys(before):
            found.append((*_climb(one, needed_by, depths, names), end))
    return sorted(dict.fromkeys(found), key=lambda path: (len(path), path))[:most]


def cuts(inventory: Inventory, keys: Collection[str]) -> list[str]:
    """Names of the packages through which every way to some components leads, themselves included.

    A pin, or the removal, of any one of them keeps all of the components out.
    """
    names = {component.key: component.name for component in inventory.components}
    ways = paths(inventory, keys, most=1)
    found = []
    for name in dict.fromkeys(re.sub(r" \S+$", "", step) for way in ways for step in way):
        without = {key for key in names if names[key] == name}
        if without & set(inventory.roots):
            continue
        kept = replace(
            inventory,
            components=[part for part in inventory.components if part.key not in without],
            edges=[edge for edge in inventory.edges if not without & set(edge)],
        )
        tops = _tops(inventory) - without
        if not (set(keys) - without) & set(_depths(kept, tops)):
            found.append(name)
    return found


def _tops(inventory: Inventory) -> set[str]:
    """Where ways begin: the project and its members, or what nothing else needs."""
    needed = {other for _, other in inventory.edges}
    return set(inventory.roots) or {
        part.key for part in inventory.components if part.key not in needed
    }


def _depths(inventory: Inventory, tops: Collection[str]) -> dict[str, int]:
    """Steps from the top to each component that can be reached."""
    needs: dict[str, list[str]] = {}
    for one, other in inventory.edges:
        needs.setdefault(one, []).append(other)
    depths = dict.fromkeys(sorted(tops), 0)
    below = deque(depths)
    while below:
        one = below.popleft()
        for other in needs.get(one, ()):
            if other not in depths:
                depths[other] = depths[one] + 1
                below.append(other)
    return depths


def _climb(
    key: str, needed_by: dict[str, list[str]], depths: dict[str, int], names: dict[str, Component]
) -> list[str]:
    """Names on a shortest way from the top to a component, itself the last."""
    way = [key]
    while depths[way[-1]]:
        above = [one for one in needed_by[way[-1]] if depths.get(one, -1) == depths[way[-1]] - 1]
        way.append(min(above))
    told = [names[one].name if one in names else one for one in reversed(way)]
    return [name for name in told if name not in (".", "")]
