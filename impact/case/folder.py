"""A case folder into a `Case`. A `Case` that exists is valid."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import polars as pl

from impact.base import times, words
from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.case import checks, parts, reference, tables
from impact.case import scenarios as scenario_file
from impact.case.changes import Change
from impact.case.scenarios import BASELINE, Decision, Scenario, Unusable
from impact.case.schema import SCHEMA_VERSION, TABLES, TLP, highest
from impact.numerics import loss_kinds

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "shipped"  # what a wheel brings; a checkout has it beside the package
HOME = _SHIPPED if _SHIPPED.is_dir() else _PACKAGE.parent  # holds data/, docs/ and notebooks/
TEMPLATE = "_template"
REFERENCE = HOME / "data" / "reference"
ADVISORIES = "advisories"
STACK = ("locks", "sboms")  # of the level of the case
FOLDERS = (ADVISORIES, *STACK)
_REQUIRED = ("id", "title", "question", "currency", "tlp", "schema_version")
ROLES = ("client", "user", "vendor", "contractor")  # whose case it is; the first unless it says
_OPTIONAL = (
    "role",  # of whom the case is: one of ROLES
    "author",  # who answers for the case
    "contact",  # how to reach the author
    "next_update",  # when the case is looked at again: a date
    "title_known_on",  # before that day a view is titled by the name of the event
    "view_of",  # the seal of a view written by the kit
    "moment",  # when that view was seen from
    "left_out",  # whether rows above its level were left out of it
    "event_kind",  # kind of the event among those of past incidents; a forecast learns from it
    "disclosed_on",  # the day on which the event became public: day 0 of a forecast
    "defaults",  # inputs on which a link gives way, see `impact.case.ways.giving_way`
    "stack",  # a folder of data/ that counts as the locks of the case
    "vendors",  # headings of a vendor inventory, see impact.case.vendors
)


Found = TypeVar("Found")
Asked = ParamSpec("Asked")


def once(
    function: Callable[Concatenate[Case, Asked], Found],
) -> Callable[Concatenate[Case, Asked], Found]:
    """Work out `function(known, ...)` once for all views that differ in their inputs only.

    The function may read every table but `inputs`, and neither the scenario nor the changes.
    """

    @wraps(function)
    def remembered(known: Case, /, *asked: Asked.args, **named: Asked.kwargs) -> Found:
        key = (function, asked, tuple(named.items()))
        if key not in known.memo:
            known.memo[key] = function(known, *asked, **named)
        found: Found = known.memo[key]
        return found

    return remembered


@dataclass(frozen=True)
class Case:
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

    id: str
    title: str
    question: str
    currency: str
    tlp: str
    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    scenarios: Mapping[str, Scenario] = field(repr=False)
    decisions: Mapping[str, Decision] = field(repr=False)
    role: str = ROLES[0]
    defaults: tuple[str, ...] = field(default=(), repr=False)
    unusable: Mapping[str, Unusable] = field(default_factory=dict, repr=False)
    label: str = TLP[-1]
    title_known_on: str = field(default="", repr=False)
    author: str = field(default="", repr=False)
    contact: str = field(default="", repr=False)
    next_update: str = field(default="", repr=False)
    event_kind: str = field(default="", repr=False)
    disclosed_on: str = field(default="", repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    scenario: str = BASELINE
    as_of: datetime | None = None
    moment: datetime | None = None
    lasted: Mapping[str, float] = field(default_factory=dict, repr=False)
    left_out: bool = False
    changes: tuple[Change, ...] = ()
    ended: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    before: Case | None = field(default=None, repr=False, compare=False)
    loaded: Case | None = field(default=None, repr=False, compare=False)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, table: str) -> pl.DataFrame:
        """The frame of a table by name."""
        return self.tables[table]

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: the view alone, without rows of other days and levels."""
        return {**vars(self), "memo": {}, "loaded": None}

    @cached_property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The rows of inputs.csv by id."""
        return {row["id"]: row for row in self["inputs"].iter_rows(named=True)}

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """The rows of any table by id."""
        return self.inputs if table == "inputs" else _rows(self, table)

    def __str__(self) -> str:
        """The case in two lines: its title and what it holds."""
        return f"{self.title}: {self.question}\n{', '.join(self._counts())}"

    def _repr_markdown_(self) -> str:
        return f"**{self.title}**: {self.question}  \n{' · '.join(self._counts())}"

    def _counts(self) -> list[str]:
        return [f"{frame.height} {name}" for name, frame in self.tables.items()]


@once
def _rows(known: Case, table: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in known[table].iter_rows(named=True)}


def label_of(case: Case) -> str:
    """The highest TLP level among the rows, scenarios and decisions of a case or a view."""
    frames = (*case.tables.values(), *case.ended.values())
    rows = [level for frame in frames for level in frame["tlp"].unique()]
    entries: list[Scenario | Decision] = [*case.scenarios.values(), *case.decisions.values()]
    entries += [one.decision for one in case.unusable.values()]
    return highest([*rows, *(entry.tlp for entry in entries)])


def cases() -> dict[str, Path]:
    """Name -> folder of every case below `data/cases`; the template is none.

    Those of the working folder come before those of the kit.
    """
    places = (HOME, Path.cwd())
    found = [path.parent for at in places for path in at.glob("data/cases/*/case.toml")]
    named = {path.name: path for path in found if path.name != TEMPLATE}
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
        if (folder / "case.toml").is_file():
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
    settings, faults = _settings(folder / "case.toml")
    frames, found = _frames(folder, settings.get("tlp", TLP[-1]))
    faults += found
    content, found = read_toml(folder / "scenarios.toml")
    if faults or found:  # what refers to a table that could not be read is not told again
        return None, [*faults, *found]
    sealed = settings.pop("view_of", None) == seal(folder)
    defaults, level = tuple(settings.pop("defaults").split()), settings["tlp"]
    read = scenario_file.read("scenarios.toml", content, frames, sealed, level, defaults)
    if not sealed:  # a view was checked where it was written
        faults = [*checks.all_faults(frames, settings["currency"]), *read.faults]
        faults = faults or list(reference.input_faults(frames["inputs"], REFERENCE))
    if faults:
        return None, faults
    try:
        files = originals(folder, settings.pop("stack", ""))
    except BadInput as error:
        return None, list(error.faults)
    moment, left_out = settings.pop("moment", None), settings.pop("left_out", None)
    loaded = Case(
        **settings,
        moment=times.parse(moment) if moment else None,
        left_out=left_out == "True",
        files=files,
        tables=frames,
        defaults=defaults,
        scenarios=read.scenarios,
        decisions=read.decisions,
        unusable=read.unusable,
    )
    return replace(loaded, label=label_of(loaded)), []


def _frames(folder: Path, level: str) -> tuple[dict[str, pl.DataFrame], list[Fault]]:
    """(rows by table, faults) of the tables of a case at that level."""
    frames, faults = dict[str, pl.DataFrame](), list[Fault]()
    for table in TABLES:
        path = folder / f"{table.name}.csv"
        if path.exists():
            frame, found = tables.read(path, table, level)
            faults += found
        else:
            frame = tables.empty(table)
            faults.append(Fault(path.name, "is missing", "add it with its header line"))
        frames[table.name] = ordered(frame)
    return frames, faults


_HIDDEN = {".git", ".DS_Store", ".ipynb_checkpoints"}  # of no use to a reader of the stack


def originals(folder: Path, stack: str = "") -> dict[str, bytes]:
    """The untouched files of others in a case folder, by their path in it.

    `stack` names a folder of `data/` whose files count as locks of the case: a sample fleet. It is
    looked for beside the cases, then in the kit.
    """
    places = [(name, folder / name) for name in FOLDERS]
    if stack:
        beside = (folder.resolve().parents[1], HOME / "data")
        home = next((at / stack for at in beside if (at / stack).is_dir()), None)
        if home is None or not stack.isidentifier():
            raise bad("case.toml stack", f'"{stack}" is no folder of data/', "name one")
        places += [(STACK[0], below) for below in sorted(home.iterdir()) if below.is_dir()]
    found = {}
    for name, home in places:
        inside = home.parent if home.parent != folder else home
        for path in sorted(home.rglob("*")):
            place = path.relative_to(inside)
            hidden = any(part in _HIDDEN for part in place.parts)
            if path.is_file() and not path.is_symlink() and not hidden:
                found[f"{name}/{place.as_posix()}"] = path.read_bytes()
    return found


def ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table in key order: by id, then by the day they became known, then by level."""
    rank = pl.col("tlp").replace_strict(TLP, range(len(TLP)), default=0)
    return rows.sort("id", "known_on", rank, nulls_last=True)


