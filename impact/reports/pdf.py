"""A page as PDF, printed by Chromium without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from impact.base.errors import bad

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 120
_OFFLINE = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-extensions",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--window-size=1200,900",  # as wide as its wide pictures, which paper shows
    "--proxy-server=127.0.0.1:9",  # nothing listens at the discard port
)
_EPOCH = b"19700101000000+00'00'"
_TIMES = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)([^)]*)(?=\))")
_NODES = re.compile(rb"\(node\d{8}(?=\))")  # heads of tables, as Chromium counted them this time


def browser() -> str:
    """The path of Chromium; raises BadInput with the way to install it where there is none."""
    for path in filter(None, map(shutil.which, BROWSERS)):
        return path
    repair = "install it (Debian: apt-get install chromium), or leave pdf out of --format"
    raise bad("--format pdf", f"none of {', '.join(BROWSERS)} is on the PATH", repair)


def printed(html: str) -> bytes:
    """The PDF of a page; the same page gives the same bytes, without the time of printing."""
    with tempfile.TemporaryDirectory(prefix="impact-") as scratch:
        home = Path(scratch)
        page, pdf = home / "page.html", home / "page.pdf"
        page.write_text(html, encoding="utf-8")
        command = [browser(), *_OFFLINE, f"--user-data-dir={home / 'profile'}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # which Chromium's sandbox asks of root
        command += [f"--print-to-pdf={pdf}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise bad("pdf", f"not printed in {SECONDS} seconds", "run again") from None
        if not pdf.exists():
            said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
            last = said.splitlines()[-1][:200]
            raise bad("pdf", f"was not printed ({last})", "try the page in a browser")
        return settled(pdf.read_bytes())


def settled(pdf: bytes) -> bytes:
    """A PDF without what differs from one printing of a page to the next, of equal length."""
    heads = dict[bytes, bytes]()
    numbered = _NODES.sub(lambda of: heads.setdefault(of[0], b"(node%08d" % len(heads)), pdf)
    return _TIMES.sub(_still, numbered)


def _still(found: re.Match[bytes]) -> bytes:
    """A time of printing as one that never changes, of equal length: offsets in the file stand."""
    return found[1] + _EPOCH.ljust(len(found[2]))[: len(found[2])]
