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
#: A loop that answers within this time is not blocked, whatever its handlers do.
ANSWER_SECONDS_MAX = 0.5
BLOCKED = "deadline exceeded: it blocked the event loop"
UNHEEDING = "deadline exceeded: it went on after it was cancelled"

log = logger(__name__)


class Heartbeat:
    """Extends the leases of everything the worker holds, three times per visibility timeout.

    It also notices a handler that is past its deadline and its grace while the loop does not run, gives its
    message back with the reason, hands back all others unharmed, and ends the process: nothing else can stop such
    a handler. While the loop does run, a handler has the grace twice: it may be ending, on a busy machine.
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
        self._deadline_seconds = deadline_seconds
        self._grace_seconds = grace_seconds
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
        pause = min(interval, max(INTERVAL_SECONDS_MIN, self._grace_seconds / 2))
        extend_at = time.monotonic() + interval
        try:
            while not await self._rest(pause):
                try:
                    if time.monotonic() >= extend_at:
                        extend_at = time.monotonic() + interval
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
        if not self._overrun(graces=1):
            return
        blocked = not await self._loop_answers()
        stuck = self._overrun(graces=1 if blocked else 2)
        if not stuck:
            return
        if blocked:
            # While one handler blocks the loop, its neighbours are late too: only the one that runs now is guilty.
            running = asyncio.current_task(self._main_loop)
            stuck = [held for held in stuck if held.task is running] or stuck
        frame = sys._current_frames().get(self._main_thread)  # noqa: SLF001 - documented, for exactly this
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        reason = BLOCKED if blocked else UNHEEDING
        log.critical(
            "a handler cannot be stopped; this process ends",
            reason=reason,
            message_ids=[held.message.id for held in stuck],
            stack=stack,
        )
        innocent = [held.message for held in self._held() if held not in stuck]
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                for held in stuck:
                    # Not before its neighbours, which are handed back now, are done: once is enough for them.
                    delay_seconds = queue.visibility_timeout_seconds
                    await queue.retry(held.message, reason=reason, delay_seconds=delay_seconds, traceback=stack)
                await queue.release(innocent)
        finally:
            self._end_process(EXIT_STUCK)

    def _overrun(self, *, graces: int) -> list[Held]:
        """Whose handlers run, so many graces past the deadline."""
        latest = time.monotonic() - self._deadline_seconds - graces * self._grace_seconds
        return [held for held in self._held() if _runs_since(held, latest)]

    async def _loop_answers(self) -> bool:
        """Whether the event loop of the handlers runs what it is given."""
        assert self._main_loop is not None
        answered, own = asyncio.Event(), asyncio.get_running_loop()
        with suppress(RuntimeError):  # it has ended by itself
            self._main_loop.call_soon_threadsafe(own.call_soon_threadsafe, answered.set)
        try:
            async with asyncio.timeout(min(ANSWER_SECONDS_MAX, self._grace_seconds)):
                return await answered.wait()
        except TimeoutError:
            return False


def _runs_since(held: Held, latest: float) -> bool:
    return held.started_at is not None and held.started_at < latest and not (held.ended or held.lost)
