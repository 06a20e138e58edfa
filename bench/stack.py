"""Scans of locks and SBOMs: the corpus, the peers, a large SBOM, histories, a fleet, advisories.

The corpus of real files lies beside the repository; where it is not there, its rows say so. Run
alone, with the Python of peers.lock as the argument, this prints its own rows.
"""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse

import made
import networkx as nx
import polars as pl

from impact.base import times as instants
from impact.base.errors import BadInput
from impact.base.texts import decoded
from impact.stack import advisories, files, readers, scan
from impact.stack.documents import Source
from impact.stack.findings import (
    ABSENT,
    FINDINGS,
    LOCKED_AFFECTED,
    NOT_EVALUATED,
    RANGE_ADMITS,
    find,
)
from impact.stack.inventory import Inventory
from impact.stack.paths import paths
from impact.stack.verdicts import NO

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "shared" / "acceptance" / "corpus"
REPOSITORIES, FEW, WEEKS, PACKAGES = 1_000, 100, 52, 150  # of the fleet
UV_REPOSITORIES = 20
Rows = Iterator[tuple[str, ...]]


def rows(peers: str, folder: Path) -> Rows:
    """Rows of the table."""
    if CORPUS.is_dir():
        yield from corpus()
        yield from read_beside(peers)
        yield from audited(peers, folder)
        yield from large_sbom()
    else:
        yield ("corpus of real files, and what is made from them", "", "", "not there", "not run")
    yield from unread(folder)
    yield from history(folder)
    yield from fleets(folder)
    yield from many_records(folder)
    yield from workflows(folder)
    if CORPUS.is_dir():
        yield from lookups(folder)


