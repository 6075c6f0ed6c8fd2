"""A service that a rule calls: it refuses each event once, and takes it when it comes again."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rung.runtime import current, database

db = database("db")
seen: set[str] = set()


async def listen(request: Request) -> Response:
    key = request.headers["idempotency-key"]
    if key not in seen:
        seen.add(key)
        return Response(status_code=503)
    event = await request.json()
    context = event["detail"]["_context"]
    assert current().correlation_id == context["x-correlation-id"]
    what = {"said": event["detail"]["what"], "tenant": context["x-rung-tenant"]}
    await db.execute("insert into heard (who, what) values ('listener', $1)", json.dumps(what))
    return Response(status_code=204)


app = Starlette(routes=[Route("/listen/events", listen, methods=["POST"])])
