"""What the conformance suites of queues and workers need from whoever runs them against a backend."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

from rung.runtime.queue import Backoff, Queue

LANES = ("high", "middle", "low")


class QueueHarness(Protocol):
    """What the suite needs from whoever runs it against a backend."""

    def open(
        self,
        *,
        lanes: tuple[str, ...] = LANES,
        visibility_timeout_seconds: float = 30.0,
        max_receive_count: int = 3,
        backoff: Backoff | None = None,
        deduplication_window_seconds: float = 300.0,
        delay_seconds: float = 0.0,
        fair: bool = False,
    ) -> Queue:
        """A handle on the one queue of this test. Two handles are two processes. Closed by the harness."""
        ...

    async def advance(self, seconds: float) -> None:
        """Let this much of the broker's time pass, without waiting for it where that can be done."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction to send in. Called only with the capability `transactional_send`."""
        ...

    async def crash_broker(self) -> None:
        """End the broker as a crash does, and start it again. Called only with the capability `durable`."""
        ...


@runtime_checkable
class Partitions(Protocol):
    """A harness that can also cut its backend off; without it the test of partitions is skipped."""

    async def divert(self) -> None:
        """Queues that are opened from now on can be cut off."""
        ...

    def cut_off(self) -> AbstractAsyncContextManager[None]:
        """While entered, what they send vanishes, and nothing reaches them; nobody is told."""
        ...
