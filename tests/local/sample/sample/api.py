"""The service: every endpoint proves one binding."""

from __future__ import annotations

import asyncio
import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from rung.runtime import database, queue, secret

VERSION = "one"

db = database("db")
jobs = queue("jobs")


async def notes(request: Request) -> JSONResponse:
    rows = await db.fetch("select text from note order by id")
    return JSONResponse([row["text"] for row in rows])


async def ticks(request: Request) -> JSONResponse:
    return JSONResponse(await db.fetch_value("select count(*) from tick"))


async def send(request: Request) -> JSONResponse:
    text = (await request.body()).decode()
    return JSONResponse({"id": await jobs.send({"text": text})}, status_code=202)


async def bindings(request: Request) -> JSONResponse:
    names = sorted(name for name in os.environ if name.startswith("RUNG_BINDING_"))
    return JSONResponse({"names": names, "token": len(secret("api-token")), "version": VERSION})


async def slow(request: Request) -> JSONResponse:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return JSONResponse("slept")


app = Starlette(
    routes=[
        Route("/api/notes", notes),
        Route("/api/ticks", ticks),
        Route("/api/jobs", send, methods=["POST"]),
        Route("/api/bindings", bindings),
        Route("/api/slow", slow),
    ]
)
