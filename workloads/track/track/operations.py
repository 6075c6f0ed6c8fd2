"""How an organisation's mail is doing: what waits, how long it takes, what fails."""

from __future__ import annotations

from track import hooks
from track.api.messages import Output
from track.resources import db, outgoing


class OperationsReport(Output, frozen=True, kw_only=True):
    """Seconds and counts of this moment; `latency` and `failed` are of the last hour.

    `queue_ready` and `queue_oldest_seconds` are of the whole platform's queue: what every organisation shares.
    """

    pending: int
    oldest_pending_seconds: float
    sending: int
    sent_last_hour: int
    failed_last_hour: int
    latency_p50_seconds: float | None
    latency_p99_seconds: float | None
    queue_ready: int
    queue_dead: int
    queue_oldest_seconds: float | None
    webhooks_failing: int
    webhooks_disabled: int
    webhook_failures: int


WAITING = """
select count(*) filter (where state = 'pending' and send_at <= now()) as pending,
       coalesce(extract(epoch from now() - min(send_at) filter (where state = 'pending' and send_at <= now())), 0)
           ::float8 as oldest_pending_seconds,
       count(*) filter (where state in ('queued', 'sending')) as sending
  from mails where state in ('pending', 'queued', 'sending')
"""
LAST_HOUR = """
select count(*) filter (where state in ('sent', 'complained')) as sent_last_hour,
       count(*) filter (where state in ('failed', 'bounced')) as failed_last_hour,
       percentile_cont(0.5) within group (order by extract(epoch from sent_at - send_at))
           filter (where sent_at is not null) as latency_p50_seconds,
       percentile_cont(0.99) within group (order by extract(epoch from sent_at - send_at))
           filter (where sent_at is not null) as latency_p99_seconds
  from mails where attempt_at > now() - interval '1 hour' and state in ('sent', 'failed', 'bounced', 'complained')
"""


async def report(tenant: str) -> OperationsReport:
    """The current organisation's."""
    waiting, last_hour = await db.fetch_row(WAITING), await db.fetch_row(LAST_HOUR)
    assert waiting is not None
    assert last_hour is not None
    statistics = await outgoing.statistics()
    endpoints = await hooks.deliveries.list(tenant)
    failures = [len(await hooks.deliveries.log(each, status="failed")) for each in endpoints]
    return OperationsReport(
        **dict(waiting),
        **dict(last_hour),
        queue_ready=statistics.ready,
        queue_dead=statistics.dead,
        queue_oldest_seconds=statistics.oldest_age_seconds,
        webhooks_failing=sum(each.failing_since is not None for each in endpoints),
        webhooks_disabled=sum(each.disabled_at is not None for each in endpoints),
        webhook_failures=sum(failures),
    )
