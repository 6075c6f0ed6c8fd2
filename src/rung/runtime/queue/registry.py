"""From a node's name to its queue, through the binding that `rung dev` or Terraform wrote."""

from __future__ import annotations

from typing import assert_never

from rung.runtime.bindings import QueueBinding, binding, encode
from rung.runtime.queue.port import Queue

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
