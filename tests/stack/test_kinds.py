"""Kinds of places in which a bad version hid: each with the findings that are right."""

import csv
import json
from pathlib import Path

import pytest
from stacks import read_advisories, scanned, table

from impact.stack.advisories import Affected

RECORDS = [
    Affected(f"T-{number}", row["ecosystem"], row["package"], (row["version"],))
    for number, row in enumerate(table("stack/bad.csv"))
]
LOCKED, UNREAD, ABSENT = "locked_affected", "not_evaluated", "absent"


def bom(**part: object) -> str:
    whole = {"type": "library", "name": "x", **part}
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [whole]})


CASES = table("stack/kinds.csv")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']} {case['content'][:60]}")
def test_a_bad_version_is_found_or_told_wherever_it_hides(
    case: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "svc" / case["file"]
    path.parent.mkdir(parents=True)
    path.write_text(case["content"])
    rows = scanned([tmp_path / "svc"], RECORDS).to_dicts()
    (told,) = [row for row in rows if row["package"] == case["package"]]
    finding, reason = told["finding"], told["reason"]
    assert finding in case["allowed"].split("|"), told
    assert reason or finding != UNREAD
    assert finding == ABSENT or (told["verdict"] == "unknown") == (finding == UNREAD)
    assert ("breaks its own format" in reason) == bool(case["breaks"])
    assert case["breaks"] in reason


def test_a_package_url_of_any_length_is_read(tmp_path: Path) -> None:
    (tmp_path / "bom.json").write_text(bom(purl=f"pkg:npm/chalk@5.6.1?x={'a' * 20_000}"))
    rows = {row["package"]: row["finding"] for row in scanned([tmp_path], RECORDS).to_dicts()}
    assert rows["chalk"] == LOCKED


def test_a_fault_of_one_file_takes_no_alarm_of_another_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real reader that raises what nobody foresaw, beside a file that holds the bad version."""
    from impact.stack.readers import bills

    def raises(parts: object) -> None:
        raise ZeroDivisionError(parts)

    monkeypatch.setattr(bills, "_components", raises)
    (tmp_path / "bom.json").write_text(bom())
    (tmp_path / "requirements.txt").write_text("litellm==1.82.8\n")
    rows = {Path(row["file"]).name: row for row in scanned([tmp_path]).to_dicts()}
    assert rows["requirements.txt"]["finding"] == LOCKED
    assert rows["bom.json"]["finding"] == UNREAD
    assert "ZeroDivisionError" in rows["bom.json"]["reason"]


def test_the_cases_of_acceptance_have_the_findings_that_are_right(acceptance: Path) -> None:
    known = read_advisories(acceptance / "scan" / "adv").affected
    lines = (acceptance / "scan" / "expected.csv").read_text("utf-8").splitlines()
    cases = list(csv.DictReader(lines))
    assert len(cases) > 15
    for case in cases:
        rows = scanned([acceptance / "scan" / case["case"]], known).to_dicts()
        found = {row["finding"] for row in rows if row["package"] == case["package"]}
        assert found & {*case["allowed"].split("|")}, case
