"""Hostile text in a case: a page, a notebook, a chart and a terminal show it and do nothing."""

from __future__ import annotations

import ast
import html
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import commands
import polars as pl
import pytest
from canaries import case_of_words

import impact
from impact.answers.answer import MIME
from impact.base import words
from impact.base.words import web_address
from impact.charts import layouts, pictures, theme
from impact.reports import batch, page, work
from impact.reports.plan import Task
from notebooks import notebook, planned

SCRIPT = '</script><script>alert(1)</script><img src=x onerror="alert(1)">'
STYLE = (
    "<style>@import url(http://x.example/a.css)</style><b style='background:url(http://y.example)'>"
)
BIDI = "Anthr\u043epic\u202eevil\u200b"
ANSI = "\x1b[31mred\x1b[0m \x1b]8;;http://x.example\x07link\x1b]8;;\x07"
LONG = "long " * 200_000
CELLS = [
    "impact.timeline(known)",
    "impact.statements(known)",
    "impact.sources(known)",
    "impact.exposure(run)",
    "impact.losses(run)",
    "impact.losses(run, by='form')",
]


def hostile(tmp_path: Path, said: str, once: bool = False) -> impact.Case:
    """A case with that text in names, drivers, titles, statements and a scenario, or in one."""
    home = tmp_path / "words"
    case_of_words(home)
    quoted = '"' + said.replace('"', '""').replace("\n", " ") + '"'
    for table, column in (
        ("entities", "name"),
        ("losses", "driver"),
        ("sources", "title"),
        ("claims", "says"),
    ):
        path = home / f"{table}.csv"
        text = path.read_text("utf-8")
        label = column.title()
        changed = re.sub(rf"(?<=,){label} (qz\w+)", lambda at: quoted, text, count=int(once))
        assert changed != text
        path.write_text(changed, "utf-8")
    path = home / "scenarios.toml"
    text = path.read_text("utf-8").replace(
        '"It is qzscenworse."', json.dumps(said, ensure_ascii=False)
    )
    path.write_text(text, "utf-8")
    return impact.load_case(home)


def made(tmp_path: Path, said: str, once: bool = False) -> tuple[str, dict[str, object], str]:
    """(page, shared notebook, index) of a case with that text."""
    case = hostile(tmp_path, said, once)
    path = notebook(tmp_path / "00_evil.ipynb", *CELLS)
    content = json.loads(path.read_text("utf-8"))
    told = {"cell_type": "markdown", "id": "x", "metadata": {}, "source": said[:1000]}
    content["cells"].insert(1, told)
    path.write_text(json.dumps(content), "utf-8")
    tasks = planned(case, [path], "qzscenworse")
    done = batch.run(tasks, tmp_path / "out")
    assert done.failed == {}
    home = tmp_path / "out" / tasks[0].place
    shared = json.loads((home / "00_evil.ipynb").read_text("utf-8"))
    index = (tmp_path / "out" / "index.html").read_text("utf-8")
    return (home / "00_evil.html").read_text("utf-8"), shared, index


def outputs(shared: dict[str, object]) -> str:
    """What a shared notebook shows, its own source left out."""
    return json.dumps([cell.get("outputs") for cell in shared["cells"]], ensure_ascii=False)


@pytest.mark.parametrize("said", [SCRIPT, STYLE], ids=["script", "style"])
def test_markup_in_a_case_is_text_in_pages_notebooks_and_the_index(
    tmp_path: Path, said: str
) -> None:
    text, shared, index = made(tmp_path, said)
    for shown in (text, index):
        assert not re.search(r"<(script|img|b )", shown)
        assert shown.count("<style>") == 1
        assert html.escape(said[:20], quote=False)[:12] in shown
    pages = [data["data"] for cell in shared["cells"] for data in cell.get("outputs", ())]
    for data in pages:
        rendered = data.get("text/html", "") + data.get("image/svg+xml", "")
        assert not re.search(r"<(script|img|style|b )", rendered)
        if "image/svg+xml" in data:
            ElementTree.fromstring(data["image/svg+xml"])


def test_what_hides_or_deceives_is_made_visible(tmp_path: Path) -> None:
    text, shared, index = made(tmp_path, BIDI)
    for shown in (text, index, outputs(shared)):
        assert "[U+202E]" in shown
        assert "Anthr[U+043E]pic" in shown
        assert not re.search("[\u202e\u200b]", shown)


def test_terminal_sequences_are_gone_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, shared, index = made(tmp_path, ANSI)
    for shown in (text, index, outputs(shared)):
        assert "\x1b" not in shown
        assert "\\u001b" not in shown
    known = impact.view(impact.load_case(tmp_path / "words"))
    print(impact.losses(impact.simulate(known, 500)), impact.statements(known))
    assert "\x1b" not in capsys.readouterr().out


def test_nothing_that_a_case_or_a_user_says_is_run_as_code(tmp_path: Path) -> None:
    """Beneath the parameters papermill writes texts into a cell: names and plain values alone."""
    case = hostile(tmp_path, "one\nraise SystemExit  # ='\"")
    (task,) = planned(
        case, [notebook(tmp_path / "00_evil.ipynb", "impact.losses(run)")], "qzscenworse",
        changes="link.qzlinkuses=0.5;\n qzinputake=0.25",
    )  # fmt: skip
    cells = work.execute(task)["cells"]
    (given,) = (cell for cell in cells if "injected-parameters" in cell["metadata"]["tags"])
    said = ast.parse(given["source"]).body
    assert all(isinstance(line, ast.Assign | ast.AnnAssign) for line in said)
    values = {line.targets[0].id: ast.literal_eval(line.value) for line in said}
    assert values == vars(task.parameters)
    comments = [line for line in given["source"].splitlines() if line.startswith("#")]
    assert comments == ["# Parameters"]


