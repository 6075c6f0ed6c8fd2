"""What is known about webhooks that go out. Inert data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from rung.runtime.webhooks.keys import Scheme

DeliveryStatus: TypeAlias = Literal["pending", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a tenant (None: the workload itself) wants its events. `kinds`: patterns of event types, `*` in them.

    `secret` is what the receiver verifies with (`whsec_`, or `whpk_` for ed25519); it is there right after
    `register` and `rotate`, and nowhere else. `failing_since`: nothing succeeded since then. `disabled_reason`:
    "gone" (it answered 410), "failing" (for days), or what the caller of `disable` said.
    """

    tenant: str | None
    id: str
    url: str
    scheme: Scheme
    kinds: tuple[str, ...]
    created_at: datetime
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. `status`: the HTTP status, None when there was no answer, and `error` says why.

    `answer`: the first KiB of the answer's body.
    """

    number: int
    at: datetime
    duration_ms: float
    status: int | None
    error: str | None
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. `event`: its `webhook-id`. `next_at`: when it is tried again."""

    tenant: str | None
    id: str
    endpoint: str
    event: str
    kind: str
    status: DeliveryStatus
    created_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    attempts: tuple[Attempt, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The message of one attempt. `sequence`: how many were made before it; another number makes it stale.

    `step`: the place in the plan of retries. `deferred`: how often it found its endpoint busy since the attempt
    before. `database`: the node in which the delivery is.
    """

    database: str
    tenant: str
    delivery: int
    sequence: int = 0
    step: int = 0
    deferred: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a webhook, as Standard Webhooks recommends it. `thin`: the data was left out for its size."""

    type: str
    timestamp: str
    data: Any
    thin: bool = False
