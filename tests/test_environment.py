"""The ways to install the kit agree with each other, and the tests run as they promise."""

import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pytest_socket import SocketConnectBlockedError

from impact.reports.origin import kit_digest

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-build.lock",
    "bench/peers.lock",
    "bench/mutants.lock",
)
PLACES = [
    {"python_version": version, "python_full_version": f"{version}.5", "sys_platform": platform}
    for version in ("3.11", "3.12", "3.13", "3.14")
    for platform in ("linux", "darwin", "win32")
]
PINS = "requirements.pins"
PIP_SECTION = ["-r requirements.pins", "-e ."]  # what environment.yml gives to pip
ADDRESS = re.compile(r"://|^\s*(-i|-f|--(extra-)?index-url|--find-links)\b| @ ", re.MULTILINE)


class Pin(NamedTuple):
    """One line of a lock: the requirement, its name as all write it, and its hashes."""

    requirement: Requirement
    name: str
    hashes: frozenset[str]


def read_pins(text: str) -> list[Pin]:
    """The pins of a lock, or of a list of pins without hashes."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    pins = []
    for line in lines:
        if line and not line.startswith("#"):
            wanted = Requirement(line.split(" --hash=")[0])
            hashes = re.findall(r"--hash=(sha256:[0-9a-f]{64})(?!\S)", line)
            pins.append(Pin(wanted, canonicalize_name(wanted.name), frozenset(hashes)))
    return pins


def unmet(dependencies: Sequence[str], pins: Sequence[Pin]) -> list[str]:
    """Each dependency that a place does not find pinned once, with a version that it allows."""
    wrong = []
    for dependency in map(Requirement, dependencies):
        name = canonicalize_name(dependency.name)
        mine = [pin.requirement for pin in pins if pin.name == name]
        for place in PLACES:
            found = [one for one in mine if one.marker is None or one.marker.evaluate(place)]
            versions = [next(iter(one.specifier)).version for one in found]
            if len(versions) != 1 or versions[0] not in dependency.specifier:
                wrong.append(f"{dependency} on {place}: {versions}")
    return wrong


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """pyproject.toml, read."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def locks(root: Path) -> dict[str, list[Pin]]:
    """The pins of each lock, and those without hashes."""
    return {name: read_pins((root / name).read_text("utf-8")) for name in (*LOCKS, PINS)}


def test_conda_gives_python_and_pip_alone_and_pip_the_pins_and_the_project(
    root: Path, project: dict[str, Any]
) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    assert environment["channels"] == ["conda-forge"]
    python = f"python{project['project']['requires-python']}"
    assert environment["dependencies"] == [python, "pip", {"pip": PIP_SECTION}]


def test_the_pins_are_the_lock_without_hashes(locks: dict[str, list[Pin]]) -> None:
    pinned = [str(pin.requirement) for pin in locks[PINS]]
    assert pinned == [str(pin.requirement) for pin in locks["requirements.lock"]]


def test_the_locks_satisfy_what_the_project_and_its_build_ask_for(
    project: dict[str, Any], locks: dict[str, list[Pin]]
) -> None:
    run_time = project["project"]["dependencies"]
    dev = project["project"]["optional-dependencies"]["dev"]
    build = project["build-system"]["requires"]
    assert unmet(run_time, locks["requirements.lock"]) == []
    assert unmet([*run_time, *dev], locks["requirements-dev.lock"]) == []
    assert unmet([*build, "pip"], locks["requirements-build.lock"]) == []


def test_the_dev_lock_holds_every_pin_of_the_lock(locks: dict[str, list[Pin]]) -> None:
    """By name, version and hashes; a name that is there with another version is no such pin."""
    dev, run_time = (
        {(pin.name, str(pin.requirement.specifier), pin.hashes) for pin in locks[name]}
        for name in ("requirements-dev.lock", "requirements.lock")
    )
    names = {name for name, _, _ in run_time}
    assert {pin for pin in dev if pin[0] in names} == run_time


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_has_a_hash(locks: dict[str, list[Pin]], name: str) -> None:
    loose = [
        str(pin.requirement)
        for pin in locks[name]
        if not pin.hashes or not re.fullmatch(r"==[^*,]+", str(pin.requirement.specifier))
    ]
    assert locks[name], "no pin was read"
    assert loose == []


@pytest.mark.parametrize("name", [*LOCKS, PINS])
def test_no_lock_holds_an_address(root: Path, name: str) -> None:
    assert ADDRESS.findall((root / name).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line", ["--index-url x", "-i x", "--find-links x", "a @ x", "a==1 # https://x.example"]
)
def test_an_address_in_a_lock_is_seen(line: str) -> None:
    assert ADDRESS.search(f"b==1\n{line}\n")


LINUX = "sys_platform == 'linux'"


@pytest.mark.parametrize(
    "lock", ["", "a==1", f"a==2 ; {LINUX}", f"a==2\na==3 ; {LINUX}", "a==2.0rc1"]
)
def test_an_unmet_dependency_is_seen(lock: str) -> None:
    assert unmet(["a>=2"], read_pins("a==2\n")) == []
    assert unmet(["a>=2"], read_pins(lock)) != []


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A copy of what git has or would take, so that an installation writes nothing here."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    copy = tmp_path / "checkout"
    for name in listed:
        if name and (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)
    return copy


