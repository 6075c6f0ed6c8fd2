"""A connection that is handed over in the moment in which its caller gives up is never lost to the pool."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from rung.runtime.clock import SYSTEM_CLOCK
from rung.runtime.database.limits import Limits
from rung.runtime.database.pool import Pool

ACQUIRE_SECONDS = 0.02


class Idle:
    """A connection that is always ready for the next caller."""

    is_reusable = True
    asked_at = heard_at = 0.0

    def is_closed(self) -> bool:
        return False

    def terminate(self) -> None:
        pass

    async def close(self, *, timeout: float) -> None:
        del timeout


async def full_pool() -> tuple[Pool, Any]:
    """A pool of one, and the connection that somebody uses."""

    async def connect() -> Any:
        return Idle()

    pool = Pool(connect, limit=1, limits=Limits(acquire_seconds=ACQUIRE_SECONDS), clock=SYSTEM_CLOCK)
    return pool, await pool.acquire()


def release_while_late(pool: Pool, connection: Any) -> None:
    """Release just before the waiter's time is up, in an event loop that looks at both too late."""
    loop = asyncio.get_running_loop()
    loop.call_later(ACQUIRE_SECONDS / 2, pool.release, connection)
    loop.call_soon(time.sleep, ACQUIRE_SECONDS * 2)


async def test_a_late_event_loop_loses_no_connection() -> None:
    """The release and the end of the patience are both due: the caller gets the connection all the same."""
    pool, busy = await full_pool()
    waiting = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    release_while_late(pool, busy)
    assert await waiting is busy
    pool.release(busy)
    assert pool.statistics().idle == 1
    await pool.close()


async def test_a_caller_that_is_cancelled_meanwhile_hands_it_on() -> None:
    """Cancelled after the handing over and before it could take the connection."""
    pool, busy = await full_pool()
    waiting = cast("asyncio.Task[Any]", asyncio.create_task(pool.acquire()))
    await asyncio.sleep(0)
    pool.release(busy)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert pool.statistics().idle == 1
    await pool.close()
