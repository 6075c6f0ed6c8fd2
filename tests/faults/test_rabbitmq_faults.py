"""Faults of RabbitMQ itself: F08, F12, F13, F16, F33, and kill -9 under load: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.faults.soak import share_of

from rung.local.rabbitmq import RabbitServer, rabbitmq_environment
from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import Entry, Queue, install_queue, open_queue
from rung.runtime.queue.rabbitmq import link, publishing, session
from rung.testing import FaultProxy
from tests.conftest import start_rabbitmq_or_skip

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


LIMIT_SECONDS = 2.0


@pytest.fixture(scope="module")
def node(server_directory: Path) -> Iterator[RabbitServer]:
    """A node to harm: each test leaves it as it found it, and has a queue of its own on it."""
    it = start_rabbitmq_or_skip(server_directory / f"harmed-{secrets.token_hex(4)}")
    yield it
    it.stop()


@pytest.fixture
def server(node: RabbitServer) -> RabbitServer:
    """The node, also after a test that failed while it was dead."""
    if node.process.poll() is not None:
        node.restart()
    return node


@pytest.fixture
def name() -> str:
    """A queue that is new."""
    return f"orders-{secrets.token_hex(4)}"


def limit_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a call waits for `LIMIT_SECONDS`, and not for ten. (A queue is declared within that too.)"""
    for module in (link, publishing, session):
        monkeypatch.setattr(module, "CALL_SECONDS", LIMIT_SECONDS)


def binding(server: RabbitServer, **fields: object) -> QueueBinding:
    return QueueBinding(**{"adapter": "rabbitmq", "url": server.url, **fields})  # type: ignore[arg-type]


async def eventually_received(queue: Queue, wanted: set[str], *, seconds: float) -> dict[str, int]:
    """How often each message came, acknowledged each time, until all came or the time is up."""
    seen: dict[str, int] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not wanted <= set(seen):
        try:
            messages = await queue.receive(max_messages=100, wait_seconds=0.2)
            for message in messages:
                seen[message.id] = seen.get(message.id, 0) + 1
            await queue.acknowledge(messages)
        except UnavailableError:
            await asyncio.sleep(0.1)
    return seen


async def check_kills(server: RabbitServer, name: str, *, kills: int, seconds: float) -> None:
    """Senders send all the time, also single delayed messages; the node is killed again and again."""
    queue = open_queue(name, binding(server))
    acknowledged: set[str] = set()
    stopping = asyncio.Event()

    async def send(number: int) -> None:
        while not stopping.is_set():
            try:
                delay = 0.5 if number == 0 else 0.0
                acknowledged.add(await queue.send(b"x", delay_seconds=delay))
            except UnavailableError:
                await asyncio.sleep(0.05)

    senders = [asyncio.create_task(send(number)) for number in range(4)]
    for _ in range(kills):
        before = len(acknowledged)
        async with asyncio.timeout(60):
            while len(acknowledged) < before + 100:  # noqa: ASYNC110 - a real process answers
                await asyncio.sleep(0.05)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.restart)
    stopping.set()
    await asyncio.gather(*senders)
    seen = await eventually_received(queue, acknowledged, seconds=seconds)
    assert acknowledged - set(seen) == set(), "acknowledged, and lost"
    await queue.close()
    server.kill()  # a thread of this test's started it, and takes it along sooner or later


async def test_kill_9_of_the_node_under_load_loses_no_acknowledged_send(server: RabbitServer, name: str) -> None:
    await check_kills(server, name, kills=1, seconds=40)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_twenty_kills_of_the_node(server: RabbitServer, name: str) -> None:
    await check_kills(server, name, kills=share_of(20), seconds=120)


