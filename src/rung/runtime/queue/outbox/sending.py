"""Sending on a broker that is in no database: directly, or through the outbox where something must decide."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import MessageError
from rung.runtime.queue.delivery import mark_finished
from rung.runtime.queue.message import Message, Sendable, SendResult
from rung.runtime.queue.outbox.outbox import Outbox, outbox_place
from rung.runtime.queue.outbox.relay import Refusal
from rung.runtime.queue.port import Clause, Connection
from rung.runtime.queue.sending import Sending

NO_TRANSACTIONS = "R0508"


class OutboxSending(Sending):
    """A queue beside a database. An adapter adds `deliver`, `forward` and `is_held`, and calls `open_outbox`.

    Through the outbox, where there is one: what a transaction decides, and every deduplication id, so that all
    senders of this database share one memory of them.
    """

    #: As the texts of errors call it.
    broker: ClassVar[str]
    outbox: Outbox | None = None

    @abstractmethod
    async def deliver(self, sendables: Sequence[Sendable]) -> list[SendResult]:
        """Give messages to the broker, which has them when this returns; one result each, at least one given.

        Raises UnavailableError when it is away, MessageError for what it cannot do.
        """

    @abstractmethod
    async def forward(self, messages: Sequence[Message]) -> Sequence[Refusal]:
        """Give the outbox's messages to the broker under their own ids: see `relay.Forward`."""

    @abstractmethod
    async def is_held(self, message: Message) -> bool:
        """Whether the lease is certainly still ours."""

    @abstractmethod
    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.acknowledge`."""

    @abstractmethod
    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """See `Queue.release`."""

    def open_outbox(self, binding: QueueBinding) -> None:
        """Have an outbox where the binding says that there is a database for it."""
        if outbox_place(binding)[0]:
            self.outbox = Outbox(self.name, binding, self.forward)

    async def store(self, sendables: Sequence[Sendable], transaction: Connection | None) -> list[SendResult]:
        """See `Sending.store`."""
        if self.outbox is None:
            if transaction is not None:
                raise MessageError(self.no_outbox())
            return await self.deliver(sendables)
        if transaction is not None:
            return await self.outbox.put(sendables, transaction)
        results: dict[int, SendResult] = {}
        once = [position for position, each in enumerate(sendables) if each.deduplication_id is not None]
        plain = [position for position, each in enumerate(sendables) if each.deduplication_id is None]
        if once:
            stored = await self.outbox.put([sendables[position] for position in once], None)
            results.update(zip(once, stored, strict=True))
        if plain:
            delivered = await self.deliver([sendables[position] for position in plain])
            results.update(zip(plain, delivered, strict=True))
        return [results[position] for position in range(len(sendables))]

    async def clause_of(self, sendable: Sendable, first_parameter: int) -> Clause:
        """See `Queue.clause`. Through the outbox."""
        if self.outbox is None:
            raise MessageError(self.no_outbox())
        return await self.outbox.clause(sendable, first_parameter)

    def no_outbox(self) -> str:
        """Why there are no transactions here."""
        return (
            f"{NO_TRANSACTIONS}: {self.broker} cannot take part in a database transaction, and queue "
            f"{self.name!r} has no outbox: this process has no Postgres binding that it could be in"
        )

    def start_relay(self) -> None:
        """For receivers: a sender that died may have left something in the outbox."""
        if self.outbox is not None:
            self.outbox.start()

    async def finished_in(self, message: Message, transaction: Connection) -> bool:
        """See `Queue.finished_in`. Noted in the outbox's database: a second delivery is recognised and dropped."""
        if self.outbox is None:
            raise MessageError(self.no_outbox())
        if not await self.is_held(message) or not await self.outbox.note_finished(message, transaction):
            return False
        mark_finished()
        return True

    def may_come_again(self, message: Message) -> bool:
        """Whether there may have been a delivery of this message before."""
        return message.receive_count > 1

    async def without_finished(self, messages: Sequence[Message]) -> list[Message]:
        """Acknowledges what a handler finished in its transaction, and died before the broker could be told.

        While the database is away, what it would have to be asked about goes back without an attempt used, and the
        rest is handed out. Raises what the database raises when there is no rest.
        """
        again = [message for message in messages if self.may_come_again(message)]
        if self.outbox is None or not again:
            return list(messages)
        try:
            finished = await self.outbox.finished(again)
        except Exception:
            await self.release(again)
            if len(again) == len(messages):
                raise
            return [message for message in messages if not self.may_come_again(message)]
        await self.acknowledge([message for message in again if message.id in finished])
        return [message for message in messages if message.id not in finished]

    async def tidy(self) -> int:
        """Forget what the outbox's database need not know any more. Workers do it once a minute."""
        return 0 if self.outbox is None else await self.outbox.tidy()

    async def close_outbox(self) -> None:
        """Move what is there once more."""
        if self.outbox is not None:
            await self.outbox.close()
