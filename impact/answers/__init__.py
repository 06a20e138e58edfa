"""Answers: a function from a view or a run to an `Answer`, its words in the template beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impact.answers.answer import Answer
    from impact.simulation import Run


def asked_of(carrier: str) -> dict[str, Callable[..., Answer]]:
    """Name -> question that one carrier is enough for: a "Case" (a view), or a "Run"."""
    found: dict[str, Callable[..., Answer]] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        for name, function in inspect.getmembers(import_module(module.name), inspect.isfunction):
            signature = inspect.signature(function)
            parameters = signature.parameters.values()
            needed = [one.annotation for one in parameters if one.default is one.empty]
            asks = (needed, signature.return_annotation) == ([carrier], "Answer")
            if asks and function.__module__ == module.name and not name.startswith("_"):
                found[name] = function
    return found


def answers(run: Run) -> Iterator[Answer]:
    """The answers to all that a run, and its view, can be asked."""
    yield from (ask(run.known) for ask in asked_of("Case").values())
    yield from (ask(run) for ask in asked_of("Run").values())
