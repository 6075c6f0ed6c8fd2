"""Every minute: what is due of all organisations goes to the queue, in batches, each one transaction.

One scheduler leads (rung's schedules); a second one that ran anyway would find the rows locked and skip them. The
poll looks at what is due now and not at which minutes there were: after an outage one run catches up, bounded by
each organisation's rate. Moments are instants: a clock that is put forward or back skips or repeats nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rung.runtime import Deadline, Entry
from rung.runtime.context import TENANT_HEADER
from rung.runtime.log import logger
from track.mails.writing import CHUNK
from track.resources import db, outgoing

BATCH = 5_000
#: The run ends before the next one begins.
RUN_SECONDS = 50.0

log = logger(__name__)

# $1 the first tenant to look at, $2 how many of it were taken in this run, $3 most rows.
# The tenants are found by jumping through the index; each may have so many as it sends in a minute.
CLAIM = """
with recursive tenants (tenant) as (
    (select tenant from dispatch where tenant >= $1 order by tenant limit 1)
    union all
    select (select d.tenant from dispatch d where d.tenant > t.tenant order by d.tenant limit 1)
      from tenants t where t.tenant is not null
), taken as materialized (
    select due.mail_id from tenants t
      join directory r on r.tenant = t.tenant and r.suspended_at is null
     cross join lateral (
        select mail_id from dispatch d where d.tenant = t.tenant and d.due_at <= now() order by d.due_at
         limit greatest(0, r.mails_per_minute - case when t.tenant = $1 then $2::integer else 0 end)
           for update skip locked
     ) due
     limit $3
)
delete from dispatch d using taken where d.mail_id = taken.mail_id returning d.tenant, d.lane, d.mail_id
"""


async def run() -> None:
    """Runs every minute."""
    deadline = Deadline.after(RUN_SECONDS)
    tenant, taken, total = "", 0, 0
    while deadline.remaining() > 0:
        rows = await claim(tenant, taken)
        if not rows:
            break
        last = max(row["tenant"] for row in rows)
        of_last = sum(row["tenant"] == last for row in rows)
        taken = of_last + (taken if last == tenant else 0)
        tenant, total = last, total + len(rows)
    if total:
        log.info("due mails queued", mails=total)


async def claim(tenant: str, taken: int) -> Sequence[Any]:
    """One batch from `tenant` on: out of `dispatch` and into the queue, or neither."""
    async with db.transaction(across_tenants=True) as connection:
        rows: Sequence[Any] = await connection.fetch(CLAIM, tenant, taken, BATCH)
        if rows:
            await outgoing.send_batch(_entries(rows), transaction=connection)
    return rows


def _entries(rows: Sequence[Any]) -> list[Entry]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        groups[row["tenant"], row["lane"]].append(str(row["mail_id"]))
    chunks = [
        (start, tenant, lane, ids[start : start + CHUNK])
        for (tenant, lane), ids in groups.items()
        for start in range(0, len(ids), CHUNK)
    ]
    # The first chunk of everybody before the second of anybody: nobody waits behind another's campaign.
    return [
        Entry(body={"kind": "mails", "mails": ids}, lane=lane, headers={TENANT_HEADER: tenant})
        for _, tenant, lane, ids in sorted(chunks, key=lambda chunk: (chunk[0], chunk[1]))
    ]
