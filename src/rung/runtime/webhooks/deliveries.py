"""Webhooks that go out: published in the caller's transaction, delivered by a worker, seen in a log.

`publish` writes the event, one delivery per endpoint that wants it and one message per delivery, all in one
transaction: an event exists exactly when what it tells about does. The worker of the queue is
`rung.runtime.webhooks.deliver:deliver`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rung.runtime.context import Tenant
from rung.runtime.errors import TenantError
from rung.runtime.queue import Entry
from rung.runtime.webhooks import deliveries_sql as sql
from rung.runtime.webhooks.endpoints import Endpoints, checked_kind, key_of, tenant_of, turn_of
from rung.runtime.webhooks.errors import INVALID, UNSENDABLE, WebhookError
from rung.runtime.webhooks.records import Attempt, Delivery, DeliveryStatus, Endpoint, Event, Job

#: What Standard Webhooks recommends a body to have at most.
PAYLOAD_BYTES_MAX = 20_000
RESEND_BATCH = 500
_ENCODER = msgspec.json.Encoder()
_SETTING = "select coalesce(current_setting('app.tenant_id', true), '')"
_SET = "select set_config('app.tenant_id', $1, true)"


class Deliveries(Endpoints):
    """The webhooks that this workload sends, kept in `database` and carried by `queue`."""

    async def publish(
        self,
        tenant: Tenant | str | None,
        kind: str,
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 - it is the webhook's id
        transaction: Any = None,
    ) -> str:
        """Send an event to every endpoint of the tenant that wants its kind; the event's id (`webhook-id`).

        Inside `transaction` it exists exactly when that commits. `id`: the caller's own; published again it does
        nothing. A body over 20 kB is sent thin: its ids alone. Raises WebhookError (R0543, R0545), and TenantError
        when the transaction is another tenant's.
        """
        checked_kind(kind)
        identity = _checked_id(id)
        if transaction is None:
            async with self._within(tenant) as connection:
                await self.publish_on(connection, key_of(tenant), kind, data, identity)
            return identity
        await self._installed.ensure()
        owner = key_of(tenant)
        found = await transaction.fetchval(_SETTING)
        borrowed = tenant is not None and not found
        if borrowed:
            await transaction.fetchval(_SET, owner)
        elif found not in ("", owner):
            raise TenantError(f"the transaction is of tenant {found[:40]!r}, the event of {owner!r}")
        try:
            await self.publish_on(transaction, owner, kind, data, identity)
        finally:
            if borrowed:  # also for a caller that goes on after a refusal: what follows is for no tenant again
                with suppress(Exception):
                    await transaction.fetchval(_SET, "")
        return identity

    async def publish_on(
        self, connection: Any, owner: str, kind: str, data: Mapping[str, Any], identity: str | None = None
    ) -> None:
        """`publish` on a connection that may write rows of `owner` (the column's value)."""
        now = self._clock.now()
        body = encode_event(kind, data, now)
        rows = await connection.fetch(sql.PUBLISH, owner, identity or _checked_id(None), kind, body, now)
        jobs = [Job(database=self._database.name, tenant=owner, delivery=row["id"]) for row in rows]
        await self._send([(job, 0.0) for job in jobs], connection)

    async def _send(self, jobs: Sequence[tuple[Job, float]], connection: Any) -> None:
        entries = [
            Entry(body=_ENCODER.encode(job), delay_seconds=delay, headers=turn_of(job.tenant))
            for job, delay in jobs
        ]
        if not entries:
            return
        for result in await self._queue.send_batch(entries, transaction=connection):
            if result.error is not None:
                raise WebhookError(INVALID, f"the delivery was not queued: {result.error}")

    # Looking, and sending again

    async def log(
        self, endpoint: Endpoint, *, status: DeliveryStatus | None = None, limit: int = 100
    ) -> list[Delivery]:
        """The endpoint's newest deliveries with their attempts; `status`: only such ones."""
        async with self._within(endpoint.tenant) as connection:
            rows = await connection.fetch(sql.LOG, key_of(endpoint.tenant), endpoint.id, status, limit)
        return [_delivery(row) for row in rows]

    async def delivery(self, tenant: Tenant | str | None, identity: str) -> Delivery | None:
        """One of the tenant's deliveries; None where it has no such one."""
        if not (identity.isascii() and identity.isdecimal()) or len(identity) > 18:
            return None
        async with self._within(tenant) as connection:
            row = await connection.fetchrow(sql.DELIVERY, key_of(tenant), int(identity))
        return None if row is None else _delivery(row)

    async def resend(self, delivery: Delivery) -> bool:
        """Try it again now, with the plan of retries from its beginning. False: it was forgotten."""
        owner = key_of(delivery.tenant)
        async with self._within(delivery.tenant) as connection:
            row = await connection.fetchrow(sql.RESEND, owner, int(delivery.id), self._clock.now())
            if row is not None:
                await self._send([(self._again(owner, row), 0.0)], connection)
        return row is not None

    async def resend_since(self, endpoint: Endpoint, since: datetime, *, everything: bool = False) -> int:
        """Try again what was published since then and did not arrive, or `everything`; how many.

        In batches, each of one transaction, the oldest first.
        """
        owner, after, total = key_of(endpoint.tenant), 0, 0
        wanted = ["failed", "cancelled", "pending", *(["succeeded"] if everything else [])]
        while True:
            async with self._within(endpoint.tenant) as connection:
                choice = (owner, endpoint.id, since, after, self._clock.now(), wanted, RESEND_BATCH)
                rows = sorted(await connection.fetch(sql.RESEND_SINCE, *choice), key=lambda row: row["id"])
                await self._send([(self._again(owner, row), 0.0) for row in rows], connection)
            if not rows:
                return total
            total, after = total + len(rows), rows[-1]["id"]

    def _again(self, owner: str, row: Any) -> Job:
        return Job(database=self._database.name, tenant=owner, delivery=row["id"], sequence=row["attempts"])

    async def forget(self, tenant: Tenant | str | None, *, older_than_seconds: float) -> int:
        """Delete deliveries that ended longer ago, with attempts and events, at most 10,000; how many."""
        before = self._clock.now() - timedelta(seconds=older_than_seconds)
        async with self._within(tenant) as connection:
            return len(await connection.fetch(sql.FORGET, key_of(tenant), before))


def encode_event(kind: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """The body of a webhook: `type`, `timestamp`, `data`; thin when it would be over 20 kB.

    Thin: of `data`, what is named `id` or `..._id`, for the receiver to ask for the rest. Raises WebhookError
    (R0545) when even that is too large, or JSON cannot say it.
    """
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        body = _ENCODER.encode(Event(type=kind, timestamp=stamp, data=data))
        if len(body) > PAYLOAD_BYTES_MAX:
            ids = {name: value for name, value in data.items() if name == "id" or name.endswith("_id")}
            body = _ENCODER.encode(Event(type=kind, timestamp=stamp, data=ids, thin=True))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise WebhookError(UNSENDABLE, f"the data of {kind!r} is no JSON: {error}") from error
    if len(body) > PAYLOAD_BYTES_MAX:
        raise WebhookError(
            UNSENDABLE, f"the ids alone of {kind!r} have {len(body)} bytes; {PAYLOAD_BYTES_MAX} are allowed"
        )
    return body


def _checked_id(given: str | None) -> str:
    """The id of an event: it is signed between dots, so it has none. Raises WebhookError (R0543)."""
    if given is None:
        return f"msg_{secrets.token_hex(16)}"
    if not 0 < len(given) <= 128 or not given.isascii() or not given.isprintable() or {".", " "} & set(given):
        raise WebhookError(INVALID, f"{given[:80]!r} is no id of an event: 1 to 128 ASCII characters without dots")
    return given


def _delivery(row: Any) -> Delivery:
    values = dict(row)
    attempts = tuple(Attempt(**dict(zip(_ATTEMPT, each, strict=True))) for each in values.pop("attempts"))
    tenant, identity = tenant_of(values.pop("tenant_id")), str(values.pop("id"))
    return Delivery(tenant=tenant, id=identity, attempts=attempts, **values)


_ATTEMPT = ("number", "at", "duration_ms", "status", "error", "answer")
