"""The limiter admits what can be served, refuses the rest at once, and refuses a checkout last."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest

from rung.runtime.errors import OverloadedError
from rung.runtime.http import HttpSettings, protect
from rung.runtime.http.baseline import Baseline, kind_of
from rung.runtime.http.limiter import Limiter
from rung.runtime.http.settings import BACKGROUND, CRITICAL, NORMAL
from rung.testing.asgi import call


def limiter(concurrency: int = 10, queue: int = 0, **settings: Any) -> Limiter:
    """A limiter with a seeded chance."""
    return Limiter(HttpSettings(concurrency=concurrency, queue_max=queue, **settings), chance=random.Random(7))


def fill(limits: Limiter, priority: int, wanted: int) -> int:
    """How many of `wanted` requests get a slot or a place."""
    admitted = 0
    for _ in range(wanted):
        try:
            limits.enter(priority)
            admitted += 1
        except OverloadedError:
            pass
    return admitted


def test_each_class_may_fill_its_share() -> None:
    """Of ten slots background gets five, normal nine, and the tenth waits for a checkout."""
    assert fill(limiter(), BACKGROUND, 20) == 5
    assert fill(limiter(), NORMAL, 20) == 9
    limits = limiter()
    assert (fill(limits, NORMAL, 20), fill(limits, CRITICAL, 20)) == (9, 1)


async def test_a_full_queue_turns_out_the_least_important() -> None:
    """A checkout takes the place of a report; a report never takes anyone's."""
    limits = limiter(concurrency=1, queue=2)
    limits.enter(CRITICAL)
    report, page = limits.enter(BACKGROUND), limits.enter(NORMAL)
    assert report is not None
    assert page is not None
    checkout = limits.enter(CRITICAL)
    assert checkout is not None
    assert isinstance(report.exception(), OverloadedError)
    with pytest.raises(OverloadedError):
        limits.enter(BACKGROUND)
    limits.leave(0.01, 1.0)
    assert checkout.done()
    assert not page.done()


async def test_a_waiter_gives_up_in_time_and_leaves_no_trace() -> None:
    """The queue is empty afterwards, and the slot still works."""
    limits = limiter(concurrency=1, queue=5, queue_seconds=0.01)
    limits.enter(CRITICAL)
    place = limits.enter(CRITICAL)
    assert place is not None
    with pytest.raises(OverloadedError):
        await limits.wait(place)
    assert limits.waiting == 0
    limits.leave(0.01, 1.0)
    assert limits.enter(CRITICAL) is None


