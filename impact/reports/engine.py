"""The papermill engine `impact`: real kernels, forked from a process with the imports done.

A kernel spends most of its life importing. Here it begins as a copy of a *stem*, a process that has
imported (`impact.reports.preload`) and done nothing else, so that no state passes from one report
to another. A request is one message on a socket that holds what a new process is given: arguments,
environment, folder, and one end of a socket pair. Each end of the pair sees at once when
the other side has gone, so a kernel never outlives who asked for it.

Where kernels cannot be forked, or a forked one does not answer, papermill's own engine does it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import queue
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

START_SECONDS = 20  # after which a stem, or a kernel, that does not answer counts as hung
PLAIN = "IMPACT_ENGINE"  # set to `plain` in the environment, no kernel is forked
_MESSAGE = 2**17  # bytes of a request
_stem: socket.socket | None = None


def can_fork() -> bool:
    """Whether kernels can be forked here: on Linux, where IMPACT_ENGINE does not say `plain`."""
    return sys.platform == "linux" and os.environ.get(PLAIN) != "plain"


def become_stem() -> None:
    """Fork a stem off this process, which has imported what kernels need and done nothing else."""
    global _stem
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        serve(theirs)
    theirs.close()
    _stem = ours


def stem() -> socket.socket:
    """The socket of the stem of this process; where it has none, a new Python process is one."""
    global _stem
    if _stem is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.set_inheritable(True)
        served = f"engine.serve(socket.socket(fileno={theirs.fileno()}))"
        code = f"import socket; from impact.reports import engine; {served}"
        no_input = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        command = [sys.executable, "-c", code]
        os.posix_spawn(sys.executable, command, os.environ, file_actions=[no_input])
        theirs.close()
        _stem = ours
        atexit.register(leave_stem)
    return _stem


def leave_stem() -> None:
    """Let the stem of this process end, if it has one; the next kernel gets a new one."""
    global _stem
    if _stem is not None:
        _stem.close()
    _stem = None


def serve(requests: socket.socket) -> NoReturn:
    """Import what kernels need, then fork one for each request until nobody is left to ask."""
    import impact.reports.preload  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system clears away kernels that end
    while True:
        message, ends, _, _ = socket.recv_fds(requests, _MESSAGE, 1)
        if not message:
            os._exit(0)
        gc.freeze()  # what is there by now is never garbage: no kernel looks at it or copies it
        if os.fork() == 0:
            requests.close()
            _become_kernel(json.loads(message), socket.socket(fileno=ends[0]))
        os.close(ends[0])


def _become_kernel(given: dict[str, Any], asker: socket.socket) -> NoReturn:
    """The kernel itself; ends with its process, or when who asked for it has gone."""
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(given["environment"])
        os.chdir(given["folder"])
        asker.sendall(str(os.getpid()).encode())
        threading.Thread(target=lambda: asker.recv(1) or os._exit(1), daemon=True).start()
        from ipykernel.kernelapp import IPKernelApp

        sys.argv = [sys.argv[0]]
        IPKernelApp.launch_instance(given["arguments"])
    finally:
        os._exit(0)


class Forked:
    """A forked kernel as its provisioner sees a process: what of `subprocess.Popen` it uses."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: str) -> None:
        arguments = [*arguments, f"--IPKernelApp.parent_handle={os.getpid()}"]
        given = {"arguments": arguments, "environment": environment, "folder": folder}
        message = json.dumps(given).encode()
        self.end, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(stem(), [message], [theirs.fileno()])
            self.end.settimeout(START_SECONDS)
            self.pid = int(self.end.recv(32) or 0)
            if not self.pid:
                raise ConnectionError("the kernel ended as it began")
        except OSError:
            self.end.close()
            leave_stem()
            raise

    def poll(self) -> int | None:
        """None while the kernel lives, else 0: how it ended is not known."""
        return 0 if select.select([self.end], [], [], 0)[0] else None

    def wait(self) -> int:
        """Wait until the kernel has ended."""
        select.select([self.end], [], [])
        self.end.close()
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, if it lives."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


class ForkProvisioner(LocalProvisioner):
    """Gives a kernel manager forked kernels in place of new processes."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork a kernel with the arguments that `python -m ipykernel_launcher` would be given."""
        arguments = cmd[cmd.index("-f") :]
        folder = str(kwargs.get("cwd") or Path.cwd())
        kernel: Any = Forked(arguments, dict(kwargs["env"]), folder)
        self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
        self.cwd = folder
        return self.connection_info


class ForkClient(AsyncKernelClient):
    """A client that goes on when its kernel answers; jupyter_client waits for 0.2 s of silence."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, 5)  # ms: the kernel is there before 0.1 s are over
        return context

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the kernel's first answer; raises RuntimeError where none comes in time."""
        ends = time.monotonic() + (timeout or START_SECONDS)
        while await self.is_alive() and time.monotonic() < ends:
            self.kernel_info()
            with contextlib.suppress(queue.Empty):
                self._handle_kernel_info_reply(await self.shell_channel.get_msg(timeout=1))
                await self.iopub_channel.get_msg(timeout=0.2)
                return
        raise RuntimeError("the kernel does not answer")


class ForkManager(AsyncKernelManager):
    """A kernel manager whose kernels are forked."""

    client_factory = ForkClient

    async def _async_wait(self, pollinterval: float = 0.002) -> None:
        await super()._async_wait(pollinterval)

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.provisioner is None:
            self.provisioner = ForkProvisioner(kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel


class ForkEngine:
    """papermill's own engine with forked kernels; `papermill --engine impact` finds it by name.

    papermill is imported when a notebook runs: it looks for its engines while it is imported.
    """

    @staticmethod
    def nb_kernel_name(nb: Any, name: str | None = None) -> str:
        """The name of a notebook's kernel: what is forked is Python."""
        return name or "python3"

    @staticmethod
    def nb_language(nb: Any, language: str | None = None) -> str:
        """The language of a notebook."""
        return language or "python"

    @staticmethod
    def execute_notebook(nb: Any, kernel_name: str, **settings: Any) -> Any:
        """Run the cells in a forked kernel, or in a new one where none can be forked."""
        from papermill.engines import NBClientEngine

        if can_fork():
            forked = {
                **settings,
                "kernel_manager_class": ForkManager,
                "shutdown_kernel": "immediate",
                "start_timeout": START_SECONDS,
            }
            try:
                return NBClientEngine.execute_notebook(nb, kernel_name, **forked)
            except (OSError, RuntimeError):
                if any(cell.get("execution_count") for cell in nb.cells):
                    raise  # it had begun: what happened since is the notebook's own
        return NBClientEngine.execute_notebook(nb, kernel_name, **settings)
