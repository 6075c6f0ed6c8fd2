"""Sessions, attempts and tickets: what the cache counts and remembers. Without it nobody is signed in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from rung.runtime.cache import RateLimit, Sessions
from shop.problems import Problem
from shop.resources import store

SESSION_SECONDS = 14 * 86_400
ATTEMPTS_PER_MINUTE = 10

_sessions = Sessions(store.connection, idle_seconds=SESSION_SECONDS)
#: Without the cache nobody can guess passwords unseen.
_attempts = RateLimit(store.connection, "attempts", limit=ATTEMPTS_PER_MINUTE, per_seconds=60, when_away="refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    customer_id: uuid.UUID
    email: str
    name: str


async def start(session: Session) -> str:
    """A new session; returns the token for the cookie. Raises UnavailableError."""
    data = {"email": session.email, "name": session.name}
    return (await _sessions.create(user=str(session.customer_id), data=data)).token


async def find(token: str) -> Session | None:
    """The session of a token, or None. Raises UnavailableError."""
    found = await _sessions.read(token[:100])
    if found is None or found.user is None:
        return None
    return Session(customer_id=uuid.UUID(found.user), email=found.data["email"], name=found.data["name"])


async def end(token: str) -> None:
    """Sign out. Raises UnavailableError."""
    found = await _sessions.read(token[:100])
    if found is not None:
        await _sessions.revoke(found)


async def end_all(customer_id: uuid.UUID) -> None:
    """Sign a customer out everywhere. Raises UnavailableError."""
    await _sessions.revoke_all(str(customer_id))


async def count(name: str, *, seconds: int) -> int:
    """The next number of a counter that is forgotten after `seconds`. Raises UnavailableError."""
    key = f"count:{store.connection.name}:{name}"
    number = int(await store.connection.run("INCR", key))
    if number == 1:
        await store.connection.run("EXPIRE", key, seconds)
    return number


async def limit_attempts(who: str) -> None:
    """Raises Problem 429 after too many attempts in a minute."""
    decision = await _attempts.hit(who)
    if not decision.allowed:
        wait = str(max(1, round(decision.retry_after_seconds)))
        raise Problem(429, "too_many_attempts", "wait a little", headers={"retry-after": wait})
