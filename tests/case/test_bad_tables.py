"""One table file after another damaged in its form or in a cell, and what is told of it."""

from collections.abc import Callable
from typing import Any

import pytest

from impact.errors import Fault

Damage = Callable[[Any], str]
FaultsOf = Callable[[Any], tuple[Fault, ...]]

CELLS: dict[str, tuple[Damage, str, str]] = {
    "an empty required cell": (
        lambda case: case.set("entities", "mercor", "name", ""),
        "is empty",
        "fill it in: Its name as a reader knows it.",
    ),
    "words for a number": (
        lambda case: case.set("inputs", "pause_weeks", "mode", "twelve"),
        '"twelve" is not a number',
        "write 1200.5",
    ),
    "a number with its unit": (
        lambda case: case.set("inputs", "pause_weeks", "mode", "12 weeks"),
        '"12 weeks" is not a number',
        "without separators or units",
    ),
    "a number with separators": (
        lambda case: case.set("inputs", "defence_usd", "mode", "3,000,000"),
        '"3,000,000" is not a number',
        "without separators",
    ),
    "infinity for a number": (
        lambda case: case.set("inputs", "pause_weeks", "high", "inf"),
        '"inf" is not a number',
        "write 1200.5",
    ),
    "a number that is none": (
        lambda case: case.set("inputs", "pause_weeks", "mode", "nan"),
        '"nan" is not a number',
        "write 1200.5",
    ),
    "a thirteenth month": (
        lambda case: case.set("duties", "notify-client", "starts_from", "2026-13"),
        '"2026-13" is not a date',
        "write 2026, 2026-04",
    ),
    "a month 0": (
        lambda case: case.set("duties", "notify-client", "starts_from", "2026-00-05"),
        '"2026-00-05" is not a date',
        "write 2026, 2026-04",
    ),
    "a thirtieth of February": (
        lambda case: case.set("duties", "notify-client", "starts_from", "2026-02-30"),
        '"2026-02-30" is not a date',
        "write 2026, 2026-04",
    ),
    "a date in words": (
        lambda case: case.set("duties", "notify-client", "starts_from", "3 April 2026"),
        '"3 April 2026" is not a date',
        "2026-04-03",
    ),
    "a local time": (
        lambda case: case.set("duties", "notify-client", "starts_from", "2026-04-03T12:00+02:00"),
        '"2026-04-03T12:00+02:00" is not a date',
        "(UTC)",
    ),
    "a TLP level that there is not": (
        lambda case: case.set("entities", "mercor", "tlp", "TLP:ORANGE"),
        '"TLP:ORANGE" is not allowed',
        "one of clear, green, amber, amber+strict, red",
    ),
    "a misspelt TLP level": (
        lambda case: case.set("entities", "mercor", "tlp", "grean"),
        '"grean" is not allowed',
        'did you mean "green"?',
    ),
    "a misspelt TLP level after its prefix": (
        lambda case: case.set("entities", "mercor", "tlp", "TLP:GREAN"),
        '"TLP:GREAN" is not allowed',
        'did you mean "green"?',
    ),
    "a flag that is neither": (
        lambda case: case.set("indicators", "path-sysmon", "withdrawn", "yes"),
        '"yes" is neither true nor false',
        "write true or leave it empty",
    ),
    "a reliability letter that there is not": (
        lambda case: case.set("sources", "wired-2026-04-03", "reliability", "G"),
        '"G" is not allowed',
        "one of A, B, C, D, E, F",
    ),
    "a misspelt choice": (
        lambda case: case.set("links", "surge-meta", "relation", "suplies"),
        '"suplies" is not allowed',
        'did you mean "supplies"?',
    ),
    "an unknown choice": (
        lambda case: case.set("claims", "mercor-affected", "credibility", "7"),
        '"7" is not allowed',
        "one of 1, 2, 3, 4, 5, 6",
    ),
    "an id of two words": (
        lambda case: case.add("entities", "mercor", "id", id="Two Words", sources=""),
        '"Two Words" is not a bare name',
        "use a-z, 0-9 and . _ + -",
    ),
    "a reference by name instead of id": (
        lambda case: case.set("losses", "mercor-defence", "bearer", "Mercor"),
        '"Mercor" is not a bare name',
        "use a-z, 0-9 and . _ + -",
    ),
}

