"""Mutation testing, sampled: small faults are put into the engine and the answers, one at a time.

Prints how many of them a test fails on, and the others. `make mutants` runs it in an environment of
its own with cosmic-ray, which only makes the faults: mutmut does not touch functions with a
decorator, which most answers are, and forks where polars has threads. A place in the code is drawn
at random by a seed, then one fault of that place. Faults in annotations and the removal of a
decorator (a memo) change nothing and are left out. Tests run in copies of the repository, two at a
time, those of the module first, until one fails or the minutes are over.
"""

from __future__ import annotations

import ast
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[1]
PRINTED = "tests/answers/test_printed.py"
KNOWN = [PRINTED, *(f"tests/answers/test_known_answers_of_{of}.py" for of in ("runs", "evidence"))]
SCAN = ["tests/answers/test_known_answers_of_a_scan.py", "tests/answers/test_scan.py"]
NUMERICS = ["tests/numerics", "tests/test_simulation.py", *KNOWN[:2]]
AREAS = {  # a folder or module -> the tests that are to find a fault in it
    "impact/numerics": NUMERICS,
    "impact/simulation.py": NUMERICS[1:],
    "impact/answers": [*KNOWN, *SCAN, "tests/answers"],
    "impact/measures": [*KNOWN, *SCAN, "tests/answers"],
    "impact/stack/verdicts.py": ["tests/stack/test_verdicts.py", *SCAN, "tests/stack"],
    "impact/stack/findings.py": ["tests/stack/test_findings.py", *SCAN, "tests/stack"],
}
SLOW = ("every_answer", "as_of")  # what holds of all answers, and of no value
PYTEST = (
    *("-m", "pytest", "-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"),
    *(f"--ignore=tests/answers/test_{name}.py" for name in SLOW),
)
LONGEST = 300  # seconds of the processor for a run of tests: more, and its fault has stopped it
IN_TIME = ("/bin/sh", "-c", f'ulimit -t {LONGEST}; exec "$@"', "sh")


class _Bare(ast.NodeTransformer):
    """Takes the annotations away: strings that nothing here evaluates."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def matters(code: str, made: str | None) -> bool:
    """Whether a fault is one: it was made, it can be read, it is not in an annotation alone."""
    try:
        one, other = (ast.dump(_Bare().visit(ast.parse(text))) for text in (code, made or code))
    except SyntaxError:  # the stars of an unpacking are no operator
        return False
    return one != other


def faults(seed: int) -> Iterator[tuple[str, int, str, str]]:
    """(module, line, operator, mutated code), one for each place, in random order."""
    modules = [p for area in AREAS for p in sorted([ROOT / area, *(ROOT / area).rglob("*.py")])]
    modules = [path for path in modules if path.suffix == ".py" and path.name != "__init__.py"]
    names = [name for name in operator_names() if "Decorator" not in name and "Vari" not in name]
    places: dict[tuple[Path, tuple[int, int]], list[tuple[str, int]]] = {}
    for path in modules:
        nodes = list(ast_nodes(get_ast(path.read_text("utf-8"))))
        for name in names:
            of = get_operator(name)()
            starts = (start for node in nodes for start, _ in of.mutation_positions(node))
            for occurrence, start in enumerate(starts):
                places.setdefault((path, start), []).append((name, occurrence))
    drawn, order = random.Random(seed), sorted(places)
    drawn.shuffle(order)
    for path, start in order:
        name, occurrence = drawn.choice(places[path, start])
        code = path.read_text("utf-8")
        made = mutate_code(code, get_operator(name)(), occurrence)
        if matters(code, made):
            yield path.relative_to(ROOT).as_posix(), start[0], name.removeprefix("core/"), made


def killed(python: str, home: Path, module: str, code: str) -> bool:
    """Whether a test fails where the module of a copy holds this code."""
    path, name = home / module, Path(module).stem
    tests = next(tests for area, tests in AREAS.items() if module.startswith(area))
    own = sorted(str(p.relative_to(home)) for p in (home / "tests").rglob(f"test_{name}.py"))
    command = [*IN_TIME, python, *PYTEST, *dict.fromkeys([*own, *tests])]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    before = path.read_bytes()
    path.write_text(code, "utf-8")
    with subprocess.Popen(
        command,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(home)},
        start_new_session=True,
        **quiet,
    ) as running:
        try:
            return running.wait(10 * LONGEST) != 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            path.write_bytes(before)


def copied(home: Path) -> Path:
    """A copy of what git holds, beside the material of the tests that lies outside."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (home / "kit" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, home / "kit" / name)
    if (ROOT.parent / "shared").is_dir():
        (home / "shared").symlink_to(ROOT.parent / "shared")
    return home / "kit"


def main(python: str, minutes: float = 30, seed: int = 1) -> None:
    """Print each fault and whether it was killed, then how many were."""
    ends, lock, drawn = time.monotonic() + 60 * minutes, threading.Lock(), faults(seed)
    found: list[tuple[str, int, str, bool]] = []
    homes: SimpleQueue[Path] = SimpleQueue()

    def unsound(area: str) -> bool:
        home = homes.get()
        module = next((ROOT / area).rglob("*.py"), ROOT / area).relative_to(ROOT).as_posix()
        try:
            return killed(python, home, module, (home / module).read_text("utf-8"))
        finally:
            homes.put(home)

    def work(home: Path) -> None:
        while time.monotonic() < ends:
            with lock:
                *told, code = next(drawn)
            found.append((*told, killed(python, home, told[0], code)))
            print("{}:{} {}".format(*told), "killed" if found[-1][3] else "SURVIVED", flush=True)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        for name in ("one", "two"):
            homes.put(copied(Path(folder) / name))
        if wrong := [
            area for area, fails in zip(AREAS, pool.map(unsound, AREAS), strict=True) if fails
        ]:
            sys.exit(f"tests fail, or take too long, without a fault: {', '.join(wrong)}")
        list(pool.map(work, [homes.get(), homes.get()]))
    for area in AREAS:
        of = [dead for module, _, _, dead in found if module.startswith(area)]
        print(f"{area}: {sum(of)} of {len(of)}")
    dead = sum(one[3] for one in found)
    print(f"{dead} of {len(found)} faults killed, {dead / max(1, len(found)):.0%}, seed {seed}")


if __name__ == "__main__":
    absolute = str(Path(sys.argv[1]).absolute())  # with its links: they lead out of the environment
    main(absolute, *map(float, sys.argv[2:3]), *map(int, sys.argv[3:4]))
