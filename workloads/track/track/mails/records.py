"""What senders read and write: claims, outcomes, mails put back for later. A few statements for many mails."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from track.hooks import publish
from track.identifiers import new_id
from track.mails.provider import Failed, Outcome, Refused, Sent, Unknown
from track.resources import db

ATTEMPTS_MAX = 8
RETRY_SECONDS = 60.0
RETRY_SECONDS_MAX = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A mail that is ours to send. `was_sending`: somebody began before us, and did not say what became of it."""

    id: uuid.UUID
    letter_id: uuid.UUID
    recipient: str
    variables: str
    attempts: int
    was_sending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A mail that the poll takes again after a while. Not an attempt: the rate was full, nothing was tried."""

    id: uuid.UUID
    after: timedelta
    reason: str
    is_attempt: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The new state of a mail, as one row of the statement that records them all."""

    id: uuid.UUID
    state: str
    provider_id: str | None = None
    error: str | None = None
    after: timedelta | None = None
    is_attempt: bool = True


CLAIM = """
with mine as materialized (
    select m.id, m.state = 'sending' as was_sending,
           exists (select from suppressions s join letters l on l.id = m.letter_id
                    where s.email = m.recipient and (l.kind = 'campaign' or s.reason <> 'unsubscribe')) as stopped
      from mails m where m.id = any($1::uuid[]) and m.state in ('pending', 'queued', 'sending')
       for update of m
), changed as (
    update mails m set state = case when mine.stopped then 'suppressed' else 'sending' end,
                       attempts = m.attempts + 1, attempt_at = now()
      from mine where m.id = mine.id
    returning m.id, m.letter_id, m.recipient, m.variables::text as variables, m.attempts::integer as attempts,
              mine.was_sending, mine.stopped
)
select id, letter_id, recipient, variables, attempts, was_sending from changed where not stopped
"""

RECORD = """
with given as (
    select * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::interval[], $7::smallint[])
        as g(id, state, provider_id, error, after, untried)
), changed as (
    update mails m set state = g.state, provider_id = coalesce(g.provider_id, m.provider_id), error = g.error,
                       sent_at = case when g.state = 'sent' then now() else m.sent_at end,
                       attempts = m.attempts - g.untried
      from given g where m.id = g.id and m.state in ('pending', 'queued', 'sending')
    returning m.id, m.letter_id, g.after
)
insert into dispatch (mail_id, tenant, lane, due_at)
select c.id, $1, l.kind, now() + c.after from changed c join letters l on l.id = c.letter_id
 where c.after is not null
on conflict (mail_id) do nothing
"""


async def rate_of(tenant: str) -> int | None:
    """How many mails a minute an organisation sends; None while it is suspended, or gone."""
    rate: int | None = await db.fetch_value(
        "select mails_per_minute from directory where tenant = $1 and suspended_at is null", tenant
    )
    return rate


async def claim(mails: Sequence[uuid.UUID]) -> list[Claimed]:
    """Take those of the mails that are still to be sent, and leave out addresses that are not written to."""
    return [Claimed(**dict(row)) for row in await db.fetch(CLAIM, list(mails))]


async def record(tenant: str, outcomes: Sequence[tuple[Claimed, Outcome]], later: Sequence[Later]) -> None:
    """Write down what became of each, in one transaction; what is to be tried again waits for the poll."""
    changes = [_change(mail, outcome) for mail, outcome in outcomes] + [_postponed(each) for each in later]
    bounced = [(mail, outcome) for mail, outcome in outcomes if isinstance(outcome, Refused) and outcome.bounced]
    async with db.transaction(tenant=tenant) as connection:
        await _write(connection, tenant, changes)
        if bounced:
            await connection.execute(
                """insert into suppressions (tenant_id, email, reason) select $1, unnest($2::text[]), 'bounce'
                   on conflict do nothing""",
                tenant, sorted({mail.recipient for mail, _ in bounced}),
            )  # fmt: skip
        failures = [each for each in changes if each.error]
        if failures:
            await connection.execute(
                """insert into mail_events (tenant_id, id, mail_id, kind, detail)
                   select $1, unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::text[]), unnest($5::text[])""",
                tenant, [new_id() for _ in failures], [each.id for each in failures],
                ["retry" if each.state == "pending" else each.state for each in failures],
                [each.error for each in failures],
            )  # fmt: skip
        for mail, change in zip((mail for mail, _ in outcomes), changes, strict=False):
            if change.state in ("bounced", "failed"):
                data = {"mail_id": str(mail.id), "recipient": mail.recipient, "reason": change.error}
                await publish(connection, tenant, f"mail.{change.state}", data)


async def put_back(tenant: str, later: Sequence[Later], *, keep: bool) -> None:
    """The rate is full: let the poll take them again. A suspended organisation's wait until it is not (`keep`)."""
    changes = [_Change(id=each.id, state="pending", after=each.after, is_attempt=True) for each in later]
    if not keep:
        changes = [_Change(id=each.id, state="pending", after=timedelta(hours=1)) for each in later]
    async with db.transaction(tenant=tenant) as connection:
        await _write(connection, tenant, changes)


async def _write(connection: object, tenant: str, changes: Sequence[_Change]) -> None:
    await connection.execute(  # type: ignore[attr-defined]
        RECORD, tenant,
        [each.id for each in changes], [each.state for each in changes], [each.provider_id for each in changes],
        [each.error for each in changes], [each.after for each in changes],
        [0 if each.is_attempt else 1 for each in changes],
    )  # fmt: skip


def _postponed(later: Later) -> _Change:
    return _Change(
        id=later.id, state="pending", error=later.reason or None, after=later.after, is_attempt=later.is_attempt
    )


def _change(mail: Claimed, outcome: Outcome) -> _Change:
    match outcome:
        case Sent():
            return _Change(id=mail.id, state="sent", provider_id=outcome.provider_id)
        case Refused(bounced=True):
            return _Change(id=mail.id, state="bounced", error=outcome.reason)
        case Refused():
            return _Change(id=mail.id, state="failed", error=outcome.reason)
        case Failed() | Unknown() if mail.attempts >= ATTEMPTS_MAX:
            return _Change(id=mail.id, state="failed", error=f"given up: {outcome.reason}")
        case Failed():
            return _Change(id=mail.id, state="pending", error=outcome.reason, after=_backoff(mail.attempts))
        case Unknown():
            # It stays in `sending`: only who knows what it means may try again.
            return _Change(id=mail.id, state="sending", error=outcome.reason, after=_backoff(mail.attempts))
        case _:
            assert_never(outcome)


def _backoff(attempts: int) -> timedelta:
    """Full jitter over a bound that doubles (Brooker, "Exponential Backoff And Jitter", AWS, 2015)."""
    bound = min(RETRY_SECONDS_MAX, RETRY_SECONDS * 2 ** min(attempts, 10))
    return timedelta(seconds=random.uniform(0.0, bound))
