"""What is planned: one task per notebook and view, everything checked before a kernel starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tiny import SAID

import impact
from impact.base.errors import BadInput, Refusal
from impact.reports import plan
from impact.reports.plan import Parameters
from notebooks import PARAMETERS, case_of, notebook, planned


def faults(case: impact.Case, *notebooks: Path, **base: Any) -> list[str]:
    with pytest.raises(BadInput) as refused:
        plan.plan(case, notebooks, ["baseline"], Parameters(case=case.id, **base))
    return [str(fault) for fault in refused.value.faults]


def test_every_scenario_has_a_task_and_a_grid_one_for_each_member(
    small: impact.Case, brief: Path
) -> None:
    parted = [task.name.partition("~") for task in planned(small, [brief])]
    grid = ["pause_2", "pause_4", "pause_8"]
    assert [one[0] for one in parted] == [f"tiny/{it}" for it in ("baseline", "worse", *grid)]
    (end,) = {end for _, _, end in parted}  # what else was asked is one thing for all
    assert end.endswith("/00_small")
    assert plan.chosen(small, "pause") == grid
    assert plan.chosen(small, "all") == list(small.scenarios)
    assert plan.chosen(small, "worse") == ["worse"]


def test_a_notebook_that_does_not_vary_by_scenario_is_planned_once(
    small: impact.Case, tmp_path: Path
) -> None:
    facts = notebook(tmp_path / "01_facts.ipynb", varies_by=["as_of", "tlp"])
    (task,) = planned(small, [facts], changes="p=0.7")
    assert task.place == "tiny/baseline"
    assert (task.parameters.changes, task.parameters.draws) == ("", Parameters().draws)


def test_the_bundled_evidence_is_planned_once_for_all_scenarios(mercor: impact.Case) -> None:
    """An input may be called what a secret is called."""
    found, changes = plan.find_notebooks("all"), "secrets_in_use=0.5; secrets_in_reach=0.5"
    base = Parameters(changes=changes)
    tasks, refused = plan.plan(mercor, found, list(mercor.scenarios), base)
    assert refused == []
    many = {path.stem: sum(task.notebook.name == path.stem for task in tasks) for path in found}
    once = ("01_what_is_known", "06_my_stack", "07_what_it_may_become")
    assert [many.pop(name) for name in once] == [1, 1, 1]
    assert set(many.values()) == {len(mercor.scenarios)}


def test_a_scenario_that_looks_back_takes_the_evidence_with_it(tmp_path: Path) -> None:
    toml = '[scenario.then]\ntitle = "Then"\nas_of = ["2026-01-01", "2026-01-05"]\n'
    case = impact.load_case(case_of(tmp_path / "tiny", toml))
    facts = notebook(tmp_path / "01_facts.ipynb", varies_by=["as_of"])
    brief = notebook(tmp_path / "00_small.ipynb")
    assert [task.place for task in planned(case, [brief, facts], draws=10_000)] == [
        *("tiny/baseline",) * 2,
        *("tiny/then@2026-01-01", "tiny/baseline@2026-01-01"),
        *("tiny/then@2026-01-05", "tiny/baseline@2026-01-05"),
    ]


def test_all_problems_are_told_at_once(small: impact.Case, tmp_path: Path) -> None:
    one = notebook(tmp_path / "00_none.ipynb", parameters=None)
    two = notebook(
        tmp_path / "01_typed.ipynb",
        parameters=PARAMETERS.replace("draws: int = 10000", "draws: str = 'many'"),
    )
    three = notebook(tmp_path / "02_reads.ipynb", reads=["claimz"], varies_by=["scenaryo"])
    told = faults(small, one, two, three, draws=0, changes="wekks=3")
    assert told == [
        "00_none.ipynb: has 0 cells tagged parameters; tag one cell",
        "01_typed.ipynb parameters: declares no draws of type int; write `draws: int = 10000`",
        '02_reads.ipynb metadata: "claimz" is not known there; did you mean "claims"?',
        '02_reads.ipynb metadata: "scenaryo" is not known there; did you mean "scenario"?',
        "draws: 0 is outside 1 to 1,048,576; 10000 is the usual number",
        'changes: no input "wekks"; did you mean "weeks"?',
    ]


UNREAD = ("{", "[]", '{"cells": 3}', '{"cells": [], "metadata": {"impact": {"reads": 3}}}')
UNTAGGED = ('{"cells": [{"cell_type": "code"}]}', '{"cells": [], "metadata": {}}')


@pytest.mark.parametrize("text", [*UNREAD, *UNTAGGED])
def test_a_file_that_is_no_notebook_is_told(small: impact.Case, tmp_path: Path, text: str) -> None:
    path = tmp_path / "00_odd.ipynb"
    path.write_text(text, "utf-8")
    what = "cannot be read as a notebook; save it again with JupyterLab"
    if text in UNTAGGED:
        what = "has 0 cells tagged parameters; tag one cell"
    assert faults(small, path) == [f"00_odd.ipynb: {what}"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (f"{PARAMETERS}\napi_key: str = ''", '"api_key" looks like a secret'),
        (f"{PARAMETERS}\nwhom: str = '{'ghp_' + 'a' * 36}'", '"whom" looks like a secret'),
        (f"{PARAMETERS}\ncase: str = 'https://me:{'x' * 8}@host.example'", '"case" looks like'),
        (PARAMETERS.replace("seed: int", "seeds: int"), "declares no seed of type int"),
        (f"{PARAMETERS}\nthis is no python", "line 8 is no Python"),
    ],
)
def test_a_parameters_cell_with_a_secret_or_a_fault_is_refused(
    small: impact.Case, tmp_path: Path, cell: str, said: str
) -> None:
    told = faults(small, notebook(tmp_path / "00_odd.ipynb", parameters=cell))
    assert [said in fault for fault in told] == [True]
    assert not any("x" * 8 in fault or "a" * 36 in fault for fault in told)


SECRETS = {
    "scenario": "AKIA" + "A" * 16,
    "changes": "weeks=glpat-" + "c" * 16,
    "tlp": "sk-" + "b" * 24,
    "as_of": "-----BEGIN PRIVATE KEY-----",
}


def test_a_parameter_that_looks_like_a_secret_is_refused_and_not_repeated(
    small: impact.Case, brief: Path
) -> None:
    """One with the name of a secret is no input, and its value is not repeated either."""
    repair = "leave it out: parameters are printed in pages and manifests"
    assert sorted(faults(small, brief, **SECRETS)) == [
        f"{name}: looks like a secret; {repair}" for name in sorted(SECRETS)
    ]
    (told,) = faults(small, brief, changes="api_token=7391")
    assert told.startswith('changes: no input "api_token"')
    assert "7391" not in told


@pytest.mark.parametrize("name", ["../../escaped", "a/b", "%2e%2e", "..", ".hidden", "a\\nb", ""])
def test_a_case_or_scenario_that_would_leave_the_folder_is_refused(
    tmp_path: Path, name: str
) -> None:
    home = case_of(tmp_path / "tiny", f'[scenario."{name}"]\ntitle = "x"\n')
    with pytest.raises(BadInput, match="is not a bare name"):
        impact.load_case(home)
    home = case_of(tmp_path / "other", "# none")
    settings = home / "case.toml"
    settings.write_text(settings.read_text("utf-8").replace('"tiny"', f'"{name}"'), "utf-8")
    with pytest.raises(BadInput, match=r"case.toml id: (\"(?s:.+)\" is not a bare name|is empty)"):
        impact.load_case(home)


def test_a_place_says_day_level_and_what_else_differs(mercor: impact.Case) -> None:
    def placed(**parts: Any) -> str:
        given = Parameters(**parts)
        known = impact.view(mercor, given.scenario, given.as_of, given.tlp, given.changes)
        return plan.place(known, given)

    assert placed() == "mercor/baseline"
    assert placed(scenario="long-pause", as_of="2026-04-04") == "mercor/long-pause@2026-04-04"
    assert (
        placed(as_of="2026-04-03T12:00Z", tlp="green") == "mercor/baseline@2026-04-03T1200Z+green"
    )
    assert placed(scenario="surge-falls") == "mercor/surge-falls-no-compromise-reported"
    plain, seeded, set_ = (placed(**p) for p in ({}, {"seed": 2}, {"changes": "pause_weeks=3"}))
    assert len({plain, seeded, set_}) == 3
    assert all(name.startswith("mercor/baseline~") for name in (seeded, set_))


def test_a_refused_scenario_is_told_and_the_others_are_planned(tmp_path: Path) -> None:
    late = {"id": "late", "mode": "3", "shape": "fixed", "unit": "week", "known_on": "2026-05-01"}
    toml = "[scenario.early]\nset = { p = 1 }\n[scenario.later]\nset = { late = 1 }\n"
    case = impact.load_case(case_of(tmp_path / "tiny", toml, inputs=[late]))
    brief = notebook(tmp_path / "00_small.ipynb")
    base = Parameters(case="tiny", as_of="2026-02-01")
    tasks, refused = plan.plan(case, [brief], list(case.scenarios), base)
    assert [task.parameters.scenario for task in tasks] == ["baseline", "early"]
    assert [str(fault) for fault in refused] == [
        'scenario later: no input "late"; it is not known in this view'
    ]
    with pytest.raises(Refusal):
        plan.plan(case, [brief], ["later"], base)


def test_two_scenarios_of_one_place_are_a_fault(tmp_path: Path) -> None:
    toml = (
        '[scenario.g]\nas_of = ["2026-02-01"]\neach = { weeks = [4] }\n'
        '[scenario.g_4]\nas_of = "2026-02-01"\nset = { p = 1 }\n'
    )
    case = impact.load_case(case_of(tmp_path / "tiny", toml))
    brief = notebook(tmp_path / "00_small.ipynb")
    with pytest.raises(BadInput, match='scenario g_4: has the place of scenario "g_4@2026-02-01"'):
        plan.plan(case, [brief], list(case.scenarios), Parameters(case="tiny"))


# keys


def keys(case: impact.Case, path: Path, **base: Any) -> dict[str, Mapping[str, str]]:
    return {task.parameters.scenario: task.key for task in planned(case, [path], **base)}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    return {part for part in {*one, *other} if one.get(part) != other.get(part)}


def test_a_changed_table_changes_the_keys_of_the_notebooks_that_read_it(tmp_path: Path) -> None:
    claim = {"id": "c", "claimant": "a", "subject": "b", **SAID["claims"]}
    claim["stated_on"] = "2026-01-01"
    before = impact.load_case(case_of(tmp_path / "one" / "tiny"))
    after = impact.load_case(case_of(tmp_path / "two" / "tiny", claims=[claim]))
    all_read = notebook(tmp_path / "00_all.ipynb")
    some = notebook(tmp_path / "01_some.ipynb", reads=["inputs", "links"])
    for path, parts in ((all_read, {"claims of the case"}), (some, set())):
        one, two = (keys(case, path)["worse"] for case in (before, after))
        assert differing(one, two) == parts


def test_a_changed_scenario_changes_its_own_key_and_those_that_read_scenarios(
    tmp_path: Path,
) -> None:
    first = "[scenario.x]\nset = { p = 1 }\n[scenario.y]\nset = { p = 0 }\n"
    before = impact.load_case(case_of(tmp_path / "one", first))
    after = impact.load_case(case_of(tmp_path / "two", first.replace("p = 0", "p = 0.1")))
    beside = notebook(tmp_path / "00_all.ipynb", reads=["scenarios"])
    alone = notebook(tmp_path / "01_alone.ipynb", reads=["inputs"])
    for path, scenario, parts in (
        (beside, "x", {"scenarios of the case"}),
        (alone, "x", set()),
        (alone, "y", {"view", "inputs of the case"}),
    ):
        one, two = (keys(case, path)[scenario] for case in (before, after))
        assert differing(one, two) == parts


def test_a_changed_notebook_changes_its_key(small: impact.Case, tmp_path: Path) -> None:
    path = notebook(tmp_path / "00_a.ipynb", "1")
    one = keys(small, path)["worse"]
    notebook(path, "2")
    assert differing(one, keys(small, path)["worse"]) == {"notebook"}


class Recorded(Mapping[str, pl.DataFrame]):
    """Tables that note which of them were asked for."""

    def __init__(self, tables: Mapping[str, pl.DataFrame], asked: set[str]) -> None:
        self.tables, self.asked = tables, asked

    def __getitem__(self, table: str) -> pl.DataFrame:
        self.asked.add(table)
        return self.tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


class Named(dict[str, Any]):
    """Scenarios or decisions that note when one is asked for, but for one's own."""

    def __init__(self, named: Mapping[str, Any], what: str, own: str, asked: set[str]) -> None:
        super().__init__(named)
        self.what, self.own, self.asked = what, own, asked

    def __getitem__(self, name: str) -> Any:
        self.asked |= {self.what} - ({self.what} if name == self.own else set())
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self.asked.add(self.what)
        return super().__iter__()

    def values(self) -> Any:
        return [self.get(name) for name in self]

    def items(self) -> Any:
        return [(name, self.get(name)) for name in self]


