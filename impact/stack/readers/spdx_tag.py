"""SPDX 2.x in tag-value form: packages, their package URLs, and relationships."""

from __future__ import annotations

import re
from collections.abc import Iterator

from impact.errors import bad
from impact.stack.documents import Source, Wrong
from impact.stack.inventory import Inventory
from impact.stack.readers.spdx_json import bill
from impact.stack.readers.spdx_json import purl as purl_of

FORMAT = "SPDX tag-value"
_TAG = re.compile(r"([A-Za-z0-9]+):[ \t]*(.*)")


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    return re.search(r"(?m)^SPDXVersion:[ \t]*SPDX-2", text[:10_000]) is not None


def read(source: Source) -> Inventory:
    """What the document holds; what it describes are its roots."""
    packages: list[dict[str, str]] = []
    relations: list[tuple[str, str, str]] = []
    wrong: list[Wrong] = []
    own: dict[str, str] = {}  # the package that tags belong to; files and snippets end it
    for line, tag, value in _tags(source):
        if tag == "PackageName":
            own = {"name": value, "line": str(line)}
            packages.append(own)
        elif tag in ("FileName", "SnippetSPDXID"):
            own = {}
        elif tag == "Relationship":
            parts = value.split()
            if len(parts) == 3:
                relations.append((parts[0], parts[1], parts[2]))
            else:
                wrong.append(Wrong("-", f"line {line}: is no relationship"))
        elif tag == "ExternalRef" and (told := purl_of(*(value.split()[-2:]))):
            own["purl"] = f"{own.get('purl', '')} {told}".strip()
        else:
            own.setdefault(tag, value)
    read: list[tuple[str, str, str, str]] = []
    for package in packages:
        if "SPDXID" in package:
            version, purls = package.get("PackageVersion", ""), package.get("purl", "").split()
            read += [
                (package["SPDXID"], package["name"], version, purl)
                for purl in dict.fromkeys(purls or [""])
            ]
        else:
            wrong.append(
                Wrong(
                    "" if "purl" in package else package["name"],
                    f"line {package['line']}: a package without SPDXID",
                )
            )
    return bill(FORMAT, read, relations, wrong, ())


def _tags(source: Source) -> Iterator[tuple[int, str, str]]:
    """(line, tag, value); a value in <text> may take several lines."""
    lines = iter(enumerate(source.text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        found = _TAG.fullmatch(line.strip())
        if not found:
            raise bad(f"{source.where}:{number}", "is no `Tag: value`", "get the whole file again")
        tag, value = found[1], found[2]
        if value.startswith("<text>"):
            told = [value]
            while "</text>" not in told[-1]:
                more = next(lines, None)
                if more is None:
                    raise bad(f"{source.where}:{number}", "<text> does not end", "get it again")
                told.append(more[1])
            value = "\n".join(told)
        yield number, tag, value.strip()
