"""Ways from a project to a package that it holds, shortest first."""

from __future__ import annotations

from collections.abc import Collection

from impact.numerics.graph import Edge, passed, shortest
from impact.stack.inventory import Inventory

MOST = 5  # paths that are listed
_START = "\0"  # before all tops


def paths(inventory: Inventory, keys: Collection[str], most: int = MOST) -> list[tuple[str, ...]]:
    """Shortest paths to some components, as names from the top down: one for each way in.

    A way in is the last package before the component. Where the file names no project, a path
    begins at what nothing else needs.
    """
    tops, parts = _tops(inventory), {part.key: part for part in inventory.components}
    edges = sorted(set(inventory.edges))
    ways = shortest([Edge("", *ends) for ends in edges], tops)
    found: dict[tuple[str, ...], None] = {}
    for key in keys:
        end = f"{parts[key].name} {parts[key].version}".strip()
        before = [one for one, other in edges if other == key and one in ways]
        if key in tops or not before:
            found[end,] = None
        for one in before:
            steps = [parts.get(step) for step in (*(edge.source for edge in ways[one]), one)]
            found[*(part.name for part in steps if part and part.name.strip(".")), end] = None
    return sorted(found, key=lambda path: (len(path), path))[:most]


def cuts(inventory: Inventory, keys: Collection[str]) -> list[str]:
    """Names of the packages through which every way to some components leads, themselves included.

    A pin, or the removal, of any one of them keeps all of the components out.
    """
    names = {part.key: part.name for part in inventory.components}
    # All versions of another package go at once.
    nodes = {key: key if key in keys else name for key, name in names.items()}
    edges = [Edge("", _START, nodes.get(top, top)) for top in _tops(inventory)]
    edges += [Edge("", nodes.get(one, one), nodes.get(on, on)) for one, on in inventory.edges]
    through = [[*passed(edges, _START, key), names[key]] for key in keys]
    own = {names.get(key, key) for key in inventory.roots}
    shared = set(through[0]).intersection(*through) - own
    return [name for name in dict.fromkeys(through[0]) if name in shared]


def _tops(inventory: Inventory) -> set[str]:
    """Where ways begin: the project and its members, or what nothing else needs."""
    needed = {other for _, other in inventory.edges}
    return set(inventory.roots) or {
        part.key for part in inventory.components if part.key not in needed
    }
