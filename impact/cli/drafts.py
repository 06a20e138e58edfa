"""`impact new`: a case of one's own from a vendor inventory and a scan of one's own stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from impact.base import times, words
from impact.base.errors import BadInput, ImpactError, bad
from impact.case import draft, vendors
from impact.case.draft import Held
from impact.case.folder import ADVISORIES, ROLES, Case, cases, load_case
from impact.case.views import view
from impact.measures import fleet
from impact.stack import advisories as records
from impact.stack import files, readers
from impact.stack import scan as scanning
from impact.stack.advisories import Advisories
from impact.stack.documents import Source
from impact.stack.findings import ABSENT, LOCKED_AFFECTED
from impact.stack.verdicts import NO, Window


def new(
    name: str,
    inventory: Path | None,
    scan: Path | None,
    advisories: Path | None,
    about: Mapping[str, str],
) -> list[str]:
    """Write a new case and say what it holds and what comes next.

    `about` gives `title`, `day`, `currency` and `role`, or what `usual` says of them. Without
    `advisories` those of the bundled cases are asked, with their windows.
    """
    of = checked(name, about)
    if advisories and not scan:
        raise bad("--advisories", "is of use with --scan alone", "add --scan, or leave it out")
    listed, unused = vendors.read(inventory, draft.headings()) if inventory else ([], [])
    held, originals = _scanned(scan, advisories) if scan else ([], {})
    home = draft.write(name, listed, held, originals, of)
    day = times.as_text(of.day)
    told = [
        f"{home}: {words.count(len(listed), 'vendor')}, {words.count(len(held), 'row')} of a scan",
        f'"{of.title}", breach of {day}, role {of.role}, amounts in {of.currency}',
    ]
    if of.currency != "USD":
        told.append(
            f"inputs.csv: what an hour of work costs is an assumption in {of.currency}, not"
            " converted; put your own rate in its place"
        )
    if unused and inventory:
        told.append(f"{inventory.name}: columns left out: {', '.join(unused)[:300]}")
    told.append(f"next: impact check {name}; impact show {name}; impact report {name}")
    return told


def usual(name: str) -> dict[str, str]:
    """Title, day, currency and role of a new case where nobody gives them."""
    return {"title": name, "day": times.as_text(_today()), "currency": "USD", "role": ROLES[0]}


def checked(name: str, about: Mapping[str, str]) -> draft.Incident:
    """What a new case is about, or BadInput: for a taken name, or what names the wrong option."""
    draft.home_of(name)
    return draft.incident(**{**usual(name), **about}, today=_today())


def _today() -> datetime:
    return times.parse(f"{datetime.now(UTC):%Y-%m-%d}")


def _scanned(path: Path, advisories: Path | None) -> tuple[list[Held], dict[str, bytes]]:
    """(what a scan says of each system, the originals that it says it of)."""
    if advisories:
        found, windows, kept = records.read(advisories), list[Window](), _records(advisories)
    else:
        bundled = list(_sound_cases())
        named = [one for known in bundled for one in fleet.advisories(known).affected]
        found = Advisories(tuple(named))
        windows = [window for known in bundled for window in fleet.windows(known, found)]
        held = [item for known in bundled for item in known.files.items()]
        kept = {place: data for place, data in held if place.startswith(f"{ADVISORIES}/")}
    if found.unread:  # what they name would be missing from the case without a word
        raise BadInput(found.unread)
    if not found.affected:
        raise bad("--advisories", "no advisory names a package", "give a folder of OSV records")
    every = list(files.found([path]))
    rows = scanning.scan(every, scanning.question(found, windows))
    rows = rows.filter(
        (pl.col("finding") != ABSENT) & (pl.col("verdict") != NO) & (pl.col("package") != "")
    )
    gravest = rows.sort("system", "package", fleet.RANK, "file", "ecosystem").unique(
        ["system", "package"], keep="first", maintain_order=True
    )
    kept |= _originals(every, set(rows["file"]), path)
    return [_held(row) for row in gravest.iter_rows(named=True)], kept


def _sound_cases() -> Iterator[Case]:
    """The cases without faults, each at its lowest level, where such a view can be had."""
    for home in cases().values():
        with suppress(ImpactError):
            yield view(load_case(home), tlp="clear")


def _held(row: dict[str, str]) -> Held:
    version = row["version"].partition(", ")[0] if row["finding"] == LOCKED_AFFECTED else ""
    way = f" by {row['path']}" if row["path"] else ""
    says = f"{Path(row['file']).name} of {row['system']}: {row['reason']}{way}."
    return Held(row["system"], row["package"], version, row["verdict"], says, row["settle"])


def _originals(every: Sequence[files.Found], wanted: set[str], root: Path) -> dict[str, bytes]:
    """The files that rows speak of, by their place in a case: locks/ or sboms/, then the system."""
    kept: dict[str, bytes] = {}
    for found in every:
        if found.where not in wanted or found.path is None or not found.path.is_file():
            continue
        inside = (
            found.path.relative_to(root) if root in found.path.parents else Path(found.path.name)
        )
        parts = inside.parts if inside.parts[0] == found.system else (found.system, *inside.parts)
        home = "sboms" if _is_sbom(found) else "locks"
        kept["/".join((home, *parts))] = found.path.read_bytes()
    return kept


def _is_sbom(found: files.Found) -> bool:
    if not isinstance(found.source, Source):
        return False
    form = readers.format_of(found.source.text, found.where)
    return form is not None and form.name.startswith(("CycloneDX", "SPDX"))


def _records(path: Path) -> dict[str, bytes]:
    """The records of a folder or archive of advisories, by their place in a case."""
    held = ((re.sub(r"[^\w./-]", "_", name), data) for name, data in records.contents(path))
    return {f"{ADVISORIES}/{name}": data for name, data in held if isinstance(data, bytes)}
