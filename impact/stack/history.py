"""The history of a repository's locks, as git keeps it: which content stood from when to when."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import NamedTuple

from impact.base.errors import BadInput, Fault, bad
from impact.stack.files import MOST_BYTES, text_of

SECONDS = 120  # for one call of git
_SAFE = (  # settings of a repository that could start other programs are not followed
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never", "-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true", "-c", "diff.orderFile=/dev/null"),
)


class Revision(NamedTuple):
    """Content of a file from the time of a commit up to the next: empty where it was removed.

    `side` is the branch that it stood on, where that is not the main line; such content may have
    been built at any time from its commit on.
    """

    commit: str
    begins: datetime
    ends: datetime | None
    blob: str
    side: str = ""


def revisions(repository: Path, as_of: datetime | None = None) -> dict[str, list[Revision]]:
    """Path -> its contents, oldest first: of other branches, then of the main line of HEAD.

    Commits that were made on a branch and merged count as that branch's. Times are those of the
    committer, which can be set by hand; the docs say so.
    """
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise bad(str(repository), "is a shallow clone", "fetch it whole: git fetch --unshallow")
    main = set(_git(repository, "rev-list", "--first-parent", "HEAD").decode().split())
    log = _git(
        repository,
        *(
            "log",
            "HEAD",
            "--all",
            "--reflog",
            "--source",
            "-m",
            "--topo-order",
            "--reverse",
            "--no-renames",
        ),
        *("--no-ext-diff", "--raw", "--no-abbrev", "-z", "--format=%x01%H %ct %S"),
    )
    lines: dict[str, list[Revision]] = {}
    others: dict[str, list[Revision]] = {}
    commit, at, side, seen = "", datetime.now(UTC), "", set[str]()
    fields = iter(log.decode("utf-8", "replace").split("\0"))
    for text in fields:
        field = text.lstrip("\n")
        if field.startswith("\1"):
            again = field[1:].partition(" ")[0] in seen  # a merge, beside its second parent
            commit, stamp, name = field[1:].split(" ", 2)
            seen.add(commit)
            name = re.sub(r"^refs/\w+/", "", name.partition("@")[0])
            name = f"the branch {name}" if name not in ("", "HEAD") else "a branch that is gone"
            side = "" if commit in main else name
            at = _moment(repository, commit, stamp)
        elif field.startswith(":"):
            _, mode, _, blob, status = field.split(" ")
            path = next(fields, "")
            if (as_of is not None and at > as_of) or (again and not side):
                continue
            gone = status.startswith("D") or mode in ("120000", "160000")
            found = Revision(commit, at, None, "" if gone else blob, side)
            before = lines.setdefault(path, [])
            if side:
                others.setdefault(path, []).append(found)
                continue
            if before:
                before[-1] = before[-1]._replace(ends=max(at, before[-1].begins))
            before.append(found)
    for path, branch in others.items():
        held = {one.blob for one in lines[path]} | {""}
        lines[path] = [one for one in branch if one.blob not in held] + lines[path]
    return {path: every for path, every in lines.items() if every}


def complete(repository: Path) -> bool:
    """Whether a clone has all branches of where it comes from."""
    try:
        told = _git(repository, "config", "--get-regexp", r"^remote\..*\.fetch$").decode()
    except BadInput:  # none: it comes from nowhere
        return True
    return all("refs/heads/*" in line or "refs/*" in line for line in told.splitlines())


def _moment(repository: Path, commit: str, stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise bad(str(repository), f"{commit[:12]} has no time", "mend that commit") from None


def texts(repository: Path, blobs: Sequence[str], where: str) -> Iterator[str | Fault]:
    """The text of each content in turn, or why there is none."""
    if not blobs:
        return
    with subprocess.Popen(
        _command(repository, "cat-file", "--batch"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as running:
        asking, answering = running.stdin, running.stdout
        if asking is None or answering is None:  # never, with pipes
            return
        asking.write(f"{blobs[0]}\n".encode())
        for blob, ahead in zip(blobs, (*blobs[1:], ""), strict=True):
            asking.write(f"{ahead}\n".encode() if ahead else b"")  # while this one is looked at
            asking.flush()
            head = answering.readline().split()
            if len(head) != 3 or int(head[2]) > MOST_BYTES:
                running.kill()
                yield Fault(where, f"cannot be had from git ({blob[:12]})", "fetch it")
                return
            data = answering.read(int(head[2]))
            answering.read(1)
            try:
                yield text_of(data, where)
            except BadInput as error:
                yield error.faults[0]
        asking.close()


def beside(repository: Path, commit: str, path: str, name: str) -> str:
    """The text of a file beside another as it was in a commit."""
    other = normpath(join(dirname(path), name))
    return text_of(_git(repository, "cat-file", "blob", f"{commit}:{other}"), other)


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            _command(repository, *arguments),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env=_environment(),
        )
    except FileNotFoundError:
        raise bad("git", "is not installed", "install git, or leave out --history") from None
    except subprocess.TimeoutExpired:
        raise bad(str(repository), "git did not answer", "look at the repository") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        what = said[-1][:200] if said else "git failed"
        raise bad(str(repository), what, "look at the repository, or leave out --history")
    return done.stdout


def _command(repository: Path, *arguments: str) -> list[str]:
    return ["git", *_SAFE, "--no-pager", "-C", str(repository), *arguments]


def _environment() -> dict[str, str]:
    """No prompt, no lock that is only wished for, nothing fetched from elsewhere."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**mine, **quiet, "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
