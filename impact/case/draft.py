"""A new case from the template: what vendors and a scan say, as ordinary dated rows."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, bad
from impact.base.words import plain, shown
from impact.case import folder, tables
from impact.case.schema import TABLES, Table
from impact.case.vendors import Vendor

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
    """What a case is about: `day` is that of the breach, `currency` a code, `role` one of ROLES.

    It is written on the day `today`.
    """

    title: str
    day: datetime
    currency: str
    role: str
    today: str


def incident(title: str, day: str, currency: str, role: str, today: datetime) -> Incident:
    """An incident, or BadInput that names the option of `impact new` which is wrong."""
    text = _line(title)
    if not text:
        raise bad("--title", "is empty", "say in a few words what happened")
    try:
        known = times.parse(day)
    except ValueError:
        known = None
    if known is None or times.precision(known) != "day":
        raise bad("--day", f'"{day[:40]}" is no day', "write 2026-11-20")
    if times.start(known) > times.start(today) + timedelta(days=1):  # somewhere it is tomorrow
        raise bad("--day", f"{day} has not come yet", "give the day of the breach")
    code = currency.strip().upper()
    faults = folder.currency_faults("--currency", code)
    if role not in folder.ROLES:
        what, repair = f'"{role[:40]}" is no role', tables.one_of(folder.ROLES, role)
        faults.append(Fault("--role", what, repair))
    if faults:
        raise BadInput(faults)
    return Incident(text, known, code, role, times.as_text(today))


def home_of(name: str) -> Path:
    """Where a new case goes; raises BadInput for a name that is no bare one, or is taken."""
    if not _BARE.fullmatch(name) or len(name) > 60:
        raise bad(f'"{name[:60]}"', "is no bare name", "use a-z, 0-9, - and _")
    home = Path("data") / "cases" / name
    if name in folder.cases() and not home.exists():
        raise bad(name, "is a case of the kit", "take another name")
    if any(path.name.casefold() == name for path in home.parent.glob("*")):
        raise bad(str(home), "is there already", "take another name, or remove that folder")
    return home


def write(
    name: str,
    vendors: Sequence[Vendor],
    held: Sequence[Held],
    files: Mapping[str, bytes],
    about: Incident,
) -> Path:
    """Write `data/cases/NAME` in the working folder and return it; a valid case, or BadInput.

    Each system of a scan is reached from its release with the chance that the template gives its
    verdict, and costs a response; each vendor can be supposed to fall by `NAME_falls`. A system
    that has the name of a vendor is that vendor. `files` are originals by their path in the case.
    All is known from the day of the breach, but for what a scan of today says.
    Nothing is left behind where it fails.
    """
    home = home_of(name)
    rows = _rows(vendors, held, about)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{name}-", dir=home.parent, ignore_cleanup_errors=True
        ) as beside:
            made = Path(beside)
            _fill(made, name, rows, files, about)
            _, faults = folder.read_case(made)
            if faults:
                raise BadInput(faults)
            made.chmod(0o755)
            made.rename(home)  # one step
    except OSError as error:
        home_of(name)  # another may have made it meanwhile
        what = f"cannot be written ({error.strerror or type(error).__name__})"
        raise bad(str(home), what, "check folder and room") from None
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
) -> None:
    shutil.copytree(template(), made, dirs_exist_ok=True)
    for table in TABLES:
        path = made / f"{table.name}.csv"
        path.write_text(_table(path, table, rows.get(table.name, ()), about), "utf-8")
    settings = (made / "case.toml").read_text("utf-8")
    own = {"id": name, "title": about.title, "currency": about.currency, "role": about.role}
    own["disclosed_on"] = times.as_text(about.day)
    for key, value in own.items():
        settings = _with_setting(settings, key, value)
    (made / "case.toml").write_text(settings, "utf-8")
    folder.write_originals(made, files)


def _table(path: Path, table: Table, rows: Iterable[Mapping[str, str]], about: Incident) -> str:
    """A table of the template with further rows; parted as it is.

    Its own rows are known from the day of the breach, and in the currency of the case.
    """
    there, sign, faults = tables.raw(path, table)
    if faults:
        raise BadInput(faults)
    name, code, unit = pl.col("id"), about.currency, pl.col("unit")
    new = {"known_on": pl.lit(times.as_text(about.day)), "authored_on": pl.lit(about.today)}
    if about.role == "vendor":
        new["kind"] = pl.when(name == "us").then(pl.lit("vendor")).otherwise("kind")
    if code != _TEMPLATE_CODE and table.name == "inputs":
        priced = pl.when(unit.str.contains(_TEMPLATE_CODE))
        renamed = name.str.replace(_TEMPLATE_CODE.lower(), code.lower())
        basis = pl.format("assumption in {}, not converted: {}", pl.lit(code), "basis")
        new |= {
            "id": priced.then(renamed).otherwise(name),
            "basis": priced.then(basis).otherwise("basis"),
        }
        new["unit"] = unit.str.replace_all(_TEMPLATE_CODE, code)
    own = there.drop("file_line")
    own = own.with_columns(**{column: new[column] for column in new.keys() & {*own.columns}})
    cells = [{column: row.get(column) or None for column in own.columns} for row in rows]
    every = pl.concat([own, pl.DataFrame(cells, schema=own.schema)])
    return tables.harmless(every).write_csv(separator=sign)


def _with_setting(settings: str, key: str, value: str) -> str:
    """Settings in TOML with a text in place of that of a key, or as the first where it has none."""
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    top, table, rest = settings.partition("\n[")
    top, many = re.subn(rf"(?m)^{key} *= .*$", lambda _: line, top, count=1)
    return ("" if many else f"{line}\n") + top + table + rest


class _Rows:
    """Table -> the rows of a draft, made of the patterns in `draft_rows.toml`."""

    def __init__(self, about: Incident) -> None:
        self.found: dict[str, list[dict[str, str]]] = {}
        self.taken = {"event", "us", "own-team"}
        self.patterns = tomllib.loads(
            Path(__file__).with_name("draft_rows.toml").read_text("utf-8")
        )
        rate = f"work_{about.currency.lower()}_an_hour"
        self.common = {"day": times.as_text(about.day), "rate": rate}
        self.common |= {"today": about.today, "scan": SCANNED}

    def add(self, what: str, **words: str) -> None:
        """Add the rows of a vendor, a scan, a system, a release or a finding."""
        words |= self.common
        for table, rows in self.patterns[what].items():
            for row in rows:
                cells = {column: cell.format_map(words) for column, cell in row.items()}
                self.found.setdefault(table, []).append({"known_on": words["day"], **cells})

    def id_of(self, name: str) -> str:
        """The name, or with a number behind it where it is taken; it is taken from then on."""
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}-{number}"
        self.taken.add(found)
        return found


def _rows(
    vendors: Sequence[Vendor], held: Sequence[Held], about: Incident
) -> dict[str, list[dict[str, str]]]:
    """Table -> rows of the draft: each vendor, system and release once, and what holds which."""
    rows = _Rows(about)
    ids = {vendor.name.lower(): rows.id_of(slug(vendor.name)) for vendor in vendors}
    for vendor, me in zip(vendors, ids.values(), strict=True):
        share = "" if vendor.share is None else repr(vendor.share)
        texts = {part: _line(getattr(vendor, part)) for part in ("name", "role", "ask")}
        rows.add("vendor", id=me, falls=f"{me.replace('-', '_')}_falls", share=share, **texts)
    if held:
        rows.add("scan")
    systems, releases = dict[str, str](), dict[str, str]()
    for one in held:
        system = ids.get(one.system.lower()) or systems.get(one.system)
        if system is None:
            system = systems[one.system] = rows.id_of(f"system-{slug(one.system)}")
            rows.add("system", system=system, name=_line(one.system))
        named = " ".join(filter(None, (one.package, one.version)))
        if named not in releases:
            releases[named] = rows.id_of(slug(named, "."))
            kind = "release" if one.version else "package"
            rows.add("release", release=releases[named], name=_line(named), kind=kind)
        names = {"system": system, "release": releases[named]}
        rows.add("finding", verdict=one.verdict, says=_line(one.says), **names)
    return rows.found


def slug(name: str, also: str = "") -> str:
    """A bare name for a row, made of a name as people write it; `also` names signs that stay.

    >>> slug("Société Générale / Labels (EU)"), slug("litellm-1.82.8", also=".")
    ('soci-t-g-n-rale-labels-eu', 'litellm-1.82.8')
    """
    found = re.sub(f"[^a-z0-9{re.escape(also)}]+", "-", name.lower())[:60]
    return found.strip("-.") or "unnamed"


def _line(text: str) -> str:
    """Text of a cell: one line, without what hides."""
    return shown(" ".join(plain(text).split()), 500)


def headings() -> dict[str, object]:
    """The column map of the template: field -> headings."""
    content, faults = folder.read_toml(template() / "case.toml")
    if faults:
        raise BadInput(faults)
    found = content.get("vendors")
    return dict(found) if isinstance(found, dict) else {}
