"""A connection that is handed over in the moment in which its caller gives up is never lost to the pool; and who
would wait for one too long is told at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from rung.runtime.clock import SYSTEM_CLOCK
from rung.runtime.database.limits import Limits
from rung.runtime.database.pool import HELD_WEIGHT, Pool
from rung.runtime.errors import OverloadedError

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


async def full_pool(acquire_seconds: float = ACQUIRE_SECONDS) -> tuple[Pool, Any]:
    """A pool of one, and the connection that somebody uses."""

    async def connect() -> Any:
        return Idle()

    pool = Pool(connect, limit=1, limits=Limits(acquire_seconds=acquire_seconds), clock=SYSTEM_CLOCK)
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


async def test_who_would_wait_too_long_by_the_line_is_refused_without_waiting() -> None:
    """The line is as long as before; what counts is how long its connections are held."""
    pool, busy = await full_pool(acquire_seconds=10.0)
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    assert pool.statistics().waiting == 3
    pool._held_seconds = 0.5
    began = time.monotonic()
    with pytest.raises(OverloadedError, match=r"the wait for the database is 1.50 s already"):
        await pool.acquire()
    assert time.monotonic() - began < 1.0
    assert pool.statistics().refused == 1
    pool._held_seconds = 0.001
    waiting.append(asyncio.create_task(pool.acquire()))
    await asyncio.sleep(0)
    assert pool.statistics().waiting == 4
    for each in waiting:
        pool.release(busy)
        assert await each is busy
    pool.release(busy)
    await pool.close()


async def test_how_long_connections_are_held_is_measured() -> None:
    pool, busy = await full_pool()
    pool._busy[busy] -= 2.0
    pool.release(busy)
    assert pool._held_seconds == pytest.approx(2.0 * HELD_WEIGHT, rel=0.1)
    await pool.close()
