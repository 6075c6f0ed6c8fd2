"""Publishing: a message is sent when RabbitMQ has confirmed it, and those of a batch are confirmed together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError

from rung.runtime.errors import UnavailableError
from rung.runtime.queue.rabbitmq.envelope import Outgoing, properties
from rung.runtime.queue.rabbitmq.link import CALL_SECONDS, FAILURES, unavailable

#: Unconfirmed at once on one channel: enough to keep the disk busy, and little to send again.
UNCONFIRMED_MAX = 500

#: None: RabbitMQ has it, on disk. Else why not.
Refusal = str | None


class UnroutableError(UnavailableError):
    """RabbitMQ gave a message back: its queue is gone, or takes no more."""


async def publish(channel: Channel, messages: Sequence[Outgoing]) -> list[Refusal]:
    """Publish all, and wait for their confirms. Raises UnavailableError when none is confirmed."""
    refusals: list[Refusal] = []
    for begin in range(0, len(messages), UNCONFIRMED_MAX):
        refusals += await _publish(channel, messages[begin : begin + UNCONFIRMED_MAX])
    return refusals


async def _publish(channel: Channel, messages: Sequence[Outgoing]) -> list[Refusal]:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            if len(messages) == 1:
                await _one(channel, messages[0])
                return [None]
            answers = await asyncio.gather(*(_one(channel, each) for each in messages), return_exceptions=True)
    except FAILURES as error:
        raise _failed(error) from error
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if len(failures) == len(answers):
        raise _failed(failures[0]) from failures[0]
    return [None if not isinstance(answer, BaseException) else _said(answer) for answer in answers]


async def _one(channel: Channel, message: Outgoing) -> None:
    # Mandatory: a message for a queue that somebody deleted is an error here and not nothing.
    await channel.basic_publish(
        message.payload,
        exchange=message.exchange,
        routing_key=message.routing_key,
        properties=properties(),
        mandatory=True,
        wait=False,
    )


def _failed(error: BaseException) -> UnavailableError:
    return UnroutableError(_said(error)) if isinstance(error, DeliveryError) else unavailable("sending", error)


def _said(error: BaseException) -> str:
    if isinstance(error, DeliveryError):
        return "RabbitMQ has no such queue any more, or refuses more messages"
    return f"RabbitMQ did not confirm it: {str(error) or type(error).__name__}"
