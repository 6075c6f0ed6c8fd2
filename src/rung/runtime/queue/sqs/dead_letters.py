"""Reading and emptying the dead-letter queues of SQS, which lends messages and cannot list them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from rung.runtime.aws.client import Caller
from rung.runtime.errors import UnavailableError
from rung.runtime.queue.envelope import Envelope
from rung.runtime.queue.message import REASON_WORKER_LOST, DeadLetter
from rung.runtime.queue.sqs import batches
from rung.runtime.queue.sqs.envelope import incoming, outgoing

#: For how long a letter that is looked at is hidden from others who look.
BORROWED_SECONDS = 60
#: A round that finds nothing does not mean that there is nothing: SQS asks a sample of its servers.
EMPTY_ROUNDS = 2


class Owner(Protocol):
    """What is needed of the queue."""

    name: str
    lanes: Sequence[str]
    max_receive_count: int
    fair: bool

    def url(self, lane: str) -> str:
        """The queue of a lane."""
        ...

    def dead_letter_url(self, lane: str) -> str | None:
        """The dead-letter queue of a lane."""
        ...


@dataclass(frozen=True, slots=True)
class _Borrowed:
    handle: str
    body: bytes
    envelope: Envelope
    #: SQS's own time of sending, for a letter that SQS itself moved here.
    sent_at: float


class DeadLetters:
    """The dead-letter queues of one queue's lanes."""

    def __init__(self, caller: Caller, owner: Owner) -> None:
        self._caller = caller
        self._owner = owner

    async def newest(self, limit: int) -> list[DeadLetter]:
        """The newest of those that SQS shows; they go back unharmed."""
        letters: list[DeadLetter] = []
        for lane, url in self._queues():
            seen: list[_Borrowed] = []
            try:
                async for borrowed in self._borrow(url):
                    seen += borrowed
                    if len(seen) >= limit:
                        break
            finally:
                await self._give_back(url, seen)
            letters += [self._letter(lane, each) for each in seen]
        return sorted(letters, key=lambda letter: letter.died_at, reverse=True)[:limit]

    async def redrive(self, ids: Sequence[str] | None) -> int:
        """Send all, or those with these ids, back to their lanes."""
        moved = 0
        for lane, url in self._queues():
            kept: list[_Borrowed] = []
            # What dies again meanwhile stays dead, or a worker that rejects it would keep us for ever.
            done: set[str] = set()
            try:
                async for borrowed in self._borrow(url):
                    wanted = [each for each in borrowed if ids is None or each.envelope.id in ids]
                    chosen = [each for each in wanted if each.envelope.id not in done]
                    kept += [each for each in borrowed if each not in chosen]
                    moved += await self._send_back(lane, url, chosen)
                    done.update(each.envelope.id for each in chosen)
            finally:
                await self._give_back(url, kept)
        return moved

    def _queues(self) -> list[tuple[str, str]]:
        urls = [(lane, self._owner.dead_letter_url(lane)) for lane in self._owner.lanes]
        return [(lane, url) for lane, url in urls if url is not None]

    async def _borrow(self, url: str) -> AsyncIterator[list[_Borrowed]]:
        """Everything in the queue, in rounds; each letter once, because it stays hidden meanwhile."""
        empty = 0
        while empty < EMPTY_ROUNDS:
            answer = await self._caller.call(
                "ReceiveMessage",
                url,
                QueueUrl=url,
                MaxNumberOfMessages=batches.ENTRIES_MAX,
                VisibilityTimeout=BORROWED_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            borrowed = [_borrowed(raw) for raw in answer.get("Messages") or []]
            empty = 0 if borrowed else empty + 1
            if borrowed:
                yield borrowed

    async def _give_back(self, url: str, borrowed: Sequence[_Borrowed]) -> None:
        if borrowed:
            handles = [each.handle for each in borrowed]
            await batches.change_visibility(self._caller, url, handles, [0] * len(handles))

    async def _send_back(self, lane: str, url: str, chosen: Sequence[_Borrowed]) -> int:
        if not chosen:
            return 0
        copies = [outgoing(each.body, _renewed(each.envelope), fair=self._owner.fair) for each in chosen]
        refusals = await batches.send(self._caller, self._owner.url(lane), copies)
        sent = [each for each, refusal in zip(chosen, refusals, strict=True) if refusal is None]
        if sent:
            await batches.delete(self._caller, url, [each.handle for each in sent])
        if len(sent) < len(chosen):
            raise UnavailableError(
                f"SQS took {len(sent)} of {len(chosen)}: {next(each for each in refusals if each)}"
            )
        return len(sent)

    def _letter(self, lane: str, borrowed: _Borrowed) -> DeadLetter:
        envelope = borrowed.envelope
        died_at = envelope.died_at or max(borrowed.sent_at, envelope.sent_at)
        return DeadLetter(
            id=envelope.id,
            queue=self._owner.name,
            lane=lane,
            body=borrowed.body,
            headers=envelope.headers,
            sent_at=datetime.fromtimestamp(envelope.sent_at, UTC),
            died_at=datetime.fromtimestamp(died_at, UTC),
            # SQS moved it by itself: nobody has ended its last delivery.
            attempts=envelope.attempts if envelope.reason else self._owner.max_receive_count,
            reason=envelope.reason or REASON_WORKER_LOST,
            traceback=envelope.traceback or envelope.error,
            origin=envelope.origin or "sqs",
        )


def _borrowed(raw: dict[str, Any]) -> _Borrowed:
    body, envelope = incoming(raw)
    return _Borrowed(raw["ReceiptHandle"], body, envelope, int(raw["Attributes"]["SentTimestamp"]) / 1000)


def _renewed(envelope: Envelope) -> Envelope:
    """As it was first sent. Who dies between copy and deletion leaves both: a receiver asks for the other one."""
    return Envelope(id=envelope.id, sent_at=envelope.sent_at, headers=envelope.headers, redriven=True)
