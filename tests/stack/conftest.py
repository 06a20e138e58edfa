"""Where the real files of other projects lie."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real locks, manifests, SBOMs and advisories of public projects, with known answers."""
    home = Path(__file__).resolve().parents[3] / "shared" / "acceptance" / "corpus"
    if not home.is_dir():
        pytest.skip("the acceptance corpus is not beside this checkout")
    return home
