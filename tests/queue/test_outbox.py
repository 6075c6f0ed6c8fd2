"""The outbox on its own: what is written is moved, in order per key, however often its relays are killed.

The broker of these tests is a file that takes lines; the relays beside each other are real processes.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from rung.runtime.bindings import QueueBinding
from rung.runtime.context import Context, Deadline, current_deadline, serving
from rung.runtime.errors import MessageError, UnavailableError
from rung.runtime.queue import Message, install_queue
from rung.runtime.queue.message import Sendable
from rung.runtime.queue.outbox import MESSAGE_GROUP_HEADER, Outbox, Refusal

LANES = ("high", "low")
GROUPS = ("a", "b", "c")
COUNT = 60

RELAY = """
import asyncio, os, pathlib, signal, sys
from rung.runtime.bindings import QueueBinding
from rung.runtime.queue.outbox import Outbox, relay

relay.ROUND = 7
url, point = sys.argv[1:]

def die(here):
    mark = pathlib.Path(f"killed-{point}")
    if here == point:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

class Dying(relay.Relay):
    async def _take(self, connection):
        rows = await super()._take(connection)
        if rows:
            die("read")
        return rows

    async def _mark(self, connection, ids):
        die("sent")
        await super()._mark(connection, ids)
        die("marked")

    async def _round(self, wait):
        moved = await super()._round(wait)
        if moved:
            die("committed")
        return moved

async def forward(messages):
    with open("broker", "ab", buffering=0) as broker:
        for position, message in enumerate(messages):
            group = message.headers["x-message-group"]
            broker.write(f"{message.lane} {group} {message.body.decode()} {message.id}\\n".encode())
            if position == 2:
                die("half")
    return [None] * len(messages)

async def main():
    relay_of, outbox_module = Dying, sys.modules["rung.runtime.queue.outbox.outbox"]
    outbox_module.Relay = relay_of
    outbox = Outbox("orders", QueueBinding(adapter="redis", outbox_url=url, lanes=("high", "low")), forward)
    outbox.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def _away(messages: Sequence[Message]) -> list[Refusal]:
    del messages
    raise UnavailableError("the broker is down")


def _outbox(url: str, forward: object = _away) -> Outbox:
    return Outbox("orders", QueueBinding(adapter="redis", outbox_url=url, lanes=LANES), forward)  # type: ignore[arg-type]


def _sendable(number: int, *, once: str | None = None) -> Sendable:
    group = {MESSAGE_GROUP_HEADER: GROUPS[number % len(GROUPS)]}
    body, lane = b"%d" % number, LANES[number % len(LANES)]
    return Sendable(body=body, lane=lane, delay_seconds=0.0, deduplication_id=once, headers=group)


@pytest.fixture
async def url(postgres_url: str) -> str:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    return postgres_url


async def _write(url: str) -> list[str]:
    """Numbers in order, each in a transaction of its own, while the broker is down."""
    outbox, ids = _outbox(url), []
    connection = await asyncpg.connect(url)
    for number in range(COUNT):
        async with connection.transaction():
            (result,) = await outbox.put([_sendable(number)], connection)
        assert result.id is not None
        ids.append(result.id)
    await connection.close()
    await outbox.close()
    return ids


def _relay(folder: Path, url: str, point: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "relay.py", url, point], cwd=folder)


@pytest.mark.fault
@pytest.mark.parametrize("point", ["read", "half", "sent", "marked", "committed"])
async def test_a_relay_that_is_killed_loses_nothing_and_keeps_the_order(
    url: str, tmp_path: Path, point: str
) -> None:
    ids = await _write(url)
    (tmp_path / "relay.py").write_text(RELAY)
    broker = tmp_path / "broker"
    broker.touch()
    relays = [_relay(tmp_path, url, point) for _ in range(2)]
    deadline = time.monotonic() + 40
    try:
        while len({line.split()[3] for line in broker.read_text().splitlines()}) < COUNT:
            assert time.monotonic() < deadline, broker.read_text()
            await asyncio.sleep(0.05)
        killed = [relay for relay in relays if relay.poll() == -signal.SIGKILL]
        assert len(killed) == 1
    finally:
        for relay in relays:
            relay.kill()
            relay.wait()
    lines = [line.split() for line in broker.read_text().splitlines()]
    assert {identity for *_, identity in lines} == set(ids), "the ids that the senders were told"
    first: dict[tuple[str, str], list[int]] = {}
    for lane, group, number, _ in lines:
        seen = first.setdefault((lane, group), [])
        if int(number) not in seen:
            seen.append(int(number))
    assert len(first) == len(LANES) * len(GROUPS)
    assert all(numbers == sorted(numbers) for numbers in first.values())
    twice = sum(count - 1 for count in Counter(identity for *_, identity in lines).values())
    assert twice == {"read": 0, "half": 3, "sent": 7, "marked": 7, "committed": 0}[point]


