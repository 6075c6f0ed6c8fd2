"""The statements of webhooks that go out, each with a name. `tenant_id` is `*` where there is no tenant."""

from __future__ import annotations

_ENDPOINT = "tenant_id, id::text, url, scheme, kinds, created_at, failing_since, disabled_at, disabled_reason"

REGISTER = f"""
insert into rung.webhook_endpoint (tenant_id, url, scheme, kinds, likes, created_at)
values ($1, $2, $3, $4, $5, $6)
returning {_ENDPOINT}
"""  # noqa: S608 - composed of constants
ENDPOINTS = f"select {_ENDPOINT} from rung.webhook_endpoint where tenant_id = $1 order by created_at, id"  # noqa: S608 - composed of constants
ENDPOINT = f"select {_ENDPOINT} from rung.webhook_endpoint where tenant_id = $1 and id = $2::uuid"  # noqa: S608 - composed of constants
DISABLE = f"""
update rung.webhook_endpoint
set disabled_at = coalesce(disabled_at, $3), disabled_reason = coalesce(disabled_reason, $4)
where tenant_id = $1 and id = $2::uuid
returning {_ENDPOINT}
"""  # noqa: S608 - composed of constants
ENABLE = f"""
update rung.webhook_endpoint set disabled_at = null, disabled_reason = null, failing_since = null
where tenant_id = $1 and id = $2::uuid
returning {_ENDPOINT}
"""  # noqa: S608 - composed of constants
# In one statement, so that no delivery is left without its endpoint.
REMOVE = """
with gone as (delete from rung.webhook_endpoint where tenant_id = $1 and id = $2::uuid returning id),
keys as (delete from rung.webhook_key where tenant_id = $1 and endpoint = $2::uuid),
stopped as (
    update rung.webhook_delivery set status = 'cancelled', ended_at = $3, next_at = null
    where tenant_id = $1 and endpoint = $2::uuid and status = 'pending'
)
select true from gone
"""

ADD_KEY = """
insert into rung.webhook_key (tenant_id, endpoint, created_at, secret) values ($1, $2::uuid, $3, $4)
"""
EXPIRE_KEYS = """
update rung.webhook_key set expires_at = least(expires_at, $3) where tenant_id = $1 and endpoint = $2::uuid
"""
KEYS = "select endpoint::text, secret from rung.webhook_key where tenant_id = $1 order by 1, created_at for update"
# Whoever else does it now, or has done it, leaves nothing to do: nobody waits, so two never wait for each other.
RESEAL_KEY = """
update rung.webhook_key set secret = $4
where (tenant_id, endpoint, created_at) in (
    select tenant_id, endpoint, created_at from rung.webhook_key
    where tenant_id = $1 and endpoint = $2::uuid and secret = $3
    for update skip locked
)
"""
FORGET_KEYS = "delete from rung.webhook_key where tenant_id = $1 and endpoint = $2::uuid and expires_at <= $3"

# What we tell an endpoint about endpoints (`webhook.*`) goes to those that ask for it by name.
PUBLISH = """
with wanted as materialized (
    select id from rung.webhook_endpoint
    where tenant_id = $1 and disabled_at is null
        and exists (
            select from unnest(likes) as pattern
            where $3 like pattern and ($3 not like 'webhook.%' or pattern like 'webhook.%')
        )
), event as (
    insert into rung.webhook_event (tenant_id, id, kind, body, created_at)
    select $1, $2, $3, $4, $5 where exists (select from wanted)
    on conflict do nothing
    returning id
)
insert into rung.webhook_delivery (tenant_id, event, endpoint, created_at, next_at)
select $1, event.id, wanted.id, $5, $5 from event cross join wanted
returning id
"""

_DELIVERY = """
select d.tenant_id, d.id, d.endpoint::text, d.event, e.kind, d.status, d.created_at, d.next_at, d.ended_at,
    coalesce((
        select array_agg(row (a.attempt, a.at, a.duration_ms, a.status, a.error, a.answer) order by a.attempt)
        from rung.webhook_attempt a where a.tenant_id = d.tenant_id and a.delivery = d.id
    ), '{}') as attempts
from rung.webhook_delivery d join rung.webhook_event e on e.tenant_id = d.tenant_id and e.id = d.event
"""
LOG = f"""{_DELIVERY}
where d.tenant_id = $1 and d.endpoint = $2::uuid and ($3::text is null or d.status = $3)
order by d.created_at desc, d.id desc limit $4
"""
DELIVERY = f"{_DELIVERY} where d.tenant_id = $1 and d.id = $2"

