"""Worker processes that are started again when they die, and the effects that they leave in a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
from tests.queue.workers import WorkerProcess

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Queue

#: Handlers below use these: one connection, an effect that is one transaction with the acknowledgement.
PREAMBLE = """
import asyncio, os, pathlib, signal, time
from rung.runtime import Database, queue
orders = queue("orders")
database = Database.from_url(os.environ["EFFECTS_URL"], pool_size=10)

def die_once(message, point):
    wanted = message.json()
    mark = pathlib.Path(f"killed-{message.id}")
    if wanted == point and not mark.exists():
        mark.write_text(str(time.time()))
        os.kill(os.getpid(), signal.SIGKILL)
"""


class Effects:
    """The table that handlers write to. Without a key, so that a second effect is seen and not refused."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def create(self) -> None:
        """The empty table."""
        await self._run("create table effect (id text, at timestamptz not null default clock_timestamp())")

    async def by_id(self) -> dict[str, int]:
        """How many effects each message has had."""
        rows = await self._run("select id, count(*) as count from effect group by id")
        return {row["id"]: row["count"] for row in rows}

    async def at(self, identity: str) -> float:
        """When a message took effect, in seconds of the wall clock."""
        rows = await self._run(f"select extract(epoch from at)::float8 as at from effect where id = '{identity}'")
        return float(rows[0]["at"])

    async def _run(self, sql: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


class Supervisor:
    """Keeps `count` workers running until it is left."""

    def __init__(self, folder: Path, source: str, binding: QueueBinding, *arguments: str, count: int = 1) -> None:
        url = binding.outbox_url or binding.url
        self._start = lambda: WorkerProcess(folder, source, binding, *arguments, EFFECTS_URL=url)
        self.workers = [self._start() for _ in range(count)]
        self.exits: list[int] = []

    def tend(self) -> None:
        """Start again what has died."""
        for position, worker in enumerate(self.workers):
            code = worker.process.poll()
            if code is not None:
                self.exits.append(code)
                self.workers[position] = self._start()

    async def until(self, condition: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        """Tend until the condition holds, or fail."""
        deadline = time.monotonic() + seconds
        while not await condition():
            self.tend()
            output = self.workers[0].output.read_text()[-1000:]
            assert time.monotonic() < deadline, (
                f"not within {seconds} s; exits {self.exits}; last output\n{output}"
            )
            await asyncio.sleep(0.05)

    def end(self) -> None:
        """Kill all."""
        for worker in self.workers:
            worker.kill()


async def is_worked_off(queue: Queue) -> bool:
    """Nothing is live."""
    counts = await queue.statistics()
    return counts.ready + counts.in_flight + counts.delayed == 0
