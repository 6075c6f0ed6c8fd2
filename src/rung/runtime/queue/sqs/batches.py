"""Ten at a time: what SQS takes in one request, several requests at once, and what became of each entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rung.errors import ApplicationError
from rung.runtime.aws.client import Caller
from rung.runtime.queue.sqs.envelope import SQS_BYTES_MAX, Outgoing

ENTRIES_MAX = 10
#: An entry that failed through no fault of ours is tried this often in all, each time in a batch of its own kind.
ATTEMPTS = 3

#: None: it is done. Else SQS's code and text.
Refusal = str | None


def packed(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Positions in batches of at most ten entries and 256 KiB, in order."""
    batch: list[int] = []
    total = 0
    for position, size in enumerate(sizes):
        if batch and (len(batch) == ENTRIES_MAX or total + size > SQS_BYTES_MAX):
            yield batch
            batch, total = [], 0
        batch.append(position)
        total += size
    if batch:
        yield batch


async def send(caller: Caller, url: str, messages: Sequence[Outgoing]) -> list[Refusal]:
    """Send all, several batches at once. Raises only when nothing at all was sent."""
    entries = [message.parameters for message in messages]
    return await _each(caller, "SendMessageBatch", url, entries, [message.size_bytes for message in messages])


async def delete(caller: Caller, url: str, handles: Sequence[str]) -> list[Refusal]:
    """Delete by receipt handle. Raises only when nothing at all was deleted."""
    entries = [{"ReceiptHandle": handle} for handle in handles]
    return await _each(caller, "DeleteMessageBatch", url, entries, [0] * len(entries))


async def change_visibility(
    caller: Caller, url: str, handles: Sequence[str], seconds: Sequence[int]
) -> list[Refusal]:
    """Hide messages for `seconds` from now; 0 shows them again. Raises only when nothing at all was changed."""
    entries = [
        {"ReceiptHandle": handle, "VisibilityTimeout": timeout}
        for handle, timeout in zip(handles, seconds, strict=True)
    ]
    return await _each(caller, "ChangeMessageVisibilityBatch", url, entries, [0] * len(entries))


async def _each(
    caller: Caller, operation: str, url: str, entries: Sequence[Mapping[str, Any]], sizes: Sequence[int]
) -> list[Refusal]:
    results: list[Refusal] = [None] * len(entries)
    failures: list[ApplicationError] = []

    async def one(batch: list[int]) -> None:
        try:
            refused = await _batch(caller, operation, url, {position: entries[position] for position in batch})
        except ApplicationError as error:
            failures.append(error)
            refused = dict.fromkeys(batch, str(error))
        for position, refusal in refused.items():
            results[position] = refusal

    batches = list(packed(sizes))
    await asyncio.gather(*(one(batch) for batch in batches))
    if failures and len(failures) == len(batches):
        raise failures[0]
    return results


async def _batch(
    caller: Caller, operation: str, url: str, entries: Mapping[int, Mapping[str, Any]]
) -> dict[int, str]:
    """The entries that were refused, and why."""
    refused: dict[int, str] = {}
    left = dict(entries)
    for attempt in range(1, ATTEMPTS + 1):
        listed = [{"Id": str(position), **entry} for position, entry in left.items()]
        answer = await caller.call(operation, url, QueueUrl=url, Entries=listed)
        failed = answer.get("Failed") or []
        refused = {int(each["Id"]): f"{each.get('Code')}: {each.get('Message', '')}" for each in failed}
        left = {int(each["Id"]): entries[int(each["Id"])] for each in failed if not each.get("SenderFault")}
        if not left or attempt == ATTEMPTS:
            break
        await asyncio.sleep(0.05 * attempt)
    return refused


def by(key: Callable[[Any], str], items: Sequence[Any]) -> dict[str, list[int]]:
    """Positions of items by what `key` says of them, in order."""
    groups: dict[str, list[int]] = {}
    for position, item in enumerate(items):
        groups.setdefault(key(item), []).append(position)
    return groups
