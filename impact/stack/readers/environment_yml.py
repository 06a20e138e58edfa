"""environment.yml of conda: packages of its channels, and what pip installs beside them."""

from __future__ import annotations

import re
from typing import Any

from impact.stack import documents
from impact.stack.asking import asked
from impact.stack.documents import Source, has_line
from impact.stack.inventory import MANIFEST, PYPI, Ask, Inventory, Unread, canonical

FORMAT = "environment.yml"
CONDA = "conda"
_SPEC = re.compile(r"(?:[\w./-]+::)?([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([<>=!~].*)?")


def looks(text: str) -> bool:
    """Whether a text is such a file."""
    named = has_line(text, "channels:", "name:", "prefix:") and has_line(text, "dependencies:")
    return named and re.search(r"(?m)^dependencies:\s*$", text) is not None


def read(source: Source) -> Inventory:
    """What the environment asks for. A package of conda is not the one of that name on PyPI."""
    document = documents.shaped(documents.from_yaml(source), dict[str, Any], source.where)
    asks: list[Ask] = []
    unread: list[Unread] = []
    needs = document.get("dependencies") or []
    for index, need in enumerate(needs if isinstance(needs, list) else [needs]):
        where = f"dependencies[{index}]"
        pip = need.get("pip") if isinstance(need, dict) and set(need) == {"pip"} else None
        texts = pip if isinstance(pip, list) else [need]
        for text in texts:
            if not isinstance(text, str):
                unread.append(Unread("", "", f"{where}: is neither text nor pip"))
            elif pip is None:
                _sort(_conda(text, where), asks, unread)
            elif text.startswith("-"):
                unread.append(Unread(PYPI, "", f'{where}: "{text[:60]}" is not read here'))
            else:
                _sort(asked(text), asks, unread)
    return Inventory(FORMAT, MANIFEST, (PYPI, CONDA), asks=asks, unread=unread)


def _sort(found: Ask | Unread, asks: list[Ask], unread: list[Unread]) -> None:
    if isinstance(found, Ask):
        asks.append(found)
    else:
        unread.append(found)


def _conda(text: str, where: str) -> Ask | Unread:
    """A match specification of conda: `litellm`, `litellm=1.82`, `channel::litellm>=1.80`."""
    found = _SPEC.fullmatch(text.strip())
    if not found:
        return Unread(CONDA, "", f'{where}: "{text[:60]}" is no requirement of conda')
    spec = re.sub(r"\s", "", found[2] or "")
    single = re.fullmatch(r"=([\w.]+)(?:=[\w*]+)?", spec)  # one = admits what starts so
    double = re.fullmatch(r"==([\w.]+)(?:=[\w*]+)?", spec)  # with or without a build
    spec = f"=={single[1]}.*" if single else f"=={double[1]}" if double else spec
    return Ask(CONDA, canonical(PYPI, found[1]), spec)
