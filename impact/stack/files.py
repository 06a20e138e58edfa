"""The files of some folders that may hold a lock, a manifest or an SBOM, as sources."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from posixpath import dirname, join, normpath

from impact.base.errors import BadInput, Fault, bad
from impact.base.texts import decoded
from impact.stack import readers
from impact.stack.documents import Source

MOST_BYTES = 64 << 20
_HEAD = 20_000  # bytes of a file that is not read, by which it is known
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SKIPPED = set(readers.TABLE["skipped"])
_OTHER = re.compile(  # endings of what is never one, so that a walk need not open it
    r"\.(?:py[cdox]?|pyi|js|mjs|cjs|jsx|tsx?|vue|svelte|css|scss|less|html?|md|mdx|rst|adoc|tex|ipynb"
    r"|c|cc|cpp|cxx|h|hpp|go|rs|java|kt|kts|scala|rb|php|swift|cs|fs|lua|pl|ps1|bat|sql|proto"
    r"|png|jpe?g|gif|svg|ico|webp|bmp|pdf|docx?|xlsx?|pptx?|mp[34]|wav|ogg|mov|woff2?|ttf|otf|eot"
    r"|zip|gz|tgz|bz2|xz|zst|tar|7z|whl|egg|jar|so|dll|dylib|exe|bin|dat|db|sqlite3?|parquet|arrow"
    r"|npy|npz|pt|onnx|safetensors|pickle|pkl|map|snap|csv|tsv|jsonl|ndjson|log|patch|diff|po|mo)$",
    re.IGNORECASE,
)
_SCRIPT = b"# /// script"  # of a script in Python that names packages (PEP 723)


@dataclass(frozen=True)
class Found:
    """A file of a scan: its name, the system that it belongs to, and its text or a fault.

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
    seen: set[Path] = set()
    for path in paths:
        inside = path.is_dir()
        for file in _walk(path, skipped) if inside else [path]:
            if file.absolute() not in seen:
                seen.add(file.absolute())
                yield from _candidate(file, path if inside else None)


def enclosing(path: Path) -> Path | None:
    """The repository of git that a path lies in, however far above."""
    return next((up for up in path.absolute().parents if (up / ".git").exists()), None)


def repositories(paths: Iterable[Path]) -> Iterator[Path]:
    """The repositories of git in some folders, a bare one too, and the one that each lies in."""
    for path in filter(Path.is_dir, paths):
        if above := enclosing(path):
            yield above
        for folder, _ in _folders(path):
            if is_bare(folder) or (folder / ".git").exists():
                yield folder


def is_bare(folder: Path) -> bool:
    """Whether a folder is a repository of git without files of its own."""
    return all((folder / name).exists() for name in ("HEAD", "objects", "refs"))


def held(contents: Mapping[str, bytes]) -> Iterator[Found]:
    """The files that a case holds, by name: the first folder of a name is its system."""
    for name, data in sorted(contents.items()):
        source = source_of(data, name, partial(_held, contents, name))
        yield Found(None, name, name.partition("/")[0], source)


def _held(contents: Mapping[str, bytes], name: str, other: str) -> str:
    """The text of a file that a case holds beside another."""
    path = normpath(join(dirname(name), other))
    if path not in contents:
        raise bad(f"{name}: {other}", "is not held beside it", "add it to the case")
    return text_of(contents[path], path)


def _folders(
    root: Path,
    skipped: Callable[[Path], None] = lambda path: None,
    closed: Callable[[OSError], None] = lambda error: None,
) -> Iterator[tuple[Path, list[str]]]:
    """(folder, its files) of a folder and those below it, without what is installed or recorded.

    A folder that is linked is among the files; `closed` is called for one that cannot be read.
    """
    for folder, inner, names in os.walk(root, onerror=closed):
        path = Path(folder)
        names += [name for name in inner if (path / name).is_symlink() and name not in SKIPPED]
        for name in sorted(SKIPPED.intersection(inner)):
            if name in ("node_modules", "site-packages", ".venv", "venv"):
                skipped(path / name)
        inner[:] = [] if is_bare(path) else sorted(set(inner) - SKIPPED)
        yield path, [] if is_bare(path) else sorted(names)


