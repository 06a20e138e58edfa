"""The acceptance corpus: real files of public projects, with the finding a right reader makes."""

import csv
import json
from pathlib import Path

import pytest
from stacks import inventory_of

from impact.stack import advisories, files, scan
from impact.stack.findings import FINDINGS
from impact.stack.inventory import SBOM

PACKAGES = {
    "litellm-2026-03": ("litellm",),
    "chalk-debug-2025-09": ("chalk", "debug"),
    "event-stream-2018": ("flatmap-stream",),
    "ua-parser-js-2021": ("chalk",),  # through chalk, as the corpus says
}
Row = dict[str, str]
Found = dict[str, dict[str, Row]]  # case of the corpus -> package -> row of a scan
LOCKS, SBOMS = 25, ("S003", "S006", "S013", "S033", "S042")


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Row]:
    return list(csv.DictReader((corpus / "manifest.csv").read_text("utf-8").splitlines()))


@pytest.fixture(scope="module")
def found(corpus: Path) -> Found:
    """The rows of one scan over all of it."""
    question = scan.question(advisories.read(corpus / "advisories"))
    told: Found = {}
    for row in scan.scan(files.found([corpus / "files"]), question).iter_rows(named=True):
        told.setdefault(Path(row["file"]).parent.name, {})[row["package"]] = row
    return told


def test_the_finding_of_every_lock_and_manifest_is_the_one_stated(
    rows: list[Row], found: Found
) -> None:
    locks = [row for row in rows if row["case_id"].startswith("L")]
    assert len(locks) == LOCKS
    for row in locks:
        told = found[row["case_id"]]
        mine = [told[name]["finding"] for name in PACKAGES[row["incident"]] if name in told]
        assert min(mine, key=FINDINGS.index) == row["finding"], row["case_id"]


def test_ways_are_those_of_the_projects(found: Found) -> None:
    assert found["L076"]["chalk"]["path"] == "cchistory > lint-staged > chalk 5.6.1"
    assert found["L076"]["chalk"]["advisory"] == "MAL-2025-46969"
    stream = found["L081"]["flatmap-stream"]
    assert stream["path"].endswith("gulp-typedoc > event-stream > flatmap-stream 0.1.1")
    assert "langchain-litellm > litellm 1.81.13" in found["L053"]["litellm"]["path"]


@pytest.mark.parametrize("case", SBOMS)
def test_sboms_hold_the_components_and_relations_of_the_manifest(
    rows: list[Row], corpus: Path, case: str
) -> None:
    (row,) = (row for row in rows if row["case_id"] == case)
    path = corpus / "files" / row["file"]
    inventory = inventory_of(path)
    assert inventory.kind == SBOM
    own = [part for part in inventory.components if " of " not in part.key]  # no sources of others
    components, edges = len(own), len(inventory.edges)
    if path.suffix == ".xml":  # counted there by element: the root too, and who is asked about
        edges += path.read_text("utf-8").count("<dependency ref=") - edges
    else:
        components -= len(inventory.roots) if path.suffix == ".json" else 0
    assert components == int(row["components"])
    assert f"edges={edges}" in row["contains"]


def test_relations_in_xml_are_the_nested_elements_alone(corpus: Path) -> None:
    """The manifest's 337 are 167 components that are asked about and 170 that they need."""
    inventory = inventory_of(corpus / "files/S006/bom.xml")
    assert len(inventory.edges) == 170
    assert len({one for one, _ in inventory.edges}) <= 167


@pytest.mark.parametrize(
    ("case", "named"), [("S009", "hello"), ("S011", "Data after preprocessing")]
)
def test_spdx_3_holds_its_packages_and_relations(corpus: Path, case: str, named: str) -> None:
    (path,) = (corpus / "files" / case).iterdir()
    found = inventory_of(path)
    assert (found.kind, found.unread) == (SBOM, [])
    assert named in {part.name for part in found.components}
    assert found.roots
    ends = {key for edge in found.edges for key in edge}
    assert ends & {part.key for part in found.components}


def test_every_file_has_one_row_for_each_package_that_an_advisory_names(
    corpus: Path, found: Found
) -> None:
    named = {
        affected["package"]["name"].lower()
        for path in (corpus / "advisories").iterdir()
        for affected in json.loads(path.read_text("utf-8")).get("affected", ())
    }
    named |= {f"aquasecurity/{name}" for name in ("trivy", "trivy-action", "setup-trivy")}
    assert len(found) == 32
    assert all(set(told) == named for told in found.values())
