"""A message in this process, from its claim to the end of its lease."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rung.runtime.queue.message import Message

#: A message that was lost this often with its worker is handled alone, so that it takes no neighbour down.
SUSPECT_RECEIVE_COUNT = 3


@dataclass(slots=True, eq=False)
class Held:
    """Shared by the event loop and the heartbeat thread; every field is written by one of them only."""

    message: Message
    #: Monotonic time of the claim or of the last extension. Written by the heartbeat.
    leased_at: float
    #: Monotonic time at which the handler began. Written by the loop.
    started_at: float | None = None
    #: The handler has returned or raised; the broker is being told. Written by the loop.
    ended: bool = False
    #: The task that runs the handler. Written by the loop.
    task: asyncio.Task[None] | None = None
    #: How the running handler is interrupted.
    timeout: asyncio.Timeout | None = None
    #: The lease is gone: somebody else has the message.
    lost: bool = False

    def interruptible(self, timeout: asyncio.Timeout) -> None:
        """The handler has begun, and this ends it early."""
        self.timeout = timeout


def is_suspect(message: Message, max_receive_count: int) -> bool:
    """Whether the message may be what kills its workers."""
    bound = max(2, min(SUSPECT_RECEIVE_COUNT, max_receive_count))
    return message.after_loss and message.receive_count >= bound
