"""All SQL of the Postgres queue, each statement with a name. `docs/adr/0005-queue-table.md` says why it is so."""

from __future__ import annotations

#: Two processes that install at once wait for each other here.
INSTALL_LOCK = "select pg_advisory_xact_lock(7318349394477056)"

# The hot table holds only live messages. Claiming changes no column of any index, and half of every page is left
# free for the second version of each row, so that a claim is a heap-only (HOT) update: no index is written.
# No foreign keys: they lock parents and make multixacts. Truncation would lock out every worker: off.
TABLES = """
create schema if not exists rung;
create sequence if not exists rung.message_id;
create table if not exists rung.message (
    id bigint not null default nextval('rung.message_id') primary key,
    run_at timestamptz not null default clock_timestamp(),
    leased_until timestamptz not null default '-infinity',
    sent_at timestamptz not null default clock_timestamp(),
    fence integer not null default 0,
    receive_count integer not null default 0,
    queue text collate "C" not null,
    lane text collate "C" not null,
    headers json not null,
    body bytea not null,
    last_error text
) with (
    fillfactor = 45,
    vacuum_truncate = off,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.2,
    toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_scale_factor = 0.01,
    toast.autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = off
);
create index if not exists message_due on rung.message (queue, lane, run_at, id);
create table if not exists rung.dead_letter (
    id bigint primary key,
    sent_at timestamptz not null,
    died_at timestamptz not null default clock_timestamp(),
    fence integer not null,
    attempts integer not null,
    queue text collate "C" not null,
    lane text collate "C" not null,
    headers json not null,
    body bytea not null,
    reason text not null,
    traceback text not null,
    origin text not null
);
create index if not exists dead_letter_newest on rung.dead_letter (queue, died_at);
create table if not exists rung.message_deduplication (
    message_id bigint not null,
    expires_at timestamptz not null,
    queue text collate "C" not null,
    deduplication_id text collate "C" not null,
    primary key (queue, deduplication_id)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index if not exists message_deduplication_expiry on rung.message_deduplication (expires_at);
"""

IS_INSTALLED = "select to_regclass('rung.message_deduplication') is not null"

#: {role} is quoted by the caller. Nothing here lets a serving role change or empty the tables.
GRANTS = """
grant usage on schema rung to {role};
grant usage on sequence rung.message_id to {role};
grant select, insert, update, delete on rung.message, rung.dead_letter, rung.message_deduplication to {role};
"""

SEND = """
insert into rung.message (queue, lane, run_at, headers, body)
values ($1, $2, clock_timestamp() + $3::float8 * interval '1 s', $4, $5)
returning id
"""


def send_clause(first: int) -> str:
    """SEND as a part of another statement; its parameters are numbered from `first`."""
    queue, lane, headers, body, delay = (f"${number}" for number in range(first, first + 5))
    return (
        "insert into rung.message (queue, lane, run_at, headers, body) "  # noqa: S608 - composed of numbers
        f"values ({queue}, {lane}, clock_timestamp() + {delay}::float8 * interval '1 s', {headers}, {body}) "
        "returning id"
    )


# A batch whose messages share lane, delay and headers: these travel once, and the headers are parsed once.
SEND_ALIKE = """
insert into rung.message (queue, lane, run_at, headers, body)
select $1, $2, clock_timestamp() + $3::float8 * interval '1 s', $4::json, entry.body
from unnest($5::bytea[]) with ordinality as entry (body, position)
order by entry.position
returning id
"""

SEND_BATCH = """
insert into rung.message (queue, lane, run_at, headers, body)
select $1, entry.lane, clock_timestamp() + entry.delay * interval '1 s', entry.headers::json, entry.body
from unnest($2::text[], $3::float8[], $4::text[], $5::bytea[]) with ordinality
    as entry (lane, delay, headers, body, position)
order by entry.position
returning id
"""

# A second sender of the same id waits for the first one's commit at the primary key, then sees its row.
SEND_ONCE = """
with guard as (
    insert into rung.message_deduplication as known (queue, deduplication_id, message_id, expires_at)
    values ($1, $6, nextval('rung.message_id'), now() + $7::float8 * interval '1 s')
    on conflict (queue, deduplication_id) do update
        set message_id = excluded.message_id, expires_at = excluded.expires_at
        where known.expires_at <= now()
    returning message_id
)
insert into rung.message (id, queue, lane, run_at, headers, body)
select message_id, $1, $2, clock_timestamp() + $3::float8 * interval '1 s', $4, $5 from guard
returning id
"""

DUPLICATE_OF = "select message_id from rung.message_deduplication where queue = $1 and deduplication_id = $2"

