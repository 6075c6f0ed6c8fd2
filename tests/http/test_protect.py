"""`protect` adds what every response needs, and turns what goes wrong into problems a program can read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rung.runtime.context import current
from rung.runtime.errors import DeadlineExceededError, OverloadedError, TenantError, UnavailableError
from rung.runtime.http import HttpError, HttpSettings, ServerState, protect, read_body
from rung.runtime.http.asgi import ASGIApp
from rung.testing.asgi import call


def answering(status: int = 200, body: bytes = b"ok") -> ASGIApp:
    """An application that always answers the same."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": body})

    return app


def raising(error: BaseException) -> ASGIApp:
    """An application that raises."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    return app


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body whole and says how long it is."""
    size = len(await read_body(receive, limit_bytes=1 << 40))
    await answering(body=str(size).encode())(scope, receive, send)


async def test_every_response_carries_the_correlation_id_and_the_security_headers() -> None:
    """A given correlation id is kept; without one there is a new one; it is current inside."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current().correlation_id)
        await answering()(scope, receive, send)

    answer = await call(protect(app), headers=[("x-correlation-id", "abc-1")])
    assert answer.headers["x-correlation-id"] == "abc-1" == seen[0]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len((await call(protect(app))).headers["x-correlation-id"]) == 32


async def test_an_application_keeps_its_own_security_header() -> None:
    """The default is added only where the application is silent."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]}
        )
        await send({"type": "http.response.body", "body": b""})

    assert (await call(protect(app))).headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OverloadedError("busy"), 503, "overloaded"),
        (UnavailableError("postgres://secret"), 503, "unavailable"),
        (DeadlineExceededError("late"), 504, "deadline-exceeded"),
        (TenantError("none"), 404, "not-found"),
        (HttpError(409, "taken", "somebody has it"), 409, "taken"),
        (ZeroDivisionError("secret detail"), 500, "internal"),
    ],
)
async def test_errors_become_problems(error: Exception, status: int, code: str) -> None:
    """Each error of the runtime has its status; nothing of an unexpected one is shown."""
    answer = await call(protect(raising(error)), headers=[("x-correlation-id", "c1")])
    assert (answer.status, answer.json["code"], answer.json["correlation_id"]) == (status, code, "c1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"secret" not in answer.body
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_framework_that_answers_500_and_raises_is_understood() -> None:
    """Starlette answers 500 first and raises then: the answer is held back, and the error decides."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(500, b"Traceback (most recent call last)")(scope, receive, send)
        raise OverloadedError("no connection")

    answer = await call(protect(app))
    assert (answer.status, answer.json["code"]) == (503, "overloaded")


async def test_a_500_of_the_applications_own_passes() -> None:
    """Held back, then let go."""
    answer = await call(protect(answering(500, b"my own page")))
    assert (answer.status, answer.body) == (500, b"my own page")


async def test_a_body_too_large_is_refused_before_it_is_read() -> None:
    """By Content-Length, without one call of the application."""
    answer = await call(
        protect(raising(AssertionError("reached")), HttpSettings(body_limit_bytes=10)),
        method="POST",
        headers=[("content-length", "11")],
    )
    assert (answer.status, answer.json["code"], answer.headers["connection"]) == (413, "body-too-large", "close")


async def test_a_chunked_body_is_counted() -> None:
    """Without Content-Length the count decides; a path may have a limit of its own."""
    settings = HttpSettings(body_limit_bytes=10, body_limits=(("/upload", 30),))
    chunked = [("transfer-encoding", "chunked")]
    refused = await call(protect(echo, settings), method="POST", headers=chunked, chunks=[b"12345678"] * 2)
    allowed = await call(
        protect(echo, settings), "/upload", method="POST", headers=chunked, chunks=[b"12345678"] * 2
    )
    assert (refused.status, allowed.status, allowed.body) == (413, 200, b"16")


async def test_compressed_bodies_are_refused_unless_enabled() -> None:
    """415; when enabled, decoded; a bomb is stopped at the ratio."""
    import gzip

    headers = [("content-encoding", "gzip"), ("transfer-encoding", "chunked")]
    small, bomb = gzip.compress(b"hello"), gzip.compress(bytes(900_000))
    enabled = HttpSettings(decompress=True)
    assert (await call(protect(echo), method="POST", headers=headers, chunks=[small])).status == 415
    assert (await call(protect(echo, enabled), method="POST", headers=headers, chunks=[small])).body == b"5"
    assert (await call(protect(echo, enabled), method="POST", headers=headers, chunks=[bomb])).status == 413


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    """The client sent a part and fell silent."""
    answer = await call(
        protect(echo, HttpSettings(body_seconds=0.05)),
        method="POST",
        headers=[("content-length", "100")],
        chunks=[b"x"],
        hang_after_chunks=True,
    )
    assert (answer.status, answer.json["code"]) == (408, "body-too-slow")


async def test_the_deadline_ends_a_request_and_a_header_may_only_shorten_it() -> None:
    """A longer x-deadline-ms than the service's own is ignored."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(30)

    short = await call(protect(app), headers=[("x-deadline-ms", "50")])
    capped = await call(protect(app, HttpSettings(deadline_seconds=0.05)), headers=[("x-deadline-ms", "60000")])
    assert (short.status, capped.status) == (504, 504)


async def test_health_is_the_applications_where_it_has_one() -> None:
    """404 from the application means it has none: liveness answers instead."""
    own = await call(protect(answering(200, b"mine"), HttpSettings(health_path="/healthz")), "/healthz")
    ours = await call(protect(answering(404, b"what?")), "/health")
    assert own.body == b"mine"
    assert (ours.status, ours.json) == (200, {"status": "live"})


async def test_a_drain_turns_readiness_first_and_then_the_connections() -> None:
    """Liveness stays true, requests are still served, and each response closes its connection."""
    state = ServerState()
    app = protect(answering(), state=state)
    assert (await call(app, "/ready")).status == 200
    assert await state.drain(notice_seconds=0.0, timeout_seconds=0.1) == 0
    assert (await call(app, "/ready")).json["status"] == "draining"
    served = await call(app)
    assert (served.status, served.headers["connection"]) == (200, "close")
