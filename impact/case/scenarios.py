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
from impact.case.tables import Row, Tables
from impact.case.tables import level as read_level
from impact.numerics import loss_kinds

BASELINE = "baseline"
UNUSABLE = "unusable"  # block of a sealed view
_SCENARIO_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # signs of a place are left to it
_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
# Settings of each kind of block, in the order in which `impact.case.writer` writes them.
SCENARIO = ("title", "says", "as_of", "contradicts", "tlp", "set")
DECISION = ("title", "question", "bearer", "flips_on", "flips_says", "note", "closes", "tlp")
OPTION = ("title", "says", "costs", "saves", "closes", "against", "set")


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
    inputs: Rows, links: pl.DataFrame, changes: Iterable[Change], where: str
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
        new[change.name] = rows[change.name] = _changed_row(old, change)
    faults += checks.input_faults(where, new) if new else ()
    return dict(sorted(rows.items())), faults


_RANGED = ("pert", "lognormal", "uniform")  # shapes that low, mode and high describe


def _changed_row(row: Row, change: Change) -> dict[str, Any]:
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


def _link_row(inputs: Rows, link: str, known_on: object) -> dict[str, Any]:
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
    inputs = {row["id"]: row for row in tables["inputs"].iter_rows(named=True)}
    whole = _Block(file, content, tables, inputs, [])
    whole.refuse_unknown_settings(("scenario", "decision", *([UNUSABLE] if sealed else [])))
    scenarios = _scenarios(whole, level, _MEMBER if sealed else _SCENARIO_NAME)
    yielding = pl.col("id").is_in(ways.giving_way(tables, defaults))
    remaining = {**tables, "links": tables["links"].filter(~yielding)}
    of_decisions = replace(whole, tables=remaining, faults=[])
    return Read(scenarios, *_decisions(of_decisions, level, sealed), whole.faults)


@dataclass(frozen=True)
class _Block:
    """A block of a `scenarios.toml`: where it stands, its settings, and what they refer to.

    What is wrong with it is added to `faults`, which a block shares with those inside of it.
    """

    where: str
    settings: Mapping[str, Any]
    tables: Tables
    inputs: Rows
    faults: list[Fault]

    def refuse(self, name: str, what: str, repair: str) -> None:
        """Add a fault at a setting, or at the block itself where `name` is empty."""
        where = f"{self.where} {name}" if name else self.where
        self.faults.append(Fault(where, what, repair))

    def refuse_unknown_settings(self, known: Sequence[str]) -> None:
        """Add a fault for each setting that there is not."""
        for name in sorted(set(self.settings) - set(known)):
            self.refuse(name, "no such setting", did_you_mean(name, known, "remove it"))

    def require(self, name: str, what: str, ids: Iterable[str], rows: pl.DataFrame) -> None:
        """Add a fault for each id of a setting that no row of `rows` has."""
        known = rows["id"].drop_nulls().to_list()
        otherwise = f"name {'an' if what[0] in 'aei' else 'a'} {what}"
        for one in ids:
            if one not in known:
                self.refuse(name, f'no {what} "{one}"', did_you_mean(one, known, otherwise))

    def blocks(self, key: str, name_of: re.Pattern[str] = NAME) -> list[tuple[str, _Block]]:
        """The blocks inside of it that begin with a key, by name."""
        inside, found = self.settings.get(key, {}), list[tuple[str, _Block]]()
        if not isinstance(inside, dict):
            self.refuse(key, "is no table", f"write [{key}.NAME]")
            return []
        for name, entry in inside.items():
            if name_of.fullmatch(name) and isinstance(entry, dict):
                place = f"{self.where} {key}.{name}"
                found.append((name, replace(self, where=place, settings=entry)))
            else:
                what = "is not a bare name with its settings"
                self.refuse(f"{key}.{name[:40]}", what, "use a-z, 0-9 and . _ -")
        return found

    def text(self, name: str, default: str = "") -> str:
        """A setting as text."""
        return str(self.settings.get(name, default))

    def day(self, name: str) -> str:
        """A day or a time as text; empty where there is none."""
        text = grids.day(self.settings.get(name, ""))
        try:
            _ = text and times.parse(text)
        except ValueError as error:
            self.refuse(name, f'"{text}" is no date', str(error))
            return ""
        return text

    def level(self) -> str:
        """The TLP level of its own words; clear where it gives none."""
        try:
            return read_level(self.text("tlp", TLP[0]), f"{self.where} tlp")
        except BadInput as error:
            self.faults.extend(error.faults)
            return TLP[-1]

    def names(self, setting: str, example: str) -> tuple[str, ...]:
        """The names in the list of a setting; none where it is no list."""
        found = self.settings.get(setting, [])
        if not isinstance(found, list):
            self.refuse(setting, "is no list", f'write ["{example}", "{example}"]')
            return ()
        return tuple(map(str, found))

    def changes(self) -> tuple[Change, ...]:
        """The changes that its `set` makes, checked against the inputs and links."""
        estimates, changes = self.settings.get("set", {}), list[Change]()
        if not isinstance(estimates, dict):
            self.refuse("set", "is no table", "write set = { NAME = VALUE }")
            return ()
        for name, estimate in estimates.items():
            read_estimate(self.where, name, estimate, changes, self.faults)
        _, wrong = apply(self.inputs, self.tables["links"], changes, self.where)
        self.faults.extend(wrong)
        return tuple(sorted(changes))


