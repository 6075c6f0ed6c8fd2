"""Webhooks in (`StripeSignature`, `StandardSignature`, `Inbox`) and out (`Deliveries`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.front_door import open_on_use

if TYPE_CHECKING:
    from rung.runtime.webhooks.deliverer import Deliverer as Deliverer
    from rung.runtime.webhooks.deliveries import Deliveries as Deliveries
    from rung.runtime.webhooks.errors import AddressRefusedError as AddressRefusedError
    from rung.runtime.webhooks.errors import SignatureRefusedError as SignatureRefusedError
    from rung.runtime.webhooks.errors import WebhookError as WebhookError
    from rung.runtime.webhooks.guard import Policy as Policy
    from rung.runtime.webhooks.inbox import Inbox as Inbox
    from rung.runtime.webhooks.inbox import ReplayPlan as ReplayPlan
    from rung.runtime.webhooks.records import Attempt as Attempt
    from rung.runtime.webhooks.records import Delivery as Delivery
    from rung.runtime.webhooks.records import Endpoint as Endpoint
    from rung.runtime.webhooks.schema import install_webhooks as install_webhooks
    from rung.runtime.webhooks.signature import Verified as Verified
    from rung.runtime.webhooks.standard import StandardSignature as StandardSignature
    from rung.runtime.webhooks.stripe import StripeSignature as StripeSignature

_HOME_OF = {
    "AddressRefusedError": "rung.runtime.webhooks.errors",
    "Attempt": "rung.runtime.webhooks.records",
    "Deliverer": "rung.runtime.webhooks.deliverer",
    "Deliveries": "rung.runtime.webhooks.deliveries",
    "Delivery": "rung.runtime.webhooks.records",
    "Endpoint": "rung.runtime.webhooks.records",
    "Inbox": "rung.runtime.webhooks.inbox",
    "Policy": "rung.runtime.webhooks.guard",
    "ReplayPlan": "rung.runtime.webhooks.inbox",
    "SignatureRefusedError": "rung.runtime.webhooks.errors",
    "StandardSignature": "rung.runtime.webhooks.standard",
    "StripeSignature": "rung.runtime.webhooks.stripe",
    "Verified": "rung.runtime.webhooks.signature",
    "WebhookError": "rung.runtime.webhooks.errors",
    "install_webhooks": "rung.runtime.webhooks.schema",
}


open_on_use(__name__, _HOME_OF)
