"""The reference data: what it holds, how a class is updated, and each way of being wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import numpy as np
import polars as pl
import pytest

import impact
from impact.base.errors import BadInput
from impact.case import reference
from impact.case.folder import REFERENCE
from impact.measures import forecast

CLASSES = reference.load(REFERENCE)["classes"]


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., Path]:
    """`copy(table, row, column=cell)`: the reference data with cells of a row changed."""

    def changed(table: str, row: str, **cells: str) -> Path:
        folder = tmp_path / "reference"
        shutil.copytree(REFERENCE, folder)
        path = folder / f"{table}.csv"
        rows = pl.read_csv(path, infer_schema=False)
        for column, cell in cells.items():
            here = pl.when(pl.col("id") == row).then(pl.lit(cell or None))
            rows = rows.with_columns(here.otherwise(pl.col(column)).alias(column))
        rows.write_csv(path)
        return folder

    return changed


def line(table: str, row: str) -> int:
    """The line of a row in the bundled file."""
    rows = reference.load(REFERENCE)[table]
    return int(rows.filter(pl.col("id") == row)["file_line"].item())


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


WRONG = {
    "no n": ("classes", "tj-actions-ran", {"n": ""}, "n: has no n, and no reason why"),
    "n of 0": ("classes", "tj-actions-ran", {"n": "0"}, "n: is not above 0"),
    "k above n": ("classes", "tj-actions-ran", {"k": "6000"}, "k: is not between 0 and n"),
    "a mean alone": (
        *("classes", "loss-single-party", {"quantiles": ""}),
        "quantiles: gives no quantiles, parameters or counts: a mean alone is no basis",
    ),
    "one quantile": (
        *("classes", "loss-single-party", {"quantiles": "0.5=469100"}),
        "quantiles: are no values at quantiles",
    ),
    "a table that falls": (
        *("classes", "loss-single-party", {"quantiles": "0.5=469100; 0.95=16000"}),
        "quantiles: fall, or begin below 0",
    ),
    "a quantile of 1": (
        *("classes", "loss-single-party", {"quantiles": "0.5=469100; 1=16000000"}),
        "quantiles: are no values at quantiles",
    ),
    "no quantile": (
        *("classes", "loss-single-party", {"quantiles": "low=469100; 0.95=16000000"}),
        "quantiles: are no values at quantiles",
    ),
    "a value below 0": (
        *("classes", "loss-single-party", {"quantiles": "0.5=-1; 0.95=16"}),
        "quantiles: fall, or begin below 0",
    ),
    "another parameter": (
        *("classes", "claim-settlement", {"parameters": "mu=10.8; sd=2"}),
        "parameters: do not describe its shape; write mu, sigma",
    ),
    "a sigma of 0": (
        *("classes", "claim-settlement", {"parameters": "mu=10.8; sigma=0"}),
        "parameters: do not describe its shape",
    ),
    "a shape beside counts": (
        *("classes", "tj-actions-ran", {"shape": "gamma"}),
        "shape: stands beside counts",
    ),
    "parameters of no shape": (
        *("classes", "claim-settlement", {"shape": ""}),
        "shape: is not said of the parameters",
    ),
    "no such prior": ("classes", "orgs-hub", {"prior": "orgs-pool"}, 'prior: no class "orgs-pool"'),
    "no source": ("classes", "tj-actions-ran", {"access": "seen"}, 'access: "seen" is not allowed'),
    "low above high": (
        "incidents",
        "kaseya",
        {"low": "2000"},
        "low: low and high are not in order",
    ),
    "settled before it was public": (
        *("incidents", "kaseya", {"known_on": "2021-07-01"}),
        "known_on: is before disclosed_on",
    ),
    "no such kind": ("incidents", "kaseya", {"kind": "worm"}, 'kind: "worm" is not allowed'),
    "a count after the last one": (
        *("counts", "kaseya-1", {"known_on": "2021-07-07"}),
        "known_on: 2021-07-07 is after the settled number of kaseya (2021-07-06)",
    ),
    "a count of nothing": (
        "counts",
        "kaseya-1",
        {"incident": "kasaya"},
        'incident: no incident "kasaya"',
    ),
    "no such status": (
        "counts",
        "kaseya-1",
        {"status": "likely"},
        'status: "likely" is not allowed',
    ),
}


@pytest.mark.parametrize(("table", "row", "cells", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(
    copy: Callable[..., Path], table: str, row: str, cells: dict[str, str], told: str
) -> None:
    with pytest.raises(BadInput) as raised:
        reference.load(copy(table, row, **cells))
    found = [str(fault) for fault in raised.value.faults]
    assert any(f"{table}.csv:{line(table, row)} {told}" in fault for fault in found), found
    assert all(fault.repair for fault in raised.value.faults)


@pytest.mark.parametrize(
    ("prior", "told"),
    [("orgs-hub", "leads back to itself"), ("claim-settlement", "is a lognormal, this is a log_t")],
)
def test_a_circle_of_priors_and_a_prior_of_another_shape_are_refused(
    copy: Callable[..., Path], prior: str, told: str
) -> None:
    with pytest.raises(BadInput, match=rf"classes.csv:\d+ prior: .*{told}"):
        reference.load(copy("classes", "orgs-hub", prior=prior))


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
    classes = rows_of(
        {"id": "all", "shape": "lognormal", "parameters": ["mu=10", "sigma=2"], "n": 50.0},
        {
            **{"id": "ours", "shape": "lognormal", "prior": "all", "n": 6.0},
            "parameters": ["mu=12", "sigma=1.5", "weight=2"],
        },
    )
    shape, found = reference.distribution(classes, "ours")
    assert shape == "lognormal"
    assert found["mu"] == pytest.approx((2 * 10 + 6 * 12) / 8, rel=1e-9)
    assert found["sigma"] == pytest.approx(1.5 * (1 + 1 / 8) ** 0.5, rel=1e-9)


def test_the_classes_worked_out_from_the_incidents_are_current() -> None:
    data = reference.load(REFERENCE)
    incidents = forecast.events(data)
    past = forecast.past_of(incidents, 0)
    every = forecast.pooled([one.final for one in past])
    assert reference.distribution(CLASSES, "orgs-pooled")[1] == pytest.approx(
        every._asdict(), abs=1e-3
    )
    for kind in reference.KINDS:
        found = reference.distribution(CLASSES, f"orgs-{kind}")[1]
        assert found == pytest.approx(forecast.of_kind(past, kind)._asdict(), abs=1e-3)
    days = forecast.days_to_settle(incidents)
    assert reference.distribution(CLASSES, "days-to-settle")[1] == pytest.approx(
        days._asdict(), abs=1e-3
    )
    growth = np.log(10) * np.array([p.final - p.first for p in past if p.first is not None])
    found = reference.distribution(CLASSES, "growth-of-first-count")[1]
    assert found == pytest.approx({"mu": growth.mean(), "sigma": growth.std(ddof=1)}, abs=1e-3)
    years = [row["disclosed_on"].year for row in incidents]
    for kind in ("token", "update"):
        row = CLASSES.row(by_predicate=pl.col("id") == f"events-{kind}", named=True)
        there = sum(one["kind"] == kind for one in incidents)
        assert (row["k"], row["n"]) == (there, max(years) - min(years) + 1)


def test_an_input_names_a_class_that_is_there_and_in_its_unit(case_copy: Any) -> None:
    case_copy.set("inputs", "forensics_usd", "reference", "claim-crisis-service")
    case_copy.set("inputs", "switch_weeks", "reference", "platform-hours")
    with pytest.raises(BadInput) as raised:
        impact.load_case(case_copy.folder)
    found = sorted((fault.where.split()[-1], fault.what) for fault in raised.value.faults)
    assert found == [
        ("reference", '"platform-hours" is in hour/week/person, and the input in week'),
        ("reference", 'no class "claim-crisis-service"'),
    ]


def test_check_names_an_input_that_leaves_its_class_until_it_says_why(case_copy: Any) -> None:
    case_copy.set("inputs", "forensics_usd", "high", "9000000")
    found = commands.impact("check", case_copy.folder)
    assert "departs: forensics_usd leaves the 1 to 99 % of claim-crisis-services" in found.stderr
    case_copy.set("inputs", "forensics_usd", "departs", "A large platform.")
    assert "departs" not in commands.impact("check", case_copy.folder).stderr


@pytest.mark.parametrize(
    ("low", "high", "place"),
    [
        (70, 110, "the middle half"),
        (50, 140, "the middle nine in ten"),
        (35, 170, "the 1 to 99 %"),
        (20, 100, reference.BEYOND),
        (60, 400, reference.BEYOND),
    ],
)
def test_a_range_lies_in_the_narrowest_part_of_its_class_that_holds_it(
    low: float, high: float, place: str
) -> None:
    row = {"low": low, "high": high, "reference": "security-engineer-hour"}
    assert reference.place(CLASSES, row) == place


@pytest.mark.parametrize(
    ("low", "high", "place"), [(0.3, 0.9, "around"), (0.1, 0.2, "beyond"), (0.5, 0.9, "beyond")]
)
def test_a_range_is_around_a_rate_or_beyond_it(low: float, high: float, place: str) -> None:
    row = {"low": low, "high": high, "reference": "tj-actions-secrets"}
    assert reference.place(CLASSES, row) == place


def test_at_most_thirty_inputs_of_mercor_and_half_of_drift_are_bare_assumptions() -> None:
    for name, most in (("mercor", 30), ("drift", 10)):
        rows = impact.view(impact.load_case(name)).inputs.values()
        bare = [
            row["id"]
            for row in rows
            if row["basis_kind"] == "assumption"
            and not row["reference"]
            and row["shape"] != "fixed"
        ]
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
