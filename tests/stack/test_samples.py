"""Small files of further tools and advisories in other shapes, beside what another count says."""

import csv
import json
import re
from pathlib import Path

import pytest
from stacks import inventory, inventory_of

from impact.base.errors import BadInput
from impact.stack import advisories, paths
from impact.stack.advisories import Advisories, names_any, names_version, record
from impact.stack.documents import Source
from impact.stack.records import Affected

HERE = Path(__file__).resolve().parents[1] / "assets"
MORE = list(csv.DictReader((HERE / "stack/index_more.csv").read_text("utf-8").splitlines()))
UNREAD = ("conda-lock-1", "bun-lock-3", "deno-lock-5", "gradle-lockfile")
READ = [row for row in MORE if row["format"] not in UNREAD]
# What the index counts by another rule.
OTHER = {
    "pnpm-12/pnpm-lock.yaml": "what pnpm needs for itself counts here",
    "nuget/packages.lock.json": "a need without a version counts each that is held here",
    "spdx3/sbom.spdx3.json": "what the document describes, and files, count here",
    "pip-inspect/pip-inspect.json": "what pip inspects is a list here, without who needs whom",
}
OWN = ("bundler-path/", "bundler-checksums/")  # a gem in a folder is the project itself here


def ids(row: dict[str, str]) -> str:
    return row["file"]


@pytest.mark.parametrize("row", READ, ids=ids)
def test_components_edges_and_facts_are_those_that_another_count_says(row: dict[str, str]) -> None:
    found = inventory_of(HERE / "stack" / row["file"])
    roots = set(found.roots)
    parts = [part for part in found.components if part.key not in roots and part.name]
    assert len(parts) + row["file"].startswith(OWN) == int(row["components"])
    if row["edges"] and row["file"] not in OTHER:
        assert len(found.edges) == int(row["edges"])
    assert [part for part in found.unread if "lies in a folder" not in part.why] == []
    versions = {(part.name.lower(), part.version) for part in parts}
    for fact in row["facts"].split(" | "):
        locked = re.fullmatch(r"(\S+) (\S+?)(?: and (\S+))?(?: are both| is) locked", fact)
        way = re.fullmatch(r"path (.+)", fact)
        if locked:
            for version in filter(None, locked.groups()[1:]):
                assert (locked[1].lower(), version) in versions, fact
        elif way and row["file"] not in OTHER:
            *_, above, last = way[1].split(" > ")
            keys = [part.key for part in found.components if part.name.lower() == last.lower()]
            told = [step[-2].lower() for step in paths.paths(found, keys, most=50) if len(step) > 1]
            assert above.lower() in told, (fact, told)


@pytest.mark.parametrize("row", [row for row in MORE if row not in READ], ids=ids)
def test_a_lock_without_a_reader_is_named(row: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"is not read"):
        inventory_of(HERE / "stack" / row["file"])


def sample(name: str) -> list[Affected]:
    """What a sample says."""
    return record(Source((HERE / "advisories" / name).read_text("utf-8"), name))


def told(found: list[Affected], package: str, *versions: str) -> list[bool]:
    """Which versions of a package some records name."""
    mine = [one for one in found if one.name == package]
    assert mine, [one.name for one in found]
    return [names_any(mine, version) for version in versions]


def test_csaf_names_what_is_affected_by_the_ranges_of_its_tree() -> None:
    found = sample("csaf-vers.json")
    assert told(found, "lodash", "3.9.9", "4.0.0", "4.17.20", "4.17.21") == [
        *(False, True, True, False),
    ]
    assert told(found, "jinja2", "3.1.2", "3.1.3") == [True, False]
    assert {one.advisory for one in found} == {"CVE-2021-23337", "CVE-2024-22195"}
    name = "csaf-trivy-relationships.json"
    text = (HERE / "advisories" / name).read_text("utf-8")
    assert record(Source(text, name)) == []  # its one product is not affected
    (part,) = record(Source(text.replace("known_not_affected", "known_affected"), name))
    assert (part.ecosystem, part.name) == ("Go", "github.com/aquasecurity/go-transitive")
    assert names_version(part, "v4.0.0")
    assert sample("csaf-redhat-rhsa-2021-5217.json") == []  # fixed in all that it names


