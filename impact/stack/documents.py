"""Foreign JSON, TOML, YAML and XML as plain data; hostile documents are refused.

All scalars of YAML and XML stay text (`1.10`, `no`, `010`). A document that is cut off, nested
too deeply, names a key twice or refers to itself raises BadInput that says where.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from xml.etree.ElementTree import Element, ParseError

import msgspec

from impact.base import texts
from impact.base.errors import BadInput, bad
from impact.base.words import uncapital

DEEPEST = 200  # levels of nesting; real files have fewer than 30
MOST_NODES = 1_000_000  # of a YAML document once its aliases are followed
_RENAMES = {"purl", "group", "package", "externalRefs"}  # fields that can give another name
_WHOLE = "get the whole file again from where it was made"
_FLAT = "this is no file that a tool would write"
_FORMATS = {"bomFormat", "spdxVersion", "lockfileVersion"}  # keys that tell what a file is
T = TypeVar("T")
Table = dict[str, Any]


def _alone(name: str) -> str:
    raise bad(name, "is not read", "give the folder that holds it")


@dataclass(frozen=True)
class Source:
    """The text of a file, its place, and a function that reads a file beside it.

    `beside` takes a path relative to the file and raises BadInput where it leads nowhere.
    """

    text: str = field(repr=False)
    where: str
    beside: Callable[[str], str] = field(default=_alone, repr=False, compare=False)


def _broken(where: str, form: str, error: Exception) -> BadInput:
    """What a parser says of a text that it cannot read, the place in it among that."""
    said = " ".join(str(error).replace(' in "<unicode string>",', ":").split())[:200]
    if isinstance(error, RecursionError) or "recurs" in said:
        said = "nested too deeply"
    return bad(where, f"cannot be read as {form} ({said})", _WHOLE)


def from_json(source: Source) -> object:
    """The data of a JSON text; a duplicate key in one object is an error."""
    where, text = source.where, source.text

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise bad(where, f'the key "{twice[:60]}" stands twice in one object', "keep one")
        return found

    try:
        data = texts.from_json(text, object_pairs_hook=unique)
        if re.search(r"\\u[dD][89a-fA-F]", text):
            json.dumps(data, ensure_ascii=False).encode()  # raises where one is not half of a pair
    except (RecursionError, ValueError) as error:  # or NaN, 1e999, thousands of digits, half a sign
        raise _broken(where, "JSON", error) from None
    if isinstance(data, dict) and len(both := sorted(_FORMATS & data.keys())) > 1:
        raise bad(where, f"has keys of two formats ({', '.join(both)})", _WHOLE)
    return data


def from_toml(source: Source) -> Table:
    """The data of a TOML text.

    By rtoml, which reads a lock of half a megabyte in 5 ms; tomllib takes ten times as long, and
    minutes for a key of very many dotted parts.
    """
    import rtoml

    try:
        return rtoml.loads(source.text)
    except rtoml.TomlParsingError as error:
        raise _broken(source.where, "TOML", error) from None


def json_table(source: Source) -> Table:
    """The data of a JSON text that is an object; raises BadInput for any other."""
    return shaped(from_json(source), Table, source.where)


def from_yaml(source: Source) -> object:
    """The data of a YAML text of one document, with every scalar as it is written."""
    found = from_yamls(source)
    if len(found) > 1:
        raise bad(source.where, "holds more than one document", "split it")
    return found[0] if found else None


def from_yamls(source: Source) -> list[Any]:
    """The data of each document of a YAML text.

    It is built from the events of the parser: composing a tree of nodes, as the library does,
    calls itself for each level and ends the process where there are very many.
    """
    import yaml

    where = source.where
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _built(yaml.parse(source.text, Loader=loader), where)
    except (yaml.YAMLError, ValueError) as error:
        raise _broken(where, "YAML", error) from None


@dataclass
class _Open:
    """A sequence or mapping of YAML that is not complete, and its number of nodes."""

    data: Any
    anchor: str | None = None
    key: str | None = None
    nodes: int = 1

    def add(self, value: object, nodes: int, place: str) -> None:
        """Take a value of so many nodes as the next key, its value, or the next item."""
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise bad(place, f"stands for more than {MOST_NODES:,} nodes", _FLAT)
        if isinstance(self.data, list):
            self.data.append(value)
        elif self.key is not None:
            self.data[self.key], self.key = value, None
        elif not isinstance(value, str):
            raise bad(place, "a key is no text", _FLAT)
        elif value in self.data:
            raise bad(place, f'the key "{value[:60]}" stands twice', "keep one")
        else:
            self.key = value


def _built(events: Iterable[Any], where: str) -> list[Any]:
    """The documents of YAML events; an alias repeats its data and counts again."""
    documents: list[Any] = []
    open_ = [_Open(documents)]
    known: dict[str, tuple[object, int]] = {}
    for event in events:
        kind, place = type(event).__name__, f"{where}:{event.start_mark.line + 1}"
        anchor = getattr(event, "anchor", None)
        if kind in ("SequenceStartEvent", "MappingStartEvent"):
            if len(open_) > DEEPEST:
                raise bad(place, "is nested too deeply", _FLAT)
            open_.append(_Open([] if kind[0] == "S" else {}, anchor))
            continue
        if kind in ("SequenceEndEvent", "MappingEndEvent"):
            done = open_.pop()
            value, nodes, anchor = done.data, done.nodes, done.anchor
        elif kind == "ScalarEvent":
            value, nodes = event.value, 1
        elif kind != "AliasEvent":
            continue
        elif any(one.anchor == anchor for one in open_):
            raise bad(place, "an alias stands for what holds it", _FLAT)
        elif anchor not in known:
            raise bad(place, f"*{anchor} stands for nothing", _WHOLE)
        else:
            value, nodes = known[anchor]
        if anchor:
            known[anchor] = value, nodes
        open_[-1].add(value, nodes, place)
    return documents


def from_xml(source: Source) -> Element:
    """The root of an XML text without a document type: no entity is ever looked up."""
    import defusedxml.ElementTree

    where, depth, data = source.where, 0, io.BytesIO(source.text.encode())
    events = ("start", "end")
    found = defusedxml.ElementTree.iterparse(data, events=events, forbid_dtd=True)
    try:
        for event, _ in found:
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise bad(where, "is nested too deeply", _FLAT)
        root: Element = found.root
        return root
    except defusedxml.DTDForbidden:
        raise bad(where, "holds a document type, which is not read", _WHOLE) from None
    except (ParseError, LookupError, ValueError) as error:  # or what else is forbidden in it
        raise _broken(where, "XML", error) from None


def shaped(data: object, kind: type[T], where: str) -> T:
    """Data converted to a declared type; raises BadInput with the JSON path of a mismatch.

    >>> shaped({"a": "1"}, dict[str, str], "file")
    {'a': '1'}
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        place = path.strip("`") or "$"
        raise bad(f"{where} {place}", uncapital(what), _WHOLE) from None


