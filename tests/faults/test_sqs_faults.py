"""F01, F11, F12, F33 and F34 with a queue on SQS, its outbox in Postgres, and real worker processes."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator
from tests.queue.workers import WorkerProcess, wait_until
from tests.queue.workers_supervised import PREAMBLE, Effects, Supervisor, is_worked_off

from rung.runtime.bindings import QueueBinding
from rung.runtime.queue import Entry, Message, install_queue
from rung.runtime.queue.sqs import SqsQueue
from rung.runtime.queue.sqs.adapter import lease_of

pytestmark = pytest.mark.fault

EFFECT = """
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("the lease was lost: roll back")
"""


class Place:
    """One queue, its database, and what its handlers did."""

    def __init__(self, emulator: Emulator, url: str, name: str, attempts: int) -> None:
        self.emulator = emulator
        self.effects = Effects(url)
        self._made: Any = emulator.create_queue(name, ("default",), attempts)
        self._url, self._attempts = url, attempts
        self.queue = SqsQueue("orders", self.binding())

    def binding(self) -> QueueBinding:
        return QueueBinding(
            adapter="sqs",
            url=self._url,
            region=REGION,
            **self._made,
            visibility_timeout_seconds=2.0,
            max_receive_count=self._attempts,
            long_poll_seconds=1,
        )


@pytest.fixture
async def place(aws: Emulator, postgres_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    connection = await asyncpg.connect(postgres_url)
    await install_queue(connection)
    await connection.close()
    place = Place(aws, postgres_url, f"faults-{random.randrange(2**32):x}", getattr(request, "param", 3))
    await place.effects.create()
    yield place
    await place.queue.close()


POISON = (
    PREAMBLE
    + """
async def handle(message):
    match message.json():
        case "raises":
            from rung.runtime import RetryAfter
            raise RetryAfter(0, "it never works")
        case "kills":
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
"""
    + EFFECT
)
REASONS = {"raises": "it never works", "kills": "worker_lost"}


@pytest.mark.parametrize("poison", REASONS)
async def test_f11_poison_ends_dead_and_its_neighbours_do_not(place: Place, tmp_path: Path, poison: str) -> None:
    before = [result.id for result in await place.queue.send_batch([Entry(body='"fine"')] * 10)]
    identity = await place.queue.send(f'"{poison}"')
    after = [result.id for result in await place.queue.send_batch([Entry(body='"fine"')] * 10)]
    supervisor = Supervisor(tmp_path, POISON, place.binding(), "--deadline-seconds", "1.5")

    async def is_dead() -> bool:
        return (await place.queue.statistics()).dead == 1 and await is_worked_off(place.queue)  # type: ignore[arg-type]

    try:
        await supervisor.until(is_dead, seconds=50)
        (letter,) = await place.queue.dead_letters()
        assert (letter.id, letter.attempts, letter.reason) == (identity, 3, REASONS[poison])
        assert await place.effects.by_id() == dict.fromkeys([*before, *after], 1)
        assert await place.queue.redrive() == 1
        await supervisor.until(is_dead, seconds=50)
    finally:
        supervisor.end()


async def test_f12_one_effect_however_often_a_message_is_delivered(place: Place, postgres_url: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    randomness = random.Random(seed)
    sent = [result.id for result in await place.queue.send_batch([Entry(body=b"x")] * 30)]
    deliveries: list[Message] = []
    for _ in range(randomness.randint(2, 3)):
        deliveries += await place.queue.receive(max_messages=100)
        place.emulator.advance(3)  # for SQS the leases are over, and their holders have not noticed
    for message in deliveries:
        lease_of(message).until += 3600
    assert len(deliveries) >= 60
    randomness.shuffle(deliveries)

    async def take_effect(pool: Any, message: Message) -> bool:
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("insert into effect (id) values ($1)", message.id)
            if await place.queue.finished_in(message, connection):
                await transaction.commit()
                return True
            await transaction.rollback()
            return False

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=8) as pool:
        took = await asyncio.gather(*(take_effect(pool, message) for message in deliveries))
    assert sum(took) == 30
    assert await place.effects.by_id() == dict.fromkeys(sent, 1)
    place.emulator.advance(3600)
    assert await place.queue.receive(max_messages=100) == [], "an hour later they are known to be done"


KILLED = (
    PREAMBLE
    + """
