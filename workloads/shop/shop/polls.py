"""The polls of the waiting room, answered by hand: while a sale runs, most of what is asked is these.

Plain ASGI, without a framework around it: a poll needs a cookie, a small body and a look at the clock.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable

import msgspec
from starlette.requests import Request

from rung.runtime.http import read_body
from rung.runtime.http.asgi import ASGIApp, Receive, Scope, Send
from shop import flash
from shop.http import BODY_BYTES_MAX, Input, decode
from shop.identity import SESSION_COOKIE, Visitor, guest_of, visitor
from shop.problems import Problem, answer

_PATH = re.compile(r"/api/flash/([^/]+)/status")


class Ticket(Input, frozen=True, kw_only=True):
    """A ticket of the waiting room."""

    ticket: str


def polls_first(app: ASGIApp) -> ASGIApp:
    """`app`, but POST /api/flash/{sale}/status {"ticket"} is answered here.

    The answer is where the ticket stands now, and the admission once it is through.
    """

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "POST":
            match = _PATH.fullmatch(scope["path"])
            if match is not None:
                return _poll(match[1], scope, receive, send)
        return app(scope, receive, send)

    return serve


async def _poll(sale: str, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await _standing(sale, scope, receive)
    except Problem as problem:
        response = await answer(None, problem)
        await response(scope, receive, send)
        return
    headers = [
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/json"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _standing(sale: str, scope: Scope, receive: Receive) -> bytes:
    content_type = cookie = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value
        elif name == b"cookie":
            cookie = value
    text = cookie.decode("latin-1")
    wanted = decode(await read_body(receive, limit_bytes=BODY_BYTES_MAX), Ticket, content_type.decode("latin-1"))
    who = await visitor(Request(scope)) if SESSION_COOKIE in text else Visitor(guest=guest_of(text))
    return msgspec.json.encode(await flash.status(sale, who.require_owner(), wanted.ticket))
