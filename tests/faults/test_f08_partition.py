"""F08: the network swallows everything between service and database: told within 2 s, normal again by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from tests.faults.lateness import Lateness

from rung.runtime import Context, Database, Deadline, lifespan, serving
from rung.runtime.errors import DeadlineExceededError, OverloadedError, UnavailableError
from rung.testing import FaultProxy

pytestmark = pytest.mark.fault
TOLD_SECONDS = 2.0
HEALED_SECONDS = 10.0


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[FaultProxy]:
    port = urlsplit(postgres_url).port
    assert port is not None
    async with FaultProxy("127.0.0.1", port) as proxy:
        yield proxy


@pytest.fixture
async def database(postgres_url: str, proxy: FaultProxy) -> AsyncIterator[Database]:
    parts = urlsplit(postgres_url)
    through = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")).geturl()
    database = Database.from_url(through, pool_size=4)
    yield database
    await database.close()


async def told_after(database: Database, sql: str) -> tuple[float, Exception | None]:
    began = time.monotonic()
    try:
        await database.fetch(sql)
    except (UnavailableError, OverloadedError) as error:  # 503 with Retry-After, both
        return time.monotonic() - began, error
    return time.monotonic() - began, None


async def errors_of(database: Database, callers: int) -> list[Exception | None]:
    return [
        error for _, error in await asyncio.gather(*(told_after(database, "select 1") for _ in range(callers)))
    ]


async def test_callers_are_told_in_time_and_served_after_healing(database: Database, proxy: FaultProxy) -> None:
    await database.fetch("select 1")
    slow = asyncio.create_task(told_after(database, "select pg_sleep(3)"))
    await asyncio.sleep(0.2)
    proxy.blackhole()
    answers = await asyncio.gather(slow, *(told_after(database, "select 1") for _ in range(8)))
    assert all(error is not None for _, error in answers), answers
    assert isinstance(answers[0][1], UnavailableError)
    assert max(seconds for seconds, _ in answers) <= TOLD_SECONDS
    assert (await lifespan.check_all())["database"] is not None  # not ready

    lasting = [await told_after(database, "select 1") for _ in range(5)]
    assert all(error is not None and seconds <= TOLD_SECONDS for seconds, error in lasting), lasting

    proxy.heal()
    healed_at = time.monotonic()
    while told := [error for error in await errors_of(database, 8) if error is not None]:
        assert time.monotonic() - healed_at < HEALED_SECONDS, told
        await asyncio.sleep(0.05)
    assert (await lifespan.check_all())["database"] is None


async def test_a_caller_waits_no_longer_than_its_deadline(database: Database, proxy: FaultProxy) -> None:
    await database.fetch("select 1")
    proxy.blackhole()
    with serving(Context(correlation_id="c", deadline=Deadline.after(0.3))):
        async with Lateness() as late:
            began = time.monotonic()
            with pytest.raises(DeadlineExceededError):
                await database.fetch("select 1")
            took = time.monotonic() - began
    assert took <= 0.3 * 1.1 + 0.05 + 2 * late.seconds


async def test_a_slow_statement_is_not_taken_for_a_partition(database: Database) -> None:
    """Longer than the silence that makes the pool ask: the server answers that it is there, and goes on."""
    assert await database.fetch_value("select 7 from pg_sleep(2.2)") == 7
    assert database.statistics().idle == 1
