"""Files and folders into rows: which are looked at, what they say, what is never called clean."""

import os
from pathlib import Path

import pytest
from stacks import ADMITS, BAD, at, lock, named, scanned, window

from impact.base.errors import BadInput
from impact.stack import files, scan
from impact.stack.advisories import Advisories
from impact.stack.verdicts import Install

SBOM = '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'


def test_a_bad_version_three_levels_deep_is_found_with_its_path_and_verdict(tmp_path: Path) -> None:
    home = tmp_path / "fleet" / "labeling-service"
    home.mkdir(parents=True)
    (home / "uv.lock").write_text(lock())
    accounts = [window("1.82.8", "10:52", close, "start") for close in ("11:25", "13:38")]
    (row,) = scanned([tmp_path / "fleet"], windows=accounts).to_dicts()
    assert (row["finding"], row["verdict"]) == ("locked_affected", "exposed")
    assert row["path"] == "labeling-service > dspy > litellm 1.82.8"
    assert row["system"] == "labeling-service"
    assert "10:52 to 13:38 UTC" in row["reason"]


def test_formats_are_found_by_content_and_other_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "deps.backup").write_text(lock())
    (tmp_path / "README.md").write_text(lock())
    (tmp_path / "words.txt").write_text("nothing\nto see\n")
    (tmp_path / "data.json").write_text('{"a": 1}')
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "uv.lock").write_text(lock())
    skipped: list[Path] = []
    found = [Path(one.where).name for one in files.found([tmp_path], skipped.append)]
    assert found == ["deps.backup"]
    assert [path.name for path in skipped] == ["node_modules"]


UNREADABLE = {  # beside those of kinds.csv: what no text of a cell can be
    "sbom.wide.json": b"\xff\xfe" + SBOM.encode("utf-16-be"),
    "sbom.twice.json": SBOM.replace(
        '"components": []', '"components": [], "components": []'
    ).encode(),
    "requirements.txt": b"",
    "binary.lock": b"\x00\x01\x02" * 100,
}


def test_what_cannot_be_read_is_named_never_clean_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name, content in UNREADABLE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "good.lock").write_text(lock("1.82.6"))
    (tmp_path / "cut.json").write_text(SBOM[:40])
    rows = {Path(row["file"]).name: row for row in scanned([tmp_path]).to_dicts()}
    assert rows.pop("good.lock")["finding"] == "locked_other"
    assert rows.pop("cut.json", {"finding": "not_evaluated"})["finding"] == "not_evaluated"
    assert set(rows) == set(UNREADABLE)
    for name, row in rows.items():
        assert (row["finding"], row["verdict"]) == ("not_evaluated", "unknown"), name
        assert row["reason"], name


