"""Tenants take turns: a claim goes round them, instead of along the line in which the largest stands first.

A tenant that sends 100,000 messages at once waits for itself. Everybody else's next message is as near as there
are tenants with messages, not as there are messages. Each process remembers whose turn was last, so that turns go
on where they ended. Lanes keep their priority: turns are taken within a lane. Messages without a tenant take turns
as one tenant.

The next tenant is found by skipping along an index (a "loose index scan"), a look for each, however many messages
it has. That index costs every send a little, so it is made only where a queue is declared fair.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any, Protocol

from rung.runtime.context import TENANT_HEADER

#: Before every tenant's id, which begins with a letter or digit: messages of nobody.
NOBODY = "-"
_TENANT = f"""(coalesce(message.headers->>'{TENANT_HEADER}', '{NOBODY}') collate "C")"""

INDEX = f"""
create index if not exists message_fair on rung.message
    (queue, lane, {_TENANT.replace("message.", "")}, run_at, id)
"""

_NEXT = f"""
select {_TENANT} from rung.message
 where message.queue = $1 and message.lane = wanted.lane and {_TENANT} > {{after}}
   and message.run_at <= now() and message.leased_until <= now()
 order by {_TENANT} limit 1
"""  # noqa: S608 - composed of constants

# For each lane up to $4 tenants in turn, and an equal part of $4 messages of each. One transaction, one look.
CLAIM = f"""
with head as materialized (
    select due.id, due.after_loss, due.tenant
    from unnest($2::text[], $3::text[]) as wanted (lane, after)
    cross join lateral (
        with recursive turn (tenant, place) as (
            select ({_NEXT.format(after="wanted.after")}), 1
            union all
            select ({_NEXT.format(after="turn.tenant")}), turn.place + 1
            from turn where turn.tenant is not null and turn.place < $4::int
        ), here as (
            select array_agg(turn.tenant order by turn.tenant) as tenants, count(*) as number
            from turn where turn.tenant is not null
        )
        select one.id, one.after_loss, mine.tenant
        from here
        cross join lateral unnest(here.tenants) as mine (tenant)
        cross join lateral (
            select message.id, message.leased_until > '-infinity' as after_loss
            from rung.message
            where message.queue = $1 and message.lane = wanted.lane and {_TENANT} = mine.tenant
              and message.run_at <= now() and message.leased_until <= now()
            order by message.run_at, message.id
            limit greatest(1, $4::int / here.number)
            for update skip locked
        ) as one
        limit $4::int
    ) as due
    limit $4::int
)
update rung.message
set leased_until = now() + $5::float8 * interval '1 s', fence = (random() * 2147480000)::integer,
    receive_count = receive_count + 1
from head, (select set_config('synchronous_commit', 'off', true)) as unhurried
where message.id = head.id
returning message.id, message.fence, message.receive_count, message.lane, message.headers, message.body,
    message.sent_at, message.run_at, message.last_error, head.after_loss, head.tenant
"""  # noqa: S608 - composed of constants


class _Rows(Protocol):
    async def fetch(self, query: str, *arguments: Any) -> list[Any]: ...


class Turns:
    """Whose turn was last, by lane, in this process."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    async def claim(
        self, pool: _Rows, queue: str, lanes: Sequence[str], max_messages: int, visibility_timeout_seconds: float
    ) -> list[Any]:
        """Up to so many rows, in the order in which they should be handled: one of each tenant, then the next."""
        while True:
            after = [self._last.get(lane, "") for lane in lanes]
            rows = await pool.fetch(CLAIM, queue, list(lanes), after, max_messages, visibility_timeout_seconds)
            self._remember(lanes, rows, full=len(rows) >= max_messages)
            if rows or not any(after):
                return _in_turn(lanes, rows)

    def _remember(self, lanes: Sequence[str], rows: Sequence[Any], *, full: bool) -> None:
        """A lane that was not exhausted goes on behind its last tenant; any other begins anew."""
        for lane in lanes:
            served = [row["tenant"] for row in rows if row["lane"] == lane]
            if served and full:
                self._last[lane] = max(served)
            else:
                self._last.pop(lane, None)


def _in_turn(lanes: Sequence[str], rows: Sequence[Any]) -> list[Any]:
    position = {lane: index for index, lane in enumerate(lanes)}
    rounds: dict[tuple[str, str], count[int]] = {}
    in_line = sorted(rows, key=lambda row: (row["run_at"], row["id"]))
    placed = [
        (position[row["lane"]], next(rounds.setdefault((row["lane"], row["tenant"]), count())), row["tenant"], row)
        for row in in_line
    ]
    return [row for *_, row in sorted(placed, key=lambda each: each[:3])]
