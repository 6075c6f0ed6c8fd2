"""Few pass at once, some wait, and the others are told so instead of waiting for ever."""

from __future__ import annotations

import asyncio

import pytest

from rung.runtime.errors import OverloadedError


async def test_few_pass_some_wait_and_the_others_are_refused() -> None:
    from shop.narrow import Narrow

    passage, inside, most = Narrow(2, waiting_max=3), 0, 0
    leave = asyncio.Event()

    async def go() -> None:
        nonlocal inside, most
        async with passage:
            inside += 1
            most = max(most, inside)
            await leave.wait()
            inside -= 1

    going = [asyncio.create_task(go()) for _ in range(7)]
    await asyncio.sleep(0)
    leave.set()
    results = await asyncio.gather(*going, return_exceptions=True)
    assert most == 2
    assert [type(result) for result in results].count(OverloadedError) == 2
    assert passage.waiting == 0


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    from shop.narrow import Narrow

    passage = Narrow(1, waiting_max=1)
    async with passage:
        waiting = asyncio.create_task(passage.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert passage.waiting == 0
    async with passage:
        assert passage.waiting == 0


async def test_where_each_takes_long_fewer_wait() -> None:
    from shop.narrow import Narrow

    passage = Narrow(2, waiting_max=100)
    leave = asyncio.Event()

    async def go() -> None:
        async with passage:
            await leave.wait()

    passage._inside_seconds = 0.04
    going = [asyncio.create_task(go()) for _ in range(20)]
    await asyncio.sleep(0)
    assert passage.waiting == 6  # five would wait for 0.1 s at most, and one more comes in at just that
    leave.set()
    results = await asyncio.gather(*going, return_exceptions=True)
    assert [type(result) for result in results].count(OverloadedError) == 20 - 2 - 6
    assert passage._inside_seconds < 0.04  # nobody took as long
