"""Whoever has a page can have its numbers worked out again, and is told what differs."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path
from typing import Any

import commands
import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, files, index, plan, verify
from impact.reports.plan import Parameters
from notebooks import SCENARIOS, case_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a case, and two reports of it."""
    home = tmp_path_factory.mktemp("project")
    case = impact.load_case(case_of(home / "tiny"))
    base = Parameters(case="tiny", draws=2000)
    paths = plan.find_notebooks("03_what_it_costs")
    tasks, _ = plan.plan(case, paths, ["baseline", "worse"], base)
    batch.run(tasks, home / "out", jobs=2)
    return home


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made, tmp_path / "project")


def page_of(project: Path, scenario: str = "worse") -> Path:
    (page,) = (project / "out" / "tiny").glob(f"{scenario}~*/03_what_it_costs.html")
    return page


def verdict(project: Path, path: Path) -> verify.Verdict:
    (found,) = verify.verify(path, str(project / "tiny"))
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def manifest(page: Path) -> dict[str, Any]:
    return files.read(page.parent / files.MANIFEST)


def test_a_folder_of_untouched_reports_is_the_same(project: Path) -> None:
    verdicts = verify.verify(project / "out", str(project / "tiny"), jobs=2)
    assert [(v.differences, v.changed) for v in verdicts] == [((), ()), ((), ())]
    assert [v.name.split("/")[1].partition("~")[0] for v in verdicts] == ["baseline", "worse"]
    assert verify.record(verdicts) == {"same": True, "differences": [], "changed": {}}
    assert str(verdicts[0]).endswith("03_what_it_costs: same")


def test_a_page_alone_is_made_again_from_what_it_says(project: Path, tmp_path: Path) -> None:
    alone = tmp_path / "sent by mail.html"
    shutil.copy(page_of(project), alone)
    assert verdict(project, alone).differences == ()
    edit(alone, "Firm A", "Firm C")
    found = verdict(project, alone).differences
    assert found
    assert all("Firm C" in one["printed"] and "Firm A" in one["recomputed"] for one in found)


def test_a_report_is_found_by_any_of_its_files_and_live_is_an_ending(
    project: Path, tmp_path: Path
) -> None:
    notebook = page_of(project).with_suffix(".ipynb")
    assert verdict(project, notebook).name.endswith("/03_what_it_costs")
    alone = tmp_path / "olive.html"
    shutil.copy(page_of(project), alone)
    assert verdict(project, alone).differences == ()


def test_places_that_differ_in_capitals_alone_are_two_in_the_index(project: Path) -> None:
    home = page_of(project).parent
    shutil.copytree(home, home.with_name(home.name.capitalize()))
    assert index.index(project / "out").count('<th scope="rowgroup" rowspan="1">') == 3


def test_an_edited_number_of_a_page_is_named(project: Path) -> None:
    page = page_of(project)
    printed = page.read_text("utf-8")
    figure = next(
        f for f in manifest(page)["03_what_it_costs"]["figures"]
        if f["text"].startswith("$") and f">{f['text']}<" in printed
    )  # fmt: skip
    edit(page, figure["text"], "$9")
    found = verdict(project, page)
    assert found.changed == ("its html file",)
    assert any(
        "$9" in one["printed"] and figure["text"] in one["recomputed"] for one in found.differences
    )


def test_a_picture_that_was_redrawn_is_seen(project: Path) -> None:
    page = page_of(project)
    edit(page, 'stroke-width="1', 'stroke-width="9')
    found = verdict(project, page)
    (redrawn,) = found.differences
    assert 'stroke-width="9' in redrawn["printed"]
    assert 'stroke-width="1' in redrawn["recomputed"]


def test_an_edited_notebook_or_a_lost_file_is_seen(project: Path) -> None:
    edit(page_of(project).with_suffix(".ipynb"), "Firm A", "Firm C")
    page_of(project, "baseline").unlink()
    first, second, last = verify.verify(project / "out", str(project / "tiny"), jobs=2)
    assert last.name == "index.html", "it has lost a page"
    assert first.changed == ("its html file",)
    assert second.changed == ("its ipynb file",)
    assert first.differences
    assert all("ipynb" in one["figure"] for one in second.differences)


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [("value", 1e9, "value"), ("text", "$9", "$9"), ("error", None, "")],
)
def test_an_edited_figure_of_the_manifest_is_named(
    project: Path, part: str, value: Any, named: str
) -> None:
    page = page_of(project)
    entries = manifest(page)
    figure = next(f for f in entries["03_what_it_costs"]["figures"] if f["name"] == "mean.a")
    figure[part] = value
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    (found,) = verdict(project, page).differences
    assert found["figure"] == "losses: mean.a"
    assert found["printed"] != found["recomputed"] or part == "error"


@pytest.mark.parametrize(("factor", "same"), [(1 + 1e-12, True), (1 + 1e-7, False)])
def test_values_may_differ_by_a_billionth(project: Path, factor: float, same: bool) -> None:
    page = page_of(project)
    entries = manifest(page)
    for figure in entries["03_what_it_costs"]["figures"]:
        if figure["name"] == "mean.total":
            figure["value"] *= factor
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    assert (verdict(project, page).differences == ()) is same


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("index.html", "start here", "end here"),
        ("answers.csv", "losses", "gains"),
        ("answers.parquet", "", ""),
    ],
)
def test_what_a_folder_gathers_is_compared_too(
    project: Path, file: str, old: str, new: str
) -> None:
    (path, *_) = sorted((project / "out").rglob(file))
    path.write_bytes(b"x") if not old else edit(path, old, new)
    *reports, last = verify.verify(project / "out", str(project / "tiny"), jobs=2)
    assert [verdict.differences for verdict in reports] == [(), ()]
    assert last.name.endswith(file)


