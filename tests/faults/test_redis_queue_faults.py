"""Faults of the server itself under a queue on Redis: killed, paused, away for long, its password changed.

F04: SIGKILL while messages are sent and handled: with the append-only file written first, none is lost.
F13: while it is away hardly a call reaches it, and it is not run over when it comes back.
F16: the password is rotated under load. F33: SIGSTOP: every call ends within its limit, and nothing goes astray.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.faults.lateness import Lateness
from tests.faults.soak import share_of

from rung.local.redis import QUEUE_SETTINGS, RedisServer, start_redis
from rung.runtime.aws.secrets import SECRETS
from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import Queue
from rung.runtime.queue.redis import RedisQueue, adapter

pytestmark = pytest.mark.fault


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A server of queues, to be killed and stopped; continued before it is shut down."""
    server = start_redis(tmp_path / "redis", settings=QUEUE_SETTINGS)
    yield server
    with suppress(ProcessLookupError):
        os.kill(server.process.pid, signal.SIGCONT)
    server.stop()


def opened(server: RedisServer, **limits: Any) -> RedisQueue:
    return RedisQueue("orders", QueueBinding(adapter="redis", url=server.url, **limits))


async def patiently(call: Callable[[], Awaitable[Any]]) -> Any:
    """The answer of a server that is coming back."""
    async with asyncio.timeout(20):
        while True:
            with suppress(UnavailableError):
                return await call()
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kills", [3, pytest.param(share_of(1_000), marks=[pytest.mark.soak])])
async def test_f04_a_killed_server_loses_nothing_that_was_acknowledged(server: RedisServer, kills: int) -> None:
    seed = random.randrange(2**32)
    print(f"F04 seed={seed}")
    randomness = random.Random(seed)
    sent: set[str] = set()
    done: set[str] = set()
    sending = True

    async def send(queue: Queue) -> None:
        while sending:
            await asyncio.sleep(0)  # refused at once while it is away
            with suppress(UnavailableError):
                sent.add(await queue.send(b"x"))

    async def handle(queue: Queue) -> None:
        while sending or (await patiently(queue.statistics)).ready:
            await asyncio.sleep(0)
            with suppress(UnavailableError):
                messages = await queue.receive(max_messages=10, wait_seconds=0.1)
                answers = await queue.acknowledge(messages)
                done.update(message.id for message, gone in zip(messages, answers, strict=True) if gone)

    queues = [opened(server, visibility_timeout_seconds=600) for _ in range(4)]
    tasks = [asyncio.create_task(send(queue)) for queue in queues[:2]]
    tasks += [asyncio.create_task(handle(queue)) for queue in queues[2:]]
    for _ in range(kills):
        before = len(sent)
        async with asyncio.timeout(20):
            while len(sent) < before + 50:  # noqa: ASYNC110 - the server answers in its own time
                await asyncio.sleep(randomness.uniform(0.0, 0.02))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.restart)
    sending = False
    await asyncio.gather(*tasks)
    queues.append(look := opened(server))
    # Leased by a claim, or acknowledged, whose answer the crash swallowed: there, or done, and never lost.
    client: Any = Redis.from_url(server.url)
    there = {identity.decode() for identity in await client.hkeys(look.keys.payload)}
    unanswered = sent - done - there
    await client.aclose()
    assert len(unanswered) <= kills * 2 * 10, "only batches whose acknowledgement was being answered"
    assert len(sent & (done | there)) >= len(sent) - len(unanswered)
    for queue in queues:
        await queue.close()


async def test_f04_what_was_sent_and_not_received_is_all_there(server: RedisServer) -> None:
    queue, sent, killed = opened(server), set[str](), asyncio.Event()

    async def send() -> None:
        while not killed.is_set():
            await asyncio.sleep(0)  # refused at once while it is away
            with suppress(UnavailableError):
                sent.add(await queue.send(b"x"))

    senders = [asyncio.create_task(send()) for _ in range(4)]
    async with asyncio.timeout(20):
        while len(sent) < 300:  # noqa: ASYNC110 - the server answers in its own time
            await asyncio.sleep(0.005)
    await asyncio.to_thread(server.kill)
    killed.set()
    await asyncio.gather(*senders)
    server.restart()
    received: set[str] = set()
    while messages := await patiently(lambda: queue.receive(max_messages=500)):
        received |= {message.id for message in messages}
    assert sent <= received
    await queue.close()


