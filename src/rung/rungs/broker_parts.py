"""The brokers of queues that AWS runs: on every rung but the box. Pure.

What Amazon MQ offers, read on 2026-11-21: RabbitMQ 4.2 on m7g alone, m7g.medium for trying out and m7g.large for
production (developer guide, "Managing Amazon MQ for RabbitMQ engine versions" and "sizing guidelines").
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from rung.model.nodes import Queue, Worker
from rung.parts.data import SecretPart
from rung.parts.messaging import RabbitBroker, RedisBroker
from rung.rungs.brokers import broker_of, broker_part, first_on, login_part, queues_on
from rung.rungs.setting import Setting

#: Room for messages: 1,024 MiB in production, 384 elsewhere. Source: AWS, "Supported node types".
NODE_TYPES = {True: "cache.t4g.small", False: "cache.t4g.micro"}
INSTANCE_TYPES = {True: "mq.m7g.large", False: "mq.m7g.medium"}
#: As whom processes sign in to RabbitMQ.
USER = "app"
#: Fewer messages than this are no backlog, however slow the workers are.
LEAST_BACKLOG = 1_000
#: Nobody said how long a message may wait, or what it takes.
USUAL_LATENCY_SECONDS, USUAL_PROCESSING_SECONDS = 300.0, 1.0


def broker_parts(setting: Setting, queue: Queue) -> Iterator[RedisBroker | RabbitBroker | SecretPart]:
    """The broker of a queue, where the first of its queues stands."""
    if not first_on(setting, queue):
        return
    if broker_of(queue) == "redis":
        yield _redis(setting, queue)
    else:
        yield SecretPart(
            name=login_part(setting), node=queue.name, generated=True, generated_username=USER,
            why="as whom processes sign in to RabbitMQ",
        )  # fmt: skip
        yield _rabbitmq(setting, queue)


def _redis(setting: Setting, queue: Queue) -> RedisBroker:
    """In production with a copy in another zone, which follows the answer: a failover loses the last moments."""
    nodes = 2 if setting.production else 1
    why = "a copy in another zone takes over" if nodes > 1 else "one node: when it fails, every message is gone"
    return RedisBroker(
        name=broker_part(setting, "redis"), node=queue.name, node_type=NODE_TYPES[setting.production], nodes=nodes,
        queues=tuple(each.name for each in queues_on(setting, "redis")), why=f"{why}; it carries no cache",
    )  # fmt: skip


def _rabbitmq(setting: Setting, queue: Queue) -> RabbitBroker:
    """In production three nodes, of which two must have a message before its sender is told that it is there."""
    queues = queues_on(setting, "rabbitmq")
    why = "three nodes in as many zones" if setting.production else "one instance: away while it is patched"
    return RabbitBroker(
        name=broker_part(setting, "rabbitmq"), node=queue.name, why=why, cluster=setting.production,
        instance_type=INSTANCE_TYPES[setting.production], login=login_part(setting),
        queues=tuple(each.name for each in queues), acceptable_messages=_acceptable(setting, queues),
    )  # fmt: skip


def _acceptable(setting: Setting, queues: tuple[Queue, ...]) -> int:
    """What all workers take within twice the latency that each accepts: scaling out takes a minute."""
    names = {queue.name for queue in queues}
    workers = (worker for worker in setting.graph.of(Worker) if worker.consumes in names)
    return max(LEAST_BACKLOG, sum(_taken(worker) for worker in workers))


def _taken(worker: Worker) -> int:
    seconds = 2 * (worker.acceptable_latency_seconds or USUAL_LATENCY_SECONDS)
    each = worker.processing_time_seconds or USUAL_PROCESSING_SECONDS
    return math.ceil(max(1, worker.max_tasks) * worker.concurrency * seconds / each)
