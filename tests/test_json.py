"""JSON is read as JSON: no NaN, no infinity, in any field, of any file."""

from __future__ import annotations

import json
from pathlib import Path

import commands
import pytest

from impact.base import texts
from impact.base.errors import BadInput
from impact.reports import files, plan
from impact.stack.documents import Source, from_json

STRANGE = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "[[1e400]]")


@pytest.mark.parametrize("value", STRANGE)
def test_a_number_that_is_none_is_told_with_its_file(value: str) -> None:
    with pytest.raises(
        BadInput, match=r"bom\.json: cannot be read as JSON \(.*(is no number|is too large)"
    ):
        from_json(Source(f'{{"unread": {value}}}', "bom.json"))
    with pytest.raises(ValueError, match=r"is no number of JSON|is too large"):
        texts.from_json(value)


@pytest.mark.parametrize("value", ["1e308", "-0.0", "5e-324", '"NaN"', "123456789012345678901234"])
def test_every_other_number_is_read_as_python_reads_it(value: str) -> None:
    assert texts.from_json(value) == json.loads(value)


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("place", ["bom.json", "advisories/a.json"])
def test_a_scan_of_such_a_file_says_which_was_not_read(
    tmp_path: Path, value: str, place: str
) -> None:
    bom = '{"bomFormat": "CycloneDX", "specVersion": "1.5", "unread": 0, "components": []}'
    package = '{"package": {"ecosystem": "npm", "name": "chalk"}, "versions": ["5.6.1"]}'
    advisory = f'{{"id": "MAL-1", "unread": 0, "affected": [{package}]}}'
    (tmp_path / "advisories").mkdir()
    for name, text in (("bom", bom), ("advisories/a", advisory), ("advisories/b", advisory)):
        (tmp_path / f"{name}.json").write_text(text)
    broken = (tmp_path / place).read_text().replace('"unread": 0', f'"unread": {value}')
    (tmp_path / place).write_text(broken)
    done = commands.impact("scan", tmp_path / "bom.json", "--advisories", tmp_path / "advisories")
    assert done.returncode == 1
    assert Path(place).name in done.stdout
    assert any(told in done.stdout for told in ("number", "too large", "not evaluated"))


@pytest.mark.parametrize("value", STRANGE)
def test_a_manifest_or_notebook_with_one_counts_as_broken(tmp_path: Path, value: str) -> None:
    (tmp_path / "manifest.json").write_text(f'{{"00_brief": {value}}}')
    assert files.read(tmp_path / "manifest.json") == {}
    (tmp_path / "n.ipynb").write_text(f'{{"cells": [], "metadata": {{"x": {value}}}}}')
    _, faults = plan.read_notebook(tmp_path / "n.ipynb")
    assert list(map(str, faults)) == [
        "n.ipynb: cannot be read as a notebook; save it again with JupyterLab"
    ]