@pytest.mark.parametrize("path", plan.find_notebooks("all"), ids=lambda path: path.stem)
def test_a_notebook_declares_every_table_that_it_reads_and_no_other(
    path: Path, mercor: impact.Case
) -> None:
    """Its cells run here on a view whose tables note who asks for them."""
    asked = set[str]()
    seen = impact.view(mercor, "long-pause")
    before = replace(seen.before, tables=Recorded(seen.before.tables, asked))
    known = replace(
        seen,
        tables=Recorded(seen.tables, asked),
        scenarios=Named(seen.scenarios, "scenarios", seen.scenario, asked),
        decisions=Named(seen.decisions, "decisions", "", asked),
        files=Named(seen.files, "files", "", asked),
        before=before,
        memo={},
        loaded=None,
    )
    read, _ = plan.read_notebook(path)
    cells = [
        "".join(cell["source"])
        for cell in json.loads(read.text)["cells"]
        if cell["cell_type"] == "code" and "tags" not in cell["metadata"]
    ]
    asked.clear()
    scope = {"impact": impact, "known": known}
    scope["run"] = impact.simulate(known, 500) if "impact.simulate(" in read.text else None
    scope["scanned"] = impact.scan(known=known) if "impact.scan(" in read.text else None
    scope["display"] = lambda answer: answer.record(later=True)
    for cell in cells[1:]:
        answer = eval(cell, scope) if "for " not in cell else exec(cell, scope)
        if answer is not None:
            answer.record(later=True)
    assert asked == set(read.reads)
