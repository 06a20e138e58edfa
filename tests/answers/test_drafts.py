"""`impact new`: a valid case from a vendor inventory and a scan, that prices at once."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from stacks import ADMITS, lock

import impact
from impact.case import draft, folder, vendors
from impact.cli import main
from impact.errors import BadInput

HEADINGS = {"name": ["vendor", "supplier"], "share": ["share"], "ask": ["owner"]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a fleet beside: a bad lock and an open range."""
    monkeypatch.chdir(tmp_path)
    for name, file, content in (
        ("labeling-service", "uv.lock", lock()),
        ("gateway", "pyproject.toml", ADMITS),
    ):
        (tmp_path / "fleet" / name).mkdir(parents=True)
        (tmp_path / "fleet" / name / file).write_text(content)
    return tmp_path


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


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
    assert loss["basis"].startswith("assumption; assumptions carry 100 %")


def test_the_way_of_the_package_and_its_source_are_told_by_why(home: Path) -> None:
    run("new", "acme", "--scan", "fleet")
    _, told, _ = run("why", "acme", "system-labeling-service", "--draws", "1000")
    assert "labeling-service > dspy > litellm 1.82.8" in told
    assert "reported by our own team" in told
    assert "10:52 to 13:38 UTC" in told  # by the window of the bundled case


def test_the_originals_are_kept_and_asked_again_by_the_notebook(home: Path) -> None:
    run("new", "acme", "--scan", "fleet")
    case = home / "data/cases/acme"
    kept = case / "locks/labeling-service/uv.lock"
    assert kept.read_bytes() == (home / "fleet/labeling-service/uv.lock").read_bytes()
    known = impact.view(impact.load_case("acme"))
    told = impact.systems(impact.scan(known=known)).table
    assert dict(told.select("system", "verdict").iter_rows()) == {
        **{"labeling-service": "likely", "gateway": "possible"},
    }
    lower = impact.view(impact.load_case("acme"), tlp="clear")
    assert [name for name in lower.files if not name.startswith("advisories/")] == []


def test_a_vendor_can_be_supposed_to_fall(home: Path) -> None:
    (home / "v.csv").write_text("vendor\nSurge AI\n")
    run("new", "acme", "--vendors", "v.csv")
    _, out, _ = run("show", "acme", "--set", "surge_ai_falls=1", "--json", "--draws", "2000")
    chance = {row["entity"]: row["chance"] for row in json.loads(out)["exposure"]}
    assert chance["surge-ai"] == 1
    assert 0 < chance["us"] < 1


HOSTILE = (
    '=cmd|" /C calc"!A0',
    "Société Générale",
    "event",
    "us",
    "A, B",
    "A  B",
    "a-b",
    "\u202eevil",
    "x" * 400,
    "10%",
    "???",
    "!!!",
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("../x",), "is no bare name"),
        (("Acme",), "is no bare name"),
        (("acme", "--vendors", "gone.csv"), "gone.csv: cannot be read"),
        (("acme", "--scan", "gone"), "gone: is not there"),
        (("acme", "--scan", "fleet", "--advisories", "gone"), "gone: is not there"),
        (("acme", "--vendors", "odd.csv"), "has no column of vendors' names among a, b"),
        (("acme", "--vendors", "bad.csv"), "bad.csv:3 share"),
    ],
)
def test_a_failure_is_told_and_leaves_nothing_behind(
    home: Path, arguments: tuple[str, ...], said: str
) -> None:
    (home / "odd.csv").write_text("a,b\n1,2\n")
    (home / "bad.csv").write_text("vendor,share\nA,0.4\nB,lots\n")
    status, _, told = run("new", *arguments)
    assert status == 2
    assert said in told
    cases = home / "data" / "cases"
    assert not cases.exists() or list(cases.iterdir()) == []


def test_an_advisory_that_cannot_be_read_is_told_and_no_case_is_made(home: Path) -> None:
    (home / "osv").mkdir()
    (home / "osv" / "bad.json").write_text("{")
    status, _, told = run("new", "acme", "--scan", "fleet", "--advisories", "osv")
    assert (status, "bad.json:1" in told) == (2, True)
    assert not (home / "data").exists()


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
    assert [fault.where for fault in raised.value.faults] == [
        *("v.csv:2 share", "v.csv:3", "v.csv:4"),
    ]
