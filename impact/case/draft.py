"""A new case from the template: what vendors and a scan say, as ordinary dated rows."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, bad, did_you_mean
from impact.base.words import plain
from impact.case import folder, tables
from impact.case.schema import TABLES, Table
from impact.case.vendors import Vendor
from impact.numerics import loss_kinds

SCANNED = "own-scan"  # id of the source that the rows of a scan rest on
_TEMPLATE_CODE = "USD"  # currency of the amounts in the template
_BARE = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Held(NamedTuple):
    """What a scan says of one system: a package in it, and the verdict on it."""

    system: str
    package: str
    version: str
    verdict: str
    says: str
    settle: str


class Incident(NamedTuple):
    """What a case is about: `day` is that of the breach, `currency` a code, `role` one of ROLES."""

    title: str
    day: datetime
    currency: str
    role: str


def incident(title: str, day: str, currency: str, role: str, today: datetime) -> Incident:
    """An incident, or BadInput that names the option of `impact new` which is wrong."""
    shown = _line(title)
    if not shown:
        raise bad("--title", "is empty", "say in a few words what happened")
    try:
        known = times.parse(day)
    except ValueError:
        raise bad("--day", f'"{day[:40]}" is no day', "write 2026-11-20") from None
    if times.precision(known) != "day":
        raise bad("--day", f'"{day[:40]}" is no day', "write 2026-11-20")
    if times.start(known) > times.start(today) + timedelta(days=1):  # somewhere it is tomorrow
        raise bad("--day", f"{day} has not come yet", "give the day of the breach")
    code = currency.strip().upper()
    if code not in loss_kinds.currencies():
        repair = did_you_mean(code, sorted(loss_kinds.currencies()), "write a code of ISO 4217")
        raise bad("--currency", f'"{currency[:40]}" is no currency', repair)
    if role not in folder.ROLES:
        repair = did_you_mean(role.lower(), folder.ROLES, f"one of {', '.join(folder.ROLES)}")
        raise bad("--role", f'"{role[:40]}" is no role', repair)
    return Incident(shown, known, code, role)


def home_of(name: str) -> Path:
    """Where a new case goes; raises BadInput for a name that is no bare one, or is taken."""
    if not _BARE.fullmatch(name) or len(name) > 60:
        raise bad(f'"{name[:60]}"', "is no bare name", "use a-z, 0-9, - and _")
    home = Path("data") / "cases" / name
    there = home.parent.iterdir() if home.parent.is_dir() else ()
    if home.exists() or any(path.name.casefold() == name for path in there):
        raise bad(str(home), "is there already", "take another name, or remove that folder")
    return home


def write(
    name: str,
    vendors: Iterable[Vendor],
    held: Iterable[Held],
    files: Mapping[str, bytes],
    about: Incident,
    today: datetime,
) -> Path:
    """Write `data/cases/NAME` in the working folder and return it; a valid case, or BadInput.

    Each system of a scan is reached from its release with the chance that the template gives its
    verdict, and costs a response; each vendor can be supposed to fall by `NAME_falls`. A system
    that has the name of a vendor is that vendor. `files` are originals by their path in the case.
    All is known from the day of the breach, but for what a scan of `today` says.
    Nothing is left behind where it fails.
    """
    home = home_of(name)
    rows = _rows(list(vendors), list(held), about, times.as_text(today))
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home.parent))
    except OSError as error:
        raise bad(str(home), f"cannot be written ({error.strerror})", "check the folder") from None
    try:
        _fill(made, name, rows, files, about, times.as_text(today))
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
    """The folder of the template: that of the working folder before that of the kit."""
    here, kit = (at / "data" / "cases" / folder.TEMPLATE for at in (Path.cwd(), folder.HOME))
    return here if (here / "case.toml").is_file() else kit


def _fill(
    made: Path,
    name: str,
    rows: dict[str, list[dict[str, str]]],
    files: Mapping[str, bytes],
    about: Incident,
    today: str,
) -> None:
    known = {f"{table.name}.csv": table for table in TABLES}
    for path in template().iterdir():
        if table := known.get(path.name):
            text = _table(path, table, rows.get(table.name, ()), about, today)
            (made / path.name).write_text(text, encoding="utf-8")
        elif path.is_file():
            shutil.copyfile(path, made / path.name)
    settings = (made / "case.toml").read_text("utf-8")
    told = {"id": name, "title": about.title, "currency": about.currency, "role": about.role}
    for key, value in told.items():
        settings = _with(settings, key, value)
    (made / "case.toml").write_text(settings, "utf-8")
    for place, data in files.items():
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        (made / place).write_bytes(data)


def _table(
    path: Path, table: Table, rows: Iterable[Mapping[str, str]], about: Incident, today: str
) -> str:
    """A table of the template with its own rows, dated, and further ones; parted as it is."""
    there, sign, faults = tables.raw(path, table)
    if faults:
        raise BadInput(faults)
    names = there.drop("file_line").columns
    cells = [{key: row[key] or "" for key in names} for row in there.iter_rows(named=True)]
    own = [_dated(row, about, today) for row in cells]
    every = [{key: row.get(key) or None for key in names} for row in (*own, *rows)]
    frame = pl.DataFrame(every, schema=dict.fromkeys(names, pl.String()))
    return tables.harmless(frame).write_csv(separator=sign)


def _with(settings: str, key: str, value: str) -> str:
    """Settings in TOML with a text in place of that of a key, or as the first where it has none."""
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    top, table, rest = settings.partition("\n[")
    top, many = re.subn(rf"(?m)^{key} *= .*$", lambda _: line, top, count=1)
    return ("" if many else f"{line}\n") + top + table + rest


def _dated(row: dict[str, str], about: Incident, today: str) -> dict[str, str]:
    """A row of the template, known from the day of the breach, in the currency of the case."""
    made = {**row, "known_on": times.as_text(about.day)}
    if "authored_on" in made:
        made["authored_on"] = today
    if about.role == "vendor" and made["id"] == "us":
        made["kind"] = "vendor"
    code = about.currency
    if code != _TEMPLATE_CODE and loss_kinds.money(made.get("unit") or ""):
        made["id"] = made["id"].replace(_TEMPLATE_CODE.lower(), code.lower())
        made["unit"] = made["unit"].replace(_TEMPLATE_CODE, code)
        made["basis"] = f"assumption in {code}, not converted: {made['basis']}"
    return made


def _rows(
    vendors: list[Vendor], held: list[Held], about: Incident, today: str
) -> dict[str, list[dict[str, str]]]:
    """Table -> rows of the draft."""
    rows: dict[str, list[dict[str, str]]] = {}
    day, rate = times.as_text(about.day), f"work_{about.currency.lower()}_an_hour"

    def add(table: str, **row: str) -> None:
        rows.setdefault(table, []).append({"known_on": day, **row})

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
            meaning=f"Chance that {shown} is compromised: 0 unless a scenario supposes it.",
            basis_kind="assumption",
            basis="A list of vendors says nothing of a compromise.",
            authored_on=today,
        )
        share = "" if vendor.share is None else repr(vendor.share)
        add("links", id=f"{me}-falls", source="event", target=me, relation="falls", chances=falls)
        add(
            "links",
            **{"id": f"{me}-us", "source": me, "target": "us", "relation": "supplies"},
            chances="vendor_reaches_us",
            share=share,
        )
        add(
            "losses",
            **_loss(f"review-{me}", me, "review_hours", rate, f"finding out about {shown}"),
        )
    if not held:
        return rows
    add(
        "sources",
        **{"id": SCANNED, "publisher": "our own scan", "published_on": today, "access": "full"},
        title=f"Locks, manifests and SBOMs read on {today}",
        reliability="A",
        known_on=today,
    )
    own = {"sources": SCANNED, "known_on": today}
    add("entities", id="own-team", name="our own team", kind="group")
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
            add("entities", id=system, name=shown, kind="service", role="One of our systems.")
            add(
                "links",
                **{"id": f"{system}-us", "source": system, "target": "us", "relation": "used_by"},
                **{"chances": "secrets_in_reach", **own},
            )
            work = f"rebuilding {shown}"
            add("losses", **_loss(f"rebuild-{system}", system, "response_hours", rate, work))
        if release not in known:
            kind = "release" if one.version else "package"
            named = _line(f"{one.package} {one.version}".strip())
            add("entities", id=release, name=named, kind=kind)
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
            **{"says": _line(one.says), "stated_on": today, "credibility": "2", **own},
        )
        add(
            "links",
            **{"id": said, "source": release, "target": system, "relation": "used_by"},
            **{"chances": f"chance_{one.verdict}", "claims": said, **own},
        )
    return rows


def _loss(name: str, needs: str, hours: str, rate: str, driver: str) -> dict[str, str]:
    return {
        **{"id": name, "bearer": "us", "needs": needs, "form": "response", "kind": "product"},
        "arguments": f"hours={hours}; rate={rate}",
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
