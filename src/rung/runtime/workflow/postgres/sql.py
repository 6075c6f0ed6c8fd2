"""All SQL of workflows, each statement with a name. `docs/adr/0019-workflow-engine.md` says why it is so."""

from __future__ import annotations

#: Two processes that install at once wait for each other here.
INSTALL_LOCK = "select pg_advisory_xact_lock(7318349394477057)"

# A claim changes no column of an index, so it is a heap-only update. No foreign keys: they lock their parents.
TABLES = """
create schema if not exists rung;
create table if not exists rung.workflow_run (
    number bigint generated always as identity primary key,
    created_at timestamptz not null default clock_timestamp(),
    wake_at timestamptz not null default clock_timestamp(),
    leased_until timestamptz not null default '-infinity',
    deadline_at timestamptz not null,
    ended_at timestamptz,
    parent bigint,
    fence integer not null default 0,
    signals integer not null default 0,
    losses integer not null default 0,
    loss_records integer not null default 0,
    workflow text collate "C" not null,
    id text collate "C" not null,
    version text collate "C",
    state text collate "C" not null default 'open',
    parent_path text collate "C",
    owner text,
    cancel_reason text,
    headers json not null,
    given text not null,
    output text,
    failure json,
    unique (workflow, id)
) with (
    fillfactor = 70, vacuum_truncate = off,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0
);
create index if not exists workflow_run_due on rung.workflow_run (workflow, wake_at) where ended_at is null;
create index if not exists workflow_run_ended on rung.workflow_run (ended_at) where ended_at is not null;
create index if not exists workflow_run_parent on rung.workflow_run (parent) where parent is not null;
create table if not exists rung.workflow_step (
    run bigint not null,
    kept_at timestamptz not null default clock_timestamp(),
    wake_at timestamptz,
    "order" integer not null,
    attempts integer not null,
    path text collate "C" not null,
    kind text collate "C" not null,
    state text collate "C" not null,
    name text not null,
    output text,
    failure json,
    primary key (run, path)
);
create table if not exists rung.workflow_signal (
    number bigint generated always as identity,
    run bigint not null,
    name text collate "C" not null,
    payload text not null,
    primary key (run, name, number)
);
create table if not exists rung.workflow_approval (
    token_hash bytea primary key,
    run bigint not null,
    path text collate "C" not null,
    name text not null,
    expires_at timestamptz not null,
    decided_at timestamptz,
    approved boolean
);
create index if not exists workflow_approval_run on rung.workflow_approval (run);
"""

IS_INSTALLED = "select to_regclass('rung.workflow_approval') is not null"

#: {role} is quoted by the caller. Nothing here lets a serving role change or empty the tables.
GRANTS = """
grant usage on schema rung to {role};
grant select, insert, update, delete
    on rung.workflow_run, rung.workflow_step, rung.workflow_signal, rung.workflow_approval to {role};
"""

# $6: seconds for which the starter itself holds the run; 0: whoever claims it.
START = """
insert into rung.workflow_run (workflow, id, given, headers, deadline_at, leased_until, fence, version, owner)
values ($1, $2, $3, $4::json, coalesce($5, now() + $8::float8 * interval '1 s'),
    case when $6::float8 > 0 then now() + $6 * interval '1 s' else '-infinity' end,
    case when $6 > 0 then 1 else 0 end, $7, $9)
on conflict (workflow, id) do nothing
returning number, created_at, deadline_at, now() as claimed_at
"""

CLAIM = """
with due as materialized (
    select found.number, found.after_loss
    from unnest($1::text[]) as wanted (workflow)
    cross join lateral (
        select run.number, run.leased_until > '-infinity' as after_loss
        from rung.workflow_run as run
        where run.workflow = wanted.workflow and run.ended_at is null
          and run.wake_at <= now() and run.leased_until <= now()
        order by run.wake_at
        limit $2
        for update skip locked
    ) as found
    limit $2
)
update rung.workflow_run as run
set leased_until = now() + $3::float8 * interval '1 s', fence = run.fence + 1, owner = $4,
    version = coalesce(run.version, ($5::text[])[array_position($1::text[], run.workflow)])
from due
where run.number = due.number
returning run.number, run.workflow, run.id, run.given, run.headers::text as headers, run.created_at,
    run.deadline_at, run.fence, run.version, run.signals, run.cancel_reason, run.losses, run.loss_records,
    now() as claimed_at, due.after_loss
"""

# Seconds since the run that has waited longest became due; 0: nobody waits.
OLDEST_DUE = """
select coalesce(extract(epoch from now() - min(greatest(run.wake_at, run.leased_until))), 0)::float8
from rung.workflow_run as run
where run.workflow = any($1::text[]) and run.ended_at is null
  and run.wake_at <= now() and run.leased_until <= now()
"""

LOAD = """
select run, path, name, kind, state, output, failure::text as failure, attempts, "order", wake_at
from rung.workflow_step where run = any($1::bigint[]) order by run, "order"
"""

