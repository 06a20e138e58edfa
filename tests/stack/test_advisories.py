"""What advisories say is affected, whatever they leave out, and archives that are refused.

`tests/assets/advisories/named.csv` has a record a line, in the file of that name or as `content`:
the versions of a package that it names, those that it does not, and those of which it says nothing.
"""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest
from stacks import ASSETS, at, read_advisories, table

from impact.base.errors import BadInput
from impact.stack import advisories
from impact.stack.advisories import Advisories, Affected, examples, names_version, record
from impact.stack.documents import Source
from impact.stack.findings import find
from impact.stack.inventory import Ask, ask_inventory
from impact.stack.versions import admits, in_range, same

HERE = ASSETS / "advisories"


def sample(name: str) -> list[Affected]:
    """What a sample says."""
    return record(Source((HERE / name).read_text("utf-8"), name))


@pytest.mark.parametrize("case", table("advisories/named.csv"), ids=lambda case: case["claim"])
def test_a_record_names_these_versions_and_no_others(case: dict[str, str]) -> None:
    content = case["content"]
    found = record(Source(content, case["file"])) if content else sample(case["file"])
    mine = Advisories(tuple(found)).known(None)[case["ecosystem"], case["package"]]
    expected = {True: case["named"], False: case["not_named"], None: case["unknown"]}
    versions = [version for each in expected.values() for version in each.split()]
    told: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for version in versions:
        every = {names_version(one, version) for one in mine}
        told[True if True in every else None if None in every else False].append(version)
    assert {answer: " ".join(found) for answer, found in told.items()} == expected


def osv(**said: object) -> Affected:
    """The one record of an OSV text; `affected` holds what is said of litellm."""
    whole = {"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "LiteLLM"}}]}
    whole["affected"][0] |= said.pop("affected", {})
    (found,) = record(Source(json.dumps(whole | said), "x.json"))
    return found


FROM_START = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}


def test_a_record_without_severity_or_id_counts_and_is_called_by_its_alias() -> None:
    assert osv(id="", aliases=["GHSA-1"], affected={"versions": ["1"]}).advisory == "GHSA-1"
    assert osv(id="", affected={"versions": ["1"]}).advisory == "x"
    assert osv().name == "litellm"


def test_origins_that_name_more_than_their_record_are_told() -> None:
    origins = [{"source": "a", "versions": ["1", "2"]}, {"source": "b", "versions": ["1"]}]
    origins.append({"source": "c", "ranges": [FROM_START]})
    more = {"malicious-packages-origins": origins}
    found = osv(affected={"versions": ["1"]}, database_specific=more)
    assert found.note == "a names 2 too; c names another range"


def test_a_record_counts_from_its_publication_to_its_withdrawal(tmp_path: Path) -> None:
    said = {"id": "X", "published": "2026-03-24T11:15:14.5Z", "withdrawn": "2026-03-25T10:00:00Z"}
    package = {"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1"]}
    (tmp_path / "x.json").write_text(json.dumps({**said, "affected": [package]}))
    found = read_advisories(tmp_path)
    known = [found.known(moment) for moment in (at("11:00"), at("12:00"), at("25 11:00"), None)]
    told = [advisories.names_any(every.get(("PyPI", "a"), ()), "1") for every in known]
    assert told == [False, True, False, False]
    assert [len(every) for every in known] == [0, 1, 1, 1]
    (gone,) = known[2]["PyPI", "a"]
    assert gone.note == "X named it and was withdrawn 25 March 2026, 10:00 UTC"


def test_a_cve_record_names_products_by_vendor_and_ranges_in_words(corpus: Path) -> None:
    known = read_advisories(corpus / "advisories").known(None)
    (action,) = known["", "aquasecurity/trivy-action"]
    assert [names_version(action, version) for version in ("0.34.2", "0.35.0")] == [True, False]
    (trivy,) = known["", "aquasecurity/trivy"]
    assert names_version(trivy, "0.6.94")
    assert len(known["PyPI", "litellm"]) == 3  # joined by package, whatever their aliases say


def test_what_is_no_record_is_told_and_the_others_count(tmp_path: Path) -> None:
    good = {"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}}]}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "cut.json").write_text('{"id": "X", "affec')
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "wide.json").write_bytes("{}".encode("utf-16"))
    found = advisories.read(tmp_path)
    assert [record.name for record in found.affected] == ["a"]
    unread = sorted(fault.where.split(":")[0] for fault in found.unread)
    assert unread == ["cut.json", "other.json", "wide.json"]


