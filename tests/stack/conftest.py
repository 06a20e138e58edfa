"""Where the real files lie: those of other projects, and small ones made by each tool."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real locks, manifests, SBOMs and advisories of public projects, with known answers."""
    home = Path(__file__).resolve().parents[3] / "shared" / "acceptance" / "corpus"
    if not home.is_dir():
        pytest.skip("the acceptance corpus is not beside this checkout")
    return home


@pytest.fixture(scope="session")
def assets() -> Path:
    """Small locks and SBOMs, each written by its own tool; index.csv says what is in them."""
    return Path(__file__).resolve().parents[1] / "assets" / "stack"
