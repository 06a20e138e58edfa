"""The order of the house: a module of impact/ imports only from rows above its own."""

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROWS = (
    ("base",),
    ("charts", "numerics"),
    ("case", "stack"),
    ("simulation",),
    ("measures",),
    ("answers",),
    ("board",),
    ("reports",),
    ("cli", "__main__"),
)
ROW = {room: number for number, rooms in enumerate(ROWS) for room in rooms}
BESIDE = {("__main__", "cli")}  # the only import inside one row
PUBLIC = ""  # stands for the package itself, whose lazy names reach everywhere


def modules(package: Path) -> dict[str, Path]:
    """Each module of a package: dotted name to file; a folder's name is its __init__.py."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that a module names in an import.

    `package` is the package that holds the module, from which relative imports start. Of
    `from a import b` it gives `a.b`, because b may be a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            written = "." * node.level
            if node.level > len(package.split(".")):
                yield node.lineno, written
                continue
            base = resolve_name(f"{written}{node.module or ''}", package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", ""))
            in ("import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def why_not(room: str, other: str) -> str:
    """Why a module in `room` may not import from `other`; empty if it may."""
    if other == room or (room, other) in BESIDE:
        return ""
    if other == PUBLIC:
        return "public names are for users"
    if other not in ROW:
        return f"{other} is in no row; add it to ROWS here and to docs/architecture.md"
    if ROW[other] == ROW[room]:
        return f"{other} stands in the same row"
    return "" if ROW[other] < ROW[room] else f"{other} stands in a row below"


def faults(package: Path) -> list[str]:
    """Each import of a package that breaks the order, as `file:line: what is wrong`."""
    found = modules(package)
    rooms = {name.split(".")[1] for name in found if "." in name}
    wrong = [
        f"{package.name}/{room}: is in no row; add it to ROWS in test_layers.py"
        for room in sorted(rooms - ROW.keys())
    ]
    for name, file in found.items():
        room = name.partition(".")[2].partition(".")[0]
        if room not in ROW:
            continue  # the package's own __init__.py may name anything; a stranger is told above
        holder = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for line, target in imported(ast.parse(file.read_text("utf-8")), holder):
            first, _, rest = target.partition(".")
            if first not in (package.name, ""):
                continue  # another project's
            other = rest.partition(".")[0]
            reason = why_not(room, other if other in rooms | ROW.keys() else PUBLIC)
            if first == "":
                reason = "a relative import leads out of the package"
            if reason:
                where = file.relative_to(package.parent).as_posix()
                wrong.append(f"{where}:{line}: {room} imports {target}: {reason}")
    return wrong


def test_every_module_imports_only_from_rows_above_it(root: Path) -> None:
    assert len(modules(root / "impact")) > 1, "no module was read"
    assert faults(root / "impact") == []


def test_no_answer_imports_another_and_none_keeps_anything(root: Path) -> None:
    """Beside the carrier and the print of texts; what is counted, and may be kept, is a measure."""
    seen = 0
    for file in (root / "impact" / "answers").glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        taken = {target for _, target in imported(tree, "impact.answers")}
        others = {name for name in taken if name.startswith("impact.answers.")}
        mine = {name.split(".")[2] for name in others} - {"answer", "text"}
        kept = {name for name in taken if name.rpartition(".")[2] == "once"}
        assert not mine, (file.name, mine)
        assert not kept, (file.name, kept)
        seen += len(others)
    assert seen > 20


def test_few_results_are_kept_and_none_hides_its_arguments_from_mypy(root: Path) -> None:
    """`once` keeps the types of arguments; `cache` and `lru_cache` take anything."""
    kept, hidden = [], []
    for file in (root / "impact").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = {ast.unparse(one).partition("(")[0] for one in node.decorator_list}
                names = {name.rpartition(".")[2] for name in names}
                kept += [node.name] if "once" in names else []
                takes = bool(node.args.args) and not node.name.startswith("_")
                hidden += [node.name] if takes and names & {"cache", "lru_cache"} else []
    assert 0 < len(kept) <= 13, kept
    assert hidden == []


GOOD = {
    "impact/__init__.py": "from impact.cli import main\nfrom impact.nowhere import x",
    "impact/__main__.py": "from impact.cli import main",
    "impact/base/errors.py": "import os, polars",
    "impact/base/words.py": "from .errors import Fault",
    "impact/numerics/__init__.py": "from . import lines\nfrom .lines import now",
    "impact/numerics/lines.py": "from impact.base import errors\nimport impact.base.words",
    "impact/case/folder.py": "from ..numerics.lines import now\nfrom .schema import COLUMNS",
    "impact/case/schema.py": "import impactful",
    "impact/simulation.py": "from impact.case import folder",
    "impact/cli/__init__.py": "from impact.reports import page",
}


def tree(folder: Path, files: dict[str, str]) -> Path:
    """A package written from texts."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder / "impact"


def test_a_tree_in_order_has_no_fault(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("impact/base/words.py", "from impact.cli import main", "row below"),
        ("impact/numerics/graph.py", "from impact.charts import theme", "same row"),
        ("impact/numerics/graph.py", "from ..case import folder", "row below"),
        ("impact/numerics/__init__.py", "from ..simulation import run", "row below"),
        ("impact/case/views.py", "def f():\n    from impact import stack", "same row"),
        ("impact/case/views.py", "if TYPE_CHECKING:\n    import impact.answers", "row below"),
        ("impact/case/views.py", "import_module('impact.reports.page')", "row below"),
        ("impact/case/views.py", "importlib.import_module('impact.answers')", "row below"),
        ("impact/case/views.py", "from ... import impact", "out of the package"),
        ("impact/simulation.py", "import impact", "public names"),
        ("impact/simulation.py", "from impact import exposure", "public names"),
        ("impact/simulation.py", "from . import exposure", "public names"),
        ("impact/simulation.py", "from impact import *", "public names"),
        ("impact/cli/__init__.py", "from impact import __main__", "same row"),
        ("impact/helpers.py", "", "in no row"),
        ("impact/tools/__init__.py", "", "in no row"),
    ],
)
def test_an_import_out_of_order_is_a_fault(
    tmp_path: Path, file: str, text: str, fault: str
) -> None:
    package = tree(tmp_path, GOOD | {file: text})
    assert [fault in line for line in faults(package)] == [True]
