"""The command: its JSON, its errors and its exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import impact, started


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


def test_show_json_has_the_shape_of_the_contract_and_the_same_bytes_twice() -> None:
    first, second = (impact("show", "mercor", "--json", "--draws", "2000") for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    found = json.loads(first.stdout)
    assert {"case", "scenario", "as_of", "tlp", "draws", "seed", "view_digest"} <= set(found)
    assert set(found["exposure"][0]) == {"entity", "kind", "chance", "chance_error"}
    assert set(found["forms"][0]) == {"bearer", "form", "mean_usd"}
    keys = "bearer chance mean_usd p50_usd p90_usd p95_usd p99_usd tvar95_usd mean_error_usd basis"
    assert set(found["losses"][0]) == set(keys.split())
    assert "total" in {row["bearer"] for row in found["losses"]}


def test_show_json_has_the_same_bytes_with_shuffled_rows(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "mercor"
    home.mkdir()
    for path in (root / "data/cases/mercor").glob("*.*"):
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix == ".csv":
            lines = [lines[0], *reversed(lines[1:])]
        (home / path.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    usual = impact("show", "mercor", "--json", "--draws", "2000")
    shuffled = impact("show", str(home), "--json", "--draws", "2000")
    assert shuffled.returncode == 0, shuffled.stderr
    assert shuffled.stdout == usual.stdout


def test_adding_an_unrelated_party_moves_no_other_number(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "mercor"
    home.mkdir()
    for path in (root / "data/cases/mercor").glob("*.*"):
        (home / path.name).write_bytes(path.read_bytes())
    with (home / "entities.csv").open("a", encoding="utf-8") as stream:
        stream.write("aardvark,Aardvark,vendor,Unrelated.,,,,,,2026-04-04,,\n")
    with (home / "inputs.csv").open("a", encoding="utf-8") as stream:
        stream.write(
            "aardvark_hit,.1,.2,.9,pert,,chance,once,Chance.,assumption,None.,,,,,2026-11-22,,,,"
            "2026-04-04,,\n"
        )
    with (home / "links.csv").open("a", encoding="utf-8") as stream:
        stream.write("a-link,event,aardvark,opens,aardvark_hit,,,,,,2026-04-04,,\n")
    usual = json.loads(impact("show", "mercor", "--json", "--draws", "2000").stdout)
    more = impact("show", str(home), "--json", "--draws", "2000")
    assert more.returncode == 0, more.stderr
    added = json.loads(more.stdout)
    parties = [row for row in added["exposure"] if row["entity"] != "aardvark"]
    assert parties == usual["exposure"]
    assert added["losses"] == usual["losses"]
    assert added["forms"] == usual["forms"]
    assert next(r for r in added["exposure"] if r["entity"] == "aardvark")["chance"] > 0


def test_at_noon_of_the_day_the_command_shows_the_bad_release_and_an_open_window() -> None:
    words = ("show", "mercor", "--as-of", "2026-03-24T12:00Z", "--draws", "1000")
    text = impact(*words).stdout
    text = " ".join(text.split())
    assert "Known to be malicious: litellm 1.82.8" in text
    assert (
        "litellm 1.82.8 was available from 24 March 2026, 10:52 UTC; the end is not known" in text
    )
    found = json.loads(impact(*words, "--json").stdout)
    chance = {row["entity"]: row["chance"] for row in found["exposure"]}
    assert (chance["litellm-1.82.8"], chance["mercor"]) == (1.0, 0.0)


WRONG = {
    "scenario": (("--scenario", "surge-fals"), 2, r'no scenario "surge-fals"; did you mean'),
    "input": (("--set", "pause_week=3"), 2, r'no input "pause_week"; did you mean "pause_weeks"'),
    "value": (("--set", "pause_weeks=long"), 2, r"is no estimate; write one number"),
    "order": (("--set", "pause_weeks=9,3,1"), 2, r"not in order; write low <= mode <= high"),
    "chance": (("--set", "openai_pauses=1.5"), 2, r"outside 0 to 1"),
    "day": (("--as-of", "24.03.2026"), 2, r'"24.03.2026" is no date; write 2026'),
    "level": (("--tlp", "grean"), 2, r'no TLP level; did you mean "green"'),
    "draws": (("--draws", "0"), 2, r"0 is outside 1 to"),
    "many": (("--draws", "1000000000000"), 2, r"outside 1 to"),
    "seed": (("--seed", "-1"), 2, r"-1 is below 0"),
    "type": (("--draws", "many"), 2, r"'many' is not a valid integer"),
    "a list for a number": (("--set", "pause_weeks=1,2"), 2, r"is no estimate; write one number"),
    "no number": (("--set", "pause_weeks=nan"), 2, r"is no estimate; write one number"),
    "no end": (("--set", "pause_weeks=1e400"), 2, r"is no estimate; write one number"),
    "no name": (("--set", "=3"), 2, r'"=3" is no change; write NAME=VALUE'),
    "no sign": (("--set", "pause_weeks"), 2, r'"pause_weeks" is no change; write NAME=VALUE'),
    "a link to nowhere": (("--set", "link.surge-fals=0"), 2, r'did you mean "link.surge-falls"'),
    "a chance of a link": (("--set", "link.surge-falls=2"), 2, r"outside 0 to 1; write a fraction"),
    "above the cap": (
        ("--set", "misuse_usd=1,2,1e9"),
        2,
        r"misuse_usd cap: is not above high; give",
    ),
    "a lognormal from 0": (
        ("--set", "misuse_usd=0,2,9"),
        2,
        r"needs 0 < low < high; write its 5 %",
    ),
    "fewer than no draws": (("--draws", "-1"), 2, r"draws: -1 is outside 1 to"),
    "a year too early": (
        ("--year", "--as-of", "2026-03-31"),
        2,
        r"says how often such an event happens; give inputs.csv one in event/year",
    ),
    "years of very many draws": (("--year", "--draws", "2000000"), 2, r"is outside 1 to 1,048,576"),
    "too many events": (
        ("--year", "--set", "such_events_a_year=400; such_events_here_share=1"),
        2,
        r"10,000 years hold [\d,]+ events, more than 1,048,576; take [\d,]+ or fewer",
    ),
    "a rate beyond all": (
        ("--year", "--set", "such_events_a_year=1e9"),
        2,
        r"goes above 500 events a year; give the rate of this kind of event",
    ),
    "too early": (
        ("--scenario", "long-pause", "--as-of", "2026-03-24"),
        1,
        r'no input "pause_weeks"; it is not known in this view',
    ),
}


@pytest.mark.parametrize(("words", "status", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_view_is_a_line_with_its_repair_and_no_traceback(
    words: tuple[str, ...], status: int, said: str
) -> None:
    done = impact("show", "mercor", *words)
    assert done.returncode == status
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("mercr", 'no such case; did you mean "mercor"?'),
        ("https://cases.example/mercor", "is an address; the kit reads local folders only"),
        ("data/cases/*", "is a pattern; name one folder"),
        ("tests", "holds no case.toml; name a case folder"),
    ],
)
def test_a_case_that_is_not_there_says_so(case: str, said: str) -> None:
    done = impact("check", case)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_report_with_a_wrong_parameter_starts_no_kernel_and_writes_nothing(
    tmp_path: Path,
) -> None:
    out = tmp_path / "reports"
    for words in (
        ("--set", "pause_week=3"),
        ("--scenario", "no-such"),
        ("--notebook", "00_breif"),
        ("--format", "docx"),
        ("--tlp", "orange"),
        ("--draws", "0"),
    ):
        done = impact("report", "mercor", "--out", str(out), *words)
        assert done.returncode == 2, done.stderr
        assert "; " in done.stderr
        assert not out.exists()
    for option in ("--jobs", "--timeout"):
        done = impact("report", "mercor", "--out", str(out), option, "0")
        assert done.returncode == 2
        assert f"{option}: 0 is below 1" in done.stderr
        assert not out.exists()


def test_an_output_folder_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here already")
    done = impact("report", "mercor", "--out", str(blocked / "reports"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from impact.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'polars', 'numpy', 'altair', 'papermill', 'scipy', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_cases_and_check_name_the_bundled_case() -> None:
    assert "mercor: Mercor breach" in impact("cases").stdout
    assert "no faults" in impact("check", "mercor").stdout


# a year, very many draws, differences


def shape(found: dict[str, object]) -> dict[str, object]:
    """The keys of an answer of `show --json`, those of the rows of its lists among them."""
    rows = {
        k: v[0].keys() for k, v in found.items() if isinstance(v, list) and v and k != "windows"
    }
    return {"keys": found.keys(), "rows": rows}


def test_show_of_a_year_has_the_keys_of_show_given_the_event() -> None:
    words = ("show", "mercor", "--json", "--draws", "2000")
    event, year = json.loads(impact(*words).stdout), json.loads(impact(*words, "--year").stdout)
    assert shape(event) == shape(year)
    assert (event["over"], year["over"]) == ("event", "year")
    chance = {row["entity"]: row["chance"] for row in year["exposure"]}
    assert 0.02 < chance["mercor"] < 0.1


def test_show_of_a_year_in_text_says_that_it_is_one() -> None:
    done = impact("show", "mercor", "--year", "--draws", "2000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Mercor breach, baseline: next year")
    assert "(assumption)" in done.stdout


def cents(usd: float) -> int:
    """An amount in whole cents."""
    assert type(usd) is float
    assert abs(usd * 100 - round(usd * 100)) < 1e-3
    return round(usd * 100)


@pytest.mark.parametrize(
    ("first", "last", "more"),
    [
        ("baseline", "long-pause", ()),
        ("near-miss", "surge-falls", ()),
        ("baseline", "pause-spreads", ("--set", "turing_falls=0.5", "--as-of", "2026-04-23")),
        ("long-pause", "long-pause", ()),
    ],
)
def test_diff_json_has_the_shape_of_the_contract_and_effects_that_add_up(
    first: str, last: str, more: tuple[str, ...]
) -> None:
    words = ("diff", "mercor", "--from", first, "--to", last, "--json", "--draws", "2000", *more)
    done = impact(*words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"from", "to", "changes"} <= found.keys()
    for end, name in (("from", first), ("to", last)):
        assert found[end].keys() == {"view", "total_mean_usd"}
        assert found[end]["view"] == name
    assert all(row.keys() == {"table", "id", "what", "effect_usd"} for row in found["changes"])
    moved = cents(found["to"]["total_mean_usd"]) - cents(found["from"]["total_mean_usd"])
    assert sum(cents(row["effect_usd"]) for row in found["changes"]) == moved
    assert (found["changes"] == []) == (first == last)


def test_diff_in_text_names_both_ends_and_the_changes() -> None:
    done = impact("diff", "mercor", "--from", "baseline", "--to", "pause-spreads")
    assert done.returncode == 0, done.stderr
    start = 'From baseline to "The pause spreads" the average total rose from $'
    assert " ".join(done.stdout.split()).startswith(start)
    for name in ("openai_pauses", "silent_client_pauses"):
        assert re.search(rf"{name}.* was 0\.\d+ to .*\$\d", " ".join(done.stdout.split()))
    assert "add up to the cent" in " ".join(done.stdout.split())


def test_diff_totals_are_those_of_show() -> None:
    words = ("--draws", "2000", "--json")
    found = json.loads(
        impact("diff", "mercor", "--from", "near-miss", "--to", "surge-falls", *words).stdout
    )
    for end, scenario in (("from", "near-miss"), ("to", "surge-falls")):
        shown = json.loads(impact("show", "mercor", "--scenario", scenario, *words).stdout)
        total = next(row["mean_usd"] for row in shown["losses"] if row["bearer"] == "total")
        assert found[end]["total_mean_usd"] == pytest.approx(total, abs=0.006)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--from", "baseline", "--to", "long-paus"),
            r'--to: "long-paus" is neither a scenario nor a day; did you mean',
        ),
        (
            ("--from", "long-paus", "--to", "baseline"),
            r'--from: "long-paus" is neither a scenario nor a day; did you mean',
        ),
        (("--from", "baseline"), r"Missing option '--to'"),
        (("--from", "baseline", "--to", "long-pause", "--draws", "0"), r"0 is outside 1 to"),
        (("--from", "baseline", "--to", "long-pause", "--draws", "2000000"), r"is outside 1 to"),
        (("--from", "baseline", "--to", "long-pause", "--set", "x=1"), r'no input "x"; '),
        (
            ("--from", "baseline", "--to", "long-pause", "--tlp", "pink"),
            r'"pink" is no TLP level; ',
        ),
    ],
)
def test_a_wrong_diff_is_a_line_with_its_repair_and_no_traceback(
    words: tuple[str, ...], said: str
) -> None:
    done = impact("diff", "mercor", *words)
    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


# defects


@pytest.mark.parametrize("change", ["pause_weeks=-5", "affected_people=-5", "window_minutes=-40"])
def test_an_amount_below_nothing_is_refused(change: str) -> None:
    done = impact("show", "mercor", "--draws", "1000", "--set", change)
    assert done.returncode == 2


def test_diff_does_not_take_a_scenario_in_silence() -> None:
    ends = ("--from", "baseline", "--to", "long-pause")
    done = impact("diff", "mercor", *ends, "--scenario", "nonsense", "--draws", "100")
    assert done.returncode == 2


def test_diff_to_a_scenario_that_is_not_known_yet_is_refused_as_show_refuses_it() -> None:
    early = ("--as-of", "2026-03-31", "--draws", "100")
    done = impact("diff", "mercor", "--from", "baseline", "--to", "long-pause", *early)
    shown = impact("show", "mercor", "--scenario", "long-pause", *early)
    assert (done.returncode, done.stderr) == (shown.returncode, shown.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "x" * 5000),
        ("diff", "x" * 5000, "--from", "a", "--to", "b"),
        ("why", "mercor", "a\nb"),
        ("export", "mercor", "--to", "stix", ""),
    ],
)
def test_odd_words_are_one_line_with_a_repair(words: tuple[str, ...]) -> None:
    done = impact(*words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_what_draws_nothing_does_not_wait_for_the_charts() -> None:
    code = "import sys; from impact.cli import main; main(sys.argv[1:], standalone_mode=False)"
    code += "; sys.exit('altair' in sys.modules)"
    command = [sys.executable, "-c", code, "show", "mercor", "--draws", "1000"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        *(
            "--nope",
            "frob",
            "show",
            "scan nowhere",
            "scan https://x.example/uv.lock",
            "show mercor --drew 5",
        ),
        *("verify README.md --jobs 0", "new a --vendors none.csv", "verify none", "diff mercor"),
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