@pytest.mark.parametrize("part", ["question", "as_of", "level", "headline"])
def test_an_edited_word_of_the_manifest_is_named(project: Path, part: str) -> None:
    page = page_of(project)
    entries = manifest(page)
    entry = entries["03_what_it_costs"]
    entry[part] = {**entry[part], "unpriced": 0.5} if part == "headline" else "TLP:RED"
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    assert [one["figure"] for one in verdict(project, page).differences] == [part]


@pytest.mark.parametrize(
    ("part", "value"),
    [("key", "x"), ("key", 3), ("files", None), ("files", "x"), ("figures", {}), ("parameters", []),
     ("headline", 1)],
)  # fmt: skip
def test_a_damaged_manifest_is_told_in_a_line(project: Path, part: str, value: Any) -> None:
    page = page_of(project)
    entries = manifest(page)
    entries["03_what_it_costs"][part] = value
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    with pytest.raises(BadInput, match="says nothing sound of"):
        verify.verify(project / "out", str(project / "tiny"))


@pytest.mark.parametrize(
    ("part", "value"),
    [("figures", ["x"]), ("figures", [{"x": 1}]), ("figures", [None]), ("beside", 5),
     ("headline", {}), ("moment", "soon"), ("files", {"html": 1})],
)  # fmt: skip
def test_what_no_report_says_of_itself_is_told_for_page_and_folder_and_made_again(
    project: Path, part: str, value: Any
) -> None:
    page = page_of(project)
    entries = manifest(page)
    entries["03_what_it_costs"][part] = value
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    for path in (page, project / "out"):
        with pytest.raises(BadInput, match="says nothing sound of"):
            verify.verify(path, str(project / "tiny"))
    assert "Worse" not in index.index(project / "out")
    assert files.moment_of(project / "out", "tiny") == "2026-09-01"


def test_changed_data_are_named_with_the_figures_that_moved(project: Path) -> None:
    shutil.rmtree(project / "tiny")
    case_of(project / "tiny", SCENARIOS.replace("0.9", "0.7"))
    found = verdict(project, page_of(project))
    assert {"inputs of the case", "view"} <= set(found.changed)
    assert any(one["figure"] == "losses: mean.total" for one in found.differences)
    assert "differs; changed since: " in str(found)


def test_a_manifest_of_another_kit_says_so(project: Path) -> None:
    page = page_of(project)
    entries = manifest(page)
    entries["03_what_it_costs"]["key"] |= {"kit": "0" * 64, "lock": "0" * 64}
    (page.parent / files.MANIFEST).write_text(json.dumps(entries), "utf-8")
    found = verdict(project, page)
    assert (found.changed, found.differences) == (("kit", "lock"), ())


def made_from(notebook: str = "00_brief", **parameters: Any) -> str:
    """What stands at the head of a page of the case of these tests."""
    asked = vars(Parameters()) | {"case": "tiny", **parameters}
    said = {"notebook": notebook, "parameters": asked, "moment": "", "beside": []}
    return f'<meta name="made-from" content="{html.escape(json.dumps(said))}">'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html></html>", "holds no report of this kit"),
        ('<meta name="made-from" content="{">', "does not say what it was made from"),
        ('<meta name="made-from" content="[]">', "does not say what it was made from"),
        (
            '<meta name="made-from" content="{&#34;notebook&#34;: &#34;x&#34;}">',
            "does not say what",
        ),
        (
            made_from(notebook="../x"),
            'no notebook "../x"',
        ),
        (
            made_from(draws=10**12),
            "is outside 1 to 1,048,576",
        ),
        (made_from(draws="many"), "is of type str, not a whole number"),
        (made_from(more=1), "does not say what it was made from"),
        (made_from().replace("[]", "5"), "does not say what it was made from"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_page_of_others_is_refused_in_a_line(
    project: Path, tmp_path: Path, content: str, said: str
) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput) as refused:
        verify.verify(page, str(project / "tiny"))
    assert said in str(refused.value)


def test_a_page_of_another_case_or_of_a_path_is_refused(project: Path, tmp_path: Path) -> None:
    page = page_of(project)
    with pytest.raises(BadInput, match='is of the case "tiny", which is another or not here'):
        verify.verify(page)
    with pytest.raises(BadInput, match='is of the case "tiny", which is another'):
        verify.verify(page, "mercor")
    alone = tmp_path / "page.html"
    alone.write_text(page.read_text("utf-8").replace("&#34;tiny&#34;", "&#34;/etc&#34;"), "utf-8")
    with pytest.raises(BadInput, match='is of the case "/etc", which is another or not here'):
        verify.verify(alone)


def test_the_command_says_it_in_json_and_by_its_status(project: Path) -> None:
    page = page_of(project)
    words = ("verify", page, "--case", project / "tiny")
    done = commands.impact(*words, "--json")
    assert (done.returncode, json.loads(done.stdout)["same"]) == (0, True)
    edit(page, "Firm A", "Firm C")
    done = commands.impact(*words, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["same"]) == (1, False)
    assert found["differences"][0].keys() == {"figure", "printed", "recomputed"}
    done = commands.impact(*words)
    assert "differs; changed since: its html file" in done.stdout