def test_cisa_names_products_without_versions_and_an_entry_of_another_is_told() -> None:
    found = sample("kev-excerpt.json")
    assert ("CVE-2023-44487", "ietf/http/2") in {(one.advisory, one.name) for one in found}
    assert all(names_version(one, "1.0") is None for one in found)
    other = {"catalogVersion": "1", "vulnerabilities": [{"cve": ["CVE-1"]}, {"cveID": "CVE-2",
             "vendorProject": "A", "product": "B C"}]}  # fmt: skip
    joined = advisories.joined([("kev.json", json.dumps(other).encode())])
    assert [one.name for one in joined.affected] == ["a/b-c"]
    assert [fault.what for fault in joined.unread] == ["an entry: is no entry of CISA's catalogue"]


def test_answers_of_github_are_read_in_each_of_its_interfaces() -> None:
    assert told(sample("github-rest-advisories.json"), "a-package", "1.0.2", "1.0.3") == [
        True,
        False,
    ]
    shapes = sample("github-rest-shapes.json")
    assert told(shapes, "@ctrl/tinycolor", "4.1.0", "4.1.1", "4.1.2") == [False, True, True]
    assert [one for one in shapes if not one.name]  # a package that is null is told
    assert any(one.withdrawn for one in shapes)
    assert told(sample("github-dependabot-alerts.json"), "django", "2.0.1", "2.0.2") == [
        True,
        False,
    ]
    nodes = sample("github-graphql-nodes.json")
    assert {one.ecosystem for one in nodes} <= {"npm", "PyPI", "RubyGems", "Go", "GitHub Actions",
                                                "Maven", "NuGet", "crates.io"}  # fmt: skip
    assert any(one.withdrawn for one in nodes)
    assert sum(not one.name for one in sample("github-graphql-pip.json")) == 1  # a further page


def test_answers_of_osv_are_read_and_what_they_leave_out_is_told() -> None:
    assert sample("osv-query.json")[0].advisory == "OSV-2020-744"
    joined = advisories.joined(
        (name, (HERE / "advisories" / name).read_bytes())
        for name in ("osv-query-pages.json", "osv-querybatch.json", "osv-query-nothing.json")
    )
    said = [str(fault) for fault in joined.unread]
    assert any("has a further page" in one for one in said)
    assert sum("names no package" in one for one in said) == 15
    assert any("osv-query-nothing" in one for one in said)


CAMPAIGN = {
    '"Package","Version"\n"@a/b",= 1.0.1 || = 1.0.2\n"chalk",= 5.6.1\n': [True, True, False],
    'package_name,package_versions,vendors\n@a/b,"1.0.1, 1.0.2","x, y"\n': [True, True, False],
    "ecosystem,package,version\nnpm,@a/b,1.0.1\nnpm,@a/b,1.0.2\n": [True, True, False],
    "Package,Malicious Version\n@a/b,v1.0.1;1.0.2": [True, True, False],
}


@pytest.mark.parametrize("text", CAMPAIGN)
def test_a_list_of_a_campaign_names_its_versions_however_it_is_headed(text: str) -> None:
    found = record(Source(text, "list.csv"))
    assert told(found, "@a/b", "1.0.1", "1.0.2", "1.0.3") == CAMPAIGN[text]
    assert Advisories(tuple(found)).known(None)


def test_a_row_of_a_list_that_is_prose_is_told_and_the_others_count() -> None:
    text = "Package,Versions\n@a/*,Numerous packages (various versions)\nb,1.0.1\n"
    joined = advisories.joined([("list.csv", text.encode())])
    assert [one.name for one in joined.affected] == ["b"]
    assert "is no version" in joined.unread[0].what
    with pytest.raises(BadInput, match="is no list of packages"):
        record(Source("a,b\n1,2\n", "list.csv"))


def test_a_go_mod_counts_what_is_put_in_place_and_not_what_is_left_out() -> None:
    found = inventory_of(HERE / "stack/gomod-pitfalls/go.mod")
    names = {part.name for part in found.components}
    assert "golang.org/x/crypto" not in names
    cut = "module a\n\ngo 1.21\n\nrequire (\n\texample.com/b v1.0.0\n"
    assert {part.name for part in inventory(cut, "go.mod").unread} == {""}
