"""Queues of a box on Redis and RabbitMQ: what runs beside the databases, and whom it lets in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.compose.test_compose import tool

from rung import Workload
from rung.compose import files
from rung.local.process import free_port, spawn, stop, wait_listening
from rung.local.redis import server_binary
from rung.model.graph import Graph
from rung.parts.compute import Host
from rung.rungs import place
from rung.runtime.bindings import QueueBinding
from rung.runtime.errors import BindingError
from rung.runtime.queue.redis import RedisQueue


def post(*brokers: str) -> Graph:
    """A workload with a queue on each broker; one process without any edge to them."""
    work = Workload("post")
    db = work.postgres("db", migrations="migrations")
    cache = work.cache("cache")
    queues = [work.queue(f"letters-{broker}", broker=broker) for broker in brokers]
    api = work.service("api", app="post.api:app", health="/health", uses=[db, *(each.send for each in queues)])
    work.service("page", app="post.page:app", health="/health", uses=[cache])
    for queue in queues:
        work.worker(f"carry-{queue.name}", handler="post.carry:handle", consumes=queue)
    work.route("/*", api)
    work.environment("dev", rung="box", domain="post.example.com", zone="example.com")
    return work.freeze()


def texts(graph: Graph) -> dict[str, str]:
    return {Path(path).name: text for path, text in files(place(graph, "dev"), graph).items()}


@pytest.fixture(scope="module")
def machine() -> dict[str, str]:
    return texts(post("redis", "rabbitmq"))


@pytest.fixture(scope="module")
def services(machine: dict[str, str]) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(machine["compose.yaml"])["services"]
    return loaded


def test_the_files_fit_their_schema_and_shellcheck(machine: dict[str, str], tmp_path: Path) -> None:
    for name in ("compose.yaml", "rung-secrets", "rung-install"):
        (tmp_path / name).write_text(machine[name])
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml")
    tool("shellcheck", tmp_path / "rung-secrets", tmp_path / "rung-install")


def test_a_broker_keeps_what_it_has_and_never_shares_with_a_cache(services: dict[str, Any]) -> None:
    redis, rabbit = services["redis"], services["rabbitmq"]
    assert redis["volumes"] == ["/var/lib/rung/redis:/data"]
    assert "/data" not in redis.get("tmpfs", [])
    settings = dict(zip(redis["command"][1::2], redis["command"][2::2], strict=True))
    assert (settings["--maxmemory-policy"], settings["--appendonly"]) == ("noeviction", "yes")
    assert "allkeys-lru" in services["cache"]["command"]
    assert rabbit["volumes"] == ["/var/lib/rung/rabbitmq:/var/lib/rabbitmq"]
    assert rabbit["environment"]["RABBITMQ_NODENAME"] == f"rabbit@{rabbit['hostname']}", "its folder has that name"
    for service in (redis, rabbit):
        assert service["networks"] == ["private"]
        assert "ports" not in service


def test_the_folders_are_made_before_the_brokers_start(machine: dict[str, str]) -> None:
    for name in ("redis", "rabbitmq"):
        assert f"install -d -o 999 -g 999 -m 0700 /var/lib/rung/{name}" in machine["rung-install"]
        assert name in machine["rung-deploy"].split("--wait-timeout 180", 1)[1].splitlines()[0]


def test_only_who_has_an_edge_reads_a_login(services: dict[str, Any]) -> None:
    assert services["api"]["secrets"] == ["api-databases", "redis-login", "rabbitmq-login"]
    assert services["carry-letters-redis"]["secrets"] == ["redis-login"]
    assert services["carry-letters-rabbitmq"]["secrets"] == ["rabbitmq-login"]
    assert "secrets" not in services["page"]
    told = json.loads(services["api"]["environment"]["RUNG_BINDING_LETTERS_REDIS"])
    assert (told["adapter"], told["workload"]) == ("redis", "post")
    assert told["url"] == "redis://redis:6379/0"
    assert told["credentials_secret"] == "/run/secrets/redis-login"
    assert told["outbox_url"].startswith("postgresql://post_api@db:5432/")
    alone = json.loads(services["carry-letters-rabbitmq"]["environment"]["RUNG_BINDING_LETTERS_RABBITMQ"])
    assert alone["url"] == "amqp://rabbitmq:5672/"
    assert "outbox_url" not in alone, "it uses no database"


def test_who_sends_through_an_outbox_may_write_its_tables(machine: dict[str, str]) -> None:
    assert "grants post_owner post_api rung " in machine["rung-roles"]


def test_a_box_with_brokers_has_the_memory_for_them() -> None:
    (with_both,) = place(post("redis", "rabbitmq"), "dev").of(Host)
    (without,) = place(post(), "dev").of(Host)
    needed = sum(stack.container.memory_mib for stack in with_both.stacks if stack.name in ("redis", "rabbitmq"))
    assert needed > 1_000
    assert with_both.instance_type != without.instance_type


def test_a_broker_gives_way_to_a_node_of_its_name() -> None:
    work = Workload("post")
    cache = work.cache("redis")
    letters = work.queue("letters", broker="redis")
    work.service("api", app="post.api:app", health="/health", uses=[cache, letters.send])
    work.worker("carry", handler="post.carry:handle", consumes=letters)
    work.environment("dev", rung="box")
    loaded = yaml.safe_load(texts(work.freeze())["compose.yaml"])["services"]
    assert "allkeys-lru" in loaded["redis"]["command"]
    assert "noeviction" in loaded["platform-redis"]["command"]
    assert loaded["api"]["secrets"] == ["platform-redis-login"]


@pytest.fixture
def made(machine: dict[str, str], tmp_path: Path) -> Path:
    """The folder of the secrets that the box makes at its start."""
    script = machine["rung-secrets"]
    (tmp_path / "rung-secrets").write_text(script)
    (tmp_path / "rung.env").write_text(f"FOLDER={tmp_path}\nREGION=eu-west-1\n")
    (tmp_path / "late.env").write_text("")
    (tmp_path / "chown").write_text("#!/bin/sh\n")  # the users of the images are not on this machine
    (tmp_path / "chown").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "RUNG_SETTINGS": str(tmp_path / "rung.env"),
        "RUNG_LATE": str(tmp_path / "late.env"), "RUNG_SECRETS": str(tmp_path / "run/secrets"),
        "RUNG_KEPT": str(tmp_path / "kept"),
    }  # fmt: skip
    done = subprocess.run(
        ["bash", tmp_path / "rung-secrets"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return tmp_path / "run/secrets"


@pytest.fixture
def valkey(services: dict[str, Any], made: Path, tmp_path: Path) -> Iterator[int]:
    """The port of a server that is started with the very words of the box."""
    words = [
        str(made / "redis-users") if word == "/run/secrets/redis-users" else word
        for word in services["redis"]["command"][1:]
    ]
    port = free_port()
    process = spawn(
        (str(server_binary()), *words, "--port", str(port), "--dir", str(tmp_path)),
        output=tmp_path / "log", death_signal=signal.SIGTERM,
    )  # fmt: skip
    try:
        assert wait_listening(("127.0.0.1", port), process=process, timeout_seconds=20), (
            tmp_path / "log"
        ).read_text()
        yield port
    finally:
        stop(process, with_signal=signal.SIGTERM, timeout_seconds=5)


async def test_the_queue_runs_on_the_server_of_the_box_with_the_login_of_the_box(made: Path, valkey: int) -> None:
    place_of = {"adapter": "redis", "url": f"redis://127.0.0.1:{valkey}/0"}
    queue = RedisQueue("letters", QueueBinding(**place_of, credentials_secret=str(made / "redis-login")))  # type: ignore[arg-type]
    stranger = RedisQueue("letters", QueueBinding(**place_of))  # type: ignore[arg-type]
    try:
        assert await queue.concerns() == []
        assert queue.capabilities.durable
        await queue.send(b"hello")
        (message,) = await queue.receive(wait_seconds=5)
        assert await queue.retry(message, reason="again", delay_seconds=0)
        (message,) = await queue.receive(wait_seconds=5)
        assert await queue.dead_letter(message, reason="never")
        assert await queue.redrive() == 1
        assert (await queue.statistics()).ready == 1
        with pytest.raises(BindingError):
            await stranger.send(b"without a password")
    finally:
        await queue.close()
        await stranger.close()


def test_rabbitmq_is_told_its_user_and_its_limits(made: Path) -> None:
    told = dict(line.split(" = ") for line in (made / "rabbitmq-users").read_text().splitlines())
    login = json.loads((made / "rabbitmq-login").read_text())
    assert (told["default_user"], told["default_pass"]) == (login["username"], login["password"])
    assert len(login["password"]) == 40
    assert told["vm_memory_high_watermark.absolute"] == "400MiB"
