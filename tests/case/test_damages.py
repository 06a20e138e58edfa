"""Each damage to a copy of the bundled case is told once, with its place and its repair.

`tests/assets/damages.csv` lists them, one step a line: the file, how it is changed, at which row,
and to what; then where it is told (LINE is the line of that row), what of it, and how to repair it.
"""

import re
from collections.abc import Callable, Iterator
from itertools import groupby, product
from typing import Any

import commands
import pytest
from tiny import listed

import impact
from impact.base.errors import BadInput, Fault
from impact.case.folder import read_case

Step = dict[str, str]
FaultsOf = Callable[[Any], tuple[Fault, ...]]
# as a cell of the list writes what no line holds
WRITTEN = {r"\n": "\n", r"\0": "\0", r"\\": "\\"}


def damages() -> Iterator[Any]:
    """The steps of each damage."""
    for name, steps in groupby(listed("damages.csv"), lambda step: step["damage"]):
        yield pytest.param(list(steps), id=name)


def damage(case: Any, step: Step) -> str:
    """Takes a step; says where the fault of it is told."""
    file, row, path = step["file"], step["row"], case.folder / step["file"]
    change = re.sub(r"\\.", lambda found: WRITTEN[found[0]], step["change"])
    table = file.removesuffix(".csv")
    line = str(case.line_of(table, row)) if row and table != file else "1"
    cells = dict(part.split("=", 1) for part in change.split(" | ") if "=" in part)
    match step["how"]:
        case "set":
            for column, value in cells.items():
                case.set(table, row, column, value)
        case "add":
            line = case.add(table, row, "", **cells).partition(":")[2].strip()
        case "append":
            line = case.append(table, change).partition(":")[2]
        case "rename":
            ((old, new),) = cells.items()
            case.rename(table, old, new)
        case "drop":
            case.drop(table, *cells)
        case "recode":
            case.recode(table, change)
        case "remove":
            path.unlink()
        case "write":
            path.write_text(change, "utf-8")
        case "replace":
            case.settings(file, change, row)
    return step["where"].replace("LINE", line)


@pytest.mark.parametrize("steps", list(damages()))
def test_a_damage_is_told_once_with_its_place_and_repair(
    case_copy: Any, faults_of: FaultsOf, steps: list[Step]
) -> None:
    places = [where for step in steps if (where := damage(case_copy, step))]
    faults, told = faults_of(case_copy), steps[-1]
    assert [fault.where for fault in faults] == places, "\n".join(map(str, faults))
    assert told["what"] in faults[0].what
    assert told["repair"] in faults[0].repair


def test_the_list_holds_damages_of_every_file_of_a_case(case_copy: Any) -> None:
    hurt = {step["file"] for step in listed("damages.csv")}
    assert hurt == {path.name for path in case_copy.folder.glob("*.*")} - {"datapackage.json"}


def test_of_many_faults_of_one_kind_the_first_are_told_and_the_rest_counted(
    case_copy: Any, faults_of: FaultsOf
) -> None:
    for number in range(30):
        case_copy.add("entities", "mercor", "tlp", id=f"odd-{number}", tlp="orange")
    faults = faults_of(case_copy)
    assert len(faults) == 21
    assert str(faults[-1]).startswith("entities.csv tlp: and 10 more rows; one of clear")


def test_a_stage_with_one_hypothesis_is_told(case_copy: Any, faults_of: FaultsOf) -> None:
    others = (",unknown-actor,", ",lapsus-name,")
    rows = [
        line
        for line in case_copy.lines("judgements")
        if ",theft," not in line or not any(other in line for other in others)
    ]
    case_copy.write("judgements", rows)
    line = case_copy.line_of("judgements", "theft-prior-teampcp")
    (fault,) = faults_of(case_copy)
    assert str(fault) == (
        f"judgements.csv:{line} hypothesis: there is one hypothesis for theft;"
        " add another, such as somebody else"
    )


def test_every_circle_is_told(case_copy: Any, faults_of: FaultsOf) -> None:
    named = "veln-2026", "reuters-2025-06-13"
    where = [case_copy.set("sources", name, "derived_from", name) for name in named]
    assert sorted(fault.where for fault in faults_of(case_copy)) == sorted(where)


