"""Every public name says what to pass where it is given something else."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import impact
from impact.base.errors import BadInput, unlike

FUNCTIONS = [name for name in impact.__all__ if inspect.isfunction(getattr(impact, name))]


@pytest.fixture(scope="module")
def run() -> impact.Run:
    """A small run of the bundled case."""
    return impact.simulate(impact.view(impact.load_case("mercor")), 500)


def test_all_public_names_but_the_carriers_are_looked_after() -> None:
    assert sorted({*impact.__all__} - {*FUNCTIONS}) == ["Answer", "Case", "Run"]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", [object(), 5, 2.5, True, ["x"], b"x"])
def test_a_first_argument_of_another_kind_is_told_and_never_a_traceback(
    name: str, value: object
) -> None:
    if name == "scan":  # takes any number of paths
        return
    function = getattr(impact, name)
    parts = inspect.signature(function).parameters.values()
    needed = [part for part in parts if part.default is part.empty]
    first = next(iter(parts)).name
    with pytest.raises(BadInput) as raised:
        function(*[value] * max(1, len(needed)))
    assert str(raised.value).startswith(f"{first}: ")


ASKED: list[tuple[Callable[[impact.Run], object], str]] = [
    (
        lambda run: impact.losses(run.known),  # type: ignore[arg-type]
        "run: is of type Case, not a run; pass impact.simulate(known)",
    ),
    (
        lambda _: impact.view("mercor"),  # type: ignore[arg-type]
        "case: 'mercor' is of type str, not a case;"
        ' pass impact.view(impact.load_case("mercor")); of a run, run.known',
    ),
    (
        lambda _: impact.simulate("mercor"),  # type: ignore[arg-type]
        "known: 'mercor' is of type str, not a case;"
        ' pass impact.view(impact.load_case("mercor")); of a run, run.known',
    ),
    (
        lambda run: impact.timeline(run),  # type: ignore[arg-type]
        "known: is of type Run, not a case;"
        ' pass impact.view(impact.load_case("mercor")); of a run, run.known',
    ),
    (
        lambda run: impact.view(run.known, as_of=2026),  # type: ignore[arg-type]
        'as_of: 2026 is of type int, not text; write as_of="..." ("" for none),'
        " with papermill -r as_of ...",
    ),
    (
        lambda run: impact.view(run.known, as_of=datetime.date(2026, 4, 3)),  # type: ignore[arg-type]
        'as_of: is of type date, not text; write as_of="..." ("" for none),'
        " with papermill -r as_of ...",
    ),
    (
        lambda run: impact.view(run.known, 5),  # type: ignore[arg-type]
        'scenario: 5 is of type int, not text; write scenario="..." ("" for none),'
        " with papermill -r scenario ...",
    ),
    (
        lambda run: impact.what_if(run, {"pause_weeks": 5}),  # type: ignore[arg-type]
        "changes: is of type dict, not text or a list of changes;"
        ' write changes="NAME=VALUE; NAME=LOW,MODE,HIGH"',
    ),
    (
        lambda run: impact.view(run.known, changes=None),  # type: ignore[arg-type]
        'changes: is of type NoneType, not text; write changes="..." ("" for none),'
        " with papermill -r changes ...",
    ),
    (
        lambda run: impact.simulate(run.known, 1e3),  # type: ignore[arg-type]
        "draws: 1000.0 is of type float, not a whole number;"
        " write digits alone, such as draws=1000",
    ),
    (
        lambda run: impact.simulate(run.known, "1000"),  # type: ignore[arg-type]
        "draws: '1000' is of type str, not a whole number; write digits alone, such as draws=1000",
    ),
    (
        lambda run: impact.simulate(run.known, True),
        "draws: True is of type bool, not a whole number; write digits alone, such as draws=1000",
    ),
    (
        lambda run: impact.simulate(run.known, np.int64(100)),  # type: ignore[arg-type]
        "draws: is of type int64, not a whole number; write digits alone, such as draws=1000",
    ),
    (
        lambda run: impact.compare(run, "long-pause"),
        'scenarios: \'long-pause\' is of type str, not a list of texts;'
        ' write scenarios=["...", "..."]',
    ),
    (
        lambda _: impact.load_case(2026),  # type: ignore[arg-type]
        "case: 2026 is of type int, not text or a path;"
        ' write case="..." with an id or a folder, with papermill -r case ...',
    ),
    (
        lambda run: impact.systems(run),  # type: ignore[arg-type]
        "scanned: is of type Run, not an answer; pass what impact.scan(...) returns",
    ),
    (
        lambda run: impact.scan(["uv.lock"], known=run.known),  # type: ignore[arg-type]
        "paths: is of type list, not text or a path; pass each by itself",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "told"), ASKED)
def test_it_is_said_what_to_pass(
    run: impact.Run, ask: Callable[[impact.Run], object], told: str
) -> None:
    with pytest.raises(BadInput) as raised:
        ask(run)
    assert str(raised.value) == told.lstrip()


def test_several_wrong_arguments_are_told_at_once(run: impact.Run) -> None:
    with pytest.raises(BadInput) as raised:
        impact.view(run.known, 5, 2026)  # type: ignore[arg-type]
    assert [fault.where for fault in raised.value.faults] == ["scenario", "as_of"]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        *(("x", "str"), (None, "str | None"), (5, "int")),
        *((5, "Iterable[Other]"), (["x"], "Sequence[str]")),
    ],
)
def test_what_is_declared_or_not_known_passes(value: Any, annotation: str) -> None:
    assert unlike("name", value, annotation) == []


def test_the_parameters_of_a_report_are_looked_at_too(run: impact.Run) -> None:
    from impact.reports.plan import Parameters, plan

    given = Parameters(as_of=2026, draws=1e3)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as raised:
        plan(impact.load_case("mercor"), [], ["baseline"], given)
    assert [str(fault) for fault in raised.value.faults] == [
        'as_of: 2026 is of type int, not text; write as_of="..." ("" for none),'
        " with papermill -r as_of ...",
        "draws: 1000.0 is of type float, not a whole number;"
        " write digits alone, such as draws=1000",
    ]
