"""What can go wrong, said so that it can be repaired: where, what, how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong: `where: what; repair`."""

    where: str
    what: str
    repair: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.repair}"


class ImpactError(Exception):
    """Base of all errors of the kit; `faults` holds every fault found, in order."""

    exit_status = 2

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class BadInput(ImpactError):
    """A table, a parameter or a file is wrong: exit status 2."""


class Refusal(ImpactError):
    """The input is valid, but the answer may not or cannot be given: exit status 1."""

    exit_status = 1


def did_you_mean(word: str, known: Sequence[str], otherwise: str) -> str:
    """The repair for an unknown word: the nearest known one, else `otherwise`.

    >>> did_you_mean("mercr", ["mercor", "meta"], "add it")
    'did you mean "mercor"?'
    """
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else otherwise


def bad(where: str, what: str, repair: str) -> BadInput:
    """A `BadInput` with one fault."""
    return BadInput(Fault(where, what, repair))
