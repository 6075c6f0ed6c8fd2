"""What became of many attempts at once, written in one transaction together with the messages of the next ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from rung.runtime.clock import Clock
from rung.runtime.database.database import Database
from rung.runtime.log import logger
from rung.runtime.queue import Entry, Queue
from rung.runtime.webhooks import deliveries_sql as sql
from rung.runtime.webhooks.deliveries import Deliveries
from rung.runtime.webhooks.endpoints import tenant_of, turn_of
from rung.runtime.webhooks.errors import WebhookError
from rung.runtime.webhooks.plan import GONE, delay_seconds, is_success
from rung.runtime.webhooks.records import Job
from rung.runtime.webhooks.sealing import Keyring, keyring_of_process

#: An endpoint to which nothing was delivered for so long is switched off.
FAILING_SECONDS_MAX = 5 * 86_400.0
ENDPOINT_DISABLED, DELIVERY_EXHAUSTED = "webhook.endpoint.disabled", "webhook.delivery.exhausted"

log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A delivery that is due: what is sent, where, and signed with which keys (the newest first)."""

    job: Job
    event: str
    kind: str
    body: bytes
    endpoint: str
    url: str
    is_failing: bool
    secrets: tuple[str, ...]
    #: Why none of its keys can be used; empty when one can.
    locked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attempt met: a status, or an error where there was no answer. `answer`: its first KiB."""

    status: int | None
    duration_ms: float
    error: str | None = None
    answer: bytes = b""
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt with what follows from it: a next one after `delay_seconds`, or none."""

    work: Work
    outcome: Outcome
    delay_seconds: float | None

    @property
    def status(self) -> str:
        """What the delivery is now."""
        if is_success(self.outcome.status):
            return "succeeded"
        return "failed" if self.delay_seconds is None else "pending"


def ended(work: Work, outcome: Outcome, randomness: Random) -> Ended:
    """What follows from an outcome: nothing after success or 410, else the plan of retries."""
    delay = None
    if not is_success(outcome.status) and outcome.status != GONE:
        delay = delay_seconds(work.job.step, randomness, retry_after_seconds=outcome.retry_after_seconds)
    return Ended(work=work, outcome=outcome, delay_seconds=delay)


