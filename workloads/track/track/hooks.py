"""Webhooks to an organisation's own systems: what it is told, and where to (Standard Webhooks)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from rung.runtime.webhooks import AddressRefusedError, Deliveries, WebhookError
from rung.runtime.webhooks import Delivery as Sent
from rung.runtime.webhooks import Endpoint as Registered
from track.api.callers import Caller
from track.api.messages import Input, Output
from track.organisations import audit
from track.problems import Problem, invalid, not_found
from track.resources import db, deliveries_queue

ENDPOINTS_MAX = 20
#: Everything that is published.
KINDS = (
    "mail.bounced", "mail.complained", "mail.failed", "mail.unsubscribed", "member.joined", "subscription.changed",
)  # fmt: skip

deliveries = Deliveries(db, deliveries_queue)


class WebhookEndpoint(Output, frozen=True, kw_only=True):
    """Where events are sent. `secret` is there once: when it was made, and when it was rotated."""

    id: str
    url: str
    scheme: Literal["hmac", "ed25519"]
    kinds: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    secret: str | None = None


class NewWebhook(Input, frozen=True, kw_only=True):
    """Where to send which events: `mail.*`, `*`."""

    url: str
    kinds: list[str] = msgspec.field(default_factory=lambda: ["*"])
    scheme: Literal["hmac", "ed25519"] = "hmac"


class WebhookAttempt(Output, frozen=True, kw_only=True):
    """One try."""

    number: int
    at: datetime
    duration_ms: float
    status: int | None
    error: str | None


class WebhookDelivery(Output, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    id: str
    event: str
    kind: str
    status: Literal["pending", "succeeded", "failed", "cancelled"]
    created_at: datetime
    next_at: datetime | None
    attempts: list[WebhookAttempt]


async def publish(connection: Any, tenant: str, kind: str, data: Mapping[str, Any]) -> None:
    """Tell the organisation's systems, exactly when the transaction commits."""
    await deliveries.publish(tenant, kind, data, transaction=connection)


async def listing(tenant: str) -> list[WebhookEndpoint]:
    """The organisation's endpoints."""
    return [_body(each) for each in await deliveries.list(tenant)]


async def register(caller: Caller, wanted: NewWebhook) -> WebhookEndpoint:
    """A new endpoint. Raises Problem 409, 422: also for an address that is not public."""
    tenant = caller.require_tenant()
    if len(await deliveries.list(tenant)) >= ENDPOINTS_MAX:
        raise Problem(409, "too_many_webhooks", f"at most {ENDPOINTS_MAX} endpoints")
    try:
        made = await deliveries.register(tenant, wanted.url, kinds=tuple(wanted.kinds), scheme=wanted.scheme)
    except (AddressRefusedError, WebhookError) as error:
        raise invalid(str(error)[:300]) from None
    await _note(caller, "webhook.registered", wanted.url)
    return _body(made)


async def rotate(caller: Caller, endpoint: str) -> WebhookEndpoint:
    """A new secret; for a day both are good. Raises Problem 404."""
    rotated = await deliveries.rotate(await _require(caller, endpoint))
    await _note(caller, "webhook.rotated", rotated.url)
    return _body(rotated)


async def switch(caller: Caller, endpoint: str, *, on: bool) -> WebhookEndpoint:
    """Send there again, or no more. Raises Problem 404."""
    found = await _require(caller, endpoint)
    changed = await (deliveries.enable(found) if on else deliveries.disable(found))
    await _note(caller, "webhook.enabled" if on else "webhook.disabled", changed.url)
    return _body(changed)


async def remove(caller: Caller, endpoint: str) -> None:
    """Forget the endpoint. Raises Problem 404."""
    found = await _require(caller, endpoint)
    await deliveries.remove(found)
    await _note(caller, "webhook.removed", found.url)


async def log(caller: Caller, endpoint: str) -> list[WebhookDelivery]:
    """What was sent there, the latest first. Raises Problem 404."""
    return [_delivery(each) for each in await deliveries.log(await _require(caller, endpoint))]


async def resend(caller: Caller, delivery: str) -> WebhookDelivery:
    """Try it again now. Raises Problem 404."""
    found = await deliveries.delivery(caller.require_tenant(), delivery)
    if found is None or not await deliveries.resend(found):
        raise not_found("the delivery")
    return _delivery(found)


async def _require(caller: Caller, endpoint: str) -> Registered:
    found = await deliveries.endpoint(caller.require_tenant(), endpoint)
    if found is None:
        raise not_found("the endpoint")
    return found


async def _note(caller: Caller, action: str, url: str) -> None:
    async with db.transaction() as connection:
        await audit.note(connection, caller, action, url)


def _body(endpoint: Registered) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=str(endpoint.id), url=endpoint.url, scheme=endpoint.scheme, kinds=list(endpoint.kinds),
        created_at=endpoint.created_at, failing_since=endpoint.failing_since, disabled_at=endpoint.disabled_at,
        disabled_reason=endpoint.disabled_reason, secret=endpoint.secret or None,
    )  # fmt: skip


def _delivery(sent: Sent) -> WebhookDelivery:
    attempts = [
        WebhookAttempt(
            number=each.number, at=each.at, duration_ms=each.duration_ms, status=each.status, error=each.error
        )
        for each in sent.attempts
    ]
    return WebhookDelivery(
        id=sent.id, event=sent.event, kind=sent.kind, status=sent.status, created_at=sent.created_at,
        next_at=sent.next_at, attempts=attempts,
    )  # fmt: skip
