"""The router as a process: killed between taking and writing it loses nothing; drained, it ends."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.runtime.bus.conftest import PostgresBusHarness, Service

from rung.runtime.bindings import BusBinding, QueueBinding, ServiceBinding, encode, variable_name
from rung.runtime.bus.rules import Rule, ServiceTarget, encode_rules
from rung.testing.bus_conformance import PLACED, rule

pytestmark = pytest.mark.timeout(90)
EVENTS = 3_000
CALLED = Rule(name="called", pattern=json.dumps({"detail": {"call": [True]}}), target=ServiceTarget(name="api"))


def started(url: str, service: Service, folder: Path, *rules: Rule) -> subprocess.Popen[bytes]:
    """A router process on this database."""
    file = folder / "rules.json"
    file.write_text(encode_rules(rules))
    environment = {
        **os.environ, "RUNG_LOG_FORMAT": "json",
        variable_name("events"): encode(BusBinding(url=url)),
        variable_name("mails"): encode(QueueBinding(url=url)),
        variable_name("api"): encode(ServiceBinding(url=service.url)),
    }  # fmt: skip
    command = [sys.executable, "-m", "rung.runtime.bus", "--name", "events", "--rules", str(file)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, gone afterwards."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


async def count(connection: Any, queue: str) -> int:
    return int(await connection.fetchval("select count(*) from rung.message where queue = $1", queue))


async def until(connection: Any, queue: str, wanted: int, *, at_most: bool) -> None:
    """Return when a queue holds so many messages, or so few."""
    async with asyncio.timeout(30):
        while True:
            there = await count(connection, queue)
            if there <= wanted if at_most else there >= wanted:
                return
            await asyncio.sleep(0.002)


@pytest.mark.fault
async def test_a_router_killed_between_match_and_send_loses_nothing_and_doubles_nothing_in_queues(
    postgres_bus: PostgresBusHarness, tmp_path: Path
) -> None:
    """Queues beside the bus get every event exactly once, in order; a service gets each at least once."""
    chance = random.Random(20261121)
    bus = await postgres_bus.open([])
    connection = await asyncpg.connect(postgres_bus.url)
    service = Service(0)
    async with service.running():
        async with connection.transaction():
            for number in range(EVENTS):
                detail = {"order": number, "call": number % 100 == 0}
                await bus.put("order.placed", detail, source="shop", transaction=connection)
        for _ in range(4):
            with ended(started(postgres_bus.url, service, tmp_path, rule("placed", PLACED), CALLED)) as router:
                there = await count(connection, "events@bus")
                await until(connection, "events@bus", there - 1, at_most=True)
                await asyncio.sleep(chance.uniform(0, 0.02))
                router.send_signal(signal.SIGKILL)
        with ended(started(postgres_bus.url, service, tmp_path, rule("placed", PLACED), CALLED)):
            await until(connection, "events@bus", 0, at_most=True)
            await connection.execute(  # leases of the killed ones end now and not in half a minute
                "update rung.message set leased_until = now() where queue = 'events@deliveries'"
            )
            await until(connection, "events@deliveries", 0, at_most=True)
    rows = await connection.fetch("select body from rung.message where queue = 'mails' order by run_at, id")
    await connection.close()
    assert [json.loads(row["body"])["detail"]["order"] for row in rows] == list(range(EVENTS))
    called = [each.body["detail"]["order"] for each in service.taken]
    assert set(called) == set(range(0, EVENTS, 100))


async def test_a_router_drains_and_ends_on_sigterm(postgres_bus: PostgresBusHarness, tmp_path: Path) -> None:
    bus = await postgres_bus.open([])
    connection = await asyncpg.connect(postgres_bus.url)
    service = Service(0)
    async with service.running():
        with ended(started(postgres_bus.url, service, tmp_path, rule("placed", PLACED))) as router:
            await bus.put("order.placed", {"order": 1}, source="shop")
            await until(connection, "mails", 1, at_most=False)
            router.terminate()
            said = (await asyncio.to_thread(router.communicate, timeout=20))[0].decode()
    await connection.close()
    assert router.returncode == 0, said
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert (events[0], events[-1]) == ("ready", "drained")


def test_rules_that_nobody_checked_are_refused_with_a_reason(tmp_path: Path) -> None:
    place = BusBinding(url="postgresql://nowhere/none")
    environment = {**os.environ, variable_name("events"): encode(place)}
    environment["RUNG_BUS_RULES"] = encode_rules([rule("bad", {"source": []})])
    command = [sys.executable, "-m", "rung.runtime.bus", "--name", "events"]
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "an empty list matches nothing" in done.stdout + done.stderr
