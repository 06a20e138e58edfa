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
        ("USD / hour", {"USD": 1, "hour": -1}),
        ("hour/week/person", {"hour": 1, "week": -1, "person": -1}),
        ("person*week", {"person": 1, "week": 1}),
        ("USD/person*week", {"USD": 1, "person": -1, "week": -1}),
        ("hour*hour", {"hour": 2}),
        ("1/week", {"week": -1}),
        *((unit, {}) for unit in ("hour/hour", "share", "chance", "1")),
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
def test_powers_add_up_in_a_product_in_either_order(one: str, other: str) -> None:
    left, right = loss_kinds.dimension(one), loss_kinds.dimension(other)
    names = {*left, *right}
    added = {name: left.get(name, 0) + right.get(name, 0) for name in names}
    assert loss_kinds.dimension(one, other) == {name: n for name, n in added.items() if n}
    assert loss_kinds.dimension(other, one) == loss_kinds.dimension(one, other)


@given(units())
def test_a_unit_over_itself_is_none(unit: str) -> None:
    above, *below = unit.split("/")
    inverse = "/".join(["*".join(below) or "1", *above.split("*")])
    assert loss_kinds.dimension(unit, inverse) == {}


def test_a_product_multiplies_draw_by_draw_in_any_order_to_the_same_bits() -> None:
    weeks, people = np.array([1.0, 2.0, 0.0]), np.array([10.0, 20.0, 30.0])
    found = loss_kinds.product({"weeks": weeks, "people": people, "pay": 5.0})
    assert found.tolist() == [50.0, 200.0, 0.0]
    rng = np.random.default_rng(1)
    named = {name: rng.lognormal(size=1000) for name in "abcdef"}
    turned = dict(reversed(named.items()))
    assert np.array_equal(loss_kinds.product(named), loss_kinds.product(turned))


def test_records_cost_more_with_more_people_nothing_without_and_by_a_factor() -> None:
    arguments = {"intercept": 7.0, "slope": 0.75, "share": 1.0}
    people = np.array([0.0, 1.0, 1000.0, 100_000.0])
    one = loss_kinds.records({**arguments, "people": people, "residual": np.ones(4)})
    assert one[0] == 0
    assert one[1] == pytest.approx(np.exp(7.0))
    assert one[3] / one[2] == pytest.approx(100**0.75)
    factor = np.array([1.0, 0.5, 1.0, 2.0])
    other = loss_kinds.records({**arguments, "people": people, "residual": factor})
    assert (other[1:] / one[1:]).tolist() == factor[1:].tolist()


RECORDS = {"people": "person", "intercept": "1", "slope": "1", "residual": "1", "share": "1"}


@pytest.mark.parametrize(
    ("kind", "named", "fault"),
    [
        ("product", {"a": "USD"}, None),
        ("product", {"a": "person", "b": "week", "c": "hour/week/person", "d": "USD/hour"}, None),
        ("product", {"a": "USD/week", "b": "week", "c": "share", "d": "chance"}, None),
        ("records", RECORDS, None),
        ("records", {**RECORDS, "residual": "share"}, None),
        ("product", {"a": "USD/week"}, "the arguments multiply to USD^1 week^-1, not to USD"),
        ("product", {"a": "USD", "b": "USD"}, "the arguments multiply to USD^2, not to USD"),
        ("product", {"a": "share"}, "the arguments multiply to no unit, not to USD"),
        ("product", {}, "the arguments multiply to no unit, not to USD"),
        (
            "records",
            {"people": "person"},
            f"records takes {', '.join(sorted(RECORDS))}, not people",
        ),
        (
            "records",
            {**RECORDS, "extra": "1"},
            f"records takes {', '.join(sorted(RECORDS))}, not extra, {', '.join(sorted(RECORDS))}",
        ),
        ("records", {**RECORDS, "people": "week"}, "people must be in person, not week"),
    ],
)
def test_arguments_come_out_as_usd_or_it_is_told_why_not(
    kind: str, named: dict[str, str], fault: str | None
) -> None:
    assert loss_kinds.unit_fault(kind, named) == fault


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
