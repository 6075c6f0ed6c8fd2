"""Looking after a queue on Redis: counts, dead letters, what is too old."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from rung.runtime.queue.message import (
    REASON_EXPIRED,
    DeadLetter,
    LaneStatistics,
    QueueStatistics,
    origin_of_this_process,
)
from rung.runtime.queue.redis import scripts
from rung.runtime.queue.redis.keys import Keys
from rung.runtime.queue.redis.records import Letter, read_payload, read_state

BATCH = 500
MICROSECONDS = 1_000_000
#: As many scripts of `BATCH` ids, one after the other: every message that an outbox relays leaves one.
FORGET_ROUNDS = 2_000

#: Runs a script by the queue's clock: the script, its keys, its arguments.
Run = Callable[..., Awaitable[Any]]


class Kept(Protocol):
    """The queue that is looked after."""

    name: str
    lanes: Sequence[str]
    keys: Keys
    fair: bool


class Keeping:
    """What operators and `tidy` do, on every lane that ever had a message."""

    def __init__(self, queue: Kept, run: Run, *, retention_seconds: float) -> None:
        self._queue = queue
        self._run = run
        self._retention_seconds = retention_seconds

    async def _lanes(self) -> list[str]:
        """The queue's own, the highest first, then those that it had once."""
        seen = await self._run(scripts.LANES, (self._queue.keys.lanes,))
        return list(dict.fromkeys((*self._queue.lanes, *sorted(lane.decode() for lane in seen))))

    async def statistics(self) -> QueueStatistics:
        """See `Queue.statistics`."""
        keys, lanes = self._queue.keys, await self._lanes()
        names = [name for lane in lanes for name in (keys.due(lane), keys.leased(lane), keys.dead(lane))]
        rows = await self._run(scripts.STATISTICS, (keys.state, *names))
        return QueueStatistics(lanes={lane: _counts(row) for lane, row in zip(lanes, rows, strict=True)})

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """See `Queue.dead_letters`."""
        keys, lanes = self._queue.keys, await self._lanes()
        rows = await self._run(
            scripts.DEAD_LETTERS, (keys.state, keys.payload, keys.letter, *map(keys.dead, lanes)), limit
        )
        letters = [self._letter(lanes[row[0]], row) for row in rows]
        return sorted(letters, key=lambda letter: (letter.died_at, letter.id), reverse=True)[:limit]

    def _letter(self, lane: str, row: Sequence[Any]) -> DeadLetter:
        _, identity, died, packed, payload, letter = row
        headers, body = read_payload(payload)
        why = msgspec.json.decode(letter, type=Letter)
        return DeadLetter(
            id=identity.decode(),
            queue=self._queue.name,
            lane=lane,
            body=body,
            headers=headers,
            sent_at=datetime.fromtimestamp(read_state(packed).sent / MICROSECONDS, UTC),
            died_at=datetime.fromtimestamp(died / MICROSECONDS, UTC),
            attempts=why.attempts,
            reason=why.reason,
            traceback=why.traceback,
            origin=why.origin,
        )

    async def redrive(self, ids: Sequence[str] | None) -> int:
        """See `Queue.redrive`."""
        total = 0
        for lane, counts in (await self.statistics()).lanes.items():
            if ids is None:
                total += await self._redrive_oldest(lane, counts.dead)
            else:
                for begin in range(0, len(ids), BATCH):
                    total += await self._redrive(lane, BATCH, ids[begin : begin + BATCH])
        return total

    async def _redrive_oldest(self, lane: str, count: int) -> int:
        """So many and no more: what dies again meanwhile stays dead, or a worker that rejects it would keep us."""
        total = 0
        while total < count and (moved := await self._redrive(lane, min(BATCH, count - total))):
            total += moved
        return total

    async def _redrive(self, lane: str, count: int, ids: Sequence[str] = ()) -> int:
        keys = self._queue.keys
        later = (keys.later(lane),) if self._queue.fair else ()
        names = (keys.state, keys.letter, keys.due(lane), keys.dead(lane), *later)
        return int(await self._run(scripts.REDRIVE, names, keys.channel, count, *ids))

    async def tidy(self) -> int:
        """See `RedisQueue.tidy`."""
        keys, expired = self._queue.keys, 0
        for lane in self._queue.lanes:
            places = (keys.turns(lane), keys.later(lane)) if self._queue.fair else ()
            expired += await self._run(
                scripts.EXPIRE,
                (keys.state, keys.error, keys.letter, keys.due(lane), keys.dead(lane), *places),
                round(self._retention_seconds * MICROSECONDS),
                BATCH,
                REASON_EXPIRED,
                origin_of_this_process(),
            )
        for _ in range(FORGET_ROUNDS):
            if await self._run(scripts.FORGET_ONCE, (keys.once, keys.once_until), BATCH) < BATCH:
                break
        return expired


def _counts(row: Sequence[int]) -> LaneStatistics:
    ready, in_flight, delayed, dead, oldest = row
    return LaneStatistics(
        ready=ready,
        in_flight=in_flight,
        delayed=delayed,
        dead=dead,
        oldest_age_seconds=max(0.0, oldest / MICROSECONDS),
    )
