"""Changes of inputs: one grammar for `--set`, notebooks and scenarios.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from impact.base.errors import BadInput, Fault

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True, order=True)
class Change:
    """One input given another estimate; low = mode = high is a fixed value."""

    name: str
    low: float
    mode: float
    high: float

    def __str__(self) -> str:
        """The change in the grammar of `--set`."""
        if self.low == self.high:
            return f"{self.name}={_exact(self.mode)}"
        return f"{self.name}={','.join(map(_exact, (self.low, self.mode, self.high)))}"


def _exact(value: float) -> str:
    """A number that reads back as the same number."""
    return repr(value).removesuffix(".0")


def parse_changes(text: str) -> tuple[Change, ...]:
    """Changes written as `NAME=VALUE; NAME=LOW,MODE,HIGH`; raises BadInput with all faults.

    >>> [str(change) for change in parse_changes("pause_weeks=52; p=0.1,0.2,0.3")]
    ['pause_weeks=52', 'p=0.1,0.2,0.3']
    """
    estimates, wrong = list[tuple[str, object]](), list[Fault]()
    for item in filter(None, (part.strip() for part in text.split(";"))):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not sign or not NAME.fullmatch(name):
            wrong.append(Fault("changes", f'"{item[:60]}" is no change', "write NAME=VALUE"))
            continue
        try:
            estimates.append((name, [float(part) for part in value.split(",")]))
        except ValueError:
            estimates.append((name, value))
    changes, faults = read_changes("changes", estimates)
    names = [change.name for change in changes]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        several = "; ".join(str(change) for change in changes if change.name == name)
        what = f"is set more than once: {several}"
        faults.append(Fault(f"changes {name}", what, "keep one"))
    if wrong or faults:
        raise BadInput(wrong + faults)
    return tuple(changes)


def read_changes(
    where: str, estimates: Iterable[tuple[str, object]]
) -> tuple[list[Change], list[Fault]]:
    """(changes, faults) of estimates by the name of their input: a number, or [low, mode, high]."""
    changes, faults = list[Change](), list[Fault]()
    for name, estimate in estimates:
        values: list[Any] = estimate if isinstance(estimate, list) else [estimate]
        numeric = all(
            isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300
            for v in values
        )
        if not numeric or len(values) not in (1, 3):
            what, repair = (
                f'"{str(estimate)[:60]}" is no estimate',
                "write one number, or low,mode,high",
            )
            faults.append(Fault(f"{where} {name}", what, repair))
        elif values != sorted(values):
            what, repair = "low, mode and high are not in order", "write low <= mode <= high"
            faults.append(Fault(f"{where} {name}", what, repair))
        else:
            changes.append(Change(name, *map(float, values * (3 // len(values)))))
    return changes, faults