def ask(peers: str, script: str = "peers_stack.py", **job: Any) -> dict[str, Any]:
    """The answer of a script of peers to one job."""
    done = subprocess.run(
        [peers, str(HERE / script)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def timed(work: Callable[[], Any], runs: int = 9) -> list[float]:
    """Seconds of some runs, after one that does not count."""
    work()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


def said(seconds: list[float]) -> str:
    """The middle of some times, with the worst in brackets."""
    unit, per = ("s", 1.0) if max(seconds) >= 10 else ("ms", 1e3)
    middle, worst = per * statistics.median(seconds), per * max(seconds)
    return f"{middle:.3g} {unit} [{worst:.3g}]" if worst < 1000 else f"{middle:,.0f} {unit}"


def read(path: Path) -> Inventory:
    """What the kit reads in a file."""
    return readers.read(Source(decoded(path.read_bytes(), path.name), path.name))


# the corpus


def listed() -> dict[str, dict[str, str]]:
    """The rows of the manifest by id."""
    with (CORPUS / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case_id"]: row for row in csv.DictReader(stream)}


def scanned(*folders: Path, known: Path, history: bool = False) -> pl.DataFrame:
    """The rows of a scan, with `case`: the first folder of a file below the one that is named."""
    asked = scan.question(advisories.read(known), history=history)
    found = scan.scan(files.found(folders), asked)
    return found.with_columns(case=pl.col("file").str.split("/").list.get(-2))


def corpus() -> Rows:
    manifest = listed()
    found = scanned(CORPUS / "files", known=CORPUS / "advisories")
    rank = pl.col("finding").replace_strict(FINDINGS, range(len(FINDINGS)))
    gravest = dict(found.sort(rank).unique("case", keep="first").select("case", "finding").rows())
    locks = {name: row["finding"] for name, row in manifest.items() if name.startswith("L")}
    wrong = [f"{n} {gravest.get(n)}" for n, told in locks.items() if gravest.get(n) != told]
    yield (
        "real locks and manifests whose finding is the one that a right reader makes",
        f"{len(locks)} of {len(locks)}",
        "",
        f"{len(locks) - len(wrong)} of {len(locks)}",
        f"the gravest finding of each file{'; wrong: ' + ', '.join(wrong) if wrong else ''}",
    )
    yield sboms(manifest)
    evaluated = [name for name, row in manifest.items() if "SPDX 3" in row["format"]]
    told = found.filter(pl.col("case").is_in(evaluated))
    held = [len(read(CORPUS / "files" / manifest[name]["file"]).components) for name in evaluated]
    yield (
        f"SPDX 3 ({', '.join(sorted(evaluated))}): rows evaluated",
        "all",
        "",
        f"{told.filter(pl.col('finding') != NOT_EVALUATED).height} of {told.height}",
        f"{' and '.join(map(str, held))} packages",
    )
    yield handed()
    yield cuts(manifest)


def handed() -> tuple[str, ...]:
    """The small cases from real life that were handed over, each line by the command."""
    home = CORPUS.parent / "scan"
    lines = list(csv.DictReader((home / "expected.csv").open(encoding="utf-8", newline="")))
    right = 0
    for line in lines:
        told = scanned(home / line["case"], known=home / "adv").filter(
            pl.col("package").str.to_lowercase() == line["package"].lower()
        )
        right += bool(set(told["finding"]) & set(line["allowed"].split("|")))
    return (
        "small cases from real life, lines of expected.csv",
        f"{len(lines)} of {len(lines)}",
        "",
        f"{right} of {len(lines)}",
        "",
    )


def cuts(manifest: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """Real locks cut at 50 places: packages that are lost and called absent."""
    locks = [n for n, r in manifest.items() if n.startswith("L") and "pyproject" not in r["format"]]
    visible = hidden = every = readable = 0
    for name in locks:
        path = CORPUS / "files" / manifest[name]["file"]
        whole, data = read(path), path.read_bytes()
        held = {(p.ecosystem, p.name) for p in whole.components if p.key not in whole.roots}
        for number in range(1, 51):
            every += 1
            text = data[: len(data) * number // 51].decode("utf-8", "ignore")
            try:
                cut = readers.read(Source(text, path.name))
            except BadInput:
                continue
            readable += 1
            lost = held - {(part.ecosystem, part.name) for part in cut.components}
            denied = any(find(cut, *package).finding == ABSENT for package in lost if package[1])
            unseen = path.name.startswith("requirements") or text.endswith("\n\n")
            hidden += denied and unseen
            visible += denied and not unseen
    return (
        f"{len(locks)} real locks cut at 50 places each: cuts that can be seen, after which a lost"
        " package is called absent or gives no line",
        "0",
        "",
        str(visible),
        f"{every - readable} of {every} cuts end in an error, {readable} are read; that cannot be"
        f" seen (any line of requirements.txt, between two entries): {hidden}",
    )


def sboms(manifest: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """Components and edges beside the manifest, which counts elements where the file is XML."""
    same, told, every = 0, [], 0
    for name, row in manifest.items():
        if not name.startswith("S") or "SPDX 3" in row["format"]:
            continue
        path = CORPUS / "files" / row["file"]
        inventory = read(path)
        is_xml, every = path.suffix == ".xml", every + 1
        edges = int(row["contains"].rpartition("edges=")[2])
        subjects = _subjects(path) if is_xml else 0
        tops = len(inventory.roots) if "JSON" in row["format"] else 0
        own = [part for part in inventory.components if " of " not in part.key]  # no sources
        mine = (len(own) - tops, len(inventory.edges) + subjects)
        same += mine == (int(row["components"]), edges)
        also = f" and {subjects} subjects" if subjects else ""
        project = f" and {tops} project" if tops else ""
        told.append(f"{name} {mine[0]:,}{project}, {len(inventory.edges):,} edges{also}")
    how = "the manifest counts `dependency` elements of XML, subjects among them, and no project"
    return (
        "real SBOMs whose components and edges are those of the manifest",
        f"{every} of {every}",
        "",
        f"{same} of {every}",
        f"{'; '.join(told)}; {how} of JSON",
    )


def _subjects(path: Path) -> int:
    """Dependency elements at the top: they name who needs, not what is needed."""
    depth, found = 0, 0
    for event, element in iterparse(path, events=("start", "end")):
        is_need = element.tag.endswith("}dependency")
        depth += is_need if event == "start" else -is_need
        found += is_need and event == "start" and depth == 1
    return found


# nothing unread is called absent


def unread(folder: Path) -> Rows:
    """Broken files that held an affected package, and what was said of it."""
    known = folder / "broken-advisories"
    made.advisory(known)
    (known / "MAL-2.json").write_text(json.dumps(made.ALSO), "utf-8")
    many = made.broken(folder / "broken")
    found = scanned(folder / "broken", known=known)
    of_python = pl.col("case").str.contains("|".join(made.OF_PYTHON))
    bad = pl.when(of_python).then(pl.lit("litellm")).otherwise(pl.lit(made.BAD[0]))
    held = found.filter(pl.col("package") == bad).sort("case")
    denied = held.filter((pl.col("verdict") == NO) | (pl.col("finding") == ABSENT)).height
    grave = (LOCKED_AFFECTED, RANGE_ADMITS, NOT_EVALUATED)
    calm = held.filter(~pl.col("finding").is_in(grave))
    counted = dict(held.group_by("finding").len().iter_rows())
    names = ", ".join(f"{row['case']} {row['finding']}" for row in calm.iter_rows(named=True))
    yield (
        f"{many} broken files, each of which held an affected package: called no or absent;"
        " passed over in silence; called harmless in another way",
        "0; 0; 0",
        "",
        f"{denied}; {many - held.height}; {calm.height - denied}",
        f"{len(made.BREAKS) + 1} ways to break {len(made.WHOLE)} formats;"
        f" {counted.get(NOT_EVALUATED, 0)} not evaluated, {counted.get(LOCKED_AFFECTED, 0)} can"
        f" still be read and are called affected{'; harmless: ' + names if names else ''}",
    )


# beside the peers


def read_beside(peers: str) -> Rows:
    manifest = listed()
    for name, tools in (
        ("S003", ("cyclonedx-python-lib", "lib4sbom")),
        ("S033", ("cyclonedx-python-lib", "lib4sbom")),
        ("S006", ("cyclonedx-python-lib", "lib4sbom")),
        ("S042", ("cyclonedx-python-lib", "lib4sbom")),
        ("S013", ("spdx-tools", "lib4sbom")),
        ("S009", ("cyclonedx-python-lib", "spdx-tools", "lib4sbom")),
    ):
        path = CORPUS / "files" / manifest[name]["file"]
        answers = {tool: _peer(peers, tool, path) for tool in tools}
        what = f"{manifest[name]['format']} of {path.stat().st_size / 1e3:,.0f} kB"
        if name == "S009":
            theirs = "; ".join(told for _, told in answers.values())
            yield (f"{what} ({name}), which the kit reads: its peers", "", "", "-", theirs)
            continue
        ours, inventory = timed(lambda path=path: read(path), 15), read(path)
        middle = statistics.median(ours)
        theirs = "; ".join(told for _, told in answers.values())
        found = f"{len(inventory.components):,} components, {len(inventory.edges):,} edges"
        if path.suffix == ".json":
            plain = timed(lambda path=path: json.loads(path.read_text("utf-8")), 15)
            yield (
                f"{what} ({name}) read, over json.loads of it",
                "5x",
                "2x",
                f"{middle / statistics.median(plain):.1f}x",
                f"{said(ours)}, json.loads {said(plain)}, {found}; {theirs}",
            )
            continue
        times = [f"{seconds / middle:.0f}x" if seconds else "-" for seconds, _ in answers.values()]
        yield (
            f"{what} ({name}) read: {'; '.join(tools)} over the kit",
            "",
            "",
            "; ".join(times),
            f"{said(ours)}, {found}; {theirs}",
        )


def _peer(peers: str, tool: str, path: Path) -> tuple[float, str]:
    """(middle seconds, 0 after an error, what is told) of one peer and one file."""
    answer = ask(peers, job="read", tool=tool, file=str(path), runs=5)
    name = f"{tool} {answer['version']}"
    if "error" in answer:
        return 0.0, f"{name}: {answer['error']}"
    counts = f"{answer['components']:,} components, {answer['edges']:,} edges"
    return statistics.median(answer["seconds"]), f"{name} {said(answer['seconds'])}, {counts}"


def audited(peers: str, folder: Path) -> Rows:
    """pip-audit, its OSV service on the loopback, beside the kit."""
    own = folder / "affected" / "requirements.txt"
    own.parent.mkdir(parents=True)
    own.write_text("litellm==1.82.8\nclick==8.1.7\n", "utf-8")
    known = CORPUS / "advisories"
    asked = scan.question(advisories.read(known))
    for name, path in (
        ("L047", CORPUS / "files" / "L047" / "requirements.txt"),
        ("a line litellm==1.82.8", own),
    ):
        answer = ask(peers, job="audit", file=str(path), advisories=str(known), runs=5)
        ours = timed(lambda path=path: scan.scan(files.found([path]), asked), 5)
        found = scan.scan(files.found([path]), asked).filter(pl.col("package") == "litellm")
        mine = f"{found['finding'][0]} {found['version'][0]} {found['advisory'][0]}".strip()
        hits = "; ".join(
            f"{package} ({', '.join(one or 'a record without id' for one in ids)})"
            for package, ids in answer.get("hits", {}).items()
        )
        theirs = (
            answer.get("error", "").partition(" (from")[0]
            or f"{answer['packages']} packages, {hits or 'no hit'}"
        )
        slower = statistics.median(answer["seconds"]) / statistics.median(ours)
        yield (
            f"requirements.txt ({name}), pip-audit {answer['version']} beside the kit",
            "",
            "",
            "-" if "error" in answer else f"{slower:.0f}x",
            f"kit {said(ours)}: {mine}; pip-audit, its OSV service on the loopback,"
            f" {said(answer['seconds'])}: {theirs}",
        )


# a large SBOM


def large_sbom() -> Rows:
    one = json.loads((CORPUS / "files" / "S003" / "bom.1.4.json").read_text("utf-8"))
    text = json.dumps(made.merged(one, 8, 22_000, 12))
    source = Source(text, "bom.json")
    package, records = ("npm", made.BAD[0]), advisories.record(Source(_record(), "MAL-1.json"))
    steps: list[list[float]] = [[], [], []]
    for _ in range(8):
        marks = [time.perf_counter()]
        inventory = readers.read(source)
        marks.append(time.perf_counter())
        hit = find(inventory, *package, records)
        marks.append(time.perf_counter())
        ways = paths(inventory, hit.keys, most=12)
        marks.append(time.perf_counter())
        for step, (start, end) in zip(steps, pairwise(marks), strict=True):
            step.append(end - start)
    steps = [step[1:] for step in steps]  # the first does not count
    whole = [sum(parts) for parts in zip(*steps, strict=True)]
    plain = timed(lambda: json.loads(text), 7)
    assert len(hit.keys) == 12
    assert _shortest(inventory, hit.keys) == sorted(map(len, ways))
    named = zip(("read", "match", "paths"), steps, strict=True)
    parts = ", ".join(f"{step} {said(seconds)}" for step, seconds in named)
    yield (
        f"merged SBOM, {len(inventory.components):,} components, {len(inventory.edges):,} edges,"
        f" {len(text) / 1e6:.1f} MB: read, matched, a shortest path to each of 12 hits",
        "0.5 s",
        "",
        f"{statistics.median(whole):.2f} s",
        f"[{max(whole):.2f} s]; {parts}; json.loads {said(plain)}; paths of {len(ways[0])} to"
        f" {len(ways[-1])} steps, as long as networkx finds them",
    )


def _record() -> str:
    return json.dumps(made.ADVISORY)


def _shortest(inventory: Inventory, keys: tuple[str, ...]) -> list[int]:
    """Packages on a shortest way from the project to each component, by networkx."""
    graph = nx.DiGraph(inventory.edges)
    far = nx.single_source_shortest_path_length(graph, inventory.roots[0])
    return sorted(far[key] + 1 for key in keys)


# histories


def command(folder: Path, known: Path, where: Path) -> dict[str, Any]:
    """`impact scan --history` in a process of its own, with a terminal for its messages.

    Seconds with the start, peak memory of it and its largest worker in MB, the counts that its
    progress showed, and its lines of JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    peak, lines = folder / "peak", folder / "lines"
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))  # without a width a progress bar shows nothing
    start = time.perf_counter()
    with lines.open("wb") as out:
        arguments = [str(where), "--history", "--json", "--advisories", str(known)]
        running = subprocess.Popen(
            [sys.executable, __file__, "--scan", str(peak), *arguments], stdout=out, stderr=theirs
        )
    os.close(theirs)
    shown = b"".join(_until_closed(ours))
    os.close(ours)
    assert running.wait() in (0, 1), shown[-2000:]
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "peak_mb": float(peak.read_text("utf-8")),
        "shown": sorted({int(count) for count in re.findall(rb": (\d+) files \[", shown)}),
        "rows": [json.loads(line) for line in lines.read_text("utf-8").splitlines()],
    }


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # so a terminal says that nobody writes any more
            return
        if not part:
            return
        yield part


def scanning(peak: str, arguments: list[str]) -> None:
    """The command in this process; then its peak memory in MB into a file."""
    from impact.cli import main

    try:
        main(["scan", *arguments])
    except SystemExit as end:
        status = Path("/proc/self/status").read_text()  # VmHWM: ru_maxrss may be of the parent
        mb = float(status.partition("VmHWM:")[2].split()[0]) / 1024
        mb += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # the largest worker
        Path(peak).write_text(str(mb), "utf-8")
        sys.exit(end.code)


def history(folder: Path) -> Rows:
    home, known = folder / "history" / "repository", made.advisory(folder / "history-advisories")
    texts = made.npm_texts(4_300, 185, range(90, 98), 3)
    when = made.repository(home, "package-lock.json", texts, timedelta(days=2))
    runs = [command(folder / "history-out", known, home) for _ in range(3)]
    (row,) = runs[0]["rows"]
    spans = [(state["finding"], state["from"], state["to"]) for state in row["history"]]
    turns = [instants.as_text(when[number]) for number in (0, 90, 98)]
    assert [start for _, start, _ in spans] == turns, spans
    assert spans[1][0] == LOCKED_AFFECTED, spans
    lock = home / "package-lock.json"
    size, one = lock.stat().st_size, timed(lambda: read(lock), 5)
    plain = timed(lambda: json.loads(lock.read_text("utf-8")), 5)
    seconds = [run["seconds"] for run in runs]
    yield (
        f"185 revisions of a package-lock.json of 4,300 packages ({size / 1e6:.1f} MB) to"
        " intervals, by the command",
        "10 s",
        "",
        f"{statistics.median(seconds):.1f} s",
        f"[{max(seconds):.1f} s], start of the command included; {len(spans)} intervals, to the"
        f" second; peak {max(run['peak_mb'] for run in runs):.0f} MB; reading one revision"
        f" {said(one)}, json.loads {said(plain)}",
    )


def fleets(folder: Path) -> Rows:
    known, home = made.advisory(folder / "fleet-advisories"), folder / "fleet"
    made.fleet(home / "few", 0, FEW, WEEKS, PACKAGES)
    few = command(folder / "fleet-out", known, home / "few")
    made.fleet(home / "rest", FEW, REPOSITORIES, WEEKS, PACKAGES)
    many = command(folder / "fleet-out", known, home)
    bad = [row for row in many["rows"] if row["finding"] == LOCKED_AFFECTED]
    weeks = [row["history"][1] for row in bad]
    assert len(bad) == REPOSITORIES / 10
    assert {(w["from"], w["to"]) for w in weeks} == {made.affected_weeks()}
    counts = many["shown"]
    revisions = REPOSITORIES * WEEKS
    yield (
        f"{REPOSITORIES:,} repositories, each with a year of weekly package-lock.json of"
        f" {PACKAGES + 1} packages, by the command with --history",
        "10 min",
        "",
        f"{many['seconds'] / 60:.1f} min",
        f"{many['seconds']:.0f} s for {revisions:,} revisions"
        f" ({1e3 * many['seconds'] / revisions:.1f} ms each), {FEW} repositories"
        f" {few['seconds']:.0f} s; {len(bad)} affected, all found, for three weeks each",
    )
    yield (
        f"peak memory of that command, {REPOSITORIES:,} repositories over {FEW}",
        "flat",
        "",
        f"{many['peak_mb'] / few['peak_mb']:.2f}x",
        f"{few['peak_mb']:.0f} and {many['peak_mb']:.0f} MB, interpreter and libraries included",
    )
    yield (
        "progress of that command on a terminal",
        "shown",
        "",
        f"{len(counts)} counts",
        f"from {counts[0]:,} to {counts[-1]:,} files" if counts else "nothing was shown",
    )
    if CORPUS.is_dir():
        yield uv_fleet(folder, known)


def uv_fleet(folder: Path, known: Path) -> tuple[str, ...]:
    """The same year of a real uv.lock, of few repositories, scaled."""
    first = (CORPUS / "files" / "L006" / "uv.lock").read_text("utf-8")
    made.uv_fleet(folder / "uv", first, UV_REPOSITORIES, WEEKS)
    run = command(folder / "fleet-out", known, folder / "uv")
    revisions = UV_REPOSITORIES * WEEKS
    each = run["seconds"] / revisions
    return (
        f"the same with a real uv.lock of {first.count('[[package]]')} packages"
        f" ({len(first) / 1e3:.0f} kB), {REPOSITORIES:,} repositories",
        "10 min",
        "",
        f"{each * REPOSITORIES * WEEKS / 60:.1f} min",
        f"{UV_REPOSITORIES} repositories, scaled: {run['seconds']:.0f} s for {revisions}"
        f" revisions ({1e3 * each:.0f} ms each)",
    )


# advisories


def workflows(folder: Path) -> Rows:
    """CI: the fixtures with answers by hand are tests; here is their time."""
    home = folder / "workflows" / ".github" / "workflows"
    home.mkdir(parents=True)
    for number in range(1_000):
        (home / f"w{number}.yml").write_text(made.workflow(number), "utf-8")
    known = advisories.read(HERE.parent / "tests" / "assets" / "ci" / "advisories")
    asked = scan.question(known)
    times = timed(lambda: scan.scan(files.found([folder / "workflows"]), asked), 3)
    yield (
        f"1,000 workflows of {len(made.workflow(1)) / 1e3:.1f} kB, {len(asked.packages)} packages",
        "2 s",
        "",
        f"{statistics.median(times):.2f} s",
        f"[{max(times):.2f} s], in one process",
    )


def lookups(folder: Path) -> Rows:
    """Very many advisories over real locks, by the command, as a table and as lines of JSON."""
    known, locks = made.records(folder / "very-many", 20_000), folder / "locks"
    every = sorted(CORPUS.glob("files/L*/uv.lock"))
    for number in range(40):
        (locks / f"r{number}").mkdir(parents=True)
        (locks / f"r{number}" / "uv.lock").write_bytes(every[number % len(every)].read_bytes())
    seconds = []
    for options in ((), ("--json",)):
        start = time.perf_counter()
        command = [sys.executable, "-m", "impact", "scan", str(locks), "--advisories", str(known)]
        subprocess.run([*command, *options], stdout=subprocess.DEVNULL, check=False)
        seconds.append(time.perf_counter() - start)
    yield (
        "20,000 advisory records and 40 real uv.locks, by the command",
        "20 s",
        "",
        f"{seconds[0]:.1f} s",
        f"as lines of JSON, 800,000 of them, {seconds[1]:.1f} s",
    )


def many_records(folder: Path) -> Rows:
    home = made.records(folder / "records", 10_000)
    size = sum(file.stat().st_size for file in home.iterdir())
    taken = timed(lambda: advisories.read(home), 5)
    assert len(advisories.read(home).affected) == 10_000
    yield (
        f"folder of 10,000 OSV records ({size / 1e6:.0f} MB), read after the first time",
        "1 s",
        "",
        f"{statistics.median(taken):.2f} s",
        f"[{max(taken):.2f} s]",
    )


if __name__ == "__main__":
    if sys.argv[1] == "--scan":
        scanning(sys.argv[2], sys.argv[3:])
    with tempfile.TemporaryDirectory() as name:
        for line in rows(sys.argv[1], Path(name)):
            print(f"| {' | '.join(line)} |", flush=True)
