"""Checks across the tables of a case: what each refers to exists, is known in time, and adds up.

What concerns a row alone is a line of `rules.csv`: which rows are wrong, as a condition in SQL,
what is said of them and how they are repaired; `{COLUMN}` is the cell of the row. Of an input
`chance` says whether its unit is a chance or a share, `signed` whether it may be below 0. Rows of
`chances` are the items in that column of links.csv, see `_chances`.
Every function takes the typed tables by name and gives faults.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial, reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from impact.base.errors import BadInput, Fault, did_you_mean
from impact.case import claim_checks, ways
from impact.case.schema import TABLES, TLP
from impact.case.tables import MOST_SHOWN, Row, Tables, as_written, faults_of
from impact.numerics import loss_kinds

CERTAIN = "certain"
RATE = "event/year"  # unit of the one input that says how often such an event happens
HERE = "such_events_here_share"  # id of the input that says how many of them hit this case
LINK_INPUT = "link."  # each link has an implicit input link.ID, 1 unless a change says otherwise
MOST = 1e15  # of any number of a case; in USD ten years of all that the world makes
_MOST = "1e15"
_OVER = re.compile(r"(\S+) over (\S+)")
_PER_MINUTES = re.compile(r"chance per (\d+(?:\.\d+)?) minutes?")


def chance_term(text: str) -> tuple[str, str | None]:
    """(input, minutes input or None) of one item of a link's `chances`.

    >>> chance_term("installed over window_minutes")
    ('installed', 'window_minutes')
    """
    found = _OVER.fullmatch(text)
    return (found[1], found[2]) if found else (text, None)


def reference_minutes(unit: str) -> float | None:
    """The N of the unit `chance per N minutes`; None for any other unit."""
    found = _PER_MINUTES.fullmatch(unit)
    return float(found[1]) if found else None


def is_chance(unit: str) -> bool:
    """Whether an input in that unit is the chance of something, over a window or not."""
    return unit == "chance" or reference_minutes(unit) is not None


def argument_pairs(arguments: list[str]) -> dict[str, str]:
    """Argument -> input of a loss row."""
    pairs = (item.partition("=") for item in arguments)
    return {name.strip(): value.strip() for name, _, value in pairs}


def all_faults(tables: Tables, currency: str = "USD") -> list[Fault]:
    """Every fault that the tables of a case in that currency have between them."""
    checks = (
        _duplicate_rows,
        _inconsistent_marks,
        _broken_references,
        *claim_checks.CHECKS,
        _missing_root,
        _broken_rules,
        _repeated_chances,
        ways.late_arrivals,
        partial(_inputs, currency=currency),
        partial(_losses, currency=currency),
    )
    return [fault for check in checks for fault in check(tables)]


def _duplicate_rows(tables: Tables) -> Iterator[Fault]:
    key = ("id", "known_on", "tlp")
    lines = pl.col("file_line").sort().cast(pl.String).str.join(" and ").over(key)
    what = '"{id}" stands twice with one known_on and tlp'
    repair = "remove one of the lines {lines}, or give the newer row a later known_on than {day}"
    for table, rows in tables.items():
        twice = rows.with_columns(lines=lines).filter(pl.struct(key).is_duplicated())
        twice = twice[:MOST_SHOWN].with_columns(day=as_written("known_on"))
        yield from faults_of(twice, table + ".csv:{file_line} id", what, repair)


def _inconsistent_marks(tables: Tables) -> Iterator[Fault]:
    """Rows that say at a lower level what a row of a higher one says in the same words."""
    what = "says at {lower} what line {last} marks {higher}"
    repair = "keep the row with the mark that holds"
    for table, rows in tables.items():
        if rows["tlp"].n_unique() < 2:
            continue
        lists = [name for name, kind in rows.schema.items() if kind == pl.List(pl.String)]
        plain = rows.with_columns(pl.col(lists).list.join(";"))
        same = [name for name in plain.columns if name not in ("tlp", "file_line")]
        rank = pl.col("tlp").replace_strict(TLP, range(len(TLP)))
        found = plain.with_columns(rank=rank).filter(pl.struct(same).is_duplicated()).sort("rank")
        groups = found.group_by(same, maintain_order=True).agg(
            first=pl.col("file_line").first(),
            last=pl.col("file_line").last(),
            lower=pl.col("tlp").first(),
            higher=pl.col("tlp").last(),
        )
        yield from faults_of(groups, table + ".csv:{first} tlp", what, repair)


def uses_of_inputs(tables: Tables) -> pl.DataFrame:
    """One row per use of an input by a link or a loss.

    Columns `table`, `column`, `to` (inputs), `name`, `file_line`, `known_on`.
    """
    links = tables["links"].explode("chances").filter(pl.col("chances") != CERTAIN)
    losses = tables["losses"]
    named = pl.col("arguments").str.split("=").list.last().str.strip_chars()
    parts = [
        _uses(links.with_columns(pl.col("chances").str.split(" over ")), "links", "chances"),
        _uses(losses.explode("arguments").with_columns(named), "losses", "arguments"),
        _uses(losses, "losses", "retention"),
        _uses(losses, "losses", "limit"),
    ]
    return pl.concat(parts)


def _uses(rows: pl.DataFrame, table: str, column: str, to: str = "inputs") -> pl.DataFrame:
    one = rows.explode(column) if rows.schema[column] == pl.List(pl.String) else rows
    labels = {"table": pl.lit(table), "column": pl.lit(column), "to": pl.lit(to)}
    named = one.select(**labels, name=column, file_line="file_line", known_on="known_on")
    return named.drop_nulls("name")


def references(tables: Tables, to: Collection[str] | None = None) -> pl.DataFrame:
    """One row per reference of any row, with the columns of `uses_of_inputs`.

    `to` names the tables referred to; without it, all.
    """
    parts = [
        _uses(tables[table.name], table.name, column.name, column.refers_to)
        for table in TABLES
        for column in table.columns
        if column.refers_to
        and (to is None or column.refers_to in to)
        and (column.refers_to != "inputs" or table.name == "inputs")
    ]
    uses = uses_of_inputs(tables)
    return pl.concat([*parts, uses if to is None or "inputs" in to else uses.clear()])


def first_known(tables: Tables) -> pl.DataFrame:
    """From when each name stands: `to` (its table), `name`, `first`, `first_line`, `sourced`."""
    named = [
        rows.select(
            "known_on",
            to=pl.lit(table),
            name="id",
            file_line="file_line",
            sourced=(pl.col("sources").list.len() > 0) | pl.lit(table == "sources"),
        )
        for table, rows in tables.items()
    ]
    earliest = pl.concat(named).sort("known_on", "file_line", nulls_last=True)
    return earliest.group_by("to", "name", maintain_order=True).agg(
        first=pl.col("known_on").first(),
        first_line=pl.col("file_line").first(),
        sourced=pl.col("sourced").first(),
    )


def _broken_references(tables: Tables) -> Iterator[Fault]:
    there = first_known(tables)
    joined = references(tables).join(there, on=["to", "name"], how="left")
    later = pl.col("first").dt.truncate("1s") > pl.col("known_on").dt.truncate("1s")
    wrong = joined.filter(pl.col("first").is_null() | later)
    wrong = wrong.sort("table", "file_line", "column", "name")
    where = "{table}.csv:{file_line} {column}"
    for row in wrong.filter(pl.col("first").is_null())[:MOST_SHOWN].iter_rows(named=True):
        to, name = row["to"], row["name"]
        known = there.filter(pl.col("to") == to)["name"].drop_nulls().sort().to_list()
        what = {"entities": "entity"}.get(to, to.rstrip("s"))
        repair = did_you_mean(name, known, f"add it to {to}.csv")
        yield Fault(where.format_map(row), f'no {what} "{name}"', repair)
    late = wrong.filter(later)[:MOST_SHOWN].with_columns(
        mine=as_written("known_on"), day=as_written("first")
    )
    earlier = pl.format("set known_on of {}.csv:{} to {} or earlier", "to", "first_line", "mine")
    cited = pl.format(  # its day is that of its sources
        "set known_on of {}.csv:{} to {} or later, or cite earlier sources in {}.csv:{}",
        *("table", "file_line", "day", "to", "first_line"),
    )
    late = late.with_columns(repair=pl.when("sourced").then(cited).otherwise(earlier))
    what = '"{name}" becomes known later ({day}) than this row ({mine})'
    yield from faults_of(late, where, what, "{repair}")


def _missing_root(tables: Tables) -> Iterator[Fault]:
    if "event" not in tables["entities"].filter(pl.col("kind") == "event")["id"]:
        what = "there must be one root of kind event, named event"
        yield Fault("entities.csv kind", what, "add it")


class Rule(NamedTuple):
    """What no row of a table may be: where it is told, the condition, and the words."""

    table: str
    column: str
    wrong: pl.Expr
    what: str
    repair: str


_WITHIN = {  # by unit, beside the rules of single columns
    "chance": ("{} < 0 OR {} > 1", "is outside 0 to 1", "write a fraction of one"),
    "share": ("{} < 0 OR {} > 1", "is outside 0 to 1", "write a fraction of one"),
    "hour": ("{} < 0", "is below 0", "write hours"),
}


def _rules() -> Iterator[Rule]:
    with Path(__file__).with_name("rules.csv").open(encoding="utf-8", newline="") as file:
        for table, column, wrong, what, repair in list(csv.reader(file))[1:]:
            yield Rule(table, column, pl.sql_expr(wrong), what, repair)
    numbers = [(t.name, c.name, c.unit) for t in TABLES for c in t.columns if c.type == "number"]
    for table, name, unit in numbers:
        beyond = pl.col(name).abs() > MOST
        yield Rule(table, name, beyond, f"is beyond {_MOST}", "check its zeros")
        if unit in _WITHIN:
            wrong, what, repair = _WITHIN[unit]
            yield Rule(table, name, pl.sql_expr(wrong.replace("{}", name)), what, repair)


RULES = tuple(_rules())


def broken(table: str, rows: pl.DataFrame, where: str) -> Iterator[Fault]:
    """A fault for each row that breaks a rule of its table; `where` names its cells in {braces}."""
    if table == "inputs":
        unit = pl.col("unit")
        chance = unit.map_elements(lambda of: of == "share" or is_chance(of), pl.Boolean)
        signed = unit.map_elements(lambda of: of == "1" or {of} == loss_kinds.money(of), pl.Boolean)
        rows = rows.with_columns(chance=chance, signed=signed)
    rules = [rule for rule in RULES if rule.table == table]
    wrong = rows.select(rule.wrong.alias(str(at)) for at, rule in enumerate(rules))
    for rule, found in zip(rules, wrong, strict=True):
        if found.any():
            place = f"{where} {rule.column}"
            yield from faults_of(rows.filter(found), place, rule.what, rule.repair)


def _broken_rules(tables: Tables) -> Iterator[Fault]:
    for table, rows in tables.items():
        yield from broken(table, rows, table + ".csv:{file_line}")
    yield from broken("chances", _chances(tables), "links.csv:{file_line}")


def _chances(tables: Tables) -> pl.DataFrame:
    """The items of `chances` of all links but `certain`, each with the units that it names."""
    units = tables["inputs"].unique("id", keep="last").select("id", "unit")
    terms = tables["links"].explode("chances").filter(pl.col("chances") != CERTAIN)
    parts = pl.col("chances").str.extract_groups(f"^(?:{_OVER.pattern})$").struct
    names = parts.field("1").fill_null(pl.col("chances"))
    named = terms.select("file_line", name=names, minutes=parts.field("2"))
    found = named.join(units, how="left", left_on="name", right_on="id")
    found = found.join(units, how="left", left_on="minutes", right_on="id", suffix="_of_minutes")
    unit = pl.col("unit").fill_null("chance")
    windowed = unit.str.contains(f"^(?:{_PER_MINUTES.pattern})$")
    return found.with_columns(unit=unit, windowed=windowed)


def _repeated_chances(tables: Tables) -> Iterator[Fault]:
    terms = tables["links"].select("file_line", "chances").explode("chances").drop_nulls("chances")
    twice = terms.filter(pl.struct(pl.all()).is_duplicated()).unique()
    what, repair = '"{chances}" stands twice', "give the second chance a name of its own"
    yield from faults_of(twice, "links.csv:{file_line} chances", what, repair, most=None)


def _inputs(tables: Tables, currency: str) -> Iterator[Fault]:
    for row in tables["inputs"].iter_rows(named=True):
        where, unit = f"inputs.csv:{row['file_line']}", row["unit"] or ""
        yield from _shape_faults(where, row)
        if other := sorted(loss_kinds.money(unit) - {currency}):
            right = reduce(lambda made, code: made.replace(code, currency), other, unit)
            what = f'"{unit}" is in {", ".join(other)}, and the case is in {currency}'
            yield Fault(f"{where} unit", what, f"convert the amounts and write {right}")
    rates = tables["inputs"].filter(pl.col("unit") == RATE)
    further = rates.with_columns(first=pl.col("id").first()).filter(pl.col("id") != pl.col("first"))
    what = '"{first}" says already how often such an event happens'
    repair = f"keep one input in {RATE}"
    yield from faults_of(further, "inputs.csv:{file_line} unit", what, repair, most=None)


def input_faults(where: str, rows: Mapping[str, Row]) -> Iterator[Fault]:
    """Faults of estimates by the name of their input, which may be that of a link."""
    numbers = dict.fromkeys(("low", "mode", "high", "cap"), pl.Float64)
    texts = dict.fromkeys(("id", "shape", "unit", "lasts_since", "place"), pl.String)
    cells = [{**row, "id": None, "place": f"{where} {name}"} for name, row in rows.items()]
    yield from broken("inputs", pl.DataFrame(cells, schema={**numbers, **texts}), "{place}")
    for name, row in rows.items():
        yield from _shape_faults(f"{where} {name}", row)


def _shape_faults(where: str, row: Row) -> Iterator[Fault]:
    """Faults of an input's parameters and of its unit, which are small languages of their own."""
    shape, unit = str(row["shape"]), str(row["unit"] or "1")
    pairs, wrong = parameters(row["parameters"])
    if wrong or (pairs and shape not in ("beta", "quantiles")):
        what = f'"{wrong}" is not NAME=NUMBER' if wrong else f"a {shape} takes none"
        yield Fault(f"{where} parameters", what, "write a=2; b=8, or 0=40; 1=179")
        return
    if shape == "beta" and (set(pairs) != {"a", "b"} or min(pairs.values()) <= 0):
        what = "a beta needs a and b above 0"
        yield Fault(f"{where} parameters", what, "after k of n cases a=k+1; b=n-k+1")
    if shape == "quantiles":
        yield from _quantile_faults(where, pairs, unit)
    if any(abs(value) > MOST for value in pairs.values()):
        yield Fault(f"{where} parameters", f"is beyond {_MOST}", "check its zeros")
    if unit != "share" and not is_chance(unit):
        try:
            loss_kinds.dimension(unit)
        except ValueError as error:
            yield Fault(f"{where} unit", str(error), "write products and quotients: USD/hour")


