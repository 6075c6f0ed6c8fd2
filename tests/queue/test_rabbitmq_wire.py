"""The wire to RabbitMQ: confirms are heard however they arrive, and none overtakes a message that comes back."""

from __future__ import annotations

import asyncio
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from rung.runtime.queue.rabbitmq.wire import Wire

HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"


def ack(channel: int, tag: int, *, multiple: bool = False) -> bytes:
    return struct.pack(">BHIHHQBB", 1, channel, 13, 60, 80, tag, multiple, 0xCE)


def method(channel: int, group: int, number: int, rest: bytes = b"") -> bytes:
    return struct.pack(">BHIHH", 1, channel, 4 + len(rest), group, number) + rest + b"\xce"


class Sending:
    """A channel with messages that nobody has confirmed yet, and what arrives on its connection."""

    def __init__(self, number: int, unconfirmed: int) -> None:
        self.wire = Wire(hears_confirms=True)
        loop = asyncio.get_running_loop()
        self.confirmations = {tag: loop.create_future() for tag in range(1, unconfirmed + 1)}
        self.waits = dict(self.confirmations)
        channel: Any = SimpleNamespace(number=number, confirmations=self.confirmations)
        self.wire.watch(channel)
        self.reader = self.wire.new_reader()

    @property
    def confirmed(self) -> list[int]:
        return [tag for tag, wait in self.waits.items() if wait.done()]

    async def passed_on(self) -> bytes:
        """What aiormq gets to read, without the signs of life."""
        self.reader.feed_eof()
        return (await self.reader.read()).replace(HEARTBEAT, b"")


@pytest.mark.parametrize("piece", [1, 3, 20, 21, 22, 1000])
async def test_confirms_and_other_frames_in_pieces_of_any_size(piece: int) -> None:
    sending = Sending(5, 6)
    others = [method(7, 60, 60, b"x" * 300), method(0, 10, 60), ack(7, 1)]
    stream = others[0] + ack(5, 2) + ack(5, 1) + others[1] + ack(5, 5, multiple=True) + others[2]
    for begin in range(0, len(stream), piece):
        sending.reader.feed_data(stream[begin : begin + piece])
    assert sending.confirmed == [1, 2, 3, 4, 5]
    assert list(sending.confirmations) == [6]
    assert await sending.passed_on() == b"".join(others)


async def test_no_confirm_overtakes_a_message_that_comes_back() -> None:
    sending = Sending(5, 3)
    returned = method(5, 60, 50, b"\x01\x38")
    sending.reader.feed_data(ack(5, 1) + returned + ack(5, 2))
    sending.reader.feed_data(ack(5, 3))
    assert sending.confirmed == [1]
    assert await sending.passed_on() == returned + ack(5, 2) + ack(5, 3)


async def test_a_refusal_goes_to_the_client_and_what_follows_it_too() -> None:
    sending = Sending(5, 3)
    refused = method(5, 60, 120, struct.pack(">QB", 1, 0))
    sending.reader.feed_data(refused + ack(5, 3, multiple=True))
    assert sending.confirmed == []
    assert await sending.passed_on() == refused + ack(5, 3, multiple=True)


async def test_the_client_sees_signs_of_life_in_place_of_confirms() -> None:
    sending = Sending(5, 2)
    sending.reader.feed_data(ack(5, 1) + ack(5, 2))
    sending.reader.feed_eof()
    assert await sending.reader.read() == HEARTBEAT


async def test_a_confirm_that_nobody_waits_for_changes_nothing() -> None:
    sending = Sending(5, 1)
    sending.waits[1].cancel()
    sending.reader.feed_data(ack(5, 1) + ack(5, 1) + ack(5, 9))
    assert sending.confirmations == {}


async def test_what_is_sent_without_a_connection_is_an_error() -> None:
    with pytest.raises(ConnectionResetError):
        await Wire(hears_confirms=True).write(b"x")
