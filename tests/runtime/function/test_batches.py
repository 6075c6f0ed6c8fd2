"""A batch of SQS as Lambda hands it over: every message has the life that it has under a worker."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from tests.aws.emulator import REGION, Emulator
from tests.runtime.function.lambda_interface import arn_of, received

from rung.runtime.bindings import QueueBinding
from rung.runtime.context import current
from rung.runtime.function.batch import BatchHandler, BatchSettings, EventError
from rung.runtime.queue import Message, Reject, RetryAfter, install_queue
from rung.runtime.queue.outbox import flush_written
from rung.runtime.queue.outbox.relay import Relay
from rung.runtime.queue.sqs import SqsQueue

LANES = ("urgent", "bulk")
MOST = 3
#: The example of AWS, "Using Lambda with Amazon SQS": sent by somebody who knows no envelope.
FOREIGN: dict[str, Any] = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "body": "Test message.",
    "attributes": {
        "ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183", "SenderId": "AIDAIENQZJOLO23YVJ4VO",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
    "messageAttributes": {
        "myAttribute": {
            "stringValue": "myValue", "stringListValues": [], "binaryListValues": [], "dataType": "String"
        }
    },
    "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
    "eventSource": "aws:sqs",
    "eventSourceARN": "",
    "awsRegion": REGION,
}  # fmt: skip

Handle = Callable[[Message], Awaitable[None]]


@pytest.fixture
async def orders(aws: Emulator) -> AsyncIterator[SqsQueue]:
    made: dict[str, Any] = dict(aws.create_queue(f"orders-{secrets.token_hex(4)}", LANES, MOST))
    binding = QueueBinding(adapter="sqs", **made, region=REGION, lanes=LANES, max_receive_count=MOST)
    queue = SqsQueue("orders", binding)
    yield queue
    await queue.close()


def batches(orders: SqsQueue, handle: Handle, **settings: Any) -> BatchHandler:
    return BatchHandler(orders, handle, BatchSettings(name="thumbs", **settings))


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


async def batch_of(aws: Emulator, orders: SqsQueue, *bodies: object, lane: str = "bulk", **more: Any) -> Any:
    """Send, and receive as Lambda does."""
    for body in bodies:
        await orders.send(body, lane=lane, **more)
    found = await asyncio.to_thread(received, aws.client("sqs"), orders.url(lane))
    assert len(found) == len(bodies)
    return {"Records": found}


def failures(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


async def test_messages_reach_the_handler_as_they_were_sent(aws: Emulator, orders: SqsQueue) -> None:
    seen: list[tuple[bytes, str, str | None, int]] = []

    async def handle(message: Message) -> None:
        tenant, deadline = current().tenant, current().deadline
        assert deadline is not None
        assert 0 < deadline.remaining() <= 5
        seen.append((message.body, current().correlation_id, tenant and tenant.id, message.receive_count))

    headers = {"x-correlation-id": "abc-123", "x-rung-tenant": "acme"}
    event = await batch_of(aws, orders, {"id": 7}, b"\x00\xff", headers=headers)
    answer = await batches(orders, handle, deadline_seconds=5.0).handle(event, soon())
    assert failures(answer) == []
    assert sorted(seen) == [(b"\x00\xff", "abc-123", "acme", 1), (b'{"id":7}', "abc-123", "acme", 1)]


async def test_what_nobody_of_ours_sent_is_delivered_as_it_is(orders: SqsQueue) -> None:
    seen: list[Message] = []

    async def handle(message: Message) -> None:
        seen.append(message)

    record = {**FOREIGN, "eventSourceARN": arn_of(orders.url("urgent"))}
    answer = await batches(orders, handle).handle({"Records": [record]}, soon())
    assert failures(answer) == []
    (message,) = seen
    assert (message.id, message.lane, message.body) == (FOREIGN["messageId"], "urgent", b"Test message.")
    assert message.headers["myAttribute"] == "myValue"


async def test_a_failure_is_sent_back_with_its_reason_and_the_others_are_done(
    aws: Emulator, orders: SqsQueue
) -> None:
    async def handle(message: Message) -> None:
        match message.json():
            case "refuse":
                raise Reject("no such order")
            case "later":
                raise RetryAfter(120, "the bank sleeps")
            case "fail":
                raise ValueError("out of luck")

    event = await batch_of(aws, orders, '"good"', '"refuse"', '"later"', '"fail"')
    answer = await batches(orders, handle).handle(event, soon())
    assert failures(answer) == []  # nothing is left for SQS: copies carry attempts and reason
    (letter,) = await orders.dead_letters()
    assert (letter.reason, letter.body) == ("no such order", b'"refuse"')
    counts = (await orders.statistics()).lanes["bulk"]
    assert counts.delayed >= 1  # "later"; the other waits for a random part of a second
    assert counts.delayed + counts.ready == 2


async def test_the_last_attempt_ends_in_the_dead_letter_queue(aws: Emulator, orders: SqsQueue) -> None:
    async def handle(message: Message) -> None:
        raise ValueError("out of luck")

    await orders.send(b"x", lane="bulk")
    for _ in range(MOST):
        aws.advance(60)
        found = await asyncio.to_thread(received, aws.client("sqs"), orders.url("bulk"))
        assert failures(await batches(orders, handle).handle({"Records": found}, soon())) == []
    (letter,) = await orders.dead_letters()
    assert (letter.reason, letter.attempts) == ("ValueError: out of luck", MOST)


async def test_what_cannot_be_begun_in_time_stays_in_its_queue(aws: Emulator, orders: SqsQueue) -> None:
    begun: list[str] = []

    async def handle(message: Message) -> None:
        begun.append(message.id)

    event = await batch_of(aws, orders, b"x", b"y")
    answer = await batches(orders, handle).handle(event, soon(2.0))
    assert begun == []
    assert sorted(failures(answer)) == sorted(record["messageId"] for record in event["Records"])


async def test_a_handler_that_does_not_end_is_ended_and_its_message_sent_back(
    aws: Emulator, orders: SqsQueue
) -> None:
    async def handle(message: Message) -> None:
        await asyncio.Event().wait()

    event = await batch_of(aws, orders, b"x")
    answer = await batches(orders, handle, deadline_seconds=0.2).handle(event, soon())
    assert failures(answer) == []
    aws.advance(60)
    (again,) = await asyncio.to_thread(received, aws.client("sqs"), orders.url("bulk"))
    told = json.loads(again["messageAttributes"]["rung"]["stringValue"])
    assert told["error"].startswith("deadline exceeded: 0.2 s")
    assert told["attempts"] == 1


async def test_no_handler_has_longer_than_lambda_leaves_it(aws: Emulator, orders: SqsQueue) -> None:
    left: list[float] = []

    async def handle(message: Message) -> None:
        deadline = current().deadline
        assert deadline is not None
        left.append(deadline.remaining())

    event = await batch_of(aws, orders, b"x")
    await batches(orders, handle, deadline_seconds=600.0).handle(event, soon(60.0))
    assert 0 < left[0] <= 58.0


async def test_no_more_of_a_batch_at_once_than_is_asked_for(aws: Emulator, orders: SqsQueue) -> None:
    under_way, most = 0, 0

    async def handle(message: Message) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    event = await batch_of(aws, orders, *(b"x" for _ in range(6)))
    await batches(orders, handle, concurrency=2).handle(event, soon())
    assert most == 2


async def test_a_delay_beyond_sqs_goes_on_and_no_handler_sees_it(aws: Emulator, orders: SqsQueue) -> None:
    async def handle(message: Message) -> None:
        raise AssertionError("too early")

    await orders.send(b"x", lane="bulk", delay_seconds=3_600)
    aws.advance(901)
    found = await asyncio.to_thread(received, aws.client("sqs"), orders.url("bulk"))
    assert len(found) == 1
    assert failures(await batches(orders, handle).handle({"Records": found}, soon())) == []
    assert (await orders.statistics()).delayed == 1


async def test_a_message_of_another_queue_is_left_there(orders: SqsQueue) -> None:
    async def handle(message: Message) -> None:
        raise AssertionError("not ours")

    record = {**FOREIGN, "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:somebody-elses"}
    answer = await batches(orders, handle).handle({"Records": [record]}, soon())
    assert failures(answer) == [FOREIGN["messageId"]]


@pytest.mark.parametrize(
    "event", [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, {"detail-type": "x"}, "text", None]
)
async def test_an_event_of_something_else_is_an_error(orders: SqsQueue, event: object) -> None:
    async def handle(message: Message) -> None:
        raise AssertionError("not a message")

    with pytest.raises(EventError):
        await batches(orders, handle).handle(event, soon())


async def test_what_a_handler_sends_in_a_transaction_is_there_before_the_function_is_frozen(
    aws: Emulator, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relay, "start", lambda _: None)  # nobody moves it in the background: that is frozen
    connection = await asyncpg.connect(postgres_url)
    made: dict[str, Any] = dict(aws.create_queue(f"mails-{secrets.token_hex(4)}", ("default",), MOST))
    mails = SqsQueue("mails", QueueBinding(adapter="sqs", **made, region=REGION, url=postgres_url))
    try:
        await install_queue(connection)
        async with connection.transaction():
            await mails.send(b"x", transaction=connection)
        assert (await mails.statistics()).ready == 0
        await flush_written(20.0)
        assert (await mails.statistics()).ready == 1
    finally:
        await mails.close()
        await connection.close()
