"""F11: a message that raises, one that kills its process, one that hangs: all end dead, no neighbour suffers.

Proves: the poison is dead after its last attempt, with the reason; every neighbour has one effect, at most one
visibility timeout after the workers began; and once its cause is mended, a redrive brings the poison through.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.faults.brokers import BROKERS, Place, placed
from tests.queue.workers_supervised import PREAMBLE, Effects, Supervisor, is_worked_off

from rung.runtime.queue import Entry, open_queue

pytestmark = pytest.mark.fault

HANDLER = (
    PREAMBLE
    + """
from rung.runtime import RetryAfter

async def handle(message):
    poison = message.json() if not pathlib.Path("mended").exists() else "fine"
    match poison:
        case "raises":
            raise RetryAfter(0.2, "it never works")
        case "kills":
            await asyncio.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        case "awaits for ever":
            await asyncio.Event().wait()
        case "blocks for ever":
            time.sleep(3600)
    async with database.transaction() as transaction:
        await transaction.execute("insert into effect (id) values ($1)", message.id)
        if not await orders.finished_in(message, transaction):
            raise RuntimeError("the lease was lost: roll back")
"""
)

REASONS = {
    "raises": "it never works",
    "kills": "worker_lost",
    "awaits for ever": "deadline exceeded: 2 s",
    "blocks for ever": "deadline exceeded: it blocked the event loop",
}
#: As `rung check` asks for it: longer than the handler's deadline.
LEASE_SECONDS, DEADLINE_SECONDS, GRACE_SECONDS = 3.5, 2.0, 0.5
#: A waiting worker looks every half second, and this machine does other things too.
SLACK_SECONDS = 1.5
#: Every kind with Postgres; elsewhere those in which the broker has a part, and the others in the soak.
CASES = [
    pytest.param((broker, poison), id=f"{broker}: {poison}", marks=() if usual else pytest.mark.soak)
    for broker in BROKERS
    for poison in REASONS
    for usual in [broker == "postgres" or poison in ("raises", "kills")]
]
#: Of each kind of poison; what blocks comes again after a whole visibility timeout.
ATTEMPTS = {"raises": 3, "kills": 3, "awaits for ever": 3, "blocks for ever": 2}


@pytest.fixture(params=CASES)
async def case(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Place, str]]:
    """A queue, and what comes among its messages."""
    broker, poison = request.param
    async with placed(broker, postgres_url, tmp_path / "broker") as place:
        yield place, poison


async def test_poison_ends_dead_and_its_neighbours_are_handled_in_time(
    case: tuple[Place, str], tmp_path: Path
) -> None:
    place, poison = case
    binding = place.binding(visibility_timeout_seconds=LEASE_SECONDS, max_receive_count=ATTEMPTS[poison])
    effects, orders = Effects(place.url), open_queue("orders", binding)
    await effects.create()
    before = [result.id for result in await orders.send_batch([Entry(body='"fine"')] * 10)]
    identity = await orders.send(f'"{poison}"')
    after = [result.id for result in await orders.send_batch([Entry(body='"fine"')] * 10)]
    limits = ("--deadline-seconds", f"{DEADLINE_SECONDS}", "--grace-seconds", f"{GRACE_SECONDS}")
    supervisor = Supervisor(tmp_path, HANDLER, binding, *limits, count=2)

    async def is_dead() -> bool:
        return (await orders.statistics()).dead == 1 and await is_worked_off(orders)

    async def is_done() -> bool:
        return len(await effects.by_id()) == 21 and await is_worked_off(orders)

    try:
        await supervisor.until(is_dead, seconds=55)
        (letter,) = await orders.dead_letters()
        assert (letter.id, letter.attempts, letter.reason) == (identity, ATTEMPTS[poison], REASONS[poison])
        assert await effects.by_id() == dict.fromkeys([*before, *after], 1)
        latest = max([await effects.at(str(neighbour)) for neighbour in (*before, *after)])
        delay_seconds = latest - _began(tmp_path)
        print(f"F11 {poison}: the last neighbour {delay_seconds:.2f} s after the first worker was ready")
        assert delay_seconds <= LEASE_SECONDS + SLACK_SECONDS
        (tmp_path / "mended").touch()
        assert await orders.redrive() == 1
        await supervisor.until(is_done, seconds=20)
        assert (await orders.statistics()).dead == 0
    finally:
        supervisor.end()
    await orders.close()


def _began(folder: Path) -> float:
    """When the first worker was ready, in seconds of the wall clock."""
    lines = [line for log in folder.glob("worker-*.log") for line in log.read_text().splitlines()]
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return min(datetime.fromisoformat(event["time"]).timestamp() for event in events if event["event"] == "ready")
