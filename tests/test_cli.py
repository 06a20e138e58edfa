"""The command: its JSON, its errors and its exit status."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import impact, started

JSON = ("--json", "--draws", "2000")


def shown(*words: object) -> dict[str, Any]:
    """What `show --json` says."""
    done = impact("show", *words, *JSON)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_show_json_has_the_same_bytes_in_any_time_zone_locale_and_hash_seed() -> None:
    words = ("show", "mercor", "--json", "--draws", "1000", "--as-of", "2026-04-23")
    one = started(*words, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="1")
    two = started(*words, TZ="America/Lima", LC_ALL="C.UTF-8", PYTHONHASHSEED="2")
    assert one.returncode == 0, one.stderr
    assert one.stdout == two.stdout == impact(*words).stdout


def test_a_started_command_ends_with_the_status_and_the_line_of_its_fault() -> None:
    words = ("show", "mercor", "--scenario", "surge-fals")
    done = started(*words)
    assert done == impact(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r'.*no scenario "surge-fals"; did you mean .*\n', done.stderr)


def test_show_json_has_the_shape_of_the_contract() -> None:
    found = shown("mercor")
    assert {"case", "scenario", "as_of", "tlp", "draws", "seed", "view_digest"} <= set(found)
    assert set(found["exposure"][0]) == {"entity", "kind", "chance", "chance_error"}
    assert set(found["forms"][0]) == {"bearer", "form", "mean_usd"}
    keys = "bearer chance mean_usd p50_usd p90_usd p95_usd p99_usd tvar95_usd mean_error_usd basis"
    assert set(found["losses"][0]) == set(keys.split())
    assert "total" in {row["bearer"] for row in found["losses"]}


@pytest.mark.parametrize("view", [(), ("--year",), ("--scenario", "surge-falls")])
def test_no_line_of_show_is_wider_than_the_terminal(
    view: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = impact("show", "mercor", "--draws", "2000", *view).stdout.splitlines()
    assert len(lines) > 10
    assert max(map(len, lines)) <= 60


def test_show_json_has_the_same_bytes_with_shuffled_rows(copied: Path) -> None:
    for path in copied.glob("*.csv"):
        head, *rows = path.read_text("utf-8").splitlines()
        path.write_text("\n".join([head, *reversed(rows), ""]), "utf-8")
    assert impact("show", copied, *JSON).stdout == impact("show", "mercor", *JSON).stdout


def test_adding_an_unrelated_party_moves_no_other_number(copied: Path) -> None:
    for table, row in {
        "entities": "aardvark,Aardvark,vendor,Unrelated.,,,,,,2026-04-04,,",
        "inputs": "aardvark_hit,.1,.2,.9,pert,,chance,once,Chance.,assumption,None.,,,,,2026-11-22"
        ",,,,2026-04-04,,",
        "links": "a-link,event,aardvark,opens,aardvark_hit,,,,,,2026-04-04,,",
    }.items():
        with (copied / f"{table}.csv").open("a", encoding="utf-8") as stream:
            stream.write(f"{row}\n")
    usual, added = shown("mercor"), shown(copied)
    (new,) = (row for row in added["exposure"] if row["entity"] == "aardvark")
    assert new["chance"] > 0
    added["exposure"].remove(new)
    assert all(added[part] == usual[part] for part in ("exposure", "losses", "forms"))


def test_at_noon_of_the_day_the_command_shows_the_bad_release_and_an_open_window() -> None:
    words = ("show", "mercor", "--as-of", "2026-03-24T12:00Z", "--draws", "1000")
    text = " ".join(impact(*words).stdout.split())
    assert "Known to be malicious: litellm 1.82.8" in text
    assert (
        "litellm 1.82.8 was available from 24 March 2026, 10:52 UTC; the end is not known" in text
    )
    found = json.loads(impact(*words, "--json").stdout)
    chance = {row["entity"]: row["chance"] for row in found["exposure"]}
    assert (chance["litellm-1.82.8"], chance["mercor"]) == (1.0, 0.0)


DIFF = "diff mercor --from baseline --to"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("show mercor --scenario surge-fals", r'no scenario "surge-fals"; did you mean'),
        ("show mercor --set pause_week=3", r'no input "pause_week"; did you mean "pause_weeks"'),
        ("show mercor --set pause_weeks=1 --set =3", r'"=3" is no change; write NAME=VALUE'),
        ("show mercor --set openai_pauses=1.5", r"outside 0 to 1"),
        ("show mercor --set pause_weeks=1e400", r"is no estimate; write one number"),
        ("show mercor --set misuse_usd=1,2,1e9", r"misuse_usd cap: is not above high; give"),
        ("show mercor --set misuse_usd=0,2,9", r"needs 0 < low < high; write its 5 %"),
        ("show mercor --set pause_weeks=-5", r"there is no week below 0"),
        ("show mercor --set affected_people=-5", r"there is no person below 0"),
        ("show mercor --set window_minutes=-40", r"there is no minute below 0"),
        ("show mercor --as-of 24.03.2026", r'"24.03.2026" is no date; write 2026'),
        ("show mercor --tlp grean", r'no TLP level; did you mean "green"'),
        ("show mercor --draws 1000000000000", r"outside 1 to"),
        ("show mercor --draws many", r"'many' is not a valid integer"),
        ("show mercor --seed -1", r"-1 is below 0"),
        ("show mercor --year --as-of 2026-03-31", r"such an event happens; give inputs.csv one in"),
        ("show mercor --year --draws 2000000", r"is outside 1 to 1,048,576"),
        ("show mercor --year --set such_events_a_year=1e9", r"goes above 500 events a year; give"),
        (
            "show mercor --year --set such_events_a_year=400 --set such_events_here_share=1",
            r"10,000 years hold [\d,]+ events, more than 1,048,576; take [\d,]+ or fewer",
        ),
        (f"{DIFF} long-paus", r'--to: "long-paus" is neither a scenario nor a day; did you mean'),
        (
            "diff mercor --from long-paus --to baseline",
            r'--from: "long-paus" is neither a scenario nor a day; did you mean',
        ),
        ("diff mercor --from baseline", r"Missing option '--to'"),
        (f"{DIFF} long-pause --draws 0", r"0 is outside 1 to"),
        (f"{DIFF} long-pause --set x=1", r'no input "x"; '),
        (f"{DIFF} long-pause --tlp pink", r'"pink" is no TLP level; '),
        (f"{DIFF} long-pause --scenario nonsense", r"--scenario: both ends say it already; leave"),
        ("check mercr", r'no such case; did you mean "mercor"\?'),
        ("check https://cases.example/mercor", r"is an address; the kit reads local folders only"),
        ("check data/cases/*", r"is a pattern; name one folder"),
        ("check tests", r"holds no case.toml; name a case folder"),
        (f"show {'x' * 5000}", r"File name too long"),
        (f"diff {'x' * 5000} --from a --to b", r"File name too long"),
        ("why mercor 'a\nb'", r'no "a b"'),
        ("export mercor --to stix ''", r"PATH: is empty"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_with_its_repair(words: str, said: str) -> None:
    done = impact(*shlex.split(words))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert re.search(said, line), line
    assert "; " in line


@pytest.mark.parametrize("verb", ["show mercor --scenario", "diff mercor --from baseline --to"])
def test_a_scenario_that_is_not_known_yet_is_refused_with_another_status(verb: str) -> None:
    done = impact(*verb.split(), "long-pause", "--as-of", "2026-03-24")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r'no input "pause_weeks"; it is not known in this view', done.stderr)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--set pause_week=3", 'no input "pause_week"; '),
        ("--scenario no-such", 'no scenario "no-such"; '),
        ("--notebook 00_breif", 'did you mean "00_brief"'),
        ("--format docx", "docx"),
        ("--tlp orange", '"orange" is no TLP level; '),
        ("--draws 0", "0 is outside 1 to"),
        ("--jobs 0", "--jobs: 0 is below 1; "),
        ("--timeout 0", "--timeout: 0 is below 1; "),
    ],
)
def test_a_report_with_a_wrong_parameter_starts_no_kernel_and_writes_nothing(
    tmp_path: Path, words: str, said: str
) -> None:
    out = tmp_path / "reports"
    done = impact("report", "mercor", "--out", out, *words.split())
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "; " in done.stderr
    assert not out.exists()


def test_an_output_folder_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already")
    done = impact("report", "mercor", "--out", tmp_path / "file" / "reports")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("--help", {"polars", "numpy", "altair", "papermill", "scipy", "jinja2"}),
        ("show mercor --draws 1000", {"altair"}),
    ],
)
def test_what_a_verb_does_not_need_is_not_imported(words: str, heavy: set[str]) -> None:
    code = "import sys; from impact.cli import main; main(sys.argv[1:], standalone_mode=False)"
    code += f"; sys.exit(str({heavy} & {{*sys.modules}} or ''))"
    command = [sys.executable, "-c", code, *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_cases_and_check_name_the_bundled_case() -> None:
    assert "mercor: Mercor breach" in impact("cases").stdout
    assert "no faults" in impact("check", "mercor").stdout


# a year, and differences


def test_a_case_with_faults_is_named_and_hides_no_other(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    impact("new", "sound", "--title", "Evil \x1b]0;x\x07\u202egpj")
    impact("new", "broken")
    with (tmp_path / "data/cases/broken/links.csv").open("a", encoding="utf-8") as file:
        file.write("x,y\n")
    (tmp_path / "data/cases/.sound-ab12").mkdir()
    (tmp_path / "data/cases/.sound-ab12/case.toml").write_text("", "utf-8")
    done = impact("cases")
    bundled = [one.name for one in (root / "data/cases").iterdir() if one.name[0].isalpha()]
    listed = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert listed == sorted([*bundled, "sound"])
    assert done.stderr == "broken: has 1 fault; see `impact check broken`\n"
    assert done.returncode == 2
    for told in (done.stdout, impact("check", "sound").stdout):
        assert "Evil [U+202E]gpj" in told
        assert "\x1b" not in told
    assert impact("new", "third", "--scan", tmp_path / "data").returncode == 0


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "1" * 5000])
def test_toml_that_python_cannot_hold_is_told(copied: Path, text: str) -> None:
    for name in ("case.toml", "scenarios.toml"):
        with (copied / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    done = impact("check", copied)
    assert done.returncode == 2
    assert done.stderr.startswith("case.toml: is n")


def test_no_name_of_a_scenario_above_the_level_is_told(copied: Path) -> None:
    with (copied / "scenarios.toml").open("a", encoding="utf-8") as file:
        file.write('[scenario.zorblax]\ntitle = "Z"\nsays = "Z."\ntlp = "red"\n')
    for words in ("show {} --scenario zorblux", "diff {} --from baseline --to zorblux"):
        for level, there in (("clear", False), ("red", True)):
            told = impact(*words.format(copied).split(), "--tlp", level).stderr
            assert ("zorblax" in told) == there


def test_a_decision_with_a_fault_is_told_to_those_who_may_see_the_whole_case(copied: Path) -> None:
    toml = copied / "scenarios.toml"
    head = '[decision.zorblax]\ntitle = "Zorblax"\ntlp = "orange"\n'
    toml.write_text(toml.read_text("utf-8") + head, "utf-8")
    assert "zorblax" in impact("check", copied).stderr
    assert impact("cases").returncode == 0
    for level, there in (("clear", False), ("red", True)):
        told = impact("show", copied, "--tlp", level, "--draws", "200").stdout
        assert ("Zorblax" in told) == there


def test_show_of_a_year_says_that_it_is_one() -> None:
    found = shown("mercor", "--year")
    assert found["over"] == "year"
    assert 0.02 < next(r["chance"] for r in found["exposure"] if r["entity"] == "mercor") < 0.1
    text = impact("show", "mercor", "--year", "--draws", "2000").stdout
    assert text.startswith("Mercor breach, baseline: next year")
    assert "(assumption)" in text


def cents(usd: float) -> int:
    """An amount in whole cents."""
    assert type(usd) is float
    assert abs(usd * 100 - round(usd * 100)) < 1e-3
    return round(usd * 100)


@pytest.mark.parametrize(
    ("first", "last", "more"),
    [
        ("near-miss", "surge-falls", ()),
        ("baseline", "pause-spreads", ("--set", "turing_falls=0.5", "--as-of", "2026-04-23")),
        ("long-pause", "long-pause", ()),
    ],
)
def test_diff_json_has_the_shape_of_the_contract_and_effects_that_add_up(
    first: str, last: str, more: tuple[str, ...]
) -> None:
    done = impact("diff", "mercor", "--from", first, "--to", last, *JSON, *more)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"from", "to", "changes"} <= found.keys()
    for end, name in (("from", first), ("to", last)):
        assert found[end].keys() == {"view", "total_mean_usd"}
        assert found[end]["view"] == name
        losses = shown("mercor", "--scenario", name, *more)["losses"]
        (total,) = (row["mean_usd"] for row in losses if row["bearer"] == "total")
        assert found[end]["total_mean_usd"] == pytest.approx(total, abs=0.006)
    assert all(row.keys() == {"table", "id", "what", "effect_usd"} for row in found["changes"])
    moved = cents(found["to"]["total_mean_usd"]) - cents(found["from"]["total_mean_usd"])
    assert sum(cents(row["effect_usd"]) for row in found["changes"]) == moved
    assert (found["changes"] == []) == (first == last)


def test_diff_in_text_names_both_ends_and_the_changes() -> None:
    text = " ".join(impact(*f"{DIFF} pause-spreads".split()).stdout.split())
    assert text.startswith('From baseline to "The pause spreads" the average total rose from $')
    for name in ("openai_pauses", "silent_client_pauses"):
        assert re.search(rf"{name}.* was 0\.\d+ to .*\$\d", text)
    assert "add up to the cent" in text


@pytest.mark.parametrize(
    "words",
    [
        *("--nope", "frob", "show", "scan nowhere", "scan https://x.example/uv.lock"),
        *("show mercor --drew 5", "verify README.md --jobs 0", "new a --vendors none.csv"),
        *("verify none", "diff mercor"),
    ],
)
def test_wrong_use_is_told_in_a_line_with_its_repair(words: str) -> None:
    done = impact(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(r"\S+( \w+)?: .+; see \S+( \w+)? --help", line)


def test_a_moment_that_is_none_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPACT_NOW", "soon")
    done = impact("show", "drift", "--draws", "300")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('IMPACT_NOW: "soon" is no moment; write 2026, 2026-04')


def test_a_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = impact("check", "drift")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "impact: No such file or directory; check path, rights and room\n"
