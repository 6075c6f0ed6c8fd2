"""F20: events of Stripe, doubled, late, out of order, stale, edited and forged; each true one has one effect.

A storm of requests goes through the real endpoint and inbox into a real queue; handlers are run twice for some
messages, as after a lost lease. At the end every true event has had exactly one effect, every object is at its
latest version, and nothing of what was forged is anywhere. Two keys are good at first, and later only one.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
from tests.faults.soak import share_of

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import Message, PostgresQueue
from rung.runtime.webhooks import Inbox, StripeSignature
from rung.runtime.webhooks.stripe import sign_stripe

pytestmark = pytest.mark.fault

OLD_KEY, NEW_KEY = "whsec_old", "whsec_new"
_TABLES = """
create table effect (event text not null, amount bigint not null);
create table subscription (id text primary key, version bigint not null);
"""


@dataclass(frozen=True)
class Request:
    """One request of the storm. `is_true`: Stripe sent it, and not too long ago."""

    body: bytes
    header: str
    is_true: bool


def _event(identity: str, subscription: int, created: int, amount: int = 1) -> bytes:
    data = {"object": {"id": f"sub_{subscription}", "amount": amount}}
    return json.dumps({"id": identity, "created": created, "data": data}).encode()


def _forgeries(chance: Random, body: bytes, event: int, now: int) -> list[Request]:
    """What somebody without the secret can make of a true event, and what somebody who overheard it can."""
    good = sign_stripe(NEW_KEY, body, now)
    stolen = good.partition("v1=")[2]
    edited = body.replace(b'"amount": 1', b'"amount": 1000000')
    invented = _event(f"evt_forged_{event}", chance.randrange(10), now, 1_000_000)
    made = [
        (edited, good),
        (body.replace(b"evt_", b"evt_forged_"), good),
        (invented, sign_stripe("whsec_guess", invented, now)),
        (invented, sign_stripe("", invented, now)),
        (invented, f"t={now},v0={stolen}"),
        (body, f"t={now + 1},v1={stolen}"),
        (body, sign_stripe(NEW_KEY, body, now - 301)),
        (body, sign_stripe(NEW_KEY, body, now + 900)),
        (invented, f"t={now},v1={stolen},v1={'0' * 64}"),
        (body + b" ", good),
    ]
    return [Request(*each, is_true=False) for each in chance.sample(made, chance.randint(0, 2))]


def _storm(chance: Random, size: int) -> tuple[list[Request], dict[str, int], dict[str, int]]:
    """`size` requests in a wild order, the true events with their versions, each subscription's last version."""
    now = int(time.time())
    requests: list[Request] = []
    latest: dict[str, int] = {}
    events: dict[str, int] = {}
    while len(requests) < size:
        number, subscription = len(events), chance.randrange(10)
        body = _event(f"evt_{number}", subscription, 1_000_000 + number)
        events[f"evt_{number}"] = 1_000_000 + number
        latest[f"sub_{subscription}"] = 1_000_000 + number
        for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
            key = chance.choice((OLD_KEY, NEW_KEY))
            requests.append(Request(body, sign_stripe(key, body, now - chance.randrange(0, 60)), is_true=True))
        requests += _forgeries(chance, body, number, now)
    chance.shuffle(requests)
    return requests, events, latest


