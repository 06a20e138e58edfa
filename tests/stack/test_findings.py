"""What a file says of a package, in the words of the contract.

`tests/assets/stack/findings.csv` has a claim a line: the records asked for, the finding with its
version and reason, the finding of another package where that is a claim too, and the content, with
`\\n` for the end of a line and mostly within the frame of a format.
"""

import json

import pytest
from stacks import BAD, inventory, named, table

from impact.base.errors import BadInput
from impact.stack.advisories import Affected
from impact.stack.findings import Finding, find

BETWEEN = (("introduced", "0.5"), ("fixed", "2"))
BEFORE = (("introduced", "0"), ("fixed", "0.70.0"))
RECORDS = {
    "litellm": named(*BAD),
    "litellm of npm": named(*BAD, ecosystem="npm"),
    "litellm 0.5 to 2": [Affected("X-1", "PyPI", "litellm", (), (BETWEEN,), None, None)],
    "chalk": named("5.6.1", package="chalk", ecosystem="npm"),
    "trivy": [Affected("CVE-1", "", "aquasecurity/trivy", (), (BEFORE,), None, None)],
    "left-pad": named("1.0.0", package="left-pad", ecosystem="npm"),
}
FRAMES = {
    "": "{}",
    "asks": '[project]\nname = "svc"\ndependencies = [{}]\n',
    "uv": 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n[[package]]\n{}',
    "bill": '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}',
    "npm": '{"name": "x", "lockfileVersion": 3, "packages": {"": {}, {}}}',
    "yarn": "# yarn lockfile v1\n\n\n{}",
    "berry": "__metadata:\n  version: 8\n\n{}",
}


def told(text: str, package: str) -> Finding:
    records = RECORDS[package]
    found = inventory(text, base_dot_txt="litellm==1.82.8\n")
    return find(found, records[0].ecosystem, records[0].name, records)


@pytest.mark.parametrize("case", table("stack/findings.csv"), ids=lambda case: case["claim"])
def test_the_finding_is_the_one_that_is_right(case: dict[str, str]) -> None:
    before, _, after = FRAMES[case["within"]].rpartition("{}")
    text = before + case["content"] + after
    found = told(text, case["package"])
    assert (found.finding, found.version) == (case["finding"], case["version"])
    assert found.reason == case["reason"]
    if case["another"]:
        assert told(text, "left-pad").finding == case["another"]


def test_a_reason_says_where_a_step_stands_and_the_versions_of_the_records_alone() -> None:
    record = Affected("A", "PyPI", "litellm", (), ((("introduced", "1.82.7"),),))
    build = inventory("FROM scratch\n\nRUN \\\n pip install 'litellm>=1.80'\n", "Dockerfile")
    why = '"litellm>=1.80" in line 3 allows 1.82.7'
    assert find(build, "PyPI", "litellm", [record]).reason == why


@pytest.mark.parametrize(
    ("many", "more"), [(1, ""), (2, " (and 1 more part)"), (3, " (and 2 more parts)")]
)
def test_parts_that_are_not_read_are_counted(many: int, more: str) -> None:
    why = told("click==8.1.7\n" + "-e ./a\n" * many, "litellm").reason
    assert why == f'"./a" is a path or an address{more}'


def test_an_override_beside_a_catalog_says_who_reads_it() -> None:
    found = find(inventory("overrides:\n  chalk: 5.6.0\n", "pnpm-workspace.yaml"), "npm", "chalk")
    assert "held by overrides, which other installers do not read" in found.reason


@pytest.mark.parametrize("marks", [("bomFormat", "CycloneDX"), ("spdxVersion", "SPDX-2.3")])
def test_a_file_of_two_formats_is_refused(marks: tuple[str, str]) -> None:
    lock = {"name": "x", "lockfileVersion": 3, "packages": {"": {}}}
    with pytest.raises(BadInput, match="keys of two formats"):
        inventory(json.dumps({**lock, marks[0]: marks[1], "specVersion": "1.5"}))


def test_a_lock_of_bun_is_not_taken_for_one_of_npm() -> None:
    with pytest.raises(BadInput, match=r"bun\.lock is not read"):
        inventory('{"workspaces": {"": {}}, "packages": {}, "lockfileVersion": 1}')
