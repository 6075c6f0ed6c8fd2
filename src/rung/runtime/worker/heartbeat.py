"""Keeping leases from a thread of its own, so that a handler that blocks the event loop keeps its message."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress

from rung.runtime.log import logger
from rung.runtime.queue.port import Queue
from rung.runtime.worker.held import Held

#: A handler that is this much past its deadline has blocked the loop: cancelling did not reach it.
GRACE_SECONDS = 5.0
INTERVAL_SECONDS_MIN = 0.1
EXIT_STUCK = 75
FAREWELL_SECONDS = 5.0

log = logger(__name__)


class Heartbeat:
    """Extends the leases of everything the worker holds, three times per visibility timeout.

    It also notices a handler that is past its deadline while the loop does not run, gives its message back
    with the reason, hands back all others unharmed, and ends the process: nothing else can stop such a handler.
    """

    def __init__(
        self,
        open_queue: Callable[[], Queue],
        held: Callable[[], Iterable[Held]],
        *,
        deadline_seconds: float,
        on_lost: Callable[[Held], None],
        on_answer: Callable[[], None],
        grace_seconds: float,
        end_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._open_queue = open_queue
        self._held = held
        self._limit_seconds = deadline_seconds + grace_seconds
        self._on_lost = on_lost
        self._on_answer = on_answer
        self._end_process = end_process
        self._main_thread = threading.get_ident()
        self._main_loop: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin, in a new thread. Called in the thread of the event loop."""
        self._main_thread = threading.get_ident()
        self._main_loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """End the thread, and wait until its connections are closed."""
        if self._thread.is_alive():
            self._started.wait()
            assert self._loop is not None
            with suppress(RuntimeError):  # its loop has ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            asyncio.run(self._beat())
        except Exception as error:
            log.critical("heartbeat ended", exc_info=error)

    async def _beat(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        queue = self._open_queue()
        lease_seconds = queue.visibility_timeout_seconds
        interval = max(INTERVAL_SECONDS_MIN, lease_seconds / 3)
        try:
            while not await self._rest(interval):
                try:
                    await self._extend(queue, lease_seconds, interval)
                    await self._end_stuck(queue)
                except Exception as error:  # noqa: BLE001 - the next beat may succeed; none at all loses every lease
                    log.warning("leases were not extended", error=str(error))
        finally:
            await queue.close()

    async def _rest(self, seconds: float) -> bool:
        """Wait for the next beat; True when there is none."""
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return False

    async def _extend(self, queue: Queue, lease_seconds: float, interval: float) -> None:
        """Young leases are left alone: a message that is handled in a moment costs no heartbeat."""
        now = time.monotonic()
        old = [held for held in self._held() if not held.lost and now - held.leased_at > interval / 2]
        if not old:
            return
        kept = await queue.extend([held.message for held in old], seconds=lease_seconds)
        self._on_answer()
        for held, still_ours in zip(old, kept, strict=True):
            if still_ours:
                held.leased_at = now
            else:
                self._on_lost(held)

    async def _end_stuck(self, queue: Queue) -> None:
        now = time.monotonic()
        everything = list(self._held())
        stuck = [held for held in everything if _overran(held, now, self._limit_seconds)]
        if not stuck:
            return
        # While one handler blocks the loop, its neighbours are late too: only the one that runs now is guilty.
        running = asyncio.current_task(self._main_loop)
        stuck = [held for held in stuck if held.task is running] or stuck
        frame = sys._current_frames().get(self._main_thread)  # noqa: SLF001 - documented, for exactly this
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        log.critical(
            "a handler blocks the event loop past its deadline; this process ends",
            message_ids=[held.message.id for held in stuck],
            stack=stack,
        )
        innocent = [held.message for held in everything if held not in stuck]
        reason = "deadline exceeded: it blocked the event loop"
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                for held in stuck:
                    await queue.retry(held.message, reason=reason, traceback=stack)
                await queue.release(innocent)
        finally:
            self._end_process(EXIT_STUCK)


def _overran(held: Held, now: float, limit_seconds: float) -> bool:
    return held.started_at is not None and not held.lost and now - held.started_at > limit_seconds
