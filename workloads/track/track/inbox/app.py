"""The HTTP side: what came, as JSON. The SMTP side lives as long as this application does.

Only for this machine: everywhere else there is nothing to see, and no mail is taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from track.inbox.mailbox import Mailbox
from track.inbox.server import port_of, start
from track.resources import is_local

LIMIT = 50
mailbox = Mailbox()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """The SMTP server, from start to end."""
    if not is_local():
        yield
        return
    server = await start(mailbox)
    app.state.port = port_of(server)
    try:
        yield
    finally:
        server.close()


async def smtp(request: Request) -> Response:
    """GET /api/inbox/smtp: where mail is taken."""
    port = getattr(request.app.state, "port", None)
    return _json({"host": "127.0.0.1", "port": port}) if port else _json({"code": "not_found"}, 404)


async def list_mails(request: Request) -> Response:
    """GET /api/inbox/mails?recipient=&limit=: the latest first."""
    text = request.query_params.get("limit", "")
    limit = min(int(text), 500) if text.isascii() and text.isdecimal() and len(text) < 6 else LIMIT
    items = mailbox.listing(recipient=request.query_params.get("recipient", ""), limit=limit)
    return _json({"items": items, "received": mailbox.count, "duplicates": mailbox.duplicates})


async def get_mail(request: Request) -> Response:
    """GET /api/inbox/mails/{mail}: opened."""
    found = mailbox.read(request.path_params["mail"])
    return _json({"code": "not_found"}, 404) if found is None else _json(found)


async def clear(_: Request) -> Response:
    """DELETE /api/inbox/mails: forget them."""
    mailbox.clear()
    return _json({"done": True})


async def health(_: Request) -> Response:
    """GET /health."""
    return _json({"status": "ok"})


def _json(value: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, media_type="application/json", headers={"cache-control": "no-store"}
    )


app = Starlette(
    routes=[
        Route("/api/inbox/smtp", smtp),
        Route("/api/inbox/mails", list_mails),
        Route("/api/inbox/mails", clear, methods=["DELETE"]),
        Route("/api/inbox/mails/{mail}", get_mail),
        Route("/health", health),
    ],
    lifespan=lifespan,
)
