"""API keys: shown once, kept as a hash, each with its scopes and its own rate."""

from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from track.api.callers import Caller, Scope
from track.api.messages import Output
from track.identifiers import new_id
from track.organisations import audit
from track.problems import Problem, invalid, not_found
from track.resources import db
from track.tokens import hashed

KEYS_MAX = 100
#: How often the time of the last use is written down.
SEEN = timedelta(minutes=5)


class ApiKey(Output, frozen=True, kw_only=True):
    """A key, by its beginning."""

    id: uuid.UUID
    name: str
    prefix: str
    scopes: list[Scope]
    per_minute: int
    created_by: str
    created_at: datetime
    used_at: datetime | None


class NewApiKey(Output, frozen=True, kw_only=True):
    """A key that was just made. `secret` is never shown again."""

    key: ApiKey
    secret: str


FIELDS = "id, name, prefix, scopes, per_minute, created_by, created_at, used_at"


async def create(caller: Caller, name: str, scopes: list[Scope], per_minute: int) -> NewApiKey:
    """A new key: `track.<organisation>.<id>.<random>`. Raises Problem 409, 422."""
    if not 1 <= len(name.strip()) <= 80 or not scopes or not 1 <= per_minute <= 60_000:
        raise invalid("a key has a name, at least one scope, and 1 to 60000 requests a minute")
    tenant, key_id = caller.require_tenant(), new_id()
    secret = f"track.{tenant}.{key_id.hex}.{secrets.token_urlsafe(32)}"
    prefix = f"track.{tenant[:6]}….{key_id.hex[-6:]}"
    async with db.transaction() as connection:
        if await connection.fetchval("select count(*) from api_keys where revoked_at is null") >= KEYS_MAX:
            raise Problem(409, "too_many_keys", f"an organisation has at most {KEYS_MAX} keys: revoke one")
        row = await connection.fetchrow(
            f"""insert into api_keys (tenant_id, id, name, prefix, secret_hash, scopes, per_minute, created_by)
                values ($1, $2, $3, $4, $5, $6, $7, $8) returning {FIELDS}""",
            tenant, key_id, name.strip(), prefix, hashed(secret), sorted(set(scopes)), per_minute, caller.actor,
        )  # fmt: skip
        await audit.note(connection, caller, "key.created", prefix, scopes=sorted(set(scopes)))
    return NewApiKey(key=ApiKey(**dict(row)), secret=secret)


async def listing() -> list[ApiKey]:
    """The keys that work, the latest first."""
    rows = await db.fetch(f"select {FIELDS} from api_keys where revoked_at is null order by id desc")
    return [ApiKey(**dict(row)) for row in rows]


async def revoke(caller: Caller, key_id: uuid.UUID) -> None:
    """The key stops working at once. Raises Problem 404."""
    async with db.transaction() as connection:
        prefix = await connection.fetchval(
            "update api_keys set revoked_at = now() where id = $1 and revoked_at is null returning prefix", key_id
        )
        if prefix is None:
            raise not_found("the key")
        await audit.note(connection, caller, "key.revoked", prefix)


async def find(tenant: str, secret: str) -> Any:
    """The row of a key of the current organisation that works, or None."""
    parts = secret.split(".")
    if len(secret) > 200 or len(parts) != 4 or parts[0] != "track" or parts[1] != tenant:
        return None
    try:
        key_id = uuid.UUID(hex=parts[2])
    except ValueError:
        return None
    row = await db.fetch_row(
        """select id, name, scopes, per_minute, secret_hash, used_at from api_keys
            where id = $1 and revoked_at is null""",
        key_id,
    )
    if row is None or not hmac.compare_digest(row["secret_hash"], hashed(secret)):
        return None
    if row["used_at"] is None or datetime.now(UTC) - row["used_at"] > SEEN:
        await db.execute("update api_keys set used_at = now() where id = $1", key_id)
    return _Found(row)


class _Found:
    """A key's row as attributes."""

    __slots__ = ("id", "name", "per_minute", "scopes")

    def __init__(self, row: Any) -> None:
        self.id: uuid.UUID = row["id"]
        self.name: str = row["name"]
        self.scopes: list[str] = row["scopes"]
        self.per_minute: int = row["per_minute"]