class Recorder:
    """Reads and writes deliveries of several tenants at once: names them, and sees those and no others."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        deliveries: Deliveries,
        clock: Clock,
        keyring: Callable[[], Keyring] = keyring_of_process,
    ) -> None:
        self._database = database
        self._queue = queue
        self._deliveries = deliveries
        self._clock = clock
        self._keyring = keyring

    async def read(self, jobs: Sequence[Job]) -> list[Work | None]:
        """What is to be sent; None where there is nothing any more: sent already, forgotten, endpoint gone."""
        keyring = self._keyring()
        tenants, ids = [job.tenant for job in jobs], [job.delivery for job in jobs]
        async with self._transaction(tenants) as connection:
            rows = await connection.fetch(sql.READ, tenants, ids, self._clock.now())
            works: list[Work | None] = [None] * len(jobs)
            for row in rows:
                job = jobs[row["position"] - 1]
                if row["status"] != "pending" or row["attempts"] != job.sequence:
                    continue
                if row["endpoint"] is None or row["is_disabled"]:
                    await connection.execute(sql.CANCEL, job.tenant, job.delivery, self._clock.now())
                    continue
                works[row["position"] - 1] = await _opened(connection, keyring, job, row)
        return works

    async def record(self, results: Sequence[Ended]) -> list[None]:
        """Write attempts, their effect on endpoints, and the messages of the next attempts: all or nothing."""
        now = self._clock.now()
        async with self._transaction([each.work.job.tenant for each in results]) as connection:
            rows = await connection.fetch(sql.RECORD, *_columns(results, now), now)
            written = {(row["tenant_id"], row["id"]) for row in rows}
            fresh = [each for each in results if (each.work.job.tenant, each.work.job.delivery) in written]
            await self._heal(connection, fresh)
            await self._fail(connection, fresh, now)
            await self._retry(connection, fresh)
        return [None] * len(results)

    async def _heal(self, connection: Any, results: Iterable[Ended]) -> None:
        healed = {_place(each) for each in results if each.status == "succeeded" and each.work.is_failing}
        if healed:
            await connection.execute(sql.HEAL, *_unzipped(sorted(healed)))

    async def _fail(self, connection: Any, results: Iterable[Ended], now: Any) -> None:
        failures = [each for each in results if each.status != "succeeded"]
        if not failures:
            return
        gone = [each.outcome.status == GONE for each in failures]
        longest = now - timedelta(seconds=FAILING_SECONDS_MAX)
        places = _unzipped([_place(each) for each in failures])
        for row in await connection.fetch(sql.FAIL, *places, gone, now, longest):
            if row["disabled_reason"] is not None:
                await self._disabled(connection, row)
        for each in failures:
            if each.status == "failed" and not each.work.kind.startswith("webhook."):
                await self._exhausted(connection, each)

    async def _disabled(self, connection: Any, row: Any) -> None:
        log.error(
            "webhook endpoint disabled",
            code="R0544",
            endpoint=row["id"],
            owner=tenant_of(row["tenant_id"]),
            reason=row["disabled_reason"],
        )
        data = {"endpoint_id": row["id"], "url": row["url"], "reason": row["disabled_reason"]}
        await self._deliveries.publish_on(connection, row["tenant_id"], ENDPOINT_DISABLED, data)

    async def _exhausted(self, connection: Any, each: Ended) -> None:
        work = each.work
        log.warning(
            "webhook delivery given up", endpoint=work.endpoint, delivery=work.job.delivery, kind=work.kind
        )
        data = {"endpoint_id": work.endpoint, "event_id": work.event, "type": work.kind}
        await self._deliveries.publish_on(connection, work.job.tenant, DELIVERY_EXHAUSTED, data)

    async def _retry(self, connection: Any, results: Iterable[Ended]) -> None:
        entries = [_next(each.work.job, each.delay_seconds) for each in results if each.delay_seconds is not None]
        if entries:
            await self._queue.send_batch(entries, transaction=connection)

    @asynccontextmanager
    async def _transaction(self, tenants: Iterable[str]) -> AsyncIterator[Any]:
        async with self._database.transaction(across_tenants=True) as connection:
            # Tenant ids hold no quote and no comma, and the text leaves nothing in the session: it is local.
            names = ",".join(sorted(set(tenants)))
            await connection.command(f"select set_config('app.tenant_id', '{names}', true)")
            yield connection


async def _opened(connection: Any, keyring: Keyring, job: Job, row: Any) -> Work:
    """With its keys opened; what lies in clear or under an older key is encrypted anew."""
    secrets: list[str] = []
    locked = ""
    for stored in row["secrets"]:
        try:
            secret = keyring.open(stored, job.tenant, row["endpoint"])
        except WebhookError as error:
            locked = str(error).removeprefix(f"{error.code}: ")
            log.error("a signing key cannot be opened", code=error.code, endpoint=row["endpoint"])
            continue
        secrets.append(secret)
        if not keyring.is_current(stored):
            fresh = keyring.seal(secret, job.tenant, row["endpoint"])
            await connection.execute(sql.RESEAL_KEY, job.tenant, row["endpoint"], stored, fresh)
    return _work(job, row, tuple(secrets), "" if secrets else locked)


def _work(job: Job, row: Any, secrets: tuple[str, ...], locked: str) -> Work:
    return Work(
        job=job,
        event=row["event"],
        kind=row["kind"],
        body=row["body"],
        endpoint=row["endpoint"],
        url=row["url"],
        is_failing=row["is_failing"],
        secrets=secrets,
        locked=locked,
    )


def _columns(results: Sequence[Ended], now: Any) -> tuple[list[Any], ...]:
    rows = [
        (
            each.work.job.tenant,
            each.work.job.delivery,
            each.work.job.sequence,
            each.status,
            None if each.delay_seconds is None else now + timedelta(seconds=each.delay_seconds),
            each.outcome.duration_ms,
            each.outcome.status,
            each.outcome.error,
            each.outcome.answer,
        )
        for each in results
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))


def _place(each: Ended) -> tuple[str, str]:
    return each.work.job.tenant, each.work.endpoint


def _unzipped(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _next(job: Job, delay: float) -> Entry:
    following = msgspec.structs.replace(job, sequence=job.sequence + 1, step=job.step + 1, deferred=0)
    return Entry(body=msgspec.json.encode(following), delay_seconds=delay, headers=turn_of(job.tenant))
