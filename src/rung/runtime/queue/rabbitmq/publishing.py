"""Publishing: a message is sent when RabbitMQ has confirmed it, and those of a batch are confirmed together.

The frames of a message differ in a few bytes only, so they are written here, and a batch goes to the socket in one
piece (see `wire`); what the client keeps for each message to hear of its confirm is kept for it. (aiormq's
`basic_publish` encodes every field of every frame anew, and one message at a time.)
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from functools import lru_cache

from aiormq.channel import Channel
from aiormq.exceptions import ChannelInvalidStateError, DeliveryError
from pamqp.commands import Basic
from pamqp.frame import marshal

from rung.runtime.errors import UnavailableError
from rung.runtime.queue.rabbitmq.envelope import CONTENT_TYPE, Outgoing
from rung.runtime.queue.rabbitmq.link import CALL_SECONDS, FAILURES, unavailable
from rung.runtime.queue.rabbitmq.wire import Wire

#: Unconfirmed at once on one channel: enough to keep the disk busy, and little to send again.
UNCONFIRMED_MAX = 500
#: AMQP 0-9-1, 4.2.6: a content header of class 60 (basic), with content type, delivery mode and message id.
_HEADER = struct.Struct(">BHIHHQH")
_FRAME = struct.Struct(">BHI")
_HEADER_FRAME, _BODY_FRAME, _END = 2, 3, b"\xce"
_BASIC, _FLAGS = 60, 0x8000 | 0x1000 | 0x0080
_PERSISTENT = b"\x02"
_FIXED = bytes([len(CONTENT_TYPE)]) + CONTENT_TYPE.encode() + _PERSISTENT

#: None: RabbitMQ has it, on disk. Else why not.
Refusal = str | None


class UnroutableError(UnavailableError):
    """RabbitMQ gave a message back: its queue is gone, or takes no more."""


async def publish(wire: Wire, channel: Channel, messages: Sequence[Outgoing]) -> list[Refusal]:
    """Publish all, and wait for their confirms. Raises UnavailableError when none is confirmed.

    On a channel of the wire that is used for nothing else: what is numbered here leaves in that order.
    """
    refusals: list[Refusal] = []
    for begin in range(0, len(messages), UNCONFIRMED_MAX):
        refusals += await _publish(wire, channel, messages[begin : begin + UNCONFIRMED_MAX])
    return refusals


async def _publish(wire: Wire, channel: Channel, messages: Sequence[Outgoing]) -> list[Refusal]:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            confirms, written = _prepared(channel, messages)
            await wire.write(written)
            if len(confirms) == 1:
                await confirms[0]
                return [None]
            answers = await asyncio.gather(*confirms, return_exceptions=True)
    except FAILURES as error:
        raise _failed(error) from error
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if len(failures) == len(answers):
        raise _failed(failures[0]) from failures[0]
    return [None if not isinstance(answer, BaseException) else _said(answer) for answer in answers]


def _prepared(channel: Channel, messages: Sequence[Outgoing]) -> tuple[list[asyncio.Future[object]], bytes]:
    """Per message the future of its confirm; and all frames.

    The server numbers messages as they come, and so do we: nothing may come between this and `write`.
    """
    if channel.is_closed:
        raise ChannelInvalidStateError("the channel is closed")
    confirms = [_numbered(channel) for _ in messages]
    pieces: list[bytes] = []
    for number, message in enumerate(messages, channel.delivery_tag - len(messages) + 1):
        pieces += frames(channel.number, message, str(number), channel.max_content_size)
    return confirms, b"".join(pieces)


def _numbered(channel: Channel) -> asyncio.Future[object]:
    channel.delivery_tag += 1
    tag, identity = channel.delivery_tag, str(channel.delivery_tag)
    confirm: asyncio.Future[object] = channel.create_future()
    channel.confirmations[tag] = confirm
    channel.message_id_delivery_tag[identity] = tag
    confirm.add_done_callback(lambda _: channel.message_id_delivery_tag.pop(identity, None))
    return confirm


def frames(number: int, message: Outgoing, identity: str, part_bytes_max: int) -> list[bytes]:
    """One message on channel `number`: mandatory, persistent. `identity` comes back when it is returned."""
    payload = message.payload
    fields = _FIXED + bytes([len(identity)]) + identity.encode()
    size = _HEADER.size - _FRAME.size + len(fields)
    header = _HEADER.pack(_HEADER_FRAME, number, size, _BASIC, 0, len(payload), _FLAGS)
    made = [_method(number, message.exchange, message.routing_key), header, fields, _END]
    for begin in range(0, len(payload), part_bytes_max):
        part = payload[begin : begin + part_bytes_max]
        made += (_FRAME.pack(_BODY_FRAME, number, len(part)), part, _END)
    return made


@lru_cache(maxsize=256)
def _method(number: int, exchange: str, routing_key: str) -> bytes:
    # Mandatory: a message for a queue that somebody deleted is an error here and not nothing.
    return marshal(Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True), number)


def _failed(error: BaseException) -> UnavailableError:
    return UnroutableError(_said(error)) if isinstance(error, DeliveryError) else unavailable("sending", error)


def _said(error: BaseException) -> str:
    if isinstance(error, DeliveryError):
        return "RabbitMQ has no such queue any more, or refuses more messages"
    return f"RabbitMQ did not confirm it: {str(error) or type(error).__name__}"
