"""Checks across the tables of a case: what each refers to exists, is known in time, and adds up.

What concerns a row alone is a line of `rules.csv`: which rows are wrong, as a condition in SQL,
what is said of them and how they are repaired; `{COLUMN}` is the cell of the row. Of an input
`chance` says whether its unit is a chance or a share, `signed` whether it may be below 0, `odd`
whether it is none, `foreign` which other currencies than that of the case are in it, and `right`
what to write. Rows of `chances`, `parameters` and `arguments` are the items in these columns, of
`named` the references of all tables, of `judged`, `owned` and `cited` see `claim_checks`.
Every function takes the typed tables by name and gives faults.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, did_you_mean
from impact.case import claim_checks, ways
from impact.case.schema import TABLE, TABLES, Table
from impact.case.tables import MOST_SHOWN, Row, Tables, by_id, faults_of, second
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
        _twice,
        lambda tables: unknown(references(tables), first_known(tables)),
        claim_checks.circles,
        _missing_root,
        partial(_broken_rules, currency=currency),
        ways.late_arrivals,
        partial(_losses, currency=currency),
    )
    return [fault for check in checks for fault in check(tables)]


def _twice(tables: Tables) -> Iterator[Fault]:
    """Rows that stand twice, and those that say at one level what others say at another."""
    lines, key = (
        pl.col("file_line").sort().cast(pl.String).str.join(" and "),
        ["id", "known_on", "tlp"],
    )
    for table, rows in tables.items():
        where, twice = table + ".csv:{file_line} ", rows.filter(pl.col("id").is_duplicated())
        words = [name for name in rows.columns if name not in ("tlp", "file_line")]
        lists = [name for name, kind in rows.schema.items() if kind == pl.List(pl.String)]
        plain = twice.with_columns(pl.col(lists).list.join(";"))
        same = plain.filter(pl.struct(key).is_duplicated()).with_columns(lines=lines.over(key))
        what = '"{id}" stands twice with one known_on and tlp'
        later = "or give the newer row a later known_on than {known_on}"
        repair = "remove one of the lines {lines}, " + later
        yield from faults_of(same, where + "id", what, repair)
        marked = plain.filter((pl.col("tlp").n_unique() > 1).over(words))
        what = '"{tlp}" is not the only mark of these words, see lines {lines}'
        repair = "keep the row with the mark that holds"
        marked = marked.with_columns(lines=lines.over(words))
        yield from faults_of(marked, where + "tlp", what, repair)


def uses(rows: pl.DataFrame, table: Table, to: Collection[str] = [*TABLE]) -> list[pl.DataFrame]:
    """What each column of a table refers to: `table`, `column`, `to`, `name` and its row.

    Of the row `id`, `file_line` and `known_on`, and `place`, where it stands. `to` names the tables
    referred to.
    """
    return [
        _uses(rows, table.name, column.name, column.refers_to)
        for column in table.columns
        if column.refers_to in to
    ]


def _uses(rows: pl.DataFrame, table: str, column: str, to: str = "inputs") -> pl.DataFrame:
    one = rows.explode(column) if rows.schema[column] == pl.List(pl.String) else rows
    line = pl.format("{}.csv:{}", pl.lit(table), "file_line")
    return one.select(
        table=pl.lit(table),
        column=pl.lit(column),
        to=pl.lit(to),
        name=column,
        id="id" if "id" in rows.columns else pl.lit(None, pl.String),
        file_line=pl.col("file_line").cast(pl.Int64),
        known_on="known_on",
        place="place" if "place" in rows.columns else line,
    ).drop_nulls("name")


def uses_of_inputs(tables: Tables) -> pl.DataFrame:
    """One row per use of an input by a link or a loss, see `uses`."""
    links, losses = tables["links"], tables["losses"]
    chances = links.explode("chances").filter(pl.col("chances") != CERTAIN)
    named = pl.col("arguments").str.split("=").list.last().str.strip_chars()
    parts = [
        _uses(chances.with_columns(pl.col("chances").str.split(" over ")), "links", "chances"),
        _uses(losses.explode("arguments").with_columns(named), "losses", "arguments"),
    ]
    return pl.concat([*parts, *uses(losses, TABLE["losses"], ["inputs"])])


def inputs_of(tables: Tables) -> dict[tuple[str, str], set[str]]:
    """(table, id) of each link and loss -> the inputs that it names, and `link.ID` of a link."""
    found = {("links", link): {LINK_INPUT + link} for link in tables["links"]["id"]}
    for table, row, name in uses_of_inputs(tables).select("table", "id", "name").iter_rows():
        found.setdefault((table, row), set()).add(name)
    return found


def references(tables: Tables, to: Collection[str] = [*TABLE]) -> pl.DataFrame:
    """One row per reference of any row of a case to these tables, see `uses`."""
    others = {*to} - {"inputs"}
    parts = [each for table in TABLES for each in uses(tables[table.name], table, others)]
    inputs = uses_of_inputs(tables)
    return pl.concat([*parts, inputs if "inputs" in to else inputs.clear()])


def first_known(tables: Tables) -> pl.DataFrame:
    """From when each name stands: `to` (its table), `name`, `first`, `first_line`, `sourced`."""
    named = [
        rows.select(
            to=pl.lit(table),
            name="id",
            first="known_on",
            first_line="file_line",
            sourced=(pl.col("sources").list.len() > 0) | pl.lit(table == "sources"),
        )
        for table, rows in tables.items()
    ]
    earliest = pl.concat(named).sort("first", "first_line", nulls_last=True)
    return earliest.unique(["to", "name"], keep="first", maintain_order=True)


def unknown(named: pl.DataFrame, there: pl.DataFrame) -> Iterator[Fault]:
    """A fault for each of the first of some uses whose name does not stand in the table."""
    missing = named.join(there, on=["to", "name"], how="anti")
    missing = missing.sort("table", "file_line", "column", "name")
    for row in missing[:MOST_SHOWN].iter_rows(named=True):
        to, name = row["to"], row["name"]
        known = there.filter(to=to)["name"].drop_nulls().sort().to_list()
        what = re.sub("(?<=ss)es$|s$", "", to.replace("ies", "y"))
        repair = did_you_mean(name, known, f"add it to {to}.csv")
        yield Fault(f"{row['place']} {row['column']}", f'no {what} "{name}"', repair)


def _missing_root(tables: Tables) -> Iterator[Fault]:
    if "event" not in tables["entities"].filter(kind="event")["id"]:
        what = "there must be one root of kind event, named event"
        yield Fault("entities.csv kind", what, "add it")


class Rule(NamedTuple):
    """What no row of a table may be: where it is told, the condition, and the words."""

    table: str
    column: str
    wrong: pl.Expr
    what: str
    repair: str


def _rules() -> Iterator[Rule]:
    with Path(__file__).with_name("rules.csv").open(encoding="utf-8", newline="") as file:
        for table, column, wrong, what, repair in list(csv.reader(file))[1:]:
            yield Rule(table, column, pl.sql_expr(wrong), what, repair)
    for table, name in ((t.name, c.name) for t in TABLES for c in t.columns if c.type == "number"):
        yield Rule(table, name, pl.col(name).abs() > MOST, f"is beyond {_MOST}", "check its zeros")


RULES = tuple(_rules())


def broken(table: str, rows: pl.DataFrame, where: str) -> Iterator[Fault]:
    """The first fault of each cell that breaks a rule of a table; {braces} of `where` are cells.

    Where a row is one of several that a cell names, each of them is told.
    """
    rules = [rule for rule in RULES if rule.table == table]
    wrong = rows.select(rule.wrong.alias(str(at)) for at, rule in enumerate(rules))
    told = dict[tuple[str, str], Fault]()
    for rule, found in zip(rules, wrong, strict=True):
        if found.any():
            place = f"{where} {rule.column}"
            for fault in faults_of(rows.filter(found), place, rule.what, rule.repair):
                told.setdefault((fault.where, fault.what if table in _NAMES else ""), fault)
    yield from told.values()


_NAMES = ("chances", "named", "owned")


def _broken_rules(tables: Tables, currency: str) -> Iterator[Fault]:
    starts = pl.col("starts_from").map_elements(times.start, pl.Datetime("us", "UTC"))
    inputs = _with_units(tables["inputs"], currency)
    duties = tables["duties"].with_columns(begins=starts)
    for table, rows in {**tables, "inputs": inputs, "duties": duties}.items():
        yield from broken(table, rows, table + ".csv:{file_line}")
    named = references(tables).join(first_known(tables), on=["to", "name"])
    named = named.filter(second("first") > second("known_on"))
    for of, file, rows in (
        ("chances", "links", _chances(tables["links"], inputs)),
        ("parameters", "inputs", _parameters(inputs)),
        ("arguments", "losses", pairs(tables["losses"], "arguments")),
        ("judged", "judgements", claim_checks.judged(tables)),
        ("owned", "claims", claim_checks.owned(tables)),
        ("cited", "{table}", claim_checks.cited(tables)),
        ("named", "{table}", named.sort("table", "file_line", "column", "name")),
    ):
        yield from broken(of, rows, file + ".csv:{file_line}")


def _with_units(rows: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Inputs with what their unit says of them, see above."""
    units = [{"unit": unit, **_said_by(unit, currency)} for unit in rows["unit"].unique()]
    return rows.join(pl.DataFrame(units, _UNITS), on="unit", how="left", maintain_order="left")


