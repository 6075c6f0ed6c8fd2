"""A process asks itself how long requests wait before it sees them, and sheds by the answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from rung.local.process import free_port
from rung.runtime.http.intake import Intake
from rung.runtime.http.state import ServerState


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def test_the_delay_is_measured_through_the_socket() -> None:
    port, state, heard = free_port(), ServerState(), asyncio.Queue[float]()
    state.observe_lag(lambda lag_seconds, _: heard.put_nowait(lag_seconds))
    intake = Intake(application, state, host="127.0.0.1", port=port)
    server: Server = Server(
        intake,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        log_enabled=False,
    )
    serving, watching = asyncio.create_task(server.serve()), asyncio.create_task(intake.watch())
    async with asyncio.timeout(10):
        lags = [await heard.get() for _ in range(5)]
    assert state.asks_outside
    assert all(0 < lag < 5 for lag in lags)
    watching.cancel()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait_for(serving, 5)


async def test_another_worker_s_answer_is_no_measurement() -> None:
    """Workers share the port: one that does not know the path answers 404, and the event loop counts instead."""
    state = ServerState()
    heard: list[float] = []
    state.observe_lag(lambda lag_seconds, _: heard.append(lag_seconds))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    await Intake(application, state, host="127.0.0.1", port=port)._ask()
    assert not state.asks_outside
    assert heard == []
    other.close()


async def test_a_question_that_has_not_arrived_counts_already() -> None:
    """Nothing comes in at all: the age of the open question is the least that everybody waits."""
    state, heard = ServerState(), asyncio.Queue[float]()
    state.observe_lag(lambda lag_seconds, _: heard.put_nowait(lag_seconds))
    state.asks_outside, state.asked_outside_at = True, time.monotonic() - 3.0
    state.start()
    assert await asyncio.wait_for(heard.get(), 5) >= 3.0
    state.stop()
