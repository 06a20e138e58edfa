"""What git keeps of a lock, as intervals, in real repositories."""

import multiprocessing
import shutil
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from stacks import ADMITS, BAD, at, commit, git, lock, named, scanned, window

from impact.base.errors import BadInput
from impact.stack import files, history, scan
from impact.stack.advisories import Advisories

ACCOUNTS = [window("1.82.8", "10:52", close, "start") for close in ("11:25", "13:38")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose lock held the bad version from 11:00 to 13:00 on 24 March."""
    home = tmp_path / "svc"
    home.mkdir()
    git(home, "init", "-b", "main")
    early = "2026-03-20T08:00:00Z"
    commit(home, "20 09:00", uv_dot_lock=lock("1.82.6", early))
    commit(home, "24 11:00", uv_dot_lock=lock("1.82.8"))
    commit(home, "24 13:00", uv_dot_lock=lock("1.82.6", early))
    commit(home, "25 09:00", README="x")
    return home


def test_a_lock_that_is_safe_today_and_was_not_is_found(repository: Path) -> None:
    (today,) = scanned([repository], windows=ACCOUNTS).to_dicts()
    assert (today["finding"], today["verdict"]) == ("locked_other", "unlikely")
    (row,) = scanned([repository], windows=ACCOUNTS, history=True).to_dicts()
    assert (row["finding"], row["verdict"]) == ("locked_affected", "exposed")
    assert row["version"] == "1.82.8"
    assert row["path"] == "labeling-service > dspy > litellm 1.82.8"
    assert "24 March 2026, 11:00 UTC to 24 March 2026, 13:00 UTC" in row["reason"]
    assert "now locked_other 1.82.6" in row["reason"]
    told = [(state["version"], state["begins"], state["ends"]) for state in row["states"]]
    assert told == [
        ("1.82.6", at("20 09:00"), at("11:00")),
        ("1.82.8", at("11:00"), at("13:00")),
        ("1.82.6", at("13:00"), None),
    ]


def test_as_of_an_hour_the_lock_of_that_hour_is_read(repository: Path) -> None:
    for hour, version in (("24 10:00", "1.82.6"), ("24 12:00", "1.82.8"), ("24 14:00", "1.82.6")):
        assert scanned([repository], as_of=at(hour))["version"].to_list() == [version]
    (row,) = scanned([repository], as_of=at("19 09:00")).to_dicts()
    assert (row["finding"], "no commit by then" in row["reason"]) == ("not_evaluated", True)


def test_a_lock_that_was_removed_and_one_that_was_broken_are_told(repository: Path) -> None:
    commit(repository, "26 09:00", uv_dot_lock=None, poetry_dot_lock="[[package]]\nname =")
    rows = scanned([repository], windows=ACCOUNTS, history=True).to_dicts()
    told = {Path(row["file"]).name: row for row in rows}
    assert told["uv.lock"]["finding"] == "locked_affected"
    assert told["poetry.lock"]["finding"] == "not_evaluated"


def test_a_file_that_is_named_itself_brings_no_other_file_of_its_repository(
    repository: Path,
) -> None:
    commit(repository, "26 09:00", poetry_dot_lock="x", pylock_dot_toml="y")
    commit(repository, "27 09:00", poetry_dot_lock=None)
    assert scanned([repository / "uv.lock"], history=True).height == 1
    told = {Path(row["file"]).name for row in scanned([repository], history=True).to_dicts()}
    assert told == {"uv.lock", "poetry.lock", "pylock.toml"}


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize(("upload", "verdict"), [("10:52", "exposed"), ("14:30", "likely")])
def test_a_lock_was_made_between_its_newest_upload_and_its_commit(
    tmp_path: Path, history: bool, upload: str, verdict: str
) -> None:
    git(tmp_path, "init", "-b", "main")
    commit(tmp_path, "24 18:00", uv_dot_lock=lock("1.82.8", f"2026-03-24T{upload}:19Z"))
    (row,) = scanned([tmp_path], windows=ACCOUNTS, history=history).to_dicts()
    assert (row["finding"], row["verdict"]) == ("locked_affected", verdict)


def test_a_merged_branch_counts_from_its_merge(repository: Path) -> None:
    git(repository, "checkout", "-b", "side", "HEAD~1")
    commit(repository, "25 10:00", uv_dot_lock=lock("1.82.8"))
    git(repository, "checkout", "main")
    git(repository, "merge", "--no-ff", "-m", "merge", "side", when="25 12:00")
    (row,) = scanned([repository], history=True).to_dicts()
    assert row["states"][-1]["begins"] == at("25 12:00")


def test_nothing_that_a_repository_configures_is_started(repository: Path, tmp_path: Path) -> None:
    trace = tmp_path / "started"
    for name in ("core.fsmonitor", "core.sshCommand", "diff.external", "core.pager"):
        git(repository, "config", name, f"touch {trace}")
    (repository / ".gitattributes").write_text("*.lock diff=x filter=x\n")
    for name in ("diff.x.textconv", "filter.x.smudge", "filter.x.clean"):
        git(repository, "config", name, f"touch {trace}")
    assert scanned([repository], history=True).height == 1
    assert not trace.exists()


def test_a_repository_without_commits_is_told_and_not_evaluated(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "pyproject.toml").write_text(ADMITS)
    with pytest.raises(BadInput, match="look at the repository"):
        history.revisions(tmp_path)
    (row,) = scanned([tmp_path]).to_dicts()
    assert row["finding"] == "range_admits"
    (row,) = scanned([tmp_path], history=True).to_dicts()
    assert (row["finding"], row["verdict"]) == ("not_evaluated", "unknown")


def test_files_outside_git_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock())
    assert scanned([tmp_path], history=True)["finding"].to_list() == ["locked_affected"]


def test_a_requirement_file_is_read_with_the_files_of_its_own_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "main")
    for hour, version in (("09:00", "1.82.6"), ("11:00", "1.82.8")):
        files = {"requirements_dot_txt": f"-r base.in\nx=={hour[1]}\n"}
        commit(tmp_path, f"24 {hour}", **files, base_dot_in=f"litellm=={version}\n")
    rows = {Path(row["file"]).name: row for row in scanned([tmp_path], history=True).to_dicts()}
    versions = [state["version"] for state in rows["requirements.txt"]["states"]]
    assert versions == ["1.82.6", "1.82.8"]


def test_a_repository_is_read_that_has_no_lock_any_more_and_one_without_files(
    repository: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--bare", str(repository), str(tmp_path / "bare.git"))
    (bare,) = scanned([tmp_path / "bare.git"], windows=ACCOUNTS).to_dicts()
    assert (bare["finding"], bare["version"]) == ("locked_other", "1.82.6")
    commit(repository, "26 09:00", uv_dot_lock=None)
    (row,) = scanned([repository]).to_dicts()
    assert (row["finding"], row["package"]) == ("not_evaluated", "")
    assert "nothing in it is known to name packages" in row["reason"]
    told = scanned([tmp_path], windows=ACCOUNTS, history=True).to_dicts()
    assert {row["system"] for row in told} == {"svc", "bare.git"}
    assert {(row["finding"], row["verdict"]) for row in told} == {("locked_affected", "exposed")}


def test_workers_tell_what_one_process_tells_and_none_that_is_killed_takes_a_row_along(
    repository: Path, tmp_path: Path
) -> None:
    fleet = tmp_path / "fleet"
    for number in range(scan.FEW + 4):
        shutil.copytree(repository, fleet / f"svc{number:02}")
        (fleet / f"svc{number:02}" / "requirements.txt").write_text("-r more.txt\n")
        (fleet / f"svc{number:02}" / "more.txt").write_text(f"litellm==1.82.{number}\n")
    asked = scan.question(Advisories(tuple(named(*BAD))), ACCOUNTS, history=True)

    def rows(workers: int, progress: object = lambda file: None) -> object:
        return scan.scan(files.found([fleet]), asked, progress, [fleet], workers)

    def kill(file: str) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()  # as SIGKILL; nothing where it has ended by itself

    alone = rows(1)
    assert alone.filter(alone["finding"] == "locked_affected").height >= scan.FEW + 4
    assert_frame_equal(rows(2), alone)
    assert_frame_equal(rows(2, kill), alone)


def test_the_past_of_a_lock_that_is_a_link_today_is_read(repository: Path) -> None:
    (repository / "locks").mkdir()
    (repository / "locks" / "uv.lock").write_text(lock("1.82.6"))
    (repository / "uv.lock").unlink()
    (repository / "uv.lock").symlink_to("locks/uv.lock")
    commit(repository, "26 09:00")
    rows = scanned([repository], windows=ACCOUNTS, history=True).to_dicts()
    told = {str(Path(row["file"]).relative_to(repository)): row["finding"] for row in rows}
    assert told["uv.lock"] == "locked_affected"
    assert told["locks/uv.lock"] == "locked_other"


def test_the_past_of_what_was_removed_and_lies_in_a_folder_that_is_skipped_is_read(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init", "-b", "main")
    (tmp_path / ".venv").mkdir()
    commit(tmp_path, "24 11:00", **{".venv/uv_dot_lock": lock("1.82.8")})
    git(tmp_path, "rm", "--cached", "-q", "-r", ".venv", when="24 12:00")
    git(tmp_path, "commit", "-m", "x", when="24 12:00")
    assert "locked_affected" not in scanned([tmp_path])["finding"]
    assert "locked_affected" in scanned([tmp_path], history=True)["finding"]


def test_a_list_that_was_removed_is_known_by_what_it_held_last(repository: Path) -> None:
    """Its name says nothing; a note beside it was none, and was removed too."""
    names = {"prod-pins_dot_txt": "litellm==1.82.8\nrich==13.7.0\n", "notes_dot_txt": "Buy milk\n"}
    commit(repository, "26 09:00", **names)
    commit(repository, "27 09:00", **dict.fromkeys(names))
    rows = scanned([repository], windows=ACCOUNTS, history=True).to_dicts()
    told = {Path(row["file"]).name: row["finding"] for row in rows}
    assert told == {"uv.lock": "locked_affected", "prod-pins.txt": "locked_affected"}
