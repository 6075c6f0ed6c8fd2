"""What the suites of queues do again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from rung.runtime.queue import Message, Queue


def need(queue: Queue, capability: str) -> None:
    """Skip the test where the backend says that it has not this capability."""
    if not getattr(queue.capabilities, capability):
        pytest.skip(f"the backend says that it has no {capability}")


def arranged(queue: Queue, messages: list[Message], ids: Sequence[str | None]) -> list[Message]:
    """As they were sent; where the queue keeps the order, that is how they came."""
    if queue.capabilities.ordered:
        assert [message.id for message in messages] == list(ids)
    return sorted(messages, key=lambda message: ids.index(message.id))


async def drain(queue: Queue) -> list[bytes]:
    """Receive and acknowledge until there is nothing; the bodies."""
    bodies = []
    while messages := await queue.receive(max_messages=10):
        bodies += [message.body for message in messages]
        await queue.acknowledge(messages)
    return bodies


async def one(queue: Queue) -> Message:
    """The only message that there is now."""
    (message,) = await queue.receive(max_messages=10)
    return message


async def one_of(queue: Queue) -> Message:
    """One of the messages that there are now."""
    (message,) = await queue.receive(max_messages=1)
    return message


async def soon(queue: Queue) -> Message:
    """The next message, whenever it comes: within a timeout of the caller's."""
    while not (messages := await queue.receive()):  # noqa: ASYNC110 - the broker acts
        await asyncio.sleep(0.05)
    return messages[0]


async def patiently(queue: Queue) -> Message:
    """The next message of a broker that is coming back."""
    async with asyncio.timeout(20):
        while True:
            with suppress(Exception):
                if messages := await queue.receive():
                    return messages[0]
            await asyncio.sleep(0.1)
