"""Small notebooks, and batches of them over tiny cases, with real kernels."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny import between, fixed, link, loss, write

import impact
from impact.reports import plan
from impact.reports.batch import LAST_RUN
from impact.reports.plan import Parameters, Task

PARAMETERS = "\n".join(
    f"{name}: {type(value).__name__} = {value!r}" for name, value in vars(Parameters()).items()
)
LOAD = """import impact
known = impact.view(impact.load_case(case), scenario, as_of, tlp, changes)
run = impact.simulate(known, draws, seed)"""
DRAWS = 2_000
SCENARIOS = """
[scenario.worse]
title = "Worse"
says = "It is worse."
set = { p = 0.9 }
[scenario.pause]
title = "Pause"
says = "Work stands still."
each = { weeks = [2, 4, 8] }
"""


def notebook(
    path: Path,
    *cells: str,
    parameters: str | None = PARAMETERS,
    load: bool = True,
    **metadata: Any,
) -> Path:
    """A notebook of these code cells, written to a path; its metadata say what it reads."""
    tagged = [] if parameters is None else [("code", parameters, ["parameters"])]
    every = [("markdown", "# What then?", []), *tagged]
    every += [("code", text, []) for text in ([LOAD] if load else []) + list(cells)]
    content = {
        "cells": [
            {
                "cell_type": kind,
                "id": f"cell-{number:02}",
                "metadata": {"tags": tags} if tags else {},
                "source": text,
                **({"outputs": [], "execution_count": None} if kind == "code" else {}),
            }
            for number, (kind, text, tags) in enumerate(every)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            **({"impact": metadata} if metadata else {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return path


def case_of(folder: Path, toml: str = SCENARIOS, **more: Sequence[dict[str, str]]) -> Path:
    """A folder with a case of two parties, one loss each, and `toml` as its scenarios."""
    tables = {
        "entities": [
            {"id": "event", "name": "The event", "kind": "event"},
            {"id": "a", "name": "Firm A", "kind": "client"},
            {"id": "b", "name": "Firm B", "kind": "client"},
        ],
        "links": [link("event", "a", "p"), link("a", "b", "q")],
        "inputs": [
            fixed("p", 0.5),
            between("q", 0.2, 0.6),
            between("weeks", 1, 9, "week"),
            fixed("usd_a_week", 1000, "USD/week"),
        ],
        "losses": [
            loss("idle-a", "a", "weeks=weeks; usd=usd_a_week", "a"),
            loss("idle-b", "b", "weeks=weeks; usd=usd_a_week", "b"),
        ],
    }
    every = {name: [*tables.get(name, []), *more.get(name, [])] for name in {*tables, *more}}
    return write(folder, every, toml)


def planned(
    case: impact.Case, notebooks: Sequence[Path], *scenarios: str, **parameters: Any
) -> list[Task]:
    """The tasks of notebooks over scenarios of a case, all where none is named."""
    base = Parameters(case=case.id, **{"draws": DRAWS, **parameters})
    tasks, refused = plan.plan(case, notebooks, scenarios or list(case.scenarios), base)
    assert refused == []
    return tasks


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a folder of reports but the story of the last run."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != LAST_RUN
    }
