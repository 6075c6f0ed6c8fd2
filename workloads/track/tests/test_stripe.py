"""What is sent to Stripe, and what becomes of its answers: against a server that answers as its API does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from rung.runtime.errors import UnavailableError

SUBSCRIPTION = {
    "id": "sub_1", "customer": "cus_1", "status": "active", "cancel_at_period_end": False,
    "items": {"data": [{"id": "si_1", "quantity": 5, "price": {"lookup_key": "track_team"},
                        "current_period_start": 1_790_000_000, "current_period_end": 1_792_592_000}]},
}  # fmt: skip
ANSWERS: dict[tuple[str, str], Any] = {
    ("POST", "/v1/customers"): {"id": "cus_1"},
    ("POST", "/v1/checkout/sessions"): {"id": "cs_1", "url": "https://checkout.stripe.example/cs_1"},
    ("GET", "/v1/subscriptions/sub_1"): SUBSCRIPTION,
    ("POST", "/v1/subscriptions/sub_1"): SUBSCRIPTION,
    ("GET", "/v1/prices"): {"data": [{"id": "price_business"}]},
}


class _Stripe(BaseHTTPRequestHandler):
    asked: list[tuple[str, str, dict[str, str], dict[str, str]]]

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.asked.append((self.command, self.path, dict(parse_qsl(body)), dict(self.headers.items())))
        answer = ANSWERS.get((self.command, path))
        text = msgspec.json.encode(answer or {"error": {"code": "resource_missing"}})
        self.send_response(500 if path.endswith("broken") else 200 if answer else 404)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815 - the names of http.server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stripe(track_environment: str) -> Iterator[tuple[Any, list[Any]]]:
    """The port over that server, and what it was asked."""
    from track.billing.stripe import StripeBilling

    handler = type("Handler", (_Stripe,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield StripeBilling(f"http://127.0.0.1:{server.server_port}"), handler.asked  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


async def test_calls_are_forms_with_the_key_and_a_version(stripe: Any) -> None:
    billing, asked = stripe
    assert await billing.customer("abc", "ada@people.example") == "cus_1"
    assert await billing.customer("abc", "ada@people.example") == "cus_1"
    (method, path, form, headers), (*_, again) = asked
    assert (method, path) == ("POST", "/v1/customers")
    assert form == {"email": "ada@people.example", "metadata[tenant]": "abc"}
    assert headers["authorization"].startswith("Bearer ")
    assert headers["stripe-version"] == "2025-03-31.basil"
    assert headers["idempotency-key"] == again["idempotency-key"]


async def test_a_subscription_is_read_bought_changed_and_cancelled(stripe: Any) -> None:
    billing, asked = stripe
    found = await billing.subscription("sub_1")
    assert (found.plan, found.seats, found.status, found.period_end.year) == ("team", 5, "active", 2026)
    assert await billing.checkout("cus_1", "business", 7) == "https://checkout.stripe.example/cs_1"
    assert asked[-1][2]["line_items[0][price]"] == "price_business"
    await billing.change("sub_1", "business", 9)
    assert asked[-1][2] == {
        "items[0][id]": "si_1", "items[0][price]": "price_business", "items[0][quantity]": "9",
        "proration_behavior": "always_invoice", "cancel_at_period_end": "false",
    }  # fmt: skip
    await billing.cancel("sub_1")
    assert asked[-1][2] == {"cancel_at_period_end": "true"}


async def test_what_is_not_there_is_none_and_what_is_broken_is_said(stripe: Any) -> None:
    billing, _ = stripe
    assert await billing.subscription("sub_other/../../v1/customers") is None
    with pytest.raises(UnavailableError):
        await billing.subscription("broken")
