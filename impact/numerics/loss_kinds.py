"""How an amount of loss is worked out: one function per kind, draws in, an amount of money out.

A kind takes arrays `(draws,)` or scalars by argument name and returns `(draws,)` in the currency of
the case. Units are checked before anything is drawn: a `product` must come out in that currency,
the other kinds state what each argument is. A new kind is a function with `@kind`, a test and rows
of losses.csv.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact.base.errors import bad
from impact.numerics import Draws

Amount = Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]
_DIMENSIONLESS = {"share", "chance", "1"}
_NAME = re.compile(r"[a-z][a-z_]*|[A-Z]{3}|1")
_CURRENCY = re.compile(r"[A-Z]{3}")
NO_MONEY = ("XTS", "XXX")  # codes of ISO 4217 for tests, and for no currency


def currencies() -> frozenset[str]:
    """The codes of ISO 4217, with those that are no longer in use, as Unicode CLDR lists them."""
    from babel.core import get_global

    every = get_global("territory_currencies").values()
    return frozenset(code for used in every for code, *_ in used).difference(NO_MONEY)


def money(unit: str) -> frozenset[str]:
    """The currencies in a unit.

    >>> sorted(money("EUR/person/hour")), sorted(money("person*hour"))
    (['EUR'], [])
    """
    return frozenset(_CURRENCY.findall(unit))


def dimension(*units: str) -> Mapping[str, int]:
    """Powers of the base units in a product of units such as `USD/person/hour`; raises ValueError.

    >>> dict(dimension("hour/week"))
    {'hour': 1, 'week': -1}
    """
    powers: Counter[str] = Counter()
    for unit in units:
        for position, part in enumerate(unit.split("/")):
            for name in map(str.strip, part.split("*")):
                if not _NAME.fullmatch(name):
                    raise ValueError(f'"{unit}" is not a unit')
                if name not in _DIMENSIONLESS:
                    powers[name] += -1 if position else 1
    return {name: power for name, power in powers.items() if power}


@dataclass(frozen=True)
class Kind:
    """A way to work out an amount; `units` names its arguments, or is None for any names.

    `currency` is the one that its amounts are in, empty where that follows from the arguments; in
    `units` CUR stands for that of the case. `linear` says that an amount is in proportion to each
    argument: only then can a decision flip on one, and are weeks of work counted.
    """

    amount: Amount
    units: Mapping[str, str] | None
    currency: str
    linear: bool


KINDS: dict[str, Kind] = {}


def kind(currency: str = "", linear: bool = False, **units: str) -> Callable[[Amount], Amount]:
    """Make a function the kind of loss of its name; see `Kind`."""

    def register(amount: Amount) -> Amount:
        KINDS[amount.__name__] = Kind(amount, units or None, currency, linear)
        return amount

    return register


@kind(linear=True)
def product(arguments: Mapping[str, Draws]) -> Draws:
    """Product of all arguments, whatever their names: people x hours x USD per hour x weeks."""
    amount: Draws = np.asarray(1.0)
    for name in sorted(arguments):
        amount = amount * arguments[name]
    return amount


@kind("USD", people="person", intercept="1", slope="1", residual="1", share="1")
def records(arguments: Mapping[str, Draws]) -> Draws:
    """Part of the cost of a breach by people: exp(intercept + slope ln(people)) x residual x share.

    The log-log regression of Jacobs (2014) on 115 cases of the Ponemon study: intercept 7.680,
    slope 0.758, residual lognormal with standard deviation 0.523. `share` is the part of that total
    that the row stands for. Nobody affected costs nothing. The amount is in USD.
    """
    people = np.asarray(arguments["people"], dtype=np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        exponent = arguments["intercept"] + arguments["slope"] * np.log(people)
        cost: Draws = np.where(people > 0, np.exp(exponent) * arguments["residual"], 0.0)
    if not np.isfinite(cost).all():
        repair = "check intercept and slope: 7.68 and 0.758 in the study"
        raise bad("records", "the cost comes to more than any number", repair)
    return cost * arguments["share"]


def unit_fault(kind: str, units: Mapping[str, str], currency: str = "USD") -> str | None:
    """What is wrong with the arguments of a loss (argument name -> unit) in a currency, or None."""
    wanted = KINDS[kind].units
    if KINDS[kind].currency not in ("", currency):
        return f"{kind} gives {KINDS[kind].currency}, and the case is in {currency}"
    if wanted is None:
        result = dimension(*units.values())
        if result == {currency: 1}:
            return None
        shown = " ".join(f"{name}^{power}" for name, power in sorted(result.items())) or "no unit"
        return f"the arguments multiply to {shown}, not to {currency}"
    if wanted.keys() != units.keys():
        return f"{kind} takes {', '.join(sorted(wanted))}, not {', '.join(sorted(units))}"
    for name, unit in sorted(units.items()):
        if dimension(unit) != dimension(right := wanted[name].replace("CUR", currency)):
            return f"{name} must be in {right}, not {unit}"
    return None
