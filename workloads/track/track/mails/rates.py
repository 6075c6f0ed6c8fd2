"""How fast mail goes out: so many a minute for an organisation (its plan), so many a second to one domain.

A sliding window without edges (GCRA, `rung.runtime.cache`), shared by all senders. Without Redis nothing is sent:
a mail can wait, and the reputation of an address that floods a provider does not come back in a minute.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rung.runtime.cache import RateLimit
from track.accounts.addresses import domain_of
from track.resources import store

DOMAIN_PER_SECOND = int(os.environ.get("TRACK_DOMAIN_PER_SECOND", "50"))
DOMAIN_WINDOW_SECONDS = 10


@lru_cache(maxsize=64)
def _of_tenant(per_minute: int) -> RateLimit:
    return RateLimit(store.connection, "tenant-mails", limit=per_minute, per_seconds=60, when_away="refuse")


@lru_cache(maxsize=1)
def _of_domain() -> RateLimit:
    limit = DOMAIN_PER_SECOND * DOMAIN_WINDOW_SECONDS
    return RateLimit(
        store.connection, "domain-mails", limit=limit, per_seconds=DOMAIN_WINDOW_SECONDS, when_away="refuse"
    )


async def wait_of_tenant(tenant: str, mails: int, per_minute: int) -> float:
    """Seconds until so many mails of an organisation may go; 0 when they may now, and are counted."""
    decision = await _of_tenant(per_minute).hit(tenant, cost=min(mails, per_minute))
    return 0.0 if decision.allowed else max(decision.retry_after_seconds, 0.01)


async def refused_domains(recipients: Sequence[str]) -> dict[str, float]:
    """The domains that get too much at this moment, each with the seconds to wait; the others are counted."""
    refused = {}
    for domain, number in Counter(map(domain_of, recipients)).items():
        decision = await _of_domain().hit(domain, cost=number)
        if not decision.allowed:
            refused[domain] = max(decision.retry_after_seconds, 0.01)
    return refused
