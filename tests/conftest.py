"""Real servers for every test: a Postgres, a Redis, a RabbitMQ per test process, a fresh database per test."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest
import structlog
from tests.aws.emulator import Emulator

from rung.errors import MachineError
from rung.local.postgres import PostgresServer, start_postgres
from rung.local.rabbitmq import RabbitServer, server_script, start_rabbitmq
from rung.local.redis import RedisServer, start_redis
from rung.runtime import log
from rung.runtime.aws.secrets import SECRETS

#: How long an example takes is told by the machine; what has to be fast is measured where that is the point.
hypothesis.settings.register_profile("rung", deadline=None)
hypothesis.settings.load_profile("rung")


@pytest.fixture
def configured() -> Iterator[None]:
    """The whole process logs through us, as the node `api`, inside the test only."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure_logging(node="api", format="json")
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    log._settings.__init__()  # type: ignore[misc]


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """A folder that the unprivileged user, whom servers run as when we are root, can reach.

    Not pytest's own: each session that starts makes the folder above them all private again.
    """
    directory = Path(tempfile.mkdtemp(prefix="rung-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_directory: Path) -> Iterator[PostgresServer]:
    """A Postgres of this test process. Do not kill it: start one of your own for that."""
    settings = {"fsync": "off", "shared_buffers": "64MB"}
    server = start_postgres(server_directory / "postgres", settings=settings)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this test process. Do not kill it: start one of your own for that."""
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rabbitmq_server(server_directory: Path) -> Iterator[RabbitServer]:
    """A RabbitMQ of this test process. Do not kill it: start one of your own for that."""
    server = start_rabbitmq_or_skip(server_directory / "rabbitmq")
    yield server
    server.stop()


def start_rabbitmq_or_skip(directory: Path) -> RabbitServer:
    """A server of a test's own."""
    need_rabbitmq()
    return start_rabbitmq(directory)


def need_rabbitmq() -> None:
    """No wheel carries RabbitMQ: without Debian's package a test is skipped, unless it is required (as in CI)."""
    try:
        server_script()
    except MachineError:
        if os.environ.get("RUNG_REQUIRE_RABBITMQ"):
            raise
        pytest.skip("RabbitMQ is not installed: apt-get install rabbitmq-server")


@pytest.fixture
async def postgres_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database of this test alone, as the superuser; dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres_server.url)
    await connection.execute(f"create database {name}")
    yield postgres_server.url_of(name)
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


@pytest.fixture
async def redis_url(redis_server: RedisServer) -> str:
    """This process's Redis, emptied before the test."""
    import redis.asyncio

    client = redis.asyncio.from_url(redis_server.url)
    await client.flushall()
    await client.aclose()
    return redis_server.url


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Emulator]:
    """An emulator of AWS of this test process: SQS, Secrets Manager and what else moto knows. Do not kill it."""
    emulator = Emulator()
    yield emulator
    emulator.stop()


@pytest.fixture
def aws(moto_server: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, found by everything in this process that calls AWS."""
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    SECRETS.forget()
    return moto_server
