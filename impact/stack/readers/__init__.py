"""A file into an `Inventory`: its own keys or its name say which format it has (formats.toml)."""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from pkgutil import resolve_name

import msgspec

from impact.base.errors import bad
from impact.stack.documents import Source
from impact.stack.inventory import Inventory, Unread, ask_inventory, declared, names_in
from impact.stack.readers import locks, requirements

_WRITTEN = ("locks.", "javascript.")  # by tools, which end the last line
_MERGE = "<<<<<<< "  # begins a line of a merge that is not done
_JSON = re.compile(r"""\s*(?:$|\{|\[[\s\[]*[]{"\d-])""")  # [[package]] begins a table of TOML


class Format(msgspec.Struct, frozen=True):
    """A format of files, as formats.toml has it."""

    name: str
    read: str = ""
    holds: tuple[str, ...] = ()
    called: str = ""
    loose: bool = False
    newer: str = ""  # what versions that are not read show in their head
    lock: dict[str, str] = {}  # of one that lists its packages, see the head of formats.toml


TABLE = declared("formats.toml")
FORMATS = msgspec.convert(TABLE["format"], tuple[Format, ...])
_CALLED = re.compile("|".join(f"(?:{one.called})" for one in FORMATS if one.called))


def promised(path: str) -> bool:
    """Whether the name of a file says that packages are named in it."""
    return bool(_CALLED.search(path))


def format_of(text: str, where: str = "") -> Format | None:
    """The format of a text: of those that it is called, then of all, the first that it holds.

    A name alone is enough where a format has no keys of its own; a list of requirements is one by
    most of its lines.
    """
    mine = [one for one in FORMATS if one.called and re.search(one.called, where)]
    alone = [one for one in mine if one.loose and not one.holds]
    # The name of a lock says which format it is.
    strict = any(one.read.startswith(_WRITTEN) and not one.loose for one in mine)
    for one in (*alone, *mine, *(() if strict else FORMATS)):
        if one in alone or (one.holds and all(re.search(part, text) for part in one.holds)):
            return one
    if not mine and requirements.is_list(text):
        return FORMATS[-1]
    return next((one for one in mine if one.loose), None)


def read(source: Source) -> Inventory:
    """What a file says; raises BadInput where it is of no format that is read."""
    found = format_of(source.text, source.where)
    if found is None:
        what, repair = "is no lock, manifest or SBOM that is known", "see `impact scan`"
        if promised(source.where):
            what, repair = "has the name of a lock and none of its keys", "get the whole file again"
        raise bad(source.where, what, repair)
    newer = bool(found.newer and re.search(found.newer, source.text[:5000]))
    if newer or not found.read:
        what = f"{'this version of ' if newer else ''}{found.name} is not read"
        raise bad(source.where, what, "give a lock or an SBOM that is")
    if source.text.startswith(_MERGE) or f"\n{_MERGE}" in source.text:
        raise bad(source.where, "holds the marks of a merge that is not done", "merge it first")
    collecting = gc.isenabled()
    gc.disable()  # what is read holds no cycles, and looking for them takes a quarter of the time
    try:
        if found.read in TABLE["remarks"]:  # names are looked for, and nothing is understood
            made = ask_inventory((), mentions=names_in(source.text, TABLE["remarks"][found.read]))
        else:
            reader = resolve_name(f"{__name__}.{found.read}")
            made = locks.lock(reader, source, **found.lock) if found.lock else reader(source)
    finally:
        if collecting:
            gc.enable()
    open_ = source.text[-1:] != "\n" and not _JSON.match(source.text)
    if open_ and found.read.startswith(_WRITTEN):
        made.unread.append(Unread("its last line does not end: it was cut off"))
    return replace(made, format=found.name)
