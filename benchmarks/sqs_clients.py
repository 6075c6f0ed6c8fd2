"""Calls per second of the clients that could carry the queue on SQS, against a server that answers at once.

    python benchmarks/sqs_clients.py [--json]

What is measured is the client itself: signing, encoding, decoding, its connection. aiobotocore is measured where
it is installed (`uv pip install aiobotocore`); it is no dependency of ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

BODY = b'{"MD5OfMessageBody":"9dd4e461268c8034f5c8564e155c67a6","MessageId":"x-1"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CALLS, ROUNDS, CONCURRENCY = 2000, 3, 8

Send = Callable[[], Awaitable[Any]]


class Answering(asyncio.Protocol):
    """Answers every request with one message id."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(HEAD + BODY)


async def measure(send: Send) -> float:
    async def sender() -> None:
        for _ in range(CALLS // CONCURRENCY):
            await send()

    await send()
    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(CONCURRENCY)))
    return CALLS / (time.perf_counter() - began)


async def threads(url: str, message: dict[str, Any]) -> float:
    import botocore.session

    client = botocore.session.get_session().create_client("sqs", region_name="eu-west-1", endpoint_url=url)
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        loop = asyncio.get_running_loop()
        return await measure(lambda: loop.run_in_executor(pool, lambda: client.send_message(**message)))


async def asynchronous(url: str, message: dict[str, Any]) -> float:
    from aiobotocore.session import get_session

    async with get_session().create_client("sqs", region_name="eu-west-1", endpoint_url=url) as client:
        return await measure(lambda: client.send_message(**message))


def serve() -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(forever())


async def main() -> None:
    os.environ.update(AWS_ACCESS_KEY_ID="benchmark", AWS_SECRET_ACCESS_KEY="benchmark")
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = f"http://127.0.0.1:{int(await process.stdout.readline())}"
    attributes = {
        "rung": {"DataType": "String", "StringValue": '{"id":"abc","headers":{"x-correlation-id":"abc"}}'}
    }
    message = {"QueueUrl": f"{url}/123456789012/q", "MessageBody": "x", "MessageAttributes": attributes}
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, run in {"botocore in threads": threads, "aiobotocore": asynchronous}.items():
            try:
                found.setdefault(name, []).append(await run(url, message))
            except ImportError:
                continue
    process.kill()
    await process.wait()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    print(f"{CALLS} calls, {CONCURRENCY} at once, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, rates in found.items():
        spread = f"{min(rates):.0f} to {max(rates):.0f}"
        print(f"{name:24} {statistics.median(rates) if rates else 0:8.0f} calls/s   {spread if rates else ''}")


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else asyncio.run(main())
