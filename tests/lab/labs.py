"""A running JupyterLab, and what is done in it."""

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
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

# Chromium that finds no host but the loopback.
CHROMIUM = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Lab(NamedTuple):
    """A running server: its address, its token, and the folder that it shows."""

    url: str
    token: str
    home: Path


@contextmanager
def running(root: Path, folder: Path) -> Iterator[Lab]:
    """JupyterLab on the loopback, over copies of the notebooks and the cases in a folder."""
    home, private = folder / "lab", folder / "jupyter"
    home.mkdir()
    private.mkdir()
    for name in ("notebooks", "data"):
        shutil.copytree(root / name, home / name)
    explored = home / "notebooks" / "explore.ipynb"  # of the copy: what is kept stays there
    explored.write_text(
        explored.read_text("utf-8").replace('\\"mercor\\"', '\\"../data/cases/mercor\\"')
    )
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
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()[-3000:]}")


def run_all_cells(page: Page) -> None:
    """Run all cells of the notebook that is shown."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()
