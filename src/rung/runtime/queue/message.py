"""What goes through a queue: messages, what is sent, and what is known about both. Inert data only."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from rung.runtime.context import DEADLINE_HEADER, current, to_headers
from rung.runtime.errors import MessageError

#: Body and headers together, on every broker alike: what SQS, the smallest of them, takes (256 KiB), less what
#: travels around them there: id, attempts, and the reason and traceback of a dead letter.
MESSAGE_BYTES_MAX = 250 * 1024
#: A year: longer waits belong in a table of the application, where they can be seen and changed.
DELAY_SECONDS_MAX = 365 * 86_400.0
DEDUPLICATION_ID_LENGTH_MAX = 128

#: The reasons that a queue itself gives for a dead letter; every other reason comes from the handler.
REASON_WORKER_LOST = "worker_lost"
REASON_EXPIRED = "expired"


class Reject(Exception):  # noqa: N818 - it reads as the instruction it is: raise Reject("no such order")
    """Raised by a handler: this message can never succeed, so it goes to the dead-letter queue at once."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetryAfter(Exception):  # noqa: N818 - an instruction, as above
    """Raised by a handler: try again in `seconds`, whatever the queue's backoff says. Uses an attempt."""

    def __init__(self, seconds: float, reason: str = "retry requested") -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the receiver holds a lease on.

    `receive_count` includes this delivery. `after_loss`: the previous holder's lease ran out, so it may have died
    of this message. `receipt` proves the lease to the queue that gave it; nothing else
    reads it. Two messages of equal id and different receipt are two deliveries of one message.
    """

    id: str
    queue: str
    lane: str
    body: bytes
    headers: Mapping[str, str]
    receive_count: int
    sent_at: datetime
    receipt: object = field(repr=False)
    after_loss: bool = False

    def json(self) -> Any:
        """The body, decoded. Raises MessageError when it is not JSON."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise MessageError(f"message {self.id} is not JSON: {error}") from error


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a batch to send. `lane=None` is the queue's lowest."""

    body: object
    lane: str | None = None
    delay_seconds: float = 0.0
    deduplication_id: str | None = None
    headers: Mapping[str, str] = {}


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry: an id, or why it was not sent. A duplicate carries the first one's id."""

    id: str | None = None
    duplicate: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up, and why. `origin` says who gave it up: node, host and process."""

    id: str
    queue: str
    lane: str
    body: bytes
    headers: Mapping[str, str]
    sent_at: datetime
    died_at: datetime
    attempts: int
    reason: str
    traceback: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneStatistics:
    """Counts of one lane.

    `oldest_age_seconds` is how long the oldest ready message has waited; 0 without one, None where the broker does
    not tell (the capability `tells_oldest_age`).
    """

    ready: int = 0
    in_flight: int = 0
    delayed: int = 0
    dead: int = 0
    oldest_age_seconds: float | None = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatistics:
    """Counts of the whole queue, and of every lane, the highest first."""

    lanes: Mapping[str, LaneStatistics]

    @property
    def ready(self) -> int:
        """Messages that could be received now."""
        return sum(lane.ready for lane in self.lanes.values())

    @property
    def in_flight(self) -> int:
        """Messages under a lease."""
        return sum(lane.in_flight for lane in self.lanes.values())

    @property
    def delayed(self) -> int:
        """Messages whose time has not come: delayed, or waiting for their next attempt."""
        return sum(lane.delayed for lane in self.lanes.values())

    @property
    def dead(self) -> int:
        """Dead letters."""
        return sum(lane.dead for lane in self.lanes.values())

    @property
    def oldest_age_seconds(self) -> float | None:
        """How long the oldest ready message has waited; None where the broker does not tell."""
        ages = [lane.oldest_age_seconds for lane in self.lanes.values()]
        known = [age for age in ages if age is not None]
        return None if ages and not known else max(known, default=0.0)


def origin_of_this_process() -> str:
    """Who gives a message up: node, host and process."""
    return f"{os.environ.get('RUNG_NODE') or 'process'}@{socket.gethostname()}:{os.getpid()}"


class Sendable(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that has been checked: what an adapter writes."""

    body: bytes
    lane: str
    delay_seconds: float
    deduplication_id: str | None
    headers: Mapping[str, str]


class Inherited(msgspec.Struct, frozen=True):
    """The headers that every message sent now takes over, and their size: worked out once for a whole batch."""

    headers: Mapping[str, str]
    size_bytes: int


def inherited_headers() -> Inherited:
    """What a message takes over from the current action: correlation id, tenant, user, trace.

    The deadline stays behind: it is the time of the caller who waits for an answer, and nobody waits for this.
    """
    from rung.runtime.trace import inject

    headers = to_headers(current())
    headers.pop(DEADLINE_HEADER, None)
    inject(headers)
    return Inherited(headers, _size(headers))


def prepare(
    entry: Entry, queue: str, lanes: Sequence[str], inherited: Inherited, *, delay_seconds: float = 0.0
) -> Sendable:
    """Check an entry and give it the inherited headers below its own. Raises MessageError, naming the limit.

    `delay_seconds`: the queue's own, which every message waits at least.
    """
    lane = lanes[-1] if entry.lane is None else entry.lane
    if lane not in lanes:
        raise MessageError(f"R0502: queue {queue!r} has no lane {lane!r}; it has {', '.join(lanes)}")
    if not 0 <= entry.delay_seconds <= DELAY_SECONDS_MAX:  # also refuses NaN
        raise MessageError(
            f"R0503: delay_seconds={entry.delay_seconds!r}: a delay is 0 to {DELAY_SECONDS_MAX:.0f} s (a year)"
        )
    _check_deduplication_id(entry.deduplication_id)
    headers, headers_bytes = inherited.headers, inherited.size_bytes
    if entry.headers:
        headers = {**headers, **entry.headers}
        headers_bytes = _size(headers)
    body = encode_body(entry.body)
    size = len(body) + headers_bytes
    if size > MESSAGE_BYTES_MAX:
        raise MessageError(
            f"R0501: the message is {size} bytes with its headers; a queue takes {MESSAGE_BYTES_MAX}: "
            "store the content in a bucket or a table and send its key"
        )
    return Sendable(
        body=body,
        lane=lane,
        delay_seconds=max(entry.delay_seconds, delay_seconds),
        deduplication_id=entry.deduplication_id,
        headers=headers,
    )


def _size(headers: Mapping[str, str]) -> int:
    try:
        return sum(len(name.encode()) + len(value.encode()) for name, value in headers.items())
    except (AttributeError, UnicodeEncodeError) as error:
        raise MessageError(f"R0504: the headers are not text: {error}") from error


def encode_body(body: object) -> bytes:
    """Bytes as they are, text as UTF-8, anything else as JSON. Raises MessageError when it is none of these."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(body)
    try:
        return body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise MessageError(f"R0504: the body is not bytes, text or JSON: {error}") from error


def _check_deduplication_id(given: str | None) -> None:
    if given is None:
        return
    if not 0 < len(given) <= DEDUPLICATION_ID_LENGTH_MAX or "\x00" in given:
        raise MessageError(
            f"R0505: deduplication_id={given[:40]!r}: 1 to {DEDUPLICATION_ID_LENGTH_MAX} characters, without NUL"
        )