def test_the_second_of_two_equal_rows_is_told_with_the_first(
    case_copy: Any, faults_of: FaultsOf
) -> None:
    first = f"entities.csv:{case_copy.line_of('entities', 'surge')} id"
    second = case_copy.add("entities", "surge", "id", name="Surge again")
    faults = faults_of(case_copy)
    assert [fault.where for fault in faults] == [first, second]
    assert {fault.what for fault in faults} == {'"surge" stands twice with one known_on and tlp'}
    lines = " and ".join(fault.where.partition(":")[2].split()[0] for fault in faults)
    for fault in faults:
        assert fault.repair.startswith(f"remove one of the lines {lines}, or give the newer row")


def test_a_row_known_before_its_source_is_told_at_both(case_copy: Any, faults_of: FaultsOf) -> None:
    where = case_copy.add("entities", "reuters", "known_on", id="odd", known_on="2025-06-12")
    told = {fault.where: str(fault) for fault in faults_of(case_copy)}
    assert set(told) == {where, where.replace("known_on", "sources")}
    assert "write 2025-06-13;" in told[where]


EMPTY = dict.fromkeys(("sources", "lasts_since", "low", "mode", "high", "reference"), "")


def test_a_shape_that_can_be_is_no_damage(case_copy: Any) -> None:
    for number, cells in enumerate(
        [
            {"shape": "beta", "parameters": "a=2; b=8"},
            {"shape": "beta", "parameters": "a=0.5; b=8", "low": "-3", "high": "40"},
            {"shape": "quantiles", "parameters": "1=3; 0=1; 0.5=1"},
        ]
    ):
        row = EMPTY | cells | {"id": f"odd-{number}", "unit": "USD"}
        case_copy.add("inputs", "pause_weeks", "", **row)
    assert read_case(case_copy.folder)[1] == []


def test_no_rate_of_any_shape_is_below_0(case_copy: Any, faults_of: FaultsOf) -> None:
    shapes = {
        "mode": {"shape": "fixed", "mode": "-1"},
        "parameters": {"shape": "quantiles", "parameters": "0=-1; 1=5"},
        "low": {"shape": "uniform", "low": "-1", "high": "5"},
    }
    expected = []
    for unit, column in product(("USD/hour", "hour", "USD*hour", "person"), shapes):
        row = EMPTY | shapes[column] | {"id": f"odd-{len(expected)}", "unit": unit}
        where = case_copy.add("inputs", "pause_weeks", column, **row)
        expected.append(f"{where}: is below 0; there is no {unit} below 0")
    assert sorted(map(str, faults_of(case_copy))) == sorted(expected)


@pytest.mark.parametrize("verb", ["check", "show"])
def test_the_command_tells_all_faults_of_a_case_and_ends_with_2(case_copy: Any, verb: str) -> None:
    steps = [step for step in listed("damages.csv") if step["damage"] == "faults of several files"]
    places = [damage(case_copy, step) for step in steps]
    assert len(places) == 5
    done = commands.impact(verb, case_copy.folder)
    assert (done.returncode, done.stdout) == (2, "")
    told = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in told] == places
    assert all(re.fullmatch(r".+: .+; .+", line) for line in told)


@pytest.mark.parametrize(
    ("name", "what", "repair"),
    [
        ("https://cases.example/mercor", "is an address", "give a path"),
        ("file:///cases/mercor", "is an address", "give a path"),
        ("data/cases/*", "is a pattern", "name one folder"),
        ("mercor-202?", "is a pattern", "name one folder"),
        ("mercr", "no such case", 'did you mean "mercor"?'),
        ("qqqqqq", "no such case", "see `impact cases`"),
        ("", "no such case", ""),
    ],
)
def test_what_is_no_case_is_refused_by_name(name: str, what: str, repair: str) -> None:
    with pytest.raises(BadInput) as refused:
        impact.load_case(name)
    (fault,) = refused.value.faults
    assert (fault.where, fault.what) == (name, what)
    assert repair in fault.repair


def test_a_folder_without_settings_is_no_case(case_copy: Any) -> None:
    (case_copy.folder / "case.toml").unlink()
    with pytest.raises(BadInput, match=r"mercor: holds no case.toml; name a case folder"):
        impact.load_case(case_copy.folder)
