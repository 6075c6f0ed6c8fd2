"""The port: what every queue does, whatever broker carries it.

Delivery is at least once. A message is hidden while somebody holds its lease (the visibility timeout); a lease
that runs out makes it visible again, and the late holder's acknowledgement is refused. `QueueConformance` in
`rung.testing` is this text as tests; an adapter is right when it passes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rung.runtime.queue.message import DeadLetter, Entry, Message, QueueStatistics, SendResult


class Connection(Protocol):
    """An open transaction of the caller: an asyncpg connection, as `Database.transaction()` gives it."""

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run a query and return its rows."""
        ...

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Run a query and return the first column of its first row."""
        ...

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A part of the caller's own statement that sends one message: `with sent as (<sql>) ...`.

    The message exists exactly when the statement's transaction commits. Call `announce` when it has: receivers
    look sooner then.
    """

    sql: str
    #: For its parameters, which are numbered from the `first_parameter` that was asked for.
    arguments: tuple[Any, ...]
    announce: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker can do by itself. The conformance suite skips what a backend says it cannot, and says so."""

    #: `send(transaction=...)` is atomic with the caller's transaction, without an outbox.
    transactional_send: bool = False
    #: `finished_in`: effect and acknowledgement are one transaction.
    transactional_acknowledge: bool = False
    #: Messages of one lane that were sent one after the other arrive in that order when nothing is retried.
    ordered: bool = False
    #: Other processes see the queue. False for the memory adapter.
    shared: bool = True
    #: Survives the broker's crash: what was acknowledged to the sender is never lost.
    durable: bool = True
    #: A `deduplication_id` is taken. Elsewhere it is refused: a duplicate that nobody expects is worse.
    deduplicates: bool = True
    #: `statistics` knows how long the oldest ready message has waited.
    tells_oldest_age: bool = True
    #: Where the binding says `fair`, tenants take turns within a lane, as the suite sees it.
    takes_turns: bool = False
    #: The longest that one delivery can be kept by extending it, in seconds. None: for ever.
    lease_seconds_max: float | None = None


class Queue(Protocol):
    """One queue. Every method may raise UnavailableError when the broker cannot be reached."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    @property
    def lanes(self) -> Sequence[str]:
        """The lanes, highest priority first."""
        ...

    @property
    def visibility_timeout_seconds(self) -> float:
        """How long a received message stays hidden unless its lease is extended."""
        ...

    @property
    def max_receive_count(self) -> int:
        """How many deliveries a message gets before it is a dead letter."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the broker can do by itself."""
        ...

    async def send(
        self,
        body: object,
        *,
        lane: str | None = None,
        delay_seconds: float = 0.0,
        deduplication_id: str | None = None,
        headers: dict[str, str] | None = None,
        transaction: Connection | None = None,
    ) -> str:
        """Send one message and return its id; it is stored when this returns.

        `body`: bytes, text (UTF-8) or anything JSON can say. `lane=None` is the lowest. Inside `transaction`
        the message exists exactly when that transaction commits. A `deduplication_id` seen within the queue's
        window sends nothing and returns the first message's id, also when that one was handled already.
        Correlation id, tenant and user of the current context travel in the headers.
        Raises MessageError for a body over 250 KiB, an unknown lane, a delay that no broker keeps, or what this
        broker cannot do (`capabilities`).
        """
        ...

    async def clause(
        self, body: object, *, first_parameter: int, lane: str | None = None, headers: dict[str, str] | None = None
    ) -> Clause:
        """As `send` in a transaction, but within one statement of the caller's: no turn of its own.

        For what many want at the same moment: a row is locked for as long as a transaction has turns. The
        statement is to run in the queue's (or its outbox's) database. Raises MessageError as `send` does, and
        where the broker is in no database (`capabilities.transactional_send`).
        """
        ...

    async def send_batch(
        self, entries: Sequence[Entry], *, transaction: Connection | None = None
    ) -> list[SendResult]:
        """Send many at once, the good ones even when others are refused; one result per entry, in order."""
        ...

    async def receive(
        self, *, max_messages: int = 1, wait_seconds: float = 0.0, lanes: Sequence[str] | None = None
    ) -> list[Message]:
        """Lease up to `max_messages`, waiting up to `wait_seconds` for the first.

        Higher lanes first; lower lanes are served now and then even while a higher one never empties. The
        delivery is counted here, so a receiver that dies has used an attempt; a message that has used them all
        goes to the dead-letter queue, reason `worker_lost`, instead of being delivered.
        """
        ...

    async def acknowledge(self, messages: Sequence[Message]) -> list[bool]:
        """The messages are done and gone. False where the lease was lost: somebody else has the message now."""
        ...

    async def extend(self, messages: Sequence[Message], *, seconds: float) -> list[bool]:
        """Keep the leases for `seconds` from now. False where a lease was lost: stop working on that one."""
        ...

    async def retry(
        self, message: Message, *, reason: str, delay_seconds: float | None = None, traceback: str = ""
    ) -> bool:
        """The attempt failed: deliver again after `delay_seconds`, or after backoff with full jitter.

        A message that has used all its attempts becomes a dead letter with this reason and traceback.
        False when the lease was lost.
        """
        ...

    async def dead_letter(self, message: Message, *, reason: str, traceback: str = "") -> bool:
        """Give the message up now, whatever attempts are left. False when the lease was lost."""
        ...

    async def release(self, messages: Sequence[Message]) -> list[bool]:
        """Hand back messages that were not started: visible at once, no attempt used. False: lease lost."""
        ...

    async def statistics(self) -> QueueStatistics:
        """Counts of this moment; where the broker only estimates them, its estimate."""
        ...

    async def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """The newest dead letters."""
        ...

    async def redrive(self, ids: Sequence[str] | None = None) -> int:
        """Send dead letters back to their lanes: all, or these. Same id, attempts from zero. Returns how many."""
        ...

    async def finished_in(self, message: Message, transaction: Connection) -> bool:
        """Acknowledge inside the handler's own transaction, so that effect and acknowledgement are one.

        False means that the lease was lost: roll back, somebody else has the message.
        Raises MessageError where the broker has no transaction to share (`capabilities`).
        """
        ...

    async def close(self) -> None:
        """Close connections. What was received and not acknowledged comes back after its lease."""
        ...
