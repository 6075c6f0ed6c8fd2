"""One worker process: granian inside our own event loop, so that start-up, drain and limits are ours.

Why granian, why embedded and what is watched beside it: docs/adr/0007-http-server.md.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from rung.runtime.http.asgi import ASGIApp
from rung.runtime.http.doorway import Doorway
from rung.runtime.http.intake import Intake
from rung.runtime.http.settings import HttpSettings
from rung.runtime.http.stalled import StalledConnections
from rung.runtime.http.state import ServerState
from rung.runtime.http.supervise import SupervisorLink, raise_descriptor_limit
from rung.runtime.lifespan import close_all
from rung.runtime.log import configure_logging, logger
from rung.runtime.metrics import MetricsServer, serve_metrics
from rung.runtime.trace import configure_tracing, shutdown_tracing

log = logger(__name__)

#: Outlives the 60 s idle time of a load balancer, so that it, not we, closes idle connections.
KEEP_ALIVE_SECONDS = 75
_BACKLOG = 4_096
_CONNECTIONS_MAX = 100_000
#: Collect rarely: what lives long was frozen after start-up, what dies young is freed by its count.
_GC_THRESHOLDS = (50_000, 20, 100)
_STOP_SECONDS = 3.0
#: For connections that came in last: their first request, and the answer to it.
_LAST_ANSWERS_SECONDS = 1.5
Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What one process serves, and what it does before and after."""

    app: ASGIApp
    host: str
    port: int
    settings: HttpSettings
    state: ServerState
    startup: Hook
    shutdown: Hook


async def run_worker(worker: Worker) -> int:
    """Serve until SIGTERM, SIGINT or the loss of the supervisor; drain; the exit status."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    link = SupervisorLink()
    link.on_lost(stopping)
    raise_descriptor_limit()
    configure_logging()
    configure_tracing()
    metrics = serve_metrics()
    if metrics is not None:
        metrics.announce()
    await worker.startup()
    settle_garbage()
    intake = Intake(worker.app, worker.state, host=worker.host, port=worker.port)
    server = _server(worker, intake)
    serving = asyncio.create_task(server.serve())
    worker.state.start()
    stalled = StalledConnections(worker.port, worker.state)
    watching = asyncio.create_task(stalled.watch())
    asking = asyncio.create_task(intake.watch())
    if not await _listening(worker, serving):
        return 1
    link.tell_ready()
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
    asking.cancel()
    left = await _drain(worker, server, serving)
    watching.cancel()
    await _close(worker, metrics)
    return 0 if stopping.is_set() and left == 0 else 1


async def _close(worker: Worker, metrics: MetricsServer | None) -> None:
    await worker.shutdown()
    worker.state.stop()
    try:
        await close_all()
    except ExceptionGroup as error:
        log.warning("not everything closed", exc_info=error)
    shutdown_tracing()
    if metrics is not None:
        metrics.close()


def settle_garbage() -> None:
    """Collect once, then move all that start-up made out of the collector's sight. Source: CPython's gc.freeze."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _server(worker: Worker, app: ASGIApp) -> Server:
    server: Server = Server(
        app,
        address=worker.host,
        port=worker.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000),
        log_enabled=False,
    )
    return server


async def _listening(worker: Worker, serving: asyncio.Task[None]) -> bool:
    """Wait until the port accepts. False when the server ended instead (it could not bind)."""
    for _ in range(200):
        await asyncio.sleep(0.01)
        if serving.done():
            log.error("server failed", error=repr(serving.exception()))
            return False
        with suppress(OSError):
            _, writer = await asyncio.open_connection(worker.host, worker.port)
            writer.close()
            return True
    return False


async def _drain(worker: Worker, server: Server, serving: asyncio.Task[None]) -> int:
    settings = worker.settings
    number = os.environ.get("RUNG_WORKER", "0")
    log.info("draining", in_flight=len(worker.state.in_flight), worker=number)
    doorway = Doorway(worker.port)
    left = await worker.state.drain(
        notice_seconds=settings.drain_notice_seconds,
        timeout_seconds=settings.drain_seconds,
        after_notice=doorway.close,
    )
    if left == 0:
        await doorway.empty(_LAST_ANSWERS_SECONDS)
        left = len(worker.state.in_flight)
    server.stop()  # type: ignore[no-untyped-call]
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(serving, _STOP_SECONDS)
    log.info("drained", cut_off=left, worker=number)
    return left


def run(main: Callable[[], Awaitable[int]]) -> int:
    """`main` in uvloop where there is one, else in asyncio's own loop."""

    async def start() -> int:
        return await main()

    if sys.platform == "win32":
        return asyncio.run(start())
    import uvloop

    return uvloop.run(start())
