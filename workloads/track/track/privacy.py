"""Rights of those whom the data is about (GDPR): a copy of an organisation, its end, and the same for one address.

Which tables hold an organisation's data is read from the catalogue, so that a table that is added later is in the
copy without anybody thinking of it. All of it runs as the organisation: row-level security decides what is its.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from track import erasures
from track.accounts.addresses import normal
from track.api.callers import Caller
from track.api.messages import Output
from track.organisations import audit, residency
from track.problems import Problem
from track.resources import db

PAGE = 1_000
#: What nobody may have back: it opens things.
SECRET_COLUMNS = ("token_hash", "secret_hash")

TABLES = """
select c.table_name::text as name,
       array_agg(c.column_name::text order by c.ordinal_position) as columns
  from information_schema.columns c
 where c.table_schema = 'public' and exists (
       select from information_schema.columns t where t.table_schema = 'public' and t.table_name = c.table_name
          and t.column_name = 'tenant_id')
 group by c.table_name order by c.table_name
"""


class SubjectData(Output, frozen=True, kw_only=True):
    """Everything that an organisation holds about one address."""

    email: str
    mails: list[dict[str, Any]]
    suppressions: list[dict[str, Any]]


class Erased(Output, frozen=True, kw_only=True):
    """How many mails were made nameless."""

    mails: int


async def export(tenant: str) -> AsyncIterator[bytes]:
    """The organisation's rows as lines of JSON: `{"table": ..., "row": {...}}`. One snapshot, page by page.

    The first line says where they may be, and where they were when they were read.
    """
    async with db.transaction(tenant=tenant, isolation="repeatable_read", read_only=True) as connection:
        allowed = await connection.fetchval("select residency from organisations")
        if allowed is not None:
            found = residency.judged(allowed, await residency.region_of(connection))
            row = {"tenant_id": tenant, **msgspec.to_builtins(found)}
            yield msgspec.json.encode({"table": "residency", "row": row}) + b"\n"
        for table in await connection.fetch(TABLES):
            columns = ", ".join(f'"{name}"' for name in table["columns"] if name not in SECRET_COLUMNS)
            cursor = await connection.cursor(
                f'select row_to_json(r)::text from (select {columns} from public."{table["name"]}") r'
            )
            while rows := await cursor.fetch(PAGE):
                yield b"".join(
                    b'{"table":%b,"row":%b}\n' % (msgspec.json.encode(table["name"]), row[0].encode())
                    for row in rows
                )


async def erase(caller: Caller, name: str) -> None:
    """End the organisation: every row of it goes, and what of it waits in the queue finds nothing left.

    `name` must be the organisation's, so that nobody does this by accident. Raises Problem 409, 422.
    """
    tenant = caller.require_tenant()
    async with db.transaction(tenant=tenant) as connection:
        if await connection.fetchval("select name from organisations for update") != name:
            raise Problem(422, "other_name", "write the organisation's name to confirm")
        status = await connection.fetchval("select status from subscriptions where subscription is not null")
        if status in ("active", "past_due"):
            raise Problem(409, "subscribed", "cancel the subscription first, and wait for its end")
        await _delete(connection, tenant)
    await _forget_webhooks(tenant)
    await erasures.keep_now()


async def forget_organisation(tenant: str) -> None:
    """End one that a restored backup brought back. Nothing refuses: it was decided before."""
    async with db.transaction(tenant=tenant) as connection:
        await _delete(connection, tenant)
    await _forget_webhooks(tenant)


async def _delete(connection: Any, tenant: str) -> None:
    await connection.execute("delete from organisations")
    for statement in (
        "delete from dispatch where tenant = $1",
        "delete from directory where tenant = $1",
        "delete from person_organisations where tenant = $1",
        "delete from billing_customers where tenant = $1",
    ):
        await connection.execute(statement, tenant)
    await erasures.bury(connection, "organisation", erasures.hash_of(tenant))


async def _forget_webhooks(tenant: str) -> None:
    from track.hooks import deliveries

    for endpoint in await deliveries.list(tenant):
        await deliveries.remove(endpoint)
    while await deliveries.forget(tenant, older_than_seconds=0.0):
        pass


async def subject(email: str) -> SubjectData:
    """Everything about one address that the current organisation writes to."""
    email = normal(email)
    mails = await db.fetch(
        """select row_to_json(r)::text as row from (
               select m.id, m.recipient, m.variables, m.state, m.send_at, m.sent_at, l.subject, l.campaign
                 from mails m join letters l on l.id = m.letter_id where m.recipient = $1 order by m.id) r""",
        email,
    )
    rows = await db.fetch(
        "select row_to_json(s)::text as row from (select email, reason, created_at from suppressions) s"
        " where s.email = $1",
        email,
    )
    return SubjectData(
        email=email,
        mails=[msgspec.json.decode(row["row"]) for row in mails],
        suppressions=[msgspec.json.decode(row["row"]) for row in rows],
    )


async def erase_subject(caller: Caller, email: str) -> Erased:
    """Forget one address: its mails stay as numbers, without name or content; nothing waits for it any more.

    That the address is not to be written to is kept: forgetting that would be the opposite of what was asked.
    """
    email = normal(email)
    async with db.transaction() as connection:
        mails = await forget_subject(connection, email)
        await erasures.bury(connection, "subject", erasures.subject_hash(caller.require_tenant(), email))
        await audit.note(connection, caller, "subject.erased", "", mails=mails)
    await erasures.keep_now()
    return Erased(mails=mails)


async def forget_subject(connection: Any, email: str, *, until: datetime | None = None) -> int:
    """Make its mails nameless, those written `until` a moment; how many. As the current organisation."""
    rows = await connection.fetch(
        """update mails set recipient = 'erased', variables = '{}', error = null, provider_id = null,
                  state = case when state in ('pending', 'queued') then 'cancelled' else state end
            where recipient = $1 and ($2::timestamptz is null or created_at <= $2) returning id""",
        email, until,
    )  # fmt: skip
    ids = [row["id"] for row in rows]
    await connection.execute("delete from dispatch where mail_id = any($1::uuid[])", ids)
    await connection.execute("update mail_events set detail = '' where mail_id = any($1::uuid[])", ids)
    return len(ids)
