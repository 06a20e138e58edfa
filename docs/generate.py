"""Writes what is generated from the code: run `python docs/generate.py` after a change of it.

`docs/reference.md` from the command and the public names, `docs/score.md` from the reference data,
`docs/live.html` from the brief of a bundled case,
tables of `docs/stack.md` from what is read, the data dictionary `data/README.md` and the
`datapackage.json` of each case from the schema.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import click

import impact
from impact.case import reference as reference_data
from impact.case.folder import load_case
from impact.case.schema import SCHEMA_VERSION, SINGLE_VALUED, TABLES, Column, Table
from impact.charts import theme
from impact.cli import main
from impact.numerics.loss_kinds import KINDS
from impact.reports import page, plan, work
from impact.reports.plan import Parameters
from impact.stack.readers import FORMATS
from impact.stack.verdicts import TABLE, TIMES

ROOT = Path(__file__).resolve().parents[1]
_HEAD = """# Reference

Every command with its options, and every public name of the package. This page is written from
them by `python docs/generate.py`; change it there. What the columns of a case mean is in the
[dictionary](../data/README.md).
"""


def reference() -> str:
    """The page of the reference as Markdown."""
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


class _Bare(str):
    """An annotation that prints itself without quotes."""

    __repr__ = str.__str__


def _public(name: str, found: object) -> list[str]:
    signature = ""
    if inspect.isfunction(found):
        asked = inspect.signature(found)
        bare = [one.replace(annotation=_Bare(one.annotation)) for one in asked.parameters.values()]
        gives = _Bare(asked.return_annotation)
        text = str(asked.replace(parameters=bare, return_annotation=gives))
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
        [
            f"`{finding}`" if finding.isidentifier() else finding,
            mode,
            *(row[time] for time in TIMES),
        ]
        for (finding, mode), row in TABLE.items()
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


def score() -> dict[Path, str]:
    """`docs/score.md` and its picture: how forecasts of past events do."""
    answer = impact.score()
    head, *body = answer.rows()
    lines = [f"# {answer.asks}", "", *(f"{line}\n" for line in answer.lead)]
    lines += [f"![{answer.alt}](score.svg)", "", f"| {' | '.join(head)} |"]
    lines += ["|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in body), ""]
    lines += [*(f"- {note}" for note in answer.notes), "", _SCORE_FOOT]
    picture = theme.plain(answer.svg() or "")
    return {ROOT / "docs" / "score.md": "\n".join(lines), ROOT / "docs" / "score.svg": picture}


def live() -> str:
    """`docs/live.html`: the brief of the Mercor case as a page that recomputes."""
    parameters = Parameters(as_of="2026-09-01")
    notebooks = plan.find_notebooks("00_brief")
    (task,), _ = plan.plan(load_case("mercor"), notebooks, ["baseline"], parameters)
    executed = work.execute(task)
    page.draw(executed)
    text = page.page(task, executed, live=True)
    if "<script" not in text:
        raise SystemExit("docs/live.html would not recompute: the board declined")
    ahead = (
        ("../../index.html", "reports.md"),
        (f"../../{page.GUIDE}.html", f"{page.GUIDE}.md"),
    )
    for there, here in ahead:  # no folder of reports lies about it
        text = text.replace(f'href="{there}"', f'href="{here}"')
    return text


_SCORE_FOOT = """Made by `impact score` from [data/reference](../data/reference/README.md).
[How a forecast and a score are worked out](method.md#forecast-and-score). This page is written by
`python docs/generate.py`.
"""
_TYPES = {"number": "number", "flag": "boolean"}  # of Table Schema; all else is a string
_DATA_HEAD = """# Data

A case is a folder of small cited tables, `data/cases/NAME/`. This page is written from
`impact/case/schema.csv` by `python docs/generate.py`; change it there.

- `case.toml` holds `id`, `title`, `question`, `currency` (a code of ISO 4217: all amounts are in it
  and none is converted), `tlp` and `schema_version`. `role` says of whom the case is: `client` of
  the vendor (unless it says), `user` of the package, `vendor` or `contractor`. Where the title
  tells what was not known from the start, there is `title_known_on`: a view of an earlier day has
  the name of the root event as its title. `author`, `contact` and `next_update` (a date) say who
  answers for the case, how to reach them, and when it is looked at again; a page says in brackets
  that one is missing. `[vendors]` maps the headings of a vendor inventory for
  `impact new`; `stack` names a folder of `data/` that counts as the locks of the case.
- `defaults` in `case.toml` names inputs that stand in until something better is written, `*` for
  any signs. A link of which every chance is one of them gives way where other links lead, by
  whatever steps, from its source (or from what has that as its `party`) to its target; of several
  such links between the same ends the newest stands. One that gave way is a relation along which
  nothing travels. So what you write about a vendor is never counted beside what `impact new`
  assumed of it.
- `advisories/`, `locks/` and `sboms/` hold untouched originals of others; `locks/SYSTEM/...` is
  that of a system. They are of the level of the case, advisories of any. An advisory that the
  project put together itself has an id that starts with `KIT-` and says from what.
- `scenarios.toml` holds named changes of inputs (`[scenario.NAME]`) and decisions
  (`[decision.NAME]`, each with two or more `[decision.NAME.option.NAME]`). `set` gives an input
  one number or `[low, mode, high]`; `"link.ID" = 0` cuts a link. A decision flips on a number
  that is a factor of losses, or on a chance; a decision with a fault is left out and named.
- Every table is a UTF-8 CSV with commas, one row a line; semicolons or tabs with decimal
  commas, as a spreadsheet of another language saves them, are read too. What could be a thousand
  (`20.000`, `1,250`) is read only where another number of the file shows its decimal sign. Text
  stays text, but for an apostrophe before what a spreadsheet would take for a formula; empty is
  unknown, never 0. No number is beyond 1e15. A column that starts with `x_` is yours and is kept;
  any other unknown column is an error.
- Several values in a cell are separated by `;`. A time is `2026`, `2026-04`, `2026-04-03` or
  `2026-04-03T12:00Z` (UTC); a year, a month or a day counts to its end.
- `(id, known_on, tlp)` names a row. Of one `id` the newest row known by the day stands. A row
  refers only to rows known no later than itself.

`impact check NAME` lists every fault with its line and how to repair it.
"""


def dictionary() -> str:
    """`data/README.md`: every table and column with type, unit, allowed values and meaning."""
    parts = [_DATA_HEAD]
    for table in (*TABLES, *reference_data.TABLES):
        if table is reference_data.TABLES[0]:
            parts.append("# Reference data\n\nTables of `data/reference/`, of all cases.\n")
        parts.append(f"## {table.name}.csv\n\n{table.row}\n")
        rows = [
            f"| `{column.name}` | {_type(column)} | {_meaning(column)} |"
            for column in table.columns
        ]
        parts.append("\n".join(["| column | type | meaning |", "|---|---|---|", *rows]) + "\n")
    kinds = [f"- `{name}`: {_first_line(kind.amount.__doc__)}" for name, kind in KINDS.items()]
    parts.append("## Kinds of loss\n\n" + "\n".join(kinds) + "\n")
    single = ", ".join(f"`{name}`" for name in SINGLE_VALUED)
    parts.append(
        "## Predicates that take one value\n\nTwo values for one subject and qualifier are a"
        f" conflict: {single}.\n"
    )
    return "\n".join(parts)


def _type(column: Column) -> str:
    said = f"{column.type} of {column.refers_to}" if column.refers_to else column.type
    said = said.replace("|", "or")
    return f"{said}, required" if column.required else said


def _meaning(column: Column) -> str:
    said = column.meaning
    if column.unit:
        said += f" Unit: {column.unit}."
    if column.allowed:
        said += f" One of {', '.join(f'`{value}`' for value in column.allowed)}."
    return said


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]


def datapackage(name: str) -> dict[str, Any]:
    """The Frictionless Data Package (v1) of a bundled case: its tables and what is in them."""
    case = load_case(name)
    return {
        "profile": "tabular-data-package",
        "name": case.id,
        "title": case.title,
        "description": case.question,
        "version": str(SCHEMA_VERSION),
        "resources": [_resource(table) for table in TABLES],
    }


def _resource(table: Table) -> dict[str, Any]:
    fields = [_field(column) for column in table.columns]
    keys = [
        {"fields": column.name, "reference": {"resource": column.refers_to, "fields": "id"}}
        for column in table.columns
        if column.type == "ref"
    ]
    schema = {"fields": fields, "primaryKey": ["id", "known_on", "tlp"], "missingValues": [""]}
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": f"{table.name}.csv",
        "title": table.row,
        "encoding": "utf-8",
        "schema": {**schema, "foreignKeys": keys} if keys else schema,
    }


def _field(column: Column) -> dict[str, Any]:
    limits: dict[str, Any] = {"required": True} if column.required else {}
    if column.allowed:
        limits["enum"] = list(column.allowed)
    kind = _TYPES.get(column.type, "string")
    said = {"name": column.name, "type": kind, "description": _meaning(column)}
    return {**said, "constraints": limits} if limits else said


def written() -> dict[Path, str]:
    """Every generated file: its path and its text."""
    page = ROOT / "docs" / "stack.md"
    files = {
        ROOT / "docs" / "reference.md": reference(),
        page: stack(page.read_text("utf-8")),
        ROOT / "data" / "README.md": dictionary(),
    }
    files |= score() | {ROOT / "docs" / "live.html": live()}
    for home in sorted(path.parent for path in ROOT.glob("data/cases/*/datapackage.json")):
        text = json.dumps(datapackage(home.name), indent=1, ensure_ascii=False)
        files[home / "datapackage.json"] = text + "\n"
    return files


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
