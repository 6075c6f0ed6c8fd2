"""The relay of an outbox: from the table to the broker, in order per key, at least once.

A round is one transaction: take the lock of this queue, read the oldest messages, give them to the broker, delete
them, commit. A relay that dies at any step leaves all of them to the next one, and those that the broker has
already come to it a second time, under the same ids. The lock goes with the connection, so a relay that was killed
holds up nobody; one that is paused in the middle is ended by the server (`idle_in_transaction_seconds`).

The key of a message is its lane and, where it has one, its group (the header `x-message-group`). A message that
the broker refused holds back what follows it under its key, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from rung.runtime.log import logger
from rung.runtime.queue.lanes import LaneOrder
from rung.runtime.queue.message import Message
from rung.runtime.queue.outbox import sql
from rung.runtime.queue.postgres import PostgresQueue

#: Messages of one group arrive in the order of their sending; without it the lane is the group.
MESSAGE_GROUP_HEADER = "x-message-group"
ROUND = 200
#: How often a relay looks by itself; the commit of a sender, in whatever process, wakes it earlier.
LOOK_SECONDS = 5.0
#: Broker or database are away, or a message was refused.
PAUSE_SECONDS = 1.0
#: Another relay is at work, and may have looked just before what we know of was there.
BUSY_SECONDS = 0.2

log = logger(__name__)

#: Why the broker did not take a message; None when it has it.
Refusal = str | None
#: Gives messages to the broker, in this order and under their own ids; one answer each. A broker that keeps an
#: order takes none of a group (`group_of`) after it refused an earlier one of it. Raises when it is away.
Forward = Callable[[Sequence[Message]], Awaitable[Sequence[Refusal]]]


def group_of(message: Message) -> str:
    """The key within which messages keep their order."""
    return _key(message.lane, message.headers)


def _key(lane: str, headers: Mapping[str, str]) -> str:
    return f"{lane}/{headers.get(MESSAGE_GROUP_HEADER, '')}"


class Relay:
    """Moves what one queue has staged. Belongs to one event loop."""

    def __init__(self, queue: str, staging: PostgresQueue, forward: Forward) -> None:
        self.loop = asyncio.get_running_loop()
        self._queue = queue
        self._staging = staging
        self._forward = forward
        self._order = LaneOrder(tuple(staging.lanes))
        self._lock = int.from_bytes(hashlib.sha256(staging.name.encode()).digest()[:8], signed=True)
        self._identity = ""
        #: Until when keys wait whose first message was refused.
        self._refused: dict[str, float] = {}
        self._moving = asyncio.Lock()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def identity(self) -> str:
        """What the ids of this database's messages begin with, so that two outboxes of one broker never clash."""
        if not self._identity:
            ((whole,),) = await self._staging.query(sql.IDENTITY)
            self._identity = hashlib.sha256(str(whole).encode()).hexdigest()[:10]
        return self._identity

    def start(self) -> None:
        """Move what is there, and what comes, until `close`."""
        if self._task is None:
            # A context of its own: whoever sends first has a deadline, and this goes on after it.
            self._task = self.loop.create_task(self._run(), context=contextvars.Context())

    async def _run(self) -> None:
        while True:
            pause = LOOK_SECONDS
            try:
                pause = await self.flush(wait=False)
                if not self._closing:
                    await self._staging.wait_for_messages(pause)
            except Exception as error:  # noqa: BLE001 - database or broker are away; what is written stays written
                log.warning("the outbox is not emptied", queue=self._queue, error=str(error))
                if not self._closing:
                    await asyncio.sleep(PAUSE_SECONDS)
            if self._closing:
                return

    async def flush(self, *, wait: bool = True) -> float:
        """Move everything that is due. Returns after how many seconds to look again, at the latest.

        With `wait` a relay of another process is waited for; without, it does the work. Raises what `forward`
        raises, and UnavailableError where the database is away.
        """
        async with self._moving:
            while True:
                moved = await self._round(wait)
                if moved is None:
                    return BUSY_SECONDS * random.uniform(0.5, 1.5)
                if moved == 0:
                    return await self._seconds_to_next()

    async def _round(self, wait: bool) -> int | None:
        """How many messages were moved; None when another relay has the lock."""
        async with self._staging.transaction() as connection:
            if wait:
                await connection.execute(sql.LOCK, self._lock)
            elif not await connection.fetchval(sql.TRY_LOCK, self._lock):
                return None
            rows = await self._take(connection)
            if not rows:
                return 0
            messages = [await self._message(row) for row in rows]
            refusals = await self._forward(messages)
            taken = [row["id"] for row, refusal in zip(rows, refusals, strict=True) if refusal is None]
            await self._mark(connection, taken)
        self._note(messages, refusals)
        return len(messages)

    async def _take(self, connection: Any) -> list[Any]:
        now = time.monotonic()
        self._refused = {key: until for key, until in self._refused.items() if until > now}
        lanes, held = self._order.next(), list(self._refused)
        rows = await connection.fetch(sql.TAKE, self._staging.name, lanes, MESSAGE_GROUP_HEADER, held, ROUND)
        return list(rows)

    async def _mark(self, connection: Any, ids: Sequence[int]) -> None:
        await connection.execute(sql.MARK, ids)

    async def _message(self, row: Any) -> Message:
        return Message(
            id=f"{await self.identity()}-{row['id']}",
            queue=self._queue,
            lane=row["lane"],
            body=row["body"],
            headers=msgspec.json.decode(row["headers"]),
            receive_count=0,
            sent_at=row["sent_at"],
            receipt=None,
        )

    def _note(self, messages: Sequence[Message], refusals: Sequence[Refusal]) -> None:
        for message, refusal in zip(messages, refusals, strict=True):
            if refusal is not None:
                self._refused[group_of(message)] = time.monotonic() + PAUSE_SECONDS
                log.warning("the broker refused a message", queue=self._queue, id=message.id, reason=refusal)

    async def _seconds_to_next(self) -> float:
        ((seconds,),) = await self._staging.query(sql.NEXT_SECONDS, self._staging.name, list(self._staging.lanes))
        due = LOOK_SECONDS if seconds is None else max(0.0, seconds)
        return min(LOOK_SECONDS, due, PAUSE_SECONDS if self._refused else LOOK_SECONDS)

    async def close(self, timeout_seconds: float) -> None:
        """Move what is there once more, and stop; what cannot be moved now stays for other processes."""
        task, self._task, self._closing = self._task, None, True
        if task is None or self.loop is not asyncio.get_running_loop():
            return
        self._staging.wake()
        _, late = await asyncio.wait({task}, timeout=timeout_seconds)
        for each in late:
            each.cancel()
            await asyncio.gather(each, return_exceptions=True)
