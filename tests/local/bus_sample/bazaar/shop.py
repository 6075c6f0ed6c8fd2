"""The producer: puts an event in the transaction that says the same. It knows no rule."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rung.runtime import bus, database, serving_tenant

db = database("db")
events = bus("events")


async def say(request: Request) -> JSONResponse:
    """What is said twice is not said: the transaction of the second fails, and its event never was."""
    what = (await request.body()).decode()
    with serving_tenant("acme"):
        async with db.transaction() as connection:
            identity = await events.put(request.path_params["how"], {"what": what}, transaction=connection)
            if await connection.fetchval("select 1 from said where what = $1", what):
                raise ValueError("said already")
            await connection.execute("insert into said (what) values ($1)", what)
    return JSONResponse({"id": identity, "pid": os.getpid()}, status_code=202)


async def heard(request: Request) -> JSONResponse:
    rows = await db.fetch("select who, what::text as what from heard order by id")
    return JSONResponse([[row["who"], row["what"]] for row in rows])


async def process(request: Request) -> JSONResponse:
    return JSONResponse(os.getpid())


app = Starlette(
    routes=[Route("/say/{how}", say, methods=["POST"]), Route("/heard", heard), Route("/process", process)]
)
