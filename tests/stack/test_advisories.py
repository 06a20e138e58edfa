"""What advisories say is affected, whatever they leave out, and archives that are refused."""

import io
import json
import stat
import zipfile
from pathlib import Path

import pytest
from stacks import at, read_advisories

from impact.base.errors import BadInput
from impact.stack import advisories
from impact.stack.advisories import Affected, examples, names_version, record
from impact.stack.documents import Source
from impact.stack.inventory import Ask
from impact.stack.versions import admits, in_range, same


def osv(**said: object) -> Affected:
    """The one record of an OSV text; `affected` holds what is said of litellm."""
    whole = {"id": "X-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "LiteLLM"}}]}
    whole["affected"][0] |= said.pop("affected", {})
    (found,) = record(Source(json.dumps(whole | said), "x.json"))
    return found


def span(*events: tuple[str, str], kind: str = "ECOSYSTEM") -> dict[str, object]:
    return {"ranges": [{"type": kind, "events": [{name: at} for name, at in events]}]}


def test_versions_without_ranges_and_ranges_without_versions_both_count() -> None:
    assert names_version(osv(affected={"versions": ["1.82.8"]}), "1.82.8")
    ranged = osv(affected=span(("introduced", "1.82.7"), ("last_affected", "1.82.8")))
    told = [names_version(ranged, version) for version in ("1.82.6", "1.82.7", "1.82.8", "1.82.9")]
    assert told == [False, True, True, False]


def test_events_count_in_the_order_of_their_versions() -> None:
    two = osv(
        affected=span(("fixed", "3"), ("introduced", "2"), ("fixed", "1.5"), ("introduced", "1"))
    )
    told = [
        names_version(two, version) for version in ("0.9", "1.2", "1.5", "1.9", "2", "2.9", "3")
    ]
    assert told == [False, True, False, False, True, True, False]


def test_a_range_from_the_beginning_covers_every_version_even_one_that_is_none() -> None:
    whole = osv(affected=span(("introduced", "0"), kind="SEMVER"))
    assert names_version(whole, "0.0.1") is True
    assert names_version(whole, "not a version") is True


def test_what_cannot_be_compared_is_unknown_and_never_no() -> None:
    assert names_version(osv(affected=span(("introduced", "1"), ("fixed", "2"))), "odd") is None
    assert names_version(osv(affected=span(("introduced", "abc"), kind="GIT")), "1.0") is None
    assert names_version(osv(affected={}), "1.0") is None


def test_a_record_without_severity_or_id_counts_and_is_called_by_its_alias() -> None:
    assert osv(id="", aliases=["GHSA-1"], affected={"versions": ["1"]}).advisory == "GHSA-1"
    assert osv(id="", affected={"versions": ["1"]}).advisory == "x"
    assert osv().name == "litellm"


def test_origins_that_name_more_than_their_record_are_told() -> None:
    origins = [{"source": "a", "versions": ["1", "2"]}, {"source": "b", "versions": ["1"]}]
    origins.append({"source": "c", **span(("introduced", "0"))})
    found = osv(
        affected={"versions": ["1"]},
        database_specific={"malicious-packages-origins": origins},
    )
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


def test_cve_ranges_of_the_schema_are_read() -> None:
    versions = [
        {"version": "1.0", "lessThan": "1.5", "status": "affected", "versionType": "semver"},
        {"version": "2.0", "lessThanOrEqual": "2.3", "status": "affected"},
        {"version": "9", "status": "unaffected"},
    ]
    affected = [{"packageURL": "pkg:npm/chalk", "versions": versions}]
    said = {
        "dataType": "CVE_RECORD",
        "cveMetadata": {"cveId": "CVE-1", "state": "PUBLISHED"},
        "containers": {"cna": {"affected": affected}},
    }
    (found,) = record(Source(json.dumps(said), "x"))
    assert (found.ecosystem, found.name) == ("npm", "chalk")
    told = [
        names_version(found, version) for version in ("1.4.9", "1.5.0", "2.3.0", "2.3.1", "9.0.0")
    ]
    assert told == [True, False, True, False, False]


def cve(affected: dict[str, object], **meta: str) -> str:
    """A CVE record in which somebody else than its owner names what is affected."""
    return json.dumps(
        {
            "dataType": "CVE_RECORD",
            "cveMetadata": {"cveId": "CVE-1", "state": "PUBLISHED", **meta},
            "containers": {"cna": {}, "adp": [{"affected": [affected]}]},
        }
    )


def test_a_cve_record_names_a_package_by_its_collection_and_in_any_container() -> None:
    named = {"packageName": "Chalk", "versions": [{"version": "5.6.1", "status": "affected"}]}
    for host, ecosystem in (("www.npmjs.example", "npm"), ("pypi.example", "PyPI"), ("x.y", "")):
        (found,) = record(Source(cve({**named, "collectionURL": f"https://{host}/a"}), "x"))
        assert (found.ecosystem, found.name, names_version(found, "5.6.1")) == (
            *(ecosystem, "chalk", True),
        )
    (rejected,) = record(Source(cve(named, state="REJECTED"), "x"))
    (rejected,) = advisories.Advisories((rejected,)).known(None)["", "chalk"]
    assert names_version(rejected, "5.6.1") is False


def test_a_record_in_yaml_is_read() -> None:
    text = "id: PYSEC-1\npublished: 2026-03-24\naffected:\n- package: {ecosystem: PyPI, name: a}\n"
    (found,) = record(Source(text + "  versions: ['1.10']\n", "x.yaml"))
    assert found.versions == ("1.10",)


def test_what_is_no_record_is_told_and_the_others_count(tmp_path: Path) -> None:
    good = {"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}}]}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "cut.json").write_text('{"id": "X", "affec')
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "wide.json").write_bytes("{}".encode("utf-16"))
    found = advisories.read(tmp_path)
    assert [record.name for record in found.affected] == ["a"]
    assert sorted(fault.where.split(":")[0] for fault in found.unread) == [
        *("cut.json", "other.json", "wide.json"),
    ]


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


# versions


@pytest.mark.parametrize(
    ("ecosystem", "spec", "version", "expected"),
    [
        ("PyPI", "~=1.80", "1.82.8", True),
        ("PyPI", "~=1.80.0", "1.82.8", False),
        ("PyPI", "<=1.82.7", "1.82.7", True),
        ("PyPI", ">1.82", "1.82.8", True),
        ("PyPI", "", "1.82.8", True),
        ("PyPI", ">=1,!=1.82.*", "1.82.8", False),
        ("PyPI", ">=1.80", "1.82.8rc1", True),
        ("PyPI", "poetry ^1.80", "1.82.8", True),
        ("PyPI", "poetry ~1.80", "1.82.8", False),
        ("PyPI", "poetry >=1,<1.5 || 1.82.8", "1.82.8", True),
        ("npm", "^5.0.0", "5.6.1", True),
        ("npm", "~5.5", "5.6.1", False),
        ("npm", "5.x || 6", "5.6.1", True),
        ("npm", "1.0.0 - 5.6", "5.6.1", True),
        ("npm", ">= 5.6", "5.6.1", True),
        ("npm", "latest", "5.6.1", True),
        ("npm", "*", "5.6.1", True),
        ("npm", "^5.7", "5.6.1", False),
    ],
)
def test_a_requirement_admits_what_its_installer_would(
    ecosystem: str, spec: str, version: str, expected: bool
) -> None:
    assert admits(Ask(ecosystem, "x", spec), version) is expected


def test_a_grammar_that_is_not_known_is_not_guessed() -> None:
    assert admits(Ask("PyPI", "x", "=>1"), "1.0.0") is None
    assert admits(Ask("PyPI", "x", "poetry five"), "1.0.0") is None
    assert admits(Ask("npm", "x", "five"), "1.0.0") is None


@pytest.mark.parametrize(
    ("ecosystem", "lower", "upper"),
    [
        ("PyPI", "1.9", "1.10"),
        ("PyPI", "1.0rc1", "1.0"),
        ("npm", "1.0.0-beta.2", "1.0.0-beta.10"),
        ("Maven", "1.0-alpha", "1.0"),
        ("Go", "v1.9.0", "v1.10.0"),
        ("RubyGems", "1.0.pre", "1.0"),
        ("Debian", "1.0~rc1", "1.0"),
        ("crates.io", "0.9.0", "0.10.0"),
    ],
)
def test_versions_are_in_the_order_of_their_ecosystem(
    ecosystem: str, lower: str, upper: str
) -> None:
    assert in_range(ecosystem, lower, [("introduced", "0"), ("fixed", upper)]) is True
    assert in_range(ecosystem, upper, [("introduced", "0"), ("fixed", upper)]) is False
    assert not same(ecosystem, lower, upper)


def test_examples_are_what_a_record_names() -> None:
    found = osv(affected={"versions": ["1"], **span(("introduced", "2"), ("fixed", "3"))})
    assert examples(found) == ["1", "2"]


@pytest.mark.parametrize(
    ("published", "moment"),
    [("2026-03-24T12:00:00+02:00", "10:00"), ("2026-03-24T12:00:00.123456789Z", "12:00")],
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
