"""A case in a currency of its own: its units are checked, and nothing is converted by itself."""

from pathlib import Path
from typing import Any

import pytest
from tiny import fixed, link, loss, written

import impact
from impact.case.folder import digest, read_case
from impact.case.writer import write
from impact.numerics import loss_kinds

LINKS = [link("event", "a")]


def case_in(currency: str, home: Path, unit: str, **cells: str) -> tuple[Any, list[str]]:
    """(case, faults) in a currency, of one loss at a price in that unit."""
    inputs = [fixed("hours", 3, "hour"), fixed("price", 20, f"{unit}/hour")]
    losses = [loss("work", "a", "hours=hours; rate=price", **cells)]
    if cells:
        inputs += [fixed("own", 10, unit), fixed("cover", 30, currency)]
    found, faults = read_case(written(home, LINKS, inputs, losses, currency=currency))
    return found, [str(fault) for fault in faults]


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "JPY", "XOF", "BGN"])
def test_a_case_in_any_currency_adds_up_in_it(tmp_path: Path, currency: str) -> None:
    case, faults = case_in(currency, tmp_path / "case", currency, retention="own", limit="cover")
    assert faults == []
    assert case.currency == currency
    run = impact.simulate(impact.view(case), draws=100)
    assert run.losses["work"].tolist() == [60 - 30] * 100


def test_an_amount_in_another_currency_is_told_once_with_the_unit_to_write(tmp_path: Path) -> None:
    _, faults = case_in("EUR", tmp_path / "case", "USD")
    assert faults == [
        'inputs.csv:3 unit: "USD/hour" is in USD, and the case is not;'
        " convert the amounts and write EUR/hour"
    ]
    _, faults = case_in("GBP", tmp_path / "other", "USD", retention="own", limit="cover")
    assert sorted(fault.split(":")[1] for fault in faults) == ["3 unit", "4 unit"]


def test_a_regression_in_dollars_is_no_cost_in_euros(tmp_path: Path) -> None:
    names = ("intercept", "slope", "residual", "share")
    inputs = [fixed("people", 10, "person"), *(fixed(name, 1, "1") for name in names)]
    pairs = "; ".join(f"{name}={name}" for name in ("people", *names))
    rows = (LINKS, inputs, [loss("people", "a", pairs, kind="records")])
    assert read_case(written(tmp_path / "dollars", *rows))[1] == []
    (fault,) = read_case(written(tmp_path / "euros", *rows, currency="EUR"))[1]
    said = "losses.csv:2 kind: records gives USD, and the case is in EUR; write it as a product"
    assert str(fault) == said


def test_a_regression_is_looked_at_where_its_cost_is_most(tmp_path: Path) -> None:
    """A cost that falls with the people is most where they are fewest, not where all is most."""
    names = {"people": 1e8, "intercept": 7, "slope": -2, "residual": 1, "share": 1}
    inputs = [fixed(name, value, "1") for name, value in names.items()]
    inputs[0] |= {"unit": "person", "shape": "uniform", "low": "1", "high": "1e8", "mode": ""}
    pairs = "; ".join(f"{name}={name}" for name in names)
    rows = LINKS, inputs, [loss("people", "a", pairs, kind="records")]
    assert read_case(written(tmp_path / "falls", *rows))[1] == []
    inputs[1] |= {"mode": "40"}
    (fault,) = read_case(written(tmp_path / "rises", *rows))[1]
    assert "can come to 2e+17" in str(fault)  # exp(40) of one


def test_codes_for_no_currency_are_none() -> None:
    codes = loss_kinds.currencies()
    assert {"USD", "EUR", "CHF", "XDR", "DEM"} <= codes
    assert not {"XXX", "XTS", "usd"} & codes


def test_a_case_says_of_whom_it_is_and_a_written_view_keeps_it(tmp_path: Path) -> None:
    assert impact.load_case(written(tmp_path / "plain", LINKS)).role == "client"
    made = written(tmp_path / "case", LINKS, role="vendor", currency="EUR")
    known = impact.view(impact.load_case(made))
    write(known, tmp_path / "view")
    again = impact.load_case(tmp_path / "view")
    assert (again.role, again.currency) == ("vendor", "EUR")
    assert digest(impact.view(again)) == digest(known)