def test_a_file_that_is_named_is_always_told_of(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see\n")
    (row,) = scanned([path]).to_dicts()
    assert row["finding"] == "not_evaluated"
    assert "no lock, manifest or SBOM that is known" in row["reason"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("token==1.0\n")
    home = tmp_path / "repo"
    home.mkdir()
    (home / "requirements.txt").symlink_to(secret)
    (home / "requirements-dev.txt").write_text("-r ../secret.txt\nx==1\n")
    rows = {Path(row["file"]).name: row for row in scanned([home]).to_dicts()}
    assert {row["finding"] for row in rows.values()} == {"not_evaluated"}
    assert "token" not in str(rows)
    assert "leads out" in rows["requirements-dev.txt"]["reason"]


def test_a_folder_that_is_not_entered_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is linked from elsewhere, and one that may not be read."""
    home, away = tmp_path / "repo", tmp_path / "away"
    for folder in (home / "inner", home / "secret", away):
        folder.mkdir(parents=True)
    (home / "requirements.txt").write_text("six==1.0\n")
    (home / "out").symlink_to(away)
    (home / "in").symlink_to(home / "inner")
    plain = os.scandir

    def scandir(path: str) -> object:
        if path == str(home / "secret"):
            raise PermissionError(13, "no", path)
        return plain(path)

    monkeypatch.setattr(os, "scandir", scandir)
    rows = {Path(row["file"]).name: row for row in scanned([home]).to_dicts()}
    assert rows.keys() == {"requirements.txt", "out", "secret"}
    for name in ("out", "secret"):
        assert rows[name]["finding"] == "not_evaluated"
        assert "was not entered" in rows[name]["reason"]


def test_what_is_no_plain_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "uv.lock")
    (row,) = scanned([tmp_path]).to_dicts()
    assert (row["finding"], "is no plain file" in row["reason"]) == ("not_evaluated", True)


@pytest.mark.parametrize("where", ["gone.lock", "https://x.example/uv.lock", "s3://bucket/uv.lock"])
def test_a_file_that_is_not_there_is_told_and_an_address_not_followed(where: str) -> None:
    (row,) = scanned([Path(where)]).to_dicts()
    assert (row["finding"], "is not there" in row["reason"]) == ("not_evaluated", True)


def test_adding_a_file_moves_no_other_row(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "uv.lock").write_text(lock())
    before = scanned([tmp_path]).to_dicts()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "pyproject.toml").write_text(ADMITS)
    assert scanned([tmp_path]).to_dicts()[:1] == before


def test_installs_count_for_the_files_below_their_path(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(ADMITS)
    accounts = [window("1.82.8", "10:52", "13:38")]
    ran = [Install(at("11:00"), at("11:00"), "resolved", "a")]
    rows = scanned([tmp_path], windows=accounts, installs=ran)
    assert rows["verdict"].to_list() == ["likely", "possible"]


def test_as_of_a_moment_only_what_was_known_by_then_counts(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock())
    record = named(*BAD)[0]._replace(published=at("11:15"))
    assert scanned([tmp_path], [record], as_of=at("11:00")).height == 0
    then = scanned([tmp_path], [record], as_of=at("12:00"))
    assert then["finding"].to_list() == ["locked_affected"]
    later = scanned([tmp_path], [record._replace(published=None)], as_of=at("10:00"))
    assert later["finding"].to_list() == ["not_evaluated"]
    assert "was locked after" in later["reason"][0]


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ("litellm<=1.82.7", "range_admits"),
        ("litellm<1.82.7", "range_excludes"),
        ("LiteLLM!=1.82.7,!=1.82.8", "range_excludes"),
        ("litellm==1.82.6", "locked_other"),
        ("chalk@^5.0.0", "range_admits"),
        ("chalk@<5.6.1 || >5.6.1", "range_excludes"),
    ],
)
def test_a_proposed_fix_is_checked(spec: str, finding: str) -> None:
    records = (*named(*BAD), *named("5.6.1", package="chalk", ecosystem="npm"))
    packages = Advisories(records).known(None)
    assert scan.constraint(spec, packages)["finding"].to_list() == [finding]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("litelm<1", 'did you mean "litellm"'),
        ("zzz<1", "names one of litellm"),
        ("?", "is no requirement; give name and versions"),
    ],
)
def test_a_fix_for_no_package_that_is_named_is_an_error(spec: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        scan.constraint(spec, Advisories(tuple(named(*BAD))).known(None))


def test_a_list_of_bare_names_counts_where_it_is_called_requirements(tmp_path: Path) -> None:
    for name in ("requirements.txt", "words.txt"):
        (tmp_path / name).write_text("LiteLLM\nopenai\n")
    told = [(Path(row["file"]).name, row["finding"]) for row in scanned([tmp_path]).to_dicts()]
    assert told == [("requirements.txt", "range_admits")]


def test_a_file_that_is_named_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock())
    assert scanned([tmp_path, tmp_path / "uv.lock", tmp_path / "." / "uv.lock"]).height == 1


def test_a_large_file_that_its_name_does_not_tell_is_told_where_it_begins_as_one(
    tmp_path: Path,
) -> None:
    """A list of pins and a file of data, each too large to be read."""
    for name, line in (("pins.txt", b"rich==13.7.0\n"), ("data.txt", b"one two three\n")):
        with (tmp_path / name).open("wb") as file:
            file.write(line * 2000)
            file.truncate(files.MOST_BYTES + 1)
    (row,) = scanned([tmp_path]).to_dicts()
    assert (row["finding"], Path(row["file"]).name) == ("not_evaluated", "pins.txt")
    assert "larger than 64 MB" in row["reason"]
