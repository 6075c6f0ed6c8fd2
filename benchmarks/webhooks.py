"""Webhooks in and out on this machine: how long one takes to be kept, and how many a worker delivers per second.

    python benchmarks/webhooks.py [--json]

In: events of 1.5 kB, signed, through the ASGI endpoint into inbox and queue; Poisson arrivals, four at a time.
Out: the worker's process delivers a backlog to a sink in a process of its own, over HTTP with kept connections;
each delivery is signed, recorded and acknowledged. Clients: POSTs per second of aiohttp and httpx alone, against
the same sink; httpx where it is installed. Postgres is embedded, with its default durability.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import uvloop

from rung.local.postgres import start_postgres
from rung.runtime.bindings import PostgresBinding, QueueBinding, encode, variable_name
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import Deliveries, Inbox, Policy, StripeSignature
from rung.runtime.webhooks.guard import guarded_client
from rung.runtime.webhooks.standard import sign
from rung.runtime.webhooks.stripe import sign_stripe

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOCAL = Policy(ports=(), schemes=("http",), allowed=(ip_network("127.0.0.0/8"),))
IN_PER_SECOND, IN_SECONDS = 200, 10
OUT_COUNT, ENDPOINTS, ROUNDS, CALLS = 10_000, 50, 3, 10_000
DATA = {"id": "mem_1", "organisation_id": "org_1", "email": "somebody@example.com", "note": "x" * 200}
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Sink(asyncio.Protocol):
    """Reads a request to its end and answers it."""

    count = 0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            if head.startswith(b"get"):
                body = str(Sink.count).encode()
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                self.buffer = self.buffer[end + 4 :]
                continue
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            Sink.count += 1
            self.transport.write(ANSWER)


async def serve_sink() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def measure_in(url: str) -> dict[str, float]:
    """Milliseconds from the request to the answer, and what of it the signature took."""
    database, queue = Database.from_url(url), PostgresQueue("stripe", QueueBinding(url=url))
    endpoint = Inbox(database, queue, source="stripe").endpoint(StripeSignature(SECRET))
    chance, times, tasks = random.Random(7), [], set()
    turns = asyncio.Semaphore(4)

    async def one(number: int, *, count: bool) -> None:
        body = json.dumps({"id": f"evt_{number}_{count}", "object": "event", "data": {"x": "y" * 1400}}).encode()
        header = sign_stripe(SECRET, body, int(time.time())).encode()
        events = [{"type": "http.request", "body": body}]
        sent: list[Any] = []

        async def receive() -> Any:
            return events.pop()

        async def send(event: Any) -> None:
            sent.append(event)

        scope = {"type": "http", "method": "POST", "headers": [(b"stripe-signature", header)]}
        async with turns:
            began = time.perf_counter()
            await endpoint(scope, receive, send)
        assert sent[0]["status"] == 200
        if count:
            times.append((time.perf_counter() - began) * 1000)

    for number in range(200):
        await one(number, count=False)
    until = time.perf_counter() + IN_SECONDS
    number, due = 0, time.perf_counter()
    while due < until:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(number, count=True))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number, due = number + 1, due + chance.expovariate(IN_PER_SECOND)
    await asyncio.gather(*tasks)
    await queue.close()
    await database.close()
    ordered = sorted(times)
    return {
        "events": len(ordered),
        "p50_ms": statistics.median(ordered),
        "p99_ms": ordered[int(len(ordered) * 0.99)],
        "max_ms": ordered[-1],
    }


async def measure_out(url: str, port: int) -> dict[str, Any]:
    """Deliveries per second of one worker process, from its first to its last."""
    database, queue = Database.from_url(url), PostgresQueue("deliveries", QueueBinding(url=url))
    deliveries = Deliveries(database, queue, policy=LOCAL)
    for number in range(ENDPOINTS):
        await deliveries.register(f"t{number}", f"http://127.0.0.1:{port}/{number}")
    rates = [await _round(deliveries, url, port) for _ in range(ROUNDS)]
    logged = await database.fetch_value("select count(*) from rung.webhook_attempt where status = 200")
    assert logged == OUT_COUNT * ROUNDS, logged
    await queue.close()
    await database.close()
    return {"per_second": statistics.median(rates), "rounds": [round(rate) for rate in rates]}


async def _round(deliveries: Deliveries, url: str, port: int) -> float:
    began = time.perf_counter()

    async def publisher(number: int) -> None:
        for each in range(number, OUT_COUNT, 8):
            await deliveries.publish(f"t{each % ENDPOINTS}", "member.invited", DATA)

    await asyncio.gather(*(publisher(number) for number in range(8)))
    published = time.perf_counter() - began
    before = await _taken(port)
    environment = {
        **os.environ,
        "RUNG_ENVIRONMENT": "local",
        variable_name("database"): encode(PostgresBinding(url=url)),
        variable_name("deliveries"): encode(QueueBinding(url=url)),
    }
    command = [sys.executable, "-m", "rung.runtime.worker", "--name", "deliver", "--queue", "deliveries"]
    command += ["--handler", "rung.runtime.webhooks.deliver:deliver", "--concurrency", "200", "--batch", "200"]
    worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        while await _taken(port) == before:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.01)
        first = time.perf_counter()
        while await _taken(port) < before + OUT_COUNT:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - first
    finally:
        worker.terminate()
        worker.wait(30)
    print(f"  published {OUT_COUNT / published:,.0f}/s, delivered {OUT_COUNT / seconds:,.0f}/s", file=sys.stderr)
    return OUT_COUNT / seconds


async def _taken(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()
    return int(body)


async def measure_clients(port: int) -> dict[str, float]:
    """Signed POSTs per second of a client alone, twenty at a time."""
    body = json.dumps({"type": "member.invited", "data": DATA}).encode()
    url = f"http://127.0.0.1:{port}/"
    rates: dict[str, float] = {}
    async with guarded_client(LOCAL) as session:

        async def post_aiohttp() -> None:
            async with session.post(url, data=body, headers=_headers(body), allow_redirects=False) as answer:
                await answer.read()

        rates["aiohttp, guarded"] = await _rate(post_aiohttp)
    try:
        import httpx  # type: ignore[import-not-found]
    except ImportError:
        return rates
    async with httpx.AsyncClient(trust_env=False) as client:

        async def post_httpx() -> None:
            await client.post(url, content=body, headers=_headers(body))

        rates["httpx"] = await _rate(post_httpx, calls=CALLS // 5)
    return rates


def _headers(body: bytes) -> dict[str, str]:
    now = int(time.time())
    signed = sign([SECRET], "msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": signed}


async def _rate(post: Any, calls: int = CALLS) -> float:
    async def sender() -> None:
        for _ in range(calls // 20):
            await post()

    await post()
    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(20)))
    return calls / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] == ["--sink"]:
        uvloop.run(serve_sink())
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = start_postgres(Path(folder) / "postgres", settings={})
        sink = subprocess.Popen([sys.executable, __file__, "--sink"], stdout=subprocess.PIPE, text=True)
        try:
            assert sink.stdout is not None
            port = int(sink.stdout.readline())
            found = {
                "in": uvloop.run(measure_in(server.url)),
                "out": uvloop.run(measure_out(server.url, port)),
                "clients_per_second": uvloop.run(measure_clients(port)),
            }
        finally:
            sink.terminate()
            server.stop()
    print(json.dumps(found) if "--json" in sys.argv else _as_text(found))


def _as_text(found: dict[str, Any]) -> str:
    into, out = found["in"], found["out"]
    lines = [
        f"in:  verify, keep, queue at {IN_PER_SECOND}/s: p50 {into['p50_ms']:.1f} ms, p99 {into['p99_ms']:.1f} ms",
        f"out: {out['per_second']:,.0f} deliveries/s by one worker process ({out['rounds']}), {ENDPOINTS} tenants",
    ]
    lines += [f"client: {name}: {rate:,.0f} POST/s" for name, rate in found["clients_per_second"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
