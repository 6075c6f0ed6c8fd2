"""Passwords change while a process runs, and no request fails for it: the database's and the cache's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis.asyncio
from tests.aws.emulator import Emulator

from rung.local.redis import RedisServer
from rung.runtime.bindings import CacheBinding, PostgresBinding, QueueBinding
from rung.runtime.cache.connection import RedisConnection
from rung.runtime.cache.credentials import credentials_of
from rung.runtime.database.database import Database
from rung.runtime.errors import UnavailableError
from rung.runtime.queue import PostgresQueue

ROLE = "rotating_app"


class Rotation:
    """A role of the database, its secret, and the steps of a rotation as AWS's own function takes them."""

    def __init__(self, admin: asyncpg.Connection, emulator: Emulator, url: str) -> None:
        self.admin = admin
        self.manager = emulator.client("secretsmanager")
        host = urlsplit(url)
        self.url = f"postgresql://{host.hostname}:{host.port}{host.path}"
        self.arn = self.manager.create_secret(Name=f"login{host.path}", SecretString=self.text("first"))["ARN"]

    @staticmethod
    def text(password: str) -> str:
        return json.dumps({"username": ROLE, "password": password})

    async def set_password(self, password: str) -> None:
        await self.admin.execute(f"alter role {ROLE} password '{password}'")

    async def end_sessions(self) -> None:
        await self.admin.execute(
            f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{ROLE}'"
        )

    def propose(self, password: str) -> str:
        answer = self.manager.put_secret_value(
            SecretId=self.arn, SecretString=self.text(password), VersionStages=["AWSPENDING"]
        )
        return str(answer["VersionId"])

    def promote(self, version: str) -> None:
        there = self.manager.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        old = next(each for each, stages in there.items() if "AWSCURRENT" in stages)
        self.manager.update_secret_version_stage(
            SecretId=self.arn, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=old
        )


@pytest.fixture
async def rotation(aws: Emulator, postgres_url: str) -> AsyncIterator[Rotation]:
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"drop role if exists {ROLE}")
    await admin.execute(f"create role {ROLE} login password 'first'")
    yield Rotation(admin, aws, postgres_url)
    await admin.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{ROLE}'")
    await admin.execute(f"drop owned by {ROLE}; drop role {ROLE}")
    await admin.close()


async def test_no_request_fails_while_the_password_is_rotated_under_load(rotation: Rotation) -> None:
    database = Database(PostgresBinding(url=rotation.url, credentials_secret=rotation.arn, pool_size=4))
    failures: list[BaseException] = []
    answers = 0
    stop = asyncio.Event()

    async def visitor() -> None:
        nonlocal answers
        while not stop.is_set():
            try:
                assert await database.fetch_value("select current_user") == ROLE
                answers += 1
            except Exception as error:
                failures.append(error)
            await asyncio.sleep(0.002)

    async def churn() -> None:
        while not stop.is_set():
            database.running_pool().distrust_idle()  # the next ones have to sign in
            await asyncio.sleep(0.005)

    visitors = [asyncio.create_task(visitor()) for _ in range(8)]
    visitors.append(asyncio.create_task(churn()))
    for password in ("second", "third"):
        seen = answers
        version = rotation.propose(password)
        await rotation.set_password(password)
        await _grows(lambda: answers, seen + 100)  # in the middle of the rotation
        rotation.promote(version)
        await _grows(lambda: answers, seen + 200)
    stop.set()
    await asyncio.gather(*visitors)
    await database.close()
    assert failures == []


async def _grows(count: Callable[[], int], beyond: int) -> None:
    async with asyncio.timeout(10):
        while count() < beyond:  # noqa: ASYNC110 - other tasks count
            await asyncio.sleep(0.01)


async def test_a_queue_in_postgres_signs_in_by_its_secret_and_after_a_rotation_too(rotation: Rotation) -> None:
    from rung.runtime.queue import install_queue

    await install_queue(rotation.admin, roles=[ROLE])
    queue = PostgresQueue("orders", QueueBinding(url=rotation.url, credentials_secret=rotation.arn))
    await queue.send(b"1")
    rotation.manager.put_secret_value(SecretId=rotation.arn, SecretString=rotation.text("second"))
    await rotation.set_password("second")
    await rotation.end_sessions()
    with suppress(UnavailableError):  # the connection that was open; a send is never repeated by itself
        await queue.send(b"2")
    await queue.send(b"3")
    assert len(await queue.receive(max_messages=10, wait_seconds=1)) >= 2
    await queue.close()


async def test_a_password_that_is_wrong_everywhere_is_said_without_it(rotation: Rotation) -> None:
    await rotation.set_password("something else")
    database = Database(PostgresBinding(url=rotation.url, credentials_secret=rotation.arn))
    with pytest.raises(UnavailableError, match=f"refuses '{ROLE}'.*migration job") as raised:
        await database.fetch("select 1")
    await database.close()
    assert "first" not in str(raised.value)


async def test_a_cache_signs_in_by_its_secret_and_after_a_rotation_too(
    aws: Emulator, redis_server: RedisServer
) -> None:
    admin = redis.asyncio.from_url(redis_server.url)
    await admin.acl_setuser("app", enabled=True, passwords=["+first"], keys=["*"], commands=["+@all"])
    manager = aws.client("secretsmanager")
    text = json.dumps({"username": "app", "password": "first"})
    arn = manager.create_secret(Name="cache-login", SecretString=text)["ARN"]
    address = urlsplit(redis_server.url)
    found = CacheBinding(url=f"redis://{address.hostname}:{address.port}/0", credentials_secret=arn)
    connection = RedisConnection(found.url, credentials=credentials_of(found))
    assert await connection.run("ACL", "WHOAMI") == b"app"
    manager.put_secret_value(SecretId=arn, SecretString=text.replace("first", "second"))
    await admin.acl_setuser("app", enabled=True, passwords=["-first", "+second"], keys=["*"], commands=["+@all"])
    await connection.close()  # as after an outage: the next command opens a connection
    assert await connection.run("ACL", "WHOAMI") == b"app"
    await connection.close()
    await admin.acl_deluser("app")
    await admin.aclose()


async def test_a_cache_takes_a_token_that_the_role_signs(aws: Emulator) -> None:
    found = CacheBinding(
        url="rediss://x:6379/0", user="shop-app", replication_group="shop-cache", region="eu-west-1"
    )
    provider = credentials_of(found)
    assert provider is not None
    user, token = await provider.get_credentials_async()
    assert user == "shop-app"
    assert token.startswith("shop-cache/?Action=connect&User=shop-app&")
    assert "%2Feu-west-1%2Felasticache%2Faws4_request" in token
    assert "X-Amz-Expires=900" in token
