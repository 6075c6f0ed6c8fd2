"""What one tenant may use: so much a second, with bursts, and so much a day.

    mails = Quota("mails", cache("cache").connection, database("db"), rate_per_second=10, burst=50, per_day=20_000)
    await mails.take()     # of the current tenant; raises QuotaExceededError: 429 with Retry-After

The second is counted by a token bucket in Redis, in one round trip and by Redis's own clock. The day is counted
there too, and written to `rung.tenant_usage` every few seconds: a Redis that comes back empty goes on from the
table. Days are those of UTC.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from redis.exceptions import ResponseError

from rung.runtime import lifespan
from rung.runtime.cache.connection import RedisConnection, Script
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Tenant
from rung.runtime.database.database import Database
from rung.runtime.errors import UnavailableError
from rung.runtime.http.problem import HttpError
from rung.runtime.log import logger
from rung.runtime.tenants.carry import required_tenant

log = logger(__name__)

#: How often the day's counters are written down.
WRITE_SECONDS = 5.0
DAY_SECONDS = 86_400

# KEYS: bucket, day   ARGV: tokens a second, burst, amount, the day's limit (-1: none), what the day has, if known
# -> 1 and the day's count; 0 and milliseconds to wait; -1 when the day is used up; -2 when it is not known here
_TAKE = Script("""
local day = redis.call('GET', KEYS[2])
if not day then
  if ARGV[5] == '' then return {-2, 0} end
  day = ARGV[5]
end
local amount = tonumber(ARGV[3])
if tonumber(ARGV[4]) >= 0 and tonumber(day) + amount > tonumber(ARGV[4]) then return {-1, tonumber(day)} end
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(held[1] or burst)
local at = tonumber(held[2] or now)
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
if tokens < amount then return {0, rate > 0 and math.ceil((amount - tokens) / rate * 1000) or 86400000} end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens - amount), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], rate > 0 and math.ceil(burst / rate) + 1 or 86400)
redis.call('SET', KEYS[2], string.format('%.0f', tonumber(day) + amount), 'EX', 172800)
return {1, tonumber(day) + amount}
""")

_USED = "select used from rung.tenant_usage where tenant = $1 and day = $2 and meter = $3"
_WRITE = """
insert into rung.tenant_usage as known (tenant, day, meter, used)
select * from unnest($1::text[], $2::date[], $3::text[], $4::bigint[])
on conflict (tenant, day, meter) do update set used = greatest(known.used, excluded.used)
"""


class QuotaExceededError(HttpError):
    """The tenant has used what it may: 429, with the time after which there is some again."""

    def __init__(self, meter: str, retry_after_seconds: float) -> None:
        super().__init__(429, "quota-exceeded", f"too many {meter}", retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a tenant may use: tokens a second, at most `burst` at once, and in all on one day."""

    rate_per_second: float
    burst: float
    per_day: int | None = None


class Quota:
    """One meter. `allowance_of` gives tenants with another plan their own; None: the one that is given here.

    `without_redis`: what happens while nobody counts. Safe at module level.
    """

    def __init__(
        self,
        meter: str,
        connection: RedisConnection,
        database: Database,
        *,
        rate_per_second: float,
        burst: float,
        per_day: int | None = None,
        allowance_of: Callable[[Tenant], Awaitable[Allowance | None]] | None = None,
        without_redis: Literal["allow", "refuse"] = "allow",
        clock: Clock = SYSTEM_CLOCK,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.meter = meter
        self._connection = connection
        self._database = database
        self._allowance = Allowance(rate_per_second=rate_per_second, burst=burst, per_day=per_day)
        self._allowance_of = allowance_of
        self._without_redis = without_redis
        self._clock = clock
        self._now = now
        self._unwritten: dict[tuple[str, datetime], int] = defaultdict(int)
        self._one_by_one = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._forget: Callable[[], None] = lambda: None

    async def take(self, amount: int = 1, *, tenant: Tenant | None = None) -> int:
        """Use so much, and say how much of the day is used now.

        Raises QuotaExceededError; TenantError without a tenant; UnavailableError, where nobody counts and that is
        refused. More at once than the burst is never granted.
        """
        who = required_tenant() if tenant is None else tenant
        own = None if self._allowance_of is None else await self._allowance_of(who)
        allowance = own or self._allowance
        day = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            said, figure = await self._ask(who, day, allowance, amount, "")
            if said == -2:
                said, figure = await self._begin_day(who, day, allowance, amount)
        except (UnavailableError, ResponseError):
            if self._without_redis == "refuse":
                raise
            return 0
        return self._judge(who, day, said, figure)

    async def _begin_day(self, who: Tenant, day: datetime, allowance: Allowance, amount: int) -> tuple[int, int]:
        """One asks the table; those who come meanwhile find what it was told."""
        async with self._one_by_one:
            said, figure = await self._ask(who, day, allowance, amount, "")
            if said != -2:
                return said, figure
            used = await self._database.fetch_value(_USED, who.id, day.date(), self.meter, across_tenants=True)
            return await self._ask(who, day, allowance, amount, str(used or 0))

    async def _ask(
        self, who: Tenant, day: datetime, allowance: Allowance, amount: int, used: str
    ) -> tuple[int, int]:
        """By the tenant alone, and not by its epoch: a move gives nobody a new day."""
        key = f"q:{self._connection.name}:{{{who.id}}}:{self.meter}"
        limit = -1 if allowance.per_day is None else allowance.per_day
        keys = (f"{key}:bucket", f"{key}:{day:%Y-%m-%d}")
        said, figure = await self._connection.run_script(
            _TAKE, keys, allowance.rate_per_second, allowance.burst, amount, limit, used
        )
        return int(said), int(figure)

    def _judge(self, who: Tenant, day: datetime, said: int, figure: int) -> int:
        if said == 0:
            raise QuotaExceededError(self.meter, figure / 1000)
        if said == -1:
            raise QuotaExceededError(self.meter, DAY_SECONDS - (self._now() - day).total_seconds())
        key = (who.id, day)
        self._unwritten[key] = max(self._unwritten[key], figure)
        self._keep_writing()
        return figure

    def _keep_writing(self) -> None:
        loop = asyncio.get_running_loop()
        if self._writing is None or self._writing.done() or self._writing.get_loop() is not loop:
            self._forget()
            # A context of its own: whoever takes first has a deadline, and this goes on after it.
            self._writing = loop.create_task(self._write_often(), context=contextvars.Context())
            self._forget = lifespan.register(f"quota {self.meter}", close=self.close)

    async def _write_often(self) -> None:
        while True:
            await self._clock.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except Exception as error:  # noqa: BLE001 - kept, and written with the next
                log.warning("the day's usage is not written", meter=self.meter, error=str(error))

    async def write(self) -> None:
        """Write down what is not: done every few seconds and at the end. Raises as the database does."""
        taken, self._unwritten = self._unwritten, defaultdict(int)
        if not taken:
            return
        tenants, days = [tenant for tenant, _ in taken], [day.date() for _, day in taken]
        meters = [self.meter] * len(taken)
        try:
            await self._database.execute(_WRITE, tenants, days, meters, list(taken.values()), across_tenants=True)
        except Exception:
            for key, used in taken.items():
                self._unwritten[key] = max(self._unwritten[key], used)
            raise

    async def close(self) -> None:
        """Write down what is left, and stop."""
        self._forget()
        task, self._writing = self._writing, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.write()