_KEPT = """
kept as (
    insert into rung.workflow_step as step
        (run, path, name, kind, state, output, failure, attempts, "order", wake_at)
    select given.run, given.path, given.name, given.kind, given.state, given.output, given.failure::json,
        given.attempts, given."order", given.wake_at
    from unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::integer[], $10::integer[], $11::timestamptz[])
        as given (run, fence, path, name, kind, state, output, failure, attempts, "order", wake_at)
    join rung.workflow_run as run on run.number = given.run and run.fence = given.fence
    where run.ended_at is null
    on conflict (run, path) do update
    set state = excluded.state, output = excluded.output, failure = excluded.failure,
        attempts = excluded.attempts, "order" = excluded."order", wake_at = excluded.wake_at,
        kept_at = clock_timestamp()
    where step.state in ('waiting', 'retrying') and step.kind = excluded.kind and step.name = excluded.name
    returning run, path
)"""

# Records of several runs in one statement and one commit. Only who holds a run writes.
KEEP = f"with {_KEPT} select run, path from kept"  # noqa: S608 - composed of constants

KEEP_ONE = """
insert into rung.workflow_step as step (run, path, name, kind, state, output, failure, attempts, "order", wake_at)
select number, $3, $4, $5, $6, $7, $8::text::json, $9, $10, $11
from rung.workflow_run where number = $1 and fence = $2 and ended_at is null
on conflict (run, path) do update
set state = excluded.state, output = excluded.output, failure = excluded.failure, attempts = excluded.attempts,
    "order" = excluded."order", wake_at = excluded.wake_at, kept_at = clock_timestamp()
where step.state in ('waiting', 'retrying') and step.kind = excluded.kind and step.name = excluded.name
returning run, path
"""

# Records and ends of several runs as one. A run and its parent may end together: a row is changed once.
END = f"""
with {_KEPT},
given as (
    select * from unnest($12::bigint[], $13::integer[], $14::text[], $15::text[], $16::text[])
        as given (run, fence, state, output, failure)
), ended as (
    update rung.workflow_run as run
    set state = given.state, output = given.output, failure = given.failure::json, leased_until = '-infinity',
        ended_at = case when given.state = 'parked' then null else clock_timestamp() end,
        wake_at = case when given.state = 'parked' then 'infinity' else run.wake_at end
    from given
    where run.number = given.run and run.fence = given.fence and run.ended_at is null
    returning run.number, run.state, run.parent, run.parent_path, given.output, given.failure
), told as (
    insert into rung.workflow_signal (run, name, payload)
    select parent, 'child:' || parent_path,
        json_build_object('state', state, 'output', output::json, 'failure', failure::json)::text
    from ended where parent is not null and state <> 'parked'
), woken as (
    update rung.workflow_run as parent set wake_at = least(parent.wake_at, now()), signals = parent.signals + 1
    from ended
    where parent.number = ended.parent and parent.ended_at is null and parent.state = 'open'
      and ended.state <> 'parked' and not exists (select from given where given.run = parent.number)
)
select run, path, false as has_parent from kept
union all
select number, null, parent is not null from ended
"""  # noqa: S608 - composed of constants

# The fence grows when a run is given back too: a lease that is being extended at this moment must not hold it.
REST = """
update rung.workflow_run
set leased_until = '-infinity', fence = fence + 1,
    wake_at = case when signals > $3 then now() else least($4, deadline_at) end
where number = $1 and fence = $2 and ended_at is null
returning number
"""

RELEASE = """
update rung.workflow_run set leased_until = '-infinity', fence = workflow_run.fence + 1
from unnest($1::bigint[], $2::integer[]) as held (run, fence)
where number = held.run and workflow_run.fence = held.fence and ended_at is null
returning number
"""

EXTEND = """
update rung.workflow_run set leased_until = now() + $3::float8 * interval '1 s'
from unnest($1::bigint[], $2::integer[]) as held (run, fence)
where number = held.run and workflow_run.fence = held.fence and ended_at is null
returning number, signals, cancel_reason
"""

LOSS = (
    "update rung.workflow_run set losses = $3, loss_records = $4 where number = $1 and fence = $2 returning number"
)

TAKE = """
with oldest as (
    select run, name, number from rung.workflow_signal where run = $1 and name = $9 order by number limit 1
), taken as (
    delete from rung.workflow_signal as signal using oldest
    where signal.run = oldest.run and signal.name = oldest.name and signal.number = oldest.number
      and exists (select from rung.workflow_run where number = $1 and fence = $2 and ended_at is null)
    returning signal.payload
), kept as (
    insert into rung.workflow_step as step (run, path, name, kind, state, output, attempts, "order", wake_at)
    select $1, $3, $4, $5, 'done', taken.payload, $6, $7, $8 from taken
    on conflict (run, path) do update
    set state = excluded.state, output = excluded.output, "order" = excluded."order", kept_at = clock_timestamp()
    where step.state = 'waiting'
)
select run.signals, (select payload from taken) as payload
from rung.workflow_run as run where run.number = $1 and run.fence = $2 and run.ended_at is null
"""

