"""The router and the deliverer of one bus, put together from its binding and its rules."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rung.runtime import embedded
from rung.runtime.bindings import BusBinding, QueueBinding, binding
from rung.runtime.bus.deliveries import Deliverer, deliveries_queue
from rung.runtime.bus.router import Router
from rung.runtime.bus.rules import Place, QueueTarget, Rule, RuleBook
from rung.runtime.bus.targets import target_of
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.port import Queue
from rung.runtime.queue.postgres import PostgresQueue
from rung.runtime.queue.registry import open_queue

#: Where CloudWatch keeps what a router tells: the age of the oldest event that waits, and dead letters.
NAMESPACE, WAITING, DEAD = "rung/bus", "OldestEventSeconds", "DeadLetters"
TELL_SECONDS = 60.0


class BusService:
    """Everything that runs for a bus on Postgres. `environment` holds the bindings of the rules' targets."""

    def __init__(
        self, name: str, found: BusBinding, rules: Sequence[Rule], *, environment: Mapping[str, str] | None = None,
        backoff: Backoff | None = None, poll_seconds: float = 0.5,
    ) -> None:  # fmt: skip
        self._name = name
        place = Place(bus=name, account=found.account, region=found.region)
        self.book = RuleBook(rules, place)
        self._queues = _queues(rules, environment)
        near = {
            each: queue
            for each, queue in self._queues.items()
            if isinstance(queue, PostgresQueue) and _binding(each, environment).url == found.url
        }
        far = tuple(rule for rule in rules if not _is_near(rule, near))
        self._deliveries = deliveries_queue(name, found, far)
        self.router = Router(name, found, self.book, near, self._deliveries, poll_seconds=poll_seconds)
        sends = {rule.name: target_of(rule, environment) for rule in far}
        self.deliverer = Deliverer(
            name, self.book, self._deliveries, sends, self._queues,
            backoff=backoff, wait_seconds=poll_seconds,
        )  # fmt: skip
        self._delivers = bool(far)

    async def run(self) -> None:
        """Route and deliver until `stop`, and finish what is under way."""
        telling = asyncio.create_task(self._tell_always())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.router.run())
                if self._delivers:
                    tasks.create_task(self.deliverer.run())
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def tell(self) -> None:
        """For alarms: how long an event has waited for the router, and what could not be delivered."""
        waiting, given_up = await self.router.oldest_seconds(), (await self._deliveries.statistics()).dead
        embedded.tell(NAMESPACE, {WAITING: round(waiting, 3), DEAD: float(given_up)}, node=self._name)

    async def _tell_always(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            with suppress(Exception):  # the database is away: silence rings
                await self.tell()

    def stop(self) -> None:
        """Take no more, and end."""
        self.router.stop()
        if self._delivers:
            self.deliverer.stop()

    async def close(self) -> None:
        """Close connections."""
        await self.router.close()
        await self._deliveries.close()
        for queue in self._queues.values():
            await queue.close()


def _queues(rules: Sequence[Rule], environment: Mapping[str, str] | None) -> dict[str, Queue]:
    """The queues that rules deliver to or give up to, each once."""
    targets = [rule.target.name for rule in rules if isinstance(rule.target, QueueTarget)]
    names = dict.fromkeys([*targets, *(rule.dead_letter for rule in rules if rule.dead_letter)])
    return {name: open_queue(name, _binding(name, environment)) for name in names}


def _binding(name: str, environment: Mapping[str, str] | None) -> QueueBinding:
    return binding(name, QueueBinding, environment)


def _is_near(rule: Rule, near: Mapping[str, PostgresQueue]) -> bool:
    """Whether the router writes all that this rule can send."""
    given_up = rule.dead_letter is None or rule.dead_letter in near
    return isinstance(rule.target, QueueTarget) and rule.target.name in near and given_up
