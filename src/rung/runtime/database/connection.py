"""One connection whose every call ends in time, whose socket notices a dead peer, and that knows its state."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import asyncpg
from asyncpg.connection import Connection
from asyncpg.transaction import Transaction

from rung.errors import ApplicationError
from rung.runtime.context import current_deadline
from rung.runtime.database.counting import count
from rung.runtime.database.failures import translate
from rung.runtime.database.limits import Limits
from rung.runtime.errors import UnavailableError

#: Statements that leave something in the session which the next user of the connection must not find.
_LEAVES_STATE = re.compile(
    r"""^\s*(?:set\s+(?!local\b|transaction\b|constraints\b)|listen\b|load\b|prepare\b|declare\b|reset\b)
        | ;\s*(?:set\s+(?!local\b|transaction\b|constraints\b)|listen\b|prepare\b|declare\b)
        | \b(?:temp|temporary)\s+(?:table|view|sequence)\b | \binto\s+temp
        | \bset_config\s*\( | \bpg_(?:try_)?advisory_lock""",
    re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=2048)
def leaves_state(sql: str) -> bool:
    """Whether `sql` may change the session beyond its transaction. Errs on the side of yes."""
    return _LEAVES_STATE.search(sql) is not None


class BoundConnection(Connection):  # type: ignore[misc]
    """An asyncpg connection under `Limits` and the deadline of the current context.

    Every call ends within min(statement timeout, the caller's deadline) in total time, and raises
    DeadlineExceededError, UnavailableError or OverloadedError beside the driver's own SQLSTATE errors.
    """

    __slots__ = ("call_seconds", "has_state")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.call_seconds = Limits().call_seconds
        #: Something was left in the session: reset it before the next user.
        self.has_state = False

    def _budget(self, asked: float | None) -> float:
        """Seconds that the next call may take. Raises DeadlineExceededError when there are none."""
        budget = self.call_seconds if asked is None else asked
        deadline = current_deadline()
        return budget if deadline is None else min(budget, deadline.require())

    def _begin(self, sql: str) -> None:
        count()
        if leaves_state(sql):
            self.has_state = True

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run `query`; without arguments it may hold several statements. The last command's tag."""
        if args:
            _, status, _ = await self._execute(query, args, 0, timeout, return_status=True)
            return str(status.decode())
        self._begin(query)
        return await self.command(query, timeout)

    async def command(self, sql: str, timeout: float | None = None) -> str:
        """`execute` for our own statements, which are known to leave nothing in the session."""
        try:
            return str(await super().execute(sql, timeout=self._budget(timeout)))
        except Exception as error:
            raise _meaning(error) from error

    async def _execute(
        self, query: str, args: Sequence[Any], limit: int, timeout: float | None, **options: Any
    ) -> Any:
        self._begin(query)
        try:
            return await super()._execute(query, args, limit, self._budget(timeout), **options)
        except Exception as error:
            raise _meaning(error) from error

    async def _executemany(self, query: str, args: Any, timeout: float | None, *more: Any, **options: Any) -> Any:
        self._begin(query)
        try:
            return await super()._executemany(query, args, self._budget(timeout), *more, **options)
        except Exception as error:
            raise _meaning(error) from error

    async def _copy_in(self, copy_stmt: str, source: Any, timeout: float | None) -> Any:
        self._begin(copy_stmt)
        try:
            return await super()._copy_in(copy_stmt, source, self._budget(timeout))
        except Exception as error:
            raise _meaning(error) from error

    async def _copy_out(self, copy_stmt: str, output: Any, timeout: float | None) -> Any:
        self._begin(copy_stmt)
        try:
            return await super()._copy_out(copy_stmt, output, self._budget(timeout))
        except Exception as error:
            raise _meaning(error) from error

    def _inside(self, transaction: Transaction | None) -> None:
        self._top_xact = transaction  # type: ignore[misc]  # a slot of the base, which has no types

    async def begin(self, sql: str, isolation: str) -> None:
        """Begin a transaction by `sql`. `transaction()` inside it makes savepoints, as in asyncpg's own."""
        count()
        await self.command(sql)
        self._inside(Transaction(self, isolation, False, False))

    async def end(self, error: BaseException | None) -> None:
        """Commit, or roll back after `error` where that is quick; what is left open the pool recovers.

        Raises InFailedSQLTransactionError when a statement failed, its error was swallowed, and the commit
        therefore came out as a rollback; UnavailableError when the connection was lost: outcome unknown.
        """
        self._inside(None)
        if error is None:
            count()
            if await self.command("commit") == "ROLLBACK":
                raise asyncpg.InFailedSQLTransactionError("a statement failed before: nothing was committed")
        elif isinstance(error, Exception) and not self.is_closed() and not self._cancellations:
            with suppress(Exception):
                await self.command("rollback")

    def watch_the_peer(self, limits: Limits) -> None:
        """TCP keepalive for the idle, TCP_USER_TIMEOUT for the sending: a dead peer is an error, not a silence."""
        raw = self._transport.get_extra_info("socket")
        if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
            return
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        options = {
            "TCP_KEEPIDLE": 10,
            "TCP_KEEPALIVE": 10,  # macOS's name for the same
            "TCP_KEEPINTVL": 3,
            "TCP_KEEPCNT": 3,
            "TCP_USER_TIMEOUT": round(limits.unacknowledged_seconds * 1000),
            "TCP_RXT_CONNDROPTIME": max(1, round(limits.unacknowledged_seconds)),  # macOS
        }
        for name, value in options.items():
            option = getattr(socket, name, None)
            if option is not None:
                raw.setsockopt(socket.IPPROTO_TCP, option, value)

    @property
    def is_reusable(self) -> bool:
        """Whether the next caller can have this open connection at once, without any round trip."""
        return not (self.has_state or self._cancellations or self._listeners or self.is_in_transaction())

    async def recover(self, timeout_seconds: float) -> None:
        """Make the connection as new: end what runs, roll back, forget session state."""
        self._inside(None)
        async with asyncio.timeout(timeout_seconds):
            await self.command("rollback")
            if self.has_state or self._listeners:
                await Connection.reset(self)
        self.has_state = False


def _meaning(error: Exception) -> Exception:
    return translate(error) or error


async def connect(
    url: str, limits: Limits, *, role: str | None = None, application: str = "rung"
) -> BoundConnection:
    """A connection with every limit set. Raises UnavailableError, OverloadedError, asyncpg's (login)."""
    settings = {**limits.server_settings(), "application_name": application}
    if role is not None:
        settings["role"] = role
    try:
        connection: BoundConnection = await asyncpg.connect(
            url,
            timeout=limits.connect_seconds,  # pyright: ignore[reportArgumentType]  # a float serves as well
            command_timeout=limits.call_seconds,
            connection_class=BoundConnection,
            server_settings=settings,
        )
    except TimeoutError as error:
        raise _unreachable(limits) from error
    except Exception as error:
        raise _meaning(error) from error
    connection.call_seconds = limits.call_seconds
    connection.watch_the_peer(limits)
    return connection


def _unreachable(limits: Limits) -> ApplicationError:
    return UnavailableError(f"the database did not accept a connection in {limits.connect_seconds:g} s")
