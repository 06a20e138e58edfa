"""What a report was made with: the kit's own files and the libraries that it stands on."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from impact.case.folder import HOME, REFERENCE

KIT = "breach-impact-kit"
_FILES = (".py", ".j2", ".html", ".css", ".js", ".toml", ".csv")


def kit_version() -> str:
    """The version of the kit."""
    return metadata.version(KIT)


def sha256(content: str | bytes) -> str:
    """SHA-256 of a text or of the content of a file, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


@cache
def kit_digest() -> str:
    """SHA-256 over the sources and the reference data of the kit, by name; not over its cases."""
    home, sha = Path(__file__).resolve().parents[1], hashlib.sha256(kit_version().encode())
    own = (path for path in sorted(home.rglob("*")) if not path.is_relative_to(HOME / "data"))
    for path in (*own, *sorted(REFERENCE.glob("*.csv"))):
        if path.suffix in _FILES:
            sha.update(path.name.encode() + path.read_bytes())
    return sha.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Version of Python, and of each library that the kit needs, as installed, by name."""
    found = dict[str, str]()
    waiting = [KIT]
    while waiting:
        name = waiting.pop()
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # needed elsewhere: on another platform, or by an extra
        found[name] = about["Version"]
        for needed in map(Requirement, about.get_all("Requires-Dist") or ()):
            library = canonicalize_name(needed.name)
            wanted = needed.marker is None or needed.marker.evaluate({"extra": ""})
            if wanted and library not in found:
                waiting.append(library)
    found["python"] = platform.python_version()
    del found[KIT]
    return dict(sorted(found.items()))


def made_with() -> dict[str, str]:
    """The version of every library and the digest of the kit itself: equal where reports are."""
    return {**versions(), KIT: kit_digest()}
