"""What the benchmark of scans reads: made-up locks with a history, a fleet, a large SBOM, records.

Everything is drawn from a seed, in the form that the tools themselves write. The affected package
is chalk 5.6.1 on npm; in a history it stands from one commit to another.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BAD = ("chalk", "5.6.1")
BAD_WEEKS = range(26, 29)  # of a year, in one repository of ten
FIRST = datetime(2025, 3, 3, 9, tzinfo=UTC)
ADVISORY = {
    "id": "MAL-1",
    "published": "2025-09-08T17:11:19Z",
    "affected": [{"package": {"ecosystem": "npm", "name": BAD[0]}, "versions": [BAD[1]]}],
}
ALSO = {
    "id": "MAL-2",
    "published": "2026-03-24T11:15:14Z",
    "affected": [
        {"package": {"ecosystem": "PyPI", "name": "litellm"}, "versions": ["1.82.7", "1.82.8"]}
    ],
}


def advisory(folder: Path) -> Path:
    """A folder with one record, which names the affected version."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MAL-1.json").write_text(json.dumps(ADVISORY), "utf-8")
    return folder


# locks over time


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


def _package(name: str, version: str, needs: Iterable[str]) -> str:
    """An entry of package-lock.json, as npm writes it."""
    last = name.rpartition("/")[2]
    entry: dict[str, Any] = {
        "version": version,
        "resolved": f"https://npm.registry.example/{name}/-/{last}-{version}.tgz",
        "integrity": f"sha512-{_hash(name + version)}",
        "dev": True,
        "license": "MIT",
    }
    if needs:
        entry["dependencies"] = dict.fromkeys(needs, "^1.0.0")
    entry["engines"] = {"node": ">=20.0.0"}
    return json.dumps(entry, indent=2).replace("\n", "\n    ")


def npm_lock(many: int, seed: int) -> dict[str, str]:
    """Place -> entry of a package-lock.json, version 3, of so many packages beside the project."""
    rng = random.Random(seed)
    names = [f"{rng.choice(['', '@scope/'])}made-{seed % 7}-{place}" for place in range(many - 1)]
    top = dict.fromkeys(rng.sample(names, 20), "^1.0.0")
    project = {"name": "made", "version": "1.0.0", "dependencies": top}
    lock = {"": json.dumps(project, indent=2).replace("\n", "\n    ")}
    for place, name in enumerate(names):
        needs = rng.sample(names[place + 1 :], min(len(names) - place - 1, rng.randrange(4)))
        needs += [BAD[0]] if rng.random() < 0.02 or place == 0 else []
        home = f"node_modules/{names[place // 2]}/" if rng.random() < 0.1 else ""
        lock[f"{home}node_modules/{name}"] = _package(name, f"1.{rng.randrange(20)}.0", needs)
    lock[f"node_modules/{BAD[0]}"] = _package(BAD[0], "5.5.0", ())
    return lock


def npm_text(lock: dict[str, str]) -> str:
    """The lock as npm writes it."""
    entries = ",\n".join(f"    {json.dumps(place)}: {entry}" for place, entry in lock.items())
    head = '{\n  "name": "made",\n  "version": "1.0.0",\n  "lockfileVersion": 3,\n'
    return f'{head}  "requires": true,\n  "packages": {{\n{entries}\n  }}\n}}\n'


def npm_texts(many: int, revisions: int, bad: range, seed: int) -> Iterator[str]:
    """A lock over time: a few packages move each time, and one is affected for a while."""
    rng = random.Random(seed)
    lock = npm_lock(many, seed)
    moving = [place for place in lock if place and not place.endswith(f"/{BAD[0]}")]
    for number in range(revisions):
        for place in rng.sample(moving, 5):
            entry = json.loads(lock[place])
            name = place.rpartition("node_modules/")[2]
            lock[place] = _package(name, f"1.{number + 20}.1", entry.get("dependencies", ()))
        version = BAD[1] if number in bad else "5.5.0"
        lock[f"node_modules/{BAD[0]}"] = _package(BAD[0], version, ())
        yield npm_text(lock)


