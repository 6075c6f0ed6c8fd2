"""What was forgotten stays forgotten: tombstones, which outlive the database.

A tombstone is written in the transaction that forgets, and copied to the bucket `tombstones` right after it, or by
the next `track.after_restore`. It says who by a hash alone: of the random id of a person or organisation. For an
address that an organisation wrote to the hash is keyed with the secret `data-key`, since addresses can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from rung.errors import ApplicationError
from rung.runtime.log import logger
from track.resources import db, key_of, tombstones

Kind: TypeAlias = Literal["person", "organisation", "subject"]
BATCH = 500
log = logger(__name__)


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the bucket, under `kind/hash`."""

    erased_at: datetime


def hash_of(identity: str) -> str:
    """Of an id with more random bits than anybody can try."""
    return hashlib.sha256(identity.encode()).hexdigest()


def subject_hash(tenant: str, email: str) -> str:
    """Of an address within an organisation: nobody without the key can try addresses."""
    keyed = hmac.digest(key_of("data-key"), f"subject:{tenant}:{email}".encode(), "sha256")
    return f"{hash_of(tenant)}/{keyed.hex()}"


async def bury(connection: Any, kind: Kind, name: str) -> None:
    """Write the tombstone `hash_of` or `subject_hash` names, in the transaction that forgets."""
    await connection.execute(
        """insert into tombstones (kind, hash) values ($1, $2)
           on conflict (kind, hash) do update set erased_at = now(), kept_at = null""",
        kind, name,
    )  # fmt: skip


async def keep() -> int:
    """Copy what is not yet in the bucket; how many. Doing it twice changes nothing. Raises UnavailableError."""
    rows = await db.fetch(
        "select kind, hash, erased_at from tombstones where kept_at is null order by erased_at limit $1",
        BATCH, across_tenants=True,
    )  # fmt: skip
    for row in rows:
        body = msgspec.json.encode(Tombstone(erased_at=row["erased_at"]))
        await tombstones.put(f"{row['kind']}/{row['hash']}", body, content_type="application/json")
        await db.execute(
            "update tombstones set kept_at = now() where kind = $1 and hash = $2 and erased_at = $3",
            row["kind"], row["hash"], row["erased_at"], across_tenants=True,
        )  # fmt: skip
    return len(rows)


async def keep_now() -> None:
    """The same right after somebody was forgotten; what cannot be copied now is copied by the schedule."""
    try:
        await keep()
    except ApplicationError as error:
        log.warning("a tombstone is not copied yet", error=str(error))
