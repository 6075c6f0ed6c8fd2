"""The worker: claims in batches, handles concurrently, ends every lease on purpose.

Prefetch follows what the handlers do: as much as they finish in `HORIZON_SECONDS`, at most `batch`. A fast
handler gets large batches, a slow one gets what it can begin now, and other processes get the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rung.runtime.log import logger
from rung.runtime.queue.delivery import Delivery
from rung.runtime.queue.message import Message, Reject, RetryAfter
from rung.runtime.queue.port import Queue
from rung.runtime.text import keepable
from rung.runtime.worker.calling import call_handler
from rung.runtime.worker.finishing import Finisher
from rung.runtime.worker.handler import Handler, describe, format_traceback
from rung.runtime.worker.heartbeat import GRACE_SECONDS, Heartbeat
from rung.runtime.worker.held import Held, is_suspect
from rung.runtime.worker.observe import Observer

#: Bounds how long a drain waits for the claim that is under way.
WAIT_SECONDS = 1.0
HORIZON_SECONDS = 0.1
DRAIN_SECONDS = 25.0
TIDY_SECONDS = 60.0
PAUSE_SECONDS_MAX = 2.0

log = logger(__name__)

#: The event loop reads its clock once per round: a timeout may come this much early.
LOOP_CLOCK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`concurrency` handlers at once, each at most `deadline_seconds`; claims of at most `batch` messages."""

    name: str
    lanes: Sequence[str] | None = None
    concurrency: int = 10
    deadline_seconds: float = 25.0
    batch: int = 100
    drain_seconds: float = DRAIN_SECONDS
    #: How far past its deadline a handler may block the event loop before the process ends itself.
    grace_seconds: float = GRACE_SECONDS


