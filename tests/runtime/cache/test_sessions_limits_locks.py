"""Sessions end when they should and leave no token behind; limits hold over processes; locks fence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from rung.runtime.cache import RateLimit, RedisConnection, Sessions, lock, publish, subscribe
from rung.runtime.cache.sessions import MAX_SESSIONS_PER_USER
from rung.runtime.errors import OverloadedError, UnavailableError
from rung.testing import ManualClock


@pytest.fixture
async def connection(redis_url: str) -> AsyncIterator[RedisConnection]:
    it = RedisConnection(redis_url)
    yield it
    await it.close()


async def test_a_session_is_found_by_its_token_alone_and_redis_never_sees_it(connection: RedisConnection) -> None:
    sessions = Sessions(connection)
    session = await sessions.create(user="u-1", data={"cart": "c-1"})
    assert await sessions.read(session.token) == session
    assert await sessions.read(session.token + "x") is None
    assert session.token not in repr(session)
    stored = [
        key + (await connection.run("GET", key) or b"") for key in await connection.run("KEYS", "s:*:[0-9a-f]*")
    ]
    assert stored
    assert all(session.token.encode() not in text for text in stored)


async def test_login_rotates_the_token_and_keeps_the_data(connection: RedisConnection) -> None:
    sessions = Sessions(connection)
    guest = await sessions.create(data={"cart": "c-1"})
    user = await sessions.rotate(guest, user="u-1")
    assert await sessions.read(guest.token) is None
    found = await sessions.read(user.token)
    assert found is not None
    assert (found.user, found.data) == ("u-1", {"cart": "c-1"})


async def test_all_sessions_of_a_user_end_but_the_one_kept(connection: RedisConnection) -> None:
    sessions = Sessions(connection)
    ours = [await sessions.create(user="u-1") for _ in range(4)]
    other = await sessions.create(user="u-2")
    assert await sessions.revoke_all("u-1", keep=ours[0]) == 3
    alive = [await sessions.read(session.token) is not None for session in (*ours, other)]
    assert alive == [True, False, False, False, True]


async def test_use_prolongs_a_session_only_up_to_its_lifetime(redis_url: str) -> None:
    clock = ManualClock(datetime.now(UTC))
    connection = RedisConnection(redis_url, clock=clock)
    sessions = Sessions(connection, idle_seconds=60, lifetime_seconds=100)
    session = await sessions.create(user="u-1")
    key = next(k for k in await connection.run("KEYS", "s:*") if b"user:" not in k)
    await connection.run("PEXPIRE", key, 5_000)
    assert await sessions.read(session.token) is not None
    assert await connection.run("PTTL", key) > 55_000
    await clock.advance(101)
    assert await sessions.read(session.token) is None
    await connection.close()


async def test_a_session_that_ended_is_not_brought_back_by_a_write(connection: RedisConnection) -> None:
    sessions = Sessions(connection)
    session = await sessions.create(user="u-1")
    assert await sessions.write(session)
    await sessions.revoke(session)
    assert not await sessions.write(session)
    assert await sessions.read(session.token) is None


async def test_a_user_has_a_bounded_number_of_sessions(connection: RedisConnection) -> None:
    sessions = Sessions(connection)
    made = [await sessions.create(user="u-1") for _ in range(MAX_SESSIONS_PER_USER + 3)]
    alive = [await sessions.read(session.token) is not None for session in made]
    assert sum(alive) == MAX_SESSIONS_PER_USER
    assert alive[-1]


async def test_a_limit_lets_its_burst_through_and_says_when_to_come_back(connection: RedisConnection) -> None:
    limit = RateLimit(connection, "search", limit=5, per_seconds=60, when_away="allow")
    answers = [await limit.hit("u-1") for _ in range(7)]
    assert [answer.allowed for answer in answers] == [True] * 5 + [False] * 2
    assert [answer.remaining for answer in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert 6 < answers[-1].retry_after_seconds <= 12
    assert (await limit.hit("u-2")).allowed
    await limit.reset("u-1")
    assert (await limit.hit("u-1")).allowed


async def test_a_limit_holds_over_processes_and_gives_its_rate_back(redis_url: str) -> None:
    connections = [RedisConnection(redis_url) for _ in range(3)]
    limits = [RateLimit(each, "x", limit=10, per_seconds=10, when_away="refuse") for each in connections]
    answers = await asyncio.gather(*(limit.hit("k") for limit in limits * 20))
    assert sum(answer.allowed for answer in answers) in (10, 11)  # one more if this took a second
    wait = max(answer.retry_after_seconds for answer in answers)
    await asyncio.sleep(wait)
    assert (await limits[0].hit("k")).allowed
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize(("declared", "allowed"), [("allow", True), ("refuse", False)])
async def test_without_redis_a_limit_does_what_was_declared(declared: str, allowed: bool) -> None:
    connection = RedisConnection("redis://127.0.0.1:1/0")
    limit = RateLimit(connection, "x", limit=1, per_seconds=60, when_away=declared)  # type: ignore[arg-type]
    answers = [await limit.hit("k") for _ in range(5)]
    assert [(answer.allowed, answer.undecided) for answer in answers] == [(allowed, True)] * 5
    await connection.close()


async def test_one_holder_at_a_time_and_tokens_grow(connection: RedisConnection) -> None:
    tokens = []
    for _ in range(3):
        async with lock(connection, "stocktaking") as held:
            tokens.append(held.fencing_token)
            with pytest.raises(OverloadedError):
                async with lock(connection, "stocktaking", wait_seconds=0.03):
                    pass
    await connection.run("FLUSHALL")
    async with lock(connection, "stocktaking") as held:
        tokens.append(held.fencing_token)
    assert tokens == sorted(set(tokens))


async def test_a_waiter_gets_the_lock_when_it_is_freed(connection: RedisConnection) -> None:
    async def wait() -> int:
        async with lock(connection, "x", wait_seconds=5) as held:
            return held.fencing_token

    async with lock(connection, "x") as first:
        waiter = asyncio.create_task(wait())
        await asyncio.sleep(0)
    assert await waiter > first.fencing_token


async def test_a_holder_learns_that_it_lost_the_lock_and_frees_nobody_elses(connection: RedisConnection) -> None:
    async with lock(connection, "x", ttl_seconds=0.15) as held:
        await connection.run("SET", "l:cache:x", "somebody else")
        async with asyncio.timeout(3):
            while not held.lost:  # noqa: ASYNC110 - the renewal runs on the real clock
                await asyncio.sleep(0.01)
    assert await connection.run("GET", "l:cache:x") == b"somebody else"


async def test_messages_reach_every_listener_and_listeners_come_back(connection: RedisConnection) -> None:
    standing, gaps = asyncio.Event(), []
    messages = subscribe(connection, "news", on_listening=standing.set, on_gap=lambda: gaps.append(1))
    first = asyncio.create_task(anext(messages))
    await asyncio.wait_for(standing.wait(), 3)
    assert await publish(connection, "news", b"one") == 1
    assert (await asyncio.wait_for(first, 3)).data == b"one"
    standing.clear()
    second = asyncio.create_task(anext(messages))
    await connection.run("CLIENT", "KILL", "TYPE", "pubsub")
    await asyncio.wait_for(standing.wait(), 3)
    await publish(connection, "news", b"two")
    assert (await asyncio.wait_for(second, 3)).data == b"two"
    assert gaps == [1]
    await messages.aclose()


async def test_an_unknown_server_fails_at_once(connection: RedisConnection) -> None:
    away = RedisConnection("redis://127.0.0.1:1/0")
    with pytest.raises(UnavailableError):
        await Sessions(away).create()
    await away.close()


async def test_a_caller_cancelled_while_its_connection_is_looked_at_closes_it(
    connection: RedisConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connection.run("PING")
    ((idle, _),) = connection._pool._idle
    connection._pool._idle = [(idle, float("-inf"))]
    looking = asyncio.Event()

    async def look(*_: object) -> bool:
        looking.set()
        return await asyncio.Future()

    monkeypatch.setattr(idle, "can_read", look)
    asking = asyncio.create_task(connection.run("PING"))
    await looking.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert not idle.is_connected
    assert await connection.run("PING") == b"PONG"


async def test_a_connection_in_use_while_the_pool_is_closed_is_closed_after_its_call(redis_url: str) -> None:
    connection = RedisConnection(redis_url, timeout_seconds=5.0)
    calls = [asyncio.create_task(connection.run("BLPOP", f"empty-{number}", "0.1")) for number in range(3)]
    other = RedisConnection(redis_url)
    async with asyncio.timeout(5):
        while b"blocked_clients:3" not in await other.run("INFO", "clients"):
            pass
    await connection.close()
    assert await asyncio.gather(*calls) == [None] * 3
    assert connection._pool._idle == []
    await other.close()
