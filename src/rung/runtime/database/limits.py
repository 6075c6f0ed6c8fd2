"""Every wait has an end: the limits of one database, in seconds.

Postgres itself sets none of these by default. `docs/explanation/database.md` says how they fit together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All bounds of one pool. The defaults suit a request that somebody waits for."""

    #: One statement, on the server.
    statement_seconds: float = 5.0
    #: TCP, TLS and login together.
    connect_seconds: float = 1.5
    #: A statement that waits for a lock another transaction holds.
    lock_seconds: float = 2.0
    #: A transaction between two statements: an application that hangs must not hold its locks.
    idle_in_transaction_seconds: float = 10.0
    #: A caller that finds every connection busy.
    acquire_seconds: float = 1.0
    #: Callers that may wait at once; the next is refused without waiting. A multiple of the pool's size.
    waiting_per_connection: int = 16
    #: Who would wait for longer, by the line and by how long connections are held, is refused without waiting.
    expected_wait_seconds: float = 0.1
    #: Calls wait and nothing is heard on any connection: ask the server whether it is there at all.
    silence_seconds: float = 0.75
    #: The answer to that question.
    probe_seconds: float = 0.75
    #: Sent bytes that nobody acknowledges: the connection is dead (TCP_USER_TIMEOUT).
    unacknowledged_seconds: float = 2.0
    #: What the server needs to answer once its own statement timeout has struck.
    answer_seconds: float = 0.25

    @property
    def call_seconds(self) -> float:
        """The longest that one call waits for the server."""
        return self.statement_seconds + self.answer_seconds

    def server_settings(self) -> dict[str, str]:
        """The bounds that the server enforces, as parameters of the connection."""
        return {
            "statement_timeout": _milliseconds(self.statement_seconds),
            "lock_timeout": _milliseconds(self.lock_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_seconds),
            "client_connection_check_interval": _milliseconds(1.0),
        }


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def pool_size_for(max_connections: int, processes: int, *, reserved: int = 3) -> int:
    """One process's share of a server: all pools together take at most 80 % of what is not reserved.

    The rest is for migrations, operators and the moments of a deployment in which old and new run together.
    `reserved` is the server's superuser_reserved_connections.
    """
    return max(1, int((max_connections - reserved) * 0.8) // max(1, processes))