def parameters(items: list[str] | None) -> tuple[dict[str, float], str]:
    """(name -> number, first wrong item) of the `parameters` of an input."""
    pairs: dict[str, float] = {}
    for at, item in enumerate(items or ()):
        name, _, value = (part.strip() for part in item.partition("="))
        try:
            pairs[name] = float(value)
        except ValueError:
            return {}, item
        if not math.isfinite(pairs[name]) or len(pairs) <= at:
            return {}, item
    return pairs, ""


def _quantile_faults(where: str, pairs: Mapping[str, float], unit: str) -> Iterator[Fault]:
    repair = "write the value at each quantile from 0 to 1: 0=40; 0.5=152; 1=179"
    try:
        known = sorted((float(name), value) for name, value in pairs.items())
    except ValueError:
        yield Fault(f"{where} parameters", "names something that is no quantile", repair)
        return
    places, values = [q for q, _ in known], [value for _, value in known]
    inside = all(0 <= place <= 1 for place in places)
    if len({*places}) < max(2, len(places)) or not inside or (places[0], places[-1]) != (0, 1):
        yield Fault(f"{where} parameters", "quantiles do not run from 0 to 1", repair)
    if values != sorted(values):
        yield Fault(f"{where} parameters", "values fall as quantiles rise", repair)
    least, most = min(values, default=0), max(values, default=0)
    if (unit == "share" or is_chance(unit)) and (least < 0 or most > 1):
        what = "a chance or share is outside 0 to 1"
        yield Fault(f"{where} parameters", what, "write a fraction of one")
    elif least < 0 and unit != "1" and {unit} != loss_kinds.money(unit):
        yield Fault(f"{where} parameters", "is below 0", f"there is no {unit} below 0")


