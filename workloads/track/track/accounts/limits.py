"""How often somebody may try to get in. Without the counting cache nobody may: guessing must never go unseen."""

from __future__ import annotations

from functools import lru_cache

from rung.runtime.cache import RateLimit
from track.problems import too_many
from track.resources import store

ATTEMPTS_PER_MINUTE = 10
#: For an address of the network, behind which many people may be.
ATTEMPTS_PER_MINUTE_FROM = 60


@lru_cache(maxsize=2)
def _limit(name: str, per_minute: int) -> RateLimit:
    return RateLimit(store.connection, name, limit=per_minute, per_seconds=60, when_away="refuse")


async def limit_attempts(*, about: str, address: str) -> None:
    """Raises Problem 429 after too many attempts in a minute, about somebody or from somewhere."""
    for limit, key in (
        (_limit("attempts", ATTEMPTS_PER_MINUTE), about[:200]),
        (_limit("attempts-from", ATTEMPTS_PER_MINUTE_FROM), address),
    ):
        decision = await limit.hit(key)
        if not decision.allowed:
            raise too_many(decision.retry_after_seconds)