async def test_f12_what_a_lost_holder_does_late_has_no_effect(
    server: RabbitServer, name: str, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    place = binding(server, outbox_url=postgres_url)
    lost, orders = open_queue(name, place), open_queue(name, place)
    await orders.send_batch([Entry(body=b"x")] * 20)
    late = await lost.receive(max_messages=20)
    await lost.close()
    current = await orders.receive(max_messages=20)
    async with connection.transaction():
        assert [await orders.finished_in(message, connection) for message in late] == [False] * 20
        assert [await orders.finished_in(message, connection) for message in current] == [True] * 20
    await orders.close()  # nobody told the broker: all come again, and are known
    again = open_queue(name, place)
    assert await again.receive(max_messages=20) == []
    assert (await again.statistics()).ready == 0
    await again.close()
    await connection.close()


async def test_f08_a_send_that_was_cut_off_is_an_error_in_time_and_works_again(
    server: RabbitServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultProxy("127.0.0.1", server.port) as proxy:
        url = server.url.replace(f":{server.port}/", f":{proxy.port}/")
        queue = open_queue(name, binding(server, url=url))
        first = await queue.send(b"before")
        limit_calls(monkeypatch)
        proxy.blackhole()
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            await queue.send(b"meanwhile")
        assert time.monotonic() - begun < LIMIT_SECONDS + 5.0, "the total deadline of a call, and of connecting"
        proxy.heal()
        proxy.reset_all()
        async with asyncio.timeout(30):
            second = await _sent(queue)
        assert {first, second} <= set(await eventually_received(queue, {first, second}, seconds=20))
        await queue.close()


async def _sent(queue: Queue) -> str:
    while True:
        try:
            return await queue.send(b"after")
        except UnavailableError:
            await asyncio.sleep(0.1)


async def test_f13_hardly_a_call_reaches_a_node_that_is_away(server: RabbitServer, name: str) -> None:
    queue = open_queue(name, binding(server))
    await queue.send(b"before")
    server.kill()
    connections = 0

    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    listener = await asyncio.start_server(turn_away, "127.0.0.1", server.port)
    calls, until = 0, time.monotonic() + 1.5
    while time.monotonic() < until:
        calls += 50
        answers = await asyncio.gather(*(queue.send(b"x") for _ in range(50)), return_exceptions=True)
        assert all(isinstance(answer, UnavailableError) for answer in answers)
        await asyncio.sleep(0.02)
    listener.close()
    print(f"F13 {connections} connections for {calls} calls")
    assert connections <= calls * 0.1
    server.restart()
    async with asyncio.timeout(20):
        await _sent(queue)
    await queue.close()


async def test_f16_a_changed_password_is_told_by_its_name_and_needs_no_restart(
    server: RabbitServer, name: str
) -> None:
    queue = open_queue(name, binding(server))
    await queue.send(b"before")
    wrong = open_queue(name, binding(server, url=server.url.replace(server.password, "changed")))
    with pytest.raises(UnavailableError, match="R0515"):
        await wrong.send(b"x")
    try:
        await asyncio.to_thread(_set_password, server, "changed")
        identity = await wrong.send(b"after")
        assert identity in await eventually_received(wrong, {identity}, seconds=20)
        assert await queue.send(b"on a connection that was there"), "RabbitMQ does not ask again"
    finally:
        await asyncio.to_thread(_set_password, server, server.password)
    await wrong.close()
    await queue.close()


def _set_password(server: RabbitServer, password: str) -> None:
    environment = rabbitmq_environment(server.directory, server.ports)
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", environment["RABBITMQ_NODENAME"], "change_password"]
    environment["RABBITMQ_CTL_ERL_ARGS"] = ""
    done = subprocess.run(
        [*command, "rung", password], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_f33_a_paused_node_answers_nothing_late_to_the_wrong_caller(
    server: RabbitServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = open_queue(name, binding(server))
    await queue.send(b"before")
    limit_calls(monkeypatch)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            await queue.send(b"meanwhile")
        assert time.monotonic() - begun < LIMIT_SECONDS + 5.0
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    async with asyncio.timeout(30):
        identity = await _sent(queue)
    assert identity in await eventually_received(queue, {identity}, seconds=20)
    await queue.close()
