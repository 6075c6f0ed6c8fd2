"""`rung redrive` lists dead letters, sends one or all back, and refuses an unclear command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from rung.cli.main import main
from rung.cli.queue_declared import declared_place
from rung.cli.queue_places import named_place
from rung.errors import UsageError
from rung.runtime.queue import Entry, open_queue


@pytest.fixture
async def queue_url(request: pytest.FixtureRequest, postgres_url: str, redis_url: str) -> str:
    return {"postgres": postgres_url, "redis": redis_url}[request.param]


@pytest.mark.parametrize("queue_url", ["postgres", "redis"], indirect=True)
async def test_it_lists_and_sends_back(queue_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    orders = open_queue("orders", named_place(queue_url))
    await orders.send_batch([Entry(body=b"x")] * 3)
    for message in await orders.receive(max_messages=3):
        await orders.dead_letter(message, reason="no such order")
    capsys.readouterr()  # what the queue's own log said of a server that is set up for caches
    command = ["redrive", "orders", "--url", queue_url]
    assert await asyncio.to_thread(main, [*command, "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["dead"] == 3
    assert {letter["reason"] for letter in listed["dead_letters"]} == {"no such order"}
    assert await asyncio.to_thread(main, [*command[:2], listed["dead_letters"][0]["id"], *command[2:]]) == 0
    assert capsys.readouterr().out == "1 sent back to orders\n"
    assert await asyncio.to_thread(main, command) == 0
    assert capsys.readouterr().out.startswith("2 dead in orders")
    assert await asyncio.to_thread(main, [*command, "--all"]) == 0
    assert (await orders.statistics()).ready == 3
    await orders.close()


def test_it_refuses_ids_with_all_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["redrive", "orders", "--all"]) == 2
    assert main(["redrive", "orders", "1", "--all", "--url", "postgresql://nowhere"]) == 2


WORKLOAD = """
from rung import Workload

shop = Workload("shop")
orders = shop.queue("orders", lanes=("urgent", "default"))
"""


def test_the_lanes_and_the_workload_come_from_the_file_or_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workload.py").write_text(WORKLOAD)
    monkeypatch.chdir(tmp_path)
    url = "amqp://guest@localhost/"
    beside = declared_place("orders", url)
    assert (beside.adapter, beside.lanes, beside.workload) == ("rabbitmq", ("urgent", "default"), "shop")
    told = declared_place("mails", url, lanes="high, low", workload="other")
    assert (told.lanes, told.workload) == (("high", "low"), "other")
    with pytest.raises(UsageError, match=r"no queue 'order' \(did you mean \"orders\"\?\); it has orders"):
        declared_place("order", url)
    assert declared_place("order", "postgresql://localhost/db").lanes == ("default",)
    (tmp_path / "workload.py").unlink()
    with pytest.raises(UsageError, match="RabbitMQ does not list the lanes of 'orders'"):
        declared_place("orders", url)


async def test_two_workloads_on_one_redis_keep_their_queues_apart(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = open_queue("orders", named_place(redis_url, workload="shop"))
    theirs = open_queue("orders", named_place(redis_url, workload="track"))
    await ours.send(b"ours")
    assert await theirs.receive() == []
    (message,) = await ours.receive()
    await ours.dead_letter(message, reason="no such order")
    capsys.readouterr()
    command = ["redrive", "orders", "--url", redis_url, "--workload"]
    assert await asyncio.to_thread(main, [*command, "web"]) == 1
    said = capsys.readouterr().err
    assert "nothing of workload 'web' in this Redis, and a queue 'orders' of workload 'shop'" in said
    assert "--workload 'shop'" in said
    assert await asyncio.to_thread(main, [*command, "shop", "--all"]) == 0
    assert capsys.readouterr().out == "1 sent back to orders\n"
    await ours.close()
    await theirs.close()


async def test_a_queue_of_no_workload_is_found_too(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    nobodys = open_queue("orders", named_place(redis_url))
    await nobodys.send(b"x")
    await nobodys.close()
    capsys.readouterr()
    command = ["redrive", "orders", "--url", redis_url, "--workload"]
    assert await asyncio.to_thread(main, [*command, "shop"]) == 1
    assert "and a queue 'orders' of no workload" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*command, ""]) == 0
