"""The test kit itself: time moves only by hand, and the proxy does to a connection what a network does."""

from __future__ import annotations

import asyncio

import pytest

from rung.testing import FaultProxy, ManualClock


async def test_sleepers_wake_in_the_order_of_their_time() -> None:
    clock = ManualClock()
    woken: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.create_task(sleep("late", 10)), asyncio.create_task(sleep("early", 1))]
    await clock.advance(5)
    assert woken == ["early"]
    assert clock.sleepers == 1
    await clock.advance(5)
    assert woken == ["early", "late"]
    await asyncio.gather(*tasks)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_the_proxy_forwards_swallows_heals_and_resets() -> None:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.blackhole()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(3), 0.05)
        proxy.heal()
        assert await asyncio.wait_for(reader.readexactly(3), 1) == b"two"
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.transport.abort()