# Lanes in the order given; each is scanned from where its last claim ended ($3, $4), but never from later than $7
# seconds ago, so that a transaction that committed late is seen. The join is a nested loop: the limit stops it.
# A claim does not wait for the disk: a crash of the server can take back a lease of the last 0.6 s. The fence is
# drawn at random, so that the holder of such a lease is never taken for the next one.
CLAIM = """
with head as materialized (
    select due.id, due.after_loss
    from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as wanted (lane, floor_at, floor_id)
    cross join lateral (
        select message.id, message.leased_until > '-infinity' as after_loss
        from rung.message
        where message.queue = $1
          and message.lane = wanted.lane
          and (message.run_at, message.id)
              > (least(wanted.floor_at, now() - $7::float8 * interval '1 s'), wanted.floor_id)
          and message.run_at <= now()
          and message.leased_until <= now()
        order by message.run_at, message.id
        limit $5
        for update skip locked
    ) as due
    limit $5
)
update rung.message
set leased_until = now() + $6::float8 * interval '1 s', fence = (random() * 2147480000)::integer,
    receive_count = receive_count + 1
from head, (select set_config('synchronous_commit', 'off', true)) as unhurried
where message.id = head.id
returning message.id, message.fence, message.receive_count, message.lane, message.headers, message.body,
    message.sent_at, message.run_at, message.last_error, head.after_loss
"""

ACKNOWLEDGE = """
delete from rung.message
using unnest($1::bigint[], $2::integer[]) as held (id, fence)
where message.id = held.id and message.fence = held.fence
returning held.id, held.fence
"""

ACKNOWLEDGE_ONE = "delete from rung.message where id = $1 and fence = $2 returning id"

# A row that is locked is left alone and counts as held: its handler is about to commit `finished_in`. Waiting for
# that lock would let the other leases run out.
EXTEND = """
with held as (
    select message.id, message.fence
    from unnest($1::bigint[], $2::integer[]) as given (id, fence)
    join rung.message on message.id = given.id and message.fence = given.fence
), free as (
    select message.id
    from held join rung.message on message.id = held.id and message.fence = held.fence
    for update of message skip locked
), extended as (
    update rung.message set leased_until = now() + $3::float8 * interval '1 s'
    from free where message.id = free.id
)
select id, fence from held
"""

RETRY = """
update rung.message
set run_at = clock_timestamp() + $3::float8 * interval '1 s', leased_until = '-infinity', fence = fence + 1,
    last_error = $4
where id = $1 and fence = $2
returning id
"""

# Back to the state before the claim: what followed a lost lease ($3) still does, for whoever claims it next.
RELEASE = """
update rung.message
set leased_until = case when held.after_loss then now() else '-infinity' end,
    fence = message.fence + 1, receive_count = message.receive_count - 1
from (
    select given.*
    from unnest($1::bigint[], $2::integer[], $3::boolean[]) as given (id, fence, after_loss)
    join rung.message on message.id = given.id and message.fence = given.fence
    for update of message skip locked
) as held
where message.id = held.id
returning held.id, held.fence
"""

DEAD_LETTER = """
with gone as (delete from rung.message where id = $1 and fence = $2 returning *)
insert into rung.dead_letter
    (id, sent_at, fence, attempts, queue, lane, headers, body, reason, traceback, origin)
select id, sent_at, fence, $3, queue, lane, headers, body, $4, $5, $6 from gone
returning id
"""

EXPIRE = """
with late as (
    select id from rung.message
    where queue = $1 and lane = any($2::text[])
      and run_at < now() - $3::float8 * interval '1 s' and leased_until <= now()
    limit 1000
    for update skip locked
), gone as (delete from rung.message using late where message.id = late.id returning message.*)
insert into rung.dead_letter
    (id, sent_at, fence, attempts, queue, lane, headers, body, reason, traceback, origin)
select id, sent_at, fence, receive_count, queue, lane, headers, body, $4, coalesce(last_error, ''), $5 from gone
returning id
"""

FORGET_DEDUPLICATION = """
delete from rung.message_deduplication
where ctid = any (array(
    select ctid from rung.message_deduplication where expires_at <= now() limit $1 for update skip locked))
returning true
"""

STATISTICS = """
select lane,
    count(*) filter (where run_at <= now() and leased_until <= now()) as ready,
    count(*) filter (where leased_until > now()) as in_flight,
    count(*) filter (where run_at > now() and leased_until <= now()) as delayed,
    coalesce(extract(epoch from now() - min(run_at) filter (where run_at <= now() and leased_until <= now())), 0)
        ::float8 as oldest_age_seconds
from rung.message
where queue = $1
group by lane
"""

STATISTICS_DEAD = "select lane, count(*) as dead from rung.dead_letter where queue = $1 group by lane"

DEAD_LETTERS = """
select id, lane, body, headers, sent_at, died_at, attempts, reason, traceback, origin
from rung.dead_letter where queue = $1 order by died_at desc, id desc limit $2
"""

NOW = "select clock_timestamp()"

REDRIVE = """
with back as (
    delete from rung.dead_letter
    where ctid = any (array(
        select ctid from rung.dead_letter
        where queue = $1 and ($2::bigint[] is null or id = any ($2)) and died_at <= $4
        order by died_at, id limit $3 for update skip locked))
    returning *
)
insert into rung.message (id, sent_at, fence, queue, lane, headers, body)
select id, sent_at, fence + 1, queue, lane, headers, body from back
returning id
"""

NOTIFY = "select pg_notify($1, $2)"