def ends_of(row: Row) -> tuple[float, ...]:
    """Every number that describes an input's estimate; what is drawn lies between them."""
    pairs = parameters(row["parameters"])[0] if row["shape"] == "quantiles" else {}
    given = (row[name] for name in ("low", "mode", "high", "cap"))
    ends = (*(value for value in given if value is not None), *pairs.values())
    return ends or (0.0, 1.0)  # a beta without ends


def _beyond(kind: str, pairs: Mapping[str, str], ends: Mapping[str, tuple[float, ...]]) -> str:
    """What is wrong with a loss that can come to more than any amount; empty where none can."""
    most = {name: np.asarray(max(map(abs, ends[at]))) for name, at in pairs.items() if at in ends}
    if len(most) < len(pairs) or max(most.values()) > MOST:
        return ""  # told as a missing reference, or with the input
    try:
        amount = float(loss_kinds.KINDS[kind].amount(most))
    except BadInput as error:
        return error.faults[0].what
    return "" if amount <= MOST else f"can come to {amount:.0e}"


def _losses(tables: Tables, currency: str) -> Iterator[Fault]:
    units = dict(tables["inputs"].select("id", "unit").iter_rows())
    ends = {row["id"]: ends_of(row) for row in tables["inputs"].iter_rows(named=True)}
    for row in tables["losses"].iter_rows(named=True):
        where = f"losses.csv:{row['file_line']}"
        if wrong := _form_fault(row):
            column, what, repair = wrong
            yield Fault(f"{where} {column}", what, repair)
            continue
        kind, pairs = row["kind"], argument_pairs(row["arguments"])
        named = {argument: units.get(name, "") for argument, name in pairs.items()}
        others = set().union(*map(loss_kinds.money, named.values())) - {currency}
        if others or not {*pairs.values()} <= units.keys():
            continue  # told with the input, or as a missing reference
        try:
            fault = loss_kinds.unit_fault(kind, named, currency)
        except ValueError:
            continue  # told with the input
        if fault:
            of_one = loss_kinds.KINDS[kind].currency not in ("", currency)
            repair = "write it as a product" if of_one else "check the inputs and their units"
            yield Fault(f"{where} {'kind' if of_one else 'arguments'}", fault, repair)
        for column in ("retention", "limit"):
            unit = units.get(row[column], currency)
            if unit != currency and not loss_kinds.money(unit) - {currency}:
                what, repair = f"is not in {currency}", f"name an input in {currency}"
                yield Fault(f"{where} {column}", what, repair)
            if min(ends.get(row[column] or "", (0.0,))) < 0:
                what = f'"{row[column]}" can be below 0'
                yield Fault(f"{where} {column}", what, "name an amount of cover")
        if not fault and (beyond := _beyond(kind, pairs, ends)):
            yield Fault(f"{where} arguments", beyond, "check the inputs and their zeros")


def _form_fault(loss: Row) -> tuple[str, str, str] | None:
    """(column, what, repair) of a kind that there is not, or of arguments that are no pairs."""
    kind, pairs = loss["kind"], argument_pairs(loss["arguments"])
    if kind not in loss_kinds.KINDS:
        repair = did_you_mean(kind, list(loss_kinds.KINDS), "choose a known kind")
        return "kind", f'no kind of loss "{kind}"', repair
    if not pairs or not all(name and value for name, value in pairs.items()):
        what = "is not NAME=INPUT pairs separated by ;"
        return "arguments", what, "write people=idle_people; weeks=pause_weeks"
    if len(pairs) < len(loss["arguments"]):
        names = [item.partition("=")[0].strip() for item in loss["arguments"]]
        what = f'"{max(names, key=names.count)}" stands twice'
        return "arguments", what, "give each argument a name of its own"
    return None
