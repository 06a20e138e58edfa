"""docs/reference.md, written from the command and the public names.

Run as `python -m impact.reference`.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click

import impact
from impact.cli import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"
_HEAD = """# Reference

Every command with its options, and every public name of the package. This page is written from
them by `python -m impact.reference`; change it there. What the columns of a case mean is in the
[dictionary](../data/README.md).
"""


def written() -> str:
    """The page as Markdown."""
    lines = [_HEAD, "## Commands\n"]
    context = click.Context(main, info_name="impact")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        if command is not None:
            lines += _command(name, command, context)
    lines.append("Exit status: 0 done; 1 a refusal, a failure, a difference or an alarm of a scan;")
    lines.append("2 wrong use or bad input.\n")
    lines.append("## Python\n")
    for name in impact.__all__:
        lines += _public(name, getattr(impact, name))
    return "\n".join(lines)


def _command(name: str, command: click.Command, above: click.Context) -> list[str]:
    context = click.Context(command, info_name=name, parent=above)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"### `impact {name} {usage}`\n", f"{_told(command.help or '')}\n"]
    options = (one for one in command.params if isinstance(one, click.Option))
    rows = [found for one in options if (found := one.get_help_record(context))]
    if rows:
        lines += ["| option | what |", "|---|---|"]
        lines += [f"| `{_told(option)}` | {_told(what)} |" for option, what in rows]
        lines.append("")
    return lines


def _public(name: str, found: object) -> list[str]:
    signature = ""
    if inspect.isfunction(found):
        text = str(inspect.signature(found)).replace("'", "")
        signature = text if len(text) < 160 else f"{text[:157]}..."
    return [f"### `impact.{name}{signature}`\n", f"{inspect.getdoc(found) or ''}\n"]


def _told(text: str) -> str:
    """A text on one line, with the signs of a table kept."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
