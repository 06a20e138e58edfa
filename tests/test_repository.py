"""What lies in git: clean notebooks, no addresses of registries or machines, nothing too large."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

DOT = "[.]"  # the pattern is put together here, so that it does not find itself
REGISTRY_HOST = re.compile(
    f"py{'pi'}{DOT}org|python{'hosted'}{DOT}org|npm{'js'}{DOT}(org|com)"
    f"|deb{'ian'}{DOT}org|yarn{'pkg'}{DOT}com",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root)/")
LARGEST_BYTES = 2 * 1024 * 1024
LONGEST_MODULE_LINES = 500


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    """The files in git that are in the working tree too."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout.split("\0")
    files = [root / name for name in listed if name and (root / name).is_file()]
    assert files, "git lists no file"
    return files


def lines_with(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    """`file:line` of each line of the text files in which a pattern is found."""
    found = []
    for file in files:
        content = file.read_bytes()
        if b"\0" in content:
            continue  # not text
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{file}:{number}")
    return found


def has_outputs(notebook: Path) -> bool:
    """Whether a notebook holds outputs or execution counts."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_notebooks_in_git_have_no_outputs_and_no_counts(tracked: list[Path]) -> None:
    assert [file for file in tracked if file.suffix == ".ipynb" and has_outputs(file)] == []


def test_no_file_names_the_host_of_a_package_registry(tracked: list[Path]) -> None:
    assert lines_with(REGISTRY_HOST, tracked) == []


def test_no_file_names_a_path_of_one_machine(tracked: list[Path]) -> None:
    assert lines_with(MACHINE_PATH, tracked) == []


def test_no_file_in_git_is_over_two_megabytes(tracked: list[Path]) -> None:
    assert [file for file in tracked if file.stat().st_size > LARGEST_BYTES] == []


def test_no_module_is_over_five_hundred_lines(root: Path) -> None:
    lines = {
        file: len(file.read_text("utf-8").splitlines()) for file in (root / "impact").rglob("*.py")
    }
    assert lines, "no module was read"
    assert {file: count for file, count in lines.items() if count > LONGEST_MODULE_LINES} == {}


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (REGISTRY_HOST, "https://py" + "pi.org/simple", True),
        (REGISTRY_HOST, "files.python" + "hosted.org", True),
        (REGISTRY_HOST, "registry.npm" + "js.org", True),
        (REGISTRY_HOST, "Deb" + "ian.org", True),
        (REGISTRY_HOST, "https://pypi.registry.example/simple", False),
        (MACHINE_PATH, "folder = '/" + "work/main'", True),
        (MACHINE_PATH, "/" + "root/.cache", True),
        (MACHINE_PATH, "https://site.example/" + "work/main", False),
        (MACHINE_PATH, "./work/main", False),
    ],
)
def test_the_patterns_find_what_they_are_for(
    tmp_path: Path, pattern: re.Pattern[str], text: str, is_found: bool
) -> None:
    file = tmp_path / "file.txt"
    file.write_text(f"first line\n{text}\n", "utf-8")
    assert lines_with(pattern, [file]) == ([f"{file}:2"] if is_found else [])


@pytest.mark.parametrize(
    ("cell", "is_unclean"),
    [
        ({"outputs": [], "execution_count": None}, False),
        ({"source": "text alone"}, False),
        ({"outputs": [{}], "execution_count": None}, True),
        ({"outputs": [], "execution_count": 1}, True),
    ],
)
def test_outputs_and_counts_of_a_notebook_are_seen(
    tmp_path: Path, cell: dict[str, object], is_unclean: bool
) -> None:
    notebook = tmp_path / "notebook.ipynb"
    notebook.write_text(json.dumps({"cells": [cell]}), "utf-8")
    assert has_outputs(notebook) is is_unclean


def test_no_browser_of_the_tests_outlives_its_module(root: Path) -> None:
    """Playwright leaves an event loop running in the thread, in which no second one can start."""
    found = [
        (path.name, node.name, " ".join(map(ast.unparse, node.decorator_list)))
        for path in sorted((root / "tests").rglob("*.py"))
        if "sync_playwright" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and "sync_playwright()" in ast.unparse(node)
        if any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
    assert [name for name, *_ in found] == ["conftest.py", "conftest.py"]
    assert [one for one in found if "session" in one[2]] == []


def test_the_benchmark_finds_what_it_takes_from_the_tests(root: Path) -> None:
    env = os.environ | {"PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'bench'}"}
    used = set(re.findall(r"tiny\.(\w+)", (root / "bench" / "bench.py").read_text("utf-8")))
    code = f"import bench; print(all(hasattr(bench.tiny, name) for name in {used}))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (len(used) > 2, done.stdout) == (True, "True\n"), done.stderr
