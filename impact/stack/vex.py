"""A scan as OpenVEX 0.2.0: for each system, what an advisory means for it, and why.

`no` is not_affected with its justification; what is exposed or locked is affected; all else is
under_investigation, because nothing that was not settled is called not affected.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from impact.stack.findings import ABSENT, LOCKED_AFFECTED
from impact.stack.inventory import ECOSYSTEMS
from impact.stack.verdicts import EXPOSED, NO

CONTEXT = "https://openvex.dev/ns/v0.2.0"
_TYPES = {ecosystem: kind for kind, ecosystem in ECOSYSTEMS.items()}


def document(rows: pl.DataFrame, at: datetime | None = None) -> dict[str, Any]:
    """The statements of a scan: one for each system, package and advisory that names it."""
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    statements = []
    every = rows.filter(pl.col("package") != "")
    for (system, ecosystem, package), found in every.sort("file").group_by(
        ["system", "ecosystem", "package"], maintain_order=True
    ):
        statement = _statement(str(system), str(ecosystem), str(package), found)
        statements.append(statement | {"timestamp": moment})
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


def text(rows: pl.DataFrame, at: datetime | None = None) -> str:
    """The document as JSON."""
    return json.dumps(document(rows, at), indent=1, ensure_ascii=False) + "\n"


def _statement(system: str, ecosystem: str, package: str, found: pl.DataFrame) -> dict[str, Any]:
    ids = sorted({name for text in found["advisory"] for name in text.split(", ") if name})
    kind = _TYPES.get(ecosystem, "generic")
    versions = sorted({v for text in found["version"] for v in text.split(", ") if v})
    purl = f"pkg:{kind}/{quote(package, safe='/')}"
    parts = [{"@id": f"{purl}@{quote(version, safe='')}"} for version in versions]
    name = ids[0] if ids else f"advisories on {package}"
    product = {"@id": f"pkg:generic/{quote(system, safe='')}"}
    statement: dict[str, Any] = {
        "vulnerability": {
            "name": name,
            "aliases": ids[1:],
        },
        "products": [{**product, "subcomponents": parts or [{"@id": purl}]}],
    }
    said = "; ".join(dict.fromkeys(f"{row['file']}: {row['reason']}" for row in found.to_dicts()))
    if (found["verdict"] == NO).all():
        absent = (found["finding"] == ABSENT).all()
        why = "component_not_present" if absent else "vulnerable_code_not_present"
        return statement | {"status": "not_affected", "justification": why}
    affected = (pl.col("finding") == LOCKED_AFFECTED) | (pl.col("verdict") == EXPOSED)
    if found.filter(affected).height:
        settle = found.filter(affected)["settle"][0] or "Rebuild from a lock without it."
        return statement | {
            "status": "affected",
            "action_statement": f"Remove the version, rotate what it could reach. {settle}",
            "status_notes": said,
        }
    return statement | {"status": "under_investigation", "status_notes": said}
