"""The reference data of the kit: classes, past incidents and their dated counts.

`reference.csv` declares the tables, `rules.csv` holds what no row may be. They lie beside the cases
in `data/reference/`; a folder of one's own is read by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from impact.base.errors import BadInput, Fault, bad, did_you_mean
from impact.case import checks, tables
from impact.case.schema import declared
from impact.case.tables import Row, Tables
from impact.numerics import Draws, populations

TABLES = declared(Path(__file__).with_suffix(".csv"))
CLASSES, INCIDENTS, COUNTS = (table.name for table in TABLES)
KINDS = TABLES[1].by_name["kind"].allowed
ENDS = 0.01, 0.99  # quantiles of a class between which a range is expected to lie
PLACES = {"the middle half": 0.5, "the middle nine in ten": 0.9, "the 1 to 99 %": 0.98}
AROUND, BEYOND = "around", "beyond"
EACH = "/organisation"  # a class is of one case, an input may be of several


def load(folder: Path) -> Tables:
    """The tables of a folder of reference data; raises BadInput with all faults."""
    found, faults = tables.read_all(folder, TABLES)
    for check in (_rows, _days, _shapes):  # what cannot be read is not told again
        faults = faults or list(check(found))
    if faults:
        raise BadInput(faults)
    return found


def _rows(found: Tables) -> Iterator[Fault]:
    """Rows that break a rule, stand twice, or refer to what there is not."""
    there = [rows.select(name="id", to=pl.lit(table)) for table, rows in found.items()]
    for table in TABLES:
        rows, where = found[table.name], f"{table.name}.csv:{{file_line}}"
        yield from checks.broken(table.name, rows, where)
        twice = rows.filter(pl.col("id").is_duplicated())
        yield from tables.faults_of(twice, f"{where} id", '"{id}" stands twice', "rename one")
        if named := checks.uses(rows, table, found.keys()):
            yield from checks.unknown(pl.concat(named), pl.concat(there))


def _days(found: Tables) -> Iterator[Fault]:
    """Counts of those hit that are later than the number at which their incident settled."""
    settled = found[INCIDENTS].select("id", last="known_on", line="file_line")
    hit = found[COUNTS].filter(status="hit").join(settled, left_on="incident", right_on="id")
    yield from checks.broken("settled", hit, "counts.csv:{file_line}")


def _shapes(found: Tables) -> Iterator[Fault]:
    """Classes whose quantiles, parameters or priors make no distribution."""
    for name in found[CLASSES]["id"]:
        try:
            distribution(found[CLASSES], name)
        except BadInput as error:
            yield from error.faults


def distribution(
    classes: pl.DataFrame, name: str, below: tuple[str, ...] = ()
) -> tuple[str, dict[Any, float]]:
    """(shape, parameters) of a class, its prior updated; "quantiles" with the value at each.

    Counts update the Beta of a chance or the Gamma of a rate, values the mean of a lognormal or
    log_t; see `impact.numerics.populations`. `below` are the classes that it is the prior of.
    Raises BadInput for what is no distribution.
    """
    row = classes.row(by_predicate=pl.col("id") == name, named=True)
    where = f"classes.csv:{row['file_line']}"
    if row["quantiles"]:
        return "quantiles", _points(row, where)
    shape = row["shape"] or ("gamma" if row["unit"] == checks.RATE else "beta")
    names, own = list(signature(populations.SHAPES[shape]).parameters)[1:], {}
    if row["k"] is None:
        own = _parameters(row, [*names, *(("weight",) if row["prior"] else ())], where)
        if not row["prior"]:
            return shape, own
    of, prior = shape, populations.UNKNOWN.get(shape, {})
    if row["prior"]:
        if row["prior"] in (name, *below):
            raise bad(f"{where} prior", "leads back to itself", "take one of the priors away")
        of, prior = distribution(classes, row["prior"], (name, *below))
    if of != shape:
        what = f'"{row["prior"]}" is a {of}, this is a {shape}'
        raise bad(f"{where} prior", what, "name one of its shape")
    if row["k"] is not None:
        after = populations.AFTER[shape](*prior.values(), row["k"], row["n"])
        return shape, dict(zip(names, after, strict=True))
    centre, spread = names[:2]
    mean, wider = populations.normal_posterior(
        prior[centre], own.pop("weight"), own[centre], row["n"]
    )
    return shape, {**own, centre: mean, spread: own[spread] * wider}


def _points(row: Row, where: str) -> dict[float, float]:
    """The value at each quantile of a class."""
    pairs = checks.parameters(row["quantiles"])
    try:
        found = dict(sorted((float(at), value) for at, value in pairs.items()))
    except ValueError:
        found = {}
    values = list(found.values())
    repair = "write two or more, each between 0 and 1: 0.25=30; 0.5=56"
    if len(found) < 2 or not all(0 < at < 1 for at in found):
        raise bad(f"{where} quantiles", "are no values at quantiles", repair)
    if values != sorted(values) or values[0] < 0:
        raise bad(f"{where} quantiles", "fall, or begin below 0", "write values that rise from 0")
    return found


def _parameters(row: Row, names: list[str], where: str) -> dict[Any, float]:
    """The parameters of a class, in the order of their names."""
    pairs = checks.parameters(row["parameters"])
    low = [name for name, value in pairs.items() if value <= 0 and name not in ("mean", "mu")]
    if {*pairs} != {*names} or low:
        repair = f"write {', '.join(names)}, all but a mean above 0"
        raise bad(f"{where} parameters", "do not describe its shape", repair)
    return {name: pairs[name] for name in names}


def quantile(classes: pl.DataFrame, name: str, u: Any) -> Draws:
    """Quantiles of a class, in its unit, at u between 0 and 1."""
    shape, of = distribution(classes, name)
    if shape != "quantiles":
        return populations.SHAPES[shape](u, **of)
    unit = classes.row(by_predicate=pl.col("id") == name, named=True)["unit"]
    return np.minimum(populations.between(u, of), 1.0 if unit in ("chance", "share") else np.inf)


def place(classes: pl.DataFrame, row: Row) -> str:
    """Where the range of an input lies in its class: the narrowest of PLACES that holds it.

    A class of counts has one rate and no spread among cases: a range that holds it is AROUND it.
    """
    ends = [row[end] for end in ("low", "high") if row[end] is not None] or checks.ends_of(row)
    name, counts = row["reference"], classes.filter(pl.col("k").is_not_null())["id"]
    for told, share in {AROUND: 0.98}.items() if name in counts else PLACES.items():
        first, last = quantile(classes, name, np.array([(1 - share) / 2, (1 + share) / 2]))
        inside = first <= min(ends) and max(ends) <= last
        if (min(ends) <= last and max(ends) >= first) if told == AROUND else inside:
            return told
    return BEYOND


def _referring(inputs: pl.DataFrame, folder: Path) -> Iterator[tuple[Row, pl.DataFrame]]:
    """The rows of inputs that name a class, with the classes; these are read where one does."""
    named = inputs.filter(pl.col("reference").is_not_null())
    classes = load(folder)[CLASSES] if named.height else pl.DataFrame()
    for row in named.iter_rows(named=True):
        yield row, classes


def input_faults(inputs: pl.DataFrame, folder: Path) -> Iterator[Fault]:
    """Faults of inputs that name a class which there is not, or one in another unit."""
    for row, classes in _referring(inputs, folder):
        name, where = row["reference"], f"inputs.csv:{row['file_line']} reference"
        units = dict(classes.select("id", "unit").iter_rows())
        if name not in units:
            repair = did_you_mean(name, sorted(units), "see data/reference/classes.csv")
            yield Fault(where, f'no class "{name}"', repair)
        elif units[name] != row["unit"].removesuffix(EACH):
            what = f'"{name}" is in {units[name]}, and the input in {row["unit"]}'
            yield Fault(where, what, "name a class in that unit, or none")


def departures(inputs: pl.DataFrame, folder: Path) -> Iterator[Fault]:
    """Inputs whose range leaves the 1 to 99 % of their class and that do not say why."""
    for row, classes in _referring(inputs, folder):
        name = row["reference"]
        if not row["departs"] and place(classes, row) == BEYOND:
            first, last = quantile(classes, name, np.array(ENDS))
            what = f"{row['id']} leaves the 1 to 99 % of {name}, {first:.3g} to {last:.3g}"
            where = f"inputs.csv:{row['file_line']} departs"
            yield Fault(where, what, "say why in departs, or change the range")
