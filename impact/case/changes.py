"""Changes of inputs: one grammar for `--set`, notebooks and scenarios.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def parse_changes(text: str, where: str = "changes") -> tuple[Change, ...]:
    """Changes written as `NAME=VALUE; NAME=LOW,MODE,HIGH`; raises BadInput with all faults.

    >>> [str(change) for change in parse_changes("pause_weeks=52; p=0.1,0.2,0.3")]
    ['pause_weeks=52', 'p=0.1,0.2,0.3']
    """
    changes: list[Change] = []
    faults: list[Fault] = []
    for item in (part.strip() for part in text.split(";")):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not item:
            continue
        if not sign or not NAME.fullmatch(name):
            faults.append(Fault(where, f'"{item[:60]}" is no change', "write NAME=VALUE"))
            continue
        try:
            estimate: object = [float(part) for part in value.split(",")]
        except ValueError:
            estimate = value
        read_estimate(where, name, estimate, changes, faults)
    if faults:
        raise BadInput(faults)
    return tuple(changes)


def asked_for(text: str) -> tuple[Change, ...]:
    """The changes asked for in a text; raises BadInput where two are of one input."""
    changes = parse_changes(text)
    by_name: dict[str, list[str]] = {}
    for change in changes:
        by_name.setdefault(change.name, []).append(str(change))
    if faults := [
        Fault(f"changes {name}", f"is set more than once: {'; '.join(several)}", "keep one")
        for name, several in by_name.items()
        if len(several) > 1
    ]:
        raise BadInput(faults)
    return changes


def read_estimate(
    where: str, name: str, estimate: object, changes: list[Change], faults: list[Fault]
) -> None:
    """Add the change that an estimate of an input is to `changes`, or what is wrong to `faults`."""
    values = list(estimate) if isinstance(estimate, list) else [estimate]
    numeric = all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300 for v in values
    )
    if not numeric or len(values) not in (1, 3):
        repair = "write one number, or low,mode,high"
        faults.append(Fault(f"{where} {name}", f'"{str(estimate)[:60]}" is no estimate', repair))
        return
    low, mode, high = (float(str(v)) for v in (values * 3 if len(values) == 1 else values))
    if low <= mode <= high:
        changes.append(Change(name, low, mode, high))
    else:
        what, repair = "low, mode and high are not in order", "write low <= mode <= high"
        faults.append(Fault(f"{where} {name}", what, repair))