async def test_a_cancelled_waiter_returns_the_slot_it_was_just_given() -> None:
    """The client left in the same moment in which its turn came."""
    limits = limiter(concurrency=1, queue=5)
    limits.enter(CRITICAL)
    place = limits.enter(CRITICAL)
    assert place is not None
    waiting = asyncio.create_task(limits.wait(place))
    await asyncio.sleep(0)
    limits.leave(0.01, 1.0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if waiting.cancelled():
        assert limits.in_flight == 0
    else:
        assert limits.in_flight == 1


def serve_windows(limits: Limiter, seconds: float, windows: int, *, begin: float) -> float:
    """Keep the limiter full of requests that take `seconds` each; the moment afterwards."""
    now = begin
    for _ in range(windows):
        for _ in range(20):
            fill(limits, CRITICAL, 3)
            now += 0.01
            limits.leave(seconds, now)
    fill(limits, CRITICAL, int(limits.limit))
    return now


def test_the_limit_grows_while_latency_is_as_usual_and_shrinks_when_it_is_not() -> None:
    """Gradient: ten times the usual latency brings the limit down within a few windows, and it recovers."""
    limits = limiter(concurrency=20, queue=0)
    now = serve_windows(limits, 0.05, 30, begin=0.0)
    grown = limits.limit
    assert grown > 25
    now = serve_windows(limits, 0.5, 10, begin=now)
    assert limits.limit < grown * 0.7
    shrunk = limits.limit
    serve_windows(limits, 0.05, 40, begin=now)
    assert limits.limit > shrunk


def test_a_slow_decline_does_not_become_the_norm() -> None:
    """Latency that follows the number in flight (a full pool) settles near the pool's size, from any start."""
    for start in (20, 400):
        limits = limiter(concurrency=start, queue=0)
        now = 0.0
        for _ in range(96_000):
            fill(limits, CRITICAL, 3)
            now += 1 / 1_600
            limits.leave(max(0.01, limits.in_flight / 1_600), now)
        assert 14 < limits.limit < 80, limits.limit


def test_noise_below_the_floor_changes_nothing() -> None:
    """1 ms instead of 0.1 ms is ten times as slow, and nobody's problem."""
    limits = limiter(concurrency=20, queue=0)
    now = serve_windows(limits, 0.0001, 20, begin=0.0)
    grown = limits.limit
    serve_windows(limits, 0.001, 20, begin=now)
    assert limits.limit >= grown


def test_waiting_for_the_event_loop_takes_no_slots_away() -> None:
    """Ten times the usual latency, all of it time in which the processor was busy: the database is not."""
    limits = limiter(concurrency=20, queue=0)
    now = serve_windows(limits, 0.03, 30, begin=0.0)
    grown = limits.limit
    for _ in range(50):
        limits.observe_lag(0.05, now)
    serve_windows(limits, 0.3, 10, begin=now)
    assert limits.limit >= grown


async def test_a_place_that_comes_as_time_runs_out_is_kept() -> None:
    """A late event loop finds both due at once: the first is the place's one result, and no slot is lost."""
    limits = limiter(concurrency=1, queue=5, queue_seconds=0.01)
    limits.enter(CRITICAL)
    place = limits.enter(CRITICAL)
    assert place is not None
    waiting = asyncio.create_task(limits.wait(place))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_later(0.005, limits.leave, 0.01, 1.0)
    loop.call_soon(time.sleep, 0.02)
    await waiting
    assert limits.in_flight == 1
    limits.leave(0.01, 2.0)
    assert limits.in_flight == 0


async def test_a_refusal_is_quick_and_says_when_to_come_back() -> None:
    """503 with Retry-After in well under a millisecond of our own time."""
    release = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    protected = protect(
        app, HttpSettings(concurrency=1, concurrency_min=1, queue_max=0, priorities=(("/", CRITICAL),))
    )
    held = asyncio.create_task(call(protected))
    await asyncio.sleep(0)
    answers = []
    times = []
    for _ in range(50):
        began = asyncio.get_running_loop().time()
        answers.append(await call(protected))
        times.append(asyncio.get_running_loop().time() - began)
    release.set()
    assert (await held).status == 200
    assert {answer.status for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} <= {"1", "2"}
    assert sorted(times)[25] < 0.001


def test_a_mix_of_fast_and_slow_kinds_is_no_overload() -> None:
    """A thousand fast answers and some slow ones a second, in an order that makes windows differ widely."""
    chance = random.Random(3)
    limits = limiter(concurrency=40, queue=0)
    now = 0.0
    for _ in range(20_000):
        now += 0.001
        fill(limits, CRITICAL, 40 - limits.in_flight)
        if chance.random() < 0.05 * (int(now) % 2):
            limits.leave(2.0, now, "POST/api/chat")
        else:
            limits.leave(0.001, now, "GET/api/products")
    assert limits.limit >= 40


def test_the_number_of_kinds_is_bounded() -> None:
    """A client that invents paths cannot fill the memory."""
    baseline = Baseline()
    for number in range(10_000):
        baseline.note(kind_of("GET", f"/{number}/x/y"), 0.01)
    assert len(baseline._kinds) <= 257
    assert kind_of("GET", "/api/products/17/reviews") == kind_of("GET", "/api/products/18")
