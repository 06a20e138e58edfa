"""Scenarios, decisions and the grammar of changes: all of them are *some inputs changed*."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, did_you_mean
from impact.case import checks, grids, ways
from impact.case.changes import NAME, Change, read_estimate
from impact.case.schema import TLP
from impact.case.tables import level as read_level

BASELINE = "baseline"
UNUSABLE = "unusable"  # block of a sealed view
_SCENARIO_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # signs of a place are left to it
_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_SCENARIO = ("title", "says", "set", "each", "as_of", "contradicts", "tlp")
_DECISION = (
    *("title", "question", "bearer", "flips_on", "flips_says", "note", "option", "closes", "tlp"),
)
_OPTION = ("title", "says", "costs", "saves", "set", "closes", "against")
Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Scenario:
    """Named changes; `contradicts` are the claims that it supposes to be untrue.

    `grid` is the entry of scenarios.toml that lists it among others, empty where it stands alone.
    """

    id: str
    title: str
    says: str
    changes: tuple[Change, ...] = ()
    as_of: str = ""
    contradicts: tuple[str, ...] = ()
    grid: str = ""
    tlp: str = TLP[0]


@dataclass(frozen=True)
class Option:
    """One way to decide, as changes, with the rows of losses.csv that it brings and that it saves.

    Saved is a loss that another option brings, or a transfer that the bearer receives. `closes` is
    the time up to which it can be chosen, `against` are rows of duties.csv whose time it lets pass,
    or of which it does less than is advised.
    """

    id: str
    title: str
    says: str
    costs: tuple[str, ...]
    saves: tuple[str, ...]
    changes: tuple[Change, ...]
    closes: str = ""
    against: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Options of one bearer, and the input on which the best one flips, in words.

    `closes` is the time up to which it can be taken; empty: no such time.
    """

    id: str
    title: str
    question: str
    bearer: str
    flips_on: str
    flips_says: str
    note: str
    options: tuple[Option, ...]
    closes: str = ""
    tlp: str = TLP[0]


@dataclass(frozen=True)
class Unusable:
    """A decision, as far as it can be read, and what is wrong with it."""

    decision: Decision
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """What is wrong, in a sentence; without faults that they are for the owner's eyes."""
        first = str(self.faults[0]) if self.faults else "`impact check` says why"
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        end = "" if first.endswith("?") and not more else "."
        return f'Decision "{self.decision.title}" cannot be worked out: {first}{more}{end}'


class Read(NamedTuple):
    """What a `scenarios.toml` holds: a decision with faults is unusable, all else is a fault."""

    scenarios: dict[str, Scenario]
    decisions: dict[str, Decision]
    unusable: dict[str, Unusable]
    faults: list[Fault]


def named(entry: Scenario | Decision) -> frozenset[tuple[str, str]]:
    """(table, id) of every row that a scenario or a decision names."""
    if isinstance(entry, Scenario):
        changes = list(entry.changes)
        found = {("claims", claim) for claim in entry.contradicts}
    else:
        changes = []
        found = {("entities", entry.bearer), ("inputs", entry.flips_on)}
        for option in entry.options:
            found |= {("losses", loss) for loss in (*option.costs, *option.saves)}
            found |= {("duties", duty) for duty in option.against}
            changes += option.changes
    for change in changes:
        link = change.name.removeprefix(checks.LINK_INPUT)
        found.add(("inputs", change.name) if link == change.name else ("links", link))
    return frozenset(found)


Rows = dict[str, dict[str, Any]]


def apply(
    inputs: Mapping[str, dict[str, Any]], links: pl.DataFrame, changes: Iterable[Change], where: str
) -> tuple[Rows, list[Fault]]:
    """(inputs, faults): the rows by id, each change in place of the row that it names.

    A change is an assumption of the view, whatever the row was; `link.ID` becomes a row of its own.
    """
    rows, new = dict(inputs), Rows()
    faults: list[Fault] = []
    for change in changes:
        if change.name in rows:
            old = rows[change.name]
        else:
            link = change.name.removeprefix(checks.LINK_INPUT)
            days = links.filter(pl.col("id") == link)["known_on"]
            if link == change.name or not days.len():
                names = [*rows, *(checks.LINK_INPUT + name for name in links["id"])]
                repair = did_you_mean(change.name, names, "name an input of the view or link.ID")
                faults.append(Fault(where, f'no input "{change.name}"', repair))
                continue
            old = _link_row(rows, link, days[-1])
        new[change.name] = rows[change.name] = _changed(old, change)
    faults += checks.input_faults(where, new) if new else ()
    return dict(sorted(rows.items())), faults


