"""All that the kit prints of its cases, word for word: a change of it is seen, and meant.

`tests/assets/printed/` holds a file for each view below: every answer with its words, table,
figures and the texts of its picture. Where a change of them is meant, write them anew with
`python tests/answers/test_printed.py` and read the difference.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import impact
from impact.answers import answers
from impact.measures import standing as stating
from impact.simulation import Run

ROOT = Path(__file__).resolve().parents[2]
PRINTED, SCANNED = ROOT / "tests" / "assets" / "printed", ROOT / "data" / "samples"
DRAWS = 2_000
VIEWS = {  # file -> case, scenario, day
    "mercor": ("mercor", "baseline", ""),
    "mercor-before": ("mercor", "baseline", "1990-01-01"),  # nothing is known
    "mercor-noon": ("mercor", "baseline", "2026-03-24T12:00Z"),  # a release, and nobody linked
    "mercor-4-april": ("mercor", "baseline", "2026-04-04"),
    "mercor-near-miss": ("mercor", "near-miss", ""),
    "drift": ("drift", "baseline", ""),
}
EXPLAINED = 25  # of so many names one is explained,
ALWAYS = ("anthropic", "litellm-window", "litellm-window-maintainer")  # and of these each


def asked(run: Run, fleet: Path) -> Iterator[impact.Answer]:
    """Every answer to a run, those that take more than a run, and why of some names."""
    case = run.known
    yield from answers(run)
    yield impact.losses(run, by="form")
    yield from (impact.decisions(run, only=name) for name in case.decisions)
    yield impact.news(impact.view(case.loaded, as_of="2026-04-02"), case)
    if case.id == "mercor" and case["entities"].height:
        scanned = impact.scan(fleet, known=case)
        yield from (scanned, impact.systems(scanned, case))
    if case.id == "mercor" and "such_events_a_year" in case.inputs:
        yield impact.next_year(impact.simulate_year(case, DRAWS))
    tables = (case["entities"], case["claims"], case["inputs"], case["losses"])
    names = [name for table in tables for name in table["id"].unique().sort()]
    always = [name for name in ALWAYS if name in names or stating.topic(case, name)]
    yield from (impact.why(run, name) for name in [*names[::EXPLAINED], *always, "total"])


def printed(answer: impact.Answer) -> str:
    """An answer as lines of text: what it asks and says, what its table, figures and picture do."""
    lines = [f"## {answer.name}: {answer.asks}", answer.title, answer.subtitle, answer.alt]
    lines += [*(answer.lead or (answer.sentence,)), *answer.notices]
    lines += [" | ".join(row) for row in answer.rows()]
    lines += [*answer.notes]
    for one in answer.figures:
        value = "" if one.value is None else f"{one.value:.6g}"
        error = "" if one.error is None else f" +- {one.error:.3g}"
        lines.append(f"{one.name} = {value}{error} {one.unit}: {one.text}")
    if svg := answer.svg():
        lines.append("picture: " + " / ".join(texts_of(svg)))
    return "\n".join(line for line in lines if line) + "\n"


def texts_of(svg: str) -> list[str]:
    """The texts of a picture in its order, those of several lines as one."""
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [" ".join(part for part in text.itertext() if part.strip()) for text in texts]


def written(name: str) -> str:
    """The file of a view."""
    case, scenario, day = VIEWS[name]
    run = impact.simulate(impact.view(impact.load_case(case), scenario, day), DRAWS)
    print(name, end=" ", flush=True)  # which is at work, should one fail
    with tempfile.TemporaryDirectory() as home:  # outside git, whose dates a scan would tell
        fleet = shutil.copytree(SCANNED, Path(home) / "fleet")
        return "\n".join(printed(answer) for answer in asked(run, fleet)).replace(f"{home}/", "")


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_printed_is_what_was_printed_before(name: str) -> None:
    before = (PRINTED / f"{name}.txt").read_text("utf-8").splitlines()
    assert [*difflib.unified_diff(before, written(name).splitlines(), n=0)][:40] == []


if __name__ == "__main__":
    os.environ["IMPACT_NOW"] = "2026-09-01"
    PRINTED.mkdir(exist_ok=True)
    texts = {each: written(each) for each in VIEWS}
    for each, text in texts.items():
        (PRINTED / f"{each}.txt").write_text(text, "utf-8")
