"""A scan as OpenVEX 0.2.0: for each system, what each advisory means for it, and why.

`no` is not_affected with its justification; what is exposed, or locked today, is affected; all else
is under_investigation, because nothing that was not settled is called not affected. Of a system in
which nothing was looked for nothing is stated.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from impact.stack.advisories import Packages, names_version
from impact.stack.findings import ABSENT, LOCKED_AFFECTED
from impact.stack.inventory import DATA, ECOSYSTEMS
from impact.stack.records import Affected
from impact.stack.verdicts import BUILT, EXPOSED, LIKELY, NO, NOT_LOOKED_FOR

_TYPES = {ecosystem: kind for kind, ecosystem in ECOSYSTEMS.items()}
Row = dict[str, Any]


def document(rows: pl.DataFrame, packages: Packages, at: datetime | None = None) -> Row:
    """The statements of a scan: one for each system and advisory, with the packages it names."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = rows.filter((pl.col("package") != "") & (pl.col("settle") != NOT_LOOKED_FOR))
    of = ("system", "ecosystem", "package")
    groups: dict[tuple[str, str], list[tuple[Affected, list[Row]]]] = defaultdict(list)
    for (system, ecosystem, package), found in (
        known.sort("file", maintain_order=True).partition_by(of, as_dict=True).items()
    ):
        for record in packages[ecosystem, package]:
            if not record.gone:
                groups[system, record.advisory].append((record, found.to_dicts()))
    statements = [
        _statement(system, name, every) | {"timestamp": moment}
        for (system, name), every in groups.items()
    ]
    content = json.dumps(statements, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": "breach-impact-kit",
        "timestamp": moment,
        "version": 1,
        "statements": statements,
    }


def _statement(system: str, name: str, every: list[tuple[Affected, list[Row]]]) -> Row:
    """What one advisory means for a system, over all packages that it names."""
    aliases = {alias for record, _ in every for alias in record.aliases} - {name}
    parts = dict.fromkeys(part for record, found in every for part in _parts(record, found))
    product = _known(f"pkg:generic/{quote(system, safe='')}")
    statement: Row = {
        "vulnerability": {"name": name, "aliases": sorted(aliases)},
        "products": [{**product, "subcomponents": [_known(part) for part in parts]}],
    }
    rows = [row for _, found in every for row in found]
    if all(row["verdict"] == NO for row in rows):
        absent = all(row["finding"] == ABSENT for row in rows)
        why = "component_not_present" if absent else "vulnerable_code_not_present"
        return {**statement, "status": "not_affected", "justification": why}
    mine = [row for row in rows if name in row["advisory"].split(", ")]
    bad = [row for row in mine if row["verdict"] in (EXPOSED, LIKELY) or _now(row)]
    bad += [row for row in rows if row["verdict"] == EXPOSED and not row["advisory"]]
    notes = dict.fromkeys(f"{row['file']}: {row['reason']}" for row in bad or mine or rows)
    statement["status_notes"] = "; ".join(notes)
    if not bad:
        return {**statement, "status": "under_investigation"}
    settle = bad[0]["settle"] or "Rebuild from a lock without it."
    action = f"Remove the version, rotate what it could reach. {settle}"
    return {**statement, "status": "affected", "action_statement": action}


def _parts(record: Affected, found: list[Row]) -> list[str]:
    """The package URLs of a package: with each version that the record names, else that is held."""
    base = record.ecosystem.partition(":")[0]
    name = quote(record.name.replace(":", "/"), safe="/")
    purl = f"pkg:{DATA['packages'].get(base) or _TYPES.get(base, 'generic')}/{name}"
    versions = sorted({v for row in found for v in row["version"].split(", ") if v})
    named = [version for version in versions if names_version(record, version)]
    return [f"{purl}@{quote(version, safe='')}" for version in named or versions] or [purl]


def _now(row: Row) -> bool:
    """Whether a file locks an affected version as it stands now, on its main line."""
    return row["states"][-1]["finding"] == LOCKED_AFFECTED and BUILT not in row["reason"]


def _known(purl: str) -> Row:
    return {"@id": purl, "identifiers": {"purl": purl}}
