"""Package URLs of the published suite: each names what OSV knows that package by, or nothing."""

import json
import time

import pytest
from stacks import ASSETS, table

from impact.stack.inventory import from_purl

CASES = table("purl/cases.csv")
SUITE_2021 = json.loads((ASSETS / "purl/test-suite-data-2021.json").read_text("utf-8"))
CASES += [
    {part: one[part] or "" for part in ("type", "namespace", "name", "version")}
    | {"input": one["purl"], "valid": "yes"}
    for one in SUITE_2021
    if not one["is_invalid"]
]
OSV = {  # type, and namespace of a distribution -> ecosystem, as the schema of OSV writes it
    (row["type"], row["namespace"]): row["ecosystem"] for row in table("purl/ecosystems.csv")
}
JOINED = {"maven": ":"}  # between namespace and name, where it is no slash
TAKEN = set(OSV.values())


def purl(case: dict[str, str]) -> str:
    return case["input"]


def ecosystem_of(case: dict[str, str]) -> str:
    """The ecosystem a purl belongs to; empty for a type or a distribution that OSV has not."""
    kind = case["type"]
    return OSV.get((kind, "")) or OSV.get((kind, case["namespace"]), "")


def name_of(case: dict[str, str]) -> str:
    kind = case["type"]
    if kind in ("deb", "apk", "rpm"):
        return case["name"]
    return JOINED.get(kind, "/").join(filter(None, [case["namespace"].strip("/"), case["name"]]))


KNOWN = [case for case in CASES if case["valid"] == "yes" and ecosystem_of(case)]
OTHERS = [case for case in CASES if case["valid"] == "yes" and not ecosystem_of(case)]
INVALID = [case for case in CASES if case["valid"] == "no"]


@pytest.mark.parametrize("case", KNOWN, ids=purl)
def test_a_purl_names_the_package_as_osv_does(case: dict[str, str]) -> None:
    ecosystem, name, version = from_purl(case["input"])
    if case["type"] == "oci":  # what it is and where it lies stands behind the question mark
        assert name.endswith(case["name"])
        assert version in case["input"]
        return
    name = name.removeprefix("https://") if ecosystem == "SwiftURL" else name  # OSV has both
    found = ecosystem.partition(":")[0], name.lower()  # without the release of a distribution
    assert found == (ecosystem_of(case), name_of(case).lower())
    assert version == case["version"]


@pytest.mark.parametrize("case", OTHERS, ids=purl)
def test_a_type_that_osv_has_not_is_never_a_package_of_another_ecosystem(
    case: dict[str, str],
) -> None:
    ecosystem, name, version = from_purl(case["input"])
    assert ecosystem not in TAKEN or (case["type"], ecosystem) == ("github", "GitHub Actions")
    assert name.lower() in ("", case["name"].lower(), name_of(case).lower())
    assert version.endswith(case["version"]) or not name  # behind the epoch of an rpm


@pytest.mark.parametrize("case", INVALID, ids=purl)
def test_an_invalid_purl_names_nothing_or_what_its_text_plainly_says(case: dict[str, str]) -> None:
    ecosystem, name, _ = from_purl(case["input"])
    assert name.lower() in ("", name_of(case).lower())
    if name:
        assert ecosystem in ("", ecosystem_of(case), case["type"], "ConanCenter")


@pytest.mark.parametrize("text", ["", " ", "pkg:", "pkg:/", "pkg:npm", "pkg:npm/", "npm/left-pad"])
def test_a_text_that_is_no_purl_names_nothing(text: str) -> None:
    assert from_purl(text) == ("", "", "")


@pytest.mark.parametrize("length", [10_000, 1_000_000])
@pytest.mark.parametrize("part", ["a", "/", "@", "%40", "%", "a/", "?a=b", "#", "pkg:", "\n", "é"])
@pytest.mark.parametrize("kind", ["npm", "maven", "pypi", "deb/debian", "golang"])
def test_a_very_long_purl_is_answered_quickly(kind: str, part: str, length: int) -> None:
    text = f"pkg:{kind}/{part * (length // len(part))}"
    start = time.perf_counter()
    found = from_purl(text)
    assert time.perf_counter() - start < 1
    assert all(isinstance(each, str) for each in found)
