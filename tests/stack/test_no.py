"""`no` is said of a whole system that was read with all its branches, and of nothing less."""

from collections.abc import Callable
from pathlib import Path

import pytest
from stacks import at, commit, git, lock, named, scanned, window

from impact.stack import advisories, installs, scan, vex
from impact.stack.advisories import Advisories
from impact.stack.records import Affected
from impact.stack.verdicts import Install

FROZEN = (Install(at("11:00"), at("11:00"), "locked"),)
GOOD = lock("1.82.6", "2026-03-19T08:00:00Z")
ACTION = Affected("A-1", "GitHub Actions", "evil/action", ("1.0.0",))
WORKFLOW = "on: push\njobs:\n  a:\n    steps:\n      - uses: evil/action@v1.0.0\n"
Told = dict[str, str]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that held a good lock since the 20th."""
    home = tmp_path / "svc"
    home.mkdir()
    git(home, "init", "-b", "main")
    commit(home, "20 09:00", uv_dot_lock=GOOD)
    return home


def told(path: Path, records: tuple[Affected, ...] = (), **question: object) -> Told:
    """Verdict of each file, on litellm or what the records name."""
    asked = {"history": True, "installs": FROZEN, **question}
    rows = scanned([path], records, **asked).to_dicts()
    return {f"{Path(row['file']).name} {row['package']}": row["verdict"] for row in rows}


def test_a_frozen_lock_that_git_shows_on_all_branches_is_no(repository: Path) -> None:
    assert told(repository) == {"uv.lock litellm": "no"}
    assert told(repository, history=False) == {"uv.lock litellm": "unlikely"}


def test_a_lock_that_builds_one_of_its_packages_is_no_no(repository: Path) -> None:
    """What its build asks for is resolved anew."""
    wheels, sdist = GOOD.partition("wheels = [{")[2].partition("\n")[0], "sdist = {"
    built = GOOD.replace(f"wheels = [{{{wheels}", f"{sdist}{wheels[:-1]}".replace('"x"', '"x.zip"'))
    assert built != GOOD
    commit(repository, "20 10:00", uv_dot_lock=built)
    assert told(repository) == {"uv.lock litellm": "unlikely"}


def on_a_branch(home: Path) -> None:
    git(home, "checkout", "-b", "renovate/litellm")
    commit(home, "24 10:55", uv_dot_lock=lock("1.82.8"))
    git(home, "checkout", "main")


def merged_and_deleted(home: Path) -> None:
    on_a_branch(home)
    git(home, "checkout", "renovate/litellm")
    commit(home, "24 10:58", uv_dot_lock=GOOD)
    git(home, "checkout", "main")
    git(home, "merge", "--no-ff", "-m", "merge", "renovate/litellm", when="24 12:00")
    git(home, "branch", "-D", "renovate/litellm")


def amended(home: Path) -> None:
    commit(home, "24 10:55", uv_dot_lock=lock("1.82.8"))
    git(home, "reset", "--hard", "HEAD~1")


@pytest.mark.parametrize("held", [on_a_branch, merged_and_deleted, amended])
def test_what_a_branch_held_is_possible_since_ci_may_have_built_it(
    held: Callable[[Path], None], repository: Path
) -> None:
    held(repository)
    assert told(repository) == {"uv.lock litellm": "possible"}


def test_where_not_all_branches_are_there_nothing_is_no(repository: Path) -> None:
    on_a_branch(repository)
    near = repository.parent / "near"
    git(repository, "clone", "--single-branch", str(repository), str(near))
    assert told(near) == {"uv.lock litellm": "unlikely"}
    shallow = repository.parent / "shallow"
    git(repository, "clone", "--depth", "1", f"file://{repository}", str(shallow))
    assert told(shallow) == {"uv.lock litellm": "unknown"}


def test_a_part_of_a_repository_clears_nothing(repository: Path) -> None:
    assert told(repository / "uv.lock") == {"uv.lock litellm": "unlikely"}


def test_a_file_of_the_same_system_that_was_not_read_keeps_it_open(repository: Path) -> None:
    (repository / "bun.lockb").write_bytes(b"\0\1")
    assert told(repository) == {"uv.lock litellm": "unlikely", "bun.lockb litellm": "unknown"}


def test_a_lock_clears_packages_of_its_own_ecosystem_alone(repository: Path) -> None:
    assert told(repository, (ACTION,)) == {"uv.lock evil/action": "unknown"}
    (repository / ".github/workflows").mkdir(parents=True)
    (repository / ".github/workflows/a.yml").write_text(WORKFLOW)
    possible = {"uv.lock evil/action": "unknown", "a.yml evil/action": "possible"}
    assert told(repository, (ACTION,)) == possible


@pytest.mark.parametrize(
    ("hour", "verdict"), [("9:00", "unlikely"), ("11:00", "exposed"), ("13:00", "unlikely")]
)
def test_a_run_settles_whether_a_tag_was_used_while_it_was_moved(
    hour: str, verdict: str, tmp_path: Path
) -> None:
    home = tmp_path / "svc/.github/workflows"
    home.mkdir(parents=True)
    (home / "a.yml").write_text(WORKFLOW)
    moved = window("tags", "10:00", "12:00", package="evil/action")
    moved = moved._replace(ecosystem="GitHub Actions")
    runs = (Install(at(hour), at(hour), "resolved", "a.yml"),)
    found = told(tmp_path, (ACTION,), windows=[moved], installs=runs, history=False)
    assert found == {"a.yml evil/action": verdict}


def test_an_install_of_no_file_is_told_and_keeps_all_open(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "ci.csv"
    ran = ("when,mode,path", "2026-03-24T11:00Z,locked,svc", "2026-03-24T11:00Z,resolved,C:\\ci")
    path.write_text("\n".join(ran))
    rows = scanned([repository], history=True, installs=installs.read(path)).to_dicts()
    judged = [(row["verdict"], row["file"]) for row in rows if row["package"]]
    assert judged == [("unlikely", str(repository / "uv.lock"))]
    assert rows[-1]["file"] == "ci.csv:3"
    assert "covers no file that was scanned" in rows[-1]["reason"]


@pytest.mark.parametrize(
    "path", ["svc", "./svc", ".\\svc\\uv.lock", "svc/**", "svc//uv.lock", "uv"]
)
def test_a_path_of_an_install_may_be_written_in_other_ways(
    path: str, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "ci.csv").write_text(f"when,mode,path\n2026-03-24T11:00Z,locked,{path}\n")
    found = installs.read(tmp_path / "ci.csv")
    assert told(repository, installs=found) == {"uv.lock litellm": "no"}


def test_a_recorded_version_counts_where_no_file_names_the_package(repository: Path) -> None:
    other = Affected("X", "npm", "axios", ("1.14.1",))
    seen = (FROZEN[0]._replace(version="1.14.1"),)
    assert told(repository, (other,), installs=seen) == {"uv.lock axios": "exposed"}
    seen = (FROZEN[0]._replace(version="1.14.1", package="chalk"),)
    assert told(repository, (other,), installs=seen) == {"uv.lock axios": "unknown"}


# OpenVEX


def statements(path: Path, *records: Affected) -> list[tuple[str, ...]]:
    """(advisory, status, aliases, parts) of each statement."""
    rows = scanned([path], records, history=True, installs=FROZEN)
    return [
        (
            *(one["vulnerability"]["name"], one["status"]),
            ",".join(one["vulnerability"]["aliases"]),
            ",".join(part["@id"] for part in one["products"][0]["subcomponents"]),
        )
        for one in vex.document(rows, Advisories(records).known(None))["statements"]
    ]


def test_each_advisory_has_a_statement_of_its_own_with_its_own_aliases(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock("1.82.8"))
    old = named("1.0.0")[0]._replace(advisory="GHSA-1", aliases=("CVE-1",))
    assert statements(tmp_path, old, *named("1.82.8")) == [
        ("GHSA-1", "under_investigation", "CVE-1", "pkg:pypi/litellm@1.82.8"),
        ("MAL-1", "affected", "", "pkg:pypi/litellm@1.82.8"),
    ]


def test_an_advisory_of_two_packages_has_one_statement(repository: Path) -> None:
    also = named("9.9", package="dspy")
    ((_, status, _, parts),) = statements(repository, *named("1.82.8"), *also)
    assert status == "not_affected"
    assert set(parts.split(",")) == {"pkg:pypi/litellm@1.82.6", "pkg:pypi/dspy@3.0"}


def test_of_a_system_in_which_nothing_was_looked_for_nothing_is_stated(repository: Path) -> None:
    assert statements(repository, ACTION) == []


def test_a_withdrawn_record_names_nothing_and_a_live_one_of_its_id_does(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(lock("1.82.8"))
    live = named("1.82.8")[0]
    gone = live._replace(withdrawn=at("10:00"))
    assert [one[1] for one in statements(tmp_path, gone, live)] == ["affected"]
    assert statements(tmp_path, gone) == []
    assert scan.scan([], scan.question(Advisories((gone,)))).height == 0
    (row,) = scanned([tmp_path], (gone,)).to_dicts()
    assert "MAL-1 named it and was withdrawn 24 March 2026, 10:00 UTC" in row["reason"]


def test_advisories_that_no_ending_promises_are_told(tmp_path: Path) -> None:
    for name in ("A.JSON", "b.md", "c.jsonl", "README.md", ".git"):
        (tmp_path / name).write_text('{"id": "X", "affected": []}')
    told = advisories.read(tmp_path)
    assert [fault.where for fault in told.unread] == ["A.JSON", "b.md", "c.jsonl"]
    assert "names no package" in told.unread[0].what
