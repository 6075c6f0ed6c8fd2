"""The outbox: what a broker cannot do together with a database transaction, done by tables of that database.

A message that is sent in a transaction is written to the queue tables of that transaction's database, so it exists
exactly when the transaction commits, and is moved to the broker from there: by the process that sent it, within
milliseconds, or by any other process of this queue when that one has died. A message that is moved twice keeps its
id (Richardson, "Transactional outbox"). The other half is Hohpe and Woolf's "Idempotent Receiver": what a handler
finished in its own transaction is noted there, and a second delivery of it is recognised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from rung.runtime.bindings import QueueBinding
from rung.runtime.log import logger
from rung.runtime.queue.message import Message, Sendable, SendResult
from rung.runtime.queue.outbox import sql
from rung.runtime.queue.outbox.relay import Forward, Relay
from rung.runtime.queue.port import Clause, Connection
from rung.runtime.queue.postgres import PostgresQueue
from rung.runtime.queue.postgres.same_database import require_same_database

CLOSE_SECONDS = 3.0
#: How long a send without a transaction waits for its message to be at the broker. It is kept anyway.
FLUSH_SECONDS = 5.0
NEVER_DEAD = 1_000_000_000

log = logger(__name__)


def outbox_place(binding: QueueBinding) -> tuple[str, str | None]:
    """Where the outbox of a queue is: the URL of its database, "" without one, and the secret of its login."""
    if binding.outbox_url or binding.adapter != "sqs":
        return binding.outbox_url, binding.outbox_credentials_secret
    return binding.url, binding.credentials_secret


class Outbox:
    """One queue's outbox, and its memory of what was finished. Works in any event loop.

    `options` are those of the PostgresQueue that the messages are staged in.
    """

    def __init__(self, name: str, binding: QueueBinding, forward: Forward, **options: Any) -> None:
        url, secret = outbox_place(binding)
        self._name = name
        self._done = f"{name}@done"
        self._url = url
        self._keep_seconds = binding.retention_seconds + 86_400.0
        self._forward = forward
        staged = QueueBinding(
            url=url,
            credentials_secret=secret,
            lanes=binding.lanes,
            max_receive_count=NEVER_DEAD,
            retention_seconds=binding.retention_seconds,
        )
        self._staging = PostgresQueue(f"{name}@outbox", staged, pool_size=2, **options)
        self._relay: Relay | None = None

    @property
    def relay(self) -> Relay:
        """That of the running loop."""
        if self._relay is None or self._relay.loop is not asyncio.get_running_loop():
            self._relay = Relay(self._name, self._staging, self._forward)
        return self._relay

    async def put(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """Write messages; without a transaction they are at the broker when this returns, unless that is away.

        Raises MessageError when the transaction is one of another database, whose outbox nobody empties.
        """
        if transaction is not None:
            require_same_database(transaction, self._url, "the outbox")
        identity = await self.relay.identity()
        stored = await self._staging.store(sendables, transaction)
        self.relay.start()
        if transaction is None:
            await self._flush()
        else:
            _written.add(self)
        return [
            result if result.id is None else structs.replace(result, id=f"{identity}-{result.id}")
            for result in stored
        ]

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self.relay.flush()
        except Exception as error:  # noqa: BLE001 - it is written, and goes on being moved
            log.warning("the broker does not take what the outbox has", queue=self._name, error=str(error))

    async def clause(self, sendable: Sendable, first_parameter: int) -> Clause:
        """As `put` in a transaction, within one statement of the caller's."""
        clause = await self._staging.clause_of(sendable, first_parameter)
        self.relay.start()
        _written.add(self)
        return clause

    def start(self) -> None:
        """Have this process move what is there, and what comes."""
        self.relay.start()

    async def flush(self) -> None:
        """Move everything that is there now. Raises where the broker or the database are away."""
        await self.relay.flush()

    async def note_finished(self, message: Message, transaction: Connection) -> bool:
        """Note in the handler's transaction that the message is finished. False: it was already."""
        require_same_database(transaction, self._url, "the outbox")
        noted = await transaction.fetchval(sql.NOTE, self._done, message.id, self._keep_seconds)
        return noted is not None

    async def finished(self, messages: Sequence[Message]) -> set[str]:
        """The ids of those that a handler has finished before."""
        rows = await self._staging.query(sql.NOTED, self._done, [message.id for message in messages])
        return {row[0] for row in rows}

    async def tidy(self) -> int:
        """Forget what is too old to come again."""
        return await self._staging.tidy()

    async def close(self) -> None:
        """Move what is there once more, and stop; what cannot be moved now stays for other processes."""
        _written.discard(self)
        relay, self._relay = self._relay, None
        if relay is not None:
            await relay.close(CLOSE_SECONDS)
        await self._staging.close()


#: What was written to in a transaction since `flush_written`.
_written: set[Outbox] = set()


async def flush_written(seconds: float) -> None:
    """Move what transactions of this process have written, within `seconds`; what is not moved stays written.

    For a process that is stopped without notice when its work is done: nobody else may be there to move it.
    """
    written = tuple(_written)
    _written.clear()
    if not written:
        return
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await asyncio.gather(*(each.flush() for each in written))
    except Exception as error:  # noqa: BLE001 - it is written, and goes on being moved
        log.warning("an outbox was not emptied", error=str(error) or type(error).__name__)
