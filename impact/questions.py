"""The questions: the public functions that return an `Answer`. `__init__.pyi` lists them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import impact
from impact.answers.answer import Answer
from impact.simulation import Run


def asked_of(carrier: str) -> dict[str, Callable[..., Answer]]:
    """Name -> question that one carrier is enough for: a "Case" (a view), or a "Run"."""
    found = {}
    for name in impact.__all__:
        signature = inspect.signature(getattr(impact, name))
        first, *others = signature.parameters.values()
        needs = [one for one in others if one.default is one.empty]
        if (first.annotation, signature.return_annotation, needs) == (carrier, "Answer", []):
            found[name] = getattr(impact, name)
    return found


def answers(run: Run) -> Iterator[Answer]:
    """The answers to all that a run, and its view, can be asked."""
    yield from (ask(run.known) for ask in asked_of("Case").values())
    yield from (ask(run) for ask in asked_of("Run").values())