_CODE = "[A-Z]{3}"
_UNITS = {
    **dict.fromkeys(("unit", "foreign", "right"), pl.String),
    **dict.fromkeys(("chance", "signed", "odd"), pl.Boolean),
}


def _said_by(unit: str | None, currency: str) -> Row:
    """What a unit says of its input, see above."""
    if unit is None:
        return {}
    chance = unit == "share" or is_chance(unit)
    others = dict.fromkeys(code for code in re.findall(_CODE, unit) if code != currency)
    return {
        "chance": chance,
        "signed": bool(re.fullmatch(f"{_CODE}|1", unit)),
        "odd": not chance and not _is_unit(unit),
        "foreign": ", ".join(others),
        "right": re.sub(_CODE, currency, unit),
    }


def _is_unit(unit: str) -> bool:
    try:
        loss_kinds.dimension(unit)
    except ValueError:
        return False
    return True


def pairs(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """The NAME=VALUE items in a column, each in a row; a row without any has one of nulls."""
    parts = pl.col(column).str.extract_groups("^([^=]+)=(.+)$").struct
    name, value = (parts.field(part).str.strip_chars() for part in ("1", "2"))
    return rows.explode(column, empty_as_null=True).with_columns(name=name, value=value)


def _parameters(inputs: pl.DataFrame) -> pl.DataFrame:
    """The parameters of inputs; those of quantiles stand in order, with the value `before`."""
    number = pl.col("value").cast(pl.Float64, strict=False)
    finite = pl.when(number.is_finite()).then(number)
    place = pl.col("name").cast(pl.Float64, strict=False)
    found = pairs(inputs, "parameters").with_columns(value=finite, at=place)
    before = pl.col("value").shift().over("file_line")
    return found.sort("file_line", "at").with_columns(before=before)


def _chances(links: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """The items of `chances` of all links but `certain`, each with the units that it names."""
    of = dict(inputs.select("id", "unit").iter_rows())
    units = pl.col("name", "minutes").replace_strict(of, default=None, return_dtype=pl.String)
    items = links.select("file_line", "chances").explode("chances")
    parts = items.filter(pl.col("chances") != CERTAIN).with_columns(
        pl.col("chances").str.splitn(" over ", 2).struct.rename_fields(["name", "minutes"])
    )
    found = parts.unnest("chances").with_columns(units.name.prefix("unit_of_"))
    unit = pl.col("unit_of_name").fill_null("chance")
    windowed = unit.str.contains(f"^(?:{_PER_MINUTES.pattern})$")
    return found.with_columns(unit=unit, windowed=windowed)


def input_faults(rows: Iterable[tuple[str, Row]]) -> Iterator[Fault]:
    """Faults of estimates, each with its place, as rows of inputs.csv that may be of a link."""
    numbers = dict.fromkeys(("low", "mode", "high", "cap"), pl.Float64)
    texts = dict.fromkeys(("id", "shape", "unit", "lasts_since", "place"), pl.String)
    own = {"id": None, "foreign": ""}  # neither its name nor its currency is of the change
    cells = [{**row, **_said_by(row["unit"], ""), **own, "place": place} for place, row in rows]
    yield from broken("inputs", pl.DataFrame(cells, {**numbers, **texts, **_UNITS}), "{place}")


def parameters(items: list[str] | None) -> dict[str, float]:
    """Name -> number of `parameters` or `quantiles`; none where an item is no finite number."""
    if not items:
        return {}
    try:
        found = {name: float(value) for name, value in argument_pairs(items).items()}
    except ValueError:
        return {}
    right = len(found) == len(items) and all(map(math.isfinite, found.values()))
    return found if right else {}


def ends_of(row: Row) -> tuple[float, ...]:
    """Every number that describes an input's estimate; what is drawn lies between them."""
    pairs = parameters(row["parameters"]) if row["shape"] == "quantiles" else {}
    given = (row[name] for name in ("low", "mode", "high", "cap"))
    ends = (*(value for value in given if value is not None), *pairs.values())
    return ends or (0.0, 1.0)  # a beta without ends


def _losses(tables: Tables, currency: str) -> Iterator[Fault]:
    losses = tables["losses"]
    used = [pairs(losses, "arguments")["value"], losses["retention"], losses["limit"]]
    inputs = by_id(tables["inputs"].filter(pl.col("id").is_in(pl.concat(used).implode())))
    for row in losses.iter_rows(named=True):
        where, kind = f"losses.csv:{row['file_line']}", row["kind"]
        if kind not in loss_kinds.KINDS:
            repair = did_you_mean(kind, list(loss_kinds.KINDS), "choose a known kind")
            yield Fault(f"{where} kind", f'no kind of loss "{kind}"', repair)
            continue
        asked = argument_pairs(row["arguments"]).items()
        named = {argument: inputs[name] for argument, name in asked if name in inputs}
        units = {argument: of["unit"] or "" for argument, of in named.items()}
        foreign = any(loss_kinds.money(unit) - {currency} for unit in units.values())
        if named and len(named) == len(row["arguments"]) and not foreign:  # else told elsewhere
            yield from _amount_faults(where, kind, named, units, currency)
        for column in ("retention", "limit"):
            cover = inputs.get(row[column])
            if (
                cover
                and cover["unit"] != currency
                and not loss_kinds.money(cover["unit"]) - {currency}
            ):
                what, repair = f"is not in {currency}", f"name an input in {currency}"
                yield Fault(f"{where} {column}", what, repair)
            if cover and min(ends_of(cover)) < 0:
                what = f'"{row[column]}" can be below 0'
                yield Fault(f"{where} {column}", what, "name an amount of cover")


def _amount_faults(
    where: str, kind: str, inputs: Mapping[str, Row], units: Mapping[str, str], currency: str
) -> Iterator[Fault]:
    """What is wrong with what the arguments of a loss, an input by name each, come to."""
    try:
        fault = loss_kinds.unit_fault(kind, units, currency)
    except ValueError:
        return  # told with the input
    if fault:
        of_one = loss_kinds.KINDS[kind].currency not in ("", currency)
        repair = "write it as a product" if of_one else "check the inputs and their units"
        yield Fault(f"{where} {'kind' if of_one else 'arguments'}", fault, repair)
        return
    ends = [ends_of(row) for row in inputs.values()]
    if max(abs(end) for each in ends for end in each) > MOST:
        return  # told with the input
    if loss_kinds.KINDS[kind].linear:  # the greatest amount is that of the greatest arguments
        tried = [[max(map(abs, each))] for each in ends]
    else:
        tried = [[min(each), max(each)] for each in ends]
    try:
        corners = np.array([*itertools.product(*tried)]).T
        amounts = loss_kinds.KINDS[kind].amount(dict(zip(inputs, corners, strict=True)))
        amount = float(np.abs(amounts).max())
        fault = f"can come to {amount:.0e}" if amount > MOST else None
    except BadInput as error:
        fault = error.faults[0].what
    if fault:
        yield Fault(f"{where} arguments", fault, "check the inputs and their zeros")
