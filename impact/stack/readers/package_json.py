"""package.json: what a JavaScript project asks for."""

from __future__ import annotations

import re
from typing import Any

from impact.stack import documents
from impact.stack.documents import Source, is_object
from impact.stack.inventory import (
    MANIFEST,
    NPM,
    Ask,
    Component,
    Inventory,
    Unread,
    artifact,
    canonical,
)

FORMAT = "package.json"
_GROUPS = {
    **{
        "dependencies": "dependencies",
        "devDependencies": "dev",
        "optionalDependencies": "optional",
    },
    "peerDependencies": "peer",
}
_LIMITS = ("overrides", "resolutions")
_OTHER = ('"lockfileVersion"', '"bomFormat"', '"spdxVersion"', '"_resolved"')  # other formats


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    if not is_object(text) or any(other in text for other in _OTHER):
        return False
    return re.search(rf'"(?:{"|".join(_GROUPS)})"\s*:\s*\{{', text) is not None


def read(source: Source) -> Inventory:
    """What the project asks for; `overrides` and `resolutions` stand in its place."""
    document = documents.shaped(documents.from_json(source), dict[str, Any], source.where)
    asks: list[Ask] = []
    unread: list[Unread] = []
    for group, scope in _GROUPS.items():
        wanted = document.get(group, {})
        if not isinstance(wanted, dict):
            unread.append(Unread(NPM, "", f"{group}: is no table"))
            continue
        for name, spec in wanted.items():
            found = asked(name, spec, scope)
            (asks if isinstance(found, Ask) else unread).append(found)  # type: ignore[arg-type]
    pnpm = document.get("pnpm")
    limits = {key: document.get(key) for key in _LIMITS}
    limits["pnpm.overrides"] = pnpm.get("overrides") if isinstance(pnpm, dict) else None
    for by, table in limits.items():
        for name, spec in (table if isinstance(table, dict) else {}).items():
            bare = name.removeprefix("**/")
            if isinstance(spec, dict) or ">" in bare or "@" in bare[1:]:
                last = bare.rpartition(">")[2]
                package = last[:1] + last[1:].partition("@")[0]
                held = [package, *(spec if isinstance(spec, dict) else ())]
                why = f"{by}: what holds for it depends on who asks"
                unread += [Unread(NPM, canonical(NPM, one[:200]), why) for one in held]
                continue
            found = asked(bare, spec, "")
            if isinstance(found, Ask):
                asks.append(found._replace(limit="override", by=by))
            else:
                unread.append(found)
    name = str(document.get("name") or "")
    root = [Component(".", NPM, canonical(NPM, name), "")] if name else []
    return Inventory(
        FORMAT, MANIFEST, (NPM,), root, roots=[part.key for part in root], asks=asks, unread=unread
    )


def asked(name: str, spec: object, scope: str) -> Ask | Unread:
    """A requirement of npm, or why it cannot be evaluated."""
    if not isinstance(spec, str):
        return Unread(NPM, canonical(NPM, name), f"{name}: is no text")
    alias = re.fullmatch(r"npm:(@?[^@]+)(?:@(.*))?", spec)
    if alias:
        name, spec = alias[1], alias[2] or "*"
    if ":" in spec or "/" in spec:
        package, version = artifact(NPM, spec)
        if package:
            return Ask(NPM, package, version, scope)
        if spec.startswith("catalog:"):
            return Unread(NPM, canonical(NPM, name), f"{name}: is set by a catalog")
        own = spec.startswith(("workspace:", "link:", "file:", "portal:"))
        why = "is a folder of the project" if own else "comes from an address"
        # What lies at an address has a name of its own, which may be any.
        return Unread(NPM, canonical(NPM, name) if own else "", f"{name[:80]}: {why}")
    return Ask(NPM, canonical(NPM, name), spec.strip() or "*", scope)
