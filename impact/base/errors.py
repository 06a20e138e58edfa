"""What can go wrong, said so that it can be repaired: where, what, how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ParamSpec, TypeVar

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
        try:
            arguments = declared.bind(*given, **named).arguments
        except TypeError:  # too many or too few: as Python says it
            return function(*given, **named)
        faults = []
        for name, value in arguments.items():
            part = declared.parameters[name]
            if part.kind not in (part.VAR_POSITIONAL, part.VAR_KEYWORD):
                faults += unlike(name, value, str(part.annotation))
        if faults:
            raise BadInput(faults)
        return function(*given, **named)

    return asked


_LOAD = 'impact.load_case("mercor")'
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "None": "None",
    "Path": "a path",
    "Case": "a case",
    "Run": "a run",
    "Answer": "an answer",
    "Sequence[str]": "a list of texts",
    "Iterable[Change]": "a list of changes",
}


def unlike(name: str, value: object, annotation: str) -> list[Fault]:
    """The fault of an argument that is none of the kinds that its annotation names, if any.

    >>> print(*unlike("as_of", 2026, "str | None"))
    as_of: 2026 is a number, not text; write as_of="2026", with papermill -r as_of 2026
    """
    wanted = [kind.strip() for kind in annotation.split("|")]
    if not set(wanted) <= _KINDS.keys() or any(_is(value, kind) for kind in wanted):
        return []
    of = "a number" if isinstance(value, int | float) else f"of type {type(value).__name__}"
    of = {bool: "True or False", str: "text", type(None): "None"}.get(type(value), of)
    of = next((_KINDS[kind] for kind in ("Case", "Run", "Answer") if _is(value, kind)), of)
    told = f"{value!r} " if isinstance(value, int | float | str) else ""
    others = [_KINDS[kind] for kind in wanted if kind != "None"]
    what = f"{told[:60]}is {of}, not {' or '.join(others)}"
    return [Fault(name, what, _instead(name, value, wanted[0]))]


def _is(value: object, kind: str) -> bool:
    """Whether a value is of a kind, by the name of its class: nothing is imported for it."""
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "Path":
        return hasattr(value, "__fspath__")
    if kind == "Sequence[str]":
        return hasattr(value, "__iter__") and not isinstance(value, str)
    if kind == "Iterable[Change]":
        listed = isinstance(value, list | tuple) and all(_is(one, "Change") for one in value)
        return listed or hasattr(value, "__next__")
    return (kind == "None" and value is None) or kind in [t.__name__ for t in type(value).__mro__]


def _instead(name: str, value: object, kind: str) -> str:
    """What to pass instead of a value of another kind."""
    if name == "changes" and value is not None:
        return 'write changes="NAME=VALUE; NAME=LOW,MODE,HIGH"'
    made = _LOAD if name == "case" else f"impact.view({_LOAD})"
    if kind == "Case":
        return "pass run.known" if _is(value, "Run") else f"pass {made}"
    if kind == "Run":
        return f"pass impact.simulate({'known' if _is(value, 'Case') else made})"
    if kind == "Answer":
        return "pass what impact.scan(...) returns"
    if kind == "Sequence[str]":
        return f'write {name}=["{value}"]'
    if kind == "int" and str(value).strip().removesuffix(".0").isdigit():
        return f"write {name}={str(value).strip().removesuffix('.0')}"
    if kind == "str" and not (_is(value, "Case") or _is(value, "Run") or value is None):
        raw = f", with papermill -r {name} {value}" if isinstance(value, int | float) else ""
        return f'write {name}="{value}"{raw}'[:120]
    if kind == "str" and name != "case":
        return f'give {name} as text, "" for none'
    return "name it by its id or its folder" if kind == "str" else f"give {_KINDS[kind]}"
