"""JupyterLab as a user starts it, and Chromium with everything but the loopback cut."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from labs import Lab
from playwright.sync_api import Browser, Page, sync_playwright

QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
CUT = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@pytest.fixture(scope="session")
def lab(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on the loopback, over copies of the notebooks and the cases."""
    home = tmp_path_factory.mktemp("lab")
    for folder in ("notebooks", "data"):
        shutil.copytree(root / folder, home / folder)
    explored = home / "notebooks" / "explore.ipynb"  # of the copy: what is kept stays there
    explored.write_text(
        explored.read_text("utf-8").replace('\\"mercor\\"', '\\"../data/cases/mercor\\"')
    )
    private = tmp_path_factory.mktemp("jupyter")
    (private / "labconfig").mkdir()
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (private / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
    settings = private / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)  # all cells are drawn, those out of sight too
    whole = settings / "tracker.jupyterlab-settings"
    whole.write_text(json.dumps({"windowingMode": "none"}))
    token = secrets.token_hex(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", f"--IdentityProvider.token={token}"),
        *(f"--ServerApp.root_dir={home}", "--LabApp.extension_manager=readonly"),
    ]
    environment = {
        **os.environ,
        **{"JUPYTER_CONFIG_DIR": str(private), "JUPYTER_DATA_DIR": str(private / "data")},
        **{"JUPYTER_RUNTIME_DIR": str(private / "run"), "IPYTHONDIR": str(private / "ipython")},
        **{"PYTHONPATH": str(root), "JUPYTERLAB_SETTINGS_DIR": str(private / "settings")},
    }
    log = (private / "log").open("w")
    with subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{url}/api/status?token={token}", server, private / "log")
            yield Lab(url, token, home)
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
    log.close()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers; fails with what it said where it does not."""
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                json.load(answer)
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium that finds no host but the loopback."""
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=[*QUIET, CUT])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """A page that notes what it asks of other hosts, as `page.strangers`."""
    context = browser.new_context(viewport={"width": 1500, "height": 1300})
    page = context.new_page()
    strangers: list[str] = []
    page.on("request", lambda asked: _note(asked.url, lab.url, strangers))
    page.strangers = strangers  # type: ignore[attr-defined]
    yield page
    context.close()


def _note(url: str, own: str, strangers: list[str]) -> None:
    inside = (own, own.replace("http", "ws", 1), "data:", "blob:")
    if not url.startswith(inside):
        strangers.append(url)
