"""All SQL of the outbox, which lies in the queue tables of an application's database."""

from __future__ import annotations

#: Names this database among all that could be an outbox: part of the ids of what passes through it.
IDENTITY = """
select system_identifier || '/' || (select oid from pg_database where datname = current_database())
from pg_control_system()
"""

#: One relay at a time, whatever process it is in. Given back when its transaction ends, also with its process.
TRY_LOCK = "select pg_try_advisory_xact_lock($1)"
LOCK = "select pg_advisory_xact_lock($1)"

# In a statement after the lock's: a new snapshot, which sees what the relay before has marked.
TAKE = """
select due.id, due.lane, due.headers, due.body, due.sent_at
from unnest($2::text[]) with ordinality as wanted (lane, position)
cross join lateral (
    select message.id, message.lane, message.headers, message.body, message.sent_at, message.run_at
    from rung.message
    where message.queue = $1 and message.lane = wanted.lane and message.run_at <= now()
      and message.lane || '/' || coalesce(message.headers ->> $3, '') <> all ($4::text[])
    order by message.run_at, message.id
    limit $5
) as due
order by wanted.position, due.run_at, due.id
limit $5
"""

MARK = "delete from rung.message where id = any ($1::bigint[])"

NEXT_SECONDS = """
select extract(epoch from min(first.run_at) - clock_timestamp())::float8
from unnest($2::text[]) as wanted (lane)
cross join lateral (
    select message.run_at from rung.message
    where message.queue = $1 and message.lane = wanted.lane and message.run_at > now()
    order by message.run_at, message.id
    limit 1
) as first
"""

NOTE = """
insert into rung.message_deduplication (queue, deduplication_id, message_id, expires_at)
values ($1, $2, 0, clock_timestamp() + $3::float8 * interval '1 s')
on conflict (queue, deduplication_id) do nothing
returning true
"""

NOTED = """
select deduplication_id from rung.message_deduplication where queue = $1 and deduplication_id = any($2::text[])
"""
