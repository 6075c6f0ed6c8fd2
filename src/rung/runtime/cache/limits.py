"""How often somebody may do something: one Lua call per decision, the same over all processes.

GCRA, the generic cell rate algorithm (ITU-T I.371): one timestamp per key, no windows whose edges let twice the
limit through. The server's clock decides, so that processes need not agree on the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from redis.exceptions import ResponseError

from rung.runtime.cache.connection import RedisConnection, Script
from rung.runtime.errors import UnavailableError

# KEYS: state   ARGV: seconds per unit, burst, cost   ->  allowed, remaining, seconds to wait
# The state is the "theoretical arrival time": when the key will have used up nothing any more.
_GCRA = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = arrival + interval * cost
local wait = after - interval * burst - now
if wait > 0.0000005 then
  return {0, math.floor((interval * burst - (arrival - now)) / interval + 0.000001), string.format('%.6f', wait)}
end
redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.ceil((after - now) * 1000) + 1)
return {1, math.floor(-wait / interval + 0.000001), '0'}
""")


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one attempt, with what the headers of a 429 need."""

    allowed: bool
    limit: int
    remaining: int
    retry_after_seconds: float
    #: True when Redis was away and the answer is only what was declared for that case.
    undecided: bool = False


class RateLimit:
    """At most `limit` per `per_seconds` and key, and never more than `burst` (default: `limit`) at once.

    `when_away` says what happens without Redis, and there is no default, because both are wrong somewhere:
    `allow` for what protects a resource (search, reads), `refuse` for what protects an account (passwords).
    """

    def __init__(
        self,
        connection: RedisConnection,
        name: str,
        *,
        limit: int,
        per_seconds: float,
        when_away: Literal["allow", "refuse"],
        burst: int | None = None,
    ) -> None:
        if limit < 1 or per_seconds <= 0 or (burst is not None and burst < 1):
            raise ValueError(f"a rate limit needs a limit >= 1 and a time > 0, not {limit} per {per_seconds} s")
        self._connection = connection
        self._prefix = f"r:{connection.name}:{name}:"
        self._limit = limit
        self._burst = burst or limit
        self._interval_seconds = per_seconds / limit
        self._when_away = when_away

    async def hit(self, key: str, *, cost: int = 1) -> Decision:
        """Count `cost` units for `key` if they fit, and say whether they did. A refused attempt costs nothing."""
        arguments = (repr(self._interval_seconds), self._burst, cost)
        try:
            answer = await self._connection.run_script(_GCRA, (self._prefix + key,), *arguments)
        except (UnavailableError, ResponseError):
            allowed = self._when_away == "allow"
            wait = 0.0 if allowed else 1.0
            return Decision(allowed, self._burst, self._burst if allowed else 0, wait, undecided=True)
        return Decision(bool(answer[0]), self._burst, max(0, int(answer[1])), float(answer[2]))

    async def reset(self, key: str) -> None:
        """Forget what `key` has used: after a successful login. Raises UnavailableError."""
        await self._connection.run("UNLINK", self._prefix + key)
