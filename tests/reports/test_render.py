"""Hostile text in a case: a page, a notebook, a chart and a terminal show it and do nothing."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from xml.etree import ElementTree

import commands
import nbformat
import polars as pl
import pytest
from canaries import case_of_words

import impact
from impact.answers.answer import MIME
from impact.base import words
from impact.base.words import web_address
from impact.charts import layouts, pictures, theme
from impact.reports import batch, page, work
from notebooks import case_of, notebook, planned

SCRIPT = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'
STYLE = (
    "<style>@import url(http://x.example/a.css)</style><b style='background:url(http://y.example)'>"
)
BIDI = "Anthr\u043epic\u202eevil\u200b"
ANSI = "\x1b[31mred\x1b[0m \x1b]8;;http://x.example\x07link\x1b]8;;\x07"
HOSTILE = SCRIPT + STYLE + BIDI + ANSI
LONG = "long " * 200_000 + "end"
CELLS = [
    "impact.timeline(known)",
    "impact.statements(known)",
    "impact.sources(known)",
    "impact.exposure(run)",
    "impact.losses(run)",
    "impact.losses(run, by='form')",
]
TEXTS = {"entities": "name", "losses": "driver", "sources": "title", "claims": "says"}


def hostile(home: Path, said: str, first: str) -> impact.Case:
    """A case, in the folder `words`, with a text in names, drivers, titles and statements.

    Another is the first of each; a scenario says both.
    """
    folder = home / "words"
    case_of_words(folder)
    one, other = (
        '"{}"'.format(text.replace('"', '""').replace("\n", " ")) for text in (first, said)
    )
    for table, column in TEXTS.items():
        path, text = folder / f"{table}.csv", rf"(?<=,){column.title()} qz\w+"
        changed, many = re.subn(text, lambda _: one, path.read_text("utf-8"), count=1)
        assert many
        path.write_text(re.sub(text, lambda _: other, changed), "utf-8")
    path = folder / "scenarios.toml"
    quoted = json.dumps(said + first, ensure_ascii=False)
    path.write_text(path.read_text("utf-8").replace('"It is qzscenworse."', quoted), "utf-8")
    return impact.load_case(folder)


class Shown(NamedTuple):
    """What is made of a hostile case: page, shared notebook, index; and where the case lies."""

    page: str
    shared: dict[str, Any]
    index: str
    folder: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Of a case with hostile texts, endless ones among them."""
    home = tmp_path_factory.mktemp("hostile")
    case = hostile(home, HOSTILE, LONG)
    path = notebook(home / "00_evil.ipynb", *CELLS)
    content = json.loads(path.read_text("utf-8"))
    told = {"cell_type": "markdown", "id": "x", "metadata": {}, "source": HOSTILE}
    content["cells"].insert(1, told)
    path.write_text(json.dumps(content), "utf-8")
    tasks = planned(case, [path], "qzscenworse")
    assert batch.run(tasks, home / "out").failed == {}
    page = home / "out" / tasks[0].place / "00_evil.html"
    shared = json.loads(page.with_suffix(".ipynb").read_text("utf-8"))
    index = (home / "out" / "index.html").read_text("utf-8")
    return Shown(page.read_text("utf-8"), shared, index, home / "words")


def outputs(shared: dict[str, Any]) -> str:
    """What a shared notebook shows, its own source left out."""
    return json.dumps([cell.get("outputs") for cell in shared["cells"]], ensure_ascii=False)


def test_markup_in_a_case_is_text_in_pages_notebooks_and_the_index(shown: Shown) -> None:
    for text in (shown.page, shown.index):
        assert not re.search(r"<(script|img|b )", text)
        assert text.count("<style>") == 1
        assert "&lt;/script&gt;&lt;script&gt;alert" in text
        assert "&lt;style&gt;@import" in text
    pages = [data["data"] for cell in shown.shared["cells"] for data in cell.get("outputs", ())]
    pictures = [data["image/svg+xml"] for data in pages if "image/svg+xml" in data]
    tables = [data["text/html"] for data in pages if "text/html" in data]
    assert pictures
    assert tables
    for rendered in (*pictures, *tables):
        assert not re.search(r"<(script|img|style|b )", rendered)
    for picture in pictures:
        ElementTree.fromstring(picture)


def test_what_hides_or_deceives_is_made_visible_and_terminal_sequences_are_gone(
    shown: Shown,
) -> None:
    for text in (shown.page, shown.index, outputs(shown.shared)):
        assert "[U+202E]" in text
        assert "Anthr[U+043E]pic" in text
        assert not re.search("[\u202e\u200b\x1b]", text)
        assert "\\u001b" not in text
    known = impact.view(impact.load_case(shown.folder))
    printed = f"{impact.losses(impact.simulate(known, 500))}{impact.statements(known)}"
    assert "[U+202E]" in printed
    assert "\x1b" not in printed


