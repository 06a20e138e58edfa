"""What can go wrong, said so that it can be repaired: where, what, how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ParamSpec, TypeVar

Found = TypeVar("Found")
Asked = ParamSpec("Asked")


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


def checked(function: Callable[Asked, Found]) -> Callable[Asked, Found]:
    """The function, raising BadInput where an argument is of another kind than it declares.

    Looked at are texts, whole numbers, paths and what the kit's own functions return. papermill
    gives `-p as_of 2026` as a number, and a case is easily mistaken for its name.
    """
    from functools import wraps
    from inspect import signature

    declared = signature(function)

    @wraps(function)
    def asked(*given: Asked.args, **named: Asked.kwargs) -> Found:
        faults = []
        for name, value in declared.bind(*given, **named).arguments.items():
            part = declared.parameters[name]
            if part.kind is part.VAR_POSITIONAL:
                wrong = [fault for one in value for fault in unlike(name, one, part.annotation)]
                faults += [Fault(name, fault.what, "pass each by itself") for fault in wrong]
            else:
                faults += unlike(name, value, str(part.annotation))
        if faults:
            raise BadInput(faults)
        return function(*given, **named)

    return asked


_KINDS = {  # what a declared kind is called, and how one is given
    "str": ("text", 'write {name}="..." ("" for none), with papermill -r {name} ...'),
    "int": ("a whole number", "write digits alone, such as {name}=1000"),
    "float": ("a number", "write {name}=0.5"),
    "bool": ("True or False", "write {name}=True or {name}=False"),
    "None": ("None", ""),
    "Path": ("a path", 'write {name}="..." with an id or a folder, with papermill -r {name} ...'),
    "Case": ("a case", 'pass impact.view(impact.load_case("mercor")); of a run, run.known'),
    "Run": ("a run", "pass impact.simulate(known)"),
    "Answer": ("an answer", "pass what impact.scan(...) returns"),
    "Sequence[str]": ("a list of texts", 'write {name}=["...", "..."]'),
    "Iterable[Change]": ("a list of changes", 'write {name}="NAME=VALUE; NAME=LOW,MODE,HIGH"'),
}


def unlike(name: str, value: object, annotation: str) -> list[Fault]:
    """The fault of an argument that is none of the kinds that its annotation names, if any.

    >>> print(*unlike("draws", "1000", "int"))
    draws: '1000' is of type str, not a whole number; write digits alone, such as draws=1000
    """
    wanted = [kind.strip() for kind in annotation.split("|")]
    if not set(wanted) <= _KINDS.keys() or any(_is(value, kind) for kind in wanted):
        return []
    told = f"{value!r} "[:60] if isinstance(value, int | float | str) else ""
    called = [_KINDS[kind] for kind in wanted if kind != "None"]
    what = f"{told}is of type {type(value).__name__}, not {' or '.join(of for of, _ in called)}"
    return [Fault(name, what, called[-1][1].format(name=name))]


def _is(value: object, kind: str) -> bool:
    """Whether a value is of a kind, by the name of its class: nothing is imported for it."""
    names = [of.__name__ for of in type(value).__mro__]
    _, _, item = kind.rstrip("]").partition("[")
    if item:
        several: Any = value if hasattr(value, "__iter__") and "str" not in names else [None]
        return hasattr(value, "__next__") or all(_is(one, item) for one in several)
    return (kind in names or f"{kind}Type" in names) and not (kind == "int" and "bool" in names)
