"""A file into an `Inventory`, found by what it holds and not by its name.

A reader is a module with `FORMAT`, `looks(text)` and `read(source)`, and a line in READERS.
"""

from __future__ import annotations

import gc
import re
from typing import Protocol

from impact.errors import bad
from impact.stack.documents import Source
from impact.stack.inventory import Inventory
from impact.stack.readers import (
    cyclonedx_json,
    cyclonedx_xml,
    environment_yml,
    package_json,
    package_lock,
    pdm_lock,
    pipfile_lock,
    pnpm_lock,
    poetry_lock,
    pylock,
    pyproject,
    requirements,
    spdx_json,
    spdx_tag,
    spdx_yaml,
    uv_lock,
    yarn_berry,
    yarn_classic,
)


class Reader(Protocol):
    """What a reader is: a module of this folder."""

    FORMAT: str

    def looks(self, text: str) -> bool:
        """Whether a text is of its format."""

    def read(self, source: Source) -> Inventory:
        """What it says; raises BadInput where it cannot be read."""


READERS: tuple[Reader, ...] = (
    cyclonedx_json,
    cyclonedx_xml,
    spdx_json,
    spdx_tag,
    spdx_yaml,
    package_lock,
    pipfile_lock,
    package_json,
    yarn_classic,
    yarn_berry,
    pnpm_lock,
    environment_yml,
    poetry_lock,
    pdm_lock,
    uv_lock,
    pylock,
    pyproject,
    requirements,
)
# Formats that are recognised and have no reader: their files are named and not evaluated.
NOT_READ = {
    "SPDX 3": r'"@context"[^{]*spdx\.org/rdf/3|"spdxVersion"\s*:\s*"SPDX-3',
    "SPDX XML": r"<spdxVersion>\s*SPDX-",
    "SPDX RDF": r"http://spdx\.org/rdf/terms",
    "SPDX of another version": r'(?m)"spdxVersion"\s*:|^(?:SPDXVersion|spdxVersion):',
    "CycloneDX of another form": r'"\$schema"\s*:\s*"[^"]*cyclonedx|urn:cdx:',
    "Syft JSON": r'"schema"\s*:\s*\{[^}]*anchore/syft',
    "SWID tag": r"(?s)<SoftwareIdentity\b",
    "bun.lock": r'(?s)\A\s*\{\s*"lockfileVersion"[^{]*"workspaces"',
    "deno.lock": r'(?s)\A\s*\{\s*"version"\s*:\s*"\d"[^\0]*"(?:npm|jsr|specifiers)"\s*:',
    "Cargo.lock": r'(?s)\[\[package\]\].*(?:checksum = "|registry\+|^version = [34]$)',
    "Cargo.toml": r"(?m)^\[package\]\s*$",
    "Pipfile": r"(?m)^\[packages\]\s*$",
    "conda-lock.yml": r"(?m)^metadata:[ \t]*\n(?:.*\n){0,40}?  (?:content_hash|channels):",
    "conda explicit list": r"(?m)^@EXPLICIT\s*$",
    "go.sum": r"\A\S+ v\S+ h1:\S+=",
    "go.mod": r"(?m)^module \S+[ \t]*$",
    "Gemfile.lock": r"(?m)^GEM\n  remote: ",
    "Gemfile": r"""(?m)^[ \t]*gem ['"]""",
    "composer.lock": r'"_readme"\s*:[^]]*composer',
    "composer.json": r'"require"\s*:\s*\{[^}]*"php"',
    "pom.xml": r"<project\b[^>]*maven\.apache\.org/POM",
    "gradle.lockfile": r"# This is a Gradle generated file for dependency locking",
    "packages.lock.json": r'"dependencies"\s*:\s*\{\s*"(?:net|\.NET)[^"]*"',
    "mix.lock": r'(?m)\A%\{\s*$|^  "\w+": \{:hex,',
    "pubspec.lock": r"(?m)^packages:\n  \w+:\n    dependency:",
    "setup.py": r"(?m)^[ \t]*(?:setuptools\.)?setup\(",
    "setup.cfg": r"(?m)^\[options\]\s*$",
}
_UNREAD = {name: re.compile(pattern) for name, pattern in NOT_READ.items()}
_HEAD = 20_000
_CALLED = re.compile(r"(?i)(?:requirements|constraints)[^/\\]*\.(?:txt|in)$")


def format_of(text: str, where: str = "") -> Reader | str | None:
    """The reader of a text, the name of its format where it has none, or None: neither.

    A list of bare names could be anything; it is one of requirements where the file is called so.
    """
    for reader in READERS:
        if reader.looks(text):
            return reader
    head = text[:_HEAD]
    found = next((name for name, pattern in _UNREAD.items() if pattern.search(head)), None)
    if found is None and _CALLED.search(where) and requirements.is_list(text):
        return requirements
    return found


def read(source: Source) -> Inventory:
    """What a file says; raises BadInput where it is of no format that is read."""
    found = format_of(source.text, source.where)
    if found is None:
        raise bad(source.where, "is no lock, manifest or SBOM that is known", "see `impact scan`")
    if isinstance(found, str):
        raise bad(source.where, f"{found} is not read", "give a lock or an SBOM that is")
    collecting = gc.isenabled()
    gc.disable()  # what is read holds no cycles, and looking for them takes a quarter of the time
    try:
        return found.read(source)
    finally:
        if collecting:
            gc.enable()
