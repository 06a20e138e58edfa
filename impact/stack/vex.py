"""A scan as OpenVEX 0.2.0: for each system, what each advisory means for it, and why.

`no` is not_affected with its justification; what is exposed, or locked today, is affected; all else
is under_investigation, because nothing that was not settled is called not affected. Of a system in
which nothing was looked for nothing is stated.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from impact.stack.advisories import Packages, names_version
from impact.stack.findings import ABSENT, LOCKED_AFFECTED
from impact.stack.inventory import ECOSYSTEMS
from impact.stack.records import Affected
from impact.stack.verdicts import EXPOSED, LIKELY, NO, NOT_LOOKED_FOR

CONTEXT = "https://openvex.dev/ns/v0.2.0"
_TYPES = {ecosystem: kind for kind, ecosystem in ECOSYSTEMS.items()}
Row = dict[str, Any]


def document(rows: pl.DataFrame, packages: Packages, at: datetime | None = None) -> Row:
    """The statements of a scan: one for each system, package and advisory that names it."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows.filter(pl.col("package") != "").sort("file").iter_rows(named=True):
        groups.setdefault((row["system"], row["ecosystem"], row["package"]), []).append(row)
    statements = []
    for (system, *package), found in groups.items():
        records: dict[str, list[Affected]] = {}
        for record in packages[package[0], package[1]]:
            records.setdefault(record.advisory, []).append(record)
        if all(row["settle"] == NOT_LOOKED_FOR for row in found):
            continue
        for every in records.values():
            if not every[0].gone:
                told = _statement(system, every, found)
                statements.append(told | {"timestamp": moment})
    content = json.dumps(statements, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {
        "@context": CONTEXT,
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": "breach-impact-kit",
        "timestamp": moment,
        "version": 1,
        "statements": statements,
    }


def text(rows: pl.DataFrame, packages: Packages, at: datetime | None = None) -> str:
    """The document as JSON."""
    return json.dumps(document(rows, packages, at), indent=1, ensure_ascii=False) + "\n"


def _statement(system: str, records: list[Affected], found: list[Row]) -> Row:
    """What one advisory, which may have several records of a package, means for a system."""
    name = records[0].advisory
    mine = [row for row in found if name in row["advisory"].split(", ")]
    versions = sorted({v for row in mine or found for v in row["version"].split(", ") if v})
    named = [v for v in versions if any(names_version(one, v) for one in records)]
    kind = _TYPES.get(records[0].ecosystem, "generic")
    purl = f"pkg:{kind}/{quote(records[0].name.replace(':', '/'), safe='/')}"
    parts = [f"{purl}@{quote(version, safe='')}" for version in named or versions] or [purl]
    aliases = {alias for one in records for alias in one.aliases} - {name}
    product = _known(f"pkg:generic/{quote(system, safe='')}")
    statement = {
        "vulnerability": {"name": name, "aliases": sorted(aliases)},
        "products": [{**product, "subcomponents": [_known(part) for part in parts]}],
    }
    if all(row["verdict"] == NO for row in found if row["settle"] != NOT_LOOKED_FOR):
        absent = all(row["finding"] == ABSENT for row in found)
        why = "component_not_present" if absent else "vulnerable_code_not_present"
        return {**statement, "status": "not_affected", "justification": why}
    bad = [row for row in mine if row["verdict"] in (EXPOSED, LIKELY) or _now(row)]
    shown = dict.fromkeys(f"{row['file']}: {row['reason']}" for row in bad or mine or found)
    said = {**statement, "status_notes": "; ".join(shown)}
    if not bad:
        return {**said, "status": "under_investigation"}
    settle = bad[0]["settle"] or "Rebuild from a lock without it."
    action = f"Remove the version, rotate what it could reach. {settle}"
    return {**said, "status": "affected", "action_statement": action}


def _now(row: Row) -> bool:
    """Whether a file locks an affected version as it stands now, on its main line."""
    return bool(row["states"]) and row["states"][-1]["finding"] == LOCKED_AFFECTED


def _known(purl: str) -> Row:
    return {"@id": purl, "identifiers": {"purl": purl}}
