"""What travels around a body on RabbitMQ, and how both become a message of AMQP and come back from one.

The envelope stands before the body, as MessagePack with its length before it, and not in AMQP's headers: those
have to fit in one frame (128 KiB by default), and ours may be as long as a message. A message of another type
comes from somebody else and is delivered as it is.
"""

from __future__ import annotations

import random
import struct
from datetime import datetime
from typing import Any

import msgspec
from aiormq.abc import DeliveredMessage

from rung.runtime.queue.envelope import Envelope

CONTENT_TYPE = "application/vnd.rung.message"
#: Counted by the queue: how often a message came back. Newer servers than the 3.10 that is tried here count what
#: was taken apart from what failed; the greater of both is what we mean.
COUNTS = ("x-acquired-count", "x-delivery-count")
_LENGTH = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)


class Outgoing(msgspec.Struct, frozen=True):
    """One message to publish: where, and what."""

    exchange: str
    routing_key: str
    payload: bytes


def new_id() -> str:
    """An id that no other message has: 128 random bits."""
    return f"{random.getrandbits(128):032x}"


def encoded(body: bytes, envelope: Envelope) -> bytes:
    """The body of the AMQP message."""
    head = _encoder.encode(envelope)
    return b"".join((_LENGTH.pack(len(head)), head, body))


def decoded(message: DeliveredMessage) -> tuple[bytes, Envelope]:
    """The body and the envelope of what RabbitMQ delivered."""
    found, payload = message.header.properties, message.body
    if found.content_type == CONTENT_TYPE and len(payload) >= _LENGTH.size:
        end = _LENGTH.size + _LENGTH.unpack_from(payload)[0]
        try:
            return payload[end:], _decoder.decode(memoryview(payload)[_LENGTH.size : end])
        except msgspec.MsgspecError:
            pass
    return payload, _foreign(found)


def _foreign(found: Any) -> Envelope:
    headers = {name: value for name, value in (found.headers or {}).items() if isinstance(value, str)}
    sent_at = found.timestamp.timestamp() if isinstance(found.timestamp, datetime) else 0.0
    return Envelope(id=found.message_id or new_id(), sent_at=sent_at, headers=headers)


def returns_of(message: DeliveredMessage) -> int:
    """How often this copy of the message came back before, by the queue's own count."""
    headers = message.header.properties.headers or {}
    return max((count for name in COUNTS if isinstance(count := headers.get(name), int)), default=0)


def expired_at(message: DeliveredMessage) -> float:
    """When RabbitMQ moved this dead letter by itself; 0.0 when somebody else did."""
    deaths = (message.header.properties.headers or {}).get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    moment = first.get("time") if isinstance(first, dict) else None
    return moment.timestamp() if isinstance(moment, datetime) else 0.0


def tag_of(message: DeliveredMessage) -> int:
    """What the server calls this delivery, on its channel."""
    tag = getattr(message.delivery, "delivery_tag", None)
    assert tag is not None, "it was delivered"
    return int(tag)
