"""Every public name says what to pass where it is given something else."""

from __future__ import annotations

import datetime
import inspect
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


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"scan"}))  # which takes any number of paths
@pytest.mark.parametrize("value", [object(), 5, 2.5, True, ["x"], b"x"])
def test_a_first_argument_of_another_kind_is_told_and_never_a_traceback(
    name: str, value: object
) -> None:
    function = getattr(impact, name)
    parts = inspect.signature(function).parameters.values()
    needed = [part for part in parts if part.default is part.empty]
    first = next(iter(parts)).name
    with pytest.raises(BadInput) as raised:
        function(*[value] * max(1, len(needed)))
    assert str(raised.value).startswith(f"{first}: ")


A_CASE = 'not a case; pass impact.view(impact.load_case("mercor")); of a run, run.known'
DIGITS = "not a whole number; write digits alone, such as draws=1000"


def a_text(name: str) -> str:
    """What is said of a text that is none."""
    return f'not text; write {name}="..." ("" for none), with papermill -r {name} ...'


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("losses(run.known)", "run: is of type Case, not a run; pass impact.simulate(known)"),
        ("view('mercor')", f"case: 'mercor' is of type str, {A_CASE}"),
        ("simulate('mercor')", f"known: 'mercor' is of type str, {A_CASE}"),
        ("timeline(run)", f"known: is of type Run, {A_CASE}"),
        ("view(run.known, as_of=2026)", f"as_of: 2026 is of type int, {a_text('as_of')}"),
        (
            "view(run.known, as_of=datetime.date(2026, 4, 3))",
            f"as_of: is of type date, {a_text('as_of')}",
        ),
        ("view(run.known, 5)", f"scenario: 5 is of type int, {a_text('scenario')}"),
        ("view(run.known, changes=None)", f"changes: is of type NoneType, {a_text('changes')}"),
        (
            "what_if(run, {'pause_weeks': 5})",
            "changes: is of type dict, not text or a list of changes;"
            ' write changes="NAME=VALUE; NAME=LOW,MODE,HIGH"',
        ),
        ("simulate(run.known, 1e3)", f"draws: 1000.0 is of type float, {DIGITS}"),
        ("simulate(run.known, '1000')", f"draws: '1000' is of type str, {DIGITS}"),
        ("simulate(run.known, True)", f"draws: True is of type bool, {DIGITS}"),
        ("simulate(run.known, np.int64(100))", f"draws: is of type int64, {DIGITS}"),
        (
            "compare(run, 'long-pause')",
            "scenarios: 'long-pause' is of type str, not a list of texts;"
            ' write scenarios=["...", "..."]',
        ),
        (
            "load_case(2026)",
            "case: 2026 is of type int, not text or a path;"
            ' write case="..." with an id or a folder, with papermill -r case ...',
        ),
        (
            "systems(run)",
            "scanned: is of type Run, not an answer; pass what impact.scan(...) returns",
        ),
        (
            "scan(['uv.lock'], known=run.known)",
            "paths: is of type list, not text or a path; pass each by itself",
        ),
    ],
)
def test_it_is_said_what_to_pass(run: impact.Run, asked: str, told: str) -> None:
    names = {"impact": impact, "run": run, "datetime": datetime, "np": np}
    with pytest.raises(BadInput) as raised:
        eval(f"impact.{asked}", names)
    assert str(raised.value) == told


def test_several_wrong_arguments_are_told_at_once(run: impact.Run) -> None:
    with pytest.raises(BadInput) as raised:
        impact.view(run.known, 5, 2026)  # type: ignore[arg-type]
    assert [fault.where for fault in raised.value.faults] == ["scenario", "as_of"]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("x", "str"),
        (None, "str | None"),
        (5, "int"),
        (5, "Iterable[Other]"),
        (["x"], "Sequence[str]"),
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
        f"as_of: 2026 is of type int, {a_text('as_of')}",
        f"draws: 1000.0 is of type float, {DIGITS}",
    ]
