"""What the tests of reports share: a small case and a small notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

import impact
from notebooks import case_of, notebook


@pytest.fixture
def small(tmp_path: Path) -> impact.Case:
    """A case of two parties with five scenarios, three of them a grid."""
    return impact.load_case(case_of(tmp_path / "cases" / "tiny"))


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    """A notebook with two answers."""
    return notebook(
        tmp_path / "notebooks" / "00_small.ipynb", "impact.losses(run)", "impact.exposure(run)"
    )


@pytest.fixture(scope="session")
def mercor() -> impact.Case:
    """The bundled case."""
    return impact.load_case("mercor")