def is_other(path: Path) -> bool:
    """Whether the name of a file says that it is of a kind in which no packages are named."""
    return bool(_OTHER.search(path.name)) and path.suffix != ".py"


def names_packages(path: Path, data: bytes) -> bool:
    """Whether the content of a file says that packages are named in it."""
    if _is_other(path, data):
        return False
    source = source_of(data, str(path), str)
    text = source.text if isinstance(source, Source) else data[:_HEAD].decode("latin-1")
    return bool(readers.format_of(text, shown(path)))


def _walk(root: Path, skipped: Callable[[Path], None]) -> Iterator[Path]:
    """The files below a folder whose name does not say that they are of another kind.

    So is a folder that is not read: one that cannot be, or a link out of this one.
    """
    closed = list[OSError]()
    for folder, names in _folders(root, skipped, closed.append):
        for name in names:
            path = folder / name
            if not is_other(path) or readers.promised(path.as_posix()):
                yield path
    yield from (Path(error.filename) for error in closed)


def _candidate(path: Path, folder: Path | None) -> Iterator[Found]:
    """The file where it is named itself, or its name or text says that packages are in it."""
    where, root = shown(path), folder or path.parent
    if folder and path.is_dir():
        if not path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
            why = Fault(where, "is a folder that was not entered", "check its rights, or give it")
            yield Found(path, where, shown(Path(system_of(path, root))), why, folder)
        return
    promised = folder is None or readers.promised(path.absolute().as_posix())
    source: Source | Fault
    try:
        data = _bytes(path, root)
        if not promised and not names_packages(path, data):
            return
        source = source_of(data, where, partial(beside, path, root))
        if isinstance(source, Source) and not source.text.strip():
            source = Fault(where, "is empty", "get the whole file again")
    except BadInput as error:
        source, head = error.faults[0], _head(path)
        promised = promised or head is None or names_packages(path, head)
    if promised or isinstance(source, Source):
        yield Found(path, where, shown(Path(system_of(path, root))), source, folder)


def _head(path: Path) -> bytes | None:
    """The first bytes of a file that is not read; None where it may be, and cannot."""
    try:
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return None


def _is_other(path: Path, data: bytes) -> bool:
    """Whether the first bytes of a file say that it is empty, binary, or a plain module."""
    binary = b"\0" in data[:1000] and data[:2] not in _WIDE
    return not data.strip() or binary or (path.suffix == ".py" and _SCRIPT not in data)


def text_of(data: bytes, where: str) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark; else raises BadInput."""
    if data[:2] in _WIDE:
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise bad(where, "is not UTF-16, as its first bytes say", "save it as UTF-8") from None
    return decoded(data, where).replace("\r\n", "\n").replace("\r", "\n")


def source_of(data: bytes, where: str, beside: Callable[[str], str]) -> Source | Fault:
    """The content of a file, with what reads a file beside it, or why it cannot be read."""
    try:
        return Source(text_of(data, where), where, beside)
    except BadInput as error:
        return error.faults[0]


def shown(path: Path) -> str:
    """A path as text, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _bytes(path: Path, root: Path) -> bytes:
    """The content of a local plain file; raises BadInput where it cannot or may not be read."""
    where = shown(path)
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
        what = f"cannot be read ({type(error).__name__})"
        raise bad(where, what, "check path and rights") from None


def beside(path: Path, root: Path, name: str) -> str:
    """The text of a file beside another: inside the folder that is scanned, and nowhere else."""
    other, home = path.parent / PurePosixPath(name), repository(path, root)
    if not other.resolve().is_relative_to(home.resolve()):
        raise bad(f"{path}: {name}", "leads out of the folder that is read", "give it itself")
    return text_of(_bytes(other, home), str(other))


def repository(path: Path, root: Path) -> Path:
    """The nearest folder above a file, not above the root, that git knows; else the root."""
    home = enclosing(path)
    return home if home and home.is_relative_to(root.absolute()) else root


def system_of(path: Path, root: Path) -> str:
    """The system that a file belongs to: its repository, else the first folder below the root."""
    home = repository(path, root)
    if home != root or (root / ".git").exists():
        return home.name or home.resolve().name
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else root.name or root.resolve().name