def run(*command: str | Path, folder: Path, environment: dict[str, str]) -> str:
    """Runs a program to its end and returns what it said, which is also in a failure."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


class Place(NamedTuple):
    """An environment of its own, of which nothing of the one that runs the tests is part."""

    bin: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: str | Path, folder: Path) -> str:
        return run(self.bin / program, *arguments, folder=folder, environment=self.environment)

    def install(self, *what: str | Path, folder: Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", self.bin / "python")
        run(*pip, "install", "--no-compile", *what, folder=folder, environment=self.environment)


@pytest.fixture(scope="module")
def place(environment_outside: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment, empty at first. Each test installs all that it needs."""
    inside = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "JUPYTER_PATH")
    outside = {key: value for key, value in environment_outside.items() if key not in inside}
    venv = tmp_path_factory.mktemp("place") / "venv"
    without = (sys.executable, "-m", "venv", "--without-pip", venv)
    run(*without, folder=venv.parent, environment=outside)
    return Place(venv / "bin", outside | {"JUPYTER_PATH": str(venv / "share" / "jupyter")})


@pytest.mark.slow
def test_the_brief_runs_in_an_environment_of_the_pip_section_alone(
    checkout: Path, tmp_path: Path, place: Place
) -> None:
    wanted = checkout / "conda.requirements.txt"  # conda writes such a file and runs pip on it
    wanted.write_text("\n".join(PIP_SECTION) + "\n", "utf-8")
    place.install("-U", "-r", wanted, folder=checkout)
    executed = tmp_path / "executed.ipynb"
    notebook = ("-m", "papermill", "notebooks/00_brief.ipynb", executed)
    place.run("python", *notebook, "-p", "draws", "1000", "-k", "python3", folder=checkout)
    cells = json.loads(executed.read_text("utf-8"))["cells"]
    assert any(cell.get("outputs") for cell in cells)


SHIPPED = (
    *("data/cases/_template", "data/cases/drift", "data/cases/mercor"),
    *("data/samples", "data/reference"),
)
EXPLORED = """
import impact
from impact.reports.origin import kit_digest
print(impact.__file__, type(impact.explore("mercor")).__name__, kit_digest())
"""


@pytest.mark.slow
def test_a_wheel_brings_cases_notebooks_and_templates_to_any_folder(
    checkout: Path, tmp_path: Path, place: Place
) -> None:
    """With the pins, as from a clone; a case of one's own in the checkout is not packed."""
    shutil.copytree(checkout / SHIPPED[0], checkout / "data/cases/mine")
    (wheels := tmp_path / "wheels").mkdir()
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    run(*pip, "-w", wheels, ".", folder=checkout, environment=place.environment)
    (wheel,) = wheels.iterdir()
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("impact/")}
    wanted = {
        f"impact/shipped/{path.relative_to(checkout).as_posix()}"
        for folder in (*SHIPPED, "notebooks")
        for path in files_of(checkout / folder)
    } | {"impact/shipped/docs/reading-a-report.md"}
    assert {name for name in held if name.startswith("impact/shipped/")} == wanted
    package = {path.relative_to(checkout).as_posix() for path in files_of(checkout / "impact")}
    assert held - wanted == package

    place.install("-r", checkout / "requirements.pins", folder=checkout)
    place.install("--force-reinstall", "--no-deps", wheel, folder=checkout)
    (elsewhere := tmp_path / "elsewhere").mkdir()

    def impact(*arguments: str) -> str:
        return place.run("impact", *arguments, folder=elsewhere)

    assert [line.split(":")[0] for line in impact("cases").splitlines()] == ["drift", "mercor"]
    assert "impact check acme" in impact("new", "acme", "--day", "2026-08-01")
    assert "no faults" in impact("check", "acme")
    assert "acme: " in impact("cases")
    for case in ("mercor", "acme"):
        said = impact("report", case, "--draws", "1000", "--out", case)
        assert "1 made, 0 unchanged, 0 failed" in said
    (page,) = elsewhere.glob("mercor/mercor/*/00_brief.html")
    assert "Reading guide" in page.read_text("utf-8")
    assert "00_brief: same" in impact("verify", str(page))
    file, panel, digest = place.run("python", "-c", EXPLORED, folder=elsewhere).split()[-3:]
    assert Path(file).is_relative_to(place.bin.parent)
    assert panel == "VBox"
    assert digest == kit_digest(), "a wheel is the same kit as its checkout"


def files_of(folder: Path) -> list[Path]:
    """The files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as plain, pytest.raises(SocketConnectBlockedError):
        plain.connect(("192.0.2.1", 80))  # an address kept for documentation (RFC 5737)
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("2001:db8::1", 80), timeout=1)


def test_a_connection_on_this_machine_is_allowed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def test_a_program_started_by_a_test_meets_a_dead_proxy() -> None:
    code = "import urllib.request as r; r.urlopen('http://192.0.2.1/', timeout=5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


SKIPPING = {
    "test_by_itself.py": "import pytest\ndef test_a(): pytest.skip('no corpus')",
    "test_by_a_mark.py": "import pytest\n@pytest.mark.skip(reason='no lab')\ndef test_a(): ...",
    "test_as_a_whole.py": "import pytest\npytest.skip('no screen', allow_module_level=True)",
    "test_expected.py": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False",
}


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", "3 skipped, 1 xfailed"), ("true", "1 failed, 1 xfailed, 2 errors")]
)
def test_a_skip_fails_where_ci_is_set_and_says_which_and_why(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: str
) -> None:
    monkeypatch.setenv("CI", ci)
    shutil.copy(root / "tests" / "conftest.py", tmp_path)
    for name, text in SKIPPING.items():
        (tmp_path / name).write_text(text, "utf-8")
    options = ("-ra", "--continue-on-collection-errors", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert outcome in done.stdout
    assert done.returncode == (1 if ci else 0)
    told = [line for line in done.stdout.splitlines() if "failure where CI is set" in line]
    for name, reason in [("itself", "no corpus"), ("a_mark", "no lab"), ("whole", "no screen")]:
        assert any(name in line and reason in line for line in told) is bool(ci)
