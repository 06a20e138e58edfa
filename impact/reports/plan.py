"""What is to be made: one task per notebook and view, checked in full before any kernel starts."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from impact import words
from impact.case import folder, views
from impact.case.folder import Case
from impact.errors import BadInput, Fault, Refusal, bad, did_you_mean
from impact.numerics import times

LIBRARIES = ("altair", "numpy", "polars", "scipy", "vl-convert-python")


@dataclass(frozen=True)
class Parameters:
    """The parameters that every notebook of the kit declares, with their defaults."""

    case: str = "mercor"
    scenario: str = "baseline"
    as_of: str = ""
    changes: str = ""
    tlp: str = ""
    draws: int = 10_000
    seed: int = 1


@dataclass(frozen=True)
class Task:
    """One notebook under one view: where it goes, what it reads, and the key of its content."""

    notebook: Path
    parameters: Parameters
    known: Case
    key: str
    place: str  # CASE/SCENARIO[@as-of][+tlp][~hash]

    @property
    def name(self) -> str:
        """`PLACE/NOTEBOOK`, as progress and failures name it."""
        return f"{self.place}/{self.notebook.stem}"


def notebooks_folder() -> Path:
    """The folder `notebooks` of the project: beside the package, else below the working folder."""
    beside = Path(__file__).resolve().parents[2] / "notebooks"
    return beside if beside.is_dir() else Path.cwd() / "notebooks"


def find_notebooks(name: str) -> list[Path]:
    """The notebooks named `00_brief`, or all that are reports: those that begin with a number."""
    reports = sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    if name == "all":
        return reports
    found = [path for path in reports if path.stem == name]
    if not found:
        names = [path.stem for path in reports]
        repair = did_you_mean(name, names, f"one of {', '.join(names)} or all")
        raise bad("--notebook", f'no notebook "{name}"', repair)
    return found


def plan(
    case: Case,
    notebooks: Sequence[Path],
    scenarios: Sequence[str],
    base: Parameters,
) -> tuple[list[Task], list[Fault]]:
    """(tasks, refused): every task in order, and why a scenario can have none in this view.

    `base` holds what all tasks share; its scenario is replaced by each of `scenarios`. Raises
    BadInput with all faults of all notebooks, and Refusal where every scenario is refused.
    """
    tasks: list[Task] = []
    refused: list[Fault] = []
    faults = [fault for notebook in notebooks for fault in notebook_faults(notebook)]
    if faults:
        raise BadInput(faults)
    for scenario in scenarios:
        chosen = Parameters(**{**vars(base), "scenario": scenario})
        try:
            known = views.view(case, scenario, chosen.as_of, chosen.tlp, chosen.changes)
        except Refusal as refusal:
            refused += refusal.faults
            continue
        for notebook in notebooks:
            tasks.append(
                Task(notebook, chosen, known, _key(notebook, chosen, known), place(known, chosen))
            )
    if refused and not tasks:
        raise Refusal(refused)
    return tasks, refused


def place(known: Case, parameters: Parameters) -> str:
    """CASE/SCENARIO[@as-of][+tlp][~hash]; a supposition about a named party is said in it.

    The parts are bare names by the rules of the tables, so that no path leaves the folder.
    """
    name = known.scenario
    if views.falling(known):
        name += "-" + views.NO_COMPROMISE.replace(" ", "-")
    if known.as_of is not None:
        name += f"@{times.as_text(known.as_of).replace(':', '')}"
    if parameters.tlp:
        name += f"+{known.tlp}"
    plain = Parameters()
    rest = (parameters.changes.strip(), parameters.draws, parameters.seed)
    if rest != (plain.changes, plain.draws, plain.seed):
        name += f"~{hashlib.sha256(repr(rest).encode()).hexdigest()[:8]}"
    return f"{_bare(known.id)}/{_bare(name)}"


def _bare(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+@~-]*", name) or ".." in name:
        raise bad(name[:40], "is no name for a folder", "use letters, digits and . _ + -")
    return name


def _key(notebook: Path, parameters: Parameters, known: Case) -> str:
    """SHA-256 of all that the report is made from: notebook, parameters, view, kit, libraries."""
    parts: Mapping[str, Any] = {
        "notebook": hashlib.sha256(notebook.read_bytes()).hexdigest(),
        "parameters": vars(parameters),
        "view": folder.digest(known),
        "kit": kit_digest(),
        "libraries": library_versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def kit_digest() -> str:
    """SHA-256 over the source files of the kit, in the order of their names."""
    home, sha = Path(__file__).resolve().parents[1], hashlib.sha256(kit_version().encode())
    for path in sorted(home.rglob("*")):
        if path.suffix in (".py", ".html", ".css"):
            sha.update(str(path.relative_to(home)).encode() + path.read_bytes())
    return sha.hexdigest()


@cache
def kit_version() -> str:
    """The version of the kit."""
    return metadata.version("breach-impact-kit")


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that numbers and charts come from."""
    return {name: metadata.version(name) for name in LIBRARIES}


def notebook_faults(notebook: Path) -> list[Fault]:
    """What keeps a notebook from taking the parameters: its cell, a name, or a default's type."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    cells = [
        "".join(cell["source"])
        for cell in content["cells"]
        if "parameters" in cell.get("metadata", {}).get("tags", [])
    ]
    if len(cells) != 1:
        what = f"has {words.count(len(cells), 'cell')} tagged parameters"
        return [Fault(notebook.name, what, "tag one cell")]
    declared: dict[str, Any] = {}
    for statement in ast.parse(cells[0]).body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            assigned = statement.value
            if isinstance(assigned, ast.Constant):
                declared[statement.target.id] = assigned.value
    faults = []
    for part in fields(Parameters):
        default = getattr(Parameters(), part.name)
        if type(declared.get(part.name)) is not type(default):
            what = f"declares no {part.name} of type {type(default).__name__}"
            repair = f"write `{part.name}: {type(default).__name__} = {default!r}`"
            faults.append(Fault(f"{notebook.name} parameters", what, repair))
    return faults
