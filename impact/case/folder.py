"""A case folder into a `Case`. A `Case` that exists is valid."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import polars as pl

from impact.base import words
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.base.texts import local
from impact.case import checks, claim_checks, parts, reference, tables
from impact.case import scenarios as scenario_file
from impact.case.changes import Change
from impact.case.scenarios import BASELINE, Decision, Scenario, Unusable
from impact.case.schema import SETTINGS, TABLES, TLP, highest
from impact.numerics import loss_kinds

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "shipped"  # what a wheel brings; a checkout has it beside the package
HOME = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent  # holds data/, docs/ and notebooks/
TEMPLATE = "_template"
REFERENCE = HOME / "data" / "reference"
ADVISORIES = "advisories"
STACK = ("locks", "sboms")  # of the level of the case
FOLDERS = (ADVISORIES, *STACK)
VIEW = "case.json"  # stands in a folder of a view that the kit wrote, for both TOML files
ARROW = ".arrow"  # how the files of its tables end
_ASIDE = {"schema_version", "defaults", "stack", "vendors"}  # settings that no case holds as text
ROLES = SETTINGS["case"].by_name["role"].allowed  # whose case it is; the first unless it says


Asked = TypeVar("Asked", bound=Callable[..., Any])


def once(function: Asked) -> Asked:
    """Work out `function(of, ...)` once for a run, or for all views that differ in inputs only.

    Of a view it may read every table but `inputs`, and neither the scenario nor the changes.
    """

    @wraps(function)
    def remembered(of: Any, *asked: Any, **named: Any) -> Any:
        key = (function, asked, tuple(named.items()))
        if key not in of.memo:
            of.memo[key] = function(of, *asked, **named)
        return of.memo[key]

    return cast(Asked, remembered)


@dataclass(frozen=True, kw_only=True, repr=False)
class About:
    """What a case or a view says of itself, its scenarios and its decisions."""

    id: str
    title: str
    question: str
    currency: str
    tlp: str
    role: str = ROLES[0]
    author: str = ""
    contact: str = ""
    next_update: str = ""
    event_kind: str = ""
    disclosed_on: str = ""
    scenarios: Mapping[str, Scenario]
    decisions: Mapping[str, Decision]
    unusable: Mapping[str, Unusable]
    moment: datetime | None = None
    left_out: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class Case(About):
    """Valid tables, and how they are seen.

    `tables` holds one frame per table of `impact.case.schema`, sorted by key. A case as loaded has
    every row; `impact.view` returns a case with the rows, the inputs and the changes of one view;
    `ended` holds the rows that ended others by then, `before` is that view before its scenario and
    changes, `loaded` the case that it is a view of. `label` is the highest TLP level in it, which
    marks every answer to it. `moment` is when a view is seen from, its as-of or else the present;
    `lasted` maps an input to how long the state whose length it measures has lasted by then.
    `left_out` says that rows above its level are left out of it.
    `files` are the originals that it holds: what lies in FOLDERS, by its path in the case folder.
    `role` is one of ROLES: a client of the vendor, a user of the package, the vendor itself, or a
    contractor of it. `author`, `contact` and `next_update` say who answers for the case, how to
    reach them, and when it is looked at again; each may be empty. `event_kind` and `disclosed_on`
    are what a forecast wants to know of the event. `unusable` are the decisions that
    have faults, which keep nothing else from being shown.
    """

    tables: Mapping[str, pl.DataFrame]
    defaults: tuple[str, ...] = ()
    label: str = TLP[-1]
    title_known_on: str = ""
    files: Mapping[str, bytes]
    scenario: str = BASELINE
    as_of: datetime | None = None
    lasted: Mapping[str, float] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    ended: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    before: Case | None = field(default=None, compare=False)
    loaded: Case | None = field(default=None, compare=False)
    memo: dict[Any, Any] = field(default_factory=dict, compare=False)

    def __getitem__(self, table: str) -> pl.DataFrame:
        """The frame of a table by name."""
        return self.tables[table]

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: the view alone, without rows of other days and levels."""
        return {**vars(self), "memo": {}, "loaded": None}

    @cached_property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The rows of inputs.csv by id."""
        return tables.by_id(self["inputs"])

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """The rows of any table by id."""
        return self.inputs if table == "inputs" else _rows(self, table)

    def __repr__(self) -> str:
        """The case in two lines: its title and what it holds."""
        return f"{self.title}: {self.question}\n{', '.join(self._counts())}"

    def _repr_markdown_(self) -> str:
        return f"**{self.title}**: {self.question}  \n{' · '.join(self._counts())}"

    def _counts(self) -> list[str]:
        return [f"{frame.height} {name}" for name, frame in self.tables.items()]


@once
def _rows(known: Case, table: str) -> dict[str, dict[str, Any]]:
    return tables.by_id(known[table])


def label_of(case: Case) -> str:
    """The highest TLP level among the rows, scenarios and decisions of a case or a view."""
    entries: list[Scenario | Decision] = [*case.scenarios.values(), *case.decisions.values()]
    entries += [one.decision for one in case.unusable.values()]
    levels = [entry.tlp for entry in entries]
    for rows in (*case.tables.values(), *case.ended.values()):
        levels.extend(rows["tlp"].unique())
    return highest(levels)


def cases() -> dict[str, Path]:
    """Name -> folder of every case below `data/cases`; the template is none.

    Those of the working folder come before those of the kit.
    """
    places = (HOME, Path.cwd())
    found = [path.parent for at in places for path in at.glob("data/cases/*/case.*")]
    named = {path.name: path for path in found if not path.name.startswith((TEMPLATE, "."))}
    return dict(sorted(named.items()))


def find_case(case: str | Path) -> Path:
    """The folder of a case, given its name or its path; an address or a pattern is refused."""
    text = str(case)
    if "://" in text:
        raise bad(text, "is an address", "the kit reads local folders only: give a path")
    if any(sign in text for sign in "*?[") and not Path(text).exists():
        raise bad(text, "is a pattern", "name one folder")
    known = cases()
    if len(same := [name for name in known if name.casefold() == text.casefold()]) > 1:
        what = f"{' and '.join(same)} are two cases, and one folder on many machines"
        raise bad(text, what, "rename one of them")
    if text in known:
        return known[text]
    try:
        folder = Path(text)
        if any((folder / name).is_file() for name in ("case.toml", VIEW)):
            return folder
        if folder.is_dir() and text:
            raise bad(text, "holds no case.toml", "name a case folder")
    except OSError as error:
        raise bad(text[:60], f"cannot be read ({error.strerror})", "name a case folder") from None
    raise bad(text, "no such case", did_you_mean(text, list(known), "see `impact cases`"))


def load_case(case: str | Path) -> Case:
    """The case of that name under `data/cases`, or in that folder; raises BadInput with all faults.

    >>> load_case("mercor").id
    'mercor'
    """
    loaded, faults = read_case(find_case(case))
    if faults or loaded is None:
        raise BadInput(faults)
    return loaded


def read_case(folder: Path) -> tuple[Case | None, list[Fault]]:
    """(case, faults) of a case folder: a case only where there are no faults.

    Faults of a decision alone stand in the `unusable` of the case.
    """
    if (folder / VIEW).is_file() and not (folder / "case.toml").is_file():
        return _read_view(folder)
    content, faults = _settings(folder / "case.toml")
    frames, found = tables.read_all(folder, TABLES, content.get("tlp", TLP[-1]))
    blocks, wrong = read_toml(folder / scenario_file.FILE)
    if faults := [*faults, *found, *wrong]:  # what refers to what was not read is not told again
        return None, faults
    defaults, level = tuple(content.get("defaults", ())), content["tlp"]
    read = scenario_file.read(blocks, frames, level, defaults)
    faults = [*checks.all_faults(frames, content["currency"]), *read.faults]
    if faults := faults or list(reference.input_faults(frames["inputs"], REFERENCE)):
        return None, faults
    try:
        files = originals(folder, content.get("stack", ""))
    except BadInput as error:
        return None, list(error.faults)
    texts: dict[str, Any] = {name: str(content[name]) for name in content.keys() - _ASIDE}
    loaded = Case(
        **texts,
        files=files,
        tables=frames,
        defaults=defaults,
        scenarios=read.scenarios,
        decisions=read.decisions,
        unusable=read.unusable,
    )
    return replace(loaded, label=label_of(loaded)), []


def _read_view(folder: Path) -> tuple[Case | None, list[Fault]]:
    """(case, faults) of a folder that `impact.case.writer` wrote from a valid case."""
    try:
        about = msgspec.json.decode((folder / VIEW).read_bytes(), type=About)
        found = {table.name: pl.read_ipc(folder / (table.name + ARROW)) for table in TABLES}
    except (msgspec.DecodeError, pl.exceptions.PolarsError, OSError) as error:
        return None, [Fault(VIEW, f"is no view of the kit: {error}", "make the report again")]
    case = Case(**vars(about), tables=found, files=originals(folder))
    return replace(case, label=label_of(case)), []


def write_originals(home: Path, files: Mapping[str, bytes]) -> None:
    """Write files of others into a case folder, by their path in it."""
    for place, data in files.items():
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_bytes(data)


_HIDDEN = {".git", ".DS_Store", ".ipynb_checkpoints"}  # of no use to a reader of the stack


def originals(folder: Path, stack: str = "") -> dict[str, bytes]:
    """The untouched files of others in a case folder, by their path in it.

    `stack` names a folder of `data/` whose files count as locks of the case: a sample fleet. It is
    looked for beside the cases, then in the kit.
    """
    places = {name: folder / name for name in FOLDERS}
    if stack:
        beside = (folder.resolve().parents[1], HOME / "data")
        home = next((at / stack for at in beside if (at / stack).is_dir()), None)
        if home is None or not stack.isidentifier():
            raise bad("case.toml stack", f'"{stack}" is no folder of data/', "name one")
        places |= {f"{STACK[0]}/{below.name}": below for below in sorted(home.iterdir())}
    found = {}
    for name, inside in places.items():
        for path in sorted(inside.rglob("*")):
            place = name / path.relative_to(inside)
            hidden = not _HIDDEN.isdisjoint(place.parts)
            if path.is_file() and not path.is_symlink() and not hidden:
                found[place.as_posix()] = path.read_bytes()
    return found


def notes(folder: Path, case: Case) -> list[str]:
    """What of a valid case is read otherwise than it is written, or in a way that may surprise.

    Marks of TLP 1.0, rows without a mark in a case above clear, parts that do not sum to a whole,
    options that cost what began before them.
    """
    found, without = list[str](), list[str]()
    for table in TABLES:
        rows, _, _ = tables.raw(folder / f"{table.name}.csv", table)
        marks = rows["tlp"] if "tlp" in rows.columns else None
        if marks is not None and (white := marks.str.contains("(?i)white").sum()):
            what = f"{white} marked WHITE, read as CLEAR, its name since TLP 2.0"
            found.append(f"{table.name}.csv tlp: {what}")
        unmarked = rows.height if marks is None else marks.null_count()
        if unmarked and (marks is None or case.tlp != TLP[0]):
            without.append(f"{unmarked}{'' if without else ' rows'} of {table.name}.csv")
    if without and case.label != TLP[0]:
        rest = f"have none and are read as {case.tlp}, the level of the case"
        found.append(f"tlp: {words.listed(without)} {rest}; mark those that are of another")
    found += map(str, parts.warnings(case.tables))
    found += map(str, claim_checks.surprises(case.tables))
    lasted = {*case["inputs"].drop_nulls("lasts_since")["id"]}
    named = checks.inputs_of(case.tables)
    found += [
        f'{scenario_file.FILE} decision.{decision.id} option.{option.id} costs: "{loss}" rests on'
        f" {words.listed(sorted(past))}, which began before it is chosen; name another input"
        for decision in case.decisions.values()
        for option in decision.options
        for loss in option.costs
        if (past := lasted & named.get(("losses", loss), set()))
    ]
    return [*found, *map(str, reference.departures(case["inputs"], REFERENCE))]


def read_toml(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """(content, faults) of a TOML file."""
    try:
        return tomllib.loads(local(path)), []
    except BadInput as error:
        return {}, list(error.faults)
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(path.name, f"is not TOML: {error}", "mend that line")]
    except (RecursionError, ValueError):  # brackets in brackets, a number of thousands of digits
        return {}, [Fault(path.name, "is nested too deeply, or holds no number", "mend it")]


def _settings(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """(settings, faults) of a `case.toml`."""
    content, faults = read_toml(path)
    if faults:
        return {}, faults
    rows, faults = tables.settings([(path.name, content)], SETTINGS["case"])
    faults += currency_faults(f"{path.name} currency", content.get("currency"))
    read = rows.row(0, named=True).items()
    return {**content, **{name: value or "" for name, value in read if name in content}}, faults


def currency_faults(where: str, code: object) -> list[Fault]:
    """A fault where there is no such currency."""
    known = sorted(loss_kinds.currencies())
    if not isinstance(code, str) or code in known:
        return []
    repair = did_you_mean(code.upper(), known, "write a code of ISO 4217, such as EUR")
    return [Fault(where, f'"{code[:40]}" is no currency', repair)]


def digest(known: Case, reads: Collection[str] = ()) -> str:
    """SHA-256 of what a view shows of some tables, or of all where none is named; see `digests`."""
    parts = digests(known)
    wanted = {"view", *(reads or set(parts) - {"files"})}
    chosen = {name: parts[name] for name in parts if name in wanted}
    return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()


def digests(known: Case) -> dict[str, str]:
    """SHA-256 of each part of a view: its tables, `scenarios`, `decisions`, and the `view` itself.

    They are of what stands in the view, so that no row above its level shows in them.
    """
    files = sorted((name, hashlib.sha256(data).hexdigest()) for name, data in known.files.items())
    # Of the inputs as changed and as they were: what compares views shows both.
    before = _sha((known.before or known)["inputs"], None)
    inputs = _sha(known["inputs"], known.ended.get("inputs")), before
    what = (
        *(known.id, known.title, known.question, known.currency, known.role),
        *(known.event_kind, known.disclosed_on),
        *((known.tlp, known.label), known.author, known.contact, known.next_update),
        *(known.moment, known.changes, known.unusable, known.left_out),
        known.scenarios[known.scenario],
    )
    return {
        **{name: _digest(known, name) for name in known.tables if name != "inputs"},
        "inputs": _text_sha(inputs),
        "scenarios": _text_sha(list(known.scenarios.values())),
        "decisions": _text_sha(list(known.decisions.values())),
        "files": _text_sha(files),
        "view": _text_sha(what),
    }


@once
def _digest(known: Case, table: str) -> str:
    return _sha(known[table], known.ended.get(table))


def _sha(rows: pl.DataFrame, ended: pl.DataFrame | None) -> str:
    sha = hashlib.sha256()
    for frame in (rows, ended):
        if frame is not None:
            columns = sorted({*frame.columns} - {"file_line"})
            sha.update(frame.select(columns).write_json().encode() + b"\x1d")
    return sha.hexdigest()


def _text_sha(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
