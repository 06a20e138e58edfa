"""What is to be made: one task per notebook and view, checked in full before any kernel starts."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from impact.base import texts, times, words
from impact.base.errors import BadInput, Fault, Refusal, bad, checked, did_you_mean
from impact.case import folder, heads, views
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.case.schema import TABLES
from impact.reports import origin
from impact.simulation import check_draws

ALL = "all"
BESIDE = "pages beside it"  # a part of the key
_READ = (*(table.name for table in TABLES), "scenarios", "decisions", "files")
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|api_?key|credential|private_?key")
_SECRET = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[a-z]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}"
    r"|sk-[\w-]{16,}|eyJ[\w-]{10,}\.[\w-]{10,})|-----BEGIN|://[^/\s:]+:[^/\s@]+@"
)


@dataclass(frozen=True)
class Parameters:
    """The parameters that every notebook of the kit declares, with their defaults."""

    case: str = "mercor"
    scenario: str = BASELINE
    as_of: str = ""
    changes: str = ""
    tlp: str = ""
    draws: int = 10_000
    seed: int = 1


DEFAULTS = Parameters()
NAMES = tuple(vars(DEFAULTS))


@dataclass(frozen=True)
class Notebook:
    """A notebook as it will run: name and text, the tables that it reads, what it varies by.

    `question` is its first heading, if it has one. Of a case that has nothing of what it `needs`
    there is no report. `leads` says who reads on, on which other pages, and for what.
    """

    name: str
    text: str
    question: str = ""
    reads: tuple[str, ...] = _READ
    varies_by: tuple[str, ...] = NAMES
    needs: tuple[str, ...] = ()
    leads: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One notebook under one view: all that a worker needs, where it goes, and its key.

    `key` maps each thing that the report is made from to its digest: the notebook, the parameters,
    each table that the notebook reads, the view, the kit and the lock; and it names the pages
    beside it.
    """

    notebook: Notebook
    parameters: Parameters
    known: Case
    place: str  # CASE/SCENARIO[@as-of][+tlp][~hash]
    key: Mapping[str, str]

    @property
    def name(self) -> str:
        """`PLACE/NOTEBOOK`, as progress and failures name it."""
        return f"{self.place}/{self.notebook.name}"

    @property
    def beside(self) -> list[str]:
        """The notebooks whose pages lie in the same folder, its own among them."""
        return self.key.get(BESIDE, "").split()

    @property
    def made_from(self) -> dict[str, Any]:
        """What it takes to make the report again, as JSON: a page and a manifest hold it."""
        return {
            "notebook": self.notebook.name,
            "parameters": vars(self.parameters),
            "moment": times.as_text(views.moment_of(self.known)),
            "beside": self.beside,
        }


