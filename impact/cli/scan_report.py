"""A scan in a terminal: a table for a pull request, lines of JSON, what to hunt for, its status."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from impact.answers import scan, text
from impact.answers.answer import Answer
from impact.answers.evidence import indicators
from impact.base import words
from impact.base.errors import bad
from impact.case.folder import Case, load_case
from impact.case.views import view
from impact.measures.evidence import names
from impact.reports.files import write
from impact.stack import scan as scanning
from impact.stack import vex as openvex
from impact.stack.findings import ALARMING, NOT_EVALUATED
from impact.stack.inventory import tail
from impact.stack.verdicts import EXPOSED, NOT_LOOKED_FOR

KEYS = (  # of a line of JSON, beside `ecosystem`, `system` and `history`
    *("file", "format", "package", "version", "advisory", "finding", "verdict"),
    *("path", "reason", "settle"),
)


def command(
    paths: Sequence[Path],
    case: str,
    advisories: Path | None,
    as_of: str,
    history: bool,
    installs: Path | None,
    constraint: str,
    hunt: bool,
    as_json: bool,
    vex: Path | None,
) -> tuple[list[str], int]:
    """(what is printed, exit status) of `impact scan`; `vex` is a file that OpenVEX goes to."""
    if not paths and not constraint:
        raise bad("PATH", "nothing to scan", "name a lock, an SBOM or a folder, or --constraint")
    if hunt and not case:
        raise bad("--hunt", "no indicators", "name a case with --case")
    known = view(load_case(case), as_of=as_of) if case else None
    question = scan.asked(known, advisories, installs, as_of, history)
    frames = [scanning.constraint(constraint, question.packages)] if constraint else []
    folders: list[str] = []
    if paths:
        workers = (os.cpu_count() or 1) if history else 1
        rows, folders = scan.rows(paths, question, _progress(), workers)
        frames.append(rows)
    every = pl.concat(frames)
    if vex is not None:
        stated = openvex.document(every, question.packages, question.as_of)
        write(vex, json.dumps(stated, indent=1, ensure_ascii=False) + "\n")

    missed = set(every["system"]) - set(every.filter(pl.col("settle") != NOT_LOOKED_FOR)["system"])
    alarm = pl.col("finding").is_in(ALARMING) | (pl.col("verdict") == EXPOSED)
    clean = every.height and not missed and not every.filter(alarm).height
    named = [f"`{name}`" for name in missed]
    answer = scan.told(every, known, question, folders, named, pasted=True)
    told = [markdown(answer), *([hunted(known, every)] if hunt and known else [])]
    if as_json:
        told = [lines(every)] if every.height else []
    if not told:  # which must not be taken for clean
        print(answer.sentence, file=sys.stderr)
    return told, int(not clean)


def _progress() -> scan.Told:
    """Where a person looks on, each file as it is read; elsewhere nothing."""
    from tqdm import tqdm

    bar = tqdm(unit=" files", desc="scanning", leave=False, disable=None)

    def tell(file: str) -> None:
        bar.set_postfix_str(words.plain(file)[-40:], refresh=False)
        bar.update()

    return tell


def markdown(scanned: Answer) -> str:
    """A scan as a table that pastes into a pull request, then what it leaves out."""
    lines, (heads, *rows) = [scanned.sentence, ""], scanned.rows() or [[]]
    if heads:
        lines += [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
        lines += [f"| {' | '.join(map(_cell, heads, row))} |" for row in rows]
        lines.append("")
    return "\n".join([*lines, *scanned.notes]).rstrip()


_CODE = ("File", "Package", "Version", "Path")  # columns that hold words of others


def _cell(column: str, value: object) -> str:
    """A text in a cell of a table in Markdown: one line, and nothing in it that Markdown reads."""
    text = " ".join(words.shown(str(value), 400).split())
    if column in _CODE and text:
        quiet = text.replace("`", "'").replace("|", "/")
        return f"`{quiet}`"
    text = re.sub(r"([\\\[\]*|])", r"\\\1", text)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text).replace("@", "&#64;") or "-"


def lines(rows: pl.DataFrame) -> str:
    """The rows of a scan for a machine: a JSON object a line, by file and package."""

    def text(name: str) -> pl.Expr:
        moment = pl.element().struct.field(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        return moment.str.replace(":00Z$", "Z")

    held = pl.element().struct.field("finding", "version", "commit")
    state = pl.struct(held, text("begins").alias("from"), text("ends").alias("to"))
    shown = rows.sort("file", "package", "ecosystem").select(
        *KEYS, "ecosystem", "system", history=pl.col("states").list.eval(state)
    )
    text_ = shown.write_ndjson().rstrip("\n")
    return re.sub(r"[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text_)


def hunted(known: Case, rows: pl.DataFrame) -> str:
    """What to rotate first, then what to look for, of the packages that a file may have brought."""
    named = pl.col("finding").is_in(ALARMING) & ~pl.col("verdict").is_in(["no", "unlikely"])
    open_ = (pl.col("finding") != NOT_EVALUATED) | (pl.col("version") != "")
    held = {tail(name) for name in rows.filter(named & open_)["package"].unique()}
    said, entities, listed = names(known), known.rows("entities"), []
    for row in indicators(known).table.to_dicts():
        name, _, version = said[row["entity"]].rpartition(" ")
        of_release = entities[row["entity"]]["kind"] == "release"
        if not of_release or tail(name) in held:
            escaped = {"value": _cell("Path", row["value"]), "what": _cell("", row["what"])}
            listed.append({**row, **escaped, "version": version if of_release else ""})
    found = text.parts("hunt", {"held": bool(held), "rows": listed})
    return "\n".join(["", *text.paragraphs(found.lines)])
