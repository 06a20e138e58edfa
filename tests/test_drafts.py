"""`impact new`: a valid case from a vendor inventory and a scan, that prices at once."""

import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import impact as run
from stacks import ADMITS, lock, table

import impact
from impact.base import times
from impact.base.errors import BadInput
from impact.case import draft, folder, vendors

HEADINGS = {"name": ["vendor", "supplier"], "share": ["share"], "ask": ["owner"]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a fleet beside: a bad lock and an open range."""
    monkeypatch.chdir(tmp_path)
    for name in ("labeling-service", "gateway"):
        (tmp_path / "fleet" / name).mkdir(parents=True)
    (tmp_path / "fleet/labeling-service/uv.lock").write_text(lock())
    (tmp_path / "fleet/gateway/pyproject.toml").write_text(ADMITS)
    return tmp_path


def test_a_scan_becomes_rows_that_price_at_once(home: Path) -> None:
    (home / "v.csv").write_text("Supplier;Service;Share\nMercor;data;40 %\nGateway;api;0,1\n")
    status, told, _ = run("new", "acme", "--vendors", "v.csv", "--scan", "fleet")
    assert status == 0, told
    assert "2 vendors, 2 rows of a scan" in told
    assert run("check", "acme")[0] == 0
    _, out, _ = run("show", "acme", "--json", "--draws", "2000")
    shown = json.loads(out)
    chance = {row["entity"]: row["chance"] for row in shown["exposure"]}
    assert chance["system-labeling-service"] > 0.9
    assert 0.02 < chance["gateway"] < 0.45  # a vendor of that name is that system
    assert chance["mercor"] == 0  # no compromise is reported of it
    (loss,) = [row for row in shown["losses"] if row["bearer"] == "us"]
    assert loss["mean_usd"] > 500
    assert loss["basis"].startswith("assumption; 100 % of the variation is assumed")


def test_the_way_of_the_package_and_its_source_are_told_by_why(home: Path) -> None:
    run("new", "acme", "--scan", "fleet")
    _, told, _ = run("why", "acme", "system-labeling-service", "--draws", "1000")
    assert "labeling-service > dspy > litellm 1.82.8" in told
    assert "reported by our own team" in told
    assert "10:52 to 13:38 UTC" in told  # by the window of the bundled case


def test_the_originals_are_kept_and_asked_again_by_the_notebook(home: Path) -> None:
    """Those of which a row speaks: a file without the package stays where it is."""
    (home / "fleet/other").mkdir()
    (home / "fleet/other/requirements.txt").write_text("requests==2.32.0\n")
    run("new", "acme", "--scan", "fleet")
    case = home / "data/cases/acme"
    kept = case / "locks/labeling-service/uv.lock"
    assert kept.read_bytes() == (home / "fleet/labeling-service/uv.lock").read_bytes()
    places = [*(case / "locks").glob("*/*")]
    assert sorted(path.name for path in places) == ["pyproject.toml", "uv.lock"]
    known = impact.view(impact.load_case("acme"))
    told = impact.systems(impact.scan(known=known)).table
    verdicts = dict(told.select("system", "verdict").iter_rows())
    assert verdicts == {"labeling-service": "likely", "gateway": "possible"}
    lower = impact.view(impact.load_case("acme"), tlp="clear")
    assert [name for name in lower.files if not name.startswith("advisories/")] == []


DAY = "2023-05-31"


def begun(home: Path, *vendors: str, more: tuple[str, ...] = ()) -> Path:
    """The folder of a new case with these vendors and a breach of DAY."""
    (home / "v.csv").write_text("\n".join(["vendor", *vendors, ""]))
    status, _, wrong = run("new", "acme", "--vendors", "v.csv", "--day", DAY, *more)
    assert status == 0, wrong
    return home / "data/cases/acme"


def add(case: Path, table: str, **cells: str) -> None:
    """Add a row to a table, known from DAY unless it says."""
    path = case / f"{table}.csv"
    names = path.read_text("utf-8").splitlines()[0].split(",")
    row = {"known_on": DAY, **cells}
    assert set(row) <= set(names)
    with path.open("a", encoding="utf-8", newline="") as opened:
        csv.DictWriter(opened, names).writerow(row)


def own_chance(case: Path, name: str, value: str) -> None:
    cells = {"id": name, "mode": value, "shape": "fixed", "unit": "chance", "drawn": "once"}
    cells |= {"meaning": "A chance.", "basis_kind": "assumption", "basis": "Ours."}
    add(case, "inputs", **cells, authored_on=DAY)


def own_link(case: Path, source: str, target: str, chances: str, **cells: str) -> None:
    ends = {"id": f"own-{source}-{target}", "source": source, "target": target}
    relation = "opens" if source == "event" else "supplies"
    add(case, "links", **ends, relation=relation, chances=chances, **cells)


@pytest.fixture
def zellis(home: Path) -> Path:
    """A new case of one vendor, of which the user says that it fell."""
    case = begun(home, "Zellis")
    own_link(case, "event", "zellis", "certain")
    return case


def reach(*view: str) -> dict[str, float]:
    """Entity -> chance that it is reached, as `show` prints it."""
    status, out, wrong = run("show", "acme", "--json", "--draws", "4000", *view)
    assert status == 0, wrong
    return {row["entity"]: row["chance"] for row in json.loads(out)["exposure"]}


def test_all_rows_are_known_from_the_day_of_the_breach(home: Path) -> None:
    case = begun(home, "Zellis", "Aon", more=("--scan", "fleet"))
    known = impact.load_case(case)
    later = {
        (table, row["id"])
        for table, rows in known.tables.items()
        for row in rows.iter_rows(named=True)
        if times.as_text(row["known_on"]) != DAY
    }
    scanned = {"sources", "claims", "links"}  # what is read today was not known then
    assert {table for table, _ in later} == scanned
    assert all(
        row["sources"] == [draft.SCANNED]
        for table in ("claims", "links")
        for row in known.rows(table).values()
        if (table, row["id"]) in later
    )


@pytest.mark.parametrize("day", [DAY, "2023-06-05"])
def test_the_first_row_of_ones_own_meets_no_fault(home: Path, day: str) -> None:
    case = begun(home, "Zellis", "Aon", more=("--scan", "fleet"))
    own_link(case, "event", "zellis", "certain", known_on=day)
    own_link(case, "zellis", "us", "vendor_reaches_us", known_on=day)
    cells = {"claimant": "zellis", "stance": "asserts", "subject": "us", "predicate": "affected"}
    cells |= {"says": "It says so.", "credibility": "3", "stated_on": day, "known_on": day}
    add(case, "claims", id="told", **cells)
    status, _, wrong = run("check", "acme")
    assert (status, "becomes known later" in wrong) == (0, False)


def test_a_row_before_that_day_is_told_which_cell_to_set(home: Path) -> None:
    case = begun(home, "Zellis")
    own_link(case, "event", "zellis", "certain", known_on="2023-05-27")
    ids = [text.partition(",")[0] for text in (case / "entities.csv").read_text().splitlines()]
    wrong, line = run("check", "acme").stderr, ids.index("zellis") + 1
    assert '"zellis" becomes known later (2023-05-31) than this row (2023-05-27); set' in wrong
    assert f"set known_on of entities.csv:{line} to 2023-05-27 or earlier" in wrong


def test_a_case_in_another_currency_has_its_units_and_says_what_was_not_converted(
    home: Path,
) -> None:
    case = begun(home, "Zellis", more=("--currency", "gbp", "--scan", "fleet"))
    known = impact.load_case(case)
    assert known.currency == "GBP"
    assert {unit for unit in known["inputs"]["unit"] if "/" in unit} == {"GBP/hour"}
    row = known.inputs["work_gbp_an_hour"]
    assert row["basis"].startswith("assumption in GBP, not converted: ")
    assert "usd" not in (case / "losses.csv").read_text("utf-8").lower()
    assert run("check", "acme")[0] == 0
    shown = json.loads(run("show", "acme", "--json", "--draws", "1000")[1])
    names = {name for rows in (shown["losses"], shown["forms"]) for row in rows for name in row}
    assert {"mean_amount", "p95_amount"} <= names
    assert not any(name.endswith("_usd") for name in names)


def test_the_role_and_the_title_of_a_case_are_its_own(home: Path) -> None:
    title = 'MOVEit "Transfer" \\ 2023 \u00e9'
    case = impact.load_case(begun(home, "Zellis", more=("--role", "vendor", "--title", title)))
    assert (case.role, case.title) == ("vendor", title)
    assert case.rows("entities")["us"]["kind"] == "vendor"


@pytest.mark.parametrize("row", table("refused_new.csv"), ids=lambda row: row["arguments"])
def test_what_will_not_do_is_told_and_leaves_nothing_behind(
    home: Path, row: dict[str, str]
) -> None:
    (home / "odd.csv").write_text("a,b\n1,2\n")
    (home / "bad.csv").write_text("vendor,share\nA,0.4\nB,lots\n")
    (home / "osv").mkdir()
    (home / "osv" / "bad.json").write_text("{")
    status, _, wrong = run("new", *shlex.split(row["arguments"]))
    assert (status, row["said"] in wrong) == (2, True), wrong
    assert not (home / "data").exists()


def test_a_terminal_is_asked_for_what_is_not_given_until_it_will_do(home: Path, root: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "impact", "new", "acme", "--role", "user"]
    environment = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=home, env=environment
    ) as asking:
        os.close(theirs)
        os.write(ours, b"MOVEit\nlast week\n2023-05-31\n\n")
        assert asking.wait(60) == 0, os.read(ours, 9999)
    told = os.read(ours, 9999).decode()
    assert '"last week" is no day; write 2026-11-20' in told
    assert "role" not in told.partition("data/cases")[0].lower()  # it was given
    case = impact.load_case("acme")
    assert (case.title, case.currency, case.role) == ("MOVEit", "USD", "user")
    assert times.as_text(case["entities"]["known_on"][0]) == DAY


# what the user wrote comes before a default


@pytest.mark.parametrize("row", table("own_rows.csv"), ids=lambda row: row["claim"])
def test_rows_of_the_users_own_take_the_place_of_defaults(home: Path, row: dict[str, str]) -> None:
    """`rows` are inputs, as `name=chance`, and links: source, target, chance, known on."""
    case = begun(home, *row["vendors"].split("; "))
    for own in filter(None, row["rows"].split("; ")):
        name, sign, value = own.partition("=")
        if sign:
            own_chance(case, name, value)
        else:
            source, target, chances, *known = own.split(" ")
            own_link(case, source, target, chances.strip("-"), known_on=(*known, DAY)[0])
    entity, expected = row["reached"].split()
    margin = 0 if expected == "1" else 0.03
    assert reach(*row["view"].split())[entity] == pytest.approx(float(expected), abs=margin)
    status, _, told = run("check", "acme")
    begin = "links.csv: these defaults give way to links of your own: "
    gave_way = [line.removeprefix(begin) for line in told.splitlines() if "give way" in line]
    assert (status, gave_way) == (0, [row["give_way"]] if row["give_way"] else [])


def test_what_moves_a_default_that_gave_way_moves_nothing(home: Path) -> None:
    case = begun(home, "Zellis")
    own_chance(case, "zellis_hit", "0.3")
    own_link(case, "event", "zellis", "zellis_hit")
    _, out, _ = run("show", "acme", "--set", "zellis_falls=0.5", "--draws", "1000")
    assert "zellis_falls moves nothing: nothing in this view rests on it." in out
    assert "no compromise reported" not in out


@pytest.mark.parametrize("start", ["zellis", "zellis-moveit"])
def test_a_way_by_steps_of_the_users_own_takes_the_place_of_a_default(
    home: Path, start: str
) -> None:
    case = begun(home, "Zellis", "Progress")
    add(case, "entities", id="zellis-moveit", name="Zellis MOVEit", kind="service", party="zellis")
    add(case, "entities", id="payroll", name="our payroll", kind="dataset", party="us")
    own_chance(case, "in_moveit", "0.5")
    own_link(case, "event", "progress", "certain")
    own_link(case, "progress", "zellis", "certain")
    own_link(case, "progress", "zellis-moveit", "certain")
    own_link(case, start, "payroll", "in_moveit")
    before = reach()
    assert before["payroll"] == pytest.approx(0.5, abs=0.03)
    own_link(case, "payroll", "us", "certain")
    assert reach()["us"] == reach()["payroll"] == before["payroll"]


def test_that_a_vendor_supplies_us_stays_known_where_its_default_gave_way(zellis: Path) -> None:
    own_link(zellis, "zellis", "us", "certain")
    rows = impact.view(impact.load_case(zellis)).rows("links")
    assert (rows["zellis-us"]["relation"], rows["zellis-us"]["chances"]) == ("supplies", [])
    assert "Zellis is assumed to be compromised." in run("show", "acme", "--draws", "1000").stdout
    cut = run("show", "acme", "--draws", "1000", "--set", "link.zellis-us=0")
    assert "link.zellis-us moves nothing" in cut.stdout


DECISION = """
[decision.stop]
title = "Stop using Zellis?"
bearer = "us"
flips_on = "work_usd_an_hour"
flips_says = "what an hour of work costs"
option.stop = { costs = ["review-zellis"], saves = ["harm"], set = { "link.zellis-us" = 0 } }
option.go-on = { costs = ["harm"], saves = ["review-zellis"], set = { review_hours = 1 } }
"""


def test_a_decision_on_a_default_that_gave_way_says_so(zellis: Path) -> None:
    own_chance(zellis, "stop_share", "0")
    harm = {"form": "response", "kind": "product", "bearer": "us", "needs": "us", "driver": "harm"}
    add(zellis, "losses", id="harm", arguments="hours=review_hours; rate=work_usd_an_hour", **harm)
    with (zellis / "scenarios.toml").open("a") as file:
        file.write(DECISION)
    assert run("check", "acme").returncode == 0
    own_link(zellis, "zellis", "us", "certain")
    status, _, wrong = run("check", "acme")
    what = 'scenarios.toml decision.stop option.stop: no input "link.zellis-us"'
    assert (status, wrong.startswith(what)) == (2, True), wrong
    status, shown, _ = run("show", "acme", "--draws", "1000")
    assert status == 0
    assert 'Decision "Stop using Zellis?" cannot be worked out' in shown


HOSTILE = (
    *('=cmd|" /C calc"!A0', "Société Générale", "event", "us", "A, B", "A  B", "a-b"),
    *("\u202eevil", "x" * 400, "10%", "???", "!!!"),
)


def test_any_name_of_a_vendor_gives_a_valid_case(home: Path) -> None:
    quoted = "\n".join('"' + name.replace('"', '""') + '"' for name in HOSTILE)
    (home / "v.csv").write_text(f"vendor\n{quoted}\n", "utf-8")
    status, _, wrong = run("new", "acme", "--vendors", "v.csv")
    assert (status, wrong) == (0, ""), wrong
    case = impact.load_case("acme")
    kinds = case["entities"].filter(case["entities"]["kind"] == "vendor")
    assert kinds.height == len(HOSTILE)
    assert run("show", "acme", "--draws", "1000")[0] == 0


def test_systems_whose_names_are_alike_stay_apart(home: Path) -> None:
    for name in ("a b", "a-b", "A_B"):
        (home / "more" / name).mkdir(parents=True)
        (home / "more" / name / "pyproject.toml").write_text(ADMITS)
    assert run("new", "acme", "--scan", "more")[0] == 0
    case = impact.load_case("acme")
    assert case["entities"].filter(case["entities"]["kind"] == "service").height == 3


def test_what_would_be_left_unsaid_is_told(home: Path) -> None:
    (home / "v.csv").write_text(f"Vendor,Description\nAcme,{'x ' * 600}END\n", "utf-8")
    assert run("new", "long", "--vendors", home / "v.csv").returncode == 0
    told = (home / "data/cases/long/entities.csv").read_text("utf-8")
    assert "(cut, 1,203 characters)" in told
    (home / "empty.csv").write_text("", "utf-8")
    for words, said in (
        (("new", "a", "--advisories", home), "is of use with --scan alone"),
        (("new", "mercor"), "is a case of the kit"),
        (("new", "b", "--vendors", home / "empty.csv"), "empty.csv: is empty"),
    ):
        done = run(*words)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_case_that_is_there_is_not_written_over(home: Path) -> None:
    assert run("new", "acme")[0] == 0
    before = (home / "data/cases/acme/case.toml").read_bytes()
    status, _, told = run("new", "acme")
    assert (status, "is there already" in told) == (2, True)
    assert (home / "data/cases/acme/case.toml").read_bytes() == before


def test_the_template_is_a_valid_case_and_counts_as_none(root: Path) -> None:
    found, faults = folder.read_case(root / "data/cases/_template")
    assert faults == []
    assert found is not None
    assert "_template" not in folder.cases()
    assert set(draft.headings()) == set(vendors.FIELDS)


def test_a_template_of_an_earlier_kit_keeps_its_headings(home: Path, root: Path) -> None:
    mine = home / "data/cases/_template"
    shutil.copytree(root / "data/cases/_template", mine)
    settings = (mine / "case.toml").read_text("utf-8").replace('role = "client"', "")
    (mine / "case.toml").write_text(settings, "utf-8")
    run("new", "acme", "--role", "user")
    assert impact.load_case("acme").role == "user"
    assert "\nrole = [" in (home / "data/cases/acme/case.toml").read_text("utf-8")


# vendor inventories


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_an_inventory_is_read_as_it_was_saved(tmp_path: Path, separator: str, start: str) -> None:
    path = tmp_path / "v.csv"
    rows = [("Supplier", "x", "Share", "Owner"), ("Mercor", "1", "40%", "Ann"), ("", "", "", "")]
    path.write_bytes((start + "\r\n".join(map(separator.join, rows))).encode())
    listed, unused = vendors.read(path, HEADINGS)
    assert listed == [vendors.Vendor("Mercor", "", 0.4, "Ann")]
    assert unused == ["x"]


def test_every_fault_of_an_inventory_is_told(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("vendor,share\nA,2\n,0.1\na,0.1\n")
    with pytest.raises(BadInput) as raised:
        vendors.read(path, HEADINGS)
    assert [fault.where for fault in raised.value.faults] == ["v.csv:2 share", "v.csv:3", "v.csv:4"]


def test_a_default_beside_a_row_of_ones_own_is_no_second_relation_and_no_question(
    home: Path,
) -> None:
    """The user's own chance decides whether we are reached: its question is asked."""
    case = begun(home, "Zellis", "Blue Cloud")
    own_link(case, "event", "zellis", "certain")
    cells = {"low": "0.3", "mode": "0.5", "high": "0.8", "shape": "pert", "unit": "chance"}
    cells |= {"drawn": "once", "meaning": "A chance.", "basis_kind": "assumption", "basis": "Ours."}
    cells |= {"question": "Which projects ran there?", "ask": "Zellis", "authored_on": DAY}
    add(case, "inputs", id="has_ours", **cells)
    own_link(case, "zellis", "us", "has_ours")
    view = impact.simulate(impact.view(impact.load_case(case)))
    clients = dict(impact.suppliers(view).table.select("id", "clients").iter_rows())
    assert clients == {"zellis": ["us"], "blue-cloud": ["us"]}
    (first, *others) = impact.unknowns(view).table.iter_rows(named=True)
    assert first["question"] == "Which projects ran there?"
    assert first["data_share"] == pytest.approx(1.0, abs=0.01)
    assert all(row["data_share"] < 0.05 for row in others)


def test_malicious_code_in_a_release_of_your_own_scan_is_reported(home: Path) -> None:
    run("new", "acme", "--scan", "fleet")
    known = impact.simulate(impact.view(impact.load_case("acme")), 200)
    told = impact.suppliers(known)
    assert told.table.filter(id="litellm-1.82.8")["reported"].to_list() in ([], [True])
    assert not any("litellm" in note and "No compromise" in note for note in told.notes)
    assert "Advisories that the scan read report malicious code" in str(impact.bottom_line(known))


def test_a_mail_of_questions_is_signed_by_the_case_and_goes_to_a_party_by_its_id(
    home: Path,
) -> None:
    run("new", "acme", "--scan", "fleet")
    settings = home / "data/cases/acme/case.toml"
    own = 'author = "Ann Example"\ncontact = "ann@firm.example"\nnext_update = "2026-12-24"\n'
    settings.write_text(own + settings.read_text("utf-8"), "utf-8")
    status, told, _ = run("ask", "acme")
    assert status == 0, told
    assert told.rstrip().endswith("Ann Example, ann@firm.example (reply by 24 December 2026)")
