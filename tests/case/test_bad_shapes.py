"""Estimates, factors and rates that cannot be: each is told with its line and repair."""

from pathlib import Path

import pytest
from tiny import Row, fixed, link, loss, written

from impact.case.folder import read_case

ORDER = "low: low, mode and high are not in order; write low <= mode <= high"
BETA = "parameters: a beta needs a and b above 0"
FRACTION = "write a fraction of one"
RUN = "parameters: quantiles do not run from 0 to 1; write the value at each quantile from 0 to 1"


def faults(tmp_path: Path, *inputs: Row) -> list[str]:
    """The faults of a case with these inputs, the first of which is the cost of a loss."""
    losses = [loss("one", "a", f"c={inputs[0]['id']}")]
    folder = written(tmp_path / "case", [link("event", "a")], inputs, losses)
    return [str(fault) for fault in read_case(folder)[1]]


def cost(shape: str, parameters: str = "", **cells: str) -> Row:
    """An amount in USD of that shape."""
    return {"id": "cost", "shape": shape, "parameters": parameters, "unit": "USD"} | cells


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (cost("beta"), BETA),
        (cost("beta", "a=2"), BETA),
        (cost("beta", "a=2; b=0"), BETA),
        (cost("beta", "a=2; b=8; c=1"), BETA),
        (cost("beta", "a=2; b=x"), 'parameters: "b=x" is not NAME=NUMBER'),
        (cost("beta", "a=2; b=inf"), 'parameters: "b=inf" is not NAME=NUMBER'),
        (cost("beta", "a=2; b=8", low="5", high="1"), ORDER),
        (cost("beta", "a=2; b=8", low="5"), ORDER),
        (cost("beta", "a=2; b=8", high="-1"), ORDER),
        (cost("uniform", "a=2; b=8", low="1", high="2"), "parameters: a uniform takes none"),
        (cost("quantiles"), RUN),
        (cost("quantiles", "0=1; 0.5=2"), RUN),
        (cost("quantiles", "0=1; 1.5=2"), RUN),
        (cost("quantiles", "0=1; nan=2; 1=3"), RUN),
        (cost("quantiles", "0=1; .5=2; 0.5=3; 1=4"), RUN),
        (cost("quantiles", "0=1; 0.5=9; 1=3"), "parameters: values fall as quantiles rise"),
        (cost("quantiles", "0=1; half=2; 1=3"), "parameters: names something that is no quantile"),
    ],
)  # fmt: skip
def test_a_shape_that_cannot_be_is_told_once(tmp_path: Path, row: Row, said: str) -> None:
    (fault,) = faults(tmp_path, row)
    assert fault.startswith(f"inputs.csv:2 {said}")


@pytest.mark.parametrize(
    "row",
    [
        cost("beta", "a=2; b=8"),
        cost("beta", "a=0.5; b=8", low="-3", high="40"),
        cost("quantiles", "1=3; 0=1; 0.5=1"),
    ],
)
def test_a_shape_that_can_be_is_read(tmp_path: Path, row: Row) -> None:
    assert faults(tmp_path, row) == []


@pytest.mark.parametrize("row", [cost("beta", "a=2; b=8", unit="chance", high="2"),
                                 cost("quantiles", "0=0; 1=1.5", unit="chance")])  # fmt: skip
def test_a_chance_of_any_shape_stays_between_0_and_1(tmp_path: Path, row: Row) -> None:
    found = faults(tmp_path, fixed("usd", 1, "USD"), row)
    place = "high" if row["shape"] == "beta" else "parameters"
    assert found == [f"inputs.csv:3 {place}: a chance or share is outside 0 to 1; {FRACTION}"]


def test_only_one_input_says_how_often_such_an_event_happens(tmp_path: Path) -> None:
    rates = [fixed(name, 1, "event/year") for name in ("one", "other")]
    found = faults(tmp_path, cost("fixed", mode="1"), *rates)
    assert found == [
        "inputs.csv:4 unit: another input says already how often such an event happens;"
        " keep one input in event/year"
    ]
