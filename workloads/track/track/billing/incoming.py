"""What the payment provider reports: verified on the raw bytes, kept once, queued in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from rung.runtime.bindings import secret_versions
from rung.runtime.webhooks import Inbox, StripeSignature
from track.resources import db, stripe_events

SOURCE = "stripe"

inbox = Inbox(db, stripe_events, source=SOURCE)
signature = StripeSignature(lambda: secret_versions("stripe-webhook-key"))
#: POST /api/stripe.
endpoint = inbox.endpoint(signature)


async def receive(body: bytes, headers: Mapping[str, str]) -> bool:
    """Take one report. False: it was here before. Raises SignatureRefusedError."""
    return await inbox.accept(signature.verify(body, headers))
