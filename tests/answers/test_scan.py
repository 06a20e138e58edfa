"""`impact scan`: its table, its lines of JSON, its status, what it exports and hunts for."""

import json
from pathlib import Path

import commands
import pytest
from stacks import ADMITS, commit, git, lock

import impact
from impact.cli import scan_report
from impact.measures import fleet as fleets


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Three systems: a bad lock, an open range, and an SBOM of a version that is not read."""
    for name in ("labeling-service", "gateway", "odd"):
        (tmp_path / "fleet" / name).mkdir(parents=True)
    (tmp_path / "fleet/labeling-service/uv.lock").write_text(lock())
    (tmp_path / "fleet/gateway/pyproject.toml").write_text(ADMITS)
    (tmp_path / "fleet/odd/bom.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "9"}')
    return tmp_path / "fleet"


def run(*arguments: object) -> commands.Done:
    return commands.impact("scan", *arguments)


def verdicts(out: str) -> dict[str, str]:
    """The verdict of each system on litellm, from lines of JSON."""
    rows = [row for row in map(json.loads, out.splitlines()) if row["package"] == "litellm"]
    return {row["file"].split("/")[-2]: row["verdict"] for row in rows}


def test_the_table_pastes_into_a_pull_request(fleet: Path) -> None:
    status, table, _ = run(fleet, "--case", "mercor")
    assert status == 1
    lines = table.splitlines()
    assert lines[0] == (
        "Of 3 files, 1 lock an affected version and 1 allow one; 1 could not be evaluated."
    )
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0] == ("| File | Package | Version | Verdict | Why | Path | What would settle it |")
    assert {line.count("|") - line.count("\\|") for line in rows} == {8}
    assert [row.split(" | ")[3] for row in rows[2:]] == ["exposed", "possible", "unknown"]
    assert "labeling-service > dspy > litellm 1.82.8" in rows[2]
    assert "CycloneDX 9 is not read" in rows[4]
    assert " | `all` | " in rows[4]


def test_lines_of_json_hold_every_file_and_package(fleet: Path) -> None:
    status, out, _ = run(fleet, "--case", "mercor", "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert all(set(scan_report.KEYS) <= set(record) for record in records)
    pairs = [(one["file"], (one["ecosystem"], one["package"])) for one in records]
    assert len(pairs) == len(set(pairs)) == 3 * len({package for _, package in pairs})
    (bad,) = [record for record in records if record["finding"] == "locked_affected"]
    assert (bad["package"], bad["version"], bad["verdict"]) == ("litellm", "1.82.8", "exposed")
    assert "MAL-2026-2144" in bad["advisory"]
    assert bad["settle"].endswith("?")


def test_a_day_before_any_advisory_is_not_taken_for_clean(fleet: Path) -> None:
    for form in ((), ("--json",)):
        status, out, told = run(fleet, "--case", "mercor", "--as-of", "2016-03-24", *form)
        assert status == 1
        assert "published by 24 March 2016: nothing could be looked for" in (told if form else out)


def test_the_status_is_that_of_the_gravest_finding(fleet: Path, acceptance: Path) -> None:
    clean = fleet / "clean"
    clean.mkdir()
    (clean / "uv.lock").write_text(lock("1.82.6"))
    assert run(clean, "--case", "mercor")[0] == 0
    for name in ("labeling-service", "gateway", "odd"):
        assert run(fleet / name, "--case", "mercor")[0] == 1
    assert run(clean, "--advisories", acceptance / "corpus/advisories")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "PATH: nothing to scan"),
        (("gone",), "Path 'gone' does not exist"),
        (("https://x.example/uv.lock",), "uv.lock' does not exist"),
        (("--case", "mercor", "--constraint", "litellm @ https://x.example"), "comes from an addr"),
        ((".",), "--advisories: no advisories"),
        ((".", "--case", "mercr"), 'did you mean "mercor"'),
        ((".", "--case", "mercor", "--as-of", "soon"), "is no date"),
        ((".", "--case", "mercor", "--installs", "gone.csv"), "Path 'gone.csv' does not exist"),
        ((".", "--advisories", "gone"), "Path 'gone' does not exist"),
        ((".", "--hunt"), "--hunt: no indicators"),
        (("--case", "mercor", "--constraint", "litelm<1"), 'did you mean "litellm"'),
    ],
)
def test_wrong_use_is_told_with_its_repair(arguments: tuple[str, ...], said: str) -> None:
    status, out, told = run(*arguments)
    assert (status, out) == (2, "")
    assert said in told


def test_a_proposed_fix_that_is_none_ends_with_status_1() -> None:
    status, table, _ = run("--case", "mercor", "--constraint", "litellm<=1.82.7")
    assert status == 1
    assert '"litellm<=1.82.7" allows 1.82.7' in table
    assert run("--case", "mercor", "--constraint", "litellm<1.82.7")[0] == 0


def test_a_verdict_rests_on_the_finding_where_no_window_is_known(
    fleet: Path, acceptance: Path
) -> None:
    _, out, _ = run(fleet, "--advisories", acceptance / "corpus/advisories", "--json")
    assert verdicts(out) == {"labeling-service": "likely", "gateway": "possible", "odd": "unknown"}


def clean_system(fleet: Path) -> None:
    """A system whose history holds another version since the 20th."""
    (fleet / "clean").mkdir()
    git(fleet / "clean", "init", "-b", "main")
    commit(fleet / "clean", "20 09:00", uv_dot_lock=lock("1.82.6", "2026-03-19T08:00:00Z"))


def test_installs_make_an_open_range_likely_and_a_frozen_lock_a_no(fleet: Path) -> None:
    clean_system(fleet)
    ci = fleet.parent / "ci.csv"
    when = "2026-03-24T11:00Z"
    ci.write_text(f"when,mode,path\n{when},resolved,gateway\n{when},locked,clean\n")
    _, out, _ = run(fleet, "--case", "mercor", "--installs", ci, "--history", "--json")
    told = verdicts(out)
    assert (told["gateway"], told["clean"]) == ("likely", "no")


def test_hunting_lists_what_belongs_to_what_was_found(fleet: Path) -> None:
    _, table, _ = run(fleet, "--case", "mercor", "--hunt")
    assert "What to rotate and to look for" in table
    assert "`models.litellm[.]cloud`" in table
    assert "aquasecurtiy" not in table
    (fleet / "labeling-service/uv.lock").write_text(lock("1.82.6"))
    _, calm, _ = run(fleet / "labeling-service", "--case", "mercor", "--hunt")
    assert "Nothing was found that calls for a hunt." in calm


def test_openvex_says_affected_or_under_investigation_and_not_affected_only_for_no(
    fleet: Path,
) -> None:
    clean_system(fleet)
    ci, out = fleet.parent / "ci.csv", fleet.parent / "vex.json"
    ci.write_text("when,mode,path\n2026-03-24T11:00Z,locked,clean\n")
    run(fleet, "--case", "mercor", "--installs", ci, "--history", "--vex", out)
    document = json.loads(out.read_text("utf-8"))
    assert document["@context"] == "https://openvex.dev/ns/v0.2.0"
    told = {}
    for statement in document["statements"]:
        product = statement["products"][0]
        if "litellm" in product["subcomponents"][0]["@id"]:
            told[product["@id"]] = statement
    status = {name.rpartition("/")[2]: one["status"] for name, one in told.items()}
    assert status == {
        "labeling-service": "affected",
        "gateway": "under_investigation",
        "odd": "under_investigation",
        "clean": "not_affected",
    }
    clean = told["pkg:generic/clean"]
    assert clean["justification"] == "vulnerable_code_not_present"
    assert told["pkg:generic/labeling-service"]["action_statement"]


def test_hostile_names_break_neither_the_table_nor_a_terminal(tmp_path: Path) -> None:
    home = tmp_path / "a|b\n<script>\x1b[31m"
    home.mkdir()
    (home / "uv.lock").write_text(lock())
    _, table, _ = run(home, "--case", "mercor")
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert "\x1b" not in table
    assert "`" in rows[2].partition("<script>")[0]  # in a span of code, which nothing in it ends
    assert "a/b" in rows[2]
    _, out, _ = run(home, "--case", "mercor", "--json")
    assert all(json.loads(line)["file"].startswith(str(tmp_path)) for line in out.splitlines())


def test_one_advisory_that_cannot_be_read_is_a_row_of_its_own(
    fleet: Path, acceptance: Path
) -> None:
    home = fleet.parent / "advisories"
    home.mkdir()
    source = acceptance / "corpus/advisories/MAL-2026-2144.json"
    (home / "good.json").write_bytes(source.read_bytes())
    (home / "bad.json").write_text("{")
    status, out, _ = run(fleet / "gateway", "--advisories", home, "--json")
    told = [(r["file"], r["finding"]) for r in map(json.loads, out.splitlines())]
    assert ("bad.json", "not_evaluated") in told
    assert status == 1


def test_windows_of_the_case_have_their_trigger_and_their_ecosystem() -> None:
    known = impact.view(impact.load_case("mercor"))
    spans = fleets.windows(known, fleets.advisories(known))
    homes = {
        (one.ecosystem, one.package, one.version, one.trigger) for one in spans if one.ecosystem
    }
    assert {
        ("PyPI", "litellm", "1.82.7", "import"),
        ("PyPI", "litellm", "1.82.8", "start"),
        *(("Docker", "aquasec/trivy", f"0.69.{n}", "") for n in (4, 5, 6)),
        *(("GitHub Actions", name, "tags", "") for name in ACTIONS),
    } <= homes
    early = impact.view(impact.load_case("mercor"), as_of="2026-03-24T12:00Z")
    closes = {one.package: one.closes for one in fleets.windows(early, fleets.advisories(early))}
    assert [name for name, end in closes.items() if end] == ["checkmarx/kics-github-action"]


ACTIONS = (
    *("aquasecurity/trivy-action", "aquasecurity/setup-trivy"),
    "checkmarx/kics-github-action",
)


def test_advisories_of_our_own_find_trivy_where_the_record_has_a_wrong_number(
    tmp_path: Path,
) -> None:
    bad = {
        **{"golang/github.com/aquasecurity/trivy@v0.69.4": True},
        **{"golang/github.com/aquasecurity/trivy@v0.69.3": False},
        **{"github/aquasecurity/trivy-action@0.34.2": True},
        **{"github/aquasecurity/trivy-action@0.35.0": False},
        **{"github/aquasecurity/setup-trivy@v0.2.5": True},
        **{"github/checkmarx/kics-github-action@v2.1.7": True},
    }
    for n, (purl, affected) in enumerate(bad.items()):
        name, _, version = purl.partition("/")[2].partition("@")
        part = {"type": "library", "name": name, "version": version, "purl": f"pkg:{purl}"}
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [part]}
        home = tmp_path / str(n)
        home.mkdir()
        (home / "bom.json").write_text(json.dumps(bom))
        _, out, _ = run(home, "--case", "mercor", "--json")
        found = {row["advisory"] for row in map(json.loads, out.splitlines())}
        assert any("KIT-2026-" in told for told in found) is affected, purl
    _, out, _ = run(tmp_path / "0", "--case", "mercor", "--json", "--as-of", "2026-03-22")
    assert "KIT-" not in out
