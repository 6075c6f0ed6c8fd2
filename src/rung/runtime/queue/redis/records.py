"""What is kept of a message, as bytes: its payload, which never changes, and its state, which scripts rewrite."""

from __future__ import annotations

import itertools
import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from rung.runtime.context import TENANT_HEADER
from rung.runtime.queue.message import Message
from rung.runtime.queue.redis.turns import NOBODY

#: As `struct.pack('<dddI4B')` writes it in the scripts.
_STATE = struct.Struct("<dddIB")
_LENGTH = struct.Struct("<I")
_NO_HEADERS = _LENGTH.pack(2) + b"{}"
_decode_headers = msgspec.json.Decoder(dict[str, str]).decode
_encode_headers = msgspec.json.Encoder().encode
_count = itertools.count()


class State(NamedTuple):
    """Times are microseconds since 1970 of the server's clock. `fence` is when the lease began, 0 without one."""

    sent: float
    run: float
    fence: float
    received: int
    lost: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message was given up."""

    attempts: int
    reason: str
    traceback: str
    origin: str


def read_state(data: bytes) -> State:
    """The state as a script packed it. What follows, the tenant of a fair queue, is the scripts' own."""
    return State._make(_STATE.unpack_from(data))


def write_payload(headers: Mapping[str, str], body: bytes) -> bytes:
    """Headers and body in one."""
    if not headers:
        return _NO_HEADERS + body
    encoded = _encode_headers(headers)
    return _LENGTH.pack(len(encoded)) + encoded + body


def read_payload(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a payload."""
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    return _decode_headers(data[_LENGTH.size : end]), data[end:]


def tenant_of(headers: Mapping[str, str]) -> str:
    """Whose turn it is when this message's turn comes."""
    return headers.get(TENANT_HEADER, "").replace("\0", "") or NOBODY


def new_id() -> str:
    """An id that no other message ever has. Those of one process are in order: Redis sorts equal times by id.

    Counted here and not by the server, which forgets the last second of its counters when it crashes.
    """
    return f"{time.time_ns() // 1000:014x}{next(_count) & 0xFFFFFF:06x}{os.urandom(5).hex()}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a lease: when it began, by the server's clock. `error`: why the attempt before this one failed."""

    fence: int
    error: str


def receipt_of(message: Message) -> Receipt:
    """The receipt of a message that this adapter delivered."""
    assert isinstance(message.receipt, Receipt)
    return message.receipt