RESEND = """
update rung.webhook_delivery set status = 'pending', ended_at = null, next_at = $3
where tenant_id = $1 and id = $2
returning id, attempts
"""
RESEND_SINCE = """
update rung.webhook_delivery set status = 'pending', ended_at = null, next_at = $5
where tenant_id = $1 and id in (
    select id from rung.webhook_delivery
    where tenant_id = $1 and endpoint = $2::uuid and created_at >= $3 and id > $4
        and status = any ($6::text[])
    order by id limit $7
)
returning id, attempts
"""

FORGET = """
with old as (
    select id, event from rung.webhook_delivery
    where tenant_id = $1 and status <> 'pending' and ended_at < $2 limit 10000
), attempts as (
    delete from rung.webhook_attempt where tenant_id = $1 and delivery in (select id from old)
), gone as (
    delete from rung.webhook_delivery where tenant_id = $1 and id in (select id from old) returning id, event
), events as (
    delete from rung.webhook_event e where e.tenant_id = $1 and e.id in (select event from gone)
        and not exists (
            select from rung.webhook_delivery d
            where d.tenant_id = $1 and d.event = e.id and d.id not in (select id from old)
        )
)
select id from gone
"""

# Delivering: many deliveries at once, of several tenants.

READ = """
select wanted.position, d.attempts, d.status, d.event, v.kind, v.body,
    e.id::text as endpoint, e.url,
    e.disabled_at is not null as is_disabled, e.failing_since is not null as is_failing,
    array(
        select k.secret from rung.webhook_key k
        where k.tenant_id = d.tenant_id and k.endpoint = d.endpoint and k.expires_at > $3
        order by k.created_at desc
    ) as secrets
from unnest($1::text[], $2::bigint[]) with ordinality as wanted (tenant, id, position)
join rung.webhook_delivery d on d.tenant_id = wanted.tenant and d.id = wanted.id
join rung.webhook_event v on v.tenant_id = d.tenant_id and v.id = d.event
left join rung.webhook_endpoint e on e.tenant_id = d.tenant_id and e.id = d.endpoint
"""

# A delivery that somebody else has tried meanwhile has another number of attempts: then nothing is written.
RECORD = """
with given as (
    select * from unnest(
        $1::text[], $2::bigint[], $3::int[], $4::text[], $5::timestamptz[], $6::float8[], $7::int[], $8::text[],
        $9::bytea[]
    ) as given (tenant, id, sequence, status, next_at, duration_ms, code, error, answer)
), done as (
    update rung.webhook_delivery d
    set attempts = d.attempts + 1, status = given.status, next_at = given.next_at,
        ended_at = case when given.status = 'pending' then null else $10::timestamptz end
    from given
    where d.tenant_id = given.tenant and d.id = given.id and d.attempts = given.sequence and d.status = 'pending'
    returning d.tenant_id, d.id, d.attempts, given.duration_ms, given.code, given.error, given.answer
), logged as (
    insert into rung.webhook_attempt (tenant_id, delivery, attempt, at, duration_ms, status, error, answer)
    select tenant_id, id, attempts, $10, duration_ms, code, error, answer from done
)
select tenant_id, id from done
"""
CANCEL = """
update rung.webhook_delivery set status = 'cancelled', ended_at = $3, next_at = null
where tenant_id = $1 and id = $2 and status = 'pending'
"""
HEAL = """
update rung.webhook_endpoint set failing_since = null
where (tenant_id, id) in (select * from unnest($1::text[], $2::uuid[])) and failing_since is not null
"""
# Locked in one order, so that two deliverers never wait for each other; touched only where something changes.
FAIL = """
with given as (
    select tenant, id, bool_or(gone) as gone
    from unnest($1::text[], $2::uuid[], $3::bool[]) as given (tenant, id, gone) group by 1, 2
), locked as (
    select e.tenant_id, e.id, given.gone
    from rung.webhook_endpoint e join given on e.tenant_id = given.tenant and e.id = given.id
    where e.disabled_at is null and (e.failing_since is null or given.gone or e.failing_since <= $5)
    order by e.tenant_id, e.id
    for no key update of e
)
update rung.webhook_endpoint e
set failing_since = coalesce(e.failing_since, $4),
    disabled_at = case when locked.gone or e.failing_since <= $5 then $4 end,
    disabled_reason = case when locked.gone then 'gone' when e.failing_since <= $5 then 'failing' end
from locked
where e.tenant_id = locked.tenant_id and e.id = locked.id
returning e.tenant_id, e.id::text, e.url, e.disabled_reason
"""
