"""Operations of webhooks to an organisation's own systems."""

from __future__ import annotations

from track import hooks
from track.api.access import Within
from track.api.messages import Done, Input
from track.api.operation import Call, Operation
from track.api.organisation_calls import BASE
from track.hooks import NewWebhook, WebhookDelivery, WebhookEndpoint


class WebhookSwitch(Input, frozen=True, kw_only=True):
    """On or off."""

    enabled: bool


async def list_webhooks(call: Call[None]) -> list[WebhookEndpoint]:
    """Where events are sent."""
    return await hooks.listing(call.caller.require_tenant())


async def create_webhook(call: Call[NewWebhook]) -> WebhookEndpoint:
    """Send events to an address. The secret is shown this once."""
    return await hooks.register(call.caller, call.body)


async def switch_webhook(call: Call[WebhookSwitch]) -> WebhookEndpoint:
    """Switch an endpoint on or off."""
    return await hooks.switch(call.caller, call.path("webhook"), on=call.body.enabled)


async def delete_webhook(call: Call[None]) -> Done:
    """Forget an endpoint."""
    await hooks.remove(call.caller, call.path("webhook"))
    return Done()


async def rotate_webhook(call: Call[None]) -> WebhookEndpoint:
    """A new secret, shown this once; for a day deliveries are signed with both."""
    return await hooks.rotate(call.caller, call.path("webhook"))


async def list_deliveries(call: Call[None]) -> list[WebhookDelivery]:
    """What was sent to an endpoint, the latest first."""
    return await hooks.log(call.caller, call.path("webhook"))


async def resend_delivery(call: Call[None]) -> WebhookDelivery:
    """Try a delivery again now."""
    return await hooks.resend(call.caller, call.path("delivery"))


ADMIN = Within(role="admin")
WEBHOOKS = f"{BASE}/webhooks"
ONE = f"{WEBHOOKS}/{{webhook}}"
OPERATIONS = (
    Operation(method="GET", path=WEBHOOKS, handler=list_webhooks, summary="Webhooks", tag="webhooks",
              access=ADMIN, answer=list[WebhookEndpoint]),
    Operation(method="POST", path=WEBHOOKS, handler=create_webhook, summary="New webhook", tag="webhooks",
              access=ADMIN, body=NewWebhook, answer=WebhookEndpoint, status=201),
    Operation(method="PATCH", path=ONE, handler=switch_webhook, summary="Switch on or off", tag="webhooks",
              access=ADMIN, body=WebhookSwitch, answer=WebhookEndpoint),
    Operation(method="DELETE", path=ONE, handler=delete_webhook, summary="Forget it", tag="webhooks",
              access=ADMIN, answer=Done),
    Operation(method="POST", path=f"{ONE}/rotate", handler=rotate_webhook, summary="New secret", tag="webhooks",
              access=ADMIN, answer=WebhookEndpoint),
    Operation(method="GET", path=f"{ONE}/deliveries", handler=list_deliveries, summary="Delivery log",
              tag="webhooks", access=ADMIN, answer=list[WebhookDelivery]),
    Operation(method="POST", path=f"{BASE}/deliveries/{{delivery}}/resend", handler=resend_delivery,
              summary="Send again", tag="webhooks", access=ADMIN, answer=WebhookDelivery),
)  # fmt: skip
