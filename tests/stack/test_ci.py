"""Workflows, actions, Dockerfiles and compose files against answers that were written by hand."""

import random
import re
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from stacks import ASSETS, at, changed, named, read_advisories, scanned, table

from impact.stack.advisories import Affected
from impact.stack.findings import FINDINGS, LOCKED_AFFECTED, NOT_EVALUATED, RANGE_ADMITS
from impact.stack.verdicts import Install

HOME = ASSETS / "ci"
EXPECTED, LINES, PLACES = table("ci/expected.csv"), table("ci/lines.csv"), table("ci/places.csv")
Row = dict[str, str]
STEPS = "name: CI\non: [push]\njobs:\n  ci:\n    runs-on: ubuntu-latest\n"
WORKFLOW = ".github/workflows/ci.yml"


@cache
def records() -> tuple[Affected, ...]:
    return read_advisories(HOME / "advisories").affected


@cache
def rows_of(home: Path) -> list[Row]:
    return scanned([home], records()).to_dicts()


def gravest(rows: list[Row], package: str) -> Row:
    """The row of a package with the gravest finding; of no file may it be called clean."""
    mine = [row for row in rows if row["package"].lower() == package]
    assert mine, f"no row for {package}"
    assert "no" not in [row["verdict"] for row in mine]
    return min(mine, key=lambda row: FINDINGS.index(row["finding"]))


def written(home: Path, name: str, text: str) -> Path:
    """A folder that holds one file."""
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return home


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: f"{row['case']} {row['package']}")
def test_the_finding_of_every_case_is_the_one_written_by_hand(row: Row) -> None:
    told = gravest(rows_of(HOME / row["case"]), row["package"])
    assert told["finding"] in row["allowed"].split("|"), told["reason"]
    assert not row["verdict"] or told["verdict"] in row["verdict"].split("|"), told["reason"]


@pytest.mark.parametrize("row", LINES, ids=lambda row: f"{row['place']} {row['line']}")
def test_a_line_means_the_same_wherever_it_stands(row: Row, tmp_path: Path) -> None:
    """`{}` of places.csv is where the line can stand."""
    places = [place for place in PLACES if place["place"] == row["place"]]
    assert places
    for number, place in enumerate(places):
        text = place["content"].replace("{}", row["line"])
        told = gravest(
            rows_of(written(tmp_path / str(number), place["file"], text)), row["package"]
        )
        assert told["finding"] in row["allowed"].split("|"), f"{place['file']}: {told['reason']}"


def test_every_case_has_answers_and_every_answer_a_case() -> None:
    folders = {path.name for path in HOME.iterdir() if path.is_dir()} - {"advisories"}
    assert folders == {row["case"] for row in EXPECTED}
    stated = {one for row in EXPECTED for one in row["allowed"].split("|")}
    assert stated == set(FINDINGS)


@pytest.mark.parametrize("case", sorted({row["case"] for row in EXPECTED}))
def test_no_ci_file_is_a_lock_even_where_an_install_is_recorded_as_locked(case: str) -> None:
    ran = [Install(at("11:00"), at("11:05"), "locked")]
    told = scanned([HOME / case], records(), installs=ran)["verdict"].to_list()
    assert told
    assert "no" not in told


def outside_remarks(text: str) -> str:
    """The text without what may be a remark, and what a remark may run on to."""
    kept: list[str] = []
    runs_on = folded = False
    for line in text.split("\n"):
        said, sign, _ = line.partition("#")
        kept.append("" if runs_on else said)
        folded = folded or re.search(r">[-+\d\s]*$", said) is not None
        if said.strip() or not runs_on:
            continued = bool(said.strip()) and line.rstrip().endswith("\\")
            runs_on = (runs_on or bool(sign)) and (folded or continued)
    return "\n".join(kept)