START_CHILD = f"""
with kept as ({KEEP_ONE}), started as (
    insert into rung.workflow_run (workflow, id, given, headers, deadline_at, parent, parent_path)
    select $12, $13, $14, $15::text::json, $16::timestamptz, run, path from kept
    on conflict (workflow, id) do nothing
)
select run from kept
"""  # noqa: S608 - composed of constants

ASK = f"""
with kept as ({KEEP_ONE}), asked as (
    insert into rung.workflow_approval (token_hash, run, path, name, expires_at)
    select $12::bytea, run, path, $4::text, $11::timestamptz from kept
    on conflict (token_hash) do nothing
)
select run from kept
"""  # noqa: S608 - composed of constants

SIGNAL = """
with found as (
    update rung.workflow_run set wake_at = least(wake_at, now()), signals = signals + 1
    where workflow = $1 and id = $2 and ended_at is null and state = 'open'
    returning number
)
insert into rung.workflow_signal (run, name, payload) select number, $3, $4 from found returning run
"""

# The one statement by which a token is used: two clicks at once, and one of them finds it used.
DECIDE = """
with decided as (
    update rung.workflow_approval set decided_at = now(), approved = $2
    where token_hash = $1 and decided_at is null and expires_at > now()
      and exists (select from rung.workflow_run where number = run and ended_at is null)
    returning run, path
), told as (
    insert into rung.workflow_signal (run, name, payload)
    select run, 'approval:' || path, $3 from decided
)
update rung.workflow_run set wake_at = least(wake_at, now()), signals = signals + 1
from decided where number = decided.run
returning number
"""

APPROVAL = """
select approval.name, approval.expires_at, approval.decided_at, approval.approved, run.workflow, run.id,
    run.ended_at is not null as is_over, approval.expires_at <= now() as is_late
from rung.workflow_approval as approval join rung.workflow_run as run on run.number = approval.run
where token_hash = $1
"""

# A run and all that it started and that still goes on.
CANCEL = """
with recursive family as (
    select number from rung.workflow_run where workflow = $1 and id = $2 and ended_at is null
    union all
    select child.number from rung.workflow_run as child join family on child.parent = family.number
    where child.ended_at is null
)
update rung.workflow_run as run
set cancel_reason = coalesce(run.cancel_reason, $3), state = 'open', wake_at = now(), signals = run.signals + 1
from family where run.number = family.number
returning run.number
"""

VIEW = """
select number, workflow, id, version, given, output, failure::text as failure, created_at, deadline_at, ended_at,
    nullif(wake_at, 'infinity') as wake_at,
    case when state = 'open' and leased_until > now() then 'running'
         when state = 'open' then 'waiting' else state end as state
from rung.workflow_run
"""

# A question that is asked again is asked anew: its notice goes out once more, and its link decides once more.
RESUME = """
with found as (
    update rung.workflow_run
    set state = 'open', ended_at = null, output = null, failure = null, cancel_reason = null, wake_at = now(),
        leased_until = '-infinity', fence = fence + 1, losses = 0,
        deadline_at = greatest(deadline_at, now() + (deadline_at - created_at)),
        version = case when $4::bool then null else version end
    where workflow = $1 and id = $2 and state in ('failed', 'cancelled', 'parked')
    returning number
), dropped as (
    delete from rung.workflow_step as step using found
    where step.run = found.number and (
        step."order" >= $3
        or exists (
            select from rung.workflow_step as asked
            where asked.run = found.number and asked.kind = 'approval' and asked."order" >= $3
              and starts_with(step.path, asked.path || '.')
        )
    )
    returning step.run, step.path
), unasked as (
    delete from rung.workflow_approval as approval using dropped
    where approval.run = dropped.run and approval.path = dropped.path
), unheard as (
    delete from rung.workflow_signal as signal using dropped
    where signal.run = dropped.run and signal.name = 'approval:' || dropped.path
)
select number, (select count(*) from dropped) as dropped from found
"""

FORGET = """
with old as (
    select number from rung.workflow_run where ended_at < now() - $1::float8 * interval '1 s'
    order by ended_at limit 1000 for update skip locked
), steps as (delete from rung.workflow_step using old where run = old.number),
signals as (delete from rung.workflow_signal using old where run = old.number),
approvals as (delete from rung.workflow_approval using old where run = old.number)
delete from rung.workflow_run as run using old where run.number = old.number returning run.number
"""


VIEWS = f"""
select * from ({VIEW}) as run
where ($1::text is null or workflow = $1) and ($2::text is null or state = $2)
order by number desc limit $3
"""  # noqa: S608 - composed of constants
