"""A new case from the template: what vendors and a scan say, as ordinary dated rows."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from impact.case import folder, tables
from impact.case.schema import TABLES
from impact.case.vendors import Vendor
from impact.errors import BadInput, bad
from impact.numerics import times
from impact.words import plain

SCANNED = "own-scan"  # id of the source that the rows of a scan rest on
_BARE = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Held(NamedTuple):
    """What a scan says of one system: a package in it, and the verdict on it."""

    system: str
    package: str
    version: str
    verdict: str
    says: str
    settle: str


def write(
    name: str,
    vendors: Iterable[Vendor],
    held: Iterable[Held],
    files: Mapping[str, bytes],
    today: datetime,
) -> Path:
    """Write `data/cases/NAME` in the working folder and return it; a valid case, or BadInput.

    Each system of a scan is reached from its release with the chance that the template gives its
    verdict, and costs a response; each vendor can be supposed to fall by `NAME_falls`. A system
    that has the name of a vendor is that vendor. `files` are originals by their path in the case.
    Nothing is left behind where it fails.
    """
    if not _BARE.fullmatch(name) or len(name) > 60:
        raise bad(f'"{name[:60]}"', "is no bare name", "use a-z, 0-9, - and _")
    home = Path("data") / "cases" / name
    there = home.parent.iterdir() if home.parent.is_dir() else ()
    if home.exists() or any(path.name.casefold() == name for path in there):
        raise bad(str(home), "is there already", "take another name, or remove that folder")
    rows = _rows(list(vendors), list(held), times.as_text(today))
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home.parent))
    except OSError as error:
        raise bad(str(home), f"cannot be written ({error.strerror})", "check the folder") from None
    try:
        _fill(made, name, rows, files)
        _, faults = folder.read_case(made)
        if faults:
            raise BadInput(faults)
        made.chmod(0o755)
        os.rename(made, home)  # noqa: PTH104 - one step
    except OSError as error:
        raise bad(str(home), f"cannot be written ({error.strerror})", "check the folder") from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return home


def template() -> Path:
    """The folder of the template: that of the working folder before the one beside the package."""
    beside = Path(__file__).resolve().parents[2]
    places = [at / "data" / "cases" / folder.TEMPLATE for at in (Path.cwd(), beside)]
    found = next((place for place in places if (place / "case.toml").is_file()), None)
    if found is None:
        raise bad("data/cases/_template", "is not there", "take it from the kit's repository")
    return found


def _fill(
    made: Path, name: str, rows: dict[str, list[dict[str, str]]], files: Mapping[str, bytes]
) -> None:
    for path in template().iterdir():
        if path.is_file():
            shutil.copyfile(path, made / path.name)
    settings = (made / "case.toml").read_text("utf-8")
    (made / "case.toml").write_text(re.sub(r'(?m)^id = ".*"$', f'id = "{name}"', settings), "utf-8")
    for table in TABLES:
        if table.name in rows:
            path = made / f"{table.name}.csv"
            there, _, faults = tables.raw(path, table)
            if faults:
                raise BadInput(faults)
            names = there.drop("file_line").columns
            said = [[row.get(key) for key in names] for row in rows[table.name]]
            schema = dict.fromkeys(names, pl.String())
            added = pl.DataFrame(said, schema=schema, orient="row")
            every = pl.concat([there.select(names), added])
            path.write_text(tables.harmless(every).write_csv(), encoding="utf-8")
    for place, data in files.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        (made / place).write_bytes(data)


def _rows(vendors: list[Vendor], held: list[Held], day: str) -> dict[str, list[dict[str, str]]]:
    """Table -> rows of the draft."""
    rows: dict[str, list[dict[str, str]]] = {}

    def add(table: str, **row: str) -> None:
        rows.setdefault(table, []).append({**row, "known_on": day})

    taken = {"event", "us", "own-team"}
    ids = {vendor.name.lower(): _unique(slug(vendor.name), taken) for vendor in vendors}
    systems: dict[str, str] = {}
    releases: dict[tuple[str, str], str] = {}
    for vendor in vendors:
        me = ids[vendor.name.lower()]
        falls = f"{me.replace('-', '_')}_falls"
        shown = _line(vendor.name)
        told = {"role": _line(vendor.role), "ask": _line(vendor.ask)}
        add("entities", id=me, name=shown, kind="vendor", **told)
        add(
            "inputs",
            **{"id": falls, "mode": "0", "shape": "fixed", "unit": "chance", "drawn": "once"},
            meaning=f"Chance that {shown} is compromised: 0 unless supposed.",
            basis_kind="assumption",
            basis=f"No compromise of {shown} is reported.",
            authored_on=day,
        )
        share = "" if vendor.share is None else repr(vendor.share)
        add("links", id=f"{me}-falls", source="event", target=me, relation="falls", chances=falls)
        add(
            "links",
            **{"id": f"{me}-us", "source": me, "target": "us", "relation": "supplies"},
            chances="vendor_reaches_us",
            share=share,
        )
        add("losses", **_loss(f"review-{me}", me, "review_hours", f"finding out about {shown}"))
    if not held:
        return rows
    add(
        "sources",
        **{"id": SCANNED, "publisher": "our own scan", "published_on": day, "access": "full"},
        title=f"Locks, manifests and SBOMs read on {day}",
        reliability="A",
    )
    own = {"sources": SCANNED}
    add("entities", id="own-team", name="our own team", kind="group", **own)
    known = set(ids.values())
    for one in held:
        system = ids.get(one.system.lower()) or systems.get(one.system)
        if system is None:
            system = systems[one.system] = _unique(f"system-{slug(one.system)}", taken)
        bad = one.package, one.version
        if bad not in releases:
            releases[bad] = _unique("-".join(slug(part, ".") for part in bad if part), taken)
        release = releases[bad]
        if system not in known:
            shown = _line(one.system)
            add(
                "entities", id=system, name=shown, kind="service", role="One of our systems.", **own
            )
            add(
                "links",
                **{"id": f"{system}-us", "source": system, "target": "us", "relation": "used_by"},
                **{"chances": "secrets_in_reach", **own},
            )
            work = f"rebuilding {shown}"
            add("losses", **_loss(f"rebuild-{system}", system, "response_hours", work))
        if release not in known:
            kind = "release" if one.version else "package"
            named = _line(f"{one.package} {one.version}".strip())
            add("entities", id=release, name=named, kind=kind, **own)
            add(
                "links",
                **{"id": f"event-{release}", "source": "event", "target": release},
                **{"relation": "poisons", "chances": "certain", **own},
            )
        known |= {system, release}
        said = f"{release}-{system}"
        add(
            "claims",
            **{"id": said, "claimant": "own-team", "stance": "asserts", "subject": system},
            **{"predicate": f"holds {release}", "object": one.verdict, "stage": "access"},
            **{"says": _line(one.says), "stated_on": day, "credibility": "2", **own},
        )
        add(
            "links",
            **{"id": said, "source": release, "target": system, "relation": "used_by"},
            **{"chances": f"chance_{one.verdict}", "claims": said, **own},
        )
    return rows


def _loss(name: str, needs: str, hours: str, driver: str) -> dict[str, str]:
    return {
        **{"id": name, "bearer": "us", "needs": needs, "form": "response", "kind": "product"},
        "arguments": f"hours={hours}; rate=work_usd_an_hour",
        "driver": driver,
    }


def slug(name: str, also: str = "") -> str:
    """A bare name for a row, made of a name as people write it; `also` names signs that stay.

    >>> slug("Société Générale / Labels (EU)"), slug("litellm-1.82.8", also=".")
    ('soci-t-g-n-rale-labels-eu', 'litellm-1.82.8')
    """
    found = re.sub(f"[^a-z0-9{re.escape(also)}]+", "-", name.lower())[:60]
    return found.strip("-.") or "unnamed"


def _unique(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it where it is taken; it is taken from then on."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _line(text: str) -> str:
    """Text of a cell: one line, without what hides."""
    return " ".join(plain(text).split())[:500]


def headings() -> dict[str, object]:
    """The column map of the template: field -> headings."""
    content, faults = folder.read_toml(template() / "case.toml")
    if faults:
        raise BadInput(faults)
    found = content.get("vendors")
    return dict(found) if isinstance(found, dict) else {}
