"""The servers that a workload needs here: our own, or those that RUNG_POSTGRES_URL and its like name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit, urlunsplit

from rung.errors import Finding, MachineError
from rung.local import postgres, rabbitmq, redis
from rung.local.database import database_names
from rung.local.specification import Listening, Postmaster, ProcessSpec, RestartPolicy
from rung.local.state import State
from rung.local.supervisor import Supervisor
from rung.model.graph import Graph
from rung.model.nodes import Cache, Postgres, Queue

POSTGRES_VARIABLE = "RUNG_POSTGRES_URL"
REDIS_VARIABLE = "RUNG_REDIS_URL"
RABBITMQ_VARIABLE = "RUNG_RABBITMQ_URL"
#: Connections of the embedded server beyond those that the workload may open: migrations, psql, an operator.
SPARE_CONNECTIONS = 20
#: Redis has 16 databases; each cache node gets one of its own.
REDIS_DATABASES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where they are. `admin_url` may create databases; `caches` are URLs by node, `brokers` by kind of broker."""

    admin_url: str | None = field(default=None, repr=False)
    postgres_place: str = ""
    caches: Mapping[str, str] = field(default_factory=dict, repr=False)
    redis_place: str = ""
    #: URLs by broker of queues.
    brokers: Mapping[str, str] = field(default_factory=dict, repr=False)


async def start_servers(
    graph: Graph, state: State, supervisor: Supervisor, environment: Mapping[str, str]
) -> Servers:
    """Start what is needed and does not run yet, in parallel, and wait until it answers.

    Raises MachineError R0301 to R0304, R0311 (our own servers) and R0310 (those of others), StartFailedError.
    """
    (admin_url, postgres_place), (redis_url, redis_place), queue_redis, queue_rabbit = await asyncio.gather(
        _postgres(graph, state, supervisor, environment.get(POSTGRES_VARIABLE)),
        _redis(graph, state, supervisor, environment.get(REDIS_VARIABLE)),
        _queue_redis(graph, state, supervisor, environment.get(REDIS_VARIABLE)),
        _rabbitmq(graph, state, supervisor, environment.get(RABBITMQ_VARIABLE)),
    )
    caches = {node.name: _numbered(redis_url, number) for number, node in enumerate(graph.of(Cache)) if redis_url}
    return Servers(
        admin_url=admin_url,
        postgres_place=postgres_place,
        caches=caches,
        redis_place=redis_place,
        brokers={name: url for name, url in (("redis", queue_redis), ("rabbitmq", queue_rabbit)) if url},
    )


async def _postgres(
    graph: Graph, state: State, supervisor: Supervisor, given: str | None
) -> tuple[str | None, str]:
    if not database_names(graph):
        return None, ""
    if given:
        return given, f"{_place(given)} ({POSTGRES_VARIABLE})"
    directory, port = state.directory / "postgres", state.port("postgres")
    password = await asyncio.to_thread(postgres.initialise_postgres, directory)
    limit = sum(node.max_connections for node in graph.of(Postgres)) or 100
    settings = {**postgres.SETTINGS, "max_connections": str(limit + SPARE_CONNECTIONS)}
    spec = ProcessSpec(
        name="postgres",
        kind="server",
        command=postgres.postgres_command(directory, port, settings),
        environment=postgres.SERVER_ENVIRONMENT,
        ready=Postmaster(directory=directory),
        restart=RestartPolicy(start_retry_seconds=postgres.START_RETRY_SECONDS),
        output=directory / "postgres.log",
        stop_signal=postgres.STOP_SIGNAL,
        kill_signal=postgres.KILL_SIGNAL,
        before_exec=partial(postgres.without_root, directory),
    )
    if "postgres" not in supervisor.specs:
        await supervisor.start([spec])
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", f"127.0.0.1:{port}"


async def _redis(graph: Graph, state: State, supervisor: Supervisor, given: str | None) -> tuple[str | None, str]:
    if not graph.of(Cache):
        return None, ""
    if given:
        await _require_listening(given)
        return given, f"{_place(given)} ({REDIS_VARIABLE})"
    url, port = await _embedded_redis("redis", redis.SETTINGS, state, supervisor)
    return url, f"127.0.0.1:{port}"


async def _queue_redis(graph: Graph, state: State, supervisor: Supervisor, given: str | None) -> str | None:
    """A server for queues, which throws nothing away: not the one of the caches, which does."""
    if not any(node.broker == "redis" for node in graph.of(Queue)):
        return None
    if given:
        await _require_listening(given)
        return _numbered(given, len(graph.of(Cache)))
    url, _ = await _embedded_redis("redis-queues", redis.QUEUE_SETTINGS, state, supervisor)
    return url


async def _embedded_redis(
    name: str, settings: Mapping[str, str], state: State, supervisor: Supervisor
) -> tuple[str, int]:
    directory, port = state.directory / name, state.port(name)
    password = redis.read_password(directory)
    if name not in supervisor.specs:
        spec = ProcessSpec(
            name=name,
            kind="server",
            command=redis.redis_command(directory, port, settings),
            environment=dict(os.environ),
            ready=Listening(port=port),
            restart=RestartPolicy(start_retry_seconds=1.0),
            output=directory / "redis.log",
        )
        await supervisor.start([spec])
    return redis.redis_url(port, password), port


async def _rabbitmq(graph: Graph, state: State, supervisor: Supervisor, given: str | None) -> str | None:
    if not any(node.broker == "rabbitmq" for node in graph.of(Queue)):
        return None
    if given:
        await _require_listening(given, server="RabbitMQ", variable=RABBITMQ_VARIABLE, port=5672)
        return given
    directory = state.directory / "rabbitmq"
    names = ("rabbitmq", "rabbitmq-nodes", "rabbitmq-mapper")
    ports = (state.port(names[0]), state.port(names[1]), state.port(names[2]))
    password = rabbitmq.read_password(directory)
    if "rabbitmq" not in supervisor.specs:
        spec = ProcessSpec(
            name="rabbitmq",
            kind="server",
            command=rabbitmq.rabbitmq_command(directory, ports, rabbitmq.SETTINGS),
            environment=rabbitmq.rabbitmq_environment(directory, ports),
            ready=Listening(port=ports[0]),
            restart=RestartPolicy(start_retry_seconds=rabbitmq.START_TIMEOUT_SECONDS),
            output=directory / "rabbitmq.log",
            before_exec=partial(rabbitmq.without_root, directory),
        )
        await supervisor.start([spec])
    return rabbitmq.rabbitmq_url(ports[0], password)


async def _require_listening(
    url: str, *, server: str = "Redis", variable: str = REDIS_VARIABLE, port: int = 6379
) -> None:
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(3.0):
            _, writer = await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or port)
    except (OSError, TimeoutError, ValueError) as error:
        raise MachineError(
            Finding(
                code="R0310",
                severity="error",
                message=f"the {server} server cannot be reached",
                found=f"{_place(url)}: {str(error) or 'no answer in 3 s'}",
                effect="nothing that needs it can run on this machine",
                help=f"start that server, correct {variable}, or unset it to use the embedded one",
            )
        ) from error
    writer.close()


def _numbered(url: str, number: int) -> str:
    """The URL of the database `number` places after the one that `url` names."""
    parts = urlsplit(url)
    first = parts.path.strip("/")
    base = int(first) if first.isdecimal() else 0
    return urlunsplit(parts._replace(path=f"/{(base + number) % REDIS_DATABASES}"))


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
