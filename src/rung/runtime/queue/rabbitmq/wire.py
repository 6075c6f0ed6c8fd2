"""The bytes of a connection to RabbitMQ that sends: messages leave at once, and confirms are heard at once.

aiormq hands each frame from task to task: a writer takes it out of a queue; a reader parses what comes and puts it
into another queue; the channel's own reader ends the wait. For one confirmed message after the other, that is most
of what this process does. So the frames of messages go straight to the socket, together with whatever else is sent
in the same turn of the event loop, and the confirm of a message ends its sender's wait where it arrives. All other
frames go through aiormq, by its own door (`TransportFactory`).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable
from typing import Any, SupportsIndex

from aiormq.channel import Channel
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

#: AMQP 0-9-1, 4.2.3: type, channel and size of a frame; an octet ends it.
_FRAME = struct.Struct(">BHI")
_AROUND = _FRAME.size + 1
#: A method frame with basic.ack (class 60, method 80): delivery tag, and whether it speaks for all before it.
_ACK = struct.Struct(">BHIHHQB")
_METHOD, _ACK_SIZE, _BASIC, _ACK_METHOD = 1, 13, 60, 80
#: What aiormq takes for a sign of life of the server, in place of the confirms that it does not see.
_HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_SIGN_OF_LIFE_SECONDS = 1.0


class Wire(TransportFactory):
    """The transport of one connection. `hears_confirms`: for a connection that does not receive messages."""

    def __init__(self, *, hears_confirms: bool) -> None:
        self._hears_confirms = hears_confirms
        self._writer: asyncio.StreamWriter | None = None
        self._channels: dict[int, Channel] = {}

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """See `TransportFactory.create`."""
        assert url.host is not None, "aiormq has completed it"
        assert url.port is not None, "as above"
        provider = kwargs.pop("ssl_context_provider")
        loop = asyncio.get_running_loop()
        reader = self.new_reader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            context = await provider.get_context() if url.scheme == "amqps" else None
            transport, _ = await loop.create_connection(
                lambda: protocol, url.host, url.port, ssl=context, **kwargs
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        return reader, self._writer

    def new_reader(self) -> asyncio.StreamReader:
        """What takes the bytes that arrive."""
        return _Reader(self) if self._hears_confirms else asyncio.StreamReader()

    async def write(self, frames: bytes) -> None:
        """Send whole frames. They have left this process, or stand in line behind too much, when this returns."""
        writer = self._writer
        if writer is None or writer.is_closing():
            raise ConnectionResetError("the connection is closed")
        writer.write(frames)
        await writer.drain()

    def watch(self, channel: Channel) -> None:
        """Hear the confirms of a channel that is used for nothing but sending."""
        if self._hears_confirms:
            self._channels[channel.number] = channel

    def hear(self, frames: bytes, at: int, number: int, size: int) -> bool:
        """End the wait for a confirm. False: the frame is none, or not for us, and aiormq is to have it.

        What is not a plain confirm (a message that comes back, a refusal) ends this for its channel: no confirm
        may overtake it.
        """
        channel = self._channels.get(number)
        if channel is None:
            return False
        if size == _ACK_SIZE:
            kind, _, _, group, method, tag, multiple = _ACK.unpack_from(frames, at)
            if (kind, group, method) == (_METHOD, _BASIC, _ACK_METHOD):
                _confirm(channel, tag, multiple=bool(multiple))
                return True
        del self._channels[number]
        return False


def _confirm(channel: Channel, tag: int, *, multiple: bool) -> None:
    waiting = channel.confirmations
    for each in [number for number in waiting if number <= tag] if multiple else (tag,):
        confirm = waiting.pop(each, None)
        if confirm is not None and not confirm.done():
            confirm.set_result(None)


class _Reader(asyncio.StreamReader):
    """Takes the confirms out of what arrives."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self._begun = b""
        self._alive_at = 0.0

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Called with what has arrived."""
        arrived = self._begun + bytes(data)
        at, kept, heard = 0, 0, False
        passed: list[bytes] = []
        while len(arrived) - at >= _AROUND:
            _, number, size = _FRAME.unpack_from(arrived, at)
            after = at + _AROUND + size
            if after > len(arrived):
                break
            if self._wire.hear(arrived, at, number, size):
                heard = True
                passed.append(arrived[kept:at])
                kept = after
            at = after
        passed.append(arrived[kept:at])
        self._begun = arrived[at:]
        if heard and (now := asyncio.get_running_loop().time()) - self._alive_at > _SIGN_OF_LIFE_SECONDS:
            self._alive_at = now
            passed.append(_HEARTBEAT)
        if rest := b"".join(passed):
            super().feed_data(rest)

    def feed_eof(self) -> None:
        """Called when nothing more will arrive."""
        if self._begun:
            super().feed_data(self._begun)
            self._begun = b""
        super().feed_eof()