def names(text: str, package: str) -> bool:
    """Whether a text names a package by itself, and not within a longer name or a path."""
    hosts = r"(?:docker://)?(?:(?:index\.)?docker\.io/)?"
    case = "(?i)" if "/" in package else ""  # `ARG LITELLM` names a variable
    pattern = rf"{case}(?<![\w./@$!&*{{-]){hosts}{re.escape(package)}(?![\w/-]|\.\w)"
    return re.search(pattern, outside_remarks(text)) is not None


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("RUN pip install litellm==1", True),
        ("ARG LITELLM=1 # x", False),
        ("image: docker.io/litellm:1", True),
        ("RUN a # b \\\n# c\n  litellm", False),
        ("RUN a \\\n# c \\\n  litellm", True),
        ("run: >\n  # b\n  litellm", False),
        ("run: >-\n  a # b\n  litellm", False),
        ("run: |\n  # b\n  litellm", True),
        ("my-litellm litellm-x a/litellm litellm.txt ${litellm}", False),
    ],
)
def test_a_name_in_a_remark_or_in_a_longer_name_is_no_name(text: str, is_named: bool) -> None:
    assert names(text, "litellm") is is_named


def test_a_mutant_that_still_names_a_package_is_never_told_to_be_without_it(tmp_path: Path) -> None:
    pool = [
        (path, row["package"])
        for row in EXPECTED
        if "absent" not in row["allowed"] and row["package"] != "debug"  # which is a word too
        for path in sorted((HOME / row["case"]).rglob("*"))
        if path.is_file() and names(path.read_bytes().decode(), row["package"])
    ]
    assert len(pool) > 60
    dice, kept, wrong = random.Random(20260324), 0, []
    while kept < 300:
        path, package = dice.choice(pool)
        text = changed(path.read_bytes().decode(), dice)
        if not names(text, package):
            continue
        kept += 1
        case, *inner = path.relative_to(HOME).parts
        home = written(tmp_path / f"{kept}-{case}", "/".join(inner), text)
        mine = [row for row in rows_of(home) if row["package"].lower() == package]
        if not mine or any(row["finding"] == "absent" or row["verdict"] == "no" for row in mine):
            wrong.append(f"{home}: {package}")
    assert wrong == []


STEP = STEPS + "    steps:\n      - run: pip install litellm==1.82.8\n"
BOMB = "a: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
BAD = {  # beside those of kinds.csv: what is long
    "a bomb": BOMB + STEP,
    "nested deeply": STEP + "    env: " + "[" * 5000 + "\n",
    "a long uses": STEP + f"      - uses: {'o' * 10_000}\n      - uses: o/r@{'v' * 10_000}\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_workflow_ends_in_a_row_and_is_not_called_clean(text: str, tmp_path: Path) -> None:
    (row,) = scanned([written(tmp_path, WORKFLOW, text)]).to_dicts()
    assert row["finding"] in (LOCKED_AFFECTED, NOT_EVALUATED)
    assert (row["verdict"] == "unknown") == (row["finding"] == NOT_EVALUATED)


@pytest.mark.parametrize("ref", ["9" * 10_000, "x" * 10_000, "v0.28.0" + "/x" * 5_000])
def test_a_ref_of_ten_thousand_characters_ends_in_a_row(ref: str, tmp_path: Path) -> None:
    action = "aquasecurity/trivy-action"
    home = written(tmp_path, WORKFLOW, STEPS + f"    steps:\n      - uses: {action}@{ref}\n")
    told = gravest(rows_of(home), action)
    assert told["finding"] in (NOT_EVALUATED, RANGE_ADMITS)


def test_a_dockerfile_of_a_hundred_megabytes_is_not_taken_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    with path.open("wb") as file:
        file.write(b"FROM aquasec/trivy:0.69.4\n")
        file.writelines(b"RUN true # nothing\n" * 55_200 for _ in range(100))
    image = named("0.69.4", package="aquasec/trivy", ecosystem="Docker")
    tracemalloc.start()
    (row,) = scanned([tmp_path], image).to_dicts()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    path.unlink()
    assert (row["finding"], row["verdict"]) == (NOT_EVALUATED, "unknown")
    assert peak < 32 << 20
