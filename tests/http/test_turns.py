"""New requests begin in slices: what is under way goes on between them, and the important ones begin first."""

from __future__ import annotations

import asyncio
import time

import pytest

from rung.runtime.http.protect import protect
from rung.runtime.http.settings import BACKGROUND, CRITICAL, NORMAL, HttpSettings
from rung.runtime.http.turns import Turns

WORK_SECONDS = 0.000_5


async def begin(turns: Turns, priority: int, began: list[int]) -> None:
    """A request that needs the processor for `WORK_SECONDS`."""
    turn = turns.take(priority)
    if turn is not None:
        await turn
    began.append(priority)
    end = time.perf_counter() + WORK_SECONDS
    while time.perf_counter() < end:
        pass


async def test_nobody_waits_while_the_loop_is_in_time() -> None:
    turns = Turns()
    for _ in range(50):
        assert turns.take(NORMAL) is None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert turns.waiting == 0


async def test_what_is_under_way_goes_on_between_the_slices_of_a_flood() -> None:
    """400 requests of half a millisecond are 200 ms of work; one that is under way waits for a few of them."""
    turns, began = Turns(), list[int]()
    flood = [asyncio.create_task(begin(turns, NORMAL, began)) for _ in range(400)]
    waits = []
    while not all(each.done() for each in flood):
        asked = time.perf_counter()
        await asyncio.sleep(0)
        waits.append(time.perf_counter() - asked)
    assert len(began) == 400
    assert len(waits) > 20
    assert sorted(waits)[len(waits) // 2] < 0.02
    assert turns.waiting == 0


async def test_the_more_important_begin_first() -> None:
    turns, began = Turns(slice_seconds=0.0), list[int]()
    assert turns.take(NORMAL) is None
    waiting = []
    for priority in [BACKGROUND, NORMAL, CRITICAL] * 10:
        turn = turns.take(priority)
        assert turn is not None
        turn.add_done_callback(lambda _, priority=priority: began.append(priority))  # type: ignore[misc]
        waiting.append(turn)
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert began == sorted(began)
    assert len(began) == 30


async def test_who_has_gone_is_passed_over() -> None:
    turns = Turns(slice_seconds=0.0)
    assert turns.take(NORMAL) is None
    gone, there = turns.take(NORMAL), turns.take(NORMAL)
    assert gone is not None
    assert there is not None
    gone.cancel()
    await asyncio.wait_for(there, 1)
    assert turns.waiting == 0


async def test_a_line_is_as_long_as_what_can_be_begun_within_its_patience() -> None:
    """2,000 a second are taken for granted at first: 80 within the 40 ms that a page waits."""
    turns = Turns(slice_seconds=0.0)
    turns.take(NORMAL)
    while not turns.is_full(NORMAL):
        turns.take(NORMAL)
    assert 60 < turns.waiting < 100
    assert not turns.is_full(CRITICAL)
    assert turns.is_full(BACKGROUND)


def test_an_event_loop_that_ended_leaves_no_line_behind() -> None:
    app = protect(_answer, HttpSettings())

    async def ask() -> list[int]:
        sent: list[int] = []

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            if "status" in message:
                sent.append(message["status"])

        for _ in range(20):
            await app({"type": "http", "method": "GET", "path": "/", "headers": []}, _nothing, send)
        return sent

    assert [asyncio.run(ask()), asyncio.run(ask())] == [[200] * 20] * 2


async def test_a_drain_waits_for_who_stands_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not begun, and have been told by the kernel that they are connected."""
    app = protect(_answer, HttpSettings())
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    statuses: list[int] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        statuses.append(message.get("status", 0))

    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(app.state.turns, "take", lambda _: turn)
    asking = asyncio.ensure_future(app(scope, _nothing, send))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.1, turn.set_result, None)
    assert await app.state.drain(notice_seconds=0.0, timeout_seconds=5.0) == 0
    assert statuses[:1] == [200]
    await asking
    app.state.stop()


async def _nothing() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _answer(scope: object, receive: object, send: object) -> None:
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
