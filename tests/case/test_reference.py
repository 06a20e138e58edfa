"""The reference data: what it holds, how a class is updated, and each way of being wrong."""

import shutil
from pathlib import Path
from typing import Any

import commands
import numpy as np
import polars as pl
import pytest
from tiny import listed

import impact
from impact.base.errors import BadInput
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.measures import forecast

DATA = reference.load(REFERENCE)
CLASSES = DATA["classes"]


def test_there_are_25_classes_with_quantiles_or_counts_of_a_named_population() -> None:
    usable = CLASSES.filter(
        (pl.col("quantiles").list.len() > 1)
        | (pl.col("parameters").list.len() > 0)
        | pl.col("k").is_not_null()
    )
    assert usable.height == CLASSES.height >= 25
    assert CLASSES.filter(pl.col("n").is_null() & pl.col("no_n").is_null()).is_empty()
    elsewhere = CLASSES.filter(pl.col("note") != "Worked out from incidents.csv and counts.csv.")
    assert elsewhere["url"].null_count() == 0


@pytest.mark.parametrize("name", CLASSES["id"])
def test_the_quantiles_of_every_class_rise(name: str) -> None:
    values = reference.quantile(CLASSES, name, np.linspace(0.01, 0.99, 99))
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert values[0] >= 0


@pytest.mark.parametrize(
    "damage", listed("reference_damages.csv"), ids=lambda damage: damage["damage"]
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, damage: dict[str, str]) -> None:
    row, column, cell = damage["row"], damage["column"], damage["cell"]
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    path = folder / f"{damage['table']}.csv"
    rows = pl.read_csv(path, infer_schema=False)
    here = pl.when(pl.col("id") == row).then(pl.lit(cell or None))
    rows.with_columns(here.otherwise(pl.col(column)).alias(column)).write_csv(path)
    with pytest.raises(BadInput) as raised:
        reference.load(folder)
    line = DATA[damage["table"]].filter(id=row)["file_line"].item()
    told = f"{path.name}:{line} {damage['told']}"
    found = [str(fault) for fault in raised.value.faults]
    assert any(fault.startswith(told) for fault in found), found
    assert all(fault.repair for fault in raised.value.faults)