async def test_f13_hardly_a_call_reaches_a_server_that_is_away(server: RedisServer) -> None:
    queue, port = opened(server), server.port
    await queue.send(b"x")
    server.kill()
    connections = 0

    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    listener = await asyncio.start_server(turn_away, "127.0.0.1", port)
    calls, until = 0, time.monotonic() + 1.5
    while time.monotonic() < until:
        calls += 50
        answers = await asyncio.gather(*(queue.send(b"x") for _ in range(50)), return_exceptions=True)
        assert all(isinstance(answer, UnavailableError) for answer in answers)
        await asyncio.sleep(0.02)
    listener.close()
    print(f"F13 {connections} connections for {calls} calls")
    assert calls > 500
    assert connections <= calls * 0.1
    server.restart()
    began = time.monotonic()
    await patiently(lambda: queue.send(b"x"))
    assert time.monotonic() - began < 5, "normal again by itself"
    await queue.close()


async def test_f16_a_rotated_password_is_read_anew(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    admin: Any = Redis.from_url(server.url)
    current = "first-password"

    def read(_: str, *, fresh: bool = False, region: str | None = None) -> str:
        del fresh, region
        return json.dumps({"username": "app", "password": current})

    monkeypatch.setattr(SECRETS, "read", read)
    rights = ("on", "~rung:*", "&rung:*", "+@all", "-@admin", "+config|get")
    await admin.execute_command("ACL", "SETUSER", "app", *rights, f">{current}")
    place = f"redis://127.0.0.1:{server.port}/0"
    binding = QueueBinding(adapter="redis", url=place, credentials_secret="arn:aws:secretsmanager:x:1:secret:y")
    queue = RedisQueue("orders", binding)
    failures = 0
    for turn in range(4):
        sent = [await queue.send(b"x") for _ in range(20)]
        assert len(sent) == 20
        current = f"password-{turn}"
        await admin.execute_command("ACL", "SETUSER", "app", "resetpass", f">{current}")
        await admin.execute_command("CLIENT", "KILL", "USER", "app")
        for _ in range(20):
            try:
                await queue.send(b"x")
            except UnavailableError:
                failures += 1
    assert failures <= 4, "at most one for each time that every connection was cut"
    assert (await queue.statistics()).ready == 160 - failures
    assert "password-" not in caplog.text
    await queue.close()
    await admin.aclose()


CALLS: dict[str, Callable[[RedisQueue, Any], Awaitable[object]]] = {
    "send": lambda queue, _: queue.send(b"x"),
    "receive": lambda queue, _: queue.receive(wait_seconds=10),
    "acknowledge": lambda queue, held: queue.acknowledge([held]),
    "extend": lambda queue, held: queue.extend([held], seconds=30),
    "retry": lambda queue, held: queue.retry(held, reason="x"),
    "statistics": lambda queue, _: queue.statistics(),
}
LIMIT_SECONDS = 0.3


@pytest.mark.parametrize("name", CALLS)
async def test_f33_every_call_to_a_paused_server_ends_within_its_limit(
    server: RedisServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "CALL_SECONDS", LIMIT_SECONDS)
    queue = opened(server)
    await queue.send(b"held")
    (held,) = await queue.receive()
    os.kill(server.process.pid, signal.SIGSTOP)
    async with Lateness() as late:
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            await CALLS[name](queue, held)
        took = time.monotonic() - began
    assert took <= LIMIT_SECONDS * 1.1 + late.seconds
    os.kill(server.process.pid, signal.SIGCONT)
    identity = await patiently(lambda: queue.send(b"after"))
    found = await patiently(lambda: queue.receive(max_messages=100))
    assert identity in {message.id for message in found}
    await queue.close()
