"""Whoever has a page can have its numbers worked out again, and is told what differs."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import commands
import pytest

import impact
from impact.base.errors import BadInput
from impact.reports import batch, command, files, index, plan, verify
from impact.reports.plan import Parameters
from notebooks import SCENARIOS, case_of

COSTS = "03_what_it_costs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a case, and two reports of it."""
    home = tmp_path_factory.mktemp("project")
    case = impact.load_case(case_of(home / "tiny"))
    base = Parameters(case="tiny", draws=2000)
    tasks, _ = plan.plan(case, plan.find_notebooks(COSTS), ["baseline", "worse"], base)
    batch.run(tasks, home / "out", jobs=2)
    return home


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made, tmp_path / "project")


def page_of(project: Path, scenario: str = "worse") -> Path:
    (page,) = (project / "out" / "tiny").glob(f"{scenario}~*/{COSTS}.html")
    return page


def verdict(project: Path, path: Path) -> verify.Verdict:
    (found,) = verify.verify(path, str(project / "tiny"))
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


@contextmanager
def entry_of(page: Path) -> Iterator[dict[str, Any]]:
    """The entry of a page in the manifest beside it, written back as it is left."""
    manifest = page.parent / files.MANIFEST
    entries = files.read(manifest)
    yield entries[COSTS]
    manifest.write_text(json.dumps(entries), "utf-8")


def test_a_folder_of_untouched_reports_is_the_same(made: Path) -> None:
    done = commands.impact("verify", made / "out", "--case", made / "tiny", "--jobs", "2")
    assert done.returncode == 0
    places = [page_of(made, name).parent.name for name in ("baseline", "worse")]
    assert done.stdout.splitlines() == [f"tiny/{place}/{COSTS}: same" for place in places]


def test_an_edited_number_and_a_redrawn_picture_are_named_in_json_and_by_the_status(
    project: Path,
) -> None:
    page = page_of(project)
    printed = page.read_text("utf-8")
    with entry_of(page) as entry:
        texts = [figure["text"] for figure in entry["figures"]]
    number = next(text for text in texts if text.startswith("$") and f">{text}<" in printed)
    edit(page, number, "$9")
    edit(page, 'stroke-width="1', 'stroke-width="9')
    done = commands.impact("verify", page, "--case", project / "tiny", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["same"]) == (1, False)
    assert list(found["changed"].values()) == [["its html file"]]
    pieces = [(one["printed"], one["recomputed"]) for one in found["differences"]]
    for one, other in (("$9", number), ('stroke-width="9', 'stroke-width="1')):
        assert [one in old and other in new for old, new in pieces].count(True) == 1
    assert len(pieces) == 2
    assert found["differences"][0].keys() == {"figure", "printed", "recomputed"}


def test_a_page_alone_is_made_again_from_what_it_says(project: Path, tmp_path: Path) -> None:
    alone = tmp_path / "sent by mail.html"
    shutil.copy(page_of(project), alone)
    done = commands.impact("verify", alone, "--case", project / "tiny", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"same": True, "differences": [], "changed": {}}
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


def test_an_edited_notebook_or_a_lost_file_is_seen(project: Path) -> None:
    edit(page_of(project).with_suffix(".ipynb"), "Firm A", "Firm C")
    page_of(project, "baseline").unlink()
    first, second, last = verify.verify(project / "out", str(project / "tiny"), jobs=2)
    assert last.name == "index.html", "it has lost a page"
    assert first.changed == ("its html file",)
    assert second.changed == ("its ipynb file",)
    assert first.differences
    assert all("ipynb" in one["figure"] for one in second.differences)
    names = [one["figure"] for one in verify.record([first, second])["differences"]]
    assert {name.split("/")[1].partition("~")[0] for name in names} == {"baseline", "worse"}


def test_a_sheet_is_compared_and_made_again_with_its_view(project: Path) -> None:
    case = str(project / "tiny")
    asked: dict[str, Any] = {"jobs": 1, "cluster": "", "format": "html,ipynb", "timeout": 600}
    asked |= {"scenario": "worse", "now": False, "draws": 2000, "seed": 1}
    asked |= {"as_of": "", "tlp": "", "changes": ""}

    def made(sheet: bool) -> str:
        command.make(case, COSTS, project / "out", sheet=sheet, **asked)
        return page_of(project).with_name("sheet.html").read_text("utf-8")

    before = made(sheet=True)
    sheet = page_of(project).with_name("sheet.html")
    assert not verdict(project, sheet).differences
    sheet.write_text(before.replace("$", "€"), "utf-8")
    assert verdict(project, sheet).differences
    told = [one.name for one in verify.verify(project / "out", case) if one.differences]
    assert [name.endswith("sheet.html") for name in told] == [True]
    assert made(sheet=False) == before


