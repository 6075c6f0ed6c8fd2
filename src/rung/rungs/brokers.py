"""Queues that a broker of their own carries, Redis or RabbitMQ: what it is called and how it is reached. Pure.

One server of each kind carries all queues of a workload that name it. It is never a cache's server: a cache throws
away what it has no room for, and a queue must not.
"""

from __future__ import annotations

from typing import Literal

from rung.model.nodes import Queue
from rung.parts.compute import SecretFile
from rung.parts.values import Reference, Sequence, Value
from rung.rungs.setting import Setting

Broker = Literal["redis", "rabbitmq"]
BROKERS: tuple[Broker, ...] = ("redis", "rabbitmq")
REDIS_PORT, AMQP_PORT, AMQPS_PORT = 6379, 5672, 5671
#: Where each broker can be placed.
PLACED: dict[str, tuple[str, ...]] = {"redis": ("box", "host", "fargate"), "rabbitmq": ("box", "host", "fargate")}
SECRETS_FOLDER = "/run/secrets"
NEVER_DEAD = 1_000_000


def broker_of(queue: Queue) -> Broker | None:
    """The broker that carries the queue; None where SQS or Postgres does."""
    return queue.broker if queue.broker == "redis" or queue.broker == "rabbitmq" else None


def broker_part(setting: Setting, broker: Broker) -> str:
    """The part or container that is the broker."""
    return setting.platform(broker)


def port_of_broker(setting: Setting, broker: Broker) -> int:
    """The port that it listens on: on AWS with TLS alone."""
    return REDIS_PORT if broker == "redis" else AMQP_PORT if setting.rung == "box" else AMQPS_PORT


def login_part(setting: Setting) -> str:
    """The secret with user and password of RabbitMQ."""
    return f"{broker_part(setting, 'rabbitmq')}-login"


def queues_on(setting: Setting, broker: Broker) -> tuple[Queue, ...]:
    """The queues that the broker carries, in the order of the file."""
    return tuple(queue for queue in setting.graph.of(Queue) if queue.broker == broker)


def first_on(setting: Setting, queue: Queue) -> bool:
    """Whether it is the first queue of its broker: the one that the broker stands beside in the design."""
    broker = broker_of(queue)
    return broker is not None and queues_on(setting, broker)[0].name == queue.name


def used_by(setting: Setting, process: str) -> tuple[Broker, ...]:
    """The brokers that a process reaches: those of the queues that it has an edge to."""
    used = {edge.target for edge in setting.graph.edges_from(process)}
    return tuple(broker for broker in BROKERS if any(queue.name in used for queue in queues_on(setting, broker)))


def login_file(setting: Setting, broker: Broker) -> SecretFile:
    """The file from which a process of a box learns user and password of a broker, made on the machine."""
    name = f"{broker_part(setting, broker)}-login"
    return SecretFile(name=name, path=f"{SECRETS_FOLDER}/{name}")


def fields_of(queue: Queue) -> dict[str, Value]:
    """What every binding of the queue says, whoever carries it."""
    fields: dict[str, Value] = {
        "lanes": Sequence(items=queue.lanes),
        "max_receive_count": queue.max_receive_count or NEVER_DEAD,
        "visibility_timeout_seconds": queue.visibility_timeout_seconds,
        "retention_seconds": queue.retention_seconds,
        "retry_delay_seconds": queue.retry_delay_seconds,
        "retry_delay_max_seconds": queue.retry_delay_max_seconds,
    }
    if queue.fair:
        fields["fair"] = True
    if queue.delay_seconds:
        fields["delay_seconds"] = queue.delay_seconds
    return fields


def place_on_box(setting: Setting, broker: Broker) -> dict[str, Value]:
    """Where a broker's container is, and the file to sign in with."""
    name, login = broker_part(setting, broker), login_file(setting, broker).path
    url = f"redis://{name}:{REDIS_PORT}/0" if broker == "redis" else f"amqp://{name}:{AMQP_PORT}/"
    return {**_of_workload(setting, broker), "url": url, "credentials_secret": login}


def place_on_aws(setting: Setting, broker: Broker) -> dict[str, Value]:
    """Where the managed broker is. ElastiCache takes the process's own role for a password, Amazon MQ a secret."""
    name = broker_part(setting, broker)
    if broker == "rabbitmq":
        secret = Reference(part=login_part(setting), output="arn")
        url = Reference(part=name, output="url")
        return {**_of_workload(setting, broker), "url": url, "credentials_secret": secret}
    return {
        **_of_workload(setting, broker),
        "url": Reference(part=name, output="endpoint", prefix="rediss://", suffix=f":{REDIS_PORT}/0"),
        "user": Reference(part=name, output="user_name"),
        "replication_group": Reference(part=name, output="replication_group_id"),
        "region": setting.region,
    }  # fmt: skip


def _of_workload(setting: Setting, broker: Broker) -> dict[str, Value]:
    """Its name keeps its queues apart from those of others on one server."""
    return {"kind": "queue", "adapter": broker, "workload": setting.graph.name}
