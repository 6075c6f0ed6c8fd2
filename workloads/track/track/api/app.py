"""The ASGI application."""

from __future__ import annotations

from functools import lru_cache

import asyncpg
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from track.accounts import local_identity
from track.api.messages import json
from track.api.openapi import document
from track.api.routes import OPERATIONS
from track.billing import incoming
from track.mails import feedback, unsubscribe
from track.problems import Problem, answer, invalid


async def openapi(_: Request) -> Response:
    """GET /api/openapi.json."""
    return Response(_document(), media_type="application/json", headers={"cache-control": "public, max-age=300"})


@lru_cache(maxsize=1)
def _document() -> bytes:
    return msgspec.json.encode(document(OPERATIONS))


async def health(_: Request) -> Response:
    """GET /health: the process answers. Dependencies are asked by /ready."""
    return json({"status": "ok"})


async def _not_text(_: Request, __: Exception) -> Response:
    """A NUL, or half a character: Postgres stores neither."""
    return await answer(None, invalid("a text holds characters that cannot be stored"))


ROUTES = [
    Route("/api/openapi.json", openapi),
    *(each.route() for each in OPERATIONS),
    Route(unsubscribe.PATH, unsubscribe.page, methods=["GET"]),
    Route(unsubscribe.PATH, unsubscribe.unsubscribe, methods=["POST"]),
    Route("/api/feedback/{token}", feedback.take, methods=["POST"]),
    Route("/api/stripe", incoming.endpoint),
    Route(f"{local_identity.PATH}/authorize", local_identity.page, methods=["GET"]),
    Route(f"{local_identity.PATH}/authorize", local_identity.decide, methods=["POST"]),
    Route("/health", health),
]

app = Starlette(
    routes=ROUTES, exception_handlers={Problem: answer, asyncpg.CharacterNotInRepertoireError: _not_text}
)
