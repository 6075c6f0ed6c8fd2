"""The queues that benchmarks/queues.py compares: each one's own API, its documented fast path and its default.

A body is 100 bytes and begins with its number and the monotonic time at which it was to be sent.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

Seen = Callable[[str], None]


class System(ABC):
    """One queue with one setting."""

    name: str
    batch = 100

    @abstractmethod
    async def install(self, url: str) -> None:
        """Make its tables in an empty database."""

    @abstractmethod
    async def open(self, url: str) -> None:
        """Connect, as a sender."""

    @abstractmethod
    async def send(self, body: str) -> None:
        """Send one."""

    @abstractmethod
    async def send_batch(self, bodies: Sequence[str]) -> None:
        """Send many at once."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def work(self, url: str, seen: Seen, done: asyncio.Event) -> None:
        """Handle messages with a no-op that calls `seen`, until `done`."""


class Rung(System):
    """rung at its defaults."""

    name = "rung"

    async def install(self, url: str) -> None:
        from rung.runtime.queue import install_queue

        connection = await asyncpg.connect(url)
        await install_queue(connection)
        await connection.close()

    async def open(self, url: str) -> None:
        from rung.runtime.bindings import QueueBinding
        from rung.runtime.queue import PostgresQueue

        self.queue = PostgresQueue("bench", QueueBinding(url=url), pool_size=1)

    async def send(self, body: str) -> None:
        await self.queue.send(body)

    async def send_batch(self, bodies: Sequence[str]) -> None:
        from rung.runtime.queue import Entry

        await self.queue.send_batch([Entry(body=body) for body in bodies])

    async def close(self) -> None:
        await self.queue.close()

    async def work(self, url: str, seen: Seen, done: asyncio.Event) -> None:
        from rung.runtime.bindings import QueueBinding
        from rung.runtime.queue import Message, PostgresQueue
        from rung.runtime.worker import Worker, WorkerSettings

        async def handle(message: Message) -> None:
            seen(message.body.decode())

        binding = QueueBinding(url=url)
        worker = Worker(lambda: PostgresQueue("bench", binding), handle, WorkerSettings(name="bench"))
        running = asyncio.create_task(worker.run())
        await done.wait()
        worker.stop()
        await running


class PgQueuer(System):
    """pgqueuer with one asyncpg connection, as its own benchmark has it."""

    def __init__(self, batch_size: int, note: str) -> None:
        self.name = f"pgqueuer, batch {batch_size} ({note})"
        self._batch_size = batch_size

    async def install(self, url: str) -> None:
        from pgqueuer.queries import Queries

        connection = await asyncpg.connect(url)
        await Queries.from_asyncpg_connection(connection).install()
        await connection.close()

    async def open(self, url: str) -> None:
        from pgqueuer.queries import Queries

        self.connection = await asyncpg.connect(url)
        self.queries = Queries.from_asyncpg_connection(self.connection)

    async def send(self, body: str) -> None:
        await self.queries.enqueue("bench", body.encode())

    async def send_batch(self, bodies: Sequence[str]) -> None:
        await self.queries.enqueue(["bench"] * len(bodies), [body.encode() for body in bodies], [0] * len(bodies))

    async def close(self) -> None:
        await self.connection.close()

    async def work(self, url: str, seen: Seen, done: asyncio.Event) -> None:
        from pgqueuer.qm import QueueManager
        from pgqueuer.queries import Queries

        connection = await asyncpg.connect(url)
        manager = QueueManager(Queries.from_asyncpg_connection(connection))

        @manager.entrypoint("bench")
        async def handle(job: Any) -> None:
            seen(job.payload.decode())

        running = asyncio.create_task(manager.run(batch_size=self._batch_size))
        await done.wait()
        manager.shutdown.set()
        await running
        await connection.close()


class Procrastinate(System):
    """procrastinate with psycopg, as its documentation has it; finished jobs are deleted, as ours are."""

    def __init__(self, concurrency: int, note: str) -> None:
        self.name = f"procrastinate, concurrency {concurrency} ({note})"
        self._concurrency = concurrency

    def _app(self, url: str, seen: Seen) -> Any:
        import procrastinate

        logging.getLogger("procrastinate").setLevel(logging.ERROR)
        connector = procrastinate.PsycopgConnector(conninfo=url, max_size=20)
        app = procrastinate.App(connector=connector)

        @app.task(queue="bench", name="bench")
        async def handle(body: str) -> None:
            seen(body)

        return app, handle

    async def install(self, url: str) -> None:
        app, _ = self._app(url, lambda _: None)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def open(self, url: str) -> None:
        self.app, self.task = self._app(url, lambda _: None)
        await self.app.open_async()

    async def send(self, body: str) -> None:
        await self.task.defer_async(body=body)

    async def send_batch(self, bodies: Sequence[str]) -> None:
        await self.task.batch_defer_async(*({"body": body} for body in bodies))

    async def close(self) -> None:
        await self.app.close_async()

    async def work(self, url: str, seen: Seen, done: asyncio.Event) -> None:
        app, _ = self._app(url, seen)
        async with app.open_async():
            running = asyncio.create_task(
                app.run_worker_async(
                    queues=["bench"],
                    concurrency=self._concurrency,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            await done.wait()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class Pgmq(System):
    """pgmq's SQL through asyncpg: it has no worker, so this bare loop stands for one."""

    def __init__(self, path: Path, quantity: int, *, delete_each: bool, note: str) -> None:
        self.name = f"pgmq SQL, read {quantity}, delete {'each' if delete_each else 'batch'} ({note})"
        self._path = path
        self._quantity = quantity
        self._delete_each = delete_each

    async def install(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(self._path.read_text())
        await connection.execute("select pgmq.create('bench')")
        await connection.close()

    async def open(self, url: str) -> None:
        self.connection = await asyncpg.connect(url)

    async def send(self, body: str) -> None:
        await self.connection.fetchval("select pgmq.send('bench', $1::jsonb)", f'"{body}"')

    async def send_batch(self, bodies: Sequence[str]) -> None:
        await self.connection.fetch(
            "select pgmq.send_batch('bench', $1::text[]::jsonb[])", [f'"{body}"' for body in bodies]
        )

    async def close(self) -> None:
        await self.connection.close()

    async def work(self, url: str, seen: Seen, done: asyncio.Event) -> None:
        connection = await asyncpg.connect(url)
        while not done.is_set():
            rows = await connection.fetch(
                "select msg_id, message #>> '{}' as body from pgmq.read('bench', 30, $1)", self._quantity
            )
            for row in rows:
                seen(row["body"])
                if self._delete_each:
                    await connection.fetchval("select pgmq.delete('bench', $1::bigint)", row["msg_id"])
            if rows and not self._delete_each:
                await connection.fetch(
                    "select pgmq.delete('bench', $1::bigint[])", [row["msg_id"] for row in rows]
                )
            if not rows:
                await asyncio.sleep(0.001)
        await connection.close()


def systems(pgmq_sql: Path | None) -> list[System]:
    """All that can be measured here."""
    found: list[System] = [
        Rung(),
        PgQueuer(100, "fast path"),
        PgQueuer(10, "default"),
        Procrastinate(20, "fast path"),
        Procrastinate(1, "default"),
    ]
    if pgmq_sql is not None:
        found.append(Pgmq(pgmq_sql, 100, delete_each=False, note="fast path"))
        found.append(Pgmq(pgmq_sql, 10, delete_each=True, note="as documented"))
    return found
