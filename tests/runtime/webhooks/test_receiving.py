"""The address that takes webhooks: what it answers, how much it reads, and that it is plain ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from rung.runtime.errors import UnavailableError
from rung.runtime.webhooks import StripeSignature, Verified
from rung.runtime.webhooks.receiving import ReceivingEndpoint
from rung.runtime.webhooks.stripe import sign_stripe
from rung.testing.asgi import call

SECRET, BODY = "whsec_x", b'{"id":"evt_1"}'


class FakeInbox:
    """Keeps what it is given, or fails as it is told."""

    source = "stripe"

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: dict[str, Verified] = {}
        self.error = error

    async def accept(self, verified: Verified) -> bool:
        if self.error is not None:
            raise self.error
        return self.kept.setdefault(verified.id, verified) is verified


def _endpoint(inbox: FakeInbox, **options: Any) -> ReceivingEndpoint:
    return ReceivingEndpoint(inbox, StripeSignature(SECRET), **options)  # type: ignore[arg-type]


def _headers(body: bytes = BODY, secret: str = SECRET) -> list[tuple[bytes, bytes]]:
    return [(b"stripe-signature", sign_stripe(secret, body, int(time.time())).encode())]


async def _post(
    endpoint: ReceivingEndpoint, chunks: Sequence[bytes] = (BODY,), headers: Any = None, method: str = "POST"
) -> tuple[int, dict[bytes, bytes]]:
    """The status and headers that an ASGI server would be given."""
    sent: list[Any] = []
    events = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    events.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        if not events:
            await asyncio.Event().wait()
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    scope = {"type": "http", "method": method, "headers": _headers() if headers is None else headers}
    await endpoint(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


async def test_kept_then_here_before() -> None:
    """200 both times: a sender that hears anything else sends it a third time. Bytes are kept as they came."""
    inbox = FakeInbox()
    assert (await _post(_endpoint(inbox), [b'{"id":', b'"evt_1"}']))[0] == 200
    assert (await _post(_endpoint(inbox)))[0] == 200
    assert inbox.kept["evt_1"].payload == BODY


@pytest.mark.parametrize(
    "headers", [[], _headers(secret="other"), _headers(b"{}"), [(b"stripe-signature", b"\xff")]]
)
async def test_forged_is_400(headers: Any) -> None:
    inbox = FakeInbox()
    assert (await _post(_endpoint(inbox), headers=headers))[0] == 400
    assert inbox.kept == {}


async def test_get_is_405() -> None:
    status, headers = await _post(_endpoint(FakeInbox()), method="GET")
    assert (status, headers[b"allow"]) == (405, b"POST")


async def test_too_large_is_413_before_it_is_read() -> None:
    """By what it announces, and by what comes."""
    endpoint = _endpoint(FakeInbox(), body_bytes_max=10)
    assert (await _post(endpoint, [b"x" * 11]))[0] == 413
    assert (await _post(endpoint, [], [(b"content-length", b"11")]))[0] == 413
    assert (await _post(endpoint, [], [(b"content-length", b"9" * 5000)]))[0] == 413
    endless = [b"x" * 5] * 1000
    assert (await _post(endpoint, endless))[0] == 413


async def test_slow_body_is_408() -> None:
    endpoint = _endpoint(FakeInbox(), body_seconds=0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(event: Any) -> None:
        sent.append(event)

    await endpoint({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert sent[0]["status"] == 408


async def test_not_kept_is_503() -> None:
    """The sender repeats it: nothing is lost while the database is away."""
    status, headers = await _post(_endpoint(FakeInbox(UnavailableError("away"))))
    assert (status, headers[b"retry-after"]) == (503, b"5")


async def test_mounted_in_a_framework() -> None:
    inbox = FakeInbox()
    app = Starlette(routes=[Mount("/hooks/stripe", _endpoint(inbox))])
    headers = [(name.decode(), value.decode()) for name, value in _headers()]
    answer = await call(app, "/hooks/stripe/", method="POST", headers=headers, chunks=[BODY])
    assert answer.status == 200
    assert list(inbox.kept) == ["evt_1"]


async def test_a_thousand_forgeries_are_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """A stranger must not be able to fill a disk with what is refused."""
    endpoint = _endpoint(FakeInbox())
    forged = _headers(secret="whsec_other")
    began = time.monotonic()
    for _ in range(200):
        status, _ = await _post(endpoint, headers=forged)
        assert status == 400
    lines = capsys.readouterr().out.count("webhook refused")
    assert 1 <= lines <= 2 + (time.monotonic() - began)
