"""A running JupyterLab, and what is done in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page


class Lab(NamedTuple):
    """A running server: its address, its token, and the folder that it shows."""

    url: str
    token: str
    home: Path


def run_all(page: Page, lab: Lab, notebook: str) -> None:
    """Open a notebook and run all its cells."""
    page.goto(f"{lab.url}/lab/tree/notebooks/{notebook}?token={lab.token}&reset")
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()