_RANGED = ("pert", "lognormal", "uniform")  # shapes that low, mode and high describe


def _changed(row: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """An input's row with the estimate of a change; a range keeps the shape where it has one."""
    fixed = change.low == change.high
    return {
        **row,
        "low": None if fixed else change.low,
        "mode": None if row["shape"] == "uniform" and not fixed else change.mode,
        "high": None if fixed else change.high,
        "shape": "fixed" if fixed else row["shape"] if row["shape"] in _RANGED else "pert",
        "cap": None if fixed else row["cap"],
        "parameters": [],
        "sources": [],
        "basis_kind": "assumption",
        "basis": f"set to {str(change).partition('=')[2]} in this view",
    }


def _link_row(inputs: Mapping[str, dict[str, Any]], link: str, known_on: object) -> dict[str, Any]:
    return {
        **dict.fromkeys(next(iter(inputs.values()), ())),
        "id": checks.LINK_INPUT + link,
        "shape": "fixed",
        "unit": "chance",
        "drawn": "once",
        "meaning": f"Chance that the link {link} stands.",
        "known_on": known_on,
        "tlp": "clear",
        "withdrawn": False,
    }


def read(
    file: str,
    content: Mapping[str, Any],
    tables: Tables,
    sealed: bool = False,
    level: str = TLP[0],
    defaults: Sequence[str] = (),
) -> Read:
    """The scenarios and decisions of a `scenarios.toml`, checked against the tables.

    A decision rests on no link that gives way, see `ways.giving_way`.
    In that of a view that the kit wrote, `sealed`, members of grids stand by their own names, and
    decisions that were unusable with their faults. An entry without a `tlp` is of the `level` of
    its case.
    """
    name_of = _MEMBER if sealed else _SCENARIO_NAME
    faults = _strange(file, content, ("scenario", "decision", *([UNUSABLE] if sealed else [])))
    says = "What is reported and, where nothing is, assumptions."
    found = {BASELINE: Scenario(BASELINE, "Baseline", says)}
    alike = {BASELINE: BASELINE}  # by name without capitals: many file systems tell none apart
    inputs = {row["id"]: row for row in tables["inputs"].iter_rows(named=True)}
    for grid, settings in _entries(content, "scenario", file, faults, name_of):
        where = f"{file} scenario.{grid}"
        several, wrong = grids.members(where, grid, settings)
        for name, entry in several:
            if other := alike.get(name.casefold()):
                what = "is named already" if other == name else f'is "{other}" in other capitals'
                wrong.append(Fault(where, f'"{name}" {what}', "give another name"))
            alike[name.casefold()] = name
            one = _scenario(where, name, {"tlp": level, **entry}, tables, inputs, wrong)
            found[name] = replace(one, grid="" if name == grid else grid)
        faults += dict.fromkeys(wrong)
    gone = pl.col("id").is_in(ways.giving_way(tables, defaults))
    tables = {**tables, "links": tables["links"].filter(~gone)}
    decisions, unusable = dict[str, Decision](), dict[str, Unusable]()
    unread = list[Fault]()
    for name, entry in _entries(content, "decision", file, unread):
        wrong = list[Fault]()
        marked = {"tlp": level, **entry}
        decision = _decision(f"{file} decision.{name}", name, marked, tables, inputs, wrong)
        if wrong and not sealed:  # a view was checked where it was written
            unusable[name] = Unusable(decision, tuple(wrong))
        else:
            decisions[name] = decision
    for fault in unread:
        title = fault.where.removeprefix(f"{file} ")
        unusable[fault.where] = Unusable(_unread(title, level), (fault,))
    for name, entry in content.get(UNUSABLE, {}).items() if sealed else ():
        told = tuple(Fault(*each) for each in entry["faults"])
        unusable[name] = Unusable(_unread(entry["title"], entry["tlp"]), told)
    return Read(found, decisions, unusable, faults)


def _unread(title: str, tlp: str) -> Decision:
    """A decision of which no more than the title is known."""
    return Decision("", title, "", "", "", "", "", (), tlp)


def _scenario(
    where: str,
    name: str,
    entry: Mapping[str, Any],
    tables: Tables,
    inputs: Rows,
    faults: list[Fault],
) -> Scenario:
    faults += _strange(where, entry, _SCENARIO)
    named = entry.get("contradicts", [])
    if not isinstance(named, list):
        faults.append(Fault(f"{where} contradicts", "is no list", 'write ["claim", "claim"]'))
        named = []
    contradicts = tuple(map(str, named))
    as_of = _day(f"{where} as_of", entry, "as_of", faults)
    for claim in contradicts:
        faults += _unknown(f"{where} contradicts", "claim", claim, tables["claims"])
    return Scenario(
        id=name,
        title=str(entry.get("title", name)),
        says=str(entry.get("says", "")),
        changes=_set(where, entry, tables, inputs, faults),
        as_of=as_of,
        contradicts=contradicts,
        tlp=_level(where, entry, faults),
    )


def _level(where: str, entry: Mapping[str, Any], faults: list[Fault]) -> str:
    """The TLP level that an entry gives to its own words; clear where it gives none."""
    try:
        return read_level(str(entry.get("tlp", TLP[0])), f"{where} tlp")
    except BadInput as error:
        faults += error.faults
        return TLP[-1]


def _decision(
    where: str,
    name: str,
    entry: Mapping[str, Any],
    tables: Tables,
    inputs: Rows,
    faults: list[Fault],
) -> Decision:
    before = len(faults)
    faults += _strange(where, entry, _DECISION)
    options = list[Option]()
    bearer, flips_on = str(entry.get("bearer", "")), str(entry.get("flips_on", ""))
    for option, body in _entries(entry, "option", where, faults):
        at = f"{where} option.{option}"
        faults += _strange(at, body, _OPTION)
        changes = _set(at, body, tables, inputs, faults)
        title, says = str(body.get("title", option)), str(body.get("says", ""))
        rows = {side: _named(at, side, body, bearer, tables, faults) for side in ("costs", "saves")}
        closes = _day(f"{at} closes", body, "closes", faults)
        against = tuple(map(str, body.get("against", ())))
        for duty in against:
            faults += _unknown(f"{at} against", "duty", duty, tables["duties"])
        options.append(
            Option(option, title, says, **rows, changes=changes, closes=closes, against=against)
        )
    if len(options) < 2:
        repair = "add [decision.NAME.option.NAME]"
        faults.append(Fault(where, "has fewer than two options", repair))
    faults += _unknown(f"{where} bearer", "entity", bearer, tables["entities"])
    faults += _unknown(f"{where} flips_on", "input", flips_on, tables["inputs"])
    if len(faults) == before:
        faults += _unmoved(where, options, tables)
        faults += _bent(f"{where} flips_on", flips_on, bearer, tables)
    said = {key: str(entry.get(key, "")) for key in ("question", "flips_says", "note")}
    return Decision(
        id=name,
        title=str(entry.get("title", name)),
        bearer=bearer,
        flips_on=flips_on,
        options=tuple(options),
        closes=_day(f"{where} closes", entry, "closes", faults),
        tlp=_level(where, entry, faults),
        **said,
    )


def _day(where: str, entry: Mapping[str, Any], name: str, faults: list[Fault]) -> str:
    """A day or a time of an entry as text; empty where it has none."""
    text = grids.day(entry.get(name, ""))
    try:
        _ = text and times.parse(text)
    except ValueError as error:
        faults.append(Fault(where, f'"{text}" is no date', str(error)))
        return ""
    return text


def _named(
    where: str,
    side: str,
    body: Mapping[str, Any],
    bearer: str,
    tables: Tables,
    faults: list[Fault],
) -> tuple[str, ...]:
    """The losses that an option names as its costs, or as what it saves: at least one."""
    named, words = body.get(side, []), {"costs": "no loss", "saves": "no benefit"}[side]
    if not isinstance(named, list) or not named:
        repair = f'write {side} = ["LOSS"]: every way to decide brings one thing and saves another'
        faults.append(Fault(f"{where} {side}", f"the option has {words}", repair))
        return ()
    names = tuple(map(str, named))
    if _unknown(where, "entity", bearer, tables["entities"]):
        return names  # told with the bearer
    concerned = (pl.col("bearer") == bearer) | (pl.col("received_by") == bearer)
    mine = tables["losses"].filter(concerned)
    for name in names:
        faults += _unknown(f"{where} {side}", f"loss of {bearer}", name, mine)
    return names


def _unmoved(where: str, options: list[Option], tables: Tables) -> list[Fault]:
    """Losses that options name and that no change of any option can move."""
    changed = {change.name for option in options for change in option.changes}
    faults = list[Fault]()
    known = set(tables["losses"]["id"])
    named = {name for option in options for name in (*option.costs, *option.saves)} & known
    behind = ways.inputs_behind(tables, named)
    for option in options:
        for side, names in (("costs", option.costs), ("saves", option.saves)):
            for name in set(names) & known:
                if not changed & behind[name]:
                    at, what = f"{where} option.{option.id} {side}", f'no option moves "{name}"'
                    repair = "change an input on which it rests, or leave it out"
                    faults.append(Fault(at, what, repair))
    return faults


def _bent(where: str, flips_on: str, bearer: str, tables: Tables) -> list[Fault]:
    """Why the costs of a bearer are no straight line in an input; in a chance they may bend."""
    units = tables["inputs"].filter(pl.col("id") == flips_on)["unit"]
    if any(checks.is_chance(unit) for unit in units):
        return []
    lost = tables["losses"].filter((pl.col("bearer") == bearer) | (pl.col("received_by") == bearer))
    for row in lost.iter_rows(named=True):
        uses = list(checks.argument_pairs(row["arguments"]).values()).count(flips_on)
        covered = flips_on in (row["retention"], row["limit"]) or (uses and row["limit"])
        if uses > 1 or covered or (uses and row["kind"] != "product"):
            what = f'the cost of "{row["id"]}" is no straight line in "{flips_on}"'
            repair = "name an input that is a factor of products, once each and without a limit"
            return [Fault(where, what, repair)]
    return []


def _unknown(where: str, what: str, name: str, rows: pl.DataFrame) -> list[Fault]:
    if (rows["id"] == name).any():
        return []
    known = rows["id"].drop_nulls().to_list()
    article = "an" if what[0] in "aei" else "a"
    return [
        Fault(where, f'no {what} "{name}"', did_you_mean(name, known, f"name {article} {what}"))
    ]


def _entries(
    content: Mapping[str, Any],
    key: str,
    where: str,
    faults: list[Fault],
    name_of: re.Pattern[str] = NAME,
) -> list[tuple[str, Mapping[str, Any]]]:
    block = content.get(key, {})
    found: list[tuple[str, Mapping[str, Any]]] = []
    if not isinstance(block, dict):
        faults.append(Fault(f"{where} {key}", "is no table", f"write [{key}.NAME]"))
        return []
    for name, entry in block.items():
        if name_of.fullmatch(name) and isinstance(entry, dict):
            found.append((name, entry))
        else:
            what = "is not a bare name with its settings"
            faults.append(Fault(f"{where} {key}.{name[:40]}", what, "use a-z, 0-9 and . _ -"))
    return found


def _set(
    where: str, entry: Mapping[str, Any], tables: Tables, inputs: Rows, faults: list[Fault]
) -> tuple[Change, ...]:
    block = entry.get("set", {})
    changes: list[Change] = []
    if not isinstance(block, dict):
        faults.append(Fault(f"{where} set", "is no table", "write set = { NAME = VALUE }"))
        return ()
    for name, estimate in block.items():
        read_estimate(where, name, estimate, changes, faults)
    _, wrong = apply(inputs, tables["links"], changes, where)
    faults += wrong
    return tuple(sorted(changes))


def _strange(where: str, content: Mapping[str, Any], known: tuple[str, ...]) -> list[Fault]:
    return [
        Fault(f"{where} {name}", "no such setting", did_you_mean(name, known, "remove it"))
        for name in sorted(set(content) - set(known))
    ]
