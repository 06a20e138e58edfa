"""The command `impact` as tests call it: in this process, or as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from click.testing import CliRunner

from impact.cli import main


class Done(NamedTuple):
    """How a command ended and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def impact(*words: object) -> Done:
    """The command in this process; what would be a traceback is raised here."""
    texts = [str(word) for word in words]
    done = CliRunner(catch_exceptions=False).invoke(main, texts, prog_name="impact")
    return Done(done.exit_code, done.stdout, done.stderr)


def started(*words: object, **environment: str) -> Done:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "impact", *map(str, words)]
    env = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    return Done(done.returncode, done.stdout, done.stderr)
