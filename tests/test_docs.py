"""Documents that are generated are current, and what documents show runs."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import commands
import pytest

import impact
from impact.case.schema import TABLES
from impact.cli import main
from impact.stack import readers


def test_what_is_generated_is_current(root: Path) -> None:
    path = root / "docs" / "generate.py"
    names: dict[str, Any] = {"__name__": "generate", "__file__": str(path)}
    exec(compile(path.read_text("utf-8"), path, "exec"), names)
    written = names["written"]()
    assert len(written) == 6 + len([*root.glob("data/cases/*/datapackage.json")])
    assert len(written) > 6
    stale = [path.name for path, text in written.items() if path.read_text("utf-8") != text]
    assert stale == [], "run python docs/generate.py"


def test_no_command_option_column_or_public_name_is_without_a_word() -> None:
    """That they stand in the documents is told by what is generated."""
    said = {name: command.help for name, command in main.commands.items()}
    for name, command in main.commands.items():
        options = [one for one in command.params if isinstance(one, click.Option)]
        said |= {f"{name} {one.name}": one.help for one in options}
    said |= {name: getattr(impact, name).__doc__ for name in impact.__all__}
    assert [name for name, text in said.items() if not (text or "").strip()] == []
    columns = [column for table in TABLES for column in table.columns]
    assert [column.name for column in columns if len(column.meaning.split()) < 2] == []


def test_the_guide_to_a_case_of_ones_own_runs_word_by_word(root: Path, tmp_path: Path) -> None:
    text = (root / "docs/your-own-incident.md").read_text("utf-8")
    (tmp_path / "impact").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m impact "$@"\n')
    (tmp_path / "impact").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    home, said, looked_at = tmp_path / "home", "", 0
    home.mkdir()
    for kind, block in re.findall(r"```(sh|text)\n(.*?)```", text, re.S):
        if kind == "text":
            for line in block.splitlines():
                assert line in said, line
                looked_at += 1
            continue
        command = ["bash", "-euo", "pipefail", "-c", block]
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(root)}
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, (block, said)
    assert looked_at >= 9
    assert (home / "page/acme/baseline/00_brief.html").exists()


def test_the_page_of_the_stack_names_every_format(root: Path) -> None:
    text = (root / "docs" / "stack.md").read_text("utf-8")
    for name in ("verdicts", "formats"):
        assert f"<!-- {name} -->" in text
    for form in readers.FORMATS:
        assert form.name in text


MODULES = sorted(m.name for m in pkgutil.walk_packages(impact.__path__, "impact."))


@pytest.mark.parametrize("name", [n for n in MODULES if not n.endswith("__main__")])
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_a_name_that_is_not_public_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"it has .*load_case"):
        impact.loadcase  # noqa: B018


def blocks(path: Path) -> list[str]:
    """The lines of shell that a document shows, without their remarks."""
    every = re.findall(r"```sh\n(.*?)```", path.read_text("utf-8"), re.S)
    return [
        line.split("   #")[0].strip()
        for block in every
        for line in block.splitlines()
        if line.startswith("impact ")
    ]


def test_the_tour_of_the_readme_runs(root: Path) -> None:
    lines = blocks(root / "README.md")
    assert len(lines) == 5
    for line in lines:
        if not line.startswith("impact report"):  # made with real kernels in tests/reports
            done = commands.impact(*shlex.split(line)[1:])
            assert done.returncode == 0, (line, done.stderr)


def test_the_code_of_the_readme_runs(root: Path) -> None:
    found = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text("utf-8"), re.S)
    assert found
    for block in found:
        exec(compile(block, "README.md", "exec"), {})


def fewer_scenarios(case: Path, copy: Path, named: str) -> None:
    """A copy of a case without the scenarios that are not named: each of them is a page more."""
    shutil.copytree(case, copy)
    parts = re.split(r"(?m)^(?=\[)", (case / "scenarios.toml").read_text("utf-8"))
    heads = [re.match(r"\[scenario\.([\w-]+)\]", part) for part in parts]
    kept = [part for part, head in zip(parts, heads, strict=True) if not head or head[1] in named]
    assert len(kept) < len(parts)
    (copy / "scenarios.toml").write_text("".join(kept), "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["stack", "reports"])
def test_the_examples_of_the_other_documents_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(root / "data/samples", tmp_path / "fleet")
    shutil.copytree(root / "data/cases/mercor/advisories", tmp_path / "osv")
    (tmp_path / "osv" / "README.md").unlink()
    (tmp_path / "vendors.csv").write_text("vendor\nAcme Labels\n")
    (tmp_path / "ci.csv").write_text("when,mode\n2026-03-24T11:00Z,locked\n")
    lines = blocks(root / "docs" / f"{name}.md")
    assert lines
    fewer_scenarios(
        root / "data/cases/mercor", tmp_path / "data/cases/mercor", "long-pause" + "".join(lines)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(root))
    for line in lines:
        words = shlex.split(line)[1:]
        # kernels are started by a command of its own
        done = (commands.started if name == "reports" else commands.impact)(*words)
        alarms = words[0] == "scan"  # one that finds something ends with 1
        assert done.returncode == int(alarms), (line, done.stderr)


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    documents = [root / "README.md", *(root / "docs").glob("*.md"), root / "CONTRIBUTING.md"]
    links = [
        (document, target)
        for document in documents
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    ]
    assert links
    broken = [(one.name, to) for one, to in links if not (one.parent / to).exists()]
    assert broken == []