def test_an_endless_cell_is_cut_with_its_count_and_the_page_stays_small(tmp_path: Path) -> None:
    text, shared, index = made(tmp_path, LONG.strip(), once=True)
    assert f"(cut, {len(LONG.strip()):,} characters)" in text
    assert len(text) < 600_000
    assert len(index) < 100_000
    assert len(json.dumps(shared)) < 600_000


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


def test_a_picture_from_elsewhere_is_its_text(tmp_path: Path) -> None:
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
        "\x1b!", "", (), wide=True,
    )  # fmt: skip
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
        theme.described(lambda wide: pictures.curve(rows, None, (), "USD", wide), "", "", (), True),
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
    drawn = json.dumps(layouts.timeline(said, True, (), accounts).to_dict())
    assert set(re.findall(r'"ends": "([^"]+)"', drawn)) == {"2026-03-24T15:30:00Z"}


def test_a_shared_notebook_holds_no_trace_of_its_run(
    small: impact.Case, tmp_path: Path, root: Path
) -> None:
    """No path, user, time, count, kernel or widget state; cell ids by their order."""
    extra = (
        "import os, getpass; print(os.getcwd(), getpass.getuser()); os.environ",
        "import ipywidgets; ipywidgets.Dropdown(options=['secret-option', 'other'])",
        "impact.losses(run)",
    )
    path = notebook(tmp_path / "00_traces.ipynb", *extra)
    tasks = planned(small, [path], "worse")
    batch.run(tasks, tmp_path / "out")
    home = tmp_path / "out" / tasks[0].place
    text = (home / "00_traces.ipynb").read_text("utf-8")
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
        assert trace not in (home / "00_traces.html").read_text("utf-8")
        assert trace not in (home / "manifest.json").read_text("utf-8").replace('"papermill":', "")
    parameters = next(c for c in shared["cells"] if c["metadata"].get("tags") == ["parameters"])
    assert "scenario: str = 'worse'" in parameters["source"]


def test_what_a_page_says_already_is_left_out_but_no_list_loses_its_question() -> None:
    def cell(*lead: str) -> dict[str, object]:
        record = {"name": "a", "label": "clear", "rows": [], "figures": [], "notes": []}
        data = {MIME: {**record, "lead": list(lead)}}
        return {"cell_type": "code", "source": "", "outputs": [{"data": data}]}

    asked, none, half = "What would it cost?", "- less: wait.", "- more: leave."
    cells = [cell("New.", asked, none), cell("New.", asked, none), cell(asked, none, half)]
    shown = [part["lead"] for part in page.parts({"cells": cells})]
    assert shown == [["New.", asked, none], [], [asked, none, half]]


def test_a_page_ends_with_who_reads_on_where_that_page_is_there(
    small: impact.Case, tmp_path: Path
) -> None:
    leads = {"Counsel": {"01_more": "duties", "02_gone": "nothing"}, "Nobody": {"02_gone": "it"}}
    paths = [
        notebook(tmp_path / "00_first.ipynb", "impact.losses(run)", leads=leads),
        notebook(tmp_path / "01_more.ipynb", "impact.exposure(run)"),
    ]
    tasks = planned(small, paths, "worse")
    batch.run(tasks, tmp_path / "out")
    first, more = (
        (tmp_path / "out" / task.place / f"{path.stem}.html").read_text("utf-8")
        for task, path in zip(tasks, paths, strict=True)
    )
    assert '<li><b>Counsel:</b> <a href="01_more.html">duties</a></li>' in first
    assert "02_gone" not in first
    assert "Nobody" not in first
    assert "read on" not in more


def test_a_shared_notebook_is_valid_and_runs_again(
    small: impact.Case, brief: Path, tmp_path: Path
) -> None:
    import nbformat

    tasks = planned(small, [brief], "worse")
    batch.run(tasks, tmp_path / "out")
    (shared,) = (tmp_path / "out").rglob("*.ipynb")
    nbformat.validate(nbformat.read(shared, as_version=4))
    again = planned(small, [shared], "worse")
    assert isinstance(again[0], Task)


def test_a_very_long_word_is_read_at_once() -> None:
    word = "a" * 200_000 + "é\u0430"
    assert words.plain(word).endswith("[U+0430]")
    assert words.shown(word).endswith("(cut, 200,002 characters)")


def test_charts_are_the_same_in_any_time_zone() -> None:
    code = (
        "import impact, hashlib\n"
        "known = impact.view(impact.load_case('mercor'))\n"
        "drawn = impact.timeline(known).svg() + impact.duties(known).svg()\n"
        "print(hashlib.sha256(drawn.encode()).hexdigest())"
    )
    zones = ("Asia/Tokyo", "America/New_York")
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"TZ": zone}, check=True,
            capture_output=True,
        ).stdout
        for zone in zones
    }  # fmt: skip
    assert len(said) == 1


def test_a_case_with_a_cell_of_a_megabyte_is_checked(tmp_path: Path) -> None:
    hostile(tmp_path, LONG.strip(), once=True)
    done = commands.impact("check", tmp_path / "words")
    assert (done.returncode, done.stderr) == (0, "")


def test_plain_text_keeps_other_scripts_and_marks_mixed_words_alone() -> None:
    assert words.plain("Яндекс и Αθήνα, 5 µs, café") == "Яндекс и Αθήνα, 5 µs, café"
    assert words.plain("p\u0430ypal") == "p[U+0430]ypal"
