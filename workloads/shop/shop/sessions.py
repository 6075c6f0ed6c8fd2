"""Sessions, attempts and tickets: what the cache counts and remembers. None of it is missed when it is lost."""

from __future__ import annotations

import hashlib
import secrets
import uuid

import msgspec

from shop.problems import Problem
from shop.resources import store

SESSION_SECONDS = 14 * 86_400


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in."""

    customer_id: uuid.UUID
    email: str
    name: str


class Sessions:
    """By token; only its hash is kept, so that whoever reads the cache cannot become a customer."""

    async def start(self, session: Session) -> str:
        """A new session; returns the token for the cookie."""
        token = secrets.token_urlsafe(24)
        await store.set(
            _key(token),
            msgspec.to_builtins(session),
            ttl_seconds=SESSION_SECONDS,
            tags=(_tag(session.customer_id),),
        )
        return token

    async def get(self, token: str) -> Session | None:
        """The session of a token; None when there is none, or the cache is away: then nobody is signed in."""
        found = await store.get(_key(token))
        return None if found is None else msgspec.convert(found, Session)

    async def end(self, token: str) -> None:
        """Sign out."""
        await store.delete(_key(token))

    async def end_all(self, customer_id: uuid.UUID) -> None:
        """Sign a customer out everywhere. Raises UnavailableError."""
        await store.invalidate(_tag(customer_id))


sessions = Sessions()


def _key(token: str) -> str:
    return "session:" + hashlib.blake2b(token[:100].encode(), digest_size=16).hexdigest()


def _tag(customer_id: uuid.UUID) -> str:
    return f"customer:{customer_id}"


async def count(name: str, *, seconds: int) -> int:
    """The next number of a counter that is forgotten after `seconds`. Raises UnavailableError."""
    key = f"shop:count:{name}"
    number = int(await store.connection.run("INCR", key))
    if number == 1:
        await store.connection.run("EXPIRE", key, seconds)
    return number


async def limit_attempts(who: str, *, per_minute: int) -> None:
    """Raises Problem 429 after `per_minute` attempts in a minute."""
    digest = hashlib.blake2b(who.encode(), digest_size=12).hexdigest()
    if await count(f"attempts:{digest}", seconds=60) > per_minute:
        raise Problem(429, "too_many_attempts", "wait a minute", headers={"retry-after": "60"})
