"""No output holds a word of a row above its level, whatever the rows are marked."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from canaries import case_of_words, marked

import impact
from impact import answers as questions
from impact.answers import differences
from impact.answers import why as explaining
from impact.answers.answer import MIME, Answer
from impact.base.errors import ImpactError, Refusal
from impact.case import stix, writer
from impact.case.schema import TLP
from impact.cli import summary
from impact.reports import export, files, index, page, plan, work
from impact.reports.plan import Parameters, Task
from notebooks import notebook

TRIALS = int(os.environ.get("CANARIES", "60"))  # `make bench-long` asks for more
PARTS = 4  # of the trials, each a test
DRAWS = 600
WORD = re.compile(r"qz[a-z0-9]+")
NAMED = {  # what each scenario and decision of the case names
    "qzscenworse": {"qzclainot", "qzinputake", "qzlinkuses"},
    "qzscenfalls": {"qzinpufall"},
    "qzdeciguard": {
        *("qzentilaba", "qzinpuusd", "qzinputake", "qzinpustop", "qzlossreview", "qzlossleak"),
    },
}
CELLS = [
    f"impact.{name}({of})"
    for of, carrier in (("known", "Case"), ("run", "Run"))
    for name in questions.asked_of(carrier)
]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> impact.Case:
    return case_of_words(tmp_path_factory.mktemp("words") / "tiny")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with every answer."""
    return notebook(tmp_path_factory.mktemp("notebooks") / "00_every.ipynb", *CELLS)


def executed(task: Task, draw: bool) -> tuple[dict[str, Any], impact.Run, list[Answer]]:
    """What a kernel would return of the notebook of `every`, made in this process: with its run."""
    run, answers = impact.simulate(task.known, DRAWS), list[Answer]()
    content = json.loads(task.notebook.text)
    for cell in content["cells"]:
        if cell["cell_type"] == "code" and cell["source"] in CELLS:
            answer = eval(cell["source"], {"impact": impact, "known": task.known, "run": run})
            answers.append(answer)
            record = json.loads(json.dumps(answer.record(later=True)))
            if not draw:
                record["notes"].append(json.dumps(record.pop("charts")))
            text = {"text/plain": str(answer), MIME: record}
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": text}]
    page.draw(content)
    return content, run, answers


def forbidden(case: impact.Case, level: str) -> set[str]:
    """The words of rows, scenarios and decisions above a level."""
    above = TLP[TLP.index(level) + 1 :]
    rows = {
        row
        for frame in case.tables.values()
        for row in frame.filter(pl.col("tlp").is_in(above))["id"]
    }
    entries = {**case.scenarios, **case.decisions}
    marked_above = {name for name, entry in entries.items() if entry.tlp in above}
    return rows | marked_above | {name for name, named in NAMED.items() if rows & named}


def texts(task: Task, home: Path, draw: bool) -> Iterator[tuple[str, str]]:
    """(what, text) of everything that the kit writes or prints of a view."""
    done, run, answers = executed(task, draw)
    made = {
        "html": page.page(task, done).encode(),
        "ipynb": page.shared_notebook(task, done).encode(),
        work.LIVE: page.page(task, done, live=True).encode(),
    }
    entry = work.entry(task, done, made) | {"headline": index.Headlines().of(task)}
    assert all(_within(record["label"], task.known.tlp) for record in page.records(done))
    files.record(home, task, made, entry)
    files.write(home / "index.html", index.index(home))
    export.write(run, answers, home / "export")
    writer.write(task.known, home / "kernel" / "tiny")
    for path in sorted(home.rglob("*")):
        if path.suffix in (".parquet", ".arrow"):
            read = pl.read_parquet if path.suffix == ".parquet" else pl.read_ipc
            yield path.name, str(read(path).to_dicts())
        elif path.is_file():
            yield path.name, path.read_text("utf-8")
    yield "show", summary.text(run) + json.dumps(summary.record(run))
    yield "sheet", page.sheet(task)
    with contextlib.suppress(ImpactError):  # where nothing is open
        yield "ask", summary.mail(run)
    yield "stix", stix.text(stix.bundle(task.known))
    yield "diff", json.dumps(differences.record(run, impact.under(run, "baseline")))
    for name in ("qzentilaba", "qzclaidid", "qzinputake", "qzlossleak"):
        try:
            yield "why", str(explaining.why(run, name))
        except ImpactError:
            continue  # it is no name in this view


def _within(label: str, level: str) -> bool:
    return TLP.index(label) <= TLP.index(level)


