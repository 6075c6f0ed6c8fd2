"""Delivering what the router could not write itself, until the target takes it or its time is up.

Each rule is a lane of one queue in the bus's database. A rule whose target is slow or away holds at most `AT_ONCE`
deliveries; its lane is not read meanwhile, and the others go on.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rung.runtime import metrics
from rung.runtime.bindings import BusBinding, QueueBinding
from rung.runtime.bus.event import EVENT_HEADER
from rung.runtime.bus.rules import MARGIN_SECONDS, QueueTarget, Rule, RuleBook, event_of
from rung.runtime.bus.targets import Delivery, LaterError, RefusedError, Send, to_queue
from rung.runtime.bus.undelivered import TOO_MANY, TOO_OLD, undelivered_headers
from rung.runtime.context import from_headers, serving
from rung.runtime.log import logger
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.message import Message
from rung.runtime.queue.port import Queue
from rung.runtime.queue.postgres import PostgresQueue
from rung.transforms.rendering import TransformError

AT_ONCE = 16
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 1.0
QUEUE_SECONDS = 10.0
#: The router decides when a delivery is given up, not the queue.
NEVER_DEAD = 1_000_000
_UNUSED = "none"

log = logger(__name__)


def deliveries_queue(
    name: str, binding: BusBinding, rules: tuple[Rule, ...], *, pool_size: int = 4
) -> PostgresQueue:
    """The queue of deliveries of a bus: a lane for each rule."""
    longest = max([deadline_of(rule) for rule in rules], default=0.0)
    oldest = max([rule.max_age_seconds for rule in rules], default=0.0)
    place = QueueBinding(
        url=binding.url, credentials_secret=binding.credentials_secret,
        lanes=tuple(rule.name for rule in rules) or (_UNUSED,), max_receive_count=NEVER_DEAD,
        visibility_timeout_seconds=longest + MARGIN_SECONDS, retention_seconds=oldest + 86_400.0,
    )  # fmt: skip
    return PostgresQueue(f"{name}@deliveries", place, pool_size=pool_size)


def deadline_of(rule: Rule) -> float:
    """How long one delivery may take."""
    return QUEUE_SECONDS if isinstance(rule.target, QueueTarget) else rule.target.deadline_seconds


class Deliverer:
    """Empties the queue of deliveries. `sends`: how each rule is sent; `dead`: the dead-letter queues by name."""

    def __init__(
        self, bus: str, book: RuleBook, queue: Queue, sends: Mapping[str, Send], dead: Mapping[str, Queue],
        *, backoff: Backoff | None = None, randomness: random.Random | None = None, at_once: int = AT_ONCE,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:  # fmt: skip
        self._bus = bus
        self._book = book
        self._queue = queue
        self._sends = sends
        self._dead = dead
        self._backoff = backoff or Backoff()
        self._random = randomness or random.Random()
        self._at_once = at_once
        self._wait_seconds = wait_seconds
        self._working: dict[str, int] = dict.fromkeys(sends, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def lanes(self) -> Iterable[str]:
        """The rules that it delivers for."""
        return self._sends.keys()

    async def run(self) -> None:
        """Deliver until `stop`, then finish what is under way: at most as long as the longest deadline."""
        while not self._stopping:
            free = [name for name, count in self._working.items() if count < self._at_once]
            if not free:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                await self.deliver(free, wait_seconds=self._wait_seconds)
            except Exception as error:  # noqa: BLE001 - as the router: it goes on when the database does
                log.warning("deliveries are not taken", bus=self._bus, error=str(error) or type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Take no more."""
        self._stopping = True
        if isinstance(self._queue, PostgresQueue):
            self._queue.wake()  # on SQS its wait ends by itself

    async def deliver(self, lanes: list[str], *, wait_seconds: float = 0.0) -> list[asyncio.Task[None]]:
        """Take what is due of these rules and begin to send it; the sendings that have begun."""
        room = min(self._at_once - self._working[lane] for lane in lanes)
        messages = await self._queue.receive(max_messages=room, wait_seconds=wait_seconds, lanes=lanes)
        return [self._begin(message) for message in messages]

    def _begin(self, message: Message) -> asyncio.Task[None]:
        self._working[message.lane] += 1
        task = asyncio.get_running_loop().create_task(self._deliver(message))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(message.lane, done))
        return task

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        self._working[lane] -= 1
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a delivery is tried again after its lease", bus=self._bus, rule=lane, error=str(error))

    async def _deliver(self, message: Message) -> None:
        rule = self._book[message.lane]
        began = time.monotonic()
        try:
            with serving(from_headers(message.headers, trusted=True)):
                async with asyncio.timeout(deadline_of(rule)):
                    await self._sends[rule.name](self._made(rule, message))
        except TransformError as error:
            await self._give_up(rule, message, "INVALID_JSON", str(error), None)
        except RefusedError as error:
            await self._give_up(rule, message, error.code, str(error), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            await self._failed(rule, message, error)
        else:
            await self._queue.acknowledge([message])
            metrics.bus_delivery_seconds.labels(self._bus, rule.name).observe(time.monotonic() - began)
            self._count(rule, "delivered")

    def _made(self, rule: Rule, message: Message) -> Delivery:
        taken = message.sent_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = self._book.input_of(rule, event_of(message.body), message.body, taken)
        event = message.headers.get(EVENT_HEADER) or message.id
        return Delivery(body=body, headers=message.headers, key=f"{rule.name}-{event}")

    async def _failed(self, rule: Rule, message: Message, error: Exception) -> None:
        said = str(error) or type(error).__name__
        asked = error.seconds if isinstance(error, LaterError) else None
        delay = self._backoff.delay_seconds(message.receive_count, self._random)
        delay = delay if asked is None else max(delay, min(asked, self._backoff.cap_seconds))
        age = (datetime.now(UTC) - message.sent_at).total_seconds()
        if message.receive_count > rule.max_attempts:
            await self._give_up(rule, message, "NO_PERMANENT_SUCCESS", said, TOO_MANY)
        elif age + delay >= rule.max_age_seconds:
            await self._give_up(rule, message, "NO_PERMANENT_SUCCESS", said, TOO_OLD)
        else:
            self._count(rule, "retried")
            await self._queue.retry(message, reason=said, delay_seconds=delay)

    async def _give_up(self, rule: Rule, message: Message, code: str, said: str, exhausted: str | None) -> None:
        """To the rule's dead-letter queue, or without one into the table of dead letters."""
        self._count(rule, "dead")
        log.error("an event was not delivered", bus=self._bus, rule=rule.name, reason=said, code=code)
        dead = self._dead.get(rule.dead_letter or "")
        if dead is None:
            await self._queue.dead_letter(message, reason=said)
            return
        told = undelivered_headers(
            rule.name, code=code, message=said, attempts=message.receive_count - 1, exhausted=exhausted
        )
        headers = {**message.headers, **told}
        async with asyncio.timeout(QUEUE_SECONDS):
            await to_queue(dead)(Delivery(body=message.body, headers=headers, key=message.id))
        await self._queue.acknowledge([message])

    def _count(self, rule: Rule, outcome: str) -> None:
        metrics.bus_deliveries.labels(self._bus, rule.name, outcome).inc()