def notes(folder: Path, case: Case) -> list[str]:
    """What of a valid case is read otherwise than it is written, or in a way that may surprise.

    Marks of TLP 1.0, rows without a mark in a case above clear, parts that do not sum to a whole.
    """
    found, without = list[str](), list[str]()
    for table in TABLES:
        rows, _, _ = tables.raw(folder / f"{table.name}.csv", table)
        marks = rows["tlp"] if "tlp" in rows.columns else pl.Series([None] * rows.height)
        marks = marks.cast(pl.String)
        if white := marks.str.to_lowercase().str.contains("white").sum():
            what = f"{white} marked WHITE, read as CLEAR, its name since TLP 2.0"
            found.append(f"{table.name}.csv tlp: {what}")
        if rows.height and "tlp" not in rows.columns and case.label != case.tlp == TLP[0]:
            what = "the column is missing, so that all rows are read as clear, and others are not"
            found.append(f"{table.name}.csv tlp: {what}; add it where rows may not go out")
        if count := marks.null_count():
            without.append(f"{count}{'' if without else ' rows'} of {table.name}.csv")
    if without and case.tlp != TLP[0]:
        rest = f"have none and are read as {case.tlp}, the level of the case"
        found.append(f"tlp: {words.listed(without)} {rest}; write clear where a row may go out")
    found += map(str, parts.warnings(case.tables))
    return [*found, *map(str, reference.departures(case["inputs"], REFERENCE))]


