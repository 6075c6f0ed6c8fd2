"""What the driver and the operating system raise, as what an application can act on."""

from __future__ import annotations

import asyncpg

from rung.errors import ApplicationError
from rung.runtime.errors import DeadlineExceededError, OverloadedError, UnavailableError

#: The connection is gone, or the server is starting, stopping or crashed.
CONNECTION_LOST: tuple[type[BaseException], ...] = (
    OSError,  # refused, reset, unreachable, host not found
    asyncpg.PostgresConnectionError,  # class 08, client side included
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


def translate(error: BaseException) -> ApplicationError | None:
    """The error of the runtime that `error` means, or None where the driver's own says it best.

    What the server says about a statement (SQLSTATE classes 22, 23, 40, 42 and so on) is never translated.
    """
    match error:
        case ApplicationError():
            return None
        case TimeoutError():  # also an OSError
            return DeadlineExceededError("the database did not answer in time")
        case asyncpg.ReadOnlySQLTransactionError() if str(error).startswith("rung: tenant"):
            return UnavailableError(
                "the tenant is being moved: its rows can be read only", retry_after_seconds=2.0
            )
        case asyncpg.TooManyConnectionsError():
            return OverloadedError("the database has no connection to give", retry_after_seconds=1.0)
        case _ if is_connection_lost(error):
            return UnavailableError(f"the connection to the database was lost: {_brief(error)}")
        case _:
            return None


def is_connection_lost(error: BaseException) -> bool:
    """Whether `error` says that this connection will never answer again."""
    if isinstance(error, TimeoutError):
        return False
    if isinstance(error, asyncpg.InterfaceError):
        return "connection is closed" in str(error) or "connection was closed" in str(error)
    return isinstance(error, CONNECTION_LOST)


def _brief(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
