"""Who announces a busy queue: one of the many who could, and never nobody."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from rung.runtime.queue.postgres import announcements
from rung.runtime.queue.postgres.announcements import BUSY_COUNT, BUSY_GAP_SECONDS, Announcements

SENDERS = 16


class Room:
    """Processes that hear each other's announcements: `said` has one moment for each."""

    def __init__(self, members: int) -> None:
        self.said: list[float] = []
        self.members = [Member(self, number) for number in range(1, members + 1)]


class Member(Announcements):
    """One of them, whose announcements reach the others in the loop's next round."""

    def __init__(self, room: Room, pid: int) -> None:
        super().__init__("", "orders", lambda: None, randomness=random.Random(pid))
        self._room, self._pid = room, pid

    async def _notify(self, payload: str) -> None:
        self._room.said.append(time.monotonic())
        for member in self._room.members:
            member._hear(None, self._pid, "orders", payload)


@pytest.fixture
def busy_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "BUSY_COUNT", 0)


async def sends(member: Member, until: float) -> None:
    while time.monotonic() < until:
        member.announce()
        await asyncio.sleep(0.001)


@pytest.mark.usefixtures("busy_from_the_start")
async def test_many_who_hear_each_other_announce_a_busy_queue_far_less_often_than_as_many_who_do_not() -> None:
    hearing = Room(SENDERS)
    alone = [Room(1) for _ in range(SENDERS)]
    members = [*hearing.members, *(room.members[0] for room in alone)]
    until = time.monotonic() + 0.5
    await asyncio.gather(*(sends(member, until) for member in members))
    for member in members:
        await member.close()
    assert 0 < len(hearing.said) < sum(len(room.said) for room in alone) / 2


@pytest.mark.usefixtures("busy_from_the_start")
async def test_what_another_has_just_told_is_not_told_again_but_what_came_after_it_is() -> None:
    room = Room(2)
    first, second = room.members
    second.announce()
    await room_has_said(room, 1)
    first.announce()
    first._due_since -= announcements.ARRIVAL_SECONDS * 2  # long before what comes now
    second._start(second._notify(""))
    await room_has_said(room, 2)
    assert first._timer is None, "told by the other"
    first.announce()
    second._start(second._notify(""))  # sent before it, heard after it: it may have been too early
    await room_has_said(room, 3)
    assert first._timer is not None
    await room_has_said(room, 4)
    assert first._timer is None


async def test_a_quiet_queue_is_announced_at_once() -> None:
    room = Room(1)
    began = time.monotonic()
    room.members[0].announce()
    await room_has_said(room, 1)
    assert room.said[0] - began < BUSY_GAP_SECONDS or time.monotonic() - began > 1.0
    for _ in range(BUSY_COUNT + 1):
        room.members[0].announce()
    await room_has_said(room, 2)
    room.members[0].announce()
    room.members[0].announce()
    await room_has_said(room, 3)
    assert room.said[2] - room.said[1] >= BUSY_GAP_SECONDS * 0.9, "a busy one is not"


async def room_has_said(room: Room, count: int) -> None:
    async with asyncio.timeout(20):
        while len(room.said) < count:  # noqa: ASYNC110 - timers act
            await asyncio.sleep(0.001)


@pytest.mark.usefixtures("busy_from_the_start")
async def test_those_who_announce_at_the_same_time_move_apart_and_one_alone_comes_back() -> None:
    [member] = Room(1).members
    least, most = announcements.SPREAD_SECONDS
    moments = [number * (BUSY_GAP_SECONDS / 4) for number in range(1, 20)]
    for moment in moments:
        member._told_by_another(moment)
    assert member._spread == most
    for moment in range(1, 200):
        member._told_by_another(float(moment))
    assert member._spread == least
