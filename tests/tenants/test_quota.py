"""Quotas: bursts, the second, the day, tenants apart, and counters that outlive Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from rung.runtime import Database, Tenant, serving_tenant
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.clock import SystemClock
from rung.runtime.context import Context, Deadline, serving
from rung.runtime.errors import TenantError, UnavailableError
from rung.runtime.http.problem import problem_of
from rung.runtime.tenants.quota import Allowance, Quota, QuotaExceededError
from rung.runtime.tenants.tables import install_tenants

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME, GLOBEX = Tenant("acme"), Tenant("globex")


@pytest.fixture
async def parts(redis_url: str, postgres_url: str) -> AsyncIterator[tuple[RedisConnection, Database]]:
    owner = await asyncpg.connect(postgres_url)
    await install_tenants(owner)
    await owner.close()
    connection, database = RedisConnection(redis_url), Database.from_url(postgres_url, pool_size=2)
    yield connection, database
    await connection.close()
    await database.close()


def quota(parts: tuple[RedisConnection, Database], **options: Any) -> Quota:
    given = {"rate_per_second": 0.001, "burst": 3, "per_day": 100, "now": lambda: NOON, **options}
    return Quota("mails", *parts, **given)


async def test_a_burst_then_the_rate_and_every_tenant_for_itself(parts: Any) -> None:
    mails = quota(parts)
    assert [await mails.take(tenant=ACME) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(QuotaExceededError) as refused:
        await mails.take(tenant=ACME)
    assert 900 < refused.value.retry_after_seconds <= 1000
    assert problem_of(refused.value).status == 429
    with serving_tenant("globex"):
        assert await mails.take(2) == 2
    with pytest.raises(TenantError):
        await mails.take()
    await mails.close()


async def test_the_day_is_written_after_the_deadline_of_whoever_took_first(parts: Any) -> None:
    """Else a process writes no usage any more once its first request is over, and Redis alone knows it."""

    class Hasty(SystemClock):
        async def sleep(self, seconds: float) -> None:
            del seconds
            await asyncio.sleep(0)

    mails = quota(parts, clock=Hasty())
    with serving(Context(correlation_id="a request", deadline=Deadline.after(-1.0))):
        mails._judge(ACME, NOON.replace(hour=0), 1, 5)
    used = None
    async with asyncio.timeout(20):
        while used is None:
            await asyncio.sleep(0.02)
            used = await parts[1].fetch_value("select used from rung.tenant_usage where tenant = 'acme'")
    assert used == 5
    await mails.close()


async def test_a_tenant_that_may_nothing_is_asked_back_tomorrow(parts: Any) -> None:
    mails = quota(parts, rate_per_second=0, burst=1)
    assert await mails.take(tenant=ACME) == 1
    with pytest.raises(QuotaExceededError) as refused:
        await mails.take(tenant=ACME)
    assert refused.value.retry_after_seconds == 86_400
    await mails.close()


async def test_tokens_come_back(parts: Any) -> None:
    mails = quota(parts, rate_per_second=1000)
    assert await mails.take(3, tenant=ACME) == 3
    for used in range(6, 30, 3):
        refused = await asyncio.gather(mails.take(3, tenant=ACME), return_exceptions=True)
        while isinstance(refused[0], QuotaExceededError):
            assert 0 < refused[0].retry_after_seconds <= 0.003
            await asyncio.sleep(refused[0].retry_after_seconds)
            refused = await asyncio.gather(mails.take(3, tenant=ACME), return_exceptions=True)
        assert refused == [used]
    await mails.close()


async def test_the_day_is_bounded_and_begins_anew(parts: Any) -> None:
    today = [NOON]
    mails = quota(parts, rate_per_second=1e6, burst=1000, per_day=5, now=lambda: today[0])
    assert await mails.take(5, tenant=ACME) == 5
    with pytest.raises(QuotaExceededError) as refused:
        await mails.take(tenant=ACME)
    assert refused.value.retry_after_seconds == 43_200
    today[0] = datetime(2026, 3, 2, tzinfo=UTC)
    assert await mails.take(tenant=ACME) == 1
    await mails.close()


async def test_an_empty_redis_goes_on_from_the_table(parts: Any) -> None:
    mails = quota(parts, burst=100, per_day=10)
    await mails.take(8, tenant=ACME)
    await mails.take(1, tenant=GLOBEX)
    await mails.write()
    await mails.write()
    await parts[0].run("FLUSHALL")
    assert await mails.take(2, tenant=ACME) == 10
    with pytest.raises(QuotaExceededError):
        await mails.take(tenant=ACME)
    await mails.close()
    rows = await parts[1].fetch("select tenant, used from rung.tenant_usage order by tenant", across_tenants=True)
    assert [tuple(row) for row in rows] == [("acme", 10), ("globex", 1)]


async def test_a_plan_of_its_own(parts: Any) -> None:
    async def allowance_of(tenant: Tenant) -> Allowance | None:
        return Allowance(rate_per_second=0.001, burst=1) if tenant == ACME else None

    mails = quota(parts, allowance_of=allowance_of)
    await mails.take(tenant=ACME)
    with pytest.raises(QuotaExceededError):
        await mails.take(tenant=ACME)
    assert await mails.take(3, tenant=GLOBEX) == 3
    await mails.close()


async def test_without_redis_it_does_what_was_declared(parts: Any) -> None:
    away = RedisConnection("redis://127.0.0.1:1", timeout_seconds=0.2)
    assert await quota((away, parts[1])).take(tenant=ACME) == 0
    with pytest.raises(UnavailableError):
        await quota((away, parts[1]), without_redis="refuse").take(tenant=ACME)
    await away.close()


async def test_many_at_once_get_no_more_than_there_is(parts: Any) -> None:
    mails = quota(parts, burst=50)
    outcomes = await asyncio.gather(*(mails.take(tenant=ACME) for _ in range(200)), return_exceptions=True)
    assert sorted(each for each in outcomes if isinstance(each, int)) == list(range(1, 51))
    assert sum(isinstance(each, QuotaExceededError) for each in outcomes) == 150
    await mails.close()
