"""Sessions of a web application: an opaque random token outside, and only its hash in Redis.

Whoever reads Redis' memory or its file cannot sign in with what is found there (OWASP Session Management).
Nothing here works without Redis: a session that cannot be checked is no session, and UnavailableError says so.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rung.runtime.cache.connection import RedisConnection, Script

DEFAULT_IDLE_SECONDS = 14 * 86_400.0
DEFAULT_LIFETIME_SECONDS = 90 * 86_400.0
MAX_SESSIONS_PER_USER = 100
_TOKEN_BYTES = 32

# KEYS: session, user's index ("" for a guest)
# ARGV: value, idle milliseconds, hash, created, oldest, lifetime milliseconds, prefix, most sessions
_CREATE = Script("""
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if KEYS[2] == '' then return 1 end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[8])
if surplus > 0 then
  local oldest = redis.call('ZPOPMIN', KEYS[2], surplus)
  for i = 1, #oldest, 2 do redis.call('UNLINK', ARGV[7] .. oldest[i]) end
end
return 1
""")

# KEYS: user's index   ARGV: prefix, hash to spare   ->  how many
_REVOKE_ALL = Script("""
local revoked = 0
for _, hash in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if hash ~= ARGV[2] then
    revoked = revoked + redis.call('UNLINK', ARGV[1] .. hash)
    redis.call('ZREM', KEYS[1], hash)
  end
end
return revoked
""")


class _Stored(msgspec.Struct):
    created_at: float
    user: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that exists. `user` is None for a guest. The token is a secret: it goes into a cookie only."""

    token: str = field(repr=False)
    user: str | None
    data: dict[str, Any]
    created_at: float


class Sessions:
    """Sessions that end `idle_seconds` after their last use, and `lifetime_seconds` after their start anyway."""

    def __init__(
        self,
        connection: RedisConnection,
        *,
        idle_seconds: float = DEFAULT_IDLE_SECONDS,
        lifetime_seconds: float = DEFAULT_LIFETIME_SECONDS,
    ) -> None:
        self._connection = connection
        self._prefix = f"s:{connection.name}:"
        self._idle_seconds = idle_seconds
        self._lifetime_seconds = lifetime_seconds

    async def create(self, *, user: str | None = None, data: dict[str, Any] | None = None) -> Session:
        """A new session. A user's oldest ones past 100 end. Raises UnavailableError."""
        created_at = self._now()
        session = Session(
            token=secrets.token_urlsafe(_TOKEN_BYTES), user=user, data=data or {}, created_at=created_at
        )
        hashed = _hash(session.token)
        await self._connection.run_script(
            _CREATE,
            (self._prefix + hashed, "" if user is None else self._index(user)),
            _encode(session),
            round(min(self._idle_seconds, self._lifetime_seconds) * 1000),
            hashed,
            created_at,
            created_at - self._lifetime_seconds,
            round(self._lifetime_seconds * 1000),
            self._prefix,
            MAX_SESSIONS_PER_USER,
        )
        return session

    async def read(self, token: str) -> Session | None:
        """The session of `token`, or None. Its idle time starts anew. Raises UnavailableError."""
        key = self._prefix + _hash(token)
        stored = await self._connection.run("GETEX", key, "PX", round(self._idle_seconds * 1000))
        if stored is None:
            return None
        found = msgspec.json.decode(stored, type=_Stored)
        if found.created_at + self._lifetime_seconds <= self._now():
            await self._connection.run("UNLINK", key)
            return None
        return Session(token=token, user=found.user, data=found.data, created_at=found.created_at)

    async def write(self, session: Session) -> bool:
        """Store the session's data; False when it has ended meanwhile. Raises UnavailableError."""
        milliseconds = round(self._idle_seconds * 1000)
        key = self._prefix + _hash(session.token)
        stored = await self._connection.run("SET", key, _encode(session), "PX", milliseconds, "XX")
        return stored is not None

    async def rotate(self, session: Session, *, user: str | None = None) -> Session:
        """A new token for the same data, the old one void: at login, or whenever rights change.

        Otherwise a token planted before the login would be signed in by it (session fixation).
        """
        rotated = await self.create(user=user or session.user, data=session.data)
        await self.revoke(session)
        return rotated

    async def revoke(self, session: Session) -> None:
        """End the session at once, everywhere. Raises UnavailableError."""
        hashed = _hash(session.token)
        await self._connection.run("UNLINK", self._prefix + hashed)
        if session.user is not None:
            await self._connection.run("ZREM", self._index(session.user), hashed)

    async def revoke_all(self, user: str, *, keep: Session | None = None) -> int:
        """End every session of `user` but `keep`: after a change of password. Returns how many."""
        spared = "" if keep is None else _hash(keep.token)
        return int(await self._connection.run_script(_REVOKE_ALL, (self._index(user),), self._prefix, spared))

    def _index(self, user: str) -> str:
        return f"{self._prefix}user:{user}"

    def _now(self) -> float:
        return self._connection.clock.now().timestamp()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _encode(session: Session) -> bytes:
    return msgspec.json.encode(_Stored(session.created_at, session.user, session.data))