def test_an_endless_cell_is_cut_with_its_count_and_the_page_stays_small(shown: Shown) -> None:
    assert f"(cut, {len(LONG):,} characters)" in shown.page
    assert len(shown.page) < 600_000
    assert len(shown.index) < 100_000
    assert len(json.dumps(shown.shared)) < 600_000
    done = commands.impact("check", shown.folder)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_that_a_case_or_a_user_says_is_run_as_code(tmp_path: Path) -> None:
    """Beneath the parameters papermill writes texts into a cell: names and plain values alone."""
    said = "one\nraise SystemExit  # ='\""
    case = hostile(tmp_path, said, said)
    (task,) = planned(
        case,
        [notebook(tmp_path / "00_evil.ipynb", "impact.losses(run)")],
        "qzscenworse",
        changes="link.qzlinkuses=0.5;\n qzinputake=0.25",
    )
    cells = work.execute(task)["cells"]
    (given,) = (cell for cell in cells if "injected-parameters" in cell["metadata"]["tags"])
    said = ast.parse(given["source"]).body
    assert all(isinstance(line, ast.Assign | ast.AnnAssign) for line in said)
    values = {line.targets[0].id: ast.literal_eval(line.value) for line in said}
    assert values == vars(task.parameters)
    comments = [line for line in given["source"].splitlines() if line.startswith("#")]
    assert comments == ["# Parameters"]


ADDRESSES = {
    "https://news.example/a?b=1&c=2": True,
    "http://news.example": True,
    "javascript:alert(1)": False,
    "JaVaScRiPt:alert(1)": False,
    "data:text/html,<script>": False,
    "vbscript:x": False,
    "//news.example/a": False,
    "/etc/passwd": False,
    "file:///etc/passwd": False,
    "http://": False,
    "https://a b.example": False,
    "https://x.example/\u202e": False,
    "http://[::1": False,
    "": False,
}


@pytest.mark.parametrize(("address", "kept"), ADDRESSES.items())
def test_only_addresses_of_the_web_are_links(address: str, kept: bool) -> None:
    assert web_address(address) == (address if kept else "")
    shown = page.markdown(f"[text](<{address}>)")
    assert ("<a " in shown) is kept or "%" in shown  # what is no address is encoded into one


def test_a_picture_from_elsewhere_is_its_text() -> None:
    said = "![the text](http://beacon.example/x.png) and [a link](javascript:alert(1))"
    assert page.markdown(said) == "<p>the text and a link</p>\n"


def test_a_chart_holds_no_more_than_it_draws(mercor: impact.Case) -> None:
    """No column that is not drawn, no comment, no script, no outside address but its namespaces."""
    run = impact.simulate(impact.view(mercor), 1000)
    for answer in (impact.losses(run), impact.exposure(run), impact.timeline(run.known)):
        svg = answer.svg()
        assert "<!--" not in svg
        assert not re.search(r"<(script|foreignObject|image|a )|\son\w+=", svg)
        assert set(re.findall(r"https?://[\w./]+", svg)) <= {
            *("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"),
        }
        drawn = json.dumps(answer.charts()["wide"])
        for column in ("basis_said", "assumed_share", "mean_error_usd", "url"):
            assert f'"{column}"' not in drawn


def test_a_text_of_a_chart_is_cut_and_made_visible() -> None:
    import altair as alt

    chart = alt.Chart(alt.InlineData([{"a": "\x1b\x07\u202e" + "x" * 9000, "b": 1}]))
    axis = alt.Axis(labelLimit=0)
    spec = theme.described(
        lambda _: chart.mark_point().encode(x=alt.X("a:N", axis=axis), y="b:Q"),
        "\x1b!",
        "",
        (),
        wide=True,
    )
    drawn = theme.svg(spec, "finding")
    assert "(cut, 9,003 characters)" in drawn
    assert "[U+202E]" in drawn
    assert len(drawn) < 20_000


@pytest.mark.parametrize(
    "text", ["供給業者" * 20, "x" * 90, "@scope/a-package-of-a-very-long-name", "a b"]
)
@pytest.mark.parametrize("room", [140, 290])
def test_no_line_of_a_chart_is_wider_than_its_place(text: str, room: float) -> None:
    lines = theme.wrap(text, room, 12)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(theme.width(line, 12) <= room for line in lines)
    assert theme.width("供", 12) == 12


def test_an_axis_of_amounts_within_a_decade_has_its_values() -> None:
    rows = pl.DataFrame({"amount_usd": [6.1e6, 9.4e6], "chance": [0.9, 0.1]})
    drawn = theme.svg(
        theme.described(lambda wide: pictures.curve(rows, (), "USD", wide), "", "", (), True),
        "a curve",
    )
    assert {">$7 m<", ">$8 m<", ">$9 m<"} <= set(re.findall(r">\$\d m<", drawn))


