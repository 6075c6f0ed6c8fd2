"""All SQL of the bus on Postgres beside that of the queue, each statement with a name."""

from __future__ import annotations

#: Two processes that install at once wait for each other here.
INSTALL_LOCK = "select pg_advisory_xact_lock(7318349394477058)"

# Written once, read by a replay, deleted by age: ordered by the moment in which the router took the event.
TABLES = """
create table if not exists rung.event_archive (
    bus text collate "C" not null,
    at timestamptz not null default clock_timestamp(),
    id bigint not null,
    headers json not null,
    body bytea not null,
    primary key (bus, at, id)
);
"""
IS_INSTALLED = "select to_regclass('rung.event_archive') is not null"
#: {role} is quoted by the caller.
GRANTS = "grant select, insert, delete on rung.event_archive to {role};"

# One router at a time takes events of a bus, so that they keep their order; held until its transaction ends.
TAKE_TURN = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"

TAKE = """
with head as materialized (
    select id from rung.message
    where queue = $1 and lane = $2 and run_at <= now() and leased_until <= now()
    order by run_at, id
    limit $3
    for update skip locked
)
delete from rung.message using head where message.id = head.id
returning message.id, message.run_at, message.headers, message.body
"""

KEEP = """
insert into rung.event_archive (bus, id, headers, body)
select $1, kept.id, kept.headers::json, kept.body
from unnest($2::bigint[], $3::text[], $4::bytea[]) as kept (id, headers, body)
"""

# What has no dead-letter queue of its own is kept where `rung queue` shows it.
BURY = """
insert into rung.dead_letter (id, sent_at, fence, attempts, queue, lane, headers, body, reason, traceback, origin)
values (nextval('rung.message_id'), clock_timestamp(), 0, $7, $1, $2, $3, $4, $5, '', $6)
"""

FORGET = """
delete from rung.event_archive
where ctid = any (array(
    select ctid from rung.event_archive
    where bus = $1 and at < now() - $2::integer * interval '1 day'
    order by at limit $3))
"""

# $4 and $5: where the last page ended.
PAGE = """
select at, id, headers, body from rung.event_archive
where bus = $1 and at >= $2 and at < $3 and (at, id) > ($4, $5)
order by at, id limit $6
"""
COUNT = "select count(*) from rung.event_archive where bus = $1 and at >= $2 and at < $3"
NEWEST = "select at, id, headers, body from rung.event_archive where bus = $1 order by at desc, id desc limit $2"
