"""`rung dev` runs buses: events with their transaction, a service called until it takes them, a workflow with one
run for each event, and a new consumer that is added to the workload file while the producer goes on as it is."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.local.dev import Dev, running

SAMPLE = Path(__file__).with_name("bus_sample")
RULE = """
from rung import Transform
bazaar.rule(
    "whispers", bus=events, target=ears, dead_letter=undelivered, pattern={"detail-type": ["whispered"]},
    transform=Transform(paths={"what": "$.detail.what"}, template='"psst: <what>"'),
)
"""

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("rung-dev")]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One `rung dev` for all tests here."""
    folder = tmp_path_factory.mktemp("bazaar")
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".rung"), dirs_exist_ok=True)
    with running(folder / "workload.py") as started:
        yield started


def heard(dev: Dev, who: str) -> list[object]:
    """What one of the listeners has written down."""
    return [json.loads(what) for each, what in dev.get("/heard")[1] if each == who]


def say(dev: Dev, how: str, what: str) -> int:
    """Have the shop put an event; the status."""
    return dev.get(f"/say/{how}", data=what.encode())[0]


def commanded(dev: Dev, *arguments: str) -> dict[str, Any]:
    """Run a command beside it."""
    command = [sys.executable, "-m", "rung.cli.main", *arguments]
    given = ["--format", "json", "--file", str(dev.folder / "workload.py")]
    done = subprocess.run([*command, *given], capture_output=True, text=True, timeout=30, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def waiting(dev: Dev) -> int:
    """How many events and deliveries the bus has yet to see to."""
    url = json.loads((dev.folder / ".rung" / "buses.json").read_bytes())["events"]["url"]

    async def count() -> int:
        connection = await asyncpg.connect(url)
        try:
            query = "select count(*) from rung.message where queue in ('events@bus', 'events@deliveries')"
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    return asyncio.run(count())


def until(dev: Dev, wanted: Callable[[], bool]) -> None:
    """Ask again until it is so."""
    deadline = time.monotonic() + 40
    while not wanted():
        assert time.monotonic() < deadline, dev.said()
        time.sleep(0.05)


def test_a_consumer_is_added_without_touching_the_producer(dev: Dev) -> None:
    producer = dev.get("/process")[1]
    assert say(dev, "shouted", "fish") == 202
    assert say(dev, "whispered", "eggs") == 202
    assert say(dev, "shouted", "fish") == 500, "said already: neither row nor event"
    dev.eventually("/heard", lambda rows: any("fish" in what for _, what in rows))
    assert heard(dev, "listener") == [{"said": "fish", "tenant": "acme"}]

    file = dev.folder / "workload.py"
    file.write_text(file.read_text() + RULE)
    dev.until(lambda line: line["node"] == "events" and line["event"] == "ready" and line.get("rules") == 3)
    assert say(dev, "whispered", "milk") == 202
    dev.eventually("/heard", lambda rows: any("milk" in what for _, what in rows))
    assert heard(dev, "ears") == [{"said": "psst: milk", "tenant": "acme"}]
    assert dev.get("/process")[1] == producer, "the producer was not even restarted"

    found = commanded(dev, "events", "replay", "events", "--from", "1h", "--rule", "whispers")
    assert found["events"] >= 3, "with what another test has put"
    dev.eventually("/heard", lambda rows: any("eggs" in what for _, what in rows))
    assert heard(dev, "listener") == [{"said": "fish", "tenant": "acme"}], "the replay was for one rule"


def test_an_event_starts_one_run_however_often_it_is_delivered(dev: Dev) -> None:
    status, said = dev.get("/say/arrived", data=b"carp")
    assert status == 202
    dev.eventually("/heard", lambda rows: any("carp" in what for _, what in rows))
    run = f"greets-{said['id']}"
    greeted = [{"said": "carp", "run": run, "tenant": "acme"}]
    assert heard(dev, "welcome") == greeted

    def runs() -> list[tuple[str, str, str]]:
        found = commanded(dev, "workflow", "list", "welcome")["runs"]
        return [(each["id"], each["state"], each["output"]) for each in found]

    until(dev, lambda: runs() == [(run, "done", '"greeted"')])
    assert commanded(dev, "events", "replay", "events", "--from", "1h", "--rule", "greets")["events"] >= 1
    until(dev, lambda: waiting(dev) == 0)
    assert runs() == [(run, "done", '"greeted"')]
    assert heard(dev, "welcome") == greeted
