"""A Dask cluster that makes reports: one thread a worker, the same lock as here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from impact.base.errors import BadInput, Fault, bad
from impact.reports import files, origin

SECONDS = 15  # after which a scheduler that does not answer is not there


@contextmanager
def executor(address: str) -> Iterator[tuple[Executor | None, int]]:
    """(executor, how many workers it has) of the Dask scheduler at an address; (None, 0) for none.

    A worker that dies is replaced by another: Dask runs its tasks again. Raises BadInput where
    nobody answers, and where a worker has other versions than there are here, or several threads:
    papermill needs a process for each report.
    """
    if not address:
        yield None, 0
        return
    try:
        from distributed import Client
    except ImportError:
        repair = 'install the extra: pip install "breach-impact-kit[cluster]"'
        raise bad("--cluster", "dask.distributed is not installed", repair) from None
    _reach(address)
    connect: Any = Client
    with connect(address, timeout=SECONDS, set_as_default=False) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if faults := _faults(workers, client.run(origin.made_with)):
            raise BadInput(faults)
        yield client.get_executor(pure=False), len(workers)


def _reach(address: str) -> None:
    """Raises BadInput where nobody listens at an address; a client that fails never quite ends."""
    found = urlsplit(address)
    try:
        if found.scheme not in ("tcp", "tls"):
            raise ValueError("it is no tcp://HOST:PORT")
        socket.create_connection((found.hostname, found.port or 0), SECONDS).close()
    except (OSError, ValueError) as error:
        what = f'no scheduler answers at "{address}" ({error})'
        repair = "start one with `dask scheduler`, or leave it out"
        raise bad("--cluster", what, repair) from None


def _faults(workers: dict[str, Any], found: dict[str, dict[str, str]]) -> list[Fault]:
    """Why the workers cannot be used, each once."""
    if not workers:
        return [Fault("--cluster", "the scheduler has no worker", "start one with `dask worker`")]
    faults = list[Fault]()
    for worker, made_with in sorted(found.items()):
        if parts := files.changed_parts(origin.made_with(), made_with):
            what = f"has another {parts[0]} than there is here"
            faults.append(Fault(f"worker {worker}", what, "install the same lock there"))
        if workers[worker]["nthreads"] != 1:
            what = f"has {workers[worker]['nthreads']} threads"
            faults.append(Fault(f"worker {worker}", what, "start it with --nthreads 1"))
    return faults