def test_a_folder_that_is_not_there_is_told_by_the_command() -> None:
    found = commands.impact("score", "nowhere")
    assert (found.returncode, found.stdout) == (2, "")
    assert "Path 'nowhere' does not exist; see" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def rows_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Classes of a few cells each."""
    empty = dict.fromkeys(("quantiles", "shape", "parameters", "k", "prior", "unit"))
    filled = [{**empty, "file_line": at, "n": 1.0, **row} for at, row in enumerate(rows)]
    lists = dict.fromkeys(("quantiles", "parameters"), pl.List(pl.String))
    return pl.DataFrame(filled, schema_overrides={**lists, "k": pl.Float64, "prior": pl.String})


def test_counts_update_the_class_that_they_name() -> None:
    classes = rows_of(
        {"id": "all", "unit": "chance", "k": 600.0, "n": 1250.0},
        {"id": "like-ours", "unit": "chance", "k": 9.0, "n": 10.0, "prior": "all"},
        {"id": "rate", "unit": "event/year", "k": 2.0, "n": 5.0},
        {"id": "later", "unit": "event/year", "k": 3.0, "n": 1.0, "prior": "rate"},
    )
    assert reference.distribution(classes, "all") == ("beta", {"a": 601, "b": 651})
    assert reference.distribution(classes, "like-ours") == ("beta", {"a": 610, "b": 652})
    assert reference.distribution(classes, "rate") == ("gamma", {"shape": 2.5, "rate": 5})
    assert reference.distribution(classes, "later") == ("gamma", {"shape": 5.5, "rate": 6})


def test_values_update_the_mean_of_the_class_that_they_name() -> None:
    every = {"id": "all", "shape": "lognormal", "parameters": ["mu=10", "sigma=2"], "n": 50.0}
    ours = every | {"id": "ours", "prior": "all", "n": 6.0}
    ours["parameters"] = ["mu=12", "sigma=1.5", "weight=2"]
    shape, found = reference.distribution(rows_of(every, ours), "ours")
    assert shape == "lognormal"
    assert found["mu"] == pytest.approx((2 * 10 + 6 * 12) / 8, rel=1e-9)
    assert found["sigma"] == pytest.approx(1.5 * (1 + 1 / 8) ** 0.5, rel=1e-9)


def test_the_classes_worked_out_from_the_incidents_are_current() -> None:
    incidents = forecast.events(DATA)
    past = forecast.past_of(incidents, 0)
    growth = np.log(10) * np.array([p.final - p.first for p in past if p.first is not None])
    expected: dict[str, Any] = {
        "orgs-pooled": forecast.pooled([one.final for one in past])._asdict(),
        "days-to-settle": forecast.days_to_settle(incidents)._asdict(),
        "growth-of-first-count": {"mu": growth.mean(), "sigma": growth.std(ddof=1)},
    }
    expected |= {f"orgs-{kind}": forecast.of_kind(past, kind)._asdict() for kind in reference.KINDS}
    for name, parameters in expected.items():
        found = reference.distribution(CLASSES, name)[1]
        assert found == pytest.approx(parameters, abs=1e-3), name
    years = [row["disclosed_on"].year for row in incidents]
    for kind in ("token", "update"):
        row = CLASSES.row(by_predicate=pl.col("id") == f"events-{kind}", named=True)
        there = sum(one["kind"] == kind for one in incidents)
        assert (row["k"], row["n"]) == (there, max(years) - min(years) + 1)


def test_check_names_an_input_that_leaves_its_class_until_it_says_why(case_copy: Any) -> None:
    case_copy.set("inputs", "forensics_usd", "high", "9000000")
    found = commands.impact("check", case_copy.folder)
    assert "departs: forensics_usd leaves the 1 to 99 % of claim-crisis-services" in found.stderr
    case_copy.set("inputs", "forensics_usd", "departs", "A large platform.")
    assert "departs" not in commands.impact("check", case_copy.folder).stderr


@pytest.mark.parametrize(
    ("name", "low", "high", "place"),
    [
        ("security-engineer-hour", 70, 110, "the middle half"),
        ("security-engineer-hour", 50, 140, "the middle nine in ten"),
        ("security-engineer-hour", 35, 170, "the 1 to 99 %"),
        ("security-engineer-hour", 20, 100, reference.BEYOND),
        ("security-engineer-hour", 60, 400, reference.BEYOND),
        ("tj-actions-secrets", 0.3, 0.9, "around"),  # a rate
        ("tj-actions-secrets", 0.1, 0.2, "beyond"),
        ("tj-actions-secrets", 0.5, 0.9, "beyond"),
    ],
)
def test_a_range_lies_in_the_narrowest_part_of_its_class_that_holds_it(
    name: str, low: float, high: float, place: str
) -> None:
    assert reference.place(CLASSES, {"low": low, "high": high, "reference": name}) == place


@pytest.mark.parametrize(("name", "most"), [("mercor", 30), ("drift", 10)])
def test_few_inputs_of_a_bundled_case_are_bare_assumptions(name: str, most: int) -> None:
    rows = impact.view(impact.load_case(name)).inputs.values()
    assumed = [row for row in rows if row["basis_kind"] == "assumption" and not row["reference"]]
    bare = [row["id"] for row in assumed if row["shape"] != "fixed"]
    assert len(bare) <= most, bare


def test_why_tells_where_an_input_lies_and_a_later_class_is_not_told() -> None:
    run = impact.simulate(impact.view(impact.load_case("mercor")), draws=200)
    said = impact.why(run, "misuse_usd").lead
    assert (
        "ELSEWHERE: loss of the firm hit in a single-party event: the range lies in the middle nine"
        " in ten of single-party events of 2008 to 2024 with a loss on record (13,800"
        " to 16,000,000 USD)."
    ) in said
    assert any(
        "the range holds 218 of 614 repositories" in line
        for line in impact.why(run, "secrets_in_reach").lead
    )
    early = impact.simulate(impact.view(impact.load_case("drift"), as_of="2025-08-27"), draws=200)
    assert not any("ELSEWHERE" in line for line in impact.why(early, "such_events_a_year").lead)
