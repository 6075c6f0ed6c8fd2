"""The statements of the inbox, each with a name."""

from __future__ import annotations

KEEP = """
insert into rung.webhook_received (source, id, queue, lane, signed_at, body) values ($1, $2, $3, $4, $5, $6)
on conflict (source, id) do nothing
returning true
"""

APPLY_ONCE = """
update rung.webhook_received set applied_at = clock_timestamp()
where source = $1 and id = $2 and applied_at is null
returning true
"""

# The row's lock makes two handlers of one object take turns; the later version wins whoever comes first.
APPLY_IF_NEWER = """
insert into rung.webhook_object as known (source, object, version) values ($1, $2, $3)
on conflict (source, object) do update set version = excluded.version where known.version <= excluded.version
returning true
"""

_CHOSEN = """
source = $1 and ($2::text[] is null or id = any ($2))
    and ($3::timestamptz is null or received_at >= $3) and received_at <= $4
"""

PLAN = f"""
select count(*) as events, count(applied_at) as applied, min(received_at) as first_at, max(received_at) as last_at
from rung.webhook_received where {_CHOSEN}
"""  # noqa: S608 - composed of constants

AGAIN = f"""
update rung.webhook_received set applied_at = null, replays = replays + 1
where (source, id) in (
    select source, id from rung.webhook_received
    where {_CHOSEN} and (received_at, id) > ($5, $6)
    order by received_at, id limit $7
)
returning id, received_at, signed_at, lane, body
"""  # noqa: S608 - composed of constants

#: Where events of a source went last.
QUEUE_OF = """
select queue, lane from rung.webhook_received where source = $1 order by received_at desc limit 1
"""

FORGET = """
delete from rung.webhook_received where (source, id) in (
    select source, id from rung.webhook_received
    where source = $1 and received_at < now() - $2::float8 * interval '1 s'
    order by received_at limit 10000
)
returning true
"""
