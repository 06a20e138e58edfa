"""A view written as a case folder: what reads it again sees the same, and nothing else."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, bad
from impact.base.texts import staged
from impact.case.folder import FOLDERS, Case, load_case, ordered, read_case, seal
from impact.case.scenarios import (
    BASELINE,
    DECISION,
    OPTION,
    SCENARIO,
    UNUSABLE,
    Decision,
    Option,
    Scenario,
)
from impact.case.schema import SCHEMA_VERSION
from impact.case.tables import harmless

_SETTINGS = ("id", "title", "question", "currency", "role", "tlp")
_MORE = ("event_kind", "disclosed_on", "author", "contact", "next_update")  # that a case may have
_LINE = "file_line"  # where a row stood in the file that it was read from


def write(known: Case, home: Path) -> None:
    """Write the rows of a view, before its scenario and changes, as a case folder, which is made.

    It holds what stands by the day and at the level of the view, what ended others by then, and the
    scenarios and decisions of that level: no row of another day or above the level.
    """
    home.mkdir(parents=True)
    before = known.before or known
    found = {"scenarios.toml": _scenarios(known)}
    for table, rows in before.tables.items():
        every = [rows, before.ended[table]] if table in before.ended else [rows]
        found[f"{table}.csv"] = text(ordered(pl.concat(every)))
    for name, content in found.items():
        (home / name).write_text(content, encoding="utf-8")
    for name, data in known.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    settings = {name: getattr(known, name) for name in _SETTINGS}
    settings |= {name: value for name in _MORE if (value := getattr(known, name))}
    settings |= {"schema_version": SCHEMA_VERSION, "view_of": seal(home)}
    settings |= {"moment": times.as_text(known.moment)} if known.moment else {}
    settings |= {"left_out": True} if known.left_out else {}
    (home / "case.toml").write_text(_lines(settings), encoding="utf-8")


def keep(folder: Path, scenario: Scenario) -> None:
    """Add a scenario to the `scenarios.toml` of a case folder, whose own text stays as it is.

    Raises BadInput where the name is taken or the case would have a fault with it; the file is
    then left as it was. It is replaced in one step, so that it is never half written.
    """
    path = folder / "scenarios.toml"
    old = path.read_text("utf-8") if path.exists() else ""
    if scenario.id in load_case(folder).scenarios:
        raise bad(f"scenario {scenario.id}", "is there already", "give another name")
    settings = _settings_of(scenario, SCENARIO)
    settings = {name: value for name, value in settings.items() if value or name == "set"}
    new = f"{old.rstrip()}\n\n{_block(('scenario', scenario.id), settings)}".lstrip()
    try:
        with tempfile.TemporaryDirectory() as home:
            trial = Path(home) / folder.resolve().name
            shutil.copytree(folder, trial, ignore=shutil.ignore_patterns(*FOLDERS))
            (trial / path.name).write_text(new, encoding="utf-8")
            _, faults = read_case(trial)
        if faults:
            raise BadInput(faults)
        staged(path, new.encode()).replace(path)
    except OSError as error:  # no room, or no right to write
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise bad(path.name, what, "check room and rights of the case folder") from None


def text(rows: pl.DataFrame) -> str:
    """Rows of a table as CSV, as `impact.case.tables.read` reads it."""
    return harmless(rows.drop(_LINE, strict=False).select(cells(rows))).write_csv()


def cells(rows: pl.DataFrame) -> list[pl.Expr]:
    """Each column of a table but numbers as the text that stands in its file."""
    found = []
    for name, dtype in rows.schema.items():
        column = pl.col(name)
        if isinstance(dtype, pl.List):
            column = column.list.join("; ")
        elif isinstance(dtype, pl.Datetime):
            column = column.map_elements(times.as_text, pl.String)
        elif dtype == pl.Boolean:
            column = pl.when(column).then(pl.lit("true"))
        if name != _LINE:
            found.append(column.alias(name))
    return found


def _scenarios(known: Case) -> str:
    blocks = [
        _block(("scenario", name), _settings_of(scenario, SCENARIO))
        for name, scenario in known.scenarios.items()
        if name != BASELINE
    ]
    for name, decision in known.decisions.items():
        blocks.append(_block(("decision", name), _settings_of(decision, DECISION)))
        for option in decision.options:
            path = ("decision", name, "option", option.id)
            blocks.append(_block(path, _settings_of(option, OPTION)))
    for name, one in known.unusable.items():
        faults = [[fault.where, fault.what, fault.repair] for fault in one.faults]
        title = {"title": one.decision.title, "tlp": one.decision.tlp}
        blocks.append(_block((UNUSABLE, name), title | {"faults": faults}))
    return "\n".join(["# the scenarios and decisions of a view", *blocks])


def _settings_of(entry: Scenario | Decision | Option, names: Iterable[str]) -> dict[str, Any]:
    """These settings of an entry, `set` from its changes."""
    if isinstance(entry, Decision):
        return {name: getattr(entry, name) for name in names}
    estimates = {
        c.name: c.mode if c.low == c.high else [c.low, c.mode, c.high] for c in entry.changes
    }
    return {name: estimates if name == "set" else getattr(entry, name) for name in names}


def _block(path: Iterable[str], settings: Mapping[str, Any]) -> str:
    return f"[{'.'.join(map(_value, path))}]\n{_lines(settings)}"


def _lines(settings: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_value(value)}\n" for name, value in settings.items())


def _value(value: Any) -> str:
    """A value as TOML; its strings are those of JSON, but for DEL."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_value(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