@pytest.mark.slow
@pytest.mark.timeout(120 + TRIALS)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_output_holds_a_word_of_a_row_above_its_level(
    words: impact.Case, every: Path, tmp_path: Path, part: int
) -> None:
    refused = seen = hidden = 0
    for trial in range(part, TRIALS, PARTS):
        dice = random.Random(trial)
        case = marked(words, dice, ordered=dice.random() < 0.9)
        level = dice.choice(TLP[:4])
        offered = list(case.scenarios)
        if dice.random() < 0.95:
            offered = [name for name in case.scenarios if name not in forbidden(case, level)]
        scenario = dice.choice(offered)
        base = Parameters(case="tiny", tlp=level, draws=DRAWS)
        try:
            (task,), _ = plan.plan(case, [every], [scenario], base)
        except Refusal:
            refused += 1
            continue
        secret = forbidden(case, level)
        home = tmp_path / str(trial)
        for what, text in texts(task, home, draw=trial % 20 == part):
            leaked = secret & set(WORD.findall(text.lower()))
            assert not leaked, f"trial {trial}, {level}, {scenario}: {what} holds {sorted(leaked)}"
        seen, hidden = seen + 1, hidden + len(secret)
    assert seen > 0.5 * TRIALS / PARTS, f"{refused} of {TRIALS / PARTS} were refused"
    assert hidden > 3 * seen, "hardly a row was above its level"


def test_a_word_is_found_where_it_may_be(words: impact.Case, every: Path, tmp_path: Path) -> None:
    """The search is worth something: at the level of all rows nearly every word is in an output."""
    (task,), _ = plan.plan(words, [every], ["qzscenworse"], Parameters(case="tiny", draws=DRAWS))
    found: dict[str, set[str]] = {}
    for what, text in texts(task, tmp_path, draw=True):
        found.setdefault(what, set()).update(WORD.findall(text.lower()))
    every_row = {row for frame in words.tables.values() for row in frame["id"]} - {"event"}
    assert every_row <= set().union(*found.values())
    assert {what for what, held in found.items() if len(held) < 3} <= {
        *("why", "case.toml", "indicators.arrow", "indicators.csv", "index.html"),
    }


def test_counts_of_a_page_do_not_tell_of_a_single_row_above_its_level(
    words: impact.Case, every: Path, tmp_path: Path
) -> None:
    """With two red claims, or with one: the same page. At red its counts carry the level."""
    mute = pl.col("id") == "qzclaimute"
    level = pl.when(mute | (pl.col("id") == "qzclainot")).then(pl.lit("red")).otherwise("tlp")
    levelled = words.tables["claims"].with_columns(level.alias("tlp"))
    with_it = replace(words, tables={**words.tables, "claims": levelled}, memo={})
    without = replace(words, tables={**words.tables, "claims": levelled.filter(~mute)}, memo={})
    pages = {}
    for name, case, tlp in (
        ("with", with_it, "green"),
        ("without", without, "green"),
        ("red", with_it, "red"),
    ):
        base = Parameters(case="tiny", tlp=tlp, draws=DRAWS)
        (task,), _ = plan.plan(case, [every], ["baseline"], base)
        pages[name] = page.page(task, executed(task, draw=True)[0])
        pages[f"{name} label"] = impact.statements(task.known).label
    assert pages["with"] == pages["without"]
    assert "qzclaimute" not in pages["with"]
    assert "qzclaimute" in pages["red"]
    assert pages["with label"] == "clear"
    assert pages["red label"] == "red"
    assert pages["red"].count("TLP:RED") > 1


LOOK = "for table in impact.load_case(case).tables.values():\n    print(table.to_dicts())"


@pytest.mark.slow
def test_a_real_kernel_sees_the_rows_of_its_view_and_no_word_of_another(
    words: impact.Case, tmp_path: Path
) -> None:
    """Neither in an answer nor in the case that lies beside its notebook."""
    path = notebook(tmp_path / "00_every.ipynb", *CELLS, LOOK)
    for trial in range(3):
        case = marked(words, random.Random(trial), ordered=True)
        base = Parameters(case="tiny", tlp="green", draws=DRAWS)
        (task,), _ = plan.plan(case, [path], ["baseline"], base)
        said = set(WORD.findall(json.dumps(work.execute(task)).lower()))
        secret = forbidden(case, "green")
        assert secret
        assert not secret & said
        seen = {row for table in task.known.tables.values() for row in table["id"]}
        assert seen - {"event"} <= said
