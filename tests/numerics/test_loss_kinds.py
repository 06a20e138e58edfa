"""Units of arguments, and the amounts that each kind of loss makes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.numerics import loss_kinds

NAMES = st.sampled_from(["USD", "person", "hour", "week", "person_week", "share", "chance", "1"])


@st.composite
def units(draw: st.DrawFn) -> str:
    """A unit such as `USD/person/hour` or `person*week`."""
    above = draw(st.lists(NAMES, min_size=1, max_size=3))
    below = draw(st.lists(NAMES, max_size=3))
    return "/".join(["*".join(above), *below])


@pytest.mark.parametrize(
    ("unit", "powers"),
    [
        ("USD", {"USD": 1}),
        ("USD/hour", {"USD": 1, "hour": -1}),
        ("hour/week/person", {"hour": 1, "week": -1, "person": -1}),
        ("person*week", {"person": 1, "week": 1}),
        ("USD/person*week", {"USD": 1, "person": -1, "week": -1}),
        ("hour*hour", {"hour": 2}),
        ("hour/hour", {}),
        ("share", {}),
        ("chance", {}),
        ("1", {}),
        ("1/week", {"week": -1}),
        ("USD / hour", {"USD": 1, "hour": -1}),
    ],
)
def test_a_unit_has_these_powers(unit: str, powers: dict[str, int]) -> None:
    assert loss_kinds.dimension(unit) == powers


@pytest.mark.parametrize(
    "unit", ["", "USD/", "/hour", "USD//hour", "US$", "Person", "2", "USD per"]
)
def test_what_is_no_unit_is_refused(unit: str) -> None:
    with pytest.raises(ValueError, match="is not a unit"):
        loss_kinds.dimension(unit)


@given(units(), units())
def test_units_multiply_in_either_order(one: str, other: str) -> None:
    assert loss_kinds.times(one, other) == loss_kinds.times(other, one)


@given(units(), units())
def test_powers_add_up_in_a_product(one: str, other: str) -> None:
    left, right = loss_kinds.dimension(one), loss_kinds.dimension(other)
    names = {*left, *right}
    added = {name: left.get(name, 0) + right.get(name, 0) for name in names}
    assert loss_kinds.times(one, other) == {name: n for name, n in added.items() if n}


@given(units())
def test_a_unit_over_itself_is_none(unit: str) -> None:
    above, *below = unit.split("/")
    inverse = "/".join(["*".join(below) or "1", *above.split("*")])
    assert loss_kinds.times(unit, inverse) == {}


def test_a_product_multiplies_draw_by_draw() -> None:
    found = loss_kinds.product(
        {"weeks": np.array([1.0, 2.0, 0.0]), "people": np.array([10.0, 20.0, 30.0]), "pay": 5.0}
    )
    assert found.tolist() == [50.0, 200.0, 0.0]


def test_the_order_of_arguments_does_not_move_a_product_by_one_bit() -> None:
    rng = np.random.default_rng(1)
    named = {name: rng.lognormal(size=1000) for name in "abcdef"}
    turned = dict(reversed(named.items()))
    assert np.array_equal(loss_kinds.product(named), loss_kinds.product(turned))


def test_records_cost_more_with_more_people_and_nothing_without() -> None:
    people = np.array([0.0, 1.0, 1000.0, 100_000.0])
    found = loss_kinds.records(
        {"people": people, "intercept": 7.0, "slope": 0.75, "residual": 1.0, "share": 1.0}
    )
    assert found[0] == 0
    assert found[1] == pytest.approx(np.exp(7.0))
    assert found[3] / found[2] == pytest.approx(100**0.75)


def test_the_residual_of_records_is_a_factor() -> None:
    arguments = {"people": np.full(3, 500.0), "intercept": 7.0, "slope": 0.75}
    arguments = {**arguments, "share": 1.0}
    one = loss_kinds.records({**arguments, "residual": np.ones(3)})
    other = loss_kinds.records({**arguments, "residual": np.array([0.5, 1.0, 2.0])})
    assert (other / one).tolist() == [0.5, 1.0, 2.0]


RECORDS = {"people": "person", "intercept": "1", "slope": "1", "residual": "1", "share": "1"}


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("product", {"a": "USD"}),
        ("product", {"a": "person", "b": "week", "c": "hour/week/person", "d": "USD/hour"}),
        ("product", {"a": "USD/week", "b": "week", "c": "share", "d": "chance"}),
        ("records", RECORDS),
        ("records", {**RECORDS, "residual": "share"}),
    ],
)
def test_arguments_that_come_out_as_usd_are_accepted(kind: str, named: dict[str, str]) -> None:
    assert loss_kinds.unit_fault(kind, named) is None


@pytest.mark.parametrize(
    ("kind", "named", "fault"),
    [
        ("product", {"a": "USD/week"}, "multiply to USD^1 week^-1, not to USD"),
        ("product", {"a": "USD", "b": "USD"}, "multiply to USD^2, not to USD"),
        ("product", {"a": "share"}, "multiply to no unit, not to USD"),
        ("product", {}, "multiply to no unit, not to USD"),
        (
            "records",
            {"people": "person"},
            "takes intercept, people, residual, share, slope, not people",
        ),
        (
            "records",
            {**RECORDS, "extra": "1"},
            "share, slope, not extra, intercept, people, residual, share, slope",
        ),
        ("records", {**RECORDS, "people": "week"}, "people must be in person, not week"),
    ],
)
def test_arguments_that_do_not_are_told(kind: str, named: dict[str, str], fault: str) -> None:
    assert fault in (loss_kinds.unit_fault(kind, named) or "")


def test_a_kind_of_ones_own_is_in_the_currency_of_the_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_kinds, "KINDS", dict(loss_kinds.KINDS))

    @loss_kinds.kind(people="person", each="CUR/person")
    def per_person(arguments: dict[str, np.ndarray]) -> np.ndarray:
        return arguments["people"] * arguments["each"]

    named = {"people": "person", "each": "EUR/person"}
    assert loss_kinds.unit_fault("per_person", named, "EUR") is None
    assert loss_kinds.unit_fault("per_person", named, "USD") == (
        "each must be in USD/person, not EUR/person"
    )