def uv_texts(first: str, revisions: int, seed: int) -> Iterator[str]:
    """A real uv.lock over time: a few of its packages move each time, addresses too."""
    rng = random.Random(seed)
    blocks = re.split(r"(?m)^(?=\[\[package\]\]$)", first)
    for number in range(revisions):
        for place in rng.sample(range(1, len(blocks)), 5):
            before = re.search(r'(?m)^version = "(.*)"$', blocks[place])
            if before:  # the addresses of its files change with it
                blocks[place] = blocks[place].replace(before[1], f"{number}.{seed}.1")
        yield "".join(blocks)


def repository(folder: Path, name: str, texts: Iterable[str], every: timedelta) -> list[datetime]:
    """Times of the commits of a repository that holds one file, one commit for each text."""
    folder.mkdir(parents=True)
    git = ["git", "-c", "core.compression=1", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "--template=", "-b", "main"], check=True)
    times: list[datetime] = []
    with subprocess.Popen([*git, "fast-import", "--quiet"], stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        data = b""
        for number, text in enumerate(texts):
            data = text.encode()
            times.append(FIRST + number * every)
            head = (
                f"commit refs/heads/main\ncommitter made <made@made.example>"
                f" {int(times[-1].timestamp())} +0000\ndata 4\nlock\n"
                f"M 100644 inline {name}\ndata {len(data)}\n"
            )
            running.stdin.write(head.encode() + data + b"\n")
    assert running.returncode == 0
    (folder / name).write_bytes(data)
    return times


def fleet(folder: Path, first: int, end: int, revisions: int, packages: int) -> None:
    """Repositories first to end with a weekly package-lock.json; one in ten is affected once."""
    for number in range(first, end):
        bad = BAD_WEEKS if number % 10 == 0 else range(0)
        texts = npm_texts(packages, revisions, bad, number)
        repository(folder / f"r{number:04}", "package-lock.json", texts, timedelta(weeks=1))


def affected_weeks() -> tuple[str, str]:
    """From when to when a repository of the fleet that is affected was so."""
    first, last = (FIRST + timedelta(weeks=week) for week in (BAD_WEEKS[0], BAD_WEEKS[-1] + 1))
    return first.strftime("%Y-%m-%dT%H:%MZ"), last.strftime("%Y-%m-%dT%H:%MZ")


def uv_fleet(folder: Path, first: str, many: int, revisions: int) -> None:
    """Repositories with a year of weekly uv.lock, which begin with a real one."""
    for number in range(many):
        texts = uv_texts(first, revisions, number)
        repository(folder / f"u{number:04}", "uv.lock", texts, timedelta(weeks=1))


# a large SBOM


def merged(one: dict[str, Any], copies: int, edges: int, hits: int) -> dict[str, Any]:
    """Copies of a CycloneDX bill as one, joined by more edges, with hits that lie deep.

    Each copy has names of its own. Each hit stands at the end of a chain of eight components.
    """
    rng = random.Random(1)
    components: list[dict[str, Any]] = []
    needs: dict[str, list[str]] = {"made": []}
    for number in range(copies):
        text = json.dumps(one)
        text = re.sub(r'"pkg:npm/(%40[^/"]+/)?', rf"\g<0>c{number}-", text)
        bill = _renamed(json.loads(text), number)
        components += [bill["metadata"]["component"], *bill["components"]]
        needs["made"].append(bill["metadata"]["component"]["bom-ref"])
        needs |= {need["ref"]: list(need.get("dependsOn", ())) for need in bill["dependencies"]}
    refs = list(needs)[1:]
    for number in range(hits):
        above = rng.choice(refs)
        for step in range(8):
            needs.setdefault(above, []).append(f"hit{number}-{step}")
            above = f"hit{number}-{step}"
            name, version = BAD if step == 7 else (above, "1.0.0")
            purl = f"pkg:npm/{name}@{version}"
            components.append({"type": "library", "name": name, "version": version})
            components[-1] |= {"bom-ref": above, "purl": purl}
    more = edges - sum(map(len, needs.values()))
    for _ in range(more):
        needs[rng.choice(refs)].append(rng.choice(refs))
    return {
        **{"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1},
        "metadata": {"component": {"type": "application", "name": "made", "bom-ref": "made"}},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": other} for ref, other in needs.items()],
    }


def _renamed(bill: dict[str, Any], number: int) -> dict[str, Any]:
    """A bill whose references begin with a number, those of nested components too."""
    below = [bill["metadata"]["component"], *bill["components"]]
    while below:
        part = below.pop()
        part["bom-ref"] = f"{number}:{part['bom-ref']}"
        below += part.get("components", ())
    for need in bill["dependencies"]:
        need["ref"] = f"{number}:{need['ref']}"
        need["dependsOn"] = [f"{number}:{other}" for other in need.get("dependsOn", ())]
    return bill


# records


def records(folder: Path, many: int) -> Path:
    """A folder of OSV records of so many packages, each as long as a usual one."""
    folder.mkdir(parents=True)
    rng = random.Random(2)
    for number in range(many):
        name, version = f"made-{number}", f"1.0.{rng.randrange(9)}"
        digest = rng.randbytes(32).hex()
        affected = {"package": {"ecosystem": "npm", "name": name}, "versions": [version]}
        origin = {"source": "made", "versions": [version], "sha256": digest}
        record = {
            **{"id": f"MAL-2025-{number}", "schema_version": "1.7.4", "aliases": []},
            **{"published": "2025-09-08T17:11:19Z", "modified": "2025-09-09T09:00:00Z"},
            "summary": f"Malicious code in {name} (npm)",
            "details": f"_-= Per source details. =-_\n\n## Source: made ({digest})\n" * 12,
            "affected": [affected | {"database_specific": {"cwes": [{"cweId": "CWE-506"}]}}],
            "references": [{"type": "WEB", "url": f"https://made.example/{n}"} for n in range(6)],
            "database_specific": {"malicious-packages-origins": [origin]},
        }
        (folder / f"MAL-2025-{number}.json").write_text(json.dumps(record, indent=2), "utf-8")
    return folder


# broken files: each held an affected package before it was broken

_HASH = "sha256:" + "a" * 64
WHOLE = {
    "requirements.txt": f"click==8.1.7 --hash={_HASH}\nlitellm==1.82.8 --hash={_HASH}\n",
    "pyproject.toml": """[project]
name = "made"
version = "1.0.0"
dependencies = ["litellm==1.82.8"]
""",
    "uv.lock": f"""version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "litellm"
version = "1.82.8"
source = {{ registry = "https://index.registry.example/simple" }}
sdist = {{ url = "https://files.registry.example/litellm-1.82.8.tar.gz", hash = "{_HASH}" }}
""",
    "poetry.lock": f"""# This file is automatically @generated by Poetry 2.1.1
[[package]]
name = "litellm"
version = "1.82.8"
description = "made"
optional = false
python-versions = ">=3.9"
groups = ["main"]
files = [{{file = "litellm-1.82.8.tar.gz", hash = "{_HASH}"}}]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "{"a" * 64}"
""",
    "Pipfile.lock": json.dumps(
        {
            "_meta": {"hash": {"sha256": "a" * 64}, "pipfile-spec": 6, "requires": {}},
            "default": {"litellm": {"hashes": [_HASH], "version": "==1.82.8"}},
            "develop": {},
        },
        indent=4,
    ),
    "package-lock.json": npm_text(
        {
            "": '{"name": "made", "dependencies": {"chalk": "^5.0.0"}}',
            "node_modules/chalk": _package("chalk", "5.6.1", ()),
        }
    ),
    "pnpm-lock.yaml": """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      chalk:
        specifier: ^5.0.0
        version: 5.6.1

packages:

  chalk@5.6.1:
    resolution: {integrity: sha512-aaaa}

snapshots:

  chalk@5.6.1: {}
""",
    "bom.json": json.dumps(
        {
            **{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1},
            "components": [
                {
                    **{"type": "library", "name": "chalk", "version": "5.6.1"},
                    **{"bom-ref": "chalk", "purl": "pkg:npm/chalk@5.6.1"},
                }
            ],
        },
        indent=2,
    ),
    "bom.xml": """<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1">
  <components>
    <component type="library" bom-ref="chalk">
      <name>chalk</name>
      <version>5.6.1</version>
      <purl>pkg:npm/chalk@5.6.1</purl>
    </component>
  </components>
</bom>
""",
    "made.spdx.json": json.dumps(
        {
            **{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "made"},
            "packages": [
                {
                    **{"name": "chalk", "SPDXID": "SPDXRef-chalk", "versionInfo": "5.6.1"},
                    "externalRefs": [
                        {"referenceType": "purl", "referenceLocator": "pkg:npm/chalk@5.6.1"}
                    ],
                }
            ],
        },
        indent=2,
    ),
    "made.spdx": """SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: made

PackageName: chalk
SPDXID: SPDXRef-chalk
PackageVersion: 5.6.1
ExternalRef: PACKAGE-MANAGER purl pkg:npm/chalk@5.6.1
""",
}
_VERSION = re.compile(r"1\.82\.8|5\.6\.1")
_SAYS = re.compile(r"(?i)version|purl|locator")
_OTHERS = {"1.82.8": "1.82.3", "5.6.1": "5.5.0"}
_LFS = f"version https://git-lfs.example/spec/v1\noid {_HASH}\nsize 12345\n"
_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>\n"
_DEEP = 100_000


def _cut(text: str) -> bytes:
    """The text up to the middle of the version that is affected; no end is seen in lines."""
    found = list(_VERSION.finditer(text))[-1]
    return text[: found.start() + 2].encode()


def _twice(text: str, first: bool) -> bytes:
    """The text that says each version twice, once another one."""
    lines = []
    for line in text.splitlines():
        found = _VERSION.search(line)
        if found is None or not _SAYS.search(line):
            lines.append(line)
            continue
        other = line.replace(found[0], _OTHERS[found[0]])
        comma = "," if text.lstrip()[:1] == "{" and not line.endswith(",") else ""
        pair = [other, line] if first else [line, other]
        lines += [pair[0] + comma, pair[1]]
    return "\n".join(lines).encode()


def _conflict(text: str) -> bytes:
    """The text with the marks of a merge that was not settled."""
    lines = []
    for line in text.splitlines():
        found = _VERSION.search(line)
        other = found and line.replace(found[0], _OTHERS[found[0]])
        marks = ["<<<<<<< HEAD", other, "=======", line, ">>>>>>> other"]
        lines += [str(mark) for mark in marks] if found else [line]
    return "\n".join(lines).encode()


def _deep(text: str) -> bytes:
    """The text of an object in JSON with a list that is nested without end."""
    return text.replace("{", f'{{"x": {"[" * _DEEP}{"]" * _DEEP},', 1).encode()


OF_PYTHON = ("requirements", "pyproject", "uv.lock", "poetry", "Pipfile")  # hold litellm
LINES = ("requirements.txt", "made.spdx", "pyproject.toml")
BREAKS: dict[str, Callable[[str], bytes]] = {
    "cut": _cut,
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16-no-mark": lambda text: text.encode("utf-16-le"),
    "nul": lambda text: text.replace("8", "8\0", 1).encode() + b"\0",
    "latin-1": lambda text: text.encode() + b"# \xe9\n",
    "twice-other-first": lambda text: _twice(text, True),
    "twice-other-last": lambda text: _twice(text, False),
    "conflict": _conflict,
    "deep": _deep,
    "empty": lambda text: b"",
    "blank": lambda text: b" \n \n",
    "lfs-pointer": lambda text: _LFS.encode(),
    "page": lambda text: _PAGE.encode(),
}


def broken(folder: Path) -> int:
    """Files in a folder, each broken in one way; how many were made."""
    made = 0
    for how, work in BREAKS.items():
        for name, text in WHOLE.items():
            json_alone = how == "deep" and text.lstrip()[:1] != "{"
            no_key = how.startswith("twice") and "version" not in text.lower()
            if json_alone or no_key or (how == "cut" and name in LINES):
                continue
            path = folder / f"{how}-{name}" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(work(text))
            made += 1
    for name in WHOLE:  # a link to nowhere
        path = folder / f"link-{name}" / name
        path.parent.mkdir(parents=True)
        path.symlink_to("gone")
        made += 1
    return made


def workflow(number: int) -> str:
    """A workflow of two jobs, one in three with a package that an advisory names."""
    bad = ("pip install litellm==1.82.8", "npm i chalk@^5", "true")[number % 3]
    steps = "".join(
        f"      - uses: {use}\n"
        for use in ("actions/checkout@v4", "actions/setup-python@v5", "actions/cache@v4")
    )
    job = f"    runs-on: ubuntu-latest\n    steps:\n{steps}      - run: |\n          {bad}\n"
    return f"name: w{number}\non: [push]\njobs:\n  test:\n{job}  build:\n{job}"
