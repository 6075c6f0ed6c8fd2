"""Forgets again whom a restored backup brought back. `python -m track.after_restore`, before anything serves.

The bucket's tombstones that this database does not know are of people, organisations and addresses that were
forgotten after the backup was taken. The same runs every hour, for a restore that nobody thought of.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec

from rung.runtime import lifespan, serving_tenant
from rung.runtime.log import logger
from track import privacy
from track.accounts import people
from track.erasures import Tombstone, hash_of, keep, subject_hash
from track.resources import db, tombstones

PAGE = 1_000
KNOWN_TENANTS = """
select tenant from directory
union select tenant from person_organisations
union select tenant from billing_customers
"""
log = logger(__name__)


async def run() -> dict[str, int]:
    """Copy tombstones out, and apply those that are new to this database; how many of each kind."""
    while await keep():
        pass
    counts = {"person": 0, "organisation": 0, "subject": 0}
    after = ""
    while entries := await tombstones.list(after=after, limit=PAGE):
        after = entries[-1].key
        for key in await _unknown([entry.key for entry in entries]):
            kind, _, name = key.partition("/")
            if kind in counts:
                counts[kind] += await _again(kind, name)
    if any(counts.values()):
        log.warning("a backup had brought back what was forgotten: it is forgotten again", **counts)
    return counts


async def _unknown(keys: list[str]) -> list[str]:
    """Those of which this database knows nothing, organisations first: what is in them goes with them."""
    rows = await db.fetch(
        """select key from unnest($1::text[]) as given (key)
            where not exists (select from tombstones where kind || '/' || hash = key)
            order by key not like 'organisation/%'""",
        keys, across_tenants=True,
    )  # fmt: skip
    return [row["key"] for row in rows]


async def _again(kind: str, name: str) -> int:
    found = await tombstones.get(f"{kind}/{name}")
    if found is None:
        return 0
    grave = msgspec.json.decode(found.body, type=Tombstone)
    match kind:
        case "person":
            gone = await _person(name)
        case "organisation":
            gone = await _organisation(name)
        case _:
            gone = await _subject(name, grave)
    # Last: whatever ends the program before, the next run does it again.
    await db.execute(
        """insert into tombstones (kind, hash, erased_at, kept_at) values ($1, $2, $3, now())
           on conflict do nothing""",
        kind, name, grave.erased_at, across_tenants=True,
    )  # fmt: skip
    return gone


async def _person(name: str) -> int:
    person = await db.fetch_value(
        "select id from people where encode(sha256(convert_to(id::text, 'UTF8')), 'hex') = $1",
        name, across_tenants=True,
    )  # fmt: skip
    if person is None:
        return 0
    await people.forget_again(person)
    return 1


async def _organisation(name: str) -> int:
    tenant = await _tenant(name)
    if tenant is None:
        return 0
    await privacy.forget_organisation(tenant)
    return 1


async def _subject(name: str, grave: Tombstone) -> int:
    """Only what was there when it was forgotten: what was written to the address later is another matter."""
    tenant = await _tenant(name.partition("/")[0])
    if tenant is None:
        return 0
    with serving_tenant(tenant):
        rows: list[Any] = await db.fetch(
            "select distinct recipient from mails where created_at <= $1 and recipient <> 'erased'",
            grave.erased_at,
        )
        emails = [row["recipient"] for row in rows if subject_hash(tenant, row["recipient"]) == name]
        for email in emails:
            async with db.transaction() as connection:
                await privacy.forget_subject(connection, email, until=grave.erased_at)
    return len(emails)


async def _tenant(name: str) -> str | None:
    rows = await db.fetch(KNOWN_TENANTS, across_tenants=True)
    return next((row["tenant"] for row in rows if hash_of(row["tenant"]) == name), None)


async def main() -> int:
    """Apply once, and say what was done."""
    try:
        counts = await run()
    finally:
        await lifespan.close_all()
    sys.stdout.write(f"forgotten again: {', '.join(f'{count} {kind}' for kind, count in counts.items())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
