"""The inbox: an event and its message are one transaction, once; a handler applies it once, and in order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.runtime.webhooks.conftest import received

from rung.runtime.bindings import QueueBinding
from rung.runtime.database.database import Database
from rung.runtime.queue import PostgresQueue
from rung.runtime.webhooks import Inbox, Verified, WebhookError, install_webhooks
from rung.runtime.webhooks.inbox import event_id_of

BODY = b'{ "id":"evt_1",\t"n": 1.0 }'


def _verified(identity: str = "evt_1", body: bytes = BODY) -> Verified:
    return Verified(id=identity, timestamp=1_700_000_000, payload=body)


@pytest.fixture
async def inbox(database: Database, queue: PostgresQueue) -> Inbox:
    await queue.statistics()  # its tables are there
    return Inbox(database, queue, source="stripe")


async def test_kept_once_and_sent_once(inbox: Inbox, queue: PostgresQueue, database: Database) -> None:
    """The body goes through byte for byte; the second time it is known, and nothing is sent."""
    assert await inbox.accept(_verified())
    assert not await inbox.accept(_verified())
    (message,) = await received(queue)
    assert message.body == BODY
    assert event_id_of(message) == "evt_1"
    assert (message.headers["webhook-source"], message.headers["webhook-timestamp"]) == ("stripe", "1700000000")
    assert await database.fetch_value("select body from rung.webhook_received") == BODY
    assert await Inbox(database, queue, source="other").accept(_verified())


async def test_concurrent_duplicates_have_one_effect(inbox: Inbox, queue: PostgresQueue) -> None:
    taken = await asyncio.gather(*(inbox.accept(_verified()) for _ in range(4)))
    assert sorted(taken) == [False, False, False, True]
    assert len(await received(queue)) == 1


async def test_nothing_is_kept_that_could_not_be_sent(
    inbox: Inbox, queue: PostgresQueue, database: Database
) -> None:
    """A body that no queue takes leaves no row: its repetition must not look like a duplicate."""
    with pytest.raises(Exception, match="R0501"):
        await inbox.accept(_verified(body=b"x" * 300_000))
    assert await database.fetch_value("select count(*) from rung.webhook_received") == 0
    assert await inbox.accept(_verified())
    assert len(await received(queue)) == 1


async def test_apply_once(inbox: Inbox, queue: PostgresQueue, database: Database) -> None:
    """The first handler in, and no other, until a replay; one that rolled back has not applied it."""
    await inbox.accept(_verified())
    (message,) = await received(queue)

    async def fail_after_applying() -> None:
        async with database.transaction() as connection:
            assert await inbox.apply_once(message, connection)
            raise RuntimeError("the handler fails")

    with pytest.raises(RuntimeError):
        await fail_after_applying()
    for expected in (True, False):
        async with database.transaction() as connection:
            assert await inbox.apply_once(message, connection) is expected
    assert await inbox.replay(["evt_1"]) == 1
    async with database.transaction() as connection:
        assert await inbox.apply_once(message, connection)


async def test_apply_if_newer(inbox: Inbox, database: Database) -> None:
    """Later events win whatever order they come in; equal ones are applied; objects do not touch each other."""
    async with database.transaction() as connection:
        order = [("sub_1", 5), ("sub_1", 4), ("sub_2", 1), ("sub_1", 5), ("sub_1", 6), ("sub_1", 5)]
        # The table is there once something was accepted.
        await inbox.plan_replay(since=datetime.now(UTC))
        taken = [await inbox.apply_if_newer(connection, thing, version) for thing, version in order]
    assert taken == [True, False, True, True, True, False]


async def test_replay_since(inbox: Inbox, queue: PostgresQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that came in since then, the oldest first, more than one batch; the plan says the same number before."""
    began = datetime.now(UTC) - timedelta(seconds=5)
    for number in range(7):
        await inbox.accept(_verified(f"evt_{number}", b"%d" % number))
    assert len(await received(queue)) == 7
    plan = await inbox.plan_replay(since=began)
    assert (plan.events, plan.applied, plan.queue) == (7, 0, "hooks")
    monkeypatch.setattr("rung.runtime.webhooks.inbox.REPLAY_BATCH", 3)
    assert await inbox.replay(since=began) == 7
    assert [message.body for message in await received(queue)] == [b"%d" % number for number in range(7)]
    assert await inbox.replay(since=datetime.now(UTC) + timedelta(hours=1)) == 0
    assert await inbox.replay(["unknown"]) == 0
    with pytest.raises(WebhookError, match="R0546"):
        await inbox.replay()


async def test_forget(inbox: Inbox, database: Database) -> None:
    await inbox.accept(_verified())
    assert await inbox.forget(older_than_seconds=60) == 0
    await database.execute("update rung.webhook_received set received_at = now() - interval '1 hour'")
    assert await inbox.forget(older_than_seconds=60) == 1
    assert await inbox.accept(_verified())


async def test_role_that_may_not_create(postgres_url: str) -> None:
    """The serving role is told what is missing; with the grants it needs nothing more."""
    owner = await asyncpg.connect(postgres_url)
    name = f"serving_{postgres_url.rsplit('_', 1)[-1]}"
    await owner.execute(f"create role {name} login password 'x'")
    parts = urlsplit(postgres_url)
    url = parts._replace(netloc=f"{name}:x@{parts.netloc.rpartition('@')[2]}").geturl()
    serving = Database.from_url(url, pool_size=1)
    queue = PostgresQueue("hooks", QueueBinding(url=url))
    try:
        inbox = Inbox(serving, queue, source="stripe")
        with pytest.raises(WebhookError, match="R0540"):
            await inbox.accept(_verified())
        from rung.runtime.queue import install_queue

        await install_queue(owner, roles=[name])
        await install_webhooks(owner, roles=[name])
        await install_webhooks(owner, roles=[name])
        assert await inbox.accept(_verified())
    finally:
        await queue.close()
        await serving.close()
        await owner.execute(f"drop owned by {name}; drop role {name}")
        await owner.close()