def seal(folder: Path) -> str:
    """SHA-256 of the tables and scenarios in a case folder."""
    sha = hashlib.sha256()
    for name in ("scenarios.toml", *(f"{table.name}.csv" for table in TABLES)):
        path = folder / name
        sha.update(name.encode() + b"\x1d" + (path.read_bytes() if path.exists() else b""))
    return sha.hexdigest()


def read_toml(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """(content, faults) of a TOML file."""
    text, faults = tables.read_text(path)
    if faults:
        return {}, faults
    try:
        return tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(path.name, f"is not TOML: {error}", "mend that line")]


def _settings(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """(settings as text, faults) of a `case.toml`, without those that no case holds."""
    content, faults = read_toml(path)
    if faults:
        return {}, faults
    wrong = list(_form_faults(content))
    if not wrong and not content["id"].replace("-", "").replace("_", "").isalnum():
        wrong.append(("id", "is not a bare name", "use a-z, 0-9, - and _"))
    wrong += _value_faults(content)
    if not wrong:
        try:
            content["tlp"] = tables.level(content["tlp"], f"{path.name} tlp")
        except BadInput as error:
            faults += error.faults
    defaults = content.get("defaults", [])
    if not isinstance(defaults, list) or not all(isinstance(one, str) for one in defaults):
        wrong.append(("defaults", "is no list", 'write ["INPUT", "INPUT"]'))
        defaults = []
    if not isinstance(content.get("vendors", {}), dict):
        wrong.append(("vendors", "is no table", "write it as [vendors]"))
    faults += [Fault(f"{path.name} {name}", what, repair) for name, what, repair in wrong]
    texts = {name: str(content[name]) for name in content.keys() - {"schema_version", "vendors"}}
    return {**texts, "defaults": " ".join(defaults)}, faults


def _form_faults(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(setting, what, repair) where one is unknown, missing, or not of its kind."""
    known = [*_REQUIRED, *_OPTIONAL]
    for name in sorted(set(content) - set(known)):
        yield name, "no such setting", did_you_mean(name, known, "remove it")
    for name in _REQUIRED[:-1]:
        if not isinstance(content.get(name), str):
            yield name, "is missing or not text", "fill it in"
    for name in sorted(
        {"title_known_on", "moment", "next_update", "disclosed_on"} & content.keys()
    ):
        try:
            times.parse(str(content[name]))
        except ValueError as error:
            yield name, "is no date", str(error)


def _value_faults(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(setting, what, repair) of a currency, a role or a format that there is not."""
    code, role = content.get("currency"), content.get("role", ROLES[0])
    if isinstance(code, str) and code not in ("USD", *loss_kinds.currencies()):
        repair = "write a code of ISO 4217, such as EUR"
        repair = did_you_mean(code.upper(), sorted(loss_kinds.currencies()), repair)
        yield "currency", f'"{code[:40]}" is no currency', repair
    if role not in ROLES:
        repair = did_you_mean(str(role).lower(), ROLES, f"one of {', '.join(ROLES)}")
        yield "role", f'"{str(role)[:40]}" is no role', repair
    kinds, kind = reference.KINDS, content.get("event_kind", "")
    if kind and kind not in kinds:
        repair = did_you_mean(str(kind), kinds, f"one of {', '.join(kinds)}")
        yield "event_kind", f'"{str(kind)[:40]}" is no kind of event', repair
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        what = f"is {version}, this kit reads {SCHEMA_VERSION}"
        yield "schema_version", what, f"write {SCHEMA_VERSION}"


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
