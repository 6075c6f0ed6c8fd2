"""What all protected applications of one process share: the requests in flight, the drain, the sweep.

One timer serves every request: fifty times a second it asks how long a callback waits for the event loop, and ten
times a second the sweep ends the requests whose time is up. A timer per request would cost more than everything
else that `protect` does.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from rung.runtime.http.shedding import Shedder
from rung.runtime.http.turns import Turns

if TYPE_CHECKING:
    from rung.runtime.http.request import Request
    from rung.runtime.http.websocket import Socket

#: A round of this length refuses nobody, so that nobody need ask how much of it was work.
_SHORT_ROUND_SECONDS = 0.005
PROBE_SECONDS = 0.02
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
        #: Requests that stand in line, and are not begun.
        self.in_line = 0
        self.websockets: set[Socket] = set()
        #: Clients that were told `connection: close` before their request had arrived, and when.
        self._leaving: dict[object, float] = {}
        #: In which order new requests begin while the event loop is late.
        self.turns = Turns()
        self._shedder: Shedder | None = None
        self._lag_observers: list[Callable[[float, float], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        #: When the probe that comes next is due.
        self._due = math.inf
        self._round_began = 0.0
        self._round_worked = 0.0
        #: Whether `Intake` asks too, and since when it waits for an answer (0.0: it has one).
        self.asks_outside = False
        self.asked_outside_at = 0.0
        self._sweep_at = 0.0

    def shedder(self, target_seconds: float) -> Shedder:
        """What the processor cannot do is refused by class, whichever application is asked: one for the process.

        The first application's `target_seconds` hold.
        """
        if self._shedder is None:
            self._shedder = Shedder(target_seconds)
        return self._shedder

    def observe_lag(self, observer: Callable[[float, float], None]) -> None:
        """Call `observer` at each probe, with the seconds that a callback waited for the loop, and the time."""
        self._lag_observers.append(observer)

    def round_seconds(self) -> float:
        """How long requests have been begun since the probe was due: the length, so far, of a round of the loop.

        A process that was stopped for a moment (a neighbour, a collection) is late, but its round has just begun.
        One that was stopped for most of its round has worked for less of it: that is what counts then.
        """
        now = time.monotonic()
        if now < self._due:
            return 0.0
        if self._round_began < self._due:
            self._round_began, self._round_worked = now, time.thread_time()
        passed = now - self._round_began
        if passed < _SHORT_ROUND_SECONDS:
            return passed
        worked = time.thread_time() - self._round_worked
        return passed if worked >= passed / 2 else worked

    def start(self) -> None:
        """Sweep in the running event loop; a second call there does nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self.turns.forget()
        self._schedule()

    def stop(self) -> None:
        """End the sweep."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None
        self._due = math.inf

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
        began = time.monotonic()
        waited = notice_seconds
        while (self.in_flight or self.in_line or self.websockets) and waited < timeout_seconds:
            for socket in tuple(self.websockets):
                await socket.leave(time.monotonic(), began)
            await sleep(_DRAIN_POLL_SECONDS)
            waited += _DRAIN_POLL_SECONDS
        for socket in tuple(self.websockets):
            socket.cancel()
        return len(self.in_flight) + self.in_line

    def peers(self) -> set[object]:
        """The client addresses that a request or WebSocket is being served for."""
        peers = {_peer(request.scope.get("client")) for request in self.in_flight}
        return peers | {_peer(socket.scope.get("client")) for socket in self.websockets}

    def ask_to_leave(self, client: Sequence[Any] | None) -> None:
        """This client was answered with `connection: close` while its body was still coming."""
        if client is not None:
            self._leaving[_peer(client)] = time.monotonic()

    def take_leaving(self, after_seconds: float) -> set[object]:
        """The addresses of those who were asked to leave so long ago, each returned once."""
        latest = time.monotonic() - after_seconds
        gone = {peer for peer, asked_at in self._leaving.items() if asked_at <= latest}
        for peer in gone:
            del self._leaving[peer]
        return gone - self.peers()

    def _schedule(self) -> None:
        assert self._loop is not None
        self._due = time.monotonic() + PROBE_SECONDS
        self._timer = self._loop.call_later(PROBE_SECONDS, self._ask)

    def _ask(self) -> None:
        """Get in line behind everything that is ready: when our turn comes is how long everybody waits."""
        if self._loop is not None:
            self._due = time.monotonic()
            self._loop.call_soon(self._answer, self._due)

    def hear_outside(self) -> None:
        """The question of `Intake` has arrived."""
        now = time.monotonic()
        asked_at, self.asked_outside_at = self.asked_outside_at, 0.0
        if asked_at:
            self._observe(now - asked_at, now)

    def _observe(self, lag_seconds: float, now: float) -> None:
        if self._shedder is not None:
            self._shedder.observe(lag_seconds, now, time.process_time())
        for observer in self._lag_observers:
            observer(lag_seconds, now)

    def _answer(self, asked_at: float) -> None:
        if self._loop is None:
            return
        now = time.monotonic()
        if not self.asks_outside:
            self._observe(now - asked_at, now)
        elif self.asked_outside_at and now - self.asked_outside_at > PROBE_SECONDS:
            self._observe(now - self.asked_outside_at, now)  # as long at least: it has not even arrived
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            for request in [request for request in self.in_flight if now >= request.ends_at]:
                request.expire(now)
        self._schedule()


def _peer(client: Sequence[Any] | None) -> object:
    """As the kernel says it. granian gives the port as text, which ASGI calls a number."""
    return None if client is None else (client[0], int(client[1]))
