"""F19: strangers name addresses, and none of them leads to where only this machine may go.

A fake metadata service listens; every form of its address, names that resolve to it, names that resolve to it the
second time, and redirects to it are delivered to. Passing means: no socket was ever connected there. What connects
is told by the interpreter's own audit events, and by the fake service.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import AddressRefusedError, Deliverer, Deliveries, Policy
from rung.runtime.webhooks.guard import guarded_client

pytestmark = pytest.mark.fault

#: Where an honest receiver is, in these tests; the rest of the loopback stands for what must not be reached.
HONEST = "127.0.0.2"
ANYWHERE = Policy(ports=(), schemes=("http", "https"))
HONEST_TOO = Policy(ports=(), schemes=("http", "https"), allowed=(ip_network(f"{HONEST}/32"),))
#: `{port}` is the fake service's.
FORMS = (
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "http://localhost:{port}/",
    "http://localhost.:{port}/",
    "http://LOCALHOST:{port}/",
    "http://\u2460\u2461\u2466.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/",
    "http://example.com@127.0.0.1:{port}/",
)

_watching: list[list[str]] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple):
            _watching[-1].append(str(address[0]))


sys.addaudithook(_audit)  # hooks stay for the life of the process: this one does nothing unless somebody watches


@pytest.fixture
def connects() -> Iterator[list[str]]:
    """The addresses that this process has connected to since the test began."""
    _watching.append([])
    yield _watching[-1]
    _watching.pop()


class Listener:
    """An HTTP server that counts."""

    def __init__(self, redirect_to: str = "") -> None:
        self.port = 0
        self.requests: list[str] = []
        self.redirect_to = redirect_to

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append(str(request.url))
        if self.redirect_to:
            return web.Response(status=307, headers={"location": self.redirect_to})
        return web.Response(text="secret")


async def _listen(host: str, listener: Listener) -> web.AppRunner:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", listener.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    bound = socket.create_server((host, listener.port))
    listener.port = bound.getsockname()[1]
    await web.SockSite(runner, bound).start()
    return runner


@pytest.fixture
async def metadata() -> AsyncIterator[Listener]:
    listener = Listener()
    runner = await _listen("127.0.0.1", listener)
    yield listener
    await runner.cleanup()


def _resolver(*answers: Sequence[str]):  # type: ignore[no-untyped-def]
    """A resolver that lies: one answer after the other, the last for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def test_without_the_guard_the_service_is_reached(metadata: Listener, connects: list[str]) -> None:
    """The control: the fake answers, and the audit sees who connects."""
    async with aiohttp.ClientSession() as session, session.get(f"http://localhost:{metadata.port}/") as answer:
        assert await answer.text() == "secret"
    assert connects
    assert metadata.requests


@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_the_address_is_connected(form: str, metadata: Listener, connects: list[str]) -> None:
    async with guarded_client(ANYWHERE, timeout_seconds=5) as session:
        with pytest.raises((AddressRefusedError, aiohttp.InvalidURL)):
            await session.get(form.format(port=metadata.port))
    assert connects == []
    assert metadata.requests == []


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], [HONEST, "127.0.0.1"]]
)
async def test_no_name_that_resolves_to_it(answers: list[str], metadata: Listener, connects: list[str]) -> None:
    """Also when one of the addresses would be fine: the next attempt would take the other."""
    async with guarded_client(HONEST_TOO, resolve=_resolver(answers), timeout_seconds=5) as session:
        with pytest.raises(AddressRefusedError):
            await session.get(f"http://evil.example:{metadata.port}/")
    assert connects == []
    assert metadata.requests == []


async def test_rebinding(metadata: Listener, connects: list[str]) -> None:
    """A name that is honest when it is checked and is not a moment later: the socket goes where was checked."""
    honest = Listener()
    honest.port = metadata.port
    runner = await _listen(HONEST, honest)
    resolve = _resolver([HONEST], ["127.0.0.1"])
    headers = {"connection": "close"}
    try:
        async with guarded_client(HONEST_TOO, resolve=resolve, timeout_seconds=5) as session:
            async with session.get(f"http://evil.example:{metadata.port}/", headers=headers) as answer:
                assert answer.status == 200
            with pytest.raises(AddressRefusedError):
                await session.get(f"http://evil.example:{metadata.port}/", headers=headers)
    finally:
        await runner.cleanup()
    assert (len(honest.requests), metadata.requests) == (1, [])
    assert connects == [HONEST]


async def test_deliveries(postgres_url: str, metadata: Listener, connects: list[str]) -> None:
    """End to end: endpoints that turned bad after they were registered, and one that redirects."""
    honest = Listener(redirect_to=f"http://127.0.0.1:{metadata.port}/latest/meta-data/")
    runner = await _listen(HONEST, honest)
    database, queue = Database.from_url(postgres_url), PostgresQueue("hooks", QueueBinding(url=postgres_url))
    deliveries = Deliveries(database, queue, policy=HONEST_TOO)
    resolve = _resolver(["127.0.0.1"])
    deliverer = Deliverer(database, queue, policy=HONEST_TOO, resolve=resolve, timeout_seconds=5)
    try:
        redirecting = await deliveries.register(None, f"http://{HONEST}:{honest.port}/")
        rebound = await deliveries.register(None, f"http://evil.example:{metadata.port}/")
        planted = await deliveries.register(None, f"http://{HONEST}:{honest.port}/planted")
        await database.execute(
            f"update rung.webhook_endpoint set url = 'http://127.0.0.1:{metadata.port}/' where id = '{planted.id}'"
        )
        await deliveries.publish(None, "a.b", {})
        messages = await queue.receive(max_messages=10)
        del connects[:]
        await asyncio.gather(*(deliverer.deliver(message) for message in messages))
        ours = {address for address in connects if ip_address(address) in ip_network("127.0.0.0/8")}
        tried = {each.id: (await deliveries.log(each))[0].attempts[0] for each in (redirecting, rebound, planted)}
    finally:
        await deliverer.close()
        await queue.close()
        await database.close()
        await runner.cleanup()
    assert tried[redirecting.id].status == 307
    for endpoint in (rebound, planted):
        assert "R0542" in (tried[endpoint.id].error or "")
    assert metadata.requests == []
    assert len(honest.requests) == 1
    assert ours <= {HONEST, "127.0.0.1"}


PROGRAM = Path(__file__).parent / "programs" / "metadata_namespace.py"
_ENTER = ["unshare", "-Urmn", "--"]


def _has_namespaces() -> bool:
    try:
        return subprocess.run([*_ENTER, "true"], capture_output=True, timeout=10, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _has_namespaces(), reason="this machine gives no network namespaces to users")
def test_the_true_address_by_a_true_resolver() -> None:
    """In a network of its own: the very address 169.254.169.254, and a name server that rebinds."""
    ran = subprocess.run(
        [*_ENTER, sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["control"] == 1, "the fake service answers whoever is not guarded"
    assert told["connects"] == 0, told
    assert told["refused"] == told["tried"] > 10, told
    assert told["lookups"] >= 4, "the name server was asked"
