"""Queues: `orders = queue("orders")`, then `await orders.send(...)`. `Queue` says what every queue does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.runtime.queue.backoff import Backoff as Backoff
from rung.runtime.queue.message import MESSAGE_BYTES_MAX as MESSAGE_BYTES_MAX
from rung.runtime.queue.message import DeadLetter as DeadLetter
from rung.runtime.queue.message import Entry as Entry
from rung.runtime.queue.message import LaneStatistics as LaneStatistics
from rung.runtime.queue.message import Message as Message
from rung.runtime.queue.message import QueueStatistics as QueueStatistics
from rung.runtime.queue.message import Reject as Reject
from rung.runtime.queue.message import RetryAfter as RetryAfter
from rung.runtime.queue.message import SendResult as SendResult
from rung.runtime.queue.port import Capabilities as Capabilities
from rung.runtime.queue.port import Connection as Connection
from rung.runtime.queue.port import Queue as Queue
from rung.runtime.queue.registry import open_queue as open_queue
from rung.runtime.queue.registry import queue as queue

if TYPE_CHECKING:
    from rung.runtime.queue.postgres import PostgresQueue as PostgresQueue
    from rung.runtime.queue.postgres import install_queue as install_queue


def __getattr__(name: str) -> object:
    if name in {"PostgresQueue", "install_queue"}:  # the driver is imported only where it is used
        from rung.runtime.queue import postgres

        return getattr(postgres, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
