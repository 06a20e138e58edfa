"""The reference data of the kit: classes, past incidents and their dated counts.

`reference.csv` declares the tables, `rules.csv` holds what no row may be. They lie beside the cases
in `data/reference/`; a folder of one's own is read by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
ENDS = 0.01, 0.99  # quantiles of a class between which a range is expected to lie
PLACES = {"the middle half": 0.5, "the middle nine in ten": 0.9, "the 1 to 99 %": 0.98}
AROUND, BEYOND = "around", "beyond"
KINDS = next(table for table in TABLES if table.name == INCIDENTS).by_name["kind"].allowed


def load(folder: Path) -> Tables:
    """The tables of a folder of reference data; raises BadInput with all faults."""
    found, faults = dict[str, pl.DataFrame](), list[Fault]()
    for table in TABLES:
        path = folder / f"{table.name}.csv"
        rows, wrong = tables.read(path, table)
        found[table.name] = rows.sort("id", maintain_order=True)
        faults += wrong
    if not faults:
        faults = list(_faults(found))
    if faults:
        raise BadInput(faults)
    return found


def _faults(found: Tables) -> Iterator[Fault]:
    for name, rows in found.items():
        where = f"{name}.csv:{{file_line}}"
        twice = rows.filter(pl.col("id").is_duplicated())
        yield from tables.faults_of(twice, f"{where} id", '"{id}" stands twice', "rename one")
        yield from checks.broken(name, rows, where)
    for table in TABLES:
        for column in table.columns:
            if column.refers_to:
                yield from _missing(found, table.name, column.name, column.refers_to)
    for row in found[CLASSES].iter_rows(named=True):
        yield from _class_faults(row)
    yield from _days(found)


def _missing(found: Tables, table: str, column: str, to: str) -> Iterator[Fault]:
    there = set(found[to]["id"])
    for name, line in found[table].select(column, "file_line").drop_nulls(column).iter_rows():
        if name not in there:
            repair = did_you_mean(name, sorted(there), f"add it to {to}.csv")
            yield Fault(f"{table}.csv:{line} {column}", f'no row "{name}" in {to}.csv', repair)


def _days(found: Tables) -> Iterator[Fault]:
    """Counts of those hit that are later than the number at which their incident settled."""
    settled = found[INCIDENTS].select("id", last="known_on", line="file_line")
    hit = found[COUNTS].filter(status="hit").join(settled, left_on="incident", right_on="id")
    late = hit.filter(pl.col("known_on") > pl.col("last")).with_columns(
        day=tables.as_written("known_on"), end=tables.as_written("last")
    )
    what = "{day} is after the settled number of {incident} ({end})"
    repair = "date it earlier, or take it as the settled number in incidents.csv:{line}"
    yield from tables.faults_of(late, "counts.csv:{file_line} known_on", what, repair)


_NAMES = {"lognormal": ("mu", "sigma"), "log_t": ("mean", "sd", "df"), "beta": ("a", "b")}
_NAMES["gamma"] = ("shape", "rate")
_ABOVE_0 = {"sigma", "sd", "df", "a", "b", "shape", "rate", "weight"}


def _class_faults(row: Row) -> Iterator[Fault]:
    """Faults of the quantiles and parameters of a class, which are small languages of their own."""
    where = f"classes.csv:{row['file_line']}"
    pairs, wrong = checks.parameters(row["parameters"])
    named = {*_NAMES.get(row["shape"] or "", ()), *(("weight",) if row["prior"] else ())}
    if wrong or ({*pairs} != named and row["k"] is None):
        what = f'"{wrong}" is not NAME=NUMBER' if wrong else f"are {', '.join(pairs) or 'none'}"
        yield Fault(f"{where} parameters", what, f"write {', '.join(sorted(named)) or 'none'}")
    elif any(pairs[name] <= 0 for name in _ABOVE_0 & {*pairs}):
        yield Fault(f"{where} parameters", "has one that is not above 0", "only a mean may be")
    points, wrong = checks.parameters(row["quantiles"])
    repair = "write the value at each quantile between 0 and 1: 0.25=30; 0.5=56"
    try:
        known = sorted((float(name), value) for name, value in points.items())
    except ValueError:
        known, wrong = [], "names something that is no quantile"
    values = [value for _, value in known]
    if wrong or (row["quantiles"] and len(known) < 2):
        yield Fault(f"{where} quantiles", wrong or "are fewer than two", repair)
    elif any(not 0 < at < 1 for at, _ in known):
        yield Fault(f"{where} quantiles", "do not lie between 0 and 1", repair)
    elif values != sorted(values):
        yield Fault(f"{where} quantiles", "values fall as quantiles rise", repair)
    elif values and values[0] < 0:
        yield Fault(f"{where} quantiles", "has a value below 0", repair)


def distribution(classes: pl.DataFrame, name: str) -> tuple[str, dict[Any, float]]:
    """(shape, parameters) of a class, its prior updated; "quantiles" with the value at each.

    Counts update the Beta of a chance or the Gamma of a rate, values the mean of a lognormal or
    log_t; see `impact.numerics.populations`. Raises BadInput for a circle of priors or a prior of
    another shape.
    """
    return _updated({row["id"]: row for row in classes.iter_rows(named=True)}, name, ())


def _updated(rows: Mapping[str, Row], name: str, below: tuple[str, ...]) -> tuple[str, Any]:
    row = rows[name]
    where = f"classes.csv:{row['file_line']} prior"
    if name in below:
        raise bad(where, "leads back to itself", "take one of the priors away")
    if row["quantiles"]:
        points, _ = checks.parameters(row["quantiles"])
        return "quantiles", {float(at): value for at, value in points.items()}
    own, _ = checks.parameters(row["parameters"])
    if row["k"] is None and not row["prior"]:
        return row["shape"], own
    rate = row["unit"] == checks.RATE
    shape = row["shape"] or ("gamma" if rate else "beta")
    plain = dict(zip(_NAMES["gamma"], populations.JEFFREYS, strict=True))
    plain = plain if rate else dict(zip(_NAMES["beta"], populations.UNIFORM, strict=True))
    of, prior = shape, plain
    if row["prior"]:
        of, prior = _updated(rows, row["prior"], (*below, name))
    if of != shape:
        raise bad(where, f'"{row["prior"]}" is a {of}, this is a {shape}', "name one of its shape")
    if row["k"] is not None:
        after = populations.gamma_posterior if rate else populations.beta_posterior
        first, second = prior.values()
        return shape, dict(
            zip(_NAMES[shape], after(first, second, row["k"], row["n"]), strict=True)
        )
    centre, spread = _NAMES[shape][:2]
    mean, _, wider = populations.normal_posterior(
        prior[centre], own.pop("weight"), own[centre], row["n"]
    )
    return shape, {**own, centre: mean, spread: own[spread] * wider}


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
    ends = checks.ends_of(row)
    low, high, name = min(ends), max(ends), row["reference"]
    if classes.row(by_predicate=pl.col("id") == name, named=True)["k"] is not None:
        first, last = quantile(classes, name, np.array(ENDS))
        return AROUND if low <= last and high >= first else BEYOND
    for told, share in PLACES.items():
        first, last = quantile(classes, name, np.array([(1 - share) / 2, (1 + share) / 2]))
        if first <= low and high <= last:
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
        elif units[name] != row["unit"]:
            what = f'"{name}" is in {units[name]}, and the input in {row["unit"]}'
            yield Fault(where, what, "name a class in that unit, or none")


def departures(inputs: pl.DataFrame, folder: Path) -> Iterator[Fault]:
    """Inputs whose range leaves the 1 to 99 % of their class and that do not say why."""
    for row, classes in _referring(inputs, folder):
        if not row["departs"] and place(classes, row) == BEYOND:
            first, last = quantile(classes, row["reference"], np.array(ENDS))
            what = (
                f"{row['id']} leaves the 1 to 99 % of {row['reference']}, {first:.3g} to {last:.3g}"
            )
            where = f"inputs.csv:{row['file_line']} departs"
            yield Fault(where, what, "say why in departs, or change the range")
