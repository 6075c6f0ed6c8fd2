"""What travels around a body on SQS, and how both become a message of SQS and come back from one.

One attribute, `rung`, holds everything as JSON that any consumer can read: SQS allows ten attributes and a queue
here any number of headers. A body that is text is the message's body; bytes that SQS would refuse (it takes the
characters of XML, and never nothing) are a binary attribute. A message without the attribute comes from somebody
else, an EventBridge rule or a bucket, and is delivered as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from rung.runtime.bus.event import context_of
from rung.runtime.context import TENANT_HEADER
from rung.runtime.queue.envelope import Envelope

#: What a queue of SQS takes: body, and names, types and values of its attributes.
SQS_BYTES_MAX = 256 * 1024
#: The longest delay of SQS. A longer one is several, one after the other.
SQS_DELAY_SECONDS_MAX = 900
ATTRIBUTE = "rung"
BODY_ATTRIBUTE = "rung.body"
_ELSEWHERE = "-"
_REFUSED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TRUNCATED = " ..."


class TooLargeError(Exception):
    """Body and envelope are over `SQS_BYTES_MAX`."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class Outgoing(msgspec.Struct, frozen=True):
    """The parameters of one message to send, and what SQS counts of it."""

    parameters: dict[str, Any]
    size_bytes: int


def outgoing(
    body: bytes, envelope: Envelope, delay_seconds: int = 0, *, reserved_bytes: int = 0, fair: bool = False
) -> Outgoing:
    """The message for SQS. Texts of errors are cut to the room that is left. Raises TooLargeError.

    `fair`: tenants take turns, by the message group of a standard queue (AWS, SQS developer guide, "Amazon SQS
    fair queues", read 2026-11-21).
    """
    text = as_text(body)
    attributes: dict[str, Any] = {}
    size = len(body)
    if text is None:
        attributes[BODY_ATTRIBUTE] = {"DataType": "Binary", "BinaryValue": body}
        size += len(BODY_ATTRIBUTE) + len("Binary") + len(_ELSEWHERE)
    encoded = _encode(envelope, SQS_BYTES_MAX - size - len(ATTRIBUTE) - len("String"))
    size += len(ATTRIBUTE) + len("String") + len(encoded)
    if size + reserved_bytes > SQS_BYTES_MAX:
        raise TooLargeError(size)
    attributes[ATTRIBUTE] = {"DataType": "String", "StringValue": encoded}
    parameters: dict[str, Any] = {
        "MessageBody": _ELSEWHERE if text is None else text,
        "MessageAttributes": attributes,
    }
    if fair and (tenant := envelope.headers.get(TENANT_HEADER)):
        parameters["MessageGroupId"] = tenant
    return Outgoing({**parameters, "DelaySeconds": delay_seconds}, size)


def as_text(body: bytes) -> str | None:
    """The body as the text that SQS takes, or None."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if not text or _REFUSED.search(text) else text


def _encode(envelope: Envelope, room: int) -> str:
    """ASCII, because a header may hold what SQS refuses. Long texts of errors give way to the message itself."""
    encoded = _dump(envelope)
    while len(encoded) > room:
        longest = max(("traceback", "error", "reason"), key=lambda name: len(getattr(envelope, name)))
        there = getattr(envelope, longest)
        if len(there) <= len(_TRUNCATED):
            return encoded
        keep = max(0, len(there) - max(len(encoded) - room, 16) - len(_TRUNCATED))
        envelope = msgspec.structs.replace(envelope, **{longest: there[:keep] + _TRUNCATED})
        encoded = _dump(envelope)
    return encoded


def _dump(envelope: Envelope) -> str:
    return json.dumps(msgspec.to_builtins(envelope), separators=(",", ":"))


def incoming(message: Mapping[str, Any]) -> tuple[bytes, Envelope]:
    """The body and envelope of a message that SQS delivered."""
    attributes = message.get("MessageAttributes") or {}
    body = message.get("Body", "").encode()
    try:
        envelope = msgspec.json.decode(attributes[ATTRIBUTE]["StringValue"], type=Envelope)
    except (KeyError, msgspec.MsgspecError):
        return body, _foreign(message, attributes)
    if BODY_ATTRIBUTE in attributes:
        body = attributes[BODY_ATTRIBUTE]["BinaryValue"]
    return body, envelope


def _foreign(message: Mapping[str, Any], attributes: Mapping[str, Any]) -> Envelope:
    given = {name: value["StringValue"] for name, value in attributes.items() if "StringValue" in value}
    headers = {**context_of(message.get("Body", "").encode()), **given}
    sent_at = int((message.get("Attributes") or {}).get("SentTimestamp", 0)) / 1000
    return Envelope(id=message["MessageId"], sent_at=sent_at, headers=headers)


def first_delay(due_in_seconds: float) -> int:
    """The whole seconds that SQS holds a message now: never early, and at most a second late."""
    return min(SQS_DELAY_SECONDS_MAX, max(0, -int(-due_in_seconds // 1)))
