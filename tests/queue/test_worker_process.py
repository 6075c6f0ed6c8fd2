"""The worker as a process: it works a queue off, drains on SIGTERM, and ends poison in the dead-letter queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.queue.workers import WorkerProcess

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Entry, PostgresQueue

Start = Callable[..., WorkerProcess]


@pytest.fixture
def binding(postgres_url: str) -> QueueBinding:
    return QueueBinding(url=postgres_url, visibility_timeout_seconds=2.0, max_receive_count=3)


@pytest.fixture
async def orders(binding: QueueBinding):
    opened = PostgresQueue("orders", binding)
    await opened.statistics()
    yield opened
    await opened.close()


@pytest.fixture
def start(tmp_path: Path, binding: QueueBinding) -> Iterator[Start]:
    """Start workers that are gone after the test."""
    started: list[WorkerProcess] = []

    def begin(source: str, *arguments: str, **env: str) -> WorkerProcess:
        started.append(WorkerProcess(tmp_path / "work", source, binding, *arguments, **env))
        return started[-1]

    yield begin
    for worker in started:
        worker.kill()


async def until(condition: Callable[[], Any], *, seconds: float = 20.0) -> None:
    """Wait for a real process: poll an async condition."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process acts
            await asyncio.sleep(0.05)


async def is_empty(orders: PostgresQueue) -> bool:
    counts = await orders.statistics()
    return counts.ready + counts.in_flight + counts.delayed == 0


NOTE = """
    import pathlib
    done = pathlib.Path("done.txt")
    def note(message):
        with done.open("a") as file:
            file.write(message.id + "\\n")
"""


async def test_it_works_off_what_is_sent_and_drains_with_exit_0(
    orders: PostgresQueue, start: Start, tmp_path: Path
) -> None:
    sent = [result.id for result in await orders.send_batch([Entry(body=b"x")] * 500)]
    worker = start(NOTE + "    async def handle(message): note(message)\n")
    await until(lambda: is_empty(orders))
    assert worker.stop() == 0
    assert sorted((tmp_path / "work/done.txt").read_text().split()) == sorted(sent)
    assert worker.events()[-1]["event"] == "drained"


async def test_context_and_deadline_reach_the_handler(orders: PostgresQueue, start: Start) -> None:
    await orders.send(b"x", headers={"x-correlation-id": "abc-123", "x-rung-tenant": "acme"})
    worker = start(
        """
        from rung.runtime import current
        from rung.runtime.log import logger
        async def handle(message):
            context = current()
            logger("h").info("seen", left=context.deadline.remaining())
        """,
        "--deadline-seconds",
        "7",
    )
    line = await asyncio.to_thread(worker.wait_event, "seen")
    assert (line["correlation_id"], line["tenant"]) == ("abc-123", "acme")
    assert 0 < line["left"] <= 7


async def test_sigterm_finishes_what_runs_and_hands_back_the_rest_without_an_attempt(
    orders: PostgresQueue, start: Start
) -> None:
    await orders.send_batch([Entry(body=b"x")] * 10)
    worker = start(
        """
        import asyncio
        from rung.runtime.log import logger
        async def handle(message):
            logger("h").info("begun")
            await asyncio.sleep(1.0)
        """,
        "--concurrency",
        "2",
    )
    await asyncio.to_thread(worker.wait_event, "begun")
    assert await asyncio.to_thread(worker.stop) == 0
    begun = sum(line["event"] == "begun" for line in worker.events())
    left = await orders.receive(max_messages=100)
    assert len(left) == 10 - begun
    assert {message.receive_count for message in left} == {1}


async def test_a_raising_message_ends_dead_with_its_traceback_and_its_neighbours_do_not_wait(
    orders: PostgresQueue, start: Start
) -> None:
    poison = await orders.send({"poison": True})
    await orders.send_batch([Entry(body={"poison": False})] * 20)
    start(
        """
        from rung.runtime import RetryAfter
        async def handle(message):
            if message.json()["poison"]:
                try:
                    raise ValueError("no such order")
                except ValueError as error:
                    if message.receive_count < 3:
                        raise RetryAfter(0.1, "soon") from error
                    raise
        """
    )
    await until(lambda: is_empty(orders))
    (letter,) = await orders.dead_letters()
    assert (letter.id, letter.attempts, letter.reason) == (poison, 3, "ValueError: no such order")
    assert "handlers.py" in letter.traceback
    assert letter.origin.startswith("fulfil@")


async def test_reject_is_dead_at_once(orders: PostgresQueue, start: Start) -> None:
    await orders.send(b"x")
    start("from rung.runtime import Reject\nasync def handle(message):\n    raise Reject('unknown customer')\n")
    await until(lambda: is_empty(orders))
    (letter,) = await orders.dead_letters()
    assert (letter.attempts, letter.reason) == (1, "unknown customer")


async def test_a_handler_that_blocks_the_loop_keeps_its_lease(orders: PostgresQueue, start: Start) -> None:
    await orders.send(b"x")
    worker = start(
        """
        import time
        from rung.runtime.log import logger
        async def handle(message):
            logger("h").info("begun", count=message.receive_count)
            time.sleep(5)
        """
    )
    await asyncio.to_thread(worker.wait_event, "begun")
    await until(lambda: is_empty(orders))
    assert [line["count"] for line in worker.events() if line["event"] == "begun"] == [1]


async def test_an_overrunning_handler_is_ended_whether_it_awaits_or_is_a_plain_function(
    orders: PostgresQueue, start: Start
) -> None:
    await orders.send(b"x")
    source = "import asyncio, time\n"
    source += "def handle(message):\n    time.sleep(60)\n"
    worker = start(source, "--deadline-seconds", "0.5")
    line = await asyncio.to_thread(worker.wait_event, "message will be retried")
    assert line["reason"] == "deadline exceeded: 0.5 s"
    assert await asyncio.to_thread(worker.stop) == 0


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("handlers", "not of the form"),
        ("nowhere:handle", "No module named 'nowhere'"),
        ("handlers:handel", "no 'handel' there; it has handle"),
    ],
)
async def test_a_handler_that_cannot_be_loaded_is_said_in_one_line(
    start: Start, reference: str, found: str
) -> None:
    worker = start("async def handle(message): pass\n", "--handler", reference)
    assert await asyncio.to_thread(worker.process.wait, 20) == 1
    (line,) = worker.events()
    assert (line["level"], line["code"]) == ("error", "R0507")
    assert found in line["found"]