def table(value: object) -> Table:
    """The value if it is a table, else an empty table."""
    return value if isinstance(value, dict) else {}


def walk(data: object) -> Iterator[tuple[str, str, Any]]:
    """(path, key, value) of every value of a document, from the top down."""
    below: list[tuple[str, str, object]] = [("", "", data)]
    while below:
        path, key, value = below.pop()
        yield path, key, value
        if isinstance(value, dict):
            inner = reversed(value.items())
            below += [(f"{path}.{name}".lstrip("."), name, one) for name, one in inner]
        elif isinstance(value, list):
            below += [(f"{path}[{at}]", key, one) for at, one in [*enumerate(value)][::-1]]


def at(data: object, path: str) -> Any:
    """The value at a dotted path of keys; None where there is none."""
    for step in path.split("."):
        data = data.get(step) if isinstance(data, dict) else None
    return data


def word(data: object, path: str) -> str:
    """The text or number at a dotted path, as text; empty where there is none."""
    found = at(data, path)
    return str(found).strip() if isinstance(found, str | int | float) else ""


def rows(data: object, path: str) -> list[Table]:
    """The tables in the list at a dotted path; any other item gives an empty table."""
    return [table(one) for one in listed(at(data, path))]


def listed(value: object) -> list[Any]:
    """The value if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


class Wrong(NamedTuple):
    """An item of a list that does not have the declared form: its name if known, and why."""

    name: str
    why: str


def each(items: Sequence[object], kind: type[T], where: str) -> tuple[list[T], list[Wrong]]:
    """(values, wrong): the items of a list that have the declared form, and those that do not."""
    values, wrong = [], []
    for index, item in enumerate(items):
        try:
            values.append(msgspec.convert(item, kind))
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at `$")
            # An item that another of its fields can rename could be any package.
            name = "" if _RENAMES & table(item).keys() else table(item).get("name")
            why = f"{where}[{index}]{path.rstrip('`')}: {uncapital(what)}"
            wrong.append(Wrong(name if isinstance(name, str) else "", why))
    return values, wrong


def each_named(items: Table, kind: type[T], where: str) -> tuple[dict[str, T], list[str]]:
    """(values by name, why not): the values of a table that have the declared form."""
    found: dict[str, T] = {}
    lost: list[str] = []
    for name, item in items.items():
        values, wrong = each([item], kind, f"{where} {name}")
        found.update((name, value) for value in values)
        lost += [one.why for one in wrong]
    return found, lost
