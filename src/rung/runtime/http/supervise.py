"""Keeps a number of worker processes alive: restart within 2 s after a crash (F02), drain on SIGTERM (F34).

Supervisor and worker hold the two ends of a socket pair. The worker writes `ready` to it; when the supervisor
is gone, even by SIGKILL, the worker reads end-of-file and drains. No process outlives the terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from rung.errors import Finding, MachineError, UserError
from rung.runtime.log import logger

log = logger(__name__)

LINK_VARIABLE = "RUNG_SUPERVISOR_FD"
#: With the start of a process (0.5 to 0.9 s) the last of them stays within two seconds, also for one killed again
#: and again. A worker that never became ready is not started again at all.
_BACKOFF_SECONDS = (0.0, 0.1, 0.25, 0.5, 0.75)
#: A worker that lived this long before it died starts again at once: it served, and may again.
_STEADY_SECONDS = 2.0


def raise_descriptor_limit() -> int:
    """Raise RLIMIT_NOFILE to what the hard limit allows: one descriptor is one connection. The limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1_048_576
    with suppress(ValueError, OSError):  # macOS refuses more than kern.maxfilesperproc
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft


def reserve_port(host: str, port: int) -> socket.socket:
    """Hold `port` for the workers, which bind it with SO_REUSEPORT and come and go.

    The socket does not listen, so it receives nothing. MachineError R0350 when something else has the port:
    without this check a second server would silently take half of the connections.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        raise MachineError(
            Finding(
                code="R0350",
                severity="error",
                message=f"cannot listen on {host}:{port}",
                found=os.strerror(error.errno) if error.errno else str(error),
                help="stop the other program (ss -ltnp names it) or choose another --port",
            )
        ) from error
    return held


class Supervisor:
    """Runs `command` in `workers` processes until told to stop."""

    def __init__(self, command: Sequence[str], *, workers: int, stop_seconds: float) -> None:
        self._command = list(command)
        self._workers = workers
        self._stop_seconds = stop_seconds
        self._stopping = asyncio.Event()
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._statuses: list[int] = []
        self._failed_to_start = False

    async def run(self, announce: dict[str, object]) -> int:
        """Start, print the ready line with `announce`, keep alive, drain. The exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        ready = [asyncio.Event() for _ in range(self._workers)]
        keepers = [asyncio.create_task(self._keep(index, ready[index])) for index in range(self._workers)]
        announcer = asyncio.create_task(self._announce(ready, announce))
        await self._stopping.wait()
        announcer.cancel()
        await self._stop(keepers)
        return 1 if self._failed_to_start or any(self._statuses) else 0

    async def _announce(self, ready: list[asyncio.Event], announce: dict[str, object]) -> None:
        for event in ready:
            await event.wait()
        log.info("ready", **announce, workers=self._workers, pid=os.getpid())

    async def _keep(self, index: int, ready: asyncio.Event) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            status = await self._run_once(index, ready)
            if self._stopping.is_set():
                self._statuses.append(status)
                return
            if not ready.is_set():
                self._failed_to_start = True
                self._stopping.set()
                return
            failures = 0 if loop.time() - began > _STEADY_SECONDS else failures + 1
            delay = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS)) - 1] if failures else 0.0
            log.error("worker died", worker=index, status=status, restart_in_ms=round(delay * 1000))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _run_once(self, index: int, ready: asyncio.Event) -> int:
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env={**os.environ, LINK_VARIABLE: str(theirs.fileno()), "RUNG_WORKER": str(index)},
                    pass_fds=(theirs.fileno(),),
                )
            self._processes[index] = process
            if self._stopping.is_set():
                process.terminate()
            listener = asyncio.create_task(_await_ready(ours, ready))
            status = await process.wait()
            listener.cancel()
            del self._processes[index]
            return status

    async def _stop(self, keepers: list[asyncio.Task[None]]) -> None:
        for process in tuple(self._processes.values()):
            with suppress(ProcessLookupError):
                process.terminate()
        _, late = await asyncio.wait(keepers, timeout=self._stop_seconds)
        if late:
            for process in tuple(self._processes.values()):
                process.kill()
            await asyncio.wait(late)


async def _await_ready(link: socket.socket, ready: asyncio.Event) -> None:
    if await asyncio.get_running_loop().sock_recv(link, 16):
        ready.set()


class SupervisorLink:
    """The worker's end. Without a supervisor (started by hand) every call does nothing."""

    def __init__(self) -> None:
        number = os.environ.pop(LINK_VARIABLE, "")
        self._socket = socket.socket(fileno=int(number)) if number else None

    def tell_ready(self) -> None:
        """The worker serves."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.send(b"ready")

    def on_lost(self, stopping: asyncio.Event) -> None:
        """Set `stopping` when the supervisor is gone."""
        if self._socket is not None:
            self._socket.setblocking(False)
            asyncio.get_running_loop().add_reader(self._socket, stopping.set)


def worker_command(module: str, arguments: Sequence[str]) -> list[str]:
    """This Python running `module` as a worker."""
    return [sys.executable, "-m", module, "--worker", *arguments]


def command_line(module: str, description: str | None) -> argparse.ArgumentParser:
    """The command line of `python -m module`: what every supervised server takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="processes; each has its own memory")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def run_command_line(
    module: str,
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    serve: Callable[[argparse.Namespace], Awaitable[int]],
    *,
    check: Callable[[argparse.Namespace], object] = lambda _: None,
) -> int:
    """Supervise `module`, or with `--worker` be one of its workers by `serve`; the exit status.

    `check` is called by the supervisor before anything starts. The options have a `name`: it is announced.
    What is the user's to mend (UserError) is said on stderr; the status is 1.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(words)
    try:
        if options.worker:
            from rung.runtime.http.server import run

            return run(lambda: serve(options))
        check(options)
        return _supervise(module, options, words)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _supervise(module: str, options: argparse.Namespace, words: Sequence[str]) -> int:
    from rung.runtime.http.settings import settings_from_environment

    settings = settings_from_environment()
    with reserve_port(options.host, options.port):
        supervisor = Supervisor(
            worker_command(module, words), workers=options.workers, stop_seconds=settings.drain_seconds + 4.0
        )
        announce: dict[str, object] = {"name": options.name, "address": f"http://{options.host}:{options.port}"}
        return asyncio.run(supervisor.run(announce))
