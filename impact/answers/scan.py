"""What locks, manifests and SBOMs say of the packages that advisories name, and our systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from impact.answers.answer import Answer, counted, figure, pictures, tallies, worded
from impact.base import times
from impact.base.errors import bad
from impact.case.folder import Case
from impact.case.schema import TLP, highest
from impact.measures import fleet
from impact.stack import advisories as records
from impact.stack import files, installs
from impact.stack import scan as scanning
from impact.stack.findings import ALARMING, LOCKED_AFFECTED, NOT_EVALUATED, RANGE_ADMITS
from impact.stack.scan import Question
from impact.stack.verdicts import VERDICTS

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
    holds (`locks/`, `sboms/`). `installed` is a CSV of installs, see `impact.stack.installs`.
    Nothing that was not read is called absent.

    Table: that of `impact.stack.scan.scan`, and `why`. Raises BadInput where there is no path or
    no advisory; of a case that holds neither advisories nor a stack it says that nothing was asked.
    """
    if known is not None and not paths and advisories is None and not known.files:
        return told(scanning.scan((), scanning.question(fleet.advisories(known))), known)
    question = asked(known, advisories, installed, as_of, history)
    if not paths:
        return told(
            scanning.scan(files.held(fleet.stack(known)), question, progress), known, question
        )
    found, folders = rows([Path(path) for path in paths], question, progress)
    return told(found, known, question, folders)


def rows(
    paths: Sequence[Path], question: Question, progress: Told, workers: int = 1
) -> tuple[pl.DataFrame, list[str]]:
    """(the rows of a scan, the folders of installed packages left out) of files and folders."""
    skipped: list[Path] = []
    found = scanning.scan(files.found(paths, skipped.append), question, progress, paths, workers)
    return found, [path.name for path in skipped]


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
        found = fleet.advisories(known)
    else:
        raise bad("--advisories", "no advisories", "name a folder of them, or a case with --case")
    try:
        moment = times.parse(as_of) if as_of else known.as_of if known else None
    except ValueError as error:
        raise bad("--as-of", f'"{as_of}" is no date', str(error)) from None
    if not found.affected and not found.unread:
        raise bad("the advisories", "none of them names a package", "give others")
    listed = installs.read(Path(installed)) if installed is not None else []
    spans = fleet.windows(known, found) if known is not None else []
    return scanning.question(found, spans, listed, moment, history)


def told(
    found: pl.DataFrame,
    known: Case | None,
    question: Question | None = None,
    folders: Sequence[str] = (),
    missed: Sequence[str] = (),
    pasted: bool = False,
) -> Answer:
    """The rows of a scan as an answer: files with a finding that matters first.

    Without a question nothing was asked. `folders` of installed packages were left out; of what is
    in the systems `missed` no advisory speaks. `pasted` somewhere alone, each row says what would
    settle it, which on a page the systems do.
    """
    quiet = ~pl.col("finding").is_in(ALARMING)
    table = found.with_columns(why="reason").sort(quiet, fleet.RANK, "file", "package", "ecosystem")
    shown, files = fleet.by_file(table), found["file"].n_unique()
    counts = {
        kind: found.filter(finding=kind)["file"].n_unique()
        for kind in (LOCKED_AFFECTED, RANGE_ADMITS, NOT_EVALUATED)
    }
    values = {
        **counts,
        "files": files,
        "question": question,
        "packages": found["package"].n_unique(),
        "folders": sorted(set(folders)),
        "missed": sorted(missed)[:5],
        "pasted": pasted,
    }
    return worded(
        None,
        "scan",
        table,
        values,
        [figure("files", files, "count"), *tallies("files", counts)],
        shown=shown,
        label=known.tlp if known is not None else TLP[0],
    )


def systems(scanned: Answer, known: Case | None = None) -> Answer:
    """Each system of a scan with its gravest verdict on what it holds, the gravest first.

    With the windows of a case the picture shows when each version was held. Table: see
    `impact.measures.fleet.by_system`.
    """
    rows, table = scanned.table, fleet.by_system(scanned.table)
    held = fleet.holds(rows).filter(pl.col("system").is_in(table["system"].implode()))
    worst = held.filter(finding=LOCKED_AFFECTED).sort("begins", maintain_order=True)
    verdicts = {verdict: n for verdict, n in counted(table["verdict"], VERDICTS).items() if n}
    window = _window(known, worst if worst.height else held)
    holding = rows.filter(finding=LOCKED_AFFECTED)["system"].n_unique()
    drawable = bool(held.height and window.height)

    values = {
        "counted": verdicts,
        "case": known.id if known else "NAME",
        "first": worst.head(1).to_dicts(),
        "holding": holding,
        "pins": fleet.pins(rows).to_dicts(),
        "unread": rows.filter(finding=NOT_EVALUATED)["file"].n_unique(),
        "drawn": held["system"].n_unique() if drawable else 0,
    }
    figures = [
        figure("systems", table.height, "count"),
        *tallies("systems", {**verdicts, "holding": holding}),
    ]
    return worded(
        None,
        "systems",
        table,
        values,
        figures,
        (lambda _, wide: pictures().held(held, window, wide)) if drawable else None,
        label=highest((scanned.label, known.label)) if known else scanned.label,
    )


def _window(known: Case | None, held: pl.DataFrame) -> pl.DataFrame:
    """When the versions that are held were available; else when any version of the packages was.

    Of these alone: bands of other versions would lie over each other.
    """
    found = fleet.windows(known, fleet.advisories(known)) if known else []
    seen = set(held.select("package", "version").rows())
    same = [one for one in found if (one.package, one.version) in seen]
    return fleet.available(same or [one for one in found if one.package in held["package"]])