async def handle(message):
    die_once(message, "before")
"""
    + EFFECT
    + """
    die_once(message, "after")
"""
)


@pytest.mark.parametrize("place", [20], indirect=True)
async def test_f01_a_killed_worker_loses_nothing_and_repeats_no_effect(place: Place, tmp_path: Path) -> None:
    points = ["before", "after", "never"] * 2
    sent = [result.id for result in await place.queue.send_batch([Entry(body=f'"{point}"') for point in points])]
    supervisor = Supervisor(tmp_path, KILLED, place.binding(), "--concurrency", "1", count=2)

    async def is_done() -> bool:
        return len(await place.effects.by_id()) == len(sent) and await is_worked_off(place.queue)  # type: ignore[arg-type]

    try:
        await supervisor.until(is_done, seconds=55)
    finally:
        supervisor.end()
    assert await place.effects.by_id() == dict.fromkeys(sent, 1)
    assert supervisor.exits.count(-signal.SIGKILL) == 4


WAITS = (
    PREAMBLE
    + """
from rung.runtime.log import logger
log = logger("handler")

async def handle(message):
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        log.info("written")
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.01)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("fenced")
    log.info("committed")
"""
)


async def test_f33_a_sleepers_late_commit_is_refused(place: Place, tmp_path: Path) -> None:
    identity = await place.queue.send(b'"x"')
    sleeper = WorkerProcess(tmp_path, WAITS, place.binding(), EFFECTS_URL=place.effects.url)
    other: WorkerProcess | None = None
    try:
        await asyncio.to_thread(sleeper.wait_event, "written")
        sleeper.signal(signal.SIGSTOP)
        other = WorkerProcess(tmp_path, WAITS, place.binding(), EFFECTS_URL=place.effects.url)
        await asyncio.to_thread(other.wait_event, "written")
        (tmp_path / "go").touch()
        await asyncio.to_thread(other.wait_event, "committed")
        sleeper.signal(signal.SIGCONT)
        async with asyncio.timeout(15):
            while not await is_worked_off(place.queue):  # type: ignore[arg-type]  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert sleeper.stop() == 0
        assert all(line["event"] != "committed" for line in sleeper.events())
        assert await place.effects.by_id() == {identity: 1}
        assert (await place.queue.statistics()).dead == 0
        assert other.stop() == 0
    finally:
        for worker in (sleeper, other):
            if worker is not None:
                worker.signal(signal.SIGCONT) if worker.process.poll() is None else None
                worker.kill()


SLOW = PREAMBLE + "\nasync def handle(message):\n    await asyncio.sleep(0.4)\n" + EFFECT


async def test_f34_a_drain_finishes_what_runs_and_hands_back_the_rest(place: Place, tmp_path: Path) -> None:
    sent = [result.id for result in await place.queue.send_batch([Entry(body=b'"x"')] * 40)]
    worker = WorkerProcess(tmp_path, SLOW, place.binding(), "--concurrency", "4", EFFECTS_URL=place.effects.url)
    try:
        await asyncio.to_thread(wait_until, lambda: bool(asyncio.run(place.effects.by_id())))
        began = time.monotonic()
        assert await asyncio.to_thread(worker.stop) == 0
        assert time.monotonic() - began < 15
    finally:
        worker.kill()
    done = await place.effects.by_id()
    assert 0 < len(done) < len(sent)
    left = await place.queue.receive(max_messages=100)
    assert {message.id for message in left} == set(sent) - set(done), (
        "all there at once, without waiting for a lease"
    )
    assert {message.receive_count for message in left} == {1}
    assert set(done.values()) == {1}