FORMS: dict[str, tuple[Damage, str, str]] = {
    "an unknown column": (
        lambda case: case.rename("links", "valid_from", "valid_form"),
        "no such column",
        'did you mean "valid_from"?',
    ),
    "a column of one's own without its sign": (
        lambda case: case.rename("links", "valid_from", "zzz"),
        "no such column",
        "start its name with x_ to keep it",
    ),
    "a missing required column": (
        lambda case: case.drop("entities", "name"),
        "the column name is missing",
        "add it: Its name as a reader knows it.",
    ),
    "a column twice": (
        lambda case: case.rename("links", "share", "claims"),
        "stands twice in the header",
        "keep one of them",
    ),
    "a short row": (
        lambda case: case.append("windows", "odd,litellm-1.82.7"),
        "has 2 cells where the header has 10",
        "quote cells that hold commas",
    ),
    "a row with a comma too many": (
        lambda case: case.append("windows", "a,litellm-1.82.7,2026,2026,,one, two,,2026,,"),
        "has 11 cells where the header has 10",
        "quote cells that hold commas",
    ),
    "a quote that is not closed": (
        lambda case: case.append("windows", 'odd,litellm-1.82.7,2026,,,"a note,,2026,,'),
        "a quote is not closed",
        "a row is one line",
    ),
    "text after a closing quote": (
        lambda case: case.append("windows", 'odd,litellm-1.82.7,2026,,,"a" note,,2026,,'),
        "quote",
        "",
    ),
    "a comma quoted in the middle of a cell": (
        lambda case: case.append("windows", 'odd,litellm-1.82.7,2026,,,say "x, y",,2026,,'),
        "",
        "quote",
    ),
    "a blank before a quote": (
        lambda case: case.append("windows", 'odd,litellm-1.82.7,2026,,, "x, y",,2026,,'),
        "",
        "quote",
    ),
    "UTF-16": (
        lambda case: case.recode("entities", "utf-16"),
        "is not UTF-8 (it looks like UTF-16)",
        "save the file as UTF-8",
    ),
    "UTF-16 without its mark": (
        lambda case: case.recode("windows", "utf-16-le"),
        "is not UTF-8 (it looks like UTF-16)",
        "save the file as UTF-8",
    ),
    "Latin-1": (
        lambda case: (
            case.set("entities", "mercor", "name", "Mércor"),
            case.recode("entities", "latin-1"),
        )[0].removesuffix(" name"),
        "is not UTF-8",
        "save the file as UTF-8",
    ),
    "a NUL byte": (
        lambda case: case.set("entities", "teampcp", "role", "a\0b").removesuffix(" role"),
        "holds a NUL byte",
        "save the file as UTF-8",
    ),
    "a missing table file": (
        lambda case: case.path("judgements").unlink() or "judgements.csv",
        "is missing",
        "add it with its header line",
    ),
    "a missing table file that others refer to": (
        lambda case: case.path("inputs").unlink() or "inputs.csv",
        "is missing",
        "add it with its header line",
    ),
    "an empty file": (
        lambda case: case.path("duties").write_bytes(b"") or "duties.csv",
        "is empty",
        "give it a header line",
    ),
    "a file of blank lines": (
        lambda case: case.write("duties", ["", " "]) or "duties.csv",
        "is empty",
        "give it a header line",
    ),
}

DAMAGES = {**CELLS, **FORMS}


@pytest.mark.parametrize(("damage", "what", "repair"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_told_once_with_its_place_and_repair(
    case_copy: Any, told_once: Any, damage: Damage, what: str, repair: str
) -> None:
    told_once(case_copy, damage(case_copy), what, repair)


def test_all_faults_of_several_files_are_told_at_once(case_copy: Any, faults_of: FaultsOf) -> None:
    expected = [
        case_copy.rename("links", "valid_from", "valid_form"),
        case_copy.set("entities", "mercor", "tlp", "orange"),
        case_copy.set("entities", "surge", "name", ""),
        case_copy.set("inputs", "pause_weeks", "mode", "twelve"),
        case_copy.recode("duties", "utf-16"),
    ]
    assert sorted(fault.where for fault in faults_of(case_copy)) == sorted(expected)


def test_of_many_faults_of_one_kind_the_first_are_told_and_the_rest_counted(
    case_copy: Any,
    faults_of: FaultsOf,
) -> None:
    for number in range(30):
        case_copy.add("entities", "mercor", "tlp", id=f"odd-{number}", tlp="orange")
    faults = faults_of(case_copy)
    assert len(faults) == 21
    assert str(faults[-1]).startswith("entities.csv tlp: and 10 more rows; one of clear")