def _scenarios(whole: _Block, level: str, name_of: re.Pattern[str]) -> dict[str, Scenario]:
    """The scenarios of a file by name, those of grids one by one, and the baseline."""
    says = "What is reported and, where nothing is, assumptions."
    found = {BASELINE: Scenario(BASELINE, "Baseline", says)}
    same = {BASELINE: BASELINE}  # by name without capitals: many file systems tell none apart
    for grid, block in whole.blocks("scenario", name_of):
        members, faults = grids.members(block.where, grid, block.settings)
        for name, settings in members:
            one = replace(block, settings={"tlp": level, **settings}, faults=faults)
            if other := same.get(name.casefold()):
                what = "is named already" if other == name else f'is "{other}" in other capitals'
                one.refuse("", f'"{name}" {what}', "give another name")
            same[name.casefold()] = name
            found[name] = _scenario(one, name, "" if name == grid else grid)
        whole.faults.extend(dict.fromkeys(faults))
    return found


def _scenario(block: _Block, name: str, grid: str) -> Scenario:
    block.refuse_unknown_settings((*SCENARIO, "each"))
    contradicts = block.names("contradicts", "claim")
    as_of = block.day("as_of")
    block.require("contradicts", "claim", contradicts, block.tables["claims"])
    title, says = block.text("title", name), block.text("says")
    return Scenario(name, title, says, block.changes(), as_of, contradicts, grid, tlp=block.level())


def _decisions(
    whole: _Block, level: str, sealed: bool
) -> tuple[dict[str, Decision], dict[str, Unusable]]:
    """(decisions, those with faults) of a file; a view was checked where it was written."""
    decisions, unusable = dict[str, Decision](), dict[str, Unusable]()
    for name, block in whole.blocks("decision"):
        settings = {"tlp": level, **block.settings}
        one = replace(block, settings=settings, faults=list[Fault]())
        decision = _decision(one, name)
        if one.faults and not sealed:
            unusable[name] = Unusable(decision, tuple(one.faults))
        else:
            decisions[name] = decision
    for fault in whole.faults:
        title = fault.where.removeprefix(f"{whole.where} ")
        unusable[fault.where] = Unusable(_title_only(title, level), (fault,))
    for name, entry in whole.settings.get(UNUSABLE, {}).items() if sealed else ():
        faults = tuple(Fault(*parts) for parts in entry["faults"])
        unusable[name] = Unusable(_title_only(entry["title"], entry["tlp"]), faults)
    return decisions, unusable


