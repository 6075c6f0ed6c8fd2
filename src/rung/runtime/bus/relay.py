"""Bringing events that EventBridge has chosen to targets that it does not call itself.

For each rule there is a queue of SQS, into which EventBridge puts the events as they are. From there on it is as
on Postgres: the same deliveries, transforms, retries and dead letters (`deliveries.py`), a lane for each rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rung.runtime.bindings import QueueBinding, binding
from rung.runtime.bus.deliveries import Deliverer
from rung.runtime.bus.rules import Place, Rule, RuleBook
from rung.runtime.bus.targets import target_of
from rung.runtime.queue.backoff import Backoff
from rung.runtime.queue.port import Queue
from rung.runtime.queue.registry import open_queue


def deliveries_node(bus: str) -> str:
    """The name under which the relay's binding stands."""
    return f"{bus}-deliveries"


class RelayService:
    """Everything that runs for the rules of a bus on EventBridge that have a relay."""

    def __init__(
        self, bus: str, found: QueueBinding, rules: Sequence[Rule], *,
        environment: Mapping[str, str] | None = None, backoff: Backoff | None = None, wait_seconds: float = 1.0,
    ) -> None:  # fmt: skip
        book = RuleBook(rules, Place(bus=bus, account="000000000000", region=found.region or "local"))
        self._queue = open_queue(deliveries_node(bus), found)
        self._others = _queues(rules, environment)
        sends = {rule.name: target_of(rule, environment) for rule in rules}
        self.deliverer = Deliverer(
            bus, book, self._queue, sends, self._others, backoff=backoff, wait_seconds=wait_seconds
        )

    async def run(self) -> None:
        """Deliver until `stop`, and finish what is under way."""
        await self.deliverer.run()

    def stop(self) -> None:
        """Take no more, and end."""
        self.deliverer.stop()

    async def close(self) -> None:
        """Close connections."""
        for queue in (self._queue, *self._others.values()):
            await queue.close()


def _queues(rules: Sequence[Rule], environment: Mapping[str, str] | None) -> dict[str, Queue]:
    """The queues that rules give up to, each once. Those that they deliver to are opened with their target."""
    names = dict.fromkeys(rule.dead_letter for rule in rules if rule.dead_letter)
    return {name: open_queue(name, binding(name, QueueBinding, environment)) for name in names}
