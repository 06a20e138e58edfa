"""The history of a repository's locks, as git keeps it: which content stood from when to when."""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import NamedTuple

from impact.base.errors import BadInput, Fault, bad
from impact.stack.documents import Source
from impact.stack.files import MOST_BYTES, source_of, text_of

SECONDS = 120  # for one call of git
_SAFE = (  # settings of a repository that could start other programs are not followed
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "log.showSignature=false",
    "log.showRoot=true",
    "diff.orderFile=/dev/null",
)
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}
_LOG = (  # every commit with its time and branch, and the changes that it made
    "log HEAD --all --reflog --source -m --topo-order --reverse --no-renames --no-ext-diff --raw "
    "--no-abbrev -z --format=%x01%H%x09%ct%x09%S"
)
_LINE = re.compile(  # of that log: a commit, or (mode, content, status, path) of a change
    r"\x01(\w+)\t(-?\d*)\t([^\0@]*)|:\d+ (\d+) \w+ (\w+) (\w)\d*\0([^\0]*)"
)
_NO_FILE = ("120000", "160000")  # modes of links and of other repositories


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
    log = _git(repository, *_LOG.split()).decode("utf-8", "replace")
    lines: dict[str, list[Revision]] = defaultdict(list)
    others: dict[str, list[Revision]] = defaultdict(list)
    found, again, seen = Revision("", datetime.now(UTC), None, ""), False, set[str]()
    for commit, stamp, name, mode, blob, status, path in _LINE.findall(log):
        if commit:
            again = commit in seen  # a merge, beside its second parent
            seen.add(commit)
            name = re.sub(r"^refs/\w+/", "", name)
            name = f"the branch {name}" if name not in ("", "HEAD") else "a branch that is gone"
            side = "" if commit in main else name
            found = Revision(commit, _moment(repository, commit, stamp), None, "", side)
        elif (found.side or not again) and (as_of is None or found.begins <= as_of):
            every = (others if found.side else lines)[path]
            if every and not found.side:
                every[-1] = every[-1]._replace(ends=max(found.begins, every[-1].begins))
            gone = status == "D" or mode in _NO_FILE
            every.append(found._replace(blob="" if gone else blob))
    for path, branch in others.items():
        blobs = {one.blob for one in lines[path]} | {""}
        lines[path] = [one for one in branch if one.blob not in blobs] + lines[path]
    return {path: every for path, every in lines.items() if every}


def complete(repository: Path) -> bool:
    """Whether a clone has all branches of where it comes from."""
    try:
        found = _git(repository, "config", "--get-regexp", r"^remote\..*\.fetch$").decode()
    except BadInput:  # none: it comes from nowhere
        return True
    return all("refs/heads/*" in line or "refs/*" in line for line in found.splitlines())


def _moment(repository: Path, commit: str, stamp: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise bad(str(repository), f"{commit[:12]} has no time", "mend that commit") from None


def sources(
    repository: Path, path: str, every: Sequence[Revision], where: str
) -> Iterator[Source | Fault]:
    """The content of each revision of a path in turn, or why there is none."""
    for one, data in zip(every, blobs(repository, [one.blob for one in every]), strict=True):
        if data is None:
            yield Fault(where, f"cannot be had from git ({one.blob[:12]})", "fetch it")
            return
        yield source_of(data, where, partial(_beside, repository, one.commit, path))


def blobs(repository: Path, names: Sequence[str]) -> Iterator[bytes | None]:
    """Each of some contents in turn; None of what git has not, or is larger than a file may be."""
    command, quiet = _call(repository, "cat-file", "--batch")
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, env=quiet) as process:
        requests, answers = process.stdin, process.stdout
        if requests is None or answers is None:  # never, with pipes
            return
        for name in names:
            requests.write(f"{name}\n".encode())
            requests.flush()
            head = answers.readline().split()
            left = int(head[2]) + 1 if len(head) == 3 else 0
            if 0 < left <= MOST_BYTES:
                yield answers.read(left)[:-1]
                continue
            while left > 0:
                left -= len(answers.read(min(left, MOST_BYTES))) or left
            yield None


def _beside(repository: Path, commit: str, path: str, name: str) -> str:
    """The text of a file beside another as it was in a commit."""
    other = normpath(join(dirname(path), name))
    return text_of(_git(repository, "cat-file", "blob", f"{commit}:{other}"), other)


def _git(repository: Path, *arguments: str) -> bytes:
    command, quiet = _call(repository, *arguments)
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=True, env=quiet)
        return done.stdout
    except subprocess.CalledProcessError as error:
        what = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    except (OSError, subprocess.TimeoutExpired) as error:
        what = f"git gives no answer ({type(error).__name__})"
    repair = "look at the repository and whether git is installed, or leave out --history"
    raise bad(str(repository), what or "git failed", repair)


def _call(repository: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """A call of git, and its environment: no prompt, no lock that is only wished for, no fetch."""
    settings = [part for setting in _SAFE for part in ("-c", setting)]
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *settings, "--no-pager", "-C", str(repository), *arguments]
    return command, {**mine, **_QUIET}
