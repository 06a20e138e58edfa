"""docs/reference.md, written from the command and the public names, and tables of docs/stack.md.

Run as `python -m impact.reference`.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click

import impact
from impact.cli import main
from impact.stack.readers import FORMATS
from impact.stack.verdicts import TABLE, TIMES

STACK = Path(__file__).resolve().parents[1] / "docs" / "stack.md"
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


def stack(text: str) -> str:
    """The page of the stack with its tables as the code has them now."""
    for name, rows in (("verdicts", _verdicts()), ("formats", _formats())):
        lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        text = re.sub(f"{start}.*?{end}", lambda _, t=f"{start}{lines}{end}": t, text, flags=re.S)  # type: ignore[misc]
    return text


def _verdicts() -> list[list[str]]:
    head = ["what the file says", "how it was installed", *TIMES]
    rows = [
        [f"`{finding}`" if finding.isidentifier() else finding, mode, *TABLE[finding, mode]]
        for finding, mode in TABLE
    ]
    return [head, ["---"] * len(head), *rows]


def _formats() -> list[list[str]]:
    """What is read, what is searched for names, and what is named and not evaluated."""
    kinds: dict[str, list[str]] = {"read": [], "searched for names": [], "not evaluated": []}
    for form in FORMATS:
        what = "searched for names" if form.read.startswith("search") else "read"
        kinds[what if form.read else "not evaluated"].append(form.name)
    return [
        ["what becomes of it", "formats"],
        ["---"] * 2,
        *([k, ", ".join(v)] for k, v in kinds.items()),
    ]


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
    STACK.write_text(stack(STACK.read_text("utf-8")), encoding="utf-8")
