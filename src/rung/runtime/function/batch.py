"""A batch of messages, as Lambda hands it to a function: each handled as a worker does, and answered one by one.

What fails is sent back by the queue's own adapter, with its delay, its reason and its attempts, so that a message
has the same life as under a worker that asks for it. What is reported to Lambda as failed is only what that could
not be done for, and what was not begun in time: SQS delivers these again when their visibility timeout ends.
Sources: AWS, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source in Lambda".
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rung.runtime.log import logger
from rung.runtime.queue.delivery import Delivery
from rung.runtime.queue.message import Message, Reject, RetryAfter
from rung.runtime.queue.sqs.adapter import SqsQueue, lease_of
from rung.runtime.worker.calling import call_handler
from rung.runtime.worker.handler import Handler, describe, format_traceback
from rung.runtime.worker.observe import Observer

SOURCE = "aws:sqs"
#: Kept of an event's time to send back what failed and to answer.
ANSWER_SECONDS = 2.0
#: With less than this left, a message is not begun: it could only be cut off.
LEAST_SECONDS = 0.1
#: The event loop reads its clock once per round: a timeout may come this much early.
LOOP_CLOCK_SECONDS = 0.02

log = logger(__name__)
Record = Mapping[str, Any]


class EventError(ValueError):
    """An event that is no batch of messages from SQS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """`concurrency` messages of a batch at once, each at most `deadline_seconds`."""

    name: str
    concurrency: int = 10
    deadline_seconds: float = 25.0


class BatchHandler:
    """Handles batches of one queue."""

    def __init__(self, queue: SqsQueue, handler: Handler, settings: BatchSettings) -> None:
        self._queue = queue
        self._handler = handler
        self._settings = settings
        self._observer = Observer(settings.name, queue.name)
        self._lanes = {queue.url(lane).rpartition("/")[2]: lane for lane in queue.lanes}

    async def handle(self, event: object, ends_at: float) -> dict[str, list[dict[str, str]]]:
        """Handle every message of `event` before `ends_at` (monotonic seconds); the answer for Lambda.

        Raises EventError for an event of another kind.
        """
        records = records_of(event)
        by_lane: dict[str, list[Record]] = {}
        failed: list[Record] = []
        for record in records:
            lane = self._lanes.get(str(record["eventSourceARN"]).rpartition(":")[2])
            (failed if lane is None else by_lane.setdefault(lane, [])).append(record)
        if failed:
            log.error("a message of another queue", queue=self._queue.name, found=failed[0]["eventSourceARN"])
        room = asyncio.Semaphore(self._settings.concurrency)
        done = await asyncio.gather(*(self._lane(*each, room, ends_at) for each in by_lane.items()))
        failed += [record for each in done for record in each]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}

    async def _lane(
        self, lane: str, records: Sequence[Record], room: asyncio.Semaphore, ends_at: float
    ) -> list[Record]:
        """The records of a lane that Lambda must leave in their queue."""
        by_handle = {str(record["receiptHandle"]): record for record in records}
        received_at = time.monotonic()
        try:
            messages = await self._queue.admitted(lane, [raw_of(record) for record in records], received_at)
        except Exception as error:  # noqa: BLE001 - SQS or the outbox's database are away: it comes again
            log.warning("a batch was not begun", queue=self._queue.name, lane=lane, error=str(error))
            return list(records)
        ended = await asyncio.gather(*(self._one(message, room, ends_at) for message in messages))
        left = [message for message, is_ended in zip(messages, ended, strict=True) if not is_ended]
        return [by_handle[lease_of(message).handle] for message in left]

    async def _one(self, message: Message, room: asyncio.Semaphore, ends_at: float) -> bool:
        """Handle one message. False: Lambda must not delete it."""
        async with room:
            limit = min(self._settings.deadline_seconds, ends_at - ANSWER_SECONDS - time.monotonic())
            if limit < LEAST_SECONDS:
                self._observer.released([message])
                return False
            started = time.monotonic()
            try:
                await call_handler(self._handler, message, Delivery(), limit)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is an outcome
                return await self._sent_back(message, error, time.monotonic() - started, limit)
            self._observer.handled(message, time.monotonic() - started)
            return True

    async def _sent_back(self, message: Message, error: Exception, seconds: float, limit: float) -> bool:
        trace, last = format_traceback(error), message.receive_count >= self._queue.max_receive_count
        delay: float | None = None
        match error:
            case Reject():
                reason, last = error.reason, True
            case RetryAfter():
                reason, delay = error.reason, error.seconds
            case TimeoutError() if seconds >= limit - LOOP_CLOCK_SECONDS:
                reason = f"deadline exceeded: {limit:.3g} s"
            case _:
                reason = describe(error)
        self._observer.failed(message, reason, error, seconds, last=last)
        try:
            if isinstance(error, Reject):
                return await self._queue.dead_letter(message, reason=reason, traceback=trace)
            return await self._queue.retry(message, reason=reason, delay_seconds=delay, traceback=trace)
        except Exception as refusal:  # noqa: BLE001 - SQS is away, or refuses: then the original stays there
            log.warning("a message was not sent back", id=message.id, error=str(refusal))
            return False


def records_of(event: object) -> list[Record]:
    """The messages of an event. Raises EventError when it is not of SQS."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        raise EventError("the event has no Records: a worker is started by its queue, and by nothing else")
    for record in records:
        if not isinstance(record, dict) or record.get("eventSource") != SOURCE:
            source = record.get("eventSource") if isinstance(record, dict) else None
            raise EventError(f"an event of {source!r}: a worker is started by its queue, and by nothing else")
    return records


def raw_of(record: Record) -> dict[str, Any]:
    """A message of an event as `ReceiveMessage` gives it."""
    return {
        "MessageId": record["messageId"],
        "ReceiptHandle": record["receiptHandle"],
        "Body": record["body"],
        "Attributes": record["attributes"],
        "MessageAttributes": {name: _attribute(value) for name, value in record["messageAttributes"].items()},
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    if value.get("binaryValue") is not None:
        return {"DataType": value["dataType"], "BinaryValue": base64.b64decode(value["binaryValue"])}
    return {"DataType": value["dataType"], "StringValue": value.get("stringValue") or ""}
