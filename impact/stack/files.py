"""Folders and files into sources that may hold a lock, a manifest or an SBOM."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from posixpath import dirname, join, normpath

from impact.base.errors import BadInput, Fault, bad
from impact.base.texts import decoded
from impact.stack import readers
from impact.stack.documents import Source

MOST_BYTES = 64 << 20
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SKIPPED = {  # folders of what is installed, built or recorded; the locks that led there are read
    *(".git", ".hg", ".svn", "node_modules", "site-packages", "__pycache__", ".tox", ".nox"),
    *(".venv", "venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints"),
}
_OTHER = re.compile(  # endings of what is never one, so that a walk need not open it
    r"\.(?:py[cdox]?|pyi|js|mjs|cjs|jsx|tsx?|vue|svelte|css|scss|less|html?|md|mdx|rst|adoc|tex|ipynb"
    r"|c|cc|cpp|cxx|h|hpp|go|rs|java|kt|kts|scala|rb|php|swift|cs|fs|lua|pl|ps1|bat|sql|proto"
    r"|png|jpe?g|gif|svg|ico|webp|bmp|pdf|docx?|xlsx?|pptx?|mp[34]|wav|ogg|mov|woff2?|ttf|otf|eot"
    r"|zip|gz|tgz|bz2|xz|zst|tar|7z|whl|egg|jar|so|dll|dylib|exe|bin|dat|db|sqlite3?|parquet|arrow"
    r"|npy|npz|pt|onnx|safetensors|pickle|pkl|map|snap|csv|tsv|jsonl|ndjson|log|patch|diff|po|mo)$",
    re.IGNORECASE,
)
_SCRIPT = b"# /// script"  # what a script in Python says where it names packages (PEP 723)


@dataclass(frozen=True)
class Found:
    """A file of a scan: as it was named, the system that it belongs to, and its text or a fault.

    `path` is where it lies; None where it is held by a case. `folder` is the scanned folder that it
    was found in; None where it was named itself.
    """

    path: Path | None
    where: str
    system: str
    source: Source | Fault
    folder: Path | None = None


def found(
    paths: Sequence[Path], skipped: Callable[[Path], None] = lambda path: None
) -> Iterator[Found]:
    """Every file of some files and folders that is, or should be, of a known format, in order.

    A file that is named itself is always given; in folders, what promises nothing and holds
    nothing known is left out. `skipped` is called with each folder that is not entered. What is
    named twice is given once.
    """
    seen: set[str] = set()
    for path in paths:
        inside = path.is_dir()
        for file in _walk(path, skipped) if inside else [path]:
            place = str(file.absolute())
            one = (
                None
                if place in seen
                else _looked_at(file, path if inside else path.parent, not inside)
            )
            seen.add(place)
            if one is not None:
                yield replace(one, folder=path) if inside else one


def repositories(paths: Iterable[Path]) -> Iterator[Path]:
    """The repositories of git in some folders, a bare one too, and the one that each lies in."""
    for path in paths:
        if not path.is_dir():
            continue
        above = next((up for up in path.absolute().parents if (up / ".git").exists()), None)
        if above is not None:
            yield above
        for folder, inner, names in os.walk(path):
            if is_bare(Path(folder)) or ".git" in (*inner, *names):
                yield Path(folder)
            inner[:] = [] if is_bare(Path(folder)) else sorted(set(inner) - SKIPPED)


def is_bare(folder: Path) -> bool:
    """Whether a folder is a repository of git without files of its own."""
    return all((folder / name).exists() for name in ("HEAD", "objects", "refs"))


def held(contents: Mapping[str, bytes]) -> Iterator[Found]:
    """The files that a case holds, by name: the first folder of a name is its system."""
    for name, data in sorted(contents.items()):
        system = name.partition("/")[0]
        try:
            source: Source | Fault = Source(
                text_of(data, name), name, partial(_held, contents, name)
            )
        except BadInput as error:
            source = error.faults[0]
        yield Found(None, name, system, source)


def _held(contents: Mapping[str, bytes], name: str, other: str) -> str:
    """The text of a file that a case holds beside another."""
    path = normpath(join(dirname(name), other))
    if path not in contents:
        raise bad(f"{name}: {other}", "is not held beside it", "add it to the case")
    return text_of(contents[path], path)


def _walk(root: Path, skipped: Callable[[Path], None]) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        if is_bare(Path(folder)):
            inner.clear()
            continue
        inner.sort()
        for name in [name for name in inner if name in SKIPPED]:
            inner.remove(name)
            if name in ("node_modules", "site-packages", ".venv", "venv"):
                skipped(Path(folder) / name)
        for name in sorted(names):
            path = Path(folder) / name
            other = _OTHER.search(name) and not name.endswith(".py")
            if not other or readers.promised(path.as_posix()):
                yield path


def _looked_at(path: Path, root: Path, asked: bool) -> Found | None:
    where, promised = shown(path), asked or readers.promised(path.absolute().as_posix())
    try:
        data = _bytes(path, root)
    except BadInput as error:
        return _told(path, root, error.faults[0]) if promised else None
    if not promised and (
        not data.strip()
        or (path.suffix == ".py" and _SCRIPT not in data)
        or (b"\0" in data[:1000] and data[:2] not in _WIDE)
    ):
        return None
    try:
        text = text_of(data, where)
    except BadInput as error:
        head = data[:20_000].decode("latin-1", "replace")
        return _told(path, root, error.faults[0]) if promised or readers.format_of(head) else None
    if not promised and readers.format_of(text, where) is None:
        return None
    if not text.strip():
        return _told(path, root, Fault(where, "is empty", "get the whole file again"))
    system = shown(Path(system_of(path, root)))
    return Found(path, where, system, Source(text, where, partial(beside, path, root)))


def text_of(data: bytes, where: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark; else raises BadInput."""
    if data[:2] in _WIDE:
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise bad(where, "is not UTF-16, as its first bytes say", "save it as UTF-8") from None
    return decoded(data, where)