def find_notebooks(name: str) -> list[Path]:
    """The notebooks named `00_brief`, or all that are reports: those that begin with a number."""
    paths = sorted((folder.HOME / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    reports = {path.stem: path for path in paths}
    if name != ALL and name not in reports:
        repair = did_you_mean(name, list(reports), f"one of {', '.join(reports)} or all")
        raise bad("--notebook", f'no notebook "{name}"', repair)
    return paths if name == ALL else [reports[name]]


def chosen(case: Case, scenario: str) -> list[str]:
    """The scenarios that a name stands for: itself, the members of a grid, or all."""
    if scenario == ALL:
        return list(case.scenarios)
    grid = [name for name, entry in case.scenarios.items() if entry.grid == scenario]
    return grid or [scenario]


def plan(
    case: Case,
    notebooks: Sequence[Path],
    scenarios: Sequence[str],
    base: Parameters,
    now: str = "",
) -> tuple[list[Task], list[Fault]]:
    """(tasks, refused): every task in order, and why a scenario can have none in this view.

    `base` holds what all tasks share; its scenario is replaced by each of `scenarios`. Without an
    as-of all are seen from `now`, or from the present hour. A notebook
    that does not vary by scenario is planned once. Raises BadInput with all faults of notebooks and
    parameters at once, and Refusal where every scenario is refused.
    """
    see = partial(_view, case, now or times.as_text(views.moment_of(case)), {})
    found = _checked(case, notebooks, scenarios, base, see)
    full = {name for name, rows in case.tables.items() if rows.height}
    full |= {"files"} if case.files else set()
    needed = [notebook for notebook in found if full.issuperset(notebook.needs)]
    tasks: dict[str, Task] = {}
    refused = list[Fault]()
    for scenario in scenarios:
        try:
            for notebook in needed:
                task = _task(case, notebook, replace(base, scenario=scenario), see)
                if tasks.setdefault(task.name, task).key != task.key:
                    other = tasks[task.name].parameters.scenario
                    what = f'has the place of scenario "{other}", {task.place}'
                    raise bad(f"scenario {scenario}", what, "give one another name")
        except Refusal as refusal:
            refused += refusal.faults
    if found and scenarios and not tasks:
        what = "would have nothing to show of this case"
        raise Refusal(refused or [Fault(one.name, what, "choose another") for one in found])
    return list(tasks.values()), refused


See = Callable[[Parameters], Case]


def _checked(
    case: Case,
    notebooks: Sequence[Path],
    scenarios: Sequence[str],
    base: Parameters,
    see: See,
) -> list[Notebook]:
    """The notebooks of a plan; raises BadInput with every fault of these and of the parameters."""
    checked(Parameters)(**vars(base))
    repair = "leave it out: parameters are printed in pages and manifests"
    faults = [
        Fault(name, "looks like a secret", repair)  # and is not repeated
        for name, value in vars(base).items()
        if _SECRET.search(str(value))
    ]
    if faults:
        raise BadInput(faults)
    read = [read_notebook(path) for path in notebooks]
    faults = [fault for _, wrong in read for fault in wrong]
    attempt(faults, check_draws, base.draws, base.seed)
    with suppress(Refusal):  # which each scenario meets again
        attempt(faults, see, replace(base, scenario=BASELINE))
    for name in sorted(set(scenarios) - case.scenarios.keys())[:1]:
        attempt(faults, views.view, case, name)
    if faults:
        raise BadInput(faults)
    return [notebook for notebook, _ in read]


def attempt(faults: list[Fault], function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns; where it raises BadInput, its faults are added to `faults`."""
    try:
        return function(*arguments)
    except BadInput as error:
        faults += error.faults
        return None


def _view(case: Case, now: str, baselines: dict[Parameters, Case], asked: Parameters) -> Case:
    """The view of some parameters; rows of one day are looked up once, in `baselines`.

    Raises BadInput or Refusal as `impact.view` does.
    """
    scenario, baseline = asked.scenario, replace(asked, scenario=BASELINE)

    def view(name: str) -> Case:
        return views.view(case, name, asked.as_of, asked.tlp, asked.changes, now)

    if case.scenarios[scenario].as_of:
        return view(scenario)
    if baseline not in baselines:
        baselines[baseline] = view(BASELINE)
    known = baselines[baseline]
    return views.under(known, scenario) if scenario in known.scenarios else view(scenario)


def _task(case: Case, notebook: Notebook, parameters: Parameters, see: See) -> Task:
    """The task of a notebook under a scenario, with what it does not vary by left as it is."""
    if "scenario" not in notebook.varies_by and not parameters.as_of:
        parameters = replace(parameters, as_of=case.scenarios[parameters.scenario].as_of)
    fixed = {name: getattr(DEFAULTS, name) for name in NAMES if name not in notebook.varies_by}
    parameters = replace(parameters, **{**fixed, "case": parameters.case})
    known = see(parameters)
    digests = folder.digests(known)
    key = {
        "notebook": origin.sha256(notebook.text),
        "parameters": json.dumps(vars(parameters)),
        "kit": origin.kit_digest(),
        "lock": origin.sha256(json.dumps(origin.versions())),
        "view": digests["view"],
        **{f"{name} of the case": digests[name] for name in notebook.reads},
    }
    return Task(notebook, parameters, known, place(known, parameters), key)


def place(known: Case, parameters: Parameters) -> str:
    """CASE/SCENARIO[@as-of][+tlp][~hash]; its name tells a supposition about a named party.

    The parts are bare names by the rules of a case, so that no path leaves the folder.
    """
    name = known.scenario
    if heads.falling(known):
        name += "-" + heads.NO_COMPROMISE.replace(" ", "-")
    if known.as_of is not None:
        day = f"@{times.as_text(known.as_of).replace(':', '')}"
        name += "" if name.endswith(day) else day
    if parameters.tlp:
        name += f"+{known.tlp}"
    rest = (parameters.changes.strip(), parameters.draws, parameters.seed)
    if rest != (DEFAULTS.changes, DEFAULTS.draws, DEFAULTS.seed):
        name += f"~{origin.sha256(repr(rest))[:8]}"
    return f"{known.id}/{name}"


def with_pages(task: Task, beside: Iterable[str]) -> Task:
    """A task whose page leads to those of other notebooks in its folder."""
    return replace(task, key={**task.key, BESIDE: " ".join(sorted(beside))})


def read_notebook(path: Path) -> tuple[Notebook, list[Fault]]:
    """(notebook, faults): what keeps it from taking the parameters, or from being keyed."""
    try:
        text = path.read_text(encoding="utf-8")
        content: Any = texts.from_json(text)
        cells = msgspec.convert(content["cells"], list[_Cell])
        settings = content.get("metadata", {}).get("impact", {})
        notes = ("".join(cell.source) for cell in cells if cell.cell_type == "markdown")
        heads = (note.partition("\n")[0][2:] for note in notes if note.startswith("# "))
        said = {"name": path.stem, "text": text, "question": next(heads, "")}
        notebook = msgspec.convert({**settings, **said}, Notebook)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        fault = Fault(path.name, "cannot be read as a notebook", "save it again with JupyterLab")
        return Notebook(path.stem, ""), [fault]
    named = [
        *((name, _READ) for name in (*notebook.reads, *notebook.needs)),
        *((name, NAMES) for name in notebook.varies_by),
    ]
    faults = [
        Fault(
            f"{path.name} metadata",
            f'"{name}" is not known there',
            did_you_mean(name, allowed, f"one of {', '.join(allowed)}"),
        )
        for name, allowed in named
        if name not in allowed
    ]
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) == 1:
        return notebook, faults + _cell_faults(path.name, "".join(tagged[0].source))
    what = f"has {words.count(len(tagged), 'cell')} tagged parameters"
    return notebook, [*faults, Fault(path.name, what, "tag one cell")]


class _Cell(msgspec.Struct):
    """What a plan reads of a cell."""

    cell_type: str
    source: str | list[str] = ""
    metadata: dict[str, Any] = {}


def _cell_faults(name: str, cell: str) -> list[Fault]:
    """What is wrong with a parameters cell: a name, the type of a default, or a secret in it."""
    where = f"{name} parameters"
    try:
        statements = ast.parse(cell).body
    except SyntaxError as error:
        return [Fault(where, f"line {error.lineno} is no Python", "mend that line")]
    declared = {
        ast.unparse(one.target): one for one in statements if isinstance(one, ast.AnnAssign)
    }
    faults = [
        Fault(where, f'"{key}" looks like a secret', "read it where it is used, it is shared here")
        for key, one in declared.items()
        if _SECRET_NAME.search(key) or _SECRET.search(ast.unparse(one))
    ]
    for key, default in vars(DEFAULTS).items():
        kind = type(default).__name__
        if key not in declared or ast.unparse(declared[key].annotation) != kind:
            repair = f"write `{key}: {kind} = {default!r}`"
            faults.append(Fault(where, f"declares no {key} of type {kind}", repair))
    return faults