def zipped(path: Path, name: str, content: bytes, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def test_a_zip_is_read_as_the_folder_is(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((corpus / "advisories").iterdir()):
            archive.write(file, f"npm/{file.name}")
    assert advisories.read(path).affected == read_advisories(corpus / "advisories").affected


@pytest.mark.parametrize(
    ("name", "content", "mode", "said"),
    [
        ("../x.json", b"{}", 0, "leads out"),
        ("/x.json", b"{}", 0, "leads out"),
        ("a/..\\x.json", b"{}", 0, "leads out"),
        ("c:/x.json", b"{}", 0, "leads out"),
        ("x.json", b"/etc/passwd", stat.S_IFLNK | 0o777, "is a link"),
        ("x.json", b" " * (3 << 20), 0, "far larger"),
        ("x.json", b"0" * (5 << 20), 0, "far larger"),
    ],
)
def test_a_hostile_archive_is_refused_whole(
    tmp_path: Path, name: str, content: bytes, mode: int, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        advisories.read(zipped(tmp_path / "x.zip", name, content, mode))
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_what_is_broken_of_an_archive_is_told(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.json", "{}" * 5000)
    data = bytearray(buffer.getvalue())
    data[40:60] = b"\xff" * 20
    (tmp_path / "x.zip").write_bytes(data)
    (fault,) = advisories.read(tmp_path / "x.zip").unread
    assert (fault.where, "cannot be read" in fault.what) == ("x.json", True)
    (tmp_path / "y.zip").write_bytes(bytes(data[:40]) + bytes(data[-90:-8]) + b"\xff" * 8)
    with pytest.raises(BadInput, match=r"y\.zip"):
        advisories.read(tmp_path / "y.zip")
    with pytest.raises(BadInput, match="is not there"):
        advisories.read(tmp_path / "none")


# other shapes


def test_csaf_names_what_is_affected_by_the_ranges_of_its_tree() -> None:
    advisories_named = {one.advisory for one in sample("csaf-vers.json")}
    assert advisories_named == {"CVE-2021-23337", "CVE-2024-22195"}
    name = "csaf-trivy-relationships.json"
    text = (HERE / name).read_text("utf-8")
    assert record(Source(text, name)) == []  # its one product is not affected
    (part,) = record(Source(text.replace("known_not_affected", "known_affected"), name))
    assert (part.ecosystem, part.name) == ("Go", "github.com/aquasecurity/go-transitive")
    assert names_version(part, "v4.0.0")
    assert sample("csaf-redhat-rhsa-2021-5217.json") == []  # fixed in all that it names


def test_cisa_names_products_without_versions_and_an_entry_of_another_is_told() -> None:
    found = sample("kev-excerpt.json")
    assert ("CVE-2023-44487", "ietf/http/2") in {(one.advisory, one.name) for one in found}
    assert all(names_version(one, "1.0") is None for one in found)
    other = {
        "catalogVersion": "1",
        "vulnerabilities": [
            {"cve": ["CVE-1"]},
            {"cveID": "CVE-2", "vendorProject": "A", "product": "B C"},
        ],
    }
    joined = advisories.joined([("kev.json", json.dumps(other).encode())])
    assert [one.name for one in joined.affected] == ["a/b-c"]
    assert [fault.what for fault in joined.unread] == ["an entry: is no entry of CISA's catalogue"]


def test_answers_of_github_say_what_was_withdrawn_and_what_is_not_there() -> None:
    shapes, nodes = sample("github-rest-shapes.json"), sample("github-graphql-nodes.json")
    assert [one for one in shapes if not one.name]  # a package that is null is told
    assert any(one.withdrawn for one in shapes)
    known = {"npm", "PyPI", "RubyGems", "Go", "GitHub Actions", "Maven", "NuGet", "crates.io"}
    assert {one.ecosystem for one in nodes} <= known
    assert any(one.withdrawn for one in nodes)
    assert sum(not one.name for one in sample("github-graphql-pip.json")) == 1  # a further page


def test_answers_of_osv_are_read_and_what_they_leave_out_is_told() -> None:
    assert sample("osv-query.json")[0].advisory == "OSV-2020-744"
    joined = advisories.joined(
        (name, (HERE / name).read_bytes())
        for name in ("osv-query-pages.json", "osv-querybatch.json", "osv-query-nothing.json")
    )
    said = [str(fault) for fault in joined.unread]
    assert any("has a further page" in one for one in said)
    assert sum("names no package" in one for one in said) == 15
    assert any("osv-query-nothing" in one for one in said)


def test_a_row_of_a_list_that_is_prose_is_told_and_the_others_count() -> None:
    text = "Package,Versions\n@a/*,Numerous packages (various versions)\nb,1.0.1\n"
    joined = advisories.joined([("list.csv", text.encode())])
    assert [one.name for one in joined.affected] == ["b"]
    assert "is no version" in joined.unread[0].what
    with pytest.raises(BadInput, match="is no list of packages"):
        record(Source("a,b\n1,2\n", "list.csv"))


# versions


ANSWERS = {"admitted": True, "not admitted": False, "not known": None}


@pytest.mark.parametrize("case", table("stack/admitted.csv"), ids=lambda c: " ".join(c.values()))
def test_a_requirement_admits_what_its_installer_would(case: dict[str, str]) -> None:
    """A grammar that is not known is not guessed."""
    asked = Ask(case["ecosystem"], "x", case["spec"])
    assert admits(asked, case["version"]) is ANSWERS[case["answer"]]


@pytest.mark.parametrize("row", table("stack/ordered.csv"), ids=lambda row: " ".join(row.values()))
def test_versions_are_in_the_order_of_their_ecosystem(row: dict[str, str]) -> None:
    ecosystem, lower, upper = row.values()
    assert in_range(ecosystem, lower, [("introduced", "0"), ("fixed", upper)]) is True
    assert in_range(ecosystem, upper, [("introduced", "0"), ("fixed", upper)]) is False
    assert not same(ecosystem, lower, upper)


@pytest.mark.parametrize(("ecosystem", "name"), [("PyPI", "litellm"), ("npm", "chalk")])
def test_a_range_above_a_version_begins_behind_it(ecosystem: str, name: str) -> None:
    """Of a GitHub advisory; a requirement that allows what lies above it meets that range."""
    text = {"vulnerable_version_range": "> 1.0.0, < 2.0.0"}
    package = {"package": {"ecosystem": ecosystem.replace("PyPI", "pip"), "name": name}}
    body = {"ghsa_id": "GHSA-x", "vulnerabilities": [{**package, **text}]}
    (found,) = record(Source(json.dumps(body), "x.json"))
    answers = [names_version(found, version) for version in ("1.0.0", "1.0.1", "2.0.0")]
    assert answers == [False, True, False]
    for spec, met in ((">=0.5", True), ("<1.0.1", ecosystem == "PyPI"), ("<=1.0.0", False)):
        asked = ask_inventory([Ask(ecosystem, name, spec)], ecosystem)
        assert (find(asked, ecosystem, name, [found]).finding == "range_admits") == met, spec


def test_examples_are_what_a_record_names() -> None:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "2"}, {"fixed": "3"}]}
    assert examples(osv(affected={"versions": ["1"], "ranges": [span]})) == ["1", "2"]


@pytest.mark.parametrize(
    ("published", "moment"),
    [
        ("2026-03-24T12:00:00+02:00", "10:00"),
        ("2026-03-24T12:00:00.123456789Z", "12:00"),
        ("2026-03-24 12:00:00 UTC", "12:00"),
    ],
)
def test_a_time_is_that_moment_in_whatever_zone(
    tmp_path: Path, published: str, moment: str
) -> None:
    package = {"ecosystem": "PyPI", "name": "litellm"}
    body = {"id": "A", "published": published, "affected": [{"package": package}]}
    (tmp_path / ".a.json").write_text(json.dumps(body))
    (found,) = advisories.read(tmp_path / ".a.json").affected  # quiet in a folder alone
    assert found.published == at(moment)
    assert advisories.read(tmp_path).affected == ()


def test_a_time_before_all_times_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"id": "A", "published": "0001-01-01T00:00:00+05:00"}')
    assert "is no time" in str(advisories.read(tmp_path).unread[0])