def test_a_window_that_is_open_is_drawn_beyond_all_that_are_closed() -> None:
    opens = datetime(2026, 3, 24, 10, 30)
    accounts = [
        {"who": who, "opens": opens, "closes": closes, "says": who, "best": False}
        for who, closes in (("open", None), ("closed", opens + timedelta(hours=5)))
    ]
    said = SimpleNamespace(window_title="", window_subtitle="")
    spec = theme.described(
        lambda wide: layouts.timeline(said, wide, (), accounts), "", "", (), True
    )
    drawn = json.dumps(spec)
    assert set(re.findall(r'"ends": "([^"]+)"', drawn)) == {"2026-03-24T15:30:00Z"}


TRACES = (
    "import os, getpass; print(os.getcwd(), getpass.getuser()); os.environ",
    "import ipywidgets; ipywidgets.Dropdown(options=['secret-option', 'other'])",
    "impact.losses(run)",
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two reports: `00_traces`, which leaves traces and leads on, and `01_more`."""
    home = tmp_path_factory.mktemp("shared")
    leads = {"Counsel": {"01_more": "duties", "02_gone": "nothing"}, "Nobody": {"02_gone": "it"}}
    paths = [
        notebook(home / "00_traces.ipynb", *TRACES, leads=leads),
        notebook(home / "01_more.ipynb", "impact.exposure(run)"),
    ]
    tasks = planned(impact.load_case(case_of(home / "tiny")), paths, "worse")
    assert batch.run(tasks, home / "out", jobs=2).failed == {}
    return home / "out" / tasks[0].place


def test_a_shared_notebook_holds_no_trace_of_its_run_and_runs_again(
    small: impact.Case, places: Path, root: Path
) -> None:
    """No path, user, time, count, kernel or widget state; cell ids by their order."""
    path = places / "00_traces.ipynb"
    text = path.read_text("utf-8")
    shared = json.loads(text)
    assert [cell["id"] for cell in shared["cells"]] == [f"cell-{n:02}" for n in range(6)]
    assert set(shared["metadata"]) == {"kernelspec", "language_info"}
    assert all(cell.get("execution_count") is None for cell in shared["cells"])
    assert [len(cell.get("outputs", ())) for cell in shared["cells"]] == [0, 0, 0, 0, 0, 2]
    shown = outputs(shared)
    for trace in ("/tmp", str(root), "secret-option", "papermill", "HOME", "T00:", "ipykernel"):
        assert trace not in shown
    for trace in ("/tmp/", str(root), "papermill", "injected"):
        assert trace not in text
        assert trace not in (places / "00_traces.html").read_text("utf-8")
        manifest = (places / "manifest.json").read_text("utf-8")
        assert trace not in manifest.replace('"papermill":', "")
    parameters = next(c for c in shared["cells"] if c["metadata"].get("tags") == ["parameters"])
    assert "scenario: str = 'worse'" in parameters["source"]
    nbformat.validate(nbformat.read(path, as_version=4))
    assert len(planned(small, [path], "worse")) == 1


def test_a_page_ends_with_who_reads_on_where_that_page_is_there(places: Path) -> None:
    first = (places / "00_traces.html").read_text("utf-8")
    assert '<li><b>Counsel:</b> <a href="01_more.html">duties</a></li>' in first
    assert "02_gone" not in first
    assert "Nobody" not in first
    assert "read on" not in (places / "01_more.html").read_text("utf-8")


def test_what_a_page_says_already_is_left_out_but_no_list_loses_its_question() -> None:
    def cell(*lead: str) -> dict[str, object]:
        record = {"name": "a", "label": "clear", "rows": [], "figures": [], "notes": []}
        data = {MIME: {**record, "lead": list(lead)}}
        return {"cell_type": "code", "source": "", "outputs": [{"data": data}]}

    asked, none, half = "What would it cost?", "- less: wait.", "- more: leave."
    cells = [cell("New.", asked, none), cell("New.", asked, none), cell(asked, none, half)]
    shown = [part["lead"] for part in page.parts({"cells": cells})]
    assert shown == [["New.", asked, none], [], [asked, none, half]]


def test_a_very_long_word_is_read_at_once() -> None:
    word = "a" * 200_000 + "é\u0430"
    assert words.plain(word).endswith("[U+0430]")
    assert words.shown(word).endswith("(cut, 200,002 characters)")


def test_charts_are_the_same_in_any_time_zone(mercor: impact.Case) -> None:
    code = (
        "import impact\n"
        "known = impact.view(impact.load_case('mercor'))\n"
        "print(impact.timeline(known).svg() + impact.duties(known).svg())"
    )
    known = impact.view(mercor)
    here = impact.timeline(known).svg() + impact.duties(known).svg()
    far = "Asia/Tokyo" if time.timezone >= 0 else "America/New_York"
    there = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TZ": far},
        check=True,
        capture_output=True,
        text=True,
    )
    assert there.stdout == f"{here}\n"


def test_plain_text_keeps_other_scripts_and_marks_mixed_words_alone() -> None:
    assert words.plain("Яндекс и Αθήνα, 5 µs, café") == "Яндекс и Αθήνα, 5 µs, café"
    assert words.plain("p\u0430ypal") == "p[U+0430]ypal"
