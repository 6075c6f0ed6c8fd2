"""What all protected applications of one process share: the requests in flight, the drain, the sweep.

One timer serves every request: ten times a second the sweep ends those whose time is up and measures how late
the event loop runs. A timer per request would cost more than everything else that `protect` does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.runtime.http.request import Request, Socket

SWEEP_SECONDS = 0.1
_DRAIN_POLL_SECONDS = 0.05


class ServerState:
    """The drain switch, the in-flight table and the sweep of one process."""

    def __init__(self) -> None:
        self.draining = False
        #: Connections are told to close after their response. Follows `draining`.
        self.closing = False
        #: Bodies held in memory before their requests are served, and how much they may hold together.
        self.spooled_bytes = 0
        self.spool_budget_bytes = 64_000_000
        self.in_flight: set[Request] = set()
        self.websockets: set[Socket] = set()
        self._lag_observers: list[Callable[[float], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = 0.0

    def observe_lag(self, observer: Callable[[float], None]) -> None:
        """Call `observer` with the event loop's lateness in seconds at each sweep."""
        self._lag_observers.append(observer)

    def start(self) -> None:
        """Sweep in the running event loop; a second call there does nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self._schedule()

    def stop(self) -> None:
        """End the sweep."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None

    async def drain(
        self,
        *,
        notice_seconds: float,
        timeout_seconds: float,
        after_notice: Callable[[], None] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> int:
        """Say no to readiness at once, turn connections away, wait for what is in flight.

        Returns how many requests were still in flight when `timeout_seconds` were over. Load balancers stop
        sending within their check interval: `notice_seconds` is for them, and nothing is refused meanwhile.
        `after_notice` then keeps new connections out, without which the waiting need not end.
        """
        self.draining = self.closing = True
        await sleep(notice_seconds)
        if after_notice is not None:
            after_notice()
        for socket in tuple(self.websockets):
            await socket.leave()
        waited = notice_seconds
        while (self.in_flight or self.websockets) and waited < timeout_seconds:
            await sleep(_DRAIN_POLL_SECONDS)
            waited += _DRAIN_POLL_SECONDS
        for socket in tuple(self.websockets):
            socket.cancel()
        return len(self.in_flight)

    def peers(self) -> set[object]:
        """The client addresses that a request or WebSocket is being served for."""
        peers = {request.scope.get("client") for request in self.in_flight}
        return peers | {socket.scope.get("client") for socket in self.websockets}

    def _schedule(self) -> None:
        assert self._loop is not None
        self._due = time.monotonic() + SWEEP_SECONDS
        self._timer = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        now = time.monotonic()
        lag_seconds = max(0.0, now - self._due)
        for observer in self._lag_observers:
            observer(lag_seconds)
        for request in [request for request in self.in_flight if now >= request.ends_at]:
            request.expire(now)
        self._schedule()