async def test_relays_beside_each_other_move_each_message_once(url: str) -> None:
    await _write(url)
    got: list[bytes] = []

    async def forward(messages: Sequence[Message]) -> list[Refusal]:
        await asyncio.sleep(0)
        got.extend(message.body for message in messages)
        return [None] * len(messages)

    outboxes = [_outbox(url, forward) for _ in range(3)]
    await asyncio.gather(*(outbox.flush() for outbox in outboxes))
    assert sorted(map(int, got)) == list(range(COUNT))
    for outbox in outboxes:
        await outbox.close()


async def test_what_is_refused_holds_back_its_group_and_nothing_else(url: str) -> None:
    await _write(url)
    got: list[int] = []
    refuses = True

    async def forward(messages: Sequence[Message]) -> list[Refusal]:
        answers: list[Refusal] = []
        for message in messages:
            blocked = refuses and message.lane == "high" and message.headers[MESSAGE_GROUP_HEADER] == "a"
            answers.append("not now" if blocked else None)
            if not blocked:
                got.append(int(message.body))
        return answers

    outbox = _outbox(url, forward)
    await outbox.flush()
    held = [number for number in range(COUNT) if number % 2 == 0 and number % 3 == 0]
    assert sorted(got) == sorted(set(range(COUNT)) - set(held))
    got.clear()
    refuses = False
    outbox.start()
    async with asyncio.timeout(20):
        while len(got) < len(held):  # noqa: ASYNC110 - the relay acts
            await asyncio.sleep(0.02)
    assert got == held
    await outbox.close()


async def test_a_send_survives_a_broker_that_is_down(url: str) -> None:
    outbox = _outbox(url)
    (first,) = await outbox.put([_sendable(1, once="x")], None)
    (second,) = await outbox.put([_sendable(1, once="x")], None)
    assert (first.duplicate, second.duplicate, second.id) == (False, True, first.id)
    await outbox.close()
    got: list[str] = []

    async def forward(messages: Sequence[Message]) -> list[Refusal]:
        got.extend(message.id for message in messages)
        return [None] * len(messages)

    later = _outbox(url, forward)
    await later.flush()
    assert got == [first.id]
    await later.close()


async def test_a_relay_outlives_the_deadline_of_the_request_that_started_it(url: str) -> None:
    """Else a process whose first sender had a deadline moves nothing any more once that has passed."""
    await _write(url)
    got: list[bytes] = []

    async def forward(messages: Sequence[Message]) -> list[Refusal]:
        assert current_deadline() is None
        got.extend(message.body for message in messages)
        return [None] * len(messages)

    outbox = _outbox(url, forward)
    with serving(Context(correlation_id="a request", deadline=Deadline.after(-1.0))):
        outbox.start()
    async with asyncio.timeout(20):
        while len(got) < COUNT:  # noqa: ASYNC110 - the relay acts
            await asyncio.sleep(0.02)
    await outbox.close()


async def test_a_transaction_of_another_database_is_refused(url: str, postgres_server: object) -> None:
    outbox = _outbox(url)
    connection = await asyncpg.connect(postgres_server.url)  # type: ignore[attr-defined]
    async with connection.transaction():
        with pytest.raises(MessageError, match="R0508"):
            await outbox.put([_sendable(1)], connection)
    await connection.close()
    await outbox.close()


async def test_a_role_that_owns_nothing_relays(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create role relay_of_orders login password 'p'")
    await install_queue(connection, roles=["relay_of_orders"])
    got: list[bytes] = []

    async def forward(messages: Sequence[Message]) -> list[Refusal]:
        got.extend(message.body for message in messages)
        return [None] * len(messages)

    host = url.split("@")[-1]
    outbox = _outbox(f"postgresql://relay_of_orders:p@{host}", forward)
    try:
        await outbox.put([_sendable(1, once="x")], None)
        assert got == [b"1"]
    finally:
        await outbox.close()
        await connection.execute("drop owned by relay_of_orders; drop role relay_of_orders")
        await connection.close()