class Shop:
    """Takes the storm, and handles what comes of it."""

    def __init__(self, database: Database, queue: PostgresQueue) -> None:
        self.database, self.queue = database, queue
        self.keys = [NEW_KEY, OLD_KEY]
        self.inbox = Inbox(database, queue, source="stripe")
        self.endpoint = self.inbox.endpoint(StripeSignature(lambda: self.keys))

    async def post(self, request: Request) -> int:
        """The status of the answer."""
        sent: list[dict[str, object]] = []
        events = [{"type": "http.request", "body": request.body, "more_body": False}]

        async def receive() -> dict[str, object]:
            return events.pop()  # type: ignore[return-value]

        async def send(event: object) -> None:
            sent.append(event)  # type: ignore[arg-type]

        headers = [(b"stripe-signature", request.header.encode())]
        await self.endpoint({"type": "http", "method": "POST", "headers": headers}, receive, send)
        return int(sent[0]["status"])  # type: ignore[call-overload]

    async def handle(self, message: Message) -> None:
        """A handler as the how-to shows it."""
        event = message.json()
        thing = event["data"]["object"]
        async with self.database.transaction() as connection:
            if not await self.inbox.apply_once(message, connection):
                return
            await connection.execute("insert into effect values ($1, $2)", event["id"], thing["amount"])
            if await self.inbox.apply_if_newer(connection, thing["id"], event["created"]):
                await connection.execute(
                    "insert into subscription values ($1, $2) "
                    "on conflict (id) do update set version = excluded.version",
                    thing["id"],
                    event["created"],
                )

    async def work(self, chance: Random) -> int:
        """Handle everything; some messages twice at the same moment. How many messages."""
        count = 0
        while messages := await self.queue.receive(max_messages=50):
            chance.shuffle(messages)
            doubled = [message for message in messages if chance.random() < 0.3]
            await asyncio.gather(*(self.handle(message) for message in [*messages, *doubled]))
            await self.queue.acknowledge(messages)
            count += len(messages)
        return count


@pytest.fixture
async def shop(postgres_url: str) -> AsyncIterator[Shop]:
    database, queue = Database.from_url(postgres_url), PostgresQueue("stripe", QueueBinding(url=postgres_url))
    await database.execute(_TABLES)
    await queue.statistics()
    yield Shop(database, queue)
    await queue.close()
    await database.close()


async def _post_all(shop: Shop, requests: list[Request]) -> Counter[tuple[bool, int]]:
    """Sixteen at once; how many were answered how, by whether they were true."""
    answers: Counter[tuple[bool, int]] = Counter()
    left = iter(requests)

    async def sender() -> None:
        for request in left:
            answers[request.is_true, await shop.post(request)] += 1

    await asyncio.gather(*(sender() for _ in range(16)))
    return answers


async def _storm_has_one_effect_each(shop: Shop, size: int, seed: int) -> None:
    print(f"seed {seed}")
    chance = Random(seed)
    requests, events, latest = _storm(chance, size)
    answers = await _post_all(shop, requests)
    true = sum(request.is_true for request in requests)
    assert answers == {(True, 200): true, (False, 400): len(requests) - true}
    assert await shop.work(chance) == len(events)
    assert await _effects(shop) == dict.fromkeys(events, 1)
    rows = await shop.database.fetch("select id, version from subscription")
    assert {row["id"]: row["version"] for row in rows} == latest
    await _replayed(shop, chance, requests, events)


async def _replayed(shop: Shop, chance: Random, requests: list[Request], events: dict[str, int]) -> None:
    """A key is withdrawn, and somebody sends all of it again: still one effect each, and none of the old key."""
    shop.keys.remove(OLD_KEY)
    some = chance.sample(requests, min(len(requests), 200))
    true = [request for request in some if request.is_true]
    answers = await _post_all(shop, true)
    assert {status for _, status in answers} == {200, 400}
    assert await shop.work(chance) == 0
    assert await _effects(shop) == dict.fromkeys(events, 1)


async def _effects(shop: Shop) -> dict[str, int]:
    rows = await shop.database.fetch(
        "select event, count(*) as times, max(amount) as most from effect group by event"
    )
    assert all(row["most"] == 1 for row in rows), "a forged amount was applied"
    return {row["event"]: row["times"] for row in rows}


async def test_thousand_events(shop: Shop) -> None:
    await _storm_has_one_effect_each(shop, 1_000, seed=20)


@pytest.mark.soak
async def test_ten_thousand_events(shop: Shop) -> None:
    await _storm_has_one_effect_each(shop, share_of(10_000), seed=int(time.time()))