def test_what_a_folder_gathers_is_compared_too(project: Path) -> None:
    places = [page_of(project, name).parent for name in ("baseline", "worse")]
    edit(project / "out" / "index.html", "start here", "end here")
    edit(places[0] / "answers.csv", "losses", "gains")
    (places[1] / "answers.parquet").write_bytes(b"x")
    *reports, one, two, three = verify.verify(project / "out", str(project / "tiny"), jobs=2)
    assert [verdict.differences for verdict in reports] == [(), ()]
    assert [verdict.name for verdict in (one, two, three)] == [
        f"tiny/{places[0].name}/answers.csv",
        f"tiny/{places[1].name}/answers.parquet",
        "index.html",
    ]


def test_every_edit_of_a_manifest_is_named_and_a_billionth_of_a_value_is_none(
    project: Path,
) -> None:
    """Words, and each part of a figure; what is of another kit is said."""
    page = page_of(project)
    with entry_of(page) as entry:
        entry |= dict.fromkeys(("question", "as_of", "level"), "TLP:RED")
        entry["headline"]["unpriced"] = 0.5
        entry["key"] |= {"kit": "0" * 64, "lock": "0" * 64}
        figures = entry["figures"]
        names = [f"{figure['answer']}: {figure['name']}" for figure in figures]
        figures[0]["value"] *= 1 + 1e-12
        figures[1]["value"] *= 1 + 1e-7
        figures[2]["error"] = None
        figures[3]["text"] = "$9"
        figures[4]["value"] = 1e9
    found = verdict(project, page)
    assert found.changed == ("kit", "lock")
    parts = ["question", "as_of", "level", "headline"]
    assert [one["figure"] for one in found.differences] == [*parts, *names[1:5]]
    assert [one["printed"] for one in found.differences][6:8] == ["$9", "1000000000.0"]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("key", "x"),
        ("key", 3),
        ("files", None),
        ("files", "x"),
        ("files", {"html": 1}),
        ("figures", {}),
        ("figures", ["x"]),
        ("figures", [{"x": 1}]),
        ("figures", [None]),
        ("parameters", []),
        ("headline", 1),
        ("headline", {}),
        ("beside", 5),
        ("moment", "soon"),
    ],
)
def test_what_no_report_says_of_itself_is_told_for_page_and_folder_and_made_again(
    project: Path, part: str, value: Any
) -> None:
    page = page_of(project)
    with entry_of(page) as entry:
        entry[part] = value
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
    assert f"differs; changed since: {', '.join(found.changed)}\n" in str(found)


def made_from(notebook: str = "00_brief", **parameters: Any) -> str:
    """What stands at the head of a page of the case of these tests."""
    asked = vars(Parameters()) | {"case": "tiny", **parameters}
    said = {"notebook": notebook, "parameters": asked, "moment": "", "beside": []}
    return head(json.dumps(said))


def head(said: str) -> str:
    return f'<meta name="made-from" content="{html.escape(said)}">'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html></html>", "holds no report of this kit"),
        (head("{"), "does not say what it was made from"),
        (head("[]"), "does not say what it was made from"),
        (head('{"notebook": "x"}'), "does not say what it was made from"),
        (made_from(more=1), "does not say what it was made from"),
        (made_from().replace("[]", "5"), "does not say what it was made from"),
        (made_from("../x"), 'no notebook "../x"'),
        (made_from(draws=10**12), "is outside 1 to 1,048,576"),
        (made_from(draws="many"), "is of type str, not a whole number"),
        (made_from(case="/etc"), 'is of the case "/etc", which is another or not here'),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_page_of_others_is_refused_in_a_line(
    made: Path, tmp_path: Path, content: str, said: str
) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput) as refused:
        verify.verify(page, str(made / "tiny"))
    assert said in str(refused.value)


@pytest.mark.parametrize("case", ["", "mercor"])
def test_a_page_of_another_case_is_refused(made: Path, case: str) -> None:
    with pytest.raises(BadInput, match='is of the case "tiny", which is another or not here'):
        verify.verify(page_of(made), case)
