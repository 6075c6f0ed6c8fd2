"""From a node's name to its queue, through the binding that `rung dev` or Terraform wrote."""

from __future__ import annotations

import asyncio
from typing import assert_never

from rung.runtime.bindings import QueueBinding, binding, encode
from rung.runtime.log import logger
from rung.runtime.queue.port import Queue

log = logger(__name__)

_queues: dict[tuple[str, str], Queue] = {}


def queue(name: str) -> Queue:
    """The queue of node `name`, shared within this process; connects on first use, so safe at module level.

    Raises BindingError when the graph gives this process no edge to it.
    """
    found = binding(name, QueueBinding)
    key = (name, encode(found))
    if key not in _queues:
        _queues[key] = open_queue(name, found, registered=True)
    return _queues[key]


async def flush_outboxes(seconds: float) -> None:
    """Move what is in the outboxes of this process's queues, within `seconds`. What is not moved stays written."""
    from rung.runtime.queue.outbox import OutboxSending

    kept = [found.outbox for found in _queues.values() if isinstance(found, OutboxSending) and found.outbox]
    if not kept:
        return
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await asyncio.gather(*(each.flush() for each in kept))
    except Exception as error:  # noqa: BLE001 - it is written, and another process moves it
        log.warning("an outbox was not emptied", error=str(error) or type(error).__name__)


def open_queue(name: str, found: QueueBinding, *, registered: bool = False) -> Queue:
    """A new adapter for this binding, with connections of its own.

    `registered`: the process closes it with its other resources, and asks it whether it is ready.
    """
    match found.adapter:
        case "postgres":
            from rung.runtime.queue.postgres import PostgresQueue

            return PostgresQueue(name, found, registered=registered)
        case "sqs":
            from rung.runtime.queue.sqs import SqsQueue

            return SqsQueue(name, found, registered=registered)
        case "redis":
            from rung.runtime.queue.redis import RedisQueue

            return RedisQueue(name, found, registered=registered)
        case "rabbitmq":
            from rung.runtime.queue.rabbitmq import RabbitQueue

            return RabbitQueue(name, found, registered=registered)
        case _:
            assert_never(found.adapter)
