"""Stripe by its HTTP API (docs.stripe.com/api, read 2026-11-21): forms in, JSON out."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from rung.runtime.errors import UnavailableError
from track.billing.provider import PRICE_PREFIX, Paid, paid_of
from track.problems import Problem
from track.resources import key_of, public_url

VERSION = "2025-03-31.basil"
TIMEOUT_SECONDS = 8.0


class StripeBilling:
    """Calls https://api.stripe.com, or TRACK_STRIPE_URL, with the secret `stripe-key`."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url or os.environ.get("TRACK_STRIPE_URL", "https://api.stripe.com")

    async def customer(self, tenant: str, email: str) -> str:
        """One customer for an organisation: Stripe keeps the key for a day, and `billing_customers` for ever."""
        fields = {"email": email, "metadata[tenant]": tenant}
        return str((await self._post("/v1/customers", fields, key=f"customer-{tenant}"))["id"])

    async def checkout(self, customer: str, plan: str, seats: int) -> str:
        """A Checkout session."""
        fields = {
            "mode": "subscription",
            "customer": customer,
            "line_items[0][price]": await self._price(plan),
            "line_items[0][quantity]": str(seats),
            "success_url": f"{public_url()}/billing",
            "cancel_url": f"{public_url()}/billing",
        }
        return str((await self._post("/v1/checkout/sessions", fields))["url"])

    async def subscription(self, subscription: str) -> Paid | None:
        """The subscription as it is now."""
        found = await self._call("GET", f"/v1/subscriptions/{quote(subscription, safe='')}")
        return None if found is None else paid_of(found)

    async def change(self, subscription: str, plan: str, seats: int) -> None:
        """The item's price and quantity, prorated by the second."""
        path = f"/v1/subscriptions/{quote(subscription, safe='')}"
        found = await self._call("GET", path)
        if found is None:
            raise Problem(409, "no_subscription", "there is nothing to change: subscribe first")
        fields = {
            "items[0][id]": found["items"]["data"][0]["id"],
            "items[0][price]": await self._price(plan),
            "items[0][quantity]": str(seats),
            "proration_behavior": "always_invoice",
            "cancel_at_period_end": "false",
        }
        await self._post(path, fields)

    async def cancel(self, subscription: str) -> None:
        """At the end of the period."""
        await self._post(f"/v1/subscriptions/{quote(subscription, safe='')}", {"cancel_at_period_end": "true"})

    async def _price(self, plan: str) -> str:
        found = await self._call("GET", f"/v1/prices?lookup_keys[]={quote(PRICE_PREFIX + plan)}&active=true")
        if not found or not found["data"]:
            raise UnavailableError(f"Stripe has no price with the lookup key {PRICE_PREFIX}{plan}")
        return str(found["data"][0]["id"])

    async def _post(self, path: str, fields: dict[str, str], *, key: str = "") -> dict[str, Any]:
        answer = await self._call("POST", path, urlencode(fields).encode(), key=key)
        if answer is None:
            raise Problem(409, "no_subscription", "the payment provider does not know it")
        return answer

    async def _call(self, method: str, path: str, body: bytes = b"", *, key: str = "") -> dict[str, Any] | None:
        try:
            status, text = await asyncio.to_thread(self._request, method, path, body, key)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"Stripe does not answer: {type(error).__name__}") from error
        if status == 404:
            return None
        if status >= 400:
            raise UnavailableError(f"Stripe answers {status} to {method} {path.partition('?')[0]}")
        found: dict[str, Any] = msgspec.json.decode(text)
        return found

    def _request(self, method: str, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        place = urlsplit(self._url)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)
        headers = {
            "authorization": f"Bearer {key_of('stripe-key').decode()}",
            "stripe-version": VERSION,
            "content-type": "application/x-www-form-urlencoded",
            **({"idempotency-key": hashlib.sha256(key.encode()).hexdigest()} if key else {}),
        }
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(1_000_000)
        finally:
            connection.close()
