"""What carries messages and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SqsQueue:
    """One lane of a queue, with its dead-letter queue. Seconds throughout.

    `max_receive_count` None: messages are received again until they expire, and there is no dead-letter queue.
    """

    kind: Literal["sqs_queue"] = "sqs_queue"
    name: str
    node: str
    why: str = ""
    lane: str = "default"
    visibility_timeout_seconds: int = 30
    retention_seconds: int = 345_600
    delay_seconds: int = 0
    max_receive_count: int | None = 5
    #: Older than this, a message waits too long: the alarm's threshold.
    acceptable_age_seconds: int = 300
    #: Event rules that deliver to it: its policy lets them.
    rules: tuple[str, ...] = ()
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisBroker:
    """A Valkey replication group for queues alone: it throws nothing away. `queues`: whose messages it has."""

    kind: Literal["redis_broker"] = "redis_broker"
    name: str
    node: str
    why: str = ""
    node_type: str = "cache.t4g.micro"
    nodes: int = 1
    queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitBroker:
    """RabbitMQ on Amazon MQ: one instance, or three in as many zones. `login`: the secret to sign in with."""

    kind: Literal["rabbit_broker"] = "rabbit_broker"
    name: str
    node: str
    why: str = ""
    #: Amazon MQ takes major and minor version, and keeps the patches itself.
    version: str = "4.2"
    instance_type: str = "mq.m7g.medium"
    cluster: bool = False
    login: str
    queues: tuple[str, ...] = ()
    #: More waiting messages than this are a backlog: the alarm's threshold.
    acceptable_messages: int = 1_000

    @property
    def nodes(self) -> int:
        """The instances that are paid for."""
        return 3 if self.cluster else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """A bus of events. `archive_days`: kept so long for a replay; 0: for ever, None: not at all."""

    kind: Literal["event_bus"] = "event_bus"
    name: str
    node: str
    why: str = ""
    archive_days: int | None = None
    existing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """Events of `bus` that match `pattern` (JSON text) go to the part `target`, a queue or a job.

    `transform`: the target's input fields as JSON text (`InputPathsMap` and `InputTemplate`, `Input`, or
    `InputPath`); None: the event as it is. What cannot be delivered goes to the queue part `dead_letter`.
    """

    kind: Literal["event_rule"] = "event_rule"
    name: str
    node: str
    why: str = ""
    bus: str
    pattern: str
    target: str
    transform: str | None = None
    max_attempts: int = 185
    max_age_seconds: int = 86_400
    dead_letter: str | None = None
