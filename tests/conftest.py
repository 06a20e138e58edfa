"""What all tests share: where things are, no way out to the network, no silent skip in CI.

pytest-socket (see pyproject.toml) refuses connections of the tests themselves. The programs that
they start are held back by a proxy that is not there.
"""

import itertools
import os
import shutil
import tomllib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tiny import Tiny

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens, so a connection fails at once
DEAD_PROXY = {
    name: value
    for lower, value in {
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "ftp_proxy": NOWHERE,
        "all_proxy": NOWHERE,
        "no_proxy": "127.0.0.1,localhost",
    }.items()
    for name in (lower, lower.upper())
}
# Properties are tried on the same examples in every run, however slow the machine is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
os.environ["IMPACT_NOW"] = "2026-09-01"  # the present of the tests, and of all that they start
os.environ["COLUMNS"] = "100"  # of the terminal, whoever runs the tests
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def acceptance(root: Path) -> Path:
    """The acceptance material, which lies in a folder beside the checkout."""
    folder = root.parent / "shared" / "acceptance"
    if not folder.is_dir():
        pytest.skip("there is no ../shared/acceptance beside the checkout; put it there")
    return folder


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """A copy of the folder of the bundled case that may be changed."""
    return Path(shutil.copytree(root / "data" / "cases" / "mercor", tmp_path / "mercor"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip(
        f"none of {', '.join(CHROMIUM_NAMES)} is on the PATH;"
        " install one (Debian: apt-get install chromium)"
    )


@pytest.fixture(scope="module")
def browser(chromium: str) -> "Iterator[Browser]":
    """Chromium that fetches nothing of its own; it ends with the module."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def expected(root: Path) -> Callable[[str], dict[str, Any]]:
    """What is expected of the known answer of a name; its source stands beside it in the file."""
    content = tomllib.loads((root / "tests" / "assets" / "known_answers.toml").read_text("utf-8"))
    answers = {answer["name"]: answer for answer in content["answer"]}
    assert all(answer.get("source") or answer.get("input") for answer in answers.values())
    return lambda name: answers[name]["expected"]


@pytest.fixture
def tiny_case(tmp_path: Path) -> "Tiny":
    """`tiny_case(links, inputs, losses)`: a case of these rows, and of the entities in them."""
    from tiny import loaded  # this file also stands alone, see test_environment.py

    numbers = itertools.count()
    return lambda *rows: loaded(tmp_path / f"case{next(numbers)}", *rows)


@pytest.fixture(scope="session", autouse=True)
def environment_outside() -> Iterator[dict[str, str]]:
    """The environment as it was; while tests run, proxies in it lead nowhere."""
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in DEAD_PROXY.items():
            patch.setenv(name, value)
        yield before


LONGEST = (
    *("test_batch", "test_explore", "test_browser", "test_page", "test_docs", "test_environment"),
    *("test_canary", "test_every_answer", "test_kills", "test_verify", "test_cli", "test_engine"),
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that of two workers neither is left alone at the end."""
    items.sort(key=lambda item: (*LONGEST, item.path.stem).index(item.path.stem))


def _fail_a_skip_in_ci(report: pytest.CollectReport | pytest.TestReport) -> None:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped, a failure where CI is set. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails where the variable CI is set."""
    report = yield
    _fail_a_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself fails where the variable CI is set."""
    report = yield
    _fail_a_skip_in_ci(report)
    return report
