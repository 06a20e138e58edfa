"""The other tools that read SBOMs and ask advisories; run with the Python of peers.lock.

One JSON job on standard input, one JSON answer on standard output:

{"job": "read", "tool": "cyclonedx-python-lib", "lib4sbom" or "spdx-tools", "file": PATH, "runs": N}
{"job": "audit", "file": "requirements.txt", "advisories": FOLDER, "runs": N}

`read` answers with seconds, components and edges, or the error; each tool has read the file once
before it is timed. `audit` is pip-audit's own command, asked of an OSV service on the loopback that
serves a folder of records; every other connection, and every other program, is refused.
"""

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

Job = dict[str, Any]
HOME = "127.0.0.1"
OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json", "-s", "osv")


def main() -> None:
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):  # what a tool prints is no part of the answer
        answer = JOBS[job["job"]](job)
    json.dump(answer, sys.stdout)
    print()


# SBOMs


def read(job: Job) -> Job:
    """Version, seconds, components and edges of one file by one tool, or the error it raised."""
    warnings.simplefilter("ignore")
    logging.disable()
    work = READERS[job["tool"]]
    found: Job = {"version": metadata.version(job["tool"]), "seconds": []}
    try:
        found["components"], found["edges"] = work(job["file"])
        for _ in range(job["runs"]):
            start = time.perf_counter()
            work(job["file"])
            found["seconds"].append(time.perf_counter() - start)
    except Exception as error:
        said = " ".join(str(error).split())[:80]
        found["error"] = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return found


def _cyclonedx(file: str) -> tuple[int, int]:
    from cyclonedx.model.bom import Bom

    if file.endswith(".json"):
        bom = Bom.from_json(json.loads(Path(file).read_text("utf-8")))
    else:
        from defusedxml import ElementTree

        bom = Bom.from_xml(ElementTree.parse(file).getroot())
    edges = sum(len(need.dependencies) for need in bom.dependencies)
    return sum(1 for _ in _nested(bom.components)), edges


def _nested(components: Any) -> Iterator[Any]:
    """Components with those nested in them."""
    for component in components:
        yield component
        yield from _nested(component.components)


def _lib4sbom(file: str) -> tuple[int, int]:
    from lib4sbom.parser import SBOMParser

    parser = SBOMParser()
    parser.parse_file(file)
    return len(parser.get_packages()), len(parser.get_relationships())


def _spdx(file: str) -> tuple[int, int]:
    from spdx_tools.spdx.parser.parse_anything import parse_file

    document = parse_file(file)
    return len(document.packages), len(document.relationships)


# pip-audit


def audit(job: Job) -> Job:
    """Version, seconds, package -> ids of records, or what pip-audit said instead."""
    from pip_audit import _cli

    found: Job = {"version": metadata.version("pip-audit"), "seconds": []}
    records = [json.loads(file.read_text("utf-8")) for file in Path(job["advisories"]).iterdir()]
    server = ThreadingHTTPServer((HOME, 0), _service(records))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    sys.addaudithook(_only_here)
    url = f"http://{HOME}:{server.server_port}/v1/query"
    for _ in range(job["runs"]):
        with tempfile.TemporaryDirectory() as cache:
            command = ["-r", job["file"], *OPTIONS, "--osv-url", url, "--cache-dir", cache]
            start = time.perf_counter()
            status, out, told = _called(_cli.audit, command)
            found["seconds"].append(time.perf_counter() - start)
    server.shutdown()
    if not out.strip():
        return found | {"error": " ".join(told.split())[:200] or f"status {status}"}
    every = json.loads(out)["dependencies"]
    found["packages"] = len(every)
    found["skipped"] = sorted(one["name"] for one in every if "skip_reason" in one)
    found["hits"] = {
        f"{one['name']} {one['version']}": sorted(record["id"] for record in one["vulns"])
        for one in every
        if one.get("vulns")
    }
    return found


def _called(command: Callable[[], None], arguments: list[str]) -> tuple[Any, str, str]:
    """(status, output, errors) of a command of Python that tells its errors by `logging`."""
    sys.argv = ["pip-audit", *arguments]
    out, told = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setLevel(logging.ERROR)
    logging.getLogger("pip_audit").handlers = [handler]
    logging.getLogger("pip_audit").propagate = False
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        try:
            command()
            status: Any = 0
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), told.getvalue()


def _only_here(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a connection to anything but the loopback, and any other program."""
    if event == "socket.connect" and arguments[1][0] != HOME:
        raise PermissionError(f"a connection to {arguments[1]} is refused")
    if event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
        raise PermissionError(f"another program is refused: {arguments}")


def _service(records: list[Job]) -> type[BaseHTTPRequestHandler]:
    """OSV's query of a package and a version, answered from some records."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            names = [record for record in records if _names(record, asked)]
            data = json.dumps({"vulns": names} if names else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *said: Any) -> None:
            """Nothing: the answer of the job is all that is printed."""

    return Service


def _names(record: Job, asked: Job) -> bool:
    """Whether a record names a package and version, by its list or one of its ranges."""
    from packaging.version import Version

    version = Version(asked["version"])
    for one in record.get("affected", ()):
        package = one.get("package") or {}
        if (package.get("ecosystem"), package.get("name")) != (
            asked["package"]["ecosystem"],
            asked["package"]["name"],
        ):
            continue
        if asked["version"] in (one.get("versions") or ()):
            return True
        for span in one.get("ranges") or ():
            is_in = False
            for event in span["events"] if span["type"] == "ECOSYSTEM" else ():
                kind, at = next(iter(event.items()))
                if kind == "introduced":
                    is_in = is_in or at == "0" or version >= Version(at)
                elif version > Version(at) or (kind == "fixed" and version == Version(at)):
                    is_in = False
            if is_in:
                return True
    return False


READERS: dict[str, Callable[[str], tuple[int, int]]] = {
    "cyclonedx-python-lib": _cyclonedx,
    "lib4sbom": _lib4sbom,
    "spdx-tools": _spdx,
}
JOBS: dict[str, Callable[[Job], Job]] = {"read": read, "audit": audit}

if __name__ == "__main__":
    main()
