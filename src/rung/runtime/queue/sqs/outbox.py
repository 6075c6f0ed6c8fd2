"""The outbox: what SQS cannot do together with a database transaction, done by tables of that database.

A message that is sent in a transaction is written to the queue tables of that transaction's database, so it exists
exactly when the transaction commits, and is moved to SQS from there: by the process that sent it, within
milliseconds, or by any other process of this queue when that one has died. A message that is moved twice keeps its
id (Richardson, "Transactional outbox"). The other half is Hohpe and Woolf's "Idempotent Receiver": what a handler
finished in its own transaction is noted there, and a second delivery of it is recognised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import MessageError
from rung.runtime.log import logger
from rung.runtime.queue.message import Message, Sendable, SendResult
from rung.runtime.queue.port import Clause, Connection
from rung.runtime.queue.postgres import PostgresQueue

ROUND = 100
#: How often a relay looks by itself; the commit of a sender, in whatever process, wakes it earlier.
LOOK_SECONDS = 5.0
PAUSE_SECONDS = 1.0
CLOSE_SECONDS = 3.0
NEVER_DEAD = 1_000_000_000

_NOTE = """
insert into rung.message_deduplication (queue, deduplication_id, message_id, expires_at)
values ($1, $2, 0, clock_timestamp() + $3::float8 * interval '1 s')
on conflict (queue, deduplication_id) do nothing
returning true
"""
_NOTED = """
select deduplication_id from rung.message_deduplication where queue = $1 and deduplication_id = any($2::text[])
"""

log = logger(__name__)

#: Sends messages to SQS under their own ids; per message whether SQS has it.
Forward = Callable[[Sequence[Message]], Awaitable[list[bool]]]


class Outbox:
    """One queue's outbox, and its memory of what was finished. Works in any event loop."""

    def __init__(self, name: str, binding: QueueBinding, forward: Forward, **options: Any) -> None:
        self._done = f"{name}@done"
        self._database = urlsplit(binding.url).path.lstrip("/")
        self._keep_seconds = binding.retention_seconds + 86_400.0
        self._forward = forward
        staged = QueueBinding(
            url=binding.url,
            credentials_secret=binding.credentials_secret,
            lanes=binding.lanes,
            max_receive_count=NEVER_DEAD,
            retention_seconds=binding.retention_seconds,
        )
        self._staging = PostgresQueue(f"{name}@outbox", staged, pool_size=2, **options)
        self._relay: asyncio.Task[None] | None = None
        self._moving = asyncio.Lock()
        self._closing = False

    async def put(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """Write messages; without a transaction they are moved to SQS before this returns.

        Raises MessageError when the transaction is one of another database, whose outbox nobody empties.
        """
        if transaction is not None:
            self._check(transaction)
        results = await self._staging.store(sendables, transaction)
        self.start()
        if transaction is None:
            await self.flush()
        return results

    async def clause(self, sendable: Sendable, first_parameter: int) -> Clause:
        """As `put` in a transaction, within one statement of the caller's."""
        clause = await self._staging.clause_of(sendable, first_parameter)
        self.start()
        return clause

    def _check(self, transaction: Connection) -> None:
        database = getattr(getattr(transaction, "_params", None), "database", self._database)
        if database != self._database:
            raise MessageError(
                f"R0508: the outbox is in the database {self._database!r}, and this transaction in {database!r}"
            )

    def start(self) -> None:
        """Have this process move what is there, and what comes."""
        if self._relay is None or self._relay.get_loop() is not asyncio.get_running_loop():
            self._moving, self._closing = asyncio.Lock(), False
            self._relay = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self.flush()
                if self._closing:
                    return
                await self._staging.wait_for_messages(LOOK_SECONDS)
            except Exception as error:  # noqa: BLE001 - database or SQS are away; what is written stays written
                log.warning("the outbox is not emptied", queue=self._staging.name, error=str(error))
                if self._closing:
                    return
                await asyncio.sleep(PAUSE_SECONDS)

    async def flush(self) -> None:
        """Move everything that is there now, and wait for what this process is moving."""
        async with self._moving:
            while messages := await self._staging.receive(max_messages=ROUND):
                taken = await self._forward(messages)
                sent = [message for message, there in zip(messages, taken, strict=True) if there]
                await self._staging.acknowledge(sent)
                if len(sent) < len(messages):
                    raise MessageError(f"SQS did not take {len(messages) - len(sent)} messages; tried again later")

    async def note_finished(self, message: Message, transaction: Connection) -> bool:
        """Note in the handler's transaction that the message is finished. False: it was already."""
        self._check(transaction)
        noted = await transaction.fetchval(_NOTE, self._done, message.id, self._keep_seconds)
        return noted is not None

    async def finished(self, messages: Sequence[Message]) -> set[str]:
        """The ids of those that a handler has finished before."""
        rows = await self._staging.query(_NOTED, self._done, [message.id for message in messages])
        return {row[0] for row in rows}

    async def tidy(self) -> int:
        """Forget what is too old to come again."""
        return await self._staging.tidy()

    async def close(self) -> None:
        """Move what is there once more, and stop; what cannot be moved now stays for other processes."""
        relay, self._relay = self._relay, None
        if relay is not None and relay.get_loop() is asyncio.get_running_loop():
            self._closing = True
            self._staging.wake()
            _, late = await asyncio.wait({relay}, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._staging.close()