class Worker:
    """Handles the messages of one queue until `stop`."""

    def __init__(self, open_queue: Callable[[], Queue], handler: Handler, settings: WorkerSettings) -> None:
        self._queue = open_queue()
        self._handler = handler
        self._settings = settings
        self._held: dict[int, Held] = {}
        self._ready: asyncio.Queue[Held | None] = asyncio.Queue()
        self._space = asyncio.Event()
        self._stopping = asyncio.Event()
        self._handler_seconds = HORIZON_SECONDS
        self._suspect: Held | None = None
        self._careful = False
        self._observer = Observer(settings.name, self._queue.name)
        self._finisher = Finisher(self._queue, self._forget, self._acknowledged_late)
        self._heartbeat = Heartbeat(
            open_queue,
            lambda: tuple(self._held.values()),
            deadline_seconds=settings.deadline_seconds,
            grace_seconds=settings.grace_seconds,
            on_lost=self._on_lost,
            on_answer=self._observer.polled,
        )
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Begin to drain. Called in the event loop, as from a signal handler."""
        self._stopping.set()
        self._space.set()

    async def run(self) -> None:
        """Work until `stop`, then drain: what runs may finish, what did not begin is handed back unharmed."""
        self._loop = asyncio.get_running_loop()
        self._heartbeat.start()
        finishing = asyncio.create_task(self._finisher.run())
        runners = [asyncio.create_task(self._run_handlers()) for _ in range(self._settings.concurrency)]
        tidying = asyncio.create_task(self._tidy())
        try:
            await self._fetch_until_stopped()
        finally:
            tidying.cancel()
            await self._drain(runners)
            self._finisher.close()
            await finishing
            await self._heartbeat.stop()
            await self._queue.close()

    # Claiming

    async def _fetch_until_stopped(self) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            wanted = self._wanted()
            if wanted <= 0:
                self._space.clear()
                await self._space.wait()
                continue
            try:
                messages = await self._queue.receive(
                    max_messages=wanted, wait_seconds=WAIT_SECONDS, lanes=self._settings.lanes
                )
            except Exception as error:  # noqa: BLE001 - a worker that gives up needs a person, one that retries does not
                log.warning("the queue does not answer", error=str(error), retry_seconds=pause)
                await self._rest(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)
                continue
            pause = 0.05
            self._observer.polled()
            await self._accept(messages)

    def _wanted(self) -> int:
        """How many to claim now: nothing until half of what we may hold has been worked off."""
        if self._suspect is not None:
            return 0
        if self._careful:
            return 0 if self._held else 1
        concurrency, batch = self._settings.concurrency, self._settings.batch
        ahead = int(concurrency * HORIZON_SECONDS / self._handler_seconds)
        target = concurrency + min(batch, ahead)
        free = target - len(self._held)
        return min(free, batch) if free * 2 >= target or len(self._held) < concurrency else 0

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _accept(self, messages: list[Message]) -> None:
        """Queue what came for the handlers. One message that may kill its worker is handled alone."""
        if not messages:
            return
        suspects = [message for message in messages if is_suspect(message, self._queue.max_receive_count)]
        self._careful = bool(suspects)
        if suspects:
            alone = suspects[0]
            others = [message for message in messages if message is not alone]
            await self._release(others + self._take_back())
            messages = [alone]
        now = time.monotonic()
        for message in messages:
            held = Held(message=message, leased_at=now)
            self._held[id(held)] = held
            if suspects:
                self._suspect = held
            self._ready.put_nowait(held)

    def _take_back(self) -> list[Message]:
        """The messages that no handler has begun."""
        taken: list[Message] = []
        while not self._ready.empty():
            held = self._ready.get_nowait()
            if held is not None:
                del self._held[id(held)]
                taken.append(held.message)
        return taken

    async def _release(self, messages: list[Message]) -> None:
        if messages:
            none: list[bool] = []
            await self._finisher.persist(lambda: self._queue.release(messages), none)
            self._observer.released(messages)

    # Handling

    async def _run_handlers(self) -> None:
        while (held := await self._ready.get()) is not None:
            if held.lost:
                self._forget(held)
                continue
            await self._handle(held)

    async def _handle(self, held: Held) -> None:
        held.task = asyncio.current_task()
        started = held.started_at = time.monotonic()
        delivery = Delivery()
        failure: BaseException | None = None
        try:
            await self._call(held, delivery)
        except asyncio.CancelledError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is an outcome
            failure = error
        held.ended = True
        seconds = time.monotonic() - started
        self._handler_seconds += 0.05 * (max(seconds, 1e-6) - self._handler_seconds)
        await self._end(held, delivery, failure, seconds)

    async def _call(self, held: Held, delivery: Delivery) -> None:
        try:
            await call_handler(
                self._handler, held.message, delivery, self._settings.deadline_seconds, held.interruptible
            )
        finally:
            held.timeout = None

    async def _end(self, held: Held, delivery: Delivery, failure: BaseException | None, seconds: float) -> None:
        message = held.message
        match failure:
            case None:
                self._observer.handled(message, seconds)
                self._finisher.acknowledge(held, already=delivery.finished)
                return
            case _ if held.lost:
                self._observer.lost(message, seconds)
            case asyncio.CancelledError():
                await self._release([message])
            case Reject():
                await self._give_up(message, failure, keepable(failure.reason), seconds)
            case RetryAfter():
                await self._retry(message, failure, keepable(failure.reason), failure.seconds, seconds)
            case TimeoutError() if seconds >= self._settings.deadline_seconds - LOOP_CLOCK_SECONDS:
                reason = f"deadline exceeded: {self._settings.deadline_seconds:g} s"
                await self._retry(message, failure, reason, None, seconds)
            case _:
                await self._retry(message, failure, describe(failure), None, seconds)
        self._forget(held)
        if isinstance(failure, asyncio.CancelledError):
            raise failure

    async def _retry(
        self, message: Message, error: BaseException, reason: str, delay_seconds: float | None, seconds: float
    ) -> None:
        trace = format_traceback(error)
        await self._finisher.persist(
            lambda: self._queue.retry(message, reason=reason, delay_seconds=delay_seconds, traceback=trace), False
        )
        self._observer.failed(message, reason, error, seconds, last=self._is_last(message))

    async def _give_up(self, message: Message, error: BaseException, reason: str, seconds: float) -> None:
        trace = format_traceback(error)
        await self._finisher.persist(
            lambda: self._queue.dead_letter(message, reason=reason, traceback=trace), False
        )
        self._observer.failed(message, reason, error, seconds, last=True)

    def _is_last(self, message: Message) -> bool:
        return message.receive_count >= self._queue.max_receive_count

    def _forget(self, held: Held) -> None:
        self._held.pop(id(held), None)
        if held is self._suspect:
            self._suspect = None
        self._observer.holding(len(self._held))
        self._space.set()

    def _acknowledged_late(self, held: Held) -> None:
        self._observer.acknowledged_late(held.message)

    def _on_lost(self, held: Held) -> None:
        """Called by the heartbeat thread: interrupt the handler of a message that somebody else has now."""
        held.lost = True
        assert self._loop is not None

        def interrupt() -> None:
            if held.timeout is not None and not held.timeout.expired():
                held.timeout.reschedule(asyncio.get_running_loop().time())

        self._loop.call_soon_threadsafe(interrupt)

    # Draining and tidying

    async def _drain(self, runners: list[asyncio.Task[None]]) -> None:
        await self._release(self._take_back())
        for _ in runners:
            self._ready.put_nowait(None)
        _, running = await asyncio.wait(runners, timeout=self._settings.drain_seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _tidy(self) -> None:
        """Once a minute what the broker does not do by itself, where the adapter has something to do."""
        tidy = getattr(self._queue, "tidy", None)
        while tidy is not None:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await tidy()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next minute may go better
                log.warning("the queue was not tidied", error=str(error) or type(error).__name__)
