"""The names and kinds of everything that a queue is on the server, and how it is declared, again and again.

Per lane: a quorum queue, one for its dead letters, and once anything is delayed a ladder of waiting queues. Rung n
of a ladder holds every message for the same time (2^n quarters of a second), so none waits behind a longer one; a
delay is the rungs whose bits are set in it, and RabbitMQ moves the message from each to the next by itself. The
technique is that of NServiceBus (https://docs.particular.net/transports/rabbitmq/delayed-delivery).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiormq.channel import Channel
from aiormq.exceptions import ChannelPreconditionFailed

from rung.runtime.errors import UnavailableError
from rung.runtime.log import logger

#: The lowest rung. A delay is rounded up to it.
UNIT_SECONDS = 0.25
LEVELS = 15
#: The longest delay of one climb. A longer one is several, with a look in between.
DELAY_SECONDS_MAX = UNIT_SECONDS * (2**LEVELS - 1)
#: RabbitMQ 3.10 confirms messages to a new quorum queue before the queue itself is safely on disk: killed within a
#: second (0.6 s in our trials), it comes back with a queue that answers nobody. So the first send waits.
SETTLE_SECONDS = 1.5
#: Where a message that has waited goes to its lane.
ARRIVAL = "rung.arrival"
_OTHER_KIND = "R0517"

log = logger(__name__)


class Topology:
    """What one queue is on the server. `workload` keeps the queues of two apart that share a virtual host."""

    def __init__(
        self,
        name: str,
        lanes: Sequence[str],
        retention_seconds: float,
        *,
        workload: str = "",
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.name = name
        self._owners = (workload, name) if workload else (name,)
        self._prefix = ".".join(("rung", *self._owners))
        self._settle_seconds = settle_seconds
        self.lanes = tuple(lanes)
        self._retention_ms = int(retention_seconds * 1000)
        #: Queues that were declared with other limits, by another version of us or the server: left as they are.
        self._kept: set[str] = set()
        #: Whether this process knows that the ladders are there.
        self.has_ladders = False

    def queue(self, lane: str) -> str:
        """The queue of a lane."""
        return f"{self._prefix}.{lane}"

    def dead(self, lane: str) -> str:
        """The queue of a lane's dead letters."""
        return f"{self.queue(lane)}.dead"

    def waiting(self, lane: str, level: int) -> str:
        """A rung of the lane's ladder."""
        return f"{self.queue(lane)}.wait.{level}"

    @property
    def questions(self) -> str:
        """Where holders of messages are asked how many they hold."""
        return f"{self._prefix}.questions"

    @property
    def holders(self) -> str:
        """A queue that is always empty: its consumers are the processes that may hold messages."""
        return f"{self._prefix}.holders"

    @property
    def mark(self) -> str:
        """A queue with a message in it when the lanes are there and safely on disk."""
        return f"{self._prefix}.mark"

    @property
    def ladder_mark(self) -> str:
        """The same for the ladders."""
        return f"{self._prefix}.mark.wait"

    def route(self, lane: str, delay_seconds: float) -> tuple[str, str]:
        """Exchange and routing key for a message that is to be in its lane after `delay_seconds`.

        At most `DELAY_SECONDS_MAX`, and rounded up; the ladders have to be there (`declare_ladders`).
        """
        units = min(2**LEVELS - 1, -int(-delay_seconds // UNIT_SECONDS))
        if units <= 0:
            return "", self.queue(lane)
        bits = ".".join(format(units, f"0{LEVELS}b"))
        return _step(units.bit_length() - 1), f"{bits}.{self._address(lane)}"

    def _address(self, lane: str) -> str:
        """One word of a routing key."""
        return "/".join((*self._owners, lane)).replace(".", "%2E")

    async def _declare(self, channel: Channel, queue: str, arguments: dict[str, Any] | None = None) -> None:
        """Raises ChannelPreconditionFailed, once, where limits differ: the channel is closed then."""
        if queue in self._kept:
            return
        arguments = {"x-queue-type": "quorum", **(arguments or {})}
        try:
            await channel.queue_declare(queue, durable=True, arguments=arguments)
        except ChannelPreconditionFailed as error:
            if "x-queue-type" in str(error) or "'durable'" in str(error):
                raise OtherKindError(queue, str(error)) from error
            self._kept.add(queue)
            log.warning("a queue was declared with other limits; it stays as it is", queue=queue, said=str(error))
            raise

    async def declare(self, channel: Channel, version: tuple[int, ...]) -> None:
        """Make sure that the lanes are there. Nothing that is there is changed."""
        await channel.exchange_declare(ARRIVAL, exchange_type="topic", durable=True)
        await channel.exchange_declare(self.questions, exchange_type="fanout", durable=True)
        await self._declare(channel, self.holders)
        await self._declare(channel, self.mark)
        await self._declare(channel, self.ladder_mark)
        for lane in self.lanes:
            await self._declare(channel, self.dead(lane), _without_limit(version))
            await self._declare(channel, self.queue(lane), self._lane_arguments(lane, version))
            await channel.queue_bind(self.queue(lane), ARRIVAL, f"#.{self._address(lane)}")
        await self._settle(channel, self.mark)

    async def _settle(self, channel: Channel, mark: str) -> None:
        if not (await channel.queue_declare(mark, passive=True)).message_count:
            await asyncio.sleep(self._settle_seconds)
            await channel.basic_publish(b"", routing_key=mark)

    def _lane_arguments(self, lane: str, version: tuple[int, ...]) -> dict[str, Any]:
        return {
            "x-message-ttl": self._retention_ms,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead(lane),
            **_SAFE_DEATH,
            **_without_limit(version),
            **_long_jobs(version),
        }

    async def declare_ladders(self, channel: Channel) -> None:
        """Make sure that messages can wait, in every lane. The mark is set last."""
        await channel.exchange_declare(ARRIVAL, exchange_type="topic", durable=True)
        for level in range(LEVELS):
            await channel.exchange_declare(_step(level), exchange_type="topic", durable=True)
            await channel.exchange_bind(_step(level - 1), _step(level), f"{'*.' * (LEVELS - 1 - level)}0.#")
            for lane in self.lanes:
                await self._declare_rung(channel, lane, level)
        await self._settle(channel, self.ladder_mark)
        self.has_ladders = True

    async def _declare_rung(self, channel: Channel, lane: str, level: int) -> None:
        queue = self.waiting(lane, level)
        arguments = {
            "x-message-ttl": int(UNIT_SECONDS * 1000) * 2**level,
            "x-dead-letter-exchange": _step(level - 1),
            **_SAFE_DEATH,
        }
        await self._declare(channel, queue, arguments)
        pattern = f"{'*.' * (LEVELS - 1 - level)}1.{'*.' * level}{self._address(lane)}"
        await channel.queue_bind(queue, _step(level), pattern)


#: What RabbitMQ moves by itself is confirmed to it before it forgets it. Quorum queues can, from 3.10 on.
_SAFE_DEATH = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def _step(level: int) -> str:
    """The exchange before a rung; after the lowest one a message has arrived."""
    return f"rung.wait.{level}" if level >= 0 else ARRIVAL


def _without_limit(version: tuple[int, ...]) -> dict[str, Any]:
    """From 4.0 on a quorum queue drops what came back 20 times; attempts are counted by us."""
    return {"x-delivery-limit": -1} if version >= (4, 0) else {}


def _long_jobs(version: tuple[int, ...]) -> dict[str, Any]:
    """From 3.12 on a queue can say for how long a delivery may go unacknowledged; before, only the server can."""
    return {"x-consumer-timeout": 7 * 86_400_000} if version >= (3, 12) else {}


class OtherKindError(UnavailableError):
    """A queue of this name is there and is not a durable quorum queue."""

    def __init__(self, queue: str, said: str) -> None:
        super().__init__(f"{_OTHER_KIND}: the queue {queue!r} is there and of another kind: {said}")
