"""What locks, manifests and SBOMs say of the packages that advisories name, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from impact import words
from impact.answers.answer import Answer, tally
from impact.case.folder import ADVISORIES, STACK, Case
from impact.errors import bad
from impact.measures.evidence import names
from impact.numerics import times
from impact.stack import advisories as records
from impact.stack import files, installs
from impact.stack import scan as scanning
from impact.stack.advisories import Advisories
from impact.stack.findings import ABSENT, ALARMING, LOCKED_AFFECTED, NOT_EVALUATED, RANGE_ADMITS
from impact.stack.inventory import canonical, tail
from impact.stack.scan import Question
from impact.stack.verdicts import IMPORT, INSTALL, START, VERDICTS, Window

HEADS = {
    "file": "File",
    "package": "Package",
    "version": "Version",
    "verdict": "Verdict",
    "why": "Why",
    "path": "Path",
    "settle": "What would settle it",
}
_RUNS = {"start": START, "import": IMPORT, "install": INSTALL}
Told = Callable[[str], None]


def scan(
    *paths: str | Path,
    known: Case | None = None,
    advisories: str | Path | None = None,
    installed: str | Path | None = None,
    as_of: str = "",
    history: bool = False,
    progress: Told = lambda file: None,
) -> Answer:
    """What files and folders say of each package that an advisory names; the rows of a scan.

    `known` gives the windows, and the advisories where none are given; without it no window is
    known and a verdict rests on the finding alone. Without paths it is the stack that the case
    holds (`locks/`, `sboms/`). `installed` is a CSV
    of installs, see `impact.stack.installs`. Nothing that was not read is called absent.

    Table: that of `impact.stack.scan.scan`, and `why`. Raises BadInput where there is no path or
    no advisory; of a case that holds neither advisories nor a stack it says that nothing was asked.
    """
    if known is not None and not paths and advisories is None and not known.files:
        return _nothing_asked(known)
    question = asked(known, advisories, installed, as_of, history)
    if not paths:
        mine = scanning.scan(files.held(stack(known)), question, progress)
        return told(mine, known, question=question)
    found, notes = rows([Path(path) for path in paths], question, progress)
    return told(found, known, notes, question)


def _nothing_asked(known: Case) -> Answer:
    """The scan of a case that is not about packages: no rows, and never a word of clean."""
    question = scanning.question(held(known))
    nothing = told(scanning.scan((), question), known, question=question)
    return replace(nothing, sentence=UNASKED)


UNASKED = (
    "The case holds no advisory and no stack: no version is named in it that could have been "
    "installed, so nothing was looked for."
)


def rows(
    paths: Sequence[Path], question: Question, progress: Told, workers: int = 1
) -> tuple[pl.DataFrame, list[str]]:
    """(the rows of a scan, what was left out) of files and folders."""
    skipped: list[Path] = []
    found = scanning.scan(files.found(paths, skipped.append), question, progress, paths, workers)
    if not skipped:
        return found, []
    folders = words.listed(sorted({path.name for path in skipped}))
    what = f"{words.count(len(skipped), 'folder')} of installed packages ({folders})"
    return found, [f"{words.capital(what)} were not read; the locks beside them were."]


def asked(
    known: Case | None,
    advisories: str | Path | None,
    installed: str | Path | None = None,
    as_of: str = "",
    history: bool = False,
) -> Question:
    """The question that a case, or a folder of advisories, puts to files."""
    if advisories is not None:
        found = records.read(Path(advisories))
    elif known is not None:
        found = held(known)
    else:
        raise bad("--advisories", "no advisories", "name a folder of them, or a case with --case")
    try:
        moment = times.parse(as_of) if as_of else known.as_of if known else None
    except ValueError as error:
        raise bad("--as-of", f'"{as_of}" is no date', str(error)) from None
    if not found.affected and not found.unread:
        raise bad("the advisories", "none of them names a package", "give others")
    listed = installs.read(Path(installed)) if installed is not None else []
    spans = windows(known, found) if known is not None else []
    return scanning.question(found, spans, listed, moment, history)


def held(known: Case) -> Advisories:
    """The advisories that a case holds."""
    mine = known.files.items()
    return records.joined(
        (name, data)
        for name, data in mine
        if name.startswith(f"{ADVISORIES}/") and name.endswith(records.ENDINGS)
    )


def stack(known: Case | None) -> dict[str, bytes]:
    """The files of the stack that a case holds, by system and name."""
    if known is None:
        raise bad("PATH", "nothing to scan", "name a file or a folder, or a case with its stack")
    return {
        name.partition("/")[2]: data
        for name, data in known.files.items()
        if name.partition("/")[0] in STACK
    }


def windows(known: Case, found: Advisories) -> list[Window]:
    """The windows of a view, each with its package and version, in the ecosystem of an advisory."""
    said = names(known)
    homes: dict[str, list[tuple[str, str]]] = {}
    for record in found.affected:
        homes.setdefault(tail(record.name), []).append((record.ecosystem, record.name))
    spans = []
    for row in known["windows"].sort("entity", "id").iter_rows(named=True):
        package, _, version = said[row["entity"]].rpartition(" ")
        trigger = _trigger(known, row["entity"])
        opens, closes = times.start(row["opens"]), row["closes"]
        for ecosystem, name in sorted(set(homes.get(tail(package), ()))):
            own = canonical(ecosystem, package).lower()
            if f"/{name.lower()}".endswith(f"/{own}"):
                spans.append(Window(ecosystem, name, version, opens, closes, trigger))
    return spans


def _trigger(known: Case, release: str) -> str:
    """What makes the code of a release run, by the most credible claim; empty: not known."""
    claims = known["claims"].filter(
        (pl.col("predicate") == "runs_when")
        & (pl.col("subject") == release)
        & (pl.col("stance") == "asserts")
    )
    best = claims.sort("credibility", "known_on", "id")["object"].to_list()
    text = str(best[0]).lower() if best else ""
    return next((trigger for start, trigger in _RUNS.items() if text.startswith(start)), "")


def told(
    found: pl.DataFrame,
    known: Case | None,
    notes: Sequence[str] = (),
    question: Question | None = None,
) -> Answer:
    """The rows of a scan as an answer: files with a finding that matters first."""
    rank = pl.col("verdict").replace_strict(VERDICTS, range(len(VERDICTS)))
    grave = pl.col("finding").is_in(ALARMING)
    shown = found.with_columns(why="reason").sort(~grave, rank, "file", "package")
    many = found["file"].n_unique()
    bad_files = found.filter(pl.col("finding") == LOCKED_AFFECTED)["file"].n_unique()
    open_files = found.filter(pl.col("finding") == RANGE_ADMITS)["file"].n_unique()
    unread = found.filter(pl.col("finding") == NOT_EVALUATED)["file"].n_unique()
    packages = found["package"].n_unique()
    sentence = "Nothing was found in which packages are named, so nothing was looked for."
    if question is not None and not question.packages:
        by = f" by {words.date(question.as_of)}" if question.as_of else ""
        sentence = f"No advisory that is held was published{by}: nothing could be looked for."
    if many:
        sentence = (
            f"Of {words.count(many, 'file')}, {bad_files} lock an affected version and "
            f"{open_files} allow one; {unread} could not be evaluated."
        )
    left_out = (
        f"{words.count(packages, 'package')} that advisories name were looked for. What a "
        "file does not hold is left out."
    )
    return Answer(
        name="scan",
        sentence=sentence,
        table=shown,
        label=known.tlp if known is not None else "clear",
        heads={key: head for key, head in HEADS.items() if key != "settle"},  # see `to_settle`
        figures=(
            tally("files", many),
            tally("files.locked_affected", bad_files),
            tally("files.range_admits", open_files),
            tally("files.not_evaluated", unread),
        ),
        notes=(*([left_out] if many else []), *notes),
    )


def collapsed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are shown: no absent ones, and one for a file of which nothing is known."""
    unread = (pl.col("finding") == NOT_EVALUATED) & (pl.col("version") == "")
    several = pl.len().over("file", "why") > 1
    package = pl.when(unread & several).then(pl.lit("all")).otherwise("package")
    shown = rows.filter(pl.col("finding") != ABSENT)
    first = pl.struct("file", "why").is_first_distinct()
    said = ("file", "package", "version", "verdict", "finding")  # by records of two ecosystems
    return shown.with_columns(package=package).filter(
        (~unread | first) & pl.struct(said).is_first_distinct()
    )
