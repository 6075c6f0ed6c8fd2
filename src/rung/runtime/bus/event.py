"""One event: what a producer says, what is refused, and the shape that consumers see, which is EventBridge's."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime.errors import MessageError

#: Of one entry, and of all in one call of PutEvents; counted as AWS counts (eb-putevents.html, "Calculating
#: PutEvents event entry size", read on 2026-11-21).
ENTRY_BYTES_MAX = 256 * 1024
TIME_BYTES = 14
#: The key of `detail` with what travels with an event: its id, and the context it was put in, as headers.
CONTEXT = "_context"
EVENT_HEADER = "x-rung-event"


class EventEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a batch to put. `time` is when it happened; None: now. `source` None: workload and node."""

    detail_type: str
    detail: Mapping[str, Any]
    source: str | None = None
    resources: Sequence[str] = ()
    time: datetime | None = None


class PutResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry: its id, or why it was not taken."""

    id: str | None = None
    error: str | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that has been checked. `detail` is JSON with the context; `size_bytes` as PutEvents counts."""

    id: str
    detail_type: str
    source: str
    resources: tuple[str, ...]
    time: datetime
    detail: bytes
    size_bytes: int


def prepare(entry: EventEntry, headers: Mapping[str, str]) -> Prepared:
    """Check an entry and give its detail the context. Raises MessageError R0520 (too large) or R0521."""
    source = entry.source or default_source()
    identity = str(uuid.uuid4())
    _check(entry, source)
    try:
        detail = msgspec.json.encode({**entry.detail, CONTEXT: {EVENT_HEADER: identity, **headers}})
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise MessageError(f"R0521: the detail of {entry.detail_type!r} is not JSON: {error}") from error
    size = _size(entry, source, detail)
    if size > ENTRY_BYTES_MAX:
        raise MessageError(
            f"R0520: the event {entry.detail_type!r} is {size:,} bytes; a bus takes {ENTRY_BYTES_MAX:,}: "
            "store the content in a bucket or a table and put its key"
        )
    moment = entry.time or datetime.now(UTC)
    return Prepared(
        id=identity, detail_type=entry.detail_type, source=source, resources=tuple(entry.resources),
        time=moment.astimezone(UTC), detail=detail, size_bytes=size,
    )  # fmt: skip


def encode(event: Prepared, *, account: str, region: str) -> bytes:
    """The event as consumers see it: EventBridge's envelope, version 0."""
    return msgspec.json.encode({
        "version": "0", "id": event.id, "detail-type": event.detail_type, "source": event.source,
        "account": account, "time": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": region,
        "resources": event.resources, "detail": msgspec.Raw(event.detail),
    })  # fmt: skip


def default_source() -> str:
    """Workload and node of this process, with a dot between them."""
    return f"{os.environ.get('RUNG_WORKLOAD') or 'workload'}.{os.environ.get('RUNG_NODE') or 'process'}"


def context_of(body: bytes) -> dict[str, str]:
    """The headers that travel in an event's detail; empty for what is no event of ours."""
    try:
        found = msgspec.json.decode(body, type=_Carrier)
    except msgspec.MsgspecError:
        return {}
    return dict(found.detail.context)


class _Detail(msgspec.Struct):
    context: dict[str, str] = msgspec.field(default_factory=dict, name=CONTEXT)


class _Carrier(msgspec.Struct):
    detail: _Detail


def _check(entry: EventEntry, source: str) -> None:
    if not isinstance(entry.detail, Mapping):
        raise MessageError(f"R0521: the detail is a {type(entry.detail).__name__}; an event's is an object")
    if CONTEXT in entry.detail:
        raise MessageError(f"R0521: {CONTEXT!r} in the detail is the bus's own; call it something else")
    if not entry.detail_type:
        raise MessageError("R0521: the event has no detail type")
    if source.startswith("aws."):
        raise MessageError(
            f"R0521: the source {source!r}: only AWS itself is a source whose name begins with aws."
        )


def _size(entry: EventEntry, source: str, detail: bytes) -> int:
    texts = (source, entry.detail_type, *entry.resources)
    return TIME_BYTES + len(detail) + sum(len(text.encode()) for text in texts)
