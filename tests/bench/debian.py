"""The dependencies of Debian 12 as a graph along which harm travels; run it to see its size.

python tests/bench/debian.py [FOLDER]     FOLDER takes what is made (default: a temporary one)
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RELEASE, COMPONENT, ARCHITECTURE = "bookworm", "main", "amd64"
ROOT = "liblzma5"  # the package that carried the back door of March 2024 (CVE-2024-3094)
APT_HELPER = "/usr/lib/apt/apt-helper"
# `name:any (>= 1.2) [amd64] <!nocheck>`: the name is all that is kept
NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)")


def edges(packages_path: Path) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Names of packages, and per edge the number of the package harmed and of its dependent.

    For a package P whose `Depends` or `Pre-Depends` names D, harm travels from D to P. Each
    alternative of `a | b` is an edge, so this is what could be reached, not what one machine has
    installed. A name stands for the package of that name and for each that `Provides` it; versions
    and architectures asked for are dropped. An edge is counted once, and none leads from a package
    to itself. Versions of one package are one node (Debian 12 lists four packages in two versions).
    A name that no package of the file has or provides gives no edge.
    """
    stanzas = list(_stanzas(packages_path))
    number_of = {name: i for i, name in enumerate(dict.fromkeys(s["Package"] for s in stanzas))}
    bearers = {name: {number} for name, number in number_of.items()}
    for stanza in stanzas:
        for name in _names(stanza.get("Provides", "")):
            bearers.setdefault(name, set()).add(number_of[stanza["Package"]])
    found = {
        (source, number_of[stanza["Package"]])
        for stanza in stanzas
        for field in ("Depends", "Pre-Depends")
        for name in _names(stanza.get(field, ""))
        for source in bearers.get(name, ())
        if source != number_of[stanza["Package"]]
    }
    ends = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return list(number_of), ends[:, 0].copy(), ends[:, 1].copy()


def fetch(folder: Path) -> Path:
    """Path of the `Packages` file of Debian 12, main, amd64, unpacked into a folder.

    The file that apt already holds is taken, else apt fetches it into the folder; the lists and
    caches of the machine stay as they are. Raises RuntimeError where apt fails, or where its
    sources do not have the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = _index_file([])
    if index is None:
        options = _private_state(folder)
        _run("apt-get", *options, "update")
        index = _index_file(options)
    if index is None:
        raise RuntimeError(
            f"apt: no source gave {RELEASE} {COMPONENT} {ARCHITECTURE}; run this on Debian 12 "
            "with its own sources"
        )
    packages = folder / f"{RELEASE}-{COMPONENT}-{ARCHITECTURE}-Packages"
    packages.write_bytes(_run(APT_HELPER, "cat-file", str(index)))
    return packages


def reached(root: int, source: NDArray[np.int64], target: NDArray[np.int64]) -> set[int]:
    """The nodes that can be reached from a root, without the root."""
    following = defaultdict(list)
    for start, end in zip(source.tolist(), target.tolist(), strict=True):
        following[start].append(end)
    seen, waiting = {root}, [root]
    while waiting:
        fresh = [node for node in following[waiting.pop()] if node not in seen]
        seen.update(fresh)
        waiting += fresh
    return seen - {root}


def _stanzas(packages_path: Path) -> Iterator[dict[str, str]]:
    """The fields of each package. No field read here goes over several lines."""
    for text in packages_path.read_text("utf-8").split("\n\n"):
        lines = [line for line in text.split("\n") if line and not line[0].isspace()]
        if lines:
            yield dict(line.split(": ", 1) for line in lines if ": " in line)


def _names(relations: str) -> Iterator[str]:
    for part in re.split(r"[,|]", relations):
        match = NAME.match(part)
        if match:
            yield match[1]


def _index_file(options: list[str]) -> Path | None:
    """The index where apt keeps it, packed or not; None where it holds none."""
    files = _run(
        *("apt-get", *options, "indextargets", "--format", "$(FILENAME)"),
        *("Created-By: Packages", f"Codename: {RELEASE}"),
        *(f"Component: {COMPONENT}", f"Architecture: {ARCHITECTURE}"),
    )
    held = [Path(line) for line in files.decode().splitlines() if Path(line).is_file()]
    return held[0] if held else None


def _private_state(folder: Path) -> list[str]:
    """Options that make apt keep its lists in a folder, and run nothing after an update."""
    lists = (folder / "lists").resolve()
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    config = folder / "apt.conf"
    config.write_text(
        "#clear APT::Update::Pre-Invoke;\n"
        "#clear APT::Update::Post-Invoke;\n"
        "#clear APT::Update::Post-Invoke-Success;\n"
        f'Dir::State::lists "{lists}";\n'
        'Dir::Cache::pkgcache "";\n'
        'Dir::Cache::srcpkgcache "";\n',
        "utf-8",
    )
    return ["-c", str(config)]


def _run(*command: str) -> bytes:
    """The standard output of a program; what it says of an error is part of ours."""
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def main(folder: Path) -> None:
    names, source, target = edges(fetch(folder))
    found = reached(names.index(ROOT), source, target)
    print(f"{len(names):,} packages, {len(source):,} dependencies")
    print(f"{len(found):,} packages are reached from {ROOT}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