def _title_only(title: str, tlp: str) -> Decision:
    """A decision of which no more than the title is known."""
    return Decision("", title, "", "", "", "", "", (), tlp=tlp)


def _decision(block: _Block, name: str) -> Decision:
    block.refuse_unknown_settings((*DECISION, "option"))
    texts = {key: block.text(key) for key in DECISION}
    bearer, flips_on = texts["bearer"], texts["flips_on"]
    options = tuple(_option(one, option, bearer) for option, one in block.blocks("option"))
    if len(options) < 2:
        block.refuse("", "has fewer than two options", "add [decision.NAME.option.NAME]")
    block.require("bearer", "entity", [bearer], block.tables["entities"])
    block.require("flips_on", "input", [flips_on], block.tables["inputs"])
    if not block.faults:
        _refuse_unmoved_losses(block, options)
        _refuse_curved_costs(block, flips_on, bearer)
    texts |= {"title": block.text("title", name), "closes": block.day("closes")}
    return Decision(name, options=options, **{**texts, "tlp": block.level()})


def _option(block: _Block, name: str, bearer: str) -> Option:
    block.refuse_unknown_settings(OPTION)
    changes = block.changes()
    costs = _losses(block, "costs", "no loss", bearer)
    saves = _losses(block, "saves", "no benefit", bearer)
    closes = block.day("closes")
    against = block.names("against", "duty")
    block.require("against", "duty", against, block.tables["duties"])
    title, says = block.text("title", name), block.text("says")
    return Option(name, title, says, costs, saves, changes, closes, against)


def _losses(block: _Block, side: str, nothing: str, bearer: str) -> tuple[str, ...]:
    """The losses that an option names as its costs, or as what it saves: at least one."""
    names = block.settings.get(side, [])
    if not isinstance(names, list) or not names:
        repair = f'write {side} = ["LOSS"]: every way to decide brings one thing and saves another'
        block.refuse(side, f"the option has {nothing}", repair)
        return ()
    named = tuple(map(str, names))
    if (block.tables["entities"]["id"] == bearer).any():  # else its decision says so
        block.require(side, f"loss of {bearer}", named, _concerning(block, bearer))
    return named


def _concerning(block: _Block, party: str) -> pl.DataFrame:
    """The losses that a party bears, or receives."""
    concerned = (pl.col("bearer") == party) | (pl.col("received_by") == party)
    return block.tables["losses"].filter(concerned)


def _refuse_unmoved_losses(block: _Block, options: Sequence[Option]) -> None:
    """Refuse losses that options name and that no change of any option can move."""
    changed = {change.name for option in options for change in option.changes}
    known = set(block.tables["losses"]["id"])
    named = {name for option in options for name in (*option.costs, *option.saves)} & known
    behind = ways.inputs_behind(block.tables, named)
    for option in options:
        for side, names in (("costs", option.costs), ("saves", option.saves)):
            for name in sorted(set(names) & known):
                if not changed & behind[name]:
                    repair = "change an input on which it rests, or leave it out"
                    block.refuse(f"option.{option.id} {side}", f'no option moves "{name}"', repair)


def _refuse_curved_costs(block: _Block, flips_on: str, bearer: str) -> None:
    """Refuse costs of a bearer that are no straight line in an input; in a chance they may bend."""
    of_input = pl.col("id") == flips_on
    if any(map(checks.is_chance, block.tables["inputs"].filter(of_input)["unit"])):
        return
    for row in _concerning(block, bearer).iter_rows(named=True):
        uses = list(checks.argument_pairs(row["arguments"]).values()).count(flips_on)
        covered = flips_on in (row["retention"], row["limit"]) or (uses and row["limit"])
        kind = loss_kinds.KINDS.get(row["kind"])  # one that there is not is refused with its row
        if uses > 1 or covered or (uses and not (kind and kind.linear)):
            what = f'the cost of "{row["id"]}" is no straight line in "{flips_on}"'
            repair = "name an input that is a factor of products, once each and without a limit"
            block.refuse("flips_on", what, repair)
            return
