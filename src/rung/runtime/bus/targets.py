"""What a rule delivers to when that is not a queue of the bus's own database: each a function that sends once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import msgspec

from rung.runtime.bindings import ExternalBinding, QueueBinding, ServiceBinding, binding
from rung.runtime.bus.event import EVENT_HEADER
from rung.runtime.bus.post import Answer, post
from rung.runtime.bus.rules import QueueTarget, Rule, ServiceTarget, WebhookTarget, WorkflowTarget
from rung.runtime.context import CORRELATION_HEADER
from rung.runtime.queue.message import Entry
from rung.runtime.queue.port import Queue
from rung.runtime.queue.registry import open_queue
from rung.runtime.webhooks.errors import AddressRefusedError
from rung.runtime.webhooks.guard import PUBLIC, Policy, guarded_client
from rung.runtime.workflow.client import Workflow, workflow

#: Statuses that a later try may change; 4xx otherwise says that this event is never taken. EventBridge's own list
#: for API destinations is 409, 429 and 5xx (eb-api-destinations.html, read on 2026-11-21).
RETRIED = frozenset((408, 409, 425, 429))

#: The headers of an event that a call carries.
TOLD = (EVENT_HEADER, CORRELATION_HEADER, "traceparent")


class RefusedError(Exception):
    """The target will never take this event."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LaterError(Exception):
    """The target asks to be tried again after `seconds`, or has failed in a way that may pass."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a target gets: the input, its headers, and the key under which a repeated delivery is known."""

    body: bytes
    headers: Mapping[str, str]
    key: str


#: Sends once. Raises RefusedError, LaterError, or whatever else, which is tried again.
Send = Callable[[Delivery], Awaitable[None]]


def target_of(rule: Rule, environment: Mapping[str, str] | None = None) -> Send:
    """How the rule's events are sent. Raises BindingError when this process has no edge to the target."""
    match rule.target:
        case QueueTarget(name=name):
            return to_queue(open_queue(name, binding(name, QueueBinding, environment), registered=True))
        case ServiceTarget(name=name, path=path):
            return to_service(binding(name, ServiceBinding, environment).url.rstrip("/") + path)
        case WebhookTarget(name=name, path=path, deadline_seconds=seconds):
            place = binding(name, ExternalBinding, environment)
            return to_host(f"https://{place.host}:{place.port}{path}", seconds)
        case WorkflowTarget(name=name):
            return to_workflow(workflow(name))
        case _:
            assert_never(rule.target)


def to_queue(queue: Queue) -> Send:
    """A queue that another broker carries: sent at least once."""

    async def send(delivery: Delivery) -> None:
        entry = Entry(body=delivery.body, headers=delivery.headers, lane=queue.lanes[0])
        (result,) = await queue.send_batch([entry])
        if result.id is None:
            raise RefusedError("INVALID_MESSAGE", result.error or "the queue did not take it")

    return send


def to_service(url: str) -> Send:
    """A service of the workload. Tenant and user stand in the event: no service believes headers about those."""

    async def send(delivery: Delivery) -> None:
        judge(await post(url, delivery.body, _http_headers(delivery)))

    return send


def to_host(url: str, deadline_seconds: float, policy: Policy = PUBLIC) -> Send:
    """A host outside, on addresses of the public internet alone. No tenant and no user are named to it."""

    async def send(delivery: Delivery) -> None:
        headers = _http_headers(delivery)
        headers.pop("traceparent", None)
        try:
            async with (
                guarded_client(policy, timeout_seconds=deadline_seconds) as client,
                client.post(url, data=delivery.body, headers=headers, allow_redirects=False) as answer,
            ):
                after = answer.headers.get("retry-after", "")
                judge(
                    Answer(status=answer.status, retry_after_seconds=float(after) if after.isdecimal() else None)
                )
        except AddressRefusedError as error:
            raise RefusedError("ADDRESS_REFUSED", str(error)) from error

    return send


def to_workflow(started: Workflow) -> Send:
    """One run for each event: a second delivery finds the run of the first."""

    async def send(delivery: Delivery) -> None:
        await started.start(msgspec.json.decode(delivery.body), id=delivery.key)

    return send


def judge(answer: Answer) -> None:
    """Nothing for 2xx. Raises LaterError or RefusedError otherwise; a redirect is not followed."""
    if 200 <= answer.status < 300:
        return
    said = f"answered {answer.status}"
    if answer.status >= 500 or answer.status in RETRIED:
        raise LaterError(said, answer.retry_after_seconds)
    raise RefusedError("SDK_CLIENT_ERROR", said)


def _http_headers(delivery: Delivery) -> dict[str, str]:
    told = {name: delivery.headers[name] for name in TOLD if name in delivery.headers}
    return {"content-type": "application/json", "idempotency-key": delivery.key, **told}
