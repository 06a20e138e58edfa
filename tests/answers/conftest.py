"""What the tests of answers share: tiny cases, worked out by hand, that a test writes in a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny import FILLED, GUARD, write

import impact
from impact.answers import asked_of

Tiny = Callable[..., impact.Case]
Cells = Mapping[str, str]
SERVICES = {**FILLED, "entities": {"kind": "service"}}


def _input(given: float | tuple[Any, ...] | Cells) -> Cells:
    """The cells of an input: `0.3`, `(100, "USD")`, `(10, 90, "USD")`, or the cells themselves."""
    if isinstance(given, Mapping):
        return given
    *values, unit = given if isinstance(given, tuple) else (given, "chance")
    if len(values) == 1:
        return {"mode": str(values[0]), "shape": "fixed", "unit": unit}
    return {"low": str(values[0]), "high": str(values[1]), "shape": "uniform", "unit": unit}


def _link(ends: str, given: str | Cells) -> Cells:
    """The cells of a link `source > target`, called `source-target` where it has no id."""
    source, target = ends.split(" > ")
    cells = {"chances": given} if isinstance(given, str) else given
    return {"id": f"{source}-{target}", "source": source, "target": target, **cells}


def _loss(name: str, given: str | Cells) -> Cells:
    """The cells of a loss: `bearer at entity: ARGUMENTS`, or the cells themselves."""
    if not isinstance(given, str):
        return {"id": name, "driver": name, **given}
    where, arguments = given.split(": ")
    bearer, needs = where.split(" at ")
    return {"id": name, "driver": name, "bearer": bearer, "needs": needs, "arguments": arguments}


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """`tiny(links, inputs, losses, kinds, toml)`: a case of these rows and of the entities in them.

    Links are `{"event > a": "p"}`, inputs as in `_input`, losses `{"pay": "a at b: cost=cost"}`;
    `kinds` maps an entity to its kind or cells; `toml` is `scenarios.toml`.
    """
    made: list[Path] = []

    def make(
        links: Mapping[str, str | Cells],
        inputs: Mapping[str, Any] | None = None,
        losses: Mapping[str, str | Cells] | None = None,
        kinds: Mapping[str, str | Cells] | None = None,
        toml: str = "# none",
    ) -> impact.Case:
        rows: dict[str, list[Cells]] = {
            "links": [_link(ends, given) for ends, given in links.items()],
            "inputs": [{"id": name, **_input(given)} for name, given in (inputs or {}).items()],
            "losses": [_loss(name, given) for name, given in (losses or {}).items()],
        }
        named = {"event": {"kind": "event"}}
        for row in [*rows["links"], *rows["losses"]]:
            for end in ("source", "target", "bearer", "needs", "received_by"):
                if row.get(end):
                    named.setdefault(row[end], {})
        for name, given in (kinds or {}).items():
            named[name] = {"kind": given} if isinstance(given, str) else dict(given)
        rows["entities"] = [{"id": name, "name": name, **own} for name, own in named.items()]
        folder = tmp_path / f"case{len(made)}"
        made.append(folder)
        return impact.load_case(write(folder, rows, toml, SERVICES))

    return make


@pytest.fixture
def guarded(tiny: Tiny) -> Tiny:
    """`guarded(links, inputs, losses, kinds, toml)`: `a` may guard itself against a harm.

    The harm costs 1,000 with a chance of .3, the guard 200; what a test gives comes on top.
    """

    def make(
        links: Mapping[str, str | Cells] | None = None,
        inputs: Mapping[str, Any] | None = None,
        losses: Mapping[str, str | Cells] | None = None,
        kinds: Mapping[str, str | Cells] | None = None,
        toml: str = GUARD,
    ) -> impact.Case:
        own = {
            "p": 0.3,
            "guard_usd": (200, "USD"),
            "guard_count": (0, "share"),
            "harm_usd": (1000, "USD"),
        }
        ways = {"event > hit": "p", "hit > harmed": "certain", "event > always": "certain"}
        costs: dict[str, str | Cells] = {
            "guarding": "a at always: cost=guard_usd; count=guard_count",
            "harm": "a at harmed: cost=harm_usd",
        }
        return tiny(
            ways | dict(links or {}),
            own | dict(inputs or {}),
            costs | dict(losses or {}),
            kinds,
            toml,
        )

    return make


@pytest.fixture(scope="session")
def mercor() -> impact.Case:
    """The bundled case."""
    return impact.load_case("mercor")


@pytest.fixture(scope="session")
def run(mercor: impact.Case) -> impact.Run:
    """A run of the bundled case."""
    return impact.simulate(impact.view(mercor))


@pytest.fixture(scope="session")
def year(mercor: impact.Case) -> impact.Run:
    """Years of the bundled case."""
    return impact.simulate_year(impact.view(mercor))


@pytest.fixture(scope="session")
def of_run() -> tuple[str, ...]:
    """The names of the questions to a run."""
    return tuple(asked_of("Run"))
