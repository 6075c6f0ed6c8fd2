"""One attempt after the other: read, sign, post, record. Many at once, and no endpoint in the way of another."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.context import Tenant
from rung.runtime.database.database import Database
from rung.runtime.errors import TenantError
from rung.runtime.queue import Message, Queue, Reject
from rung.runtime.text import keepable
from rung.runtime.webhooks.deliveries import Deliveries
from rung.runtime.webhooks.errors import LOCKED, AddressRefusedError, WebhookError
from rung.runtime.webhooks.guard import Policy, Resolve, checked_url, guarded_client, system_resolve
from rung.runtime.webhooks.plan import retry_after
from rung.runtime.webhooks.policy import policy_of_environment
from rung.runtime.webhooks.recording import Ended, Outcome, Recorder, Work, ended
from rung.runtime.webhooks.records import Job
from rung.runtime.webhooks.schema import NOBODY
from rung.runtime.webhooks.sealing import Keyring, keyring_of_process
from rung.runtime.webhooks.standard import ID, SIGNATURE, TIMESTAMP, sign
from rung.runtime.webhooks.together import Together

if TYPE_CHECKING:
    import aiohttp

#: Within what Standard Webhooks recommends (15 to 30 s), and below a worker's deadline of 25 s.
TIMEOUT_SECONDS = 20.0
ANSWER_BYTES_KEPT = 1024
#: An answer that is no longer is read to its end, so that the connection can be used again.
ANSWER_BYTES_READ = 16 * 1024
#: Attempts at one endpoint at once; an endpoint that fails gets few, so that its timeouts fill no worker.
PER_ENDPOINT, PER_FAILING_ENDPOINT = 50, 2
#: What finds its endpoint busy looks again within so long at first, and at last.
DEFER_SECONDS, DEFER_SECONDS_MAX = 2.0, 300.0
USER_AGENT = "rung-webhooks/1"


class Deliverer:
    """Delivers what the messages of one queue name. `deliver` is a worker's handler."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        policy: Policy | None = None,
        resolve: Resolve = system_resolve,
        timeout_seconds: float = TIMEOUT_SECONDS,
        randomness: Random | None = None,
        clock: Clock = SYSTEM_CLOCK,
        keyring: Callable[[], Keyring] = keyring_of_process,
        **client_options: Any,
    ) -> None:
        self._queue = queue
        self._policy = policy or policy_of_environment()
        self._timeout_seconds = timeout_seconds
        self._random = randomness or Random()
        self._clock = clock
        self._session = guarded_client(
            self._policy, resolve=resolve, timeout_seconds=timeout_seconds, **client_options
        )
        deliveries = Deliveries(database, queue, policy=self._policy, clock=clock, keyring=keyring)
        recorder = Recorder(database, queue, deliveries, clock, keyring)
        self._reads: Together[Job, Work | None] = Together(recorder.read)
        self._records: Together[Ended, None] = Together(recorder.record)
        self._in_flight: Counter[str] = Counter()

    async def deliver(self, message: Message) -> None:
        """One attempt. Whatever the receiver does is an outcome and is recorded; the message is then done."""
        job = decode_job(message)
        work = await self._reads.ask(job)
        if work is None:
            return
        allowed = PER_FAILING_ENDPOINT if work.is_failing else PER_ENDPOINT
        if self._in_flight[work.endpoint] >= allowed:
            await self._defer(job, message.lane)
            return
        self._in_flight[work.endpoint] += 1
        try:
            outcome = await self._attempt(work)
        finally:
            self._in_flight[work.endpoint] -= 1
            if not self._in_flight[work.endpoint]:
                del self._in_flight[work.endpoint]
        await self._records.ask(ended(work, outcome, self._random))

    async def _defer(self, job: Job, lane: str) -> None:
        """Look again later, each time twice as late: thousands that wait for one endpoint keep nobody busy."""
        longest = min(DEFER_SECONDS_MAX, DEFER_SECONDS * 2.0 ** min(job.deferred, 16))
        later = msgspec.structs.replace(job, deferred=job.deferred + 1)
        delay = self._random.uniform(longest / 4, longest)
        await self._queue.send(msgspec.json.encode(later), lane=lane, delay_seconds=delay)

    async def _attempt(self, work: Work) -> Outcome:
        """Post once. Raises nothing that the receiver, the network or the name has caused."""
        import aiohttp

        began = time.perf_counter()
        try:
            checked_url(work.url, self._policy)
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(work, began)
        except AddressRefusedError as error:
            return _failure(began, str(error))
        except TimeoutError:
            return _failure(began, f"no answer in {self._timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError, WebhookError) as error:
            return _failure(began, f"{type(error).__name__}: {error}")

    async def _post(self, work: Work, began: float) -> Outcome:
        if work.locked:
            raise WebhookError(LOCKED, work.locked)
        headers = self._headers(work)
        async with self._session.post(work.url, data=work.body, headers=headers, allow_redirects=False) as answer:
            kept = await _first_bytes(answer)
            asked = retry_after(answer.status, answer.headers.get("Retry-After"), self._clock.now())
            return Outcome(status=answer.status, duration_ms=_since(began), answer=kept, retry_after_seconds=asked)

    def _headers(self, work: Work) -> dict[str, str]:
        now = int(self._clock.now().timestamp())
        return {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            ID: work.event,
            TIMESTAMP: str(now),
            SIGNATURE: sign(work.secrets, work.event, now, work.body),
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def decode_job(message: Message) -> Job:
    """What a message asks for. Raises Reject for any other message: it can never succeed."""
    try:
        job = msgspec.json.decode(message.body, type=Job)
        if job.tenant != NOBODY:
            Tenant(job.tenant)
    except (msgspec.MsgspecError, UnicodeDecodeError, TenantError) as error:
        raise Reject(f"not a delivery of a webhook: {error}") from error
    return job


async def _first_bytes(answer: aiohttp.ClientResponse) -> bytes:
    """The first KiB; a long answer is not read to its end, and its connection is closed."""
    kept, read = b"", 0
    while read < ANSWER_BYTES_READ:
        chunk = await answer.content.read(ANSWER_BYTES_READ - read)
        if not chunk:
            return kept
        kept, read = (kept + chunk)[:ANSWER_BYTES_KEPT], read + len(chunk)
    answer.close()
    return kept


def _failure(began: float, error: str) -> Outcome:
    return Outcome(status=None, duration_ms=_since(began), error=keepable(error.replace("\x00", ""))[:500])


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
