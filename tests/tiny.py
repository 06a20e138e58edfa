"""Tiny cases made of rows, and what is asked of their runs. The fixture is `tiny_case`."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import impact
from impact.case.schema import TABLES

ASSETS = Path(__file__).with_name("assets")
DRAWS = 50_000
Row = dict[str, str]
Tiny = Callable[..., impact.Case]
FILLED = {  # what a row of a tiny case says where the test does not care
    "entities": {"kind": "client"},
    "links": {"relation": "opens"},
    "inputs": {
        "unit": "chance",
        "drawn": "once",
        "meaning": "a number",
        "authored_on": "2026-01-01",
    }
    | {"basis_kind": "assumption", "basis": "made up"},
    "losses": {"form": "response", "kind": "product", "driver": "a loss"},
}

# a decision of `a`: guard against a harm at a price, or go on
GUARD = """
[decision.d]
title = "Guard"
bearer = "a"
flips_on = "harm_usd"
flips_says = "a harm costs it"
[decision.d.option.guard]
costs = ["guarding"]
saves = ["harm"]
set = { guard_count = 1, "link.hit-harmed" = 0 }
[decision.d.option.go-on]
costs = ["harm"]
saves = ["guarding"]
set = { guard_count = 0 }
"""


def listed(name: str) -> list[Row]:
    """The rows of a CSV of tests/assets."""
    with (ASSETS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def link(source: str, target: str, chances: str = "certain", **cells: str) -> Row:
    """A link from source to target, named after them."""
    return {
        "id": f"{source}-{target}",
        "source": source,
        "target": target,
        "chances": chances,
    } | cells


def fixed(name: str, value: float, unit: str = "chance", **cells: str) -> Row:
    """An input that does not vary."""
    return {"id": name, "mode": str(value), "shape": "fixed", "unit": unit} | cells


def between(
    name: str, low: float, high: float, unit: str = "chance", drawn: str = "once", **cells: str
) -> Row:
    """An input that is even between two values."""
    ends = {"low": str(low), "high": str(high)}
    return {"id": name, "shape": "uniform", "unit": unit, "drawn": drawn} | ends | cells


def loss(name: str, needs: str, arguments: str, bearer: str = "a", **cells: str) -> Row:
    """A loss of a bearer where something is reached."""
    return {"id": name, "needs": needs, "arguments": arguments, "bearer": bearer} | cells


def written(
    folder: Path,
    links: Sequence[Row] = (),
    inputs: Sequence[Row] = (),
    losses: Sequence[Row] = (),
    toml: str = "# none",
    **about: str,
) -> Path:
    """The folder, with the files of a case of these rows and of the entities in them.

    `toml` is `scenarios.toml`, `about` what `case.toml` says of its own.
    """
    named = {"event", "a"}
    named |= {row[end] for row in links for end in ("source", "target")}
    named |= {
        row[end] for row in losses for end in ("bearer", "needs", "received_by") if end in row
    }
    entities = [
        {"id": name, "name": name} | ({"kind": "event"} if name == "event" else {})
        for name in sorted(named)
    ]
    rows = {"entities": entities, "links": links, "inputs": inputs, "losses": losses}
    return write(folder, rows, toml, **about)


def write(
    folder: Path,
    tables: Mapping[str, Sequence[Mapping[str, str]]],
    toml: str = "# none",
    filled: Mapping[str, Row] = FILLED,
    **about: str,
) -> Path:
    """The folder, made new, with the files of a case of these rows by table.

    `toml` is `scenarios.toml`, `filled` what a row says where it is not told, `about` what
    `case.toml` says of its own.
    """
    folder.mkdir(parents=True)
    for table in TABLES:
        rows = [
            {"known_on": "2026-01-01", **filled.get(table.name, {}), **row}
            for row in tables.get(table.name, ())
        ]
        required = [column.name for column in table.columns if column.required]
        columns = list(dict.fromkeys([*required, *(name for row in rows for name in row)]))
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    settings = {"id": "tiny", "title": "Tiny", "question": "What if?"}
    settings |= {"currency": "USD", "tlp": "clear"} | about
    lines = ["schema_version = 1", *(f'{name} = "{text}"' for name, text in settings.items())]
    (folder / "case.toml").write_text("\n".join(lines), "utf-8")
    (folder / "scenarios.toml").write_text(f"{toml}\n", "utf-8")
    return folder


SAID = {  # what a row of evidence says where the test does not care
    "entities": {"kind": "vendor"},
    "sources": {"publisher": "A paper", "title": "A story", "reliability": "B", "access": "full"},
    "claims": {"stance": "asserts", "predicate": "status", "says": "It is so.", "stage": "access"}
    | {"credibility": "2"},
    "judgements": {"stage": "access", "why": "judged"},
    "duties": {"duty": "Tell them.", "kind": "legal", "applies": "yes", "basis": "a statute"},
    **{table: FILLED[table] for table in ("links", "inputs", "losses")},
}


def evidence(folder: Path, toml: str = "# none", **tables: Sequence[Row]) -> impact.Case:
    """A case of these sources, claims, judgements, duties ..., and of the entities in them.

    A claim without `by` is made by `a`; `by` and `on` stand for claimant and subject, and each
    source and claim is dated by its `known_on`.
    """
    rows: dict[str, list[Row]] = {
        name: [dict(row) for row in found] for name, found in tables.items()
    }
    named = {"event": {"kind": "event"}, "a": {}, "b": {}, "x": {"kind": "actor"}}
    named["y"] = {"kind": "actor"}
    for source in rows.get("sources", ()):
        source.setdefault("published_on", source.get("known_on", "2026-01-01"))
    for claim in rows.get("claims", ()):
        claim["claimant"], claim["subject"] = claim.pop("by", "a"), claim.pop("on", "b")
        claim.setdefault("stated_on", claim.get("known_on", "2026-01-01"))
        named |= {claim[part]: named.get(claim[part], {}) for part in ("claimant", "subject")}
    for row in rows.pop("entities", ()):
        named[row["id"]] = row
    found = [{"name": name, **cells, "id": name} for name, cells in named.items()]
    return impact.load_case(write(folder, {"entities": found, **rows}, toml, SAID))


def loaded(folder: Path, *rows: Sequence[Row]) -> impact.Case:
    """The case of these links, inputs and losses, written to a folder that is not there yet."""
    return impact.load_case(written(folder, *rows))


def simulate(case: impact.Case, draws: int = DRAWS, changes: str = "", **more: Any) -> impact.Run:
    """A run of a case, with changes."""
    return impact.simulate(impact.view(case, changes=changes), draws=draws, **more)


def lost(run: impact.Run) -> np.ndarray:
    """`(rows of losses.csv, draws)` USD."""
    return np.array(list(run.losses.values()))


def is_near(found: float, expected: float, draws: int = DRAWS) -> bool:
    """Whether a share of draws is within four simulation errors of a chance."""
    return abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / draws)


def joint(run: impact.Run, *names: str) -> float:
    """Share of draws in which all of these are reached."""
    mask = run.reached[names[0]]
    for name in names[1:]:
        mask &= run.reached[name]
    return mask.bit_count() / run.draws


def same(one: impact.Run, other: impact.Run) -> bool:
    """Whether two runs agree to the bit."""
    return (one.reached, one.on, list(one.losses)) == (
        other.reached,
        other.on,
        list(other.losses),
    ) and all(np.array_equal(one.losses[name], other.losses[name]) for name in one.losses)


def fingerprint(folder: str, draws: int, seed: int) -> tuple[dict[str, int], bytes]:
    """(reached, losses) of a case, for one process to compare with another."""
    run = simulate(impact.load_case(folder), draws, seed=seed)
    return dict(run.reached), lost(run).tobytes()


def figures(answer: Any) -> dict[str, float | None]:
    """The figures of an answer by their names."""
    return {figure.name: figure.value for figure in answer.figures}


def cells(answer: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The cells of some columns of the table of an answer, row by row."""
    return answer.table.select(columns).rows()


def raised(case: impact.Case, levels: Mapping[tuple[str, str], str]) -> impact.Case:
    """The case at level red, each row (table, id) at the level given, all others as they are."""
    tables = {
        table: rows.with_columns(
            tlp=pl.Series(
                [
                    levels.get((table, name), old)
                    for name, old in rows.select("id", "tlp").iter_rows()
                ],
                dtype=pl.String,
            )
        )
        for table, rows in case.tables.items()
    }
    return replace(case, tables=tables, tlp="red", memo={})


def column(answer: Any, heading: str) -> list[str]:
    """The cells under a heading of the table that readers see; none where it is left out."""
    head, *rows = answer.rows() or [[heading]]
    return [row[head.index(heading)] for row in rows] if heading in head else []
