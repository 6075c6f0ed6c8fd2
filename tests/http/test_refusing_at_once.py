"""A late event loop refuses requests before anything is made for them, and never the health checks.

A page that is at hand costs what a refusal costs: it is answered.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from rung.runtime.http import Page, pages_first
from rung.runtime.http.protect import Protected, protect
from rung.runtime.http.settings import CRITICAL, HttpSettings


class Calls:
    """An application that counts its calls, and what it was answered with."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.count += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def cut(app: Protected, share: float) -> None:
    """Let only `share` of the normal requests in."""
    shedder = app.limiter.shedder
    shedder._chance = random.Random(1)
    shedder.active, shedder.shares = True, [1.0, share, share]


async def ask(
    app: Protected, method: str, path: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [*headers],
        "query_string": b"",
        "client": ("c", 1),
    }
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:])


async def test_a_late_event_loop_refuses_reads_before_the_application_sees_them() -> None:
    calls = Calls()
    app = protect(calls)
    cut(app, 0.1)
    answers = [await ask(app, "GET", "/api/products") for _ in range(300)]
    refused = [each for each in answers if each[0] == 503]
    assert 0 < calls.count < 60
    assert calls.count + len(refused) == 300
    assert app.limiter.refused == len(refused)
    status, headers, body = refused[0]
    assert headers[b"retry-after"] in (b"1", b"2")
    assert headers[b"content-length"] == b"%d" % len(body)
    document = json.loads(body)
    assert (document["status"], document["code"]) == (status, "overloaded")
    assert headers[b"x-correlation-id"].decode() == document["correlation_id"]
    assert b"x-content-type-options" in headers


async def test_the_health_checks_are_answered_however_late_it_is() -> None:
    app = protect(Calls())
    cut(app, 0.0)
    assert (await ask(app, "GET", "/health"))[0] == 200
    assert (await ask(app, "GET", "/ready"))[0] == 200


async def test_an_event_loop_in_time_refuses_nobody() -> None:
    calls = Calls()
    app = protect(calls)
    assert [(await ask(app, "GET", "/"))[0] for _ in range(50)] == [200] * 50
    assert calls.count == 50


async def test_writes_with_a_short_body_are_refused_at_once_and_long_ones_are_judged_later() -> None:
    """A short body has arrived with its headers; a long one is read under its own limits."""
    calls = Calls()
    app = protect(calls)
    cut(app, 0.0)
    short, long, chunked = [
        await ask(app, "POST", "/", [header])
        for header in (
            (b"content-length", b"80"),
            (b"content-length", b"50000"),
            (b"transfer-encoding", b"chunked"),
        )
    ]
    assert (short[0], short[1][b"x-correlation-id"] in short[2]) == (503, True)
    assert (long[0], chunked[0]) == (503, 503)
    assert calls.count == 0
    cut(app, 1.0)
    assert (await ask(app, "POST", "/", [(b"content-length", b"0")]))[0] == 200


async def test_a_checkout_passes_where_pages_are_refused() -> None:
    app = protect(Calls(), HttpSettings(priorities=(("/api/checkout", CRITICAL),)))
    cut(app, 0.0)
    assert (await ask(app, "POST", "/api/checkout", [(b"content-length", b"0")]))[0] == 200
    assert (await ask(app, "GET", "/api/products"))[0] == 503


def with_page(calls: Calls) -> Protected:
    """`calls` behind one page, in a process that refuses every normal request."""
    page = Page(b"at hand", cache_control="public, max-age=5")
    app = protect(pages_first(calls, lambda path, query: page if (path, query) == ("/hot", b"") else None))
    cut(app, 0.0)
    return app


async def test_a_page_at_hand_is_answered_where_all_else_is_refused() -> None:
    calls = Calls()
    app = with_page(calls)
    status, headers, body = await ask(app, "GET", "/hot")
    assert (status, body, headers[b"cache-control"]) == (200, b"at hand", b"public, max-age=5")
    assert len(headers[b"x-correlation-id"]) == 32
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert [(await ask(app, method, path))[0] for method, path in (("GET", "/cold"), ("POST", "/hot"))] == [
        503
    ] * 2
    assert calls.count == 0


async def test_a_page_at_hand_is_compared_with_what_the_client_has() -> None:
    app = with_page(Calls())
    etag = (await ask(app, "GET", "/hot"))[1][b"etag"]
    assert (await ask(app, "GET", "/hot", [(b"if-none-match", etag)]))[::2] == (304, b"")


async def test_who_tells_of_a_context_is_not_answered_without_one() -> None:
    app = with_page(Calls())
    assert (await ask(app, "GET", "/hot", [(b"x-correlation-id", b"abc-1")]))[0] == 503
    cut(app, 1.0)
    status, headers, _ = await ask(app, "GET", "/hot", [(b"x-correlation-id", b"abc-1")])
    assert (status, headers[b"x-correlation-id"]) == (200, b"abc-1")


async def test_pages_at_hand_are_counted_as_answered() -> None:
    app = with_page(Calls())
    await ask(app, "GET", "/hot")
    counted, durations = app.recorder._series["GET", "*", 200]
    before = counted[0], sum(durations[:-1])
    for _ in range(3):
        await ask(app, "GET", "/hot")
    assert (counted[0], sum(durations[:-1])) == (before[0] + 3, before[1] + 3)
    assert app.limiter.refused == 0