def _told(path: Path, root: Path, fault: Fault) -> Found:
    return Found(path, shown(path), shown(Path(system_of(path, root))), fault)


def shown(path: Path) -> str:
    """A path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _bytes(path: Path, root: Path) -> bytes:
    """The content of a local plain file; raises BadInput where it cannot or may not be read."""
    where = shown(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", where):
        raise bad(where, "is an address", "give a file or folder of this machine")
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            raise bad(where, "is a link out of the folder that is read", "give that file itself")
        if not path.is_file():
            what = "is no plain file" if path.exists() else "is not there"
            raise bad(where, what, "give a file or folder of this machine")
        if path.stat().st_size > MOST_BYTES:
            raise bad(where, f"is larger than {MOST_BYTES >> 20} MB", "split it, or give its parts")
        return path.read_bytes()
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        said = getattr(error, "strerror", None) or type(error).__name__
        raise bad(where, f"cannot be read ({said})", "check path and rights") from None


def beside(path: Path, root: Path, name: str) -> str:
    """The text of a file beside another: inside the folder that is scanned, and nowhere else."""
    other = path.parent / PurePosixPath(name)
    if not other.resolve().is_relative_to(repository(path, root).resolve()):
        raise bad(f"{path}: {name}", "leads out of the folder that is read", "give it itself")
    return text_of(_bytes(other, repository(path, root)), str(other))


def repository(path: Path, root: Path) -> Path:
    """The nearest folder above a file, not above the root, that git knows; else the root."""
    for folder in path.parents:
        if (folder / ".git").exists():
            return folder
        if folder == root:
            break
    return root


def system_of(path: Path, root: Path) -> str:
    """The system that a file belongs to: its repository, else the first folder below the root."""
    home = repository(path, root)
    if home != root or (root / ".git").exists():
        return home.name or home.resolve().name
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else root.name or root.resolve().name
