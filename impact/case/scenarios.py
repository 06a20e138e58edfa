"""Scenarios, decisions and the grammar of changes: all of them are *some inputs changed*."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import polars as pl

from impact.base.errors import Fault, did_you_mean
from impact.case import checks, grids, ways
from impact.case.changes import Change, read_changes
from impact.case.schema import SETTINGS, TABLE, TLP
from impact.case.tables import Row, Tables, by_id, settings
from impact.numerics import graph, loss_kinds

BASELINE = "baseline"
FILE = "scenarios.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # signs of a place are left to it


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
        """What is wrong, in a sentence."""
        first = str(self.faults[0])
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
    found = set[tuple[str, str]]()
    for part in (entry, *getattr(entry, "options", ())):
        for column in SETTINGS[type(part).__name__.lower()].columns:
            if column.refers_to:
                names = getattr(part, column.name)
                names = [names] if isinstance(names, str) else names
                found |= {(column.refers_to, name) for name in names}
        for change in getattr(part, "changes", ()):
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
    rows, faults = _applied(inputs, links, changes, where)
    faults += checks.input_faults((f"{where} {name}", row) for name, row in rows.items())
    return dict(sorted({**inputs, **rows}.items())), faults


def _applied(
    inputs: Rows, links: pl.DataFrame, changes: Iterable[Change], where: str
) -> tuple[Rows, list[Fault]]:
    """(the rows of changed inputs by id, a fault for each that there is not)."""
    new, faults = Rows(), list[Fault]()
    for change in changes:
        old, link = inputs.get(change.name), change.name.removeprefix(checks.LINK_INPUT)
        days = links.filter(id=link)["known_on"].to_list() if link != change.name else []
        if old is None and not days:
            names = [*inputs, *(checks.LINK_INPUT + name for name in links["id"])]
            repair = did_you_mean(change.name, names, "name an input of the view or link.ID")
            faults.append(Fault(where, f'no input "{change.name}"', repair))
        else:
            new[change.name] = changed_row(old or _link_row(inputs, link, days[-1]), change)
    return new, faults


_RANGED = ("pert", "lognormal", "uniform")  # shapes that low, mode and high describe


def changed_row(row: Row, change: Change) -> dict[str, Any]:
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
        **dict.fromkeys(next(iter(inputs.values()), TABLE["inputs"].by_name)),
        "id": checks.LINK_INPUT + link,
        "shape": "fixed",
        "unit": "chance",
        "drawn": "once",
        "meaning": f"Chance that the link {link} stands.",
        "claims": [],
        "known_on": known_on,
        "tlp": "clear",
        "withdrawn": False,
    }


def read(content: Mapping[str, Any], tables: Tables, level: str, defaults: Sequence[str]) -> Read:
    """The scenarios and decisions of a `scenarios.toml`, checked against the tables.

    A decision rests on no link that gives way, see `ways.giving_way`. An entry without a `tlp` is
    of the `level` of its case.
    """
    _, faults = settings([(FILE, content)], SETTINGS["scenarios"])
    scenarios, wrong = _scenarios(content, tables, level)
    yielding = pl.col("id").is_in(ways.giving_way(tables, defaults))
    remaining = {**tables, "links": tables["links"].filter(~yielding)}
    decisions, unusable, others = _decisions(content, remaining, level)
    return Read(scenarios, decisions, unusable, [*faults, *wrong, *others])


Block = tuple[str, str, Mapping[str, Any]]  # its name, where it stands, its settings


def _blocks(place: str, content: Mapping[str, Any], key: str) -> tuple[list[Block], list[Fault]]:
    """(blocks, faults) of what begins with a key inside of a block."""
    inside, found, faults = content.get(key, {}), list[Block](), list[Fault]()
    for name, entry in inside.items() if isinstance(inside, dict) else ():
        if _NAME.fullmatch(name) and isinstance(entry, dict):
            found.append((name, f"{place} {key}.{name}", entry))
        else:
            what = "is not a bare name with its settings"
            faults.append(Fault(f"{place} {key}.{name[:40]}", what, "use a-z, 0-9 and . _ -"))
    return found, faults


def _rows(
    blocks: Sequence[Block], kind: str, tables: Tables, level: str = TLP[0]
) -> tuple[list[tuple[dict[str, Any], tuple[Change, ...]]], list[Fault]]:
    """((settings, changes of `set`) of each block, faults), checked against the tables."""
    if not blocks:
        return [], []
    table, found, changed = SETTINGS[kind], [], list[tuple[str, Row]]()
    rows, faults = settings([(place, block) for _, place, block in blocks], table, level)
    faults += checks.unknown(pl.concat(checks.uses(rows, table)), checks.first_known(tables))
    inputs = by_id(tables["inputs"])
    kept = [column.name for column in table.columns if column.type != "table"]
    for row, (name, place, block) in zip(rows.iter_rows(named=True), blocks, strict=True):
        own = block.get("set", {})
        changes, wrong = read_changes(place, own.items() if isinstance(own, dict) else ())
        new, others = _applied(inputs, tables["links"], changes, place)
        faults += wrong + others
        changed += [(f"{place} {one}", estimate) for one, estimate in new.items()]
        said = {
            one: tuple(row[one]) if isinstance(row[one], list) else row[one] or "" for one in kept
        }
        found.append((said | {"id": name, "title": row["title"] or name}, tuple(sorted(changes))))
    return found, [*faults, *checks.input_faults(changed)]


def _scenarios(
    content: Mapping[str, Any], tables: Tables, level: str
) -> tuple[dict[str, Scenario], list[Fault]]:
    """(scenarios of a file by name, faults): those of grids one by one, and the baseline."""
    blocks, faults = _blocks(FILE, content, "scenario")
    members, grid_of, same = list[Block](), dict[str, str](), {BASELINE}
    for grid, place, block in blocks:
        for name, entry in grids.members(place, grid, block, faults):
            if name.casefold() in same:  # many file systems tell no capitals apart
                what = f'"{name}" is named already, capitals aside'
                faults.append(Fault(place, what, "give another name"))
            same.add(name.casefold())
            members.append((name, place, entry))
            grid_of[name] = "" if name == grid else grid
    rows, wrong = _rows(members, "scenario", tables, level)
    says = "What is reported and, where nothing is, assumptions."
    found = {BASELINE: Scenario(BASELINE, "Baseline", says)}
    for said, changes in rows:
        found[said["id"]] = Scenario(changes=changes, grid=grid_of[said["id"]], **said)
    return found, list(dict.fromkeys(faults + wrong))


def _decisions(
    content: Mapping[str, Any], tables: Tables, level: str
) -> tuple[dict[str, Decision], dict[str, Unusable], list[Fault]]:
    """(decisions, those with faults, other faults) of a file."""
    blocks, others = _blocks(FILE, content, "decision")
    rows, wrong = _rows(blocks, "decision", tables, level)
    inside = [_blocks(place, content, "option") for _, place, content in blocks]
    options, more = _rows([block for found, _ in inside for block in found], "option", tables)
    faults = [*wrong, *more, *(fault for _, found in inside for fault in found)]
    made = (Option(changes=changes, **said) for said, changes in options)
    decisions, unusable = dict[str, Decision](), dict[str, Unusable]()
    for (name, place, _), (said, _), (named, _) in zip(blocks, rows, inside, strict=True):
        level = said["tlp"] if said["tlp"] in TLP else TLP[-1]
        decision = Decision(options=tuple(islice(made, len(named))), **{**said, "tlp": level})
        own = [fault for fault in faults if f"{fault.where} ".startswith(f"{place} ")]
        if own := own or list(_decision_faults(place, decision, tables)):
            unusable[name] = Unusable(decision, tuple(own))
        else:
            decisions[name] = decision
    return decisions, unusable, others


def _decision_faults(place: str, decision: Decision, tables: Tables) -> Iterator[Fault]:
    """Losses of others, losses that no option moves, and costs that bend where it flips."""
    if len(decision.options) < 2:
        what, repair = "has fewer than two options", "add [decision.NAME.option.NAME]"
        yield Fault(place, what, repair)
        return
    bearer = decision.bearer
    concerned = (pl.col("bearer") == bearer) | (pl.col("received_by") == bearer)
    losses = tables["losses"].filter(concerned)
    moved = _moved(tables, {c.name for one in decision.options for c in one.changes})
    for option in decision.options:
        for side, names in (("costs", option.costs), ("saves", option.saves)):
            where = f"{place} option.{option.id} {side}"
            for name in names:
                if name not in losses["id"]:
                    repair = did_you_mean(name, losses["id"].to_list(), f"name a loss of {bearer}")
                    yield Fault(where, f'no loss of {bearer} "{name}"', repair)
                elif name not in moved:
                    repair = "change an input on which it rests, or leave it out"
                    yield Fault(where, f'no option moves "{name}"', repair)
    yield from _curved_costs(place, decision.flips_on, losses, tables["inputs"])


def _moved(tables: Tables, changed: set[str]) -> set[str]:
    """The losses that changes of these inputs move: by their own, or by links on ways to them."""
    named, links = checks.inputs_of(tables), ways.modelled(tables["links"])
    hit = {link.target for link in links if named["links", link.name] & changed}
    hit |= graph.shortest(links, hit).keys()
    losses = tables["losses"].select("id", "needs").iter_rows()
    return {loss for loss, need in losses if need in hit or named["losses", loss] & changed}


def _curved_costs(
    place: str, flips_on: str, losses: pl.DataFrame, inputs: pl.DataFrame
) -> Iterator[Fault]:
    """The first cost that is no straight line in an input; in a chance it may bend."""
    if any(map(checks.is_chance, inputs.filter(id=flips_on)["unit"])):
        return
    for row in losses.iter_rows(named=True):
        uses = list(checks.argument_pairs(row["arguments"]).values()).count(flips_on)
        covered = flips_on in (row["retention"], row["limit"]) or (uses and row["limit"])
        kind = loss_kinds.KINDS.get(row["kind"])  # one that there is not is refused with its row
        if uses > 1 or covered or (uses and not (kind and kind.linear)):
            what = f'the cost of "{row["id"]}" is no straight line in "{flips_on}"'
            repair = "name an input that is a factor of products, once each and without a limit"
            yield Fault(f"{place} flips_on", what, repair)
            return
